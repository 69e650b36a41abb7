//! Where a lock's payment goes next.
//!
//! The initiator knows the whole path and wraps it hop by hop: each mediator can read who is next, how much and until
//! when, and nothing beyond; only the target reads what the payment is for. Every layer is sealed under a key that is
//! used once, so a mediator does not learn who pays either.

use super::cbor::{Decode, Encode};
use alloy::primitives::Address;
use sha2::{Digest, Sha256};

use super::{
    Amount, MAX_MESSAGE_BYTES, Memo, PaymentId, PublicKey, SEAL_NONCE_BYTES, Seal, SealError, Secret, SessionKey,
    Timestamp, cbor,
};

/// The longest route in bytes: enough for some fifteen hops and a memo.
pub const MAX_ROUTE_BYTES: usize = 3 * 1_024;

const KEY_BYTES: usize = 33;
const SECRET_DOMAIN: &[u8] = b"chit part v1";

/// A sealed hop; at most [`MAX_ROUTE_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq, Encode)]
#[cbor(transparent)]
pub struct Route(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    Vec<u8>,
);

/// Why a route cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Longer than [`MAX_ROUTE_BYTES`].
    #[error("a route of {0} bytes is too long")]
    TooLong(usize),
    /// Not sealed to this key, or damaged.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Sealed to this key, but not a hop.
    #[error("the route is malformed")]
    Malformed,
}

/// What one account on the path is told.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Hop {
    /// Lock this much to the next account. What the incoming lock holds more is the fee.
    #[n(0)]
    #[cbor(map)]
    Forward {
        /// The next account.
        #[n(0)]
        #[cbor(with = "cbor::fixed")]
        next: Address,
        /// What to lock to it.
        #[n(1)]
        amount: Amount,
        /// Until when.
        #[n(2)]
        expiry: Timestamp,
        /// What it is told.
        #[n(3)]
        route: Route,
    },
    /// The payment is for you.
    #[n(1)]
    Deliver(#[n(0)] Delivery),
}

/// What the target is told of a payment, or of one part of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Delivery {
    /// The payment; the same in all of its parts.
    #[n(0)]
    pub payment: PaymentId,
    /// What all parts sum to.
    #[n(1)]
    pub total: Amount,
    /// What this part brings.
    #[n(2)]
    pub amount: Amount,
    /// The part's number, which tells its secret from the other parts'.
    #[n(3)]
    pub part: u32,
    /// This part's share of the payment's root secret. All shares together give the root, and the root every part's
    /// secret: the target can take all parts or none. Absent when the target must ask `reply_to` for the secret.
    #[n(4)]
    #[cbor(with = "cbor::optional")]
    pub share: Option<[u8; 32]>,
    /// The initiator's session key.
    #[n(5)]
    pub reply_to: PublicKey,
    /// The initiator's wallet.
    #[n(6)]
    #[cbor(with = "cbor::fixed")]
    pub from: Address,
    /// The initiator's note.
    #[n(7)]
    pub memo: Option<Memo>,
    /// The hash of the payee's request that this pays, if it pays one.
    #[n(8)]
    #[cbor(with = "cbor::optional")]
    pub request: Option<alloy::primitives::B256>,
}

impl Route {
    /// Seals a hop to the session key of the account that it is for. `once` must be a fresh random key and `nonce`
    /// random bytes.
    ///
    /// # Errors
    /// [`RouteError`] when the key is no key or the route too long.
    pub fn seal(
        hop: &Hop,
        to: PublicKey,
        once: &SessionKey,
        nonce: [u8; SEAL_NONCE_BYTES],
    ) -> Result<Self, RouteError> {
        let sealed = Seal::new(to, once)?.seal(nonce, &super::encode(hop))?;
        let bytes = [once.public_key().0.as_slice(), &sealed].concat();
        if bytes.len() > MAX_ROUTE_BYTES { Err(RouteError::TooLong(bytes.len())) } else { Ok(Self(bytes)) }
    }

    /// Reads what was sealed to `own`.
    ///
    /// # Errors
    /// [`RouteError`] when it was not.
    pub fn open(&self, own: &SessionKey) -> Result<Hop, RouteError> {
        let (key, sealed) = self.0.split_at_checked(KEY_BYTES).ok_or(RouteError::Malformed)?;
        let key = PublicKey(key.try_into().map_err(|_| RouteError::Malformed)?);
        let opened = Seal::new(key, own)?.open(sealed)?;
        let mut decoder = minicbor::Decoder::new(&opened);
        let hop = decoder.decode().map_err(|_| RouteError::Malformed)?;
        if decoder.position() == opened.len() { Ok(hop) } else { Err(RouteError::Malformed) }
    }

