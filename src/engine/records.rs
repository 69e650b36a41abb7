//! What the engine stores: keys, records and their versions.
//!
//! A record is one version byte and a CBOR map with numbered keys: a reader skips fields it does not know, and refuses a
//! version it does not know. Numbers in keys are big-endian, so that byte order is number order.

use std::borrow::Cow;

use crate::protocol::cbor::{Decode, Encode};
use crate::protocol::{
    Address, Amount, B256, ChainEvent, ChannelId, ChannelKey, Grant, Lock, LockId, LockRefusal, Memo, Nonce, Op,
    PaymentId, PaymentRequest, PublicKey, Receipt, RefusalCode, Route, Secret, SecretHash, Signature, SignedProof,
    Timestamp,
};
use crate::store::{Key, StoreError};

use super::Flow;

/// The version of the records that this client writes.
const RECORD_VERSION: u8 = 1;

/// The prefix of channel records.
pub(crate) const CHANNELS: u8 = b'c';
/// The prefix of update records.
const UPDATES: u8 = b'u';
/// The prefix of transfer records.
pub(crate) const TRANSFERS: u8 = b't';
/// The prefix of the outcomes of parts that began here.
pub(crate) const PARTS: u8 = b'q';
/// The prefix of payments over locks that were taken here.
pub(crate) const RECEIVED: u8 = b'r';
/// The prefix of requests that were made or are paid here.
pub(crate) const REQUESTS: u8 = b'i';
/// The prefix of payments over locks that began here.
pub(crate) const SENT: u8 = b's';
/// The prefix of peer records.
pub(crate) const PEERS: u8 = b'p';
/// What an engine is loaded from, besides this client's own record: everything under these prefixes.
pub(crate) const LOADED: [u8; 5] = [CHANNELS, PEERS, TRANSFERS, RECEIVED, REQUESTS];
/// The prefix of records of the graph's channels.
pub(crate) const GRAPH_CHANNELS: u8 = b'g';
/// The prefix of records of the graph's session keys.
pub(crate) const GRAPH_SESSIONS: u8 = b'k';
/// The key of the graph's position, in the form of the chain service's.
pub(crate) const GRAPH: &[u8] = b"n";
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

/// Where the outcome of a part is.
pub(crate) fn part_key(payment: PaymentId, part: u32) -> Key {
    [&[PARTS], payment.0.as_slice(), &part.to_be_bytes()].concat()
}

/// Where a payment that was taken is.
pub(crate) fn received_key(from: Address, payment: PaymentId) -> Key {
    [&[RECEIVED], from.as_slice(), payment.0.as_slice()].concat()
}

/// Where a request is.
pub(crate) fn request_key(request: B256) -> Key {
    [&[REQUESTS], request.as_slice()].concat()
}

/// Where a payment over locks that began here is.
pub(crate) fn sent_key(payment: PaymentId) -> Key {
    [&[SENT], payment.0.as_slice()].concat()
}

/// Where a transfer's record is.
pub(crate) fn transfer_key(hash: SecretHash) -> Key {
    [&[TRANSFERS], hash.0.as_slice()].concat()
}

/// Where a peer's record is.
pub(crate) fn peer_key(wallet: Address) -> Key {
    [&[PEERS], wallet.as_slice()].concat()
}

/// Where a channel of the graph is.
pub(crate) fn graph_channel_key(channel: ChannelId) -> Key {
    [&[GRAPH_CHANNELS], channel.0.as_slice()].concat()
}

/// Where a session key of the graph is.
pub(crate) fn graph_session_key(wallet: Address, session_key: Address) -> Key {
    [&[GRAPH_SESSIONS], wallet.as_slice(), session_key.as_slice()].concat()
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
    /// The highest lock id of the direction.
    #[n(8)]
    pub(crate) last_lock: LockId,
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
    /// The partner's newest update that cancelled a lock.
    #[n(10)]
    pub(crate) last_cancel: Nonce,
    /// Locks of the partner that it may take back.
    #[n(11)]
    pub(crate) refused: Vec<RefusedLockRecord>,
    /// Our cancelled locks that somebody could still claim by an older proof.
    #[n(12)]
    pub(crate) cancelled: Vec<CancelledRecord>,
    /// Our newest proof that the partner has countersigned.
    #[n(13)]
    pub(crate) accepted: Option<AcceptedRecord>,
}

