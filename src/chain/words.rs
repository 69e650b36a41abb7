//! Reads the words of a log one by one, and takes only what the contract's encoder could have written.
//!
//! Every field of the Judge's events is one word, so this replaces nine generated decoders and nine encoders to compare
//! with; the tests hold it to what the generated ones say.

use alloy::primitives::{Address, B256};

use super::LogError;
use crate::protocol::{Amount, ChannelId, Nonce, Timestamp};

/// The indexed fields of a log and then the others.
pub(super) struct Words<'a> {
    topics: std::slice::Iter<'a, B256>,
    data: std::slice::ChunksExact<'a, u8>,
}

impl<'a> Words<'a> {
    /// The words of a log that has `indexed` topics after its kind.
    ///
    /// # Errors
    /// [`LogError::WrongForm`] when it has more or fewer, or its data is not made of words.
    pub(super) fn new(topics: &'a [B256], data: &'a [u8], indexed: usize) -> Result<Self, LogError> {
        let topics = topics.get(1..).filter(|topics| topics.len() == indexed).ok_or(LogError::WrongForm)?;
        let data = data.chunks_exact(32);
        if !data.remainder().is_empty() {
            return Err(LogError::WrongForm);
        }
        Ok(Self { topics: topics.iter(), data })
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(mut self) -> Result<(), LogError> {
        self.word().map_or(Ok(()), |_| Err(LogError::WrongForm))
    }

    pub(super) fn word(&mut self) -> Result<B256, LogError> {
        let topic = self.topics.next().copied();
        topic.or_else(|| self.data.next().and_then(|word| B256::try_from(word).ok())).ok_or(LogError::WrongForm)
    }

    /// The last `N` bytes of a word in which all others are zero.
    fn last<const N: usize>(&mut self) -> Result<[u8; N], LogError> {
        let word = self.word()?;
        let (zeros, value) = word.split_last_chunk().ok_or(LogError::WrongForm)?;
        if zeros.iter().all(|byte| *byte == 0) { Ok(*value) } else { Err(LogError::WrongForm) }
    }

    pub(super) fn channel(&mut self) -> Result<ChannelId, LogError> {
        self.word().map(ChannelId)
    }

    pub(super) fn address(&mut self) -> Result<Address, LogError> {
        self.last().map(Address::new)
    }

    pub(super) fn amount(&mut self) -> Result<Amount, LogError> {
        self.last().map(|bytes| Amount::new(u128::from_be_bytes(bytes)))
    }

    pub(super) fn number(&mut self) -> Result<u64, LogError> {
        self.last().map(u64::from_be_bytes)
    }

    /// A number of 48 bits, as are proofs' numbers.
    pub(super) fn nonce(&mut self) -> Result<Nonce, LogError> {
        Nonce::new(self.number()?).map_err(|_| LogError::WrongForm)
    }

    /// A time of 48 bits.
    pub(super) fn time(&mut self) -> Result<Timestamp, LogError> {
        self.nonce().map(Nonce::get)
    }

    pub(super) fn truth(&mut self) -> Result<bool, LogError> {
        match self.last()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [_] => Err(LogError::WrongForm),
        }
    }
}
