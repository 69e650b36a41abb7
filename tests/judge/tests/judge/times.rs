//! Every boundary in time, one second before, at it, and one second after.

use crate::{
    locks::{Forest, leaf, secret, secret_hash},
    prelude::*,
};

/// Tries in three futures; `expected` says what comes of it one second before, at, and after `boundary`.
#[track_caller]
fn around(w: &World, boundary: u64, expected: [Result<(), Vec<u8>>; 3], attempt: impl Fn(&mut World) -> Outcome) {
    for (time, expected) in [boundary - 1, boundary, boundary + 1].into_iter().zip(expected) {
        let mut future = w.clone();
        future.chain.now = time;
        let outcome = attempt(&mut future).map(|_| ());
        let offset = time.cast_signed() - boundary.cast_signed();
        assert_eq!(outcome, expected.map_err(|data| Failure::Reverted(data.into())), "at {offset:+}");
    }
}

fn no<E: SolError>(error: &E) -> Result<(), Vec<u8>> {
    Err(error.abi_encode())
}

#[test]
fn proofs_and_agreements_end_where_settling_and_unlocking_begin() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let expiry = w.chain.now + 3 * World::CHALLENGE;
    let lock = Lock { lockId: 1, amount: 30, expiry: u48(expiry), secretHash: secret_hash(1) };
    let draft = Draft { locked: 30, last_expiry: expiry, root: leaf(&lock), ..Draft::paid(1, 0) };
    w.close(&b, &key, w.proof_of_a(&key, &draft));
    w.reveal(secret(1));
    let end = w.chain.now + World::CHALLENGE;
    assert_eq!(w.channel(&key).challengeEnd, u48(end));
    let (over, early) = (no(&Judge::ChallengeOver {}), no(&Judge::InChallenge {}));

    let proof = w.proof_of_b(&key, &Draft::paid(1, 5));
    let update = Judge::updateCall { key: key.clone(), sender: b.address, proof };
    around(&w, end, [Ok(()), over.clone(), over.clone()], |w| w.call(&a, &update));
    let agreed = w.cooperative_close(&key, (75, 75), u64::MAX, (&a, &b));
    around(&w, end, [Ok(()), over.clone(), over], |w| w.call(&a, &agreed));
    let settle = Judge::settleCall { key: key.clone() };
    around(&w, end, [early.clone(), Ok(()), Ok(())], |w| w.call(&a, &settle));
    let unlock = Judge::unlockCall { key, sender: a.address, locks: vec![lock], proofs: vec![Vec::new()] };
    around(&w, end, [early.clone(), Ok(()), Ok(())], |w| w.call(&a, &unlock));
}

#[test]
fn deadlines_include_their_last_second() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let key = w.open(COIN, 100, 50);
    let deadline = w.chain.now + 1000;
    let late = || no(&Judge::DeadlineExpired {});
    let close = w.cooperative_close(&key, (75, 75), deadline, (&a, &b));
    around(&w, deadline, [Ok(()), Ok(()), late()], |w| w.call(&tower, &close));
    let withdraw = w.cooperative_withdraw(&key, a.address, 5, deadline, (&a, &b));
    around(&w, deadline, [Ok(()), Ok(()), late()], |w| w.call(&tower, &withdraw));
    let message = signed::CloseChannel { channelId: World::id(&key), closer: a.address, deadline };
    let (closer, proof) = (a.address, World::no_proof());
    let carried = Judge::closeForCall { key, closer, deadline, closerSignature: w.sign(&a, &message), proof };
    around(&w, deadline, [Ok(()), Ok(()), late()], |w| w.call(&tower, &carried));
}

#[test]
fn a_secret_counts_until_the_last_second_of_its_lock() {
    let forest = Forest::new(3);
    let late = Judge::SecretNotRevealed { secretHash: secret_hash(1) };
    around(&forest.world, forest.expiry, [Ok(()), Ok(()), no(&late)], |w| {
        w.reveal(secret(1));
        // The claim itself may come long after.
        w.chain.now += World::CHALLENGE / 2;
        let (tower, call) = (w.tower.clone(), forest.call(1..2));
        w.call(&tower, &call)
    });
}

#[test]
fn locks_return_one_challenge_after_the_last_of_them_expired() {
    let forest = Forest::new(3);
    let (tower, a) = (forest.world.tower.clone(), forest.world.a.address);
    let finalize = Judge::finalizeCall { key: forest.key.clone(), sender: a };
    let early = || no(&Judge::TooEarly {});
    around(&forest.world, forest.expiry + World::CHALLENGE, [early(), Ok(()), Ok(())], |w| w.call(&tower, &finalize));

    // Locks that expired before the end of the challenge wait for one challenge period after that end.
    let mut w = World::new();
    let (b, key) = (w.b.clone(), w.open(COIN, 100, 50));
    let draft = Draft { locked: 30, last_expiry: w.chain.now, root: keccak256("root"), ..Draft::paid(1, 0) };
    w.close(&b, &key, w.proof_of_a(&key, &draft));
    let end: u64 = w.channel(&key).challengeEnd.to();
    let finalize = Judge::finalizeCall { key, sender: a };
    around(&w, end + World::CHALLENGE, [early(), Ok(()), Ok(())], |w| w.call(&tower, &finalize));
}

#[test]
fn the_end_of_the_challenge_never_moves() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    w.close(&a, &key, World::no_proof());
    let (closed, end) = (w.channel(&key).closedAt, w.channel(&key).challengeEnd);
    for nonce in 1..1000 {
        w.chain.now += 80;
        let (from, sender) = if nonce % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let proof = w.proof(&key, sender.address, &Draft::paid(nonce, 1), sender, None);
        w.call(from, &Judge::updateCall { key: key.clone(), sender: sender.address, proof }).unwrap();
    }
    let view = w.channel(&key);
    assert_eq!((view.closedAt, view.challengeEnd), (closed, end));
}
