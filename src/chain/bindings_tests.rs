//! The bindings against the compiled contracts: a signature that differs would be a call that nobody answers.

use std::collections::BTreeSet;

use alloy::primitives::keccak256;
use alloy::sol_types::SolInterface;
use serde_json::Value;

use super::*;

fn canonical(parameter: &Value) -> String {
    let kind = parameter["type"].as_str().unwrap();
    match kind.strip_prefix("tuple") {
        Some(suffix) => format!("{}{suffix}", list(&parameter["components"])),
        None => kind.to_owned(),
    }
}

fn list(parameters: &Value) -> String {
    let kinds: Vec<_> = parameters.as_array().unwrap().iter().map(canonical).collect();
    format!("({})", kinds.join(","))
}

/// The selectors of a compiled contract's items of one kind.
fn compiled(artifact: &str, kind: &str) -> BTreeSet<[u8; 4]> {
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    let items = artifact["abi"].as_array().unwrap().iter().filter(|item| item["type"] == kind);
    items
        .map(|item| {
            let signature = format!("{}{}", item["name"].as_str().unwrap(), list(&item["inputs"]));
            keccak256(signature)[..4].try_into().unwrap()
        })
        .collect()
}

const JUDGE: &str = include_str!("../../contracts/artifacts/Judge.json");
const TOKEN: &str = include_str!("../../contracts/artifacts/TestToken.json");

#[test]
fn every_function_and_error_is_the_compiled_ones() {
    let functions = compiled(JUDGE, "function");
    for selector in Judge::JudgeCalls::selectors() {
        assert!(functions.contains(&selector), "the Judge has no function {selector:02x?}");
    }
    let known: BTreeSet<_> = Judge::JudgeErrors::selectors().collect();
    let declared = compiled(JUDGE, "error");
    let names = |signature: &str| -> [u8; 4] { keccak256(signature)[..4].try_into().unwrap() };
    let constructors = BTreeSet::from([names("StringTooLong(string)"), names("InvalidShortString()")]);
    let missing: Vec<_> = declared.difference(&known).filter(|selector| !constructors.contains(*selector)).collect();
    assert!(missing.is_empty(), "errors of the Judge without a binding: {missing:02x?}");
    let token = compiled(TOKEN, "function");
    let optional = BTreeSet::from([names("version()"), names("PERMIT_TYPEHASH()")]);
    for selector in Token::TokenCalls::selectors().filter(|selector| !optional.contains(selector)) {
        assert!(token.contains(&selector), "the token has no function {selector:02x?}");
    }
}

#[test]
fn every_event_is_the_compiled_one() {
    let declared = compiled(JUDGE, "event");
    let known: BTreeSet<[u8; 4]> =
        Judge::JudgeEvents::SELECTORS.iter().map(|topic| topic[..4].try_into().unwrap()).collect();
    let domain: [u8; 4] = keccak256("EIP712DomainChanged()")[..4].try_into().unwrap();
    assert!(known.is_subset(&declared));
    assert_eq!(declared.difference(&known).collect::<Vec<_>>(), [&domain]);
    let artifact: Value = serde_json::from_str(JUDGE).unwrap();
    for event in artifact["abi"].as_array().unwrap().iter().filter(|item| item["type"] == "event") {
        let indexed = event["inputs"].as_array().unwrap().iter().filter(|input| input["indexed"] == true).count();
        let expected = match event["name"].as_str().unwrap() {
            "ChannelOpened" => 3,
            "ChannelDone" => 1,
            "EIP712DomainChanged" => 0,
            _ => 2,
        };
        assert_eq!(indexed, expected, "{event}");
    }
}
