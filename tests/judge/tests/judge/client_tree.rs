//! The client's own tree of locks, 100,000 of them: the Judge takes its proofs, also after locks were removed and added.

use chit_client::protocol::{Amount, Lock as ClientLock, LockTree as ClientTree, SecretHash};

use crate::{
    locks::{secret, secret_hash},
    prelude::*,
};

const LOCKS: u64 = 100_000;

fn lock(id: u64, expiry: u64) -> ClientLock {
    ClientLock { id, amount: Amount::from(id + 1), expiry, secret_hash: SecretHash(secret_hash(id)) }
}

/// Closes a channel with this tree as side a's locks, and unlocks some of them by their proofs.
fn unlocks(w: &World, tree: &ClientTree, ids: &[u64]) {
    let mut w = w.clone();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let locked = tree.total().get();
    let key = w.open(w.token, locked, 0);
    let (root, last_expiry) = (tree.root(), tree.last_expiry());
    let draft = Draft { locked, last_expiry, root, ..Draft::paid(1, 0) };
    w.close(&b, &key, w.proof_of_a(&key, &draft));
    w.end_challenge(&key);
    let mut call = Judge::unlockCall { key: key.clone(), sender: a.address, locks: Vec::new(), proofs: Vec::new() };
    let mut claimed = 0;
    for id in ids {
        w.reveal(secret(*id));
        let lock = tree.get(*id).unwrap().to_sol();
        claimed += lock.amount;
        let (amount, expiry, hash) = (lock.amount, lock.expiry, lock.secretHash);
        call.locks.push(Lock { lockId: lock.lockId, amount, expiry, secretHash: hash });
        call.proofs.push(tree.proof(*id).unwrap());
    }
    assert!(call.proofs.iter().all(|proof| proof.len() <= 17));
    w.call(&tower, &call).unwrap();
    assert_eq!(w.channel(&key).a.claimed, claimed);
}

#[test]
fn the_clients_proofs_are_taken_out_of_a_hundred_thousand() {
    let w = World::new();
    let expiry = w.chain.now + 2 * World::CHALLENGE;
    let mut tree = ClientTree::default();
    (0..LOCKS).for_each(|id| tree.insert(lock(id, expiry)).unwrap());
    unlocks(&w, &tree, &[0, 1, 33_333, 65_535, 65_536, LOCKS - 1]);

    // The last leaf's neighbours go, so that it is promoted as a lone child through several levels.
    let last = LOCKS - 1;
    for id in (LOCKS - 32..last).chain((0..LOCKS / 2).step_by(3)) {
        tree.remove(id).unwrap();
    }
    assert!(tree.proof(last).unwrap().len() < 13);
    unlocks(&w, &tree, &[1, 2, 49_999, 65_536, last]);

    // New locks take the free slots, under numbers never used before.
    (LOCKS..LOCKS + 100).for_each(|id| tree.insert(lock(id, expiry + 1)).unwrap());
    assert_eq!(tree.last_expiry(), expiry + 1);
    unlocks(&w, &tree, &[1, LOCKS, LOCKS + 99, last]);
}
