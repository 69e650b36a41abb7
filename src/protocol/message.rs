//! The messages between two peers, and their bytes.
//!
//! A message is one version byte and one CBOR value of at most [`MAX_MESSAGE_BYTES`]. Maps with numbered keys let a
//! later version add fields that an older one skips. Only [`Update`] changes money and only its proof is signed; the
//! rest is authenticated by the sealed frame that carries it. What is hashed (the ops) is encoded again by the
//! receiver, so a second encoding of the same ops cannot pass.

use alloy::primitives::{Address, B256};

use super::cbor::{Decode, Encode};
use super::{
    Amount, BalanceProof, ChannelId, ChannelKey, Grant, Lock, LockId, MAX_OPS, Nonce, Op, PaymentId, Receipt, Secret,
    SecretHash, Signature, SignedProof, Timestamp, cbor,
};

/// The version that this client speaks.
pub const PROTOCOL_VERSION: u8 = 1;

/// The largest message, version byte included.
pub const MAX_MESSAGE_BYTES: usize = 60 * 1_024;

/// A message from one peer to the other.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Message {
    /// Who is speaking: the first message to a peer after every (re)connection.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// Where a channel stands, sent by both sides after `Hello`.
    #[n(1)]
    Resume(#[n(0)] Box<Resume>),
    /// New operations under a new balance proof.
    #[n(2)]
    Update(#[n(0)] Update),
    /// Everything up to this nonce is stored durably.
    #[n(3)]
    #[cbor(map)]
    Ack {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// The last update that is stored.
        #[n(1)]
        nonce: Nonce,
        /// The `AcceptProof` signature over that update's proof, when a lock was cancelled: with it the sender can bring the
        /// proof to the Judge, and so can be sure that the lock is gone.
        #[n(2)]
        acceptance: Option<Signature>,
    },
    /// An update was not accepted; nothing of it is stored.
    #[n(4)]
    Refuse(#[n(0)] Refusal),
    /// Asks for a countersignature to close at once.
    #[n(5)]
    CloseRequest(#[n(0)] CloseRequest),
    /// The countersignature.
    #[n(6)]
    CloseAccept(#[n(0)] CloseAccept),
    /// Asks for a countersignature to withdraw while the channel stays open.
    #[n(7)]
    WithdrawRequest(#[n(0)] WithdrawRequest),
    /// The countersignature.
    #[n(8)]
    WithdrawAccept(#[n(0)] WithdrawAccept),
    /// A request for a countersignature was declined.
    #[n(9)]
    RefuseRequest(#[n(0)] RequestRefusal),
    /// The receiver of a lock knows the secret and asks to be paid by an `Unlock`.
    #[n(10)]
    #[cbor(map)]
    Reveal {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// The lock's id.
        #[n(1)]
        lock: LockId,
        /// The secret.
        #[n(2)]
        secret: Secret,
    },
    /// The receiver of a lock will not pass it on: the sender may take it back by a `Cancel`.
    #[n(11)]
    #[cbor(map)]
    RefuseLock {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// The lock's id.
        #[n(1)]
        lock: LockId,
        /// Why.
        #[n(2)]
        reason: LockRefusal,
    },
    /// The target of a payment asks its initiator for the secret.
    #[n(12)]
    #[cbor(map)]
    RequestSecret {
        /// The payment.
        #[n(0)]
        payment: PaymentId,
        /// The lock that has arrived.
        #[n(1)]
        hash: SecretHash,
        /// What it holds.
        #[n(2)]
        amount: Amount,
    },
    /// The initiator's answer.
    #[n(13)]
    #[cbor(map)]
    TellSecret {
        /// The secret.
        #[n(0)]
        secret: Secret,
    },
    /// The initiator will send no more parts: what has arrived can go back at once.
    #[n(14)]
    #[cbor(map)]
    GiveUp {
        /// The payment.
        #[n(0)]
        payment: PaymentId,
    },
    /// A request was paid: the payee's word to the payer.
    #[n(15)]
    #[cbor(map)]
    Receipt {
        /// The receipt.
        #[n(0)]
        receipt: Receipt,
    },
    /// The payer of a request did not hear that it was paid.
    #[n(16)]
    #[cbor(map)]
    AskReceipt {
        /// The request.
        #[n(0)]
        #[cbor(with = "cbor::fixed")]
        request: B256,
        /// The payment that paid it.
        #[n(1)]
        payment: PaymentId,
    },
}

/// Why a lock is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum LockRefusal {
    /// The route cannot be read, or asks for what this account does not do.
    #[n(0)]
    BadRoute,
    /// There is no channel to the next account, or it cannot be reached.
    #[n(1)]
    NoRoute,
    /// The channel to the next account cannot carry this much.
    #[n(2)]
    NoCapacity,
    /// The fee is below what this account takes.
    #[n(3)]
    FeeTooLow,
    /// The lock ends too soon or too late.
    #[n(4)]
    BadExpiry,
    /// The target expected something else: another amount, another secret, an unknown request.
    #[n(5)]
    Unexpected,
    /// The secret's hash was used before.
    #[n(6)]
    HashUsed,
    /// The lock further on ended without its secret.
    #[n(7)]
    Expired,
    /// The other parts of the payment did not arrive in time.
    #[n(8)]
    Incomplete,
    /// The lock holds less than this account takes the trouble for.
    #[n(9)]
    TooSmall,
    /// The sender's pending locks hold more together than this account takes.
    #[n(10)]
    TooMuch,
    /// The request was paid already.
    #[n(11)]
    RequestPaid,
    /// The request no longer counts.
    #[n(12)]
    RequestExpired,
}

impl LockRefusal {
    /// A stable name for applications.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadRoute => "BAD_ROUTE",
            Self::NoRoute => "NO_ROUTE",
            Self::NoCapacity => "NO_CAPACITY",
            Self::FeeTooLow => "FEE_TOO_LOW",
            Self::BadExpiry => "BAD_EXPIRY",
            Self::Unexpected => "UNEXPECTED",
            Self::HashUsed => "HASH_USED",
            Self::Expired => "EXPIRED",
            Self::Incomplete => "INCOMPLETE",
            Self::TooSmall => "TOO_SMALL",
            Self::TooMuch => "TOO_MUCH",
            Self::RequestPaid => "REQUEST_PAID",
            Self::RequestExpired => "REQUEST_EXPIRED",
        }
    }
}

/// The most pending locks of one direction that fit into a [`Resume`]: with more, lost storage cannot be recovered from the
/// partner's copy.
pub const MAX_SHOWN_LOCKS: usize = 256;

/// A pending lock and where in the tree it sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ShownLock {
    /// The slot.
    #[n(0)]
    pub slot: u32,
    /// The lock.
    #[n(1)]
    pub lock: Lock,
}

/// Which wallet a session key speaks for, and on which Judge.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The wallet.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub wallet: Address,
    /// The chain.
    #[n(1)]
    pub chain_id: u64,
    /// The Judge.
    #[n(2)]
    #[cbor(with = "cbor::fixed")]
    pub judge: Address,
    /// The wallet's signed word for the session key; absent when the key is delegated on-chain.
    #[n(3)]
    pub grant: Option<Grant>,
    /// True for the answer to a `Hello`, which is not answered again.
    #[n(4)]
    pub reply: bool,
}

/// Where a channel stands in the sender's storage, as in BOLT-2's reestablish: whoever is behind is shown the other's signed proof.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Resume {
    /// The channel.
    #[n(0)]
    pub key: ChannelKey,
    /// The newest proof that the sender of this message signed.
    #[n(1)]
    pub sent: Option<SignedProof>,
    /// The newest proof that it holds from the receiver of this message.
    #[n(2)]
    pub received: Option<SignedProof>,
    /// The grant under which `received` was accepted, so that a wiped signer can recognize its own old key.
    #[n(3)]
    pub received_grant: Option<Grant>,
    /// The first nonce whose update will be sent again; older ones are no longer kept whole.
    #[n(4)]
    pub resend_from: Nonce,
    /// True for the answer to a `Resume`, which is not answered again.
    #[n(5)]
    pub reply: bool,
    /// The locks under `sent`; none when there are more than [`MAX_SHOWN_LOCKS`].
    #[n(6)]
    #[cbor(decode_with = "cbor::at_most::<_, ShownLock, MAX_SHOWN_LOCKS>")]
    pub sent_locks: Vec<ShownLock>,
    /// The locks under `received`, likewise.
    #[n(7)]
    #[cbor(decode_with = "cbor::at_most::<_, ShownLock, MAX_SHOWN_LOCKS>")]
    pub received_locks: Vec<ShownLock>,
    /// The highest lock id that was ever received: ids do not recur.
    #[n(8)]
    pub last_lock: LockId,
    /// The `AcceptProof` signature over `received`, when locks were ever cancelled.
    #[n(9)]
    pub acceptance: Option<Signature>,
}

/// New operations and the numbers of the proof over them. Channel, sender and context are implied, so they cannot disagree.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Update {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// The operations, in order; at most [`MAX_OPS`].
    #[n(1)]
    #[cbor(decode_with = "cbor::at_most::<_, Op, MAX_OPS>")]
    pub ops: Vec<Op>,
    /// The proof's nonce.
    #[n(2)]
    pub nonce: Nonce,
    /// The proof's cumulative amount.
    #[n(3)]
    pub transferred: Amount,
    /// The proof's locked amount.
    #[n(4)]
    pub locked: Amount,
    /// The proof's last expiry.
    #[n(5)]
    pub last_expiry: Timestamp,
    /// The proof's locks root.
    #[n(6)]
    #[cbor(with = "cbor::fixed")]
    pub locks_root: B256,
    /// The session key's signature over the proof.
    #[n(7)]
    pub signature: Signature,
}

