//! What peers say about channels.

use crate::protocol::{
    ChannelId, Grant, Lock, LockRefusal, Message, Nonce, Op, PublicKey, Refusal, RefusalCode, Resume, Signature,
    SignedProof, Timestamp, Update,
};

use super::channel::{Arrival, Channel};
use super::records::UpdateRecord;
use super::{
    Effect, Engine, EngineError, Event, Flow, Out, PaymentStatus, Reply, Signer, payment_views, update_message,
};

impl<S: Signer> Engine<S> {
    pub(super) fn message(&mut self, from: PublicKey, message: Message, now: Timestamp, out: &mut Out) {
        match message {
            Message::Hello(hello) => self.hello(from, hello, now, out),
            Message::Resume(resume) => self.resume(from, &resume, now, out),
            Message::Update(update) => self.update(from, update, now, out),
            Message::Ack { channel, nonce, acceptance } => self.ack(from, channel, nonce, acceptance, now, out),
            Message::Refuse(refusal) => self.refusal(from, &refusal, now, out),
            Message::CloseRequest(request) => self.close_request(from, &request, now, out),
            Message::CloseAccept(accept) => self.close_accept(from, &accept, now, out),
            Message::WithdrawRequest(request) => self.withdraw_request(from, &request, now, out),
            Message::WithdrawAccept(accept) => self.withdraw_accept(from, &accept, out),
            Message::RefuseRequest(refusal) => self.request_refused(from, &refusal, now, out),
            Message::Reveal { channel, lock, secret } => self.revealed(from, channel, lock, secret, now, out),
            Message::RefuseLock { channel, lock, reason } => self.lock_refused(from, channel, lock, reason, out),
            Message::RequestSecret { payment, hash, amount } => {
                self.secret_requested(from, payment, hash, amount, out);
            }
            Message::TellSecret { secret } => self.secret_told(from, secret, now, out),
            Message::GiveUp { payment } => self.given_up(from, payment, out),
            Message::Receipt { receipt } => self.receipt_came(receipt, now, out),
            Message::AskReceipt { request, payment } => self.receipt_asked(from, request, payment, out),
        }
    }

    fn update(&mut self, from: PublicKey, update: Update, now: Timestamp, out: &mut Out) {
        let (id, nonce) = (update.channel, update.nonce);
        let refuse = |out: &mut Out, code| {
            out.send(from, Message::Refuse(Refusal { channel: id, nonce, code }));
        };
        let Some(partner) = self.sender(id, from, now) else {
            return refuse(out, RefusalCode::UnknownChannel);
        };
        let ended = self.ended_locks(id, &update.ops);
        let rules = self.lock_rules(&ended, now);
        let Some(channel) = self.channels.get_mut(id) else { return };
        let before = channel.received.locks.clone();
        match channel.receive(update, &partner, &self.config.domain, &rules, now) {
            Ok(Arrival::New(record)) => {
                out.store_update(&record, Flow::Received);
                out.dirty.insert(id);
                out.acks.insert(id, (from, nonce));
                if record.ops.iter().any(|op| matches!(op, Op::Cancel { .. })) {
                    out.accept.insert(id);
                }
                for view in payment_views(
                    &record,
                    channel.partner(),
                    channel.key.token,
                    Flow::Received,
                    &PaymentStatus::Settled,
                ) {
                    out.emit(Event::Payment(view));
                }
                if record.ops.iter().all(|op| matches!(op, Op::Lock { .. })) {
                    out.patient.insert(id);
                }
                self.locks_received(id, &record.ops, &before, now, out);
            }
            Ok(Arrival::Known) => {
                out.acks.insert(id, (from, channel.received.nonce));
            }
            Ok(Arrival::Gap) => {
                // Asked once. Were each update that is out of order asked about, two peers with a window of them would
                // make each other resend for ever, or until a refused one is accepted.
                if channel.synced && !channel.refusing {
                    channel.synced = false;
                    channel.moved = now;
                    out.seen.insert(id);
                    self.send_resume(id, from, false, out);
                }
            }
            Err(code) => refuse(out, code),
        }
    }

    fn ack(
        &mut self,
        from: PublicKey,
        id: ChannelId,
        nonce: Nonce,
        acceptance: Option<Signature>,
        now: Timestamp,
        out: &mut Out,
    ) {
        if !self.is_partner(id, from) {
            return;
        }
        let Some(channel) = self.channels.get_mut(id) else { return };
        if nonce > channel.sent.nonce {
            // The partner holds more of ours than we do: sign nothing until it has shown what.
            channel.synced = false;
            return self.send_resume(id, from, false, out);
        }
        let gone = acceptance.map(|signature| channel.accepted(nonce, signature, from, &self.config.domain));
        let settled = channel.acknowledge(nonce, now);
        self.settle_payments(id, &settled, out);
        self.locks_let_go(id, &gone.unwrap_or_default(), out);
    }

    pub(super) fn settle_payments(&mut self, id: ChannelId, settled: &[UpdateRecord], out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        let (partner, token) = (channel.partner(), channel.key.token);
        let views = |record| payment_views(record, partner, token, Flow::Sent, &PaymentStatus::Settled);
        for view in settled.iter().flat_map(views) {
            if let Some(request) = channel.waiting.remove(&view.id).flatten() {
                out.reply(request, Ok(Reply::Payment(view.clone())));
            }
            out.emit(Event::Payment(view));
        }
        if !settled.is_empty() {
            out.dirty.insert(id);
        }
    }

