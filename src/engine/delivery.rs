//! The end of a payment's way: taking it when all of it is there, or not at all.
//!
//! The parts carry shares of one root secret, so before the last part has arrived the target could not take any; and the
//! initiator may replace a part only once its lock is surely gone, or both the old and the new one would open.

use std::collections::BTreeMap;

use crate::protocol::{
    Address, Amount, B256, Delivery, Lock, LockRefusal, Message, PaymentId, PublicKey, Secret, SecretHash, Timestamp,
    part_secret,
};

use super::locks::Source;
use super::records::{self, ReceivedRecord};
use super::table::Table;
use super::{Engine, Event, Out, Signer, TransferEvent};

/// The most parts that one payment is taken in.
const MAX_PARTS: usize = 64;

/// One part that waits for the others.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) hash: SecretHash,
    pub(super) delivery: Delivery,
    /// The token of the channel in which it arrived.
    pub(super) token: Address,
}

impl Arrived {
    /// True when the other can be a part of the same payment.
    fn goes_with(&self, other: &Self) -> bool {
        let terms = |part: &Self| {
            let Delivery { total, reply_to, from, request, .. } = part.delivery;
            (total, reply_to, from, request, part.token)
        };
        // Only shares make sure that all parts are taken; a secret that is asked for opens one.
        let shared = self.delivery.share.is_some() && other.delivery.share.is_some();
        terms(self) == terms(other) && shared && self.delivery.part != other.delivery.part
    }
}

/// The payments that wait for more of their parts, or for their secret.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    by_payment: Table<PaymentId, Vec<Arrived>>,
    /// Payments that were taken, and when: none is taken a second time. Nobody but payer and target knows a payment's id.
    taken: BTreeMap<PaymentId, Timestamp>,
}

impl Deliveries {
    pub(super) fn load(&mut self, record: &ReceivedRecord) {
        self.taken.insert(record.payment, record.at);
    }

    fn forget(&mut self, hash: SecretHash) {
        self.by_payment.retain(|_, parts| {
            parts.retain(|part| part.hash != hash);
            !parts.is_empty()
        });
    }
}

/// The secrets of all parts, if they are the whole payment.
fn secrets(parts: &[Arrived]) -> Option<Vec<(SecretHash, Secret)>> {
    let mut root = [0; 32];
    for part in parts {
        let share = part.delivery.share?;
        root.iter_mut().zip(share).for_each(|(byte, share)| *byte ^= share);
    }
    let secret = |part: &Arrived| {
        let secret = part_secret(&root, part.delivery.part);
        (secret.hash() == part.hash).then_some((part.hash, secret))
    };
    parts.iter().map(secret).collect()
}

impl<S: Signer> Engine<S> {
    /// A lock arrived that is for this account.
    pub(super) fn deliver(
        &mut self,
        hash: SecretHash,
        lock: &Lock,
        delivery: Delivery,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), LockRefusal> {
        if lock.amount < delivery.amount || delivery.amount.is_zero() || delivery.total < delivery.amount {
            return Err(LockRefusal::Unexpected);
        }
        // Who asks for a secret takes one lock by it: that must be all of the payment.
        if delivery.share.is_none() && delivery.amount != delivery.total {
            return Err(LockRefusal::Unexpected);
        }
        if lock.expiry <= self.time(now).saturating_add(self.config.locks.margin) {
            return Err(LockRefusal::BadExpiry);
        }
        if self.deliveries.taken.contains_key(&delivery.payment) {
            return Err(LockRefusal::Unexpected);
        }
        let place = self.transfers.get(hash).and_then(|transfer| transfer.incoming);
        let channel = place.and_then(|place| self.channels.get(place.channel));
        let token = channel.map(|channel| channel.key.token).ok_or(LockRefusal::Unexpected)?;
        let arrived = Arrived { hash, delivery, token };
        self.check_request(&arrived, self.time(now))?;
        let payment = arrived.delivery.payment;
        let parts = self.deliveries.by_payment.or_default(payment);
        if !parts.iter().all(|part| part.goes_with(&arrived)) || parts.len() >= MAX_PARTS {
            return Err(LockRefusal::Unexpected);
        }
        parts.push(arrived);
        self.transfers.entry(hash).held = true;
        self.complete(payment, now, out)
    }

    /// Takes a payment whose parts are all there.
    fn complete(&mut self, payment: PaymentId, now: Timestamp, out: &mut Out) -> Result<(), LockRefusal> {
        self.give_back_late(now, out);
        let Some(parts) = self.deliveries.by_payment.get(&payment) else { return Ok(()) };
        let Some(last) = parts.last().cloned() else { return Ok(()) };
        let sum = parts.iter().try_fold(Amount::ZERO, |sum, part| sum.checked_add(part.delivery.amount).ok());
        if sum.is_none_or(|sum| sum < last.delivery.total) {
            return Ok(());
        }
        if last.delivery.share.is_none() {
            ask(&last, out);
            return Ok(());
        }
        let Some(secrets) = secrets(parts) else {
            self.deliveries.forget(last.hash);
            self.transfers.entry(last.hash).held = false;
            return Err(LockRefusal::Unexpected);
        };
        if let Err(refusal) = self.taken(&last, now, out) {
            let others = parts_of(&self.deliveries, payment).filter(|hash| *hash != last.hash);
            for hash in others.collect::<Vec<_>>() {
                self.give_back(hash, refusal, out);
            }
            self.deliveries.forget(last.hash);
            self.transfers.entry(last.hash).held = false;
            return Err(refusal);
        }
        self.deliveries.by_payment.remove(&payment);
        for (hash, secret) in secrets {
            self.learn(hash, secret, Source::OffChain, now, out);
        }
        Ok(())
    }

