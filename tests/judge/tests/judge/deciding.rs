//! After the challenge: `unlock`, `settle`, `finalize`.

use crate::{
    locks::{Forest, leaf, secret, secret_hash},
    prelude::*,
};

const UNIT: u128 = Forest::AMOUNT;

fn settle(f: &mut Forest) -> Outcome {
    let (tower, call) = (f.world.tower.clone(), Judge::settleCall { key: f.key.clone() });
    f.world.call(&tower, &call)
}

fn finalize(f: &mut Forest, sender: Address) -> Outcome {
    let (tower, call) = (f.world.tower.clone(), Judge::finalizeCall { key: f.key.clone(), sender });
    f.world.call(&tower, &call)
}

fn unlock(f: &mut Forest, call: &Judge::unlockCall) -> Outcome {
    let tower = f.world.tower.clone();
    f.world.call(&tower, call)
}

fn paid(outcome: &Outcome) -> Vec<(Address, u128)> {
    let receipt = outcome.as_ref().unwrap();
    receipt.events::<Judge::Paid>().into_iter().map(|paid| (paid.wallet, paid.amount)).collect()
}

#[test]
fn without_locks_one_settlement_pays_everything_and_frees_the_storage() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    for token in [COIN, w.token] {
        let words = w.chain.storage(w.judge).len();
        let balances = (w.balance(token, a.address), w.balance(token, b.address));
        let key = w.open(token, 100, 50);
        let id = World::id(&key);
        w.close(&a, &key, w.proof_of_b(&key, &Draft::paid(1, 20)));
        let proof = w.proof_of_a(&key, &Draft::paid(3, 45));
        w.call(&b, &Judge::updateCall { key: key.clone(), sender: a.address, proof }).unwrap();
        w.end_challenge(&key);
        let receipt = w.call(&tower, &Judge::settleCall { key: key.clone() }).unwrap();
        assert_eq!(
            receipt.said(),
            [
                JudgeEvents::ChannelDone(Judge::ChannelDone { id, cooperative: false }),
                JudgeEvents::Paid(Judge::Paid { id, wallet: a.address, amount: 75, credited: false }),
                JudgeEvents::Paid(Judge::Paid { id, wallet: b.address, amount: 75, credited: false }),
            ]
        );
        assert_eq!(w.balance(token, a.address), balances.0 - 25);
        assert_eq!(w.balance(token, b.address), balances.1 + 25);
        assert_eq!(w.balance(token, w.judge), 0);
        assert_eq!(w.chain.storage(w.judge).len(), words + 1, "only the mark of a spent id stays");
        let view = w.channel(&key);
        assert_eq!((view.status, view.closedAt, view.challengeEnd), (3, u48(0), u48(0)));
        assert_eq!((view.a.deposited, view.a.transferred, view.b.deposited, view.b.nonce), (0, 0, 0, u48(0)));
        assert!(view.a.isFinal && view.b.isFinal);
        refused(&w.call(&a, &Judge::settleCall { key }), &Judge::NotClosing {});
    }
}

#[test]
fn a_side_that_is_owed_nothing_is_not_touched() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 0);
    w.close(&b, &key, w.proof_of_a(&key, &Draft::paid(1, 100)));
    w.end_challenge(&key);
    let outcome = w.call(&a, &Judge::settleCall { key });
    assert_eq!(paid(&outcome), [(b.address, 100)]);
    let key = w.open(COIN, 0, 0);
    w.close(&b, &key, World::no_proof());
    w.end_challenge(&key);
    assert_eq!(w.call(&a, &Judge::settleCall { key: key.clone() }).unwrap().said().len(), 1);
    assert_eq!(w.channel(&key).status, 3);
}

#[test]
fn a_proof_beyond_the_deposits_is_cut_to_what_is_there() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    w.close(&b, &key, w.proof_of_a(&key, &Draft::paid(1, u128::MAX)));
    w.end_challenge(&key);
    assert_eq!(paid(&w.call(&a, &Judge::settleCall { key })), [(b.address, 150)]);
}

