//! Everything that can happen to an engine.

use crate::protocol::{
    Address, Amount, B256, ChainEvent, ChannelId, Grant, Head, Memo, Message, PaymentId, PaymentRequest, PublicKey,
    Route, RouteHint, Secret, SecretHash, Timestamp,
};
use crate::store::Key;

/// A number by which the caller recognizes the reply to a command.
pub type RequestId = u64;

/// A name by which the caller recognizes the progress of a long command.
pub type OperationId = String;

/// A number by which the engine recognizes the outcome of a transaction that it asked for.
pub type TransactionId = u64;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The application asks for something; it is answered by [`super::Effect::Reply`].
    Command {
        /// The caller's number.
        request: RequestId,
        /// What it asks.
        command: Command,
    },
    /// A peer's message, authenticated by the sealed frame.
    Message {
        /// The session key that sealed it.
        from: PublicKey,
        /// What it says.
        message: Message,
    },
    /// The relay could not reach this peer.
    Unreachable(PublicKey),
    /// The link to the relay came up.
    Online,
    /// The link to the relay went down.
    Offline,
    /// The relay's directory answered.
    Found {
        /// Whose keys were asked for.
        wallet: Address,
        /// Connected session keys with the grants that name them; not to be believed before verification.
        entries: Vec<(PublicKey, Grant)>,
    },
    /// The Judge's record of a session key was read.
    SessionRead {
        /// The wallet.
        wallet: Address,
        /// The key's address.
        session_key: Address,
        /// Until when it is delegated on-chain, 0 if it is not.
        valid_until: Timestamp,
        /// When its revocation bites, 0 for none.
        revoked_from: Timestamp,
    },
    /// The chain moved.
    Chain(ChainInput),
    /// The wallet has agreed to a transaction and does not know its hash yet.
    Agreed(TransactionId),
    /// A transaction that the engine asked for was sent, or was not.
    Transaction {
        /// The engine's number.
        id: TransactionId,
        /// Its hash, or why there is none.
        outcome: Result<B256, TransactionFailure>,
    },
    /// A sent transaction is in a block.
    Mined {
        /// Its hash.
        hash: B256,
        /// False when it reverted.
        success: bool,
    },
    /// The chain's word on secrets that the engine asked for.
    SecretsRead {
        /// The time of the confirmed block as of which it speaks.
        at: Timestamp,
        /// What was asked for.
        asked: Vec<SecretHash>,
        /// Those that were registered by then.
        found: Vec<SecretOnChain>,
    },
    /// What gas costs now, in wei; `None` when it could not be read.
    GasPrice(Option<u128>),
    /// The wallet signed a grant for this client's session key.
    Granted(Grant),
    /// Time passed.
    Tick,
}

/// A secret that is registered on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretOnChain {
    /// The secret.
    pub secret: Secret,
    /// When it was first registered.
    pub registered: Timestamp,
}

/// Why a transaction was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionFailure {
    /// The chain service's stable code.
    pub code: &'static str,
    /// Its words.
    pub message: String,
}

/// What the chain service saw since its last report.
#[derive(Clone, Debug, Default)]
pub struct ChainInput {
    /// The newest block.
    pub head: Head,
    /// Forget confirmed events above this block: a reorg was deeper than the confirmations.
    pub rollback: Option<u64>,
    /// Events that have enough confirmations now; each is told once.
    pub confirmed: Vec<ChainEvent>,
    /// All events that have not enough yet; replaces the last list.
    pub pending: Vec<ChainEvent>,
    /// False while the chain service is catching up: nothing follows then from an event's absence.
    pub complete: bool,
}

/// How a channel is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseMode {
    /// With the partner's signature if it answers in time, else alone.
    Auto,
    /// Only with the partner's signature.
    Cooperative,
    /// Alone, at once.
    Unilateral,
}

/// A part of a payment as its initiator knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The payment.
    pub payment: PaymentId,
    /// The part's number.
    pub number: u32,
    /// The target's session key.
    pub target: PublicKey,
    /// What the target gets.
    pub amount: Amount,
    /// What the mediators get.
    pub fee: Amount,
    /// The secret, when the target must ask for it; without, the route brings what the target needs to know it.
    pub secret: Option<Secret>,
}