impl Update {
    /// The message that carries `proof` over `ops`.
    pub const fn new(ops: Vec<Op>, proof: &BalanceProof, signature: Signature) -> Self {
        Self {
            channel: proof.channel,
            ops,
            nonce: proof.nonce,
            transferred: proof.transferred,
            locked: proof.locked,
            last_expiry: proof.last_expiry,
            locks_root: proof.locks_root,
            signature,
        }
    }
}

/// Why an update was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Refusal {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// The update's nonce.
    #[n(1)]
    pub nonce: Nonce,
    /// The reason.
    #[n(2)]
    pub code: RefusalCode,
}

/// The reasons for which an update is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RefusalCode {
    /// The channel is not known or not yet confirmed here: sending the same bytes later can succeed.
    #[n(0)]
    UnknownChannel,
    /// The payer's confirmed deposit does not cover it yet: sending the same bytes later can succeed.
    #[n(1)]
    InsufficientCapacity,
    /// The operations do not lead to the numbers of the proof.
    #[n(2)]
    WrongProof,
    /// The signature is not the session key's.
    #[n(3)]
    BadSignature,
    /// The session key does not speak for the payer's wallet, or not for long enough.
    #[n(4)]
    KeyNotValid,
    /// No proof is accepted any more: the channel is closing.
    #[n(5)]
    Closing,
    /// An operation that this peer does not take.
    #[n(6)]
    UnsupportedOp,
    /// The channel stopped here after an error; its state can be settled but not changed.
    #[n(7)]
    Stopped,
    /// The update has no operations or too many.
    #[n(8)]
    Malformed,
    /// A lock is dropped whose end this peer has not seen on the chain yet: sending the same bytes later can succeed.
    #[n(9)]
    NotExpired,
    /// More locks are pending than this peer takes, or one ends too late.
    #[n(10)]
    LockLimit,
}

