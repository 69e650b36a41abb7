//! Why a node could not do what it was asked.

use crate::engine::EngineError;
use crate::protocol::{Amount, LockRefusal};
use crate::store::StoreError;

/// An error of a node, with a stable code for the application.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The engine declined.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Storage failed; nothing was sent that is not stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The wallet or the chain said no.
    #[error("{message}")]
    Chain {
        /// The chain service's stable code.
        code: &'static str,
        /// In words.
        message: String,
    },
    /// No way to the payee is known over which anything could go.
    #[error("no route to the payee is known")]
    NoRoute,
    /// Every way costs more than the caller allows.
    #[error("the fee would be {fee}, above {most}")]
    FeeTooHigh {
        /// What the cheapest way that was found costs.
        fee: Amount,
        /// What may be paid at most.
        most: Amount,
    },
    /// The payment failed on its way; nothing moved.
    #[error("the payment failed, nothing was paid{}", reason_words(*reason))]
    PaymentFailed {
        /// Why the last part that was tried failed, where that is known.
        reason: Option<LockRefusal>,
    },
    /// The node was closed.
    #[error("the client is closed")]
    Closed,
}

impl NodeError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Store(error) => store_code(error),
            Self::Chain { code, .. } => code,
            Self::NoRoute => "NO_ROUTE",
            Self::FeeTooHigh { .. } => "FEE_TOO_HIGH",
            Self::PaymentFailed { .. } => "PAYMENT_FAILED",
            Self::Closed => "CLIENT_CLOSED",
        }
    }

    /// True when the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_retryable(),
            Self::NoRoute | Self::PaymentFailed { .. } => true,
            Self::Store(_) | Self::Chain { .. } | Self::FeeTooHigh { .. } | Self::Closed => false,
        }
    }
}

fn reason_words(reason: Option<LockRefusal>) -> String {
    reason.map(|reason| format!(": {}", reason.code())).unwrap_or_default()
}

pub(super) const fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::Fenced => "STORAGE_FENCED",
        StoreError::Full(_) => "STORAGE_FULL",
        StoreError::Lost(_) => "STORAGE_LOST",
        StoreError::Corrupt(_) => "STORAGE_CORRUPT",
    }
}
