//! Being paid by somebody who breaks the rules: each refusal, and that it changes nothing.

use super::judge::Call;
use super::world::World;
use crate::engine::{CloseMode, Flow};
use crate::protocol::{
    Amount, B256, ChannelId, Direction, Lock, Message, Nonce, Op, PaymentId, RefusalCode, SecretHash, Update,
};

/// The update that client 0 would send next: one payment of `amount`, changed by `tamper` before it is signed.
fn forge(world: &World, id: ChannelId, ops: Vec<Op>, tamper: impl Fn(&mut Update)) -> Message {
    let record = world.clients[0].stored_channel(id).unwrap();
    let before = Direction { nonce: record.sent.nonce, transferred: record.sent.transferred, ..Direction::default() };
    let wallet = world.clients[0].address();
    let next = before.replay(&ops).unwrap_or_else(|_| Direction { nonce: before.nonce.next().unwrap(), ..before });
    let proof = next.proof(id, wallet, &ops);
    let signature = world.clients[0].session.sign(proof.digest(&world.judge.domain)).unwrap();
    let mut update = Update::new(ops, &proof, signature);
    tamper(&mut update);
    Message::Update(update)
}

fn pay(amount: u128) -> Vec<Op> {
    vec![Op::Pay { payment: PaymentId([1; 16]), amount: Amount::new(amount), memo: None }]
}

fn lock() -> Vec<Op> {
    let lock = Lock { id: 1, amount: Amount::new(1), expiry: 2_000_000_000, secret_hash: SecretHash(B256::ZERO) };
    vec![Op::Lock { lock, route: super::locks::no_route() }]
}

/// Delivers the message to client 1 and returns its refusal; nothing that is stored may have changed.
fn refusal(world: &mut World, message: Message) -> Option<RefusalCode> {
    let stored = world.clients[1].everything();
    world.sent.clear();
    world.inject(0, 1, message);
    world.step(1, None);
    let code = world.sent.iter().find_map(|(_, message)| match message {
        Message::Refuse(refusal) => Some(refusal.code),
        _ => None,
    });
    if code.is_some() {
        assert_eq!(world.clients[1].everything(), stored, "a refused update changed what is stored");
        assert_eq!(world.count(|message| matches!(message, Message::Ack { .. })), 0);
    }
    world.drop_all();
    code
}

#[test]
fn every_rule_has_its_refusal() {
    use RefusalCode::*;
    type Tamper = fn(&mut Update);
    let nothing: Tamper = |_| {};
    let table: [(&str, Vec<Op>, Tamper, Option<RefusalCode>); 15] = [
        ("more than the deposit", pay(101), nothing, Some(InsufficientCapacity)),
        ("all that there is", pay(u128::MAX), nothing, Some(InsufficientCapacity)),
        ("nothing", pay(0), nothing, Some(WrongProof)),
        ("no operations", vec![], nothing, Some(Malformed)),
        ("too many operations", vec![pay(1).remove(0); 1_025], nothing, Some(Malformed)),
        ("a lock that ends too late", lock(), nothing, Some(LockLimit)),
        ("another sum", pay(1), |update| update.transferred = Amount::new(2), Some(WrongProof)),
        ("a falling sum", pay(1), |update| update.transferred = Amount::ZERO, Some(WrongProof)),
        ("locks from nowhere", pay(1), |update| update.locked = Amount::new(1), Some(WrongProof)),
        ("a far expiry", pay(1), |update| update.last_expiry = 1 << 47, Some(WrongProof)),
        ("a root from nowhere", pay(1), |update| update.locks_root = B256::repeat_byte(1), Some(WrongProof)),
        ("another operation", pay(1), |update| update.ops = pay(2), Some(WrongProof)),
        ("another payment", pay(1), |update| update.ops = other_id(), Some(BadSignature)),
        ("a broken signature", pay(1), |update| update.signature.0[5] ^= 1, Some(BadSignature)),
        ("another v", pay(1), |update| update.signature.0[64] ^= 7, Some(BadSignature)),
    ];
    let (mut world, id) = World::open([100, 0]);
    for (what, ops, tamper, code) in table {
        let message = forge(&world, id, ops, tamper);
        assert_eq!(refusal(&mut world, message), code, "{what}");
    }
    let honest = forge(&world, id, pay(100), nothing);
    assert_eq!(refusal(&mut world, honest.clone()), None);
    assert_eq!(world.balance(1, id), 100);
    assert_eq!(refusal(&mut world, honest), None, "a repeated update is acknowledged again");
}

