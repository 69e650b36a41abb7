//! CBOR codecs for fixed-width types of other crates, for use with `#[cbor(with = "…")]`.

use alloy::primitives::FixedBytes;
use minicbor::{Decode, Decoder, Encoder, decode, encode};

/// A fixed-width byte string: addresses, hashes, keys.
pub(crate) mod fixed {
    use super::*;

    pub(crate) fn encode<C, W: encode::Write, T: AsRef<[u8]>>(
        value: &T,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(value.as_ref())?;
        Ok(())
    }

    pub(crate) fn decode<'b, C, T: FromFixed>(d: &mut Decoder<'b>, _: &mut C) -> Result<T, decode::Error> {
        T::from_fixed(d.bytes()?).ok_or_else(|| decode::Error::message("a byte string has the wrong length"))
    }
}

/// A fixed-width byte string or none, which is the empty one.
pub(crate) mod optional {
    use super::*;

    pub(crate) fn encode<C, W: encode::Write, T: AsRef<[u8]>>(
        value: &Option<T>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(value.as_ref().map(T::as_ref).unwrap_or_default())?;
        Ok(())
    }

    pub(crate) fn decode<'b, C, T: FromFixed>(d: &mut Decoder<'b>, _: &mut C) -> Result<Option<T>, decode::Error> {
        match d.bytes()? {
            [] => Ok(None),
            bytes => T::from_fixed(bytes)
                .map(Some)
                .ok_or_else(|| decode::Error::message("a byte string has the wrong length")),
        }
    }
}

/// A list of at most `MAX` items; a longer one is refused before its surplus is read.
pub(crate) fn at_most<'b, C, T: Decode<'b, C>, const MAX: usize>(
    d: &mut Decoder<'b>,
    ctx: &mut C,
) -> Result<Vec<T>, decode::Error> {
    let mut items = Vec::new();
    for item in d.array_iter_with(ctx)? {
        if items.len() == MAX {
            return Err(decode::Error::message("a list is too long"));
        }
        items.push(item?);
    }
    Ok(items)
}

/// Types that are built from a byte string of exactly their own width.
pub(crate) trait FromFixed: Sized {
    fn from_fixed(bytes: &[u8]) -> Option<Self>;
}

impl<const N: usize> FromFixed for FixedBytes<N> {
    fn from_fixed(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }
}

impl FromFixed for alloy::primitives::Address {
    fn from_fixed(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }
}

impl<const N: usize> FromFixed for [u8; N] {
    fn from_fixed(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}
