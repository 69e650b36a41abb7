// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {JudgeEvents} from "./JudgeEvents.sol";
import {Permit} from "./JudgeTypes.sol";
import {Push} from "./Push.sol";

/// @title How money comes in and goes out.
/// @dev `address(0)` stands for the chain's own coin. Tokens whose balances change on their own (rebasing) must be wrapped:
/// the Judge keeps all channels of one token in one balance.
abstract contract Vault is JudgeEvents, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    mapping(address token => mapping(address wallet => uint256)) private _credits;

    /// @notice Pays `wallet` what an earlier payout could not push to it. Anyone may call; the money goes to the wallet alone.
    /// @dev Here the receiver may use all the gas there is, so a wallet that needs more than a push allows gets its money too.
    function claimCredit(address token, address wallet) external nonReentrant {
        uint256 amount = _credits[token][wallet];
        if (amount == 0) revert NothingToDo();
        _credits[token][wallet] = 0;
        bool ok;
        if (token == address(0)) {
            assembly ("memory-safe") {
                ok := call(gas(), wallet, amount, 0, 0, 0, 0)
            }
        } else {
            ok = IERC20(token).trySafeTransfer(wallet, amount);
        }
        if (!ok) revert TokenTransfer();
    }

    /// @notice What `claimCredit` would pay, base units.
    function credit(address token, address wallet) external view returns (uint256) {
        return _credits[token][wallet];
    }

    /// @dev Takes exactly `amount` from the caller. The coin must have come with the call. A token's balance is measured, because
    /// one that keeps a fee would leave the last channel to settle without its money.
    function _pull(address token, uint256 amount) internal {
        if (msg.value != (token == address(0) ? amount : 0)) revert BadAmount();
        if (token == address(0) || amount == 0) return;
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        if (IERC20(token).balanceOf(address(this)) != before + amount) revert TokenTransfer();
    }

    /// @dev Uses the caller's permit. A failure is ignored: anyone may have brought the same permit first, and then the
    /// allowance is there; if it is not, the transfer fails and says so.
    function _permit(address token, Permit calldata p) internal {
        (bool ok,) = token.call(
            abi.encodeCall(IERC20Permit.permit, (msg.sender, address(this), p.value, p.deadline, p.v, p.r, p.s))
        );
        ok;
    }

    /// @dev Pays a participant, or credits it. Must come after all changes of state.
    function _pay(bytes32 id, address token, address wallet, uint128 amount) internal {
        if (amount == 0) return;
        bool ok = token == address(0) ? Push.coin(wallet, amount) : Push.erc20(token, wallet, amount);
        if (!ok) _credits[token][wallet] += amount;
        emit Paid(id, wallet, amount, !ok);
    }
}
