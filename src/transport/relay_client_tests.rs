//! Tests of the client's session against a scripted relay on an in-memory link.

use std::collections::VecDeque;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::lock::Mutex;
use futures::{FutureExt, StreamExt};

use super::*;
use crate::protocol::Signature;
use crate::transport::relay_protocol::{ErrorCode, verify_authentication};

/// One end of a pipe in memory.
#[derive(Debug)]
struct Pipe {
    out: UnboundedSender<Vec<u8>>,
    incoming: Mutex<UnboundedReceiver<Vec<u8>>>,
}

impl Pipe {
    fn pair() -> (Self, Self) {
        let ((out_a, in_b), (out_b, in_a)) = (unbounded(), unbounded());
        (Self { out: out_a, incoming: Mutex::new(in_a) }, Self { out: out_b, incoming: Mutex::new(in_b) })
    }

    async fn said(&self) -> ClientMessage {
        ClientMessage::from_bytes(&self.receive().await.unwrap()).unwrap()
    }

    async fn say(&self, message: ServerMessage) {
        self.send(message.to_bytes()).await.unwrap();
    }
}

impl Link for Pipe {
    async fn send(&self, frame: Vec<u8>) -> Result<(), LinkError> {
        self.out.unbounded_send(frame).map_err(|_| LinkError::Closed("dropped".into()))
    }

    async fn receive(&self) -> Result<Vec<u8>, LinkError> {
        self.incoming.lock().await.next().await.ok_or_else(|| LinkError::Closed("dropped".into()))
    }
}

const LIMITS: RelayLimits =
    RelayLimits { body_bytes: 1_000, frames_per_second: 1, bytes_per_second: 1, idle_ms: 60_000 };

fn key(seed: u8) -> SessionKey {
    SessionKey::from_bytes(&[seed; 32]).unwrap()
}

async fn session() -> (RelayClient<Pipe>, Pipe) {
    let (ours, theirs) = Pipe::pair();
    let relay = async {
        theirs.say(ServerMessage::Challenge { nonce: [9; 32], limits: LIMITS }).await;
        let ClientMessage::Authenticate { key, signature } = theirs.said().await else {
            panic!("it authenticates first")
        };
        verify_authentication(&[9; 32], &key, &signature).unwrap();
        theirs.say(ServerMessage::Welcome {}).await;
    };
    let own = key(1);
    let (client, ()) = futures::join!(RelayClient::connect(ours, &own), relay);
    (client.unwrap(), theirs)
}

#[tokio::test]
async fn a_session_sends_and_receives() {
    let (client, relay) = session().await;
    assert_eq!(client.limits(), LIMITS);
    let peer = key(2).public_key();
    // Waiting in receive does not keep anything from being sent.
    let receive = client.receive();
    let work = async {
        client.send_to(peer, vec![1]).await.unwrap();
        assert_eq!(relay.said().await, ClientMessage::Send { to: peer, body: vec![1] });
        relay.say(ServerMessage::Pong {}).await;
        relay.say(ServerMessage::Deliver { from: peer, body: vec![2] }).await;
    };
    let (event, ()) = futures::join!(receive, work);
    assert_eq!(event, RelayEvent::Message { from: peer, body: vec![2] });

    relay.say(ServerMessage::Undeliverable { to: peer, reason: UndeliverableReason::Offline }).await;
    assert_eq!(client.receive().await, RelayEvent::Undeliverable { to: peer, reason: UndeliverableReason::Offline });
    relay.say(ServerMessage::Error { code: ErrorCode::BadGrant, detail: "no".into() }).await;
    assert_eq!(client.receive().await, RelayEvent::Refused { code: ErrorCode::BadGrant, detail: "no".into() });
    assert_eq!(client.send_to(peer, vec![0; 1_001]).await, Err(RelayError::TooLarge(1_001)));
}

