//! The graph: joins what the Judge says with what wallets announce and what payments taught.

use std::collections::HashMap;

use super::announced::{AnnounceError, Announced, Announcements, CLOCK_SKEW};
use super::book::{Book, Changed, RollbackTooDeep};
use super::lesson::{Failure, Lesson};
use super::network::Network;
use super::query::{Path, Query};
use super::search::{Bounds, cheapest};
use super::view::{Reserved, View};
use crate::protocol::{
    Address, Amount, Announcement, ChainEvent, ChannelId, Domain, FeeSchedule, PublicKey, Timestamp,
};

/// For so many targets the lower bounds are kept.
const KEPT_BOUNDS: usize = 8;

/// Every channel of one Judge, for all tokens.
#[derive(Clone, Debug)]
pub struct Graph {
    domain: Domain,
    pub(super) book: Book,
    announcements: Announcements,
    networks: HashMap<Address, Network>,
    /// The token of each channel in `networks`.
    tokens: HashMap<ChannelId, Address>,
    /// The most recently used last.
    bounds: Vec<Kept>,
    version: u64,
}

#[derive(Clone, Debug)]
struct Kept {
    token: Address,
    target: Address,
    amount: Amount,
    version: u64,
    bounds: Bounds,
}

impl Graph {
    /// An empty graph for this Judge.
    pub fn new(domain: Domain) -> Self {
        Self {
            domain,
            book: Book::default(),
            announcements: Announcements::default(),
            networks: HashMap::new(),
            tokens: HashMap::new(),
            bounds: Vec::new(),
            version: 0,
        }
    }

    /// Takes a confirmed event of the Judge and tells what it changed. They come in the chain's order; one that came before
    /// changes nothing.
    pub fn apply(&mut self, event: &ChainEvent) -> Option<Changed> {
        let changed = self.book.apply(event)?;
        self.update(changed);
        Some(changed)
    }

    /// Takes back all events above `block`, as if they had never come, and tells what that changed.
    ///
    /// # Errors
    /// [`RollbackTooDeep`] when the events from there on are no longer known; nothing is changed then.
    pub fn rollback(&mut self, block: u64) -> Result<Vec<Changed>, RollbackTooDeep> {
        let changed = self.book.rollback(block)?;
        changed.iter().for_each(|changed| self.update(*changed));
        Ok(changed)
    }

    pub(super) fn update(&mut self, changed: Changed) {
        match changed {
            Changed::Session(wallet, _) => self.refresh(wallet),
            Changed::Channel(id) => match self.book.channel(id) {
                Some(open) => {
                    let (key, total) = (open.key, open.total());
                    let new = self.tokens.insert(id, key.token).is_none();
                    self.network(key.token).put(id, [key.a, key.b], total);
                    if new {
                        self.refresh(key.a);
                        self.refresh(key.b);
                    }
                }
                None => {
                    let Some(token) = self.tokens.remove(&id) else { return };
                    self.network(token).remove(id);
                    if self.networks.get(&token).is_some_and(Network::is_empty) {
                        self.networks.remove(&token);
                    }
                }
            },
        }
    }

    /// The network of a token. Versions never recur, so that no kept bounds outlive it.
    fn network(&mut self, token: Address) -> &mut Network {
        self.version = self.version.wrapping_add(1 << 32);
        let version = self.version;
        self.networks.entry(token).or_insert_with(|| Network::new(version))
    }

    /// What a wallet announced, while it is reachable and its key is not revoked.
    pub(super) fn counted(&self, wallet: Address) -> Option<&Announced> {
        counted(&self.announcements, &self.book, wallet)
    }

    /// Brings what a wallet announced into every network that it is in.
    fn refresh(&mut self, wallet: Address) {
        let announced = counted(&self.announcements, &self.book, wallet);
        for (token, network) in &mut self.networks {
            network.set_fee(wallet, announced.and_then(|announced| announced.fee(*token)));
            for slot in network.channels_of(wallet) {
                let id = network.channel(slot).map(|channel| channel.id);
                let hint = id.and_then(|id| announced?.hint(id));
                network.set_hint(slot, wallet, hint);
            }
        }
    }

    /// Takes an announcement after checking that it counts. `Ok` means that it is news, worth passing on.
    ///
    /// # Errors
    /// [`AnnounceError`] says why it was dropped. The cheap checks come first: signatures cost time.
    pub fn announce(&mut self, announcement: &Announcement, now: Timestamp) -> Result<(), AnnounceError> {
        let Announcement { body, signer, grant, signature: _ } = announcement;
        let wallet = body.wallet;
        if !self.book.is_member(wallet) {
            return Err(AnnounceError::NoChannel);
        }
        if body.expiry <= now {
            return Err(AnnounceError::Expired);
        }
        if body.issued > now.saturating_add(CLOCK_SKEW) {
            return Err(AnnounceError::Future);
        }
        if self.announcements.get(wallet).is_some_and(|known| known.issued >= body.issued) {
            return Err(AnnounceError::Stale);
        }
        if self.announcements.is_full_for(wallet) {
            return Err(AnnounceError::Full);
        }
        let granted_until = grant.as_ref().map_or(0, |grant| grant.valid_until);
        let counts = self.book.key_counts_until(wallet, signer.address(), granted_until);
        if counts <= now {
            return Err(AnnounceError::NotDelegated);
        }
        announcement.verify(&self.domain)?;
        self.take(announcement, body.expiry.min(counts));
        Ok(())
    }

