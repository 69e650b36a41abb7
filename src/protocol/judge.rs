//! What the Judge tells and what it can be told, in this crate's own types.
//!
//! The engine decides in these words; `chain` translates them to logs and transactions.

use alloy::primitives::{Address, B256};

use super::cbor::{Decode, Encode};
use super::{Amount, ChannelId, ChannelKey, Grant, Lock, Nonce, Secret, Signature, SignedProof, Timestamp, cbor};

/// Where in the chain a log stands. Ordered by block, then by log index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct LogPosition {
    /// The block's number.
    #[n(0)]
    pub block: u64,
    /// The log's index in the block.
    #[n(1)]
    pub index: u64,
    /// The block's hash: another hash at the same number means a reorg took the log away.
    #[n(2)]
    #[cbor(with = "cbor::fixed")]
    pub block_hash: B256,
    /// The transaction that made the log.
    #[n(3)]
    #[cbor(with = "cbor::fixed")]
    pub transaction: B256,
}

/// A log of the Judge.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChainEvent {
    /// Where it stands.
    #[n(0)]
    pub position: LogPosition,
    /// What happened.
    #[n(1)]
    pub event: JudgeEvent,
}

impl ChainEvent {
    /// Puts events into the chain's order.
    pub(crate) fn sort(events: &mut [Self]) {
        events.sort_by_key(|event| event.position);
    }
}

/// What the Judge says. Totals are cumulative, so applying one twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum JudgeEvent {
    /// A channel was opened.
    #[n(0)]
    #[cbor(map)]
    Opened {
        /// The channel's identity; its id is the hash of it.
        #[n(0)]
        key: ChannelKey,
    },
    /// A side's deposits now sum to `total`.
    #[n(1)]
    #[cbor(map)]
    Deposited {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// The side's wallet.
        #[n(1)]
        #[cbor(with = "cbor::fixed")]
        wallet: Address,
        /// The sum of its deposits.
        #[n(2)]
        total: Amount,
    },
    /// A side's withdrawals now sum to `total`.
    #[n(2)]
    #[cbor(map)]
    Withdrawn {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// The side's wallet.
        #[n(1)]
        #[cbor(with = "cbor::fixed")]
        wallet: Address,
        /// The sum of its withdrawals.
        #[n(2)]
        total: Amount,
    },
    /// A side closed alone: proofs count until `challenge_end`.
    #[n(3)]
    #[cbor(map)]
    Closing {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// Who closed.
        #[n(1)]
        #[cbor(with = "cbor::fixed")]
        closer: Address,
        /// The first second at which no proof is taken any more.
        #[n(2)]
        challenge_end: Timestamp,
    },
    /// The Judge now holds this proof of `sender`.
    #[n(4)]
    #[cbor(map)]
    ProofAccepted {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// Whose money the proof gives away.
        #[n(1)]
        #[cbor(with = "cbor::fixed")]
        sender: Address,
        /// The proof's number.
        #[n(2)]
        nonce: Nonce,
        /// Its cumulative amount.
        #[n(3)]
        transferred: Amount,
        /// Its locked amount.
        #[n(4)]
        locked: Amount,
        /// Its locks root.
        #[n(5)]
        #[cbor(with = "cbor::fixed")]
        locks_root: B256,
    },
    /// A lock was claimed.
    #[n(5)]
    #[cbor(map)]
    LockClaimed {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// Whose lock it was.
        #[n(1)]
        #[cbor(with = "cbor::fixed")]
        sender: Address,
        /// The lock's id.
        #[n(2)]
        lock: u64,
        /// What was claimed.
        #[n(3)]
        amount: Amount,
    },
    /// A wallet was paid, or credited where the push failed.
    #[n(6)]
    #[cbor(map)]
    Paid {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// Who was paid.
        #[n(1)]
        #[cbor(with = "cbor::fixed")]
        wallet: Address,
        /// How much.
        #[n(2)]
        amount: Amount,
        /// True when the push failed and the wallet must claim its credit.
        #[n(3)]
        credited: bool,
    },
    /// Nothing is left in the channel.
    #[n(7)]
    #[cbor(map)]
    Done {
        /// The channel.
        #[n(0)]
        channel: ChannelId,
        /// True after a cooperative close.
        #[n(1)]
        cooperative: bool,
    },
    /// A wallet's session key changed.
    #[n(8)]
    #[cbor(map)]
    SessionKeySet {
        /// The wallet.
        #[n(0)]
        #[cbor(with = "cbor::fixed")]
        wallet: Address,
        /// The key's address.
        #[n(1)]
        #[cbor(with = "cbor::fixed")]
        session_key: Address,
        /// The key signs for open channels before this second.
        #[n(2)]
        valid_until: Timestamp,
        /// When a revocation bites, 0 for none.
        #[n(3)]
        revoked_from: Timestamp,
    },
}

