// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Public proof that a secret was known at a time.
/// @notice One registry serves every channel and every hop of a payment: they all see the same first time, so none can pay
/// without being able to claim. sha256, so that the same secret can open locks on other chains.
contract SecretRegistry {
    mapping(bytes32 secretHash => uint48) private _revealedAt;

    /// @notice A secret was seen for the first time.
    event SecretRevealed(bytes32 indexed secretHash, bytes32 secret);

    /// @notice Registers one secret. Anyone may call. Registering again changes nothing: the first time counts.
    function registerSecret(bytes32 secret) external {
        _register(secret);
    }

    /// @notice Registers several secrets.
    function registerSecrets(bytes32[] calldata secrets) external {
        for (uint256 i = 0; i < secrets.length; ++i) {
            _register(secrets[i]);
        }
    }

    /// @notice Unix second at which the secret with this sha256 was first registered; 0 if it was not.
    function revealedAt(bytes32 secretHash) external view returns (uint48) {
        return _revealedAt[secretHash];
    }

    function _register(bytes32 secret) private {
        bytes32 secretHash = sha256(abi.encodePacked(secret));
        if (_revealedAt[secretHash] != 0) return;
        _revealedAt[secretHash] = uint48(block.timestamp);
        emit SecretRevealed(secretHash, secret);
    }
}
