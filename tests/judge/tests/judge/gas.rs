//! What every call costs, calldata included, against the committed figures and the ceilings that the project promises.
//! `UPDATE_GAS=1 cargo test -p chit-judge-tests gas` rewrites `contracts/gas.json`.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use chit_judge_tests::{
    Receipt,
    abi::{ENDPOINT_REGISTRY_JSON, EndpointRegistry, JUDGE_JSON},
};

use crate::{locks::Forest, prelude::*};

/// A tenth of a unit of the coin or of an ordinary token.
const DEPOSIT: u128 = 100_000_000_000_000_000;

/// Figures by name.
#[derive(Default)]
struct Table(BTreeMap<String, u64>);

impl Table {
    fn add(&mut self, name: &str, receipt: &Receipt) {
        assert!(self.0.insert(name.to_owned(), receipt.gas).is_none(), "{name} twice");
    }
}

/// Promised to be enough, by name.
const CEILINGS: &[(&str, u64)] = &[
    ("open, coin", 75_000),
    ("open, token", 100_000),
    ("open, token, key named again", 100_000),
    ("close with proof", 75_000),
    ("close with proof and locks", 97_000),
    ("update by the beneficiary", 72_000),
    ("update by a tower", 72_000),
    ("settle, coin", 85_000),
    ("settle, token", 85_000),
    ("cooperative close, coin", 85_000),
    ("cooperative close, token", 85_000),
    ("cooperative close, token, after checkpoints", 85_000),
    ("cooperative withdraw, coin", 70_000),
    ("cooperative withdraw, token", 70_000),
    ("unlock 1 of 100000, first", 100_000),
    ("unlock 1 of 100000, next", 67_000),
    ("unlock 50 of 100000, each", 26_000),
];

fn open(key: &ChannelKey, session_key: Address, until: u64) -> Judge::openCall {
    Judge::openCall { key: key.clone(), amount: DEPOSIT, sessionKey: session_key, validUntil: until }
}

fn funding(table: &mut Table) {
    let mut w = World::new();
    let (a, b) = (w.a.clone(), w.b.clone());
    let until = w.chain.now + 2_592_000;
    for (name, token, value) in [("coin", COIN, DEPOSIT), ("token", w.token, 0)] {
        // The Judge holds some of the token already, as it does for all but its first channel.
        w.open(token, DEPOSIT, 0);
        let session_key = Actor::new(name).address;
        let key = w.key(token);
        let receipt = w.call_value(&a, value, &open(&key, session_key, until)).unwrap();
        table.add(&format!("open, {name}, with a new key"), &receipt);
        let key = w.key(token);
        let receipt = w.call_value(&a, value, &open(&key, session_key, until)).unwrap();
        table.add(&format!("open, {name}, key named again"), &receipt);
        let key = w.key(token);
        table.add(&format!("open, {name}"), &w.call_value(&a, value, &open(&key, Address::ZERO, 0)).unwrap());
        let deposit = Judge::depositCall { key, amount: DEPOSIT };
        table.add(&format!("deposit, {name}, first"), &w.call_value(&b, value, &deposit).unwrap());
        table.add(&format!("deposit, {name}, next"), &w.call_value(&b, value, &deposit).unwrap());
    }
}

fn sessions(table: &mut Table) {
    let mut w = World::new();
    let (a, tower, key) = (w.a.clone(), w.tower.clone(), w.key_a.address);
    let until = w.chain.now + 2_592_000;
    table.add("delegate", &w.call(&a, &Judge::delegateCall { sessionKey: key, validUntil: until }).unwrap());
    let message = signed::Delegate { wallet: w.b.address, sessionKey: w.key_b.address, validUntil: until };
    let call = Judge::delegateForCall {
        wallet: message.wallet,
        sessionKey: message.sessionKey,
        validUntil: until,
        signature: w.sign(&w.b, &message),
    };
    table.add("delegate for another", &w.call(&tower, &call).unwrap());
    table.add("revoke", &w.call(&a, &Judge::revokeCall { sessionKey: key }).unwrap());
}