#[test]
fn settling_unlocking_and_finalizing_wait_for_their_phase() {
    let mut f = Forest::new(3);
    let mut w = f.world.clone();
    let (a, b) = (w.a.clone(), w.b.clone());
    let proof = LockTree::new(vec![leaf(&f.locks[0])]);
    for status in ["none", "open", "done"] {
        let key = if status == "none" { w.key(COIN) } else { w.open(COIN, 5, 0) };
        if status == "done" {
            w.call(&a, &w.cooperative_close(&key, (5, 0), w.chain.now, (&a, &b))).unwrap();
        }
        let unlock = Judge::unlockCall {
            key: key.clone(),
            sender: a.address,
            locks: vec![f.locks[0].clone()],
            proofs: vec![proof.proof(0)],
        };
        refused(&w.call(&a, &unlock), &Judge::NotClosing {});
        refused(&w.call(&a, &Judge::settleCall { key: key.clone() }), &Judge::NotClosing {});
        refused(&w.call(&a, &Judge::finalizeCall { key, sender: a.address }), &Judge::NotClosing {});
    }
    f.reveal(0..3);
    f.world.chain.now -= 1;
    let call = f.call(0..1);
    refused(&unlock(&mut f, &call), &Judge::InChallenge {});
    refused(&settle(&mut f), &Judge::InChallenge {});
    refused(&finalize(&mut f, a.address), &Judge::InChallenge {});
    f.world.chain.now += 1;
    unlock(&mut f, &call).unwrap();
    settle(&mut f).unwrap();
    refused(&finalize(&mut f, a.address), &Judge::TooEarly {});
}

#[test]
fn claimed_locks_are_paid_step_by_step_and_the_rest_returns() {
    let mut f = Forest::new(5);
    let (a, b, token) = (f.world.a.address, f.world.b.address, f.world.token);
    let before = f.world.balance(token, f.world.judge);
    let id = World::id(&f.key);
    // a put 5 units and 5 wei in and paid 1 wei; b put 9 wei in.
    assert_eq!(paid(&settle(&mut f)), [(a, 4), (b, 10)]);
    refused(&settle(&mut f), &Judge::NothingToDo {});
    let receipt = f.unlock(1..3).unwrap();
    let claimed =
        |lock: u64| JudgeEvents::LockClaimed(Judge::LockClaimed { id, sender: a, lockId: lock, amount: UNIT });
    assert_eq!(receipt.said(), [claimed(1), claimed(2)]);
    let view = f.world.channel(&f.key);
    assert_eq!((view.a.claimed, view.a.paid, view.b.paid, view.a.isFinal), (2 * UNIT, 4, 10, false));
    assert!(view.b.isFinal);
    assert_eq!(paid(&settle(&mut f)), [(b, 2 * UNIT)]);
    f.unlock(4..5).unwrap();
    f.world.chain.now = f.expiry + World::CHALLENGE;
    let outcome = finalize(&mut f, a);
    assert_eq!(paid(&outcome), [(a, 2 * UNIT), (b, UNIT)]);
    assert_eq!(outcome.unwrap().events::<Judge::ChannelDone>().len(), 1);
    assert_eq!(f.world.balance(token, f.world.judge), before - 5 * UNIT - 14);
    let view = f.world.channel(&f.key);
    assert_eq!((view.status, view.a.claimed, view.a.paid, view.b.paid), (3, 0, 0, 0));
    let late = f.call(0..1);
    refused(&unlock(&mut f, &late), &Judge::NotClosing {});
}

#[test]
fn when_every_lock_is_claimed_nothing_waits_for_a_finalization() {
    let mut f = Forest::new(4);
    let (a, b) = (f.world.a.address, f.world.b.address);
    f.unlock(0..4).unwrap();
    assert!(f.world.channel(&f.key).a.isFinal);
    refused(&finalize(&mut f, a), &Judge::NothingToDo {});
    assert_eq!(paid(&settle(&mut f)), [(a, 4), (b, 4 * UNIT + 10)]);
    assert_eq!(f.world.channel(&f.key).status, 3);
}

