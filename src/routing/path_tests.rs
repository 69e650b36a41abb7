//! Paths and parts against an enumeration of everything on small random networks.

use std::collections::HashMap;

use proptest::prelude::*;

use super::testing::{NOW, TOKEN, World, wallet};
use super::{Path, Query};
use crate::protocol::{Address, Amount, ChannelId, FeeSchedule};

const WALLETS: usize = 6;

/// Both wallets, the total, and what each side announces.
type ChannelCase = (usize, usize, u128, Option<u128>, Option<u128>);

#[derive(Clone, Debug)]
struct Case {
    channels: Vec<ChannelCase>,
    fees: Vec<Option<(u128, u32)>>,
    amount: u128,
    max_fee: u128,
    max_hops: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let hint = || proptest::option::of(0_u128..2_000);
    let channel = (0..WALLETS, 0..WALLETS, 0_u128..2_000, hint(), hint());
    let fee = proptest::option::weighted(0.9, (0_u128..20, 0_u32..60_000));
    (
        proptest::collection::vec(channel, 0..11),
        proptest::collection::vec(fee, WALLETS),
        1_u128..1_500,
        prop_oneof![Just(u128::MAX), 0_u128..80],
        1_usize..7,
    )
        .prop_map(|(channels, fees, amount, max_fee, max_hops)| Case {
            channels: channels.into_iter().filter(|channel| channel.0 != channel.1).collect(),
            fees,
            amount,
            max_fee,
            max_hops,
        })
}

/// A direction of a channel as the enumeration sees it.
#[derive(Clone, Copy)]
struct Edge {
    id: ChannelId,
    tail: usize,
    head: usize,
    capacity: u128,
    drained: u128,
}

fn build(case: &Case) -> (World, Vec<Edge>) {
    let mut world = World::new();
    let mut edges = Vec::new();
    let mut hints: HashMap<usize, Vec<(ChannelId, u128)>> = HashMap::new();
    for (salt, (a, b, total, hint_a, hint_b)) in case.channels.iter().enumerate() {
        let id = world.open(*a, *b, salt as u64, *total);
        for (tail, head, hint) in [(*a, *b, hint_a), (*b, *a, hint_b)] {
            let hint = hint.filter(|_| case.fees[tail].is_some());
            if let Some(hint) = hint {
                hints.entry(tail).or_default().push((id, hint));
            }
            let missing =
                hint.map_or(
                    0,
                    |hint| {
                        if *total == 0 { 1_000_000 } else { 1_000_000 - hint.min(*total) * 1_000_000 / total }
                    },
                );
            let capacity = hint.unwrap_or(u128::MAX).min(*total);
            edges.push(Edge { id, tail, head, capacity, drained: missing * 2_000 / 1_000_000 });
        }
    }
    for (number, fee) in case.fees.iter().enumerate() {
        if let Some((flat, rate)) = fee {
            world.mediate(number, super::testing::fee(*flat, *rate), hints.get(&number).map_or(&[], Vec::as_slice));
        }
    }
    (world, edges)
}

fn schedule(case: &Case, number: usize) -> Option<FeeSchedule> {
    case.fees[number].map(|(flat, rate)| super::testing::fee(flat, rate))
}

/// Every feasible simple path from wallet 0 to wallet 1 with its cost and the amounts on its channels.
fn enumerate(case: &Case, edges: &[Edge]) -> Vec<(u128, Vec<(ChannelId, u128)>)> {
    fn walk(case: &Case, edges: &[Edge], way: &mut Vec<Edge>, all: &mut Vec<Vec<Edge>>) {
        let at = way.last().map_or(0, |edge| edge.head);
        if at == 1 {
            all.push(way.clone());
            return;
        }
        if way.len() == case.max_hops || (at != 0 && schedule(case, at).is_none()) {
            return;
        }
        for edge in edges.iter().filter(|edge| edge.tail == at) {
            if edge.head != 0 && way.iter().all(|before| before.head != edge.head) {
                way.push(*edge);
                walk(case, edges, way, all);
                way.pop();
            }
        }
    }
    let mut all = Vec::new();
    walk(case, edges, &mut Vec::new(), &mut all);
    let measured = all.into_iter().filter_map(|way| {
        let mut amount = case.amount;
        let mut cost = 0;
        let mut hops = Vec::new();
        for edge in way.iter().rev() {
            if edge.capacity < amount {
                return None;
            }
            hops.push((edge.id, amount));
            let fee = if edge.tail == 0 { FeeSchedule::default() } else { schedule(case, edge.tail)? };
            amount += fee.fee(Amount::new(amount))?.get();
            let rate = u128::from(fee.proportional) + 10 + edge.drained;
            cost += (case.amount * rate).div_ceil(1_000_000) + fee.flat.get() + 1;
        }
        hops.reverse();
        (amount - case.amount <= case.max_fee).then_some((cost, hops))
    });
    let mut measured: Vec<_> = measured.collect();
    measured.sort_by_key(|(cost, _)| *cost);
    measured
}

