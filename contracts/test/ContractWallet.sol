// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title A wallet that is a contract: acts for anyone who asks, signs by ERC-1271, and can be a bad receiver of coin.
contract ContractWallet is IERC1271 {
    enum Mood {
        Accepts,
        Reverts,
        EatsGas,
        ReturnBomb,
        Hungry, // accepts, given as much gas as `hunger` says
        Reenters // calls `target` with `data` and accepts
    }

    address public owner;
    Mood public mood;
    uint256 public hunger;
    address public target;
    bytes public data;
    bool public reentered;
    bytes public answer;

    constructor(address owner_) {
        owner = owner_;
    }

    receive() external payable {
        if (mood == Mood.Reverts) revert("refused");
        if (mood == Mood.EatsGas) while (true) {}
        if (mood == Mood.ReturnBomb) {
            assembly {
                revert(0, 100000)
            }
        }
        if (mood == Mood.Hungry) {
            uint256 start = gasleft();
            uint256 needed = hunger;
            while (start - gasleft() < needed) {}
        }
        if (mood == Mood.Reenters) (reentered, answer) = target.call(data);
    }

    function setOwner(address owner_) external {
        owner = owner_;
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function setHunger(uint256 hunger_) external {
        (mood, hunger) = (Mood.Hungry, hunger_);
    }

    function setReentry(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    /// @notice Calls as this wallet.
    function run(address to, uint256 value, bytes calldata input) external payable returns (bytes memory) {
        (bool ok, bytes memory output) = to.call{value: value}(input);
        if (!ok) {
            assembly {
                revert(add(output, 32), mload(output))
            }
        }
        return output;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecoverCalldata(hash, signature);
        return signer != address(0) && signer == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
