//! What a hostile endpoint or wallet may answer.

use std::cell::RefCell;
use std::collections::VecDeque;

use alloy::primitives::{Address, B256, hex};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::chain::bindings::Judge::JudgeEvents;
use crate::chain::{
    Alarm, AlarmConfig, Provider, RpcError, TransactionError, balance, challenge, channel, decode_logs, receipt,
    session,
};
use crate::protocol::{ChainEvent, ChannelKey, encode};

const JUDGE: Address = Address::repeat_byte(0x1d);

/// Logs as JSON, or, where the bytes are no JSON, one log whose topics and data they are.
pub fn logs(bytes: &[u8]) {
    let answer = serde_json::from_slice(bytes).unwrap_or_else(|_| json!([log_of(bytes)]));
    // Logs of any contract: the target is what comes after the comparison of addresses.
    let judge =
        answer.pointer("/0/address").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(JUDGE);
    let Ok(events) = decode_logs(&answer, judge, 0..=u64::MAX) else { return };
    assert!(events.windows(2).all(|pair| pair[0].position < pair[1].position));
    for event in events {
        // Events are stored, so they must survive that.
        assert_eq!(minicbor::decode::<ChainEvent>(&encode(&event)).ok(), Some(event));
    }
}

/// The first byte picks the kind of event, the next the number of further topics.
fn log_of(bytes: &[u8]) -> Value {
    let (head, rest) = bytes.split_at(bytes.len().min(2));
    let (kind, count) = (head.first().copied().unwrap_or_default(), head.get(1).copied().unwrap_or_default());
    let selectors = JudgeEvents::SELECTORS;
    let kind = selectors[usize::from(kind) % selectors.len()];
    let (topics, data) = rest.split_at(rest.len().min(32 * usize::from(count % 5)));
    let topics: Vec<String> =
        std::iter::once(&kind[..]).chain(topics.chunks_exact(32)).map(hex::encode_prefixed).collect();
    json!({
        "address": hex::encode_prefixed(JUDGE),
        "blockNumber": "0x7",
        "logIndex": "0x0",
        "blockHash": hex::encode_prefixed(B256::ZERO),
        "transactionHash": hex::encode_prefixed(B256::ZERO),
        "topics": topics,
        "data": hex::encode_prefixed(data),
    })
}

/// Answers one prepared value after another, then the last for ever.
struct Answers(RefCell<VecDeque<Value>>);

impl Provider for Answers {
    async fn request(&self, _: &str, _: Value) -> Result<Value, RpcError> {
        let mut answers = self.0.borrow_mut();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        match answer.unwrap_or_default() {
            Value::Object(fields) if fields.contains_key("code") => Err(RpcError {
                code: fields.get("code").and_then(Value::as_i64).unwrap_or_default(),
                message: fields.get("message").and_then(Value::as_str).unwrap_or_default().into(),
                data: fields.get("data").cloned(),
            }),
            answer => Ok(answer),
        }
    }
}

/// A list of JSON answers, given to everything that reads the chain.
pub fn provider_answers(bytes: &[u8]) {
    let answers = match serde_json::from_slice(bytes) {
        Ok(Value::Array(answers)) => answers,
        Ok(answer) => vec![answer],
        // Whole words as an `eth_call` answers them.
        Err(_) => vec![json!(hex::encode_prefixed(bytes))],
    };
    let provider = || Answers(RefCell::new(answers.iter().cloned().collect()));
    let key = ChannelKey { token: JUDGE, a: Address::ZERO, b: JUDGE, salt: 1 };
    // An answer is there at once, so nothing ever waits.
    if let Some(Ok(state)) = channel(&provider(), JUDGE, &key, None).now_or_never() {
        assert!(state.closed_at < 1 << 48 && state.challenge_end < 1 << 48);
    }
    let _ = session(&provider(), JUDGE, JUDGE, JUDGE, Some(7)).now_or_never();
    let _ = challenge(&provider(), JUDGE).now_or_never();
    for token in [Address::ZERO, JUDGE] {
        let _ = balance(&provider(), token, JUDGE).now_or_never();
    }
    let _ = receipt(&provider(), B256::ZERO).now_or_never();
    let config = AlarmConfig { chain_id: 31_337, judge: JUDGE, confirmations: 2, from_block: 1 };
    let mut alarm = Alarm::new(provider(), config, None);
    for _ in 0..2 {
        if let Some(Ok(update)) = alarm.poll().now_or_never() {
            assert!(update.confirmed.iter().all(|event| event.position.block <= update.confirmed_to));
            assert!(update.pending.iter().all(|event| event.position.block > update.confirmed_to));
        }
    }
}

/// A provider's error: as JSON, as words, and as a revert's data.
pub fn revert(bytes: &[u8]) {
    let words = String::from_utf8_lossy(bytes).into_owned();
    let data = [serde_json::from_slice(bytes).ok(), Some(json!(hex::encode_prefixed(bytes))), None];
    for data in data {
        for code in [3, -32_000, 4_001] {
            let error = TransactionError::from(RpcError { code, message: words.clone(), data: data.clone() });
            assert!(!error.code().is_empty() && !error.to_string().is_empty());
        }
    }
}
