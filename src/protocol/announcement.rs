//! What a wallet tells everyone of itself: that it passes payments on, for which fees, over which channels.
//!
//! Signed by its session key as an EIP-712 struct of its own, so that nothing here passes for a promise of money. Anyone
//! may carry it; the newest of a wallet counts.

use super::cbor::{Decode, Encode};
use alloy::primitives::{Address, B256};

use super::{
    Amount, ChannelId, Domain, FeeSchedule, Grant, PublicKey, Signature, SignatureError, Timestamp, cbor, sol_types,
};

/// The largest announcement in bytes.
pub const MAX_ANNOUNCEMENT_BYTES: usize = 10 * 1_024;
/// The most channels in one announcement.
pub const MAX_ANNOUNCED_CHANNELS: usize = 128;
/// The most tokens in one announcement.
pub const MAX_ANNOUNCED_TOKENS: usize = 16;
/// For how long an announcement counts at most, in seconds.
pub const MAX_ANNOUNCEMENT_LIFE: Timestamp = 24 * 3_600;

/// What passing on payments in one token costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TokenFee {
    /// The token.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub token: Address,
    /// The fee.
    #[n(1)]
    pub fee: FeeSchedule,
}

/// How much the announcer says that it can send over a channel. Nothing proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CapacityHint {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// How much.
    #[n(1)]
    pub capacity: Amount,
}

/// What is announced.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AnnouncementBody {
    /// Who announces.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub wallet: Address,
    /// False when the wallet goes away: it takes back what it announced before.
    #[n(1)]
    pub reachable: bool,
    /// When it was signed.
    #[n(2)]
    pub issued: Timestamp,
    /// The first second at which it no longer counts.
    #[n(3)]
    pub expiry: Timestamp,
    /// The tokens in which payments are passed on, in ascending order. In others none are.
    #[n(4)]
    pub fees: Vec<TokenFee>,
    /// Channels in ascending order; of those left out only the deposits are known.
    #[n(5)]
    pub channels: Vec<CapacityHint>,
}

/// An announcement with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Announcement {
    /// What is announced.
    #[n(0)]
    pub body: AnnouncementBody,
    /// The session key that signed: it also opens what is sealed to the announcer.
    #[n(1)]
    pub signer: PublicKey,
    /// The wallet's word for that key, where the Judge does not know it.
    #[n(2)]
    pub grant: Option<Grant>,
    /// The signature by `signer`.
    #[n(3)]
    pub signature: Signature,
}

/// Why an announcement does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnouncementError {
    /// Too long, or not an announcement.
    #[error("the announcement is malformed")]
    Malformed,
    /// More entries than an announcement may have, or not in ascending order.
    #[error("the announcement's entries are too many or not in order")]
    Entries,
    /// It counts for no time at all or for too long.
    #[error("the announcement's times are out of bounds")]
    Times,
    /// The grant is for another wallet or another key.
    #[error("the announcement's grant is another wallet's or another key's")]
    Grant,
    /// A signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl AnnouncementBody {
    /// The digest that the session key signs.
    pub fn digest(&self, domain: &Domain) -> B256 {
        domain.digest(&self.to_sol())
    }

    pub(crate) fn to_sol(&self) -> sol_types::Announcement {
        sol_types::Announcement {
            wallet: self.wallet,
            reachable: self.reachable,
            issued: self.issued,
            expiry: self.expiry,
            fees: self.fees.iter().copied().map(TokenFee::to_sol).collect(),
            channels: self.channels.iter().copied().map(CapacityHint::to_sol).collect(),
        }
    }
}

impl TokenFee {
    const fn to_sol(self) -> sol_types::AnnouncedFee {
        sol_types::AnnouncedFee { token: self.token, flat: self.fee.flat.get(), proportional: self.fee.proportional }
    }
}

impl CapacityHint {
    const fn to_sol(self) -> sol_types::AnnouncedChannel {
        sol_types::AnnouncedChannel { channelId: self.channel.0, capacity: self.capacity.get() }
    }
}

impl Announcement {
    /// The bytes that are carried around.
    pub fn to_bytes(&self) -> Vec<u8> {
        super::encode(self)
    }

    /// Reads an announcement and checks its form. Its signatures are [`Announcement::verify`]'s.
    ///
    /// # Errors
    /// [`AnnouncementError`] when it is too long, malformed or out of bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AnnouncementError> {
        if bytes.len() > MAX_ANNOUNCEMENT_BYTES {
            return Err(AnnouncementError::Malformed);
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let announcement: Self = decoder.decode().map_err(|_| AnnouncementError::Malformed)?;
        if decoder.position() != bytes.len() {
            return Err(AnnouncementError::Malformed);
        }
        announcement.check_form()?;
        Ok(announcement)
    }

    fn check_form(&self) -> Result<(), AnnouncementError> {
        let AnnouncementBody { wallet, reachable: _, issued, expiry, fees, channels } = &self.body;
        let few = fees.len() <= MAX_ANNOUNCED_TOKENS && channels.len() <= MAX_ANNOUNCED_CHANNELS;
        let ordered =
            fees.is_sorted_by(|a, b| a.token < b.token) && channels.is_sorted_by(|a, b| a.channel < b.channel);
        if !few || !ordered {
            return Err(AnnouncementError::Entries);
        }
        if !expiry.checked_sub(*issued).is_some_and(|life| (1..=MAX_ANNOUNCEMENT_LIFE).contains(&life)) {
            return Err(AnnouncementError::Times);
        }
        let strange = |grant: &Grant| grant.wallet != *wallet || grant.session_key != self.signer.address();
        if self.grant.as_ref().is_some_and(strange) { Err(AnnouncementError::Grant) } else { Ok(()) }
    }

