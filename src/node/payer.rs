//! Paying: in a channel with the payee where one carries it, else over locks along paths through the network.
//!
//! A payment over locks runs as a task of its own, so that it ends well whether or not anybody still waits for it; who asks
//! for the same payment again joins it. What must survive the tab is in the engine's records: the payment, stored in the
//! step of its first lock, and how each part ended, stored in the step that ends it.

mod onion;
mod plan;
mod run;
mod wind_down;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{Either, select};
use futures::pin_mut;

use crate::chain::Provider;
use crate::engine::records::{PARTS, PartRecord, SENT, read, sent_key};
use crate::engine::routed::SentRecord;
use crate::engine::{Command, EngineError, PaymentView, Reply};
use crate::protocol::{Address, Amount, B256, ChannelId, Memo, PaymentId, PublicKey};
use crate::routing::{ExtraChannel, MAX_PARTS, Path};
use crate::store::{Scan, Store, StoreError};
use crate::transport::Dial;

use super::driver::Shared;
use super::recovery::everything_under;
use super::services::Platform;
use super::{Node, NodeError, NodeEvent, Runtime};

use plan::{Ask, Own};

/// How long whoever cancels waits to hear that nothing was paid.
const CANCEL_WITHIN: Duration = Duration::from_secs(5);

type Outcome = Result<PaymentView, NodeError>;

/// A payment to be made.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Names it for payer and payee. It is made once, however often it is asked for.
    pub id: PaymentId,
    /// Who is paid, or in which channel.
    pub payee: Payee,
    /// What the payee is to get.
    pub amount: Amount,
    /// A note for the payee.
    pub memo: Option<Memo>,
    /// The hash of the payee's request that this pays.
    pub request: Option<B256>,
    /// The payee's session key, where the request says it; else it is looked for.
    pub target: Option<PublicKey>,
    /// True when even a partner is paid over locks: it can then refuse, and the secret proves that it was paid.
    pub over_locks: bool,
    /// True when the id may have been used before: storage is asked first.
    pub again: bool,
    /// Which ways may be taken.
    pub limits: Limits,
}

/// Who is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payee {
    /// The partner of this channel, in this channel only.
    Channel(ChannelId),
    /// A wallet, over whatever leads to it.
    Wallet {
        /// The wallet.
        to: Address,
        /// In which token.
        token: Address,
    },
}

/// Which ways a payment may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most that all mediators together may get.
    pub max_fee: Amount,
    /// The most parts at a time.
    pub max_parts: usize,
    /// Wallets that must not pass it on.
    pub exclude: Vec<Address>,
    /// Channels that are not known from the chain or not announced.
    pub hints: Vec<ExtraChannel>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_fee: Amount::MAX, max_parts: MAX_PARTS, exclude: Vec::new(), hints: Vec::new() }
    }
}

/// What a payment would cost, and how it would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Who would pay.
    pub from: Address,
    /// True when it would be made in a channel with the payee.
    pub direct: bool,
    /// What the mediators would get.
    pub fee: Amount,
    /// The parts.
    pub parts: Vec<Path>,
}

/// Which way a payment goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// In a channel with the payee.
    Direct,
    /// A part of it along a path from this wallet.
    Part {
        /// The part's number.
        number: u32,
        /// This wallet.
        from: Address,
        /// The path.
        path: Path,
    },
}

/// Who pays whom in what.
#[derive(Clone, Copy, Debug)]
struct Parties {
    from: Address,
    to: Address,
    token: Address,
}

/// The payments that are being made.
#[derive(Debug, Default)]
pub(super) struct Payer {
    running: RefCell<Vec<Running>>,
}

#[derive(Debug)]
struct Running {
    id: PaymentId,
    payee: Payee,
    amount: Amount,
    cancel: mpsc::UnboundedSender<()>,
    waiting: Vec<oneshot::Sender<Outcome>>,
}

