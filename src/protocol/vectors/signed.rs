//! Everything that is signed for the Judge.

use alloy::primitives::{Address, B256};
use alloy::sol_types::{SolStruct, SolValue};
use serde_json::{Value, json};

use super::sample::{self, CHAIN_ID, DEADLINE, JUDGE, TOKEN, VALID_UNTIL, domain, the_channel};
use super::{check, hexed};
use crate::protocol::{AnnouncementBody, BalanceProof, ChannelKey, Domain, SessionKey, TokenFee, sol_types};

#[test]
fn keys_are_frozen() {
    let keys = sample::keys().map(|(name, key)| {
        let public = key.public_key();
        json!({
            "name": name,
            "privateKey": hexed(*key.to_bytes()),
            "publicKey": hexed(public.0),
            "address": hexed(public.address()),
        })
    });
    check("keys", json!(keys));
}

#[test]
fn domains_are_frozen() {
    let domains = [(CHAIN_ID, JUDGE), (1, Address::ZERO), (u64::MAX, Address::repeat_byte(0xff))];
    let domains = domains.map(|(chain_id, judge)| {
        json!({
            "chainId": chain_id.to_string(),
            "verifyingContract": hexed(judge),
            "separator": hexed(Domain::new(chain_id, judge).separator),
        })
    });
    check("domains", json!(domains));
}

fn channel_json(key: &ChannelKey) -> Value {
    json!({ "token": hexed(key.token), "a": hexed(key.a), "b": hexed(key.b), "salt": key.salt.to_string() })
}

#[test]
fn channel_ids_are_frozen() {
    let keys = [
        the_channel(),
        sample::channel(Address::ZERO, 0),
        sample::channel(Address::repeat_byte(0xff), u64::MAX),
        ChannelKey::new(TOKEN, Address::with_last_byte(1), Address::repeat_byte(0xff), 1).unwrap(),
    ];
    let channels = keys.map(
        |key| json!({ "key": channel_json(&key), "abi": hexed(key.to_sol().abi_encode()), "id": hexed(key.id().0) }),
    );
    check("channels", json!(channels));
}

/// One statement: its fields, hashes, and the signatures of those who make it.
pub(super) fn statement<T: SolStruct>(name: &str, sol: &T, message: Value, signers: &[(&str, SessionKey)]) -> Value {
    let digest = domain().digest(sol);
    let signatures: Vec<Value> = signers
        .iter()
        .map(|(signer, key)| {
            let signature = key.sign(digest).unwrap();
            assert_eq!(key.public_key().verify(digest, &signature), Ok(()));
            assert_eq!(signature.recover(digest), Ok(key.public_key().address()));
            json!({ "signer": signer, "signature": hexed(signature.0) })
        })
        .collect();
    json!({
        "name": name,
        "primaryType": T::NAME,
        "message": message,
        "structHash": hexed(sol.eip712_hash_struct()),
        "digest": hexed(digest),
        "signatures": signatures,
    })
}

fn proof_json(proof: &BalanceProof) -> Value {
    json!({
        "channelId": hexed(proof.channel.0),
        "sender": hexed(proof.sender),
        "nonce": proof.nonce.to_string(),
        "transferred": proof.transferred.to_string(),
        "locked": proof.locked.to_string(),
        "lastExpiry": proof.last_expiry.to_string(),
        "locksRoot": hexed(proof.locks_root),
        "context": hexed(proof.context),
    })
}

/// A proof of side a and side b's acceptance of it.
pub(super) fn proof_statements(name: &str, proof: &BalanceProof) -> [Value; 2] {
    let proof_hash = proof.to_sol().eip712_hash_struct();
    let accept = sol_types::AcceptProof { proofHash: proof_hash };
    assert_eq!(proof.digest(&domain()), domain().digest(&proof.to_sol()));
    assert_eq!(proof.acceptance_digest(&domain()), domain().digest(&accept));
    [
        statement(name, &proof.to_sol(), proof_json(proof), &[("sessionA", sample::session_a())]),
        statement(name, &accept, json!({ "proofHash": hexed(proof_hash) }), &[("sessionB", sample::session_b())]),
    ]
}

