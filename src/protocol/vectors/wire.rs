//! What one peer says to another: operations with their context, and every message.

use alloy::primitives::{Address, B256};
use serde_json::{Value, json};

use super::sample::{self, CHAIN_ID, DEADLINE, JUDGE, close_terms, grants, proof, signed, the_channel};
use super::{check, hexed};
use crate::protocol::message::RefusalCode;
use crate::protocol::{
    Amount, ChannelId, CloseAccept, CloseRequest, Hello, LockRefusal, MAX_MEMO_BYTES, Memo, Message, Nonce, Op,
    PaymentId, Refusal, RequestKind, RequestRefusal, Resume, ShownLock, Signature, Update, WithdrawAccept,
    WithdrawRequest, encode,
};

fn op_json(op: &Op) -> Value {
    match op {
        Op::Pay { payment, amount, memo } => {
            let mut fields = json!({ "op": "Pay", "payment": hexed(payment.0), "amount": amount.to_string() });
            if let Some(memo) = memo {
                fields["memo"] = json!(memo.as_str());
            }
            fields
        }
        Op::Lock { lock, route } => json!({
            "op": "Lock",
            "lockId": lock.id.to_string(),
            "amount": lock.amount.to_string(),
            "expiry": lock.expiry.to_string(),
            "secretHash": hexed(lock.secret_hash.0),
            "route": hexed(route.as_bytes()),
        }),
        Op::Unlock { lock, secret } => {
            json!({ "op": "Unlock", "lockId": lock.to_string(), "secret": hexed(secret.0) })
        }
        Op::Expire { lock } => json!({ "op": "Expire", "lockId": lock.to_string() }),
        Op::Cancel { lock } => json!({ "op": "Cancel", "lockId": lock.to_string() }),
    }
}

fn pays(amounts: impl IntoIterator<Item = u128>) -> Vec<Op> {
    let pay = |(i, units): (u128, u128)| Op::Pay {
        payment: PaymentId(i.to_be_bytes()),
        amount: Amount::new(units),
        memo: None,
    };
    (0..).zip(amounts).map(pay).collect()
}

/// Amounts at every border of their encoding.
fn borders() -> Vec<Op> {
    let mut ops = pays([0, 1, 23, 24, 255, 256, 65_535, 65_536, u32::MAX.into(), 1 << 32, u64::MAX.into(), 1 << 64]);
    ops.extend(pays([(1 << 72) - 1, 1 << 72, u128::MAX]));
    ops.push(Op::Pay {
        payment: PaymentId([0xff; 16]),
        amount: Amount::MAX,
        memo: Some(Memo::new("m".repeat(MAX_MEMO_BYTES)).unwrap()),
    });
    ops.push(Op::Pay { payment: PaymentId([0; 16]), amount: Amount::from(1), memo: Some(Memo::new("").unwrap()) });
    ops
}

#[test]
fn operations_are_frozen() {
    let lists = [
        ("none", vec![]),
        ("one payment", pays([1])),
        ("one of each kind", sample::ops()),
        ("borders of amounts", borders()),
        ("three hundred payments", pays(1..=300)),
    ];
    let lists = lists.map(|(name, ops)| {
        json!({
            "name": name,
            "ops": ops.iter().map(op_json).collect::<Vec<_>>(),
            "cbor": hexed(encode(&ops)),
            "context": hexed(Op::context(&ops)),
        })
    });
    check("operations", json!(lists));
}

fn greetings() -> Vec<(&'static str, Message)> {
    let [grant, other] = grants();
    let hello = Hello { wallet: grant.wallet, chain_id: CHAIN_ID, judge: JUDGE, grant: Some(grant), reply: false };
    let far = Hello { wallet: Address::ZERO, chain_id: u64::MAX, judge: Address::ZERO, grant: None, reply: true };
    let fresh = Resume {
        key: the_channel(),
        sent: None,
        received: None,
        received_grant: None,
        resend_from: Nonce::ZERO,
        reply: false,
        sent_locks: vec![],
        received_locks: vec![],
        last_lock: 0,
        acceptance: None,
    };
    let used = Resume {
        sent: Some(signed(proof())),
        received: Some(signed(sample::proofs()[2].1)),
        received_grant: Some(other),
        resend_from: Nonce::MAX,
        reply: true,
        sent_locks: vec![ShownLock { slot: 0, lock: sample::lock(3) }],
        received_locks: vec![ShownLock { slot: 1, lock: sample::lock(4) }],
        last_lock: 4,
        acceptance: Some(signed(proof()).signature),
        ..fresh.clone()
    };
    vec![
        ("Hello", Message::Hello(hello)),
        ("Hello, without a grant", Message::Hello(far)),
        ("Resume, nothing signed", Message::Resume(Box::new(fresh))),
        ("Resume", Message::Resume(Box::new(used))),
    ]
}

