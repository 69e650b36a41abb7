//! Requests to be paid: those that this account made, and those of others that it pays.
//!
//! A payee takes one payment per request, and signs the receipt in the step that stores the payment as taken: there is no
//! receipt without the money and no second payment. A payer notes a request before it locks anything for it, so that it is
//! not paid twice from here, also after a reload.

use crate::protocol::{
    Address, Amount, B256, Delegation, LockRefusal, Message, PaymentId, PaymentRequest, PublicKey, Receipt, Signature,
    Timestamp,
};

use super::delivery::Arrived;
use super::peers::is_pausing;
use super::records::{self, RequestRecord};
use super::table::Table;
use super::{Config, Engine, EngineError, Event, Out, Reply, RequestStatus, RequestTerms, RequestView, Signer};

/// How often a payee is asked for a receipt that did not come, per connection.
const MAX_ASKS: u32 = 8;

/// When a payee is asked for a receipt.
#[derive(Clone, Copy, Debug, Default)]
struct Asking {
    next: Timestamp,
    tries: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    by_id: Table<B256, Box<RequestRecord>>,
    /// Which request a payment that is under way from here pays.
    paying: Table<PaymentId, B256>,
    /// Paid requests whose receipt is missing.
    missing: Table<B256, Asking>,
}

impl Requests {
    pub(super) fn load(&mut self, record: RequestRecord) {
        let id = record.request.id();
        if record.receipt.is_none() {
            match record.payment {
                Some(_) if record.paid => self.missing.insert(id, Asking::default()),
                Some(payment) => self.paying.insert(payment, id),
                None => {}
            }
        }
        self.by_id.insert(id, Box::new(record));
    }

    fn store(&self, id: B256, out: &mut Out) {
        if let Some(record) = self.by_id.get(&id) {
            out.step.write(records::request_key(id), records::write(&**record));
        }
    }

    /// The link to the relay is up: what was asked in vain may be asked again.
    pub(super) fn online(&mut self) {
        self.missing.values_mut().for_each(|asking| *asking = Asking::default());
    }
}

impl RequestRecord {
    const fn is_paid(&self) -> bool {
        self.paid || self.receipt.is_some()
    }

    fn status(&self, time: Timestamp) -> RequestStatus {
        if self.is_paid() {
            RequestStatus::Paid
        } else if self.payment.is_some() {
            RequestStatus::Pending
        } else if time >= self.request.expiry {
            RequestStatus::Expired
        } else {
            RequestStatus::Open
        }
    }

    fn view(&self, wallet: Address, time: Timestamp) -> RequestView {
        RequestView {
            id: self.request.id(),
            created: self.request.payee == wallet,
            status: self.status(time),
            payment: self.payment,
            receipt: self.receipt,
            request: self.request.clone(),
            at: self.at,
        }
    }
}

impl<S: Signer> Engine<S> {
    /// Makes a request and signs it. The same reference again gives the same request.
    pub(super) fn create_request(&mut self, terms: RequestTerms, now: Timestamp) -> Result<(B256, bool), EngineError> {
        let time = self.time(now);
        let RequestTerms { reference, token, amount, life, memo, relay, hints } = terms;
        let own = |request: &&PaymentRequest| request.payee == self.config.wallet && request.reference == reference;
        if let Some(known) = self.requests.by_id.values().map(|record| &record.request).find(own) {
            let same = (known.token, known.amount, &known.memo) == (token, amount, &memo);
            let error = || EngineError::InvalidArgument("a request of this id was made on other terms".into());
            return if same { Ok((known.id(), false)) } else { Err(error()) };
        }
        // Without the wallet's word for the key nobody could tell whose request it is.
        if !self.own_key_counts(now) {
            return Err(EngineError::NotAuthorized);
        }
        let granted = self.grant.filter(|grant| grant.session_key == self.address);
        let mut request = PaymentRequest {
            reference,
            chain_id: self.config.domain.chain_id(),
            judge: self.config.domain.judge(),
            payee: self.config.wallet,
            signer: self.signer.public_key(),
            token,
            amount,
            issued: time,
            expiry: time.saturating_add(life),
            memo,
            relay,
            hints,
            delegation: granted.map(|grant| Delegation { valid_until: grant.valid_until, signature: grant.signature }),
            signature: Signature([0; 65]),
        };
        request.check_form()?;
        request.signature = self.signer.sign_request(&self.config.domain, &request)?;
        let id = request.id();
        let record =
            RequestRecord { request, payment: None, amount: Amount::ZERO, paid: false, receipt: None, at: time };
        self.requests.by_id.insert(id, Box::new(record));
        Ok((id, true))
    }

