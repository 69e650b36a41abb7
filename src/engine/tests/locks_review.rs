//! Locks under accounts that mean harm, alone or together, and under tabs that sleep or die at the worst moment.

use super::client::Wallet;
use super::judge::Call;
use super::locks::{LIFE, Plan, Row};
use super::world::CONFIRMATIONS;
use crate::engine::{CloseMode, Command, EngineError, Event, RequestId, TransferEvent};
use crate::protocol::{JudgeCall, LockRefusal, Message, Op, Secret, Timestamp, part_secret};

const ROOT: [u8; 32] = [3; 32];

/// One of two parts is on its way: the target can take nothing yet.
fn half(row: &mut Row, to: usize, life: Timestamp) -> (RequestId, Secret) {
    let plan = Plan { share: Some([1; 32]), total: 150, life, ..Plan::of(100) };
    let secret = part_secret(&ROOT, 0);
    let command = row.command(to, plan, &secret);
    (row.world.submit(0, command), secret)
}

/// The other part.
fn rest(row: &mut Row, to: usize) -> RequestId {
    let share = std::array::from_fn(|at| ROOT[at] ^ 1);
    let plan = Plan { share: Some(share), total: 150, part: 1, ..Plan::of(50) };
    let command = row.command(to, plan, &part_secret(&ROOT, 1));
    row.world.submit(0, command)
}

/// The payer gives up the payment that plans make when nothing else is said.
fn give_up(row: &mut Row, to: usize) {
    let target = row.world.clients[to].session.public_key();
    let Command::Lock { part, .. } = row.single(to, Plan::of(1)) else { panic!("it is a lock") };
    row.world.submit(0, Command::GiveUp { target, payment: part.payment });
}

fn received(row: &Row, client: usize) -> usize {
    let taken = |event: &&Event| matches!(event, Event::Transfer(TransferEvent::Received { .. }));
    row.world.clients[client].events.iter().filter(taken).count()
}

fn locked(row: &Row, client: usize, channel: usize) -> u128 {
    row.world.view(client, row.channels[channel]).ours.locked.get()
}

/// The mediator's window to the next is full, so that what the first locks to it waits there for a signature.
fn waiting_at_the_mediator() -> (Row, RequestId, Secret) {
    let mut row = Row::new(3, 1_000);
    let last = row.channels[1];
    for _ in 0..4 {
        let command = row.world.payment(last, 1);
        row.world.submit(1, command);
        row.world.step(1, None);
    }
    let (request, secret) = half(&mut row, 2, LIFE);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    row.world.step(1, None);
    assert_eq!((locked(&row, 0, 0), locked(&row, 1, 1)), (100, 0), "it waits");
    (row, request, secret)
}

#[test]
fn a_lock_that_waited_past_its_time_is_not_signed() {
    let (mut row, request, _) = waiting_at_the_mediator();
    // The mediator's timers sleep; the next account lets the window open only after the lock to the mediator has ended.
    row.world.now += LIFE + 1;
    row.world.run();
    let is_lock = |message: &Message| match message {
        Message::Update(update) => update.ops.iter().any(|op| matches!(op, Op::Lock { .. })),
        _ => false,
    };
    assert_eq!(row.world.count(is_lock), 1, "nothing would pay for a second one");
    assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(LockRefusal::BadExpiry));
}

#[test]
fn a_lock_of_a_channel_that_is_being_closed_is_not_passed_on() {
    let (mut row, _, _) = waiting_at_the_mediator();
    row.world.set_online(1, false);
    row.world.restart(1);
    row.world.set_online(0, false);
    row.world.run();
    row.world.close(0, row.channels[0], CloseMode::Unilateral);
    row.world.clients[1].wallet = Wallet::Rejects;
    row.world.mine(CONFIRMATIONS);
    row.world.set_online(1, true);
    row.world.run();
    row.world.wait(35);
    assert!(row.world.view(1, row.channels[1]).ready);
    row.world.set_online(0, true);
    row.world.run();
    row.world.wait(35);
    assert_eq!(locked(&row, 1, 1), 0, "the Judge may never see the lock that would pay for it");
}

