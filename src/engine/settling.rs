//! Being paid by the Judge after the challenge period: claims of locks, in as many transactions as they take.
//!
//! What is to be claimed next follows from what the chain says was claimed; the next transaction is asked for when the one
//! before is in a block.

use crate::protocol::{Address, Amount, Claim, JudgeCall, LockId, Timestamp};

use super::channel::Channel;
use super::gas::{Left, Room, Worth, claim_gas};
use super::operations::Further;
use super::transfers::Registered;
use super::{Action, Engine, EngineError, Event, Out, Signer};

/// What a settlement has come to.
#[derive(Debug)]
pub(super) struct Settling {
    /// Locks are claimed that cost more than they hold.
    pub(super) force: bool,
    /// The locks that the last transaction claims, once there is one.
    asked: Option<Vec<LockId>>,
    told: bool,
}

impl Settling {
    pub(super) const fn new(force: bool) -> Self {
        Self { force, asked: None, told: false }
    }
}

/// The locks that the next transaction claims, and those that are not worth it.
#[derive(Debug, Default)]
struct Next {
    claim: Option<Claim>,
    /// What it claims.
    amount: Amount,
    /// True when further claims did not fit.
    more: bool,
    left: Left,
}

impl<S: Signer> Engine<S> {
    /// Notes of every channel that is being settled whether a transaction would pay something out.
    pub(super) fn note_payouts(&mut self, out: &mut Out) {
        let decided = self.channels.values().filter(|channel| channel.is_decided(&self.head));
        let waiting = |channel: &Channel| {
            !channel.was_paid() || !self.ended_sides(channel).is_empty() || !self.claimable(channel).is_empty()
        };
        let found: Vec<_> = decided.map(|channel| (channel.id, waiting(channel))).collect();
        for (id, payout) in found {
            if let Some(channel) = self.channels.get_mut(id).filter(|channel| channel.payout != payout) {
                channel.payout = payout;
                out.seen.insert(id);
            }
        }
    }

    /// Brings the next transaction of a settlement, if there is one.
    pub(super) fn settle_further(&mut self, index: usize, now: Timestamp, out: &mut Out) -> Further {
        let Some(operation) = self.operations.get(index) else { return Further::ByChain };
        let (Some(settling), Some(channel)) = (&operation.settling, self.channels.get(operation.channel)) else {
            return Further::ByChain;
        };
        if channel.tip.done.is_some() {
            return Further::ByChain;
        }
        let (id, name, force) = (channel.id, operation.id.clone(), settling.force);
        let (is_first, is_coin) = (settling.asked.is_none(), channel.key.token.is_zero());
        if let Some(asked) = &settling.asked {
            let claimed = channel.claimed();
            if !asked.iter().all(|lock| claimed.contains(lock)) {
                return Further::Waits;
            }
            if asked.is_empty() {
                return Further::ByChain;
            }
        }
        let open = !self.claimable(channel).is_empty();
        let worth = match (open, force) {
            (true, false) => self.worth(is_coin, now, out),
            (false, _) | (true, true) => Some(Worth::Everything),
        };
        let (Some(worth), Some(channel)) = (worth, self.channels.get(id)) else { return Further::Waits };
        let (ours, theirs) = (channel.wallet(), channel.partner());
        let mut finalize = self.ended_sides(channel);
        // Where the payout is made anyway, the claims need not be worth a transaction of their own.
        let alone = channel.was_paid() && !finalize.contains(&ours);
        let Next { claim, amount, more, left } = self.next_claim(channel, worth, alone);
        let side = channel.tip.side(channel.side.other());
        let all = side.claimed.checked_add(amount) == Ok(side.locked);
        // Once the partner's locks are given back, none is claimed any more; and the Judge gives back nothing where nothing is left.
        finalize.retain(|wallet| *wallet != theirs || !(more || all || left.locks > 0));
        let nothing = claim.is_none() && finalize.is_empty() && channel.was_paid();
        let call = JudgeCall::Settle { key: channel.key, claims: claim.iter().cloned().collect(), finalize };
        if let Some(settling) = self.operations.get_mut(index).and_then(|operation| operation.settling.as_mut())
            && left.locks > 0
            && !std::mem::replace(&mut settling.told, true)
        {
            let Left { locks, amount, cost } = left;
            out.emit(Event::LocksLeft { channel: id, action: Action::Settle, locks, amount, cost });
        }
        match claim {
            None if is_first && nothing => Further::Fails(match left.locks {
                0 => EngineError::NothingToDo,
                _ => EngineError::NotWorthIt,
            }),
            None if !is_first => Further::ByChain,
            claim => {
                let asked = claim.map(|claim| claim.locks.iter().map(|lock| lock.id).collect()).unwrap_or_default();
                if let Some(settling) = self.operations.get_mut(index).and_then(|known| known.settling.as_mut()) {
                    settling.asked = Some(asked);
                }
                self.transact(id, Some(name), call, out);
                Further::Waits
            }
        }
    }

