//! Letting the Judge take a deposit of a token, with as few prompts as the wallet and the token allow.
//!
//! An allowance is always for exactly the deposit: an infinite one would outlive the channel.

use std::pin::pin;
use std::time::Duration;

use alloy::primitives::{B256, U256, hex};
use alloy::sol_types::SolCall;
use futures::future::{Either, select};
use serde_json::{Value, json};

use super::bindings::Token;
use super::call::{Funding, TransactionPlan, with_permit};
use super::error::is_unsupported;
use super::rpc::{self, BlockAt, to_quantity};
use super::transaction::{after_asking, await_receipt, check_chain, enough, send, simulate};
use super::{ChainConfig, Provider, Revert, Stage, Submitted, TransactionError, permit};
use crate::protocol::JudgeCall;

/// Between two looks at a batch or an allowance.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long a wallet may take to say what it can do.
const PATIENCE: Duration = Duration::from_secs(5);
/// Looks at a batch: ten minutes.
const BATCH_LOOKS: u32 = 300;
/// Looks at an allowance whose approval is mined: a lagging endpoint may not show it at once.
const ALLOWANCE_LOOKS: u32 = 15;

/// How the Judge may take the deposit.
pub(super) enum Funded {
    /// By the allowance that it has.
    Allowed,
    /// By the permit in this transaction, which replaces the planned one.
    Permitted(TransactionPlan),
    /// The call was already sent, together with the approval.
    Sent(Submitted),
}

/// Sees to it that the Judge may take the deposit of `call`, whose plain transaction is `plan`.
pub(super) async fn fund<P: Provider>(
    provider: &P,
    wait: &impl AsyncFn(Duration),
    config: &ChainConfig,
    call: &JudgeCall,
    plan: &TransactionPlan,
    funding: Funding,
    progress: &mut impl FnMut(Stage),
) -> Result<Funded, TransactionError> {
    let Funding { token, amount } = funding;
    let needed = U256::from(amount);
    let balance = Token::balanceOfCall { owner: config.wallet };
    enough(token, needed, rpc::view(provider, token, &balance, BlockAt::Latest).await?)?;
    let allowance = allowance(provider, config, funding).await?;
    if allowance >= needed {
        return Ok(Funded::Allowed);
    }
    if batches(provider, wait, config).await {
        let calls = [approval(config, funding, needed), plan.clone()];
        progress(Stage::Batch);
        if let Some(submitted) = batch(provider, wait, config, &calls, progress).await? {
            return Ok(Funded::Sent(submitted));
        }
    }
    if let Some(permit) = permit::request(provider, config, funding, progress).await?
        && let Some(permitted) = with_permit(config.judge, call, permit)
    {
        return Ok(Funded::Permitted(permitted));
    }
    // Some tokens let an allowance only be set from zero.
    if !allowance.is_zero() && simulate(provider, config.wallet, &approval(config, funding, needed)).await.is_err() {
        approve(provider, wait, config, funding, U256::ZERO, progress).await?;
    }
    approve(provider, wait, config, funding, needed, progress).await?;
    Ok(Funded::Allowed)
}

async fn allowance<P: Provider>(
    provider: &P,
    config: &ChainConfig,
    funding: Funding,
) -> Result<U256, TransactionError> {
    let call = Token::allowanceCall { owner: config.wallet, spender: config.judge };
    Ok(rpc::view(provider, funding.token, &call, BlockAt::Latest).await?)
}

fn approval(config: &ChainConfig, funding: Funding, value: U256) -> TransactionPlan {
    let data = Token::approveCall { spender: config.judge, value }.abi_encode();
    TransactionPlan { to: funding.token, data: data.into(), value: U256::ZERO }
}

/// Approves exactly `value` and waits until the allowance can be seen.
async fn approve<P: Provider>(
    provider: &P,
    wait: &impl AsyncFn(Duration),
    config: &ChainConfig,
    funding: Funding,
    value: U256,
    progress: &mut impl FnMut(Stage),
) -> Result<(), TransactionError> {
    let plan = approval(config, funding, value);
    let answer = simulate(provider, config.wallet, &plan).await?;
    // A token may answer nothing; one that answers false has refused.
    if rpc::bytes(&answer).is_some_and(|data| data.len() == 32 && data.iter().all(|byte| *byte == 0)) {
        return Err(TransactionError::ApprovalFailed);
    }
    progress(Stage::Approval);
    let hash = send(provider, config, &plan).await?;
    progress(Stage::ApprovalSent { hash });
    if !await_receipt(provider, wait, hash).await?.success {
        return Err(TransactionError::ApprovalFailed);
    }
    for _ in 0..ALLOWANCE_LOOKS {
        let seen = allowance(provider, config, funding).await;
        // A person can change the amount in the wallet's prompt: more is their choice, less cannot pay the deposit.
        if seen.is_ok_and(|seen| if value.is_zero() { seen.is_zero() } else { seen >= value }) {
            return Ok(());
        }
        wait(INTERVAL).await;
    }
    Err(TransactionError::ApprovalFailed)
}

