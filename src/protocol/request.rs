//! What a payee asks for, and what it says when it was paid: both signed, so that anybody can check them later.
//!
//! A request names the terms and the way to the payee. Its id is the digest that the payee's session key signs: it binds
//! the chain, the Judge, the key and every term, so whoever speaks of a request by its id speaks of all of that. A receipt
//! is signed by the same key. Each is an EIP-712 struct of its own, so that neither passes for a promise of money.

use alloy::primitives::{Address, B256, FixedBytes};

use super::cbor::{Decode, Encode};
use super::{
    Amount, ChannelId, Domain, FeeSchedule, Grant, Memo, PROTOCOL_VERSION, PaymentId, PublicKey, Signature,
    SignatureError, Timestamp, cbor, sol_types,
};

/// The largest request in bytes. Written as text it still fits into one QR code.
pub const MAX_REQUEST_BYTES: usize = 1_280;
/// The most route hints in one request.
pub const MAX_ROUTE_HINTS: usize = 4;
/// The longest relay address in a request, in bytes.
pub const MAX_RELAY_URL_BYTES: usize = 128;
/// For how long a request counts at most, in seconds.
pub const MAX_REQUEST_LIFE: Timestamp = 366 * 24 * 3_600;

/// A channel that leads to the payee. Nothing proves what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RouteHint {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// Who sends over it.
    #[n(1)]
    #[cbor(with = "cbor::fixed")]
    pub from: Address,
    /// Who receives.
    #[n(2)]
    #[cbor(with = "cbor::fixed")]
    pub to: Address,
    /// What the sender takes for passing on over it.
    #[n(3)]
    pub fee: FeeSchedule,
    /// The most that it carries.
    #[n(4)]
    pub capacity: Amount,
}

/// The wallet's word for the session key of a request: a [`Grant`] without what the request says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Delegation {
    /// The key signs before this second, and not at it.
    #[n(0)]
    pub valid_until: Timestamp,
    /// The wallet's signature.
    #[n(1)]
    pub signature: Signature,
}

/// A payee's request to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PaymentRequest {
    /// A fresh random number: two requests on the same terms are two requests.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub reference: [u8; 16],
    /// The chain.
    #[n(1)]
    pub chain_id: u64,
    /// The Judge.
    #[n(2)]
    #[cbor(with = "cbor::fixed")]
    pub judge: Address,
    /// The wallet that wants to be paid.
    #[n(3)]
    #[cbor(with = "cbor::fixed")]
    pub payee: Address,
    /// Its session key, which takes the payment and signs the receipt.
    #[n(4)]
    pub signer: PublicKey,
    /// The token, zero for native ETH.
    #[n(5)]
    #[cbor(with = "cbor::fixed")]
    pub token: Address,
    /// How much; absent when the payer chooses. Never zero.
    #[n(6)]
    pub amount: Option<Amount>,
    /// When it was signed.
    #[n(7)]
    pub issued: Timestamp,
    /// The first second at which it no longer counts.
    #[n(8)]
    pub expiry: Timestamp,
    /// What it is for. Never empty.
    #[n(9)]
    pub memo: Option<Memo>,
    /// The relay where the payee can be reached. Never empty.
    #[n(10)]
    pub relay: Option<String>,
    /// Channels that lead to the payee.
    #[n(11)]
    #[cbor(decode_with = "cbor::at_most::<_, RouteHint, MAX_ROUTE_HINTS>")]
    pub hints: Vec<RouteHint>,
    /// The wallet's word for the session key, where the Judge does not know it.
    #[n(12)]
    pub delegation: Option<Delegation>,
    /// The signature by `signer`, over all but `delegation`.
    #[n(13)]
    pub signature: Signature,
}

/// A payee's word that a request was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// The request.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub request: B256,
    /// The payment that paid it.
    #[n(1)]
    pub payment: PaymentId,
    /// The wallet that paid, by its own word.
    #[n(2)]
    #[cbor(with = "cbor::fixed")]
    pub payer: Address,
    /// The wallet that was paid.
    #[n(3)]
    #[cbor(with = "cbor::fixed")]
    pub payee: Address,
    /// The token.
    #[n(4)]
    #[cbor(with = "cbor::fixed")]
    pub token: Address,
    /// How much.
    #[n(5)]
    pub amount: Amount,
    /// When it was taken.
    #[n(6)]
    pub at: Timestamp,
    /// The signature by the request's session key.
    #[n(7)]
    pub signature: Signature,
}

/// Why a request or a receipt does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not a request, or not written in its one form.
    #[error("this is not a payment request")]
    Malformed,
    /// A request of a later version.
    #[error("payment requests of version {0} are not known here")]
    Version(u8),
    /// A term is out of its bounds.
    #[error("the request's {0} is out of bounds")]
    Bounds(&'static str),
    /// It is for another chain or another Judge.
    #[error("the request is for another chain or another Judge")]
    OtherJudge,
    /// The receipt is for other terms than the request's.
    #[error("the receipt does not fit the request")]
    OtherTerms,
    /// A signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl RouteHint {
    const fn to_sol(self) -> sol_types::RouteHint {
        sol_types::RouteHint {
            channelId: self.channel.0,
            from: self.from,
            to: self.to,
            flat: self.fee.flat.get(),
            proportional: self.fee.proportional,
            capacity: self.capacity.get(),
        }
    }
}

