//! Tests of the relay's messages: round trips, limits, pinned bytes, hostile input.

use proptest::prelude::*;

use super::*;
use crate::protocol::{Domain, SessionKey, SignatureError};

fn key(seed: u8) -> SessionKey {
    SessionKey::from_bytes(&[seed; 32]).unwrap()
}

fn grant(wallet: &SessionKey, session: &SessionKey, domain: &Domain) -> Grant {
    let mut grant = Grant {
        wallet: wallet.public_key().address(),
        session_key: session.public_key().address(),
        valid_until: 2_000_000_000,
        signature: Signature([0; 65]),
    };
    grant.signature = wallet.sign(domain.digest(&grant.to_sol())).unwrap();
    grant
}

fn domain() -> Domain {
    Domain::new(31_337, Address::repeat_byte(7))
}

fn server_messages() -> Vec<ServerMessage> {
    let entry = DirectoryEntry { key: key(1).public_key(), grant: grant(&key(2), &key(1), &domain()) };
    let limits = RelayLimits { body_bytes: 65_536, frames_per_second: 9, bytes_per_second: u64::MAX, idle_ms: 60_000 };
    vec![
        ServerMessage::Challenge { nonce: [3; 32], limits },
        ServerMessage::Welcome {},
        ServerMessage::Deliver { from: key(1).public_key(), body: vec![1, 2, 3] },
        ServerMessage::Undeliverable { to: key(1).public_key(), reason: UndeliverableReason::QueueFull },
        ServerMessage::Found {
            chain_id: 1,
            judge: Address::repeat_byte(7),
            wallet: Address::repeat_byte(8),
            entries: vec![entry; MAX_ENTRIES],
        },
        ServerMessage::Error { code: ErrorCode::Replaced, detail: "a newer connection".into() },
        ServerMessage::Restarting { reconnect_in_ms: 1_000 },
        ServerMessage::Pong {},
        ServerMessage::Gossip {
            chain_id: u64::MAX,
            judge: Address::repeat_byte(7),
            announcements: full_gossip(),
            more: true,
        },
    ]
}

/// As many of the largest announcements as fit into one message.
fn full_gossip() -> Vec<ByteVec> {
    let (mut announcements, mut bytes) = (Vec::new(), 0);
    while fits_gossip(announcements.len(), &mut bytes, MAX_ANNOUNCEMENT_BYTES) {
        announcements.push(vec![7; MAX_ANNOUNCEMENT_BYTES].into());
    }
    let rest = MAX_GOSSIP_BYTES - bytes - 3;
    assert!(fits_gossip(announcements.len(), &mut bytes, rest));
    announcements.push(vec![7; rest].into());
    assert!(!fits_gossip(announcements.len(), &mut bytes, 0));
    announcements
}

fn client_messages() -> Vec<ClientMessage> {
    vec![
        authenticate(&[3; 32], &key(1)).unwrap(),
        ClientMessage::Send { to: key(2).public_key(), body: vec![9; MAX_BODY_BYTES] },
        ClientMessage::Announce {
            chain_id: 1,
            judge: Address::repeat_byte(7),
            grant: grant(&key(2), &key(1), &domain()),
        },
        ClientMessage::Lookup { chain_id: 1, judge: Address::repeat_byte(7), wallet: Address::repeat_byte(8) },
        ClientMessage::Ping {},
        ClientMessage::Publish {
            chain_id: 1,
            judge: Address::repeat_byte(7),
            announcement: vec![9; MAX_ANNOUNCEMENT_BYTES],
        },
        ClientMessage::Follow { chain_id: 1, judge: Address::repeat_byte(7) },
    ]
}

#[test]
fn every_message_survives_the_wire() {
    for message in server_messages() {
        let bytes = message.to_bytes();
        assert!(bytes.len() <= MAX_RELAY_MESSAGE_BYTES);
        assert_eq!(ServerMessage::from_bytes(&bytes), Ok(message));
    }
    for message in client_messages() {
        let bytes = message.to_bytes();
        assert!(bytes.len() <= MAX_RELAY_MESSAGE_BYTES);
        assert_eq!(ClientMessage::from_bytes(&bytes), Ok(message));
    }
    assert!(authenticate(&[0xff; 32], &key(1)).unwrap().to_bytes().len() <= MAX_HANDSHAKE_BYTES);
}

#[test]
fn bytes_are_pinned() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(ClientMessage::Ping {}.to_bytes()), "018204a0");
    let send = ClientMessage::Send { to: PublicKey([2; 33]), body: vec![0xaa, 0xbb] };
    assert_eq!(hex(send.to_bytes()), format!("018201a2005821{}0142aabb", "02".repeat(33)));
    let error = ServerMessage::Error { code: ErrorCode::TooLarge, detail: "x".into() };
    assert_eq!(hex(error.to_bytes()), "018205a200020161 78".replace(' ', ""));
}

#[test]
fn cut_extended_and_foreign_messages_are_refused() {
    for bytes in server_messages().iter().map(ServerMessage::to_bytes) {
        for cut in 0..bytes.len() {
            assert!(ServerMessage::from_bytes(&bytes[..cut]).is_err());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(ServerMessage::from_bytes(&longer), Err(RelayDecodeError::Malformed(_))));
    }
    assert_eq!(ClientMessage::from_bytes(&[]), Err(RelayDecodeError::Empty));
    assert_eq!(ClientMessage::from_bytes(&[2, 0x82, 4, 0xa0]), Err(RelayDecodeError::Version(2)));
}

