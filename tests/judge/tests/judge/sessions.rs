//! Session keys: only ever extended, revoked late, judged at the moment of closing.

use crate::prelude::*;

fn delegate(key: Address, until: u64) -> Judge::delegateCall {
    Judge::delegateCall { sessionKey: key, validUntil: until }
}

/// A grant signed off chain by `signer` for `wallet`.
fn grant(w: &World, wallet: Address, key: Address, until: u64, signer: &Actor) -> Judge::delegateForCall {
    let message = signed::Delegate { wallet, sessionKey: key, validUntil: until };
    Judge::delegateForCall { wallet, sessionKey: key, validUntil: until, signature: w.sign(signer, &message) }
}

fn session(w: &mut World, wallet: Address, key: Address) -> (u64, u64) {
    let answer = w.chain.view(w.judge, &Judge::sessionCall { wallet, key });
    (answer.validUntil, answer.revokedFrom)
}

/// Brings a proof of a, signed by its session key, as b.
fn bring(w: &mut World, key: &ChannelKey, nonce: u64) -> Outcome {
    let proof = w.proof(key, w.a.address, &Draft::paid(nonce, 10), &w.key_a, None);
    let b = w.b.clone();
    w.call(&b, &Judge::updateCall { key: key.clone(), sender: w.a.address, proof })
}

fn unknown(w: &World) -> Judge::BadSignature {
    Judge::BadSignature { expected: w.a.address }
}

#[test]
fn a_delegation_extends_and_never_shortens() {
    let mut w = World::new();
    let (a, key, now) = (w.a.clone(), w.key_a.address, w.chain.now);
    assert_eq!(session(&mut w, a.address, key), (0, 0));
    let receipt = w.call(&a, &delegate(key, now + 100)).unwrap();
    let event = |until| {
        JudgeEvents::SessionKeySet(Judge::SessionKeySet {
            wallet: a.address,
            sessionKey: key,
            validUntil: until,
            revokedFrom: 0,
        })
    };
    assert_eq!(receipt.said(), [event(now + 100)]);
    assert_eq!(w.call(&a, &delegate(key, now + 200)).unwrap().said(), [event(now + 200)]);
    for shorter in [now + 1, now + 199, now + 200] {
        assert!(w.call(&a, &delegate(key, shorter)).unwrap().logs.is_empty());
        assert_eq!(session(&mut w, a.address, key), (now + 200, 0));
    }
    // The same key may serve another wallet, apart.
    let b = w.b.clone();
    w.call(&b, &delegate(key, u64::MAX)).unwrap();
    assert_eq!(session(&mut w, a.address, key), (now + 200, 0));
    assert_eq!(session(&mut w, b.address, key), (u64::MAX, 0));
}

#[test]
fn a_delegation_that_cannot_be_meant_is_refused() {
    let mut w = World::new();
    let (a, key, now) = (w.a.clone(), w.key_a.address, w.chain.now);
    for (key, until) in [(key, now), (key, 0), (Address::ZERO, now + 1), (a.address, now + 1)] {
        refused(&w.call(&a, &delegate(key, until)), &Judge::BadSession {});
    }
    w.call(&a, &delegate(key, now + 1)).unwrap();
    for key in [Address::ZERO, a.address] {
        refused(&w.call(&a, &Judge::revokeCall { sessionKey: key }), &Judge::BadSession {});
        let by_grant = grant(&w, a.address, key, now + 1, &a);
        refused(&w.call(&a, &by_grant), &Judge::BadSession {});
    }
}

