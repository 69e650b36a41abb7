//! The graph's memory: events and their rollback, announcements, lessons, and a query's conditions.

use proptest::prelude::*;

use super::testing::{NOW, TOKEN, World, channel_key, domain, fee, key, wallet};
use super::{AnnounceError, ExtraChannel, Failure, KEPT_BLOCKS, Path, Query, RollbackTooDeep};
use crate::protocol::{
    Amount, Announcement, AnnouncementError, B256, ChainEvent, ChannelId, FeeSchedule, JudgeEvent, LogPosition,
    SignatureError,
};

fn query(from: usize, to: usize, amount: u128) -> Query<'static> {
    Query::new(wallet(from), wallet(to), TOKEN, Amount::new(amount), NOW)
}

fn channels(path: &Path) -> Vec<ChannelId> {
    path.hops.iter().map(|hop| hop.channel).collect()
}

fn first(world: &mut World, query: &Query<'_>) -> Option<Vec<ChannelId>> {
    world.graph.paths(query).first().map(channels)
}

/// 0 – 1 – 3 and 0 – 2 – 3, where 2 takes more.
fn diamond() -> (World, [ChannelId; 4]) {
    let mut world = World::new();
    let ids = [(0, 1), (1, 3), (0, 2), (2, 3)].map(|(a, b)| world.open(a, b, 0, 1_000));
    world.mediate(1, fee(1, 0), &[]);
    world.mediate(2, fee(5, 0), &[]);
    (world, ids)
}

fn signed(mut announcement: Announcement) -> Announcement {
    announcement.signature = key().sign(announcement.body.digest(&domain())).unwrap();
    announcement
}

#[test]
fn what_does_not_mediate_is_not_passed() {
    let mut world = World::new();
    world.open(0, 1, 0, 1_000);
    world.open(1, 2, 0, 1_000);
    assert_eq!(first(&mut world, &query(0, 2, 10)), None);
    assert_eq!(world.graph.estimate_capacity(&query(0, 2, 10)), Amount::ZERO);
    assert!(first(&mut world, &query(0, 1, 10)).is_some());
    world.mediate(1, FeeSchedule::default(), &[]);
    assert!(first(&mut world, &query(0, 2, 10)).is_some());
    assert_eq!(world.graph.session_key(wallet(1), NOW), Some(key().public_key()));
    let later = NOW + 3_600;
    assert_eq!(first(&mut world, &Query { now: later, ..query(0, 2, 10) }), None);
    assert_eq!(world.graph.session_key(wallet(1), later), None);
}

#[test]
fn a_querys_conditions_are_kept() {
    let (mut world, [a, b, c, d]) = diamond();
    let plain = query(0, 3, 100);
    assert_eq!(first(&mut world, &plain), Some(vec![a, b]));
    assert_eq!(first(&mut world, &Query { excluded_wallets: &[wallet(1)], ..plain }), Some(vec![c, d]));
    assert_eq!(first(&mut world, &Query { excluded_channels: &[b], ..plain }), Some(vec![c, d]));
    assert_eq!(first(&mut world, &Query { first_hops: &[c], ..plain }), Some(vec![c, d]));
    assert_eq!(first(&mut world, &Query { known: &[(a, Amount::new(100))], ..plain }), Some(vec![c, d]));
    assert_eq!(first(&mut world, &Query { max_fee: Amount::ZERO, ..plain }), None);
    assert_eq!(first(&mut world, &Query { max_hops: 1, ..plain }), None);
    assert_eq!(first(&mut world, &query(0, 0, 100)), None);
    assert_eq!(first(&mut world, &query(0, 3, 0)), None);
}

