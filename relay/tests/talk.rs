//! Clients that keep to the rules, over real WebSockets.

mod support;

use std::time::{Duration, Instant};

use chit_client::protocol::Sealer;
use chit_client::protocol::{Address, Grant};
use chit_client::transport::relay_protocol::{DirectoryEntry, ErrorCode, MAX_BODY_BYTES, UndeliverableReason};
use chit_client::transport::{Backoff, CloseReason, RelayEvent};
use chit_relay::Config;
use support::{TestRelay, connect, domain, grant, key, next, refusal, settled, within};

#[tokio::test]
async fn two_clients_talk_in_sealed_frames() {
    let relay = TestRelay::start(Config::default()).await;
    let (alice, bob) = (connect(&relay.url, 1).await.unwrap(), connect(&relay.url, 2).await.unwrap());
    let (mut alice_seals, mut bob_seals) = (Sealer::new(key(1)), Sealer::new(key(2)));

    let frame = alice_seals.seal(bob.public_key(), [1; 24], b"a chit").unwrap();
    alice.send_to(bob.public_key(), frame).await.unwrap();
    let RelayEvent::Message { from, body } = next(&bob).await else { panic!("a message") };
    assert_eq!(from, alice.public_key());
    assert_eq!(bob_seals.open(from, &body), Ok(b"a chit".to_vec()));

    let frame = bob_seals.seal(from, [2; 24], b"thanks").unwrap();
    bob.send_to(from, frame).await.unwrap();
    let RelayEvent::Message { from, body } = next(&alice).await else { panic!("a message") };
    assert_eq!(alice_seals.open(from, &body), Ok(b"thanks".to_vec()));

    let largest = vec![7; MAX_BODY_BYTES];
    alice.send_to(bob.public_key(), largest.clone()).await.unwrap();
    assert_eq!(next(&bob).await, RelayEvent::Message { from: alice.public_key(), body: largest });
    assert_eq!(relay.metric("chit_relay_forwarded_frames_total").await, 3);
}

#[tokio::test]
async fn pings_are_answered() {
    let relay = TestRelay::start(Config::default()).await;
    let client = connect(&relay.url, 1).await.unwrap();
    client.ping(5).await.unwrap();
    settled(&client).await;
    assert!(!client.is_lost(1_000_000));
}

#[tokio::test]
async fn a_benchmarks_load_is_not_throttled_and_stays_in_order() {
    let relay = TestRelay::start(Config::default()).await;
    let (alice, bob) = (connect(&relay.url, 1).await.unwrap(), connect(&relay.url, 2).await.unwrap());
    let rounds = 20_000_u32;
    let started = Instant::now();
    // Every frame is answered, as an update is by its acknowledgement, with at most 1,000 unanswered.
    let (permits, bob_key) = (tokio::sync::Semaphore::new(1_000), bob.public_key());
    let pay = async {
        for round in 0..rounds {
            permits.acquire().await.unwrap().forget();
            let mut body = vec![0; 300];
            body[..4].copy_from_slice(&round.to_be_bytes());
            alice.send_to(bob_key, body).await.unwrap();
        }
    };
    let acknowledge = async {
        for round in 0..rounds {
            let RelayEvent::Message { from, body } = next(&bob).await else { panic!("throttled at {round}") };
            assert_eq!(body[..4], round.to_be_bytes());
            bob.send_to(from, body[..4].to_vec()).await.unwrap();
        }
    };
    let count = async {
        for round in 0..rounds {
            let RelayEvent::Message { body, .. } = next(&alice).await else { panic!("throttled at {round}") };
            assert_eq!(body, round.to_be_bytes());
            permits.add_permits(1);
        }
    };
    futures::join!(pay, acknowledge, count);
    println!("{:.0} round trips per second", f64::from(rounds) / started.elapsed().as_secs_f64());
    assert_eq!(relay.metric("chit_relay_queued_bytes").await, 0);
}

