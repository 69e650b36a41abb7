//! SecretRegistry and EndpointRegistry.

use chit_judge_tests::abi::{ENDPOINT_REGISTRY_JSON, EndpointRegistry};
use sha2::{Digest, Sha256};

use crate::prelude::*;

fn sha256(secret: B256) -> B256 {
    B256::from_slice(&Sha256::digest(secret))
}

#[test]
fn a_secret_is_known_from_the_first_time_it_is_registered() {
    let mut w = World::new();
    let (registry, tower) = (w.registry, w.tower.address);
    let secret = keccak256("a secret");
    let ask = SecretRegistry::revealedAtCall { secretHash: sha256(secret) };
    assert_eq!(w.chain.view(registry, &ask), u48(0));
    let receipt = w.chain.send(tower, registry, &SecretRegistry::registerSecretCall { secret }).unwrap();
    let event = SecretRegistry::SecretRevealed { secretHash: sha256(secret), secret };
    assert_eq!(receipt.events::<SecretRegistry::SecretRevealed>(), [event]);
    let first = w.chain.now;
    assert_eq!(w.chain.view(registry, &ask), u48(first));

    w.chain.now += 100;
    let again = w.chain.send(tower, registry, &SecretRegistry::registerSecretCall { secret }).unwrap();
    assert!(again.logs.is_empty());
    assert_eq!(w.chain.view(registry, &ask), u48(first));
}

#[test]
fn many_secrets_are_registered_at_once_and_known_ones_are_passed_over() {
    let mut w = World::new();
    let (registry, tower) = (w.registry, w.tower.address);
    let secrets: Vec<B256> = (0u64..5).map(|i| keccak256(i.to_be_bytes())).collect();
    w.reveal(secrets[2]);
    let first = w.chain.now;
    w.chain.now += 7;
    let call = SecretRegistry::registerSecretsCall { secrets: secrets.clone() };
    let receipt = w.chain.send(tower, registry, &call).unwrap();
    assert_eq!(receipt.events::<SecretRegistry::SecretRevealed>().len(), 4);
    for (i, secret) in secrets.into_iter().enumerate() {
        let at = w.chain.view(registry, &SecretRegistry::revealedAtCall { secretHash: sha256(secret) });
        assert_eq!(at, u48(if i == 2 { first } else { first + 7 }));
    }
}

#[test]
fn an_endpoint_is_published_under_the_callers_name() {
    let mut w = World::new();
    let registry = w.deploy(ENDPOINT_REGISTRY_JSON, &[]);
    let endpoint = Bytes::from_static(b"wss://relay.example");
    let call = EndpointRegistry::setEndpointCall { endpoint: endpoint.clone() };
    let receipt = w.chain.send(w.a.address, registry, &call).unwrap();
    let event = EndpointRegistry::EndpointSet { wallet: w.a.address, endpoint };
    assert_eq!(receipt.events::<EndpointRegistry::EndpointSet>(), [event]);
}
