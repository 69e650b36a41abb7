//! Amounts of money: token base units, never negative, never above `u128::MAX`, never wrapping.

use std::fmt;
use std::str::FromStr;

use minicbor::data::{Tag, Type};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

/// An amount in the token's base units (wei for native ETH).
///
/// All arithmetic is checked: the 2017 ancestor of this protocol lost money to an unsigned underflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

/// Why an amount could not be computed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// A sum is above 2^128 − 1.
    #[error("the amount is above 2^128 - 1")]
    Overflow,
    /// A difference is below zero.
    #[error("the amount is below zero")]
    Underflow,
    /// The text is not a decimal whole number.
    #[error("the amount is not a whole number in base units")]
    Malformed,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that the Judge can hold.
    pub const MAX: Self = Self(u128::MAX);

    /// An amount of `units` base units.
    pub const fn new(units: u128) -> Self {
        Self(units)
    }

    /// The number of base units.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// True when this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountError::Overflow`] above 2^128 − 1.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_add(other.0).map(Self).ok_or(AmountError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`AmountError::Underflow`] when `other` is larger.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_sub(other.0).map(Self).ok_or(AmountError::Underflow)
    }

    /// The difference, or nothing when `other` is larger. For showing, never for accounting.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u64> for Amount {
    fn from(units: u64) -> Self {
        Self(u128::from(units))
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads a plain decimal number; signs, spaces, exponents and separators are refused.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AmountError::Malformed);
        }
        text.parse().map(Self).map_err(|_| AmountError::Overflow)
    }
}

impl<C> Encode<C> for Amount {
    /// A CBOR unsigned integer where it fits 64 bits, else a bignum without leading zeros: one form per value.
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        if let Ok(small) = u64::try_from(self.0) {
            e.u64(small)?;
        } else {
            let bytes = self.0.to_be_bytes();
            let zeros = (self.0.leading_zeros() / 8) as usize;
            e.tag(Tag::new(2))?.bytes(bytes.get(zeros..).unwrap_or_default())?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Amount {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        if d.datatype()? != Type::Tag {
            return Ok(Self(u128::from(d.u64()?)));
        }
        let tag = d.tag()?;
        let bytes = d.bytes()?;
        let canonical = tag == Tag::new(2) && (9..=16).contains(&bytes.len()) && bytes.first() != Some(&0);
        if !canonical {
            return Err(decode::Error::message("an amount is not in its one canonical form"));
        }
        Ok(Self(bytes.iter().fold(0, |units, byte| (units << 8) | u128::from(*byte))))
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_amount_survives_the_wire(units: u128) {
            let bytes = minicbor::to_vec(Amount::new(units)).unwrap();
            prop_assert_eq!(minicbor::decode::<Amount>(&bytes).unwrap(), Amount::new(units));
        }

        #[test]
        fn arithmetic_never_wraps(a: u128, b: u128) {
            prop_assert_eq!(Amount::new(a).checked_add(Amount::new(b)).ok(), a.checked_add(b).map(Amount::new));
            prop_assert_eq!(Amount::new(a).checked_sub(Amount::new(b)).ok(), a.checked_sub(b).map(Amount::new));
        }
    }

    #[test]
    fn only_one_encoding_of_an_amount_is_accepted() {
        let padded = [0xc2, 0x49, 0, 1, 1, 1, 1, 1, 1, 1, 1];
        let small_as_bignum = [0xc2, 0x41, 5];
        assert!(minicbor::decode::<Amount>(&padded).is_err());
        assert!(minicbor::decode::<Amount>(&small_as_bignum).is_err());
    }

    #[test]
    fn text_is_read_strictly() {
        assert_eq!("0".parse(), Ok(Amount::ZERO));
        assert_eq!(u128::MAX.to_string().parse(), Ok(Amount::MAX));
        assert_eq!("340282366920938463463374607431768211456".parse::<Amount>(), Err(AmountError::Overflow));
        for bad in ["", "-1", "+1", "1.0", "1e3", " 1", "0x10", "1_000"] {
            assert_eq!(bad.parse::<Amount>(), Err(AmountError::Malformed), "{bad}");
        }
    }
}
