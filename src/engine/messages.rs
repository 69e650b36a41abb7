//! What peers say about channels.

use crate::protocol::{
    ChannelId, Message, Nonce, PublicKey, Refusal, RefusalCode, Resume, SignedProof, Timestamp, Update,
};

use super::channel::Arrival;
use super::records::UpdateRecord;
use super::{Engine, EngineError, Event, Flow, Out, PaymentStatus, Reply, Signer, payment_views, update_message};

impl<S: Signer> Engine<S> {
    pub(super) fn message(&mut self, from: PublicKey, message: Message, now: Timestamp, out: &mut Out) {
        match message {
            Message::Hello(hello) => self.hello(from, hello, now, out),
            Message::Resume(resume) => self.resume(from, &resume, now, out),
            Message::Update(update) => self.update(from, update, now, out),
            Message::Ack { channel, nonce } => self.ack(from, channel, nonce, now, out),
            Message::Refuse(refusal) => self.refusal(from, &refusal, now, out),
            Message::CloseRequest(request) => self.close_request(from, &request, now, out),
            Message::CloseAccept(accept) => self.close_accept(from, &accept, out),
            Message::WithdrawRequest(request) => self.withdraw_request(from, &request, now, out),
            Message::WithdrawAccept(accept) => self.withdraw_accept(from, &accept, out),
            Message::RefuseRequest(refusal) => self.request_refused(from, &refusal, now, out),
        }
    }

    fn update(&mut self, from: PublicKey, update: Update, now: Timestamp, out: &mut Out) {
        let (id, nonce) = (update.channel, update.nonce);
        let refuse = |out: &mut Out, code| {
            out.send(from, Message::Refuse(Refusal { channel: id, nonce, code }));
        };
        let Some(partner) = self.sender(id, from) else {
            return refuse(out, RefusalCode::UnknownChannel);
        };
        let until = self.time(now).saturating_add(self.config.challenge.saturating_mul(2));
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if !self.peers.key_counts(channel.partner(), from.address(), partner.grant.as_ref(), until) {
            return refuse(out, RefusalCode::KeyNotValid);
        }
        match channel.receive(update, &partner, &self.config.domain, now) {
            Ok(Arrival::New(record)) => {
                out.store_update(&record, Flow::Received);
                out.dirty.insert(id);
                out.acks.insert(id, (from, nonce));
                for view in payment_views(&record, Flow::Received, &PaymentStatus::Settled) {
                    out.emit(Event::Payment(view));
                }
            }
            Ok(Arrival::Known) => {
                out.acks.insert(id, (from, channel.received.nonce));
            }
            Ok(Arrival::Gap) => {
                let resume = channel.resume(false);
                out.send(from, Message::Resume(Box::new(resume)));
            }
            Err(code) => refuse(out, code),
        }
    }

    fn ack(&mut self, from: PublicKey, id: ChannelId, nonce: Nonce, now: Timestamp, out: &mut Out) {
        if self.sender(id, from).is_none() {
            return;
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if nonce > channel.sent.nonce {
            // The partner holds more of ours than we do: sign nothing until it has shown what.
            channel.synced = false;
            let resume = channel.resume(false);
            return out.send(from, Message::Resume(Box::new(resume)));
        }
        let settled = channel.acknowledge(nonce, now);
        self.settle_payments(id, &settled, out);
    }

    fn settle_payments(&mut self, id: ChannelId, settled: &[UpdateRecord], out: &mut Out) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        for view in settled.iter().flat_map(|record| payment_views(record, Flow::Sent, &PaymentStatus::Settled)) {
            if let Some(request) = channel.waiting.remove(&view.id) {
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
        if self.sender(id, from).is_none() {
            return;
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
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
        for view in refused.iter().flat_map(|record| payment_views(record, Flow::Sent, &status)) {
            if let Some(request) = channel.waiting.remove(&view.id) {
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
        let Some(partner) = self.sender(id, from) else { return };
        let Some(channel) = self.channels.get(&id) else { return };
        if channel.chain.opened.is_none() || channel.is_settled() {
            return;
        }
        let is_our_key = |shown: &SignedProof| self.was_our_key(shown, resume);
        let is_our_key = resume.received.as_ref().is_some_and(is_our_key);
        let Some(channel) = self.channels.get_mut(&id) else { return };
        match channel.compare(resume, &partner, |_| is_our_key, &self.config.domain, now) {
            Ok(comparison) => {
                if comparison.changed {
                    out.dirty.insert(id);
                } else {
                    out.seen.insert(id);
                }
                if comparison.recovered {
                    out.emit(Event::Recovered { channel: id });
                }
                if !resume.reply {
                    let own = channel.resume(true);
                    out.send(from, Message::Resume(Box::new(own)));
                }
                for record in &comparison.resend {
                    out.send(from, update_message(record));
                }
                self.settle_payments(id, &comparison.settled, out);
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

    /// True when the key that signed a proof of ours is this client's, or was named by this wallet on-chain or in a grant.
    fn was_our_key(&self, shown: &SignedProof, resume: &Resume) -> bool {
        let key = shown.signer.address();
        let wallet = self.config.wallet;
        let granted = |grant: &crate::protocol::Grant| {
            grant.wallet == wallet && grant.session_key == key && grant.verify(&self.config.domain).is_ok()
        };
        shown.signer == self.signer.public_key()
            || self.peers.delegated_until(wallet, key) > 0
            || resume.received_grant.as_ref().is_some_and(granted)
    }
}
