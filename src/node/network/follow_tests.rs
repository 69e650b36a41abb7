//! Tests of where the graph's own reading and the chain service meet, and of what a reorg does to it.

use super::*;
use crate::node::relay_task::Outgoing;
use crate::protocol::{
    Address, Announcement, AnnouncementBody, B256, ChannelKey, Domain, Head, JudgeEvent, LogPosition, SessionKey,
};
use crate::routing::KEPT_BLOCKS;

type Woken = mpsc::UnboundedReceiver<()>;

/// A network that reads the chain while the service is at this block.
fn reading(service_at: u64) -> (Network, Woken, mpsc::UnboundedReceiver<Outgoing>) {
    let (outgoing, said) = mpsc::unbounded();
    let (network, woken) = Network::new(Domain::new(1, Address::repeat_byte(9)), service_at, || 1_000, outgoing);
    network.following.set(Following::Reading);
    (network, woken, said)
}

fn key(salt: u64) -> ChannelKey {
    ChannelKey::new(Address::ZERO, Address::repeat_byte(1), Address::repeat_byte(2), salt).unwrap()
}

fn event(block: u64, index: u64, event: JudgeEvent) -> ChainEvent {
    let position = LogPosition { block, index, block_hash: B256::ZERO, transaction: B256::ZERO };
    ChainEvent { position, event }
}

/// A channel that opens in this block.
fn opened(block: u64, salt: u64) -> ChainEvent {
    event(block, 0, JudgeEvent::Opened { key: key(salt) })
}

fn at(block: u64) -> AlarmState {
    let mark = |number| Head { number, hash: B256::ZERO, timestamp: number };
    AlarmState { confirmed_to: block, marks: (1..=block.min(100)).map(mark).collect() }
}

/// The salts of the channels that are open.
fn open(network: &Network) -> Vec<u64> {
    let channels = network.view(None).channels;
    (0..100).filter(|salt| channels.iter().any(|channel| channel.id == key(*salt).id())).collect()
}

#[test]
fn the_graph_meets_the_service_where_the_service_is() {
    let (network, ..) = reading(8);
    network.apply(None, &[opened(7, 1), opened(8, 2), opened(9, 3)], &at(10)).unwrap();
    assert!(network.go_along(0));
    // What the service has not told it will tell, or something else.
    assert_eq!((open(&network), network.view(None).block), (vec![1, 2], 8));
    network.chain(None, &[opened(9, 4), opened(10, 5)], &at(10));
    assert_eq!((open(&network), network.view(None).block), (vec![1, 2, 4, 5], 10));
}

#[test]
fn it_waits_for_a_service_that_is_ahead_far_behind_or_going_back() {
    let (network, ..) = reading(8);
    assert!(!network.go_along(0), "nothing is read");
    network.apply(None, &[opened(7, 1)], &at(7)).unwrap();
    assert!(!network.go_along(0), "the service has told block 8 already");
    network.apply(None, &[], &at(8)).unwrap();
    network.chain(Some(5), &[opened(6, 2)], &at(8));
    assert!(!network.go_along(0), "block 7 may be another since");
    assert_eq!(open(&network), [1], "what the service tells does not count yet");
    network.apply(Some(5), &[opened(6, 2)], &at(8)).unwrap();
    assert!(network.go_along(1));
    assert_eq!(open(&network), [2]);

    let (network, ..) = reading(8);
    network.apply(None, &[opened(7, 1), opened(KEPT_BLOCKS + 100, 2)], &at(KEPT_BLOCKS + 100)).unwrap();
    assert!(!network.go_along(0), "it cannot go back so far");
    assert_eq!(open(&network), [1, 2]);
}

#[test]
fn a_reorg_takes_events_back_also_in_storage() {
    let (network, ..) = reading(8);
    network.apply(None, &[opened(7, 1), opened(8, 2)], &at(8)).unwrap();
    let first = network.writes();
    assert_eq!((first.puts.len(), first.deletes.len()), (3, 0));
    assert!(network.writes().is_empty());
    assert!(network.go_along(0));
    network.chain(Some(7), &[opened(8, 3)], &at(8));
    assert_eq!(open(&network), [1, 3]);
    let second = network.writes();
    assert_eq!(second.puts.iter().filter(|(key, _)| key[0] == GRAPH_CHANNELS).count(), 1);
    assert_eq!(second.deletes, [graph_channel_key(key(2).id())]);
    // A channel that closes is stored no more.
    network.chain(None, &[event(9, 0, JudgeEvent::Done { channel: key(1).id(), cooperative: true })], &at(9));
    assert_eq!(network.writes().deletes, [graph_channel_key(key(1).id())]);
}

#[test]
fn a_reorg_that_is_too_deep_begins_everything_anew() {
    let (network, mut woken, _said) = reading(8);
    network.apply(None, &[opened(7, 1)], &at(8)).unwrap();
    assert!(network.go_along(0));
    let far = KEPT_BLOCKS + 200;
    network.chain(None, &[opened(far, 2)], &at(far));
    assert_eq!(open(&network), [1, 2]);
    assert!(woken.try_recv().is_err());
    network.chain(Some(3), &[opened(4, 3)], &at(far));
    assert!(network.anew.get() && woken.try_recv().is_ok());
    assert_eq!((network.following.get(), open(&network)), (Following::Not, vec![]));
    assert!(!network.view(None).complete && network.writes().is_empty());
}

/// What the owner of this key announces for a wallet; nobody has verified it.
fn announcement(wallet: u8) -> Announcement {
    let key = SessionKey::from_bytes(&[wallet; 32]).unwrap();
    let wallet = Address::repeat_byte(wallet);
    let body = AnnouncementBody { wallet, reachable: true, issued: 999, expiry: 2_000, fees: vec![], channels: vec![] };
    let signature = key.sign(body.digest(&Domain::new(1, Address::repeat_byte(9)))).unwrap();
    Announcement { body, signer: key.public_key(), grant: None, signature }
}

#[test]
fn what_was_announced_too_early_is_kept_until_its_channel_is_confirmed() {
    let (network, ..) = reading(8);
    for wallet in [1, 7] {
        network.gossip(&[announcement(wallet).to_bytes().into()], false);
    }
    let waiting = |network: &Network| -> Vec<Address> {
        network.early.borrow().iter().map(|announcement| announcement.body.wallet).collect()
    };
    assert_eq!(waiting(&network), [1, 7].map(Address::repeat_byte));
    network.apply(None, &[opened(7, 1)], &at(8)).unwrap();
    // The channel of the other one may still come.
    assert_eq!(waiting(&network), [Address::repeat_byte(7)]);
}

#[test]
fn the_position_is_stored_with_changes_or_after_many_blocks() {
    let (network, ..) = reading(8);
    network.apply(None, &[opened(7, 1)], &at(8)).unwrap();
    assert!(network.go_along(0));
    assert!(!network.writes().is_empty());
    network.chain(None, &[], &at(8 + STORE_AFTER - 1));
    assert!(network.writes().is_empty());
    network.chain(None, &[], &at(8 + STORE_AFTER));
    let writes = network.writes();
    assert_eq!((writes.puts.len(), &writes.puts[0].0[..]), (1, GRAPH));
    assert!(network.writes().is_empty());
}