    /// Keeps an announcement that was verified already, until then.
    pub fn take(&mut self, announcement: &Announcement, until: Timestamp) {
        let Announcement { body, signer, grant, signature: _ } = announcement;
        let wallet = body.wallet;
        let own = |id: &ChannelId| self.book.channel(*id).is_some_and(|open| open.key.side_of(wallet).is_some());
        let hints = body.channels.iter().filter(|hint| own(&hint.channel));
        let announced = Announced {
            issued: body.issued,
            until,
            reachable: body.reachable,
            signer: *signer,
            granted_until: grant.as_ref().map_or(0, |grant| grant.valid_until),
            fees: body.fees.clone(),
            hints: hints.map(|hint| (hint.channel, hint.capacity)).collect(),
        };
        let told: Vec<ChannelId> = announced.hints.iter().map(|(id, _)| *id).collect();
        self.announcements.insert(wallet, announced);
        self.refresh(wallet);
        for id in told {
            self.teach(id, wallet, |lesson, _| lesson.announced());
        }
    }

    /// Forgets announcements that have ended, and tells whether there were any. Queries do this too.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        let mut any = false;
        while let Some(wallet) = self.announcements.pop_ended(now) {
            self.refresh(wallet);
            any = true;
        }
        any
    }

    /// True when a key acts for a wallet, by the Judge's record or by a verified grant until `granted` (0 for none).
    pub fn key_counts(&self, wallet: Address, key: Address, granted: Timestamp, now: Timestamp) -> bool {
        self.book.key_counts_until(wallet, key, granted) > now
    }

    /// The session key to seal a hop to, of a wallet that announced itself as reachable.
    pub fn session_key(&self, wallet: Address, now: Timestamp) -> Option<PublicKey> {
        let announced = self.announcements.get(wallet)?;
        let counts = self.book.key_counts_until(wallet, announced.signer.address(), announced.granted_until);
        (announced.reachable && announced.until > now && counts > now).then_some(announced.signer)
    }

    /// What a reachable wallet takes for passing payments in a token on, by its announcement.
    pub fn fee(&self, wallet: Address, token: Address, now: Timestamp) -> Option<FeeSchedule> {
        self.counted(wallet).filter(|announced| announced.until > now)?.fee(token)
    }

    /// The cheapest paths that can carry the query's amount within its conditions, cheapest first. After 256
    /// candidates that a channel cannot carry exactly, or that cost more than allowed, it gives up.
    pub fn paths(&mut self, query: &Query<'_>) -> Vec<Path> {
        self.with_view(query, &Reserved::new(), |view, bounds| {
            cheapest(view, bounds).into_iter().filter_map(|found| found.path).collect()
        })
    }

    /// Does `work` with the network as the query sees it, and lower bounds from the cache where it has them.
    pub(super) fn with_view<T>(
        &mut self,
        query: &Query<'_>,
        reserved: &Reserved,
        work: impl FnOnce(&View<'_>, &Bounds) -> T,
    ) -> T {
        self.advance(query.now);
        let empty = Network::default();
        let network = self.networks.get(&query.token).unwrap_or(&empty);
        let view = View::new(network, query, reserved);
        if view.is_private() {
            return work(&view, &Bounds::new(&view));
        }
        // Bounds for a smaller amount hold for a larger one too, but loosely when it is much larger.
        let slack = Amount::new(query.amount.get() / 16);
        let usable = |kept: &Kept| {
            let same = kept.token == query.token && kept.target == query.to && kept.version == network.version;
            same && kept.amount <= query.amount && query.amount.saturating_sub(kept.amount) <= slack
        };
        let kept = match self.bounds.iter().position(usable) {
            Some(at) => self.bounds.remove(at),
            None => {
                let bounds = Bounds::new(&view);
                let (token, target, version) = (query.token, query.to, network.version);
                Kept { token, target, amount: query.amount, version, bounds }
            }
        };
        let answer = work(&view, &kept.bounds);
        if self.bounds.len() >= KEPT_BOUNDS {
            self.bounds.remove(0);
        }
        self.bounds.push(kept);
        answer
    }

    /// The channel did not carry this much out of `sender`.
    pub fn failed(&mut self, channel: ChannelId, sender: Address, amount: Amount, reason: Failure, now: Timestamp) {
        self.teach(channel, sender, |lesson, total| lesson.failed(amount, total, reason, now));
    }

    /// The channel carried this much out of `sender`.
    pub fn succeeded(&mut self, channel: ChannelId, sender: Address, amount: Amount, now: Timestamp) {
        self.teach(channel, sender, |lesson, total| lesson.sent(amount, total, now));
        let receiver = self.book.channel(channel).and_then(|open| {
            let side = open.key.side_of(sender)?;
            Some(open.key.wallet(side.other()))
        });
        if let Some(receiver) = receiver {
            self.teach(channel, receiver, |lesson, total| lesson.received(amount, total, now));
        }
    }

    fn teach(&mut self, id: ChannelId, sender: Address, lesson: impl FnOnce(&mut Lesson, Amount)) {
        let network = self.tokens.get(&id).and_then(|token| self.networks.get_mut(token));
        let takes_part = self.book.channel(id).is_some_and(|open| open.key.side_of(sender).is_some());
        let (Some(network), true) = (network, takes_part) else { return };
        let (Some(tail), Some(slot)) = (network.find(sender), network.slot(id)) else { return };
        if let Some(channel) = network.channel_mut(slot) {
            let total = channel.total;
            lesson(channel.way_mut(tail).lesson.get_or_insert_default(), total);
        }
    }
}

fn counted<'a>(announcements: &'a Announcements, book: &Book, wallet: Address) -> Option<&'a Announced> {
    announcements.get(wallet).filter(|announced| {
        let counts = book.key_counts_until(wallet, announced.signer.address(), announced.granted_until);
        announced.reachable && counts >= announced.until
    })
}