/// A lock of the partner that was refused, and why.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RefusedLockRecord {
    #[n(0)]
    pub(crate) lock: LockId,
    #[n(1)]
    pub(crate) reason: LockRefusal,
}

/// A lock of ours that was cancelled by the update with this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CancelledRecord {
    #[n(0)]
    pub(crate) lock: Lock,
    #[n(1)]
    pub(crate) nonce: Nonce,
    /// True once the partner has countersigned a proof without it.
    #[n(2)]
    pub(crate) accepted: bool,
}

/// A proof of ours that the partner has countersigned, so that we can bring it ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct AcceptedRecord {
    #[n(0)]
    pub(crate) signed: SignedProof,
    #[n(1)]
    pub(crate) acceptance: Signature,
}

/// A payment's way through this account, from the arrival of its lock until everything about it is settled.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct TransferRecord {
    #[n(0)]
    pub(crate) hash: SecretHash,
    /// The partner's lock.
    #[n(1)]
    pub(crate) incoming: Option<LockPlace>,
    /// What the partner's lock told; absent when it was recovered without.
    #[n(2)]
    pub(crate) route: Option<Route>,
    /// Our lock.
    #[n(3)]
    pub(crate) outgoing: Option<LockPlace>,
    #[n(4)]
    pub(crate) secret: Option<Secret>,
    /// Set where the payment begins.
    #[n(5)]
    pub(crate) origin: Option<OriginRecord>,
}

/// How one part of a payment that began here ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PartRecord {
    #[n(0)]
    pub(crate) hash: SecretHash,
    #[n(1)]
    pub(crate) origin: OriginRecord,
    /// The secret, when the target took the part.
    #[n(2)]
    pub(crate) secret: Option<Secret>,
    /// Why not, when it surely did not.
    #[n(3)]
    pub(crate) reason: Option<LockRefusal>,
}

/// A payment over locks that was taken here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ReceivedRecord {
    #[n(0)]
    pub(crate) payment: PaymentId,
    /// The payer's wallet, by its own word.
    #[n(1)]
    #[cbor(with = "crate::protocol::cbor::fixed")]
    pub(crate) from: Address,
    #[n(2)]
    #[cbor(with = "crate::protocol::cbor::fixed")]
    pub(crate) token: Address,
    #[n(3)]
    pub(crate) amount: Amount,
    #[n(4)]
    pub(crate) memo: Option<Memo>,
    /// The hash of the request that it pays, if it pays one.
    #[n(5)]
    #[cbor(with = "crate::protocol::cbor::optional")]
    pub(crate) request: Option<B256>,
    #[n(6)]
    pub(crate) at: Timestamp,
}

/// A request, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RequestRecord {
    #[n(0)]
    pub(crate) request: PaymentRequest,
    /// The payment that paid it, or that is to pay it from here.
    #[n(1)]
    pub(crate) payment: Option<PaymentId>,
    /// What that payment brings.
    #[n(2)]
    pub(crate) amount: Amount,
    /// True once a payment from here was taken.
    #[n(3)]
    pub(crate) paid: bool,
    #[n(4)]
    pub(crate) receipt: Option<Receipt>,
    /// When it was made, or when its payment from here began.
    #[n(5)]
    pub(crate) at: Timestamp,
}

/// A lock's channel and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LockPlace {
    #[n(0)]
    pub(crate) channel: ChannelId,
    #[n(1)]
    pub(crate) lock: LockId,
}

/// One part of a payment as its initiator stores it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct OriginRecord {
    #[n(0)]
    pub(crate) payment: PaymentId,
    #[n(1)]
    pub(crate) part: u32,
    /// The target's session key.
    #[n(2)]
    pub(crate) target: PublicKey,
    /// What the target gets.
    #[n(3)]
    pub(crate) amount: Amount,
    /// What the mediators get.
    #[n(4)]
    pub(crate) fee: Amount,
    /// The secret, when the target must ask for it.
    #[n(5)]
    pub(crate) secret: Option<Secret>,
    #[n(6)]
    pub(crate) at: Timestamp,
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
