//! Money against a model that cannot overflow: sums in 256 bits, and one direction replayed op by op.

use alloy::primitives::U256;
use proptest::prelude::*;

use super::*;

/// Everyday amounts, any amount, and the ends of the range.
fn units() -> impl Strategy<Value = u128> {
    prop_oneof![
        4 => 0_u128..1_000,
        4 => any::<u128>(),
        1 => Just(0),
        1 => (0_u128..3).prop_map(|less| u128::MAX - less),
        1 => (0_u128..3).prop_map(|more| u128::from(u64::MAX) - 1 + more),
        1 => (0_u128..3).prop_map(|more| (1 << 127) - 1 + more),
    ]
}

fn secret(id: LockId) -> Secret {
    Secret([u8::try_from(id % 251).unwrap(); 32])
}

/// An operation by chance: small lock ids, so that they meet.
fn op() -> impl Strategy<Value = Op> {
    let id = 0_u64..8;
    prop_oneof![
        (units(), any::<[u8; 16]>()).prop_map(|(units, payment)| Op::Pay {
            payment: PaymentId(payment),
            amount: Amount::new(units),
            memo: None,
        }),
        (id.clone(), units(), 0_u64..1 << 49).prop_map(|(id, units, expiry)| Op::Lock {
            lock: Lock { id, amount: Amount::new(units), expiry, secret_hash: secret(id).hash() },
            route: super::vectors::route(),
        }),
        (id.clone(), 0_u64..9)
            .prop_map(|(lock, of)| Op::Unlock { lock, secret: secret(if of == 8 { lock + 1 } else { lock }) }),
        id.clone().prop_map(|lock| Op::Expire { lock }),
        id.prop_map(|lock| Op::Cancel { lock }),
    ]
}

/// A direction by the words of the specification.
#[derive(Clone, Debug, Default)]
struct Model {
    transferred: U256,
    locks: Vec<Lock>,
}

impl Model {
    fn locked(&self) -> U256 {
        self.locks.iter().map(|lock| U256::from(lock.amount.get())).sum()
    }

    fn take(&mut self, id: LockId) -> Option<Lock> {
        let place = self.locks.iter().position(|lock| lock.id == id)?;
        Some(self.locks.remove(place))
    }

    /// `None` when the operation does not apply.
    fn apply(mut self, op: &Op) -> Option<Self> {
        match op {
            Op::Pay { amount, .. } => {
                self.transferred += U256::from(amount.get());
                (!amount.is_zero()).then_some(())?;
            }
            Op::Lock { lock, route: _ } => {
                let fits = !lock.amount.is_zero() && lock.expiry < 1 << 48;
                (fits && self.locks.iter().all(|other| other.id != lock.id)).then_some(())?;
                self.locks.push(*lock);
            }
            Op::Unlock { lock, secret } => {
                let lock = self.take(*lock)?;
                (secret.hash() == lock.secret_hash).then_some(())?;
                self.transferred += U256::from(lock.amount.get());
            }
            Op::Expire { lock } | Op::Cancel { lock } => drop(self.take(*lock)?),
        }
        let most = U256::from(u128::MAX);
        (self.transferred <= most && self.locked() <= most).then_some(self)
    }
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_256_bits_or_refused(a in units(), b in units()) {
        let (x, y) = (Amount::new(a), Amount::new(b));
        let (wide_a, wide_b) = (U256::from(a), U256::from(b));
        let sum = wide_a + wide_b;
        prop_assert_eq!(x.checked_add(y), u128::try_from(sum).map(Amount::new).map_err(|_| AmountError::Overflow));
        let difference = wide_a.checked_sub(wide_b).map(|units| Amount::new(units.to()));
        prop_assert_eq!(x.checked_sub(y), difference.ok_or(AmountError::Underflow));
        prop_assert_eq!(x.saturating_sub(y), difference.unwrap_or(Amount::ZERO));
        prop_assert_eq!(x.cmp(&y), wide_a.cmp(&wide_b));
        prop_assert_eq!(x.to_string().parse(), Ok(x));
        prop_assert_eq!(minicbor::decode::<Amount>(&encode(&x)).unwrap(), x);
    }

    #[test]
    fn amounts_have_one_encoding(bytes in prop::collection::vec(any::<u8>(), 0..20), tagged: bool) {
        // Tag 2 with a length that fits reaches the bignum's own rules.
        let head = if tagged { vec![0xc2, 0x40 | u8::try_from(bytes.len()).unwrap()] } else { Vec::new() };
        let bytes = [head, bytes].concat();
        let mut decoder = minicbor::Decoder::new(&bytes);
        if let Ok(amount) = decoder.decode::<Amount>() {
            let read = &bytes[..decoder.position()];
            // Only integers of 64 bits may be written longer than need be; what is hashed is encoded anew.
            prop_assert!(encode(&amount) == read || amount.get() <= u128::from(u64::MAX) && read[0] < 0x1c);
        }
    }

    #[test]
    fn a_direction_replays_as_specified(
        updates in prop::collection::vec(prop::collection::vec(op(), 0..6), 1..20),
    ) {
        let mut direction = Direction::default();
        let mut model = Model::default();
        for ops in updates {
            let before = (direction.nonce, direction.transferred, direction.locks.root(), direction.locks.len());
            let next = direction.replay(&ops);
            let expected = ops.iter().try_fold(model.clone(), |model, op| model.apply(op));
            prop_assert_eq!(next.is_ok(), expected.is_some(), "{:?} {:?}", next, expected);
            // A replay works on a copy, whatever comes of it.
            let after = (direction.nonce, direction.transferred, direction.locks.root(), direction.locks.len());
            prop_assert_eq!(before, after);
            let (Ok(next), Some(expected)) = (next, expected) else { continue };
            prop_assert_eq!(U256::from(next.transferred.get()), expected.transferred);
            prop_assert_eq!(U256::from(next.locks.total().get()), expected.locked());
            prop_assert_eq!(next.locks.len(), expected.locks.len());
            let last = expected.locks.iter().map(|lock| lock.expiry).max().unwrap_or_default();
            prop_assert_eq!(next.locks.last_expiry(), last);
            prop_assert_eq!(next.nonce.get(), direction.nonce.get() + 1);
            // What was paid is never taken back, and what is committed is the sum or refused.
            prop_assert!(next.transferred >= direction.transferred);
            let committed = expected.transferred + expected.locked();
            prop_assert_eq!(next.committed().ok().map(|sum| U256::from(sum.get())), (committed <= U256::from(u128::MAX)).then_some(committed));
            let proof = next.proof(ChannelId(B256::ZERO), Address::ZERO, &ops);
            prop_assert_eq!((proof.nonce, proof.transferred, proof.locked), (next.nonce, next.transferred, next.locks.total()));
            prop_assert_eq!((proof.locks_root, proof.last_expiry), (next.locks.root(), last));
            prop_assert_eq!(proof.locks_root.is_zero(), expected.locks.is_empty());
            prop_assert_eq!(proof.context, Op::context(&ops));
            (direction, model) = (next, expected);
        }
    }
}

#[test]
fn the_last_nonce_signs_nothing_more() {
    let last = Direction { nonce: Nonce::MAX, ..Direction::default() };
    assert_eq!(last.replay(&[]).unwrap_err(), OpError::Nonce(NonceError));
}
