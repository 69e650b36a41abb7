//! A chain in memory for tests on which everything has happened already: open channels with two deposits each.

use std::cell::Cell;
use std::rc::Rc;

use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, hex, keccak256};
use alloy::sol_types::{SolCall, SolEvent, SolInterface};
use serde_json::{Value, json};

use super::bindings::Judge::{self, JudgeCalls};
use super::rpc::quantity;
use super::{Provider, RpcError};
use crate::protocol::{ChannelKey, Timestamp};

pub(crate) const CHAIN: u64 = 31_337;
pub(crate) const JUDGE: Address = Address::repeat_byte(0x1d);
/// The block of the opening and of the delegations.
const OPENED: u64 = 1;

/// The chain; clones are of the same one.
#[derive(Clone, Debug)]
pub(crate) struct StillChain {
    keys: Vec<ChannelKey>,
    /// Wallets and the session keys that they have delegated to.
    delegated: Vec<(Address, Address)>,
    deposit: u128,
    valid_until: Timestamp,
    now: Timestamp,
    head: Rc<Cell<u64>>,
}

impl StillChain {
    /// A chain with a channel in which both sides have deposited, and on which these session keys are delegated.
    pub(crate) fn new(key: ChannelKey, delegated: [(Address, Address); 2], deposit: u128, now: Timestamp) -> Self {
        Self::with(vec![key], delegated.to_vec(), deposit, now)
    }

    /// The same with several channels.
    pub(crate) fn with(
        keys: Vec<ChannelKey>,
        delegated: Vec<(Address, Address)>,
        deposit: u128,
        now: Timestamp,
    ) -> Self {
        Self { keys, delegated, deposit, valid_until: now + 1_000_000_000, now, head: Rc::new(Cell::new(10)) }
    }

    /// How many blocks there are.
    pub(crate) fn set_head(&self, head: u64) {
        self.head.set(head);
    }

    fn block(&self, number: u64) -> Value {
        let hash = keccak256(number.to_be_bytes());
        json!({
            "number": format!("{number:#x}"), "hash": hash.to_string(),
            "timestamp": format!("{:#x}", self.now - 100 + number),
        })
    }

    fn log(&self, index: u64, event: &impl SolEvent) -> Value {
        let data = event.encode_log_data();
        json!({
            "address": hex::encode_prefixed(JUDGE),
            "topics": data.topics().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "data": hex::encode_prefixed(&data.data),
            "blockNumber": format!("{OPENED:#x}"),
            "blockHash": keccak256(OPENED.to_be_bytes()).to_string(),
            "transactionHash": B256::repeat_byte(7).to_string(),
            "logIndex": format!("{index:#x}"),
            "removed": false,
        })
    }

    fn logs(&self) -> Value {
        let set = |(wallet, session_key): (Address, Address)| Judge::SessionKeySet {
            wallet,
            sessionKey: session_key,
            validUntil: self.valid_until,
            revokedFrom: 0,
        };
        let mut index = 0;
        let mut logs = Vec::new();
        let mut next = || {
            index += 1;
            index - 1
        };
        for ChannelKey { token, a, b, salt } in self.keys.iter().copied() {
            let id = ChannelKey { token, a, b, salt }.id().0;
            logs.push(self.log(next(), &Judge::ChannelOpened { id, a, b, token, salt }));
            for wallet in [a, b] {
                logs.push(self.log(next(), &Judge::Deposited { id, wallet, total: self.deposit }));
            }
        }
        logs.extend(self.delegated.iter().map(|delegated| self.log(next(), &set(*delegated))));
        // In whatever order an endpoint tells them.
        logs.reverse();
        json!(logs)
    }

    fn call(&self, data: &str, block: u64) -> Vec<u8> {
        match JudgeCalls::abi_decode_validate(&hex::decode(data).unwrap()).unwrap() {
            JudgeCalls::CHALLENGE(_) => Judge::CHALLENGECall::abi_encode_returns(&U48::from(1_000)),
            JudgeCalls::session(call) => Judge::sessionCall::abi_encode_returns(&Judge::sessionReturn {
                validUntil: if block >= OPENED && self.delegated.contains(&(call.wallet, call.key)) {
                    self.valid_until
                } else {
                    0
                },
                revokedFrom: 0,
            }),
            other => panic!("unexpected call {other:?}"),
        }
    }
}

impl Provider for StillChain {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let at = |block: &Value| quantity(block).unwrap_or(self.head.get());
        Ok(match method {
            "eth_chainId" => json!(format!("{CHAIN:#x}")),
            "eth_getBlockByNumber" if at(&params[0]) > self.head.get() => Value::Null,
            "eth_getBlockByNumber" => self.block(at(&params[0])),
            "eth_getLogs" => {
                let asked = at(&params[0]["fromBlock"])..=at(&params[0]["toBlock"]);
                if asked.contains(&OPENED) { self.logs() } else { json!([]) }
            }
            "eth_call" => json!(hex::encode_prefixed(self.call(params[0]["data"].as_str().unwrap(), at(&params[1])))),
            other => panic!("unexpected request {other}"),
        })
    }
}