#[test]
fn finalizing_is_for_a_side_with_open_locks_and_ends_its_unlocking() {
    let mut f = Forest::new(2);
    let (a, b, tower) = (f.world.a.clone(), f.world.b.clone(), f.world.tower.address);
    // Both sides hold locks, so the channel is not done when one is final.
    let draft = Draft { locked: 3, last_expiry: 0, root: keccak256("lost"), ..Draft::paid(1, 0) };
    let mut open = f.world.clone();
    let key = open.open(COIN, 100, 50);
    let proof = open.proof_of_b(&key, &draft);
    open.close(&a, &key, proof);
    let lock = Lock { lockId: 8, amount: 40, expiry: u48(f.expiry), secretHash: secret_hash(8) };
    let proof = open.proof_of_a(&key, &Draft { locked: 40, root: leaf(&lock), last_expiry: f.expiry, ..draft });
    open.call(&b, &Judge::updateCall { key: key.clone(), sender: a.address, proof }).unwrap();
    open.reveal(secret(8));
    open.end_challenge(&key);
    refused(&open.call(&a, &Judge::finalizeCall { key: key.clone(), sender: tower }), &Judge::NotParticipant {});
    open.chain.now += World::CHALLENGE;
    let by_b = Judge::finalizeCall { key: key.clone(), sender: b.address };
    assert_eq!(paid(&open.call(&a, &by_b)), [(a.address, 60), (b.address, 50)]);
    refused(&open.call(&a, &by_b), &Judge::NothingToDo {});
    let unlock_lost =
        Judge::unlockCall { key: key.clone(), sender: b.address, locks: vec![lock.clone()], proofs: vec![Vec::new()] };
    refused(&open.call(&a, &unlock_lost), &Judge::NothingToDo {});
    let unlock_good = Judge::unlockCall { sender: a.address, ..unlock_lost };
    open.call(&a, &unlock_good).unwrap();
    let outcome = open.call(&a, &Judge::settleCall { key: key.clone() });
    assert_eq!(paid(&outcome), [(b.address, 40)]);
    assert_eq!(open.channel(&key).status, 3);
    let side_without = Judge::finalizeCall { key: f.key.clone(), sender: b.address };
    refused(&f.world.call(&a, &side_without), &Judge::NothingToDo {});
}

#[test]
fn finalizing_counts_even_when_it_frees_nothing() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    // Each side locked more than it can ever get back, so neither decision alone changes a payout.
    let draft = |transferred| Draft { locked: 10, root: keccak256("lost"), ..Draft::paid(1, transferred) };
    w.close(&a, &key, w.proof_of_b(&key, &draft(u128::MAX)));
    let proof = w.proof_of_a(&key, &draft(u128::MAX - 500));
    w.call(&b, &Judge::updateCall { key: key.clone(), sender: a.address, proof }).unwrap();
    w.end_challenge(&key);
    let first = w.call(&a, &Judge::settleCall { key: key.clone() });
    assert_eq!(paid(&first), [(a.address, 150)]);
    w.chain.now += World::CHALLENGE;
    for (sender, status) in [(a.address, 2), (b.address, 3)] {
        let outcome = w.call(&a, &Judge::finalizeCall { key: key.clone(), sender });
        assert_eq!(paid(&outcome), []);
        assert_eq!(w.channel(&key).status, status);
    }
}

#[test]
fn an_unlock_that_proves_nothing_is_refused() {
    let mut f = Forest::new(8);
    let (a, b, tower) = (f.world.a.address, f.world.b.address, f.world.tower.address);
    f.reveal(0..6);
    let good = f.call(2..4);
    let bad = |id| Judge::BadLock { lockId: id };
    let with = |change: &dyn Fn(&mut Judge::unlockCall)| {
        let mut call = good.clone();
        change(&mut call);
        call
    };
    refused(&unlock(&mut f, &with(&|c| c.locks.clear())), &Judge::NothingToDo {});
    refused(
        &unlock(
            &mut f,
            &with(&|c| {
                c.locks.clear();
                c.proofs.clear()
            }),
        ),
        &Judge::NothingToDo {},
    );
    refused(
        &unlock(
            &mut f,
            &with(&|c| {
                c.proofs.pop();
            }),
        ),
        &Judge::NothingToDo {},
    );
    refused(&unlock(&mut f, &with(&|c| c.sender = tower)), &Judge::NotParticipant {});
    // The other side locked nothing.
    refused(&unlock(&mut f, &with(&|c| c.sender = b)), &bad(2));
    refused(&unlock(&mut f, &with(&|c| c.locks[1].amount += 1)), &bad(3));
    refused(&unlock(&mut f, &with(&|c| c.locks[0].lockId = 9)), &bad(9));
    refused(&unlock(&mut f, &with(&|c| c.locks[0].expiry += u48(1))), &bad(2));
    refused(&unlock(&mut f, &with(&|c| c.locks[0].secretHash = secret_hash(5))), &bad(2));
    refused(&unlock(&mut f, &with(&|c| c.proofs.swap(0, 1))), &bad(2));
    refused(
        &unlock(
            &mut f,
            &with(&|c| {
                c.proofs[0].pop();
            }),
        ),
        &bad(2),
    );
    refused(&unlock(&mut f, &with(&|c| c.proofs[0].push(B256::ZERO))), &bad(2));
    refused(&unlock(&mut f, &with(&|c| c.proofs[0].clear())), &bad(2));
    refused(&unlock(&mut f, &with(&|c| c.proofs[0][0].0[31] ^= 1)), &bad(2));
    let twice = with(&|c| {
        c.locks[1] = c.locks[0].clone();
        c.proofs[1] = c.proofs[0].clone()
    });
    refused(&unlock(&mut f, &twice), &Judge::AlreadyClaimed { lockId: 2 });
    unlock(&mut f, &good).unwrap();
    refused(&unlock(&mut f, &good), &Judge::AlreadyClaimed { lockId: 2 });
    let untold = f.call(6..7);
    refused(&unlock(&mut f, &untold), &Judge::SecretNotRevealed { secretHash: secret_hash(6) });
    assert_eq!(f.world.channel(&f.key).a.claimed, 2 * UNIT);
    assert_eq!(f.locks[0].amount, UNIT);
    let _ = a;
}

