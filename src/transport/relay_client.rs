//! The client's side of a relay session, over any [`Link`]. No timers and no clock inside: the driver brings both.
//!
//! Everything takes `&self`, so that a driver can wait in [`RelayClient::receive`] while it sends.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use alloy::primitives::Address;
use minicbor::bytes::ByteVec;

use super::relay_protocol::{
    ClientMessage, DirectoryEntry, ErrorCode, RelayDecodeError, RelayLimits, ServerMessage, UndeliverableReason,
    authenticate,
};
use super::{Link, LinkError};
use crate::protocol::{Domain, Grant, MAX_FRAME_BYTES, PublicKey, SessionKey};

/// How long a session may be silent before the driver should ask for a sign of life. Browsers let an extension's
/// worker live while its WebSocket has traffic at least every 30 seconds.
pub const PING_AFTER: Duration = Duration::from_secs(20);

/// How long the answer to a ping may take before the connection counts as lost.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);

/// Why something could not be sent, or a session not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The session is over.
    #[error("the relay session ended: {0}")]
    Ended(CloseReason),
    /// The body is larger than the relay forwards.
    #[error("a body of {0} bytes is too large for the relay")]
    TooLarge(usize),
    /// The session key could not sign the challenge.
    #[error("the session key could not sign the relay's challenge")]
    Signing,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The link closed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The relay refused and said why.
    #[error("the relay refused ({}): {detail}", code.name())]
    Refused {
        /// For programs.
        code: ErrorCode,
        /// For people; written by the relay, so not to be trusted with more than being shown as text.
        detail: String,
    },
    /// The relay restarts.
    #[error("the relay restarts")]
    Restarting {
        /// When it expects to be back.
        reconnect_in: Duration,
    },
    /// The relay said something that it should not.
    #[error("the relay does not keep to the protocol: {0}")]
    Protocol(String),
}

impl From<RelayDecodeError> for CloseReason {
    fn from(error: RelayDecodeError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl CloseReason {
    /// False when connecting again would only repeat the refusal, or throw out the newer connection of the same key.
    pub const fn may_reconnect(&self) -> bool {
        match self {
            Self::Link(_) | Self::Restarting { .. } | Self::Protocol(_) => true,
            Self::Refused { code, .. } => code.may_reconnect(),
        }
    }
}

/// What happens in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayEvent {
    /// A frame arrived. `from` is the relay's word; opening the frame proves it.
    Message {
        /// The sender's session key.
        from: PublicKey,
        /// The sealed frame.
        body: Vec<u8>,
    },
    /// A frame sent to `to` was dropped.
    Undeliverable {
        /// To whom it was sent.
        to: PublicKey,
        /// Why.
        reason: UndeliverableReason,
    },
    /// The answer to a lookup. Only entries whose grant verifies are here; the relay may have withheld others.
    Found {
        /// The chain that was asked about.
        chain_id: u64,
        /// The Judge that was asked about.
        judge: Address,
        /// The wallet.
        wallet: Address,
        /// Its connected clients, newest first.
        entries: Vec<DirectoryEntry>,
    },
    /// What wallets announced. Whether it counts is for the receiver to check.
    Gossip {
        /// The chain.
        chain_id: u64,
        /// The Judge.
        judge: Address,
        /// Announcements as their signers wrote them.
        announcements: Vec<ByteVec>,
        /// True when there is more to come at once.
        more: bool,
    },
    /// A request was refused; the session goes on.
    Refused {
        /// For programs.
        code: ErrorCode,
        /// For people.
        detail: String,
    },
    /// The session ended. Nothing follows but the same event again.
    Closed {
        /// Why.
        reason: CloseReason,
    },
}

/// When the relay was last heard and last asked, in the driver's milliseconds.
#[derive(Debug, Default)]
struct Heartbeat {
    heard: Cell<bool>,
    alive_at: Cell<Option<u64>>,
    asked_at: Cell<Option<u64>>,
}

impl Heartbeat {
    fn catch_up(&self, now_ms: u64) -> u64 {
        if self.heard.take() {
            self.asked_at.set(None);
            self.alive_at.set(Some(now_ms));
        }
        let alive_at = self.alive_at.get().unwrap_or(now_ms);
        self.alive_at.set(Some(alive_at));
        alive_at
    }

