//! One client's WebSocket: the handshake, then frames in both directions until somebody ends it.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use chit_client::protocol::{Address, Domain, Grant, PublicKey};
use chit_client::transport::relay_protocol::{
    ClientMessage, DirectoryEntry, ErrorCode, MAX_BODY_BYTES, MAX_HANDSHAKE_BYTES, RELAY_PROTOCOL_VERSION,
    RelayDecodeError, RelayLimits, ServerMessage, UndeliverableReason, verify_authentication,
};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;

use crate::bucket::TokenBucket;
use crate::config::Config;
use crate::directory::Place;
use crate::feed::Feed;
use crate::gossip;
use crate::outbox::{Ending, Outbox, PushError};
use crate::state::{Seat, State};

/// How long a parting word may take, and how long a connection stays open for it to be read: a socket that is closed
/// with unread input is reset, and the reset can overtake the word.
const FAREWELL: Duration = Duration::from_secs(1);

/// The most frames that are written before they are flushed, or read before the writer has its turn.
const BATCH: usize = 64;

type Sink = SplitSink<WebSocket, Message>;
type Stream = SplitStream<WebSocket>;
type Refusal = (ErrorCode, String);

/// Serves one WebSocket that got a seat.
pub(crate) async fn serve(state: Arc<State>, socket: WebSocket, seat: Seat) {
    let _seat = seat;
    state.metrics.accepted.add(1);
    let (mut sink, mut stream) = socket.split();
    let handshake = async {
        tokio::select! {
            () = state.stopped() => Err(Ending::Restarting),
            proven = timeout(state.config.handshake_timeout, handshake(&state.config, &mut sink, &mut stream)) => {
                proven.unwrap_or_else(|_| Err(refused(ErrorCode::HandshakeTimeout, "the challenge was not answered in time")))
            }
        }
    };
    match handshake.await {
        Ok(key) => session(&state, key, sink, stream).await,
        Err(ending) => part(&state, &mut sink, &mut stream, ending).await,
    }
}

/// Turns away a WebSocket that got no seat.
pub(crate) async fn refuse(state: Arc<State>, socket: WebSocket, code: ErrorCode) {
    let (mut sink, mut stream) = socket.split();
    part(&state, &mut sink, &mut stream, refused(code, "there are too many connections; try again later")).await;
}

fn refused(code: ErrorCode, detail: &str) -> Ending {
    Ending::Refused(code, detail.into())
}

fn binary(message: &ServerMessage) -> Message {
    Message::Binary(message.to_bytes().into())
}

/// Says why the connection ends, if there is something to say, and leaves time for it to be read.
async fn part(state: &State, sink: &mut Sink, stream: &mut Stream, ending: Ending) {
    let word = match ending {
        Ending::Refused(code, detail) => {
            state.metrics.error(code);
            ServerMessage::Error { code, detail }
        }
        Ending::Restarting => ServerMessage::Restarting {
            reconnect_in_ms: u32::try_from(state.config.reconnect_in.as_millis()).unwrap_or(u32::MAX),
        },
        Ending::Left => return,
    };
    let farewell = async {
        if sink.send(binary(&word)).await.is_err() || sink.close().await.is_err() {
            return;
        }
        while let Some(received) = stream.next().await {
            match received {
                Ok(_) => {}
                // Input that cannot be read in frames is left to lie until the word had its time.
                Err(error) if is_too_large(&error) => tokio::time::sleep(FAREWELL).await,
                Err(_) => return,
            }
        }
    };
    let _ = timeout(FAREWELL, farewell).await;
}

async fn handshake(config: &Config, sink: &mut Sink, stream: &mut Stream) -> Result<PublicKey, Ending> {
    let mut nonce = [0; 32];
    // Without randomness there is no proof of anything; the system's source does not fail once it has started.
    getrandom::getrandom(&mut nonce).map_err(|_| Ending::Left)?;
    let limits = RelayLimits {
        body_bytes: u32::try_from(MAX_BODY_BYTES).unwrap_or(u32::MAX),
        frames_per_second: config.frames_per_second,
        bytes_per_second: config.bytes_per_second,
        idle_ms: u64::try_from(config.idle_timeout.as_millis()).unwrap_or(u64::MAX),
    };
    sink.send(binary(&ServerMessage::Challenge { nonce, limits })).await.map_err(|_| Ending::Left)?;
    let answer = loop {
        match next(stream).await? {
            Some(bytes) => break bytes,
            None => continue,
        }
    };
    if answer.len() > MAX_HANDSHAKE_BYTES {
        return Err(refused(ErrorCode::TooLarge, "the answer to the challenge is too large"));
    }
    match decode(&answer) {
        Ok(ClientMessage::Authenticate { key, signature }) => {
            verify_authentication(&nonce, &key, &signature)
                .map_err(|_| refused(ErrorCode::BadSignature, "the key did not sign this challenge"))?;
            Ok(key)
        }
        Ok(_) => Err(refused(ErrorCode::Unexpected, "the challenge must be answered first")),
        Err((code, detail)) => Err(Ending::Refused(code, detail)),
    }
}

