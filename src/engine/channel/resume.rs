//! Comparing states after a (re)connection, as in BOLT-2's reestablish: whoever is behind is shown the other's signed proof.

use crate::protocol::{
    BalanceProof, Direction, Domain, Lock, LockId, Nonce, Resume, Signature, SignedProof, Timestamp,
};

use super::super::records::UpdateRecord;
use super::locks::{shown, tree_of};
use super::{Authenticated, Channel};

/// What comparing the two states gave.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Our updates that the partner turned out to have stored.
    pub(crate) settled: Vec<UpdateRecord>,
    /// Our updates that the partner lacks, to be sent again byte for byte.
    pub(crate) resend: Vec<UpdateRecord>,
    /// Our cancelled locks that the partner has let go.
    pub(crate) gone: Vec<Lock>,
    /// True when something was taken over from the partner's copy.
    pub(crate) recovered: bool,
    /// True when the stored state changed.
    pub(crate) changed: bool,
}

impl Channel {
    /// Our half of the comparison.
    pub(crate) fn resume(&self, reply: bool, acceptance: Option<Signature>) -> Resume {
        Resume {
            key: self.key,
            sent: self.sent_proof,
            received: self.received_proof,
            received_grant: self.received_grant,
            resend_from: match self.unacked.front() {
                Some(update) => update.signed.proof.nonce,
                None => self.sent.nonce.next().unwrap_or(Nonce::MAX),
            },
            reply,
            sent_locks: shown(&self.sent.locks),
            received_locks: shown(&self.received.locks),
            last_lock: self.locks.last_received,
            acceptance,
        }
    }

    /// Takes the partner's half. `is_our_key` tells whether a key that signed for us is, or was, ours.
    ///
    /// # Errors
    /// Why the two states cannot both be honest; the channel must stop.
    pub(crate) fn compare(
        &mut self,
        resume: &Resume,
        partner: &Authenticated,
        is_our_key: impl Fn(&SignedProof) -> bool,
        domain: &Domain,
        now: Timestamp,
    ) -> Result<Comparison, &'static str> {
        let mut result = Comparison::default();
        self.compare_sent(resume, partner, is_our_key, domain, now, &mut result)?;
        self.compare_received(resume, partner, domain, &mut result)?;
        result.changed |= !self.compared || result.recovered;
        self.compared = true;
        self.synced = true;
        self.moved = now;
        self.reconsider();
        Ok(result)
    }

    fn compare_sent(
        &mut self,
        resume: &Resume,
        partner: &Authenticated,
        is_our_key: impl Fn(&SignedProof) -> bool,
        domain: &Domain,
        now: Timestamp,
        result: &mut Comparison,
    ) -> Result<(), &'static str> {
        let held = resume.received.map_or(Nonce::ZERO, |shown| shown.proof.nonce);
        if let Some(shown) = resume.received {
            let unacked = self.unacked.iter().map(|update| update.signed);
            let same = self.sent_proof.into_iter().chain(unacked).find(|own| own.proof.nonce == held);
            if same.is_some_and(|own| own.proof != shown.proof) {
                return Err("the partner holds another proof of ours with the same number");
            }
            if held > self.sent.nonce {
                self.adopt_sent(&shown, resume, is_our_key, domain)?;
                result.recovered = true;
            }
        }
        if let Some(acceptance) = resume.acceptance {
            result.gone = self.accepted(held, acceptance, partner.key, domain);
        }
        result.changed |= !result.gone.is_empty();
        result.settled = self.acknowledge(held, now);
        result.changed |= !result.settled.is_empty();
        // What was refused for good is refused each time, and what follows it is of no use without it.
        let lasting = self.unacked.iter().filter(|_| self.refused.is_none());
        result.resend = lasting.cloned().collect();
        Ok(())
    }

    /// Takes over our own newer proof from the partner's copy: our storage was lost or is old.
    fn adopt_sent(
        &mut self,
        shown: &SignedProof,
        resume: &Resume,
        is_our_key: impl Fn(&SignedProof) -> bool,
        domain: &Domain,
    ) -> Result<(), &'static str> {
        let proof = &shown.proof;
        if shown.verify(domain).is_err() {
            return Err("the partner showed a proof that is not ours");
        }
        if !is_our_key(shown) {
            return Err("the partner showed a proof by a key that this wallet never named");
        }
        if proof.transferred < self.sent.transferred {
            return Err("the partner holds a newer proof of ours that pays less");
        }
        let cannot = "the partner showed a proof that cannot be taken over";
        let locks = tree_of(&resume.received_locks).ok_or(cannot)?;
        let next = Direction { nonce: proof.nonce, transferred: proof.transferred, locks };
        let same = BalanceProof { context: proof.context, ..next.proof(self.id, self.wallet(), &[]) } == *proof;
        if !same {
            return Err(cannot);
        }
        // An id that the partner has seen does not recur; one far above it would only use the numbers up sooner.
        self.locks.last_sent = self.locks.last_sent.max(resume.last_lock.min(LockId::MAX / 2));
        self.sent = next;
        self.sent_proof = Some(*shown);
        Ok(())
    }

    fn compare_received(
        &mut self,
        resume: &Resume,
        partner: &Authenticated,
        domain: &Domain,
        result: &mut Comparison,
    ) -> Result<(), &'static str> {
        let Some(shown) = resume.sent else { return Ok(()) };
        if let Some(own) = self.received_proof.filter(|own| own.proof.nonce == shown.proof.nonce) {
            if own.proof != shown.proof {
                return Err("the partner signed two proofs with the same number");
            }
            // The same proof under the partner's present key outlives the one under its former key.
            if own.signer != shown.signer && self.received.nonce == shown.proof.nonce {
                result.changed |= self.adopt_received(&shown, &resume.sent_locks, partner, domain).is_ok();
            }
        }
        let missing = shown.proof.nonce > self.received.nonce;
        let comes_again = self.received.nonce.next().is_ok_and(|next| resume.resend_from <= next);
        let only_on_chain = shown.proof.nonce == self.received.nonce && self.held_nonce() < self.received.nonce;
        // A proof that cannot be taken over now (its deposit is not confirmed here yet) is shown again at the next resume.
        if (missing && !comes_again) || only_on_chain {
            result.recovered |= self.adopt_received(&shown, &resume.sent_locks, partner, domain).is_ok();
        }
        Ok(())
    }
}
