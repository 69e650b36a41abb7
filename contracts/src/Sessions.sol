// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {JudgeEvents} from "./JudgeEvents.sol";
import {TypedHashes} from "./TypedHashes.sol";

/// @title Which keys sign for which wallet.
/// @notice A session key signs off-chain messages so that no wallet prompt stands in the way of a payment. It can move money
/// only between the two participants of a channel: payouts always go to wallets.
/// @dev What a partner already holds must stay good. Hence a grant is never shortened, a revocation bites one challenge period
/// later, and in a closed channel only the moment of closing counts. A grant signed off chain can be brought at any time, even
/// after the close, and a revocation does not depend on whether the grant was brought first.
abstract contract Sessions is JudgeEvents, EIP712, ReentrancyGuardTransient {
    struct Session {
        uint64 validUntil;
        uint64 revokedFrom;
    }

    /// @notice Length of the challenge period in seconds. Also the delay of a revocation, and the time that the other side has
    /// for claiming locks after the last one expired.
    uint48 public immutable CHALLENGE;

    mapping(address wallet => mapping(address key => Session)) private _sessions;

    /// @dev A zero period would let a closer win with any old proof; the upper bound keeps sums of times far from overflow.
    constructor(uint48 challenge) EIP712("Judge", "1") {
        if (challenge == 0 || challenge > 365 days) revert BadAmount();
        CHALLENGE = challenge;
    }

    /// @notice Lets `sessionKey` sign for the caller until `validUntil` (Unix seconds, exclusive). Only ever extends.
    function delegate(address sessionKey, uint64 validUntil) external nonReentrant {
        _delegate(sessionKey, validUntil);
    }

    /// @notice Brings a grant that `wallet` signed off chain. Anyone may call.
    /// @dev A contract wallet may answer by ERC-1271 here, and only here: its owners can change, and a proof must not lose its
    /// worth by that. A plain signature is tried first, so that an account that later gains code cannot void its grants.
    /// `validUntil` may lie in the past, because a channel's moment of closing may lie before it.
    function delegateFor(address wallet, address sessionKey, uint64 validUntil, bytes calldata signature)
        external
        nonReentrant
    {
        bytes32 digest = _hashTypedDataV4(TypedHashes.delegate(wallet, sessionKey, validUntil));
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (
            wallet == address(0)
                || (signer != wallet && !SignatureChecker.isValidERC1271SignatureNowCalldata(wallet, digest, signature))
        ) revert BadSignature(wallet);
        _extend(wallet, sessionKey, validUntil);
    }

    /// @notice Ends the caller's session key one challenge period from now, for good. Works before the grant was ever brought.
    function revoke(address sessionKey) external nonReentrant {
        if (sessionKey == address(0) || sessionKey == msg.sender) revert BadSession();
        Session storage s = _sessions[msg.sender][sessionKey];
        if (s.revokedFrom != 0) revert NothingToDo();
        uint64 from = uint64(block.timestamp) + CHALLENGE;
        s.revokedFrom = from;
        emit SessionKeySet(msg.sender, sessionKey, s.validUntil, from);
    }

    /// @notice What the Judge knows about a key: valid until (exclusive), and revoked from (0 means not revoked). Unix seconds.
    function session(address wallet, address key) external view returns (uint64 validUntil, uint64 revokedFrom) {
        Session storage s = _sessions[wallet][key];
        return (s.validUntil, s.revokedFrom);
    }

    /// @dev The caller's own grant; refuses one that is past, which could only be a mistake in the unit of time.
    function _delegate(address sessionKey, uint64 validUntil) internal {
        if (validUntil <= block.timestamp) revert BadSession();
        _extend(msg.sender, sessionKey, validUntil);
    }

    /// @dev Reverts unless `signature` is by `wallet`, or by a key that was valid for it at `when`.
    function _requireSigned(address wallet, bytes32 structHash, bytes calldata signature, uint256 when) internal view {
        (address signer,,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), signature);
        if (signer == wallet && signer != address(0)) return;
        Session storage s = _sessions[wallet][signer];
        uint256 revokedFrom = s.revokedFrom;
        if (signer == address(0) || s.validUntil <= when || (revokedFrom != 0 && revokedFrom <= when)) {
            revert BadSignature(wallet);
        }
    }

    /// @dev Silent when nothing changes, so that bringing one grant twice in a race does no harm.
    function _extend(address wallet, address sessionKey, uint64 validUntil) private {
        if (sessionKey == address(0) || sessionKey == wallet) revert BadSession();
        Session storage s = _sessions[wallet][sessionKey];
        if (validUntil <= s.validUntil) return;
        s.validUntil = validUntil;
        emit SessionKeySet(wallet, sessionKey, validUntil, s.revokedFrom);
    }
}
