//! The committed artifacts say what the specification says.

use std::collections::BTreeSet;

use alloy::sol_types::SolInterface;
use chit_judge_tests::abi::{ENDPOINT_REGISTRY_JSON, EndpointRegistry, JUDGE_JSON, SECRET_REGISTRY_JSON};
use serde_json::Value;

use crate::prelude::*;

/// A type as a signature spells it.
fn spelled(argument: &Value) -> String {
    let kind = argument["type"].as_str().unwrap();
    match kind.strip_prefix("tuple") {
        Some(suffix) => {
            let parts: Vec<_> = argument["components"].as_array().unwrap().iter().map(spelled).collect();
            format!("({}){suffix}", parts.join(","))
        }
        None => kind.to_owned(),
    }
}

/// Signatures of everything of one kind in an artifact.
fn signatures(artifact: &str, kind: &str) -> BTreeSet<String> {
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    let entries = artifact["abi"].as_array().unwrap().iter().filter(|entry| entry["type"] == kind);
    entries
        .map(|entry| {
            let inputs: Vec<_> = entry["inputs"].as_array().unwrap().iter().map(spelled).collect();
            format!("{}({})", entry["name"].as_str().unwrap(), inputs.join(","))
        })
        .collect()
}

fn hashes<const N: usize>(signatures: &BTreeSet<String>) -> BTreeSet<[u8; N]> {
    signatures.iter().map(|s| keccak256(s)[..N].try_into().unwrap()).collect()
}

#[test]
fn the_judge_has_exactly_the_specified_functions_and_events() {
    assert_eq!(hashes(&signatures(JUDGE_JSON, "function")), Judge::JudgeCalls::selectors().collect());
    let events: BTreeSet<[u8; 32]> = hashes(&signatures(JUDGE_JSON, "event"));
    let ours: BTreeSet<[u8; 32]> = JudgeEvents::SELECTORS.iter().copied().collect();
    let eip712_domain_changed = keccak256("EIP712DomainChanged()").0;
    assert_eq!(events.iter().filter(|e| **e != eip712_domain_changed).copied().collect::<BTreeSet<_>>(), ours);
}

#[test]
fn the_judge_declares_every_specified_error() {
    let declared: BTreeSet<[u8; 4]> = hashes(&signatures(JUDGE_JSON, "error"));
    for selector in Judge::JudgeErrors::selectors() {
        assert!(declared.contains(&selector), "{selector:02x?}");
    }
}

#[test]
fn only_the_two_funding_calls_take_coin() {
    let artifact: Value = serde_json::from_str(JUDGE_JSON).unwrap();
    let payable: BTreeSet<_> = artifact["abi"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["stateMutability"] == "payable")
        .map(|entry| entry["name"].as_str().map(ToOwned::to_owned))
        .collect();
    assert_eq!(payable, BTreeSet::from([Some("deposit".to_owned()), Some("open".to_owned())]));
}

#[test]
fn the_registries_have_exactly_the_specified_functions() {
    assert_eq!(
        hashes(&signatures(SECRET_REGISTRY_JSON, "function")),
        SecretRegistry::SecretRegistryCalls::selectors().collect()
    );
    assert_eq!(
        hashes(&signatures(ENDPOINT_REGISTRY_JSON, "function")),
        EndpointRegistry::EndpointRegistryCalls::selectors().collect()
    );
}

#[test]
fn the_judge_fits_a_chain_and_keeps_its_parameters() {
    let mut w = World::new();
    let judge = w.judge;
    assert!(w.chain.code(judge).len() <= 24_576);
    assert_eq!(w.chain.view(judge, &Judge::CHALLENGECall {}), u48(World::CHALLENGE));
    assert_eq!(w.chain.view(judge, &Judge::REGISTRYCall {}), w.registry);
    let domain = w.chain.view(judge, &Judge::eip712DomainCall {});
    assert_eq!((domain.name.as_str(), domain.version.as_str()), ("Judge", "1"));
    assert_eq!((domain.chainId, domain.verifyingContract), (U256::from(w.chain.id), judge));
    let key = w.key(COIN);
    assert_eq!(w.chain.view(judge, &Judge::channelIdCall { key: key.clone() }), World::id(&key));
}

#[test]
fn a_judge_without_a_challenge_or_with_an_endless_one_is_not_deployed() {
    use alloy::sol_types::SolConstructor;
    let mut w = World::new();
    for (challenge, works) in [(0, false), (1, true), (31_536_000, true), (31_536_001, false)] {
        let arguments = Judge::constructorCall { registry: w.registry, challenge: u48(challenge) }.abi_encode();
        let outcome = w.chain.deploy(w.tower.address, &abi::bytecode(JUDGE_JSON), &arguments);
        assert_eq!(outcome.is_ok(), works, "{challenge}");
    }
}