    /// The initiator tells the secret that was asked for.
    pub(super) fn secret_told(&mut self, from: PublicKey, secret: Secret, now: Timestamp, out: &mut Out) {
        self.give_back_late(now, out);
        let hash = secret.hash();
        let asked = |part: &&Arrived| part.hash == hash && part.delivery.reply_to == from;
        let found = self.deliveries.by_payment.values().flatten().find(asked).cloned();
        let Some(part) = found else { return };
        if let Err(refusal) = self.taken(&part, now, out) {
            return self.give_back(hash, refusal, out);
        }
        self.deliveries.forget(hash);
        self.learn(hash, secret, Source::OffChain, now, out);
    }

    /// The payment is being taken: that is stored before anything of its secrets is told.
    fn taken(&mut self, part: &Arrived, now: Timestamp, out: &mut Out) -> Result<(), LockRefusal> {
        self.sign_receipt(part, now, out)?;
        let Delivery { payment, from, total: amount, memo, request, .. } = part.delivery.clone();
        let token = part.token;
        self.deliveries.taken.insert(payment, now);
        let record = ReceivedRecord { payment, from, token, amount, memo: memo.clone(), request, at: now };
        out.step.write(records::received_key(from, payment), records::write(&record));
        out.emit(Event::Payment(record.view()));
        let memo = memo.map(|memo| memo.as_str().to_owned());
        out.emit(Event::Transfer(TransferEvent::Received { payment, from, token, amount, memo, request }));
        if let Some(request) = request {
            self.release_rivals(request, payment, out);
        }
        Ok(())
    }

    /// A request was paid: what others sent for it goes back. Who is whole first is taken, whoever came first, so that nobody
    /// keeps a request from being paid by sending a piece of it.
    fn release_rivals(&mut self, request: B256, payment: PaymentId, out: &mut Out) {
        let rivals = self
            .deliveries
            .by_payment
            .values()
            .flatten()
            .filter(|part| part.delivery.request == Some(request) && part.delivery.payment != payment);
        for hash in rivals.map(|part| part.hash).collect::<Vec<_>>() {
            self.give_back(hash, LockRefusal::RequestPaid, out);
        }
    }

    /// The initiator sends no more parts of a payment: those that are here go back.
    pub(super) fn given_up(&mut self, from: PublicKey, payment: PaymentId, out: &mut Out) {
        let parts = self.deliveries.by_payment.get(&payment);
        let theirs = parts.into_iter().flatten().filter(|part| part.delivery.reply_to == from);
        for hash in theirs.map(|part| part.hash).collect::<Vec<_>>() {
            self.give_back(hash, LockRefusal::Incomplete, out);
        }
    }

    fn give_back(&mut self, hash: SecretHash, reason: LockRefusal, out: &mut Out) {
        self.deliveries.forget(hash);
        let Some(transfer) = self.transfers.get_mut(hash) else { return };
        transfer.held = false;
        if let Some(place) = transfer.incoming {
            self.refuse_lock(place.channel, place.lock, reason, out);
        }
    }

    /// Asks again for secrets, and gives up what has waited too long.
    pub(super) fn tend_deliveries(&mut self, now: Timestamp, out: &mut Out) {
        self.give_back_late(now, out);
        for part in self.deliveries.by_payment.values().flatten() {
            if part.delivery.share.is_none() {
                ask(part, out);
            }
        }
    }

    /// Gives up what has waited too long. Timers sleep, so it is done before anything is taken too.
    fn give_back_late(&mut self, now: Timestamp, out: &mut Out) {
        let soonest = self.time(now).saturating_add(self.config.locks.margin);
        let is_late = |hash: SecretHash| self.partner_lock(hash).is_none_or(|lock| lock.expiry <= soonest);
        let waiting = self.deliveries.by_payment.values().flatten().map(|part| part.hash);
        for hash in waiting.filter(|hash| is_late(*hash)).collect::<Vec<_>>() {
            self.give_back(hash, LockRefusal::Incomplete, out);
        }
    }
}

fn parts_of(deliveries: &Deliveries, payment: PaymentId) -> impl Iterator<Item = SecretHash> {
    deliveries.by_payment.get(&payment).into_iter().flatten().map(|part| part.hash)
}

fn ask(part: &Arrived, out: &mut Out) {
    let Delivery { payment, amount, reply_to, .. } = &part.delivery;
    out.send(*reply_to, Message::RequestSecret { payment: *payment, hash: part.hash, amount: *amount });
}
