//! A chain in memory for tests: it mines, reorganizes, refuses ranges, and answers from nodes that lag.

use std::cell::RefCell;
use std::collections::VecDeque;

use alloy::primitives::{Address, B256, U256, hex, keccak256};
use alloy::sol_types::SolEvent;
use serde_json::{Value, json};

use super::bindings::Judge;
use super::rpc::quantity;
use super::{Provider, RpcError};
use crate::protocol::{Amount, ChainEvent, ChannelId, Head, JudgeEvent, LogPosition};

pub(super) const CHAIN: u64 = 31337;
pub(super) const JUDGE: Address = Address::repeat_byte(0x1d);

/// Something that happens to the chain.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A block with this many logs.
    Mine(u8),
    /// The last blocks are replaced by others, with these numbers of logs.
    Reorg { depth: u8, blocks: Vec<u8> },
}

#[derive(Debug, Default)]
struct Inner {
    blocks: Vec<(Head, Vec<ChainEvent>)>,
    counter: u64,
    range: u64,
    requests: Vec<String>,
    /// What happens before which of the coming requests, counted down.
    ambush: VecDeque<(u8, Step)>,
    /// How many blocks behind the node is that answers the next request.
    lag: VecDeque<u8>,
    chain_id: u64,
    failure: Option<RpcError>,
}

#[derive(Debug)]
pub(super) struct MiniChain(RefCell<Inner>);

impl Inner {
    fn mine(&mut self, logs: u8) {
        self.counter += 1;
        let number = self.blocks.len() as u64;
        let hash = keccak256(format!("block {}", self.counter));
        let event = |index: u64, counter: &mut u64| {
            *counter += 1;
            let position =
                LogPosition { block: number, index, block_hash: hash, transaction: B256::from(U256::from(*counter)) };
            let channel = ChannelId(keccak256(counter.to_be_bytes()));
            let total = Amount::from(*counter);
            ChainEvent { position, event: JudgeEvent::Deposited { channel, wallet: Address::repeat_byte(7), total } }
        };
        let events = (0..u64::from(logs)).map(|index| event(index, &mut self.counter)).collect();
        self.blocks.push((Head { number, hash, timestamp: 1_000 + 12 * number }, events));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Mine(logs) => self.mine(*logs),
            Step::Reorg { depth, blocks } => {
                // The first block is everybody's.
                let keep = self.blocks.len().saturating_sub(usize::from(*depth)).max(1);
                self.blocks.truncate(keep);
                for logs in blocks {
                    self.mine(*logs);
                }
            }
        }
    }

    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, RpcError> {
        self.requests.push(method.to_owned());
        if let Some(failure) = self.failure.clone() {
            return Err(failure);
        }
        if let Some((countdown, step)) = self.ambush.front_mut() {
            if *countdown == 0 {
                let step = step.clone();
                self.ambush.pop_front();
                self.step(&step);
            } else {
                *countdown -= 1;
            }
        }
        let lag = usize::from(self.lag.pop_front().unwrap_or_default());
        let known = &self.blocks[..self.blocks.len().saturating_sub(lag).max(1)];
        match method {
            "eth_chainId" => Ok(json!(format!("{:#x}", self.chain_id))),
            "eth_getBlockByNumber" => {
                let at = match params[0].as_str() {
                    Some("latest") => known.len() - 1,
                    _ => quantity(&params[0]).unwrap() as usize,
                };
                Ok(known.get(at).map_or(Value::Null, |(head, _)| {
                    json!({
                        "number": format!("{:#x}", head.number), "hash": head.hash.to_string(),
                        "timestamp": format!("{:#x}", head.timestamp), "transactions": [],
                    })
                }))
            }
            "eth_getLogs" => {
                let filter = &params[0];
                assert_eq!(filter["address"], hex::encode_prefixed(JUDGE));
                let from = quantity(&filter["fromBlock"]).unwrap();
                let to = quantity(&filter["toBlock"]).unwrap();
                assert!(from <= to);
                if to - from >= self.range {
                    let message = format!("query exceeds max block range {}", self.range);
                    return Err(RpcError { code: -32602, message, data: None });
                }
                let blocks = known.iter().filter(|(head, _)| (from..=to).contains(&head.number));
                Ok(blocks.flat_map(|(_, events)| events).map(to_json).collect())
            }
            other => panic!("unexpected request {other}"),
        }
    }
}

/// An event of [`MiniChain`] as an endpoint writes it.
pub(super) fn to_json(event: &ChainEvent) -> Value {
    let JudgeEvent::Deposited { channel, wallet, total } = event.event else { panic!("only deposits happen here") };
    let data = Judge::Deposited { id: channel.0, wallet, total: total.get() }.encode_log_data();
    json!({
        "address": hex::encode_prefixed(JUDGE),
        "topics": data.topics().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "data": hex::encode_prefixed(&data.data),
        "blockNumber": format!("{:#x}", event.position.block),
        "blockHash": event.position.block_hash.to_string(),
        "transactionHash": event.position.transaction.to_string(),
        "transactionIndex": "0x0",
        "logIndex": format!("{:#x}", event.position.index),
        "removed": false,
    })
}

impl MiniChain {
    pub(super) fn new() -> Self {
        let mut inner = Inner { range: u64::MAX, chain_id: CHAIN, ..Inner::default() };
        inner.mine(0);
        Self(RefCell::new(inner))
    }

    pub(super) fn step(&self, step: &Step) {
        self.0.borrow_mut().step(step);
    }

    pub(super) fn mine(&self, blocks: usize, logs: u8) {
        (0..blocks).for_each(|_| self.step(&Step::Mine(logs)));
    }

    /// Refuses requests for logs of more blocks than this.
    pub(super) fn limit(&self, range: u64) {
        self.0.borrow_mut().range = range;
    }

    pub(super) fn ambush(&self, steps: impl IntoIterator<Item = (u8, Step)>) {
        self.0.borrow_mut().ambush = steps.into_iter().collect();
    }

    pub(super) fn lag(&self, lags: impl IntoIterator<Item = u8>) {
        self.0.borrow_mut().lag = lags.into_iter().collect();
    }

    pub(super) fn switch(&self, chain_id: u64) {
        self.0.borrow_mut().chain_id = chain_id;
    }

    pub(super) fn fail(&self, failure: Option<RpcError>) {
        self.0.borrow_mut().failure = failure;
    }

    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().requests)
    }

    pub(super) fn head(&self) -> Head {
        self.0.borrow().blocks.last().unwrap().0
    }

    /// The events of the canonical chain, above and up to these blocks.
    pub(super) fn events(&self, above: u64, to: u64) -> Vec<ChainEvent> {
        let inner = self.0.borrow();
        let blocks = inner.blocks.iter().filter(|(head, _)| head.number > above && head.number <= to);
        blocks.flat_map(|(_, events)| events.iter().cloned()).collect()
    }
}

impl Provider for MiniChain {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.0.borrow_mut().answer(method, &params)
    }
}