/// Whether the wallet sends several calls as one transaction on this chain, all or nothing (EIP-5792).
///
/// A wallet that is merely *ready* to would first ask the person to turn their account into a smart account: too much to
/// ask for saving one prompt. Some wallets never answer a request that they do not know, so silence means no.
async fn batches<P: Provider>(provider: &P, wait: &impl AsyncFn(Duration), config: &ChainConfig) -> bool {
    let chain = to_quantity(config.chain_id);
    let request = provider.request("wallet_getCapabilities", json!([hex::encode_prefixed(config.wallet), [chain]]));
    let Either::Left((Ok(answer), _)) = select(pin!(request), pin!(wait(PATIENCE))).await else { return false };
    // The specification keeps 0x0 for what holds on every chain.
    let mut chains = [chain.as_str(), "0x0"].into_iter().filter_map(|chain| answer.get(chain));
    let status = chains.find_map(|chain| chain.get("atomic")?.get("status")?.as_str());
    status == Some("supported")
}

/// Sends calls as one; `None` when the wallet says that it does not do that after all, and nothing was sent.
async fn batch<P: Provider>(
    provider: &P,
    wait: &impl AsyncFn(Duration),
    config: &ChainConfig,
    calls: &[TransactionPlan],
    progress: &mut impl FnMut(Stage),
) -> Result<Option<Submitted>, TransactionError> {
    check_chain(provider, config.chain_id).await?;
    let calls: Vec<_> = calls
        .iter()
        .map(|call| {
            json!({
                "to": hex::encode_prefixed(call.to),
                "data": hex::encode_prefixed(&call.data),
                "value": format!("{:#x}", call.value),
            })
        })
        .collect();
    let request = json!([{
        "version": "2.0.0",
        "chainId": to_quantity(config.chain_id),
        "from": hex::encode_prefixed(config.wallet),
        "atomicRequired": true,
        "calls": calls,
    }]);
    let answer = match provider.request("wallet_sendCalls", request).await {
        Ok(answer) => answer,
        // EIP-5792's own codes all say that the batch was refused as a batch.
        Err(error) if is_unsupported(&error) || matches!(error.code, 5700..=5760) => return Ok(None),
        Err(error) => return Err(after_asking(error)),
    };
    let id = answer.get("id").unwrap_or(&answer).as_str().map(str::to_owned);
    let id = id.ok_or_else(|| TransactionError::OutcomeUnknown("the wallet answered no batch id".into()))?;
    progress(Stage::BatchSent);
    for _ in 0..BATCH_LOOKS {
        if let Ok(status) = provider.request("wallet_getCallsStatus", json!([id])).await
            && let Some(outcome) = outcome(&status)
        {
            return outcome.map(|hash| Some(Submitted { hash }));
        }
        wait(INTERVAL).await;
    }
    Err(TransactionError::OutcomeUnknown(format!("batch {id} was not mined in time")))
}

/// What became of a batch; `None` while it is pending.
fn outcome(status: &Value) -> Option<Result<B256, TransactionError>> {
    let reverted = || Revert { name: "Unknown".into(), arguments: Vec::new() };
    match status.get("status")?.as_u64()? {
        200..=299 => {
            // An atomic batch is one transaction, so its receipts all name the same one.
            let hash = status.get("receipts")?.as_array()?.last()?.get("transactionHash").and_then(rpc::hash);
            Some(hash.ok_or(TransactionError::BadAnswer { method: "wallet_getCallsStatus" }))
        }
        code @ 400..=499 => {
            let message = "the wallet gave the batch up".into();
            Some(Err(TransactionError::Provider { code: i64::try_from(code).unwrap_or_default(), message }))
        }
        500..=699 => Some(Err(TransactionError::Reverted(reverted()))),
        _ => None,
    }
}
