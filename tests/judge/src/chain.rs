//! A chain of one's own: real transactions in `revm`, and a clock that moves when told.

use alloy::{
    primitives::{Address, B256, Bytes, Log, TxKind, U256},
    sol_types::{SolCall, SolError, SolEvent, SolEventInterface},
};
use revm::{
    Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{BlockEnv, TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

use crate::abi::Judge;

/// What a mined transaction left behind.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Gas that the sender pays for, as in a node's receipt.
    pub gas: u64,
    /// Return data; the code for a deployment.
    pub output: Bytes,
    /// Events, in order.
    pub logs: Vec<Log>,
    /// Where a deployment went.
    pub created: Option<Address>,
}

impl Receipt {
    /// Everything that the Judge said, in order; other contracts' events are left out.
    pub fn said(&self) -> Vec<Judge::JudgeEvents> {
        self.logs.iter().filter_map(|log| Judge::JudgeEvents::decode_log(log).ok().map(|log| log.data)).collect()
    }

    /// The events of one kind, in order.
    pub fn events<E: SolEvent>(&self) -> Vec<E> {
        self.logs.iter().filter_map(|log| E::decode_log(log).ok().map(|log| log.data)).collect()
    }
}

/// Why a transaction changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The contract refused, with this data.
    Reverted(Bytes),
    /// The EVM gave up (out of gas and the like).
    Halted(String),
}

/// How a transaction ended.
pub type Outcome = Result<Receipt, Failure>;

/// State, clock and chain id. Clone it to try several futures from one past.
#[derive(Clone, Debug)]
pub struct Chain {
    db: CacheDB<EmptyDB>,
    /// Unix seconds of the next block.
    pub now: u64,
    /// The chain's id, which may change as after a fork.
    pub id: u64,
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

impl Chain {
    /// Gas limit of a transaction unless told; the greatest that the protocol takes.
    pub const GAS_LIMIT: u64 = 16_777_216;

    /// An empty chain.
    pub fn new() -> Self {
        Self { db: CacheDB::new(EmptyDB::new()), now: 1_800_000_000, id: 31_337 }
    }

    fn block(&self) -> BlockEnv {
        BlockEnv { number: U256::from(1), timestamp: U256::from(self.now), gas_limit: u64::MAX, ..BlockEnv::default() }
    }

    fn run(&mut self, from: Address, kind: TxKind, value: U256, data: Bytes, gas_limit: u64, commit: bool) -> Outcome {
        let (block, id) = (self.block(), self.id);
        let mut evm = Context::mainnet()
            .with_db(&mut self.db)
            .with_block(block)
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
                cfg.chain_id = id;
                cfg.disable_nonce_check = true;
            })
            .build_mainnet();
        let tx =
            TxEnv { caller: from, kind, value, data, gas_limit, chain_id: Some(id), gas_price: 0, ..TxEnv::default() };
        let result = if commit { evm.transact_commit(tx) } else { evm.transact(tx).map(|both| both.result) }
            .expect("a valid transaction");
        let created = result.created_address();
        match result {
            ExecutionResult::Success { gas, logs, output, .. } => {
                Ok(Receipt { gas: gas.tx_gas_used(), output: output.into_data(), logs, created })
            }
            ExecutionResult::Revert { output, .. } => Err(Failure::Reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(Failure::Halted(format!("{reason:?}"))),
        }
    }

    /// Deploys a contract and returns its receipt; the address is in `created`.
    pub fn deploy(&mut self, from: Address, bytecode: &Bytes, arguments: &[u8]) -> Outcome {
        let code: Bytes = [bytecode.as_ref(), arguments].concat().into();
        self.run(from, TxKind::Create, U256::ZERO, code, Self::GAS_LIMIT, true)
    }

    /// Mines one transaction of raw calldata.
    pub fn send_raw(&mut self, from: Address, to: Address, value: U256, data: Bytes, gas_limit: u64) -> Outcome {
        self.run(from, TxKind::Call(to), value, data, gas_limit, true)
    }

    /// Mines a call.
    pub fn send<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Outcome {
        self.send_value(from, to, U256::ZERO, call)
    }

    /// Mines a call that carries coin.
    pub fn send_value<C: SolCall>(&mut self, from: Address, to: Address, value: U256, call: &C) -> Outcome {
        self.send_raw(from, to, value, call.abi_encode().into(), Self::GAS_LIMIT)
    }

    /// Asks without changing anything.
    pub fn view<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        let receipt = self
            .run(Address::ZERO, TxKind::Call(to), U256::ZERO, call.abi_encode().into(), Self::GAS_LIMIT, false)
            .expect("a view answers");
        C::abi_decode_returns(&receipt.output).expect("a view's answer decodes")
    }

    /// Coin held by an account.
    pub fn balance(&mut self, account: Address) -> U256 {
        self.info(account).balance
    }

    /// Sets the coin held by an account.
    pub fn set_balance(&mut self, account: Address, balance: U256) {
        let info = self.info(account);
        self.db.insert_account_info(account, AccountInfo { balance, ..info });
    }

    /// Gives an account code, as a delegation of an ordinary account does.
    pub fn set_code(&mut self, account: Address, code: Bytes) {
        let code = Bytecode::new_raw(code);
        let info = AccountInfo { code_hash: code.hash_slow(), code: Some(code), ..self.info(account) };
        self.db.insert_account_info(account, info);
    }

    /// The code at an address.
    pub fn code(&mut self, account: Address) -> Bytes {
        let info = self.info(account);
        info.code
            .or_else(|| self.db.cache.contracts.get(&info.code_hash).cloned())
            .map(|code| code.original_bytes())
            .unwrap_or_default()
    }

    /// A word of a contract's storage that is not zero, for each; tells what a contract left behind.
    pub fn storage(&self, account: Address) -> Vec<(U256, U256)> {
        let mut words: Vec<_> = self.db.cache.accounts.get(&account).map_or_else(Vec::new, |account| {
            account.storage.iter().filter(|(_, value)| !value.is_zero()).map(|(k, v)| (*k, *v)).collect()
        });
        words.sort_unstable();
        words
    }

    fn info(&mut self, account: Address) -> AccountInfo {
        self.db.load_account(account).expect("an in-memory account").info.clone()
    }
}

/// Demands that a transaction was refused with exactly this error.
#[track_caller]
pub(crate) fn assert_reverted<E: SolError>(outcome: &Outcome, error: &E) {
    match outcome {
        Err(Failure::Reverted(data)) if data.as_ref() == error.abi_encode() => {}
        other => panic!("expected {} {:?}, got {other:?}", E::SIGNATURE, B256::right_padding_from(&E::SELECTOR)),
    }
}
