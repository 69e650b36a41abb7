//! Announcements to everyone: who follows hears them, whoever comes later reads them, and nobody speaks for another.

mod support;

use std::time::{Duration, SystemTime};

use chit_client::protocol::{
    Address, Amount, Announcement, AnnouncementBody, B256, CapacityHint, ChannelId, Domain, FeeSchedule,
    MAX_ANNOUNCEMENT_BYTES, TokenFee,
};
use chit_client::transport::RelayEvent;
use chit_client::transport::relay_protocol::{ClientMessage, ErrorCode};
use chit_relay::Config;
use support::{Client, Raw, TestRelay, connect, domain, grant, key, next, settled, within};

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn signed(body: AnnouncementBody, wallet: u8, session: u8, domain: &Domain) -> Announcement {
    let signature = key(session).sign(body.digest(domain)).unwrap();
    let signer = key(session).public_key();
    Announcement { body, signer, grant: Some(grant(wallet, session)), signature }
}

fn body(wallet: u8, issued: u64) -> AnnouncementBody {
    AnnouncementBody {
        wallet: key(wallet).public_key().address(),
        reachable: true,
        issued,
        expiry: issued + 600,
        fees: vec![TokenFee { token: Address::ZERO, fee: FeeSchedule::default() }],
        channels: vec![CapacityHint { channel: ChannelId(B256::repeat_byte(wallet)), capacity: Amount::new(5) }],
    }
}

/// What the wallet with this key announces by its session key.
fn announcement(wallet: u8, session: u8, issued: u64) -> Vec<u8> {
    signed(body(wallet, issued), wallet, session, &domain()).to_bytes()
}

async fn publish(client: &Client, announcement: Vec<u8>) {
    client.publish(domain().chain_id(), domain().judge(), announcement).await.unwrap();
}

async fn follow(client: &Client) {
    client.follow(domain().chain_id(), domain().judge()).await.unwrap();
}

/// The next gossip, and whether more follows at once.
async fn heard(client: &Client) -> (Vec<Vec<u8>>, bool) {
    match next(client).await {
        RelayEvent::Gossip { chain_id, judge, announcements, more } => {
            assert_eq!((chain_id, judge), (domain().chain_id(), domain().judge()));
            (announcements.into_iter().map(Vec::from).collect(), more)
        }
        other => panic!("no gossip but {other:?}"),
    }
}

async fn refused(client: &Client) -> ErrorCode {
    match next(client).await {
        RelayEvent::Refused { code, .. } => code,
        other => panic!("not refused but {other:?}"),
    }
}

#[tokio::test]
async fn a_follower_hears_the_book_and_every_change() {
    let relay = TestRelay::start(Config::default()).await;
    let (alice, bob) = (connect(&relay.url, 1).await.unwrap(), connect(&relay.url, 2).await.unwrap());
    let early = connect(&relay.url, 3).await.unwrap();
    follow(&early).await;
    assert_eq!(heard(&early).await, (vec![], false));
    let (first, second) = (announcement(20, 1, now()), announcement(30, 2, now()));
    publish(&alice, first.clone()).await;
    assert_eq!(heard(&early).await, (vec![first.clone()], false));
    publish(&bob, second.clone()).await;
    assert_eq!(heard(&early).await, (vec![second.clone()], false));

    let late = connect(&relay.url, 4).await.unwrap();
    follow(&late).await;
    assert_eq!(heard(&late).await, (vec![first.clone(), second.clone()], false));
    let newer = announcement(20, 1, now() + 1);
    publish(&alice, newer.clone()).await;
    assert_eq!(heard(&early).await, (vec![newer.clone()], false));
    assert_eq!(heard(&late).await, (vec![newer.clone()], false));

    // Who asks again is sent everything again.
    follow(&late).await;
    assert_eq!(heard(&late).await, (vec![second.clone(), newer.clone()], false));

    // Who announces and leaves is still read about: others decide how long that counts.
    drop(alice);
    let later = connect(&relay.url, 5).await.unwrap();
    follow(&later).await;
    assert_eq!(heard(&later).await, (vec![second, newer], false));
    assert_eq!(relay.metric("chit_relay_book_entries").await, 2);
    assert_eq!(relay.metric("chit_relay_published_total").await, 3);
    assert_eq!(relay.metric("chit_relay_gossiped_total").await, 10);
}

#[tokio::test]
async fn who_does_not_follow_hears_nothing_and_other_judges_are_other_books() {
    let relay = TestRelay::start(Config::default()).await;
    let alice = connect(&relay.url, 1).await.unwrap();
    publish(&alice, announcement(20, 1, now())).await;
    settled(&alice).await;
    let other = Domain::new(1, Address::repeat_byte(8));
    let elsewhere = connect(&relay.url, 2).await.unwrap();
    elsewhere.follow(other.chain_id(), other.judge()).await.unwrap();
    let event = next(&elsewhere).await;
    assert!(matches!(event, RelayEvent::Gossip { announcements, .. } if announcements.is_empty()));
    publish(&alice, announcement(20, 1, now() + 1)).await;
    settled(&alice).await;
    settled(&elsewhere).await;
    // An announcement for one Judge is none for another.
    alice.publish(other.chain_id(), other.judge(), announcement(20, 1, now() + 2)).await.unwrap();
    assert_eq!(refused(&alice).await, ErrorCode::BadAnnouncement);
}

