//! Decodes `eth_getLogs` answers into events of the Judge.
//!
//! Deposits are money to the engine, so a log that could not have come from the Judge is an error of the endpoint, never
//! something to guess about. Logs of an unknown kind are passed over: a later Judge may say more than this client knows.

use std::ops::RangeInclusive;

use alloy::primitives::{Address, B256, Bytes, LogData};
use alloy::sol_types::SolEvent;
use serde_json::Value;

use super::bindings::Judge;
use super::rpc::{address, bytes, hash, quantity};
use crate::protocol::{Amount, ChainEvent, ChannelId, ChannelKey, JudgeEvent, LogPosition, Nonce};

/// The most words of data that a log of the Judge has, with room to grow: more is refused before it is copied.
const MAX_DATA_HEX: usize = 2 + 64 * 64;

/// Why an endpoint's logs cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The answer is not a list of logs, or a field is missing or out of range.
    #[error("a log is malformed")]
    Malformed,
    /// The log is of another contract than the one asked for.
    #[error("a log is of another contract")]
    WrongAddress,
    /// The log is marked as removed by a reorg; only subscriptions may answer that.
    #[error("a log is marked as removed")]
    Removed,
    /// The log is of a block that was not asked for.
    #[error("a log is outside the range asked for")]
    OutOfRange,
    /// The log names a kind of event, but its topics or data are not those of this kind.
    #[error("a log does not have the form of its event")]
    WrongForm,
    /// The channel's id is not the hash of its key.
    #[error("a channel's id does not fit its key")]
    IdMismatch,
    /// Two different logs claim the same place.
    #[error("two logs claim the same place")]
    Conflict,
}

/// Decodes an answer of `eth_getLogs` for `judge` in the blocks `range`. The events come out in the chain's order.
///
/// # Errors
/// [`LogError`] when a log cannot have come from the Judge in these blocks.
pub fn decode_logs(answer: &Value, judge: Address, range: RangeInclusive<u64>) -> Result<Vec<ChainEvent>, LogError> {
    let logs = answer.as_array().ok_or(LogError::Malformed)?;
    let mut events = Vec::with_capacity(logs.len());
    for log in logs {
        if let Some(event) = decode_log(log, judge, &range)? {
            events.push(event);
        }
    }
    events.sort_by_key(|event| event.position);
    // Some endpoints repeat a log at the border of two of their shards.
    events.dedup();
    let conflict = events.windows(2).any(|pair| match pair {
        [one, next] => (one.position.block, one.position.index) == (next.position.block, next.position.index),
        _ => false,
    });
    if conflict { Err(LogError::Conflict) } else { Ok(events) }
}

/// Decodes one log; `None` for an event of a kind that is not known.
///
/// # Errors
/// As [`decode_logs`].
pub fn decode_log(log: &Value, judge: Address, range: &RangeInclusive<u64>) -> Result<Option<ChainEvent>, LogError> {
    let field = |name| log.get(name).ok_or(LogError::Malformed);
    if address(field("address")?).ok_or(LogError::Malformed)? != judge {
        return Err(LogError::WrongAddress);
    }
    match log.get("removed") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::Bool(true)) => return Err(LogError::Removed),
        Some(_) => return Err(LogError::Malformed),
    }
    let position = LogPosition {
        block: quantity(field("blockNumber")?).ok_or(LogError::Malformed)?,
        index: quantity(field("logIndex")?).ok_or(LogError::Malformed)?,
        block_hash: hash(field("blockHash")?).ok_or(LogError::Malformed)?,
        transaction: hash(field("transactionHash")?).ok_or(LogError::Malformed)?,
    };
    if !range.contains(&position.block) {
        return Err(LogError::OutOfRange);
    }
    let topics = field("topics")?.as_array().filter(|topics| topics.len() <= 4).ok_or(LogError::Malformed)?;
    let topics: Vec<B256> = topics.iter().map(hash).collect::<Option<_>>().ok_or(LogError::Malformed)?;
    let Some(kind) = topics.first().copied() else { return Ok(None) };
    let data = field("data")?;
    if data.as_str().is_none_or(|text| text.len() > MAX_DATA_HEX) {
        return Err(LogError::Malformed);
    }
    let data = bytes(data).ok_or(LogError::Malformed)?;
    Ok(decode_event(kind, topics, data)?.map(|event| ChainEvent { position, event }))
}

