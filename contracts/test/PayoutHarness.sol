// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Payout} from "../src/Payout.sol";

/// @title Makes the payout rule callable on its own.
contract PayoutHarness {
    /// @notice What each side is owed, for many channels at once.
    function owed(Payout.Figures[] memory a, Payout.Figures[] memory b)
        external
        pure
        returns (uint256[] memory owedA, uint256[] memory owedB)
    {
        owedA = new uint256[](a.length);
        owedB = new uint256[](b.length);
        for (uint256 i = 0; i < a.length; ++i) {
            owedA[i] = Payout.owed(a[i], b[i]);
            owedB[i] = Payout.owed(b[i], a[i]);
        }
    }
}
