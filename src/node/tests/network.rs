//! The network as a node sees it: nothing before it is asked for, then the chain's channels and what wallets announce.

use super::*;
use crate::engine::records::{GRAPH, GRAPH_CHANNELS, GRAPH_SESSIONS, graph_channel_key};
use crate::node::NetworkView;
use crate::protocol::Announcement;

const FEE: FeeSchedule = FeeSchedule { flat: Amount::new(2), proportional: 1_000 };

async fn network(node: &TestNode) -> NetworkView {
    node.network(None).await.unwrap()
}

fn reachable(view: &NetworkView, client: usize) -> bool {
    view.nodes.iter().any(|node| node.wallet == wallet(client) && node.reachable)
}

/// Waits until this is true of what the node sees.
async fn until(node: &TestNode, is: impl Fn(&NetworkView) -> bool) -> NetworkView {
    for _ in 0..100 {
        let view = network(node).await;
        if is(&view) {
            return view;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("it does not come to that: {:?}", network(node).await);
}

async fn graph_records(store: &FaultStore) -> usize {
    let everything =
        Scan { from: std::ops::Bound::Unbounded, to: std::ops::Bound::Unbounded, backwards: false, limit: usize::MAX };
    let records = store.memory.scan(everything).await.unwrap();
    let is_graph = |key: &[u8]| key == GRAPH || key[0] == GRAPH_CHANNELS || key[0] == GRAPH_SESSIONS;
    records.iter().filter(|(key, _)| is_graph(key)).count()
}

#[test]
fn nothing_is_heard_told_or_stored_before_it_is_asked_for() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        let command = pair.payment(5);
        pair.nodes[0].command(command).await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(pair.relay.followers.borrow().is_empty() && pair.relay.book.borrow().is_empty());
        assert_eq!(graph_records(&pair.stores[0]).await, 0);
        assert!(!pair.told(0, |event| *event == NodeEvent::Network));
    });
}

#[test]
fn channels_come_from_the_chain_and_the_rest_from_announcements() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        pair.nodes[1].close();
        pair.mediate[1] = Some(FEE);
        pair.nodes[1] = pair.start(1).await.unwrap();
        pair.ready().await;
        let view = until(&pair.nodes[0], |view| reachable(view, 1)).await;
        assert!(view.complete && view.block > 0);
        let [channel] = view.channels[..] else { panic!("one channel") };
        assert_eq!((channel.id, channel.total), (pair.id, Amount::new(2 * DEPOSIT)));
        let hint = if channel.a == wallet(1) { channel.hint_a } else { channel.hint_b };
        // A sixteenth of 2,000 is 125.
        assert_eq!(hint, Some(Amount::new(1_000)));
        let mediator = view.nodes.iter().find(|node| node.wallet == wallet(1)).unwrap();
        assert_eq!(mediator.fee, Some(FEE));

        // Whoever uses the network is found, but says nothing of its channels.
        let view = until(&pair.nodes[1], |view| reachable(view, 0)).await;
        let payer = view.nodes.iter().find(|node| node.wallet == wallet(0)).unwrap();
        assert_eq!(payer.fee, None);
        let hint = if channel.a == wallet(0) { view.channels[0].hint_a } else { view.channels[0].hint_b };
        assert_eq!(hint, None);

        // What a payment changes much is told, in steps.
        let command = pair.payment(900);
        pair.nodes[1].command(command).await.unwrap();
        let hints = [Some(Amount::ZERO), Some(Amount::new(1_000))];
        until(&pair.nodes[0], |view| {
            let hint = if channel.a == wallet(1) { view.channels[0].hint_a } else { view.channels[0].hint_b };
            assert!(hints.contains(&hint));
            hint == Some(Amount::ZERO)
        })
        .await;
        pair.nodes[1].close();
        until(&pair.nodes[0], |view| !reachable(view, 1)).await;
        assert!(pair.told(0, |event| *event == NodeEvent::Network));
    });
}

#[test]
fn announcements_are_repeated_before_they_end() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        pair.nodes[1].close();
        pair.mediate[1] = Some(FEE);
        pair.nodes[1] = pair.start(1).await.unwrap();
        pair.ready().await;
        until(&pair.nodes[0], |view| reachable(view, 1)).await;
        let issued = |pair: &Pair| {
            let bytes = pair.relay.book.borrow()[&key(1).public_key()].clone();
            Announcement::from_bytes(&bytes).unwrap().body.issued
        };
        let first = issued(&pair);
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert!(reachable(&network(&pair.nodes[0]).await, 1));
        }
        let last = issued(&pair);
        assert!(last >= first + 2_000, "{first} {last}");
    });
}

#[test]
fn the_graph_is_stored_and_gone_on_with() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        let view = network(&pair.nodes[0]).await;
        assert_eq!(view.channels.len(), 1);
        // One channel, two session keys, and the position.
        assert_eq!(graph_records(&pair.stores[0]).await, 4);
        pair.nodes[0].close();
        pair.chain.set_head(2_000);
        pair.nodes[0] = pair.start(0).await.unwrap();
        pair.ready().await;
        let again = network(&pair.nodes[0]).await;
        assert_eq!(again.channels, view.channels);
        assert!(again.block > view.block);
        // It goes along with the chain, and what it has read without news is stored now and then.
        pair.chain.set_head(4_000);
        let later = until(&pair.nodes[0], |view| view.block > 3_000).await;
        assert_eq!(later.channels, view.channels);
        assert!(pair.stores[0].memory.get(&graph_channel_key(pair.id)).await.unwrap().is_some());
    });
}

#[test]
fn a_wallet_that_announces_nothing_is_found_in_the_directory() {
    run(async {
        let pair = Pair::new().await;
        pair.ready().await;
        network(&pair.nodes[0]).await;
        let found = pair.nodes[0].network_key(wallet(1)).await;
        assert_eq!(found, Some(key(1).public_key()));
        assert_eq!(pair.nodes[0].network_key(Address::repeat_byte(9)).await, None);
        // A relay that is away answers nothing, and nobody waits for it.
        pair.nodes[0].set_offline(true);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(pair.nodes[0].network_key(wallet(1)).await, None);
    });
}

#[test]
fn whichever_commit_fails_the_network_is_whole_again() {
    for number in 1..30 {
        run(async {
            let pair = Pair::with_faults(|stores| {
                *stores[0].faults.fail.borrow_mut() = Some((number, StoreError::Lost("the browser closed it".into())));
            })
            .await;
            // Asked for before the client has come so far.
            for _ in 0..20 {
                let _ = pair.nodes[0].network(None).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            pair.ready().await;
            let view = until(&pair.nodes[0], |view| view.channels.len() == 1).await;
            assert!(view.complete, "commit {number}");
        });
    }
}