fn decode_event(kind: B256, topics: Vec<B256>, data: Bytes) -> Result<Option<JudgeEvent>, LogError> {
    let log = LogData::new(topics, data).ok_or(LogError::Malformed)?;
    Ok(Some(match kind {
        Judge::ChannelOpened::SIGNATURE_HASH => {
            let event: Judge::ChannelOpened = exact(&log)?;
            let key = ChannelKey { token: event.token, a: event.a, b: event.b, salt: event.salt };
            if key.id().0 != event.id {
                return Err(LogError::IdMismatch);
            }
            JudgeEvent::Opened { key }
        }
        Judge::Deposited::SIGNATURE_HASH => {
            let event: Judge::Deposited = exact(&log)?;
            JudgeEvent::Deposited {
                channel: ChannelId(event.id),
                wallet: event.wallet,
                total: Amount::new(event.total),
            }
        }
        Judge::Withdrawn::SIGNATURE_HASH => {
            let event: Judge::Withdrawn = exact(&log)?;
            JudgeEvent::Withdrawn {
                channel: ChannelId(event.id),
                wallet: event.wallet,
                total: Amount::new(event.total),
            }
        }
        Judge::ChannelClosing::SIGNATURE_HASH => {
            let event: Judge::ChannelClosing = exact(&log)?;
            JudgeEvent::Closing {
                channel: ChannelId(event.id),
                closer: event.closer,
                challenge_end: event.challengeEnd.to(),
            }
        }
        Judge::ProofAccepted::SIGNATURE_HASH => {
            let event: Judge::ProofAccepted = exact(&log)?;
            JudgeEvent::ProofAccepted {
                channel: ChannelId(event.id),
                sender: event.sender,
                nonce: Nonce::new(event.nonce.to()).map_err(|_| LogError::WrongForm)?,
                transferred: Amount::new(event.transferred),
                locked: Amount::new(event.locked),
                locks_root: event.locksRoot,
            }
        }
        Judge::LockClaimed::SIGNATURE_HASH => {
            let event: Judge::LockClaimed = exact(&log)?;
            JudgeEvent::LockClaimed {
                channel: ChannelId(event.id),
                sender: event.sender,
                lock: event.lockId,
                amount: Amount::new(event.amount),
            }
        }
        Judge::Paid::SIGNATURE_HASH => {
            let event: Judge::Paid = exact(&log)?;
            JudgeEvent::Paid {
                channel: ChannelId(event.id),
                wallet: event.wallet,
                amount: Amount::new(event.amount),
                credited: event.credited,
            }
        }
        Judge::ChannelDone::SIGNATURE_HASH => {
            let event: Judge::ChannelDone = exact(&log)?;
            JudgeEvent::Done { channel: ChannelId(event.id), cooperative: event.cooperative }
        }
        Judge::SessionKeySet::SIGNATURE_HASH => {
            let event: Judge::SessionKeySet = exact(&log)?;
            JudgeEvent::SessionKeySet {
                wallet: event.wallet,
                session_key: event.sessionKey,
                valid_until: event.validUntil,
                revoked_from: event.revokedFrom,
            }
        }
        _ => return Ok(None),
    }))
}

/// Decodes an event and encodes it again: a surplus topic, a dirty upper byte or trailing data would otherwise pass.
fn exact<E: SolEvent>(log: &LogData) -> Result<E, LogError> {
    let event = E::decode_log_data(log).map_err(|_| LogError::WrongForm)?;
    if event.encode_log_data() == *log { Ok(event) } else { Err(LogError::WrongForm) }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "events_tests.rs"]
mod tests;
