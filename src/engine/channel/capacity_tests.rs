//! What a side can still pay, against the specification in numbers that cannot overflow.

use alloy::primitives::I256;
use proptest::prelude::*;

use super::*;
use crate::protocol::{B256, Lock, SecretHash};

fn units() -> impl Strategy<Value = u128> {
    prop_oneof![
        4 => 0_u128..1_000,
        4 => any::<u128>(),
        1 => Just(0),
        2 => (0_u128..3).prop_map(|less| u128::MAX - less),
    ]
}

proptest! {
    #[test]
    fn distributable_is_what_the_specification_says(
        deposited in units(), withdrawn in units(), received in units(), transferred in units(), locked in units(),
    ) {
        let mut sent = Direction { transferred: Amount::new(transferred), ..Direction::default() };
        if locked > 0 {
            let lock = Lock { id: 1, amount: Amount::new(locked), expiry: 1, secret_hash: SecretHash(B256::ZERO) };
            sent.locks.insert(lock).unwrap();
        }
        let signed = |units: u128| I256::from_raw(U256::from(units));
        let rest = signed(deposited) - signed(withdrawn) + signed(received) - signed(transferred) - signed(locked);
        let rest = (rest >= I256::ZERO).then(|| Amount::new(u128::try_from(rest.into_raw()).unwrap_or(u128::MAX)));
        let [deposited, withdrawn, received] = [deposited, withdrawn, received].map(Amount::new);
        prop_assert_eq!(distributable(deposited, withdrawn, received, &sent), rest);
    }
}
