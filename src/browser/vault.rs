//! The session key's vault.
//!
//! WebCrypto knows no secp256k1, so the session key is 32 random bytes, sealed with AES-256-GCM by a key that the browser
//! keeps and never hands out: a copy of the site's storage alone opens nothing. Both lie in one record of the database.
//! Script of this origin can still *use* them; that is why a session key can only ever pay the two wallets of a channel.
//!
//! A key that is there but cannot be opened is an error. To make a new one in its place would look like a first start
//! and leave channels behind that nobody can sign for.

use js_sys::{Array, Object, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AesGcmParams, AesKeyGenParams, CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use super::IndexedDb;
use super::runtime::{RandomError, random};
use super::scope::{describe, subtle_crypto};
use crate::protocol::{Address, Domain, SessionKey};
use crate::store::StoreError;

#[cfg(test)]
mod tests;

const AES: &str = "AES-GCM";
const RECORD_VERSION: f64 = 1.0;
const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// Why there is no session key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The browser has no WebCrypto here: the page is not a secure context.
    #[error("WebCrypto is not available: {0}")]
    Unavailable(String),
    /// There is no source of random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A key is stored, but not as this version stores it.
    #[error("the stored session key cannot be read: {0}")]
    Damaged(String),
    /// A key is stored, but its seal does not open: it was altered, or it is of another Judge, chain or wallet.
    #[error("the seal of the stored session key does not open")]
    Sealed,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[wasm_bindgen]
extern "C" {
    /// What the vault keeps of one session key.
    #[wasm_bindgen(extends = Object)]
    type Record;

    #[wasm_bindgen(method, getter)]
    fn version(this: &Record) -> JsValue;
    #[wasm_bindgen(method, setter)]
    fn set_version(this: &Record, version: f64);

    #[wasm_bindgen(method, getter, js_name = wrappingKey)]
    fn wrapping_key(this: &Record) -> JsValue;
    #[wasm_bindgen(method, setter, js_name = wrappingKey)]
    fn set_wrapping_key(this: &Record, key: &CryptoKey);

    #[wasm_bindgen(method, getter)]
    fn nonce(this: &Record) -> JsValue;
    #[wasm_bindgen(method, setter)]
    fn set_nonce(this: &Record, nonce: &Uint8Array);

    #[wasm_bindgen(method, getter)]
    fn sealed(this: &Record) -> JsValue;
    #[wasm_bindgen(method, setter)]
    fn set_sealed(this: &Record, sealed: &Uint8Array);
}

/// The session key of `wallet` for the Judge of `domain`: the one that `database` keeps, or a new random one that it
/// keeps from now on.
///
/// # Errors
/// [`VaultError`]. A stored key that cannot be opened is never replaced.
pub async fn load_or_create(database: &IndexedDb, domain: &Domain, wallet: Address) -> Result<SessionKey, VaultError> {
    let subtle = subtle_crypto().ok_or_else(|| VaultError::Unavailable("not a secure context".to_owned()))?;
    let name = format!("session-key:{}:{}:{wallet}", domain.chain_id(), domain.judge());
    let bound_to = additional_data(domain, wallet);
    if let Some(stored) = database.vault_get(&name).await? {
        return open(&subtle, &stored, &bound_to).await;
    }
    let record = seal(&subtle, &bound_to).await?;
    database.vault_add(&name, record.into()).await?;
    // What the database holds counts, not what was handed to it: it may be another's, or unreadable.
    let stored = database.vault_get(&name).await?;
    let stored = stored.ok_or_else(|| VaultError::Damaged("the key was not kept".to_owned()))?;
    open(&subtle, &stored, &bound_to).await
}

/// What the seal is bound to, so that a record copied to another client's place does not open there.
fn additional_data(domain: &Domain, wallet: Address) -> Vec<u8> {
    let chain = domain.chain_id().to_be_bytes();
    [b"chit session key 1".as_slice(), &chain, domain.judge().as_slice(), wallet.as_slice()].concat()
}

fn parameters(nonce: &Uint8Array, bound_to: &[u8]) -> AesGcmParams {
    let parameters = AesGcmParams::new_with_u8_array(AES, nonce);
    parameters.set_additional_data_u8_array(&Uint8Array::from(bound_to));
    parameters
}

fn unavailable(thrown: JsValue) -> VaultError {
    VaultError::Unavailable(describe(&thrown))
}

async fn seal(subtle: &SubtleCrypto, bound_to: &[u8]) -> Result<Record, VaultError> {
    let algorithm = AesKeyGenParams::new(AES, 256);
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    let extractable = false;
    let made = subtle.generate_key_with_object(&algorithm, extractable, &usages).map_err(unavailable)?;
    let wrapping_key: CryptoKey = JsFuture::from(made).await.map_err(unavailable)?.unchecked_into();

    let mut nonce = [0; NONCE_BYTES];
    random(&mut nonce)?;
    let nonce = Uint8Array::from(nonce.as_slice());
    let secret = draw()?;
    let encrypted = subtle
        .encrypt_with_object_and_u8_array(&parameters(&nonce, bound_to), &wrapping_key, secret.as_slice())
        .map_err(unavailable)?;
    let sealed = JsFuture::from(encrypted).await.map_err(unavailable)?;

    let record: Record = Object::new().unchecked_into();
    record.set_version(RECORD_VERSION);
    record.set_wrapping_key(&wrapping_key);
    record.set_nonce(&nonce);
    record.set_sealed(&Uint8Array::new(&sealed));
    Ok(record)
}

/// Random bytes that are a key: all but one of 2^127 are.
fn draw() -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError> {
    let mut secret = Zeroizing::new([0; KEY_BYTES]);
    loop {
        random(secret.as_mut_slice())?;
        if SessionKey::from_bytes(&secret).is_ok() {
            return Ok(secret);
        }
    }
}

async fn open(subtle: &SubtleCrypto, stored: &JsValue, bound_to: &[u8]) -> Result<SessionKey, VaultError> {
    let damaged = |what: &str| VaultError::Damaged(what.to_owned());
    if !stored.is_object() {
        return Err(damaged("it is not a record"));
    }
    let record = stored.unchecked_ref::<Record>();
    if record.version().as_f64() != Some(RECORD_VERSION) {
        return Err(damaged("another version has written it"));
    }
    let Ok(wrapping_key) = record.wrapping_key().dyn_into::<CryptoKey>() else {
        return Err(damaged("the wrapping key is missing"));
    };
    if wrapping_key.extractable() {
        return Err(damaged("the wrapping key could be read out"));
    }
    let bytes = |value: JsValue, length: usize| {
        value.dyn_into::<Uint8Array>().ok().filter(|bytes| bytes.length() as usize == length)
    };
    let nonce = bytes(record.nonce(), NONCE_BYTES).ok_or_else(|| damaged("the nonce is malformed"))?;
    let sealed = bytes(record.sealed(), KEY_BYTES + TAG_BYTES).ok_or_else(|| damaged("the seal is malformed"))?;

    let decrypted = subtle
        .decrypt_with_object_and_js_u8_array(&parameters(&nonce, bound_to), &wrapping_key, &sealed)
        .map_err(|_| VaultError::Sealed)?;
    let opened = Uint8Array::new(&JsFuture::from(decrypted).await.map_err(|_| VaultError::Sealed)?);
    let mut secret = Zeroizing::new([0; KEY_BYTES]);
    let whole = opened.length() as usize == KEY_BYTES;
    if whole {
        opened.copy_to(secret.as_mut_slice());
    }
    opened.fill(0, 0, opened.length());
    if !whole {
        return Err(damaged("the key has another length"));
    }
    SessionKey::from_bytes(&secret).map_err(|_| damaged("the bytes are no key"))
}
