//! What the engine stores: keys, records and their versions.
//!
//! A record is one version byte and a CBOR map with numbered keys: a reader skips fields it does not know, and refuses a
//! version it does not know. Numbers in keys are big-endian, so that byte order is number order.

use std::borrow::Cow;

use crate::protocol::cbor::{Decode, Encode};
use crate::protocol::{
    Address, Amount, B256, ChainEvent, ChannelId, ChannelKey, Grant, Lock, Nonce, Op, PublicKey, RefusalCode,
    Signature, SignedProof, Timestamp,
};
use crate::store::{Key, StoreError};

use super::Flow;

/// The version of the records that this client writes.
const RECORD_VERSION: u8 = 1;

/// The prefix of channel records.
pub(crate) const CHANNELS: u8 = b'c';
/// The prefix of update records.
const UPDATES: u8 = b'u';
/// The prefix of peer records.
pub(crate) const PEERS: u8 = b'p';
/// The key of the chain service's position.
pub(crate) const ALARM: &[u8] = b"a";
/// The key of the Judge's challenge period.
pub(crate) const CHALLENGE: &[u8] = b"j";
/// The key of this client's own record.
pub(crate) const OWN: &[u8] = b"o";

/// Where a channel's record is.
pub(crate) fn channel_key(channel: ChannelId) -> Key {
    [&[CHANNELS], channel.0.as_slice()].concat()
}

/// Where an update's record is. A batch of payments is one update and so one record.
pub(crate) fn update_key(channel: ChannelId, flow: Flow, nonce: Nonce) -> Key {
    let flow = match flow {
        Flow::Sent => 0,
        Flow::Received => 1,
    };
    [&[UPDATES], channel.0.as_slice(), &[flow], &nonce.get().to_be_bytes()].concat()
}

/// Where a peer's record is.
pub(crate) fn peer_key(wallet: Address) -> Key {
    [&[PEERS], wallet.as_slice()].concat()
}

/// A record's bytes.
pub(crate) fn write<T: Encode<()>>(record: &T) -> Vec<u8> {
    let mut bytes = vec![RECORD_VERSION];
    bytes.extend(crate::protocol::encode(record));
    bytes
}

/// Reads a record.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is damaged or of a later version.
pub(crate) fn read<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&RECORD_VERSION, body)) => minicbor::decode(body).map_err(|error| StoreError::Corrupt(error.to_string())),
        Some((version, _)) => Err(StoreError::Corrupt(format!("record version {version} is not known here"))),
        None => Err(StoreError::Corrupt("an empty record".into())),
    }
}

/// This client's own record.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct OwnRecord {
    /// The wallet's grant for the session key.
    #[n(0)]
    pub(crate) grant: Option<Grant>,
}

/// A partner's session key and how it is proven.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PeerRecord {
    #[n(0)]
    #[cbor(with = "crate::protocol::cbor::fixed")]
    pub(crate) wallet: Address,
    #[n(1)]
    pub(crate) key: PublicKey,
    #[n(2)]
    pub(crate) grant: Option<Grant>,
}

/// One direction of a channel as it is stored.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct DirectionRecord {
    #[n(0)]
    pub(crate) nonce: Nonce,
    #[n(1)]
    pub(crate) transferred: Amount,
    /// The pending locks with their slots in the tree.
    #[n(2)]
    pub(crate) locks: Vec<LockRecord>,
    /// The newest proof of this direction.
    #[n(3)]
    pub(crate) signed: Option<SignedProof>,
    /// For what we sent: the last nonce that the partner has stored.
    #[n(4)]
    pub(crate) acked: Nonce,
    /// For what we received: the grant under which the newest proof was accepted.
    #[n(5)]
    pub(crate) grant: Option<Grant>,
    /// For what we sent: the update that the partner refused for good.
    #[n(6)]
    pub(crate) refused: Option<RefusedRecord>,
    /// For what we received: until when the signer of the newest proof is known to count.
    #[n(7)]
    pub(crate) until: Timestamp,
}

/// A pending lock and its slot.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LockRecord {
    #[n(0)]
    pub(crate) slot: u32,
    #[n(1)]
    pub(crate) lock: Lock,
}

/// The first update that the partner refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RefusedRecord {
    #[n(0)]
    pub(crate) nonce: Nonce,
    #[n(1)]
    pub(crate) code: RefusalCode,
}

/// A cooperative close that this side has signed. Nothing is paid until it is in the chain or too late.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CloseRecord {
    #[n(0)]
    pub(crate) balance_a: Amount,
    #[n(1)]
    pub(crate) balance_b: Amount,
    /// The latest deadline of all terms that this side has signed and that may still be used.
    #[n(2)]
    pub(crate) deadline: Timestamp,
    /// The partner's signature, which makes it ready for the Judge.
    #[n(3)]
    pub(crate) theirs: Option<Countersignature>,
    /// The block at which the deadline was first seen to have passed.
    #[n(4)]
    pub(crate) expired_at: Option<u64>,
}

/// The partner's signature under terms with this deadline.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Countersignature {
    #[n(0)]
    pub(crate) deadline: Timestamp,
    #[n(1)]
    pub(crate) signature: Signature,
}

/// A withdrawal of either side that this side has asked for or signed. It counts as taken until it is too late.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct WithdrawRecord {
    #[n(0)]
    pub(crate) total: Amount,
    #[n(1)]
    pub(crate) deadline: Timestamp,
    /// The partner's signature, which makes it ready for the Judge.
    #[n(2)]
    pub(crate) theirs: Option<Signature>,
    /// The block at which the deadline was first seen to have passed.
    #[n(3)]
    pub(crate) expired_at: Option<u64>,
}

/// A channel as it is stored.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ChannelRecord<'a> {
    #[n(0)]
    pub(crate) key: ChannelKey,
    /// The confirmed events of the channel; borrowed for writing, because a payment writes them too.
    #[n(1)]
    pub(crate) events: Cow<'a, [ChainEvent]>,
    #[n(2)]
    pub(crate) sent: DirectionRecord,
    #[n(3)]
    pub(crate) received: DirectionRecord,
    #[n(4)]
    pub(crate) close: Option<CloseRecord>,
    #[n(5)]
    pub(crate) our_withdrawal: Option<WithdrawRecord>,
    #[n(6)]
    pub(crate) their_withdrawal: Option<WithdrawRecord>,
    /// True once the partner and we have compared states: before that, what we hold may be less than what we signed.
    #[n(7)]
    pub(crate) compared: bool,
    /// Why off-chain work stopped for good.
    #[n(8)]
    pub(crate) stopped: Option<String>,
    /// The opening transaction, while nothing of it is in the chain.
    #[n(9)]
    #[cbor(with = "crate::protocol::cbor::optional")]
    pub(crate) opening: Option<B256>,
}

/// An update as it is stored: the proof, the operations under it, and when.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct UpdateRecord {
    #[n(0)]
    pub(crate) signed: SignedProof,
    #[n(1)]
    pub(crate) ops: Vec<Op>,
    #[n(2)]
    pub(crate) at: Timestamp,
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "records_vectors.rs"]
mod vectors;
