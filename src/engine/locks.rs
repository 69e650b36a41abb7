//! Payments on locks: passing them on, paying them out, taking them back.
//!
//! The order is what keeps a mediator whole. Going out: its lock to the next account is signed after the lock to it is
//! stored. Coming back with a secret: the secret is stored before anything of it is told, and what it pays on is signed
//! without waiting for being paid. Coming back without: its own lock is surely gone, by the next account's countersignature
//! or by the chain's word after its end, before it lets the lock to it go.

use crate::protocol::{
    Address, Amount, ChannelId, Hop, Lock, LockId, LockRefusal, LockTree, Message, Op, PaymentId, PublicKey, Route,
    Secret, SecretHash, Timestamp,
};

use super::channel::{Channel, Due, LockRules, Offer};
use super::records::{self, LockPlace, OriginRecord, PartRecord};
use super::table::Set;
use super::transfers::Registered;
use super::{Engine, EngineError, Event, Out, Reply, RequestId, Signer, TransferEvent};

/// How a secret came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// By a peer, or because it is this account's own.
    OffChain,
    /// It was registered on the chain in time.
    Chain,
}

impl<S: Signer> Engine<S> {
    /// By what a partner's operations on its locks are measured.
    pub(super) fn ended_locks(&self, id: ChannelId, ops: &[Op]) -> Set<LockId> {
        let Some(channel) = self.channels.get(id) else { return Set::default() };
        let passed = self.confirmed_time();
        let dropped = ops.iter().filter_map(|op| match op {
            Op::Expire { lock } => channel.received.locks.get(*lock),
            Op::Pay { .. } | Op::Lock { .. } | Op::Unlock { .. } | Op::Cancel { .. } => None,
        });
        let is_over = |lock: &&Lock| {
            let open = self.transfers.of_incoming(id, lock.id).and_then(|hash| self.transfers.get(hash));
            // As long as the next account may still be paid, or the secret is known and the chain was not asked, it is not over.
            let claimable = open.is_some_and(|transfer| {
                transfer.outgoing.is_some()
                    || (transfer.secret.is_some() && transfer.registered != Some(Registered::Never))
            });
            lock.expiry < passed && !claimable
        };
        dropped.filter(is_over).map(|lock| lock.id).collect()
    }