#[test]
fn a_part_whose_time_is_over_does_not_make_a_payment_whole() {
    let mut row = Row::new(2, 1_000);
    half(&mut row, 1, 60);
    row.world.run();
    // The target's timers sleep: the last part arrives before it looks at the clock.
    row.world.now += 58;
    let last = rest(&mut row, 1);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    row.world.step(1, None);
    row.world.run();
    assert_eq!(received(&row, 1), 0);
    assert!(!row.world.clients[0].replies.contains_key(&last), "the other part waits");
}

#[test]
fn a_secret_that_comes_after_the_locks_time_takes_nothing() {
    let mut row = Row::new(2, 1_000);
    let command = row.single(1, Plan { share: None, life: 60, ..Plan::of(100) });
    let Command::Lock { ref part, .. } = command else { panic!("it is a lock") };
    let secret = part.secret.clone().unwrap();
    row.world.submit(0, command);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    row.world.step(1, None);
    row.world.drop_all();
    row.world.now += 61;
    row.world.inject(0, 1, Message::TellSecret { secret });
    row.world.step(1, None);
    assert_eq!(received(&row, 1), 0);
}

#[test]
fn a_countersignature_is_given_whatever_comes_with_the_cancellation() {
    let mut row = Row::new(2, 1_000);
    let (request, _) = half(&mut row, 1, LIFE);
    row.world.run();
    give_up(&mut row, 1);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    row.world.step(1, None);
    while row.world.deliver(1, 0) {}
    // The cancellation and a new lock leave one after the other, and arrive together.
    row.world.step(0, None);
    let command =
        row.command(1, Plan { share: Some([1; 32]), total: 150, payment: 2, ..Plan::of(10) }, &Secret([6; 32]));
    row.world.submit(0, command);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    row.world.step(1, None);
    row.world.wait(3);
    assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(LockRefusal::Incomplete));
}

#[test]
fn an_ended_lock_is_dropped_after_a_restart_too() {
    let mut row = Row::new(2, 1_000);
    let command = row.single(1, Plan::of(100));
    let request = row.world.submit(0, command);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    // The target knows the secret and tells nobody in time.
    row.world.clients[1].wallet = Wallet::Rejects;
    row.world.set_online(1, false);
    row.world.run();
    row.world.wait(LIFE);
    row.world.mine_after(1);
    row.world.mine(2 * CONFIRMATIONS);
    assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(LockRefusal::Expired));
    row.world.restart(0);
    row.world.set_online(1, true);
    row.world.run();
    row.world.wait(35);
    row.world.mine(2 * CONFIRMATIONS);
    row.world.wait(3);
    assert_eq!(locked(&row, 0, 0), 0, "what nobody can claim is not locked for ever");
    assert!(row.world.view(0, row.channels[0]).ready);
}

#[test]
fn cancelled_locks_leave_nothing_behind_that_grows() {
    let mut row = Row::new(2, 1_000);
    for number in 1..=5 {
        let plan = Plan { share: Some([1; 32]), total: 150, ..Plan::of(10) };
        let command = row.command(1, plan, &Secret([number; 32]));
        let request = row.world.command(0, command);
        give_up(&mut row, 1);
        row.world.run();
        assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(LockRefusal::Incomplete));
    }
    let stored = row.world.clients[0].stored_channel(row.channels[0]).unwrap();
    assert_eq!(stored.cancelled.len(), 1, "the last one tells whether an older proof would pay more");
}

#[test]
fn a_countersigned_proof_is_brought_again_where_an_endpoint_failed() {
    let mut row = Row::new(2, 1_000);
    let (request, secret) = half(&mut row, 1, LIFE);
    row.world.run();
    let id = row.channels[0];
    let old = row.world.clients[1].stored_channel(id).unwrap().received.signed.unwrap();
    give_up(&mut row, 1);
    row.world.run();
    assert!(row.world.clients[0].replies.contains_key(&request), "cancelled");
    let (from, key) = (row.world.clients[1].address(), row.world.view(1, id).key);
    for call in
        [JudgeCall::RegisterSecrets { secrets: vec![secret] }, JudgeCall::Close { key, proof: Some(old), grant: None }]
    {
        row.world.judge.submit(from, Call::Judge(call)).unwrap();
    }
    row.world.clients[1].wallet = Wallet::Rejects;
    row.world.clients[0].wallet = Wallet::Fails;
    row.world.mine(1);
    row.world.clients[0].wallet = Wallet::Approves;
    row.world.mine(2);
    assert_eq!(row.world.judge.channel(id).unwrap().side(row.world.clients[0].address()).locked, 0);
}
