//! Plain JavaScript objects for what the application sees, and texts for what it names.
//!
//! Amounts cross as decimal strings: wasm-bindgen's integers wrap silently. The TypeScript above turns them into bigints.

use alloy::primitives::hex;
use serde::Serialize;

use crate::engine::{
    Action, ChannelView, CloseMode, Event, Flow, PaymentStatus, PaymentView, RequestStatus, RequestView, SideView,
    Stage, Status, TransferEvent,
};
use crate::node::{NodeEvent, NodeStatus};
use crate::protocol::{Address, Amount, B256, ChannelId, Grant, PaymentId, Receipt};

/// A value that is written as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<T>(pub(super) T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A value that is read from text.
pub(super) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, String>;
}

impl FromText for Amount {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::protocol::AmountError| error.to_string())
    }
}

impl FromText for Address {
    /// Mixed case must be the EIP-55 checksum: a typing error in an address is a lost payment.
    fn from_text(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").ok_or("an address starts with 0x")?;
        let one_case =
            digits.chars().all(|c| !c.is_ascii_uppercase()) || digits.chars().all(|c| !c.is_ascii_lowercase());
        if one_case {
            text.parse().map_err(|_| "not an address".into())
        } else {
            Self::parse_checksummed(text, None).map_err(|_| "the address does not match its checksum".into())
        }
    }
}

impl FromText for B256 {
    fn from_text(text: &str) -> Result<Self, String> {
        if !text.starts_with("0x") {
            return Err("a hash starts with 0x".into());
        }
        text.parse().map_err(|_| "not 32 bytes of hex".into())
    }
}

impl FromText for ChannelId {
    fn from_text(text: &str) -> Result<Self, String> {
        B256::from_text(text).map(Self)
    }
}

impl FromText for PaymentId {
    fn from_text(text: &str) -> Result<Self, String> {
        let bytes: alloy::primitives::FixedBytes<16> = text.parse().map_err(|_| "not 16 bytes of hex".to_owned())?;
        Ok(Self(bytes.0))
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SideObject {
    deposited: Text<Amount>,
    withdrawn: Text<Amount>,
    transferred: Text<Amount>,
    locked: Text<Amount>,
    nonce: u64,
    balance: Text<Amount>,
}

impl From<&SideView> for SideObject {
    fn from(side: &SideView) -> Self {
        Self {
            deposited: Text(side.deposited),
            withdrawn: Text(side.withdrawn),
            transferred: Text(side.transferred),
            locked: Text(side.locked),
            nonce: side.nonce.get(),
            balance: Text(side.balance),
        }
    }
}

#[derive(Debug, Serialize)]
struct Confirmations {
    have: u64,
    required: u64,
}

/// A channel as JavaScript sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChannelObject {
    id: Text<ChannelId>,
    token: Text<Address>,
    partner: Text<Address>,
    salt: String,
    status: &'static str,
    confirmations: Confirmations,
    partner_online: bool,
    ready: bool,
    ours: SideObject,
    theirs: SideObject,
    capacity: Text<Amount>,
    receivable: Text<Amount>,
    pending_payments: usize,
    challenge_end: Option<u64>,
    closer: Option<Text<Address>>,
    action_required: Option<&'static str>,
    paid: Text<Amount>,
    error: Option<Failure>,
}

/// Why something stopped.
#[derive(Debug, Serialize)]
struct Failure {
    code: &'static str,
    message: String,
}

impl From<&ChannelView> for ChannelObject {
    fn from(view: &ChannelView) -> Self {
        Self {
            id: Text(view.id),
            token: Text(view.key.token),
            partner: Text(view.partner),
            salt: view.key.salt.to_string(),
            status: match view.status {
                Status::Opening => "opening",
                Status::Open => "open",
                Status::Closing => "closing",
                Status::Settleable => "settleable",
                Status::Settled => "settled",
                Status::Stopped => "stopped",
            },
            confirmations: Confirmations { have: view.confirmations, required: view.required },
            partner_online: view.partner_online,
            ready: view.ready,
            ours: (&view.ours).into(),
            theirs: (&view.theirs).into(),
            capacity: Text(view.capacity),
            receivable: Text(view.theirs.balance),
            pending_payments: view.pending_payments,
            challenge_end: view.challenge_end,
            closer: view.closer.map(Text),
            action_required: view.action.map(action),
            paid: Text(view.paid),
            error: view.error.clone().map(|message| Failure { code: "CHANNEL_STOPPED", message }),
        }
    }
}

const fn action(action: Action) -> &'static str {
    match action {
        Action::Respond => "respond",
        Action::Settle => "settle",
        Action::RevealOnChain => "revealOnChain",
    }
}