    pub(super) fn lock_rules<'r>(&self, ended: &'r Set<LockId>, now: Timestamp) -> LockRules<'r> {
        let policy = &self.config.locks;
        LockRules { time: self.time(now), tail: policy.tail.saturating_mul(2), ended }
    }

    /// The partner's update was accepted: follow what it does to locks.
    pub(super) fn locks_received(
        &mut self,
        id: ChannelId,
        ops: &[Op],
        before: &LockTree,
        now: Timestamp,
        out: &mut Out,
    ) {
        for op in ops {
            match op {
                Op::Pay { .. } => {}
                Op::Lock { lock, route } => self.lock_arrived(id, lock, route, now, out),
                Op::Unlock { lock, secret } => {
                    let Some(hash) = self.incoming_ended(id, *lock, out) else { continue };
                    self.learn(hash, secret.clone(), Source::OffChain, now, out);
                    if let Some(lock) = before.get(*lock) {
                        out.emit(Event::Transfer(TransferEvent::LockPaid { channel: id, hash, amount: lock.amount }));
                    }
                }
                Op::Expire { lock } | Op::Cancel { lock } => {
                    self.incoming_ended(id, *lock, out);
                }
            }
        }
    }

    /// The partner's lock is not pending any more; tells whose it was.
    fn incoming_ended(&mut self, id: ChannelId, lock: LockId, out: &mut Out) -> Option<SecretHash> {
        let hash = self.transfers.of_incoming(id, lock)?;
        self.transfers.set_incoming(hash, None);
        out.transfers.insert(hash);
        Some(hash)
    }

    /// Our lock is not pending any more; tells whose it was.
    fn outgoing_ended(&mut self, id: ChannelId, lock: LockId, out: &mut Out) -> Option<SecretHash> {
        let hash = self.transfers.of_outgoing(id, lock)?;
        self.transfers.set_outgoing(hash, None);
        out.transfers.insert(hash);
        Some(hash)
    }

    fn lock_arrived(&mut self, id: ChannelId, lock: &Lock, route: &Route, now: Timestamp, out: &mut Out) {
        let hash = lock.secret_hash;
        if let Err(reason) = self.is_welcome(id, lock, now) {
            return self.refuse_lock(id, lock.id, reason, out);
        }
        self.transfers.set_incoming(hash, Some(LockPlace { channel: id, lock: lock.id }));
        self.transfers.entry(hash).route = Some(route.clone());
        out.transfers.insert(hash);
        self.decide(hash, now, out);
    }

    /// Whether a lock that was accepted is within this account's own limits. What is beyond them is given back: refusing the
    /// update would end the channel, and somebody with another clock or other limits could bring that about from afar.
    fn is_welcome(&self, id: ChannelId, lock: &Lock, now: Timestamp) -> Result<(), LockRefusal> {
        let policy = &self.config.locks;
        let pending = self.channels.get(id).map_or(0, |channel| channel.received.locks.len());
        if self.transfers.contains(lock.secret_hash) {
            Err(LockRefusal::HashUsed)
        } else if lock.expiry > self.time(now).saturating_add(policy.tail) {
            Err(LockRefusal::BadExpiry)
        } else if pending > policy.count {
            Err(LockRefusal::NoCapacity)
        } else {
            Ok(())
        }
    }

    /// Passes a partner's lock on, keeps it as the payment's target, or refuses it.
    pub(super) fn decide(&mut self, hash: SecretHash, now: Timestamp, out: &mut Out) {
        let Some((place, lock, route)) = self.undecided(hash) else { return };
        if let Err(reason) = self.take_on(hash, place.channel, &lock, &route, now, out) {
            self.refuse_lock(place.channel, place.lock, reason, out);
        }
    }

    fn take_on(
        &mut self,
        hash: SecretHash,
        from: ChannelId,
        lock: &Lock,
        route: &Route,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), LockRefusal> {
        // Before the route is opened, which takes as long as a signature.
        if lock.amount < self.config.locks.dust {
            return Err(LockRefusal::TooSmall);
        }
        if self.locked_by_partner(from) > self.config.locks.sum {
            return Err(LockRefusal::TooMuch);
        }
        match self.signer.open_route(route).ok_or(LockRefusal::BadRoute)? {
            Hop::Forward { next, amount, expiry, route } => {
                self.forward(hash, from, lock, next, amount, expiry, route, now, out)
            }
            Hop::Deliver(delivery) => self.deliver(hash, lock, delivery, now, out),
        }
    }

    /// What the partner's locks hold that are not refused.
    fn locked_by_partner(&self, id: ChannelId) -> Amount {
        let Some(channel) = self.channels.get(id) else { return Amount::ZERO };
        let refused = channel.locks.refused.keys().filter_map(|lock| channel.received.locks.get(*lock));
        refused.fold(channel.received.locks.total(), |sum, lock| sum.saturating_sub(lock.amount))
    }

    fn undecided(&self, hash: SecretHash) -> Option<(LockPlace, Lock, Route)> {
        let transfer = self.transfers.get(hash)?;
        let place = transfer.incoming?;
        // The Judge may never see a lock that came shortly before a close: nothing is promised on it.
        let channel = self.channels.get(place.channel).filter(|channel| channel.is_live())?;
        let gone_on = transfer.outgoing.is_some() || transfer.offered.is_some() || transfer.secret.is_some();
        let refused = channel.locks.refused.contains_key(&place.lock);
        if gone_on || refused || transfer.held {
            return None;
        }
        Some((place, *channel.received.locks.get(place.lock)?, transfer.route.clone()?))
    }

    #[expect(clippy::too_many_arguments, reason = "they are the lock's and the hop's fields")]
    fn forward(
        &mut self,
        hash: SecretHash,
        from: ChannelId,
        lock: &Lock,
        next: Address,
        amount: Amount,
        expiry: Timestamp,
        route: Route,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), LockRefusal> {
        let policy = self.config.locks;
        let passes_on = policy.mediates && !self.refusing;
        let fee = policy.fee.fee(amount).filter(|_| passes_on).ok_or(LockRefusal::NoRoute)?;
        if lock.amount.checked_sub(amount).is_err() || lock.amount.saturating_sub(amount) < fee {
            return Err(LockRefusal::FeeTooLow);
        }
        // Equal ends are safe: both locks are measured by the same registration of the same secret. The next account needs a
        // margin for its own claim.
        if expiry > lock.expiry || expiry <= self.time(now).saturating_add(policy.margin) {
            return Err(LockRefusal::BadExpiry);
        }
        if !self.own_key_counts(now) {
            return Err(LockRefusal::NoRoute);
        }
        let token = self.channels.get(from).map(|channel| channel.key.token).ok_or(LockRefusal::NoRoute)?;
        let mut refusal = LockRefusal::NoRoute;
        for id in self.channels.with(next) {
            let Some(channel) = self.channels.get_mut(id).filter(|channel| channel.key.token == token) else {
                continue;
            };
            if id == from {
                continue;
            }
            match channel.offer(Offer { hash, amount, expiry, route: route.clone() }, &policy) {
                Ok(()) => {
                    self.transfers.entry(hash).offered = Some(id);
                    out.seen.insert(id);
                    return Ok(());
                }
                Err(reason @ (LockRefusal::NoCapacity | LockRefusal::TooSmall)) => refusal = reason,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Takes back the locks that waited for a signature until it was too late for them, or until what would pay for them
    /// began to be settled.
    pub(super) fn withdraw_stale_offers(&mut self, id: ChannelId, now: Timestamp, out: &mut Out) {
        let soonest = self.time(now).saturating_add(self.config.locks.margin);
        let Some(channel) = self.channels.get(id) else { return };
        let is_backed = |hash: SecretHash| {
            let Some(transfer) = self.transfers.get(hash) else { return false };
            let from = transfer.incoming.and_then(|place| self.channels.get(place.channel));
            transfer.origin.is_some() || from.is_some_and(Channel::is_live)
        };
        let stale = channel.locks.waiting().filter(|offer| offer.expiry <= soonest || !is_backed(offer.hash));
        for hash in stale.map(|offer| offer.hash).collect::<Vec<_>>() {
            if let Some(channel) = self.channels.get_mut(id) {
                channel.locks.withdraw_offer(hash);
            }
            self.transfers.entry(hash).offered = None;
            out.transfers.insert(hash);
            out.seen.insert(id);
            self.way_ended(hash, LockRefusal::BadExpiry, out);
        }
    }

    /// Lets the partner take its lock back. Only ever called when nothing of ours depends on it.
    pub(super) fn refuse_lock(&mut self, id: ChannelId, lock: LockId, reason: LockRefusal, out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        if channel.received.locks.get(lock).is_none() {
            return;
        }
        let reason = channel.locks.refuse(lock, reason);
        out.dirty.insert(id);
        if channel.synced
            && let Some(to) = self.peers.key_of(channel.partner())
        {
            out.send(to, Message::RefuseLock { channel: id, lock, reason });
        }
    }

    /// A secret is known: pay on, and ask to be paid.
    pub(super) fn learn(&mut self, hash: SecretHash, secret: Secret, source: Source, now: Timestamp, out: &mut Out) {
        let time = self.time(now);
        let margin = self.config.locks.margin;
        let Some(transfer) = self.transfers.get_mut(hash) else { return };
        let (incoming, outgoing) = (transfer.incoming, transfer.outgoing);
        if transfer.secret.is_none() {
            transfer.secret = Some(secret.clone());
            out.transfers.insert(hash);
        }
        if let Some(place) = outgoing
            && let Some(channel) = self.channels.get_mut(place.channel)
            && let Some(lock) = channel.sent.locks.get(place.lock).copied()
        {
            // Too late for being sure to be paid in turn: from here on the secret must be on the chain.
            let in_time = source == Source::Chain || time.saturating_add(margin) < lock.expiry || incoming.is_none();
            if in_time && channel.set_due(place.lock, Due::Unlock(secret)) {
                out.seen.insert(place.channel);
            }
        }
        if let Some(place) = incoming {
            self.reveal(place, out);
        }
    }

    /// Shows the partner the secret of its lock.
    fn reveal(&self, place: LockPlace, out: &mut Out) {
        let Some(channel) = self.channels.get(place.channel).filter(|channel| channel.synced) else { return };
        let pending = channel.received.locks.get(place.lock);
        let secret = pending.and_then(|lock| self.transfers.get(lock.secret_hash)?.secret.clone());
        if let (Some(secret), Some(to)) = (secret, self.peers.key_of(channel.partner())) {
            out.send(to, Message::Reveal { channel: place.channel, lock: place.lock, secret });
        }
    }

    /// The partner shows the secret of our lock.
    pub(super) fn revealed(
        &mut self,
        from: PublicKey,
        id: ChannelId,
        lock: LockId,
        secret: Secret,
        now: Timestamp,
        out: &mut Out,
    ) {
        if !self.is_partner(id, from) {
            return;
        }
        let hash = secret.hash();
        if self.transfers.of_outgoing(id, lock) != Some(hash) {
            return;
        }
        self.learn(hash, secret, Source::OffChain, now, out);
    }

    /// The partner will not pass our lock on.
    pub(super) fn lock_refused(
        &mut self,
        from: PublicKey,
        id: ChannelId,
        lock: LockId,
        reason: LockRefusal,
        out: &mut Out,
    ) {
        if !self.is_partner(id, from) {
            return;
        }
        let Some(channel) = self.channels.get_mut(id) else { return };
        let known = self.transfers.of_outgoing(id, lock).and_then(|hash| self.transfers.get(hash));
        // Once the secret is known the lock is owed, whatever the partner says now.
        if known.is_some_and(|transfer| transfer.secret.is_some()) {
            return;
        }
        if channel.set_due(lock, Due::Cancel) {
            channel.locks.reasons.insert(lock, reason);
            out.seen.insert(id);
        }
    }

    /// Our lock is gone for sure: what it was made for ends too.
    pub(super) fn lock_gone(&mut self, id: ChannelId, lock: &Lock, reason: LockRefusal, out: &mut Out) {
        let Some(hash) = self.outgoing_ended(id, lock.id, out) else { return };
        self.way_ended(hash, reason, out);
    }

    /// Drops our locks that ended and that nobody follows any more: the chain's word on them came before this client was
    /// started again.
    pub(super) fn drop_ended_locks(&mut self, out: &mut Out) {
        let passed = self.confirmed_time();
        for channel in self.channels.values_mut() {
            let id = channel.id;
            let is_left = |lock: &&Lock| lock.expiry < passed && self.transfers.of_outgoing(id, lock.id).is_none();
            let left = channel.sent.locks.slots().map(|(_, lock)| lock).filter(is_left);
            for lock in left.map(|lock| lock.id).collect::<Vec<_>>() {
                if channel.set_due(lock, Due::Expire) {
                    out.seen.insert(id);
                }
            }
        }
    }

    /// There is no lock of ours any more, and there was no secret.
    pub(super) fn way_ended(&mut self, hash: SecretHash, reason: LockRefusal, out: &mut Out) {
        let Some(transfer) = self.transfers.get_mut(hash) else { return };
        let (incoming, origin, request) = (transfer.incoming, transfer.origin.take(), transfer.request.take());
        if let Some(origin) = origin {
            out.transfers.insert(hash);
            store_part(hash, &origin, None, Some(reason), out);
            if let Some(request) = request {
                out.reply(request, Err(EngineError::LockRefused(reason)));
            }
            out.emit(Event::Transfer(TransferEvent::PartFailed {
                payment: origin.payment,
                part: origin.part,
                hash,
                reason,
            }));
        }
        if let Some(place) = incoming {
            self.refuse_lock(place.channel, place.lock, reason, out);
        }
    }

    /// An update of ours was signed: its new locks have ids now.
    pub(super) fn locks_signed(&mut self, id: ChannelId, ops: &[Op], now: Timestamp, out: &mut Out) {
        for op in ops {
            match op {
                Op::Lock { lock, .. } => {
                    self.transfers.set_outgoing(lock.secret_hash, Some(LockPlace { channel: id, lock: lock.id }));
                    out.transfers.insert(lock.secret_hash);
                    self.lock_left(id, lock, out);
                }
                Op::Unlock { lock, secret } => {
                    let Some(hash) = self.outgoing_ended(id, *lock, out) else { continue };
                    self.part_paid(hash, secret, now, out);
                }
                Op::Expire { .. } | Op::Cancel { .. } | Op::Pay { .. } => {}
            }
        }
    }

    /// Tells of a lock of ours that was just signed.
    fn lock_left(&self, id: ChannelId, lock: &Lock, out: &mut Out) {
        let (hash, amount) = (lock.secret_hash, lock.amount);
        let Some(transfer) = self.transfers.get(hash) else { return };
        let event = match (&transfer.origin, transfer.incoming) {
            (Some(OriginRecord { payment, part, .. }), _) => {
                TransferEvent::Locked { payment: *payment, part: *part, channel: id, hash, amount }
            }
            (None, Some(LockPlace { channel: from, lock })) => {
                let incoming = self.channels.get(from).and_then(|channel| channel.received.locks.get(lock));
                let fee = incoming.map(|incoming| incoming.amount.saturating_sub(amount)).unwrap_or_default();
                TransferEvent::Forwarded { from, to: id, hash, amount, fee }
            }
            (None, None) => return,
        };
        out.emit(Event::Transfer(event));
    }

    /// The initiator's lock is being paid out: its part of the payment is made.
    fn part_paid(&mut self, hash: SecretHash, secret: &Secret, now: Timestamp, out: &mut Out) {
        let Some(transfer) = self.transfers.get_mut(hash) else { return };
        let Some(origin) = transfer.origin.take() else { return };
        let request = transfer.request.take();
        store_part(hash, &origin, Some(secret), None, out);
        let OriginRecord { payment, part, amount, fee, .. } = origin;
        self.request_paid(payment, now, out);
        if let Some(request) = request {
            out.reply(request, Ok(Reply::Part { payment, part, secret: secret.clone() }));
        }
        out.emit(Event::Transfer(TransferEvent::PartPaid { payment, part, hash, amount, fee, secret: secret.clone() }));
    }

    /// Begins a payment, or a part of one, with a lock to the first account on its way.
    #[expect(clippy::too_many_arguments, reason = "they are the command's parameters")]
    pub(super) fn begin(
        &mut self,
        request: RequestId,
        id: ChannelId,
        origin: OriginRecord,
        hash: SecretHash,
        amount: Amount,
        expiry: Timestamp,
        route: Route,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), EngineError> {
        if !self.own_key_counts(now) {
            return Err(EngineError::NotAuthorized);
        }
        if self.transfers.contains(hash) {
            return Err(EngineError::DuplicatePayment);
        }
        let (time, policy) = (self.time(now), self.config.locks);
        let soonest = time.saturating_add(policy.margin);
        if expiry <= soonest || expiry > time.saturating_add(policy.tail) {
            return Err(EngineError::InvalidArgument("the lock would end too soon or too late".into()));
        }
        let channel = self.channels.get_mut(id).ok_or(EngineError::UnknownChannel)?;
        channel.offer(Offer { hash, amount, expiry, route }, &policy).map_err(EngineError::LockRefused)?;
        let transfer = self.transfers.entry(hash);
        (transfer.offered, transfer.origin, transfer.request) = (Some(id), Some(origin), Some(request));
        out.seen.insert(id);
        Ok(())
    }

    /// A target asks for the secret of a payment that this account began.
    pub(super) fn secret_requested(
        &self,
        from: PublicKey,
        payment: PaymentId,
        hash: SecretHash,
        amount: Amount,
        out: &mut Out,
    ) {
        let origin = self.transfers.get(hash).and_then(|transfer| transfer.origin.as_ref());
        let matches =
            |origin: &&OriginRecord| origin.payment == payment && origin.target == from && amount >= origin.amount;
        if let Some(secret) = origin.filter(matches).and_then(|origin| origin.secret.clone()) {
            out.send(from, Message::TellSecret { secret });
        }
    }

    /// After comparing states: the partner is told again what it may not have heard.
    pub(super) fn locks_resumed(&mut self, id: ChannelId, recovered: bool, now: Timestamp, out: &mut Out) {
        if recovered {
            self.relink(id, out);
        }
        let Some(channel) = self.channels.get(id) else { return };
        let pending: Vec<Lock> = channel.received.locks.slots().map(|(_, lock)| *lock).collect();
        let refused = channel.locks.refused.clone();
        let ours: Vec<Lock> = channel.sent.locks.slots().map(|(_, lock)| *lock).collect();
        let to = self.peers.key_of(channel.partner());
        for lock in pending {
            if let (Some(reason), Some(to)) = (refused.get(&lock.id), to) {
                out.send(to, Message::RefuseLock { channel: id, lock: lock.id, reason: *reason });
            } else if self.transfers.of_incoming(id, lock.id) == Some(lock.secret_hash) {
                self.reveal(LockPlace { channel: id, lock: lock.id }, out);
                self.decide(lock.secret_hash, now, out);
            }
        }
        for lock in ours {
            let secret =
                self.transfers.of_outgoing(id, lock.id).and_then(|hash| self.transfers.get(hash)?.secret.clone());
            if let Some(secret) = secret {
                self.learn(lock.secret_hash, secret, Source::OffChain, now, out);
            }
        }
    }

    /// Makes transfers of locks that were recovered from the partner's copy, and forgets those that turned out to be gone.
    fn relink(&mut self, id: ChannelId, out: &mut Out) {
        let Some(channel) = self.channels.get(id) else { return };
        let ours: Vec<Lock> = channel.sent.locks.slots().map(|(_, lock)| *lock).collect();
        let theirs: Vec<Lock> = channel.received.locks.slots().map(|(_, lock)| *lock).collect();
        let is_pending = |place: &LockPlace, locks: &[Lock]| locks.iter().any(|lock| lock.id == place.lock);
        let mut gone = Vec::new();
        for (hash, transfer) in self.transfers.iter() {
            let left = transfer.outgoing.filter(|place| place.channel == id && !is_pending(place, &ours));
            let left = left.filter(|place| !channel.locks.cancelled.contains_key(&place.lock));
            gone.extend(left.map(|_| hash));
        }
        for hash in gone {
            self.transfers.set_outgoing(hash, None);
            // How it ended is not known: the lock to us is kept until it ends too, and never let go early.
            self.transfers.entry(hash).route = None;
            out.transfers.insert(hash);
        }
        for lock in ours {
            if self.transfers.of_outgoing(id, lock.id).is_none() {
                self.transfers.set_outgoing(lock.secret_hash, Some(LockPlace { channel: id, lock: lock.id }));
                out.transfers.insert(lock.secret_hash);
            }
        }
        for lock in theirs {
            let known = self.transfers.get(lock.secret_hash).is_some_and(|transfer| transfer.incoming.is_some());
            if !known {
                self.transfers.set_incoming(lock.secret_hash, Some(LockPlace { channel: id, lock: lock.id }));
                out.transfers.insert(lock.secret_hash);
            }
        }
    }

    /// Writes what changed of the transfers in this step.
    pub(super) fn store_transfers(&mut self, out: &mut Out) {
        let touched = std::mem::take(&mut out.transfers);
        self.transfers.sweep(&touched);
        for hash in touched {
            let key = records::transfer_key(hash);
            match self.transfers.record(hash) {
                Some(record) => out.step.write(key, records::write(&record)),
                None => out.step.writes.deletes.push(key),
            }
        }
    }
}

/// How a part ended is stored in the step that ends it: a payment whose application died is not made twice.
fn store_part(
    hash: SecretHash,
    origin: &OriginRecord,
    secret: Option<&Secret>,
    reason: Option<LockRefusal>,
    out: &mut Out,
) {
    let record = PartRecord { hash, origin: origin.clone(), secret: secret.cloned(), reason };
    out.step.write(records::part_key(origin.payment, origin.part), records::write(&record));
}