impl Payer {
    /// Waits for a payment that is being made, if it is.
    fn join(&self, id: PaymentId) -> Option<oneshot::Receiver<Outcome>> {
        let mut running = self.running.borrow_mut();
        let running = running.iter_mut().find(|running| running.id == id)?;
        let (sender, outcome) = oneshot::channel();
        running.waiting.push(sender);
        Some(outcome)
    }

    /// Notes that a payment is being made; the receiver hears when it is to be given up.
    fn enter(&self, id: PaymentId, payee: Payee, amount: Amount) -> mpsc::UnboundedReceiver<()> {
        let (cancel, cancelled) = mpsc::unbounded();
        self.running.borrow_mut().push(Running { id, payee, amount, cancel, waiting: Vec::new() });
        cancelled
    }

    /// Notes that it ended, and tells who waited.
    fn leave(&self, id: PaymentId, outcome: &Outcome) {
        let mut running = self.running.borrow_mut();
        let Some(at) = running.iter().position(|running| running.id == id) else { return };
        let ended = running.remove(at);
        drop(running);
        for waiting in ended.waiting {
            let _ = waiting.send(outcome.clone());
        }
    }

    fn is_other(&self, payment: &Payment) -> bool {
        let running = self.running.borrow();
        let same = running.iter().find(|running| running.id == payment.id);
        same.is_some_and(|running| running.payee != payment.payee || running.amount != payment.amount)
    }

    /// True while a payment is being made, or wound down.
    pub(super) fn is_running(&self, id: PaymentId) -> bool {
        self.running.borrow().iter().any(|running| running.id == id)
    }

    fn cancel(&self, id: PaymentId) {
        if let Some(running) = self.running.borrow().iter().find(|running| running.id == id) {
            let _ = running.cancel.unbounded_send(());
        }
    }
}

impl<S, P, D, R> Node<S, P, D, R>
where
    S: Store + 'static,
    P: Provider + Clone + 'static,
    D: Dial + 'static,
    R: Runtime,
{
    /// Pays once: in a channel with the payee where a ready one carries it, else over the network. Resolves when the payee
    /// has it, or surely never will. Whoever asks for the same payment again gets the outcome of the first.
    ///
    /// # Errors
    /// [`NodeError`] says why it was not made.
    pub async fn pay(&self, payment: Payment) -> Outcome {
        let shared = self.shared();
        if shared.payer.is_other(&payment) {
            return Err(EngineError::DuplicatePayment.into());
        }
        if let Some(outcome) = shared.payer.join(payment.id) {
            return outcome.await.unwrap_or(Err(NodeError::Closed));
        }
        if !payment.again
            && let Some(channel) = shared.direct(&payment)
        {
            return shared.pay_directly(channel, &payment).await;
        }
        let cancelled = shared.payer.enter(payment.id, payment.payee, payment.amount);
        let outcome = shared.payer.join(payment.id);
        let task = Rc::clone(shared);
        shared.runtime.spawn(Box::pin(async move {
            let outcome = task.pay_once(&payment, cancelled).await;
            task.payer.leave(payment.id, &outcome);
        }));
        match outcome {
            Some(outcome) => outcome.await.unwrap_or(Err(NodeError::Closed)),
            None => Err(NodeError::Closed),
        }
    }

    /// Takes a payment back while nothing is signed, or gives it up while nothing is paid. True when surely nothing was paid;
    /// false when that is not known yet.
    ///
    /// # Errors
    /// [`EngineError::UnknownPayment`] when it is not under way.
    pub async fn cancel_payment(&self, payment: PaymentId) -> Result<bool, NodeError> {
        for channel in self.channels().await? {
            match self.command(Command::CancelPayment { channel: channel.id, payment }).await {
                Err(NodeError::Engine(EngineError::UnknownPayment)) => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(true),
            }
        }
        let shared = self.shared();
        let outcome = shared.payer.join(payment).ok_or(EngineError::UnknownPayment)?;
        shared.payer.cancel(payment);
        let patience = shared.runtime.sleep(CANCEL_WITHIN);
        pin_mut!(outcome, patience);
        match select(outcome, patience).await {
            Either::Left((outcome, _)) => Ok(matches!(outcome, Ok(Err(_)))),
            Either::Right(_) => Ok(false),
        }
    }

    /// What a payment would cost and how it would go. Nothing is reserved: a moment later it may be otherwise.
    ///
    /// # Errors
    /// As [`Node::pay`] before anything is locked.
    pub async fn quote(
        &self,
        to: Address,
        token: Address,
        amount: Amount,
        limits: &Limits,
    ) -> Result<Quote, NodeError> {
        let shared = self.shared();
        let parties = shared.parties(to, token)?;
        let own = shared.own(&parties).await?;
        let from = parties.from;
        if let Some(channel) = own.direct(amount).filter(|_| !amount.is_zero()) {
            let parts = vec![plan::Keyed::direct(channel, to, amount).path];
            return Ok(Quote { from, direct: true, fee: Amount::ZERO, parts });
        }
        own.covers(amount)?;
        shared.network.ready().await?;
        let ask = Ask { parties: &parties, own: &own, limits, amount, now: shared.time() };
        let parts = shared.network.with_graph(|graph| ask.plan(graph))?;
        let parts: Vec<Path> = parts.into_iter().map(|part| part.path).collect();
        let fee = parts.iter().try_fold(Amount::ZERO, |sum, part| sum.checked_add(part.fee));
        Ok(Quote { from, direct: false, fee: fee.map_err(EngineError::from)?, parts })
    }

    /// The most that could be paid to a wallet now, in parts and by any way. In between there may be less.
    ///
    /// # Errors
    /// [`NodeError::Chain`] when the network cannot be read.
    pub async fn estimate_capacity(&self, to: Address, token: Address) -> Result<Amount, NodeError> {
        let shared = self.shared();
        let parties = shared.parties(to, token)?;
        let own = shared.own(&parties).await?;
        shared.network.ready().await?;
        let limits = Limits::default();
        let ask = Ask { parties: &parties, own: &own, limits: &limits, amount: Amount::new(1), now: shared.time() };
        Ok(shared.network.with_graph(|graph| ask.capacity(graph)))
    }
}

