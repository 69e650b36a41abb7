//! What the chain says, and what becomes due with time.

use crate::protocol::{ChainEvent, ChannelId, JudgeCall, JudgeEvent, Timestamp};

use super::channel::Channel;
use super::peers::SessionRead;
use super::table::Table;
use super::{Action, ChainInput, Config, Engine, EngineError, Event, OperationId, Out, Signer};

/// The pause before states are compared again with a partner that refused for the time being, in seconds.
const COMPARE_AGAIN: Timestamp = 2;

impl<S: Signer> Engine<S> {
    pub(super) fn chain(&mut self, chain: ChainInput, now: Timestamp, out: &mut Out) {
        self.head = chain.head;
        self.note_head();
        if let Some(block) = chain.rollback {
            for channel in self.channels.values_mut() {
                if channel.roll_back(block) {
                    out.dirty.insert(channel.id);
                }
            }
            self.forget_sessions(out);
        }
        self.read_own_session(out);
        self.discover(chain.confirmed.iter().chain(&chain.pending), now, out);
        for event in &chain.confirmed {
            if let JudgeEvent::SessionKeySet { wallet, session_key, valid_until, revoked_from } = event.event {
                self.session_read(SessionRead { wallet, session_key, valid_until, revoked_from }, now, out);
            }
        }
        for (id, events) in by_channel(chain.confirmed) {
            let Some(channel) = self.channels.get_mut(id) else { continue };
            channel.confirm(events);
            out.dirty.insert(id);
            // Whatever the Judge holds of ours, the partner has.
            let brought = channel.chain.side(channel.side).nonce;
            let settled = channel.acknowledge(brought, now);
            self.settle_payments(id, &settled, out);
        }
        let mut pending = by_channel(chain.pending);
        for channel in self.channels.values_mut() {
            if channel.set_pending(pending.remove(&channel.id).unwrap_or_default()) {
                out.seen.insert(channel.id);
            }
        }
        if chain.complete {
            self.drop_vanished(out);
            self.expire_terms(out);
        }
        self.note_payouts(out);
        self.follow_closes(out);
        self.bring_proofs(now, out);
        self.bring_cancellations(out);
        self.register_secrets(now, out);
        self.ask_for_secrets(now, out);
        self.drop_ended_locks(out);
        self.contact_partners(now, out);
    }

