//! Partners: their session keys, how those are proven, and when to speak to them next.
//!
//! A key speaks for a wallet when the Judge's record says so or the wallet signed a grant for it, and no revocation is
//! recorded. The record is read once per key and then follows the Judge's events; a grant alone is not enough, because
//! the key may have been revoked since.

use std::collections::{BTreeMap, VecDeque};

use crate::protocol::{Address, ChannelId, Grant, Hello, Message, PublicKey, Timestamp};

use super::channel::Authenticated;
use super::records::{self, PeerRecord};
use super::{Effect, Engine, Out, Signer};

/// The longest pause between attempts to reach a partner, in seconds.
const MAX_PAUSE: Timestamp = 30;
/// How many greetings are kept whose sender is not known or not verified yet.
const MAX_STRANGERS: usize = 64;

/// The Judge's record of a session key.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    valid_until: Timestamp,
    revoked_from: Timestamp,
}

/// A partner wallet.
#[derive(Debug, Default)]
struct Peer {
    key: Option<PublicKey>,
    grant: Option<Grant>,
    /// True while greetings were exchanged over the present link.
    connected: bool,
    next_try: Timestamp,
    tries: u32,
}

/// Every partner wallet, and the session keys that are known of any wallet.
#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: BTreeMap<Address, Peer>,
    wallets: BTreeMap<PublicKey, Address>,
    sessions: BTreeMap<(Address, Address), Session>,
    strangers: VecDeque<(PublicKey, Hello)>,
}

impl Peers {
    pub(super) fn load(&mut self, record: PeerRecord) {
        let peer = self.peers.entry(record.wallet).or_default();
        peer.key = Some(record.key);
        peer.grant = record.grant;
    }

    pub(super) fn key_of(&self, wallet: Address) -> Option<PublicKey> {
        self.peers.get(&wallet).filter(|peer| peer.connected).and_then(|peer| peer.key)
    }

    /// The wallet that a session key was verified to speak for.
    pub(super) fn wallet_of(&self, key: PublicKey) -> Option<Address> {
        self.wallets.get(&key).copied()
    }

    /// The partner's key as it signs proofs.
    pub(super) fn authenticated(&self, wallet: Address) -> Option<Authenticated> {
        let peer = self.peers.get(&wallet)?;
        Some(Authenticated { key: peer.key?, grant: peer.grant })
    }

    /// True when the last attempt to reach the wallet failed.
    pub(super) fn is_unreachable(&self, wallet: Address) -> bool {
        self.peers.get(&wallet).is_none_or(|peer| !peer.connected && peer.tries > 1)
    }

    pub(super) fn set_session(&mut self, wallet: Address, key: Address, valid_until: Timestamp, revoked: Timestamp) {
        self.sessions.insert((wallet, key), Session { valid_until, revoked_from: revoked });
    }

    pub(super) fn knows_session(&self, wallet: Address, key: Address) -> bool {
        self.sessions.contains_key(&(wallet, key))
    }

    /// Until when a key is delegated on-chain.
    pub(super) fn delegated_until(&self, wallet: Address, key: Address) -> Timestamp {
        self.sessions.get(&(wallet, key)).map_or(0, |session| session.valid_until)
    }

    /// True when the key's signatures for the wallet are sure to count until `until`.
    pub(super) fn key_counts(&self, wallet: Address, key: Address, grant: Option<&Grant>, until: Timestamp) -> bool {
        let session = self.sessions.get(&(wallet, key)).copied();
        let granted = grant.filter(|grant| grant.wallet == wallet && grant.session_key == key);
        let granted_until = granted.map_or(0, |grant| grant.valid_until);
        session.is_some_and(|session| session.revoked_from == 0 && session.valid_until.max(granted_until) > until)
    }
}

impl<S: Signer> Engine<S> {
    /// The link to the relay is up: speak to every partner.
    pub(super) fn online(&mut self, now: Timestamp, out: &mut Out) {
        self.online = true;
        let own = self.signer.public_key().address();
        if !self.peers.knows_session(self.config.wallet, own) {
            out.effect(Effect::ReadSession { wallet: self.config.wallet, session_key: own });
        }
        for peer in self.peers.peers.values_mut() {
            peer.next_try = now;
            peer.tries = 0;
        }
        self.contact_partners(now, out);
    }