fn other_id() -> Vec<Op> {
    vec![Op::Pay { payment: PaymentId([2; 16]), amount: Amount::new(1), memo: None }]
}

#[test]
fn an_update_of_another_channel_or_number_is_not_accepted() {
    let (mut world, id) = World::open([100, 0]);
    let message = forge(&world, id, pay(1), |update| update.channel = ChannelId(B256::repeat_byte(9)));
    assert_eq!(refusal(&mut world, message), Some(RefusalCode::UnknownChannel));
    let message = forge(&world, id, pay(1), |update| update.nonce = Nonce::MAX);
    let stored = world.clients[1].everything();
    assert_eq!(refusal(&mut world, message), None, "a gap is asked about");
    assert_eq!(world.clients[1].everything(), stored);
}

#[test]
fn nothing_is_accepted_from_a_stranger_or_in_anothers_name() {
    let (world, id) = World::open_in(World::new(3), [100, 100]);
    let mut world = world;
    let message = forge(&world, id, pay(1), |_| {});
    let stored = world.clients[1].everything();
    world.inject(2, 1, message);
    world.run();
    assert_eq!(world.clients[1].everything(), stored);
    assert_eq!(world.count(|message| matches!(message, Message::Refuse(_))), 1);
}

#[test]
fn nothing_is_accepted_once_a_close_is_seen() {
    let (mut world, id) = World::open([100, 0]);
    let message = forge(&world, id, pay(1), |_| {});
    world.close(1, id, CloseMode::Unilateral);
    world.mine(1);
    assert_eq!(refusal(&mut world, message), Some(RefusalCode::Closing));
}

#[test]
fn nothing_is_accepted_when_stopped() {
    let (mut world, id) = World::open([100, 0]);
    world.pay(0, id, 10);
    let mut resume = match world.clients[1].stored_channel(id).unwrap().received.signed {
        Some(held) => crate::protocol::Resume {
            key: world.view(0, id).key,
            sent: Some(held),
            received: None,
            received_grant: None,
            resend_from: Nonce::MAX,
            reply: true,
            sent_locks: Vec::new(),
            received_locks: Vec::new(),
            last_lock: 0,
            acceptance: None,
        },
        None => panic!("a proof is held"),
    };
    resume.sent.as_mut().unwrap().proof.transferred = Amount::new(9);
    world.inject(0, 1, Message::Resume(Box::new(resume)));
    world.run();
    assert!(world.view(1, id).error.unwrap().contains("two proofs with the same number"));
    let message = forge(&world, id, pay(1), |_| {});
    assert_eq!(refusal(&mut world, message), Some(RefusalCode::Stopped));
}

#[test]
fn nothing_is_accepted_under_a_revoked_key() {
    let (mut world, id) = World::open([100, 0]);
    let message = forge(&world, id, pay(1), |_| {});
    let (wallet, key) = (world.clients[0].address(), world.clients[0].session.public_key().address());
    world.judge.submit(wallet, Call::Revoke { key }).unwrap();
    world.mine(5);
    assert_eq!(refusal(&mut world, message), Some(RefusalCode::KeyNotValid));
    let request = world.pay(0, id, 1);
    assert_eq!(world.clients[0].error(request).code(), "NOT_AUTHORIZED");
}