impl JudgeEvent {
    /// The channel that the event is about, if it is about one.
    pub fn channel(&self) -> Option<ChannelId> {
        match self {
            Self::Opened { key } => Some(key.id()),
            Self::Deposited { channel, .. }
            | Self::Withdrawn { channel, .. }
            | Self::Closing { channel, .. }
            | Self::ProofAccepted { channel, .. }
            | Self::LockClaimed { channel, .. }
            | Self::Paid { channel, .. }
            | Self::Done { channel, .. } => Some(*channel),
            Self::SessionKeySet { .. } => None,
        }
    }
}

/// A block as far as deadlines and reorgs need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// The block's number.
    #[n(0)]
    pub number: u64,
    /// The block's hash.
    #[n(1)]
    #[cbor(with = "cbor::fixed")]
    pub hash: B256,
    /// The block's time.
    #[n(2)]
    pub timestamp: Timestamp,
}

/// Locks of one side that are claimed at the Judge, each with its way up to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose locks they are.
    pub sender: Address,
    /// The locks.
    pub locks: Vec<Lock>,
    /// For each lock, the siblings from its leaf upwards.
    pub proofs: Vec<Vec<B256>>,
}

/// A transaction that the wallet is asked to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeCall {
    /// Opens a channel with a deposit and, in the same transaction, delegates a session key.
    Open {
        /// The channel.
        key: ChannelKey,
        /// The opener's deposit; may be nothing.
        deposit: Amount,
        /// The session key to delegate; the zero address for none.
        session_key: Address,
        /// Until when.
        valid_until: Timestamp,
    },
    /// Adds to the caller's deposit.
    Deposit {
        /// The channel.
        key: ChannelKey,
        /// What is added.
        amount: Amount,
    },
    /// Closes alone with the partner's newest proof.
    Close {
        /// The channel.
        key: ChannelKey,
        /// The partner's newest proof, if there is one.
        proof: Option<SignedProof>,
        /// The partner's grant, brought in the same transaction when its key is not delegated on-chain.
        grant: Option<Grant>,
    },
    /// Answers a close with a newer proof of the partner.
    Update {
        /// The channel.
        key: ChannelKey,
        /// The partner's newest proof, or a proof of this wallet's that the partner has countersigned.
        proof: SignedProof,
        /// Grants to bring in the same transaction, as for `Close`.
        grants: Vec<Grant>,
        /// The partner's countersignature under a proof of this wallet's.
        acceptance: Option<Signature>,
    },
    /// Claims locks, gives ended ones back, and pays both sides after the challenge period.
    Settle {
        /// The channel.
        key: ChannelKey,
        /// Locks whose secrets were registered in time.
        claims: Vec<Claim>,
        /// Wallets whose unclaimed locks nobody can claim any more.
        finalize: Vec<Address>,
    },
    /// Registers secrets, so that locks stay claimable after they end.
    RegisterSecrets {
        /// The secrets.
        secrets: Vec<Secret>,
    },
    /// Closes at once with both signatures.
    CooperativeClose {
        /// The channel.
        key: ChannelKey,
        /// What side A is paid.
        balance_a: Amount,
        /// What side B is paid.
        balance_b: Amount,
        /// The last second at which it is taken.
        deadline: Timestamp,
        /// Side A's signature.
        signature_a: Signature,
        /// Side B's signature.
        signature_b: Signature,
        /// The partner's grant, as for `Close`.
        grants: Vec<Grant>,
    },
    /// Withdraws with both signatures while the channel stays open.
    CooperativeWithdraw {
        /// The channel.
        key: ChannelKey,
        /// Who withdraws.
        wallet: Address,
        /// Everything it will have withdrawn.
        total: Amount,
        /// The last second at which it is taken.
        deadline: Timestamp,
        /// Side A's signature.
        signature_a: Signature,
        /// Side B's signature.
        signature_b: Signature,
        /// Grants to bring in the same transaction, as for `Close`.
        grants: Vec<Grant>,
    },
}
