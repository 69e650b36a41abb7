//! The registry of secrets: those of locks to us are registered in time, and what the chain says of locks that have ended
//! is followed.

use crate::protocol::{Amount, ChannelId, JudgeCall, Lock, LockRefusal, Secret, SecretHash, Timestamp};

use super::channel::Due;
use super::gas::{self, Left, Worth};
use super::locks::Source;
use super::operations::{Goal, Operation};
use super::table::{Set, Table};
use super::transfers::{Registered, Transfer};
use super::{Action, Effect, Engine, EngineError, Event, OperationId, Out, RequestId, SecretOnChain, Signer};

/// The most secrets that the chain is asked for at each block: an endpoint takes a question for each.
const ASK_AT_ONCE: usize = 128;

/// A lock to us whose secret is known and not on the chain.
struct Unpaid {
    hash: SecretHash,
    secret: Secret,
    channel: ChannelId,
    is_coin: bool,
    lock: Lock,
    /// What registering and claiming it takes.
    gas: u64,
}

impl<S: Signer> Engine<S> {
    /// Registers the secrets of locks to us that end soon and are not paid, as far as they are worth it.
    pub(super) fn register_secrets(&mut self, now: Timestamp, out: &mut Out) {
        let (time, margin) = (self.time(now), self.config.locks.margin);
        // In a channel that is being closed nothing is paid off-chain any more.
        let due = self.unpaid(time, |transfer, is_closed, lock| {
            !transfer.registering && (is_closed || time.saturating_add(margin) >= lock.expiry)
        });
        let (coins, tokens): (Vec<Unpaid>, Vec<Unpaid>) = due.into_iter().partition(|unpaid| unpaid.is_coin);
        for (is_coin, due) in [(true, coins), (false, tokens)] {
            if !due.is_empty()
                && let Some(worth) = self.worth(is_coin, now, out)
            {
                let wanted = self.worthwhile(due, worth, out);
                self.announce_registration(&wanted, out);
                self.register(&wanted, None, out);
            }
        }
    }

    /// Registers what is not registered yet of a channel's secrets, because it was asked for.
    pub(super) fn reveal_secrets(
        &mut self,
        operation: OperationId,
        request: RequestId,
        id: ChannelId,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), EngineError> {
        self.channels.get(id).ok_or(EngineError::UnknownChannel)?;
        let time = self.time(now);
        let in_channel = |transfer: &Transfer, _, _: &Lock| transfer.incoming.is_some_and(|place| place.channel == id);
        let wanted = self.unpaid(time, in_channel);
        if wanted.is_empty() {
            return Err(EngineError::NothingToDo);
        }
        self.start(operation, request, id, Goal::Revealed)?;
        if let Some(operation) = self.operations.last_mut() {
            operation.secrets = wanted.iter().map(|unpaid| unpaid.hash).collect();
        }
        self.register(&wanted, self.last_operation(), out);
        Ok(())
    }

    /// How far the chain has taken a command that registers secrets: `None` while it has not said enough.
    pub(super) fn revealed_so_far(&self, operation: &Operation) -> Option<Result<(), EngineError>> {
        let mut result = Ok(());
        for hash in &operation.secrets {
            let pending = self.transfers.get(*hash).filter(|transfer| transfer.incoming.is_some());
            match pending.map(|transfer| transfer.registered) {
                Some(None) => return None,
                Some(Some(Registered::Never)) => result = Err(EngineError::LockRefused(LockRefusal::Expired)),
                // What was paid meanwhile needs the chain no more.
                Some(Some(Registered::InTime)) | None => {}
            }
        }
        Some(result)
    }

    fn unpaid(&self, time: Timestamp, is_due: impl Fn(&Transfer, bool, &Lock) -> bool) -> Vec<Unpaid> {
        let due = self.transfers.iter().filter_map(|(hash, transfer)| {
            let place = transfer.incoming?;
            let channel = self.channels.get(place.channel)?;
            let lock = *channel.received.locks.get(place.lock)?;
            let useful = time <= lock.expiry && transfer.registered.is_none();
            let secret = transfer.secret.clone().filter(|_| useful && is_due(transfer, channel.is_closed(), &lock))?;
            let gas = gas::register_gas(channel.received.locks.proof(lock.id).map_or(0, |proof| proof.len()));
            let is_coin = channel.key.token.is_zero();
            Some(Unpaid { hash, secret, channel: place.channel, is_coin, lock, gas })
        });
        due.collect()
    }

