//! Opening and depositing.

use chit_judge_tests::abi::Permit;

use crate::prelude::*;

fn open(key: &ChannelKey, amount: u128) -> Judge::openCall {
    Judge::openCall { key: key.clone(), amount, sessionKey: Address::ZERO, validUntil: 0 }
}

fn deposit(key: &ChannelKey, amount: u128) -> Judge::depositCall {
    Judge::depositCall { key: key.clone(), amount }
}

/// Coin to send along with an amount of this token.
fn value(token: Address, amount: u128) -> u128 {
    if token == COIN { amount } else { 0 }
}

fn permit(w: &mut World, owner: &Actor, value: u128, deadline: u64) -> Permit {
    let nonce = w.chain.view(w.token, &Token::noncesCall { wallet: owner.address });
    let domain = alloy::sol_types::eip712_domain! {
        name: "Test Token", version: "1", chain_id: w.chain.id, verifying_contract: w.token,
    };
    let message = signed::erc2612::Permit {
        owner: owner.address,
        spender: w.judge,
        value: U256::from(value),
        nonce,
        deadline: U256::from(deadline),
    };
    let signature = owner.sign(&domain, &message);
    Permit {
        value: message.value,
        deadline: message.deadline,
        v: signature[64],
        r: B256::from_slice(&signature[..32]),
        s: B256::from_slice(&signature[32..64]),
    }
}

fn forbid(w: &mut World, wallet: &Actor) {
    let spender = w.judge;
    w.chain.send(wallet.address, w.token, &Token::approveCall { spender, amount: U256::ZERO }).unwrap();
}

#[test]
fn either_side_opens_with_its_deposit_and_a_session_key() {
    let mut w = World::new();
    for token in [COIN, w.token] {
        for (second, wallet) in [(false, w.a.clone()), (true, w.b.clone())] {
            let key = w.key(token);
            let id = World::id(&key);
            let session_key = keccak256(&id[..]).0[..20].try_into().unwrap();
            let until = w.chain.now + 1000;
            let before = w.balance(token, wallet.address);
            let held = w.balance(token, w.judge);
            let call = Judge::openCall { key: key.clone(), amount: 700, sessionKey: session_key, validUntil: until };
            let receipt = w.call_value(&wallet, value(token, 700), &call).unwrap();
            assert_eq!(receipt.output.as_ref(), id.as_slice());
            let (a, b) = (w.a.address, w.b.address);
            assert_eq!(
                receipt.said(),
                [
                    JudgeEvents::ChannelOpened(Judge::ChannelOpened { id, a, b, token, salt: key.salt }),
                    JudgeEvents::SessionKeySet(Judge::SessionKeySet {
                        wallet: wallet.address,
                        sessionKey: session_key,
                        validUntil: until,
                        revokedFrom: 0
                    }),
                    JudgeEvents::Deposited(Judge::Deposited { id, wallet: wallet.address, total: 700 }),
                ]
            );
            let view = w.channel(&key);
            assert_eq!((view.status, view.closedAt, view.challengeEnd), (1, u48(0), u48(0)));
            let (mine, theirs) = if second { (view.b, view.a) } else { (view.a, view.b) };
            assert_eq!((mine.deposited, theirs.deposited), (700, 0));
            assert!(!mine.isFinal && !theirs.isFinal);
            assert_eq!(w.balance(token, wallet.address), before - 700);
            assert_eq!(w.balance(token, w.judge), held + 700);
        }
    }
}

#[test]
fn a_channel_may_open_empty_and_without_a_key() {
    let mut w = World::new();
    let a = w.a.clone();
    for token in [COIN, w.token, Actor::new("no contract").address] {
        let key = w.key(token);
        let receipt = w.call(&a, &open(&key, 0)).unwrap();
        assert_eq!(receipt.said().len(), 1);
        assert_eq!(w.channel(&key).status, 1);
    }
}

#[test]
fn opening_refuses_bad_keys_and_strangers() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let key = w.key(COIN);
    let swapped = ChannelKey { a: b.address, b: a.address, ..key.clone() };
    refused(&w.call(&a, &open(&swapped, 0)), &Judge::BadKey {});
    let alone = ChannelKey { a: a.address, b: a.address, ..key.clone() };
    refused(&w.call(&a, &open(&alone, 0)), &Judge::BadKey {});
    let nobody = ChannelKey { a: Address::ZERO, b: a.address, ..key.clone() };
    refused(&w.call(&a, &open(&nobody, 0)), &Judge::BadKey {});
    refused(&w.call(&tower, &open(&key, 0)), &Judge::NotParticipant {});
}