#[test]
fn private_channels_are_used_where_they_are_told_of() {
    let (mut world, [a, ..]) = diamond();
    let plain = query(0, 9, 100);
    assert_eq!(first(&mut world, &plain), None);
    let private = ExtraChannel {
        channel: channel_key(1, 9, 0).id(),
        from: wallet(1),
        to: wallet(9),
        capacity: Amount::new(150),
        fee: fee(7, 0),
    };
    let hinted = Query { extra: &[private], ..plain };
    let paths = world.graph.paths(&hinted);
    assert_eq!(paths.iter().map(channels).next(), Some(vec![a, private.channel]));
    assert_eq!(paths[0].fee, Amount::new(7));
    assert_eq!(world.graph.estimate_capacity(&hinted), Amount::new(150));
    assert_eq!(first(&mut world, &Query { amount: Amount::new(151), ..hinted }), None);
    let own = ExtraChannel { from: wallet(0), fee: FeeSchedule::default(), ..private };
    assert_eq!(first(&mut world, &Query { extra: &[own], ..plain }), Some(vec![own.channel]));
    assert_eq!(first(&mut world, &plain), None);
}

#[test]
fn failures_turn_payments_elsewhere_until_they_fade() {
    let (mut world, [a, b, c, d]) = diamond();
    let plain = query(0, 3, 100);
    world.graph.failed(b, wallet(1), Amount::new(100), Failure::Silent, NOW);
    assert_eq!(first(&mut world, &plain), Some(vec![c, d]));
    assert_eq!(first(&mut world, &Query { now: NOW + 3_000, ..plain }), Some(vec![a, b]));
    world.graph.succeeded(b, wallet(1), Amount::new(1), NOW);
    assert_eq!(first(&mut world, &plain), Some(vec![a, b]));
    world.graph.failed(b, wallet(1), Amount::new(90), Failure::Capacity, NOW);
    assert_eq!(first(&mut world, &plain), Some(vec![c, d]));
    assert_eq!(first(&mut world, &query(0, 3, 89)), Some(vec![a, b]));
    world.graph.failed(b, wallet(7), Amount::new(1), Failure::Capacity, NOW);
    assert_eq!(first(&mut world, &query(0, 3, 89)), Some(vec![a, b]));
}

#[test]
fn drained_channels_cost_more() {
    let mut world = World::new();
    let ids = [(0, 1), (1, 3), (0, 2), (2, 3)].map(|(a, b)| world.open(a, b, 0, 10_000_000));
    world.mediate(1, FeeSchedule::default(), &[(ids[1], 2_000_000)]);
    world.mediate(2, FeeSchedule::default(), &[(ids[3], 9_000_000)]);
    assert_eq!(first(&mut world, &query(0, 3, 1_000_000)), Some(vec![ids[2], ids[3]]));
}

#[test]
fn closed_channels_leave() {
    let (mut world, [a, b, c, d]) = diamond();
    let closer = wallet(1);
    world.event(JudgeEvent::Closing { channel: b, closer, challenge_end: 1 });
    assert_eq!(first(&mut world, &query(0, 3, 100)), Some(vec![c, d]));
    world.event(JudgeEvent::Done { channel: b, cooperative: false });
    world.event(JudgeEvent::Done { channel: c, cooperative: true });
    assert_eq!(first(&mut world, &query(0, 3, 100)), None);
    world.event(JudgeEvent::Withdrawn { channel: a, wallet: wallet(0), total: Amount::new(950) });
    assert_eq!(first(&mut world, &query(0, 1, 51)), None);
    assert_eq!(first(&mut world, &query(0, 1, 50)), Some(vec![a]));
}

#[test]
fn announcements_are_checked() {
    let (mut world, _) = diamond();
    let good = signed(world.announcement(3, fee(1, 0), &[]));
    let refused = |world: &mut World, change: fn(&mut Announcement), why: AnnounceError| {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(world.graph.announce(&signed(bad), NOW), Err(why));
    };
    refused(&mut world, |_| (), AnnounceError::NotDelegated);
    world.delegate(3);
    refused(&mut world, |bad| bad.body.wallet = wallet(8), AnnounceError::NoChannel);
    refused(&mut world, |bad| bad.body.expiry = NOW, AnnounceError::Expired);
    refused(&mut world, |bad| bad.body.issued = NOW + 301, AnnounceError::Future);
    let mut forged = good.clone();
    forged.body.fees.clear();
    let why = AnnouncementError::Signature(SignatureError::WrongSigner);
    assert_eq!(world.graph.announce(&forged, NOW), Err(why.into()));
    assert_eq!(world.graph.announce(&good, NOW), Ok(()));
    assert_eq!(world.graph.announce(&good, NOW), Err(AnnounceError::Stale));
    let mut gone = good.clone();
    gone.body.issued += 1;
    gone.body.reachable = false;
    assert_eq!(world.graph.announce(&signed(gone), NOW), Ok(()));
    assert_eq!(world.graph.session_key(wallet(3), NOW), None);
}

