//! Locks of one channel: what waits to be signed about them, what was cancelled, and the rules for the partner's.
//!
//! A cancelled lock is not gone when its sender has signed it away: the receiver may still bring the older proof. It counts
//! as locked until the receiver has countersigned a proof without it, which the sender can then bring itself.

use std::collections::VecDeque;

use crate::protocol::{
    Amount, Domain, Lock, LockId, LockRefusal, LockTree, MAX_SHOWN_LOCKS, Nonce, Op, PublicKey, RefusalCode, Route,
    Secret, SecretHash, ShownLock, Signature, SignedProof, Timestamp,
};

use super::super::LockPolicy;
use super::super::records::{AcceptedRecord, CancelledRecord, ChannelRecord, RefusedLockRecord};
use super::super::table::{Set, Table};
use super::Channel;

/// The most pending locks of one direction that are accepted at all. An account that wants fewer gives the rest back.
const MAX_LOCKS: usize = 1 << 14;

/// A lock that waits for a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) hash: SecretHash,
    pub(crate) amount: Amount,
    pub(crate) expiry: Timestamp,
    pub(crate) route: Route,
}

/// What is to be signed about one of our pending locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Pay it: the partner has shown the secret.
    Unlock(Secret),
    /// Take it back: the partner has refused it.
    Cancel,
    /// Drop it: it ended without its secret.
    Expire,
}

/// What a channel knows of locks besides the two trees.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    /// The highest id that we have given, and that the partner has.
    pub(crate) last_sent: LockId,
    pub(crate) last_received: LockId,
    /// The partner's newest update that cancelled a lock, 0 for none.
    pub(crate) last_cancel: Nonce,
    /// Locks of the partner that it may take back. Once said, it stays said.
    pub(crate) refused: Table<LockId, LockRefusal>,
    /// Our cancelled locks, for as long as somebody could claim them by an older proof.
    pub(crate) cancelled: Table<LockId, CancelledRecord>,
    /// Our newest proof that the partner has countersigned.
    pub(crate) accepted: Option<AcceptedRecord>,
    /// Why the partner refused our locks that are being cancelled.
    pub(crate) reasons: Table<LockId, LockRefusal>,
    due: Table<LockId, Due>,
    offers: VecDeque<Offer>,
    offered: Amount,
}

/// What the partner's operations on locks are measured by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockRules<'r> {
    pub(crate) time: Timestamp,
    /// How far off a lock's end may be, in seconds. Twice what anybody asks for: clocks differ.
    pub(crate) tail: Timestamp,
    /// The partner's locks that ended without their secret, by what the chain says.
    pub(crate) ended: &'r Set<LockId>,
}

impl Locks {
    /// What was stored of them; what waits is found anew from the transfers.
    pub(super) fn load(record: &ChannelRecord<'_>) -> Self {
        Self {
            last_sent: record.sent.last_lock,
            last_received: record.received.last_lock,
            last_cancel: record.last_cancel,
            refused: record.refused.iter().map(|refused| (refused.lock, refused.reason)).collect(),
            cancelled: record.cancelled.iter().map(|cancelled| (cancelled.lock.id, *cancelled)).collect(),
            accepted: record.accepted,
            ..Self::default()
        }
    }

    /// Lets the partner take a lock back; tells why, which is why it was refused the first time.
    pub(crate) fn refuse(&mut self, lock: LockId, reason: LockRefusal) -> LockRefusal {
        if let Some(first) = self.refused.get(&lock) {
            return *first;
        }
        self.refused.insert(lock, reason);
        reason
    }

    /// What is stored of the refusals.
    pub(super) fn refused_records(&self) -> Vec<RefusedLockRecord> {
        self.refused.iter().map(|(lock, reason)| RefusedLockRecord { lock: *lock, reason: *reason }).collect()
    }

    /// The sum of the locks that wait for a signature.
    pub(crate) const fn offered(&self) -> Amount {
        self.offered
    }

    /// The sum of our cancelled locks that the partner has not let go yet.
    pub(crate) fn unaccepted(&self) -> Option<Amount> {
        let waiting = self.cancelled.values().filter(|cancelled| !cancelled.accepted);
        waiting.map(|cancelled| cancelled.lock.amount).try_fold(Amount::ZERO, |sum, next| sum.checked_add(next).ok())
    }