/// What a new request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTerms {
    /// A fresh random number.
    pub reference: [u8; 16],
    /// The token, zero for native ETH.
    pub token: Address,
    /// How much; absent when the payer chooses.
    pub amount: Option<Amount>,
    /// For how many seconds it counts.
    pub life: Timestamp,
    /// What it is for.
    pub memo: Option<Memo>,
    /// The relay where this client can be reached.
    pub relay: Option<String>,
    /// Channels that lead here.
    pub hints: Vec<RouteHint>,
}

/// What an application can ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open a channel. The reply comes when the opening is confirmed.
    Open {
        /// The name for its progress.
        operation: OperationId,
        /// The other wallet.
        partner: Address,
        /// The token, zero for native ETH.
        token: Address,
        /// What to deposit.
        deposit: Amount,
        /// A fresh random number; it makes the channel's id unique.
        salt: u64,
    },
    /// Add to the deposit. The reply comes when it is confirmed.
    Deposit {
        /// The name for its progress.
        operation: OperationId,
        /// The channel.
        channel: ChannelId,
        /// What to add.
        amount: Amount,
    },
    /// Pay. The reply comes when the partner has stored the proof.
    Pay {
        /// The channel.
        channel: ChannelId,
        /// A fresh random id.
        payment: PaymentId,
        /// How much.
        amount: Amount,
        /// A note.
        memo: Option<Memo>,
    },
    /// Begin a payment, or a part of one, with a lock. The reply comes when it is paid, or surely is not.
    Lock {
        /// The channel to the first account on the way.
        channel: ChannelId,
        /// The lock's hash. Its secret must be fresh: one that was ever shown pays whoever saw it.
        hash: SecretHash,
        /// What the lock holds: what the target gets, and the fees.
        amount: Amount,
        /// The last second at which the secret counts.
        expiry: Timestamp,
        /// What the first account is told.
        route: Route,
        /// Which payment, and what of it.
        part: Part,
    },
    /// Tell the target of a payment that no more parts of it will come, so that those that arrived go back at once.
    GiveUp {
        /// The target's session key.
        target: PublicKey,
        /// The payment.
        payment: PaymentId,
    },
    /// Ask to be paid: signs a request.
    CreateRequest(Box<RequestTerms>),
    /// Note that a payment is about to be made for a request, so that no other is.
    ClaimRequest {
        /// The request.
        request: Box<PaymentRequest>,
        /// The payment.
        payment: PaymentId,
        /// What it brings.
        amount: Amount,
    },
    /// The payment for a request surely was not made: another may be.
    LeaveRequest {
        /// The request's id.
        request: B256,
        /// The payment.
        payment: PaymentId,
    },
    /// Store a record of the driver in the same commit as what was asked for beside it. It must be of no kind that the engine
    /// writes.
    Note {
        /// Where.
        key: Key,
        /// What.
        value: Vec<u8>,
    },
    /// Refuse every lock that is to be passed on, or do it no more: for showing what a mediator can do.
    RefuseLocks {
        /// Whether to.
        on: bool,
    },
    /// Take back a payment for which nothing was signed yet.
    CancelPayment {
        /// The channel.
        channel: ChannelId,
        /// The payment.
        payment: PaymentId,
    },
    /// Take money out while the channel stays open. The reply comes when it is confirmed.
    Withdraw {
        /// The name for its progress.
        operation: OperationId,
        /// The channel.
        channel: ChannelId,
        /// How much.
        amount: Amount,
        /// How many seconds the partner has to countersign.
        timeout: Timestamp,
    },
    /// Close. The reply comes when the close is confirmed.
    Close {
        /// The name for its progress.
        operation: OperationId,
        /// The channel.
        channel: ChannelId,
        /// How.
        mode: CloseMode,
        /// How many seconds the partner has to countersign.
        timeout: Timestamp,
        /// Close even though this client may be behind its partner.
        force: bool,
    },
    /// Answer the partner's close with the newest proof.
    Respond {
        /// The name for its progress.
        operation: OperationId,
        /// The channel.
        channel: ChannelId,
    },
    /// Be paid after the challenge period, in as many transactions as the locks take. The reply comes when the last is
    /// confirmed.
    Settle {
        /// The name for its progress.
        operation: OperationId,
        /// The channel.
        channel: ChannelId,
        /// Claim also the locks that cost more than they hold.
        force: bool,
    },
    /// Register now, whatever it costs, the secrets of the partner's locks that are not paid yet. The reply comes when the
    /// chain holds them for good.
    RevealSecrets {
        /// The name for its progress.
        operation: OperationId,
        /// The channel.
        channel: ChannelId,
    },
}
