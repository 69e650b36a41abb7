//! Claims of many locks as the client brings them: its tree, its calldata, its reckoning of gas, on the real Judge.

use chit_client::chain::prepare;
use chit_client::engine::{registration_gas, settlement_gas};
use chit_client::protocol::{
    Amount, ChannelKey as ClientKey, Claim, JudgeCall, Lock as ClientLock, LockTree as ClientTree, SecretHash,
};

use crate::{
    locks::{secret, secret_hash},
    prelude::*,
};

const LOCKS: u64 = 10_000;
/// As many as the client's bound on bytes leaves room for, with proofs of fourteen siblings.
const AT_ONCE: u64 = 153;

#[test]
fn ten_thousand_locks_of_one_channel_are_claimed_in_the_clients_transactions() {
    let mut w = World::new();
    let (a, b, tower, judge) = (w.a.clone(), w.b.clone(), w.tower.clone(), w.judge);
    let expiry = w.chain.now + 2 * World::CHALLENGE;
    let mut tree = ClientTree::default();
    for id in 1..=LOCKS {
        // Equal amounts, among others.
        let (amount, secret_hash) = (Amount::from(1 + id % 3), SecretHash(secret_hash(id)));
        tree.insert(ClientLock { id, amount, expiry, secret_hash }).unwrap();
    }
    let locked = tree.total().get();
    let key = w.open(w.token, locked, 0);
    let client_key = ClientKey { token: key.token, a: key.a, b: key.b, salt: key.salt };
    let draft = Draft { locked, last_expiry: tree.last_expiry(), root: tree.root(), ..Draft::paid(1, 0) };
    w.close(&b, &key, w.proof_of_a(&key, &draft));

    for from in (1..=LOCKS).step_by(313) {
        let secrets: Vec<B256> = (from..(from + 313).min(LOCKS + 1)).map(secret).collect();
        let reckoned = registration_gas(secrets.len());
        let receipt =
            w.chain.send(tower.address, w.registry, &SecretRegistry::registerSecretsCall { secrets }).unwrap();
        assert!(receipt.gas <= reckoned, "{} of {reckoned}", receipt.gas);
    }
    w.end_challenge(&key);

    let before = w.balance(key.token, b.address);
    let mut claimed = 0;
    for from in (1..=LOCKS).step_by(usize::try_from(AT_ONCE).unwrap()) {
        let mut claim = Claim { sender: a.address, locks: Vec::new(), proofs: Vec::new() };
        for id in from..(from + AT_ONCE).min(LOCKS + 1) {
            let lock = *tree.get(id).unwrap();
            claimed += lock.amount.get();
            claim.proofs.push(tree.proof(id).unwrap());
            claim.locks.push(lock);
        }
        let (count, siblings) = (claim.locks.len(), claim.proofs.iter().map(Vec::len).max().unwrap());
        let call = JudgeCall::Settle { key: client_key, claims: vec![claim], finalize: Vec::new() };
        let plan = prepare(judge, b.address, &call).unwrap();
        assert!(plan.data.len() < 128 * 1_024, "nodes take {}", plan.data.len());
        let receipt = w.chain.send_raw(b.address, judge, U256::ZERO, plan.data, 1 << 24).unwrap();
        let reckoned = settlement_gas(count, siblings);
        if from == 1 {
            println!("{count} claims: {} gas, reckoned {reckoned}", receipt.gas);
        }
        assert!(receipt.gas <= reckoned, "{} of {reckoned}", receipt.gas);
        assert!(receipt.gas < 1 << 24, "a network takes less than {} in one transaction", receipt.gas);
        if claimed < locked {
            assert_eq!(w.channel(&key).a.claimed, claimed);
        }
    }
    assert_eq!(w.balance(key.token, b.address) - before, locked);
    assert_eq!(w.channel(&key).status, 3, "everything is paid out");
}
