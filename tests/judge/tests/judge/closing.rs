//! Closing and bringing proofs: `close`, `closeFor`, `update`.

use crate::prelude::*;

fn close(key: &ChannelKey, proof: abi::SignedProof) -> Judge::closeCall {
    Judge::closeCall { key: key.clone(), proof }
}

fn update(key: &ChannelKey, sender: &Actor, proof: abi::SignedProof) -> Judge::updateCall {
    Judge::updateCall { key: key.clone(), sender: sender.address, proof }
}

fn close_for(w: &World, key: &ChannelKey, closer: &Actor, signer: &Actor, deadline: u64) -> Judge::closeForCall {
    let message = signed::CloseChannel { channelId: World::id(key), closer: closer.address, deadline };
    Judge::closeForCall {
        key: key.clone(),
        closer: closer.address,
        deadline,
        closerSignature: w.sign(signer, &message),
        proof: World::no_proof(),
    }
}

fn with_locks(w: &World, nonce: u64) -> Draft {
    let (root, context) = (keccak256("root"), keccak256("context"));
    Draft { nonce, transferred: 20, locked: 8, last_expiry: w.chain.now + 77, root, context }
}

#[test]
fn closing_with_a_proof_records_it_and_starts_the_challenge() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let id = World::id(&key);
    let draft = with_locks(&w, 3);
    let proof = w.proof_of_b(&key, &draft);
    let receipt = w.call(&a, &close(&key, proof)).unwrap();
    let end = u48(w.chain.now + World::CHALLENGE);
    assert_eq!(
        receipt.said(),
        [
            JudgeEvents::ChannelClosing(Judge::ChannelClosing { id, closer: a.address, challengeEnd: end }),
            JudgeEvents::ProofAccepted(Judge::ProofAccepted {
                id,
                sender: b.address,
                nonce: u48(3),
                transferred: 20,
                locked: 8,
                locksRoot: draft.root,
            }),
        ]
    );
    let view = w.channel(&key);
    assert_eq!((view.status, view.closedAt, view.challengeEnd), (2, u48(w.chain.now), end));
    assert_eq!((view.b.nonce, view.b.transferred, view.b.locked), (u48(3), 20, 8));
    assert_eq!((view.b.lastExpiry, view.b.locksRoot), (u48(draft.last_expiry), draft.root));
    assert_eq!((view.a.nonce, view.a.transferred, view.a.locked), (u48(0), 0, 0));
    assert_eq!((view.a.deposited, view.b.deposited), (100, 50));
}

#[test]
fn closing_without_a_proof_ignores_what_stands_in_its_place() {
    let mut w = World::new();
    let b = w.b.clone();
    let key = w.open(COIN, 100, 50);
    let nonsense = Draft { nonce: 0, transferred: 99, ..Draft::default() }.with(Bytes::from_static(b"?"), Bytes::new());
    let receipt = w.call(&b, &close(&key, nonsense)).unwrap();
    assert_eq!(receipt.said().len(), 1);
    assert_eq!(w.channel(&key).a.transferred, 0);
}

#[test]
fn closing_is_for_participants_of_an_open_channel() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let unopened = w.key(COIN);
    refused(&w.call(&a, &close(&unopened, World::no_proof())), &Judge::NotOpen {});
    let key = w.open(COIN, 100, 50);
    refused(&w.call(&tower, &close(&key, World::no_proof())), &Judge::NotParticipant {});
    w.close(&a, &key, World::no_proof());
    refused(&w.call(&b, &close(&key, World::no_proof())), &Judge::NotOpen {});
    w.end_challenge(&key);
    refused(&w.call(&b, &close(&key, World::no_proof())), &Judge::NotOpen {});
    w.call(&b, &Judge::settleCall { key: key.clone() }).unwrap();
    refused(&w.call(&b, &close(&key, World::no_proof())), &Judge::NotOpen {});
}

#[test]
fn closing_with_a_proof_needs_the_partners_signature_on_it() {
    let mut w = World::new();
    let (a, tower) = (w.a.clone(), w.tower.clone());
    let key = w.open(COIN, 100, 50);
    let b = w.b.address;
    for signer in [&w.a.clone(), &tower, &w.key_b.clone()] {
        let proof = w.proof(&key, b, &Draft::paid(1, 10), signer, None);
        refused(&w.call(&a, &close(&key, proof)), &Judge::BadSignature { expected: b });
    }
    // One's own proof is not the partner's.
    let own = w.proof_of_a(&key, &Draft::paid(1, 10));
    refused(&w.call(&a, &close(&key, own)), &Judge::BadSignature { expected: b });
}

