//! Asking to be paid, and paying what others ask for.

use crate::chain::Provider;
use crate::engine::{ChannelView, Command, EngineError, PaymentView, Reply, RequestStatus, RequestTerms, RequestView};
use crate::protocol::{
    Address, Amount, B256, FeeSchedule, MAX_RELAY_URL_BYTES, MAX_ROUTE_HINTS, Memo, PaymentId, PaymentRequest,
    RouteHint,
};
use crate::routing::ExtraChannel;
use crate::store::Store;
use crate::transport::Dial;

use super::{Limits, Node, NodeError, Payee, Payment, Runtime};

/// A request to be paid from here.
#[derive(Clone, Debug)]
pub struct RequestPayment {
    /// The request.
    pub request: PaymentRequest,
    /// How much; the request's own amount when absent.
    pub amount: Option<Amount>,
    /// Names the payment.
    pub id: PaymentId,
    /// True when the id may have been used before.
    pub again: bool,
    /// A note for the payee.
    pub memo: Option<Memo>,
    /// Which ways may be taken; the request's hints are added.
    pub limits: Limits,
}

impl RequestPayment {
    fn amount(&self) -> Result<Amount, EngineError> {
        match (self.request.amount, self.amount) {
            (Some(asked), given) if given.is_none_or(|given| given == asked) => Ok(asked),
            (Some(_), _) => Err(EngineError::InvalidArgument("the request asks for another amount".into())),
            (None, Some(given)) => Ok(given),
            (None, None) => Err(EngineError::InvalidArgument("the request leaves the amount to the payer".into())),
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
    /// Signs a request to be paid. What it says of the relay and of channels that lead here is added.
    ///
    /// # Errors
    /// [`EngineError::NotAuthorized`] while the wallet has not named the session key; [`EngineError::InvalidRequest`] when a
    /// term is out of bounds.
    pub async fn create_request(&self, mut terms: RequestTerms) -> Result<RequestView, NodeError> {
        let shared = self.shared();
        let relay = shared.config.relay_url.clone();
        terms.relay = Some(relay).filter(|relay| (1..=MAX_RELAY_URL_BYTES).contains(&relay.len()));
        let wallet = shared.config.wallet;
        let fees = |mediator, token| shared.network.with_graph(|graph| graph.fee(mediator, token, shared.time()));
        terms.hints = hints(&self.channels().await?, wallet, terms.token, fees);
        match self.command(Command::CreateRequest(Box::new(terms))).await? {
            Reply::Request(view) => Ok(*view),
            Reply::Channel(_) | Reply::Payment(_) | Reply::Done | Reply::Part { .. } => Err(NodeError::Closed),
        }
    }

    /// Checks a request, and tells what is known of it here.
    ///
    /// # Errors
    /// [`EngineError::InvalidRequest`] when it does not count on this chain and this Judge.
    pub async fn read_request(&self, request: PaymentRequest) -> Result<RequestView, NodeError> {
        request.verify(&self.shared().config.domain).map_err(EngineError::from)?;
        let now = self.shared().now();
        let look = move |engine: &crate::engine::Engine<_>| {
            let known = engine.request(request.id(), now);
            known.unwrap_or_else(|| engine.foreign_request(request, now))
        };
        self.shared().read(look).await
    }

    /// A request that was made or paid here.
    ///
    /// # Errors
    /// [`EngineError::UnknownRequest`] when it was neither.
    pub async fn request(&self, id: B256) -> Result<RequestView, NodeError> {
        let now = self.shared().now();
        let view = self.shared().read(move |engine| engine.request(id, now)).await?;
        view.ok_or(NodeError::Engine(EngineError::UnknownRequest))
    }

    /// The requests that were made or paid here, newest first.
    ///
    /// # Errors
    /// [`NodeError`] when the client ended before it could tell.
    pub async fn requests(&self, limit: usize, before: Option<B256>) -> Result<Vec<RequestView>, NodeError> {
        let now = self.shared().now();
        self.shared().read(move |engine| engine.requests(limit, before, now)).await
    }

    /// Pays a request, over locks also where there is a channel with the payee: it can then refuse what it does not expect,
    /// and the secret proves that it was paid. It is noted before anything is locked, so that it is not paid twice.
    ///
    /// # Errors
    /// [`EngineError::RequestPaid`] and [`EngineError::RequestPending`] when it was or is being paid from here,
    /// [`EngineError::RequestExpired`], [`EngineError::InvalidRequest`]; or as [`Node::pay`].
    pub async fn pay_request(&self, wanted: RequestPayment) -> Result<PaymentView, NodeError> {
        let amount = wanted.amount()?;
        let RequestPayment { request, id: payment, again, memo, mut limits, .. } = wanted;
        let view = self.read_request(request.clone()).await?;
        let id = view.id;
        let is_same = view.payment == Some(payment);
        if !is_same || view.status != RequestStatus::Paid {
            if let Some(earlier) = view.payment.filter(|_| view.status == RequestStatus::Pending && !is_same) {
                if self.shared().payer.is_running(earlier) {
                    return Err(EngineError::RequestPending.into());
                }
                // The tab died before its payment began: the engine knows whether anything of it may still be taken.
                self.command(Command::LeaveRequest { request: id, payment: earlier }).await?;
            }
            let request = Box::new(request.clone());
            self.command(Command::ClaimRequest { request, payment, amount }).await?;
        }
        let (to, token) = (request.payee, request.token);
        limits.hints.extend(request.hints.iter().map(|hint| ExtraChannel {
            channel: hint.channel,
            from: hint.from,
            to: hint.to,
            capacity: hint.capacity,
            fee: hint.fee,
        }));
        let paid = self.pay(Payment {
            id: payment,
            payee: Payee::Wallet { to, token },
            amount,
            memo,
            request: Some(id),
            target: Some(request.signer),
            over_locks: true,
            again,
            limits,
        });
        let outcome = paid.await;
        if outcome.is_err() {
            // Surely nothing was paid, or the client ended: the engine lets go of it only in the first case.
            let _ = self.command(Command::LeaveRequest { request: id, payment }).await;
        }
        outcome
    }
}

/// The channels over which most can arrive.
fn hints(
    channels: &[ChannelView],
    wallet: Address,
    token: Address,
    fee: impl Fn(Address, Address) -> Option<FeeSchedule>,
) -> Vec<RouteHint> {
    let usable = |view: &&ChannelView| view.key.token == token && view.ready && !view.theirs.balance.is_zero();
    let mut usable: Vec<&ChannelView> = channels.iter().filter(usable).collect();
    usable.sort_by_key(|view| std::cmp::Reverse(view.theirs.balance));
    // Of a partner that announces no fee in this token nobody knows whether it passes payments on.
    let known = usable.into_iter().filter_map(|view| Some((view, fee(view.partner, token)?)));
    let hint = |(view, fee): (&ChannelView, FeeSchedule)| RouteHint {
        channel: view.id,
        from: view.partner,
        to: wallet,
        fee,
        capacity: view.theirs.balance,
    };
    known.map(hint).take(MAX_ROUTE_HINTS).collect()
}