/// A payment as JavaScript sees it.
#[derive(Debug, Serialize)]
pub(super) struct PaymentObject {
    id: Text<PaymentId>,
    channel: Text<ChannelId>,
    direction: &'static str,
    amount: Text<Amount>,
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
            PaymentStatus::Refused(reason) => ("refused", Some(reason.clone())),
            PaymentStatus::Cancelled => ("cancelled", None),
        };
        Self {
            id: Text(view.id),
            channel: Text(view.channel),
            direction: match view.flow {
                Flow::Sent => "sent",
                Flow::Received => "received",
            },
            amount: Text(view.amount),
            memo: view.memo.clone(),
            status,
            nonce: view.nonce.get(),
            at: view.at,
            error: error.map(|message| Failure { code: "PAYMENT_REFUSED", message }),
        }
    }
}

/// A payee's word that it was paid, as JavaScript sees it.
#[derive(Debug, Serialize)]
struct ReceiptObject {
    request: Text<B256>,
    payment: Text<PaymentId>,
    payer: Text<Address>,
    payee: Text<Address>,
    token: Text<Address>,
    amount: Text<Amount>,
    at: u64,
    signature: String,
}

impl From<&Receipt> for ReceiptObject {
    fn from(receipt: &Receipt) -> Self {
        Self {
            request: Text(receipt.request),
            payment: Text(receipt.payment),
            payer: Text(receipt.payer),
            payee: Text(receipt.payee),
            token: Text(receipt.token),
            amount: Text(receipt.amount),
            at: receipt.at,
            signature: hex::encode_prefixed(receipt.signature.0),
        }
    }
}

/// A request as JavaScript sees it. The TypeScript above writes its bytes as text.
#[derive(Debug, Serialize)]
pub(super) struct RequestObject {
    id: Text<B256>,
    bytes: String,
    token: Text<Address>,
    amount: Option<Text<Amount>>,
    issued: u64,
    expiry: u64,
    memo: Option<String>,
    relay: Option<String>,
    payee: Text<Address>,
    direction: &'static str,
    status: &'static str,
    payment: Option<Text<PaymentId>>,
    receipt: Option<ReceiptObject>,
}

impl From<&RequestView> for RequestObject {
    fn from(view: &RequestView) -> Self {
        let request = &view.request;
        Self {
            id: Text(view.id),
            bytes: hex::encode_prefixed(request.to_bytes()),
            token: Text(request.token),
            amount: request.amount.map(Text),
            issued: request.issued,
            expiry: request.expiry,
            memo: request.memo.as_ref().map(|memo| memo.as_str().to_owned()),
            relay: request.relay.clone(),
            payee: Text(request.payee),
            direction: match (view.created, view.payment) {
                (true, _) => "created",
                (false, Some(_)) => "paying",
                (false, None) => "other",
            },
            status: match view.status {
                RequestStatus::Open => "open",
                RequestStatus::Pending => "pending",
                RequestStatus::Paid => "paid",
                RequestStatus::Expired => "expired",
            },
            payment: view.payment.map(Text),
            receipt: view.receipt.as_ref().map(Into::into),
        }
    }
}

/// How the client stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusObject {
    wallet: Text<Address>,
    session_key: String,
    relay: &'static str,
    relay_reason: Option<String>,
    chain_ok: bool,
    chain_reason: Option<String>,
    block: u64,
    timestamp: u64,
    persisted: Option<bool>,
    authorized: bool,
    authorized_until: Option<u64>,
}

impl StatusObject {
    pub(super) fn new(status: NodeStatus, persisted: Option<bool>) -> Self {
        Self {
            wallet: Text(status.wallet),
            session_key: status.session_key.to_string(),
            relay: if status.online { "online" } else { "offline" },
            relay_reason: status.relay_reason,
            chain_ok: status.chain_reason.is_none() && status.block > 0,
            chain_reason: status.chain_reason,
            block: status.block,
            timestamp: status.timestamp,
            persisted,
            authorized: status.authorized,
            authorized_until: status.authorized_until,
        }
    }
}

/// The answer to an authorization.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorizationObject {
    wallet: Text<Address>,
    session_key: String,
    valid_until: u64,
}

impl From<&Grant> for AuthorizationObject {
    fn from(grant: &Grant) -> Self {
        Self { wallet: Text(grant.wallet), session_key: grant.session_key.to_string(), valid_until: grant.valid_until }
    }
}