/// The next binary message; nothing for the WebSocket's own pings and pongs.
async fn next(stream: &mut Stream) -> Result<Option<Bytes>, Ending> {
    match stream.next().await {
        Some(Ok(Message::Binary(bytes))) => Ok(Some(bytes)),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Text(_))) => Err(refused(ErrorCode::Malformed, "messages are binary")),
        Some(Ok(Message::Close(_))) | None => Err(Ending::Left),
        Some(Err(error)) if is_too_large(&error) => Err(refused(ErrorCode::TooLarge, "the message is too large")),
        Some(Err(_)) => Err(Ending::Left),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let inner = error.source().and_then(|source| source.downcast_ref());
    matches!(inner, Some(tungstenite::Error::Capacity(_)))
}

fn decode(bytes: &[u8]) -> Result<ClientMessage, Refusal> {
    ClientMessage::from_bytes(bytes).map_err(|error| {
        let code = match &error {
            RelayDecodeError::TooLarge(_) => ErrorCode::TooLarge,
            RelayDecodeError::Version(_) => ErrorCode::UnsupportedVersion,
            RelayDecodeError::Empty | RelayDecodeError::Malformed(_) => ErrorCode::Malformed,
        };
        // Decoder messages may quote the input; this one does not.
        let detail = match error {
            RelayDecodeError::Malformed(_) => "the bytes are not a message of this version".into(),
            RelayDecodeError::Version(_) => format!("{error}; this relay speaks {RELAY_PROTOCOL_VERSION}"),
            other => other.to_string(),
        };
        (code, detail)
    })
}

async fn session(state: &Arc<State>, key: PublicKey, mut sink: Sink, mut stream: Stream) {
    let (membership, mut frames) = state.join(key, ServerMessage::Welcome {}.to_bytes().into());
    let outbox = &membership.outbox;
    let ending = {
        let (follow, following) = watch::channel(None);
        let mut reader = Reader::new(state, key, outbox, follow);
        let mut feed = Feed::new(state, following);
        tokio::select! {
            ending = outbox.ended() => ending,
            ending = reader.run(&mut stream) => ending,
            ending = write(&state.config, outbox, &mut frames, &mut feed, &mut sink) => ending,
        }
    };
    // Nobody forwards to a connection that is ending, and what waited for it gives its room back.
    drop(frames);
    drop(membership);
    part(state, &mut sink, &mut stream, ending).await;
}

/// Writes what waits, and pings, until writing fails.
async fn write(
    config: &Config,
    outbox: &Outbox,
    frames: &mut mpsc::Receiver<Bytes>,
    feed: &mut Feed<'_>,
    sink: &mut Sink,
) -> Ending {
    let mut pings = interval((config.idle_timeout / 3).max(Duration::from_millis(1)));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.tick().await;
    loop {
        let first = tokio::select! {
            _ = pings.tick() => Message::Ping(Bytes::new()),
            frame = frames.recv() => match frame {
                Some(frame) => {
                    outbox.sent(frame.len());
                    Message::Binary(frame)
                }
                None => return Ending::Left,
            },
            // Made only when it can be written, so gossip never waits in memory.
            gossip = feed.next() => Message::Binary(gossip),
        };
        let batch = async {
            sink.feed(first).await?;
            for _ in 1..BATCH {
                let Ok(frame) = frames.try_recv() else { break };
                outbox.sent(frame.len());
                sink.feed(Message::Binary(frame)).await?;
            }
            sink.flush().await
        };
        match timeout(config.idle_timeout, batch).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ending::Left,
            Err(_) => return refused(ErrorCode::TooSlow, "nothing is read from this connection"),
        }
    }
}

/// Reads one authenticated client.
struct Reader<'a> {
    state: &'a Arc<State>,
    key: PublicKey,
    outbox: &'a Outbox,
    frames: TokenBucket,
    bytes: TokenBucket,
    requests: TokenBucket,
    publications: TokenBucket,
    follow: watch::Sender<Option<gossip::Place>>,
    /// What is left of the relay's patience with a client that exceeds its rate.
    patience: TokenBucket,
}

impl<'a> Reader<'a> {
    fn new(
        state: &'a Arc<State>,
        key: PublicKey,
        outbox: &'a Outbox,
        follow: watch::Sender<Option<gossip::Place>>,
    ) -> Self {
        let now = Instant::now();
        let bucket = |rate: f64, burst: f64| TokenBucket::new(rate, rate * burst, now);
        let frames = f64::from(state.config.frames_per_second);
        // A double's 53 bits hold any rate that a network has.
        let bytes = state.config.bytes_per_second as f64;
        Self {
            state,
            key,
            outbox,
            frames: bucket(frames, 2.0),
            // Even the smallest rate lets one message of the largest size pass.
            bytes: TokenBucket::new(bytes, (bytes * 2.0).max((2 * MAX_BODY_BYTES) as f64), now),
            requests: bucket(f64::from(state.config.requests_per_second), 4.0),
            publications: bucket(f64::from(state.config.publications_per_minute) / 60.0, 60.0),
            follow,
            patience: TokenBucket::new(frames / 10.0, frames, now),
        }
    }

