//! The payout rule over every kind of figures: its bytecode against the model, and the properties that the project promises.

use alloy::primitives::I256;
use chit_judge_tests::{
    abi::{Figures as Abi, PAYOUT_HARNESS_JSON, PayoutHarness},
    model::{Figures, held, owed, raiden_owed},
};
use proptest::{prelude::*, test_runner::Config};

use crate::{chance::Chance, prelude::World};

/// Channels that one property looks at: `RUNS` seeds, `EACH` channels from each.
const RUNS: u32 = 250;
const EACH: u32 = 1_000;

/// proptest picks and reports the seed; the figures come from it by the thousand, or this would take minutes.
fn config() -> Config {
    Config { cases: RUNS, failure_persistence: None, ..Config::default() }
}

/// One side with any figures at all.
fn figures(chance: &mut Chance) -> Figures {
    let (deposited, withdrawn, transferred, locked) =
        (chance.amount(), chance.amount(), chance.amount(), chance.amount());
    let claimed = chance.part(locked);
    Figures { deposited, withdrawn, transferred, locked, claimed, is_final: claimed == locked || chance.coin() }
}

/// Two sides of one channel: the deposits fit an amount, and no more was withdrawn than deposited.
fn channel(chance: &mut Chance) -> (Figures, Figures) {
    let (mut x, mut y) = (figures(chance), figures(chance));
    y.deposited = y.deposited.min(u128::MAX - x.deposited);
    let total = x.deposited + y.deposited;
    x.withdrawn = x.withdrawn.min(total);
    y.withdrawn = chance.part(total - x.withdrawn);
    (x, y)
}

/// Checks a property of many channels.
fn for_channels(check: impl Fn(&mut Chance, Figures, Figures)) {
    proptest!(config(), |(seed in any::<u64>())| {
        let mut chance = Chance::new(seed);
        for _ in 0..EACH {
            let (x, y) = channel(&mut chance);
            check(&mut chance, x, y);
        }
    });
}

fn decided(x: Figures) -> Figures {
    Figures { is_final: true, ..x }
}

fn abi(x: &Figures) -> Abi {
    Abi {
        deposited: x.deposited,
        withdrawn: x.withdrawn,
        transferred: x.transferred,
        locked: x.locked,
        claimed: x.claimed,
        isFinal: x.is_final,
    }
}

#[test]
fn the_bytecode_is_the_model() {
    let mut w = World::new();
    let harness = w.deploy(PAYOUT_HARNESS_JSON, &[]);
    let chain = std::cell::RefCell::new(w.chain);
    proptest!(config(), |(seed in any::<u64>())| {
        let mut chance = Chance::new(seed);
        // Half of them channels that can be; the rule must hold its ground on any figures.
        let pairs: Vec<_> = (0..EACH)
            .map(|i| if i % 2 == 0 { channel(&mut chance) } else { (figures(&mut chance), figures(&mut chance)) })
            .collect();
        let (a, b) = pairs.iter().map(|(x, y)| (abi(x), abi(y))).unzip();
        let answer = chain.borrow_mut().view(harness, &PayoutHarness::owedCall { a, b });
        for (i, (x, y)) in pairs.iter().enumerate() {
            prop_assert_eq!(I256::from_raw(answer.owedA[i]), owed(x, y), "{:?} {:?}", x, y);
            prop_assert_eq!(I256::from_raw(answer.owedB[i]), owed(y, x), "{:?} {:?}", y, x);
        }
    });
}

#[test]
fn nothing_is_made_and_nothing_is_lost() {
    for_channels(|_, x, y| {
        let (held, owed_x, owed_y) = (held(&x, &y), owed(&x, &y), owed(&y, &x));
        assert!(owed_x >= I256::ZERO && owed_y >= I256::ZERO && owed_x + owed_y <= held, "{x:?} {y:?}");
        let (x, y) = (decided(x), decided(y));
        assert_eq!(owed(&x, &y) + owed(&y, &x), held, "{x:?} {y:?}");
    });
}

#[test]
fn what_is_owed_only_grows() {
    for_channels(|chance, x, y| {
        // More claims out of x's locks, if they are not decided, and perhaps the decision.
        let more = if x.is_final { 0 } else { chance.part(x.locked - x.claimed) };
        let later = Figures { claimed: x.claimed + more, is_final: x.is_final || chance.coin(), ..x };
        assert!(owed(&later, &y) >= owed(&x, &y), "{x:?} {later:?} {y:?}");
        assert!(owed(&y, &later) >= owed(&y, &x), "{x:?} {later:?} {y:?}");
    });
}

#[test]
fn a_stale_proof_never_earns_more() {
    for_channels(|chance, x, y| {
        // y signed both proofs. What a proof is worth at the end, T + c, never falls from one to the next: payments raise T,
        // unlocking moves a lock from c to T, and a lock is dropped only when it can no longer be claimed.
        let worth = chance.part(y.transferred.saturating_add(y.claimed));
        let locked = chance.amount();
        let claimed = chance.part(worth.min(locked));
        let stale = Figures { transferred: worth - claimed, locked, claimed, is_final: claimed == locked, ..y };
        // Cheater x brings the stale one; y brings x's newest. Whatever is decided by then, and when all is decided:
        assert!(owed(&x, &decided(stale)) <= owed(&x, &decided(y)), "{x:?} {y:?} {stale:?}");
        assert!(owed(&x, &stale) <= owed(&x, &y), "{x:?} {y:?} {stale:?}");
        let x = decided(x);
        assert!(owed(&decided(stale), &x) >= owed(&decided(y), &x), "{x:?} {y:?} {stale:?}");
    });
}

#[test]
fn raidens_rule_would_not_pass() {
    // J put 10 in and locked 5 and 5 to I. The first was paid, the second expired, and I paid 3 back.
    let side = |transferred, locked, claimed, deposited| Figures {
        deposited,
        transferred,
        locked,
        claimed,
        withdrawn: 0,
        is_final: true,
    };
    let i = side(3, 0, 0, 0);
    let newest = side(5, 0, 0, 10);
    // The proof before any of that, one lock of which can still be claimed.
    let stale = side(0, 10, 5, 10);
    let two = I256::try_from(2).unwrap();
    assert_eq!((owed(&i, &newest), owed(&i, &stale)), (two, two));
    assert_eq!(raiden_owed(&i, &newest), two);
    assert!(raiden_owed(&i, &stale) > two);
}
