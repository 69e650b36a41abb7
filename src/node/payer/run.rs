//! One payment over locks, from its plan to its end.
//!
//! The target gets a share of one root secret with every part, so that it needs to ask nothing, and can take all parts or
//! none. A part that failed is tried again by another way under a fresh number, which gives it a fresh secret, but with the
//! same share, because the other parts depend on the root. Therefore a retry waits until the earlier lock is surely gone,
//! cancelled with a countersignature or ended by the chain's word, which is when the engine answers: were both pending, the
//! target could take both.

use std::rc::Rc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{Either, select, select_all};
use futures::{FutureExt, StreamExt, pin_mut};

use crate::engine::records::{sent_key, write};
use crate::engine::routed::{SentEnd, SentRecord};
use crate::engine::{ChannelView, Command, EngineError, Event, LockPolicy, Part, PaymentView, Reply};
use crate::node::driver::Shared;
use crate::node::services::Platform;
use crate::node::{NodeError, NodeEvent, Runtime};
use crate::protocol::{Address, Amount, Delivery, LockRefusal, PublicKey, Timestamp, part_secret};
use crate::routing::{Failure, Path, PathHop};
use crate::store::StoreError;

use super::onion::{random, seal};
use super::plan::{Ask, Keyed, Own};
use super::{Limits, Parties, Payment, Way};

/// How many locks a payment may make beside those of its plan.
const RETRIES: usize = 16;
/// How often a payee that may have been away is told that no more parts come.
const TELL_AGAIN: Duration = Duration::from_secs(5);

type Share = [u8; 32];

/// How far off the locks' end is, in seconds: every account on the way needs a margin, and some to find out that another is
/// gone; and no more, because a silent mediator holds the money up for so long.
fn life(policy: &LockPolicy) -> Timestamp {
    policy.margin.saturating_mul(12).min(policy.tail / 2)
}

/// A part that is to be locked.
struct Lock {
    keyed: Keyed,
    number: u32,
    share: Share,
    command: Command,
}

/// A part whose lock is made.
struct Live {
    keyed: Keyed,
    share: Share,
    answer: oneshot::Receiver<Answer>,
}

type Answer = Result<Reply, NodeError>;

/// What a payment waits for.
enum Happened {
    Answer(usize, Box<Answer>),
    Cancelled,
    Pause,
}

/// A payment that is being made.
pub(super) struct Run<K: Platform> {
    shared: Rc<Shared<K>>,
    parties: Parties,
    limits: Limits,
    record: SentRecord,
    root: Share,
    plan: Vec<Keyed>,
    /// The number of the next part. None is ever used twice.
    next: u32,
    live: Vec<Live>,
    tried: Vec<Path>,
    /// How many more locks may be made.
    left: usize,
    paid: Amount,
    fee: Amount,
    reason: Option<LockRefusal>,
    /// Why it is pointless to go on, when that is not a part's fault.
    error: Option<NodeError>,
    giving_up: bool,
}

impl<K: Platform> Shared<K> {
    /// Plans a payment. Nothing has happened after it.
    ///
    /// # Errors
    /// [`NodeError::NoRoute`], [`NodeError::FeeTooHigh`], [`EngineError::InsufficientCapacity`],
    /// [`EngineError::PartnerOffline`], [`EngineError::PaymentCancelled`]; [`NodeError::Chain`] when the network cannot be read.
    pub(super) async fn prepare(
        self: &Rc<Self>,
        payment: &Payment,
        parties: &Parties,
        first: u32,
        cancelled: &mut mpsc::UnboundedReceiver<()>,
    ) -> Result<Run<K>, NodeError> {
        let planned = self.plan(payment, parties);
        let cancelled = cancelled.select_next_some();
        pin_mut!(planned, cancelled);
        let (plan, target) = match select(planned, cancelled).await {
            Either::Left((planned, _)) => planned?,
            Either::Right(_) => return Err(EngineError::PaymentCancelled.into()),
        };
        let record = SentRecord {
            payment: payment.id,
            to: parties.to,
            token: parties.token,
            amount: payment.amount,
            memo: payment.memo.clone(),
            request: payment.request,
            target,
            at: self.now(),
            end: None,
        };
        Ok(Run {
            shared: Rc::clone(self),
            parties: *parties,
            limits: payment.limits.clone(),
            left: plan.len().saturating_add(RETRIES),
            record,
            root: random(&self.runtime)?,
            plan,
            next: first,
            live: Vec::new(),
            tried: Vec::new(),
            paid: Amount::ZERO,
            fee: Amount::ZERO,
            reason: None,
            error: None,
            giving_up: false,
        })
    }

