//! Clients that break the rules: each is told why, and nobody else notices.

mod support;

use std::time::Duration;

use chit_client::protocol::{Address, PublicKey};
use chit_client::transport::relay_protocol::{
    ClientMessage, ErrorCode, MAX_BODY_BYTES, MAX_HANDSHAKE_BYTES, ServerMessage, UndeliverableReason, authenticate,
};
use chit_client::transport::{CloseReason, RelayError, RelayEvent};
use chit_relay::Config;
use support::{Raw, TestRelay, connect, domain, grant, key, next, refusal, settled, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

fn binary(bytes: Vec<u8>) -> Message {
    Message::Binary(bytes.into())
}

#[tokio::test]
async fn a_key_that_was_not_proven_does_not_connect() {
    let relay = TestRelay::start(Config::default()).await;
    let (mut stranger, nonce) = Raw::challenged(&relay.url).await;
    let Ok(ClientMessage::Authenticate { signature, .. }) = authenticate(&nonce, &key(1)) else { panic!("it signs") };
    // Mallory's signature under Alice's name.
    stranger.say(&ClientMessage::Authenticate { key: key(2).public_key(), signature }).await;
    assert_eq!(stranger.refused().await, ErrorCode::BadSignature);

    // A signature made for another connection.
    let (mut repeated, _) = Raw::challenged(&relay.url).await;
    repeated.say(&ClientMessage::Authenticate { key: key(1).public_key(), signature }).await;
    assert_eq!(repeated.refused().await, ErrorCode::BadSignature);

    // No point of the curve.
    let (mut nobody, nonce) = Raw::challenged(&relay.url).await;
    let Ok(ClientMessage::Authenticate { signature, .. }) = authenticate(&nonce, &key(1)) else { panic!("it signs") };
    nobody.say(&ClientMessage::Authenticate { key: PublicKey([2; 33]), signature }).await;
    assert_eq!(nobody.refused().await, ErrorCode::BadSignature);
    assert_eq!(relay.metric("chit_relay_errors_total{code=\"bad_signature\"}").await, 3);
    assert_eq!(relay.metric("chit_relay_authenticated_total").await, 0);
}

#[tokio::test]
async fn nothing_is_done_before_authentication_and_authentication_is_done_once() {
    let relay = TestRelay::start(Config::default()).await;
    for message in [
        ClientMessage::Ping {},
        ClientMessage::Send { to: key(2).public_key(), body: vec![1] },
        ClientMessage::Lookup { chain_id: 1, judge: Address::ZERO, wallet: Address::ZERO },
    ] {
        let (mut early, _) = Raw::challenged(&relay.url).await;
        early.say(&message).await;
        assert_eq!(early.refused().await, ErrorCode::Unexpected);
    }
    let (mut wordy, _) = Raw::challenged(&relay.url).await;
    wordy.write(binary(vec![1; MAX_HANDSHAKE_BYTES + 1])).await.unwrap();
    assert_eq!(wordy.refused().await, ErrorCode::TooLarge);
    let mut twice = Raw::authenticated(&relay.url, 1).await;
    twice.say(&authenticate(&[0; 32], &key(1)).unwrap()).await;
    assert_eq!(twice.refused().await, ErrorCode::Unexpected);
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let relay = TestRelay::start(Config::default()).await;
    for (message, code) in [
        (binary(vec![]), ErrorCode::Malformed),
        (binary(vec![1, 0xff]), ErrorCode::Malformed),
        (binary(vec![9, 0x82, 4, 0xa0]), ErrorCode::UnsupportedVersion),
        (Message::Text("hello".into()), ErrorCode::Malformed),
    ] {
        let mut raw = Raw::authenticated(&relay.url, 1).await;
        raw.write(message).await.unwrap();
        assert_eq!(raw.refused().await, code);
    }
}

#[tokio::test]
async fn frames_that_are_too_large_are_refused_with_the_reason() {
    let relay = TestRelay::start(Config::default()).await;
    // One byte too many; beyond the envelope; beyond what the relay reads at all; beyond every socket buffer.
    for length in [MAX_BODY_BYTES + 1, MAX_BODY_BYTES + 1_000, 1 << 20, 16 << 20] {
        let mut raw = Raw::authenticated(&relay.url, 1).await;
        // The relay need not read it to the end, so writing it may fail.
        let _ =
            raw.write(binary(ClientMessage::Send { to: key(2).public_key(), body: vec![0; length] }.to_bytes())).await;
        assert_eq!(raw.refused().await, ErrorCode::TooLarge, "{length} bytes");
    }
}

#[tokio::test]
async fn a_challenge_must_be_answered_in_time() {
    let config = Config { handshake_timeout: Duration::from_millis(200), ..Config::default() };
    let relay = TestRelay::start(config).await;
    let (silent, _) = Raw::challenged(&relay.url).await;
    assert_eq!(silent.refused().await, ErrorCode::HandshakeTimeout);
    // Without a request there is not even a WebSocket to say it on; neither silence nor a trickle keeps it open.
    let mut mute = TcpStream::connect(relay.address).await.unwrap();
    let mut slow = TcpStream::connect(relay.address).await.unwrap();
    let trickle = async {
        while slow.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut end = Vec::new();
    within(async { futures::join!(mute.read_to_end(&mut end), trickle) }).await.0.unwrap();
    // A client that connected in time is not concerned.
    let client = connect(&relay.url, 1).await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    settled(&client).await;
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_one_that_answers_pings_is_not() {
    let config = Config { idle_timeout: Duration::from_millis(600), ..Config::default() };
    let relay = TestRelay::start(config).await;
    let quiet = connect(&relay.url, 1).await.unwrap();
    let dead = Raw::authenticated(&relay.url, 2).await;
    // Waiting in receive answers the relay's pings; the other one's socket is not read, so it does not answer.
    let waited = tokio::time::timeout(Duration::from_millis(1_500), quiet.receive()).await;
    assert!(waited.is_err(), "{waited:?}");
    assert_eq!(relay.metric("chit_relay_errors_total{code=\"idle_timeout\"}").await, 1);
    assert_eq!(dead.refused().await, ErrorCode::IdleTimeout);
    settled(&quiet).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_read_fills_only_its_own_queue() {
    let config = Config { queue_frames: 8, queue_bytes: 1 << 20, ..Config::default() };
    let relay = TestRelay::start(config).await;
    let alice = connect(&relay.url, 1).await.unwrap();
    let stuck = Raw::authenticated(&relay.url, 2).await;
    let to = key(2).public_key();
    let full = RelayEvent::Undeliverable { to, reason: UndeliverableReason::QueueFull };
    // The sockets' buffers take some megabytes before the relay's queue begins to fill.
    let flood = async {
        loop {
            alice.send_to(to, vec![0; MAX_BODY_BYTES]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let event = tokio::select! {
        event = next(&alice) => event,
        () = flood => unreachable!(),
    };
    assert_eq!(event, full);
    assert!(relay.metric("chit_relay_queued_bytes").await <= 1 << 20);
    // Others are served.
    let carol = connect(&relay.url, 3).await.unwrap();
    carol.send_to(alice.public_key(), vec![1]).await.unwrap();
    let mut event = next(&alice).await;
    while event == full {
        event = next(&alice).await;
    }
    assert_eq!(event, RelayEvent::Message { from: carol.public_key(), body: vec![1] });
    drop(stuck);
}

#[tokio::test]
async fn rates_are_limited_frame_by_frame_and_abuse_ends_the_connection() {
    let config = Config { frames_per_second: 50, ..Config::default() };
    let relay = TestRelay::start(config).await;
    let (alice, bob) = (connect(&relay.url, 1).await.unwrap(), connect(&relay.url, 2).await.unwrap());
    let to = bob.public_key();
    for count in 0..110_u8 {
        alice.send_to(to, vec![count]).await.unwrap();
    }
    let limited = RelayEvent::Undeliverable { to, reason: UndeliverableReason::RateLimited };
    assert_eq!(next(&alice).await, limited);
    for count in 0..100_u8 {
        assert_eq!(next(&bob).await, RelayEvent::Message { from: alice.public_key(), body: vec![count] });
    }
    for _ in 0..500 {
        // The relay may close in the middle of this.
        if alice.send_to(to, vec![]).await.is_err() {
            break;
        }
    }
    let mut event = next(&alice).await;
    while event == limited {
        event = next(&alice).await;
    }
    let RelayEvent::Closed { reason: CloseReason::Refused { code, .. } } = event else { panic!("{event:?}") };
    assert_eq!(code, ErrorCode::RateLimited);
    settled(&bob).await;
}

#[tokio::test]
async fn bytes_are_limited_too() {
    let config = Config { bytes_per_second: 1_000, ..Config::default() };
    let relay = TestRelay::start(config).await;
    let (alice, bob) = (connect(&relay.url, 1).await.unwrap(), connect(&relay.url, 2).await.unwrap());
    let to = bob.public_key();
    for _ in 0..2 {
        alice.send_to(to, vec![0; MAX_BODY_BYTES]).await.unwrap();
    }
    let limited = RelayEvent::Undeliverable { to, reason: UndeliverableReason::RateLimited };
    assert_eq!(next(&alice).await, limited);
    assert!(matches!(next(&bob).await, RelayEvent::Message { .. }));
}

#[tokio::test]
async fn requests_have_their_own_rate() {
    let config = Config { requests_per_second: 1, ..Config::default() };
    let relay = TestRelay::start(config).await;
    let client = connect(&relay.url, 1).await.unwrap();
    for _ in 0..4 {
        settled(&client).await;
    }
    client.announce(domain().chain_id(), domain().judge(), grant(9, 1)).await.unwrap();
    assert!(matches!(next(&client).await, RelayEvent::Refused { code: ErrorCode::TooManyRequests, .. }));
    client.send_to(client.public_key(), vec![1]).await.unwrap();
    assert!(matches!(next(&client).await, RelayEvent::Message { .. }));
}

#[tokio::test]
async fn connections_are_limited_in_total_and_from_one_address() {
    for (config, code) in [
        (Config { max_connections: 2, ..Config::default() }, ErrorCode::TooManyConnections),
        (Config { max_connections_per_address: 2, ..Config::default() }, ErrorCode::TooManyFromAddress),
    ] {
        let relay = TestRelay::start(config).await;
        let first = connect(&relay.url, 1).await.unwrap();
        let _second = connect(&relay.url, 2).await.unwrap();
        match connect(&relay.url, 3).await {
            Err(RelayError::Ended(CloseReason::Refused { code: found, .. })) => assert_eq!(found, code),
            other => panic!("{other:?}"),
        }
        assert!(relay.get("/health").await.0.contains("200 OK"));
        drop(first);
        within(async {
            while connect(&relay.url, 3).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn answers_that_are_not_read_end_the_connection() {
    let config = Config { queue_frames: 100, frames_per_second: u32::MAX, ..Config::default() };
    let relay = TestRelay::start(config).await;
    let mut deaf = Raw::authenticated(&relay.url, 1).await;
    // Each of these is answered; once the answers fill the sockets' buffers, they fill the queue.
    let to = key(2).public_key();
    let flood =
        async { while deaf.write(binary(ClientMessage::Send { to, body: vec![] }.to_bytes())).await.is_ok() {} };
    within(flood).await;
    assert_eq!(relay.metric("chit_relay_errors_total{code=\"too_slow\"}").await, 1);
    assert_eq!(relay.metric("chit_relay_clients ").await, 0);
    assert_eq!(relay.metric("chit_relay_queued_bytes").await, 0);
}

#[tokio::test]
async fn replaced_is_the_reason_also_on_the_wire() {
    let relay = TestRelay::start(Config::default()).await;
    let mut older = Raw::authenticated(&relay.url, 1).await;
    let newer = connect(&relay.url, 1).await.unwrap();
    assert!(matches!(older.read().await, ServerMessage::Error { code: ErrorCode::Replaced, .. }));
    let newest = connect(&relay.url, 1).await.unwrap();
    assert_eq!(refusal(&newer).await, ErrorCode::Replaced);
    settled(&newest).await;
}