    /// True when something waits for a signature.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.due.is_empty() || !self.offers.is_empty()
    }

    /// True when something is due that must be signed even while a close is being prepared.
    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    pub(super) fn due(&self) -> impl Iterator<Item = Op> {
        self.due.iter().map(|(lock, due)| match due {
            Due::Unlock(secret) => Op::Unlock { lock: *lock, secret: secret.clone() },
            Due::Cancel => Op::Cancel { lock: *lock },
            Due::Expire => Op::Expire { lock: *lock },
        })
    }

    /// The waiting locks as operations, with the ids that they would get.
    pub(super) fn offers(&self) -> impl Iterator<Item = Op> {
        let ids = (1..).map(|step| self.last_sent.saturating_add(step));
        ids.zip(&self.offers).map(|(id, offer)| Op::Lock {
            lock: Lock { id, amount: offer.amount, expiry: offer.expiry, secret_hash: offer.hash },
            route: offer.route.clone(),
        })
    }

    /// Takes every waiting lock back.
    pub(crate) fn withdraw_offers(&mut self) -> Vec<Offer> {
        self.offered = Amount::ZERO;
        self.offers.drain(..).collect()
    }

    /// The locks that wait for a signature.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter()
    }

    /// Takes one waiting lock back.
    pub(crate) fn withdraw_offer(&mut self, hash: SecretHash) {
        let place = self.offers.iter().position(|offer| offer.hash == hash);
        if let Some(offer) = place.and_then(|place| self.offers.remove(place)) {
            self.offered = self.offered.saturating_sub(offer.amount);
        }
    }

    /// Notes what an update of ours, about to be signed under `nonce`, does to our locks.
    pub(super) fn signed(&mut self, ops: &[Op], before: &LockTree, nonce: Nonce) {
        for op in ops {
            match op {
                Op::Pay { .. } => {}
                Op::Lock { lock, .. } => {
                    self.last_sent = lock.id;
                    self.offers.pop_front();
                    self.offered = self.offered.saturating_sub(lock.amount);
                }
                Op::Unlock { lock, .. } | Op::Expire { lock } => {
                    self.due.remove(lock);
                }
                Op::Cancel { lock } => {
                    self.due.remove(lock);
                    if let Some(lock) = before.get(*lock) {
                        self.cancelled.insert(lock.id, CancelledRecord { lock: *lock, nonce, accepted: false });
                    }
                }
            }
        }
    }

    /// Notes what an accepted update of the partner does to its locks.
    pub(super) fn received(&mut self, ops: &[Op], nonce: Nonce) {
        for op in ops {
            match op {
                Op::Pay { .. } => {}
                Op::Lock { lock, .. } => self.last_received = self.last_received.max(lock.id),
                Op::Unlock { lock, .. } | Op::Expire { lock } => {
                    self.refused.remove(lock);
                }
                Op::Cancel { lock } => {
                    self.refused.remove(lock);
                    self.last_cancel = nonce;
                }
            }
        }
    }
}

impl Channel {
    /// Queues a lock to the partner.
    ///
    /// # Errors
    /// [`LockRefusal`] when it cannot be made now; nothing changes.
    pub(crate) fn offer(&mut self, offer: Offer, policy: &LockPolicy) -> Result<(), LockRefusal> {
        let reachable = self.synced && self.compared && self.refused.is_none();
        if !reachable || !self.is_live() || self.frozen {
            return Err(LockRefusal::NoRoute);
        }
        let count = self.sent.locks.len().saturating_add(self.locks.offers.len());
        if count >= policy.count || offer.amount.is_zero() || offer.amount > self.available() {
            return Err(LockRefusal::NoCapacity);
        }
        if offer.amount < policy.dust {
            return Err(LockRefusal::TooSmall);
        }
        let locked =
            self.sent.locks.total().checked_add(self.locks.offered).and_then(|sum| sum.checked_add(offer.amount));
        if locked.is_ok_and(|locked| locked > policy.sum) {
            return Err(LockRefusal::NoCapacity);
        }
        let offered = self.locks.offered.checked_add(offer.amount).map_err(|_| LockRefusal::NoCapacity)?;
        self.locks.offered = offered;
        self.locks.offers.push_back(offer);
        Ok(())
    }

    /// Notes what is due for one of our pending locks. False when nothing is: it is not pending, or it is being paid. A
    /// secret that was shown is never taken back, and what has ended needs no consent.
    pub(crate) fn set_due(&mut self, lock: LockId, due: Due) -> bool {
        if self.sent.locks.get(lock).is_none() {
            return false;
        }
        let stronger = match (self.locks.due.get(&lock), &due) {
            (None, _) | (Some(Due::Cancel | Due::Expire), Due::Unlock(_)) | (Some(Due::Cancel), Due::Expire) => true,
            (Some(Due::Unlock(_)), _)
            | (Some(Due::Cancel | Due::Expire), Due::Cancel)
            | (Some(Due::Expire), Due::Expire) => false,
        };
        if stronger {
            self.locks.due.insert(lock, due);
        }
        stronger
    }

