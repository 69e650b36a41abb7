// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Lock, SignedProof} from "./JudgeTypes.sol";

/// @title EIP-712 struct hashes of everything that is signed for the Judge.
/// @notice Each message is its own primary type, so that a signature given for one purpose never serves another.
library TypedHashes {
    bytes32 internal constant BALANCE_PROOF = keccak256(
        "BalanceProof(bytes32 channelId,address sender,uint48 nonce,uint128 transferred,uint128 locked,uint48 lastExpiry,bytes32 locksRoot,bytes32 context)"
    );
    bytes32 internal constant ACCEPT_PROOF = keccak256("AcceptProof(bytes32 proofHash)");
    bytes32 internal constant CLOSE_CHANNEL = keccak256("CloseChannel(bytes32 channelId,address closer,uint64 deadline)");
    bytes32 internal constant COOPERATIVE_CLOSE =
        keccak256("CooperativeClose(bytes32 channelId,uint128 balanceA,uint128 balanceB,uint64 deadline)");
    bytes32 internal constant COOPERATIVE_WITHDRAW =
        keccak256("CooperativeWithdraw(bytes32 channelId,address wallet,uint128 totalWithdrawn,uint64 deadline)");
    bytes32 internal constant DELEGATE = keccak256("Delegate(address wallet,address sessionKey,uint64 validUntil)");
    bytes32 internal constant LOCK = keccak256("Lock(uint64 lockId,uint128 amount,uint48 expiry,bytes32 secretHash)");

    /// @notice Struct hash of a balance proof of `sender` in channel `id`.
    /// @dev The first six fields are copied as they stand in calldata, in the order of the type. A word with stray high bits
    /// gives a hash that no client signs, and the Judge's own reading of such a field reverts.
    function balanceProof(bytes32 id, address sender, SignedProof calldata p) internal pure returns (bytes32 hash) {
        bytes32 typeHash = BALANCE_PROOF;
        assembly ("memory-safe") {
            let ptr := mload(0x40)
            mstore(ptr, typeHash)
            mstore(add(ptr, 0x20), id)
            mstore(add(ptr, 0x40), shr(96, shl(96, sender)))
            calldatacopy(add(ptr, 0x60), p, 0xc0)
            hash := keccak256(ptr, 0x120)
        }
    }

    /// @notice Struct hash of the beneficiary's consent to a proof.
    function acceptProof(bytes32 proofHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(ACCEPT_PROOF, proofHash));
    }

    /// @notice Struct hash of a participant's wish to close.
    function closeChannel(bytes32 id, address closer, uint64 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(CLOSE_CHANNEL, id, closer, deadline));
    }

    /// @notice Struct hash of an agreed ending.
    function cooperativeClose(bytes32 id, uint128 balanceA, uint128 balanceB, uint64 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(COOPERATIVE_CLOSE, id, balanceA, balanceB, deadline));
    }

    /// @notice Struct hash of an agreed withdrawal.
    function cooperativeWithdraw(bytes32 id, address wallet, uint128 totalWithdrawn, uint64 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(COOPERATIVE_WITHDRAW, id, wallet, totalWithdrawn, deadline));
    }

    /// @notice Struct hash of a wallet's grant to a session key.
    function delegate(address wallet, address sessionKey, uint64 validUntil) internal pure returns (bytes32) {
        return keccak256(abi.encode(DELEGATE, wallet, sessionKey, validUntil));
    }

    /// @notice Leaf of the locks tree. Its 160-byte preimage can never be a node's, which has 64 bytes.
    function lock(Lock calldata l) internal pure returns (bytes32) {
        return keccak256(abi.encode(LOCK, l.lockId, l.amount, l.expiry, l.secretHash));
    }
}