    /// Answers the command that made a request.
    pub(super) fn request_created(&mut self, id: B256, is_new: bool, now: Timestamp, out: &mut Out) -> Reply {
        if is_new {
            self.requests.store(id, out);
            self.tell_request(id, now, out);
        }
        self.request(id, now).map_or(Reply::Done, |view| Reply::Request(Box::new(view)))
    }

    /// Notes that a payment is about to be made for a request, so that no other is.
    pub(super) fn claim_request(
        &mut self,
        request: PaymentRequest,
        payment: PaymentId,
        amount: Amount,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), EngineError> {
        request.verify(&self.config.domain)?;
        if request.payee == self.config.wallet {
            return Err(EngineError::InvalidArgument("the request is this wallet's own".into()));
        }
        if amount.is_zero() || request.amount.is_some_and(|asked| asked != amount) {
            return Err(EngineError::InvalidArgument("the request asks for another amount".into()));
        }
        let time = self.time(now);
        let id = request.id();
        if let Some(known) = self.requests.by_id.get(&id) {
            if known.is_paid() {
                return Err(EngineError::RequestPaid);
            }
            match known.payment {
                Some(other) if (other, known.amount) == (payment, amount) => return Ok(()),
                Some(_) => return Err(EngineError::RequestPending),
                None => {}
            }
        }
        if self.requests.paying.contains_key(&payment) {
            return Err(EngineError::DuplicatePayment);
        }
        if time >= request.expiry {
            return Err(EngineError::RequestExpired);
        }
        let record = RequestRecord { request, payment: Some(payment), amount, paid: false, receipt: None, at: time };
        self.requests.by_id.insert(id, Box::new(record));
        self.requests.paying.insert(payment, id);
        self.requests.store(id, out);
        self.tell_request(id, now, out);
        Ok(())
    }

    /// The payment for a request surely was not made: it may be paid by another.
    pub(super) fn leave_request(
        &mut self,
        id: B256,
        payment: PaymentId,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), EngineError> {
        let mut begun = self.transfers.iter().filter_map(|(_, transfer)| transfer.origin.as_ref());
        let under_way = begun.any(|origin| origin.payment == payment);
        let record = self.requests.by_id.get_mut(&id).ok_or(EngineError::UnknownRequest)?;
        if record.is_paid() {
            return Err(EngineError::RequestPaid);
        }
        if record.payment != Some(payment) {
            return Err(EngineError::UnknownPayment);
        }
        if under_way {
            return Err(EngineError::RequestPending);
        }
        record.payment = None;
        self.requests.paying.remove(&payment);
        self.requests.store(id, out);
        self.tell_request(id, now, out);
        Ok(())
    }

    /// Whether a payment that arrived is what the request asked for.
    pub(super) fn check_request(&self, arrived: &Arrived, time: Timestamp) -> Result<(), LockRefusal> {
        let Some(id) = arrived.delivery.request else { return Ok(()) };
        let known = self.requests.by_id.get(&id).filter(|known| known.request.payee == self.config.wallet);
        let known = known.ok_or(LockRefusal::Unexpected)?;
        let request = &known.request;
        if request.token != arrived.token || request.amount.is_some_and(|asked| asked != arrived.delivery.total) {
            Err(LockRefusal::Unexpected)
        } else if known.is_paid() {
            Err(LockRefusal::RequestPaid)
        } else if time >= request.expiry {
            Err(LockRefusal::RequestExpired)
        } else {
            Ok(())
        }
    }

    /// The payment of a request is being taken: signs the receipt, which is stored with it, and tells the payer.
    pub(super) fn sign_receipt(&mut self, arrived: &Arrived, now: Timestamp, out: &mut Out) -> Result<(), LockRefusal> {
        let Some(id) = arrived.delivery.request else { return Ok(()) };
        let record = self.requests.by_id.get_mut(&id).ok_or(LockRefusal::Unexpected)?;
        if record.is_paid() {
            return Err(LockRefusal::RequestPaid);
        }
        let mut receipt = Receipt {
            request: id,
            payment: arrived.delivery.payment,
            payer: arrived.delivery.from,
            payee: self.config.wallet,
            token: arrived.token,
            amount: arrived.delivery.total,
            at: now,
            signature: Signature([0; 65]),
        };
        let signed = self.signer.sign_receipt(&self.config.domain, &receipt);
        receipt.signature = signed.map_err(|_| LockRefusal::Unexpected)?;
        record.payment = Some(receipt.payment);
        record.amount = receipt.amount;
        record.receipt = Some(receipt);
        self.requests.store(id, out);
        out.send(arrived.delivery.reply_to, Message::Receipt { receipt });
        self.tell_request(id, now, out);
        Ok(())
    }