impl RefusalCode {
    /// True when the same bytes may be accepted later.
    pub const fn is_temporary(self) -> bool {
        match self {
            Self::UnknownChannel | Self::InsufficientCapacity | Self::KeyNotValid | Self::NotExpired => true,
            Self::WrongProof
            | Self::BadSignature
            | Self::Closing
            | Self::UnsupportedOp
            | Self::Stopped
            | Self::Malformed
            | Self::LockLimit => false,
        }
    }
}

/// Asks to close at once with these balances, which must match both peers' newest state. The requester signs last and
/// in the transaction, so a declined request leaves no signature of it behind.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CloseRequest {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// What side A is paid.
    #[n(1)]
    pub balance_a: Amount,
    /// What side B is paid.
    #[n(2)]
    pub balance_b: Amount,
    /// The last second at which the Judge takes it.
    #[n(3)]
    pub deadline: Timestamp,
    /// The requester's last sent nonce.
    #[n(4)]
    pub sent: Nonce,
    /// The requester's last received nonce.
    #[n(5)]
    pub received: Nonce,
}

/// The countersignature to a [`CloseRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CloseAccept {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// The request's deadline, which tells which request is answered.
    #[n(1)]
    pub deadline: Timestamp,
    /// The signature over `CooperativeClose`.
    #[n(2)]
    pub signature: Signature,
}