    fn needs_ping(&self, now_ms: u64) -> bool {
        let silent_for = now_ms.saturating_sub(self.catch_up(now_ms));
        self.asked_at.get().is_none() && Duration::from_millis(silent_for) >= PING_AFTER
    }

    fn is_lost(&self, now_ms: u64) -> bool {
        self.catch_up(now_ms);
        self.asked_at.get().is_some_and(|at| Duration::from_millis(now_ms.saturating_sub(at)) >= PONG_WITHIN)
    }
}

/// A session with a relay, authenticated by a session key.
#[derive(Debug)]
pub struct RelayClient<L> {
    link: L,
    key: PublicKey,
    limits: RelayLimits,
    heartbeat: Heartbeat,
    ended: RefCell<Option<CloseReason>>,
}

impl<L: Link> RelayClient<L> {
    /// Answers the relay's challenge on a fresh link. Waits for the relay; the driver sets the time limit by dropping
    /// the future.
    ///
    /// # Errors
    /// [`RelayError`]; [`RelayError::Ended`] says why the relay refused.
    pub async fn connect(link: L, key: &SessionKey) -> Result<Self, RelayError> {
        let (nonce, limits) = match read(&link).await? {
            ServerMessage::Challenge { nonce, limits } => (nonce, limits),
            other => return Err(RelayError::Ended(not_in_handshake(other))),
        };
        let answer = authenticate(&nonce, key).map_err(|_| RelayError::Signing)?;
        link.send(answer.to_bytes()).await?;
        match read(&link).await? {
            ServerMessage::Welcome {} => {}
            other => return Err(RelayError::Ended(not_in_handshake(other))),
        }
        Ok(Self { link, key: key.public_key(), limits, heartbeat: Heartbeat::default(), ended: RefCell::default() })
    }

    /// The key under which this client is reached.
    pub const fn public_key(&self) -> PublicKey {
        self.key
    }

    /// What the relay allows.
    pub const fn limits(&self) -> RelayLimits {
        self.limits
    }

    /// Hands the relay a sealed frame for `peer`. That it was handed over does not mean that it arrives.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn send_to(&self, peer: PublicKey, body: Vec<u8>) -> Result<(), RelayError> {
        let largest = usize::try_from(self.limits.body_bytes).unwrap_or(usize::MAX).min(MAX_FRAME_BYTES);
        if body.len() > largest {
            return Err(RelayError::TooLarge(body.len()));
        }
        self.send(&ClientMessage::Send { to: peer, body }).await
    }

    /// Asks for the connected clients of a wallet; the answer is a [`RelayEvent::Found`].
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn lookup(&self, chain_id: u64, judge: Address, wallet: Address) -> Result<(), RelayError> {
        self.send(&ClientMessage::Lookup { chain_id, judge, wallet }).await
    }

    /// Asks to be found under the grant's wallet until the session ends. Silence means that it was done; a refusal is
    /// a [`RelayEvent::Refused`].
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn announce(&self, chain_id: u64, judge: Address, grant: Grant) -> Result<(), RelayError> {
        self.send(&ClientMessage::Announce { chain_id, judge, grant }).await
    }

    /// Tells all who follow what this wallet announces. Silence means that it was taken; a refusal is a
    /// [`RelayEvent::Refused`].
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn publish(&self, chain_id: u64, judge: Address, announcement: Vec<u8>) -> Result<(), RelayError> {
        self.send(&ClientMessage::Publish { chain_id, judge, announcement }).await
    }

