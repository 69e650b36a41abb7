//! Payments whose manager is gone, because the tab died or its storage was lost: they are waited for where all of their parts
//! are under way, and given up where some never left. What began them, the root of their secrets, is not stored, so nothing
//! of them can be tried again under it.

use std::rc::Rc;
use std::time::Duration;

use crate::engine::records::{sent_key, write};
use crate::engine::routed::{SentEnd, SentRecord};
use crate::engine::{Command, Event, PaymentView};
use crate::node::driver::Shared;
use crate::node::services::Platform;
use crate::node::{NodeError, NodeEvent, Runtime};
use crate::protocol::{Amount, LockRefusal};
use crate::store::StoreError;

/// The pause between two looks at a payment's locks.
const LOOK: Duration = Duration::from_secs(1);
/// After so many looks the payee is told again that no more parts come: it may have been away.
const TELL_AGAIN: u32 = 5;

impl<K: Platform> Shared<K> {
    /// Waits until no lock of a payment is left, giving it up if it is not whole.
    ///
    /// # Errors
    /// [`NodeError::PaymentFailed`] when surely nothing was paid; another when the client ends first.
    pub(super) async fn wind_down(self: &Rc<Self>, record: SentRecord) -> Result<PaymentView, NodeError> {
        let mut looks = 0_u32;
        loop {
            let ended = match self.ended_as(&record, looks.is_multiple_of(TELL_AGAIN)).await {
                Ok(ended) => ended,
                // Storage may be opened again; a client that ended stays so.
                Err(NodeError::Store(StoreError::Lost(_))) if self.ended.borrow().is_none() => None,
                Err(error) => return Err(error),
            };
            if let Some(end) = ended {
                return self.settle(record, end).await;
            }
            looks = looks.wrapping_add(1);
            self.runtime.sleep(LOOK).await;
            if self.ended.borrow().is_some() {
                return Err(NodeError::Closed);
            }
        }
    }

    /// How a payment ended, if it has.
    async fn ended_as(&self, record: &SentRecord, tell: bool) -> Result<Option<SentEnd>, NodeError> {
        let id = record.payment;
        // In this order: a part that ends in between is counted twice, which one more look puts right, and not missed.
        let open = self.read(move |engine| engine.open_parts(id)).await?;
        let parts = self.parts_of(id).await?;
        let add = |sum: Amount, amount: Amount| sum.checked_add(amount).unwrap_or(Amount::MAX);
        let mut end = SentEnd { paid: Amount::ZERO, fee: Amount::ZERO, reason: None };
        for part in &parts {
            if part.secret.is_some() {
                (end.paid, end.fee) = (add(end.paid, part.origin.amount), add(end.fee, part.origin.fee));
            } else if end.reason.is_none() || part.reason != Some(LockRefusal::Incomplete) {
                end.reason = part.reason;
            }
        }
        if open.is_empty() {
            return Ok(Some(end));
        }
        let whole = open.iter().fold(end.paid, |sum, (_, amount)| add(sum, *amount));
        if tell && whole < record.amount {
            drop(self.ask(Command::GiveUp { target: record.target, payment: id }));
        }
        Ok(None)
    }

    /// Stores and tells how a payment ended.
    pub(super) async fn settle(&self, mut record: SentRecord, end: SentEnd) -> Result<PaymentView, NodeError> {
        let known = record.end.replace(end).is_some();
        if !known {
            // Should it not be stored, the next start finds the same end in the records of the parts.
            let note = Command::Note { key: sent_key(record.payment), value: write(&record) };
            let _ = self.ask(note).await;
            self.emit(NodeEvent::Engine(Event::Payment(record.view())));
        }
        if end.paid.is_zero() { Err(NodeError::PaymentFailed { reason: end.reason }) } else { Ok(record.view()) }
    }
}