    async fn plan(&self, payment: &Payment, parties: &Parties) -> Result<(Vec<Keyed>, PublicKey), NodeError> {
        let (own, amount) = (self.own(parties).await?, payment.amount);
        own.covers(amount)?;
        let partner = payment.target.or_else(|| self.engine.borrow().partner_key(parties.to));
        if let (Some(channel), Some(target)) = (own.direct(amount), partner) {
            return Ok((vec![Keyed::direct(channel, parties.to, amount)], target));
        }
        self.network.ready().await?;
        let ask = Ask { parties, own: &own, limits: &payment.limits, amount, now: self.time() };
        let plan = self.network.with_graph(|graph| ask.plan(graph))?;
        let target = match partner {
            Some(target) => Some(target),
            None => self.network.session_key(parties.to).await,
        };
        Ok((plan, target.ok_or(NodeError::NoRoute)?))
    }
}

impl<K: Platform> Run<K> {
    /// Makes it.
    ///
    /// # Errors
    /// [`NodeError`] when nothing was paid, and nothing can be any more; or the client ended, and a later one finishes it.
    pub(super) async fn make(mut self, cancelled: &mut mpsc::UnboundedReceiver<()>) -> Result<PaymentView, NodeError> {
        self.begin()?;
        match self.follow(cancelled).await {
            Ok(()) => {}
            // The engine was loaded anew and answers for these locks no more.
            Err(NodeError::Store(StoreError::Lost(_))) => return self.shared.wind_down(self.record).await,
            Err(error) => return Err(error),
        }
        let end = SentEnd { paid: self.paid, fee: self.fee, reason: self.reason };
        let settled = self.shared.settle(self.record, end).await;
        // One part's secret proves that the target knew the root and could take every part: then the payment is made.
        settled.map_err(|failed| self.error.unwrap_or(failed))
    }

    /// Locks every part. The record of the payment is in the same commit: none of its locks is ever pending without it.
    fn begin(&mut self) -> Result<(), NodeError> {
        let plan = std::mem::take(&mut self.plan);
        let shares = shares(&self.shared.runtime, self.root, plan.len())?;
        let parts = plan.into_iter().zip(shares);
        let locks = parts.map(|(keyed, share)| self.lock(keyed, share)).collect::<Result<Vec<_>, _>>()?;
        let note = Command::Note { key: sent_key(self.record.payment), value: write(&self.record) };
        drop(self.shared.ask(note));
        self.shared.emit(NodeEvent::Engine(Event::Payment(self.record.view())));
        self.send(locks);
        Ok(())
    }