#[tokio::test]
async fn nobody_speaks_for_another_and_the_session_goes_on() {
    let relay = TestRelay::start(Config::default()).await;
    let mallory = connect(&relay.url, 3).await.unwrap();
    let forge = |change: fn(&mut Announcement)| {
        let mut forged = signed(body(20, now()), 20, 3, &domain());
        change(&mut forged);
        forged.to_bytes()
    };
    let forgeries = [
        // Another's announcement over one's own connection.
        announcement(20, 1, now()),
        forge(|forged| forged.body.reachable = false),
        forge(|forged| forged.body.wallet = key(21).public_key().address()),
        forge(|forged| forged.grant = Some(grant(21, 3))),
        forge(|forged| forged.grant.as_mut().unwrap().valid_until += 1),
        // In another time.
        announcement(20, 3, now() - 601),
        announcement(20, 3, now() + 310),
        vec![1, 2, 3],
        vec![],
    ];
    let count = forgeries.len() as u64;
    for forged in forgeries {
        publish(&mallory, forged).await;
        assert_eq!(refused(&mallory).await, ErrorCode::BadAnnouncement);
    }
    let good = announcement(20, 3, now());
    publish(&mallory, good.clone()).await;
    publish(&mallory, announcement(20, 3, now() - 100)).await;
    assert_eq!(refused(&mallory).await, ErrorCode::StaleAnnouncement);
    // Again the same is no news and no offence.
    publish(&mallory, good.clone()).await;
    settled(&mallory).await;
    let reader = connect(&relay.url, 4).await.unwrap();
    follow(&reader).await;
    assert_eq!(heard(&reader).await, (vec![good], false));
    assert_eq!(relay.metric("chit_relay_errors_total{code=\"bad_announcement\"}").await, count);
}

#[tokio::test]
async fn what_is_taken_back_is_told() {
    let relay = TestRelay::start(Config::default()).await;
    let alice = connect(&relay.url, 1).await.unwrap();
    let reader = connect(&relay.url, 4).await.unwrap();
    publish(&alice, announcement(20, 1, now())).await;
    settled(&alice).await;
    follow(&reader).await;
    heard(&reader).await;
    let mut gone = body(20, now() + 1);
    (gone.reachable, gone.fees, gone.channels) = (false, Vec::new(), Vec::new());
    let gone = signed(gone, 20, 1, &domain()).to_bytes();
    publish(&alice, gone.clone()).await;
    assert_eq!(heard(&reader).await, (vec![gone], false));
    assert_eq!(relay.metric("chit_relay_book_entries").await, 1);
}

#[tokio::test]
async fn publications_have_a_rate_of_their_own_and_the_book_an_end() {
    let config = Config { publications_per_minute: 3, gossip_entries: 2, ..Config::default() };
    let relay = TestRelay::start(config).await;
    let (alice, bob) = (connect(&relay.url, 1).await.unwrap(), connect(&relay.url, 2).await.unwrap());
    let carol = connect(&relay.url, 3).await.unwrap();
    for later in 0..3 {
        publish(&alice, announcement(20, 1, now() + later)).await;
    }
    publish(&alice, announcement(20, 1, now() + 9)).await;
    assert_eq!(refused(&alice).await, ErrorCode::TooManyRequests);
    publish(&bob, announcement(30, 2, now())).await;
    settled(&bob).await;
    publish(&carol, announcement(40, 3, now())).await;
    assert_eq!(refused(&carol).await, ErrorCode::GossipFull);
    drop(alice);
    // Who has left makes room.
    within(async {
        while relay.metric("chit_relay_clients ").await > 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    publish(&carol, announcement(40, 3, now())).await;
    settled(&carol).await;
    assert_eq!(relay.metric("chit_relay_book_entries").await, 2);
}

#[tokio::test]
async fn what_is_too_long_ends_the_connection() {
    let relay = TestRelay::start(Config::default()).await;
    let mut raw = Raw::authenticated(&relay.url, 1).await;
    let (chain_id, judge) = (domain().chain_id(), domain().judge());
    let announcement = vec![0; MAX_ANNOUNCEMENT_BYTES + 1];
    raw.say(&ClientMessage::Publish { chain_id, judge, announcement }).await;
    assert_eq!(raw.refused().await, ErrorCode::TooLarge);
}

#[tokio::test]
async fn a_long_book_comes_in_pieces_and_does_not_hold_up_frames() {
    let relay = TestRelay::start(Config { max_connections_per_address: 300, ..Config::default() }).await;
    let mut announcers = Vec::new();
    for session in 1..=200_u8 {
        let client = connect(&relay.url, session).await.unwrap();
        let mut long = body(session, now());
        let channel = |n: u8| CapacityHint { channel: ChannelId(B256::repeat_byte(n)), capacity: Amount::MAX };
        long.channels = (0..100).map(channel).collect();
        publish(&client, signed(long, session, session, &domain()).to_bytes()).await;
        announcers.push(client);
    }
    for client in &announcers {
        settled(client).await;
    }
    let reader = connect(&relay.url, 250).await.unwrap();
    follow(&reader).await;
    announcers[0].send_to(reader.public_key(), vec![1]).await.unwrap();
    let (mut found, mut frames) = (Vec::new(), 0);
    while found.len() < 200 || frames == 0 {
        match next(&reader).await {
            RelayEvent::Gossip { announcements, .. } => found.extend(announcements),
            RelayEvent::Message { body, .. } => frames += body.len(),
            other => panic!("{other:?}"),
        }
    }
    let signers: std::collections::BTreeSet<_> =
        found.iter().map(|bytes| Announcement::from_bytes(bytes).unwrap().signer).collect();
    assert_eq!((found.len(), signers.len(), frames), (200, 200, 1));
}
