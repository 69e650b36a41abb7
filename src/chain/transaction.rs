//! Sending the engine's calls: everything that can be known beforehand is checked, then the wallet is asked once.
//!
//! The order matters: a person should never confirm a transaction that cannot succeed, so balances and revert reasons
//! come before the prompt; and a transaction is never asked for twice, because a second deposit is real money.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256, hex};
use serde_json::{Value, json};

use super::call::{Funding, TransactionPlan, funding, prepare};
use super::error::is_shortage;
use super::fund::{self, Funded};
use super::{Provider, ReadError, TransactionError, rpc, secrets, views};
use crate::protocol::{ChannelKey, JudgeCall, Side};

/// Between two looks for a receipt.
const RECEIPT_INTERVAL: Duration = Duration::from_secs(2);
/// Looks for a receipt: ten minutes.
const RECEIPT_LOOKS: u32 = 300;

/// Where and for whom transactions are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// The Judge's chain.
    pub chain_id: u64,
    /// The Judge.
    pub judge: Address,
    /// The wallet that sends.
    pub wallet: Address,
}

/// A transaction that the wallet sent. It counts when its events are confirmed, not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The transaction's hash.
    pub hash: B256,
}

/// What the wallet is being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The wallet shows the transaction to the Judge.
    Transaction,
    /// The wallet shows an approval and the transaction to the Judge as one.
    Batch,
    /// The batch was sent; its hash is known when it is mined.
    BatchSent,
    /// The wallet shows a permit to sign, in place of an approval.
    Permit,
    /// The wallet shows a transaction that approves exactly the deposit.
    Approval,
    /// The approval was sent; the next prompt comes when it is mined.
    ApprovalSent {
        /// The approval's transaction.
        hash: B256,
    },
}

/// A mined transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The block's number.
    pub block: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// False when the transaction reverted.
    pub success: bool,
}

/// Asks the wallet to send a call, with at most one prompt where the wallet and the token allow it.
///
/// A deposit of a token takes, in this order: an allowance that is already there; one batch of approval and call
/// (EIP-5792); a permit (EIP-2612); an approval of exactly the deposit, awaited with `wait`, and then the call.
///
/// # Errors
/// [`TransactionError`], which says what is known about the outcome.
pub async fn submit<P: Provider>(
    provider: &P,
    wait: impl AsyncFn(Duration),
    config: &ChainConfig,
    call: &JudgeCall,
) -> Result<Submitted, TransactionError> {
    submit_with_progress(provider, wait, config, call, |_| {}).await
}

/// [`submit`] that tells what the wallet is being asked for, just before it is.
///
/// # Errors
/// As [`submit`].
pub async fn submit_with_progress<P: Provider>(
    provider: &P,
    wait: impl AsyncFn(Duration),
    config: &ChainConfig,
    call: &JudgeCall,
    mut progress: impl FnMut(Stage),
) -> Result<Submitted, TransactionError> {
    check_chain(provider, config.chain_id).await?;
    let mut plan = match call {
        JudgeCall::RegisterSecrets { secrets } => secrets::registration(provider, config.judge, secrets).await?,
        JudgeCall::Settle { key, claims, finalize } if !finalize.is_empty() => {
            let finalize = still_open(provider, config.judge, key, finalize).await?;
            let call = JudgeCall::Settle { key: *key, claims: claims.clone(), finalize };
            prepare(config.judge, config.wallet, &call)?
        }
        _ => prepare(config.judge, config.wallet, call)?,
    };
    match funding(call) {
        None => {}
        Some(Funding { token: Address::ZERO, amount }) => {
            let have = rpc::native_balance(provider, config.wallet).await?;
            enough(Address::ZERO, U256::from(amount), have)?;
        }
        Some(funding) => match fund::fund(provider, &wait, config, call, &plan, funding, &mut progress).await? {
            Funded::Allowed => {}
            Funded::Permitted(permitted) => plan = permitted,
            Funded::Sent(submitted) => return Ok(submitted),
        },
    }
    simulate(provider, config.wallet, &plan).await?;
    progress(Stage::Transaction);
    send(provider, config, &plan).await.map(|hash| Submitted { hash })
}

/// Of these wallets of a channel, those whose locks were not given back yet: the Judge tells of it by no event, and refuses
/// the whole transaction when one is given back twice.
async fn still_open<P: Provider>(
    provider: &P,
    judge: Address,
    key: &ChannelKey,
    wallets: &[Address],
) -> Result<Vec<Address>, ReadError> {
    let state = views::channel(provider, judge, key, None).await?;
    let is_open = |wallet: &&Address| match key.side_of(**wallet) {
        Some(Side::A) => !state.a.is_final,
        Some(Side::B) => !state.b.is_final,
        None => false,
    };
    Ok(wallets.iter().filter(is_open).copied().collect())
}

/// A transaction's receipt; `None` while it is not mined, or when a reorg took it away.
///
/// # Errors
/// [`ReadError`]
pub async fn receipt<P: Provider>(provider: &P, transaction: B256) -> Result<Option<Receipt>, ReadError> {
    let method = "eth_getTransactionReceipt";
    let answer = provider.request(method, json!([transaction.to_string()])).await?;
    if answer.is_null() {
        return Ok(None);
    }
    let read = || {
        let field = |name| answer.get(name);
        let same = rpc::hash(field("transactionHash")?)? == transaction;
        let block = rpc::quantity(field("blockNumber")?)?;
        let block_hash = rpc::hash(field("blockHash")?)?;
        let success = match rpc::quantity(field("status")?)? {
            0 => false,
            1 => true,
            _ => return None,
        };
        same.then_some(Receipt { block, block_hash, success })
    };
    read().map(Some).ok_or(ReadError::BadAnswer { method })
}

