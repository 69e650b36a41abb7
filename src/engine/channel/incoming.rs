//! Being paid: the rules by which a partner's update is accepted.

use crate::protocol::{Domain, Grant, MAX_OPS, Op, PublicKey, RefusalCode, SignedProof, Timestamp, Update};

use super::super::records::UpdateRecord;
use super::Channel;

/// The partner's session key, known to speak for its wallet for long enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authenticated {
    pub(crate) key: PublicKey,
    /// The wallet's word for the key, to be brought to the Judge if the key is not delegated there.
    pub(crate) grant: Option<Grant>,
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
        now: Timestamp,
    ) -> Result<Arrival, RefusalCode> {
        if update.nonce <= self.received.nonce {
            return Ok(Arrival::Known);
        }
        if self.received.nonce.next().ok() != Some(update.nonce) {
            return Ok(Arrival::Gap);
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
        if !update.ops.iter().all(|op| matches!(op, Op::Pay { .. })) {
            return Err(RefusalCode::UnsupportedOp);
        }
        let next = self.received.replay(&update.ops).map_err(|_| RefusalCode::WrongProof)?;
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
        self.received = next;
        self.received_proof = Some(signed);
        self.received_grant = partner.grant;
        Ok(Arrival::New(Box::new(UpdateRecord { signed, ops: update.ops, at: now })))
    }

    /// Takes over a proof that the partner shows after this side lost what it had: the proof alone is money, even
    /// though the operations under it are gone.
    ///
    /// # Errors
    /// [`RefusalCode`]; nothing changed.
    pub(crate) fn adopt_received(
        &mut self,
        shown: &SignedProof,
        grant: Option<Grant>,
        domain: &Domain,
    ) -> Result<(), RefusalCode> {
        let proof = &shown.proof;
        if proof.channel != self.id || proof.sender != self.partner() || proof.transferred < self.received.transferred {
            return Err(RefusalCode::WrongProof);
        }
        if !proof.locked.is_zero() || !self.received.locks.is_empty() {
            return Err(RefusalCode::UnsupportedOp);
        }
        let next = crate::protocol::Direction {
            nonce: proof.nonce,
            transferred: proof.transferred,
            locks: Default::default(),
        };
        if self.their_capacity(&next).is_none() {
            return Err(RefusalCode::InsufficientCapacity);
        }
        shown.verify(domain).map_err(|_| RefusalCode::BadSignature)?;
        self.received = next;
        self.received_proof = Some(*shown);
        self.received_grant = grant;
        Ok(())
    }
}
