//! A small world for the tests: wallets and channels by number, fed through the public interface.

use crate::protocol::{
    Address, Amount, Announcement, AnnouncementBody, B256, CapacityHint, ChainEvent, ChannelId, ChannelKey, Domain,
    FeeSchedule, JudgeEvent, LogPosition, SessionKey, Signature, TokenFee,
};
use crate::routing::Graph;

pub(super) const TOKEN: Address = Address::repeat_byte(0xee);
pub(super) const NOW: u64 = 10_000;

pub(super) fn wallet(number: usize) -> Address {
    Address::left_padding_from(&(number as u64 + 1).to_be_bytes())
}

pub(super) fn domain() -> Domain {
    Domain::new(31_337, Address::repeat_byte(9))
}

pub(super) fn key() -> SessionKey {
    SessionKey::from_bytes(&[7; 32]).unwrap()
}

pub(super) fn channel_key(a: usize, b: usize, salt: u64) -> ChannelKey {
    ChannelKey::new(TOKEN, wallet(a), wallet(b), salt).unwrap()
}

/// A graph and where the chain stands.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) graph: Graph,
    pub(super) block: u64,
    signer: crate::protocol::PublicKey,
}

impl World {
    pub(super) fn new() -> Self {
        Self { graph: Graph::new(domain()), block: 0, signer: key().public_key() }
    }

    /// One event in a block of its own.
    pub(super) fn event(&mut self, event: JudgeEvent) {
        self.block += 1;
        let position = LogPosition { block: self.block, index: 0, block_hash: B256::ZERO, transaction: B256::ZERO };
        self.graph.apply(&ChainEvent { position, event });
    }

    pub(super) fn open(&mut self, a: usize, b: usize, salt: u64, total: u128) -> ChannelId {
        let key = channel_key(a, b, salt);
        self.event(JudgeEvent::Opened { key });
        self.event(JudgeEvent::Deposited { channel: key.id(), wallet: key.a, total: Amount::new(total) });
        key.id()
    }

    pub(super) fn delegate(&mut self, number: usize) {
        let session_key = key().public_key().address();
        let event =
            JudgeEvent::SessionKeySet { wallet: wallet(number), session_key, valid_until: 1 << 40, revoked_from: 0 };
        self.event(event);
    }

    /// What the wallet would announce; not signed.
    pub(super) fn announcement(&self, number: usize, fee: FeeSchedule, hints: &[(ChannelId, u128)]) -> Announcement {
        let mut channels: Vec<_> = hints
            .iter()
            .map(|(channel, capacity)| CapacityHint { channel: *channel, capacity: Amount::new(*capacity) })
            .collect();
        channels.sort_by_key(|hint| hint.channel);
        let body = AnnouncementBody {
            wallet: wallet(number),
            reachable: true,
            issued: NOW - 1,
            expiry: NOW + 3_600,
            fees: vec![TokenFee { token: TOKEN, fee }],
            channels,
        };
        Announcement { body, signer: self.signer, grant: None, signature: Signature([0; 65]) }
    }

    /// Delegates and announces without the time that a signature takes.
    pub(super) fn mediate(&mut self, number: usize, fee: FeeSchedule, hints: &[(ChannelId, u128)]) {
        self.delegate(number);
        let announcement = self.announcement(number, fee, hints);
        self.graph.take(&announcement, announcement.body.expiry);
    }
}

pub(super) const fn fee(flat: u128, proportional: u32) -> FeeSchedule {
    FeeSchedule { flat: Amount::new(flat), proportional }
}
