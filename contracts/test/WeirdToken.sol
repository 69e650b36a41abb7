// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A token with any fault one may ask for. Faults start when they are set, so a channel can be funded first.
contract WeirdToken {
    enum Fault {
        None,
        Fee, // keeps one hundredth of what moves
        NoReturn, // moves, and answers nothing
        SaysFalse, // moves nothing and answers false
        Reverts,
        EatsGas, // uses all the gas it is given
        ReturnBomb, // reverts with as much data as it can pay for
        Lies, // answers true and moves nothing
        SaysTwo, // moves, and answers 2
        ShortReturn, // moves, and answers one byte
        Generous, // moves one unit more than asked for
        Reenters, // calls `target` with `data` before it moves
        Hungry // moves, given as much gas as `hunger` says
    }

    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    Fault public fault;
    address public victim; // the fault shows only in transfers to it; zero means always
    uint256 public hunger;
    address public target;
    bytes public data;
    bool public reentered; // whether the inner call succeeded
    bytes public answer; // what it answered

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function setFault(Fault fault_, address victim_) external {
        (fault, victim) = (fault_, victim_);
    }

    function setHunger(uint256 hunger_) external {
        (fault, hunger) = (Fault.Hungry, hunger_);
    }

    function setReentry(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    /// @dev Answers by assembly, because a fault may lie in the answer.
    function _move(address from, address to, uint256 amount) private {
        Fault now_ = victim == address(0) || victim == to ? fault : Fault.None;
        if (now_ == Fault.Reverts) revert("refused");
        if (now_ == Fault.EatsGas) while (true) {}
        if (now_ == Fault.ReturnBomb) {
            assembly {
                revert(0, 100000)
            }
        }
        if (now_ == Fault.SaysFalse) _answer(0, 32);
        if (now_ == Fault.Lies) _answer(1, 32);
        if (now_ == Fault.Reenters) (reentered, answer) = target.call(data);
        if (now_ == Fault.Hungry) {
            uint256 start = gasleft();
            uint256 needed = hunger;
            while (start - gasleft() < needed) {}
        }
        uint256 arrives = amount;
        if (now_ == Fault.Fee) arrives -= amount / 100;
        if (now_ == Fault.Generous) arrives += 1;
        balanceOf[from] -= amount;
        balanceOf[to] += arrives;
        if (now_ == Fault.NoReturn) _answer(0, 0);
        if (now_ == Fault.SaysTwo) _answer(2, 32);
        if (now_ == Fault.ShortReturn) _answer(1 << 248, 1);
        _answer(1, 32);
    }

    function _answer(uint256 word, uint256 size) private pure {
        assembly {
            mstore(0, word)
            return(0, size)
        }
    }
}
