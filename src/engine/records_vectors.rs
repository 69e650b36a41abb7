//! Golden vectors of the stored records; see `protocol::vectors`.

use serde_json::{Value, json};

use super::*;
use crate::chain::AlarmState;
use crate::engine::routed::{SentEnd, SentRecord};
use crate::protocol::vectors::{
    CHAIN_ID, DEADLINE, check, close_terms, grants, hexed, lock, ops, proof, receipt, request, route, secret,
    session_b, signed, the_channel,
};
use crate::protocol::{Head, JudgeEvent, LogPosition};
use crate::routing::{StoredChannel, StoredSession};

fn position(block: u64) -> LogPosition {
    LogPosition { block, index: block % 3, block_hash: B256::repeat_byte(0x0b), transaction: B256::repeat_byte(0x0c) }
}

/// One event of each kind, at the ends of their numbers.
fn events() -> Vec<ChainEvent> {
    let (key, wallet) = (the_channel(), the_channel().a);
    let channel = key.id();
    let kinds = vec![
        JudgeEvent::Opened { key },
        JudgeEvent::Deposited { channel, wallet, total: Amount::from(1_000_000) },
        JudgeEvent::Withdrawn { channel, wallet, total: Amount::ZERO },
        JudgeEvent::Closing { channel, closer: wallet, challenge_end: DEADLINE },
        JudgeEvent::ProofAccepted {
            channel,
            sender: wallet,
            nonce: Nonce::MAX,
            transferred: Amount::MAX,
            locked: Amount::MAX,
            locks_root: B256::repeat_byte(0xff),
        },
        JudgeEvent::LockClaimed { channel, sender: wallet, lock: u64::MAX, amount: Amount::MAX },
        JudgeEvent::Paid { channel, wallet, amount: Amount::from(7), credited: true },
        JudgeEvent::Done { channel, cooperative: false },
        JudgeEvent::SessionKeySet { wallet, session_key: key.b, valid_until: u64::MAX, revoked_from: 0 },
    ];
    (1..).zip(kinds).map(|(block, event)| ChainEvent { position: position(block), event }).collect()
}

fn fresh_channel() -> ChannelRecord<'static> {
    ChannelRecord {
        key: the_channel(),
        events: Cow::Owned(Vec::new()),
        sent: DirectionRecord::default(),
        received: DirectionRecord::default(),
        close: None,
        our_withdrawal: None,
        their_withdrawal: None,
        compared: false,
        stopped: None,
        opening: Some(B256::repeat_byte(0x0d)),
        last_cancel: Nonce::ZERO,
        refused: vec![],
        cancelled: vec![],
        accepted: None,
    }
}

fn used_channel() -> ChannelRecord<'static> {
    let (balance_a, balance_b, signature) = close_terms(DEADLINE);
    let direction = DirectionRecord {
        nonce: Nonce::MAX,
        transferred: Amount::MAX,
        locks: vec![LockRecord { slot: 0, lock: lock(3) }, LockRecord { slot: u32::MAX, lock: lock(4) }],
        signed: Some(signed(proof())),
        acked: Nonce::new(6).unwrap(),
        grant: Some(grants()[0]),
        refused: Some(RefusedRecord { nonce: Nonce::new(7).unwrap(), code: RefusalCode::Stopped }),
        until: u64::MAX,
        last_lock: u64::MAX,
    };
    let withdrawal =
        WithdrawRecord { total: Amount::from(5), deadline: DEADLINE, theirs: Some(signature), expired_at: Some(9) };
    ChannelRecord {
        events: Cow::Owned(events()),
        sent: direction.clone(),
        received: direction,
        close: Some(CloseRecord {
            balance_a,
            balance_b,
            deadline: DEADLINE,
            theirs: Some(Countersignature { deadline: DEADLINE, signature }),
            expired_at: None,
        }),
        our_withdrawal: Some(withdrawal),
        their_withdrawal: Some(WithdrawRecord { theirs: None, expired_at: None, ..withdrawal }),
        compared: true,
        stopped: Some("why".into()),
        opening: None,
        last_cancel: Nonce::MAX,
        refused: vec![RefusedLockRecord { lock: 4, reason: LockRefusal::Incomplete }],
        cancelled: vec![CancelledRecord { lock: lock(3), nonce: Nonce::MAX, accepted: true }],
        accepted: Some(AcceptedRecord { signed: signed(proof()), acceptance: signature }),
        ..fresh_channel()
    }
}

/// Reads what was written and writes it again: the same bytes, or a field is lost.
fn record<T: Encode<()> + for<'b> Decode<'b, ()>>(name: &str, key: Key, value: &T) -> Value {
    let bytes = write(value);
    assert_eq!(write(&read::<T>(&bytes).unwrap()), bytes, "{name}");
    json!({ "name": name, "key": hexed(key), "bytes": hexed(bytes) })
}

