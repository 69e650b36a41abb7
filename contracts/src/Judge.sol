// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Channels} from "./Channels.sol";
import {Header, openHeader, STATUS_NONE, STATUS_OPEN} from "./Header.sol";
import {Channel, ChannelKey, Lock, Permit, Side, SignedProof} from "./JudgeTypes.sol";
import {SecretRegistry} from "./SecretRegistry.sol";
import {Sessions} from "./Sessions.sol";
import {TypedHashes} from "./TypedHashes.sol";

/// @title Holds the deposits of payment channels and decides who gets what.
/// @notice Two accounts deposit, pay each other off chain by signed balance proofs, and come back either with an agreement or
/// with the newest proofs. No owner, no upgrade, no fee. Times are Unix seconds, amounts base units of the channel's token.
/// @dev Every function follows one order: check, change state, then touch other contracts.
contract Judge is Channels, Multicall {
    /// @notice Tells when a lock's secret became public.
    SecretRegistry public immutable REGISTRY;

    /// @dev One bit per lock that was claimed, by (side, lockId / 256).
    mapping(bytes32 id => mapping(uint256 word => uint256)) private _claims;

    /// @param registry Secrets of locks are looked up here.
    /// @param challenge Length of the challenge period in seconds, 1 to 365 days.
    constructor(SecretRegistry registry, uint48 challenge) Sessions(challenge) {
        REGISTRY = registry;
    }

    // ---------------------------------------------------------------- funding

    /// @notice Opens a channel, deposits for the caller, and lets a session key sign for it. The caller must be a participant.
    /// @param amount The caller's deposit; may be 0. In the chain's own coin it must equal the value sent along.
    /// @param sessionKey Key to delegate to, or 0 for none. @param validUntil Its end; ignored without a key.
    /// @return id Never in use before, so nothing that was ever signed fits it.
    function open(ChannelKey calldata key, uint128 amount, address sessionKey, uint64 validUntil)
        external
        payable
        nonReentrant
        returns (bytes32 id)
    {
        return _open(key, amount, sessionKey, validUntil);
    }

    /// @notice `open` with an ERC-2612 permit in place of an earlier approval.
    function openWithPermit(
        ChannelKey calldata key,
        uint128 amount,
        address sessionKey,
        uint64 validUntil,
        Permit calldata permit
    ) external nonReentrant returns (bytes32 id) {
        _permit(key.token, permit);
        return _open(key, amount, sessionKey, validUntil);
    }

    /// @notice Adds `amount` to the caller's deposit. The caller must be a participant, so that nobody can upset an agreement
    /// that its partner is about to send.
    function deposit(ChannelKey calldata key, uint128 amount) external payable nonReentrant {
        _deposit(key, amount);
    }

    /// @notice `deposit` with an ERC-2612 permit in place of an earlier approval.
    function depositWithPermit(ChannelKey calldata key, uint128 amount, Permit calldata permit) external nonReentrant {
        _permit(key.token, permit);
        _deposit(key, amount);
    }

    // ---------------------------------------------------------------- dispute

    /// @notice Starts the challenge. The caller must be a participant.
    /// @param proof The partner's newest proof to the caller; nonce 0 if there is none. Passed over when the Judge already
    /// knows a proof at least as new, so that a checkpoint on its way cannot make a close fail.
    function close(ChannelKey calldata key, SignedProof calldata proof) external nonReentrant {
        _close(_id(key), key, msg.sender, proof);
    }

    /// @notice `close`, carried by anyone, on the signature of `closer` (its wallet or session key) until `deadline`.
    function closeFor(
        ChannelKey calldata key,
        address closer,
        uint64 deadline,
        bytes calldata closerSignature,
        SignedProof calldata proof
    ) external nonReentrant {
        _requireInTime(deadline);
        bytes32 id = _id(key);
        _requireSigned(closer, TypedHashes.closeChannel(id, closer, deadline), closerSignature, block.timestamp);
        _close(id, key, closer, proof);
    }

    /// @notice Brings a newer proof signed by `sender`: a checkpoint while open, an answer while closing. Anyone may call who has
    /// the beneficiary's acceptance; the beneficiary itself needs none.
    function update(ChannelKey calldata key, address sender, SignedProof calldata proof) external nonReentrant {
        bytes32 id = _id(key);
        Channel storage channel_ = _channels[id];
        Header h = channel_.header;
        uint256 when = _requireUndecided(h);
        bool second = _isSecond(key, sender);
        if (proof.nonce <= h.nonce(second)) revert StaleNonce(h.nonce(second), proof.nonce);
        channel_.header = _accept(channel_, h, id, key, second, proof, when);
    }

    /// @notice Claims locks made by `sender`, once the challenge is over. Anyone may call; nothing is paid before `settle`.
    /// @dev Opens only when no proof can change the root any more. A lock counts if it is in the frozen tree, its secret was
    /// registered by its expiry, and its bit is unset. The sum never passes `locked`, so even a tree that does not add up
    /// costs only the one who signed it.
    /// @param proofs One Merkle proof per lock, siblings from the leaf upwards.
    function unlock(ChannelKey calldata key, address sender, Lock[] calldata locks, bytes32[][] calldata proofs)
        external
        nonReentrant
    {
        bytes32 id = _id(key);
        Channel storage channel_ = _channels[id];
        Header h = channel_.header;
        _requireDecided(h);
        bool second = _isSecond(key, sender);
        if (locks.length == 0 || locks.length != proofs.length || h.flaggedFinal(second)) revert NothingToDo();
        Side storage side = second ? channel_.b : channel_.a;
        uint256 locked = side.locked;
        uint256 claimed = side.claimed;
        bytes32 root = side.locksRoot;
        for (uint256 i = 0; i < locks.length; ++i) {
            Lock calldata lock = locks[i];
            _claim(id, second, lock.lockId);
            claimed += lock.amount;
            if (claimed > locked || !MerkleProof.verifyCalldata(proofs[i], root, TypedHashes.lock(lock))) {
                revert BadLock(lock.lockId);
            }
            uint48 revealed = REGISTRY.revealedAt(lock.secretHash);
            if (revealed == 0 || revealed > lock.expiry) revert SecretNotRevealed(lock.secretHash);
            emit LockClaimed(id, sender, lock.lockId, lock.amount);
        }
        side.claimed = uint128(claimed); // at most `locked`
    }

    /// @notice Pays both sides what they are owed by now. Anyone may call, as often as something new is owed.
    function settle(ChannelKey calldata key) external nonReentrant {
        bytes32 id = _id(key);
        Header h = _channels[id].header;
        _requireDecided(h);
        if (!_settle(id, key, h)) revert NothingToDo();
    }

    /// @notice Gives `sender` its unclaimed locks back, one challenge period after the last of them expired, and settles. Anyone
    /// may call.
    function finalize(ChannelKey calldata key, address sender) external nonReentrant {
        bytes32 id = _id(key);
        Channel storage channel_ = _channels[id];
        Header h = channel_.header;
        uint256 from = _requireDecided(h);
        bool second = _isSecond(key, sender);
        Side storage side = second ? channel_.b : channel_.a;
        if (h.flaggedFinal(second) || side.locked == side.claimed) revert NothingToDo();
        if (h.lastExpiry(second) > from) from = h.lastExpiry(second);
        if (block.timestamp < from + CHALLENGE) revert TooEarly();
        h = h.withFinal(second);
        channel_.header = h;
        // Counts even if it frees nothing, or two sides whose locks are beyond their means could never be done.
        _settle(id, key, h);
    }

    // ---------------------------------------------------------------- agreement

    /// @notice Ends the channel as both sides agree, at once. Anyone may call, while open or before the challenge ends.
    /// @param balanceA Paid to `key.a`. @param balanceB Paid to `key.b`; together exactly what the channel holds, so a deposit
    /// made after the agreement voids it and not the deposit.
    function cooperativeClose(
        ChannelKey calldata key,
        uint128 balanceA,
        uint128 balanceB,
        uint64 deadline,
        bytes calldata signatureA,
        bytes calldata signatureB
    ) external nonReentrant {
        _requireInTime(deadline);
        bytes32 id = _id(key);
        Channel storage channel_ = _channels[id];
        Header h = channel_.header;
        uint256 when = _requireUndecided(h);
        uint256 held = uint256(channel_.a.deposited) + channel_.b.deposited - channel_.a.withdrawn - channel_.b.withdrawn;
        if (uint256(balanceA) + balanceB != held) revert Conservation();
        bytes32 structHash = TypedHashes.cooperativeClose(id, balanceA, balanceB, deadline);
        _requireSigned(key.a, structHash, signatureA, when);
        _requireSigned(key.b, structHash, signatureB, when);
        _erase(channel_, h);
        emit ChannelDone(id, true);
        _pay(id, key.token, key.a, balanceA);
        _pay(id, key.token, key.b, balanceB);
    }

    /// @notice Pays `wallet`, a participant, out of the open channel, as both sides agree. Anyone may call.
    /// @param totalWithdrawn All that `wallet` will have taken out, this payment included: a total cannot be used twice.
    function cooperativeWithdraw(
        ChannelKey calldata key,
        address wallet,
        uint128 totalWithdrawn,
        uint64 deadline,
        bytes calldata signatureA,
        bytes calldata signatureB
    ) external nonReentrant {
        _requireInTime(deadline);
        bytes32 id = _id(key);
        Channel storage channel_ = _channels[id];
        if (channel_.header.status() != STATUS_OPEN) revert NotOpen();
        (Side storage mine, Side storage theirs) =
            _isSecond(key, wallet) ? (channel_.b, channel_.a) : (channel_.a, channel_.b);
        uint128 before = mine.withdrawn;
        if (totalWithdrawn <= before) revert BadAmount();
        if (
            uint256(totalWithdrawn) + theirs.withdrawn > uint256(mine.deposited) + theirs.deposited
        ) revert Conservation();
        bytes32 structHash = TypedHashes.cooperativeWithdraw(id, wallet, totalWithdrawn, deadline);
        _requireSigned(key.a, structHash, signatureA, block.timestamp);
        _requireSigned(key.b, structHash, signatureB, block.timestamp);
        mine.withdrawn = totalWithdrawn;
        emit Withdrawn(id, wallet, totalWithdrawn);
        _pay(id, key.token, wallet, totalWithdrawn - before);
    }

    // ---------------------------------------------------------------- inside

    function _open(ChannelKey calldata key, uint128 amount, address sessionKey, uint64 validUntil)
        private
        returns (bytes32 id)
    {
        // One order of the two addresses, or one pair and salt would have two ids; and nobody can act for address 0.
        if (key.a >= key.b || key.a == address(0)) revert BadKey();
        bool second = _isSecond(key, msg.sender);
        id = _id(key);
        Channel storage channel_ = _channels[id];
        if (channel_.header.status() != STATUS_NONE) revert ChannelExists();
        channel_.header = openHeader();
        emit ChannelOpened(id, key.a, key.b, key.token, key.salt);
        if (sessionKey != address(0)) _delegate(sessionKey, validUntil);
        if (amount != 0) {
            (second ? channel_.b : channel_.a).deposited = amount;
            emit Deposited(id, msg.sender, amount);
        }
        _pull(key.token, amount);
    }

    function _deposit(ChannelKey calldata key, uint128 amount) private {
        bytes32 id = _id(key);
        Channel storage channel_ = _channels[id];
        if (channel_.header.status() != STATUS_OPEN) revert NotOpen();
        (Side storage mine, Side storage theirs) =
            _isSecond(key, msg.sender) ? (channel_.b, channel_.a) : (channel_.a, channel_.b);
        uint256 total = uint256(mine.deposited) + amount;
        // Both deposits together stay below 2^128, so every payout fits the type of an amount.
        if (amount == 0 || total + theirs.deposited > type(uint128).max) revert BadAmount();
        mine.deposited = uint128(total);
        emit Deposited(id, msg.sender, uint128(total));
        _pull(key.token, amount);
    }

    function _close(bytes32 id, ChannelKey calldata key, address closer, SignedProof calldata proof) private {
        Channel storage channel_ = _channels[id];
        Header h = channel_.header;
        if (h.status() != STATUS_OPEN) revert NotOpen();
        bool partner = !_isSecond(key, closer);
        uint48 now_ = uint48(block.timestamp);
        emit ChannelClosing(id, closer, now_ + CHALLENGE);
        if (proof.nonce > h.nonce(partner)) h = _accept(channel_, h, id, key, partner, proof, now_);
        channel_.header = h.withClosing(now_);
    }

    /// @dev Takes over a proof of side `second` that is known to be newer. It needs both wills: the sender signed it, and the
    /// beneficiary brings or accepts it. Otherwise a sender could replace a proof by a newer and poorer one of its own.
    function _accept(
        Channel storage channel_,
        Header h,
        bytes32 id,
        ChannelKey calldata key,
        bool second,
        SignedProof calldata proof,
        uint256 when
    ) private returns (Header) {
        (address sender, address beneficiary) = second ? (key.b, key.a) : (key.a, key.b);
        bytes32 proofHash = TypedHashes.balanceProof(id, sender, proof);
        _requireSigned(sender, proofHash, proof.signature, when);
        if (msg.sender != beneficiary) {
            _requireSigned(beneficiary, TypedHashes.acceptProof(proofHash), proof.acceptance, when);
        }
        Side storage side = second ? channel_.b : channel_.a;
        _storeSpent(side, proof.transferred, proof.locked);
        bytes32 root;
        if (proof.locked != 0) {
            root = proof.locksRoot;
            side.locksRoot = root;
        }
        emit ProofAccepted(id, sender, proof.nonce, proof.transferred, proof.locked, root);
        return h.withProof(second, proof.nonce, proof.lastExpiry);
    }

    function _claim(bytes32 id, bool second, uint64 lockId) private {
        uint256 word = (second ? 1 << 64 : 0) | uint256(lockId >> 8);
        uint256 bit = 1 << (lockId & 0xff);
        uint256 claims = _claims[id][word];
        if ((claims & bit) != 0) revert AlreadyClaimed(lockId);
        _claims[id][word] = claims | bit;
    }
}
