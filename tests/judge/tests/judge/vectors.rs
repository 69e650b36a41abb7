//! The golden vectors of `tests/vectors/protocol.json`: the Judge takes the signatures and proofs as they stand in the file.
//! Nothing is signed here. The file names the addresses and the chain id at which a [`World`] deploys.

use std::sync::LazyLock;

use serde_json::Value;

use crate::prelude::*;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../vectors/protocol.json")).unwrap());

fn list(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().unwrap().iter()
}

/// A value of the file, whatever it is written as.
fn get<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value, name: &str) -> T {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).parse().unwrap()
}

fn key(value: &Value) -> ChannelKey {
    ChannelKey { token: get(value, "token"), a: get(value, "a"), b: get(value, "b"), salt: get(value, "salt") }
}

/// All statements of one type, by name.
fn statements(primary_type: &str) -> impl Iterator<Item = (&'static str, &'static Value)> {
    list(&VECTORS["statements"])
        .filter(move |entry| entry["primaryType"] == primary_type)
        .map(|entry| (entry["name"].as_str().unwrap(), entry))
}

fn statement(primary_type: &str, name: &str) -> &'static Value {
    statements(primary_type).find(|(known, _)| *known == name).unwrap().1
}

fn signature(entry: &Value, index: usize) -> Bytes {
    get(&entry["signatures"][index], "signature")
}

/// The call's argument of a balance proof in the file.
fn proof(entry: &Value, acceptance: Bytes) -> abi::SignedProof {
    let message = &entry["message"];
    Draft {
        nonce: get(message, "nonce"),
        transferred: get(message, "transferred"),
        locked: get(message, "locked"),
        last_expiry: get(message, "lastExpiry"),
        root: get(message, "locksRoot"),
        context: get(message, "context"),
    }
    .with(signature(entry, 0), acceptance)
}

/// The channel that every statement is about, funded with `deposit` by its side a.
struct Scene {
    w: World,
    key: ChannelKey,
}

impl Scene {
    fn new(deposit: u128) -> Self {
        let mut w = World::new();
        let domain = &VECTORS["domains"][0];
        assert_eq!((get::<Address>(domain, "verifyingContract"), get::<u64>(domain, "chainId")), (w.judge, w.chain.id));
        let key = key(&VECTORS["channels"][0]["key"]);
        assert_eq!(key.token, w.token);
        let amount = U256::from(deposit);
        w.chain.send(key.a, key.token, &Token::mintCall { to: key.a, amount }).unwrap();
        w.chain.send(key.a, key.token, &Token::approveCall { spender: w.judge, amount }).unwrap();
        let open = Judge::openCall { key: key.clone(), amount: deposit, sessionKey: Address::ZERO, validUntil: 0 };
        w.call_as(key.a, 0, &open).unwrap();
        Self { w, key }
    }

    /// With both session keys delegated, by the grants in the file.
    fn delegated(deposit: u128) -> Self {
        let mut scene = Self::new(deposit);
        for (_, entry) in statements("Delegate") {
            scene.tower(&delegate_for(entry)).unwrap();
        }
        scene
    }

    /// A call by somebody who has no part in the channel, so that only the signatures can carry it.
    fn tower<C: SolCall>(&mut self, call: &C) -> Outcome {
        let tower = self.w.tower.clone();
        self.w.call(&tower, call)
    }
}

fn delegate_for(entry: &Value) -> Judge::delegateForCall {
    let message = &entry["message"];
    Judge::delegateForCall {
        wallet: get(message, "wallet"),
        sessionKey: get(message, "sessionKey"),
        validUntil: get(message, "validUntil"),
        signature: signature(entry, 0),
    }
}

#[test]
fn channel_ids_are_the_judges() {
    let mut w = World::new();
    for entry in list(&VECTORS["channels"]) {
        let id = w.chain.view(w.judge, &Judge::channelIdCall { key: key(&entry["key"]) });
        assert_eq!(id, get::<B256>(entry, "id"));
    }
}

#[test]
fn the_grants_are_taken() {
    let mut scene = Scene::new(0);
    assert_eq!(statements("Delegate").count(), 2);
    for (name, entry) in statements("Delegate") {
        let call = delegate_for(entry);
        scene.tower(&call).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        let judge = scene.w.judge;
        let session = scene.w.chain.view(judge, &Judge::sessionCall { wallet: call.wallet, key: call.sessionKey });
        assert_eq!(session.validUntil, call.validUntil);
    }
}

