//! The Judge's tests. One binary, because linking an EVM takes longer than running it.

mod agreeing;
mod artifacts;
mod chance;
mod client_claims;
mod client_tree;
mod closing;
mod deciding;
mod funding;
mod gas;
mod histories;
mod locks;
mod money;
mod payout;
mod reentrancy;
mod registries;
mod replay;
mod session_times;
mod sessions;
mod times;
mod vectors;

/// What every test needs.
mod prelude {
    pub(crate) use alloy::{
        primitives::{Address, B256, Bytes, U256, aliases::U48, keccak256},
        sol_types::{SolCall, SolError, SolStruct, SolValue},
    };
    pub(crate) use chit_judge_tests::{
        Actor, COIN, Chain, Draft, Failure, LockTree, Outcome, World,
        abi::{self, ChannelKey, ContractWallet, Judge, Judge::JudgeEvents, Lock, SecretRegistry, Token},
        refused, signed,
    };

    pub(crate) fn u48(value: u64) -> U48 {
        U48::from(value)
    }
}
