//! Which way a payment goes: over which of our channels, along which paths, in which parts.

use crate::engine::{ChannelView, EngineError};
use crate::node::NodeError;
use crate::protocol::{Address, Amount, ChannelId, PublicKey, Timestamp};
use crate::routing::{Graph, MAX_HOPS, Path, PathHop, Query};

use super::{Limits, Parties};

/// How many paths are looked at beside those that were tried.
const CHOICE: usize = 5;

/// What the payer knows of its own channels of one token.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    /// How much can be sent over each now.
    known: Vec<(ChannelId, Amount)>,
    /// Those whose partner answers.
    ready: Vec<ChannelId>,
    /// The ready ones that lead to the payee, most first.
    direct: Vec<(ChannelId, Amount)>,
    /// One to the payee that could carry most, were the payee there.
    idle: Option<(ChannelId, Amount)>,
    /// How many channels there are.
    count: usize,
    /// What the ready ones can send together, and all of them.
    sendable: Amount,
    capacity: Amount,
}

impl Own {
    pub(super) fn new(views: &[ChannelView], parties: &Parties) -> Self {
        let mut own = Self::default();
        for view in views.iter().filter(|view| view.key.token == parties.token) {
            own.capacity = sum(own.capacity, view.capacity);
            own.count = own.count.saturating_add(1);
            let more = own.idle.is_none_or(|(_, most)| view.capacity > most);
            if view.partner == parties.to && !view.ready && more {
                own.idle = Some((view.id, view.capacity));
            }
            if view.ready && !view.capacity.is_zero() {
                own.known.push((view.id, view.capacity));
                own.ready.push(view.id);
                own.sendable = sum(own.sendable, view.capacity);
                if view.partner == parties.to {
                    own.direct.push((view.id, view.capacity));
                }
            }
        }
        own.direct.sort_by_key(|(_, capacity)| std::cmp::Reverse(*capacity));
        own
    }

    /// The channel to the payee that carries this much at once.
    pub(super) fn direct(&self, amount: Amount) -> Option<ChannelId> {
        self.direct.first().filter(|(_, capacity)| *capacity >= amount).map(|(id, _)| *id)
    }

    /// The channel to the payee in which this much could wait for it.
    pub(super) fn idle(&self, amount: Amount) -> Option<ChannelId> {
        self.idle.filter(|(_, capacity)| *capacity >= amount).map(|(id, _)| id)
    }

    /// What could be paid to the payee without anybody's help.
    pub(super) fn direct_capacity(&self) -> Amount {
        self.direct.iter().fold(Amount::ZERO, |all, (_, capacity)| sum(all, *capacity))
    }

    /// Whether the channels could carry it, wherever it goes.
    ///
    /// # Errors
    /// [`EngineError::UnknownChannel`] when there is none, [`EngineError::InsufficientCapacity`], and
    /// [`EngineError::PartnerOffline`] when it lacks those who do not answer.
    pub(super) fn covers(&self, amount: Amount) -> Result<(), NodeError> {
        if amount.is_zero() {
            return Err(EngineError::InvalidArgument("a payment must be above zero".into()).into());
        }
        if self.count == 0 {
            return Err(EngineError::UnknownChannel.into());
        }
        if amount > self.capacity {
            let available = self.capacity;
            return Err(EngineError::InsufficientCapacity { wanted: amount, available }.into());
        }
        if amount > self.sendable { Err(EngineError::PartnerOffline.into()) } else { Ok(()) }
    }
}

fn sum(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(Amount::MAX)
}

/// What is asked of the graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) parties: &'a Parties,
    pub(super) own: &'a Own,
    pub(super) limits: &'a Limits,
    pub(super) amount: Amount,
    pub(super) now: Timestamp,
}

