//! Paying: payments wait, fold into one update, and are settled by the partner's acknowledgement.

use crate::protocol::{
    Address, Amount, Domain, KeyError, MAX_MESSAGE_BYTES, MAX_OPS, Message, Nonce, Op, PaymentId, RefusalCode,
    SignedProof, Timestamp, Update,
};

use super::super::records::{RefusedRecord, UpdateRecord};
use super::super::{EngineError, Flow, PaymentStatus, PaymentView, Signer};
use super::{Channel, Queued};

/// Room in a message for everything but the operations.
const UPDATE_OVERHEAD: usize = 512;
/// The most that one `Pay` takes besides its memo.
const PAY_BYTES: usize = 48;
/// The most that one `Lock` takes besides its route.
const LOCK_BYTES: usize = 96;
/// The most that one `Unlock` takes.
const UNLOCK_BYTES: usize = 56;
/// The most that one `Expire` or `Cancel` takes.
const DROP_BYTES: usize = 20;

impl Channel {
    /// Puts a payment into the queue.
    ///
    /// # Errors
    /// [`EngineError`] when the channel does not pay now or cannot pay this much; nothing changes.
    pub(crate) fn enqueue(&mut self, payment: Queued, limit: usize) -> Result<(), EngineError> {
        if payment.amount.is_zero() {
            return Err(EngineError::InvalidArgument("a payment must be above zero".into()));
        }
        if self.is_closing() || self.frozen {
            return Err(EngineError::ChannelClosing);
        }
        if let Some(reason) = self.stop_reason() {
            return Err(EngineError::ChannelStopped(reason.into()));
        }
        if self.chain.opened.is_none() {
            return Err(EngineError::NotOpen);
        }
        if self.waiting.contains_key(&payment.payment) {
            return Err(EngineError::DuplicatePayment);
        }
        if self.queue.len() >= limit {
            return Err(EngineError::QueueFull);
        }
        let available = self.available();
        if payment.amount > available {
            return Err(EngineError::InsufficientCapacity { wanted: payment.amount, available });
        }
        let queued = self.queue.total().checked_add(payment.amount)?;
        self.sent.committed()?.checked_add(queued)?;
        self.queue.push(payment)?;
        Ok(())
    }

    /// Takes a payment back for which nothing is signed yet.
    pub(crate) fn cancel(&mut self, payment: PaymentId) -> Option<Queued> {
        self.queue.remove(payment)
    }

    /// Takes every waiting payment back.
    pub(crate) fn cancel_all(&mut self) -> Vec<Queued> {
        self.queue.take(usize::MAX)
    }

    /// True when payments or operations on locks wait for a signature.
    pub(crate) fn has_queue(&self) -> bool {
        !self.queue.is_empty() || self.locks.is_waiting()
    }

    /// Gives back an update that was not acknowledged when the storage was left.
    ///
    /// # Errors
    /// The record, when it is not the next one.
    #[expect(clippy::result_large_err, reason = "only a damaged store takes this path")]
    pub(crate) fn load_update(&mut self, record: UpdateRecord) -> Result<(), UpdateRecord> {
        let last = self.unacked.back().map_or(self.acked, |update| update.signed.proof.nonce);
        let follows = last.next().ok() == Some(record.signed.proof.nonce);
        if !follows || record.signed.proof.nonce > self.sent.nonce {
            return Err(record);
        }
        self.waiting.extend(record.ops.iter().filter_map(Op::payment).map(|payment| (payment, None)));
        self.unacked.push_back(record);
        Ok(())
    }

    /// Signs the next update over as many waiting payments as fit, if one may leave now.
    ///
    /// # Errors
    /// [`EngineError`] when it could not be signed; the payments stay in the queue.
    pub(crate) fn sign_next(
        &mut self,
        domain: &Domain,
        signer: &impl Signer,
        window: usize,
        now: Timestamp,
    ) -> Result<Option<UpdateRecord>, EngineError> {
        let agreed = self.synced && self.compared && self.refused.is_none();
        // While a close is being prepared nothing new is promised, but what is due is settled: the close waits for it.
        let may_sign = agreed && self.is_live() && (!self.frozen || self.locks.is_due());
        if !may_sign || !self.has_queue() || self.unacked.len() >= window {
            return Ok(None);
        }
        let ops = self.foldable();
        if ops.is_empty() {
            return Ok(None);
        }
        let next = self.sent.replay(&ops).map_err(|error| EngineError::InvalidArgument(error.to_string()))?;
        let proof = next.proof(self.id, self.wallet(), &ops);
        let signature = signer.sign_proof(domain, &proof)?;
        let signed = SignedProof { proof, signature, signer: signer.public_key() };
        self.queue.take(ops.iter().filter(|op| op.payment().is_some()).count());
        self.locks.signed(&ops, &self.sent.locks, next.nonce);
        self.sent = next;
        self.sent_proof = Some(signed);
        if self.unacked.is_empty() {
            self.moved = now;
        }
        let record = UpdateRecord { signed, ops, at: now };
        self.unacked.push_back(record.clone());
        Ok(Some(record))
    }

