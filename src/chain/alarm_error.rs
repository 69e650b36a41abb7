//! Why a look at the chain failed.

use super::{LogError, ReadError, RpcError};

/// Why a look at the chain failed. The alarm stays where it was; the next poll may succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AlarmError {
    /// The provider is connected to another chain than the Judge is on.
    #[error("the provider is on chain {actual}, the Judge on chain {expected}")]
    WrongChain {
        /// The Judge's chain.
        expected: u64,
        /// The provider's chain.
        actual: u64,
    },
    /// The provider could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The endpoint answered logs that the Judge cannot have made.
    #[error("the endpoint's logs cannot be believed: {0}")]
    BadLog(#[from] LogError),
    /// A single block has more logs than the endpoint or this client takes.
    #[error("block {block} has too many logs")]
    TooManyLogs {
        /// The block.
        block: u64,
    },
    /// The endpoint's answers kept contradicting each other: the chain moves quickly, or the endpoint speaks for nodes
    /// that are not at the same block.
    #[error("the endpoint's answers do not belong to one chain")]
    Unstable,
    /// The endpoint is behind what was confirmed before.
    #[error("the endpoint's newest block is {head}, but block {known} was confirmed before")]
    Behind {
        /// The endpoint's newest block.
        head: u64,
        /// The newest block that was confirmed.
        known: u64,
    },
}

impl AlarmError {
    /// A name that stays the same across versions.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongChain { .. } => "WRONG_CHAIN",
            Self::Read(error) => error.code(),
            Self::BadLog(_) => "CHAIN_BAD_LOG",
            Self::TooManyLogs { .. } => "CHAIN_TOO_MANY_LOGS",
            Self::Unstable => "CHAIN_UNSTABLE",
            Self::Behind { .. } => "CHAIN_BEHIND",
        }
    }
}

/// Whether an endpoint's error means that it would answer a smaller range. There is no code that they agree on.
pub(super) fn refuses_range(error: &RpcError) -> bool {
    const RATE: [&str; 4] = ["rate limit", "too many requests", "request limit", "requests per"];
    const RANGE: [&str; 10] = [
        "range",
        "more than",
        "too many",
        "too large",
        "too big",
        "exceed",
        "limit",
        "results",
        "timeout",
        "timed out",
    ];
    let message = error.message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let refusal = match error.code {
        429 | -32601 | 4001..=4999 => false,
        -32005 | -32012 => true,
        _ => says(&RANGE),
    };
    refusal && !says(&RATE)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn endpoints_refuse_ranges_in_many_words() {
        let error = |code, message: &str| RpcError { code, message: message.into(), data: None };
        for (code, message) in [
            (-32005, "query returned more than 10000 results"),
            (-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range"),
            (-32000, "block range is too wide"),
            (-32600, "exceed maximum block range: 50000"),
            (-32603, "query timeout exceeded"),
        ] {
            assert!(refuses_range(&error(code, message)), "{message}");
        }
        for (code, message) in [
            (-32005, "daily request limit reached - rate limited"),
            (429, "Too Many Requests"),
            (-32601, "the method eth_getLogs does not exist"),
            (4900, "disconnected"),
            (-32603, "internal error"),
        ] {
            assert!(!refuses_range(&error(code, message)), "{message}");
        }
    }
}
