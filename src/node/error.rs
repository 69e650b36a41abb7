//! Why a node could not do what it was asked.

use crate::engine::EngineError;
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
            Self::Closed => "CLIENT_CLOSED",
        }
    }

    /// True when the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_retryable(),
            Self::Store(_) | Self::Chain { .. } | Self::Closed => false,
        }
    }
}

pub(super) const fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::Fenced => "STORAGE_FENCED",
        StoreError::Full(_) => "STORAGE_FULL",
        StoreError::Lost(_) => "STORAGE_LOST",
        StoreError::Corrupt(_) => "STORAGE_CORRUPT",
    }
}
