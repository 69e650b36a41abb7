//! Partners: their session keys, how those are proven, and when to speak to them next.
//!
//! A key speaks for a wallet when the Judge's record says so or the wallet signed a grant for it, and no revocation is
//! recorded. The record is read once per key and then follows the Judge's events; a grant alone is not enough, because
//! the key may have been revoked since.

use std::collections::VecDeque;

use crate::protocol::{Address, ChannelId, Grant, Hello, Message, PublicKey, Timestamp};

use super::channel::{Authenticated, Channel};
use super::records::{self, OwnRecord, PeerRecord};
use super::table::Table;
use super::{Effect, Engine, EngineError, Out, Signer};

/// The longest pause between attempts to reach a partner, in seconds.
const MAX_PAUSE: Timestamp = 30;
/// How long a connected partner may be left alone before it is made sure that it is still there, in seconds.
const PROBE: Timestamp = 30;
/// How many keys a looked-up wallet may have that are greeted.
const MAX_FOUND: usize = 8;
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
    /// The key's address, once the key was proven since this client started.
    proven: Option<Address>,
    /// True while greetings were exchanged over the present link.
    connected: bool,
    next_try: Timestamp,
    tries: u32,
    next_probe: Timestamp,
}

/// Every partner wallet, and the session keys that are known of any wallet.
#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: Table<Address, Box<Peer>>,
    /// Whose key it is.
    wallets: Table<PublicKey, Address>,
    sessions: Table<(Address, Address), Session>,
    strangers: VecDeque<(PublicKey, Hello)>,
}

impl Peers {
    pub(super) fn load(&mut self, record: PeerRecord) {
        let peer = self.peers.or_default(record.wallet);
        peer.key = Some(record.key);
        peer.grant = record.grant;
        self.wallets.insert(record.key, record.wallet);
    }

    pub(super) fn key_of(&self, wallet: Address) -> Option<PublicKey> {
        self.peers.get(&wallet).filter(|peer| peer.connected).and_then(|peer| peer.key)
    }

    /// How many keys are remembered.
    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub(super) fn remembered(&self) -> usize {
        self.sessions.len() + self.strangers.len()
    }

    /// The wallet that a session key was proven to speak for, and the key's address.
    fn proven(&self, key: PublicKey) -> Option<(Address, Address)> {
        let wallet = *self.wallets.get(&key)?;
        let peer = self.peers.get(&wallet).filter(|peer| peer.key == Some(key))?;
        Some((wallet, peer.proven?))
    }

    /// The grant that the wallet gave its present key.
    pub(super) fn grant_of(&self, wallet: Address) -> Option<Grant> {
        self.peers.get(&wallet).and_then(|peer| peer.grant)
    }

    /// True when the last attempt to reach the wallet failed.
    pub(super) fn is_unreachable(&self, wallet: Address) -> bool {
        self.peers.get(&wallet).is_none_or(|peer| !peer.connected && peer.tries > 1)
    }

    /// Notes what the Judge says of a key. A delegation is only ever extended and a revocation is for good, so words that
    /// arrive late cannot undo newer ones.
    fn set_session(&mut self, wallet: Address, key: Address, valid_until: Timestamp, revoked: Timestamp) {
        let session = self.sessions.or_default((wallet, key));
        session.valid_until = session.valid_until.max(valid_until);
        session.revoked_from = session.revoked_from.max(revoked);
    }

    pub(super) fn knows_session(&self, wallet: Address, key: Address) -> bool {
        self.sessions.contains_key(&(wallet, key))
    }

    /// Until when a key is delegated on-chain.
    pub(super) fn delegated_until(&self, wallet: Address, key: Address) -> Timestamp {
        self.sessions.get(&(wallet, key)).map_or(0, |session| session.valid_until)
    }

    /// Until when the key's signatures for the wallet count, by the Judge's record and the grant; `None` when the record
    /// was not read, because the key may have been revoked.
    pub(super) fn counts_until(&self, wallet: Address, key: Address, grant: Option<&Grant>) -> Option<Timestamp> {
        let session = self.sessions.get(&(wallet, key))?;
        let granted = grant.filter(|grant| grant.wallet == wallet && grant.session_key == key);
        let until = session.valid_until.max(granted.map_or(0, |grant| grant.valid_until));
        Some(if session.revoked_from == 0 { until } else { until.min(session.revoked_from) })
    }

    /// True when the key's signatures for the wallet are sure to count until `until`. A revoked key does not, however
    /// far off that is: its wallet wants it used no more.
    pub(super) fn key_counts(&self, wallet: Address, key: Address, grant: Option<&Grant>, until: Timestamp) -> bool {
        let revoked = self.sessions.get(&(wallet, key)).is_some_and(|session| session.revoked_from != 0);
        !revoked && self.counts_until(wallet, key, grant).is_some_and(|counts| counts > until)
    }
}

/// True while a pause lasts. A clock that was set back must not stretch it beyond the longest pause there is.
pub(super) const fn is_pausing(until: Timestamp, now: Timestamp, longest: Timestamp) -> bool {
    now < until && until.saturating_sub(now) <= longest
}

