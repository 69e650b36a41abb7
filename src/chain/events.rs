//! Decodes `eth_getLogs` answers into events of the Judge.
//!
//! Deposits are money to the engine, so a log that could not have come from the Judge is an error of the endpoint, never
//! something to guess about. Logs of an unknown kind are passed over: a later Judge may say more than this client knows.

use std::ops::RangeInclusive;

use alloy::primitives::{Address, B256};
use alloy::sol_types::SolEvent;
use serde_json::Value;

use super::bindings::Judge;
use super::rpc::{address, bytes, hash, quantity};
use super::words::Words;
use crate::protocol::{ChainEvent, ChannelKey, JudgeEvent, LogPosition};

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
    ChainEvent::sort(&mut events);
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
    Ok(decode_event(kind, &topics, &data)?.map(|event| ChainEvent { position, event }))
}

/// How many fields of an event are indexed; `None` for an unknown kind.
const fn indexed(kind: B256) -> Option<usize> {
    Some(match kind {
        Judge::ChannelOpened::SIGNATURE_HASH => 3,
        Judge::Deposited::SIGNATURE_HASH
        | Judge::Withdrawn::SIGNATURE_HASH
        | Judge::ChannelClosing::SIGNATURE_HASH
        | Judge::ProofAccepted::SIGNATURE_HASH
        | Judge::LockClaimed::SIGNATURE_HASH
        | Judge::Paid::SIGNATURE_HASH
        | Judge::SessionKeySet::SIGNATURE_HASH => 2,
        Judge::ChannelDone::SIGNATURE_HASH => 1,
        _ => return None,
    })
}

/// Reads an event's fields, the indexed ones first, in the order in which the contract declares them.
fn decode_event(kind: B256, topics: &[B256], data: &[u8]) -> Result<Option<JudgeEvent>, LogError> {
    let Some(indexed) = indexed(kind) else { return Ok(None) };
    let mut words = Words::new(topics, data, indexed)?;
    let event = match kind {
        Judge::ChannelOpened::SIGNATURE_HASH => {
            let (id, a, b) = (words.channel()?, words.address()?, words.address()?);
            let key = ChannelKey { a, b, token: words.address()?, salt: words.number()? };
            if key.id() != id {
                return Err(LogError::IdMismatch);
            }
            JudgeEvent::Opened { key }
        }
        Judge::Deposited::SIGNATURE_HASH => {
            JudgeEvent::Deposited { channel: words.channel()?, wallet: words.address()?, total: words.amount()? }
        }
        Judge::Withdrawn::SIGNATURE_HASH => {
            JudgeEvent::Withdrawn { channel: words.channel()?, wallet: words.address()?, total: words.amount()? }
        }
        Judge::ChannelClosing::SIGNATURE_HASH => {
            JudgeEvent::Closing { channel: words.channel()?, closer: words.address()?, challenge_end: words.time()? }
        }
        Judge::ProofAccepted::SIGNATURE_HASH => JudgeEvent::ProofAccepted {
            channel: words.channel()?,
            sender: words.address()?,
            nonce: words.nonce()?,
            transferred: words.amount()?,
            locked: words.amount()?,
            locks_root: words.word()?,
        },
        Judge::LockClaimed::SIGNATURE_HASH => JudgeEvent::LockClaimed {
            channel: words.channel()?,
            sender: words.address()?,
            lock: words.number()?,
            amount: words.amount()?,
        },
        Judge::Paid::SIGNATURE_HASH => JudgeEvent::Paid {
            channel: words.channel()?,
            wallet: words.address()?,
            amount: words.amount()?,
            credited: words.truth()?,
        },
        Judge::ChannelDone::SIGNATURE_HASH => {
            JudgeEvent::Done { channel: words.channel()?, cooperative: words.truth()? }
        }
        Judge::SessionKeySet::SIGNATURE_HASH => JudgeEvent::SessionKeySet {
            wallet: words.address()?,
            session_key: words.address()?,
            valid_until: words.number()?,
            revoked_from: words.number()?,
        },
        _ => return Ok(None),
    };
    words.end()?;
    Ok(Some(event))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "events_tests.rs"]
mod tests;