    async fn run(&mut self, stream: &mut Stream) -> Ending {
        for turn in 1_usize.. {
            if turn.is_multiple_of(BATCH) {
                tokio::task::yield_now().await;
            }
            let received = match timeout(self.state.config.idle_timeout, next(stream)).await {
                Ok(Ok(received)) => received,
                Ok(Err(ending)) => return ending,
                Err(_) => return refused(ErrorCode::IdleTimeout, "nothing was heard for too long"),
            };
            if let Err(ending) = self.handle(received.as_deref()) {
                return ending;
            }
        }
        Ending::Left
    }

    fn handle(&mut self, received: Option<&[u8]>) -> Result<(), Ending> {
        let now = Instant::now();
        // Both are charged in any case: a frame that is refused cost its transport too.
        let allowed = self.frames.take(now, 1.0) & self.bytes.take(now, received.map_or(0, <[u8]>::len) as f64);
        if !allowed && !self.patience.take(now, 1.0) {
            return Err(refused(ErrorCode::RateLimited, "the rate of frames or bytes was exceeded for too long"));
        }
        let Some(bytes) = received else { return Ok(()) };
        let message = decode(bytes).map_err(|(code, detail)| Ending::Refused(code, detail))?;
        match message {
            ClientMessage::Send { to, body } => {
                let sent = if allowed { self.forward(&to, body) } else { Err(UndeliverableReason::RateLimited) };
                match sent {
                    Ok(()) => Ok(()),
                    Err(reason) => {
                        self.state.metrics.undeliverable(reason);
                        self.answer(&ServerMessage::Undeliverable { to, reason })
                    }
                }
            }
            ClientMessage::Ping {} => self.answer(&ServerMessage::Pong {}),
            ClientMessage::Announce { .. } | ClientMessage::Lookup { .. } if !self.requests.take(now, 1.0) => {
                self.decline(ErrorCode::TooManyRequests, "too many requests; ask again later")
            }
            ClientMessage::Publish { .. } | ClientMessage::Follow { .. } if !self.publications.take(now, 1.0) => {
                self.decline(ErrorCode::TooManyRequests, "too many publications; publish again later")
            }
            ClientMessage::Publish { chain_id, judge, announcement } => self.publish((chain_id, judge), announcement),
            ClientMessage::Follow { chain_id, judge } => {
                // Whoever asks again has forgotten what it was sent.
                self.follow.send_replace(Some((chain_id, judge)));
                Ok(())
            }
            ClientMessage::Announce { chain_id, judge, grant } => self.announce(chain_id, judge, grant),
            ClientMessage::Lookup { chain_id, judge, wallet } => {
                let entries = self.state.directory().lookup(&Place { chain_id, judge, wallet });
                self.state.metrics.lookups.add(1);
                self.answer(&ServerMessage::Found { chain_id, judge, wallet, entries })
            }
            ClientMessage::Authenticate { .. } => Err(refused(ErrorCode::Unexpected, "the key is already proven")),
        }
    }

    fn forward(&self, to: &PublicKey, body: Vec<u8>) -> Result<(), UndeliverableReason> {
        let length = body.len();
        self.state.forward(to, ServerMessage::Deliver { from: self.key, body }.to_bytes().into(), length)
    }

    fn announce(&self, chain_id: u64, judge: Address, grant: Grant) -> Result<(), Ending> {
        let entry = DirectoryEntry { key: self.key, grant };
        if entry.verify(&Domain::new(chain_id, judge)).is_err() {
            return self.decline(ErrorCode::BadGrant, "the wallet did not sign this grant for this key");
        }
        let place = Place { chain_id, judge, wallet: grant.wallet };
        let announced = self.state.directory().announce(self.outbox.connection, place, entry);
        match announced {
            Ok(()) => {
                self.state.metrics.announcements.add(1);
                Ok(())
            }
            Err(_) => self.decline(ErrorCode::TooManyAnnouncements, "this connection announces too much"),
        }
    }

    fn publish(&self, place: gossip::Place, announcement: Vec<u8>) -> Result<(), Ending> {
        match self.state.publish(self.outbox.connection, place, self.key, announcement) {
            Ok(()) => {
                self.state.metrics.published.add(1);
                Ok(())
            }
            Err((code, detail)) => self.decline(code, &detail),
        }
    }

    /// Refuses a request without ending the connection.
    fn decline(&self, code: ErrorCode, detail: &str) -> Result<(), Ending> {
        self.state.metrics.error(code);
        self.answer(&ServerMessage::Error { code, detail: detail.into() })
    }

    fn answer(&self, message: &ServerMessage) -> Result<(), Ending> {
        self.outbox.push(message.to_bytes().into()).map_err(|error| match error {
            PushError::Full => refused(ErrorCode::TooSlow, "answers are not read"),
            PushError::Gone => Ending::Left,
        })
    }
}