fn updates() -> Vec<(&'static str, Message)> {
    let channel = the_channel().id();
    let [_, least, greatest] = sample::proofs();
    let update = |ops, proof| Message::Update(Update::new(ops, &proof, signed(proof).signature));
    vec![
        ("Update", update(sample::ops(), proof())),
        ("Update, the least numbers", update(vec![], least.1)),
        ("Update, the greatest numbers", update(borders(), greatest.1)),
        ("Ack", Message::Ack { channel, nonce: Nonce::new(7).unwrap(), acceptance: None }),
        (
            "Ack, with a countersignature and the greatest nonce",
            Message::Ack {
                channel: ChannelId(B256::repeat_byte(0xff)),
                nonce: Nonce::MAX,
                acceptance: Some(signed(proof()).signature),
            },
        ),
    ]
}

/// Every reason, so that none changes its number.
fn refusals() -> Vec<(&'static str, Message)> {
    use RefusalCode as C;
    let channel = the_channel().id();
    let codes = [
        ("Refuse, UnknownChannel", C::UnknownChannel),
        ("Refuse, InsufficientCapacity", C::InsufficientCapacity),
        ("Refuse, WrongProof", C::WrongProof),
        ("Refuse, BadSignature", C::BadSignature),
        ("Refuse, KeyNotValid", C::KeyNotValid),
        ("Refuse, Closing", C::Closing),
        ("Refuse, UnsupportedOp", C::UnsupportedOp),
        ("Refuse, Stopped", C::Stopped),
        ("Refuse, Malformed", C::Malformed),
        ("Refuse, NotExpired", C::NotExpired),
        ("Refuse, LockLimit", C::LockLimit),
    ];
    let nonce = Nonce::new(7).unwrap();
    let mut refusals: Vec<_> =
        codes.into_iter().map(|(name, code)| (name, Message::Refuse(Refusal { channel, nonce, code }))).collect();
    let kinds = [("RefuseRequest, Close", RequestKind::Close), ("RefuseRequest, Withdraw", RequestKind::Withdraw)];
    refusals.extend(
        kinds.map(|(name, kind)| (name, Message::RefuseRequest(RequestRefusal { channel, kind, deadline: DEADLINE }))),
    );
    refusals
}

fn agreements() -> Vec<(&'static str, Message)> {
    let channel = the_channel().id();
    let (balance_a, balance_b, signature) = close_terms(DEADLINE);
    let (sent, received, deadline) = (Nonce::new(7).unwrap(), Nonce::ZERO, DEADLINE);
    let request = CloseRequest { channel, balance_a, balance_b, deadline, sent, received };
    let total = Amount::MAX;
    let signature_of_none = Signature([0xff; 65]);
    vec![
        ("CloseRequest", Message::CloseRequest(request)),
        ("CloseAccept", Message::CloseAccept(CloseAccept { channel, deadline, signature })),
        ("WithdrawRequest", Message::WithdrawRequest(WithdrawRequest { channel, total, deadline: u64::MAX })),
        (
            "WithdrawAccept",
            Message::WithdrawAccept(WithdrawAccept {
                channel,
                total,
                deadline: u64::MAX,
                signature: signature_of_none,
            }),
        ),
    ]
}

/// What is said about locks, with every reason, so that none changes its number.
fn locks() -> Vec<(&'static str, Message)> {
    use LockRefusal as R;
    let (channel, payment) = (the_channel().id(), PaymentId([7; 16]));
    let (lock, secret) = (3, sample::secret(3));
    let hash = secret.hash();
    let reasons = [
        ("RefuseLock, BadRoute", R::BadRoute),
        ("RefuseLock, NoRoute", R::NoRoute),
        ("RefuseLock, NoCapacity", R::NoCapacity),
        ("RefuseLock, FeeTooLow", R::FeeTooLow),
        ("RefuseLock, BadExpiry", R::BadExpiry),
        ("RefuseLock, Unexpected", R::Unexpected),
        ("RefuseLock, HashUsed", R::HashUsed),
        ("RefuseLock, Expired", R::Expired),
        ("RefuseLock, Incomplete", R::Incomplete),
        ("RefuseLock, TooSmall", R::TooSmall),
        ("RefuseLock, TooMuch", R::TooMuch),
        ("RefuseLock, RequestPaid", R::RequestPaid),
        ("RefuseLock, RequestExpired", R::RequestExpired),
    ];
    let mut messages = vec![
        ("Reveal", Message::Reveal { channel, lock, secret: secret.clone() }),
        ("RequestSecret", Message::RequestSecret { payment, hash, amount: Amount::MAX }),
        ("TellSecret", Message::TellSecret { secret }),
        ("GiveUp", Message::GiveUp { payment }),
        ("Receipt", Message::Receipt { receipt: sample::receipt() }),
        ("AskReceipt", Message::AskReceipt { request: sample::request().id(), payment }),
    ];
    messages.extend(reasons.map(|(name, reason)| (name, Message::RefuseLock { channel, lock, reason })));
    messages
}

#[test]
fn messages_are_frozen() {
    let mut messages = greetings();
    messages.extend(updates());
    messages.extend(refusals());
    messages.extend(agreements());
    messages.extend(locks());
    let messages: Vec<Value> = messages
        .into_iter()
        .map(|(name, message)| {
            let bytes = message.to_bytes();
            assert_eq!(Message::from_bytes(&bytes), Ok(message));
            json!({ "name": name, "bytes": hexed(bytes) })
        })
        .collect();
    check("messages", json!(messages));
}
