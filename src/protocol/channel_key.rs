//! A channel's identity: the token, the two wallets in order, and a salt that never recurs.

use alloy::primitives::Address;
use alloy::sol_types::SolValue;

use super::cbor::{Decode, Encode};
use super::{ChannelId, cbor, sol_types};

/// What names a channel, on-chain and off. Passed to the Judge in calldata instead of being stored there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct ChannelKey {
    /// The ERC-20 token, or the zero address for native ETH.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub token: Address,
    /// The wallet with the smaller address.
    #[n(1)]
    #[cbor(with = "cbor::fixed")]
    pub a: Address,
    /// The wallet with the larger address.
    #[n(2)]
    #[cbor(with = "cbor::fixed")]
    pub b: Address,
    /// Fresh for every channel of the pair.
    #[n(3)]
    pub salt: u64,
}

/// One of a channel's two sides, in the order of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The wallet with the smaller address.
    A,
    /// The wallet with the larger address.
    B,
}

impl Side {
    /// The other side.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Why two wallets cannot have a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelKeyError {
    /// A channel needs two different wallets.
    #[error("a channel needs two different wallets")]
    SameWallet,
    /// The zero address cannot sign.
    #[error("the zero address cannot have a channel")]
    ZeroWallet,
}

impl ChannelKey {
    /// The key of a channel between two wallets given in any order.
    ///
    /// # Errors
    /// [`ChannelKeyError`] when the wallets are equal or one is zero.
    pub fn new(token: Address, one: Address, other: Address, salt: u64) -> Result<Self, ChannelKeyError> {
        if one == other {
            return Err(ChannelKeyError::SameWallet);
        }
        if one.is_zero() || other.is_zero() {
            return Err(ChannelKeyError::ZeroWallet);
        }
        let (a, b) = if one < other { (one, other) } else { (other, one) };
        Ok(Self { token, a, b, salt })
    }

    /// The id under which the Judge and both peers know the channel.
    pub fn id(&self) -> ChannelId {
        ChannelId(alloy::primitives::keccak256(self.to_sol().abi_encode()))
    }

    /// The side of `wallet`, if it takes part.
    pub fn side_of(&self, wallet: Address) -> Option<Side> {
        if wallet == self.a {
            Some(Side::A)
        } else if wallet == self.b {
            Some(Side::B)
        } else {
            None
        }
    }

    /// The wallet of a side.
    pub const fn wallet(&self, side: Side) -> Address {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }

    /// The form that the Judge's functions take.
    pub const fn to_sol(&self) -> sol_types::ChannelKey {
        sol_types::ChannelKey { token: self.token, a: self.a, b: self.b, salt: self.salt }
    }
}