#[test]
fn a_close_is_not_stopped_by_a_checkpoint_that_came_first() {
    let mut w = World::new();
    let a = w.a.clone();
    for nonce in [1, 5] {
        let key = w.open(COIN, 100, 50);
        let checkpoint = w.proof_of_b(&key, &Draft::paid(5, 30));
        let b = w.b.clone();
        w.call(&a, &update(&key, &b, checkpoint)).unwrap();
        let older = w.proof_of_b(&key, &Draft::paid(nonce, 10));
        let receipt = w.call(&a, &close(&key, older)).unwrap();
        assert_eq!(receipt.said().len(), 1);
        let view = w.channel(&key);
        assert_eq!((view.status, view.b.nonce, view.b.transferred), (2, u48(5), 30));
    }
}

#[test]
fn anyone_carries_a_signed_close() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    w.delegate_both();
    let deadline = w.chain.now + 10;
    for signer in [a.clone(), w.key_a.clone()] {
        let key = w.open(COIN, 100, 50);
        let mut call = close_for(&w, &key, &a, &signer, deadline);
        call.proof = w.proof(&key, b.address, &Draft::paid(2, 10), &w.key_b, Some(&signer));
        let receipt = w.call(&tower, &call).unwrap();
        assert_eq!(receipt.events::<Judge::ChannelClosing>()[0].closer, a.address);
        assert_eq!(w.channel(&key).b.transferred, 10);
    }
}

#[test]
fn a_carried_close_needs_the_closers_signature_and_acceptance_in_time() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let key = w.open(COIN, 100, 50);
    let deadline = w.chain.now + 10;
    let by_b = close_for(&w, &key, &a, &b, deadline);
    refused(&w.call(&tower, &by_b), &Judge::BadSignature { expected: a.address });
    // The closer itself signs too: what it sends by this road is what it signed.
    let mut unsigned = close_for(&w, &key, &a, &a, deadline);
    unsigned.closerSignature = Bytes::new();
    refused(&w.call(&a, &unsigned), &Judge::BadSignature { expected: a.address });
    let stranger = close_for(&w, &key, &tower, &tower, deadline);
    refused(&w.call(&tower, &stranger), &Judge::NotParticipant {});

    let mut call = close_for(&w, &key, &a, &a, deadline);
    call.proof = w.proof_of_b(&key, &Draft::paid(2, 10));
    refused(&w.call(&tower, &call), &Judge::BadSignature { expected: a.address });
    refused(&w.call(&b, &call), &Judge::BadSignature { expected: a.address });
    w.clone().call(&a, &call).expect("the closer itself accepts by calling");

    w.chain.now = deadline + 1;
    refused(&w.call(&a, &call), &Judge::DeadlineExpired {});
    let mut open = World::new();
    let unopened = open.key(COIN);
    let call = close_for(&open, &unopened, &a, &a, open.chain.now);
    refused(&open.call(&tower, &call), &Judge::NotOpen {});
}

#[test]
fn a_newer_proof_replaces_an_older_one_while_open_and_while_closing() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let id = World::id(&key);
    let locked = with_locks(&w, 4);
    let proof = w.proof_of_b(&key, &locked);
    let receipt = w.call(&a, &update(&key, &b, proof)).unwrap();
    let (nonce, root) = (u48(4), locked.root);
    let event = Judge::ProofAccepted { id, sender: b.address, nonce, transferred: 20, locked: 8, locksRoot: root };
    assert_eq!(receipt.said(), [JudgeEvents::ProofAccepted(event)]);
    assert_eq!(w.channel(&key).status, 1);
    w.close(&b, &key, World::no_proof());
    let proof = w.proof_of_b(&key, &Draft { root, ..Draft::paid(6, 28) });
    let receipt = w.call(&a, &update(&key, &b, proof)).unwrap();
    // Without locks no root is kept, whatever the proof says.
    assert_eq!(receipt.events::<Judge::ProofAccepted>()[0].locksRoot, B256::ZERO);
    let view = w.channel(&key).b;
    assert_eq!((view.nonce, view.transferred, view.locked, view.locksRoot), (u48(6), 28, 0, B256::ZERO));
    assert_eq!(view.lastExpiry, u48(0));
}

#[test]
fn the_two_directions_do_not_touch_each_other() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let (mut of_a, of_b) = (with_locks(&w, 7), with_locks(&w, 9));
    of_a.transferred = u128::MAX;
    of_a.last_expiry = (1 << 48) - 1;
    w.close(&a, &key, w.proof_of_b(&key, &of_b));
    let view_b = w.channel(&key).b;
    let before = w.channel(&key);
    let proof = w.proof_of_a(&key, &of_a);
    w.call(&b, &update(&key, &a, proof)).unwrap();
    let after = w.channel(&key);
    assert_eq!(after.b, view_b);
    assert_eq!((after.status, after.closedAt, after.challengeEnd), (2, before.closedAt, before.challengeEnd));
    assert_eq!((after.a.nonce, after.a.transferred, after.a.lastExpiry), (u48(7), u128::MAX, u48((1 << 48) - 1)));
}

