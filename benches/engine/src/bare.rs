//! What a payment costs at the very least: a signature and its verification, and the same inside one message.

use chit_client::protocol::{
    Address, Amount, B256, ChannelId, Direction, Domain, Message, Op, PaymentId, PublicKey, SessionKey, SignedProof,
    Update,
};

use crate::{Failure, failed};

/// One key that signs and is verified, with the code that payments are signed and verified with.
#[derive(Debug)]
pub struct Bare {
    key: SessionKey,
    public: PublicKey,
    digest: B256,
}

impl Bare {
    /// A key with these secret bytes.
    ///
    /// # Errors
    /// When they are no key.
    pub fn new(secret: &[u8; 32]) -> Result<Self, Failure> {
        let key = SessionKey::from_bytes(secret).map_err(failed("the key"))?;
        let public = key.public_key();
        Ok(Self { key, public, digest: B256::repeat_byte(1) })
    }

    /// The key.
    pub const fn key(&self) -> &SessionKey {
        &self.key
    }

    /// The key's public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs and verifies `count` digests, one after the other, each made of the signature before it.
    ///
    /// # Errors
    /// When a signature does not verify.
    pub fn sign_and_verify(&mut self, count: u32) -> Result<(), Failure> {
        for _ in 0..count {
            let signature = self.key.sign(self.digest).map_err(failed("signing"))?;
            self.public.verify(self.digest, &signature).map_err(failed("verifying"))?;
            self.digest = B256::from_slice(&signature.0[..32]);
        }
        Ok(())
    }
}

/// The signed path of one payment without an engine: make the proof, sign and encode; decode, replay and verify.
#[derive(Debug)]
pub struct Path {
    key: SessionKey,
    domain: Domain,
    channel: ChannelId,
    wallet: Address,
    state: Direction,
}

impl Path {
    /// A direction in which nothing was paid yet.
    ///
    /// # Errors
    /// When the bytes are no key.
    pub fn new(secret: &[u8; 32]) -> Result<Self, Failure> {
        let key = SessionKey::from_bytes(secret).map_err(failed("the key"))?;
        Ok(Self {
            wallet: key.public_key().address(),
            key,
            domain: Domain::new(31_337, Address::repeat_byte(0x77)),
            channel: ChannelId(B256::repeat_byte(0x11)),
            state: Direction::default(),
        })
    }

    /// Signs the next payment and returns the message's bytes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn create(&mut self) -> Result<Vec<u8>, Failure> {
        let mut payment = PaymentId([0; 16]);
        payment.0[..8].copy_from_slice(&self.state.nonce.get().to_be_bytes());
        let ops = vec![Op::Pay { payment, amount: Amount::new(1), memo: None }];
        let next = self.state.replay(&ops).map_err(failed("replaying"))?;
        let proof = next.proof(self.channel, self.wallet, &ops);
        let signature = self.key.sign(proof.digest(&self.domain)).map_err(failed("signing"))?;
        Ok(Message::Update(Update::new(ops, &proof, signature)).to_bytes())
    }

    /// Reads the next payment and verifies it.
    ///
    /// # Errors
    /// When it is not the next one or not signed.
    pub fn accept(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let message = Message::from_bytes(bytes).map_err(failed("decoding"))?;
        let Message::Update(update) = message else { return Err("not an update".into()) };
        let next = self.state.replay(&update.ops).map_err(failed("replaying"))?;
        let proof = next.proof(self.channel, self.wallet, &update.ops);
        let signed = SignedProof { proof, signature: update.signature, signer: self.key.public_key() };
        signed.verify(&self.domain).map_err(failed("verifying"))?;
        self.state = next;
        Ok(())
    }
}
