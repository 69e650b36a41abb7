//! Sealed frames: what one session key says to another, unreadable and unforgeable for whoever carries it.
//!
//! A frame is `version ‖ nonce (24) ‖ ciphertext ‖ tag (16)`: ECDH between the two session keys, HKDF-SHA256 with the
//! protocol's name, its version and both public keys, XChaCha20-Poly1305. Each direction has its own key, so a frame
//! sent back to its sender does not open. Nothing is negotiated: a lost connection costs no handshake, and the same
//! frame may take another road. The price is that the scheme has no forward secrecy beyond the life of a session key,
//! and that a carrier can repeat a frame; whatever reads frames must bear repetition, as numbered proofs do.

use std::fmt;

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{MAX_MESSAGE_BYTES, PublicKey, SessionKey};

/// The version of the frame format.
pub const SEAL_VERSION: u8 = 1;

/// The length of the random nonce that every frame carries.
pub const SEAL_NONCE_BYTES: usize = 24;

/// The largest sealed frame: what a relay and a data channel have to carry.
pub const MAX_FRAME_BYTES: usize = 64 * 1_024;

/// What sealing adds to a message.
pub const SEAL_OVERHEAD_BYTES: usize = 1 + SEAL_NONCE_BYTES + TAG_BYTES;

/// The most peers whose keys a [`Sealer`] remembers. Strangers can make it forget others, which costs a key
/// agreement each and nothing else.
const MAX_CACHED_PEERS: usize = 1_024;

const TAG_BYTES: usize = 16;
const KEY_DOMAIN: &[u8] = b"chit seal v1";
const PARTIES_BYTES: usize = 1 + 33 + 33;

const _: () = assert!(MAX_MESSAGE_BYTES + SEAL_OVERHEAD_BYTES <= MAX_FRAME_BYTES);

/// Why a frame could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The peer's key is not a point of the curve.
    #[error("the peer's key is malformed")]
    BadKey,
    /// The peer is oneself: both directions would share a key and reflection could not be told.
    #[error("a frame cannot be sealed to its own sender")]
    OwnKey,
    /// Longer than [`MAX_FRAME_BYTES`] allows.
    #[error("{0} bytes are too many for a frame")]
    TooLong(usize),
    /// Too short to be a frame.
    #[error("{0} bytes are too few for a frame")]
    TooShort(usize),
    /// A frame format that this client does not speak.
    #[error("frame version {0} is not spoken here")]
    Version(u8),
    /// Not sealed by this peer to this client, or damaged on the way.
    #[error("the frame is not authentic")]
    NotAuthentic,
}

/// One direction: its cipher and the parties that every frame is bound to.
struct HalfSeal {
    cipher: XChaCha20Poly1305,
    parties: [u8; PARTIES_BYTES],
}

impl HalfSeal {
    fn new(secret: &k256::ecdh::SharedSecret, sender: PublicKey, receiver: PublicKey) -> Result<Self, SealError> {
        let mut parties = [SEAL_VERSION; PARTIES_BYTES];
        for (to, from) in parties.iter_mut().skip(1).zip(sender.0.iter().chain(&receiver.0)) {
            *to = *from;
        }
        let mut key = Zeroizing::new([0_u8; 32]);
        // HKDF refuses only lengths above 255 hashes.
        secret
            .extract::<Sha256>(None)
            .expand_multi_info(&[KEY_DOMAIN, &parties], key.as_mut())
            .map_err(|_| SealError::BadKey)?;
        Ok(Self { cipher: XChaCha20Poly1305::new((&*key).into()), parties })
    }
}

/// The keys between this client and one peer.
pub struct Seal {
    outgoing: HalfSeal,
    incoming: HalfSeal,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    /// Agrees on the keys with `peer`. Slow, about as long as verifying a signature; [`Sealer`] keeps the result.
    ///
    /// # Errors
    /// [`SealError::BadKey`] and [`SealError::OwnKey`].
    pub fn new(peer: PublicKey, own: &SessionKey) -> Result<Self, SealError> {
        let me = own.public_key();
        if peer == me {
            return Err(SealError::OwnKey);
        }
        let secret = peer.shared_secret(own).map_err(|_| SealError::BadKey)?;
        Ok(Self { outgoing: HalfSeal::new(&secret, me, peer)?, incoming: HalfSeal::new(&secret, peer, me)? })
    }

