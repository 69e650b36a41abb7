// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header} from "./Header.sol";

/// @notice Names a channel. Passed with every call and not stored: the id binds it.
/// @param token ERC-20 contract, or `address(0)` for the chain's own coin.
/// @param a The participant with the lower address.
/// @param b The participant with the higher address.
/// @param salt Chosen by whoever opens; two channels of one pair differ in it.
struct ChannelKey {
    address token;
    address a;
    address b;
    uint64 salt;
}

/// @notice What one side has signed away so far. Channel and sender are not repeated here: they follow from the call, and
/// the signature covers them.
/// @param nonce Counts the sender's proofs from 1. 0 means that there is no proof.
/// @param transferred All that the sender has paid, base units of the token.
/// @param locked Sum of the sender's pending locks, base units.
/// @param lastExpiry Latest expiry among these locks, Unix seconds.
/// @param locksRoot Merkle root of the locks; ignored when nothing is locked.
/// @param context Hash of the off-chain message; the Judge only passes it into the signed hash.
/// @param signature The sender's, 65 bytes.
/// @param acceptance The beneficiary's `AcceptProof`, 65 bytes; may be empty when the beneficiary itself calls.
struct SignedProof {
    uint48 nonce;
    uint128 transferred;
    uint128 locked;
    uint48 lastExpiry;
    bytes32 locksRoot;
    bytes32 context;
    bytes signature;
    bytes acceptance;
}

/// @notice A promise to pay when a secret is revealed in time; a leaf of the sender's locks tree.
/// @param lockId Unique among all locks that a sender ever makes in a channel.
/// @param amount Base units of the token.
/// @param expiry Last Unix second at which the secret counts.
/// @param secretHash sha256 of the 32-byte secret.
struct Lock {
    uint64 lockId;
    uint128 amount;
    uint48 expiry;
    bytes32 secretHash;
}

/// @notice An ERC-2612 permit of the caller for the Judge.
struct Permit {
    uint256 value;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice One side of a channel as the Judge sees it. All amounts in base units of the token.
/// @param deposited All that this side put in.
/// @param withdrawn All that this side took out by agreement while open.
/// @param nonce Nonce of the newest proof signed by this side, 0 if none.
/// @param transferred That proof's transferred amount.
/// @param locked That proof's locked amount.
/// @param lastExpiry That proof's latest lock expiry.
/// @param locksRoot That proof's root; zero when nothing is locked.
/// @param claimed How much of `locked` the other side has claimed.
/// @param paid How much settlement has paid to this side.
/// @param isFinal Whether nothing more of `locked` can be claimed.
struct SideView {
    uint128 deposited;
    uint128 withdrawn;
    uint48 nonce;
    uint128 transferred;
    uint128 locked;
    uint48 lastExpiry;
    bytes32 locksRoot;
    uint128 claimed;
    uint128 paid;
    bool isFinal;
}

/// @notice A channel as the Judge sees it. Everything but `status` is zero once it is done.
/// @param status 0 never opened, 1 open, 2 closing, 3 done.
/// @param closedAt Unix second of the close; 0 while open.
/// @param challengeEnd First Unix second at which no proof counts any more and unlocking and settling begin.
struct ChannelView {
    uint8 status;
    uint48 closedAt;
    uint48 challengeEnd;
    SideView a;
    SideView b;
}

/// @dev Storage of one side, one slot per line; a line is written only by the calls that need it.
struct Side {
    uint128 deposited; // with `withdrawn`: opening, deposit, withdrawal
    uint128 withdrawn;
    uint128 transferred; // with `locked`: a proof
    uint128 locked;
    bytes32 locksRoot; // a proof with locks; stale, and not read, while `locked` is 0
    uint128 claimed; // with `paid`: unlocking, and settling while locks are pending
    uint128 paid;
}

/// @dev Storage of a channel.
struct Channel {
    Header header;
    Side a;
    Side b;
}