    /// A part's command, under a number of its own.
    fn lock(&mut self, keyed: Keyed, share: Share) -> Result<Lock, NodeError> {
        let path = &keyed.path;
        let first = *path.hops.first().ok_or(NodeError::NoRoute)?;
        let number = self.next;
        self.next = number.checked_add(1).ok_or(NodeError::NoRoute)?;
        let delivery = Delivery {
            payment: self.record.payment,
            total: self.record.amount,
            amount: path.amount,
            part: number,
            share: Some(share),
            reply_to: self.shared.key.public_key(),
            from: self.parties.from,
            memo: self.record.memo.clone(),
            request: self.record.request,
        };
        let expiry = self.shared.time().saturating_add(life(&self.shared.engine_config.locks));
        let keys: Vec<PublicKey> = keyed.mediators.iter().copied().chain([self.record.target]).collect();
        let route = seal(&self.shared.runtime, path, &keys, delivery, expiry)?;
        let part = Part {
            payment: self.record.payment,
            number,
            target: self.record.target,
            amount: path.amount,
            fee: path.fee,
            secret: None,
        };
        let hash = part_secret(&self.root, number).hash();
        let command = Command::Lock { channel: first.channel, hash, amount: first.amount, expiry, route, part };
        Ok(Lock { keyed, number, share, command })
    }

    fn send(&mut self, locks: Vec<Lock>) {
        for Lock { keyed, number, share, command } in locks {
            self.left = self.left.saturating_sub(1);
            let way = Way::Part { number, from: self.parties.from, path: keyed.path.clone() };
            self.shared.emit(NodeEvent::Way { payment: self.record.payment, way });
            self.live.push(Live { keyed, share, answer: self.shared.ask(command) });
        }
    }

    /// Follows the parts until no lock is left.
    ///
    /// # Errors
    /// [`NodeError`] when the client cannot go on.
    async fn follow(&mut self, cancelled: &mut mpsc::UnboundedReceiver<()>) -> Result<(), NodeError> {
        while !self.live.is_empty() {
            match self.next_event(cancelled).await {
                Happened::Answer(index, answer) => {
                    let live = self.live.swap_remove(index);
                    self.answered(live, *answer)?;
                }
                Happened::Cancelled => {
                    self.error.get_or_insert(EngineError::PaymentCancelled.into());
                    self.give_up();
                }
                Happened::Pause if self.giving_up => self.give_up(),
                Happened::Pause => {}
            }
        }
        Ok(())
    }

    async fn next_event(&mut self, cancelled: &mut mpsc::UnboundedReceiver<()>) -> Happened {
        let mut answers = select_all(self.live.iter_mut().map(|live| &mut live.answer)).fuse();
        let pause = self.shared.runtime.sleep(TELL_AGAIN).fuse();
        pin_mut!(pause);
        futures::select_biased! {
            (answer, index, _) = answers => {
                Happened::Answer(index, Box::new(answer.unwrap_or(Err(NodeError::Closed))))
            },
            () = cancelled.select_next_some() => Happened::Cancelled,
            () = pause => Happened::Pause,
        }
    }

    fn answered(&mut self, live: Live, answer: Answer) -> Result<(), NodeError> {
        match answer {
            Ok(Reply::Part { .. }) => {
                let path = &live.keyed.path;
                self.paid = self.paid.checked_add(path.amount).map_err(EngineError::from)?;
                self.fee = self.fee.checked_add(path.fee).map_err(EngineError::from)?;
                self.learn(path, None);
            }
            Err(NodeError::Engine(EngineError::LockRefused(reason))) => self.refused(live, reason),
            Err(NodeError::Engine(error)) => {
                self.error.get_or_insert(error.into());
                self.give_up();
            }
            Err(error) => return Err(error),
            Ok(Reply::Channel(_) | Reply::Payment(_) | Reply::Done | Reply::Request(_)) => {
                return Err(NodeError::Closed);
            }
        }
        Ok(())
    }

    /// A part's lock is gone, and nothing was paid by it: it is tried another way.
    fn refused(&mut self, live: Live, reason: LockRefusal) {
        if !self.giving_up {
            self.reason = Some(reason);
        }
        self.learn(&live.keyed.path, Some(reason));
        let again = !is_final(reason) && self.paid.is_zero() && !self.giving_up && self.left > 0;
        self.tried.push(live.keyed.path.clone());
        if !again || !self.try_again(&live) {
            self.give_up();
        }
    }

