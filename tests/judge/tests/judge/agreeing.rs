//! `cooperativeClose` and `cooperativeWithdraw`.

use crate::prelude::*;

#[test]
fn both_agree_and_are_paid_at_once() {
    let mut w = World::new();
    w.delegate_both();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    for token in [COIN, w.token] {
        for signers in [(a.clone(), b.clone()), (w.key_a.clone(), w.key_b.clone())] {
            let key = w.open(token, 100, 50);
            let id = World::id(&key);
            let before = (w.balance(token, a.address), w.balance(token, b.address));
            let call = w.cooperative_close(&key, (30, 120), w.chain.now, (&signers.0, &signers.1));
            let receipt = w.call(&tower, &call).unwrap();
            let paid = |wallet, amount| JudgeEvents::Paid(Judge::Paid { id, wallet, amount, credited: false });
            let done = JudgeEvents::ChannelDone(Judge::ChannelDone { id, cooperative: true });
            assert_eq!(receipt.said(), [done, paid(a.address, 30), paid(b.address, 120)]);
            assert_eq!(w.balance(token, a.address), before.0 + 30);
            assert_eq!(w.balance(token, b.address), before.1 + 120);
            assert_eq!(w.channel(&key).status, 3);
            refused(&w.call(&tower, &call), &Judge::NotOpen {});
        }
    }
}

#[test]
fn an_agreement_ends_a_dispute_until_the_challenge_is_over() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let words = w.chain.storage(w.judge).len();
    let key = w.open(COIN, 100, 50);
    let draft = Draft { locked: 7, last_expiry: 9, root: keccak256("root"), ..Draft::paid(1, 20) };
    w.close(&a, &key, w.proof_of_b(&key, &draft));
    let mut late = w.clone();
    late.end_challenge(&key);
    let call = late.cooperative_close(&key, (150, 0), late.chain.now, (&a, &b));
    refused(&late.call(&a, &call), &Judge::ChallengeOver {});
    w.call(&a, &call).unwrap();
    assert_eq!(w.channel(&key).status, 3);
    assert_eq!(w.chain.storage(w.judge).len(), words + 1);
    refused(&w.call(&a, &Judge::settleCall { key }), &Judge::NotClosing {});
}

#[test]
fn agreed_balances_are_all_that_is_there() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    let now = w.chain.now;
    for balances in [(100, 49), (100, 51), (0, 0), (u128::MAX, u128::MAX), (u128::MAX, 151)] {
        let call = w.cooperative_close(&key, balances, now, (&a, &b));
        refused(&w.call(&a, &call), &Judge::Conservation {});
    }
    let agreed = w.cooperative_close(&key, (100, 50), now, (&a, &b));
    // A deposit after the agreement voids the agreement and not the deposit.
    w.call_value(&b, 1, &Judge::depositCall { key: key.clone(), amount: 1 }).unwrap();
    refused(&w.call(&a, &agreed), &Judge::Conservation {});
    let withdraw = w.cooperative_withdraw(&key, b.address, 61, now, (&a, &b));
    w.call(&b, &withdraw).unwrap();
    let rest = w.cooperative_close(&key, (0, 90), now, (&a, &b));
    w.call(&a, &rest).unwrap();
}

#[test]
fn an_agreement_needs_both_and_its_deadline() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let key = w.open(COIN, 100, 50);
    let now = w.chain.now;
    let missing = |who: &Actor| Judge::BadSignature { expected: who.address };
    for (signers, who) in
        [((&a, &a), &b), ((&b, &b), &a), ((&b, &a), &a), ((&a, &tower), &b), ((&w.key_a.clone(), &b), &a)]
    {
        let call = w.cooperative_close(&key, (75, 75), now, signers);
        refused(&w.call(&a, &call), &missing(who));
        let call = w.cooperative_withdraw(&key, a.address, 5, now, signers);
        refused(&w.call(&a, &call), &missing(who));
    }
    // Calling is not signing.
    let mut unsigned = w.cooperative_close(&key, (75, 75), now, (&a, &b));
    unsigned.signatureA = Bytes::new();
    refused(&w.call(&a, &unsigned), &missing(&a));
    let close = w.cooperative_close(&key, (75, 75), now - 1, (&a, &b));
    refused(&w.call(&a, &close), &Judge::DeadlineExpired {});
    let withdraw = w.cooperative_withdraw(&key, a.address, 5, now - 1, (&a, &b));
    refused(&w.call(&a, &withdraw), &Judge::DeadlineExpired {});
    let unopened = w.key(COIN);
    let call = w.cooperative_close(&unopened, (0, 0), now, (&a, &b));
    refused(&w.call(&a, &call), &Judge::NotOpen {});
    let call = w.cooperative_withdraw(&unopened, a.address, 1, now, (&a, &b));
    refused(&w.call(&a, &call), &Judge::NotOpen {});
}

