//! What every decoder must bear. One function per kind of bytes from outside; it panics when a promise is broken.
//!
//! The targets in `fuzz/` run them with coverage for as long as one likes; the tests here run them for seconds, over the
//! committed corpus, over damaged pieces of it and over plain noise.

mod chain;

use std::sync::LazyLock;

use crate::chain::AlarmState;
use crate::engine::records::{
    self, ChannelRecord, OwnRecord, PartRecord, PeerRecord, ReceivedRecord, RequestRecord, TransferRecord, UpdateRecord,
};
use crate::protocol::{
    Amount, Announcement, B256, Grant, Lock, LockTree, MAX_ANNOUNCEMENT_BYTES, MAX_MEMO_BYTES, MAX_MESSAGE_BYTES,
    MAX_OPS, MAX_REQUEST_BYTES, Message, Op, PaymentRequest, PublicKey, SecretHash, SessionKey, Signature, encode,
};
use crate::protocol::{MAX_FRAME_BYTES, SEAL_NONCE_BYTES, SEAL_OVERHEAD_BYTES, Seal};
use crate::routing::{StoredChannel, StoredSession};
use crate::transport::relay_protocol::{
    ClientMessage, MAX_BODY_BYTES, MAX_DETAIL_BYTES, MAX_ENTRIES, MAX_GOSSIP, MAX_RELAY_MESSAGE_BYTES, ServerMessage,
};

pub use chain::{logs, provider_answers, revert};

/// A target's name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 11] = [
    ("peer_message", peer_message),
    ("sealed_frame", sealed_frame),
    ("relay_client", relay_client),
    ("relay_server", relay_server),
    ("record", record),
    ("request", request),
    ("signature", signature),
    ("lock_tree", lock_tree),
    ("logs", logs),
    ("provider_answers", provider_answers),
    ("revert", revert),
];

/// A message of a peer: within its limits, and written anew it is the same message in one form.
pub fn peer_message(bytes: &[u8]) {
    if let Ok(messages) = Message::unpack(bytes) {
        let pieces = Message::pack(&messages);
        let again: Vec<_> = pieces.iter().flat_map(|piece| Message::unpack(piece).expect("a piece is read")).collect();
        assert_eq!(again, messages);
    }
    let Ok(message) = Message::from_bytes(bytes) else { return };
    assert!(bytes.len() <= MAX_MESSAGE_BYTES);
    if let Message::Update(update) = &message {
        assert!(update.ops.len() <= MAX_OPS);
        for op in &update.ops {
            if let Op::Pay { memo: Some(memo), .. } = op {
                assert!(memo.as_str().len() <= MAX_MEMO_BYTES);
            }
        }
        // The hash is over our own encoding, so the sender's way of writing cannot change it.
        assert_eq!(
            Op::context(&update.ops),
            crate::protocol::B256::from(alloy::primitives::keccak256(encode(&update.ops)))
        );
    }
    let again = message.to_bytes();
    // A list of unstated length is two bytes shorter than ours at most, so nothing grows by being passed on.
    assert!(again.len() <= bytes.len() + 2);
    if again.len() <= MAX_MESSAGE_BYTES {
        assert_eq!(Message::from_bytes(&again), Ok(message));
    }
}

/// Between two fixed keys; agreeing on them takes longer than all the rest.
static SEALS: LazyLock<(Seal, Seal)> = LazyLock::new(|| {
    let [alice, bob] = [1, 2].map(|byte| SessionKey::from_bytes(&[byte; 32]).expect("a valid key"));
    let seal = |to: &SessionKey, from| Seal::new(to.public_key(), from).expect("two keys agree");
    (seal(&bob, &alice), seal(&alice, &bob))
});

/// A sealed frame: noise does not open; what is sealed opens, and not when a byte of it changes.
pub fn sealed_frame(bytes: &[u8]) {
    let (to_bob, to_alice) = &*SEALS;
    if let Ok(message) = to_bob.open(bytes) {
        assert_eq!(message.len() + SEAL_OVERHEAD_BYTES, bytes.len());
    }
    let Some((nonce, message)) = bytes.split_first_chunk::<SEAL_NONCE_BYTES>() else { return };
    match to_bob.seal(*nonce, message) {
        Ok(mut frame) => {
            assert!(frame.len() <= MAX_FRAME_BYTES);
            assert_eq!(to_alice.open(&frame).as_deref(), Ok(message));
            assert!(to_bob.open(&frame).is_err());
            let place = usize::from(nonce[0]) % frame.len();
            frame[place] ^= 1 << (nonce[1] % 8);
            assert!(to_alice.open(&frame).is_err());
        }
        Err(_) => assert!(message.len() + SEAL_OVERHEAD_BYTES > MAX_FRAME_BYTES),
    }
}

/// What a client says to the relay.
pub fn relay_client(bytes: &[u8]) {
    let Ok(message) = ClientMessage::from_bytes(bytes) else { return };
    assert!(bytes.len() <= MAX_RELAY_MESSAGE_BYTES);
    if let ClientMessage::Send { body, .. } = &message {
        assert!(body.len() <= MAX_BODY_BYTES);
    }
    if let ClientMessage::Publish { announcement, .. } = &message {
        assert!(announcement.len() <= MAX_ANNOUNCEMENT_BYTES);
    }
    assert_eq!(ClientMessage::from_bytes(&message.to_bytes()), Ok(message));
}

