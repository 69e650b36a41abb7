//! Golden vectors of the relay's messages and of sealed frames; see `protocol::vectors`.

use serde_json::{Value, json};

use super::*;
use crate::protocol::Seal;
use crate::protocol::vectors::{CHAIN_ID, JUDGE, announcements, check, grants, hexed, session_a, session_b};

const NONCE: [u8; 32] = [0x4e; 32];

fn announcement(which: usize) -> Vec<u8> {
    announcements()[which].to_bytes()
}

fn server() -> Vec<(String, ServerMessage)> {
    let from = session_a().public_key();
    let limits =
        RelayLimits { body_bytes: 65_536, frames_per_second: 100, bytes_per_second: u64::MAX, idle_ms: 60_000 };
    let found =
        |entries| ServerMessage::Found { chain_id: CHAIN_ID, judge: JUDGE, wallet: grants()[0].wallet, entries };
    let gossip = |announcements, more| ServerMessage::Gossip { chain_id: CHAIN_ID, judge: JUDGE, announcements, more };
    let entry = DirectoryEntry { key: from, grant: grants()[0] };
    let mut messages = vec![
        ("Challenge".into(), ServerMessage::Challenge { nonce: NONCE, limits }),
        ("Welcome".into(), ServerMessage::Welcome {}),
        ("Deliver".into(), ServerMessage::Deliver { from, body: vec![0, 1, 0xff] }),
        ("Deliver, empty".into(), ServerMessage::Deliver { from, body: Vec::new() }),
        ("Found".into(), found(vec![entry, entry])),
        ("Found, nobody".into(), found(Vec::new())),
        ("Restarting".into(), ServerMessage::Restarting { reconnect_in_ms: u32::MAX }),
        ("Pong".into(), ServerMessage::Pong {}),
        ("Gossip".into(), gossip(vec![announcement(0).into(), announcement(1).into()], true)),
        ("Gossip, nothing".into(), gossip(Vec::new(), false)),
    ];
    messages.extend(UndeliverableReason::ALL.map(|reason| {
        (format!("Undeliverable, {}", reason.name()), ServerMessage::Undeliverable { to: from, reason })
    }));
    messages
        .extend(ErrorCode::ALL.map(|code| {
            (format!("Error, {}", code.name()), ServerMessage::Error { code, detail: code.name().into() })
        }));
    messages
}

fn client() -> Vec<(String, ClientMessage)> {
    let (judge, grant) = (JUDGE, grants()[0]);
    vec![
        ("Authenticate".into(), authenticate(&NONCE, &session_a()).unwrap()),
        ("Send".into(), ClientMessage::Send { to: session_b().public_key(), body: vec![0, 1, 0xff] }),
        ("Announce".into(), ClientMessage::Announce { chain_id: CHAIN_ID, judge, grant }),
        ("Lookup".into(), ClientMessage::Lookup { chain_id: u64::MAX, judge, wallet: grant.wallet }),
        ("Ping".into(), ClientMessage::Ping {}),
        ("Publish".into(), ClientMessage::Publish { chain_id: CHAIN_ID, judge, announcement: announcement(0) }),
        ("Follow".into(), ClientMessage::Follow { chain_id: CHAIN_ID, judge }),
    ]
}

fn frozen(messages: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<Value> {
    messages.into_iter().map(|(name, bytes)| json!({ "name": name, "bytes": hexed(bytes) })).collect()
}

#[test]
fn relay_messages_are_frozen() {
    let key = session_a().public_key();
    let ClientMessage::Authenticate { signature, .. } = authenticate(&NONCE, &session_a()).unwrap() else {
        panic!("it authenticates")
    };
    assert_eq!(verify_authentication(&NONCE, &key, &signature), Ok(()));
    check(
        "relay",
        json!({
            "server": frozen(server().into_iter().map(|(name, message)| (name, message.to_bytes()))),
            "client": frozen(client().into_iter().map(|(name, message)| (name, message.to_bytes()))),
            "authentication": {
                "nonce": hexed(NONCE),
                "publicKey": hexed(key.0),
                "digest": hexed(authentication_digest(&NONCE, &key)),
                "signature": hexed(signature.0),
            },
        }),
    );
}

#[test]
fn sealed_frames_are_frozen() {
    let (sender, receiver) = (session_a(), session_b());
    let ours = Seal::new(receiver.public_key(), &sender).unwrap();
    let theirs = Seal::new(sender.public_key(), &receiver).unwrap();
    let messages =
        [("text", b"chit".to_vec()), ("nothing", Vec::new()), ("long", (0..=255).cycle().take(600).collect())];
    let frames = messages.map(|(name, message)| {
        let nonce = [0x24; 24];
        let frame = ours.seal(nonce, &message).unwrap();
        assert_eq!(theirs.open(&frame).unwrap(), message);
        json!({
            "name": name,
            "senderPrivateKey": hexed(*sender.to_bytes()),
            "receiverPrivateKey": hexed(*receiver.to_bytes()),
            "nonce": hexed(nonce),
            "message": hexed(message),
            "frame": hexed(frame),
        })
    });
    check("sealed", json!(frames));
}
