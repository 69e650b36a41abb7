//! Whoever is called by the Judge calls back: every entry is shut, and the books are in order already.

use crate::{
    locks::{leaf, secret, secret_hash},
    prelude::*,
};

/// One call of every function that changes something.
fn entries(key: &ChannelKey) -> Vec<(&'static str, Bytes)> {
    let (key, none) = (key.clone(), Bytes::new);
    let permit = abi::Permit { value: U256::ZERO, deadline: U256::ZERO, v: 27, r: B256::ZERO, s: B256::ZERO };
    let (wallet, session_key, proof) = (key.a, Address::repeat_byte(7), World::no_proof());
    let claim = Judge::claimCreditCall { token: key.token, wallet };
    macro_rules! calls {
        ($($name:literal $call:expr),* $(,)?) => { vec![$(($name, $call.abi_encode().into())),*] };
    }
    calls![
        "open" Judge::openCall { key: key.clone(), amount: 0, sessionKey: Address::ZERO, validUntil: 0 },
        "openWithPermit" Judge::openWithPermitCall { key: key.clone(), amount: 0, sessionKey: Address::ZERO, validUntil: 0, permit: permit.clone() },
        "deposit" Judge::depositCall { key: key.clone(), amount: 1 },
        "depositWithPermit" Judge::depositWithPermitCall { key: key.clone(), amount: 1, permit },
        "delegate" Judge::delegateCall { sessionKey: session_key, validUntil: u64::MAX },
        "delegateFor" Judge::delegateForCall { wallet, sessionKey: session_key, validUntil: 1, signature: none() },
        "revoke" Judge::revokeCall { sessionKey: session_key },
        "close" Judge::closeCall { key: key.clone(), proof: proof.clone() },
        "closeFor" Judge::closeForCall { key: key.clone(), closer: wallet, deadline: u64::MAX, closerSignature: none(), proof: proof.clone() },
        "update" Judge::updateCall { key: key.clone(), sender: wallet, proof },
        "unlock" Judge::unlockCall { key: key.clone(), sender: wallet, locks: Vec::new(), proofs: Vec::new() },
        "settle" Judge::settleCall { key: key.clone() },
        "finalize" Judge::finalizeCall { key: key.clone(), sender: wallet },
        "cooperativeClose" Judge::cooperativeCloseCall { key: key.clone(), balanceA: 0, balanceB: 0, deadline: u64::MAX, signatureA: none(), signatureB: none() },
        "cooperativeWithdraw" Judge::cooperativeWithdrawCall { key: key.clone(), wallet, totalWithdrawn: 1, deadline: u64::MAX, signatureA: none(), signatureB: none() },
        "claimCredit" claim.clone(),
        "multicall" Judge::multicallCall { data: vec![claim.abi_encode().into()] },
    ]
}

/// What the token or wallet was answered when it called back.
fn answer(w: &mut World, caller: Address) -> (bool, Bytes) {
    (w.chain.view(caller, &Token::reenteredCall {}), w.chain.view(caller, &Token::answerCall {}))
}

/// In every future, one entry is tried while `outer` runs, which succeeds all the same; then `check` looks at the books.
fn shut<C: SolCall>(w: &World, caller: Address, key: &ChannelKey, outer: &C, from: &Actor, check: impl Fn(&mut World)) {
    let entries = entries(key);
    assert_eq!(entries.len(), 17);
    for (name, data) in entries {
        let mut w = w.clone();
        let judge = w.judge;
        w.chain.send(from.address, caller, &Token::setReentryCall { target: judge, data }).unwrap();
        w.call(from, outer).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let shut: Bytes = Judge::ReentrancyGuardReentrantCall {}.abi_encode().into();
        assert_eq!(answer(&mut w, caller), (false, shut), "{name}");
        check(&mut w);
    }
}

/// A token that calls back from now on.
fn calling_token(w: &mut World) -> (Address, ChannelKey) {
    let token = w.deploy_weird_token();
    w.open(token, 1000, 0);
    let key = w.open(token, 100, 50);
    w.chain.send(w.tower.address, token, &Token::setFaultCall { fault: 11, victim: Address::ZERO }).unwrap();
    (token, key)
}

#[test]
fn a_token_cannot_call_back_during_a_deposit() {
    let mut w = World::new();
    let a = w.a.clone();
    let (token, key) = calling_token(&mut w);
    shut(&w, token, &key, &Judge::depositCall { key: key.clone(), amount: 7 }, &a, |w| {
        assert_eq!(w.channel(&key).a.deposited, 107);
    });
    let fresh = w.key(token);
    let open = Judge::openCall { key: fresh.clone(), amount: 7, sessionKey: Address::ZERO, validUntil: 0 };
    shut(&w, token, &fresh, &open, &a, |w| assert_eq!(w.channel(&fresh).a.deposited, 7));
}

