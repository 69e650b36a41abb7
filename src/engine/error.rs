//! Why a command could not be carried out.

use crate::protocol::{Amount, AmountError, ChannelKeyError, KeyError, LockRefusal, RefusalCode, RequestError};

/// The reasons for which the engine declines a command. Each has a stable code for the application.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A parameter makes no sense.
    #[error("{0}")]
    InvalidArgument(String),
    /// No such channel is known.
    #[error("no such channel")]
    UnknownChannel,
    /// The channel's opening has not enough confirmations yet.
    #[error("the channel is not open yet")]
    NotOpen,
    /// The amount is above what this side can still pay.
    #[error("{wanted} is above the {available} that this side can still pay")]
    InsufficientCapacity {
        /// What was asked.
        wanted: Amount,
        /// What there is.
        available: Amount,
    },
    /// Too many payments wait for the partner already.
    #[error("too many payments are waiting")]
    QueueFull,
    /// The partner cannot be reached.
    #[error("the partner is offline")]
    PartnerOffline,
    /// Neither the chain nor the wallet has named this client's session key, or not for long enough: authorize first.
    #[error("the wallet has not authorized this client to pay")]
    NotAuthorized,
    /// The channel is being closed; nothing new is paid through it.
    #[error("the channel is closing")]
    ChannelClosing,
    /// The channel stopped after an error.
    #[error("the channel stopped: {0}")]
    ChannelStopped(String),
    /// This side's storage is, or may be, older than what the partner holds.
    #[error("this client has not caught up with its partner yet")]
    StateBehind,
    /// The partner did not accept the update that carries the payment.
    #[error("the partner refused the payment: {0:?}")]
    PaymentRefused(RefusalCode),
    /// The payment was cancelled before anything was signed.
    #[error("the payment was cancelled")]
    PaymentCancelled,
    /// No such payment is waiting.
    #[error("no such payment is waiting")]
    UnknownPayment,
    /// A payment with this id was made already.
    #[error("a payment with this id was made already")]
    DuplicatePayment,
    /// Another withdrawal or close of this channel is under way.
    #[error("another withdrawal or close is under way")]
    Busy,
    /// The partner declined the request for a countersignature.
    #[error("the partner declined")]
    Declined,
    /// There is nothing to do: no newer proof to answer with, or nothing to pay out.
    #[error("there is nothing to do")]
    NothingToDo,
    /// All that is left to claim costs more gas than it holds; it is claimed when that is asked for.
    #[error("claiming what is left would cost more than it holds")]
    NotWorthIt,
    /// The Judge does not settle before the challenge period is over.
    #[error("the challenge period is not over")]
    TooEarly,
    /// The answer took too long.
    #[error("there was no answer in time")]
    Timeout,
    /// The wallet, the chain or the Judge said no to the transaction; the code and words are theirs.
    #[error("{message}")]
    Transaction {
        /// The stable code of the chain service's error.
        code: &'static str,
        /// The words.
        message: String,
    },
    /// The lock could not be made, or it was not passed on.
    #[error("the payment was not passed on: {0:?}")]
    LockRefused(LockRefusal),
    /// It is not a payment request that counts here.
    #[error(transparent)]
    InvalidRequest(#[from] RequestError),
    /// No such request was made or paid here.
    #[error("no such request is known")]
    UnknownRequest,
    /// The request was paid from here already.
    #[error("the request was paid already")]
    RequestPaid,
    /// The request is being paid from here already.
    #[error("the request is being paid already")]
    RequestPending,
    /// The request no longer counts.
    #[error("the request has expired")]
    RequestExpired,
    /// A signature could not be made.
    #[error("signing failed")]
    Signing,
}

impl EngineError {
    /// The stable code that applications test for.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidArgument(_) => "INVALID_ARGUMENT",
            Self::UnknownChannel => "UNKNOWN_CHANNEL",
            Self::NotOpen => "CHANNEL_NOT_OPEN",
            Self::InsufficientCapacity { .. } => "INSUFFICIENT_CAPACITY",
            Self::QueueFull => "QUEUE_FULL",
            Self::PartnerOffline => "PARTNER_OFFLINE",
            Self::NotAuthorized => "NOT_AUTHORIZED",
            Self::ChannelClosing => "CHANNEL_CLOSING",
            Self::ChannelStopped(_) => "CHANNEL_STOPPED",
            Self::StateBehind => "STATE_BEHIND",
            Self::PaymentRefused(_) => "PAYMENT_REFUSED",
            Self::PaymentCancelled => "PAYMENT_CANCELLED",
            Self::UnknownPayment => "UNKNOWN_PAYMENT",
            Self::DuplicatePayment => "DUPLICATE_PAYMENT",
            Self::Busy => "BUSY",
            Self::Declined => "DECLINED",
            Self::NothingToDo => "NOTHING_TO_DO",
            Self::NotWorthIt => "NOT_WORTH_IT",
            Self::TooEarly => "TOO_EARLY",
            Self::Timeout => "TIMEOUT",
            Self::Transaction { code, .. } => code,
            Self::LockRefused(_) => "LOCK_REFUSED",
            Self::InvalidRequest(_) => "INVALID_REQUEST",
            Self::UnknownRequest => "UNKNOWN_REQUEST",
            Self::RequestPaid => "REQUEST_PAID",
            Self::RequestPending => "REQUEST_PENDING",
            Self::RequestExpired => "REQUEST_EXPIRED",
            Self::Signing => "INTERNAL",
        }
    }

    /// True when the same command may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::NotOpen
                | Self::QueueFull
                | Self::PartnerOffline
                | Self::StateBehind
                | Self::Busy
                | Self::Declined
                | Self::TooEarly
                | Self::Timeout
                | Self::LockRefused(_)
        )
    }
}

impl From<AmountError> for EngineError {
    fn from(error: AmountError) -> Self {
        Self::InvalidArgument(error.to_string())
    }
}

impl From<ChannelKeyError> for EngineError {
    fn from(error: ChannelKeyError) -> Self {
        Self::InvalidArgument(error.to_string())
    }
}

impl From<KeyError> for EngineError {
    fn from(_: KeyError) -> Self {
        Self::Signing
    }
}