impl PaymentRequest {
    /// The struct that is signed. What is absent is written as zero or empty, which it may not be itself.
    pub fn to_sol(&self) -> sol_types::PaymentRequest {
        sol_types::PaymentRequest {
            reference: FixedBytes(self.reference),
            payee: self.payee,
            sessionKey: self.signer.address(),
            token: self.token,
            amount: self.amount.unwrap_or_default().get(),
            issued: self.issued,
            expiry: self.expiry,
            memo: self.memo.as_ref().map(|memo| memo.as_str().to_owned()).unwrap_or_default(),
            relay: self.relay.clone().unwrap_or_default(),
            hints: self.hints.iter().copied().map(RouteHint::to_sol).collect(),
        }
    }

    /// The domain that the request names.
    pub fn domain(&self) -> Domain {
        Domain::new(self.chain_id, self.judge)
    }

    /// The id: the digest that the session key signs.
    pub fn id(&self) -> B256 {
        self.domain().digest(&self.to_sol())
    }

    /// The wallet's grant for the session key, if the request brings it.
    pub fn grant(&self) -> Option<Grant> {
        self.delegation.map(|Delegation { valid_until, signature }| Grant {
            wallet: self.payee,
            session_key: self.signer.address(),
            valid_until,
            signature,
        })
    }

    /// The bytes that are carried around: a version and the one encoding of the request.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[PROTOCOL_VERSION], super::encode(self).as_slice()].concat()
    }

    /// Reads a request and checks its form. Its signatures are [`PaymentRequest::verify`]'s.
    ///
    /// # Errors
    /// [`RequestError`] when it is too long, malformed or out of bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RequestError> {
        let (version, body) = bytes.split_first().ok_or(RequestError::Malformed)?;
        if *version != PROTOCOL_VERSION {
            return Err(RequestError::Version(*version));
        }
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::Malformed);
        }
        let request: Self = minicbor::decode(body).map_err(|_| RequestError::Malformed)?;
        // One request has one text, so that it can be recognized by it.
        if super::encode(&request) != body {
            return Err(RequestError::Malformed);
        }
        request.check_form()?;
        Ok(request)
    }

    /// Checks that every term is within its bounds.
    ///
    /// # Errors
    /// [`RequestError::Bounds`] names the first that is not.
    pub fn check_form(&self) -> Result<(), RequestError> {
        let life = self.expiry.checked_sub(self.issued);
        let relay = |relay: &String| (1..=MAX_RELAY_URL_BYTES).contains(&relay.len());
        let checks = [
            ("amount", self.amount.is_none_or(|amount| !amount.is_zero())),
            ("life", life.is_some_and(|life| (1..=MAX_REQUEST_LIFE).contains(&life))),
            ("memo", self.memo.as_ref().is_none_or(|memo| !memo.as_str().is_empty())),
            ("relay", self.relay.as_ref().is_none_or(relay)),
            ("number of hints", self.hints.len() <= MAX_ROUTE_HINTS),
        ];
        checks.into_iter().find(|(_, fits)| !fits).map_or(Ok(()), |(what, _)| Err(RequestError::Bounds(what)))
    }

    /// Checks the form, the domain and the signatures. Without a grant, and after a revocation, whether the key acts for the
    /// wallet is the Judge's word.
    ///
    /// # Errors
    /// [`RequestError`] says what does not count.
    pub fn verify(&self, domain: &Domain) -> Result<(), RequestError> {
        self.check_form()?;
        if (self.chain_id, self.judge) != (domain.chain_id(), domain.judge()) {
            return Err(RequestError::OtherJudge);
        }
        self.signer.verify(domain.digest(&self.to_sol()), &self.signature)?;
        self.grant().map_or(Ok(()), |grant| grant.verify(domain))?;
        Ok(())
    }
}

impl Receipt {
    /// The struct that is signed.
    pub const fn to_sol(&self) -> sol_types::Receipt {
        sol_types::Receipt {
            request: self.request,
            payment: FixedBytes(self.payment.0),
            payer: self.payer,
            payee: self.payee,
            token: self.token,
            amount: self.amount.get(),
            at: self.at,
        }
    }

    /// The digest that the request's session key signs.
    pub fn digest(&self, domain: &Domain) -> B256 {
        domain.digest(&self.to_sol())
    }

    /// Checks that this is the payee's word that `request` was paid as it asked. The request's own signatures are
    /// [`PaymentRequest::verify`]'s.
    ///
    /// # Errors
    /// [`RequestError`] says what does not count.
    pub fn verify(&self, request: &PaymentRequest) -> Result<(), RequestError> {
        let fits = self.request == request.id()
            && (self.payee, self.token) == (request.payee, request.token)
            && !self.amount.is_zero()
            && request.amount.is_none_or(|asked| asked == self.amount);
        if !fits {
            return Err(RequestError::OtherTerms);
        }
        Ok(request.signer.verify(self.digest(&request.domain()), &self.signature)?)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "request_tests.rs"]
mod tests;