    /// Seals a message to the peer. `nonce` must be random: 24 bytes are enough for it never to recur.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal(&self, nonce: [u8; SEAL_NONCE_BYTES], message: &[u8]) -> Result<Vec<u8>, SealError> {
        let length = message.len().saturating_add(SEAL_OVERHEAD_BYTES);
        if length > MAX_FRAME_BYTES {
            return Err(SealError::TooLong(message.len()));
        }
        let mut frame = Vec::with_capacity(length);
        frame.push(SEAL_VERSION);
        frame.extend_from_slice(&nonce);
        frame.extend_from_slice(message);
        let HalfSeal { cipher, parties } = &self.outgoing;
        let text = frame.get_mut(1 + SEAL_NONCE_BYTES..).unwrap_or_default();
        let tag = cipher
            .encrypt_in_place_detached(XNonce::from_slice(&nonce), parties, text)
            .map_err(|_| SealError::TooLong(message.len()))?;
        frame.extend_from_slice(&tag);
        Ok(frame)
    }

    /// Opens a frame that the peer sealed to this client.
    ///
    /// # Errors
    /// [`SealError`] for everything else.
    pub fn open(&self, frame: &[u8]) -> Result<Vec<u8>, SealError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(SealError::TooLong(frame.len()));
        }
        let short = SealError::TooShort(frame.len());
        let (version, rest) = frame.split_first().ok_or(short)?;
        if *version != SEAL_VERSION {
            return Err(SealError::Version(*version));
        }
        let (nonce, rest) = rest.split_at_checked(SEAL_NONCE_BYTES).ok_or(short)?;
        let length = rest.len().checked_sub(TAG_BYTES).ok_or(short)?;
        let (text, tag) = rest.split_at_checked(length).ok_or(short)?;
        let mut message = text.to_vec();
        let HalfSeal { cipher, parties } = &self.incoming;
        cipher
            .decrypt_in_place_detached(XNonce::from_slice(nonce), parties, &mut message, Tag::from_slice(tag))
            .map_err(|_| SealError::NotAuthentic)?;
        Ok(message)
    }
}

#[derive(Debug)]
struct Cached {
    peer: PublicKey,
    seal: Seal,
    used: u64,
}

/// Seals and opens for one client, remembering the keys of its recent peers.
#[derive(Debug)]
pub struct Sealer {
    own: SessionKey,
    /// Searched one by one: an exchange of keys costs a thousand times as much as the longest search.
    peers: Vec<Cached>,
    uses: u64,
}

impl Sealer {
    /// A sealer for the holder of `own`.
    pub fn new(own: SessionKey) -> Self {
        Self { own, peers: Vec::new(), uses: 0 }
    }

    /// The key that frames are sealed with.
    pub fn public_key(&self) -> PublicKey {
        self.own.public_key()
    }

    /// Seals a message to `peer` under a random `nonce`.
    ///
    /// # Errors
    /// As [`Seal::new`] and [`Seal::seal`].
    pub fn seal(
        &mut self,
        peer: PublicKey,
        nonce: [u8; SEAL_NONCE_BYTES],
        message: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        self.with(peer, |seal| seal.seal(nonce, message))
    }

    /// Opens a frame of `peer`.
    ///
    /// # Errors
    /// As [`Seal::new`] and [`Seal::open`].
    pub fn open(&mut self, peer: PublicKey, frame: &[u8]) -> Result<Vec<u8>, SealError> {
        self.with(peer, |seal| seal.open(frame))
    }