impl<K: Platform> Shared<K> {
    fn parties(&self, to: Address, token: Address) -> Result<Parties, NodeError> {
        let from = self.engine.borrow().wallet();
        if from == to {
            return Err(EngineError::InvalidArgument("a wallet cannot pay itself".into()).into());
        }
        Ok(Parties { from, to, token })
    }

    async fn own(&self, parties: &Parties) -> Result<Own, NodeError> {
        let parties = *parties;
        self.read(move |engine| Own::new(&engine.channels(), &parties)).await
    }

    /// The channel in which a payment can be made at once. What the engine says may not be stored yet, but what follows from
    /// it is stored after it.
    fn direct(&self, payment: &Payment) -> Option<ChannelId> {
        match payment.payee {
            Payee::Channel(channel) => Some(channel),
            Payee::Wallet { to, token } => {
                let parties = self.parties(to, token).ok().filter(|_| !payment.over_locks)?;
                Own::new(&self.engine.borrow().channels(), &parties).direct(payment.amount)
            }
        }
    }

    async fn pay_directly(&self, channel: ChannelId, payment: &Payment) -> Outcome {
        if let Payee::Wallet { .. } = payment.payee {
            self.emit(NodeEvent::Way { payment: payment.id, way: Way::Direct });
        }
        let Payment { id, amount, memo, .. } = payment.clone();
        match self.ask(Command::Pay { channel, payment: id, amount, memo }).await {
            Ok(Ok(Reply::Payment(view))) => Ok(view),
            Ok(Ok(Reply::Channel(_) | Reply::Done | Reply::Request(_) | Reply::Part { .. }))
            | Err(oneshot::Canceled) => Err(NodeError::Closed),
            Ok(Err(error)) => Err(error),
        }
    }