/// Waits until a transaction is mined.
///
/// # Errors
/// [`TransactionError::Unconfirmed`] when it takes too long. Failed looks count as looks: reading again is harmless.
pub(super) async fn await_receipt<P: Provider>(
    provider: &P,
    wait: &impl AsyncFn(Duration),
    hash: B256,
) -> Result<Receipt, TransactionError> {
    for _ in 0..RECEIPT_LOOKS {
        if let Ok(Some(receipt)) = receipt(provider, hash).await {
            return Ok(receipt);
        }
        wait(RECEIPT_INTERVAL).await;
    }
    Err(TransactionError::Unconfirmed { hash })
}

/// Checks that the wallet is on the Judge's chain.
///
/// # Errors
/// [`TransactionError::WrongChain`] when it is on another one; other errors when it does not say.
pub async fn check_chain<P: Provider>(provider: &P, expected: u64) -> Result<(), TransactionError> {
    let actual = rpc::chain_id(provider).await?;
    if actual == expected { Ok(()) } else { Err(TransactionError::WrongChain { expected, actual }) }
}

/// Checks that a balance suffices.
pub(super) fn enough(token: Address, needed: U256, have: U256) -> Result<(), TransactionError> {
    if have >= needed { Ok(()) } else { Err(TransactionError::InsufficientFunds { token, needed, have }) }
}

/// A transaction's fields for the wallet, and no others: the wallet knows best about fees and nonces.
pub(super) fn fields(wallet: Address, plan: &TransactionPlan) -> Value {
    json!({
        "from": hex::encode_prefixed(wallet),
        "to": hex::encode_prefixed(plan.to),
        "data": hex::encode_prefixed(&plan.data),
        "value": format!("{:#x}", plan.value),
    })
}

/// Runs a transaction without sending it, and returns what it answers.
///
/// # Errors
/// [`TransactionError::Reverted`] with the contract's reason.
pub(super) async fn simulate<P: Provider>(
    provider: &P,
    wallet: Address,
    plan: &TransactionPlan,
) -> Result<Value, TransactionError> {
    match provider.request("eth_call", json!([fields(wallet, plan), "latest"])).await {
        Ok(answer) => Ok(answer),
        Err(error) if is_shortage(&error) => Err(shortage(provider, wallet, plan).await?),
        Err(error) => Err(error.into()),
    }
}

/// Asks the wallet to send a transaction. Once: nothing in this module repeats it, whatever the answer.
///
/// # Errors
/// [`TransactionError::OutcomeUnknown`] when the wallet's answer leaves open whether it was sent.
pub(super) async fn send<P: Provider>(
    provider: &P,
    config: &ChainConfig,
    plan: &TransactionPlan,
) -> Result<B256, TransactionError> {
    // A person can switch the wallet's chain while an approval is mined.
    check_chain(provider, config.chain_id).await?;
    match provider.request("eth_sendTransaction", json!([fields(config.wallet, plan)])).await {
        Ok(answer) => rpc::hash(&answer)
            .ok_or_else(|| TransactionError::OutcomeUnknown("the wallet answered no transaction hash".into())),
        Err(error) if is_shortage(&error) => Err(shortage(provider, config.wallet, plan).await?),
        Err(error) => Err(after_asking(error)),
    }
}

/// An error of the wallet after it was asked to send. Only where it is certain that nothing was sent, the error says so.
pub(super) fn after_asking(error: super::RpcError) -> TransactionError {
    match TransactionError::from(error) {
        // Invalid request, invalid parameters, and "a prompt is already open".
        TransactionError::Provider { code: code @ (-32600 | -32602 | -32002), message } => {
            TransactionError::Provider { code, message }
        }
        TransactionError::Provider { code, message } => TransactionError::OutcomeUnknown(format!("{message} ({code})")),
        error => error,
    }
}

/// What a unit of gas costs now, in wei.
///
/// # Errors
/// [`ReadError`]
pub async fn gas_price<P: Provider>(provider: &P) -> Result<U256, ReadError> {
    let method = "eth_gasPrice";
    let answer = provider.request(method, json!([])).await?;
    rpc::wide_quantity(&answer).ok_or(ReadError::BadAnswer { method })
}

/// What is missing of the chain's own coin, with an estimate of the network's fee.
async fn shortage<P: Provider>(
    provider: &P,
    wallet: Address,
    plan: &TransactionPlan,
) -> Result<TransactionError, TransactionError> {
    /// The dearest call of a channel's life, roughly: opening it with a permit.
    const GAS: u64 = 200_000;
    let have = rpc::native_balance(provider, wallet).await?;
    let price = gas_price(provider).await.unwrap_or_default();
    let needed = plan.value.saturating_add(price.saturating_mul(U256::from(GAS)));
    Ok(TransactionError::InsufficientFunds { token: Address::ZERO, needed, have })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "transaction_tests.rs"]
mod tests;