fn disputes(table: &mut Table) {
    let mut w = World::new();
    w.delegate_both();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let (key_a, key_b) = (w.key_a.clone(), w.key_b.clone());
    for (name, token) in [("coin", COIN), ("token", w.token)] {
        w.open(token, DEPOSIT, DEPOSIT);
        let key = w.open(token, DEPOSIT, DEPOSIT);
        let plain = Draft::paid(1000, DEPOSIT / 3);
        let locks = Draft { locked: DEPOSIT / 7, last_expiry: w.chain.now, root: keccak256("root"), ..plain };
        let by_b = |w: &World, draft: &Draft| w.proof(&key, b.address, draft, &key_b, Some(&key_a));
        let by_a = |w: &World, draft: &Draft| w.proof(&key, a.address, draft, &key_a, Some(&key_b));
        let mut dispute = w.clone();
        let proof = w.proof(&key, b.address, &plain, &key_b, None);
        let receipt = dispute.call(&a, &Judge::closeCall { key: key.clone(), proof }).unwrap();
        if token == COIN {
            table.add("close with proof", &receipt);
            let close = |proof| Judge::closeCall { key: key.clone(), proof };
            table.add("close without proof", &w.clone().call(&a, &close(World::no_proof())).unwrap());
            let proof = w.proof(&key, b.address, &locks, &key_b, None);
            table.add("close with proof and locks", &w.clone().call(&a, &close(proof)).unwrap());
            let deadline = w.chain.now + 3600;
            let message = signed::CloseChannel { channelId: World::id(&key), closer: a.address, deadline };
            let call = Judge::closeForCall {
                key: key.clone(),
                closer: a.address,
                deadline,
                closerSignature: w.sign(&key_a, &message),
                proof: by_b(&w, &plain),
            };
            table.add("close for another, with proof", &w.clone().call(&tower, &call).unwrap());
            let update = |proof| Judge::updateCall { key: key.clone(), sender: a.address, proof };
            let receipt = dispute.clone().call(&b, &update(w.proof(&key, a.address, &plain, &key_a, None))).unwrap();
            table.add("update by the beneficiary", &receipt);
            let receipt = dispute.clone().call(&tower, &update(by_a(&w, &locks))).unwrap();
            table.add("update by a tower, with locks", &receipt);
        }
        let update = Judge::updateCall { key: key.clone(), sender: a.address, proof: by_a(&w, &plain) };
        let receipt = dispute.call(&tower, &update).unwrap();
        if token == COIN {
            table.add("update by a tower", &receipt);
        }
        dispute.end_challenge(&key);
        let settle = Judge::settleCall { key: key.clone() };
        table.add(&format!("settle, {name}"), &dispute.clone().call(&tower, &settle).unwrap());
        if token != COIN {
            for wallet in [&a, &b] {
                let amount = U256::from(dispute.balance(token, wallet.address));
                let away = Token::transferCall { to: tower.address, amount };
                dispute.chain.send(wallet.address, token, &away).unwrap();
            }
            table.add("settle, token, to empty wallets", &dispute.call(&tower, &settle).unwrap());
        }
    }
}

fn agreements(table: &mut Table) {
    let mut w = World::new();
    w.delegate_both();
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let (key_a, key_b) = (w.key_a.clone(), w.key_b.clone());
    let deadline = w.chain.now + 3600;
    for (name, token) in [("coin", COIN), ("token", w.token)] {
        w.open(token, DEPOSIT, DEPOSIT);
        let key = w.open(token, DEPOSIT, DEPOSIT);
        let call = w.cooperative_withdraw(&key, a.address, DEPOSIT / 3, deadline, (&key_a, &key_b));
        table.add(&format!("cooperative withdraw, {name}"), &w.clone().call(&a, &call).unwrap());
        let balances = (DEPOSIT / 3, 2 * DEPOSIT - DEPOSIT / 3);
        let call = w.cooperative_close(&key, balances, deadline, (&key_a, &key_b));
        table.add(&format!("cooperative close, {name}"), &w.clone().call(&a, &call).unwrap());
        if token != COIN {
            let draft = Draft::paid(1, DEPOSIT / 5);
            for (sender, signer, other) in [(&a, &key_a, &key_b), (&b, &key_b, &key_a)] {
                let proof = w.proof(&key, sender.address, &draft, signer, Some(other));
                w.call(&tower, &Judge::updateCall { key: key.clone(), sender: sender.address, proof }).unwrap();
            }
            table.add("cooperative close, token, after checkpoints", &w.call(&a, &call).unwrap());
        }
    }
}

