//! Why a transaction was not sent, or its outcome is not known.

use alloy::primitives::{Address, B256, U256};
use serde_json::Value;

use super::revert::{self, Revert};
use super::{ReadError, RpcError};

/// Why a transaction was not sent, or its outcome is not known.
///
/// A transaction is asked for once. After every variant except [`Unconfirmed`](Self::Unconfirmed) and
/// [`OutcomeUnknown`](Self::OutcomeUnknown) the Judge was not told anything, and the person may try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// The person declined in the wallet.
    #[error("the request was declined in the wallet")]
    UserRejected,
    /// The wallet did not give the page access to the account.
    #[error("the wallet has not authorized this account")]
    Unauthorized,
    /// The wallet is connected to another chain than the Judge is on.
    #[error("the wallet is on chain {actual}, the Judge on chain {expected}")]
    WrongChain {
        /// The Judge's chain.
        expected: u64,
        /// The wallet's chain.
        actual: u64,
    },
    /// The wallet does not hold what the transaction takes.
    #[error("the wallet needs {needed} but has {have}")]
    InsufficientFunds {
        /// The token; zero for the chain's own coin.
        token: Address,
        /// What is needed, in base units; for the chain's own coin with the network's fee where it is known.
        needed: U256,
        /// What the wallet has, in base units.
        have: U256,
    },
    /// The Judge or the token would refuse the call; nothing was sent.
    #[error("the contract would refuse: {0}")]
    Reverted(Revert),
    /// The token does not let the Judge take the deposit although it was approved.
    #[error("the token refused the approval")]
    ApprovalFailed,
    /// The wallet's signature is not by the account that was asked, so the Judge would not take it. Wallets that are
    /// contracts sign like that.
    #[error("the signature is not by the wallet's account")]
    WrongSigner,
    /// The wallet is not connected to any chain.
    #[error("the wallet is disconnected")]
    Disconnected,
    /// The wallet does not know the request.
    #[error("the wallet does not support the request")]
    Unsupported,
    /// The wallet took a transaction that this one waits for, and it was not mined in time. It may still be.
    #[error("transaction {hash} was not mined in time")]
    Unconfirmed {
        /// The transaction that is waited for.
        hash: B256,
    },
    /// The wallet was asked to send and answered something else than a hash or a refusal, so whether the chain will
    /// see the transaction is not known. Never send again on this; the chain's events tell.
    #[error("whether the transaction was sent is not known: {0}")]
    OutcomeUnknown(String),
    /// The call contradicts itself, such as a proof of another channel. A defect of the caller.
    #[error("the call is not valid: {0}")]
    InvalidCall(&'static str),
    /// The provider answered something that the request's specification does not allow.
    #[error("the provider's answer to {method} cannot be read")]
    BadAnswer {
        /// The request.
        method: &'static str,
    },
    /// Any other error of the provider, in its own words.
    #[error("the provider answered: {message} ({code})")]
    Provider {
        /// The provider's code.
        code: i64,
        /// The provider's words.
        message: String,
    },
}

impl TransactionError {
    /// A name that stays the same across versions.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UserRejected => "USER_REJECTED",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::WrongChain { .. } => "WRONG_CHAIN",
            Self::InsufficientFunds { .. } => "INSUFFICIENT_FUNDS",
            Self::Reverted(_) => "REVERTED",
            Self::ApprovalFailed => "APPROVAL_FAILED",
            Self::WrongSigner => "WRONG_SIGNER",
            Self::Disconnected => "PROVIDER_DISCONNECTED",
            Self::Unsupported => "UNSUPPORTED",
            Self::Unconfirmed { .. } => "UNCONFIRMED",
            Self::OutcomeUnknown(_) => "OUTCOME_UNKNOWN",
            Self::InvalidCall(_) => "INVALID_CALL",
            Self::BadAnswer { .. } => "PROVIDER_BAD_ANSWER",
            Self::Provider { .. } => "PROVIDER_ERROR",
        }
    }

    /// True when the same call may succeed later without anything else changing.
    pub const fn retryable(&self) -> bool {
        match self {
            Self::UserRejected
            | Self::Unauthorized
            | Self::WrongChain { .. }
            | Self::InsufficientFunds { .. }
            | Self::Disconnected
            | Self::BadAnswer { .. }
            | Self::Provider { .. } => true,
            Self::Reverted(_)
            | Self::ApprovalFailed
            | Self::WrongSigner
            | Self::Unsupported
            | Self::Unconfirmed { .. }
            | Self::OutcomeUnknown(_)
            | Self::InvalidCall(_) => false,
        }
    }
}

impl From<ReadError> for TransactionError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Provider(error) => error.into(),
            ReadError::BadAnswer { method } => Self::BadAnswer { method },
        }
    }
}

impl From<RpcError> for TransactionError {
    fn from(error: RpcError) -> Self {
        if is_rejection(&error) {
            return Self::UserRejected;
        }
        match error.code {
            4100 => return Self::Unauthorized,
            4900 | 4901 => return Self::Disconnected,
            _ if is_unsupported(&error) => return Self::Unsupported,
            _ => {}
        }
        match revert::find(&error) {
            Some(revert) => Self::Reverted(revert),
            None => Self::Provider { code: error.code, message: error.message },
        }
    }
}

/// Whether the person declined. Wallets say it as 4001, some as WalletConnect's 5000, some bury it under −32603, some in words only.
fn is_rejection(error: &RpcError) -> bool {
    const WORDS: [&str; 7] = [
        "user rejected",
        "user denied",
        "rejected by user",
        "rejected by the user",
        "user cancelled",
        "user canceled",
        "cancelled by user",
    ];
    let message = error.message.to_ascii_lowercase();
    matches!(error.code, 4001 | 5000)
        || error.data.as_ref().is_some_and(|data| has_code(data, 4001, 4))
        || WORDS.iter().any(|words| message.contains(words))
}

fn has_code(value: &Value, code: i64, depth: u8) -> bool {
    let Value::Object(fields) = value else { return false };
    fields.get("code").and_then(Value::as_i64) == Some(code)
        || depth > 0
            && ["data", "originalError", "cause", "error", "info"]
                .iter()
                .filter_map(|name| fields.get(*name))
                .any(|field| has_code(field, code, depth - 1))
}

/// Whether the provider does not know the request at all.
pub(super) fn is_unsupported(error: &RpcError) -> bool {
    matches!(error.code, 4200 | -32601 | -32004)
}

/// Whether the provider says that the account cannot pay for the transaction.
pub(super) fn is_shortage(error: &RpcError) -> bool {
    error.message.to_ascii_lowercase().contains("insufficient funds")
        || error.data.as_ref().is_some_and(|data| data.to_string().to_ascii_lowercase().contains("insufficient funds"))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "error_tests.rs"]
mod tests;
