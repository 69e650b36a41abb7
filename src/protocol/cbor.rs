//! CBOR: the derived codecs, what they call, and codecs for fixed-width types of other crates (`#[cbor(with = "…")]`).

use alloy::primitives::FixedBytes;
pub(crate) use chit_derive::Decode;
pub(crate) use minicbor::Encode;
pub(crate) use minicbor::decode::Decode;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder, decode, encode};

/// The length of a map or list, which must be known at its start.
pub(crate) fn known(length: Option<u64>) -> Result<u64, Error> {
    length.ok_or_else(|| Error::message("a map or list does not say its length"))
}

/// The number of an enum's variant, which is written as a list of the number and the fields.
pub(crate) fn variant(d: &mut Decoder<'_>) -> Result<u64, Error> {
    if d.array()? == Some(2) { d.u64() } else { Err(Error::message("expected a variant and its fields")) }
}

pub(crate) fn unknown_variant(number: u64) -> Error {
    Error::unknown_variant(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(crate) fn missing(field: u64) -> Error {
    Error::missing_value(i64::try_from(field).unwrap_or(i64::MAX))
}

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

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Encode, Decode)]
    #[cbor(map)]
    struct Row {
        #[n(0)]
        number: u64,
        #[n(2)]
        word: Option<String>,
    }

    #[derive(Debug, PartialEq, Eq, Encode, Decode)]
    enum Choice {
        #[n(0)]
        List(#[n(0)] u64, #[n(1)] u64),
        #[n(1)]
        #[cbor(map)]
        Map {
            #[n(0)]
            row: Row,
        },
    }

    fn read<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Option<T> {
        minicbor::decode(bytes).ok()
    }

    #[test]
    fn what_is_written_is_read() {
        for choice in [
            Choice::List(7, 8),
            Choice::Map { row: Row { number: 1, word: None } },
            Choice::Map { row: Row { number: u64::MAX, word: Some("x".into()) } },
        ] {
            assert_eq!(read(&minicbor::to_vec(&choice).unwrap()), Some(choice));
        }
    }

    #[test]
    fn unknown_fields_are_skipped_and_only_options_may_be_absent() {
        // {0: 5, 1: [[], 1], 9: "a"}
        assert_eq!(read(&[0xa3, 0, 5, 1, 0x82, 0x80, 1, 9, 0x61, b'a']), Some(Row { number: 5, word: None }));
        // {2: "a"}
        assert_eq!(read::<Row>(&[0xa1, 2, 0x61, b'a']), None);
        // [0, [7, 8, 9]] and [0, [7]]
        assert_eq!(read(&[0x82, 0, 0x83, 7, 8, 9]), Some(Choice::List(7, 8)));
        assert_eq!(read::<Choice>(&[0x82, 0, 0x81, 7]), None);
    }

    #[test]
    fn what_no_client_writes_is_refused() {
        // The same map with its length and with a mark at its end.
        assert!(read::<Row>(&[0xa1, 0, 5]).is_some());
        assert!(read::<Row>(&[0xbf, 0, 5, 0xff]).is_none());
        // A variant that is not known, and one with something behind its fields.
        assert!(read::<Choice>(&[0x82, 2, 0x82, 7, 8]).is_none());
        assert!(read::<Choice>(&[0x83, 0, 0x82, 7, 8, 0]).is_none());
    }
}