    /// Opened channels of this wallet that are not known yet: a partner opened them, or this storage was lost.
    fn discover<'e>(&mut self, events: impl Iterator<Item = &'e ChainEvent>, now: Timestamp, out: &mut Out) {
        for event in events {
            let JudgeEvent::Opened { key } = &event.event else { continue };
            let id = key.id();
            if self.channels.contains(id) {
                continue;
            }
            let Some(channel) = Channel::new(*key, self.config.wallet) else { continue };
            let partner = channel.partner();
            self.channels.insert(channel);
            out.seen.insert(id);
            self.partner_appeared(partner, now, out);
        }
    }

    /// A channel that was only ever seen in blocks that are gone, and in which nothing was signed.
    fn drop_vanished(&mut self, out: &mut Out) {
        let sending = |id: &ChannelId| self.transactions.values().any(|transaction| transaction.channel == *id);
        let is_gone =
            |channel: &Channel| channel.tip.opened.is_none() && channel.opening.is_none() && channel.is_blank();
        let gone: Vec<ChannelId> = self
            .channels
            .values()
            .filter(|channel| is_gone(channel) && !sending(&channel.id))
            .map(|channel| channel.id)
            .collect();
        for id in gone {
            self.channels.remove(id);
            out.step.writes.deletes.push(super::records::channel_key(id));
        }
    }

    /// Drops terms that nobody can use any more.
    fn expire_terms(&mut self, out: &mut Out) {
        for channel in self.channels.values_mut() {
            if channel.expire_terms(&self.head, self.config.confirmations) {
                out.dirty.insert(channel.id);
            }
        }
    }

    /// Does what a close makes necessary: nothing more is paid, and the payout is announced.
    fn follow_closes(&mut self, out: &mut Out) {
        let closing: Vec<ChannelId> = self
            .channels
            .values()
            .filter(|channel| channel.is_closing() && !channel.is_settled())
            .map(|channel| channel.id)
            .collect();
        for id in closing {
            self.fail_queue(id, &EngineError::ChannelClosing, out);
            self.end_sent_payments(id, out);
            let head = self.head;
            let Some(channel) = self.channels.get_mut(id) else { continue };
            if !channel.is_settleable(&head) {
                channel.told_settleable = false;
            } else if !channel.told_settleable {
                channel.told_settleable = true;
                out.emit(Event::ActionRequired { channel: id, action: Action::Settle, deadline: None });
                out.seen.insert(id);
            }
        }
    }

    /// Brings our own countersigned proof where the partner could still gain by one from before a lock was cancelled.
    fn bring_cancellations(&mut self, out: &mut Out) {
        let closing = self.channels.values().filter(|channel| channel.tip.closing.is_some() && !channel.freed);
        let needed = |channel: &Channel| Some((channel.id, channel.key, channel.proof_without_cancelled()?));
        for (id, key, accepted) in closing.filter_map(needed).collect::<Vec<_>>() {
            if let Some(channel) = self.channels.get_mut(id) {
                channel.freed = true;
            }
            let (proof, acceptance) = (accepted.signed, Some(accepted.acceptance));
            let grants = self.channels.get(id).map(|channel| self.grants_for_both(channel)).unwrap_or_default();
            self.transact(id, None, JudgeCall::Update { key, proof, grants, acceptance }, out);
        }
    }

    /// Brings the newest proof where the partner closed with an older one, or where the key that signed it ends soon.
    fn bring_proofs(&mut self, now: Timestamp, out: &mut Out) {
        let unasked = |channel: &&Channel| channel.ask_again || channel.asked != Some(channel.answer());
        let due = |channel: &Channel| Some((channel.id, channel.answer_until(&self.head, &self.config)?));
        let due: Vec<_> = self.channels.values().filter(unasked).filter_map(due).collect();
        for (id, deadline) in due {
            let Some(channel) = self.channels.get_mut(id) else { continue };
            channel.ask_again = false;
            if channel.asked.replace(channel.answer()) != Some(channel.answer()) {
                let deadline = Some(deadline);
                out.emit(Event::ActionRequired { channel: id, action: Action::Respond, deadline });
            }
            out.seen.insert(id);
            self.answer(id, None, now, out);
        }
    }

    /// Once a close is in the chain nobody acknowledges any more: what is signed counts if the partner has it.
    fn end_sent_payments(&mut self, id: ChannelId, out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        if channel.tip.closing.is_none() && channel.tip.done.is_none() {
            return;
        }
        for request in std::mem::take(&mut channel.waiting).into_values().flatten() {
            out.reply(request, Err(EngineError::ChannelClosing));
        }
    }

    /// Takes the newest proof of the partner to the Judge.
    pub(super) fn answer(&mut self, id: ChannelId, operation: Option<OperationId>, now: Timestamp, out: &mut Out) {
        let Some(channel) = self.channels.get(id) else { return };
        let Some(proof) = channel.received_proof else { return };
        let grants = self.grant_to_bring(channel, &proof, now).into_iter().collect();
        let call = JudgeCall::Update { key: channel.key, proof, grants, acceptance: None };
        self.transact(id, operation, call, out);
    }

    pub(super) fn tick(&mut self, now: Timestamp, out: &mut Out) {
        self.contact_partners(now, out);
        self.probe_partners(now, out);
        let (mut silent, mut behind) = (Vec::new(), Vec::new());
        for channel in self.channels.values_mut() {
            let partner = channel.partner();
            let Some(to) = self.peers.key_of(partner) else { continue };
            // However far the clock was set back, time has passed.
            let pause = now.abs_diff(channel.moved);
            if channel.synced && !channel.unacked.is_empty() && pause >= Config::ANSWER_TIMEOUT {
                silent.push(partner);
            } else if !channel.synced
                && !channel.is_settled()
                && channel.chain.opened.is_some()
                && pause >= COMPARE_AGAIN
            {
                channel.moved = now;
                behind.push((channel.id, to));
            }
        }
        for partner in silent {
            self.disconnect(partner, out);
        }
        for (id, to) in behind {
            self.send_resume(id, to, false, out);
        }
        self.register_secrets(now, out);
        self.tend_deliveries(now, out);
        self.tend_requests(now, out);
    }
}

fn by_channel(events: Vec<ChainEvent>) -> Table<ChannelId, Vec<ChainEvent>> {
    let mut sorted: Table<ChannelId, Vec<ChainEvent>> = Table::default();
    for event in events {
        if let Some(channel) = event.event.channel() {
            sorted.or_default(channel).push(event);
        }
    }
    sorted
}
