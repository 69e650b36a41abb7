//! The cheapest paths: lower bounds by one Dijkstra from the target, then Yen's deviations with A* under those bounds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use pathfinding::directed::astar::astar;

use super::network::NodeIndex;
use super::query::{MAX_HOPS, Path};
use super::view::{Link, View};

/// So many paths are looked at in one query, those that turn out infeasible included.
const MAX_TRIED: usize = 256;
/// So many wallets one spur may touch before it is given up.
const MAX_TOUCHED: usize = 100_000;
/// So many wallets around the target are looked at to see whether a spur can get there at all.
const NEIGHBOURHOOD: usize = 64;

/// For each wallet the least that a path from it to the target can cost. The crate's Dijkstra hashes every wallet, which
/// took most of a query's time; wallets are small numbers here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds(Vec<Option<u128>>);

impl Bounds {
    /// Bounds for this amount and any larger, whatever was learned and whatever the query forbids.
    pub(super) fn new(view: &View<'_>) -> Self {
        let mut bounds: Vec<Option<u128>> = vec![None; view.len()];
        let mut open = BinaryHeap::from([Reverse((0, view.target))]);
        if let Some(bound) = bounds.get_mut(view.target as usize) {
            *bound = Some(0);
        }
        while let Some(Reverse((cost, head))) = open.pop() {
            if bounds.get(head as usize).copied().flatten() != Some(cost) {
                continue;
            }
            for (tail, link) in view.into(head) {
                let Some(known) = bounds.get_mut(tail as usize) else { continue };
                // A hop always costs something: who is as near as `head` gains nothing, and need not be priced.
                if known.is_some_and(|known| known <= cost) {
                    continue;
                }
                let Some(further) = view.bound(tail, link).map(|price| cost.saturating_add(price)) else { continue };
                if known.is_none_or(|known| further < known) {
                    *known = Some(further);
                    open.push(Reverse((further, tail)));
                }
            }
        }
        Self(bounds)
    }

    pub(super) fn get(&self, node: NodeIndex) -> Option<u128> {
        self.0.get(node as usize).copied().flatten()
    }
}

/// A path before it is named by wallets and channels.
#[derive(Clone, Debug)]
pub(super) struct Found {
    cost: u128,
    pub(super) nodes: Vec<NodeIndex>,
    pub(super) links: Vec<Link>,
    /// The hop at which it parts from the path that it was made from.
    parting: usize,
    /// Its amounts, if they fit the channels and the cap on fees.
    pub(super) path: Option<Path>,
}

/// The cheapest feasible paths, cheapest first.
pub(super) fn cheapest(view: &View<'_>, bounds: &Bounds) -> Vec<Found> {
    let mut feasible = Vec::new();
    let mut tried: Vec<Found> = Vec::new();
    let mut waiting = BTreeMap::new();
    let nothing = view.source == view.target || view.query.amount.is_zero();
    if nothing || view.query.count == 0 {
        return feasible;
    }
    let mut number = 0_usize;
    let mut offer = |waiting: &mut BTreeMap<_, _>, found: Option<Found>| {
        if let Some(found) = found {
            number += 1;
            waiting.insert((found.cost, found.links.len(), number), found);
        }
    };
    offer(&mut waiting, spur(view, bounds, &[view.source], &[], &BTreeSet::new(), u128::MAX));
    while let Some((_, found)) = waiting.pop_first() {
        tried.push(found.clone());
        if found.path.is_some() {
            feasible.push(found.clone());
        }
        if feasible.len() == view.query.count || tried.len() >= MAX_TRIED {
            break;
        }
        for at in found.parting..found.links.len() {
            let (Some(nodes), Some(root)) = (found.nodes.get(..=at), found.links.get(..at)) else { continue };
            let taken = tried.iter().filter(|other| other.links.starts_with(root));
            let taken = taken.filter_map(|other| other.links.get(at).copied()).collect();
            // Dearer than as many feasible paths as are still wanted: it could never be chosen.
            let wanted = view.query.count.saturating_sub(feasible.len());
            let mut fitting = waiting.values().filter(|found: &&Found| found.path.is_some());
            let most = fitting.nth(wanted.saturating_sub(1)).map_or(u128::MAX, |found| found.cost);
            offer(&mut waiting, spur(view, bounds, nodes, root, &taken, most));
        }
    }
    feasible
}