#[test]
fn claims_stop_at_what_was_signed_as_locked() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let expiry = w.chain.now + 2 * World::CHALLENGE;
    let locks: Vec<Lock> = [(1, 6), (2, 5), (3, u128::MAX)]
        .map(|(id, amount)| Lock { lockId: id, amount, expiry: u48(expiry), secretHash: secret_hash(id) })
        .into();
    let tree = LockTree::new(locks.iter().map(leaf).collect());
    let draft = Draft { locked: 10, last_expiry: expiry, root: tree.root(), ..Draft::paid(1, 0) };
    w.close(&b, &key, w.proof_of_a(&key, &draft));
    for id in 1..=3 {
        w.reveal(secret(id));
    }
    w.end_challenge(&key);
    let call = |indices: &[usize]| Judge::unlockCall {
        key: key.clone(),
        sender: a.address,
        locks: indices.iter().map(|i| locks[*i].clone()).collect(),
        proofs: indices.iter().map(|i| tree.proof(*i)).collect(),
    };
    refused(&w.call(&b, &call(&[0, 1])), &Judge::BadLock { lockId: 2 });
    refused(&w.call(&b, &call(&[0, 2])), &Judge::BadLock { lockId: 3 });
    w.call(&b, &call(&[0])).unwrap();
    refused(&w.call(&b, &call(&[1])), &Judge::BadLock { lockId: 2 });
    assert_eq!(w.channel(&key).a.claimed, 6);
}

#[test]
fn bits_of_distant_locks_and_of_both_sides_are_apart() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 1000, 1000);
    let expiry = w.chain.now + 2 * World::CHALLENGE;
    let ids = [0, 1, 255, 256, 511, 512, 1 << 40, u64::MAX - 256, u64::MAX];
    let locks: Vec<Lock> = ids
        .iter()
        .map(|id| Lock { lockId: *id, amount: 3, expiry: u48(expiry), secretHash: secret_hash(*id) })
        .collect();
    let tree = LockTree::new(locks.iter().map(leaf).collect());
    let draft = Draft { locked: 27, last_expiry: expiry, root: tree.root(), ..Draft::paid(1, 0) };
    w.close(&b, &key, w.proof_of_a(&key, &draft));
    let proof = w.proof_of_b(&key, &draft);
    w.call(&a, &Judge::updateCall { key: key.clone(), sender: b.address, proof }).unwrap();
    for id in ids {
        w.reveal(secret(id));
    }
    w.end_challenge(&key);
    for (claimed, index) in (1..).zip(0..ids.len()) {
        for sender in [a.address, b.address] {
            let call = Judge::unlockCall {
                key: key.clone(),
                sender,
                locks: vec![locks[index].clone()],
                proofs: vec![tree.proof(index)],
            };
            w.call(&a, &call).unwrap();
            refused(&w.call(&a, &call), &Judge::AlreadyClaimed { lockId: ids[index] });
        }
        let view = w.channel(&key);
        assert_eq!((view.a.claimed, view.b.claimed), (3 * claimed, 3 * claimed));
    }
}

#[test]
fn a_node_of_the_tree_is_not_a_lock() {
    let mut f = Forest::new(4);
    f.reveal(0..4);
    // A leaf's preimage has 160 bytes and a node's 64: no choice of fields makes one the other. What an attacker can try is a
    // shorter proof that starts at a node, and a root as a leaf.
    for index in 0..4 {
        for skip in 1..=2 {
            let mut call = f.call(index..index + 1);
            call.proofs[0].drain(..skip);
            let id = call.locks[0].lockId;
            refused(&unlock(&mut f, &call), &Judge::BadLock { lockId: id });
        }
    }
    // A lone lock is its own root, and a lone child is promoted unchanged.
    let mut lone = Forest::new(1);
    lone.unlock(0..1).unwrap();
    let mut odd = Forest::new(5);
    assert_eq!(odd.tree.proof(4).len(), 1);
    odd.unlock(4..5).unwrap();
    odd.unlock(0..4).unwrap();
}