    /// The wallets whose unclaimed locks nobody can claim any more.
    fn ended_sides(&self, channel: &Channel) -> Vec<Address> {
        let time = self.head.timestamp;
        let over = |(wallet, locked, last): (Address, bool, Timestamp)| {
            let from = channel.tip.closing.map_or(last, |closing| closing.challenge_end.max(last));
            (locked && time >= from.saturating_add(self.config.challenge)).then_some(wallet)
        };
        let (ours, theirs) = (channel.tip.side(channel.side), channel.tip.side(channel.side.other()));
        let sides = [
            (channel.wallet(), ours.locked > ours.claimed, channel.sent.locks.last_expiry()),
            (channel.partner(), theirs.locked > theirs.claimed, channel.received.locks.last_expiry()),
        ];
        sides.into_iter().filter_map(over).collect()
    }

    /// The partner's locks that are ours to claim: in the proof that the Judge holds, with a secret that was registered in time.
    fn claimable(&self, channel: &Channel) -> Vec<LockId> {
        let judged = channel.tip.side(channel.side.other()).nonce;
        if channel.received_proof.is_none_or(|held| held.proof.nonce != judged) {
            return Vec::new();
        }
        let claimed = channel.claimed();
        let is_open = |lock: &LockId| {
            let known = self.transfers.of_incoming(channel.id, *lock).and_then(|hash| self.transfers.get(hash));
            let registered = known.is_some_and(|transfer| transfer.registered == Some(Registered::InTime));
            registered && !claimed.contains(lock)
        };
        channel.received.locks.slots().map(|(_, lock)| lock.id).filter(is_open).collect()
    }

    fn next_claim(&self, channel: &Channel, worth: Worth, alone: bool) -> Next {
        let mut next = Next::default();
        let mut claim = Claim { sender: channel.partner(), locks: Vec::new(), proofs: Vec::new() };
        let (mut room, mut amount, mut gas) = (Room::new(), Amount::ZERO, 0_u64);
        for id in self.claimable(channel) {
            let Some(lock) = channel.received.locks.get(id) else { continue };
            let Ok(proof) = channel.received.locks.proof(id) else { continue };
            let cost = claim_gas(proof.len());
            if !worth.covers(lock, cost) {
                next.left.add(lock, cost, worth);
            } else if room.take(proof.len()) {
                amount = amount.checked_add(lock.amount).unwrap_or(Amount::MAX);
                gas = gas.saturating_add(cost);
                claim.locks.push(*lock);
                claim.proofs.push(proof);
            } else {
                next.more = true;
            }
        }
        if alone && !worth.covers_transaction(amount, gas) {
            for (lock, proof) in claim.locks.iter().zip(&claim.proofs) {
                next.left.add(lock, claim_gas(proof.len()), worth);
            }
        } else if !claim.locks.is_empty() {
            (next.claim, next.amount) = (Some(claim), amount);
        }
        next
    }
}
