// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Where a wallet can be reached.
/// @notice A hint for finding each other and never a proof of anything: whoever answers there must still show its key.
contract EndpointRegistry {
    /// @notice The caller's newest endpoint; empty means that it has none.
    event EndpointSet(address indexed wallet, bytes endpoint);

    /// @notice Publishes the caller's endpoint. Kept in the log only.
    function setEndpoint(bytes calldata endpoint) external {
        emit EndpointSet(msg.sender, endpoint);
    }
}
