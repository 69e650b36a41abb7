//! When a session key counts, at every place that asks for a signature: one second before its end, at it, and after.

use crate::prelude::*;

/// Every call that a session key of a can carry, with everything else signed by wallets.
const PLACES: [&str; 5] = ["proof", "acceptance", "close", "cooperative close", "cooperative withdraw"];
/// Those that are still possible while the channel is closing.
const WHILE_CLOSING: [&str; 3] = ["proof", "acceptance", "cooperative close"];

/// Tries a place. The session key of a signs if `second` is false, that of b otherwise.
fn attempt(w: &mut World, key: &ChannelKey, place: &str, second: bool) -> Outcome {
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let (signer_a, signer_b) = if second { (a.clone(), w.key_b.clone()) } else { (w.key_a.clone(), b.clone()) };
    let (own, other) = if second { (&b, &a) } else { (&a, &b) };
    let signer = if second { &signer_b } else { &signer_a };
    let draft = Draft::paid(1, 10);
    let deadline = u64::MAX;
    match place {
        "proof" => {
            let proof = w.proof(key, own.address, &draft, signer, Some(other));
            w.call(&tower, &Judge::updateCall { key: key.clone(), sender: own.address, proof })
        }
        "acceptance" => {
            let proof = w.proof(key, other.address, &draft, other, Some(signer));
            w.call(&tower, &Judge::updateCall { key: key.clone(), sender: other.address, proof })
        }
        "close" => {
            let message = signed::CloseChannel { channelId: World::id(key), closer: own.address, deadline };
            let call = Judge::closeForCall {
                key: key.clone(),
                closer: own.address,
                deadline,
                closerSignature: w.sign(signer, &message),
                proof: World::no_proof(),
            };
            w.call(&tower, &call)
        }
        "cooperative close" => {
            let call = w.cooperative_close(key, (75, 75), deadline, (&signer_a, &signer_b));
            w.call(&tower, &call)
        }
        "cooperative withdraw" => {
            let call = w.cooperative_withdraw(key, own.address, 5, deadline, (&signer_a, &signer_b));
            w.call(&tower, &call)
        }
        _ => unreachable!("{place}"),
    }
}

/// A world whose session keys run out at `until`, with a channel.
fn scene(until: u64) -> (World, ChannelKey) {
    let mut w = World::new();
    for (wallet, key) in [(w.a.clone(), w.key_a.address), (w.b.clone(), w.key_b.address)] {
        w.call(&wallet, &Judge::delegateCall { sessionKey: key, validUntil: until }).unwrap();
    }
    let key = w.open(COIN, 100, 50);
    (w, key)
}

/// The place took the signature, or refused it as not the owner's.
fn judged(outcome: &Outcome, good: bool, place: &str, owner: Address) {
    if good {
        assert!(outcome.is_ok(), "{place} {outcome:?}");
    } else {
        refused(outcome, &Judge::BadSignature { expected: owner });
    }
}

#[test]
fn while_open_no_place_takes_a_key_that_has_run_out() {
    let until = Chain::new().now + 1_000;
    let (w, key) = scene(until);
    for (place, second) in PLACES.into_iter().flat_map(|place| [(place, false), (place, true)]) {
        let owner = if second { w.b.address } else { w.a.address };
        for (time, good) in [(until - 1, true), (until, false), (until + 1, false)] {
            let mut future = w.clone();
            future.chain.now = time;
            let outcome = attempt(&mut future, &key, place, second);
            judged(&outcome, good, place, owner);
        }
    }
}

#[test]
fn while_closing_a_key_counts_that_was_good_when_it_closed() {
    for (after_close, good) in [(-1, false), (0, false), (1, true)] {
        let closing = Chain::new().now + 1_000;
        let (mut w, key) = scene(closing.checked_add_signed(after_close).unwrap());
        w.chain.now = closing;
        let a = w.a.clone();
        w.close(&a, &key, World::no_proof());
        w.chain.now = closing + World::CHALLENGE - 1;
        for (place, second) in WHILE_CLOSING.into_iter().flat_map(|place| [(place, false), (place, true)]) {
            let owner = if second { w.b.address } else { w.a.address };
            let outcome = attempt(&mut w.clone(), &key, place, second);
            judged(&outcome, good, place, owner);
        }
    }
}

#[test]
fn a_revoked_key_is_taken_nowhere() {
    let now = Chain::new().now;
    let (mut w, key) = scene(u64::MAX);
    for (wallet, key) in [(w.a.clone(), w.key_a.address), (w.b.clone(), w.key_b.address)] {
        w.call(&wallet, &Judge::revokeCall { sessionKey: key }).unwrap();
    }
    for (place, second) in PLACES.into_iter().flat_map(|place| [(place, false), (place, true)]) {
        let owner = if second { w.b.address } else { w.a.address };
        for (time, good) in [(now + World::CHALLENGE - 1, true), (now + World::CHALLENGE, false)] {
            let mut future = w.clone();
            future.chain.now = time;
            let outcome = attempt(&mut future, &key, place, second);
            judged(&outcome, good, place, owner);
        }
    }
}