/// Asks to withdraw while the channel stays open. Totals are cumulative, so an old request cannot pay twice.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WithdrawRequest {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// Everything that the requester will have withdrawn.
    #[n(1)]
    pub total: Amount,
    /// The last second at which the Judge takes it.
    #[n(2)]
    pub deadline: Timestamp,
}

/// The countersignature to a [`WithdrawRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WithdrawAccept {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// The request's total.
    #[n(1)]
    pub total: Amount,
    /// The request's deadline.
    #[n(2)]
    pub deadline: Timestamp,
    /// The signature over `CooperativeWithdraw`.
    #[n(3)]
    pub signature: Signature,
}

/// Which request is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RequestKind {
    /// A [`CloseRequest`].
    #[n(0)]
    Close,
    /// A [`WithdrawRequest`].
    #[n(1)]
    Withdraw,
}

/// A request for a countersignature was declined; the requester may ask again once both peers agree on the state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RequestRefusal {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// The kind of request.
    #[n(1)]
    pub kind: RequestKind,
    /// The request's deadline, which tells which request is answered.
    #[n(2)]
    pub deadline: Timestamp,
}

/// Why bytes are not a message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`MAX_MESSAGE_BYTES`]; refused before anything is allocated.
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
    /// A version that this client does not speak.
    #[error("protocol version {0} is not spoken here")]
    Version(u8),
    /// No bytes at all.
    #[error("the message is empty")]
    Empty,
    /// Not a message of this version.
    #[error("the message is malformed: {0}")]
    Malformed(String),
}

impl Message {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![PROTOCOL_VERSION];
        bytes.extend(encode(self));
        bytes
    }

    /// The bytes of several messages, in as few pieces as the limit allows: a piece is the version byte and one message
    /// after the other. What is said to a peer at once travels in one frame.
    pub fn pack(messages: &[Self]) -> Vec<Vec<u8>> {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        for message in messages {
            let bytes = encode(message);
            match pieces.last_mut() {
                Some(piece) if piece.len().saturating_add(bytes.len()) <= MAX_MESSAGE_BYTES => piece.extend(bytes),
                _ => pieces.push([&[PROTOCOL_VERSION], bytes.as_slice()].concat()),
            }
        }
        pieces
    }

    /// Reads what [`Self::pack`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are too long, of another version, or any of the messages is malformed.
    pub fn unpack(bytes: &[u8]) -> Result<Vec<Self>, DecodeError> {
        let body = body(bytes)?;
        let mut decoder = minicbor::Decoder::new(body);
        let mut messages = Vec::new();
        while decoder.position() < body.len() {
            messages.push(read(&mut decoder)?);
        }
        if messages.is_empty() { Err(DecodeError::Empty) } else { Ok(messages) }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are too long, of another version, malformed or followed by more.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let body = body(bytes)?;
        let mut decoder = minicbor::Decoder::new(body);
        let message = read(&mut decoder)?;
        if decoder.position() != body.len() {
            return Err(DecodeError::Malformed("bytes follow the message".into()));
        }
        Ok(message)
    }
}

/// What follows the version byte.
fn body(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(DecodeError::TooLong(bytes.len()));
    }
    let (version, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if *version == PROTOCOL_VERSION { Ok(body) } else { Err(DecodeError::Version(*version)) }
}

fn read(decoder: &mut minicbor::Decoder<'_>) -> Result<Message, DecodeError> {
    decoder.decode().map_err(|error| DecodeError::Malformed(error.to_string()))
}

/// Encodes into memory, which cannot fail.
pub(crate) fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The only errors are the writer's (a Vec has none) and a codec's own (none of ours returns one).
    let written = minicbor::encode(value, &mut bytes);
    debug_assert!(written.is_ok(), "encoding into memory failed");
    bytes
}