/// An event as JavaScript sees it.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum EventObject {
    Channel {
        channel: Box<ChannelObject>,
    },
    Payment {
        payment: PaymentObject,
    },
    Progress {
        operation: String,
        stage: &'static str,
        hash: Option<Text<B256>>,
        confirmations: Option<u64>,
        required: Option<u64>,
    },
    ActionRequired {
        channel: Text<ChannelId>,
        action: &'static str,
        deadline: Option<u64>,
    },
    Recovered {
        channel: Text<ChannelId>,
    },
    Transfer {
        stage: &'static str,
        payment: Option<Text<PaymentId>>,
        part: Option<u32>,
        channel: Option<Text<ChannelId>>,
        amount: Option<Text<Amount>>,
        fee: Option<Text<Amount>>,
        reason: Option<&'static str>,
    },
    Request {
        request: Box<RequestObject>,
    },
    Connection {
        relay: &'static str,
        reason: Option<String>,
    },
    Chain {
        block: u64,
        timestamp: u64,
        ok: bool,
        reason: Option<String>,
        code: Option<String>,
    },
    Warning {
        code: &'static str,
        message: String,
    },
    Fatal {
        code: &'static str,
        message: String,
    },
}

impl From<&NodeEvent> for EventObject {
    fn from(event: &NodeEvent) -> Self {
        match event {
            NodeEvent::Engine(event) => engine_event(event),
            NodeEvent::Connection { online, reason } => {
                Self::Connection { relay: if *online { "online" } else { "offline" }, reason: reason.clone() }
            }
            NodeEvent::Chain { block, timestamp, reason } => {
                let (code, words) = reason.clone().unzip();
                Self::Chain { block: *block, timestamp: *timestamp, ok: reason.is_none(), reason: words, code }
            }
            NodeEvent::Warning { code, message } => Self::Warning { code, message: message.clone() },
            NodeEvent::Fatal { code, message } => Self::Fatal { code, message: message.clone() },
        }
    }
}

fn engine_event(event: &Event) -> EventObject {
    match event {
        Event::Channel(view) => EventObject::Channel { channel: Box::new(view.as_ref().into()) },
        Event::Payment(view) => EventObject::Payment { payment: view.into() },
        Event::Progress { operation, stage } => {
            let (name, hash, counts) = match stage {
                Stage::Partner => ("partner", None, None),
                Stage::Wallet => ("wallet", None, None),
                Stage::Submitted(hash) => ("submitted", hash.map(Text), None),
                Stage::Confirming { have, required } => ("confirming", None, Some((*have, *required))),
                Stage::Confirmed => ("confirmed", None, None),
                Stage::Ready => ("ready", None, None),
            };
            let (confirmations, required) = counts.unzip();
            EventObject::Progress { operation: operation.clone(), stage: name, hash, confirmations, required }
        }
        Event::ActionRequired { channel, action: wanted, deadline } => {
            EventObject::ActionRequired { channel: Text(*channel), action: action(*wanted), deadline: *deadline }
        }
        Event::Recovered { channel } => EventObject::Recovered { channel: Text(*channel) },
        Event::Transfer(event) => transfer_event(event),
        Event::Request(view) => EventObject::Request { request: Box::new(view.as_ref().into()) },
    }
}

fn transfer_event(event: &TransferEvent) -> EventObject {
    let (stage, payment, part) = match event {
        TransferEvent::PartPaid { payment, part, .. } => ("partPaid", Some(payment), Some(*part)),
        TransferEvent::PartFailed { payment, part, .. } => ("partFailed", Some(payment), Some(*part)),
        TransferEvent::Received { payment, .. } => ("received", Some(payment), None),
        TransferEvent::LockPaid { .. } => ("lockPaid", None, None),
    };
    let (channel, amount, fee, reason) = match event {
        TransferEvent::PartPaid { amount, fee, .. } => (None, Some(*amount), Some(*fee), None),
        TransferEvent::PartFailed { reason, .. } => (None, None, None, Some(reason.code())),
        TransferEvent::Received { amount, .. } => (None, Some(*amount), None, None),
        TransferEvent::LockPaid { channel, amount, .. } => (Some(*channel), Some(*amount), None, None),
    };
    EventObject::Transfer {
        stage,
        payment: payment.copied().map(Text),
        part,
        channel: channel.map(Text),
        amount: amount.map(Text),
        fee: fee.map(Text),
        reason,
    }
}

impl FromText for CloseMode {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cooperative" => Ok(Self::Cooperative),
            "unilateral" => Ok(Self::Unilateral),
            _ => Err("not auto, cooperative or unilateral".into()),
        }
    }
}
