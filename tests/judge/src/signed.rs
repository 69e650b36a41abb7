//! Everything that is signed for the Judge, hashed by `alloy` from the struct definitions alone, so that a mistake in the
//! contract's own hashing shows.
#![allow(missing_docs)]

use alloy::{
    primitives::{Address, B256},
    sol,
    sol_types::{Eip712Domain, SolStruct, eip712_domain},
};

sol! {
    #[derive(Debug)]
    struct BalanceProof {
        bytes32 channelId; address sender; uint48 nonce; uint128 transferred; uint128 locked; uint48 lastExpiry;
        bytes32 locksRoot; bytes32 context;
    }
    #[derive(Debug)]
    struct AcceptProof { bytes32 proofHash; }
    #[derive(Debug)]
    struct CloseChannel { bytes32 channelId; address closer; uint64 deadline; }
    #[derive(Debug)]
    struct CooperativeClose { bytes32 channelId; uint128 balanceA; uint128 balanceB; uint64 deadline; }
    #[derive(Debug)]
    struct CooperativeWithdraw { bytes32 channelId; address wallet; uint128 totalWithdrawn; uint64 deadline; }
    #[derive(Debug)]
    struct Delegate { address wallet; address sessionKey; uint64 validUntil; }
    #[derive(Debug)]
    struct Lock { uint64 lockId; uint128 amount; uint48 expiry; bytes32 secretHash; }
}

/// ERC-2612, apart because its name meets another `Permit`.
pub mod erc2612 {
    #![allow(missing_docs)]
    alloy::sol! {
        #[derive(Debug)]
        struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
    }
}

/// The Judge's signing domain.
pub fn judge_domain(chain_id: u64, judge: Address) -> Eip712Domain {
    eip712_domain! { name: "Judge", version: "1", chain_id: chain_id, verifying_contract: judge, }
}

/// `hashStruct` of a message.
pub fn struct_hash<T: SolStruct>(message: &T) -> B256 {
    message.eip712_hash_struct()
}