/// The grant that is valid for longer; one for another key never replaces the first.
pub(super) fn longer(one: Option<Grant>, other: Option<Grant>) -> Option<Grant> {
    match (one, other) {
        (Some(one), Some(other)) if other.session_key == one.session_key && other.valid_until > one.valid_until => {
            Some(other)
        }
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

impl<S: Signer> Engine<S> {
    /// The link to the relay is up: speak to every partner.
    pub(super) fn online(&mut self, now: Timestamp, out: &mut Out) {
        self.online = true;
        self.requests.online();
        self.read_own_session(out);
        for peer in self.peers.peers.values_mut() {
            peer.next_try = now;
            peer.tries = 0;
        }
        self.contact_partners(now, out);
    }

    /// Asks what the Judge says of this client's key, unless that is known.
    pub(super) fn read_own_session(&self, out: &mut Out) {
        let (wallet, session_key) = (self.config.wallet, self.address);
        if !self.peers.knows_session(wallet, session_key) {
            out.effect(Effect::ReadSession { wallet, session_key });
        }
    }

    /// The wallet signed a grant. Partners hear of it at once: they accept nothing under a key that ends soon.
    pub(super) fn granted(&mut self, grant: Grant, now: Timestamp, out: &mut Out) {
        let own = self.address;
        let genuine = grant.wallet == self.config.wallet && grant.session_key == own;
        // Partners would hang up on a greeting with a grant that does not verify.
        if !genuine || grant.verify(&self.config.domain).is_err() {
            return;
        }
        let known = self.grant.filter(|known| known.session_key == own);
        self.grant = longer(known, Some(grant));
        out.step.write(records::OWN.to_vec(), records::write(&OwnRecord { grant: self.grant }));
        self.wake_queues(out);
        if !self.online {
            return;
        }
        let connected = self.peers.peers.values().filter(|peer| peer.connected);
        for to in connected.filter_map(|peer| peer.key).collect::<Vec<_>>() {
            self.greet(to, false, out);
        }
        for peer in self.peers.peers.values_mut() {
            peer.next_try = now;
        }
        self.contact_partners(now, out);
    }

    /// This client's key may count now: what waits may be signed.
    fn wake_queues(&self, out: &mut Out) {
        let waiting = self.channels.values().filter(|channel| channel.has_queue());
        out.seen.extend(waiting.map(|channel| channel.id));
    }

    /// This client's key does not count: payments that came before that was known are not signed.
    fn refuse_queues(&mut self, out: &mut Out) {
        let waiting = self.channels.values().filter(|channel| channel.has_queue()).map(|channel| channel.id);
        for id in waiting.collect::<Vec<_>>() {
            self.fail_queue(id, &EngineError::NotAuthorized, out);
        }
    }

    pub(super) fn offline(&mut self, out: &mut Out) {
        self.online = false;
        for peer in self.peers.peers.values_mut() {
            peer.connected = false;
        }
        let cut: Vec<ChannelId> =
            self.channels.values().filter(|channel| channel.synced).map(|channel| channel.id).collect();
        for id in cut {
            self.cut_off(id, out);
        }
    }

    pub(super) fn unreachable(&mut self, key: PublicKey, now: Timestamp, out: &mut Out) {
        let Some(wallet) = self.peers.wallets.get(&key).copied() else { return };
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
        for id in self.channels.with(wallet) {
            self.cut_off(id, out);
        }
    }

    /// The channel waits for its partner; what it could pass on meanwhile goes another way.
    fn cut_off(&mut self, id: ChannelId, out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id).filter(|channel| channel.synced) else { return };
        channel.synced = false;
        out.seen.insert(id);
        self.withdraw_offers(id, out);
    }

    /// Greets the partners of live channels that are due.
    pub(super) fn contact_partners(&mut self, now: Timestamp, out: &mut Out) {
        if !self.online {
            return;
        }
        let wanted = |channel: &Channel| !channel.is_settled() && channel.chain.opened.is_some();
        for wallet in self.channels.partners().collect::<Vec<_>>() {
            if !self.channels.with(wallet).into_iter().filter_map(|id| self.channels.get(id)).any(wanted) {
                continue;
            }
            let peer = self.peers.peers.or_default(wallet);
            if peer.connected || is_pausing(peer.next_try, now, MAX_PAUSE) {
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

    /// Repeats an acknowledgement to partners that may have left: nobody tells when a tab dies, but the relay tells what it
    /// cannot deliver. A partner that lost its storage and key is found again only so.
    pub(super) fn probe_partners(&mut self, now: Timestamp, out: &mut Out) {
        for (wallet, peer) in self.peers.peers.iter_mut() {
            let due = peer.connected && !is_pausing(peer.next_probe, now, PROBE);
            let Some(to) = peer.key.filter(|_| due) else { continue };
            peer.next_probe = now.saturating_add(PROBE);
            let live = self.channels.with(*wallet).into_iter().filter_map(|id| self.channels.get(id));
            if let Some(channel) = live.into_iter().find(|channel| !channel.is_settled()) {
                let acceptance = None;
                out.send(to, Message::Ack { channel: channel.id, nonce: channel.received.nonce, acceptance });
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
            .take(MAX_FOUND)
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
        let is_partner = self.channels.is_partner(hello.wallet);
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
        let peer = self.peers.peers.or_default(hello.wallet);
        let known = peer.grant.filter(|_| peer.key == Some(from));
        let grant = longer(known, hello.grant);
        let changed = peer.key != Some(from) || peer.grant != grant;
        if let Some(old) = peer.key.filter(|old| *old != from) {
            self.peers.wallets.remove(&old);
        }
        peer.key = Some(from);
        peer.grant = grant;
        peer.proven = Some(from.address());
        peer.connected = true;
        peer.tries = 0;
        peer.next_try = now;
        peer.next_probe = now.saturating_add(PROBE);
        let record = PeerRecord { wallet: hello.wallet, key: from, grant: peer.grant };
        self.peers.wallets.insert(from, hello.wallet);
        if changed {
            out.step.write(records::peer_key(hello.wallet), records::write(&record));
        }
        if !hello.reply {
            self.greet(from, true, out);
        }
        self.refresh_validity(hello.wallet, out);
        for id in self.channels.with(hello.wallet) {
            let Some(channel) = self.channels.get_mut(id) else { continue };
            channel.synced = false;
            if hello.reply && !channel.is_settled() && channel.chain.opened.is_some() {
                self.send_resume(id, from, false, out);
            }
        }
    }

    /// What the Judge says of a key of ours or of a partner. Greetings that waited for it are heard again.
    pub(super) fn session_read(&mut self, read: SessionRead, now: Timestamp, out: &mut Out) {
        let SessionRead { wallet, session_key, valid_until, revoked_from } = read;
        if wallet != self.config.wallet && !self.channels.is_partner(wallet) {
            return;
        }
        let is_named = valid_until > 0 || revoked_from > 0 || wallet == self.config.wallet;
        let is_granted = |(from, hello): &(PublicKey, Hello)| {
            hello.wallet == wallet && from.address() == session_key && hello.grant.is_some()
        };
        if !is_named && !self.peers.strangers.iter().any(is_granted) {
            // Anybody can ask about any number of keys; only those that the wallet has named are worth remembering.
            return;
        }
        self.peers.set_session(wallet, session_key, valid_until, revoked_from);
        if wallet != self.config.wallet {
            self.refresh_validity(wallet, out);
        } else if self.own_key_is_denied(now) {
            self.refuse_queues(out);
        } else {
            self.wake_queues(out);
        }
        self.rehear(|from, hello| hello.wallet == wallet && from.address() == session_key, now, out);
    }

    /// A reorg deeper than the confirmations may have taken delegations away: what is known of keys is read again.
    pub(super) fn forget_sessions(&mut self, out: &mut Out) {
        for ((wallet, session_key), _) in std::mem::take(&mut self.peers.sessions) {
            out.effect(Effect::ReadSession { wallet, session_key });
        }
    }

    /// Computes anew until when the proofs of a partner count.
    fn refresh_validity(&mut self, wallet: Address, out: &mut Out) {
        for id in self.channels.with(wallet) {
            let Some(channel) = self.channels.get_mut(id) else { continue };
            let Some(held) = channel.received_proof else { continue };
            let key = held.signer.address();
            let newer = self.peers.grant_of(wallet).filter(|grant| grant.session_key == key);
            let grant = longer(channel.received_grant, newer);
            let until = self.peers.counts_until(wallet, key, grant.as_ref()).unwrap_or(channel.received_until);
            if (grant, until) != (channel.received_grant, channel.received_until) {
                (channel.received_grant, channel.received_until) = (grant, until);
                out.dirty.insert(id);
            }
        }
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

    /// True when a message about the channel came from its partner.
    pub(super) fn is_partner(&self, channel: ChannelId, from: PublicKey) -> bool {
        let wallet = self.channels.get(channel).map(Channel::partner);
        wallet.is_some() && self.peers.proven(from).map(|(proven, _)| proven) == wallet
    }

    /// The partner and its key, if a message about the channel came from it.
    pub(super) fn sender(&self, channel: ChannelId, from: PublicKey, now: Timestamp) -> Option<Authenticated> {
        let (wallet, key) = self.peers.proven(from)?;
        if self.channels.get(channel)?.partner() != wallet {
            return None;
        }
        let grant = self.peers.grant_of(wallet);
        let needed = self.time(now).saturating_add(self.config.challenge.saturating_mul(2));
        Some(Authenticated {
            key: from,
            grant,
            until: self.peers.counts_until(wallet, key, grant.as_ref()).unwrap_or_default(),
            counts: self.peers.key_counts(wallet, key, grant.as_ref(), needed),
        })
    }
}

/// What the Judge says of a wallet's session key.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionRead {
    pub(super) wallet: Address,
    pub(super) session_key: Address,
    /// Until when it is delegated on-chain, 0 if it is not.
    pub(super) valid_until: Timestamp,
    /// When its revocation bites, 0 for none.
    pub(super) revoked_from: Timestamp,
}