#[test]
fn anyone_brings_a_grant_and_twice_does_no_harm() {
    let mut w = World::new();
    let (a, b, tower, key, now) = (w.a.clone(), w.b.clone(), w.tower.clone(), w.key_a.address, w.chain.now);
    let long = grant(&w, a.address, key, now + 100, &a);
    let short = grant(&w, a.address, key, now + 50, &a);
    assert_eq!(w.call(&tower, &long).unwrap().said().len(), 1);
    assert!(w.call(&b, &long).unwrap().logs.is_empty());
    assert!(w.call(&b, &short).unwrap().logs.is_empty());
    assert_eq!(session(&mut w, a.address, key), (now + 100, 0));
    let forged = grant(&w, a.address, key, now + 500, &b);
    refused(&w.call(&b, &forged), &unknown(&w));
    // A session key does not pass its power on.
    let by_key = grant(&w, a.address, tower.address, now + 500, &w.key_a);
    refused(&w.call(&b, &by_key), &unknown(&w));
    let nobody = Judge::delegateForCall { wallet: Address::ZERO, signature: Bytes::new(), ..forged };
    refused(&w.call(&b, &nobody), &Judge::BadSignature { expected: Address::ZERO });
}

#[test]
fn a_revocation_bites_one_challenge_later_and_for_good() {
    let mut w = World::new();
    let (a, key, now) = (w.a.clone(), w.key_a.address, w.chain.now);
    w.call(&a, &delegate(key, u64::MAX)).unwrap();
    let from = now + World::CHALLENGE;
    let receipt = w.call(&a, &Judge::revokeCall { sessionKey: key }).unwrap();
    let event = Judge::SessionKeySet { wallet: a.address, sessionKey: key, validUntil: u64::MAX, revokedFrom: from };
    assert_eq!(receipt.said(), [JudgeEvents::SessionKeySet(event)]);
    w.chain.now += 10;
    refused(&w.call(&a, &Judge::revokeCall { sessionKey: key }), &Judge::NothingToDo {});
    w.call(&a, &delegate(key, u64::MAX)).unwrap();
    assert_eq!(session(&mut w, a.address, key), (u64::MAX, from));
    let channel = w.open(COIN, 100, 50);
    for (nonce, time, good) in [(1, from - 1, true), (2, from, false), (3, from + 1, false), (4, from * 2, false)] {
        w.chain.now = time;
        let outcome = bring(&mut w, &channel, nonce);
        if good { assert!(outcome.is_ok()) } else { refused(&outcome, &unknown(&w)) }
    }
}

#[test]
fn a_revocation_may_come_before_the_grant_and_still_holds() {
    let mut w = World::new();
    let (a, b, key, now) = (w.a.clone(), w.b.clone(), w.key_a.address, w.chain.now);
    let channel = w.open(COIN, 100, 50);
    let offline = grant(&w, a.address, key, u64::MAX, &a);
    w.call(&a, &Judge::revokeCall { sessionKey: key }).unwrap();
    assert_eq!(session(&mut w, a.address, key), (0, now + World::CHALLENGE));
    refused(&bring(&mut w, &channel, 1), &unknown(&w));
    w.call(&b, &offline).unwrap();
    assert_eq!(session(&mut w, a.address, key), (u64::MAX, now + World::CHALLENGE));
    bring(&mut w, &channel, 1).unwrap();
    w.chain.now += World::CHALLENGE;
    refused(&bring(&mut w, &channel, 2), &unknown(&w));
}

#[test]
fn while_open_a_key_counts_until_it_runs_out() {
    let mut w = World::new();
    let (a, key, until) = (w.a.clone(), w.key_a.address, w.chain.now + 1000);
    w.call(&a, &delegate(key, until)).unwrap();
    let channel = w.open(COIN, 100, 50);
    w.chain.now = until - 1;
    bring(&mut w, &channel, 1).unwrap();
    for time in [until, until + 1] {
        w.chain.now = time;
        refused(&bring(&mut w, &channel, 2), &unknown(&w));
    }
    w.call(&a, &delegate(key, until + 2)).unwrap();
    bring(&mut w, &channel, 2).unwrap();
}

#[test]
fn after_a_close_only_the_moment_of_closing_counts() {
    for (until_after_close, revoke, good) in [(1, false, true), (0, false, false), (-1, false, false), (1, true, true)]
    {
        let mut w = World::new();
        let (a, key) = (w.a.clone(), w.key_a.address);
        let channel = w.open(COIN, 100, 50);
        let closing = w.chain.now + 500;
        w.call(&a, &delegate(key, closing.checked_add_signed(until_after_close).unwrap())).unwrap();
        if revoke {
            // Bites one second after the close.
            w.chain.now = closing + 1 - World::CHALLENGE;
            w.call(&a, &Judge::revokeCall { sessionKey: key }).unwrap();
        }
        w.chain.now = closing;
        w.close(&a, &channel, World::no_proof());
        w.chain.now = closing + World::CHALLENGE - 1;
        let outcome = bring(&mut w, &channel, 1);
        if good { assert!(outcome.is_ok()) } else { refused(&outcome, &unknown(&w)) }
    }
}