/// What the relay says to a client.
pub fn relay_server(bytes: &[u8]) {
    let Ok(message) = ServerMessage::from_bytes(bytes) else { return };
    assert!(bytes.len() <= MAX_RELAY_MESSAGE_BYTES);
    match &message {
        ServerMessage::Deliver { body, .. } => assert!(body.len() <= MAX_BODY_BYTES),
        ServerMessage::Error { detail, .. } => assert!(detail.len() <= MAX_DETAIL_BYTES),
        ServerMessage::Found { entries, .. } => assert!(entries.len() <= MAX_ENTRIES),
        ServerMessage::Gossip { announcements, .. } => {
            assert!(announcements.len() <= MAX_GOSSIP);
            for bytes in announcements {
                assert!(bytes.len() <= MAX_ANNOUNCEMENT_BYTES);
                // An announcement that is read is written anew as the same one.
                if let Ok(announcement) = Announcement::from_bytes(bytes) {
                    assert_eq!(Announcement::from_bytes(&announcement.to_bytes()), Ok(announcement));
                }
            }
        }
        ServerMessage::Challenge { .. }
        | ServerMessage::Welcome {}
        | ServerMessage::Undeliverable { .. }
        | ServerMessage::Restarting { .. }
        | ServerMessage::Pong {} => {}
    }
    assert_eq!(ServerMessage::from_bytes(&message.to_bytes()), Ok(message));
}

/// A stored record; the first byte says of which kind.
pub fn record(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    // What was read and written is read again and written the same.
    macro_rules! stable {
        ($kind:ty) => {
            if let Ok(record) = records::read::<$kind>(bytes) {
                let once = records::write(&record);
                let again = records::read::<$kind>(&once).expect("what was written is read");
                assert_eq!(records::write(&again), once);
            }
        };
    }
    match kind % 12 {
        0 => stable!(OwnRecord),
        1 => stable!(PeerRecord),
        2 => stable!(ChannelRecord<'_>),
        3 => stable!(UpdateRecord),
        4 => stable!(AlarmState),
        5 => stable!(u64),
        6 => stable!(TransferRecord),
        7 => stable!(PartRecord),
        8 => stable!(ReceivedRecord),
        9 => stable!(RequestRecord),
        10 => stable!(StoredChannel),
        _ => stable!(StoredSession),
    }
}

/// A request to be paid: within its limits, and in its one form.
pub fn request(bytes: &[u8]) {
    let Ok(request) = PaymentRequest::from_bytes(bytes) else { return };
    assert!(bytes.len() <= MAX_REQUEST_BYTES);
    assert_eq!(request.to_bytes(), bytes);
    assert_eq!(request.check_form(), Ok(()));
    assert_eq!(PaymentRequest::from_bytes(&request.to_bytes()).map(|read| read.id()), Ok(request.id()));
    let _ = request.verify(&request.domain());
}

/// A digest, a signature and a key: the fast check and the recovery agree, and nothing but the one form passes. The rest
/// is a grant.
pub fn signature(bytes: &[u8]) {
    if let Some((parts, grant)) = bytes.split_first_chunk::<{ 32 + 65 + 33 }>() {
        let (digest, rest) = parts.split_at(32);
        let (scalars, key) = rest.split_at(65);
        let digest = B256::from_slice(digest);
        let signature = Signature(scalars.try_into().expect("65 bytes"));
        let key = PublicKey(key.try_into().expect("33 bytes"));
        let recovered = signature.recover(digest);
        let verified = key.verify(digest, &signature);
        assert_eq!(verified.is_ok(), recovered == Ok(key.address()) && !key.address().is_zero());
        if let Ok(grant) = minicbor::decode::<Grant>(grant) {
            let domain = crate::protocol::Domain::new(1, grant.wallet);
            let _ = grant.verify(&domain);
            assert_eq!(minicbor::decode::<Grant>(&encode(&grant)).ok(), Some(grant));
        }
    }
}

/// Inserts and removals: the root is that of the same slots built anew, and every proof verifies.
pub fn lock_tree(bytes: &[u8]) {
    let mut tree = LockTree::default();
    for step in bytes.chunks_exact(2).take(256) {
        let id = u64::from(step[0] % 64);
        let units = u128::from(step[1] >> 1);
        let lock = Lock {
            id,
            amount: if units == 127 { Amount::MAX } else { Amount::new(units) },
            expiry: id / 3,
            secret_hash: SecretHash(B256::with_last_byte(step[0])),
        };
        if step[1] & 1 == 0 {
            let fits = units > 0 && tree.get(id).is_none() && tree.total().checked_add(lock.amount).is_ok();
            assert_eq!(tree.insert(lock).is_ok(), fits);
        } else {
            let pending = tree.get(id).copied();
            assert_eq!(tree.remove(id).ok(), pending);
        }
    }
    let anew = LockTree::from_slots(tree.slots().map(|(slot, lock)| (slot, *lock))).expect("its own slots");
    assert_eq!((anew.root(), anew.total(), anew.last_expiry()), (tree.root(), tree.total(), tree.last_expiry()));
    for (_, lock) in tree.slots() {
        let proof = tree.proof(lock.id).expect("it is pending");
        let root = proof.iter().fold(lock.leaf(), |hash, sibling| {
            let (small, large) = if hash < *sibling { (hash, *sibling) } else { (*sibling, hash) };
            alloy::primitives::keccak256([small.as_slice(), large.as_slice()].concat())
        });
        assert_eq!(root, tree.root());
    }
}

#[cfg(test)]
mod tests;
