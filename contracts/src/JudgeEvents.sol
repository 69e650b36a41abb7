// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the Judge says: its events and its errors.
interface JudgeEvents {
    /// @notice A channel exists from now on.
    event ChannelOpened(bytes32 indexed id, address indexed a, address indexed b, address token, uint64 salt);
    /// @notice `wallet` has put `total` into the channel so far.
    event Deposited(bytes32 indexed id, address indexed wallet, uint128 total);
    /// @notice `wallet` has taken `total` out of the open channel so far.
    event Withdrawn(bytes32 indexed id, address indexed wallet, uint128 total);
    /// @notice `closer` closed; proofs count until, and not at, `challengeEnd` (Unix seconds).
    event ChannelClosing(bytes32 indexed id, address indexed closer, uint48 challengeEnd);
    /// @notice The newest proof signed by `sender` that the Judge knows.
    event ProofAccepted(
        bytes32 indexed id,
        address indexed sender,
        uint48 nonce,
        uint128 transferred,
        uint128 locked,
        bytes32 locksRoot
    );
    /// @notice A lock made by `sender` now counts as paid to the other side.
    event LockClaimed(bytes32 indexed id, address indexed sender, uint64 lockId, uint128 amount);
    /// @notice `amount` left the channel for `wallet`; `credited` means that the push failed and `claimCredit` pays it.
    event Paid(bytes32 indexed id, address indexed wallet, uint128 amount, bool credited);
    /// @notice Everything in the channel is paid out.
    event ChannelDone(bytes32 indexed id, bool cooperative);
    /// @notice What the Judge now knows about a session key (Unix seconds; `revokedFrom` 0 means never revoked).
    event SessionKeySet(address indexed wallet, address indexed sessionKey, uint64 validUntil, uint64 revokedFrom);

    /// @notice An amount is zero, too large, not increasing, or not what was sent along.
    error BadAmount();
    /// @notice A channel key whose participants are not two addresses in ascending order, the first not zero.
    error BadKey();
    /// @notice The account has no part in this channel.
    error NotParticipant();
    /// @notice This id is, or once was, in use.
    error ChannelExists();
    /// @notice The call needs an open channel.
    error NotOpen();
    /// @notice The call needs a channel that is closing.
    error NotClosing();
    /// @notice Too late: the challenge period is over.
    error ChallengeOver();
    /// @notice Too early: the challenge period still runs.
    error InChallenge();
    /// @notice The proof is not newer than the one the Judge knows.
    error StaleNonce(uint48 have, uint48 got);
    /// @notice Not a signature of `expected` or of a session key that is valid for it at the time that counts.
    error BadSignature(address expected);
    /// @notice The signed message's deadline has passed.
    error DeadlineExpired();
    /// @notice The amounts do not add up to what the channel holds.
    error Conservation();
    /// @notice The lock is not in the tree, or claims more than was locked.
    error BadLock(uint64 lockId);
    /// @notice The lock was claimed before.
    error AlreadyClaimed(uint64 lockId);
    /// @notice The secret was not registered, or not by the lock's expiry.
    error SecretNotRevealed(bytes32 secretHash);
    /// @notice The sender's locks can still be claimed.
    error TooEarly();
    /// @notice The call would change nothing.
    error NothingToDo();
    /// @notice The token moved nothing, or another amount than asked for.
    error TokenTransfer();
    /// @notice Not enough gas to give a payout its full allowance.
    error LowGas();
    /// @notice Not a usable session key: zero, the wallet itself, or already past.
    error BadSession();
}