#[test]
fn nobody_escapes_its_proofs_by_revoking_and_closing() {
    // a revokes its key, and closes as late as the partner can still be surprised.
    let mut w = World::new();
    let (a, key, revoked) = (w.a.clone(), w.key_a.address, w.chain.now);
    w.call(&a, &delegate(key, u64::MAX)).unwrap();
    let channel = w.open(COIN, 100, 50);
    w.call(&a, &Judge::revokeCall { sessionKey: key }).unwrap();
    for wait in [0, 1, World::CHALLENGE / 2, World::CHALLENGE - 1] {
        let mut future = w.clone();
        future.chain.now = revoked + wait;
        future.close(&a, &channel, World::no_proof());
        future.chain.now = revoked + wait + World::CHALLENGE - 1;
        bring(&mut future, &channel, 1).unwrap();
    }
    // b has a whole challenge period to close first; its close fixes the moment too.
    w.chain.now = revoked + World::CHALLENGE - 1;
    let b = w.b.clone();
    let proof = w.proof(&channel, a.address, &Draft::paid(1, 10), &w.key_a, None);
    w.close(&b, &channel, proof);
}

#[test]
fn a_grant_signed_off_chain_is_brought_after_the_close_together_with_the_proof() {
    let mut w = World::new();
    let (a, b, key) = (w.a.clone(), w.b.clone(), w.key_a.address);
    let channel = w.open(COIN, 100, 50);
    // Runs out during the challenge: past when brought, good when the channel closed.
    let until = w.chain.now + 100;
    let offline = grant(&w, a.address, key, until, &a);
    w.close(&a, &channel, World::no_proof());
    w.chain.now = until + 50;
    refused(&bring(&mut w, &channel, 1), &unknown(&w));
    let proof = w.proof(&channel, a.address, &Draft::paid(1, 10), &w.key_a, None);
    let update = Judge::updateCall { key: channel.clone(), sender: a.address, proof };
    let both = Judge::multicallCall { data: vec![offline.abi_encode().into(), update.abi_encode().into()] };
    let receipt = w.call(&b, &both).unwrap();
    assert_eq!(receipt.said().len(), 2);
    assert_eq!(w.channel(&channel).a.transferred, 10);
}

#[test]
fn a_multicall_succeeds_or_fails_as_a_whole() {
    let mut w = World::new();
    let (a, b, key) = (w.a.clone(), w.b.clone(), w.key_a.address);
    let offline = grant(&w, a.address, key, u64::MAX, &a);
    let unopened = w.key(COIN);
    let settle = Judge::settleCall { key: unopened.clone() };
    let call = Judge::multicallCall { data: vec![offline.abi_encode().into(), settle.abi_encode().into()] };
    refused(&w.call(&b, &call), &Judge::NotClosing {});
    assert_eq!(session(&mut w, a.address, key), (0, 0));
    // It takes no coin, so no coin can be counted twice.
    let open = Judge::openCall { key: unopened, amount: 5, sessionKey: Address::ZERO, validUntil: 0 };
    let call = Judge::multicallCall { data: vec![open.abi_encode().into()] };
    assert_eq!(w.call_value(&a, 5, &call).unwrap_err(), Failure::Reverted(Bytes::new()));
    refused(&w.call(&a, &call), &Judge::BadAmount {});
}