#[test]
fn a_key_with_stray_bits_opens_nothing_and_names_nothing() {
    let mut w = World::new();
    let a = w.a.clone();
    let (fresh, opened) = (w.key(COIN), w.open(COIN, 10, 0));
    // Width in bytes of token, a, b and salt within their words.
    for (word, width) in [(0, 20), (1, 20), (2, 20), (3, 8)] {
        let mut stray = open(&fresh, 0).abi_encode();
        stray[4 + 32 * word + 31 - width] = 1;
        let outcome = w.chain.send_raw(a.address, w.judge, U256::ZERO, stray.into(), Chain::GAS_LIMIT);
        assert_eq!(outcome.unwrap_err(), Failure::Reverted(Bytes::new()), "word {word}");
        let mut stray = Judge::closeCall { key: opened.clone(), proof: World::no_proof() }.abi_encode();
        stray[4 + 32 * word + 31 - width] = 1;
        let outcome = w.chain.send_raw(a.address, w.judge, U256::ZERO, stray.into(), Chain::GAS_LIMIT);
        refused(&outcome, &Judge::NotOpen {});
    }
    assert_eq!((w.channel(&fresh).status, w.channel(&opened).status), (0, 1));
}

#[test]
fn an_id_is_never_used_twice() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 10, 0);
    refused(&w.call(&b, &open(&key, 0)), &Judge::ChannelExists {});
    w.close(&a, &key, World::no_proof());
    refused(&w.call(&a, &open(&key, 0)), &Judge::ChannelExists {});
    w.end_challenge(&key);
    w.call(&a, &Judge::settleCall { key: key.clone() }).unwrap();
    refused(&w.call(&a, &open(&key, 0)), &Judge::ChannelExists {});
    let key = w.open(COIN, 10, 0);
    let call = w.cooperative_close(&key, (4, 6), w.chain.now, (&a, &b));
    w.call(&a, &call).unwrap();
    refused(&w.call(&b, &open(&key, 0)), &Judge::ChannelExists {});
}

#[test]
fn the_coin_sent_must_be_the_amount() {
    let mut w = World::new();
    let (a, token) = (w.a.clone(), w.token);
    let key = w.key(COIN);
    for sent in [0, 9, 11] {
        refused(&w.call_value(&a, sent, &open(&key, 10)), &Judge::BadAmount {});
    }
    refused(&w.call_value(&a, 1, &open(&key, 0)), &Judge::BadAmount {});
    let in_token = w.key(token);
    refused(&w.call_value(&a, 10, &open(&in_token, 10)), &Judge::BadAmount {});
    refused(&w.call_value(&a, 1, &open(&in_token, 0)), &Judge::BadAmount {});
    let key = w.open(COIN, 1, 0);
    refused(&w.call_value(&a, 9, &deposit(&key, 10)), &Judge::BadAmount {});
    let key = w.open(token, 1, 0);
    refused(&w.call_value(&a, 1, &deposit(&key, 10)), &Judge::BadAmount {});
}

#[test]
fn opening_refuses_session_keys_that_cannot_be_meant() {
    let mut w = World::new();
    let a = w.a.clone();
    let key = w.key(COIN);
    let now = w.chain.now;
    for (session_key, until) in [(w.key_a.address, now), (w.key_a.address, 0), (a.address, now + 10)] {
        let call = Judge::openCall { key: key.clone(), amount: 0, sessionKey: session_key, validUntil: until };
        refused(&w.call(&a, &call), &Judge::BadSession {});
    }
}

#[test]
fn both_sides_deposit_and_totals_add_up() {
    let mut w = World::new();
    for token in [COIN, w.token] {
        let key = w.open(token, 10, 0);
        let id = World::id(&key);
        let mut totals = [10, 0];
        for (i, wallet, amount) in [(1, w.b.clone(), 7), (0, w.a.clone(), 5), (1, w.b.clone(), 1)] {
            let receipt = w.call_value(&wallet, value(token, amount), &deposit(&key, amount)).unwrap();
            totals[i] += amount;
            let event = Judge::Deposited { id, wallet: wallet.address, total: totals[i] };
            assert_eq!(receipt.said(), [JudgeEvents::Deposited(event)]);
        }
        let view = w.channel(&key);
        assert_eq!([view.a.deposited, view.b.deposited], totals);
    }
}

#[test]
fn deposits_are_refused_from_strangers_of_nothing_and_outside_an_open_channel() {
    let mut w = World::new();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let unopened = w.key(COIN);
    refused(&w.call_value(&a, 1, &deposit(&unopened, 1)), &Judge::NotOpen {});
    let key = w.open(COIN, 10, 0);
    refused(&w.call_value(&tower, 1, &deposit(&key, 1)), &Judge::NotParticipant {});
    refused(&w.call(&a, &deposit(&key, 0)), &Judge::BadAmount {});
    w.close(&a, &key, World::no_proof());
    refused(&w.call_value(&b, 1, &deposit(&key, 1)), &Judge::NotOpen {});
    w.end_challenge(&key);
    w.call(&a, &Judge::settleCall { key: key.clone() }).unwrap();
    refused(&w.call_value(&b, 1, &deposit(&key, 1)), &Judge::NotOpen {});
}

