//! Odd tokens and odd receivers: neither side's money depends on the other's good will.

use crate::prelude::*;

/// Faults of the test token, by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Fault {
    Fee = 1,
    NoReturn,
    SaysFalse,
    Reverts,
    EatsGas,
    ReturnBomb,
    Lies,
    SaysTwo,
    ShortReturn,
    Generous,
}

/// Moods of the contract wallet, by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Mood {
    Accepts = 0,
    Reverts,
    EatsGas,
    ReturnBomb,
}

fn set_fault(w: &mut World, token: Address, fault: Fault, victim: Address) {
    let call = Token::setFaultCall { fault: fault as u8, victim };
    w.chain.send(w.tower.address, token, &call).unwrap();
}

fn set_mood(w: &mut World, wallet: Address, mood: Mood) {
    w.chain.send(w.tower.address, wallet, &ContractWallet::setMoodCall { mood: mood as u8 }).unwrap();
}

fn open(key: &ChannelKey, amount: u128) -> Judge::openCall {
    Judge::openCall { key: key.clone(), amount, sessionKey: Address::ZERO, validUntil: 0 }
}

/// Calls the Judge as a contract wallet.
fn run<C: SolCall>(w: &mut World, wallet: Address, value: u128, call: &C) -> Outcome {
    let run = ContractWallet::runCall { to: w.judge, value: U256::from(value), input: call.abi_encode().into() };
    w.chain.send(w.tower.address, wallet, &run)
}

/// A coin channel of a person and a contract wallet, 100 each, closed and due. Paid out: 60 to the person, 140 to the wallet.
fn due_with_wallet(w: &mut World) -> (ChannelKey, Address) {
    let a = w.a.clone();
    let wallet = w.deploy_wallet(&w.b.clone());
    let key = w.key_of(COIN, a.address, wallet);
    w.call_value(&a, 100, &open(&key, 100)).unwrap();
    run(w, wallet, 100, &Judge::depositCall { key: key.clone(), amount: 100 }).unwrap();
    let proof = w.proof(&key, a.address, &Draft::paid(1, 40), &a, None);
    run(w, wallet, 0, &Judge::closeCall { key: key.clone(), proof }).unwrap();
    w.end_challenge(&key);
    (key, wallet)
}

/// A channel in a weird token, 100 and 50, closed and due. Paid out: 70 to a, 80 to b.
fn due_in_token(w: &mut World) -> (ChannelKey, Address) {
    let token = w.deploy_weird_token();
    // Other channels' money.
    w.open(token, 1000, 0);
    let key = w.open(token, 100, 50);
    let b = w.b.clone();
    w.close(&b, &key, w.proof_of_a(&key, &Draft::paid(1, 30)));
    w.end_challenge(&key);
    (key, token)
}

#[test]
fn a_deposit_counts_only_if_exactly_it_arrives() {
    let mut w = World::new();
    let (a, judge) = (w.a.clone(), w.judge);
    for (fault, arrives) in [
        (Fault::Fee, false),
        (Fault::NoReturn, true),
        (Fault::SaysFalse, false),
        (Fault::Reverts, false),
        (Fault::EatsGas, false),
        (Fault::ReturnBomb, false),
        (Fault::Lies, false),
        (Fault::SaysTwo, false),
        (Fault::Generous, false),
    ] {
        let token = w.deploy_weird_token();
        let good = w.open(token, 1000, 0);
        set_fault(&mut w, token, fault, Address::ZERO);
        let held = w.balance(token, judge);
        let key = w.key(token);
        let opened = w.call(&a, &open(&key, 1000));
        let deposited = w.call(&a, &Judge::depositCall { key: good.clone(), amount: 1000 });
        for outcome in [&opened, &deposited] {
            match fault {
                Fault::Fee | Fault::Lies | Fault::Generous => refused(outcome, &Judge::TokenTransfer {}),
                Fault::SaysFalse | Fault::SaysTwo => refused(outcome, &Judge::SafeERC20FailedOperation { token }),
                _ => assert_eq!(outcome.is_ok(), arrives, "{fault:?} {outcome:?}"),
            }
        }
        assert_eq!(w.channel(&key).status, u8::from(arrives));
        assert_eq!(w.balance(token, judge), held + if arrives { 2000 } else { 0 }, "{fault:?}");
    }
}

#[test]
fn a_token_that_answers_nothing_works_throughout() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let token = w.deploy_weird_token();
    set_fault(&mut w, token, Fault::NoReturn, Address::ZERO);
    let key = w.open(token, 100, 50);
    let now = w.chain.now;
    let withdraw = w.cooperative_withdraw(&key, a.address, 10, now, (&a, &b));
    let receipt = w.call(&a, &withdraw).unwrap();
    assert!(!receipt.events::<Judge::Paid>()[0].credited);
    let close = w.cooperative_close(&key, (60, 80), now, (&a, &b));
    w.call(&a, &close).unwrap();
    assert_eq!(w.balance(token, a.address), World::WEALTH - 30);
    assert_eq!(w.balance(token, b.address), World::WEALTH + 30);
}