    async fn pay_once(self: &Rc<Self>, payment: &Payment, mut cancelled: mpsc::UnboundedReceiver<()>) -> Outcome {
        let mut first = 0;
        if payment.again {
            if self.was_made_directly(payment.id).await? {
                return Err(EngineError::DuplicatePayment.into());
            }
            if let Some(record) = self.sent(payment.id).await? {
                if !is_same(&record, payment) {
                    return Err(EngineError::DuplicatePayment.into());
                }
                let ended = self.wind_down(record).await;
                if ended.is_ok() || self.ended.borrow().is_some() {
                    return ended;
                }
                // Nothing of it was paid: it may be tried again, under numbers that no part had.
                let last = self.parts_of(payment.id).await?.iter().map(|part| part.origin.part).max();
                first = last.map_or(0, |last| last.saturating_add(1));
            }
        }
        if let Some(channel) = self.direct(payment) {
            return self.pay_directly(channel, payment).await;
        }
        let Payee::Wallet { to, token } = payment.payee else { return Err(EngineError::UnknownChannel.into()) };
        let parties = self.parties(to, token)?;
        let planned = self.prepare(payment, &parties, first, &mut cancelled).await;
        let run = match planned {
            Ok(run) => run,
            Err(error) => {
                // The payee may come back: in a channel of its own the payment waits for it.
                let idle = self.own(&parties).await?.idle(payment.amount);
                let waits = !payment.over_locks && error != EngineError::PaymentCancelled.into();
                let idle = idle.filter(|_| waits).ok_or(error)?;
                return self.pay_directly(idle, payment).await;
            }
        };
        run.make(&mut cancelled).await
    }

    /// True when a payment with this id was ever signed in a channel. In any: the application may have left the choice of the
    /// channel to the client.
    async fn was_made_directly(&self, payment: PaymentId) -> Result<bool, NodeError> {
        let store = self.store();
        for channel in self.read(|engine| engine.channels()).await? {
            if self.made.contains(&*store, channel.id, payment).await? {
                return Ok(true);
            }
        }
        Ok(self.engine.borrow().is_waiting(payment))
    }

    /// What is stored of a payment over locks that began here.
    async fn sent(&self, payment: PaymentId) -> Result<Option<SentRecord>, StoreError> {
        let stored = self.store().get(&sent_key(payment)).await?;
        stored.map(|bytes| read(&bytes)).transpose()
    }

    /// How the parts of a payment ended that did.
    async fn parts_of(&self, payment: PaymentId) -> Result<Vec<PartRecord>, StoreError> {
        let from = [&[PARTS], payment.0.as_slice()].concat();
        let to = [from.as_slice(), &[0xff; 5]].concat();
        let (from, to) = (std::ops::Bound::Included(from), std::ops::Bound::Excluded(to));
        let records = self.store().scan(Scan { from, to, backwards: false, limit: usize::MAX }).await?;
        records.iter().map(|(_, value)| read(value)).collect()
    }

    /// Takes up the payments that were under way when the storage was left: nobody may be left with half of one.
    ///
    /// # Errors
    /// [`StoreError`] when records cannot be read.
    pub(super) async fn take_up_payments(self: &Rc<Self>) -> Result<(), StoreError> {
        for (_, value) in self.store().scan(everything_under(SENT)).await? {
            let record: SentRecord = read(&value)?;
            if record.end.is_some() {
                continue;
            }
            let payee = Payee::Wallet { to: record.to, token: record.token };
            let id = record.payment;
            drop(self.payer.enter(id, payee, record.amount));
            let shared = Rc::clone(self);
            self.runtime.spawn(Box::pin(async move {
                let outcome = shared.wind_down(record).await;
                shared.payer.leave(id, &outcome);
            }));
        }
        Ok(())
    }
}

fn is_same(record: &SentRecord, payment: &Payment) -> bool {
    let payee = Payee::Wallet { to: record.to, token: record.token };
    payee == payment.payee && record.amount == payment.amount && record.request == payment.request
}
