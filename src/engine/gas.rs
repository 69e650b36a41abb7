//! What going to the Judge for locks costs, and whether they are worth it.
//!
//! Nobody spends more gas than a lock holds unless told to. The figures of gas are measured (`contracts/gas.json`) and rounded
//! up; what a rollup charges for data besides is not in them. A price that cannot be read keeps nobody from what is theirs.

use crate::protocol::{Amount, Lock, Timestamp};

use super::{Effect, Engine, Out, Signer};

/// A transaction that claims or registers, before the first lock.
const TRANSACTION: u64 = 130_000;
/// A claim besides its proof, and each sibling of the proof.
const CLAIM: u64 = 14_000;
const SIBLING: u64 = 800;
/// Registering one secret.
const REGISTER: u64 = 25_500;

/// The most gas of one transaction: below what a block, or a network, allows a single one.
const MOST_GAS: u64 = 8_000_000;
/// The most bytes of one transaction: nodes take 128 KiB.
const MOST_BYTES: usize = 96 * 1_024;
/// A claim's bytes besides its proof, with its place in the lists.
const CLAIM_BYTES: usize = 192;

/// For so long a price is good, and for so long it is waited for, in seconds.
const FRESH: Timestamp = 15;
const PATIENCE: Timestamp = 5;

/// The secrets that one transaction registers at most.
pub(super) const MOST_SECRETS: usize = (MOST_GAS / REGISTER) as usize;

/// What gas costs, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GasPrice {
    asked: Option<Timestamp>,
    told: Option<(Timestamp, Option<u128>)>,
}

impl GasPrice {
    /// The chain's answer.
    pub(super) const fn told(&mut self, price: Option<u128>, now: Timestamp) {
        self.told = Some((now, price));
    }
}

/// By what locks are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// All of them are, whatever they cost.
    Everything,
    /// Those of a token that hold at least this.
    AtLeast(Amount),
    /// Those of the chain's own coin that hold more than their gas, at this price in wei.
    Gas(u128),
}

impl Worth {
    fn cost(self, gas: u64) -> Option<Amount> {
        match self {
            Self::Everything | Self::AtLeast(_) => None,
            Self::Gas(price) => Some(Amount::new(price.saturating_mul(u128::from(gas)))),
        }
    }

    /// True when a lock is worth what it costs by itself.
    pub(super) fn covers(self, lock: &Lock, gas: u64) -> bool {
        match self {
            Self::Everything => true,
            Self::AtLeast(least) => lock.amount >= least,
            Self::Gas(price) => lock.amount.get() > price.saturating_mul(u128::from(gas)),
        }
    }

    /// True when locks that hold this together, and cost this gas one by one, are worth a transaction of their own.
    pub(super) fn covers_transaction(self, amount: Amount, gas: u64) -> bool {
        self.cost(gas.saturating_add(TRANSACTION)).is_none_or(|cost| amount > cost)
    }
}

/// Locks that are not worth it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    pub(super) locks: usize,
    pub(super) amount: Amount,
    pub(super) cost: Option<Amount>,
}

impl Left {
    pub(super) fn add(&mut self, lock: &Lock, gas: u64, worth: Worth) {
        self.locks = self.locks.saturating_add(1);
        self.amount = self.amount.checked_add(lock.amount).unwrap_or(Amount::MAX);
        let cost = worth.cost(gas).map(|cost| self.cost.unwrap_or_default().checked_add(cost).unwrap_or(Amount::MAX));
        self.cost = cost.or(self.cost);
    }
}

/// The gas of one claim.
pub(super) const fn claim_gas(siblings: usize) -> u64 {
    CLAIM.saturating_add(SIBLING.saturating_mul(siblings as u64))
}

/// The gas of registering a lock's secret and claiming it.
pub(super) const fn register_gas(siblings: usize) -> u64 {
    REGISTER.saturating_add(claim_gas(siblings))
}

/// What a settlement that claims so many locks with proofs of so many siblings is reckoned to take; the Judge's tests hold it
/// against what it does take.
pub const fn settlement_gas(locks: usize, siblings: usize) -> u64 {
    TRANSACTION.saturating_add(claim_gas(siblings).saturating_mul(locks as u64))
}

/// The same of registering so many secrets.
pub const fn registration_gas(secrets: usize) -> u64 {
    TRANSACTION.saturating_add(REGISTER.saturating_mul(secrets as u64))
}

/// What still fits into one transaction of claims.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    gas: u64,
    bytes: usize,
}

impl Room {
    pub(super) const fn new() -> Self {
        Self { gas: MOST_GAS - TRANSACTION, bytes: MOST_BYTES }
    }

    /// Takes the room of a claim, if there is enough.
    pub(super) fn take(&mut self, siblings: usize) -> bool {
        let bytes = self.bytes.checked_sub(CLAIM_BYTES.saturating_add(siblings.saturating_mul(32)));
        let (Some(gas), Some(bytes)) = (self.gas.checked_sub(claim_gas(siblings)), bytes) else { return false };
        *self = Self { gas, bytes };
        true
    }
}

impl<S: Signer> Engine<S> {
    /// By what the locks of a token are measured; `None` while the price of gas is awaited.
    pub(super) fn worth(&mut self, is_coin: bool, now: Timestamp, out: &mut Out) -> Option<Worth> {
        if !is_coin {
            return Some(Worth::AtLeast(self.config.locks.dust));
        }
        if let Some((at, price)) = self.gas.told
            && now.abs_diff(at) < FRESH
        {
            return Some(price.map_or(Worth::Everything, Worth::Gas));
        }
        match self.gas.asked {
            Some(asked) if now.abs_diff(asked) < PATIENCE => None,
            Some(asked) if now.abs_diff(asked) < FRESH => Some(Worth::Everything),
            Some(_) | None => {
                self.gas.asked = Some(now);
                out.effect(Effect::ReadGasPrice);
                None
            }
        }
    }
}
