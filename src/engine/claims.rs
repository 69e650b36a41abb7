//! What locks need of the chain: secrets registered in time, the chain's word on locks that have ended, and the claims in
//! a settlement.

use crate::protocol::{Address, ChannelId, Claim, JudgeCall, Lock, LockRefusal, Secret, SecretHash, Timestamp};

use super::channel::{Channel, Due};
use super::locks::Source;
use super::transfers::Registered;
use super::{Action, Engine, Event, Out, SecretOnChain, Signer};

impl<S: Signer> Engine<S> {
    /// Registers the secrets of locks to us that end soon and are not paid.
    pub(super) fn register_secrets(&mut self, now: Timestamp, out: &mut Out) {
        let (time, margin) = (self.time(now), self.config.locks.margin);
        let due = self.transfers.iter().filter_map(|(hash, transfer)| {
            let place = transfer.incoming.filter(|_| !transfer.registering)?;
            let channel = self.channels.get(place.channel)?;
            let lock = channel.received.locks.get(place.lock)?;
            // In a channel that is being closed nothing is paid off-chain any more.
            let soon = channel.is_closed() || time.saturating_add(margin) >= lock.expiry;
            let useful = soon && time <= lock.expiry && transfer.registered.is_none();
            Some((hash, transfer.secret.clone()?, place.channel, lock.expiry)).filter(|_| useful)
        });
        let due: Vec<(SecretHash, Secret, ChannelId, Timestamp)> = due.collect();
        let Some((_, _, channel, deadline)) = due.first().cloned() else { return };
        for (hash, ..) in &due {
            self.transfers.entry(*hash).registering = true;
        }
        let secrets = due.into_iter().map(|(_, secret, ..)| secret).collect();
        out.emit(Event::ActionRequired { channel, action: Action::RevealOnChain, deadline: Some(deadline) });
        self.transact(channel, None, JudgeCall::RegisterSecrets { secrets }, out);
    }

    /// The chain's word, as of a confirmed block of time `at`, on the secrets that were asked for.
    pub(super) fn secrets_read(
        &mut self,
        at: Timestamp,
        asked: &[SecretHash],
        found: &[SecretOnChain],
        now: Timestamp,
        out: &mut Out,
    ) {
        for hash in asked {
            let on_chain = found.iter().find(|found| found.secret.hash() == *hash);
            let in_time = |lock: &Lock| on_chain.filter(|found| found.registered <= lock.expiry);
            if let Some((channel, lock)) = self.own_lock(*hash) {
                match in_time(&lock) {
                    Some(found) => self.learn(*hash, found.secret.clone(), Source::Chain, now, out),
                    None if at > lock.expiry => self.lock_ended(channel, &lock, out),
                    None => {}
                }
            }
            let theirs = self.transfers.get(*hash).and_then(|transfer| transfer.incoming);
            let theirs =
                theirs.and_then(|place| self.channels.get(place.channel)?.received.locks.get(place.lock).copied());
            let word = match theirs.map(|lock| (in_time(&lock).is_some(), at > lock.expiry)) {
                Some((true, _)) => Some(Registered::InTime),
                Some((false, true)) => Some(Registered::Never),
                Some((false, false)) | None => continue,
            };
            if let Some(transfer) = self.transfers.get_mut(*hash) {
                transfer.registered = word;
                out.seen.extend(transfer.incoming.map(|place| place.channel));
            }
        }
    }

    /// Our lock with this hash that somebody could still claim.
    fn own_lock(&self, hash: SecretHash) -> Option<(ChannelId, Lock)> {
        let place = self.transfers.get(hash)?.outgoing?;
        let channel = self.channels.get(place.channel)?;
        let cancelled = channel.locks.cancelled.get(&place.lock).map(|cancelled| cancelled.lock);
        let lock = channel.sent.locks.get(place.lock).copied().or(cancelled)?;
        Some((place.channel, lock))
    }

