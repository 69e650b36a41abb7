//! Payments, and what happens to them, as JavaScript sees them.

use serde::Serialize;

use super::{Failure, Text};
use crate::engine::{Flow, PaymentStatus, PaymentView, TransferEvent};
use crate::node::{Quote, Way};
use crate::protocol::{Address, Amount, B256, ChannelId, PaymentId};
use crate::routing::Path;

/// A payment.
#[derive(Debug, Serialize)]
pub(in crate::browser) struct PaymentObject {
    id: Text<PaymentId>,
    channel: Option<Text<ChannelId>>,
    partner: Text<Address>,
    token: Text<Address>,
    routed: bool,
    direction: &'static str,
    amount: Text<Amount>,
    fee: Text<Amount>,
    request: Option<Text<B256>>,
    memo: Option<String>,
    status: &'static str,
    nonce: u64,
    at: u64,
    error: Option<Failure>,
}

impl From<&PaymentView> for PaymentObject {
    fn from(view: &PaymentView) -> Self {
        let (status, error) = match &view.status {
            PaymentStatus::Queued => ("queued", None),
            PaymentStatus::Sent => ("sent", None),
            PaymentStatus::Settled => ("settled", None),
            PaymentStatus::Refused(reason) => ("refused", Some(("PAYMENT_REFUSED", reason))),
            PaymentStatus::Cancelled => ("cancelled", None),
            PaymentStatus::Failed(reason) => ("failed", Some(("PAYMENT_FAILED", reason))),
        };
        Self {
            id: Text(view.id),
            channel: view.channel.map(Text),
            partner: Text(view.partner),
            token: Text(view.token),
            routed: view.channel.is_none(),
            direction: match view.flow {
                Flow::Sent => "sent",
                Flow::Received => "received",
            },
            amount: Text(view.amount),
            fee: Text(view.fee),
            request: view.request.map(Text),
            memo: view.memo.clone(),
            status,
            nonce: view.nonce.get(),
            at: view.at,
            error: error.map(|(code, message)| Failure { code, message: message.clone() }),
        }
    }
}

#[derive(Debug, Serialize)]
struct HopObject {
    channel: Text<ChannelId>,
    from: Text<Address>,
    to: Text<Address>,
    amount: Text<Amount>,
}

fn hops(from: Address, path: &Path) -> Vec<HopObject> {
    let senders = [from].into_iter().chain(path.hops.iter().map(|hop| hop.to));
    let hops = senders.zip(&path.hops);
    let hop = |(from, hop): (Address, &crate::routing::PathHop)| HopObject {
        channel: Text(hop.channel),
        from: Text(from),
        to: Text(hop.to),
        amount: Text(hop.amount),
    };
    hops.map(hop).collect()
}

#[derive(Debug, Serialize)]
struct PartObject {
    amount: Text<Amount>,
    fee: Text<Amount>,
    path: Vec<HopObject>,
}

/// What a payment would cost and how it would go.
#[derive(Debug, Serialize)]
pub(in crate::browser) struct QuoteObject {
    direct: bool,
    amount: Text<Amount>,
    fee: Text<Amount>,
    parts: Vec<PartObject>,
}

impl QuoteObject {
    pub(in crate::browser) fn new(quote: &Quote, amount: Amount) -> Self {
        let part =
            |path: &Path| PartObject { amount: Text(path.amount), fee: Text(path.fee), path: hops(quote.from, path) };
        Self {
            direct: quote.direct,
            amount: Text(amount),
            fee: Text(quote.fee),
            parts: quote.parts.iter().map(part).collect(),
        }
    }
}

/// A step of a payment over locks.
#[derive(Debug, Default, Serialize)]
pub(in crate::browser) struct TransferObject {
    stage: &'static str,
    payment: Option<Text<PaymentId>>,
    part: Option<u32>,
    channel: Option<Text<ChannelId>>,
    next: Option<Text<ChannelId>>,
    hash: Option<Text<B256>>,
    amount: Option<Text<Amount>>,
    fee: Option<Text<Amount>>,
    reason: Option<&'static str>,
    path: Option<Vec<HopObject>>,
}

impl TransferObject {
    pub(in crate::browser) fn of_way(payment: PaymentId, way: &Way) -> Self {
        let payment = Some(Text(payment));
        match way {
            Way::Direct => Self { stage: "direct", payment, ..Self::default() },
            Way::Part { number, from, path } => Self {
                stage: "route",
                payment,
                part: Some(*number),
                amount: Some(Text(path.amount)),
                fee: Some(Text(path.fee)),
                path: Some(hops(*from, path)),
                ..Self::default()
            },
        }
    }
}

impl From<&TransferEvent> for TransferObject {
    fn from(event: &TransferEvent) -> Self {
        match event {
            TransferEvent::PartPaid { payment, part, hash, amount, fee, secret: _ } => Self {
                stage: "partPaid",
                payment: Some(Text(*payment)),
                part: Some(*part),
                hash: Some(Text(hash.0)),
                amount: Some(Text(*amount)),
                fee: Some(Text(*fee)),
                ..Self::default()
            },
            TransferEvent::PartFailed { payment, part, hash, reason } => Self {
                stage: "partFailed",
                payment: Some(Text(*payment)),
                part: Some(*part),
                hash: Some(Text(hash.0)),
                reason: Some(reason.code()),
                ..Self::default()
            },
            TransferEvent::Locked { payment, part, channel, hash, amount } => Self {
                stage: "locked",
                payment: Some(Text(*payment)),
                part: Some(*part),
                channel: Some(Text(*channel)),
                hash: Some(Text(hash.0)),
                amount: Some(Text(*amount)),
                ..Self::default()
            },
            TransferEvent::Forwarded { from, to, hash, amount, fee } => Self {
                stage: "forwarded",
                channel: Some(Text(*from)),
                next: Some(Text(*to)),
                hash: Some(Text(hash.0)),
                amount: Some(Text(*amount)),
                fee: Some(Text(*fee)),
                ..Self::default()
            },
            TransferEvent::Received { payment, amount, .. } => Self {
                stage: "received",
                payment: Some(Text(*payment)),
                amount: Some(Text(*amount)),
                ..Self::default()
            },
            TransferEvent::LockPaid { channel, hash, amount } => Self {
                stage: "lockPaid",
                channel: Some(Text(*channel)),
                hash: Some(Text(hash.0)),
                amount: Some(Text(*amount)),
                ..Self::default()
            },
        }
    }
}