#[test]
fn a_failed_token_payout_becomes_a_credit_and_the_other_side_is_paid() {
    for fault in [Fault::SaysFalse, Fault::Reverts, Fault::EatsGas, Fault::ReturnBomb] {
        let mut w = World::new();
        let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
        let (key, token) = due_in_token(&mut w);
        let before = (w.balance(token, a.address), w.balance(token, b.address));
        // a is on the token's blacklist.
        set_fault(&mut w, token, fault, a.address);
        let receipt = w.call(&tower, &Judge::settleCall { key: key.clone() }).unwrap();
        let paid: Vec<_> = receipt.events::<Judge::Paid>().iter().map(|p| (p.wallet, p.amount, p.credited)).collect();
        assert_eq!(paid, [(a.address, 70, true), (b.address, 80, false)], "{fault:?}");
        assert!(receipt.gas < 400_000, "{fault:?} {}", receipt.gas);
        assert_eq!(w.channel(&key).status, 3);
        assert_eq!((w.credit(token, a.address), w.credit(token, b.address)), (70, 0));
        assert_eq!(w.balance(token, a.address), before.0);
        assert_eq!(w.balance(token, b.address), before.1 + 80);
        assert_eq!(w.balance(token, w.judge), 1070);
        let claim = Judge::claimCreditCall { token, wallet: a.address };
        assert!(w.call(&a, &claim).is_err(), "{fault:?}");
        assert_eq!(w.credit(token, a.address), 70);
        set_fault(&mut w, token, Fault::Reverts, b.address);
        w.call(&tower, &claim).unwrap();
        assert_eq!(w.balance(token, a.address), before.0 + 70);
        assert_eq!(w.credit(token, a.address), 0);
        refused(&w.call(&a, &claim), &Judge::NothingToDo {});
        assert_eq!(w.balance(token, w.judge), 1000);
    }
}

#[test]
fn a_token_whose_contract_is_gone_has_not_paid() {
    let mut w = World::new();
    let (a, tower) = (w.a.clone(), w.tower.clone());
    let (key, token) = due_in_token(&mut w);
    // A call to an address without code succeeds and answers nothing, as a good transfer may.
    w.chain.set_code(token, Bytes::new());
    w.call(&tower, &Judge::settleCall { key }).unwrap();
    assert_eq!((w.credit(token, a.address), w.credit(token, w.b.address)), (70, 80));
}

#[test]
fn a_token_that_moves_and_denies_it_does_not_pay_twice() {
    for fault in [Fault::SaysTwo, Fault::ShortReturn] {
        let mut w = World::new();
        let (a, tower) = (w.a.clone(), w.tower.clone());
        let (key, token) = due_in_token(&mut w);
        set_fault(&mut w, token, fault, a.address);
        w.call(&tower, &Judge::settleCall { key }).unwrap();
        assert_eq!((w.credit(token, a.address), w.balance(token, w.judge)), (70, 1000), "{fault:?}");
        let outcome = w.call(&a, &Judge::claimCreditCall { token, wallet: a.address });
        refused(&outcome, &Judge::TokenTransfer {});
        assert_eq!(w.balance(token, w.judge), 1000);
    }
}

#[test]
fn a_failed_coin_payout_becomes_a_credit_and_the_other_side_is_paid() {
    for mood in [Mood::Reverts, Mood::EatsGas, Mood::ReturnBomb] {
        let mut w = World::new();
        let (a, tower) = (w.a.clone(), w.tower.clone());
        let (key, wallet) = due_with_wallet(&mut w);
        let before = (w.balance(COIN, a.address), w.balance(COIN, wallet));
        set_mood(&mut w, wallet, mood);
        let receipt = w.call(&tower, &Judge::settleCall { key: key.clone() }).unwrap();
        assert!(receipt.gas < 300_000, "{mood:?} {}", receipt.gas);
        assert_eq!(w.balance(COIN, a.address), before.0 + 60);
        assert_eq!(w.balance(COIN, wallet), before.1);
        assert_eq!(w.credit(COIN, wallet), 140);
        let claim = Judge::claimCreditCall { token: COIN, wallet };
        refused(&w.call(&tower, &claim), &Judge::TokenTransfer {});
        set_mood(&mut w, wallet, Mood::Accepts);
        w.call(&tower, &claim).unwrap();
        assert_eq!(w.balance(COIN, wallet), before.1 + 140);
        refused(&w.call(&tower, &claim), &Judge::NothingToDo {});
        assert_eq!(w.balance(COIN, w.judge), 0);
    }
}