#[test]
fn a_withdrawal_pays_the_difference_and_is_remembered_in_the_settlement() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    for token in [COIN, w.token] {
        let words = w.chain.storage(w.judge).len();
        let key = w.open(token, 100, 50);
        let id = World::id(&key);
        let now = w.chain.now;
        let before = w.balance(token, a.address);
        // b has paid a 30 off chain, and a takes out more than its own deposit.
        let first = w.cooperative_withdraw(&key, a.address, 40, now, (&a, &b));
        let second = w.cooperative_withdraw(&key, a.address, 120, now, (&a, &b));
        let receipt = w.call(&tower, &first).unwrap();
        assert_eq!(
            receipt.said(),
            [
                JudgeEvents::Withdrawn(Judge::Withdrawn { id, wallet: a.address, total: 40 }),
                JudgeEvents::Paid(Judge::Paid { id, wallet: a.address, amount: 40, credited: false }),
            ]
        );
        let receipt = w.call(&tower, &second).unwrap();
        assert_eq!(receipt.events::<Judge::Paid>()[0].amount, 80);
        refused(&w.call(&tower, &first), &Judge::BadAmount {});
        refused(&w.call(&tower, &second), &Judge::BadAmount {});
        assert_eq!(w.balance(token, a.address), before + 120);
        assert_eq!(w.channel(&key).a.withdrawn, 120);
        w.close(&a, &key, w.proof_of_b(&key, &Draft::paid(1, 30)));
        w.end_challenge(&key);
        let receipt = w.call(&tower, &Judge::settleCall { key }).unwrap();
        let paid: Vec<_> = receipt.events::<Judge::Paid>().iter().map(|p| (p.wallet, p.amount)).collect();
        assert_eq!(paid, [(a.address, 10), (b.address, 20)]);
        assert_eq!(w.chain.storage(w.judge).len(), words + 1, "only the mark of a spent id stays");
    }
}

#[test]
fn withdrawals_stop_at_what_the_channel_holds() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    w.open(COIN, 1000, 0);
    let now = w.chain.now;
    let withdraw =
        |w: &World, wallet: &Actor, total| w.cooperative_withdraw(&key, wallet.address, total, now, (&a, &b));
    refused(&w.call(&a, &withdraw(&w, &a, 151)), &Judge::Conservation {});
    refused(&w.call(&a, &withdraw(&w, &a, u128::MAX)), &Judge::Conservation {});
    refused(&w.call(&a, &withdraw(&w, &a, 0)), &Judge::BadAmount {});
    w.call(&a, &withdraw(&w, &a, 90)).unwrap();
    refused(&w.call(&a, &withdraw(&w, &b, 61)), &Judge::Conservation {});
    w.call(&a, &withdraw(&w, &b, 60)).unwrap();
    refused(&w.call(&a, &withdraw(&w, &a, 91)), &Judge::Conservation {});
    let call = w.cooperative_close(&key, (0, 0), now, (&a, &b));
    assert_eq!(w.call(&a, &call).unwrap().said().len(), 1);
}

#[test]
fn withdrawals_are_for_participants_of_an_open_channel() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let key = w.open(COIN, 100, 50);
    let now = w.chain.now + 2 * World::CHALLENGE;
    let call = w.cooperative_withdraw(&key, tower.address, 10, now, (&a, &b));
    refused(&w.call(&tower, &call), &Judge::NotParticipant {});
    let call = w.cooperative_withdraw(&key, a.address, 10, now, (&a, &b));
    w.close(&a, &key, World::no_proof());
    refused(&w.call(&a, &call), &Judge::NotOpen {});
    w.end_challenge(&key);
    w.call(&a, &Judge::settleCall { key }).unwrap();
    refused(&w.call(&a, &call), &Judge::NotOpen {});
}