    fn try_again(&mut self, live: &Live) -> bool {
        let shared = Rc::clone(&self.shared);
        let amount = live.keyed.path.amount;
        let own = Own::new(&shared.engine.borrow().channels(), &self.parties);
        let fees = self.live.iter().try_fold(self.fee, |sum, live| sum.checked_add(live.keyed.path.fee));
        let Ok(fees) = fees else { return false };
        let limits = Limits { max_fee: self.limits.max_fee.saturating_sub(fees), ..self.limits.clone() };
        let ask = Ask { parties: &self.parties, own: &own, limits: &limits, amount, now: shared.time() };
        let most = self.limits.max_parts.saturating_sub(self.live.len()).min(self.left);
        let plan = shared.network.with_graph(|graph| ask.again(graph, &self.tried, most));
        let Some(plan) = plan else { return false };
        let Ok(shares) = shares(&shared.runtime, live.share, plan.len()) else { return false };
        let parts = plan.into_iter().zip(shares);
        let Ok(locks) = parts.map(|(keyed, share)| self.lock(keyed, share)).collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        self.send(locks);
        true
    }

    /// Begins no more locks, and has the target let those go that it holds.
    fn give_up(&mut self) {
        self.giving_up = true;
        if !self.live.is_empty() {
            let (target, payment) = (self.record.target, self.record.payment);
            drop(self.shared.ask(Command::GiveUp { target, payment }));
        }
    }

    /// Teaches the graph. A refusal says only that something behind our first hop failed, so all channels there are blamed a
    /// little; what is certain is taught as such.
    fn learn(&self, path: &Path, refusal: Option<LockRefusal>) {
        let now = self.shared.time();
        let senders = [self.parties.from].into_iter().chain(path.hops.iter().map(|hop| hop.to));
        let hops: Vec<(Address, PathHop)> = senders.zip(path.hops.iter().copied()).collect();
        let Some(((_, first), behind)) = hops.split_first() else { return };
        let able = |view: ChannelView| view.ready && view.capacity >= first.amount;
        let home = !self.shared.engine.borrow().channel(first.channel).is_some_and(able);
        self.shared.network.with_graph(|graph| match refusal.map(Failure::from) {
            None => {
                for (sender, hop) in &hops {
                    graph.succeeded(hop.channel, *sender, hop.amount, now);
                }
            }
            Some(_) if home => graph.failed(first.channel, self.parties.from, first.amount, Failure::Silent, now),
            Some(failure) => {
                let certain = behind.len() == 1;
                let failure = if failure == Failure::Capacity && !certain { Failure::Refused } else { failure };
                for (sender, hop) in behind {
                    graph.failed(hop.channel, *sender, hop.amount, failure, now);
                }
            }
        });
    }
}

/// True when another way would end the same: the target itself has refused, or the time that the locks had is over.
const fn is_final(reason: LockRefusal) -> bool {
    match reason {
        LockRefusal::Unexpected
        | LockRefusal::Incomplete
        | LockRefusal::Expired
        | LockRefusal::RequestPaid
        | LockRefusal::RequestExpired => true,
        LockRefusal::BadRoute
        | LockRefusal::NoRoute
        | LockRefusal::NoCapacity
        | LockRefusal::FeeTooLow
        | LockRefusal::BadExpiry
        | LockRefusal::TooSmall
        | LockRefusal::TooMuch
        | LockRefusal::HashUsed => false,
    }
}

/// Shares that together are `whole`, and of which all but one tell nothing.
fn shares<R: Runtime>(runtime: &R, whole: Share, count: usize) -> Result<Vec<Share>, NodeError> {
    let mut last = whole;
    let mut shares = Vec::new();
    for _ in 1..count {
        let share: Share = random(runtime)?;
        last.iter_mut().zip(share).for_each(|(byte, share)| *byte ^= share);
        shares.push(share);
    }
    shares.push(last);
    Ok(shares)
}
