// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {doneHeader, Header, STATUS_CLOSING, STATUS_DONE, STATUS_OPEN} from "./Header.sol";
import {Channel, ChannelKey, ChannelView, Side, SideView} from "./JudgeTypes.sol";
import {Payout} from "./Payout.sol";
import {Sessions} from "./Sessions.sol";
import {Vault} from "./Vault.sol";

/// @title What the Judge keeps of channels: reading it, settling it, and the phases that time divides it into.
/// @dev `second` says which side of the key is meant: false for `key.a`, true for `key.b`.
abstract contract Channels is Sessions, Vault {
    mapping(bytes32 id => Channel) internal _channels;

    /// @notice The id of a channel: keccak256 of the ABI-encoded key.
    function channelId(ChannelKey calldata key) external pure returns (bytes32) {
        return _id(key);
    }

    /// @notice Where a channel stands now.
    function channel(ChannelKey calldata key) external view returns (ChannelView memory view_) {
        Channel storage channel_ = _channels[_id(key)];
        Header h = channel_.header;
        view_.status = h.status();
        view_.closedAt = h.closedAt();
        if (view_.status == STATUS_CLOSING) view_.challengeEnd = view_.closedAt + CHALLENGE;
        view_.a = _view(channel_.a, h, false);
        view_.b = _view(channel_.b, h, true);
    }

    /// @dev Pays what is owed and not yet paid. When nothing more can be claimed on either side the channel is done. Returns
    /// whether anything changed.
    function _settle(bytes32 id, ChannelKey calldata key, Header h) internal returns (bool) {
        Channel storage channel_ = _channels[id];
        Payout.Figures memory a = _figures(channel_.a, h, false);
        Payout.Figures memory b = _figures(channel_.b, h, true);
        // Below 2^128, as the deposits together are.
        uint128 owedA = uint128(Payout.owed(a, b));
        uint128 owedB = uint128(Payout.owed(b, a));
        uint128 payA = owedA;
        uint128 payB = owedB;
        // Without locks the first settlement is the last, so nothing was paid before.
        bool withLocks = (a.locked | b.locked) != 0;
        if (withLocks) {
            payA -= channel_.a.paid;
            payB -= channel_.b.paid;
        }
        if (a.isFinal && b.isFinal) {
            _erase(channel_, h);
            if (withLocks) {
                (channel_.a.claimed, channel_.a.paid) = (0, 0);
                (channel_.b.claimed, channel_.b.paid) = (0, 0);
            }
            emit ChannelDone(id, false);
        } else {
            if ((payA | payB) == 0) return false;
            if (payA != 0) channel_.a.paid = owedA;
            if (payB != 0) channel_.b.paid = owedB;
        }
        _pay(id, key.token, key.a, payA);
        _pay(id, key.token, key.b, payB);
        return true;
    }

    /// @dev Writes `transferred` and `locked` at once; they share the second slot of a side.
    function _storeSpent(Side storage side, uint256 transferred, uint256 locked) internal {
        assembly ("memory-safe") {
            sstore(add(side.slot, 1), or(transferred, shl(128, locked)))
        }
    }

    /// @dev Frees what a channel used, all but the mark that its id is spent.
    function _erase(Channel storage channel_, Header h) internal {
        channel_.header = doneHeader();
        _eraseSide(channel_.a, h.nonce(false) != 0);
        _eraseSide(channel_.b, h.nonce(true) != 0);
    }

    function _eraseSide(Side storage side, bool signed) private {
        side.deposited = 0;
        side.withdrawn = 0;
        if (!signed) return;
        if (side.locked != 0) side.locksRoot = 0;
        _storeSpent(side, 0, 0);
    }

    /// @dev What the payout rule needs; reads only slots that can be other than zero.
    function _figures(Side storage side, Header h, bool second) private view returns (Payout.Figures memory f) {
        f.deposited = side.deposited;
        f.withdrawn = side.withdrawn;
        if (h.nonce(second) != 0) {
            f.transferred = side.transferred;
            f.locked = side.locked;
            if (f.locked != 0) f.claimed = side.claimed;
        }
        f.isFinal = f.claimed == f.locked || h.flaggedFinal(second);
    }

    function _view(Side storage side, Header h, bool second) private view returns (SideView memory v) {
        Payout.Figures memory f = _figures(side, h, second);
        v.deposited = f.deposited;
        v.withdrawn = f.withdrawn;
        v.nonce = h.nonce(second);
        v.transferred = f.transferred;
        v.locked = f.locked;
        v.lastExpiry = h.lastExpiry(second);
        if (f.locked != 0) v.locksRoot = side.locksRoot;
        v.claimed = f.claimed;
        v.paid = side.paid;
        bool decided = h.status() == STATUS_CLOSING && block.timestamp >= h.closedAt() + CHALLENGE;
        v.isFinal = h.status() == STATUS_DONE || (decided && f.isFinal);
    }

    /// @dev Proofs and agreements still count. Returns the time at which session keys must have been valid: now, or the moment
    /// of closing, so that a key that ran out during the challenge takes nothing from a partner.
    function _requireUndecided(Header h) internal view returns (uint256 when) {
        uint8 status = h.status();
        if (status == STATUS_OPEN) return block.timestamp;
        if (status != STATUS_CLOSING) revert NotOpen();
        when = h.closedAt();
        if (block.timestamp >= when + CHALLENGE) revert ChallengeOver();
    }

    /// @dev Both directions are frozen. Returns the end of the challenge.
    function _requireDecided(Header h) internal view returns (uint256 end) {
        if (h.status() != STATUS_CLOSING) revert NotClosing();
        end = uint256(h.closedAt()) + CHALLENGE;
        if (block.timestamp < end) revert InChallenge();
    }

    function _requireInTime(uint64 deadline) internal view {
        if (block.timestamp > deadline) revert DeadlineExpired();
    }

    function _isSecond(ChannelKey calldata key, address wallet) internal pure returns (bool) {
        if (wallet == key.b) return true;
        if (wallet != key.a) revert NotParticipant();
        return false;
    }

    /// @dev keccak256(abi.encode(key)) without decoding first. A key with stray high bits names no channel: opening reads all
    /// four fields, which reverts on such bits.
    function _id(ChannelKey calldata key) internal pure returns (bytes32 id) {
        assembly ("memory-safe") {
            let ptr := mload(0x40)
            calldatacopy(ptr, key, 0x80)
            id := keccak256(ptr, 0x80)
        }
    }
}