#[test]
fn agreed_payouts_are_credited_likewise_and_credits_add_up() {
    let mut w = World::new();
    let a = w.a.clone();
    let owner = w.b.clone();
    let wallet = w.deploy_wallet(&owner);
    let session_key = w.key_b.clone();
    let delegate = Judge::delegateCall { sessionKey: session_key.address, validUntil: u64::MAX };
    run(&mut w, wallet, 0, &delegate).unwrap();
    let key = w.key_of(COIN, a.address, wallet);
    w.call_value(&a, 100, &open(&key, 100)).unwrap();
    set_mood(&mut w, wallet, Mood::Reverts);
    let wallet_first = wallet < a.address;
    let signers = if wallet_first { (&session_key, &a) } else { (&a, &session_key) };
    let now = w.chain.now;
    let withdraw = w.cooperative_withdraw(&key, wallet, 10, now, signers);
    let receipt = w.call(&a, &withdraw).unwrap();
    assert!(receipt.events::<Judge::Paid>()[0].credited);
    let close = w.cooperative_close(&key, if wallet_first { (20, 70) } else { (70, 20) }, now, signers);
    w.call(&a, &close).unwrap();
    assert_eq!(w.credit(COIN, wallet), 30);
    assert_eq!(w.credit(w.token, wallet), 0);
    set_mood(&mut w, wallet, Mood::Accepts);
    let before = w.balance(COIN, wallet);
    w.call(&a, &Judge::claimCreditCall { token: COIN, wallet }).unwrap();
    assert_eq!(w.balance(COIN, wallet), before + 30);
}

#[test]
fn a_receiver_that_needs_more_than_a_push_allows_claims_its_credit() {
    let mut w = World::new();
    let tower = w.tower.clone();
    let (key, wallet) = due_with_wallet(&mut w);
    let hunger = ContractWallet::setHungerCall { hunger: U256::from(150_000) };
    w.chain.send(tower.address, wallet, &hunger).unwrap();
    w.call(&tower, &Judge::settleCall { key }).unwrap();
    assert_eq!(w.credit(COIN, wallet), 140);
    w.call(&tower, &Judge::claimCreditCall { token: COIN, wallet }).unwrap();
    assert_eq!(w.credit(COIN, wallet), 0);
}

/// Runs one settlement under every gas limit: it either changes nothing or pays in full. Returns whether the floor was felt.
fn never_starved(w: &World, key: &ChannelKey, wallet: Address, limits: std::ops::Range<u64>) -> (u32, u32) {
    let data: Bytes = Judge::settleCall { key: key.clone() }.abi_encode().into();
    let (mut refusals, mut payments) = (0, 0);
    for limit in limits.step_by(500) {
        let mut w = w.clone();
        let outcome = w.chain.send_raw(w.tower.address, w.judge, U256::ZERO, data.clone(), limit);
        match outcome {
            Err(Failure::Reverted(data)) => {
                assert_eq!(data.as_ref(), Judge::LowGas {}.abi_encode());
                refusals += 1;
            }
            Err(Failure::Halted(_)) => {}
            Ok(receipt) => {
                assert!(receipt.events::<Judge::Paid>().iter().all(|paid| !paid.credited), "starved at {limit}");
                assert_eq!(w.credit(key.token, wallet), 0);
                payments += 1;
            }
        }
    }
    (refusals, payments)
}

#[test]
fn whoever_carries_a_settlement_cannot_starve_a_receiver_of_coin() {
    let mut w = World::new();
    let (key, wallet) = due_with_wallet(&mut w);
    // All but a little of what a push allows.
    let hunger = ContractWallet::setHungerCall { hunger: U256::from(98_500) };
    w.chain.send(w.tower.address, wallet, &hunger).unwrap();
    let (refusals, payments) = never_starved(&w, &key, wallet, 25_000..400_000);
    assert!(refusals > 100 && payments > 100, "{refusals} {payments}");
}

#[test]
fn whoever_carries_a_settlement_cannot_starve_a_token() {
    let mut w = World::new();
    let (key, token) = due_in_token(&mut w);
    let hunger = Token::setHungerCall { hunger: U256::from(150_000) };
    w.chain.send(w.tower.address, token, &hunger).unwrap();
    let a = w.a.address;
    let (refusals, payments) = never_starved(&w, &key, a, 25_000..800_000);
    assert!(refusals > 100 && payments > 100, "{refusals} {payments}");
}

#[test]
fn nobody_claims_what_is_not_credited() {
    let mut w = World::new();
    let (a, token) = (w.a.clone(), w.token);
    w.open(token, 100, 0);
    w.open(COIN, 100, 0);
    for token in [COIN, token, a.address] {
        refused(&w.call(&a, &Judge::claimCreditCall { token, wallet: a.address }), &Judge::NothingToDo {});
    }
}

#[test]
fn coin_does_not_come_in_by_another_door() {
    let mut w = World::new();
    let a = w.a.clone();
    let sent = w.chain.send_raw(a.address, w.judge, U256::from(5), Bytes::new(), Chain::GAS_LIMIT);
    assert_eq!(sent.unwrap_err(), Failure::Reverted(Bytes::new()));
    let key = w.open(COIN, 10, 0);
    let outcome = w.call_value(&a, 5, &Judge::settleCall { key });
    assert_eq!(outcome.unwrap_err(), Failure::Reverted(Bytes::new()));
}
