//! The relay's task: connect, greet, seal and send, receive and open, and connect again.
//!
//! What is waiting when a connection breaks is dropped: the engine compares states on every new connection and sends
//! again, byte for byte, what the partner lacks.

use std::time::Duration;

use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::{FutureExt, SinkExt, StreamExt, pin_mut};
use minicbor::bytes::ByteVec;

use crate::engine::Input;
use crate::protocol::{Address, Domain, Grant, Message, PublicKey, Sealer, SessionKey};
use crate::transport::relay_protocol::ErrorCode;
use crate::transport::{Backoff, Dial, RelayClient, RelayError, RelayEvent};

use super::{NodeEvent, Runtime};

/// How long a connection and its handshake may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// How often the heartbeat is looked at.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What the driver wants of the relay.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// What one step says to a peer; it travels in one frame where it fits.
    Send {
        to: PublicKey,
        messages: Vec<Message>,
    },
    Lookup(Address),
    Announce(Grant),
    /// Tell everyone this signed announcement, now and on every new connection.
    Publish(Vec<u8>),
    /// Hear what wallets announce, from now on.
    Follow,
    /// Break the connection and stay away, or come back: the "go offline" switch.
    Offline(bool),
    Close,
}

/// What the relay's task tells the driver.
#[derive(Debug)]
pub(super) enum Incoming {
    Input(Input),
    /// Announcements, and whether more come at once.
    Gossip {
        announcements: Vec<ByteVec>,
        more: bool,
    },
    /// The relay may not have taken the newest announcement.
    Unpublished,
    Event(NodeEvent),
}

/// The relay's task and what it needs.
pub(super) struct RelayTask<D, R> {
    pub(super) dial: D,
    pub(super) runtime: R,
    pub(super) url: String,
    pub(super) domain: Domain,
    pub(super) key: SessionKey,
    pub(super) grant: Option<Grant>,
    /// The newest announcement.
    pub(super) published: Option<Vec<u8>>,
    pub(super) follows: bool,
    pub(super) outgoing: mpsc::UnboundedReceiver<Outgoing>,
    pub(super) incoming: mpsc::Sender<Incoming>,
}

/// Why a session ended.
enum Ended {
    /// Connect again, after a pause.
    Lost(String),
    /// Wait until told to come back.
    Offline,
    /// The same, because connecting again would only be refused again, or throw out a newer connection.
    Refused(String),
    /// Never connect again.
    Closed,
}