#[test]
fn a_revoked_key_mediates_no_more() {
    let (mut world, [a, b, c, d]) = diamond();
    let block = world.block;
    let session_key = key().public_key().address();
    let revoked_from = NOW + 9_999;
    world.event(JudgeEvent::SessionKeySet { wallet: wallet(1), session_key, valid_until: 1 << 40, revoked_from });
    assert_eq!(first(&mut world, &query(0, 3, 100)), Some(vec![c, d]));
    assert_eq!(world.graph.session_key(wallet(1), NOW), None);
    world.graph.rollback(block).unwrap();
    assert_eq!(first(&mut world, &query(0, 3, 100)), Some(vec![a, b]));
}

#[test]
fn a_rollback_reaches_as_far_as_is_kept() {
    let mut world = World::new();
    world.open(0, 1, 0, 1_000);
    world.block = KEPT_BLOCKS + 10;
    world.open(0, 2, 0, 1_000);
    assert_eq!(world.graph.rollback(11), Err(RollbackTooDeep(12)));
    assert!(first(&mut world, &query(0, 2, 10)).is_some());
    assert!(world.graph.rollback(12).is_ok());
    assert_eq!(first(&mut world, &query(0, 2, 10)), None);
    assert!(first(&mut world, &query(0, 1, 10)).is_some());
}

fn events() -> impl Strategy<Value = Vec<(u8, usize, u128)>> {
    proptest::collection::vec((0_u8..6, 0_usize..10, 0_u128..1_000), 0..40)
}

/// The pairs of five wallets, by number.
const PAIRS: [(usize, usize); 10] = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)];

fn event((kind, pair, total): (u8, usize, u128)) -> JudgeEvent {
    let (a, b) = PAIRS[pair];
    let key = channel_key(a, b, 0);
    let (channel, total) = (key.id(), Amount::new(total));
    match kind {
        0 | 1 => JudgeEvent::Opened { key },
        2 => JudgeEvent::Deposited { channel, wallet: key.a, total },
        3 => JudgeEvent::Deposited { channel, wallet: key.b, total },
        4 => JudgeEvent::Withdrawn { channel, wallet: key.b, total },
        _ => JudgeEvent::Done { channel, cooperative: true },
    }
}

fn answers(world: &mut World) -> Vec<Vec<Path>> {
    let pairs = (0..5).flat_map(|from| (0..5).map(move |to| (from, to)));
    pairs.map(|(from, to)| world.graph.paths(&query(from, to, 20))).collect()
}

proptest! {
    #[test]
    fn a_rollback_equals_never_having_seen(kept in events(), undone in events(), then in events()) {
        let mut world = World::new();
        for number in 0..5 {
            world.mediate(number, fee(number as u128, 100), &[]);
        }
        kept.into_iter().map(event).for_each(|event| world.event(event));
        let mut never = world.clone();
        let block = world.block;
        undone.into_iter().map(event).for_each(|event| world.event(event));
        world.graph.rollback(block).unwrap();
        world.block = block;
        prop_assert_eq!(answers(&mut world), answers(&mut never));
        for event in then.into_iter().map(event) {
            world.event(event.clone());
            never.event(event);
        }
        prop_assert_eq!(answers(&mut world), answers(&mut never));
    }

    #[test]
    fn repeated_events_change_nothing(events in events()) {
        let mut world = World::new();
        events.iter().for_each(|told| world.event(event(*told)));
        let mut again = world.clone();
        for (told, block) in events.iter().zip(1..) {
            let position = LogPosition { block, index: 0, block_hash: B256::ZERO, transaction: B256::ZERO };
            again.graph.apply(&ChainEvent { position, event: event(*told) });
        }
        prop_assert_eq!(answers(&mut world), answers(&mut again));
    }
}
