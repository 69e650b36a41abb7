//! The vault against real WebCrypto and a real database.

use js_sys::Reflect;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::indexed_db::tests::fresh;
use super::*;
use crate::store::Store as _;

const WALLET: Address = Address::repeat_byte(0xaa);

fn domain() -> Domain {
    Domain::new(31337, Address::repeat_byte(0x11))
}

fn name(domain: &Domain, wallet: Address) -> String {
    format!("session-key:{}:{}:{wallet}", domain.chain_id(), domain.judge())
}

async fn stored(database: &IndexedDb) -> Record {
    database.vault_get(&name(&domain(), WALLET)).await.unwrap().unwrap().unchecked_into()
}

/// A database whose only key is what `change` made of a good record.
async fn changed(change: impl FnOnce(&Record)) -> IndexedDb {
    let (good, changed) = (fresh().await, fresh().await);
    load_or_create(&good, &domain(), WALLET).await.unwrap();
    let record = stored(&good).await;
    change(&record);
    assert_eq!(changed.vault_add(&name(&domain(), WALLET), record.into()).await, Ok(true));
    changed
}

async fn failure(database: &IndexedDb) -> VaultError {
    let before = database.vault_get(&name(&domain(), WALLET)).await.unwrap().unwrap();
    let error = load_or_create(database, &domain(), WALLET).await.unwrap_err();
    let after = database.vault_get(&name(&domain(), WALLET)).await.unwrap().unwrap();
    let json = |record| js_sys::JSON::stringify(record).unwrap();
    assert_eq!(json(&before), json(&after), "the record was replaced");
    error
}

#[wasm_bindgen_test]
async fn the_same_key_comes_back_after_reopening() {
    let database = fresh().await;
    let key = load_or_create(&database, &domain(), WALLET).await.unwrap();
    let again = load_or_create(&database, &domain(), WALLET).await.unwrap();
    assert_eq!(again.to_bytes(), key.to_bytes());
    let database = database.reopen().await.unwrap();
    let again = load_or_create(&database, &domain(), WALLET).await.unwrap();
    assert_eq!(again.to_bytes(), key.to_bytes());
}

#[wasm_bindgen_test]
async fn every_client_has_a_key_of_its_own() {
    let database = fresh().await;
    let places = [
        (domain(), WALLET),
        (domain(), Address::repeat_byte(0xab)),
        (Domain::new(1, domain().judge()), WALLET),
        (Domain::new(31337, Address::repeat_byte(0x12)), WALLET),
    ];
    let mut keys = Vec::new();
    for (domain, wallet) in &places {
        keys.push(load_or_create(&database, domain, *wallet).await.unwrap().public_key());
    }
    keys.push(load_or_create(&fresh().await, &domain(), WALLET).await.unwrap().public_key());
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}

#[wasm_bindgen_test]
async fn two_that_start_at_once_get_one_key() {
    let database = fresh().await;
    let domain = domain();
    let (one, two) =
        futures::join!(load_or_create(&database, &domain, WALLET), load_or_create(&database, &domain, WALLET));
    assert_eq!(one.unwrap().to_bytes(), two.unwrap().to_bytes());
}

#[wasm_bindgen_test]
async fn the_wrapping_key_cannot_be_read_out_and_the_secret_is_not_stored() {
    let database = fresh().await;
    let key = load_or_create(&database, &domain(), WALLET).await.unwrap();
    let record = stored(&database).await;
    let wrapping_key: CryptoKey = record.wrapping_key().dyn_into().unwrap();
    assert!(!wrapping_key.extractable());
    assert_eq!(Reflect::get(&wrapping_key.algorithm().unwrap(), &"length".into()).unwrap(), 256.0);
    let exported = subtle_crypto().unwrap().export_key("raw", &wrapping_key).unwrap();
    assert!(JsFuture::from(exported).await.is_err());
    let sealed = record.sealed().unchecked_into::<Uint8Array>().to_vec();
    assert_eq!(sealed.len(), 48);
    assert!(!sealed.windows(8).any(|part| key.to_bytes().windows(8).any(|secret| part == secret)));
}

#[wasm_bindgen_test]
async fn whatever_was_tampered_with_does_not_open() {
    for index in [0, 31, 32, 47] {
        let database = changed(|record| {
            let sealed: Uint8Array = record.sealed().unchecked_into();
            sealed.set_index(index, sealed.get_index(index) ^ 1);
        });
        assert_eq!(failure(&database.await).await, VaultError::Sealed);
    }
    let database = changed(|record| {
        let nonce: Uint8Array = record.nonce().unchecked_into();
        nonce.set_index(0, nonce.get_index(0) ^ 0x80);
    });
    assert_eq!(failure(&database.await).await, VaultError::Sealed);
}

#[wasm_bindgen_test]
async fn a_record_does_not_open_in_another_clients_place() {
    let database = fresh().await;
    load_or_create(&database, &domain(), WALLET).await.unwrap();
    let record = stored(&database).await;
    let places = [
        (domain(), Address::repeat_byte(0xab)),
        (Domain::new(1, domain().judge()), WALLET),
        (Domain::new(31337, Address::repeat_byte(0x12)), WALLET),
    ];
    for (other, wallet) in &places {
        assert_eq!(database.vault_add(&name(other, *wallet), record.clone().into()).await, Ok(true));
        assert_eq!(load_or_create(&database, other, *wallet).await.unwrap_err(), VaultError::Sealed);
    }
}

#[wasm_bindgen_test]
async fn records_of_another_shape_are_damaged() {
    let cases: [fn(&Record); 6] = [
        |record| record.set_version(2.0),
        |record| record.set_nonce(&Uint8Array::new_with_length(11)),
        |record| record.set_sealed(&Uint8Array::new_with_length(47)),
        |record| drop(Reflect::delete_property(record, &"sealed".into())),
        |record| drop(Reflect::delete_property(record, &"wrappingKey".into())),
        |record| drop(Reflect::set(record, &"wrappingKey".into(), &"text".into())),
    ];
    for change in cases {
        assert!(matches!(failure(&changed(change).await).await, VaultError::Damaged(_)));
    }
    let database = fresh().await;
    database.vault_add(&name(&domain(), WALLET), "text".into()).await.unwrap();
    assert!(matches!(failure(&database).await, VaultError::Damaged(_)));
}

#[wasm_bindgen_test]
async fn a_wrapping_key_that_can_be_read_out_is_refused() {
    let subtle = subtle_crypto().unwrap();
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    let made = subtle.generate_key_with_object(&AesKeyGenParams::new(AES, 256), true, &usages).unwrap();
    let open_key: CryptoKey = JsFuture::from(made).await.unwrap().unchecked_into();
    let database = changed(|record| record.set_wrapping_key(&open_key)).await;
    assert!(matches!(failure(&database).await, VaultError::Damaged(_)));
}

#[wasm_bindgen_test]
async fn a_fenced_client_makes_no_key() {
    let database = fresh().await;
    let successor = database.reopen().await.unwrap();
    assert!(matches!(load_or_create(&database, &domain(), WALLET).await, Err(VaultError::Store(_))));
    assert_eq!(successor.vault_get(&name(&domain(), WALLET)).await, Ok(None));
}