    fn refusal(&mut self, from: PublicKey, refusal: &Refusal, now: Timestamp, out: &mut Out) {
        let id = refusal.channel;
        if !self.is_partner(id, from) {
            return;
        }
        let Some(channel) = self.channels.get_mut(id) else { return };
        let is_ours = channel.unacked.iter().any(|update| update.signed.proof.nonce == refusal.nonce);
        if !is_ours {
            return;
        }
        channel.synced = false;
        channel.moved = now;
        out.seen.insert(id);
        if refusal.code.is_temporary() || refusal.code == RefusalCode::Closing {
            // The same bytes go out again after the next resume. A partner that closes says so on the chain or asks for a signature.
            return;
        }
        let refused = channel.refuse(refusal.nonce, refusal.code);
        let status = PaymentStatus::Refused(format!("{:?}", refusal.code));
        let (partner, token) = (channel.partner(), channel.key.token);
        for view in refused.iter().flat_map(|record| payment_views(record, partner, token, Flow::Sent, &status)) {
            if let Some(request) = channel.waiting.remove(&view.id).flatten() {
                out.reply(request, Err(EngineError::PaymentRefused(refusal.code)));
            }
            out.emit(Event::Payment(view));
        }
        out.dirty.insert(id);
        let error = EngineError::PaymentRefused(refusal.code);
        self.fail_queue(id, &error, out);
    }

    fn resume(&mut self, from: PublicKey, resume: &Resume, now: Timestamp, out: &mut Out) {
        let id = resume.key.id();
        let Some(partner) = self.sender(id, from, now) else { return };
        let Some(channel) = self.channels.get(id) else { return };
        if channel.chain.opened.is_none() || channel.is_settled() {
            return;
        }
        let newer = resume.received.filter(|shown| shown.proof.nonce > channel.sent.nonce);
        let is_our_key = match newer.map(|shown| (shown.signer.address(), self.was_our_key(&shown, resume))) {
            // A stopped channel learns nothing more: else its partner could have any number of keys looked up.
            Some((_, None)) if channel.stopped.is_some() => return,
            Some((session_key, None)) => {
                // What the Judge says of that key decides; until then nothing is signed, and states are compared again.
                return out.effect(Effect::ReadSession { wallet: self.config.wallet, session_key });
            }
            Some((_, Some(known))) => known,
            None => false,
        };
        let Some(channel) = self.channels.get_mut(id) else { return };
        match channel.compare(resume, &partner, |_| is_our_key, &self.config.domain, now) {
            Ok(comparison) => {
                if comparison.changed {
                    out.dirty.insert(id);
                } else {
                    out.seen.insert(id);
                }
                if comparison.recovered {
                    // Left under the former key, it would be worth showing only to who knows that key.
                    let _ = channel.resign(&self.config.domain, &self.signer);
                    out.emit(Event::Recovered { channel: id });
                }
                if !resume.reply {
                    self.send_resume(id, from, true, out);
                }
                for record in &comparison.resend {
                    out.send(from, update_message(record));
                }
                self.settle_payments(id, &comparison.settled, out);
                self.locks_let_go(id, &comparison.gone, out);
                self.locks_resumed(id, comparison.recovered, now, out);
            }
            Err(reason) => {
                channel.stopped = Some(reason.into());
                channel.synced = false;
                out.dirty.insert(id);
                let error = EngineError::ChannelStopped(reason.into());
                self.fail_queue(id, &error, out);
            }
        }
    }

    /// Shows the partner where the channel stands here.
    pub(super) fn send_resume(&self, id: ChannelId, to: PublicKey, reply: bool, out: &mut Out) {
        let Some(channel) = self.channels.get(id) else { return };
        out.send(to, Message::Resume(Box::new(channel.resume(reply, self.acceptance(channel)))));
    }

    /// Our countersignature under the partner's newest proof, if it has cancelled locks: it may not have come through.
    pub(super) fn acceptance(&self, channel: &Channel) -> Option<Signature> {
        let held = channel.received_proof.filter(|_| channel.locks.last_cancel > Nonce::ZERO)?;
        self.signer.sign_acceptance(&self.config.domain, &held.proof).ok()
    }

    /// The partner has let go of cancelled locks of ours.
    fn locks_let_go(&mut self, id: ChannelId, gone: &[Lock], out: &mut Out) {
        for lock in gone {
            let Some(channel) = self.channels.get_mut(id) else { return };
            let reason = channel.locks.reasons.remove(&lock.id).unwrap_or(LockRefusal::NoRoute);
            out.dirty.insert(id);
            self.lock_gone(id, lock, reason, out);
        }
    }

    /// Whether the key that signed a proof of ours is this client's, or was named by this wallet on-chain or in a grant.
    /// `None` when only the Judge can tell.
    fn was_our_key(&self, shown: &SignedProof, resume: &Resume) -> Option<bool> {
        let key = shown.signer.address();
        let wallet = self.config.wallet;
        let granted = |grant: &Grant| {
            grant.wallet == wallet && grant.session_key == key && grant.verify(&self.config.domain).is_ok()
        };
        if shown.signer == self.signer.public_key() || resume.received_grant.as_ref().is_some_and(granted) {
            return Some(true);
        }
        self.peers.knows_session(wallet, key).then(|| self.peers.delegated_until(wallet, key) > 0)
    }
}