#[test]
fn limits_hold() {
    let send = |length| ClientMessage::Send { to: key(2).public_key(), body: vec![0; length] };
    assert_eq!(
        ClientMessage::from_bytes(&send(MAX_BODY_BYTES + 1).to_bytes()),
        Err(RelayDecodeError::TooLarge(MAX_BODY_BYTES + 1))
    );
    let huge = send(MAX_BODY_BYTES + 1_000).to_bytes();
    assert_eq!(ClientMessage::from_bytes(&huge), Err(RelayDecodeError::TooLarge(huge.len())));
    let wordy = ServerMessage::Error { code: ErrorCode::Malformed, detail: "x".repeat(MAX_DETAIL_BYTES + 1) };
    assert_eq!(ServerMessage::from_bytes(&wordy.to_bytes()), Err(RelayDecodeError::TooLarge(MAX_DETAIL_BYTES + 1)));
    let Some(ServerMessage::Found { chain_id, judge, wallet, mut entries }) = server_messages().into_iter().nth(4)
    else {
        panic!("the fifth is Found")
    };
    entries.push(entries[0]);
    let crowded = ServerMessage::Found { chain_id, judge, wallet, entries };
    assert!(matches!(ServerMessage::from_bytes(&crowded.to_bytes()), Err(RelayDecodeError::Malformed(_))));
    let long = vec![0; MAX_ANNOUNCEMENT_BYTES + 1];
    let publish = ClientMessage::Publish { chain_id, judge, announcement: long.clone() };
    assert_eq!(ClientMessage::from_bytes(&publish.to_bytes()), Err(RelayDecodeError::TooLarge(long.len())));
    let gossip = |announcements| ServerMessage::Gossip { chain_id, judge, announcements, more: false }.to_bytes();
    let length = long.len();
    assert_eq!(ServerMessage::from_bytes(&gossip(vec![long.into()])), Err(RelayDecodeError::TooLarge(length)));
    assert!(ServerMessage::from_bytes(&gossip(vec![vec![].into(); MAX_GOSSIP])).is_ok());
    let crowded = ServerMessage::from_bytes(&gossip(vec![vec![].into(); MAX_GOSSIP + 1]));
    assert!(matches!(crowded, Err(RelayDecodeError::Malformed(_))));
}

#[test]
fn lengths_that_the_input_does_not_hold_are_refused() {
    // Arrays, byte strings and maps that claim 2^63 items: decoded, they must fail, not allocate.
    let claims = [
        vec![1, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![1, 0x82, 1, 0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![1, 0x82, 1, 0xa1, 1, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![1, 0x82, 4, 0xa1, 3, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for claim in claims {
        assert!(ServerMessage::from_bytes(&claim).is_err());
        assert!(ClientMessage::from_bytes(&claim).is_err());
    }
    let nested = [vec![1, 0x82, 4, 0xa1, 9], vec![0x9f; 60_000]].concat();
    assert!(ClientMessage::from_bytes(&nested).is_err());
}

#[test]
fn fields_of_a_later_version_are_skipped() {
    // Ping with field 9 = [1, {2: "x"}].
    let later = [1, 0x82, 4, 0xa1, 9, 0x82, 1, 0xa1, 2, 0x61, b'x'];
    assert_eq!(ClientMessage::from_bytes(&later), Ok(ClientMessage::Ping {}));
}

#[test]
fn authentication_is_bound_to_nonce_and_key() {
    let Ok(ClientMessage::Authenticate { key: public, signature }) = authenticate(&[3; 32], &key(1)) else {
        panic!("it signs")
    };
    assert_eq!(verify_authentication(&[3; 32], &public, &signature), Ok(()));
    assert!(verify_authentication(&[4; 32], &public, &signature).is_err());
    assert!(verify_authentication(&[3; 32], &key(2).public_key(), &signature).is_err());
    let mut compact = public;
    compact.0[0] = 5;
    assert_eq!(verify_authentication(&[3; 32], &compact, &signature), Err(SignatureError::Malformed));
}

#[test]
fn a_directory_entry_needs_the_wallets_word_for_this_key() {
    let entry = DirectoryEntry { key: key(1).public_key(), grant: grant(&key(2), &key(1), &domain()) };
    assert_eq!(entry.verify(&domain()), Ok(()));
    assert!(entry.verify(&Domain::new(1, domain().judge())).is_err());
    assert!(DirectoryEntry { key: key(3).public_key(), ..entry }.verify(&domain()).is_err());
    let forged = Grant { wallet: Address::repeat_byte(1), ..entry.grant };
    assert!(DirectoryEntry { grant: forged, ..entry }.verify(&domain()).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = ServerMessage::from_bytes(&bytes);
        let _ = ClientMessage::from_bytes(&bytes);
        bytes.insert(0, RELAY_PROTOCOL_VERSION);
        let _ = ServerMessage::from_bytes(&bytes);
        let _ = ClientMessage::from_bytes(&bytes);
        bytes.insert(1, 0x82);
        let _ = ServerMessage::from_bytes(&bytes);
        let _ = ClientMessage::from_bytes(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic_and_encode_canonically(
        which in 0_usize..16,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = if which < 9 { server_messages()[which].to_bytes() } else { client_messages()[which - 9].to_bytes() };
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(message) = ServerMessage::from_bytes(&bytes) {
            prop_assert_eq!(ServerMessage::from_bytes(&message.to_bytes()), Ok(message));
        }
        if let Ok(message) = ClientMessage::from_bytes(&bytes) {
            prop_assert_eq!(ClientMessage::from_bytes(&message.to_bytes()), Ok(message));
        }
    }
}
