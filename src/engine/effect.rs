//! What becomes visible after a step is durable: messages, transactions, replies and events.

use crate::protocol::{
    Address, Amount, B256, ChannelId, ChannelKey, JudgeCall, LockRefusal, Message, Nonce, PaymentId, PaymentRequest,
    PublicKey, Receipt, Secret, SecretHash, Timestamp,
};

use super::{EngineError, OperationId, RequestId, TransactionId};

/// One thing for the driver to do. It may do them in any order but that of the messages to one peer.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "effects are handed over one by one and never kept")]
pub enum Effect {
    /// Send a message to a peer's session key.
    Send {
        /// To whom.
        to: PublicKey,
        /// What.
        message: Message,
    },
    /// Ask the relay's directory for a wallet's session keys.
    Lookup(Address),
    /// Read a session key's record from the Judge.
    ReadSession {
        /// The wallet.
        wallet: Address,
        /// The key's address.
        session_key: Address,
    },
    /// Read from the chain, as of a confirmed block, which of these secrets are registered.
    ReadSecrets {
        /// Their hashes.
        hashes: Vec<SecretHash>,
        /// The block.
        block: u64,
    },
    /// Read what gas costs now.
    ReadGasPrice,
    /// Ask the wallet to send a transaction, once. It is never repeated without being asked for again.
    Transact {
        /// The number to report the outcome under.
        id: TransactionId,
        /// What the transaction does.
        call: JudgeCall,
    },
    /// Answer a command.
    Reply {
        /// The command's number.
        request: RequestId,
        /// Its result.
        result: Result<Reply, EngineError>,
    },
    /// Tell the application.
    Emit(Event),
}

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The channel as it is now.
    Channel(Box<ChannelView>),
    /// The payment as it is now.
    Payment(PaymentView),
    /// It was said; there is nothing to show.
    Done,
    /// The request as it is now.
    Request(Box<RequestView>),
    /// The target has taken this part; the secret proves it.
    Part {
        /// The payment.
        payment: PaymentId,
        /// The part's number.
        part: u32,
        /// The secret.
        secret: Secret,
    },
}

/// Something that the application may want to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A channel changed.
    Channel(Box<ChannelView>),
    /// A payment changed or arrived.
    Payment(PaymentView),
    /// A long command came further.
    Progress {
        /// The command's name.
        operation: OperationId,
        /// How far.
        stage: Stage,
    },
    /// The user should act.
    ActionRequired {
        /// The channel.
        channel: ChannelId,
        /// What to do.
        action: Action,
        /// Until when, if there is a deadline.
        deadline: Option<Timestamp>,
    },
    /// A payment over locks came further.
    Transfer(TransferEvent),
    /// Locks to us were left alone, because the transaction would cost more than they hold. The person can have it made
    /// all the same.
    LocksLeft {
        /// The channel.
        channel: ChannelId,
        /// What was not done for them.
        action: Action,
        /// How many.
        locks: usize,
        /// What they hold together.
        amount: Amount,
        /// About what it would cost, in wei; `None` for tokens, which are held against [`super::LockPolicy::dust`].
        cost: Option<Amount>,
    },
    /// A request changed.
    Request(Box<RequestView>),
    /// State was recovered from the partner's copy.
    Recovered {
        /// The channel.
        channel: ChannelId,
    },
}

/// What happens to payments over locks, where they begin and where they end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferEvent {
    /// A part of a payment that began here was taken by its target.
    PartPaid {
        /// The payment.
        payment: PaymentId,
        /// The part's number.
        part: u32,
        /// The hash of its secret.
        hash: SecretHash,
        /// What the target got.
        amount: Amount,
        /// What the mediators got.
        fee: Amount,
        /// The secret, which proves it.
        secret: Secret,
    },
    /// A part of a payment that began here surely was not taken.
    PartFailed {
        /// The payment.
        payment: PaymentId,
        /// The part's number.
        part: u32,
        /// The hash of its secret.
        hash: SecretHash,
        /// Why.
        reason: LockRefusal,
    },
    /// A part of a payment that begins here was locked to the first account on its way.
    Locked {
        /// The payment.
        payment: PaymentId,
        /// The part's number.
        part: u32,
        /// The channel of the lock.
        channel: ChannelId,
        /// The hash of its secret.
        hash: SecretHash,
        /// What the lock holds.
        amount: Amount,
    },
    /// A payment of others was passed on.
    Forwarded {
        /// The channel that it came over.
        from: ChannelId,
        /// The channel that it went on over.
        to: ChannelId,
        /// The hash of its secret.
        hash: SecretHash,
        /// What was passed on.
        amount: Amount,
        /// What is kept when it is paid.
        fee: Amount,
    },
    /// A payment over locks arrived whole and is being taken.
    Received {
        /// The payer's id for it.
        payment: PaymentId,
        /// The payer's wallet, by its own word.
        from: Address,
        /// The token.
        token: Address,
        /// How much.
        amount: Amount,
        /// The payer's note.
        memo: Option<String>,
        /// The hash of the request that it pays, if it pays one.
        request: Option<B256>,
    },
    /// A lock of the partner was paid to us.
    LockPaid {
        /// The channel.
        channel: ChannelId,
        /// The hash of the lock's secret.
        hash: SecretHash,
        /// How much.
        amount: Amount,
    },
}

