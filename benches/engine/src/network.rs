//! Path queries on generated scale-free networks, with fees and capacities.

use chit_client::protocol::{
    Address, Amount, Announcement, AnnouncementBody, B256, CapacityHint, ChainEvent, ChannelId, ChannelKey, Domain,
    FeeSchedule, JudgeEvent, LogPosition, PublicKey, SessionKey, Signature, TokenFee,
};
use chit_client::routing::{Graph, Query};

use crate::{Failure, failed};

const TOKEN: Address = Address::repeat_byte(0xee);
const NOW: u64 = 10_000;

/// A small generator (xorshift), so that the same network comes up every time.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// A network in which every wallet mediates.
#[derive(Debug)]
pub struct Network {
    graph: Graph,
    dice: Dice,
    wallets: usize,
    block: u64,
    signer: PublicKey,
}

impl Network {
    /// Preferential attachment: every wallet opens channels to others in proportion to the channels that they have.
    ///
    /// # Errors
    /// When a channel cannot be.
    pub fn new(wallets: u32, channels: u32) -> Result<Self, Failure> {
        let domain = Domain::new(31_337, Address::repeat_byte(9));
        let signer = SessionKey::from_bytes(&[7; 32]).map_err(failed("a key"))?.public_key();
        let (wallets, each) = (wallets as usize, channels / wallets);
        let mut network = Self { graph: Graph::new(domain), dice: Dice(42), wallets, block: 0, signer };
        let mut ends = vec![0];
        let mut hints = vec![Vec::new(); wallets];
        for number in 1..wallets {
            for salt in 0..each {
                let other = ends[network.dice.roll(ends.len())];
                if other != number {
                    let total = 1_000_000 + network.dice.roll(9_000_000) as u128;
                    let id = network.open(number, other, u64::from(salt), total)?;
                    let left = network.dice.roll(total as usize) as u128;
                    hints[number].push((id, left));
                    hints[other].push((id, total - left));
                    ends.push(other);
                }
                ends.push(number);
            }
        }
        for (number, hints) in hints.iter().enumerate() {
            network.mediate(number, hints);
        }
        Ok(network)
    }

    /// The five cheapest ways between two wallets, with the target's side of the search unknown. Tells how many there are.
    pub fn cold(&mut self) -> u32 {
        let (from, to) = (wallet(self.dice.roll(self.wallets)), wallet(self.dice.roll(self.wallets)));
        self.ask(from, to)
    }

    /// The same to a target that was asked for before.
    pub fn warm(&mut self) -> u32 {
        let from = wallet(self.dice.roll(self.wallets));
        self.ask(from, wallet(self.wallets / 2))
    }

    fn ask(&mut self, from: Address, to: Address) -> u32 {
        let found = self.graph.paths(&Query::new(from, to, TOKEN, Amount::new(100_000), NOW)).len();
        u32::try_from(found).unwrap_or(u32::MAX)
    }

    fn event(&mut self, event: JudgeEvent) {
        self.block += 1;
        let position = LogPosition { block: self.block, index: 0, block_hash: B256::ZERO, transaction: B256::ZERO };
        self.graph.apply(&ChainEvent { position, event });
    }

    fn open(&mut self, a: usize, b: usize, salt: u64, total: u128) -> Result<ChannelId, Failure> {
        let key = ChannelKey::new(TOKEN, wallet(a), wallet(b), salt).map_err(failed("a channel's key"))?;
        self.event(JudgeEvent::Opened { key });
        self.event(JudgeEvent::Deposited { channel: key.id(), wallet: key.a, total: Amount::new(total) });
        Ok(key.id())
    }

    /// Announces without the time that signatures take.
    fn mediate(&mut self, number: usize, hints: &[(ChannelId, u128)]) {
        let session_key = self.signer.address();
        let wallet = wallet(number);
        self.event(JudgeEvent::SessionKeySet { wallet, session_key, valid_until: 1 << 40, revoked_from: 0 });
        let flat = Amount::new(self.dice.roll(20) as u128);
        let fee = FeeSchedule { flat, proportional: self.dice.roll(5_000) as u32 };
        let hint = |(channel, capacity): &(ChannelId, u128)| CapacityHint {
            channel: *channel,
            capacity: Amount::new(*capacity),
        };
        let mut channels: Vec<_> = hints.iter().map(hint).collect();
        channels.sort_by_key(|hint| hint.channel);
        let body = AnnouncementBody {
            wallet,
            reachable: true,
            issued: NOW - 1,
            expiry: NOW + 3_600,
            fees: vec![TokenFee { token: TOKEN, fee }],
            channels,
        };
        let announcement = Announcement { body, signer: self.signer, grant: None, signature: Signature([0; 65]) };
        self.graph.take(&announcement, NOW + 3_600);
    }
}

fn wallet(number: usize) -> Address {
    Address::left_padding_from(&(number as u64 + 1).to_be_bytes())
}