#[test]
fn a_proof_that_is_not_newer_is_refused() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let stale = |have, got| Judge::StaleNonce { have: u48(have), got: u48(got) };
    refused(&w.call(&a, &update(&key, &b, World::no_proof())), &stale(0, 0));
    let proof = w.proof_of_b(&key, &Draft::paid(5, 30));
    w.call(&a, &update(&key, &b, proof.clone())).unwrap();
    refused(&w.call(&a, &update(&key, &b, proof)), &stale(5, 5));
    let older = w.proof_of_b(&key, &Draft::paid(4, 40));
    refused(&w.call(&a, &update(&key, &b, older)), &stale(5, 4));
    let last = (1 << 48) - 1;
    let highest = w.proof_of_b(&key, &Draft::paid(last, 31));
    w.call(&a, &update(&key, &b, highest)).unwrap();
    assert_eq!(w.channel(&key).b.nonce, u48(last));
}

#[test]
fn a_sender_alone_cannot_replace_its_proof_by_a_poorer_one() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let key = w.open(COIN, 100, 50);
    let rich = w.proof_of_b(&key, &Draft::paid(1, 30));
    w.close(&a, &key, rich);
    let poorer = Draft::paid(2, 0);
    let needed = Judge::BadSignature { expected: a.address };
    for from in [&b, &tower] {
        let unaccepted = w.proof_of_b(&key, &poorer);
        refused(&w.call(from, &update(&key, &b, unaccepted)), &needed);
        let self_accepted = w.proof(&key, b.address, &poorer, &b, Some(&b));
        refused(&w.call(from, &update(&key, &b, self_accepted)), &needed);
    }
    // Signing the proof itself is not accepting it.
    let message = poorer.message(World::id(&key), b.address);
    let misused = poorer.with(w.sign(&b, &message), w.sign(&a, &message));
    refused(&w.call(&b, &update(&key, &b, misused)), &needed);
    // With the beneficiary's acceptance the same proof counts, whoever brings it: a lock cancelled early.
    let accepted = w.proof(&key, b.address, &poorer, &b, Some(&a));
    w.clone().call(&b, &update(&key, &b, accepted.clone())).unwrap();
    w.call(&tower, &update(&key, &b, accepted)).unwrap();
    assert_eq!(w.channel(&key).b.transferred, 0);
}

#[test]
fn an_acceptance_covers_one_proof_only() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let key = w.open(COIN, 100, 50);
    let accepted = w.proof(&key, b.address, &Draft::paid(1, 30), &b, Some(&a));
    let mut other = w.proof_of_b(&key, &Draft::paid(2, 10));
    other.acceptance = accepted.acceptance;
    refused(&w.call(&tower, &update(&key, &b, other)), &Judge::BadSignature { expected: a.address });
}

#[test]
fn proofs_are_for_participants_of_a_channel_that_is_not_decided() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let unopened = w.key(COIN);
    let proof = w.proof_of_b(&unopened, &Draft::paid(1, 1));
    refused(&w.call(&a, &update(&unopened, &b, proof)), &Judge::NotOpen {});
    let key = w.open(COIN, 100, 50);
    let proof = w.proof(&key, tower.address, &Draft::paid(1, 1), &tower, Some(&a));
    refused(&w.call(&tower, &update(&key, &tower, proof)), &Judge::NotParticipant {});
    w.close(&a, &key, World::no_proof());
    let proof = w.proof_of_b(&key, &Draft::paid(1, 1));
    w.end_challenge(&key);
    refused(&w.call(&a, &update(&key, &b, proof.clone())), &Judge::ChallengeOver {});
    w.call(&a, &Judge::settleCall { key: key.clone() }).unwrap();
    refused(&w.call(&a, &update(&key, &b, proof)), &Judge::NotOpen {});
}

#[test]
fn fields_wider_than_their_type_are_refused() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let proof = w.proof_of_b(&key, &Draft::paid(1, 1));
    let good = update(&key, &b, proof).abi_encode();
    // Words of the call: key 0..4, sender 4, offset 5, then the proof.
    for (word, width) in [(0, 20), (1, 20), (2, 20), (3, 8), (4, 20), (6, 6), (7, 16), (8, 16), (9, 6)] {
        let mut bad = good.clone();
        bad[4 + 32 * word + 31 - width] = 1;
        let outcome = w.chain.send_raw(a.address, w.judge, U256::ZERO, bad.into(), Chain::GAS_LIMIT);
        assert!(matches!(outcome, Err(Failure::Reverted(_))), "word {word}");
    }
    assert_eq!(w.channel(&key).b.nonce, u48(0));
}