#[tokio::test]
async fn ends_are_told_and_stay() {
    type Ending = (Vec<u8>, fn(&CloseReason) -> bool, bool);
    let endings: Vec<Ending> = vec![
        (
            ServerMessage::Error { code: ErrorCode::Replaced, detail: "newer".into() }.to_bytes(),
            |reason| matches!(reason, CloseReason::Refused { code: ErrorCode::Replaced, .. }),
            false,
        ),
        (
            ServerMessage::Restarting { reconnect_in_ms: 1_500 }.to_bytes(),
            |reason| *reason == CloseReason::Restarting { reconnect_in: Duration::from_millis(1_500) },
            true,
        ),
        (vec![9], |reason| matches!(reason, CloseReason::Protocol(_)), true),
        (ServerMessage::Welcome {}.to_bytes(), |reason| matches!(reason, CloseReason::Protocol(_)), true),
    ];
    for (bytes, expected, may_reconnect) in endings {
        let (client, relay) = session().await;
        relay.send(bytes).await.unwrap();
        let event = client.receive().await;
        let RelayEvent::Closed { reason } = &event else { panic!("it ends") };
        assert!(expected(reason), "{reason:?}");
        assert_eq!(reason.may_reconnect(), may_reconnect);
        assert_eq!(client.receive().await, event);
        assert!(matches!(client.ping(0).await, Err(RelayError::Ended(_))));
    }
    let (client, relay) = session().await;
    drop(relay);
    assert!(matches!(client.receive().await, RelayEvent::Closed { reason: CloseReason::Link(_) }));
}

#[tokio::test]
async fn a_refused_handshake_says_why() {
    let script = |messages: Vec<ServerMessage>| async {
        let (ours, theirs) = Pipe::pair();
        for message in messages {
            theirs.say(message).await;
        }
        RelayClient::connect(ours, &key(1)).now_or_never().unwrap().map(|_| ())
    };
    let refusal = ServerMessage::Error { code: ErrorCode::BadSignature, detail: "no".into() };
    let challenge = ServerMessage::Challenge { nonce: [9; 32], limits: LIMITS };
    let refused = Err(RelayError::Ended(CloseReason::Refused { code: ErrorCode::BadSignature, detail: "no".into() }));
    assert_eq!(script(vec![refusal.clone()]).await, refused);
    assert_eq!(script(vec![challenge.clone(), refusal]).await, refused);
    assert!(matches!(script(vec![ServerMessage::Pong {}]).await, Err(RelayError::Ended(CloseReason::Protocol(_)))));
    assert_eq!(script(vec![challenge, ServerMessage::Welcome {}]).await, Ok(()));
}

#[tokio::test]
async fn entries_that_do_not_verify_are_dropped() {
    let (client, relay) = session().await;
    let judge = Address::repeat_byte(7);
    let domain = Domain::new(1, judge);
    let (wallet, session) = (key(4), key(5));
    let mut grant = Grant {
        wallet: wallet.public_key().address(),
        session_key: session.public_key().address(),
        valid_until: 9,
        signature: Signature([0; 65]),
    };
    grant.signature = wallet.sign(domain.digest(&grant.to_sol())).unwrap();
    let good = DirectoryEntry { key: session.public_key(), grant };
    let forged = DirectoryEntry { key: key(6).public_key(), ..good };
    let found = |wallet, entries| ServerMessage::Found { chain_id: 1, judge, wallet, entries };
    relay.say(found(grant.wallet, vec![forged, good])).await;
    relay.say(found(Address::ZERO, vec![good])).await;
    let mut entries = VecDeque::new();
    for _ in 0..2 {
        let RelayEvent::Found { entries: found, .. } = client.receive().await else { panic!("found") };
        entries.push_back(found);
    }
    assert_eq!(entries, [vec![good], vec![]]);
}

#[tokio::test]
async fn the_heartbeat_asks_once_and_gives_up_only_after_asking() {
    let (client, relay) = session().await;
    let ping_after = u64::try_from(PING_AFTER.as_millis()).unwrap();
    let pong_within = u64::try_from(PONG_WITHIN.as_millis()).unwrap();
    assert!(!client.needs_ping(1_000));
    assert!(!client.needs_ping(1_000 + ping_after - 1));
    assert!(client.needs_ping(1_000 + ping_after));
    // A driver that slept for a day has asked nothing, so nothing is lost.
    let now = 86_400_000;
    assert!(!client.is_lost(now));
    client.ping(now).await.unwrap();
    assert_eq!(relay.said().await, ClientMessage::Ping {});
    assert!(!client.needs_ping(now + ping_after));
    assert!(!client.is_lost(now + pong_within - 1));
    assert!(client.is_lost(now + pong_within));
    relay.say(ServerMessage::Pong {}).await;
    assert!(client.receive().now_or_never().is_none());
    assert!(!client.is_lost(now + pong_within));
    assert!(!client.needs_ping(now + pong_within + ping_after - 1));
    assert!(client.needs_ping(now + pong_within + ping_after));
}