#[test]
fn both_deposits_together_fit_an_amount() {
    let mut w = World::new();
    let (a, b, token) = (w.a.clone(), w.b.clone(), w.token);
    for to in [a.address, b.address] {
        w.chain
            .send(to, token, &Token::mintCall { to, amount: U256::from(u128::MAX) - U256::from(World::WEALTH) })
            .unwrap();
    }
    let key = w.open(token, u128::MAX, 0);
    refused(&w.call(&b, &deposit(&key, 1)), &Judge::BadAmount {});
    refused(&w.call(&a, &deposit(&key, 1)), &Judge::BadAmount {});
    w.close(&a, &key, World::no_proof());
    w.end_challenge(&key);
    w.call(&a, &Judge::settleCall { key }).unwrap();
    let key = w.open(token, u128::MAX - 5, 5);
    refused(&w.call(&b, &deposit(&key, 1)), &Judge::BadAmount {});
    assert_eq!(w.balance(token, w.judge), u128::MAX);
}

#[test]
fn a_permit_stands_for_an_approval() {
    let mut w = World::new();
    let a = w.a.clone();
    forbid(&mut w, &a);
    let key = w.key(w.token);
    let deadline = w.chain.now;
    let permit_ = permit(&mut w, &a, 10, deadline);
    let call = Judge::openWithPermitCall {
        key: key.clone(),
        amount: 10,
        sessionKey: Address::ZERO,
        validUntil: 0,
        permit: permit_,
    };
    let receipt = w.call(&a, &call).unwrap();
    assert_eq!(receipt.output.as_ref(), World::id(&key).as_slice());
    let permit_ = permit(&mut w, &a, 5, deadline);
    w.call(&a, &Judge::depositWithPermitCall { key: key.clone(), amount: 5, permit: permit_ }).unwrap();
    assert_eq!(w.channel(&key).a.deposited, 15);
}

#[test]
fn a_permit_that_someone_brought_before_does_no_harm() {
    let mut w = World::new();
    let (a, tower) = (w.a.clone(), w.tower.address);
    forbid(&mut w, &a);
    let key = w.key(w.token);
    let deadline = w.chain.now;
    let permit_ = permit(&mut w, &a, 10, deadline);
    let front_run = Token::permitCall {
        owner: a.address,
        spender: w.judge,
        value: permit_.value,
        deadline: permit_.deadline,
        v: permit_.v,
        r: permit_.r,
        s: permit_.s,
    };
    w.chain.send(tower, w.token, &front_run).unwrap();
    let call = Judge::openWithPermitCall { key, amount: 10, sessionKey: Address::ZERO, validUntil: 0, permit: permit_ };
    w.call(&a, &call).unwrap();
}

#[test]
fn a_bad_permit_leaves_the_missing_allowance_as_the_reason() {
    let mut w = World::new();
    let (a, b, judge) = (w.a.clone(), w.b.clone(), w.judge);
    forbid(&mut w, &a);
    let deadline = w.chain.now;
    let reason = Token::ERC20InsufficientAllowance { spender: judge, allowance: U256::ZERO, needed: U256::from(10) };
    let by_another = permit(&mut w, &b, 10, deadline);
    let expired = permit(&mut w, &a, 10, deadline - 1);
    for permit in [by_another, expired] {
        let key = w.key(w.token);
        let call = Judge::openWithPermitCall { key, amount: 10, sessionKey: Address::ZERO, validUntil: 0, permit };
        refused(&w.call(&a, &call), &reason);
    }
}

#[test]
fn permits_are_for_tokens() {
    let mut w = World::new();
    let a = w.a.clone();
    let permit = permit(&mut w, &a, 10, 0);
    let key = w.open(COIN, 1, 0);
    let call = Judge::depositWithPermitCall { key, amount: 10, permit: permit.clone() };
    refused(&w.call(&a, &call), &Judge::BadAmount {});
    let key = w.key(COIN);
    let call = Judge::openWithPermitCall { key, amount: 10, sessionKey: Address::ZERO, validUntil: 0, permit };
    refused(&w.call(&a, &call), &Judge::BadAmount {});
}

#[test]
fn a_token_says_itself_what_is_missing() {
    let mut w = World::new();
    let (a, token) = (w.a.clone(), w.token);
    let key = w.key(token);
    let short = Token::ERC20InsufficientBalance {
        sender: a.address,
        balance: U256::from(World::WEALTH),
        needed: U256::from(World::WEALTH + 1),
    };
    refused(&w.call(&a, &open(&key, World::WEALTH + 1)), &short);
    let key = w.key(Actor::new("no contract").address);
    assert_eq!(w.call(&a, &open(&key, 1)).unwrap_err(), Failure::Reverted(Bytes::new()));
}