    /// Whether the partner's operations on its locks may be accepted, after them `pending` locks being left.
    ///
    /// # Errors
    /// [`RefusalCode`] of the first that may not.
    pub(super) fn check_locks(&self, ops: &[Op], pending: usize, rules: &LockRules<'_>) -> Result<(), RefusalCode> {
        let mut last = self.locks.last_received;
        for op in ops {
            match op {
                Op::Pay { .. } | Op::Unlock { .. } => {}
                Op::Lock { lock, .. } => {
                    if lock.id <= last {
                        return Err(RefusalCode::WrongProof);
                    }
                    last = lock.id;
                    if lock.expiry > rules.time.saturating_add(rules.tail) {
                        return Err(RefusalCode::LockLimit);
                    }
                }
                Op::Expire { lock } if !rules.ended.contains(lock) => return Err(RefusalCode::NotExpired),
                Op::Expire { .. } => {}
                Op::Cancel { lock } if !self.locks.refused.contains_key(lock) => return Err(RefusalCode::WrongProof),
                Op::Cancel { .. } => {}
            }
        }
        if pending > MAX_LOCKS { Err(RefusalCode::LockLimit) } else { Ok(()) }
    }

    /// The partner countersigned our proof with this number: the cancelled locks that are gone by that.
    pub(crate) fn accepted(
        &mut self,
        nonce: Nonce,
        acceptance: Signature,
        partner: PublicKey,
        domain: &Domain,
    ) -> Vec<Lock> {
        let unacked = self.unacked.iter().map(|update| update.signed);
        let own = self.sent_proof.into_iter().chain(unacked).find(|signed| signed.proof.nonce == nonce);
        let Some(signed) = own.filter(|own| is_acceptance(own, &acceptance, partner, domain)) else {
            return Vec::new();
        };
        if self.locks.accepted.is_none_or(|known| known.signed.proof.nonce < nonce) {
            self.locks.accepted = Some(AcceptedRecord { signed, acceptance });
        }
        let gone =
            self.locks.cancelled.values_mut().filter(|cancelled| !cancelled.accepted && cancelled.nonce <= nonce);
        let gone = gone.map(|cancelled| {
            cancelled.accepted = true;
            cancelled.lock
        });
        let gone = gone.collect();
        self.forget_older_cancellations();
        gone
    }

    /// Of the cancelled locks that are let go the newest alone tells whether an older proof would pay more.
    fn forget_older_cancellations(&mut self) {
        let accepted = self.locks.cancelled.values().filter(|cancelled| cancelled.accepted);
        let newest = accepted.max_by_key(|cancelled| cancelled.nonce).map(|cancelled| cancelled.lock.id);
        self.locks.cancelled.retain(|lock, cancelled| !cancelled.accepted || Some(*lock) == newest);
    }

    /// Forgets a cancelled lock that ended without its secret. True when the partner had not let it go before.
    pub(crate) fn cancelled_lock_ended(&mut self, lock: LockId) -> bool {
        self.locks.cancelled.remove(&lock).is_some_and(|cancelled| !cancelled.accepted)
    }

    /// Our countersigned proof, if the partner could gain by an older one.
    pub(crate) fn proof_without_cancelled(&self) -> Option<AcceptedRecord> {
        let accepted = self.locks.accepted?;
        let known = self.tip.side(self.side).nonce;
        let covers =
            |cancelled: &CancelledRecord| cancelled.nonce <= accepted.signed.proof.nonce && cancelled.nonce > known;
        let needed = known < accepted.signed.proof.nonce && self.locks.cancelled.values().any(covers);
        needed.then_some(accepted)
    }
}

/// The pending locks of a tree for a partner who may have lost them; none when there are too many for one message.
pub(super) fn shown(tree: &LockTree) -> Vec<ShownLock> {
    if tree.len() > MAX_SHOWN_LOCKS {
        return Vec::new();
    }
    let show = |(slot, lock): (usize, &Lock)| Some(ShownLock { slot: u32::try_from(slot).ok()?, lock: *lock });
    tree.slots().filter_map(show).collect()
}

/// The tree that a partner showed.
pub(super) fn tree_of(shown: &[ShownLock]) -> Option<LockTree> {
    LockTree::from_slots(shown.iter().map(|shown| (shown.slot as usize, shown.lock))).ok()
}

fn is_acceptance(own: &SignedProof, acceptance: &Signature, partner: PublicKey, domain: &Domain) -> bool {
    partner.verify(own.proof.acceptance_digest(domain), acceptance).is_ok()
}
