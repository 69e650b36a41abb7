//! The registry of secrets: which are registered, since when, and what they are.

use std::ops::RangeInclusive;

use alloy::primitives::{Address, hex};
use alloy::sol_types::{SolCall, SolEvent};
use serde_json::{Value, json};

use super::alarm_error::refuses_range;
use super::bindings::{Judge, SecretRegistry};
use super::call::TransactionPlan;
use super::rpc::{self, BlockAt, bytes, to_quantity};
use super::{Provider, ReadError};
use crate::protocol::{B256, Secret, SecretHash, Timestamp};

/// How many blocks of logs are asked for at once where an endpoint refuses more.
const CHUNK: u64 = 2_000;

/// A registered secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredSecret {
    /// The secret.
    pub secret: Secret,
    /// The time of the block that registered it first.
    pub registered: Timestamp,
}

/// What the registry held as of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryView {
    /// The block's time.
    pub at: Timestamp,
    /// Of the secrets that were asked for, those that were registered.
    pub found: Vec<RegisteredSecret>,
}

/// Which of the secrets with these hashes are registered, as of block `block`. Logs are searched from `from_block` on.
///
/// # Errors
/// [`ReadError`]; nothing may be concluded then.
pub async fn registered_secrets<P: Provider>(
    provider: &P,
    judge: Address,
    hashes: &[SecretHash],
    from_block: u64,
    block: u64,
) -> Result<RegistryView, ReadError> {
    let bad = ReadError::BadAnswer { method: "eth_getBlockByNumber" };
    let registry = registry(provider, judge).await?;
    let head = rpc::block(provider, BlockAt::Number(block)).await?.ok_or(bad)?;
    let mut found = Vec::new();
    for hash in hashes {
        let call = SecretRegistry::revealedAtCall { secretHash: hash.0 };
        let registered: Timestamp = rpc::view(provider, registry, &call, BlockAt::Number(block)).await?.to();
        if registered > 0 {
            let secret = find(provider, registry, *hash, from_block, block).await?;
            found.push(RegisteredSecret { secret, registered });
        }
    }
    Ok(RegistryView { at: head.timestamp, found })
}

/// The transaction that registers secrets.
///
/// # Errors
/// [`ReadError`] when the Judge's registry cannot be read.
pub(super) async fn registration<P: Provider>(
    provider: &P,
    judge: Address,
    secrets: &[Secret],
) -> Result<TransactionPlan, ReadError> {
    let secrets = secrets.iter().map(|secret| B256::from(secret.0)).collect();
    let data = SecretRegistry::registerSecretsCall { secrets }.abi_encode();
    Ok(TransactionPlan { to: registry(provider, judge).await?, data: data.into(), value: Default::default() })
}

async fn registry<P: Provider>(provider: &P, judge: Address) -> Result<Address, ReadError> {
    rpc::view(provider, judge, &Judge::REGISTRYCall {}, BlockAt::Latest).await
}

/// The secret itself, from the registry's log: all blocks at once, or from the newest backwards where that is too much.
async fn find<P: Provider>(
    provider: &P,
    registry: Address,
    hash: SecretHash,
    from_block: u64,
    block: u64,
) -> Result<Secret, ReadError> {
    match look(provider, registry, hash, from_block..=block).await {
        Err(ReadError::Provider(error)) if refuses_range(&error) => {}
        answer => return answer?.ok_or(ReadError::BadAnswer { method: "eth_getLogs" }),
    }
    let mut last = block;
    loop {
        let first = last.saturating_sub(CHUNK).max(from_block);
        if let Some(secret) = look(provider, registry, hash, first..=last).await? {
            return Ok(secret);
        }
        if first == from_block {
            return Err(ReadError::BadAnswer { method: "eth_getLogs" });
        }
        last = first.saturating_sub(1);
    }
}

async fn look<P: Provider>(
    provider: &P,
    registry: Address,
    hash: SecretHash,
    blocks: RangeInclusive<u64>,
) -> Result<Option<Secret>, ReadError> {
    let filter = json!([{
        "address": hex::encode_prefixed(registry),
        "topics": [hex::encode_prefixed(SecretRegistry::SecretRevealed::SIGNATURE_HASH), hex::encode_prefixed(hash.0)],
        "fromBlock": to_quantity(*blocks.start()),
        "toBlock": to_quantity(*blocks.end()),
    }]);
    let answer = provider.request("eth_getLogs", filter).await?;
    let logs = answer.as_array().ok_or(ReadError::BadAnswer { method: "eth_getLogs" })?;
    // Whatever an endpoint answers, only the right secret has the hash.
    Ok(logs.iter().filter_map(secret_in).find(|secret| secret.hash() == hash))
}

fn secret_in(log: &Value) -> Option<Secret> {
    let data = bytes(log.get("data")?)?;
    Some(Secret(data.as_ref().try_into().ok()?))
}