    fn with<T>(&mut self, peer: PublicKey, work: impl FnOnce(&Seal) -> Result<T, SealError>) -> Result<T, SealError> {
        self.uses = self.uses.wrapping_add(1);
        if let Some(cached) = self.peers.iter_mut().find(|cached| cached.peer == peer) {
            cached.used = self.uses;
            return work(&cached.seal);
        }
        let seal = Seal::new(peer, &self.own)?;
        let done = work(&seal)?;
        // Only a peer with whom it worked is worth remembering.
        let (cached, full) = (Cached { peer, seal, used: self.uses }, self.peers.len() >= MAX_CACHED_PEERS);
        match self.peers.iter_mut().min_by_key(|cached| cached.used) {
            Some(oldest) if full => *oldest = cached,
            _ => self.peers.push(cached),
        }
        Ok(done)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(seed: u8) -> SessionKey {
        SessionKey::from_bytes(&[seed; 32]).unwrap()
    }

    fn pair() -> (Seal, Seal) {
        let (alice, bob) = (key(1), key(2));
        (Seal::new(bob.public_key(), &alice).unwrap(), Seal::new(alice.public_key(), &bob).unwrap())
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(nonce: [u8; 24], message in proptest::collection::vec(any::<u8>(), 0..500)) {
            let (alice, bob) = pair();
            let frame = alice.seal(nonce, &message).unwrap();
            prop_assert_eq!(frame.len(), message.len() + SEAL_OVERHEAD_BYTES);
            prop_assert_eq!(bob.open(&frame), Ok(message));
        }

        #[test]
        fn any_flipped_bit_and_any_cut_fails(
            nonce: [u8; 24],
            message in proptest::collection::vec(any::<u8>(), 0..200),
            bit: proptest::sample::Index,
            cut: proptest::sample::Index,
        ) {
            let (alice, bob) = pair();
            let frame = alice.seal(nonce, &message).unwrap();
            let bit = bit.index(frame.len() * 8);
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(bob.open(&flipped).is_err());
            prop_assert!(bob.open(&frame[..cut.index(frame.len())]).is_err());
            let mut longer = frame;
            longer.push(0);
            prop_assert_eq!(bob.open(&longer), Err(SealError::NotAuthentic));
        }

        #[test]
        fn reflection_and_wrong_parties_fail(
            nonce: [u8; 24],
            message in proptest::collection::vec(any::<u8>(), 0..200),
            stranger in 3_u8..100,
        ) {
            let (alice, bob) = pair();
            let frame = alice.seal(nonce, &message).unwrap();
            prop_assert_eq!(alice.open(&frame), Err(SealError::NotAuthentic));
            let carol = key(stranger);
            for peer in [key(1), key(2)] {
                let opened = Seal::new(peer.public_key(), &carol).unwrap().open(&frame);
                prop_assert_eq!(opened, Err(SealError::NotAuthentic));
            }
            let misattributed = Seal::new(carol.public_key(), &key(2)).unwrap().open(&frame);
            prop_assert_eq!(misattributed, Err(SealError::NotAuthentic));
            prop_assert!(bob.open(&frame).is_ok());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(pair().1.open(&bytes).is_err());
            let mut versioned = bytes;
            versioned.insert(0, SEAL_VERSION);
            prop_assert!(pair().1.open(&versioned).is_err());
        }
    }

    #[test]
    fn the_largest_message_fits_and_one_byte_more_does_not() {
        let (alice, bob) = pair();
        let largest = vec![7; MAX_FRAME_BYTES - SEAL_OVERHEAD_BYTES];
        let frame = alice.seal([1; 24], &largest).unwrap();
        assert_eq!(frame.len(), MAX_FRAME_BYTES);
        assert_eq!(bob.open(&frame), Ok(largest.clone()));
        let larger = [largest, vec![7]].concat();
        assert_eq!(alice.seal([1; 24], &larger), Err(SealError::TooLong(larger.len())));
        assert_eq!(bob.open(&vec![SEAL_VERSION; MAX_FRAME_BYTES + 1]), Err(SealError::TooLong(MAX_FRAME_BYTES + 1)));
    }

    #[test]
    fn bad_keys_and_other_versions_are_named() {
        assert_eq!(Seal::new(key(1).public_key(), &key(1)).unwrap_err(), SealError::OwnKey);
        assert_eq!(Seal::new(PublicKey([0xff; 33]), &key(1)).unwrap_err(), SealError::BadKey);
        let (alice, bob) = pair();
        let mut frame = alice.seal([1; 24], b"hello").unwrap();
        frame[0] = 2;
        assert_eq!(bob.open(&frame), Err(SealError::Version(2)));
        assert_eq!(bob.open(&[]), Err(SealError::TooShort(0)));
        assert_eq!(bob.open(&[SEAL_VERSION; 40]), Err(SealError::TooShort(40)));
    }

    /// Pins the construction: an implementation on other libraries (OpenSSL, a hand-written HChaCha20) produces these bytes.
    #[test]
    fn the_format_is_pinned() {
        let frame = pair().0.seal([9; 24], b"chit").unwrap();
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            concat!(
                "01",
                "090909090909090909090909090909090909090909090909",
                "6e201cd6a0ce8ca23cf7a39102ec4c3350b42dd1"
            )
        );
    }

    #[test]
    fn a_sealer_remembers_peers_that_work_and_stays_small() {
        let mut alice = Sealer::new(key(1));
        let mut bob = Sealer::new(key(2));
        for round in 0..3 {
            let frame = alice.seal(bob.public_key(), [round; 24], b"hello").unwrap();
            assert_eq!(bob.open(alice.public_key(), &frame), Ok(b"hello".to_vec()));
        }
        assert_eq!((alice.peers.len(), bob.peers.len()), (1, 1));
        assert_eq!(bob.open(key(3).public_key(), &[SEAL_VERSION; 60]), Err(SealError::NotAuthentic));
        assert_eq!(bob.peers.len(), 1);
        let strangers = u16::try_from(MAX_CACHED_PEERS).unwrap() + 10;
        for stranger in 0..strangers {
            let mut secret = [3; 32];
            secret[..2].copy_from_slice(&stranger.to_be_bytes());
            let stranger = SessionKey::from_bytes(&secret).unwrap().public_key();
            alice.seal(stranger, [0; 24], b"").unwrap();
            alice.seal(bob.public_key(), [0; 24], b"").unwrap();
        }
        assert_eq!(alice.peers.len(), MAX_CACHED_PEERS);
        assert!(alice.peers.iter().any(|cached| cached.peer == bob.public_key()));
        assert!(!format!("{alice:?}").contains("0101"));
    }
}