#[tokio::test]
async fn nobody_there_is_said_to_the_sender() {
    let relay = TestRelay::start(Config::default()).await;
    let alice = connect(&relay.url, 1).await.unwrap();
    let to = key(2).public_key();
    let offline = RelayEvent::Undeliverable { to, reason: UndeliverableReason::Offline };
    alice.send_to(to, vec![1]).await.unwrap();
    assert_eq!(next(&alice).await, offline);
    let bob = connect(&relay.url, 2).await.unwrap();
    alice.send_to(to, vec![2]).await.unwrap();
    assert_eq!(next(&bob).await, RelayEvent::Message { from: alice.public_key(), body: vec![2] });
    drop(bob);
    within(async {
        while relay.metric("chit_relay_clients ").await > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    alice.send_to(to, vec![3]).await.unwrap();
    assert_eq!(next(&alice).await, offline);
    assert_eq!(relay.metric("chit_relay_undeliverable_total{reason=\"offline\"}").await, 2);
}

#[tokio::test]
async fn the_newest_connection_of_a_key_wins_and_the_older_is_told() {
    let relay = TestRelay::start(Config::default()).await;
    let alice = connect(&relay.url, 1).await.unwrap();
    let older = connect(&relay.url, 2).await.unwrap();
    let newer = connect(&relay.url, 2).await.unwrap();
    assert_eq!(refusal(&older).await, ErrorCode::Replaced);
    assert!(!ErrorCode::Replaced.may_reconnect());
    drop(older);
    alice.send_to(newer.public_key(), vec![1]).await.unwrap();
    assert_eq!(next(&newer).await, RelayEvent::Message { from: alice.public_key(), body: vec![1] });
}

#[tokio::test]
async fn wallets_are_found_while_their_clients_are_connected() {
    let relay = TestRelay::start(Config::default()).await;
    let (alice, bob) = (connect(&relay.url, 1).await.unwrap(), connect(&relay.url, 2).await.unwrap());
    let (chain_id, judge) = (domain().chain_id(), domain().judge());
    let word = grant(20, 2);
    let lookup = async |chain_id, judge| {
        alice.lookup(chain_id, judge, word.wallet).await.unwrap();
        match next(&alice).await {
            RelayEvent::Found { wallet, entries, .. } if wallet == word.wallet => entries,
            other => panic!("not found but {other:?}"),
        }
    };
    assert_eq!(lookup(chain_id, judge).await, []);
    bob.announce(chain_id, judge, word).await.unwrap();
    settled(&bob).await;
    assert_eq!(lookup(chain_id, judge).await, [DirectoryEntry { key: bob.public_key(), grant: word }]);
    assert_eq!(lookup(1, judge).await, []);
    assert_eq!(lookup(chain_id, Address::ZERO).await, []);

    drop(bob);
    within(async {
        while !lookup(chain_id, judge).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn forged_grants_are_refused_and_the_session_goes_on() {
    let relay = TestRelay::start(Config::default()).await;
    let mallory = connect(&relay.url, 3).await.unwrap();
    let (chain_id, judge) = (domain().chain_id(), domain().judge());
    let own = grant(30, 3);
    let victim = grant(20, 2);
    let forgeries = [
        // Another's grant, carried to one's own key.
        victim,
        Grant { session_key: own.session_key, ..victim },
        // One's own signature, under another's wallet.
        Grant { wallet: victim.wallet, ..own },
        Grant { valid_until: own.valid_until + 1, ..own },
    ];
    for forged in forgeries {
        mallory.announce(chain_id, judge, forged).await.unwrap();
        let event = next(&mallory).await;
        assert!(matches!(event, RelayEvent::Refused { code: ErrorCode::BadGrant, .. }), "{event:?}");
        mallory.lookup(chain_id, judge, victim.wallet).await.unwrap();
        let RelayEvent::Found { entries, .. } = next(&mallory).await else { panic!("found") };
        assert_eq!(entries, []);
    }
    // A grant for another chain.
    mallory.announce(1, judge, own).await.unwrap();
    assert!(matches!(next(&mallory).await, RelayEvent::Refused { code: ErrorCode::BadGrant, .. }));
    mallory.announce(chain_id, judge, own).await.unwrap();
    settled(&mallory).await;
    assert_eq!(relay.metric("chit_relay_errors_total{code=\"bad_grant\"}").await, 5);
    assert_eq!(relay.metric("chit_relay_wallets ").await, 1);
}

#[tokio::test]
async fn clients_come_back_after_a_restart() {
    let config = Config { reconnect_in: Duration::from_millis(20), ..Config::default() };
    let relay = TestRelay::start(config.clone()).await;
    let (url, listen) = (relay.url.clone(), relay.address.to_string());
    let (alice, bob) = (connect(&url, 1).await.unwrap(), connect(&url, 2).await.unwrap());
    let started = Instant::now();
    let (first, second, ()) = futures::join!(next(&alice), next(&bob), relay.stop());
    assert!(started.elapsed() < Duration::from_secs(2), "stopping took {:?}", started.elapsed());
    let restarting = CloseReason::Restarting { reconnect_in: Duration::from_millis(20) };
    assert_eq!((first, second.clone()), (RelayEvent::Closed { reason: restarting }, second));
    drop((alice, bob));

    let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(100));
    assert!(connect(&url, 1).await.is_err());
    tokio::time::sleep(backoff.after_failure(0)).await;
    let _relay = TestRelay::start(Config { listen, ..config }).await;
    let again = async |seed| {
        let mut backoff = backoff;
        loop {
            match connect(&url, seed).await {
                Ok(client) => return client,
                Err(_) => tokio::time::sleep(backoff.after_failure(u32::MAX)).await,
            }
        }
    };
    let (alice, bob) = within(async { futures::join!(again(1), again(2)) }).await;
    alice.send_to(bob.public_key(), vec![1]).await.unwrap();
    assert_eq!(next(&bob).await, RelayEvent::Message { from: alice.public_key(), body: vec![1] });
}