    pub(super) fn offline(&mut self, out: &mut Out) {
        self.online = false;
        for peer in self.peers.peers.values_mut() {
            peer.connected = false;
        }
        for channel in self.channels.values_mut().filter(|channel| channel.synced) {
            channel.synced = false;
            out.seen.insert(channel.id);
        }
    }

    pub(super) fn unreachable(&mut self, key: PublicKey, now: Timestamp, out: &mut Out) {
        let known = self.peers.peers.iter().find(|(_, peer)| peer.key == Some(key)).map(|(wallet, _)| *wallet);
        let Some(wallet) = known else { return };
        self.disconnect(wallet, out);
        if let Some(peer) = self.peers.peers.get_mut(&wallet) {
            peer.tries = peer.tries.saturating_add(1).max(2);
            peer.next_try = peer.next_try.max(now.saturating_add(1));
            // A key that does not answer may have been replaced: the directory knows the present one.
            out.effect(Effect::Lookup(wallet));
        }
    }

    /// The partner does not answer: its channels wait until it is greeted again.
    pub(super) fn disconnect(&mut self, wallet: Address, out: &mut Out) {
        if let Some(peer) = self.peers.peers.get_mut(&wallet) {
            peer.connected = false;
        }
        for channel in self.channels.values_mut().filter(|channel| channel.partner() == wallet && channel.synced) {
            channel.synced = false;
            out.seen.insert(channel.id);
        }
    }

    /// Greets the partners of live channels that are due.
    pub(super) fn contact_partners(&mut self, now: Timestamp, out: &mut Out) {
        if !self.online {
            return;
        }
        let wanted = self.channels.values().filter(|channel| !channel.is_settled() && channel.chain.opened.is_some());
        let partners: std::collections::BTreeSet<Address> = wanted.map(|channel| channel.partner()).collect();
        for wallet in partners {
            let peer = self.peers.peers.entry(wallet).or_default();
            if peer.connected || now < peer.next_try {
                continue;
            }
            peer.next_try = now.saturating_add(1_u64.checked_shl(peer.tries).unwrap_or(MAX_PAUSE).min(MAX_PAUSE));
            peer.tries = peer.tries.saturating_add(1);
            let looked_up = peer.tries > 1;
            match peer.key {
                Some(to) => self.greet(to, false, out),
                None => out.effect(Effect::Lookup(wallet)),
            }
            if looked_up && self.peers.peers.get(&wallet).is_some_and(|peer| peer.key.is_some()) {
                out.effect(Effect::Lookup(wallet));
            }
        }
    }

    fn greet(&self, to: PublicKey, reply: bool, out: &mut Out) {
        let domain = &self.config.domain;
        out.send(
            to,
            Message::Hello(Hello {
                wallet: self.config.wallet,
                chain_id: domain.chain_id(),
                judge: domain.judge(),
                grant: self.grant,
                reply,
            }),
        );
    }

