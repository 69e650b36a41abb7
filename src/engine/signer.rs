//! The narrow door to the session key: typed operations only, never a bare digest.

use crate::protocol::{Address, Amount};
use crate::protocol::{
    BalanceProof, ChannelId, Domain, Hop, KeyError, PaymentRequest, PublicKey, Receipt, Route, SessionKey, Signature,
    Timestamp, sol_types,
};

/// A cooperative close that both sides sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseTerms {
    /// The channel.
    pub channel: ChannelId,
    /// What side A is paid.
    pub balance_a: Amount,
    /// What side B is paid.
    pub balance_b: Amount,
    /// The last second at which the Judge takes it.
    pub deadline: Timestamp,
}

/// A withdrawal that both sides sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithdrawTerms {
    /// The channel.
    pub channel: ChannelId,
    /// Who withdraws.
    pub wallet: Address,
    /// Everything it will have withdrawn.
    pub total: Amount,
    /// The last second at which the Judge takes it.
    pub deadline: Timestamp,
}

impl CloseTerms {
    /// The digest that both sides sign.
    pub fn digest(&self, domain: &Domain) -> crate::protocol::B256 {
        domain.digest(&sol_types::CooperativeClose {
            channelId: self.channel.0,
            balanceA: self.balance_a.get(),
            balanceB: self.balance_b.get(),
            deadline: self.deadline,
        })
    }
}

impl WithdrawTerms {
    /// The digest that both sides sign.
    pub fn digest(&self, domain: &Domain) -> crate::protocol::B256 {
        domain.digest(&sol_types::CooperativeWithdraw {
            channelId: self.channel.0,
            wallet: self.wallet,
            totalWithdrawn: self.total.get(),
            deadline: self.deadline,
        })
    }
}

/// Signs what the engine has decided. A signer never sees an undecided digest, so it cannot be tricked into signing one.
pub trait Signer {
    /// The session key's public half.
    fn public_key(&self) -> PublicKey;

    /// Signs a balance proof.
    ///
    /// # Errors
    /// [`KeyError`] when no signature can be made.
    fn sign_proof(&self, domain: &Domain, proof: &BalanceProof) -> Result<Signature, KeyError>;

    /// Countersigns a proof of the partner, so that the partner can bring it.
    ///
    /// # Errors
    /// [`KeyError`] when no signature can be made.
    fn sign_acceptance(&self, domain: &Domain, proof: &BalanceProof) -> Result<Signature, KeyError>;

    /// Reads what a lock tells of the payment's way; `None` when it was not sealed to this key.
    fn open_route(&self, route: &Route) -> Option<Hop>;

    /// Signs a cooperative close.
    ///
    /// # Errors
    /// [`KeyError`] when no signature can be made.
    fn sign_close(&self, domain: &Domain, terms: &CloseTerms) -> Result<Signature, KeyError>;

    /// Signs a cooperative withdrawal.
    ///
    /// # Errors
    /// [`KeyError`] when no signature can be made.
    fn sign_withdraw(&self, domain: &Domain, terms: &WithdrawTerms) -> Result<Signature, KeyError>;

    /// Signs a request to be paid.
    ///
    /// # Errors
    /// [`KeyError`] when no signature can be made.
    fn sign_request(&self, domain: &Domain, request: &PaymentRequest) -> Result<Signature, KeyError>;

    /// Signs that a request was paid.
    ///
    /// # Errors
    /// [`KeyError`] when no signature can be made.
    fn sign_receipt(&self, domain: &Domain, receipt: &Receipt) -> Result<Signature, KeyError>;
}

impl Signer for SessionKey {
    fn public_key(&self) -> PublicKey {
        Self::public_key(self)
    }

    fn sign_proof(&self, domain: &Domain, proof: &BalanceProof) -> Result<Signature, KeyError> {
        self.sign(proof.digest(domain))
    }

    fn sign_acceptance(&self, domain: &Domain, proof: &BalanceProof) -> Result<Signature, KeyError> {
        self.sign(proof.acceptance_digest(domain))
    }

    fn open_route(&self, route: &Route) -> Option<Hop> {
        route.open(self).ok()
    }

    fn sign_close(&self, domain: &Domain, terms: &CloseTerms) -> Result<Signature, KeyError> {
        self.sign(terms.digest(domain))
    }

    fn sign_withdraw(&self, domain: &Domain, terms: &WithdrawTerms) -> Result<Signature, KeyError> {
        self.sign(terms.digest(domain))
    }

    fn sign_request(&self, domain: &Domain, request: &PaymentRequest) -> Result<Signature, KeyError> {
        self.sign(domain.digest(&request.to_sol()))
    }

    fn sign_receipt(&self, domain: &Domain, receipt: &Receipt) -> Result<Signature, KeyError> {
        self.sign(receipt.digest(domain))
    }
}
