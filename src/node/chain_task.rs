//! The chain's task and the single questions that a node asks the chain.

use std::time::Duration;

use futures::SinkExt;
use futures::channel::mpsc;

use crate::chain::{
    self, Alarm, AlarmConfig, AlarmState, ChainConfig, Provider, ReadError, RegistryView, Stage, TransactionError,
};
use crate::engine::records::{CHALLENGE, read, write};
use crate::engine::{ChainInput, TransactionFailure};
use crate::protocol::{Address, Amount, B256, Domain, Grant, Head, JudgeCall, SecretHash, Timestamp};
use crate::store::{Batch, Store};

use super::{NodeConfig, NodeError, Runtime};

/// What a look at the chain gave: the news with the position to store, or the code and words of an error.
pub(super) type ChainReport = Result<(ChainInput, AlarmState), (String, String)>;

/// What an alarm of this node follows.
pub(super) fn alarm_config(config: &NodeConfig) -> AlarmConfig {
    AlarmConfig {
        chain_id: config.domain.chain_id(),
        judge: config.domain.judge(),
        confirmations: config.confirmations,
        from_block: config.from_block,
    }
}

/// Looks at the chain again and again.
pub(super) struct ChainTask<P, R> {
    alarm: Alarm<P>,
    runtime: R,
    pause: Duration,
    reports: mpsc::Sender<ChainReport>,
}

impl<P: Provider + Clone, R: Runtime> ChainTask<P, R> {
    pub(super) fn new(
        provider: P,
        runtime: R,
        config: &NodeConfig,
        state: Option<AlarmState>,
        reports: mpsc::Sender<ChainReport>,
    ) -> Self {
        let alarm = Alarm::new(provider, alarm_config(config), state);
        Self { alarm, runtime, pause: config.polling_interval, reports }
    }

    /// Runs until the driver closes. Nothing is told while the head stays the same.
    pub(super) async fn run(mut self) {
        let mut known = None;
        loop {
            let mut again = false;
            let report = match self.alarm.poll().await {
                Ok(update) => {
                    again = !update.complete;
                    let unchanged = known == Some(update.head.hash) && update.complete;
                    known = update.complete.then_some(update.head.hash);
                    let input = ChainInput {
                        head: update.head,
                        rollback: update.rollback,
                        confirmed: update.confirmed,
                        pending: update.pending,
                        complete: update.complete,
                    };
                    (!unchanged).then(|| Ok((input, self.alarm.state().clone())))
                }
                Err(error) => {
                    known = None;
                    Some(Err((error.code().to_owned(), error.to_string())))
                }
            };
            if let Some(report) = report {
                if self.reports.send(report).await.is_err() {
                    return;
                }
            } else if self.reports.is_closed() {
                return;
            }
            if !again {
                self.runtime.sleep(self.pause).await;
            }
        }
    }
}

/// The Judge's challenge period. It never changes, so it is read once and stored: from the right chain, because a wallet may
/// be connected to another one, and a period that is too short would cost the time to answer.
pub(super) async fn challenge<P: Provider, S: Store>(
    provider: &P,
    store: &S,
    domain: &Domain,
) -> Result<Timestamp, NodeError> {
    if let Some(stored) = store.get(CHALLENGE).await? {
        return Ok(read::<u64>(&stored)?);
    }
    check_chain(provider, domain).await?;
    let challenge = chain::challenge(provider, domain.judge()).await.map_err(read_error)?;
    store.commit(Batch { puts: vec![(CHALLENGE.to_vec(), write(&challenge))], deletes: Vec::new() }).await?;
    Ok(challenge)
}

/// The Judge's record of a session key as of the newest confirmed block: valid until, revoked from. A delegation that a
/// reorg may still take away must not make proofs count.
pub(super) async fn session<P: Provider>(
    provider: &P,
    config: &NodeConfig,
    wallet: Address,
    session_key: Address,
    head: Head,
) -> Result<(Timestamp, Timestamp), NodeError> {
    check_chain(provider, &config.domain).await?;
    let confirmed = head.number.saturating_add(1).saturating_sub(config.confirmations);
    let session = chain::session(provider, config.domain.judge(), wallet, session_key, Some(confirmed)).await;
    session.map(|session| (session.valid_until, session.revoked_from)).map_err(read_error)
}

/// Which secrets are registered as of a block.
pub(super) async fn secrets<P: Provider>(
    provider: &P,
    config: &NodeConfig,
    hashes: &[SecretHash],
    block: u64,
) -> Result<RegistryView, NodeError> {
    let judge = config.domain.judge();
    chain::registered_secrets(provider, judge, hashes, config.from_block, block).await.map_err(read_error)
}

/// What a wallet holds of a token.
pub(super) async fn balance<P: Provider>(provider: &P, token: Address, wallet: Address) -> Result<Amount, NodeError> {
    chain::balance(provider, token, wallet).await.map_err(read_error)
}

/// What gas costs now, in wei; `None` when nobody says.
pub(super) async fn gas_price<P: Provider>(provider: &P) -> Option<u128> {
    chain::gas_price(provider).await.ok().map(|price| u128::try_from(price).unwrap_or(u128::MAX))
}

/// Whether a transaction succeeded, once it is in a block.
pub(super) async fn receipt<P: Provider>(provider: &P, hash: B256) -> Result<Option<bool>, NodeError> {
    let receipt = chain::receipt(provider, hash).await.map_err(read_error)?;
    Ok(receipt.map(|receipt| receipt.success))
}

/// Asks the wallet for a grant.
pub(super) async fn grant<P: Provider>(
    provider: &P,
    config: &NodeConfig,
    session_key: Address,
    valid_until: Timestamp,
) -> Result<Grant, NodeError> {
    let granted = chain::request_grant(provider, &config.domain, config.wallet, session_key, valid_until).await;
    granted.map_err(|error| chain_error(&error))
}

/// Asks the wallet to send a transaction. `agreed` is called when it has, should its hash be known only later.
pub(super) async fn submit<P: Provider, R: Runtime>(
    provider: &P,
    runtime: &R,
    config: &NodeConfig,
    call: &JudgeCall,
    agreed: &dyn Fn(),
) -> Result<B256, TransactionError> {
    let domain = &config.domain;
    let config = ChainConfig { chain_id: domain.chain_id(), judge: domain.judge(), wallet: config.wallet };
    let wait = async |pause: Duration| runtime.sleep(pause).await;
    let progress = |stage| match stage {
        Stage::BatchSent => agreed(),
        Stage::Transaction | Stage::Batch | Stage::Permit | Stage::Approval | Stage::ApprovalSent { .. } => {}
    };
    chain::submit_with_progress(provider, wait, &config, call, progress).await.map(|submitted| submitted.hash)
}

/// A failure as the engine takes it.
pub(super) fn failure(error: TransactionError) -> TransactionFailure {
    TransactionFailure { code: error.code(), message: error.to_string() }
}

/// Another chain may have a contract at the Judge's address, and what it says is not the Judge's word.
async fn check_chain<P: Provider>(provider: &P, domain: &Domain) -> Result<(), NodeError> {
    chain::check_chain(provider, domain.chain_id()).await.map_err(|error| chain_error(&error))
}

fn read_error(error: ReadError) -> NodeError {
    NodeError::Chain { code: error.code(), message: error.to_string() }
}

pub(super) fn chain_error(error: &TransactionError) -> NodeError {
    NodeError::Chain { code: error.code(), message: error.to_string() }
}
