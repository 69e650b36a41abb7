// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev The one storage word that says where a channel stands. Packed by hand, because closing with a proof must cost one
/// write for status, time, nonce and expiry together, and a struct of small fields gives no such promise.
///
/// bits 0..8 status · 8..16 final flags (1 side a, 2 side b) · 16..64 closedAt · then side a: 64..112 nonce,
/// 112..160 last expiry · side b: 160..208 nonce, 208..256 last expiry.
type Header is uint256;

/// @dev Never opened. The only status from which `open` may start, so an id is used once for ever.
uint8 constant STATUS_NONE = 0;
/// @dev Open for deposits, withdrawals and checkpoints.
uint8 constant STATUS_OPEN = 1;
/// @dev Closed by one side. Before and after the end of the challenge is a matter of time, not of storage.
uint8 constant STATUS_CLOSING = 2;
/// @dev Everything is paid. Stays for ever, so that nothing signed for this id can be used again.
uint8 constant STATUS_DONE = 3;

uint256 constant MASK48 = type(uint48).max;

using {
    status,
    closedAt,
    nonce,
    lastExpiry,
    flaggedFinal,
    withClosing,
    withProof,
    withFinal
} for Header global;

/// @dev A fresh header: open, nothing signed.
function openHeader() pure returns (Header) {
    return Header.wrap(STATUS_OPEN);
}

/// @dev What stays of a channel that is paid out.
function doneHeader() pure returns (Header) {
    return Header.wrap(STATUS_DONE);
}

/// @dev One of the STATUS constants.
function status(Header h) pure returns (uint8) {
    return uint8(Header.unwrap(h));
}

/// @dev Unix seconds of the close; 0 while open.
function closedAt(Header h) pure returns (uint48) {
    return uint48(Header.unwrap(h) >> 16);
}

/// @dev Nonce of the newest proof signed by side a (`second` false) or b; 0 when there is none.
function nonce(Header h, bool second) pure returns (uint48) {
    return uint48(Header.unwrap(h) >> _shift(second));
}

/// @dev Latest expiry among the locks of that proof, Unix seconds.
function lastExpiry(Header h, bool second) pure returns (uint48) {
    return uint48(Header.unwrap(h) >> (_shift(second) + 48));
}

/// @dev Whether `finalize` has given that side its unclaimed locks back.
function flaggedFinal(Header h, bool second) pure returns (bool) {
    return (Header.unwrap(h) & _finalFlag(second)) != 0;
}

/// @dev Starts the challenge at `when`.
function withClosing(Header h, uint48 when) pure returns (Header) {
    uint256 kept = Header.unwrap(h) & ~(uint256(0xff) | (MASK48 << 16));
    return Header.wrap(kept | STATUS_CLOSING | (uint256(when) << 16));
}

/// @dev Records the nonce and expiry of a newer proof of that side.
function withProof(Header h, bool second, uint48 newNonce, uint48 newExpiry) pure returns (Header) {
    uint256 shift = _shift(second);
    uint256 both = uint256(newNonce) | (uint256(newExpiry) << 48);
    return Header.wrap((Header.unwrap(h) & ~((MASK48 | (MASK48 << 48)) << shift)) | (both << shift));
}

/// @dev Marks that side's locks as decided.
function withFinal(Header h, bool second) pure returns (Header) {
    return Header.wrap(Header.unwrap(h) | _finalFlag(second));
}

/// @dev Where that side's nonce begins. Without a branch, because the choice is made on every path.
function _shift(bool second) pure returns (uint256 bits) {
    assembly ("memory-safe") {
        bits := add(64, mul(96, second))
    }
}

function _finalFlag(bool second) pure returns (uint256 flag) {
    assembly ("memory-safe") {
        flag := shl(second, 0x100)
    }
}
