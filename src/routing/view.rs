//! The network as one query sees it: with its conditions, its private channels and what is set aside already.

use std::collections::{BTreeSet, HashMap};

use super::cost::{HOP, Scale};
use super::network::{Network, NodeIndex};
use super::query::{ExtraChannel, Path, PathHop, Query};
use crate::protocol::{Address, Amount, ChannelId, FeeSchedule};

/// What other parts of the same payment take up of a channel's direction, by its sender.
pub(super) type Reserved = HashMap<(ChannelId, Address), Amount>;

/// A channel of the network or one of the query's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Link {
    Public(u32),
    Extra(u32),
}

#[derive(Debug)]
pub(super) struct View<'a> {
    network: &'a Network,
    pub(super) query: &'a Query<'a>,
    reserved: &'a Reserved,
    scale: Scale,
    pub(super) source: NodeIndex,
    pub(super) target: NodeIndex,
    /// Wallets that only the query names.
    strangers: Vec<Address>,
    extra: Vec<(NodeIndex, NodeIndex, &'a ExtraChannel)>,
    pub(super) excluded: BTreeSet<NodeIndex>,
    excluded_channels: BTreeSet<u32>,
    first_hops: BTreeSet<ChannelId>,
    known: HashMap<ChannelId, Amount>,
}

impl<'a> View<'a> {
    pub(super) fn new(network: &'a Network, query: &'a Query<'a>, reserved: &'a Reserved) -> Self {
        let mut view = Self {
            network,
            query,
            reserved,
            scale: Scale::new(query.amount),
            source: 0,
            target: 0,
            strangers: Vec::new(),
            extra: Vec::new(),
            excluded: query.excluded_wallets.iter().filter_map(|wallet| network.find(*wallet)).collect(),
            excluded_channels: query.excluded_channels.iter().filter_map(|id| network.slot(*id)).collect(),
            first_hops: query.first_hops.iter().copied().collect(),
            known: query.known.iter().copied().collect(),
        };
        view.source = view.number(query.from);
        view.target = view.number(query.to);
        for extra in query.extra.iter().filter(|extra| !query.excluded_channels.contains(&extra.channel)) {
            let ends = (view.number(extra.from), view.number(extra.to));
            view.extra.push((ends.0, ends.1, extra));
        }
        for wallet in query.excluded_wallets {
            let stranger = view.number(*wallet);
            view.excluded.insert(stranger);
        }
        view.excluded.remove(&view.source);
        view.excluded.remove(&view.target);
        view
    }

    fn number(&mut self, wallet: Address) -> NodeIndex {
        if let Some(node) = self.network.find(wallet) {
            return node;
        }
        let at = self.strangers.iter().position(|stranger| *stranger == wallet).unwrap_or_else(|| {
            self.strangers.push(wallet);
            self.strangers.len() - 1
        });
        (self.network.len() + at) as NodeIndex
    }

    pub(super) fn wallet(&self, node: NodeIndex) -> Address {
        let stranger = || self.strangers.get((node as usize).checked_sub(self.network.len())?).copied();
        self.network.node(node).map(|node| node.wallet).or_else(stranger).unwrap_or_default()
    }

    /// How many numbers of wallets there are.
    pub(super) const fn len(&self) -> usize {
        self.network.len() + self.strangers.len()
    }

    /// True when the lower bounds depend on what only this query knows.
    pub(super) fn is_private(&self) -> bool {
        self.target as usize >= self.network.len() || self.extra.iter().any(|(tail, _, _)| *tail != self.source)
    }

    /// The channels out of a wallet and where they lead.
    pub(super) fn out(&self, node: NodeIndex) -> impl Iterator<Item = (NodeIndex, Link)> {
        let public = self.network.edges(node).iter().map(|edge| (edge.peer, Link::Public(edge.channel)));
        public.chain(self.extras(move |tail, _| tail == node).map(|(_, head, link)| (head, link)))
    }

    /// The channels into a wallet and where they come from.
    pub(super) fn into(&self, node: NodeIndex) -> impl Iterator<Item = (NodeIndex, Link)> {
        let public = self.network.edges(node).iter().map(|edge| (edge.peer, Link::Public(edge.channel)));
        public.chain(self.extras(move |_, head| head == node).map(|(tail, _, link)| (tail, link)))
    }

    fn extras(
        &self,
        wanted: impl Fn(NodeIndex, NodeIndex) -> bool,
    ) -> impl Iterator<Item = (NodeIndex, NodeIndex, Link)> {
        let numbered = self.extra.iter().zip(0..);
        numbered
            .filter(move |((tail, head, _), _)| wanted(*tail, *head))
            .map(|((tail, head, _), at)| (*tail, *head, Link::Extra(at)))
    }