    /// Our lock ended without its secret, by the chain's word.
    fn lock_ended(&mut self, id: ChannelId, lock: &Lock, out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.cancelled_lock_ended(lock.id);
        channel.set_due(lock.id, Due::Expire);
        out.dirty.insert(id);
        self.lock_gone(id, lock, LockRefusal::Expired, out);
    }

    /// The chain's time as of the newest confirmed block.
    pub(super) fn confirmed_time(&self) -> Timestamp {
        let confirmed = self.head.number.saturating_add(1).checked_sub(self.config.confirmations);
        let passed =
            self.passed.iter().rev().find(|(number, _)| confirmed.is_some_and(|confirmed| *number <= confirmed));
        passed.map_or(0, |(_, time)| *time)
    }

    /// Remembers the head for [`Self::confirmed_time`].
    pub(super) fn note_head(&mut self) {
        self.passed.retain(|(number, _)| *number < self.head.number);
        self.passed.push_back((self.head.number, self.head.timestamp));
        let confirmed = self.head.number.saturating_add(1).saturating_sub(self.config.confirmations);
        // The newest confirmed one and all after it.
        while self.passed.get(1).is_some_and(|(number, _)| *number <= confirmed) {
            self.passed.pop_front();
        }
    }

    /// Notes of every channel that is being settled whether a transaction would pay something out.
    pub(super) fn note_payouts(&mut self, out: &mut Out) {
        let decided = self.channels.values().filter(|channel| channel.is_decided(&self.head));
        let waiting = |channel: &Channel| {
            let JudgeCall::Settle { claims, finalize, .. } = self.settle_call(channel) else { return false };
            !channel.was_paid() || !claims.is_empty() || !finalize.is_empty()
        };
        let found: Vec<_> = decided.map(|channel| (channel.id, waiting(channel))).collect();
        for (id, payout) in found {
            if let Some(channel) = self.channels.get_mut(id).filter(|channel| channel.payout != payout) {
                channel.payout = payout;
                out.seen.insert(id);
            }
        }
    }

    /// The transaction that pays a closed channel out, with all that can be claimed in it by now.
    pub(super) fn settle_call(&self, channel: &Channel) -> JudgeCall {
        let claims = self.claim(channel).into_iter().collect();
        let ours = channel.wallet();
        let time = self.head.timestamp;
        let over = |(wallet, locked, last): (Address, bool, Timestamp)| {
            let from = channel.tip.closing.map_or(last, |closing| closing.challenge_end.max(last));
            (locked && time >= from.saturating_add(self.config.challenge)).then_some(wallet)
        };
        let sides = [
            (ours, !channel.tip.side(channel.side).locked.is_zero(), channel.sent.locks.last_expiry()),
            (
                channel.partner(),
                !channel.tip.side(channel.side.other()).locked.is_zero(),
                channel.received.locks.last_expiry(),
            ),
        ];
        JudgeCall::Settle { key: channel.key, claims, finalize: sides.into_iter().filter_map(over).collect() }
    }

    /// Our claim to the partner's locks whose secrets were registered in time.
    fn claim(&self, channel: &Channel) -> Option<Claim> {
        let held = channel.received_proof?;
        if channel.tip.side(channel.side.other()).nonce != held.proof.nonce {
            return None;
        }
        let mut claim = Claim { sender: channel.partner(), locks: Vec::new(), proofs: Vec::new() };
        for (_, lock) in channel.received.locks.slots() {
            let known = self.transfers.of_incoming(channel.id, lock.id).and_then(|hash| self.transfers.get(hash));
            let registered = known.is_some_and(|transfer| transfer.registered == Some(Registered::InTime));
            if registered && !channel.is_claimed(lock.id) {
                claim.proofs.push(channel.received.locks.proof(lock.id).ok()?);
                claim.locks.push(*lock);
            }
        }
        (!claim.locks.is_empty()).then_some(claim)
    }
}