#[test]
fn records_are_frozen() {
    let channel = the_channel().id();
    let peer = PeerRecord { wallet: the_channel().b, key: session_b().public_key(), grant: Some(grants()[1]) };
    let update = UpdateRecord { signed: signed(proof()), ops: ops(), at: DEADLINE };
    let head = |number| Head { number, hash: B256::repeat_byte(0x0e), timestamp: DEADLINE };
    let alarm = AlarmState { confirmed_to: CHAIN_ID, marks: vec![head(1), head(u64::MAX)] };
    let nonce = proof().nonce;
    let hash = secret(3).hash();
    let place = |lock| Some(LockPlace { channel, lock });
    let transfer = TransferRecord {
        hash,
        incoming: place(3),
        route: Some(route()),
        outgoing: place(u64::MAX),
        secret: Some(secret(3)),
        origin: None,
    };
    let origin = OriginRecord {
        payment: PaymentId([7; 16]),
        part: u32::MAX,
        target: session_b().public_key(),
        amount: Amount::MAX,
        fee: Amount::from(1),
        secret: Some(secret(3)),
        at: DEADLINE,
    };
    let begun = TransferRecord {
        hash,
        incoming: None,
        route: None,
        outgoing: None,
        secret: None,
        origin: Some(origin.clone()),
    };
    let part = PartRecord { hash, origin: origin.clone(), secret: Some(secret(3)), reason: None };
    let failed = PartRecord { secret: None, reason: Some(LockRefusal::NoRoute), ..part.clone() };
    let received = ReceivedRecord {
        payment: PaymentId([7; 16]),
        from: peer.wallet,
        token: the_channel().token,
        amount: Amount::MAX,
        memo: Some(Memo::new("tea").unwrap()),
        request: Some(B256::repeat_byte(5)),
        at: DEADLINE,
    };
    let asked = RequestRecord {
        request: request(),
        payment: None,
        amount: Amount::ZERO,
        paid: false,
        receipt: None,
        at: DEADLINE,
    };
    let id = asked.request.id();
    let paid = RequestRecord {
        payment: Some(receipt().payment),
        amount: receipt().amount,
        paid: true,
        receipt: Some(receipt()),
        ..asked.clone()
    };
    let sent = SentRecord {
        payment: received.payment,
        to: peer.wallet,
        token: received.token,
        amount: Amount::MAX,
        memo: received.memo.clone(),
        request: received.request,
        target: session_b().public_key(),
        at: DEADLINE,
        end: Some(SentEnd { paid: Amount::MAX, fee: Amount::from(1), reason: Some(LockRefusal::Expired) }),
    };
    let under_way = SentRecord { memo: None, request: None, end: None, ..sent.clone() };
    let stored_channel = StoredChannel {
        key: the_channel(),
        deposited_a: Amount::MAX,
        deposited_b: Amount::ZERO,
        withdrawn_a: Amount::from(7),
        withdrawn_b: Amount::ZERO,
    };
    let (wallet, session_key) = (peer.wallet, session_b().public_key().address());
    let stored_session = StoredSession { wallet, session_key, valid_until: u64::MAX, revoked_from: DEADLINE };
    let records = [
        record("channel, fresh", channel_key(channel), &fresh_channel()),
        record("channel, used", channel_key(channel), &used_channel()),
        record("update, sent", update_key(channel, Flow::Sent, nonce), &update),
        record("update, received", update_key(channel, Flow::Received, Nonce::MAX), &update),
        record("peer", peer_key(peer.wallet), &peer),
        record("peer, delegated on-chain", peer_key(peer.wallet), &PeerRecord { grant: None, ..peer.clone() }),
        record("own", OWN.to_vec(), &OwnRecord { grant: Some(grants()[0]) }),
        record("own, empty", OWN.to_vec(), &OwnRecord::default()),
        record("transfer, passing", transfer_key(hash), &transfer),
        record("transfer, begun here", transfer_key(hash), &begun),
        record("part, taken", part_key(origin.payment, origin.part), &part),
        record("part, not taken", part_key(origin.payment, origin.part), &failed),
        record("received", received_key(received.from, received.payment), &received),
        record("request, open", request_key(id), &asked),
        record("request, paid", request_key(id), &paid),
        record("sent over locks", sent_key(sent.payment), &sent),
        record("sent over locks, under way", sent_key(sent.payment), &under_way),
        record("alarm", ALARM.to_vec(), &alarm),
        record("challenge", CHALLENGE.to_vec(), &86_400_u64),
        record("graph", GRAPH.to_vec(), &alarm),
        record("graph, channel", graph_channel_key(channel), &stored_channel),
        record("graph, session key", graph_session_key(wallet, session_key), &stored_session),
    ];
    check("records", json!(records));
}

#[test]
fn fields_of_a_later_client_are_skipped_and_other_versions_refused() {
    let mut later = write(&OwnRecord { grant: Some(grants()[0]) });
    assert_eq!(later[1], 0xa1, "a map of one field");
    // Field 9 = [1, {2: "x"}].
    later[1] = 0xa2;
    later.extend([9, 0x82, 1, 0xa1, 2, 0x61, b'x']);
    assert_eq!(read::<OwnRecord>(&later).unwrap().grant, Some(grants()[0]));
    later[0] = 2;
    assert!(matches!(read::<OwnRecord>(&later), Err(StoreError::Corrupt(_))));
    assert!(matches!(read::<OwnRecord>(&[]), Err(StoreError::Corrupt(_))));
}
