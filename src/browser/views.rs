//! Plain JavaScript objects for what the application sees, and texts for what it names.
//!
//! Amounts cross as decimal strings: wasm-bindgen's integers wrap silently. The TypeScript above turns them into bigints.

mod payments;
mod requests;

use serde::Serialize;

use crate::engine::{Action, ChannelView, CloseMode, Event, SideView, Stage, Status};
use crate::node::{NetworkView, NodeEvent, NodeStatus};
use crate::protocol::{Address, Amount, B256, ChannelId, Grant, PaymentId};
use crate::routing::{ListedChannel, ListedNode};

use payments::TransferObject;
pub(super) use payments::{PaymentObject, QuoteObject};
pub(super) use requests::RequestObject;

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

/// The network as JavaScript sees it.
#[derive(Debug, Serialize)]
pub(super) struct NetworkObject {
    complete: bool,
    block: u64,
    nodes: Vec<NodeObject>,
    channels: Vec<NetworkChannelObject>,
}

#[derive(Debug, Serialize)]
struct NodeObject {
    wallet: Text<Address>,
    reachable: bool,
    /// What it takes for passing payments on, when it does.
    flat: Option<Text<Amount>>,
    proportional: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkChannelObject {
    id: Text<ChannelId>,
    token: Text<Address>,
    a: Text<Address>,
    b: Text<Address>,
    total: Text<Amount>,
    hint_a: Option<Text<Amount>>,
    hint_b: Option<Text<Amount>>,
}

impl From<&NetworkView> for NetworkObject {
    fn from(view: &NetworkView) -> Self {
        let node = |node: &ListedNode| NodeObject {
            wallet: Text(node.wallet),
            reachable: node.reachable,
            flat: node.fee.map(|fee| Text(fee.flat)),
            proportional: node.fee.map(|fee| fee.proportional),
        };
        let channel = |channel: &ListedChannel| NetworkChannelObject {
            id: Text(channel.id),
            token: Text(channel.token),
            a: Text(channel.a),
            b: Text(channel.b),
            total: Text(channel.total),
            hint_a: channel.hint_a.map(Text),
            hint_b: channel.hint_b.map(Text),
        };
        Self {
            complete: view.complete,
            block: view.block,
            nodes: view.nodes.iter().map(node).collect(),
            channels: view.channels.iter().map(channel).collect(),
        }
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
    Transfer(TransferObject),
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
    Network,
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
            NodeEvent::Way { payment, way } => Self::Transfer(TransferObject::of_way(*payment, way)),
            NodeEvent::Network => Self::Network,
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
        Event::LocksLeft { channel, action: left, locks, amount, cost } => {
            let most =
                cost.map_or_else(|| "too little".to_owned(), |cost| format!("less than the {cost} wei it would cost"));
            let message =
                format!("{locks} locks of channel {channel} hold {amount}, {most}: {} was left out", action(*left));
            EventObject::Warning { code: "LOCKS_LEFT", message }
        }
        Event::Recovered { channel } => EventObject::Recovered { channel: Text(*channel) },
        Event::Transfer(event) => EventObject::Transfer(event.into()),
        Event::Request(view) => EventObject::Request { request: Box::new(view.as_ref().into()) },
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
