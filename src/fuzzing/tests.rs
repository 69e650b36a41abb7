//! The targets, bounded: the committed corpus, damaged pieces of it, and noise.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::protocol::{DecodeError, PROTOCOL_VERSION, Update, vectors};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{target} has no corpus to speak of");
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// What a fuzzer does to a piece of its corpus.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Copy(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let some = any::<Index>;
    prop_oneof![
        (some(), any::<u8>()).prop_map(|(at, to)| Damage::Set(at, to)),
        (some(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        some().prop_map(Damage::Cut),
        (some(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (some(), some()).prop_map(|(from, to)| Damage::Remove(from, to)),
        (some(), some()).prop_map(|(from, to)| Damage::Copy(from, to)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let length = bytes.len();
        if length == 0 {
            break;
        }
        let span = |from: &Index, to: &Index| {
            let (from, to) = (from.index(length), to.index(length));
            from.min(to)..from.max(to)
        };
        match damage {
            Damage::Set(at, to) => bytes[at.index(length)] = *to,
            Damage::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Damage::Cut(at) => bytes.truncate(at.index(length)),
            Damage::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Remove(from, to) => drop(bytes.drain(span(from, to))),
            Damage::Copy(from, to) => {
                let piece = bytes[span(from, to)].to_vec();
                bytes.extend(piece);
            }
        }
    }
    bytes
}

#[test]
fn no_bytes_break_a_promise() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        corpus.iter().for_each(|bytes| target(bytes));
        let seeds = prop::sample::select(corpus);
        let spoiled = (seeds, prop::collection::vec(damage(), 1..5)).prop_map(|(seed, how)| damaged(seed, &how));
        let noise = prop::collection::vec(any::<u8>(), 0..300);
        let bytes = prop_oneof![4 => spoiled, 1 => noise];
        let config = Config { cases: 600, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(config).run(&bytes, |bytes| {
            target(&bytes);
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}

#[test]
fn the_corpus_is_worth_its_name() {
    let accepted = |name, works: fn(&[u8]) -> bool| {
        assert!(
            corpus(name).iter().filter(|bytes| works(bytes)).count() >= 3,
            "{name} reaches no further than the door"
        );
    };
    accepted("peer_message", |bytes| Message::from_bytes(bytes).is_ok());
    accepted("relay_client", |bytes| ClientMessage::from_bytes(bytes).is_ok());
    accepted("relay_server", |bytes| ServerMessage::from_bytes(bytes).is_ok());
    accepted("request", |bytes| PaymentRequest::from_bytes(bytes).is_ok());
    accepted("record", |bytes| match bytes.split_first() {
        Some((2, bytes)) => records::read::<ChannelRecord<'_>>(bytes).is_ok(),
        Some((3, bytes)) => records::read::<UpdateRecord>(bytes).is_ok(),
        _ => false,
    });
}

#[test]
fn a_peer_cannot_make_us_hold_more_than_it_sends() {
    let ops = |count| {
        let mut update = Update::new(vec![Op::Expire { lock: 0 }; count], &vectors::proof(), Signature([0; 65]));
        update.signature = vectors::signed(vectors::proof()).signature;
        Message::Update(update).to_bytes()
    };
    assert!(Message::from_bytes(&ops(MAX_OPS)).is_ok());
    assert!(matches!(Message::from_bytes(&ops(MAX_OPS + 1)), Err(DecodeError::Malformed(_))));
    let long = vec![PROTOCOL_VERSION; MAX_MESSAGE_BYTES + 1];
    assert_eq!(Message::from_bytes(&long), Err(DecodeError::TooLong(long.len())));
    // Lists, maps and byte strings that claim 2^63 items.
    for claim in [0x9b, 0xbb, 0x5b, 0x7b] {
        let huge = [&[claim][..], &[0x7f], &[0xff; 7]].concat();
        for before in [&[][..], &[0x82, 2], &[0x82, 2, 0x81], &[0x82, 2, 0x81, 0xa8, 1]] {
            assert!(Message::from_bytes(&[&[PROTOCOL_VERSION], before, &huge].concat()).is_err());
        }
    }
    let nested = [&[PROTOCOL_VERSION, 0x82, 0, 0x81, 0xa6, 9][..], &[0x9f; 50_000]].concat();
    assert!(Message::from_bytes(&nested).is_err());
}

#[test]
fn fields_of_a_later_version_are_skipped() {
    // Ack { channel, nonce } and Hello with field 9 = [1, {2: "x"}].
    let hello = Message::Hello(crate::protocol::Hello {
        wallet: vectors::the_channel().a,
        chain_id: 1,
        judge: vectors::JUDGE,
        grant: None,
        reply: true,
    });
    let mut later = hello.to_bytes();
    assert_eq!(later[1..5], [0x82, 0, 0x81, 0xa4], "a variant, its fields, and a map of four");
    later[4] = 0xa5;
    later.extend([9, 0x82, 1, 0xa1, 2, 0x61, b'x']);
    assert_eq!(Message::from_bytes(&later), Ok(hello));
    later.push(0);
    assert!(Message::from_bytes(&later).is_err());
}