    fn extra(&self, at: u32) -> Option<&'a ExtraChannel> {
        self.extra.get(at as usize).map(|(_, _, extra)| *extra)
    }

    pub(super) fn id(&self, link: Link) -> Option<ChannelId> {
        match link {
            Link::Public(slot) => self.network.channel(slot).map(|channel| channel.id),
            Link::Extra(at) => self.extra(at).map(|extra| extra.channel),
        }
    }

    /// What `tail` takes for passing on over the channel; none when it does not pass on.
    fn fee(&self, tail: NodeIndex, link: Link) -> Option<FeeSchedule> {
        match link {
            Link::Public(_) => self.network.node(tail)?.fee,
            Link::Extra(at) => Some(self.extra(at)?.fee),
        }
    }

    /// The least that the hop can cost anyone, whatever was learned and whatever this query forbids.
    pub(super) fn bound(&self, tail: NodeIndex, link: Link) -> Option<u128> {
        let fee = self.fee(tail, link)?;
        let (capacity, drained) = match link {
            Link::Public(slot) => {
                let channel = self.network.channel(slot)?;
                (channel.announced_capacity(tail), channel.drained(tail))
            }
            Link::Extra(at) => (self.extra(at)?.capacity, 0),
        };
        (capacity >= self.query.amount).then(|| self.scale.cost(fee, HOP.saturating_add(drained)))
    }

    /// What can go out of `tail` over the channel beside what is set aside; none when the query forbids it.
    pub(super) fn capacity(&self, tail: NodeIndex, link: Link) -> Option<Amount> {
        let id = self.id(link)?;
        if tail == self.source && !self.first_hops.is_empty() && !self.first_hops.contains(&id) {
            return None;
        }
        let known = if tail == self.source { self.known.get(&id).copied() } else { None };
        let capacity = match (link, known) {
            (Link::Public(slot), _) if self.excluded_channels.contains(&slot) => return None,
            (_, Some(known)) => known,
            (Link::Public(slot), None) => {
                let channel = self.network.channel(slot)?;
                let announced = channel.announced_capacity(tail);
                let lesson = channel.way(tail).lesson.as_ref();
                lesson.map_or(announced, |lesson| lesson.upper(channel.total, self.query.now).min(announced))
            }
            (Link::Extra(at), None) => self.extra(at)?.capacity,
        };
        if self.reserved.is_empty() {
            return Some(capacity);
        }
        let reserved = self.reserved.get(&(id, self.wallet(tail))).copied().unwrap_or_default();
        Some(capacity.saturating_sub(reserved))
    }

    /// What the hop costs in this query; none when it cannot be taken.
    pub(super) fn price(&self, tail: NodeIndex, link: Link) -> Option<u128> {
        if self.capacity(tail, link)? < self.query.amount {
            return None;
        }
        let fee = if tail == self.source { FeeSchedule::default() } else { self.fee(tail, link)? };
        let mut penalties = HOP;
        if let Link::Public(slot) = link {
            let channel = self.network.channel(slot)?;
            penalties = penalties.saturating_add(channel.drained(tail));
            if let Some(lesson) = &channel.way(tail).lesson {
                penalties = penalties.saturating_add(lesson.penalty(self.query.amount, self.query.now));
            }
        }
        Some(self.scale.cost(fee, penalties))
    }

    /// What must be locked on each hop so that `delivered` arrives, computed backwards; none when a channel cannot hold it
    /// or the mediators take more than the query allows.
    pub(super) fn path(&self, nodes: &[NodeIndex], links: &[Link], delivered: Amount, cost: u128) -> Option<Path> {
        let mut hops = Vec::with_capacity(links.len());
        let mut amount = delivered;
        for ((tail, head), link) in nodes.iter().zip(nodes.iter().skip(1)).zip(links).rev() {
            if self.capacity(*tail, *link)? < amount {
                return None;
            }
            hops.push(PathHop { channel: self.id(*link)?, to: self.wallet(*head), amount });
            if *tail != self.source {
                amount = amount.checked_add(self.fee(*tail, *link)?.fee(amount)?).ok()?;
            }
        }
        hops.reverse();
        let fee = amount.checked_sub(delivered).ok()?;
        (fee <= self.query.max_fee).then_some(Path { hops, amount: delivered, fee, cost: Amount::new(cost) })
    }
}