    /// The directory named keys of a wallet. Each is greeted; who answers proves itself by its own greeting.
    pub(super) fn found(&mut self, wallet: Address, entries: &[(PublicKey, Grant)], now: Timestamp, out: &mut Out) {
        let Some(peer) = self.peers.peers.get_mut(&wallet) else { return };
        if peer.connected {
            return;
        }
        peer.next_try = peer.next_try.max(now.saturating_add(1));
        let known = peer.key;
        let genuine = |key: &PublicKey, grant: &Grant| {
            grant.wallet == wallet && grant.session_key == key.address() && grant.verify(&self.config.domain).is_ok()
        };
        let keys: Vec<PublicKey> = entries
            .iter()
            .filter(|(key, grant)| Some(*key) != known && genuine(key, grant))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.greet(key, false, out);
        }
    }

    /// A peer says who it is.
    pub(super) fn hello(&mut self, from: PublicKey, hello: Hello, now: Timestamp, out: &mut Out) {
        let domain = &self.config.domain;
        if (hello.chain_id, hello.judge) != (domain.chain_id(), domain.judge()) || hello.wallet == self.config.wallet {
            return;
        }
        let session_key = from.address();
        let genuine = |grant: &Grant| {
            grant.wallet == hello.wallet && grant.session_key == session_key && grant.verify(domain).is_ok()
        };
        if !hello.grant.as_ref().is_none_or(genuine) {
            return;
        }
        let is_partner = self.channels.values().any(|channel| channel.partner() == hello.wallet);
        if !is_partner || !self.peers.knows_session(hello.wallet, session_key) {
            if is_partner {
                out.effect(Effect::ReadSession { wallet: hello.wallet, session_key });
            }
            self.peers.strangers.retain(|(key, _)| *key != from);
            self.peers.strangers.push_back((from, hello));
            if self.peers.strangers.len() > MAX_STRANGERS {
                self.peers.strangers.pop_front();
            }
            return;
        }
        let until = self.time(now).saturating_add(self.config.challenge.saturating_mul(2));
        if self.peers.key_counts(hello.wallet, session_key, hello.grant.as_ref(), until) {
            self.welcome(from, &hello, now, out);
        }
    }

    fn welcome(&mut self, from: PublicKey, hello: &Hello, now: Timestamp, out: &mut Out) {
        let peer = self.peers.peers.entry(hello.wallet).or_default();
        let changed = peer.key != Some(from) || (hello.grant.is_some() && peer.grant != hello.grant);
        if let Some(old) = peer.key.filter(|old| *old != from) {
            self.peers.wallets.remove(&old);
        }
        peer.key = Some(from);
        peer.grant = hello.grant.or(if changed { None } else { peer.grant });
        peer.connected = true;
        peer.tries = 0;
        peer.next_try = now;
        let record = PeerRecord { wallet: hello.wallet, key: from, grant: peer.grant };
        self.peers.wallets.insert(from, hello.wallet);
        if changed {
            out.step.write(records::peer_key(hello.wallet), records::write(&record));
        }
        if !hello.reply {
            self.greet(from, true, out);
        }
        for channel in self.channels.values_mut().filter(|channel| channel.partner() == hello.wallet) {
            channel.synced = false;
            if hello.reply && !channel.is_settled() && channel.chain.opened.is_some() {
                out.send(from, Message::Resume(Box::new(channel.resume(false))));
            }
        }
    }

    /// Greetings that waited for the Judge's record, or for a channel, are heard again.
    pub(super) fn session_read(&mut self, wallet: Address, session_key: Address, now: Timestamp, out: &mut Out) {
        self.rehear(|from, hello| hello.wallet == wallet && from.address() == session_key, now, out);
    }

    /// A channel with this wallet is known now.
    pub(super) fn partner_appeared(&mut self, wallet: Address, now: Timestamp, out: &mut Out) {
        self.rehear(|_, hello| hello.wallet == wallet, now, out);
    }

    fn rehear(&mut self, wanted: impl Fn(&PublicKey, &Hello) -> bool, now: Timestamp, out: &mut Out) {
        let (heard, rest) = std::mem::take(&mut self.peers.strangers)
            .into_iter()
            .partition::<VecDeque<_>, _>(|(from, hello)| wanted(from, hello));
        self.peers.strangers = rest;
        for (from, hello) in heard {
            self.hello(from, hello, now, out);
        }
    }

    /// A confirmed change of a session key, if it is one of ours or a partner's.
    pub(super) fn session_changed(&mut self, wallet: Address, key: Address, until: Timestamp, revoked: Timestamp) {
        let ours = wallet == self.config.wallet;
        if ours || self.channels.values().any(|channel| channel.partner() == wallet) {
            self.peers.set_session(wallet, key, until, revoked);
        }
    }

    /// The partner and its key, if a message about the channel came from it.
    pub(super) fn sender(&self, channel: ChannelId, from: PublicKey) -> Option<Authenticated> {
        let wallet = self.peers.wallet_of(from)?;
        let channel = self.channels.get(&channel)?;
        (channel.partner() == wallet).then(|| self.peers.authenticated(wallet)).flatten()
    }
}