    /// Asks for what wallets announce, until the session ends; it comes as [`RelayEvent::Gossip`], at least once.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn follow(&self, chain_id: u64, judge: Address) -> Result<(), RelayError> {
        self.send(&ClientMessage::Follow { chain_id, judge }).await
    }

    /// The next event. Losing this future loses nothing if losing the link's `receive` does not.
    pub async fn receive(&self) -> RelayEvent {
        loop {
            if let Some(reason) = self.ended.borrow().clone() {
                return RelayEvent::Closed { reason };
            }
            let event = match read_message(&self.link).await {
                Ok(message) => self.event(message),
                Err(reason) => Some(self.end(reason)),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// True when the relay was silent for [`PING_AFTER`] and should be asked for a sign of life. `now_ms` is any clock
    /// that only goes forward; ask about once a second.
    pub fn needs_ping(&self, now_ms: u64) -> bool {
        self.heartbeat.needs_ping(now_ms)
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn ping(&self, now_ms: u64) -> Result<(), RelayError> {
        self.heartbeat.asked_at.set(Some(now_ms));
        self.send(&ClientMessage::Ping {}).await
    }

    /// True when a ping was not answered within [`PONG_WITHIN`]: drop this session and connect again. A driver that
    /// slept is not misled, because silence counts only after a ping.
    pub fn is_lost(&self, now_ms: u64) -> bool {
        self.heartbeat.is_lost(now_ms)
    }

    async fn send(&self, message: &ClientMessage) -> Result<(), RelayError> {
        if let Some(reason) = self.ended.borrow().clone() {
            return Err(RelayError::Ended(reason));
        }
        Ok(self.link.send(message.to_bytes()).await?)
    }

    fn end(&self, reason: CloseReason) -> RelayEvent {
        self.ended.replace(Some(reason.clone()));
        RelayEvent::Closed { reason }
    }

    fn event(&self, message: ServerMessage) -> Option<RelayEvent> {
        self.heartbeat.heard.set(true);
        Some(match message {
            ServerMessage::Deliver { from, body } => RelayEvent::Message { from, body },
            ServerMessage::Undeliverable { to, reason } => RelayEvent::Undeliverable { to, reason },
            ServerMessage::Found { chain_id, judge, wallet, mut entries } => {
                let domain = Domain::new(chain_id, judge);
                entries.retain(|entry| entry.grant.wallet == wallet && entry.verify(&domain).is_ok());
                RelayEvent::Found { chain_id, judge, wallet, entries }
            }
            ServerMessage::Gossip { chain_id, judge, announcements, more } => {
                RelayEvent::Gossip { chain_id, judge, announcements, more }
            }
            ServerMessage::Error { code, detail } if code.is_fatal() => self.end(CloseReason::Refused { code, detail }),
            ServerMessage::Error { code, detail } => RelayEvent::Refused { code, detail },
            ServerMessage::Restarting { reconnect_in_ms } => self.end(restarting(reconnect_in_ms)),
            ServerMessage::Pong {} => return None,
            ServerMessage::Challenge { .. } | ServerMessage::Welcome {} => {
                self.end(CloseReason::Protocol("a handshake message after the handshake".into()))
            }
        })
    }
}

async fn read_message<L: Link>(link: &L) -> Result<ServerMessage, CloseReason> {
    let bytes = link.receive().await?;
    Ok(ServerMessage::from_bytes(&bytes)?)
}

async fn read<L: Link>(link: &L) -> Result<ServerMessage, RelayError> {
    read_message(link).await.map_err(RelayError::Ended)
}

fn restarting(reconnect_in_ms: u32) -> CloseReason {
    CloseReason::Restarting { reconnect_in: Duration::from_millis(reconnect_in_ms.into()) }
}

fn not_in_handshake(message: ServerMessage) -> CloseReason {
    match message {
        ServerMessage::Error { code, detail } => CloseReason::Refused { code, detail },
        ServerMessage::Restarting { reconnect_in_ms } => restarting(reconnect_in_ms),
        ServerMessage::Challenge { .. }
        | ServerMessage::Welcome {}
        | ServerMessage::Deliver { .. }
        | ServerMessage::Undeliverable { .. }
        | ServerMessage::Found { .. }
        | ServerMessage::Gossip { .. }
        | ServerMessage::Pong {} => CloseReason::Protocol("the handshake was interrupted".into()),
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "relay_client_tests.rs"]
mod tests;