fn query(case: &Case, count: usize) -> Query<'static> {
    Query {
        count,
        max_fee: Amount::new(case.max_fee),
        max_hops: case.max_hops,
        ..Query::new(wallet(0), wallet(1), TOKEN, Amount::new(case.amount), NOW)
    }
}

fn hops(path: &Path) -> Vec<(ChannelId, u128)> {
    path.hops.iter().map(|hop| (hop.channel, hop.amount.get())).collect()
}

/// What the paths together take of each direction of a channel.
fn taken(paths: &[Path]) -> HashMap<(ChannelId, Address), u128> {
    let mut taken = HashMap::new();
    for path in paths {
        let mut sender = wallet(0);
        for hop in &path.hops {
            *taken.entry((hop.channel, sender)).or_default() += hop.amount.get();
            sender = hop.to;
        }
    }
    taken
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn paths_are_the_cheapest_of_all(case in case(), count in 1_usize..8) {
        let (mut world, edges) = build(&case);
        let all = enumerate(&case, &edges);
        let paths = world.graph.paths(&query(&case, count));
        let costs: Vec<_> = paths.iter().map(|path| path.cost.get()).collect();
        let cheapest: Vec<_> = all.iter().take(count).map(|(cost, _)| *cost).collect();
        prop_assert_eq!(costs, cheapest);
        for (at, path) in paths.iter().enumerate() {
            prop_assert!(all.contains(&(path.cost.get(), hops(path))), "not a feasible path");
            prop_assert_eq!(path.hops[0].amount, path.amount.checked_add(path.fee).unwrap());
            prop_assert!(paths[..at].iter().all(|other| hops(other) != hops(path)), "the same path twice");
        }
        prop_assert_eq!(world.graph.paths(&query(&case, count)), paths, "warm bounds change the answer");
    }

    #[test]
    fn bounds_of_a_smaller_amount_and_old_lessons_change_no_answer(case in case(), less in 0_u128..90) {
        let (mut world, _) = build(&case);
        let mut fresh = world.clone();
        let smaller = Query { amount: Amount::new(case.amount - less.min(case.amount - 1)), ..query(&case, 5) };
        world.graph.paths(&smaller);
        let costs = |paths: Vec<Path>| paths.iter().map(|path| path.cost).collect::<Vec<_>>();
        prop_assert_eq!(costs(world.graph.paths(&query(&case, 5))), costs(fresh.graph.paths(&query(&case, 5))));
    }

    #[test]
    fn parts_sum_to_the_amount_and_fit_the_channels(case in case(), most in 1_usize..6) {
        let (mut world, edges) = build(&case);
        let query = query(&case, 5);
        let single = !enumerate(&case, &edges).is_empty();
        let parts = world.graph.split(&query, most);
        prop_assert!(!single || parts.as_ref().is_some_and(|parts| parts.len() == 1));
        let Some(parts) = parts else { return Ok(()) };
        prop_assert!(parts.len() <= most);
        prop_assert_eq!(parts.iter().map(|part| part.amount.get()).sum::<u128>(), case.amount);
        prop_assert!(parts.iter().map(|part| part.fee.get()).sum::<u128>() <= case.max_fee);
        for ((id, sender), sum) in taken(&parts) {
            let edge = edges.iter().find(|edge| edge.id == id && wallet(edge.tail) == sender).unwrap();
            prop_assert!(sum <= edge.capacity);
        }
        prop_assert!(world.graph.estimate_capacity(&query).get() >= case.amount);
        for part in &parts {
            let alone = Case { amount: part.amount.get(), ..case.clone() };
            let feasible = enumerate(&alone, &edges);
            prop_assert!(feasible.iter().any(|(_, way)| *way == hops(part)), "a part's amounts are not its path's");
        }
    }
}