/// The cheapest path that begins with `nodes` and `root` and goes on by none of the `taken` channels; none when it costs
/// more than `dearest`.
fn spur(
    view: &View<'_>,
    bounds: &Bounds,
    nodes: &[NodeIndex],
    root: &[Link],
    taken: &BTreeSet<Link>,
    dearest: u128,
) -> Option<Found> {
    let (start, before) = nodes.split_last()?;
    let most = view.query.max_hops.min(MAX_HOPS);
    if !reaches(view, bounds, *start, before, taken) {
        return None;
    }
    let allowed = |tail: NodeIndex, head: NodeIndex, link: Link| {
        let open = !before.contains(&head) && head != *start && !view.excluded.contains(&head);
        open && !(tail == *start && taken.contains(&link))
    };
    let root_cost = nodes
        .iter()
        .zip(root)
        .try_fold(0, |sum: u128, (tail, link)| Some(sum.saturating_add(view.price(*tail, *link)?)))?;
    let rest = dearest.checked_sub(root_cost)?;
    let next = |(tail, hops): &(NodeIndex, usize)| {
        let (tail, hops) = (*tail, hops.saturating_add(1));
        view.out(tail).filter_map(move |(head, link)| {
            let bound = bounds.get(head).filter(|_| hops <= most && allowed(tail, head, link))?;
            let price = view.price(tail, link)?;
            (price.saturating_add(bound) <= rest).then_some(((head, hops), price))
        })
    };
    let mut touched = 0_usize;
    let arrived = |(node, _): &(NodeIndex, usize)| {
        touched += 1;
        *node == view.target || touched > MAX_TOUCHED
    };
    let bound = |(node, _): &(NodeIndex, usize)| bounds.get(*node).unwrap_or_default();
    let (way, _) = astar(&(*start, root.len()), next, bound, arrived)?;
    if way.last().is_none_or(|(node, _)| *node != view.target) {
        return None;
    }
    let mut found = Found {
        cost: 0,
        nodes: before.iter().copied().chain(way.iter().map(|(node, _)| *node)).collect(),
        links: root.to_vec(),
        parting: root.len(),
        path: None,
    };
    for ((tail, _), (head, _)) in way.iter().zip(way.iter().skip(1)) {
        let between = view.out(*tail).filter(|(peer, link)| peer == head && allowed(*tail, *head, *link));
        let priced = between.filter_map(|(_, link)| Some((view.price(*tail, link)?, link)));
        found.links.push(priced.min_by_key(|(price, _)| *price)?.1);
    }
    found.cost = found
        .nodes
        .iter()
        .zip(&found.links)
        .try_fold(0, |sum: u128, (tail, link)| Some(sum.saturating_add(view.price(*tail, *link)?)))?;
    found.path = view.path(&found.nodes, &found.links, view.query.amount, found.cost);
    Some(found)
}

/// False when the target's surroundings show that no spur can get there. Where few channels lead to the target, the path
/// found first uses them up, and an A* would look through the whole graph to see it.
fn reaches(view: &View<'_>, bounds: &Bounds, start: NodeIndex, before: &[NodeIndex], taken: &BTreeSet<Link>) -> bool {
    let mut seen = BTreeSet::from([view.target]);
    let mut open = vec![view.target];
    while let Some(head) = open.pop() {
        for (tail, link) in view.into(head) {
            if before.contains(&tail) || view.excluded.contains(&tail) || seen.contains(&tail) {
                continue;
            }
            let known = tail == start || bounds.get(tail).is_some();
            if !known || (tail == start && taken.contains(&link)) || view.price(tail, link).is_none() {
                continue;
            }
            if tail == start || seen.len() >= NEIGHBOURHOOD {
                return true;
            }
            seen.insert(tail);
            open.push(tail);
        }
    }
    false
}