    /// Those that are worth a transaction; of the others is told once.
    fn worthwhile(&mut self, due: Vec<Unpaid>, worth: Worth, out: &mut Out) -> Vec<Unpaid> {
        let (mut wanted, mut left): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|unpaid| worth.covers(&unpaid.lock, unpaid.gas));
        let (mut amount, mut gas) = (Amount::ZERO, 0_u64);
        for unpaid in &wanted {
            amount = amount.checked_add(unpaid.lock.amount).unwrap_or(Amount::MAX);
            gas = gas.saturating_add(unpaid.gas);
        }
        if !worth.covers_transaction(amount, gas) {
            left.append(&mut wanted);
        }
        let mut by_channel: Table<ChannelId, Left> = Table::default();
        for unpaid in &left {
            let transfer = self.transfers.entry(unpaid.hash);
            if !std::mem::replace(&mut transfer.left, true) {
                by_channel.or_default(unpaid.channel).add(&unpaid.lock, unpaid.gas, worth);
            }
        }
        for (channel, Left { locks, amount, cost }) in by_channel {
            out.emit(Event::LocksLeft { channel, action: Action::RevealOnChain, locks, amount, cost });
        }
        wanted
    }

    fn announce_registration(&mut self, wanted: &[Unpaid], out: &mut Out) {
        let mut deadlines: Table<ChannelId, Option<Timestamp>> = Table::default();
        for unpaid in wanted {
            if !std::mem::replace(&mut self.transfers.entry(unpaid.hash).told, true) {
                let deadline = deadlines.or_default(unpaid.channel);
                *deadline = Some(deadline.map_or(unpaid.lock.expiry, |known| known.min(unpaid.lock.expiry)));
            }
        }
        for (channel, deadline) in deadlines {
            out.emit(Event::ActionRequired { channel, action: Action::RevealOnChain, deadline });
        }
    }

    fn register(&mut self, wanted: &[Unpaid], operation: Option<OperationId>, out: &mut Out) {
        for batch in wanted.chunks(gas::MOST_SECRETS) {
            let Some(first) = batch.first() else { continue };
            for unpaid in batch {
                self.transfers.entry(unpaid.hash).registering = true;
            }
            let secrets = batch.iter().map(|unpaid| unpaid.secret.clone()).collect();
            self.transact(first.channel, operation.clone(), JudgeCall::RegisterSecrets { secrets }, out);
        }
    }

    /// The wallet did not send a registration, and was not asked in vain: the next block asks it again.
    pub(super) fn registration_failed(&mut self, secrets: &[SecretHash]) {
        for hash in secrets {
            if let Some(transfer) = self.transfers.get_mut(*hash) {
                transfer.registering = false;
            }
        }
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
            let word = match self.partner_lock(*hash).map(|lock| (in_time(&lock).is_some(), at > lock.expiry)) {
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

    /// The partner's lock with this hash, while it is pending.
    pub(super) fn partner_lock(&self, hash: SecretHash) -> Option<Lock> {
        let place = self.transfers.get(hash)?.incoming?;
        self.channels.get(place.channel)?.received.locks.get(place.lock).copied()
    }

    /// Our lock ended without its secret, by the chain's word.
    fn lock_ended(&mut self, id: ChannelId, lock: &Lock, out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.cancelled_lock_ended(lock.id);
        channel.set_due(lock.id, Due::Expire);
        out.dirty.insert(id);
        self.lock_gone(id, lock, LockRefusal::Expired, out);
    }

    /// The newest confirmed block, if there is one.
    const fn confirmed_block(&self) -> Option<u64> {
        self.head.number.saturating_add(1).checked_sub(self.config.confirmations)
    }

    /// The chain's time as of the newest confirmed block.
    pub(super) fn confirmed_time(&self) -> Timestamp {
        let confirmed = self.confirmed_block();
        let passed =
            self.passed.iter().rev().find(|(number, _)| confirmed.is_some_and(|confirmed| *number <= confirmed));
        passed.map_or(0, |(_, time)| *time)
    }

    /// Remembers the head for [`Self::confirmed_time`].
    pub(super) fn note_head(&mut self) {
        self.passed.retain(|(number, _)| *number < self.head.number);
        self.passed.push_back((self.head.number, self.head.timestamp));
        let confirmed = self.confirmed_block().unwrap_or_default();
        // The newest confirmed one and all after it.
        while self.passed.get(1).is_some_and(|(number, _)| *number <= confirmed) {
            self.passed.pop_front();
        }
    }

    /// The secret of a lock that has ended is asked of the chain, once per block; of many, the next ones in turn.
    pub(super) fn ask_for_secrets(&mut self, now: Timestamp, out: &mut Out) {
        let (time, margin) = (self.time(now), self.config.locks.margin);
        let wanted = self.transfers.iter().filter(|(hash, transfer)| {
            let ours = self.own_lock(*hash).map(|(_, lock)| lock);
            let near = |lock: Option<Lock>| lock.is_some_and(|lock| time.saturating_add(margin) >= lock.expiry);
            let theirs = transfer.incoming.and_then(|place| {
                let channel = self.channels.get(place.channel)?;
                let lock = channel.received.locks.get(place.lock)?;
                Some(transfer.registering || channel.is_closed() || near(Some(*lock)))
            });
            let claims = transfer.secret.is_some() && transfer.registered.is_none();
            near(ours) || (claims && theirs == Some(true))
        });
        let wanted: Set<SecretHash> = wanted.map(|(hash, _)| hash).collect();
        let is_next = |hash: &&SecretHash| self.asked_up_to.is_none_or(|last| **hash > last);
        let (rest, first): (Vec<_>, Vec<_>) = wanted.iter().partition(is_next);
        let hashes: Vec<SecretHash> = rest.into_iter().chain(first).take(ASK_AT_ONCE).copied().collect();
        self.asked_up_to = hashes.last().copied();
        if !hashes.is_empty() {
            out.effect(Effect::ReadSecrets { hashes, block: self.confirmed_block().unwrap_or_default() });
        }
    }
}
