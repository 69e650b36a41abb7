//! Payments that pass through this account on locks, found by the hash of their secret.
//!
//! One record holds both sides of a payment's way: the lock that came in and the lock that went out. What is to be done
//! follows from it whenever it is asked; nothing else is stored, so a reload goes on where the records say.

use crate::protocol::{ChannelId, LockId, Route, Secret, SecretHash};

use super::RequestId;
use super::records::{LockPlace, OriginRecord, TransferRecord};
use super::table::{Set, Table};

/// One payment's way through this account.
#[derive(Debug, Default)]
pub(super) struct Transfer {
    /// The partner's lock, until it is paid, cancelled or expired.
    pub(super) incoming: Option<LockPlace>,
    /// What that lock told; absent when it was recovered without.
    pub(super) route: Option<Route>,
    /// Our lock, from its signature until it is paid or sure to be gone.
    pub(super) outgoing: Option<LockPlace>,
    /// Our lock while it waits for its signature.
    pub(super) offered: Option<ChannelId>,
    pub(super) secret: Option<Secret>,
    /// Set where the payment begins.
    pub(super) origin: Option<OriginRecord>,
    /// The command to answer at its end.
    pub(super) request: Option<RequestId>,
    /// The wallet was asked to register the secret already.
    pub(super) registering: bool,
    /// The person was told that the secret should go onto the chain; that it is not worth it.
    pub(super) told: bool,
    pub(super) left: bool,
    /// Set where the payment ends: it waits for its other parts or its secret.
    pub(super) held: bool,
    /// The chain's last word on the partner's lock.
    pub(super) registered: Option<Registered>,
}

/// Whether a secret was registered by the end of the lock to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    /// It was: the lock can be claimed whenever its channel is settled.
    InTime,
    /// It was not, and the end is past: nobody can claim the lock.
    Never,
}

impl Transfer {
    /// True when nothing is left to follow.
    fn is_over(&self) -> bool {
        self.incoming.is_none() && self.outgoing.is_none() && self.offered.is_none() && self.origin.is_none()
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    by_hash: Table<SecretHash, Box<Transfer>>,
    by_incoming: Table<(ChannelId, LockId), SecretHash>,
    by_outgoing: Table<(ChannelId, LockId), SecretHash>,
}

impl Transfers {
    pub(super) fn load(&mut self, record: TransferRecord) {
        let TransferRecord { hash, incoming, route, outgoing, secret, origin } = record;
        self.by_incoming.extend(incoming.map(|place| ((place.channel, place.lock), hash)));
        self.by_outgoing.extend(outgoing.map(|place| ((place.channel, place.lock), hash)));
        let transfer = Transfer { incoming, route, outgoing, secret, origin, ..Transfer::default() };
        self.by_hash.insert(hash, Box::new(transfer));
    }

    /// What is stored of one; `None` when it is over and nothing is to be kept.
    pub(super) fn record(&self, hash: SecretHash) -> Option<TransferRecord> {
        let Transfer { incoming, route, outgoing, secret, origin, .. } = &**self.by_hash.get(&hash)?;
        let (route, secret, origin) = (route.clone(), secret.clone(), origin.clone());
        Some(TransferRecord { hash, incoming: *incoming, route, outgoing: *outgoing, secret, origin })
    }

    pub(super) fn get(&self, hash: SecretHash) -> Option<&Transfer> {
        self.by_hash.get(&hash).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, hash: SecretHash) -> Option<&mut Transfer> {
        self.by_hash.get_mut(&hash).map(Box::as_mut)
    }

    pub(super) fn entry(&mut self, hash: SecretHash) -> &mut Transfer {
        self.by_hash.or_default(hash)
    }

    pub(super) fn contains(&self, hash: SecretHash) -> bool {
        self.by_hash.contains_key(&hash)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SecretHash, &Transfer)> {
        self.by_hash.iter().map(|(hash, transfer)| (*hash, &**transfer))
    }

    /// The payment of a partner's lock, or of ours.
    pub(super) fn of_incoming(&self, channel: ChannelId, lock: LockId) -> Option<SecretHash> {
        self.by_incoming.get(&(channel, lock)).copied()
    }

    pub(super) fn of_outgoing(&self, channel: ChannelId, lock: LockId) -> Option<SecretHash> {
        self.by_outgoing.get(&(channel, lock)).copied()
    }

    pub(super) fn set_incoming(&mut self, hash: SecretHash, place: Option<LockPlace>) {
        let transfer = self.by_hash.or_default(hash);
        if let Some(old) = std::mem::replace(&mut transfer.incoming, place) {
            self.by_incoming.remove(&(old.channel, old.lock));
        }
        self.by_incoming.extend(place.map(|place| ((place.channel, place.lock), hash)));
    }

    pub(super) fn set_outgoing(&mut self, hash: SecretHash, place: Option<LockPlace>) {
        let transfer = self.by_hash.or_default(hash);
        if let Some(old) = std::mem::replace(&mut transfer.outgoing, place) {
            self.by_outgoing.remove(&(old.channel, old.lock));
        }
        transfer.offered = None;
        self.by_outgoing.extend(place.map(|place| ((place.channel, place.lock), hash)));
    }

    /// Drops what is over.
    pub(super) fn sweep(&mut self, touched: &Set<SecretHash>) {
        for hash in touched.iter() {
            if self.by_hash.get(hash).is_some_and(|transfer| transfer.is_over()) {
                self.by_hash.remove(hash);
            }
        }
    }
}
