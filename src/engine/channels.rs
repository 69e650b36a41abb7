//! All channels, found by id or by partner: neither costs a walk over the others.

use crate::protocol::{Address, ChannelId};

use super::channel::Channel;
use super::table::Table;

/// One client's channels.
#[derive(Debug, Default)]
pub(super) struct Channels {
    by_id: Table<ChannelId, Box<Channel>>,
    by_partner: Table<Address, Table<ChannelId, ()>>,
}

impl Channels {
    pub(super) fn get(&self, id: ChannelId) -> Option<&Channel> {
        self.by_id.get(&id).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.by_id.get_mut(&id).map(Box::as_mut)
    }

    pub(super) fn contains(&self, id: ChannelId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(super) fn insert(&mut self, channel: Channel) {
        self.by_partner.or_default(channel.partner()).insert(channel.id, ());
        self.by_id.insert(channel.id, Box::new(channel));
    }

    pub(super) fn remove(&mut self, id: ChannelId) {
        let Some(channel) = self.by_id.remove(&id) else { return };
        if let Some(others) = self.by_partner.get_mut(&channel.partner()) {
            others.remove(&id);
            if others.keys().next().is_none() {
                self.by_partner.remove(&channel.partner());
            }
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Channel> {
        self.by_id.values().map(Box::as_ref)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Channel> {
        self.by_id.values_mut().map(Box::as_mut)
    }

    /// True when there is a channel with this wallet.
    pub(super) fn is_partner(&self, wallet: Address) -> bool {
        self.by_partner.contains_key(&wallet)
    }

    /// The wallets that there are channels with.
    pub(super) fn partners(&self) -> impl Iterator<Item = Address> {
        self.by_partner.keys().copied()
    }

    /// The channels with this wallet.
    pub(super) fn with(&self, partner: Address) -> Vec<ChannelId> {
        self.by_partner.get(&partner).into_iter().flat_map(Table::keys).copied().collect()
    }
}
