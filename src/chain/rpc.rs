//! The JSON-RPC requests that this module makes, with answers read strictly.
//!
//! An endpoint is not trusted to answer well-formed, so every field is checked before it is used.

use alloy::primitives::{Address, B256, Bytes, U256, hex};
use alloy::sol_types::SolCall;
use serde_json::{Value, json};

use super::{Provider, RpcError};
use crate::protocol::Head;

/// Why something could not be read from the chain.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The provider answered an error.
    #[error(transparent)]
    Provider(#[from] RpcError),
    /// The provider answered something that the request's specification does not allow.
    #[error("the provider's answer to {method} cannot be read")]
    BadAnswer {
        /// The request.
        method: &'static str,
    },
}

impl ReadError {
    /// A name that stays the same across versions.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Provider(RpcError { code: 4900 | 4901, .. }) => "PROVIDER_DISCONNECTED",
            Self::Provider(_) => "PROVIDER_ERROR",
            Self::BadAnswer { .. } => "PROVIDER_BAD_ANSWER",
        }
    }
}

/// A number as JSON-RPC writes it, `0x` and hex digits. Some wallets answer a plain number; that is taken too.
pub(super) fn quantity(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => {
            let digits = text.strip_prefix("0x")?;
            // `from_str_radix` takes a sign, which is no hex digit.
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            u64::from_str_radix(digits, 16).ok()
        }
        _ => None,
    }
}

/// A number of up to 256 bits as JSON-RPC writes it.
pub(super) fn wide_quantity(value: &Value) -> Option<U256> {
    let digits = value.as_str()?.strip_prefix("0x")?;
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    U256::from_str_radix(digits, 16).ok()
}

/// Bytes as JSON-RPC writes them.
pub(super) fn bytes(value: &Value) -> Option<Bytes> {
    hex::decode(value.as_str()?.strip_prefix("0x")?).ok().map(Bytes::from)
}

/// A hash as JSON-RPC writes it.
pub(super) fn hash(value: &Value) -> Option<B256> {
    B256::try_from(bytes(value)?.as_ref()).ok()
}

/// An address as JSON-RPC writes it.
pub(super) fn address(value: &Value) -> Option<Address> {
    Address::try_from(bytes(value)?.as_ref()).ok()
}

/// A number for JSON-RPC.
pub(super) fn to_quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// The id of the chain that the provider is connected to.
pub(super) async fn chain_id<P: Provider>(provider: &P) -> Result<u64, ReadError> {
    let method = "eth_chainId";
    quantity(&provider.request(method, json!([])).await?).ok_or(ReadError::BadAnswer { method })
}

/// Which block a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockAt {
    /// The newest that the provider knows.
    Latest,
    /// The one with this number.
    Number(u64),
}

impl BlockAt {
    fn to_json(self) -> Value {
        match self {
            Self::Latest => json!("latest"),
            Self::Number(number) => json!(to_quantity(number)),
        }
    }
}

/// A block's number, hash and time; `None` when the provider does not know it.
pub(super) async fn block<P: Provider>(provider: &P, at: BlockAt) -> Result<Option<Head>, ReadError> {
    let method = "eth_getBlockByNumber";
    let answer = provider.request(method, json!([at.to_json(), false])).await?;
    if answer.is_null() {
        return Ok(None);
    }
    let field = |name| answer.get(name);
    let head =
        field("number").and_then(quantity).zip(field("hash").and_then(hash)).zip(field("timestamp").and_then(quantity));
    match (head, at) {
        (Some(((number, hash), timestamp)), BlockAt::Latest) => Ok(Some(Head { number, hash, timestamp })),
        (Some(((number, hash), timestamp)), BlockAt::Number(asked)) if number == asked => {
            Ok(Some(Head { number, hash, timestamp }))
        }
        _ => Err(ReadError::BadAnswer { method }),
    }
}

/// The newest block.
pub(super) async fn latest<P: Provider>(provider: &P) -> Result<Head, ReadError> {
    block(provider, BlockAt::Latest).await?.ok_or(ReadError::BadAnswer { method: "eth_getBlockByNumber" })
}

/// What `wallet` holds of the chain's own coin, in wei.
pub(super) async fn native_balance<P: Provider>(provider: &P, wallet: Address) -> Result<U256, ReadError> {
    let method = "eth_getBalance";
    let answer = provider.request(method, json!([hex::encode_prefixed(wallet), "latest"])).await?;
    wide_quantity(&answer).ok_or(ReadError::BadAnswer { method })
}

/// Calls a view function and decodes what it returns. An address without code answers nothing, which is `BadAnswer`.
pub(super) async fn view<P: Provider, C: SolCall>(
    provider: &P,
    to: Address,
    call: &C,
    at: BlockAt,
) -> Result<C::Return, ReadError> {
    returned::<C>(&call_bytes(provider, to, call.abi_encode(), at).await?)
}

/// What the function `C` returns, in these bytes.
pub(super) fn returned<C: SolCall>(data: &[u8]) -> Result<C::Return, ReadError> {
    C::abi_decode_returns_validate(data).map_err(|_| ReadError::BadAnswer { method: "eth_call" })
}

/// The part of [`view`] that is the same for every function, so that it is compiled once.
pub(super) async fn call_bytes<P: Provider>(
    provider: &P,
    to: Address,
    data: Vec<u8>,
    at: BlockAt,
) -> Result<Bytes, ReadError> {
    let method = "eth_call";
    let request = json!([{ "to": hex::encode_prefixed(to), "data": hex::encode_prefixed(data) }, at.to_json()]);
    bytes(&provider.request(method, request).await?).ok_or(ReadError::BadAnswer { method })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_strictly() {
        assert_eq!(quantity(&json!("0x0")), Some(0));
        assert_eq!(quantity(&json!("0xffffffffffffffff")), Some(u64::MAX));
        assert_eq!(quantity(&json!(31337)), Some(31337));
        for bad in [json!("0x"), json!("12"), json!("0x+1"), json!("0x10000000000000000"), json!(-1), json!(null)] {
            assert_eq!(quantity(&bad), None, "{bad}");
        }
        assert_eq!(wide_quantity(&json!("0xde0b6b3a7640000")), Some(U256::from(10).pow(U256::from(18))));
        assert_eq!(wide_quantity(&json!("0x-1")), None);
        assert_eq!(hash(&json!("0x00")), None);
        assert_eq!(address(&json!("0x0000000000000000000000000000000000000001")), Some(Address::with_last_byte(1)));
    }
}