#[test]
fn the_proofs_and_their_acceptances_are_taken() {
    for (name, entry) in statements("BalanceProof") {
        let mut scene = Scene::delegated(1_000);
        let (key, sender) = (scene.key.clone(), get(&entry["message"], "sender"));
        let proof = proof(entry, signature(statement("AcceptProof", name), 0));
        let expected = proof.clone();
        scene
            .tower(&Judge::updateCall { key: key.clone(), sender, proof })
            .unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        let side = scene.w.channel(&key).a;
        assert_eq!(
            (side.nonce, side.transferred, side.locked),
            (expected.nonce, expected.transferred, expected.locked)
        );
        assert_eq!((side.lastExpiry, side.locksRoot), (expected.lastExpiry, expected.locksRoot));
    }
}

#[test]
fn the_wish_to_close_is_taken() {
    for (name, entry) in statements("CloseChannel") {
        let mut scene = Scene::delegated(1_000);
        let message = &entry["message"];
        let call = Judge::closeForCall {
            key: scene.key.clone(),
            closer: get(message, "closer"),
            deadline: get(message, "deadline"),
            closerSignature: signature(entry, 0),
            proof: World::no_proof(),
        };
        scene.tower(&call).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(scene.w.channel(&call.key).status, 2);
    }
}

#[test]
fn the_agreements_are_taken() {
    for (name, entry) in statements("CooperativeClose") {
        let message = &entry["message"];
        let (balance_a, balance_b): (u128, u128) = (get(message, "balanceA"), get(message, "balanceB"));
        let mut scene = Scene::delegated(balance_a + balance_b);
        let call = Judge::cooperativeCloseCall {
            key: scene.key.clone(),
            balanceA: balance_a,
            balanceB: balance_b,
            deadline: get(message, "deadline"),
            signatureA: signature(entry, 0),
            signatureB: signature(entry, 1),
        };
        scene.tower(&call).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(scene.w.balance(call.key.token, call.key.b), balance_b);
    }
    for (name, entry) in statements("CooperativeWithdraw") {
        let message = &entry["message"];
        let total: u128 = get(message, "totalWithdrawn");
        let mut scene = Scene::delegated(total);
        let call = Judge::cooperativeWithdrawCall {
            key: scene.key.clone(),
            wallet: get(message, "wallet"),
            totalWithdrawn: total,
            deadline: get(message, "deadline"),
            signatureA: signature(entry, 0),
            signatureB: signature(entry, 1),
        };
        scene.tower(&call).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(scene.w.channel(&call.key).a.withdrawn, total);
    }
}

#[test]
fn the_trees_are_unlocked_by_their_proofs() {
    let mut unlocked = 0;
    for tree in list(&VECTORS["trees"]) {
        let locked: u128 = get(tree, "locked");
        let mut scene = Scene::delegated(locked);
        let (key, sender) = (scene.key.clone(), scene.key.a);
        let b = key.b;
        let close = Judge::closeCall { key: key.clone(), proof: proof(&tree["balanceProof"], Bytes::new()) };
        scene.w.call_as(b, 0, &close).unwrap();
        scene.w.end_challenge(&key);
        let (mut locks, mut proofs, mut claimed) = (Vec::new(), Vec::new(), 0);
        for proven in list(&tree["proven"]) {
            scene.w.reveal(get(proven, "secret"));
            let lock = Lock {
                lockId: get(proven, "lockId"),
                amount: get(proven, "amount"),
                expiry: u48(get(proven, "expiry")),
                secretHash: get(proven, "secretHash"),
            };
            claimed += lock.amount;
            locks.push(lock);
            proofs.push(list(&proven["siblings"]).map(|sibling| sibling.as_str().unwrap().parse().unwrap()).collect());
        }
        if locks.is_empty() {
            assert_eq!(get::<B256>(tree, "root"), B256::ZERO);
            continue;
        }
        unlocked += locks.len();
        let call = Judge::unlockCall { key: key.clone(), sender, locks, proofs };
        scene.tower(&call).unwrap_or_else(|failure| panic!("{}: {failure:?}", tree["name"]));
        assert_eq!(scene.w.channel(&key).a.claimed, claimed);
    }
    assert!(unlocked > 20);
}