fn locks(table: &mut Table) {
    let mut forest = Forest::new(100_000);
    let w = &mut forest.world;
    let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
    let settle = Judge::settleCall { key: forest.key.clone() };
    table.add("settle, token, with locks pending", &w.clone().call(&tower, &settle).unwrap());
    table.add("unlock 1 of 100000, first", &forest.unlock(50_000..50_001).unwrap());
    table.add("unlock 1 of 100000, next", &forest.unlock(50_001..50_002).unwrap());
    let mut batch = forest.unlock(70_000..70_050).unwrap();
    table.add("unlock 50 of 100000, in one call", &batch);
    batch.gas = batch.gas.div_ceil(50);
    table.add("unlock 50 of 100000, each", &batch);
    table.add("unlock 10 of 100000, in one call", &forest.unlock(80_000..80_010).unwrap());
    table.add("unlock 100 of 100000, in one call", &forest.unlock(90_000..90_100).unwrap());
    let w = &mut forest.world;
    w.call(&b, &settle).unwrap();
    w.chain.now = forest.expiry + World::CHALLENGE;
    let finalize = Judge::finalizeCall { key: forest.key.clone(), sender: a.address };
    table.add("finalize, token", &w.call(&a, &finalize).unwrap());
}

fn registries(table: &mut Table) {
    let mut w = World::new();
    let (from, registry) = (w.a.address, w.registry);
    let secrets: Vec<B256> = (0u64..50).map(|i| keccak256(i.to_be_bytes())).collect();
    let call = SecretRegistry::registerSecretCall { secret: keccak256("one") };
    table.add("register a secret", &w.chain.send(from, registry, &call).unwrap());
    let call = SecretRegistry::registerSecretsCall { secrets };
    table.add("register 50 secrets, in one call", &w.chain.send(from, registry, &call).unwrap());
    let endpoints = w.deploy(ENDPOINT_REGISTRY_JSON, &[]);
    let call = EndpointRegistry::setEndpointCall { endpoint: Bytes::from_static(b"wss://relay.example:4433/ws") };
    table.add("set an endpoint", &w.chain.send(from, endpoints, &call).unwrap());
    let arguments = (registry, u48(World::CHALLENGE)).abi_encode();
    table.add("deploy the Judge", &w.chain.deploy(from, &abi::bytecode(JUDGE_JSON), &arguments).unwrap());
}

fn credits(table: &mut Table) {
    let mut w = World::new();
    let (a, tower) = (w.a.clone(), w.tower.clone());
    let wallet = w.deploy_wallet(&w.b.clone());
    let key = w.key_of(COIN, a.address, wallet);
    w.call_value(&a, DEPOSIT, &open(&key, Address::ZERO, 0)).unwrap();
    w.chain.send(tower.address, wallet, &ContractWallet::setMoodCall { mood: 1 }).unwrap();
    let draft = Draft::paid(1, DEPOSIT / 2);
    let proof = w.proof(&key, a.address, &draft, &a, None);
    let close = Judge::closeCall { key: key.clone(), proof }.abi_encode().into();
    let run = ContractWallet::runCall { to: w.judge, value: U256::ZERO, input: close };
    w.chain.send(tower.address, wallet, &run).unwrap();
    w.end_challenge(&key);
    table.add("settle, coin, one push fails", &w.call(&tower, &Judge::settleCall { key }).unwrap());
    w.chain.send(tower.address, wallet, &ContractWallet::setMoodCall { mood: 0 }).unwrap();
    table.add("claim a credit, coin", &w.call(&tower, &Judge::claimCreditCall { token: COIN, wallet }).unwrap());
}

#[test]
fn gas_is_what_was_committed_and_below_the_ceilings() {
    let mut table = Table::default();
    for measure in [funding, sessions, disputes, agreements, locks, registries, credits] {
        measure(&mut table);
    }
    let mut text = format!("{:<46} {:>9} {:>9}\n", "gas, calldata included", "used", "ceiling");
    for (name, gas) in &table.0 {
        let ceiling = CEILINGS.iter().find(|(known, _)| known == name).map_or(String::new(), |(_, c)| c.to_string());
        writeln!(text, "{name:<46} {gas:>9} {ceiling:>9}").unwrap();
    }
    println!("{text}");
    for (name, ceiling) in CEILINGS {
        assert!(table.0[*name] <= *ceiling, "{name}: {} is above {ceiling}", table.0[*name]);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/gas.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&table.0).unwrap());
    if std::env::var_os("UPDATE_GAS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == now, "gas changed; look at the table, then run with UPDATE_GAS=1\ncommitted: {committed}");
}
