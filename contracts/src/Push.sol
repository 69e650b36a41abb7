// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {JudgeEvents} from "./JudgeEvents.sol";

/// @title Transfers that can fail without failing their caller.
/// @notice A payout must not depend on what the receiver, or the token on the receiver's behalf, does: it gets a bounded
/// amount of gas, its answer is read into one word, and a failure is an answer and not a revert.
library Push {
    /// @dev Enough for a contract wallet's bookkeeping, too little to make settling expensive.
    uint256 private constant COIN_GAS = 100_000;
    /// @dev Tokens with hooks, proxies and rebasing need more.
    uint256 private constant TOKEN_GAS = 200_000;
    /// @dev What must be left before the call, so that the callee truly gets its allowance: one 64th is kept by the caller, and
    /// the call itself may cost up to 36,600. Without this floor, whoever carries the transaction could starve the callee
    /// and turn a good payout into a credit.
    uint256 private constant COIN_FLOOR = 145_000;
    uint256 private constant TOKEN_FLOOR = 215_000;

    /// @notice Sends the chain's own coin. Returns whether it arrived.
    function coin(address to, uint256 amount) internal returns (bool ok) {
        if (gasleft() < COIN_FLOOR) revert JudgeEvents.LowGas();
        assembly ("memory-safe") {
            ok := call(COIN_GAS, to, amount, 0, 0, 0, 0)
        }
    }

    /// @notice Transfers an ERC-20. Returns whether the token says that it did: `true`, or nothing at all from a contract.
    /// @dev A token that moves and denies it does not pay twice: the credit is paid only when the token admits a transfer.
    function erc20(address token, address to, uint256 amount) internal returns (bool ok) {
        if (gasleft() < TOKEN_FLOOR) revert JudgeEvents.LowGas();
        assembly ("memory-safe") {
            let ptr := mload(0x40)
            mstore(ptr, shl(224, 0xa9059cbb)) // transfer(address,uint256)
            mstore(add(ptr, 4), to)
            mstore(add(ptr, 36), amount)
            ok := call(TOKEN_GAS, token, 0, ptr, 68, 0, 32)
            if ok {
                switch returndatasize()
                case 0 { ok := gt(extcodesize(token), 0) }
                default { ok := and(gt(returndatasize(), 31), eq(mload(0), 1)) }
            }
        }
    }
}