    /// The sealed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How long it is.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// True for no bytes at all, which no sealed hop is.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

const _: () = assert!(MAX_ROUTE_BYTES < MAX_MESSAGE_BYTES);

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Route({} bytes)", self.0.len())
    }
}

impl<'b, C> Decode<'b, C> for Route {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        if bytes.len() > MAX_ROUTE_BYTES {
            return Err(minicbor::decode::Error::message("the route is too long"));
        }
        Ok(Self(bytes.to_vec()))
    }
}

/// The secret of one part: from the payment's root and the part's number, so that parts open different locks and the
/// root opens all.
pub fn part_secret(root: &[u8; 32], part: u32) -> Secret {
    Secret(
        Sha256::new().chain_update(SECRET_DOMAIN).chain_update(root).chain_update(part.to_be_bytes()).finalize().into(),
    )
}

/// What a mediator takes for passing a payment on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FeeSchedule {
    /// Per payment, in base units.
    #[n(0)]
    pub flat: Amount,
    /// Of what is passed on, in millionths.
    #[n(1)]
    pub proportional: u32,
}

impl FeeSchedule {
    /// The fee for passing on `amount`, rounded up; `None` above the range of amounts.
    pub fn fee(&self, amount: Amount) -> Option<Amount> {
        const MILLION: u128 = 1_000_000;
        let rate = u128::from(self.proportional);
        // amount · rate / 10^6 without leaving the range: whole millions first, the rest after.
        let whole = (amount.get() / MILLION).checked_mul(rate)?;
        let rest = (amount.get() % MILLION).checked_mul(rate)?.div_ceil(MILLION);
        self.flat.checked_add(Amount::new(whole.checked_add(rest)?)).ok()
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(seed: u8) -> SessionKey {
        SessionKey::from_bytes(&[seed; 32]).unwrap()
    }

    fn delivery() -> Hop {
        Hop::Deliver(Delivery {
            payment: PaymentId([7; 16]),
            total: Amount::new(10),
            amount: Amount::new(4),
            part: 1,
            share: Some([9; 32]),
            reply_to: key(1).public_key(),
            from: Address::repeat_byte(1),
            memo: Some(Memo::new("hello").unwrap()),
            request: None,
        })
    }

    #[test]
    fn each_hop_reads_its_own_layer_and_no_other() {
        let inner = Route::seal(&delivery(), key(3).public_key(), &key(11), [1; 24]).unwrap();
        let next = Address::repeat_byte(3);
        let outer = Hop::Forward { next, amount: Amount::new(4), expiry: 99, route: inner.clone() };
        let route = Route::seal(&outer, key(2).public_key(), &key(12), [2; 24]).unwrap();
        assert_eq!(route.open(&key(2)), Ok(outer));
        assert_eq!(inner.open(&key(3)), Ok(delivery()));
        assert_eq!(route.open(&key(3)), Err(RouteError::Seal(SealError::NotAuthentic)));
        assert_eq!(inner.open(&key(2)), Err(RouteError::Seal(SealError::NotAuthentic)));
    }

    #[test]
    fn a_route_that_grows_too_long_is_refused() {
        let mut route = Route::seal(&delivery(), key(3).public_key(), &key(11), [1; 24]).unwrap();
        let wrap = |route| {
            let hop = Hop::Forward { next: Address::ZERO, amount: Amount::new(1), expiry: 1, route };
            Route::seal(&hop, key(2).public_key(), &key(12), [1; 24])
        };
        let error = loop {
            match wrap(route) {
                Ok(longer) => route = longer,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, RouteError::TooLong(length) if length > MAX_ROUTE_BYTES));
    }

    #[test]
    fn parts_have_secrets_of_their_own() {
        let root = [5; 32];
        assert_ne!(part_secret(&root, 0), part_secret(&root, 1));
        assert_ne!(part_secret(&root, 0), part_secret(&[6; 32], 0));
        assert_eq!(part_secret(&root, 0), part_secret(&root, 0));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Route(bytes).open(&key(1));
        }

        #[test]
        fn fees_round_up_and_never_wrap(flat: u128, proportional: u32, amount: u128) {
            let fee = FeeSchedule { flat: Amount::new(flat), proportional }.fee(Amount::new(amount));
            let wide = ruint_fee(flat, proportional, amount);
            prop_assert_eq!(fee.map(Amount::get), wide);
        }
    }

    /// The same in 256 bits, where nothing overflows.
    fn ruint_fee(flat: u128, proportional: u32, amount: u128) -> Option<u128> {
        use alloy::primitives::U256;
        let product = U256::from(amount) * U256::from(proportional);
        let rounded = product.div_ceil(U256::from(1_000_000_u32)) + U256::from(flat);
        u128::try_from(rounded).ok()
    }
}