/// How far a long command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for the partner's signature.
    Partner,
    /// Waiting for the user to confirm in the wallet.
    Wallet,
    /// Sent, in no block yet. Of several calls that a wallet sends as one, the hash is known only later.
    Submitted(Option<B256>),
    /// In a block.
    Confirming {
        /// Confirmations so far.
        have: u64,
        /// Confirmations that count.
        required: u64,
    },
    /// Enough confirmations.
    Confirmed,
    /// The partner is there: payments go through.
    Ready,
}

/// What the user should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Bring the newest proof to the Judge: the partner closed with an older one.
    Respond,
    /// Take the money out: the challenge period is over.
    Settle,
    /// Register the secrets of locks that the partner has not paid and that end soon.
    RevealOnChain,
}

/// Where a channel is in its life, as far as the chain has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not enough confirmations yet.
    Opening,
    /// Payments can be made.
    Open,
    /// A cooperative close is signed and not yet in the chain, or a close waits for proofs.
    Closing,
    /// The challenge period is over; the payouts wait.
    Settleable,
    /// Everything was paid out.
    Settled,
    /// An error stopped it.
    Stopped,
}

/// One side of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideView {
    /// Confirmed deposits.
    pub deposited: Amount,
    /// Withdrawals, pending ones included.
    pub withdrawn: Amount,
    /// Everything it has signed away.
    pub transferred: Amount,
    /// What it has locked.
    pub locked: Amount,
    /// Its last proof's number.
    pub nonce: Nonce,
    /// What it can still pay.
    pub balance: Amount,
}

/// A channel as the application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelView {
    /// The id.
    pub id: ChannelId,
    /// What names it.
    pub key: ChannelKey,
    /// The other wallet.
    pub partner: Address,
    /// Where it is in its life.
    pub status: Status,
    /// Confirmations of the opening.
    pub confirmations: u64,
    /// Confirmations that count.
    pub required: u64,
    /// True while the partner answers.
    pub partner_online: bool,
    /// True when a payment would leave at once.
    pub ready: bool,
    /// Our side.
    pub ours: SideView,
    /// The partner's side.
    pub theirs: SideView,
    /// What can be paid now, waiting payments counted as paid.
    pub capacity: Amount,
    /// Payments that wait or are not acknowledged.
    pub pending_payments: usize,
    /// When proofs stop counting, while closing alone.
    pub challenge_end: Option<Timestamp>,
    /// Who closed alone.
    pub closer: Option<Address>,
    /// What the user should do.
    pub action: Option<Action>,
    /// What this wallet was paid at the end.
    pub paid: Amount,
    /// Why it stopped.
    pub error: Option<String>,
}

/// Which way a payment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From us.
    Sent,
    /// To us.
    Received,
}

/// How far a payment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Waits; nothing is signed.
    Queued,
    /// Signed and on its way; it cannot be taken back.
    Sent,
    /// Stored by the payee.
    Settled,
    /// The payee did not accept it.
    Refused(String),
    /// Taken back before anything was signed.
    Cancelled,
    /// Nothing of it was taken, and nothing can be any more; a stable code says why.
    Failed(String),
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStatus {
    /// It waits to be paid.
    Open,
    /// A payment for it is under way from here.
    Pending,
    /// It was paid.
    Paid,
    /// It no longer counts.
    Expired,
}

/// A request as the application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// Its id.
    pub id: B256,
    /// The request.
    pub request: PaymentRequest,
    /// True when it was made here.
    pub created: bool,
    /// How far it is.
    pub status: RequestStatus,
    /// The payment that paid it, or that is to pay it from here.
    pub payment: Option<PaymentId>,
    /// The payee's word that it was paid.
    pub receipt: Option<Receipt>,
    /// When it was made, or when its payment from here began; 0 when it is neither.
    pub at: Timestamp,
}

/// A payment as the application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentView {
    /// The payer's id for it.
    pub id: PaymentId,
    /// The channel that it was made in; none when it was made over locks.
    pub channel: Option<ChannelId>,
    /// Who was paid, or who paid.
    pub partner: Address,
    /// In which token.
    pub token: Address,
    /// Which way.
    pub flow: Flow,
    /// How much the payee got, or is to get.
    pub amount: Amount,
    /// What mediators got beside that.
    pub fee: Amount,
    /// The hash of the payee's request that it pays, if it pays one.
    pub request: Option<B256>,
    /// The payer's note.
    pub memo: Option<String>,
    /// How far.
    pub status: PaymentStatus,
    /// The proof that carries it, 0 while it waits.
    pub nonce: Nonce,
    /// When it was signed or stored here.
    pub at: Timestamp,
}