    /// A payer did not hear of its receipt. Who names the payment is the payer: nobody else knows its id.
    pub(super) fn receipt_asked(&self, from: PublicKey, id: B256, payment: PaymentId, out: &mut Out) {
        let ours = self.requests.by_id.get(&id).filter(|known| known.request.payee == self.config.wallet);
        let receipt = ours.and_then(|known| known.receipt).filter(|receipt| receipt.payment == payment);
        if let Some(receipt) = receipt {
            out.send(from, Message::Receipt { receipt });
        }
    }

    /// A payee says that it was paid.
    pub(super) fn receipt_came(&mut self, receipt: Receipt, now: Timestamp, out: &mut Out) {
        let Some(record) = self.requests.by_id.get_mut(&receipt.request) else { return };
        let expected = record.receipt.is_none()
            && (receipt.payer, receipt.amount) == (self.config.wallet, record.amount)
            && record.payment == Some(receipt.payment);
        // Whoever carries it, the signature is the payee's.
        if !expected || receipt.verify(&record.request).is_err() {
            return;
        }
        record.receipt = Some(receipt);
        self.requests.missing.remove(&receipt.request);
        self.requests.store(receipt.request, out);
        self.tell_request(receipt.request, now, out);
    }

    /// A part of a payment from here was taken: all of it is, and so is the request that it pays.
    pub(super) fn request_paid(&mut self, payment: PaymentId, now: Timestamp, out: &mut Out) {
        let Some(id) = self.requests.paying.remove(&payment) else { return };
        let Some(record) = self.requests.by_id.get_mut(&id) else { return };
        let was_paid = record.is_paid();
        record.paid = true;
        if record.receipt.is_none() {
            self.requests.missing.insert(id, Asking::default());
        }
        self.requests.store(id, out);
        if !was_paid {
            self.tell_request(id, now, out);
        }
    }

    /// Asks for receipts that did not come.
    pub(super) fn tend_requests(&mut self, now: Timestamp, out: &mut Out) {
        if !self.online {
            return;
        }
        for (id, asking) in self.requests.missing.iter_mut() {
            let pause = Config::ANSWER_TIMEOUT.saturating_mul(1 << asking.tries);
            if asking.tries > MAX_ASKS || is_pausing(asking.next, now, pause) {
                continue;
            }
            // The first look only sets the time: the receipt is on its way, as a rule.
            if asking.tries > 0
                && let Some(record) = self.requests.by_id.get(id)
                && let Some(payment) = record.payment
            {
                out.send(record.request.signer, Message::AskReceipt { request: *id, payment });
            }
            asking.tries = asking.tries.saturating_add(1);
            asking.next = now.saturating_add(pause);
        }
    }

    fn tell_request(&self, id: B256, now: Timestamp, out: &mut Out) {
        if let Some(view) = self.request(id, now) {
            out.emit(Event::Request(Box::new(view)));
        }
    }

    /// The request with this id, if it was made or paid here.
    pub fn request(&self, id: B256, now: Timestamp) -> Option<RequestView> {
        Some(self.requests.by_id.get(&id)?.view(self.config.wallet, self.time(now)))
    }

    /// What a request of another wallet that was not paid here looks like.
    pub fn foreign_request(&self, request: PaymentRequest, now: Timestamp) -> RequestView {
        let record = RequestRecord { request, payment: None, amount: Amount::ZERO, paid: false, receipt: None, at: 0 };
        record.view(self.config.wallet, self.time(now))
    }

    /// The requests that were made or paid here, newest first: at most `limit`, and only those older than `before`.
    pub fn requests(&self, limit: usize, before: Option<B256>, now: Timestamp) -> Vec<RequestView> {
        let mut rows: Vec<_> = self.requests.by_id.iter().map(|(id, record)| (record.at, *id)).collect();
        rows.sort_unstable_by(|one, other| other.cmp(one));
        let start = before.map_or(0, |before| {
            rows.iter().position(|(_, id)| *id == before).map_or(rows.len(), |at| at.saturating_add(1))
        });
        let page = rows.into_iter().skip(start).take(limit);
        page.filter_map(|(_, id)| self.request(id, now)).collect()
    }

    /// Payments of requests that are under way from here, as far as this client knows.
    pub fn requests_being_paid(&self) -> Vec<(B256, PaymentId)> {
        self.requests.paying.iter().map(|(payment, id)| (*id, *payment)).collect()
    }
}