#[test]
fn a_token_cannot_call_back_during_an_agreement() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let (token, key) = calling_token(&mut w);
    let withdraw = w.cooperative_withdraw(&key, a.address, 20, w.chain.now, (&a, &b));
    shut(&w, token, &key, &withdraw, &a, |w| assert_eq!(w.balance(token, w.judge), 1130));
    let close = w.cooperative_close(&key, (70, 80), w.chain.now, (&a, &b));
    shut(&w, token, &key, &close, &a, |w| assert_eq!(w.balance(token, w.judge), 1000));
}

#[test]
fn a_token_cannot_call_back_during_settlement_finalization_and_claims() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let (token, key) = calling_token(&mut w);
    let expiry = w.chain.now + 10;
    let lock = Lock { lockId: 1, amount: 30, expiry: u48(expiry), secretHash: secret_hash(1) };
    let draft = Draft { locked: 30, last_expiry: expiry, root: leaf(&lock), ..Draft::paid(1, 0) };
    w.close(&b, &key, w.proof_of_a(&key, &draft));
    w.reveal(secret(1));
    w.end_challenge(&key);
    let settle = Judge::settleCall { key: key.clone() };
    shut(&w, token, &key, &settle, &a, |w| assert_eq!(w.balance(token, w.judge), 1030));
    w.chain.now += World::CHALLENGE;
    let finalize = Judge::finalizeCall { key: key.clone(), sender: a.address };
    shut(&w, token, &key, &finalize, &a, |w| assert_eq!(w.balance(token, w.judge), 1000));
    // First the push fails, then the claim calls back.
    w.chain.send(a.address, token, &Token::setFaultCall { fault: 4, victim: a.address }).unwrap();
    w.call(&a, &finalize).unwrap();
    assert_eq!(w.credit(token, a.address), 100);
    w.chain.send(a.address, token, &Token::setFaultCall { fault: 11, victim: Address::ZERO }).unwrap();
    let claim = Judge::claimCreditCall { token, wallet: a.address };
    shut(&w, token, &key, &claim, &a, |w| {
        assert_eq!((w.credit(token, a.address), w.balance(token, w.judge)), (0, 1000));
    });
}

#[test]
fn a_receiver_of_coin_cannot_call_back() {
    let mut w = World::new();
    let (a, owner) = (w.a.clone(), w.b.clone());
    let wallet = w.deploy_wallet(&owner);
    w.open(COIN, 1000, 0);
    let key = w.key_of(COIN, a.address, wallet);
    let open = Judge::openCall { key: key.clone(), amount: 100, sessionKey: Address::ZERO, validUntil: 0 };
    w.call_value(&a, 100, &open).unwrap();
    let proof = w.proof(&key, a.address, &Draft::paid(1, 40), &a, None);
    let close = Judge::closeCall { key: key.clone(), proof }.abi_encode().into();
    let run = ContractWallet::runCall { to: w.judge, value: U256::ZERO, input: close };
    w.chain.send(owner.address, wallet, &run).unwrap();
    w.end_challenge(&key);
    let settle = Judge::settleCall { key: key.clone() };
    let mut calling = w.clone();
    calling.chain.send(a.address, wallet, &ContractWallet::setMoodCall { mood: 5 }).unwrap();
    shut(&calling, wallet, &key, &settle, &a, |w| {
        assert_eq!((w.balance(COIN, w.judge), w.credit(COIN, wallet)), (1000, 0));
    });
    // The same where the receiver has all the gas there is.
    w.chain.send(a.address, wallet, &ContractWallet::setMoodCall { mood: 1 }).unwrap();
    w.call(&a, &settle).unwrap();
    w.chain.send(a.address, wallet, &ContractWallet::setMoodCall { mood: 5 }).unwrap();
    let claim = Judge::claimCreditCall { token: COIN, wallet };
    shut(&w, wallet, &key, &claim, &a, |w| assert_eq!(w.balance(COIN, w.judge), 1000));
}

#[test]
fn after_a_failed_or_finished_call_the_door_is_open_again() {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let key = w.open(COIN, 100, 50);
    // Several guarded calls inside one transaction.
    let proof = |nonce| Draft::paid(nonce, 1);
    let updates: Vec<Bytes> = (1..=3)
        .map(|nonce| {
            let proof = w.proof_of_b(&key, &proof(nonce));
            Judge::updateCall { key: key.clone(), sender: b.address, proof }.abi_encode().into()
        })
        .collect();
    let receipt = w.call(&a, &Judge::multicallCall { data: updates }).unwrap();
    assert_eq!(receipt.events::<Judge::ProofAccepted>().len(), 3);
}