impl Ask<'_> {
    fn query<'q>(&'q self, excluded: &'q [Address], max_fee: Amount) -> Query<'q> {
        let Parties { from, to, token } = *self.parties;
        Query {
            count: CHOICE,
            max_fee,
            max_hops: MAX_HOPS,
            excluded_wallets: excluded,
            known: &self.own.known,
            first_hops: &self.own.ready,
            extra: &self.limits.hints,
            ..Query::new(from, to, token, self.amount, self.now)
        }
    }

    /// The parts of a payment, each with its path and the session keys of those who pass it on.
    ///
    /// # Errors
    /// [`NodeError::NoRoute`], [`NodeError::FeeTooHigh`], [`EngineError::InsufficientCapacity`] and
    /// [`EngineError::PartnerOffline`].
    pub(super) fn plan(&self, graph: &mut Graph) -> Result<Vec<Keyed>, NodeError> {
        self.own.covers(self.amount)?;
        let mut excluded = self.limits.exclude.clone();
        loop {
            let Some(paths) = graph.split(&self.query(&excluded, self.limits.max_fee), self.limits.max_parts) else {
                return Err(self.refusal(graph, &excluded));
            };
            match keyed(graph, paths, self.now) {
                Ok(parts) => return Ok(parts),
                // Nobody could seal anything to it. Each turn excludes one more wallet.
                Err(unknown) => excluded.push(unknown),
            }
        }
    }

    /// Why there is no plan.
    fn refusal(&self, graph: &mut Graph, excluded: &[Address]) -> NodeError {
        let query = self.query(excluded, Amount::MAX);
        if let Some(parts) = graph.split(&query, self.limits.max_parts) {
            let fee = parts.iter().fold(Amount::ZERO, |all, part| sum(all, part.fee));
            return NodeError::FeeTooHigh { fee, most: self.limits.max_fee };
        }
        let available = graph.estimate_capacity(&query);
        if available.is_zero() || available >= self.amount {
            return NodeError::NoRoute;
        }
        EngineError::InsufficientCapacity { wanted: self.amount, available }.into()
    }

    /// Another way for a part that failed, by none of the paths that were tried with no more than this; in parts where no
    /// single path is left.
    pub(super) fn again(&self, graph: &mut Graph, tried: &[Path], most: usize) -> Option<Vec<Keyed>> {
        self.own.covers(self.amount).ok()?;
        let mut excluded = self.limits.exclude.clone();
        let is_new = |path: &Path| !tried.iter().any(|old| old.amount <= path.amount && same_way(old, path));
        loop {
            let query = self.query(&excluded, self.limits.max_fee);
            let query = Query { count: CHOICE.saturating_add(tried.len()), ..query };
            let single = graph.paths(&query).into_iter().find(is_new).map(|path| vec![path]);
            let parts = single.or_else(|| graph.split(&query, most)).filter(|parts| parts.iter().all(is_new))?;
            match keyed(graph, parts, self.now) {
                Ok(parts) => return Some(parts),
                Err(unknown) => excluded.push(unknown),
            }
        }
    }

    /// The most that could arrive now.
    pub(super) fn capacity(&self, graph: &mut Graph) -> Amount {
        if self.own.ready.is_empty() {
            return Amount::ZERO;
        }
        let known = graph.estimate_capacity(&self.query(&self.limits.exclude, Amount::MAX));
        known.min(self.own.sendable).max(self.own.direct_capacity())
    }
}

fn same_way(one: &Path, other: &Path) -> bool {
    one.hops.iter().map(|hop| hop.channel).eq(other.hops.iter().map(|hop| hop.channel))
}

/// A part's path and the session keys of the mediators on it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keyed {
    pub(super) path: Path,
    pub(super) mediators: Vec<PublicKey>,
}

impl Keyed {
    /// The way over one channel of ours.
    pub(super) fn direct(channel: ChannelId, to: Address, amount: Amount) -> Self {
        let hops = vec![PathHop { channel, to, amount }];
        Self { path: Path { hops, amount, fee: Amount::ZERO, cost: Amount::ZERO }, mediators: Vec::new() }
    }
}

/// The paths with the keys of their mediators, or the wallet whose key is not known.
fn keyed(graph: &Graph, paths: Vec<Path>, now: Timestamp) -> Result<Vec<Keyed>, Address> {
    let key = |path: Path| {
        let passing = path.hops.iter().rev().skip(1).rev();
        let keys = passing.map(|hop| graph.session_key(hop.to, now).ok_or(hop.to));
        Ok(Keyed { mediators: keys.collect::<Result<_, _>>()?, path })
    };
    paths.into_iter().map(key).collect()
}