    /// The waiting operations that fit one message: what is due first, then new locks, then payments. They were affordable
    /// when they came, but a deposit may have been rolled back since: what is no longer covered waits for its return.
    fn foldable(&self) -> Vec<Op> {
        let pay =
            |queued: &Queued| Op::Pay { payment: queued.payment, amount: queued.amount, memo: queued.memo.clone() };
        let new = self.locks.offers().chain(self.queue.iter().map(pay));
        let waiting = self.locks.due().chain(new.take(if self.frozen { 0 } else { MAX_OPS }));
        let mut room = MAX_MESSAGE_BYTES.saturating_sub(UPDATE_OVERHEAD);
        let mut funds = self.our_capacity().unwrap_or_default();
        let mut ops = Vec::new();
        for op in waiting.take(MAX_OPS) {
            let (size, cost) = measure(&op);
            let (Some(rest), Ok(left)) = (room.checked_sub(size), funds.checked_sub(cost)) else { break };
            (room, funds) = (rest, left);
            ops.push(op);
        }
        ops
    }

    /// The partner has stored everything up to `nonce`: the updates that this settles, oldest first.
    pub(crate) fn acknowledge(&mut self, nonce: Nonce, now: Timestamp) -> Vec<UpdateRecord> {
        let settled = self.unacked.partition_point(|update| update.signed.proof.nonce <= nonce);
        if settled > 0 {
            self.moved = now;
        }
        self.acked = self.acked.max(nonce.min(self.sent.nonce));
        self.unacked.drain(..settled).collect()
    }

    /// Signs again, with the present key, what an earlier key of this wallet signed: the same contents, so no number gets a
    /// second meaning, but under a key that the partner knows.
    ///
    /// # Errors
    /// [`KeyError`] when it could not be signed.
    pub(crate) fn resign(&mut self, domain: &Domain, signer: &impl Signer) -> Result<(), KeyError> {
        let key = signer.public_key();
        let unacked = self.unacked.iter_mut().map(|update| &mut update.signed);
        for signed in self.sent_proof.iter_mut().chain(unacked).filter(|signed| signed.signer != key) {
            let signature = signer.sign_proof(domain, &signed.proof)?;
            *signed = SignedProof { proof: signed.proof, signature, signer: key };
        }
        Ok(())
    }

    /// The partner refused an update for good: nothing more is signed. What was signed counts as paid, since the
    /// partner holds the signature.
    pub(crate) fn refuse(&mut self, nonce: Nonce, code: RefusalCode) -> Vec<UpdateRecord> {
        self.refused = Some(RefusedRecord { nonce, code });
        self.stopped = Some(format!("the partner refused update {nonce}: {code:?}"));
        self.unacked.iter().filter(|update| update.signed.proof.nonce >= nonce).cloned().collect()
    }
}

/// The most bytes that an operation takes in a message, and what it takes from this side's means.
fn measure(op: &Op) -> (usize, Amount) {
    match op {
        Op::Pay { amount, memo, .. } => {
            (PAY_BYTES.saturating_add(memo.as_ref().map_or(0, |memo| memo.as_str().len())), *amount)
        }
        Op::Lock { lock, route } => (LOCK_BYTES.saturating_add(route.len()), lock.amount),
        Op::Unlock { .. } => (UNLOCK_BYTES, Amount::ZERO),
        Op::Expire { .. } | Op::Cancel { .. } => (DROP_BYTES, Amount::ZERO),
    }
}

/// The message that carries a stored update: the same bytes each time.
pub(crate) fn update_message(record: &UpdateRecord) -> Message {
    Message::Update(Update::new(record.ops.clone(), &record.signed.proof, record.signed.signature))
}

/// The payments in an update between us and `partner`, in this token, as the application sees them.
pub(crate) fn payment_views(
    record: &UpdateRecord,
    partner: Address,
    token: Address,
    flow: Flow,
    status: &PaymentStatus,
) -> Vec<PaymentView> {
    let view = |op: &Op| match op {
        Op::Pay { payment, amount, memo } => Some(PaymentView {
            id: *payment,
            channel: Some(record.signed.proof.channel),
            partner,
            token,
            flow,
            amount: *amount,
            fee: Amount::ZERO,
            request: None,
            memo: memo.as_ref().map(|memo| memo.as_str().to_owned()),
            status: status.clone(),
            nonce: record.signed.proof.nonce,
            at: record.at,
        }),
        Op::Lock { .. } | Op::Unlock { .. } | Op::Expire { .. } | Op::Cancel { .. } => None,
    };
    record.ops.iter().filter_map(view).collect()
}
