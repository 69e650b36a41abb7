//! Being paid: the rules by which a partner's update is accepted.

use crate::protocol::{
    BalanceProof, Direction, Domain, Grant, LockId, MAX_OPS, PublicKey, RefusalCode, ShownLock, SignedProof, Timestamp,
    Update,
};

use super::super::records::UpdateRecord;
use super::Channel;
use super::locks::{LockRules, tree_of};

/// The partner's session key, known to speak for its wallet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authenticated {
    pub(crate) key: PublicKey,
    /// The wallet's word for the key, to be brought to the Judge if the key is not delegated there.
    pub(crate) grant: Option<Grant>,
    /// Until when its signatures are sure to count, 0 when that is not known.
    pub(crate) until: Timestamp,
    /// True when that is long enough for proofs to be accepted.
    pub(crate) counts: bool,
}

/// What an update turned out to be.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// The next one: it must be stored before it is acknowledged.
    New(Box<UpdateRecord>),
    /// Stored already: it is acknowledged again.
    Known,
    /// One before it is missing.
    Gap,
}

impl Channel {
    /// Accepts the partner's next update.
    ///
    /// Nothing is accepted that the Judge would not pay: the number follows the last one, the operations lead to exactly
    /// the proof's numbers, what is signed away is covered by *confirmed* deposits, nothing is taken once a close was
    /// seen, and the signature is the one the Judge will recover. The cheap rules come before the signature check.
    ///
    /// # Errors
    /// [`RefusalCode`]; nothing changed.
    pub(crate) fn receive(
        &mut self,
        update: Update,
        partner: &Authenticated,
        domain: &Domain,
        rules: &LockRules<'_>,
        now: Timestamp,
    ) -> Result<Arrival, RefusalCode> {
        let arrival = self.judge(update, partner, domain, rules, now);
        match &arrival {
            Ok(Arrival::New(_)) => self.refusing = false,
            Err(_) => self.refusing = true,
            Ok(Arrival::Known | Arrival::Gap) => {}
        }
        arrival
    }

    fn judge(
        &mut self,
        update: Update,
        partner: &Authenticated,
        domain: &Domain,
        rules: &LockRules<'_>,
        now: Timestamp,
    ) -> Result<Arrival, RefusalCode> {
        if update.nonce <= self.received.nonce {
            return Ok(Arrival::Known);
        }
        if self.received.nonce.next().ok() != Some(update.nonce) {
            return Ok(Arrival::Gap);
        }
        if !partner.counts {
            return Err(RefusalCode::KeyNotValid);
        }
        if self.is_closing() {
            return Err(RefusalCode::Closing);
        }
        if self.stop_reason().is_some() {
            return Err(RefusalCode::Stopped);
        }
        if self.chain.opened.is_none() {
            return Err(RefusalCode::UnknownChannel);
        }
        if update.ops.is_empty() || update.ops.len() > MAX_OPS {
            return Err(RefusalCode::Malformed);
        }
        let next = self.received.replay(&update.ops).map_err(|_| RefusalCode::WrongProof)?;
        self.check_locks(&update.ops, next.locks.len(), rules)?;
        let proof = next.proof(self.id, self.partner(), &update.ops);
        let claimed = (update.transferred, update.locked, update.last_expiry, update.locks_root);
        if claimed != (proof.transferred, proof.locked, proof.last_expiry, proof.locks_root) {
            return Err(RefusalCode::WrongProof);
        }
        if self.their_capacity(&next).is_none() {
            return Err(RefusalCode::InsufficientCapacity);
        }
        let signed = SignedProof { proof, signature: update.signature, signer: partner.key };
        signed.verify(domain).map_err(|_| RefusalCode::BadSignature)?;
        self.hold(next, signed, partner);
        self.locks.received(&update.ops, update.nonce);
        Ok(Arrival::New(Box::new(UpdateRecord { signed, ops: update.ops, at: now })))
    }

    fn hold(&mut self, received: Direction, signed: SignedProof, partner: &Authenticated) {
        self.received = received;
        self.received_proof = Some(signed);
        self.received_grant = partner.grant;
        self.received_until = partner.until;
    }

    /// Takes over a proof that the partner shows after this side lost what it had: the proof alone is money, even
    /// though the operations under it are gone. It must hold by the same rules as one that comes in an update, or showing
    /// proofs would be the way around them.
    ///
    /// # Errors
    /// [`RefusalCode`]; nothing changed.
    pub(crate) fn adopt_received(
        &mut self,
        shown: &SignedProof,
        locks: &[ShownLock],
        partner: &Authenticated,
        domain: &Domain,
    ) -> Result<(), RefusalCode> {
        let proof = &shown.proof;
        if proof.transferred < self.received.transferred {
            return Err(RefusalCode::WrongProof);
        }
        if shown.signer != partner.key || !partner.counts {
            return Err(RefusalCode::KeyNotValid);
        }
        // Locks that are held here may be owed to us or owed on by us: they end by operations, never by being left out.
        let kept = |(_, lock): (usize, &crate::protocol::Lock)| locks.iter().any(|shown| shown.lock == *lock);
        if !self.received.locks.slots().all(kept) {
            return Err(RefusalCode::UnsupportedOp);
        }
        let tree = tree_of(locks).ok_or(RefusalCode::WrongProof)?;
        let next = Direction { nonce: proof.nonce, transferred: proof.transferred, locks: tree };
        // What is claimed about locks must be what they give: a far last expiry would hold up the payout.
        if (BalanceProof { context: proof.context, ..next.proof(self.id, self.partner(), &[]) }) != *proof {
            return Err(RefusalCode::WrongProof);
        }
        if self.their_capacity(&next).is_none() {
            return Err(RefusalCode::InsufficientCapacity);
        }
        shown.verify(domain).map_err(|_| RefusalCode::BadSignature)?;
        let last: Option<LockId> = locks.iter().map(|shown| shown.lock.id).max();
        self.locks.last_received = self.locks.last_received.max(last.unwrap_or_default());
        self.hold(next, *shown, partner);
        self.refusing = false;
        Ok(())
    }
}