fn both() -> [(&'static str, SessionKey); 2] {
    [("sessionA", sample::session_a()), ("sessionB", sample::session_b())]
}

fn agreements(id: B256, wallet: Address) -> Vec<Value> {
    let mut statements = Vec::new();
    for (name, balance_a, balance_b, deadline) in
        [("ordinary", 400_000, 600_000, DEADLINE), ("least", 0, 0, DEADLINE), ("greatest", u128::MAX, 0, u64::MAX)]
    {
        let sol = sol_types::CooperativeClose { channelId: id, balanceA: balance_a, balanceB: balance_b, deadline };
        let message = json!({
            "channelId": hexed(id),
            "balanceA": balance_a.to_string(),
            "balanceB": balance_b.to_string(),
            "deadline": deadline.to_string(),
        });
        statements.push(statement(name, &sol, message, &both()));
    }
    for (name, total, deadline) in
        [("ordinary", 250_000, DEADLINE), ("least", 1, DEADLINE), ("greatest", u128::MAX, u64::MAX)]
    {
        let sol = sol_types::CooperativeWithdraw { channelId: id, wallet, totalWithdrawn: total, deadline };
        let message = json!({
            "channelId": hexed(id),
            "wallet": hexed(wallet),
            "totalWithdrawn": total.to_string(),
            "deadline": deadline.to_string(),
        });
        statements.push(statement(name, &sol, message, &both()));
    }
    for (name, deadline) in [("ordinary", DEADLINE), ("greatest", u64::MAX)] {
        let sol = sol_types::CloseChannel { channelId: id, closer: wallet, deadline };
        let message = json!({ "channelId": hexed(id), "closer": hexed(wallet), "deadline": deadline.to_string() });
        statements.push(statement(name, &sol, message, &both()[..1]));
    }
    statements
}

fn announcements() -> Vec<Value> {
    let names = ["ordinary", "least"];
    let announced = names.into_iter().zip(sample::announcements());
    announced
        .map(|(name, announcement)| {
            let AnnouncementBody { wallet, reachable, issued, expiry, fees, channels } = &announcement.body;
            let sol = announcement.body.to_sol();
            let fees = fees.iter().map(|TokenFee { token, fee }| {
                json!({ "token": hexed(token), "flat": fee.flat.to_string(), "proportional": fee.proportional.to_string() })
            });
            let channels = channels.iter().map(|hint| {
                json!({ "channelId": hexed(hint.channel.0), "capacity": hint.capacity.to_string() })
            });
            let message = json!({
                "wallet": hexed(wallet),
                "reachable": reachable,
                "issued": issued.to_string(),
                "expiry": expiry.to_string(),
                "fees": fees.collect::<Vec<_>>(),
                "channels": channels.collect::<Vec<_>>(),
            });
            let statement = statement(name, &sol, message, &both()[..1]);
            assert_eq!(statement["signatures"][0]["signature"], hexed(announcement.signature.0));
            statement
        })
        .collect()
}

#[test]
fn announcements_are_frozen() {
    let bytes = sample::announcements().map(|announcement| {
        assert_eq!(announcement.verify(&domain()), Ok(()));
        hexed(announcement.to_bytes())
    });
    check("announcements", json!(bytes));
}

fn delegations() -> Vec<Value> {
    let people = [
        ("walletA", sample::wallet_a(), sample::session_a(), VALID_UNTIL),
        ("walletB", sample::wallet_b(), sample::session_b(), u64::MAX),
    ];
    people
        .into_iter()
        .map(|(name, wallet, session, until)| {
            let (owner, key) = (wallet.public_key().address(), session.public_key().address());
            let sol = sol_types::Delegate { wallet: owner, sessionKey: key, validUntil: until };
            let message = json!({
                "wallet": hexed(owner),
                "sessionKey": hexed(key),
                "validUntil": until.to_string(),
            });
            statement(name, &sol, message, &[(name, wallet)])
        })
        .collect()
}

#[test]
fn statements_are_frozen() {
    let channel = the_channel();
    let mut statements: Vec<Value> =
        sample::proofs().iter().flat_map(|(name, proof)| proof_statements(name, proof)).collect();
    statements.extend(agreements(channel.id().0, channel.a));
    statements.extend(delegations());
    statements.extend(super::requests::statements());
    statements.extend(announcements());
    let greatest = sol_types::Lock {
        lockId: u64::MAX,
        amount: u128::MAX,
        expiry: alloy::primitives::aliases::U48::MAX,
        secretHash: B256::repeat_byte(0xff),
    };
    for (name, sol) in [("ordinary", sample::lock(3).to_sol()), ("greatest", greatest)] {
        let message = json!({
            "lockId": sol.lockId.to_string(),
            "amount": sol.amount.to_string(),
            "expiry": sol.expiry.to_string(),
            "secretHash": hexed(sol.secretHash),
        });
        // Nobody signs a lock: its struct hash is the leaf of the tree.
        statements.push(statement(name, &sol, message, &[]));
    }
    assert_eq!(sample::lock(3).leaf(), sample::lock(3).to_sol().eip712_hash_struct());
    check("statements", json!(statements));
}
