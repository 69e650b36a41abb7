// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Payout} from "../src/Payout.sol";

/// @title Makes the payout rule callable on its own.
contract PayoutHarness {
    /// @notice What each side is owed.
    function owed(Payout.Figures memory a, Payout.Figures memory b) external pure returns (uint256, uint256) {
        return (Payout.owed(a, b), Payout.owed(b, a));
    }
}