    /// Checks the form and both signatures. Without a grant, whether the key acts for the wallet is the caller's question.
    ///
    /// # Errors
    /// [`AnnouncementError`] says what does not count.
    pub fn verify(&self, domain: &Domain) -> Result<(), AnnouncementError> {
        self.check_form()?;
        self.signer.verify(self.body.digest(domain), &self.signature)?;
        self.grant.as_ref().map_or(Ok(()), |grant| grant.verify(domain))?;
        Ok(())
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::protocol::SessionKey;
    use alloy::sol_types::SolStruct;
    use proptest::prelude::*;

    fn key(seed: u8) -> SessionKey {
        SessionKey::from_bytes(&[seed; 32]).unwrap()
    }

    fn domain() -> Domain {
        Domain::new(31_337, Address::repeat_byte(9))
    }

    fn body(channels: usize) -> AnnouncementBody {
        let channel = |n: usize| ChannelId(B256::left_padding_from(&(n as u64).to_be_bytes()));
        let fee = FeeSchedule { flat: Amount::new(3), proportional: 1_000 };
        AnnouncementBody {
            wallet: key(1).public_key().address(),
            reachable: true,
            issued: 1_000,
            expiry: 2_000,
            fees: vec![TokenFee { token: Address::ZERO, fee }],
            channels: (0..channels).map(|n| CapacityHint { channel: channel(n), capacity: Amount::MAX }).collect(),
        }
    }

    fn sign(body: AnnouncementBody) -> Announcement {
        let mut grant = Grant {
            wallet: body.wallet,
            session_key: key(2).public_key().address(),
            valid_until: 9_999,
            signature: Signature([0; 65]),
        };
        grant.signature = key(1).sign(domain().digest(&grant.to_sol())).unwrap();
        let signature = key(2).sign(body.digest(&domain())).unwrap();
        Announcement { body, signer: key(2).public_key(), grant: Some(grant), signature }
    }

    #[test]
    fn the_largest_announcement_fits_and_verifies() {
        let mut largest = body(MAX_ANNOUNCED_CHANNELS);
        let fee = FeeSchedule { flat: Amount::MAX, proportional: u32::MAX };
        largest.fees =
            (0..MAX_ANNOUNCED_TOKENS as u8).map(|n| TokenFee { token: Address::repeat_byte(n), fee }).collect();
        let announcement = sign(largest);
        let bytes = announcement.to_bytes();
        let read = Announcement::from_bytes(&bytes).unwrap();
        assert_eq!(read, announcement);
        assert_eq!(read.verify(&domain()), Ok(()));
    }

    #[test]
    fn every_signed_field_counts() {
        let good = sign(body(2));
        let changes: [fn(&mut AnnouncementBody); 6] = [
            |body| body.reachable = false,
            |body| body.issued -= 1,
            |body| body.expiry += 1,
            |body| body.fees[0].fee.proportional += 1,
            |body| body.fees[0].token = Address::repeat_byte(1),
            |body| body.channels[1].capacity = Amount::ZERO,
        ];
        for change in changes {
            let mut bad = good.clone();
            change(&mut bad.body);
            assert_eq!(bad.verify(&domain()), Err(SignatureError::WrongSigner.into()));
        }
        let other_judge = Domain::new(31_337, Address::repeat_byte(8));
        assert_eq!(good.verify(&other_judge), Err(SignatureError::WrongSigner.into()));
    }

    #[test]
    fn a_grant_must_be_this_wallets_for_this_key_and_signed() {
        let good = sign(body(0));
        let mut other = good.clone();
        other.body.wallet = Address::repeat_byte(5);
        assert_eq!(other.verify(&domain()), Err(AnnouncementError::Grant));
        let mut forged = good;
        if let Some(grant) = &mut forged.grant {
            grant.valid_until += 1;
        }
        assert_eq!(forged.verify(&domain()), Err(SignatureError::WrongSigner.into()));
    }

    #[test]
    fn bounds_are_kept() {
        let entries = |body| Announcement::from_bytes(&sign(body).to_bytes());
        assert_eq!(entries(body(MAX_ANNOUNCED_CHANNELS + 1)), Err(AnnouncementError::Entries));
        let mut twice = body(1);
        twice.channels.push(twice.channels[0]);
        assert_eq!(entries(twice), Err(AnnouncementError::Entries));
        for expiry in [0, 1_000, 1_000 + MAX_ANNOUNCEMENT_LIFE + 1] {
            assert_eq!(entries(AnnouncementBody { expiry, ..body(0) }), Err(AnnouncementError::Times));
        }
        let mut long = sign(body(0)).to_bytes();
        long.push(0);
        assert_eq!(Announcement::from_bytes(&long), Err(AnnouncementError::Malformed));
        long.resize(MAX_ANNOUNCEMENT_BYTES + 1, 0);
        assert_eq!(Announcement::from_bytes(&long), Err(AnnouncementError::Malformed));
    }

    #[test]
    fn the_signed_type_is_frozen() {
        assert_eq!(
            sol_types::Announcement::eip712_encode_type(),
            "Announcement(address wallet,bool reachable,uint64 issued,uint64 expiry,AnnouncedFee[] fees,\
             AnnouncedChannel[] channels)AnnouncedChannel(bytes32 channelId,uint128 capacity)\
             AnnouncedFee(address token,uint128 flat,uint32 proportional)"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Announcement::from_bytes(&bytes);
        }

        #[test]
        fn a_damaged_announcement_is_never_taken_for_another(at in 0_usize..300, bit in 0_u8..8) {
            let good = sign(body(2));
            let mut bytes = good.to_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(read) = Announcement::from_bytes(&bytes) {
                prop_assert!(read == good || read.grant.is_none() || read.verify(&domain()).is_err());
            }
        }
    }
}