#[test]
fn a_contract_wallet_delegates_by_its_own_rule_and_by_nothing_else() {
    let mut w = World::new();
    let (b, tower, owner) = (w.b.clone(), w.tower.clone(), Actor::new("owner"));
    let wallet = w.deploy_wallet(&owner);
    let key = w.key_of(COIN, wallet, b.address);
    let id = World::id(&key);
    let open = Judge::openCall { key: key.clone(), amount: 50, sessionKey: Address::ZERO, validUntil: 0 };
    w.call_value(&b, 50, &open).unwrap();
    let expected = Judge::BadSignature { expected: wallet };
    let now = w.chain.now;

    // The owner's signature is not the wallet's for anything that the Judge pays by.
    let draft = Draft::paid(1, 10);
    let proof = w.proof(&key, wallet, &draft, &owner, None);
    refused(&w.call(&b, &Judge::updateCall { key: key.clone(), sender: wallet, proof }), &expected);
    let accepted = w.proof(&key, b.address, &draft, &b, Some(&owner));
    refused(&w.call(&tower, &Judge::updateCall { key: key.clone(), sender: b.address, proof: accepted }), &expected);
    let message = signed::CloseChannel { channelId: id, closer: wallet, deadline: now };
    let close = Judge::closeForCall {
        key: key.clone(),
        closer: wallet,
        deadline: now,
        closerSignature: w.sign(&owner, &message),
        proof: World::no_proof(),
    };
    refused(&w.call(&tower, &close), &expected);
    let signers = if wallet < b.address { (&owner, &b) } else { (&b, &owner) };
    let agreed = w.cooperative_close(&key, if wallet < b.address { (0, 50) } else { (50, 0) }, now, signers);
    refused(&w.call(&b, &agreed), &expected);
    let withdraw = w.cooperative_withdraw(&key, b.address, 10, now, signers);
    refused(&w.call(&b, &withdraw), &expected);

    let by_stranger = grant(&w, wallet, w.key_a.address, u64::MAX, &tower);
    refused(&w.call(&tower, &by_stranger), &expected);
    let by_owner = grant(&w, wallet, w.key_a.address, u64::MAX, &owner);
    w.call(&tower, &by_owner).unwrap();
    // From here on its session key speaks for it, whoever owns it later.
    w.chain.send(tower.address, wallet, &ContractWallet::setOwnerCall { owner: tower.address }).unwrap();
    let proof = w.proof(&key, wallet, &draft, &w.key_a, None);
    w.call(&b, &Judge::updateCall { key, sender: wallet, proof }).unwrap();
}

#[test]
fn an_account_that_gains_code_cannot_void_its_grants() {
    let mut w = World::new();
    let (a, b, key) = (w.a.clone(), w.b.clone(), w.key_a.address);
    let offline = grant(&w, a.address, key, u64::MAX, &a);
    // Code that refuses every question: revert(0, 0).
    w.chain.set_code(a.address, Bytes::from_static(&[0x5f, 0x5f, 0xfd]));
    w.call(&b, &offline).unwrap();
    assert_eq!(session(&mut w, a.address, key), (u64::MAX, 0));
}

#[test]
fn a_session_key_signs_but_does_not_call_for_its_wallet() {
    let mut w = World::new();
    w.delegate_both();
    let (a, b, key_a) = (w.a.clone(), w.b.clone(), w.key_a.clone());
    let channel = w.open(COIN, 100, 50);
    let no_proof = World::no_proof();
    let close = Judge::closeCall { key: channel.clone(), proof: no_proof };
    refused(&w.call(&key_a, &close), &Judge::NotParticipant {});
    let unaccepted = w.proof_of_b(&channel, &Draft::paid(1, 10));
    let update = Judge::updateCall { key: channel.clone(), sender: b.address, proof: unaccepted };
    refused(&w.call(&key_a, &update), &Judge::BadSignature { expected: a.address });
    let accepted = w.proof(&channel, b.address, &Draft::paid(1, 10), &b, Some(&key_a));
    w.call(&key_a, &Judge::updateCall { key: channel.clone(), sender: b.address, proof: accepted }).unwrap();
    // Acting for both sides, it still can only send money to the two wallets.
    let foreign = w.cooperative_withdraw(&channel, key_a.address, 10, w.chain.now, (&key_a, &w.key_b));
    refused(&w.call(&key_a, &foreign), &Judge::NotParticipant {});
}
