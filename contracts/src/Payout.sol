// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The payout rule, and nothing else: pure, total, and free of any order of calls.
/// @notice `owed = clamp(D - W + T' + c' - T - R, 0, TAD)` where D is deposited, W withdrawn, T transferred, c claimed, R what
/// the side's own locks hold back (all of them until they are decided, then the claimed ones), a prime marks the other side,
/// and TAD is all that the channel holds.
/// @dev Properties, each under test: the two sides are never owed more than TAD together, and exactly TAD when both are final;
/// claiming and finalizing never lower what is owed, so paying early is never paying too much; and a stale proof of the
/// partner never earns its user more than the newest one, because T + c of the newest is at least that of any older.
library Payout {
    /// @notice The figures of one side, base units of the token. `claimed` is at most `locked`.
    struct Figures {
        uint128 deposited;
        uint128 withdrawn;
        uint128 transferred;
        uint128 locked;
        uint128 claimed;
        bool isFinal;
    }

    /// @notice What the channel owes to `self` in all, payouts of settlement included.
    /// @dev Never reverts. Unchecked because eight terms below 2^128 cannot leave int256. The result can pass 2^128 only if
    /// the two deposits together do; the Judge refuses such deposits.
    function owed(Figures memory self, Figures memory other) internal pure returns (uint256) {
        unchecked {
            int256 held = _int(self.deposited) + _int(other.deposited) - _int(self.withdrawn) - _int(other.withdrawn);
            int256 share = _int(self.deposited) - _int(self.withdrawn) + _int(other.transferred) + _int(other.claimed)
                - _int(self.transferred) - _int(self.isFinal ? self.claimed : self.locked);
            if (share > held) share = held;
            return share > 0 ? uint256(share) : 0;
        }
    }

    function _int(uint128 amount) private pure returns (int256) {
        return int256(uint256(amount));
    }
}
