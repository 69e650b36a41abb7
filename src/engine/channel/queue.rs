//! Payments that wait for a signature, oldest first; any of them can be taken back.

use std::collections::BTreeMap;

use crate::protocol::{Amount, AmountError, Memo, PaymentId};

/// A payment for which nothing is signed yet.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) payment: PaymentId,
    pub(crate) amount: Amount,
    pub(crate) memo: Option<Memo>,
}

/// The waiting payments of one channel. Nothing here costs more with more of them than a walk down a tree.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    places: BTreeMap<u64, Box<Queued>>,
    by_id: BTreeMap<PaymentId, u64>,
    next: u64,
    total: Amount,
}

impl Queue {
    /// The sum of the waiting payments.
    pub(crate) const fn total(&self) -> Amount {
        self.total
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The waiting payments, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.places.values().map(Box::as_ref)
    }

    /// Puts a payment at the end; its id must not be waiting already.
    ///
    /// # Errors
    /// [`AmountError::Overflow`] when the sum leaves the range; nothing changes.
    pub(crate) fn push(&mut self, payment: Queued) -> Result<(), AmountError> {
        self.total = self.total.checked_add(payment.amount)?;
        self.by_id.insert(payment.payment, self.next);
        self.places.insert(self.next, Box::new(payment));
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// Takes one payment back.
    pub(crate) fn remove(&mut self, payment: PaymentId) -> Option<Queued> {
        let place = self.by_id.remove(&payment)?;
        let removed = self.places.remove(&place)?;
        self.total = self.total.saturating_sub(removed.amount);
        Some(*removed)
    }

    /// Takes the oldest `count` payments out.
    pub(crate) fn take(&mut self, count: usize) -> Vec<Queued> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let Some((_, queued)) = self.places.pop_first() else { break };
            self.by_id.remove(&queued.payment);
            self.total = self.total.saturating_sub(queued.amount);
            taken.push(*queued);
        }
        taken
    }
}
