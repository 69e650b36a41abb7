// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token without worth, for development chains and tests.
contract TestToken is ERC20, ERC20Permit {
    constructor() ERC20("Test Token", "TEST") ERC20Permit("Test Token") {}

    /// @notice Gives `to` new tokens. Anyone may call.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
