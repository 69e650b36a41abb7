//! What JavaScript sees of this crate: engines, bare keys, the signed path, and a database full of channels.

use wasm_bindgen::prelude::*;

use chit_client::browser::{IndexedDb, load_or_create};
use chit_client::protocol::{Address, B256, Domain, Signature};
use chit_client::store::{Batch, Store};

use crate::{Bare, Network, Path, Pending, World, failed};

/// Records written in one transaction.
const CHUNK: usize = 5_000;

/// Two engines in one process, with a channel between them.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Pair(World);

#[wasm_bindgen]
impl Pair {
    /// Opens the channel.
    ///
    /// # Errors
    /// When the client does not.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, String> {
        World::pair().map(Self)
    }

    /// Each payment is settled before the next.
    ///
    /// # Errors
    /// When one is not settled.
    #[wasm_bindgen(js_name = payOneAtATime)]
    pub fn pay_one_at_a_time(&mut self, count: u32) -> Result<(), String> {
        self.0.pay_one_at_a_time(count)
    }

    /// All payments are submitted before the first is signed.
    ///
    /// # Errors
    /// When one is not settled.
    #[wasm_bindgen(js_name = payAtOnce)]
    pub fn pay_at_once(&mut self, count: u32) -> Result<(), String> {
        self.0.pay_at_once(count)
    }

    /// How many proofs the payer has signed.
    #[wasm_bindgen(getter)]
    pub fn signatures(&self) -> f64 {
        self.0.signatures() as f64
    }
}

/// A payer, a mediator and a payee in one process.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Line(World);

#[wasm_bindgen]
impl Line {
    /// Opens the channels.
    ///
    /// # Errors
    /// When the client does not.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, String> {
        World::line().map(Self)
    }

    /// Pays over the mediator.
    ///
    /// # Errors
    /// When a payment is not taken.
    pub fn pay(&mut self, count: u32, at_once: u32) -> Result<(), String> {
        self.0.pay_routed(count, at_once)
    }
}

/// A direction with pending locks.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Locks(Pending);

#[wasm_bindgen]
impl Locks {
    /// With so many.
    ///
    /// # Errors
    /// When they do not fit.
    #[wasm_bindgen(constructor)]
    pub fn new(locks: u32) -> Result<Self, String> {
        Pending::new(locks).map(Self)
    }

    /// Adds a lock and takes it away.
    ///
    /// # Errors
    /// When that does not apply.
    #[wasm_bindgen(js_name = addAndDrop)]
    pub fn add_and_drop(&mut self, count: u32) -> Result<(), String> {
        self.0.add_and_drop(count)
    }
}

/// A generated network.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Paths(Network);

#[wasm_bindgen]
impl Paths {
    /// Generates it.
    ///
    /// # Errors
    /// When a channel cannot be.
    #[wasm_bindgen(constructor)]
    pub fn new(wallets: u32, channels: u32) -> Result<Self, String> {
        Network::new(wallets, channels).map(Self)
    }

    /// Five ways to a new target.
    pub fn cold(&mut self) -> u32 {
        self.0.cold()
    }

    /// Five ways to a known target.
    pub fn warm(&mut self) -> u32 {
        self.0.warm()
    }
}

/// A key, called from JavaScript as the libraries that it is compared with are.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Key(Bare);

#[wasm_bindgen]
impl Key {
    /// The key with 32 secret bytes.
    ///
    /// # Errors
    /// When they are none.
    #[wasm_bindgen(constructor)]
    pub fn new(secret: &[u8]) -> Result<Self, String> {
        let secret = secret.try_into().map_err(failed("the secret"))?;
        Bare::new(secret).map(Self)
    }

    /// The public key, 33 bytes.
    #[wasm_bindgen(getter, js_name = publicKey)]
    pub fn public_key(&self) -> Vec<u8> {
        self.0.public().0.to_vec()
    }

    /// Signs a digest: 65 bytes.
    ///
    /// # Errors
    /// When it cannot.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.0.key().sign(to_digest(digest)?).map_err(failed("signing"))?;
        Ok(signature.0.to_vec())
    }

    /// True when this key made the signature.
    ///
    /// # Errors
    /// When the lengths are wrong.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<bool, String> {
        Ok(self.0.public().verify(to_digest(digest)?, &to_signature(signature)?).is_ok())
    }

    /// The address of the key that made the signature.
    ///
    /// # Errors
    /// When there is none.
    pub fn recover(digest: &[u8], signature: &[u8]) -> Result<Vec<u8>, String> {
        let address = to_signature(signature)?.recover(to_digest(digest)?);
        address.map(|address| address.to_vec()).map_err(failed("recovering"))
    }

    /// Signs and verifies `count` times without leaving wasm.
    ///
    /// # Errors
    /// When a signature does not verify.
    #[wasm_bindgen(js_name = signAndVerify)]
    pub fn sign_and_verify(&mut self, count: u32) -> Result<(), String> {
        self.0.sign_and_verify(count)
    }
}

fn to_digest(bytes: &[u8]) -> Result<B256, String> {
    B256::try_from(bytes).map_err(failed("the digest"))
}

fn to_signature(bytes: &[u8]) -> Result<Signature, String> {
    bytes.try_into().map(Signature).map_err(failed("the signature"))
}

/// The signed path of one payment without an engine.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SignedPath(Path);

#[wasm_bindgen]
impl SignedPath {
    /// A direction in which nothing was paid yet.
    ///
    /// # Errors
    /// When the bytes are no key.
    #[wasm_bindgen(constructor)]
    pub fn new(secret: &[u8]) -> Result<Self, String> {
        let secret = secret.try_into().map_err(failed("the secret"))?;
        Path::new(secret).map(Self)
    }

    /// Makes, signs and encodes the next payment.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn create(&mut self) -> Result<Vec<u8>, String> {
        self.0.create()
    }

    /// Decodes, replays and verifies it.
    ///
    /// # Errors
    /// When it is not the next one or not signed.
    pub fn accept(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.accept(bytes)
    }
}

/// Fills the database of a client that never ran with `channels` channels, each paid in both directions. The records are
/// those that the engine writes.
///
/// # Errors
/// When the engine or the database fails.
#[wasm_bindgen(js_name = seedChannels)]
pub async fn seed_channels(
    storage: String,
    chain_id: u32,
    judge: String,
    wallet: String,
    partners: u32,
    channels: u32,
) -> Result<(), String> {
    let judge: Address = judge.parse().map_err(failed("the Judge's address"))?;
    let wallet: Address = wallet.parse().map_err(failed("the wallet's address"))?;
    let domain = Domain::new(u64::from(chain_id), judge);
    let database = IndexedDb::open(&format!("{storage}:{chain_id}:{judge}:{wallet}")).await;
    let database = database.map_err(failed("the database"))?;
    let key = load_or_create(&database, &domain, wallet).await.map_err(failed("the vault"))?;
    let mut world = World::new(&domain, wallet, key, partners, channels)?;
    world.use_every_channel()?;
    let records = world.records()?;
    for puts in records.chunks(CHUNK) {
        let batch = Batch { puts: puts.to_vec(), deletes: Vec::new() };
        database.commit(batch).await.map_err(failed("storing"))?;
    }
    database.close();
    Ok(())
}
