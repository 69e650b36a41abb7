//! The channels of one token, laid out for the search: wallets and channels are small numbers.
//!
//! The edges of a wallet are kept in the order of channel ids, so that answers do not depend on the order in which channels
//! came and went.

use std::collections::HashMap;

use super::cost::{self, Rate};
use super::lesson::Lesson;
use crate::protocol::{Address, Amount, ChannelId, FeeSchedule};

/// A wallet's number.
pub(super) type NodeIndex = u32;

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) wallet: Address,
    /// What it takes for passing on; none when it does not.
    pub(super) fee: Option<FeeSchedule>,
    edges: Vec<Edge>,
}

/// A channel as one of its wallets sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) peer: NodeIndex,
    pub(super) channel: u32,
}

/// One direction of a channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// What its sender announced.
    hint: Option<Amount>,
    drained: Rate,
    pub(super) lesson: Option<Box<Lesson>>,
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) id: ChannelId,
    ends: [NodeIndex; 2],
    pub(super) total: Amount,
    ways: [Way; 2],
}

impl Channel {
    /// The direction out of `tail`.
    pub(super) const fn way(&self, tail: NodeIndex) -> &Way {
        let [a, b] = &self.ways;
        if self.ends[0] == tail { a } else { b }
    }

    pub(super) const fn way_mut(&mut self, tail: NodeIndex) -> &mut Way {
        let [a, b] = &mut self.ways;
        if self.ends[0] == tail { a } else { b }
    }

    /// The most that can go out of `tail`, by deposits and announcement.
    pub(super) fn announced_capacity(&self, tail: NodeIndex) -> Amount {
        self.way(tail).hint.map_or(self.total, |hint| hint.min(self.total))
    }

    /// The penalty for using up this direction further.
    pub(super) const fn drained(&self, tail: NodeIndex) -> Rate {
        self.way(tail).drained
    }

    fn measure(&mut self) {
        for way in &mut self.ways {
            way.drained = way.hint.map_or(0, |hint| cost::drained_penalty(cost::drained(hint, self.total)));
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    nodes: Vec<Node>,
    channels: Vec<Channel>,
    index: HashMap<Address, NodeIndex>,
    slots: HashMap<ChannelId, u32>,
    free_nodes: Vec<NodeIndex>,
    free_slots: Vec<u32>,
    /// Changes whenever a lower bound may.
    pub(super) version: u64,
}

impl Network {
    /// An empty network whose versions begin here.
    pub(super) fn new(version: u64) -> Self {
        Self { version, ..Self::default() }
    }

    pub(super) const fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn find(&self, wallet: Address) -> Option<NodeIndex> {
        self.index.get(&wallet).copied()
    }

    pub(super) fn slot(&self, id: ChannelId) -> Option<u32> {
        self.slots.get(&id).copied()
    }

    pub(super) fn node(&self, node: NodeIndex) -> Option<&Node> {
        self.nodes.get(node as usize)
    }

    pub(super) fn channel(&self, slot: u32) -> Option<&Channel> {
        self.channels.get(slot as usize)
    }

    pub(super) fn channel_mut(&mut self, slot: u32) -> Option<&mut Channel> {
        self.channels.get_mut(slot as usize)
    }

    pub(super) fn edges(&self, node: NodeIndex) -> &[Edge] {
        self.node(node).map(|node| node.edges.as_slice()).unwrap_or_default()
    }

    /// The channels of a wallet.
    pub(super) fn channels_of(&self, wallet: Address) -> Vec<u32> {
        self.find(wallet).map(|node| self.edges(node).iter().map(|edge| edge.channel).collect()).unwrap_or_default()
    }

    /// Adds a channel, or sets the total of one that is there.
    pub(super) fn put(&mut self, id: ChannelId, wallets: [Address; 2], total: Amount) {
        self.version = self.version.wrapping_add(1);
        if let Some(channel) = self.slot(id).and_then(|slot| self.channel_mut(slot)) {
            channel.total = total;
            channel.measure();
            return;
        }
        let ends = wallets.map(|wallet| self.enter(wallet));
        let channel = Channel { id, ends, total, ways: Default::default() };
        let slot = match self.free_slots.pop() {
            Some(slot) => {
                if let Some(free) = self.channel_mut(slot) {
                    *free = channel;
                }
                slot
            }
            None => {
                self.channels.push(channel);
                (self.channels.len() - 1) as u32
            }
        };
        self.slots.insert(id, slot);
        let [a, b] = ends;
        self.link(a, Edge { peer: b, channel: slot }, id);
        self.link(b, Edge { peer: a, channel: slot }, id);
    }

    fn enter(&mut self, wallet: Address) -> NodeIndex {
        if let Some(known) = self.find(wallet) {
            return known;
        }
        let node = Node { wallet, ..Node::default() };
        let index = match self.free_nodes.pop() {
            Some(index) => {
                if let Some(free) = self.nodes.get_mut(index as usize) {
                    *free = node;
                }
                index
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        };
        self.index.insert(wallet, index);
        index
    }

    fn link(&mut self, node: NodeIndex, edge: Edge, id: ChannelId) {
        let channels = &self.channels;
        let Some(node) = self.nodes.get_mut(node as usize) else { return };
        let before = |edge: &Edge| channels.get(edge.channel as usize).is_some_and(|channel| channel.id < id);
        node.edges.insert(node.edges.partition_point(before), edge);
    }

    /// Takes a channel away, and wallets that have no other.
    pub(super) fn remove(&mut self, id: ChannelId) {
        let Some(slot) = self.slots.remove(&id) else { return };
        self.version = self.version.wrapping_add(1);
        let ends = self.channel(slot).map(|channel| channel.ends).unwrap_or_default();
        for end in ends {
            let Some(node) = self.nodes.get_mut(end as usize) else { continue };
            node.edges.retain(|edge| edge.channel != slot);
            if node.edges.is_empty() {
                self.index.remove(&node.wallet);
                *node = Node::default();
                self.free_nodes.push(end);
            }
        }
        self.free_slots.push(slot);
    }

    /// Sets what a wallet takes for passing on.
    pub(super) fn set_fee(&mut self, wallet: Address, fee: Option<FeeSchedule>) {
        let Some(node) = self.find(wallet).and_then(|node| self.nodes.get_mut(node as usize)) else { return };
        if node.fee != fee {
            node.fee = fee;
            self.version = self.version.wrapping_add(1);
        }
    }

    /// Sets what a wallet announced of the channel's direction out of it.
    pub(super) fn set_hint(&mut self, slot: u32, wallet: Address, hint: Option<Amount>) {
        let Some(tail) = self.find(wallet) else { return };
        let Some(channel) = self.channel_mut(slot) else { return };
        if channel.way(tail).hint == hint {
            return;
        }
        channel.way_mut(tail).hint = hint;
        channel.measure();
        self.version = self.version.wrapping_add(1);
    }
}