#[test]
fn nothing_is_accepted_under_a_key_that_ends_within_two_challenge_periods() {
    let (mut world, id) = World::open([100, 0]);
    let message = forge(&world, id, pay(1), |_| {});
    world.now += 30 * 24 * 3_600 - 2 * super::world::CHALLENGE;
    world.mine(1);
    assert_eq!(refusal(&mut world, message.clone()), Some(RefusalCode::KeyNotValid));
    let waits = world.pay(0, id, 1);
    assert_eq!(world.clients[0].error(waits).code(), "NOT_AUTHORIZED");
    // A new grant is told to the partner at once.
    world.authorize(0);
    let renewed = world.pay(0, id, 1);
    assert!(world.clients[0].is_ok(renewed));
}

#[test]
fn a_proof_shown_at_a_resume_is_no_way_around_the_rules() {
    let forged = |world: &World, id, amount: u128, tamper: &dyn Fn(&mut crate::protocol::BalanceProof)| {
        let direction =
            Direction { nonce: Nonce::new(7).unwrap(), transferred: Amount::new(amount), ..Direction::default() };
        let mut proof = direction.proof(id, world.clients[0].address(), &[]);
        tamper(&mut proof);
        let signature = world.clients[0].session.sign(proof.digest(&world.judge.domain)).unwrap();
        let signer = world.clients[0].session.public_key();
        Message::Resume(Box::new(crate::protocol::Resume {
            key: world.view(0, id).key,
            sent: Some(crate::protocol::SignedProof { proof, signature, signer }),
            received: None,
            received_grant: None,
            resend_from: Nonce::MAX,
            reply: true,
            sent_locks: Vec::new(),
            received_locks: Vec::new(),
            last_lock: 0,
            acceptance: None,
        }))
    };
    let (mut world, id) = World::open([100, 0]);
    type Tamper<'t> = &'t dyn Fn(&mut crate::protocol::BalanceProof);
    let table: [(u128, Tamper<'_>); 5] = [
        (101, &|_| {}),
        (50, &|proof| proof.last_expiry = 1 << 47),
        (50, &|proof| proof.locks_root = B256::repeat_byte(1)),
        (50, &|proof| proof.locked = Amount::new(1)),
        (50, &|proof| proof.channel = ChannelId(B256::repeat_byte(9))),
    ];
    for (amount, tamper) in table {
        let message = forged(&world, id, amount, tamper);
        world.inject(0, 1, message);
        world.step(1, None);
        world.drop_all();
        assert_eq!(world.view(1, id).theirs.nonce, Nonce::ZERO);
    }
    let (wallet, key) = (world.clients[0].address(), world.clients[0].session.public_key().address());
    let good = forged(&world, id, 50, &|_| {});
    world.judge.submit(wallet, Call::Revoke { key }).unwrap();
    world.mine(5);
    world.inject(0, 1, good.clone());
    world.run();
    assert_eq!(world.view(1, id).theirs.nonce, Nonce::ZERO, "a revoked key's proof is worth nothing soon");
}

#[test]
fn a_temporary_refusal_is_followed_by_the_same_bytes_and_no_storm() {
    let (mut world, id) = World::open([100, 0]);
    // The payer's deposit has enough confirmations for itself, and not yet for the payee.
    let operation = world.operation();
    let command = crate::engine::Command::Deposit { operation, channel: id, amount: Amount::new(100) };
    world.submit(0, command);
    world.step(0, None);
    world.judge.mine(world.now + 1);
    for _ in 0..4 {
        world.judge.mine(world.now + 1);
    }
    world.report(0);
    world.step(0, None);
    assert_eq!(world.view(0, id).ours.deposited, Amount::new(200));
    world.sent.clear();
    for _ in 0..4 {
        let command = world.payment(id, 45);
        world.submit(0, command);
        world.step(0, None);
    }
    world.run();
    assert!(world.sent.len() < 12, "{} messages", world.sent.len());
    assert_eq!(world.balance(1, id), 90);
    world.wait(20);
    assert!(world.sent.len() < 200, "{} messages in 20 seconds", world.sent.len());
    assert_eq!(world.balance(1, id), 90);
    world.report(1);
    world.wait(5);
    assert_eq!(world.balance(1, id), 180);
    assert_eq!(world.clients[1].stored_updates(id, Flow::Received).len(), 4);
}