impl<D: Dial, R: Runtime> RelayTask<D, R> {
    /// Runs until the driver closes.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let ended = match self.connect().await {
                Ok(client) => {
                    backoff = Backoff::default();
                    self.session(&client).await
                }
                Err(reason) => Ended::Lost(reason),
            };
            let (reason, again) = match ended {
                Ended::Closed => return,
                Ended::Offline => (None, false),
                Ended::Refused(reason) => (Some(reason), false),
                Ended::Lost(reason) => (Some(reason), true),
            };
            let event = NodeEvent::Connection { online: false, reason };
            if self.tell(Incoming::Input(Input::Offline)).await.is_err()
                || self.tell(Incoming::Event(event)).await.is_err()
            {
                return;
            }
            let resumed = if again {
                // Without randomness the pause is merely not jittered.
                let mut random = [0; 4];
                let _ = self.runtime.random(&mut random);
                self.pause(backoff.after_failure(u32::from_le_bytes(random))).await
            } else {
                self.stay_away().await
            };
            if !resumed {
                return;
            }
        }
    }

    async fn connect(&self) -> Result<RelayClient<D::Link>, String> {
        let attempt = async {
            let link = self.dial.dial(&self.url).await.map_err(|error| error.to_string())?;
            RelayClient::connect(link, &self.key).await.map_err(|error| error.to_string())
        };
        let timeout = self.runtime.sleep(CONNECT_WITHIN);
        pin_mut!(attempt, timeout);
        match select(attempt, timeout).await {
            Either::Left((client, _)) => client,
            Either::Right(_) => Err("the relay did not answer in time".into()),
        }
    }

    /// One connection, from greeting to end.
    async fn session(&mut self, client: &RelayClient<D::Link>) -> Ended {
        let mut sealer = Sealer::new(self.key.clone());
        if let Err(error) = self.introduce(client).await {
            return Ended::Lost(error.to_string());
        }
        let event = NodeEvent::Connection { online: true, reason: None };
        if self.tell(Incoming::Event(event)).await.is_err() || self.tell(Incoming::Input(Input::Online)).await.is_err()
        {
            return Ended::Closed;
        }
        loop {
            let next = {
                let received = client.receive().fuse();
                let wanted = self.outgoing.next().fuse();
                let beat = self.runtime.sleep(HEARTBEAT).fuse();
                pin_mut!(received, wanted, beat);
                futures::select_biased! {
                    wanted = wanted => Next::Wanted(wanted),
                    event = received => Next::Event(event),
                    () = beat => Next::Beat,
                }
            };
            let going_on = match next {
                Next::Wanted(Some(wanted)) => self.carry_out(wanted, client, &mut sealer).await,
                Next::Wanted(None) => Err(Ended::Closed),
                Next::Event(event) => self.report(event, &mut sealer).await,
                Next::Beat => self.beat(client).await,
            };
            if let Err(ended) = going_on {
                return ended;
            }
        }
    }

    /// Says on a new connection what the relay may have forgotten.
    async fn introduce(&self, client: &RelayClient<D::Link>) -> Result<(), RelayError> {
        let (chain_id, judge) = (self.domain.chain_id(), self.domain.judge());
        if let Some(grant) = self.grant {
            client.announce(chain_id, judge, grant).await?;
        }
        if let Some(announcement) = &self.published {
            client.publish(chain_id, judge, announcement.clone()).await?;
        }
        if self.follows { client.follow(chain_id, judge).await } else { Ok(()) }
    }

    /// Notes what was said while there was no connection; the rest is dropped.
    fn remember(&mut self, wanted: Outgoing) {
        match wanted {
            Outgoing::Announce(grant) => self.grant = Some(grant),
            Outgoing::Publish(announcement) => self.published = Some(announcement),
            Outgoing::Follow => self.follows = true,
            Outgoing::Send { .. } | Outgoing::Lookup(_) | Outgoing::Offline(_) | Outgoing::Close => {}
        }
    }

    async fn carry_out(
        &mut self,
        wanted: Outgoing,
        client: &RelayClient<D::Link>,
        sealer: &mut Sealer,
    ) -> Result<(), Ended> {
        let (chain_id, judge) = (self.domain.chain_id(), self.domain.judge());
        let done = match wanted {
            Outgoing::Send { to, messages } => {
                for piece in Message::pack(&messages) {
                    let mut nonce = [0; 24];
                    if !self.runtime.random(&mut nonce) {
                        return Err(Ended::Lost("there is no source of random bytes".into()));
                    }
                    // A key that is no point of the curve has no owner who could read it.
                    let Ok(frame) = sealer.seal(to, nonce, &piece) else { break };
                    if let Err(error) = client.send_to(to, frame).await {
                        return Err(Ended::Lost(error.to_string()));
                    }
                }
                Ok(())
            }
            Outgoing::Lookup(wallet) => client.lookup(chain_id, judge, wallet).await,
            Outgoing::Announce(grant) => {
                self.grant = Some(grant);
                client.announce(chain_id, judge, grant).await
            }
            Outgoing::Publish(announcement) => {
                self.published = Some(announcement.clone());
                client.publish(chain_id, judge, announcement).await
            }
            Outgoing::Follow => {
                self.follows = true;
                client.follow(chain_id, judge).await
            }
            Outgoing::Offline(true) => return Err(Ended::Offline),
            Outgoing::Offline(false) => Ok(()),
            Outgoing::Close => return Err(Ended::Closed),
        };
        done.map_err(|error| Ended::Lost(error.to_string()))
    }

    async fn report(&mut self, event: RelayEvent, sealer: &mut Sealer) -> Result<(), Ended> {
        let input = match event {
            RelayEvent::Message { from, body } => {
                // Frames that do not open or do not parse are nobody's; the relay can inject any number of them.
                let opened = sealer.open(from, &body).ok().and_then(|bytes| Message::unpack(&bytes).ok());
                for message in opened.unwrap_or_default() {
                    self.tell(Incoming::Input(Input::Message { from, message })).await?;
                }
                return Ok(());
            }
            RelayEvent::Undeliverable { to, .. } => Input::Unreachable(to),
            RelayEvent::Found { wallet, entries, .. } => {
                Input::Found { wallet, entries: entries.into_iter().map(|entry| (entry.key, entry.grant)).collect() }
            }
            RelayEvent::Gossip { announcements, more, .. } => {
                return self.tell(Incoming::Gossip { announcements, more }).await;
            }
            RelayEvent::Refused { code, detail } => {
                match code {
                    // An older announcement of this key from a run before, or of this second: a later one will be newer.
                    ErrorCode::StaleAnnouncement => return self.tell(Incoming::Unpublished).await,
                    ErrorCode::GossipFull | ErrorCode::TooManyRequests => self.tell(Incoming::Unpublished).await?,
                    _ => {}
                }
                let warning = NodeEvent::Warning { code: "RELAY_REFUSED", message: detail };
                return self.tell(Incoming::Event(warning)).await;
            }
            RelayEvent::Closed { reason } if reason.may_reconnect() => return Err(Ended::Lost(reason.to_string())),
            RelayEvent::Closed { reason } => return Err(Ended::Refused(reason.to_string())),
        };
        self.tell(Incoming::Input(input)).await
    }

    async fn beat(&self, client: &RelayClient<D::Link>) -> Result<(), Ended> {
        let now = self.runtime.now_ms();
        if client.is_lost(now) {
            return Err(Ended::Lost("the relay stopped answering".into()));
        }
        if client.needs_ping(now) {
            client.ping(now).await.map_err(|error| Ended::Lost(error.to_string()))?;
        }
        Ok(())
    }

    async fn tell(&mut self, incoming: Incoming) -> Result<(), Ended> {
        self.incoming.send(incoming).await.map_err(|_| Ended::Closed)
    }

    /// Waits before connecting again; false when the driver closed.
    async fn pause(&mut self, pause: Duration) -> bool {
        let runtime = self.runtime.clone();
        let end = runtime.sleep(pause).fuse();
        pin_mut!(end);
        loop {
            futures::select_biased! {
                () = end => return true,
                wanted = self.outgoing.next().fuse() => match wanted {
                    None | Some(Outgoing::Close) => return false,
                    Some(Outgoing::Offline(true)) => return self.stay_away().await,
                    Some(other) => self.remember(other),
                },
            }
        }
    }

    /// Stays disconnected until told to come back; false when the driver closed.
    async fn stay_away(&mut self) -> bool {
        loop {
            match self.outgoing.next().await {
                None | Some(Outgoing::Close) => return false,
                Some(Outgoing::Offline(false)) => return true,
                Some(other) => self.remember(other),
            }
        }
    }
}

/// What a session waits for.
enum Next {
    Wanted(Option<Outgoing>),
    Event(RelayEvent),
    Beat,
}
