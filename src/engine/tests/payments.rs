//! Opening and paying.

use std::time::Instant;

use super::client::Wallet;
use super::judge::Call;
use super::world::World;
use crate::engine::{Command, EngineError, Event, Flow, Input, PaymentStatus, Stage};
use crate::protocol::{Amount, ChannelId, Message, PaymentId};

fn updates(world: &World) -> usize {
    world.count(|message| matches!(message, Message::Update(_)))
}

fn id_of(command: &Command) -> PaymentId {
    match command {
        Command::Pay { payment, .. } => *payment,
        _ => panic!("not a payment"),
    }
}

#[test]
fn a_channel_opens_and_pays_both_ways() {
    let (mut world, id) = World::open([100, 50]);
    let there = world.pay(0, id, 30);
    let back = world.pay(1, id, 70);
    assert!(world.clients[0].is_ok(there) && world.clients[1].is_ok(back));
    assert_eq!((world.balance(0, id), world.balance(1, id)), (140, 10));
    assert_eq!(world.view(0, id).theirs.balance, world.view(1, id).ours.balance);
    assert_eq!(world.clients[0].settled_payments().count(), 1);
}

#[test]
fn one_payment_is_one_update_and_one_ack() {
    let (mut world, id) = World::open([100, 0]);
    world.sent.clear();
    world.pay(0, id, 1);
    assert_eq!(world.sent.len(), 2);
    assert!(matches!(world.sent[0], (0, Message::Update(_))));
    assert!(matches!(world.sent[1], (1, Message::Ack { .. })));
}

#[test]
fn a_thousand_payments_at_once_are_few_signatures() {
    let (mut world, id) = World::open([1_000, 0]);
    world.sent.clear();
    let commands: Vec<Command> = (0..1_000).map(|_| world.payment(id, 1)).collect();
    let requests: Vec<_> = commands.into_iter().map(|command| world.submit(0, command)).collect();
    world.run();
    assert!(requests.iter().all(|request| world.clients[0].is_ok(*request)));
    println!("1,000 payments submitted at once: {} updates, {} messages", updates(&world), world.sent.len());
    assert!(updates(&world) <= 2, "{} updates", updates(&world));
    assert_eq!(world.balance(1, id), 1_000);
}

#[test]
fn payments_queue_while_the_window_is_full_and_fold_into_the_next_update() {
    let (mut world, id) = World::open([1_000, 0]);
    world.sent.clear();
    for _ in 0..100 {
        let command = world.payment(id, 1);
        world.submit(0, command);
        world.step(0, None);
    }
    assert_eq!(updates(&world), 4, "the window");
    assert_eq!(world.view(0, id).pending_payments, 100);
    assert_eq!(world.view(0, id).capacity, Amount::new(900));
    world.run();
    println!("100 payments in 100 steps: {} updates", updates(&world));
    assert!(updates(&world) <= 6);
    assert_eq!(world.balance(1, id), 100);
    assert_eq!(world.view(0, id).pending_payments, 0);
}

#[test]
fn a_window_of_one_is_one_at_a_time() {
    let (mut world, id) = World::open_in(World::with_window(2, 1), [100, 100]);
    for _ in 0..10 {
        let (there, back) = (world.payment(id, 1), world.payment(id, 2));
        world.submit(0, there);
        world.submit(1, back);
        world.step(0, None);
        world.step(1, None);
        let in_flight =
            |client: usize| world.wire.get(&(client, 1 - client)).map_or(0, std::collections::VecDeque::len);
        assert!(in_flight(0) <= 1 && in_flight(1) <= 1);
    }
    world.run();
    assert_eq!((world.balance(0, id), world.balance(1, id)), (110, 90));
}

#[test]
fn what_waits_is_not_spent_twice() {
    let (mut world, id) = World::open([100, 0]);
    world.set_online(1, false);
    world.run();
    let first = world.pay(0, id, 60);
    let second = world.pay(0, id, 41);
    let third = world.pay(0, id, 40);
    let error = world.clients[0].error(second);
    let expected = EngineError::InsufficientCapacity { wanted: Amount::new(41), available: Amount::new(40) };
    assert_eq!(*error, expected);
    world.set_online(1, true);
    world.wait(15);
    assert!(world.clients[0].is_ok(first) && world.clients[0].is_ok(third));
    assert_eq!(world.balance(1, id), 100);
}

#[test]
fn a_payment_is_cancelled_only_while_nothing_is_signed() {
    let (mut world, id) = World::open([100, 0]);
    let signed = world.payment(id, 10);
    world.submit(0, signed.clone());
    world.step(0, None);
    world.set_online(0, false);
    world.run();
    let waits = world.payment(id, 20);
    let request = world.command(0, waits.clone());
    let cancel = world.command(0, Command::CancelPayment { channel: id, payment: id_of(&waits) });
    let again = world.command(0, Command::CancelPayment { channel: id, payment: id_of(&waits) });
    let late = world.command(0, Command::CancelPayment { channel: id, payment: id_of(&signed) });
    assert!(world.clients[0].is_ok(cancel));
    assert_eq!(*world.clients[0].error(request), EngineError::PaymentCancelled);
    assert_eq!(*world.clients[0].error(again), EngineError::UnknownPayment);
    assert_eq!(*world.clients[0].error(late), EngineError::UnknownPayment);
    assert_eq!(world.view(0, id).capacity, Amount::new(90));
    world.set_online(0, true);
    world.wait(15);
    assert_eq!(world.balance(1, id), 10);
}

#[test]
fn the_same_payment_is_not_made_twice_even_across_a_reload() {
    let (mut world, id) = World::open([100, 0]);
    let payment = world.payment(id, 10);
    world.submit(0, payment.clone());
    world.step(0, None);
    world.drop_all();
    let twice = world.submit(0, payment.clone());
    world.step(0, None);
    assert_eq!(*world.clients[0].error(twice), EngineError::DuplicatePayment);
    world.restart(0);
    world.step(0, None);
    world.step(0, None);
    assert_eq!(world.view(0, id).pending_payments, 1);
    let retried = world.command(0, payment);
    assert_eq!(*world.clients[0].error(retried), EngineError::DuplicatePayment);
    world.wait(5);
    assert_eq!(world.balance(1, id), 10);
}

#[test]
fn ten_thousand_waiting_payments_cost_no_more_each_than_ten() {
    let (mut world, id) = World::open([1_000_000, 0]);
    world.set_online(1, false);
    world.run();
    let commands: Vec<Command> = (0..10_000).map(|_| world.payment(id, 1)).collect();
    let started = Instant::now();
    for command in commands.clone() {
        world.submit(0, command);
        world.step(0, None);
    }
    let queued = started.elapsed();
    let started = Instant::now();
    for command in commands.iter().rev().take(9_000) {
        world.submit(0, Command::CancelPayment { channel: id, payment: id_of(command) });
        world.step(0, None);
    }
    let cancelled = started.elapsed();
    println!("10,000 queued in {queued:?}, 9,000 cancelled in {cancelled:?}");
    assert!((queued + cancelled).as_secs() < 10, "quadratic: {queued:?} {cancelled:?}");
    world.set_online(1, true);
    world.wait(15);
    assert_eq!(world.balance(1, id), 1_000);
}

#[test]
fn the_largest_amounts_are_paid_and_never_wrap() {
    let half = i128::MAX as u128;
    let (mut world, id) = World::open([half, half]);
    for _ in 0..2 {
        world.pay(0, id, half);
        world.pay(1, id, half);
    }
    assert_eq!((world.balance(0, id), world.balance(1, id)), (half, half));
    // Both directions have now signed away 2^128 − 2: one unit is left to sign, however much the channel holds.
    let error = |world: &mut World, amount| {
        let request = world.pay(0, id, amount);
        world.clients[0].error(request).code()
    };
    assert_eq!(error(&mut world, 2), "INVALID_ARGUMENT");
    assert_eq!(error(&mut world, u128::MAX), "INSUFFICIENT_CAPACITY");
    let last = world.pay(0, id, 1);
    assert!(world.clients[0].is_ok(last));
    assert_eq!(error(&mut world, 1), "INVALID_ARGUMENT");
    assert_eq!((world.balance(0, id), world.balance(1, id)), (half - 1, half + 1));
}

#[test]
fn the_status_of_a_payment_follows_from_its_number() {
    let (mut world, id) = World::open([100, 0]);
    world.pay(0, id, 1);
    let command = world.payment(id, 1);
    world.submit(0, command);
    world.step(0, None);
    let status = |world: &World, nonce| {
        let nonce = crate::protocol::Nonce::new(nonce).unwrap();
        world.clients[0].engine.payment_status(id, Flow::Sent, nonce)
    };
    assert_eq!((status(&world, 1), status(&world, 2)), (PaymentStatus::Settled, PaymentStatus::Sent));
    world.run();
    assert_eq!(status(&world, 2), PaymentStatus::Settled);
}

/// Bad commands: what is asked, and the code of the answer. None changes what is stored.
#[test]
fn bad_commands_are_declined_and_change_nothing() {
    use crate::engine::CloseMode::Unilateral;
    let (mut world, id) = World::open([100, 0]);
    let (own, partner) = (world.clients[0].address(), world.clients[1].address());
    let unknown = ChannelId([9; 32].into());
    let (zero, one) = (Amount::ZERO, Amount::new(1));
    let payment = PaymentId([7; 16]);
    let token = crate::protocol::Address::ZERO;
    let open = |partner, salt| Command::Open { operation: "o".into(), partner, token, deposit: one, salt };
    let pay = |channel, amount| Command::Pay { channel, payment, amount, memo: None };
    let deposit = |channel, amount| Command::Deposit { operation: "o".into(), channel, amount };
    let withdraw = |channel, amount| Command::Withdraw { operation: "o".into(), channel, amount, timeout: 5 };
    let close = |channel| Command::Close { operation: "o".into(), channel, mode: Unilateral, timeout: 5, force: false };
    let salt = world.view(0, id).key.salt;
    let table = [
        (open(own, 99), "INVALID_ARGUMENT"),
        (open(token, 99), "INVALID_ARGUMENT"),
        (open(partner, salt), "INVALID_ARGUMENT"),
        (pay(id, zero), "INVALID_ARGUMENT"),
        (pay(unknown, one), "UNKNOWN_CHANNEL"),
        (pay(id, Amount::new(101)), "INSUFFICIENT_CAPACITY"),
        (pay(id, Amount::MAX), "INSUFFICIENT_CAPACITY"),
        (Command::CancelPayment { channel: id, payment }, "UNKNOWN_PAYMENT"),
        (Command::CancelPayment { channel: unknown, payment }, "UNKNOWN_CHANNEL"),
        (deposit(id, zero), "INVALID_ARGUMENT"),
        (deposit(unknown, one), "UNKNOWN_CHANNEL"),
        (deposit(id, Amount::MAX), "INVALID_ARGUMENT"),
        (withdraw(id, zero), "INVALID_ARGUMENT"),
        (withdraw(id, Amount::new(101)), "INSUFFICIENT_CAPACITY"),
        (withdraw(unknown, one), "UNKNOWN_CHANNEL"),
        (close(unknown), "UNKNOWN_CHANNEL"),
        (Command::Respond { operation: "o".into(), channel: id }, "NOTHING_TO_DO"),
        (Command::Respond { operation: "o".into(), channel: unknown }, "UNKNOWN_CHANNEL"),
        (Command::Settle { operation: "o".into(), channel: id, force: false }, "NOTHING_TO_DO"),
        (Command::Settle { operation: "o".into(), channel: unknown, force: false }, "UNKNOWN_CHANNEL"),
    ];
    let (stored, view) = (world.clients[0].everything(), world.view(0, id));
    for (command, code) in table {
        let asked = format!("{command:?}");
        let request = world.command(0, command);
        assert_eq!(world.clients[0].error(request).code(), code, "{asked}");
        assert_eq!(world.clients[0].everything(), stored, "{asked}");
        assert_eq!(world.view(0, id), view, "{asked}");
        assert_eq!(world.clients[0].engine.channels().len(), 1, "{asked}");
    }
    assert!(world.clients[0].asked.len() == 1, "the wallet was asked for nothing but the opening");
}

#[test]
fn two_operations_of_one_name_are_refused_and_leave_nothing() {
    let mut world = World::new(3);
    let [_, one, two] = [0, 1, 2].map(|index: usize| world.clients[index].address());
    let open = |partner, salt| Command::Open {
        operation: "same".into(),
        partner,
        token: crate::protocol::Address::ZERO,
        deposit: Amount::new(5),
        salt,
    };
    world.submit(0, open(one, 1));
    let second = world.command(0, open(two, 2));
    assert_eq!(world.clients[0].error(second).code(), "INVALID_ARGUMENT");
    assert_eq!(world.clients[0].engine.channels().len(), 1);
}

#[test]
fn nobody_pays_without_a_key_that_the_wallet_named() {
    let mut world = World::new(2);
    let id = world.open_channel(0, 1, 100);
    let request = world.pay(1, id, 1);
    assert_eq!(world.clients[1].error(request).code(), "NOT_AUTHORIZED");
    let mut forged = world.clients[1].grant(world.now + 1_000_000);
    forged.valid_until += 1;
    world.clients[1].inputs.push_back(crate::engine::Input::Granted(forged));
    world.run();
    assert!(!world.clients[1].engine.is_authorized(world.now));
    world.authorize(1);
    assert!(world.clients[1].engine.is_authorized(world.now));
}

#[test]
fn a_payment_right_after_a_start_waits_for_what_the_judge_says_of_the_key() {
    let mut world = World::new(2);
    let id = world.open_channel(0, 1, 100);
    world.authorize(1);
    world.run();
    world.restart(0);
    let payment = world.payment(id, 7);
    let paid = world.submit(0, payment);
    world.run();
    assert!(world.clients[0].is_ok(paid));
    assert_eq!(world.balance(1, id), 7);
}

#[test]
fn a_payment_right_after_a_start_is_refused_when_the_key_does_not_count() {
    let mut world = World::new(2);
    let id = world.open_channel(1, 0, 100);
    world.wipe(1, 77);
    let payment = world.payment(id, 7);
    let request = world.submit(1, payment);
    world.run();
    assert_eq!(world.clients[1].error(request).code(), "NOT_AUTHORIZED");
    assert_eq!(world.view(1, id).pending_payments, 0);
}

#[test]
fn a_transaction_without_a_hash_yet_is_told_as_submitted_and_nothing_goes_back() {
    let mut world = World::new(2);
    let partner = world.clients[1].address();
    world.clients[0].wallet = Wallet::Waits;
    let (deposit, token) = (Amount::new(5), crate::protocol::Address::ZERO);
    world.command(0, Command::Open { operation: "o".into(), partner, token, deposit, salt: 1 });
    let (id, call) = world.clients[0].held.pop().unwrap();
    world.clients[0].inputs.push_back(Input::Agreed(id));
    world.run();
    let address = world.clients[0].address();
    let hash = world.judge.submit(address, Call::Judge(call)).unwrap();
    world.mine(1);
    world.clients[0].inputs.push_back(Input::Transaction { id, outcome: Ok(hash) });
    world.run();
    let stages = world.clients[0].events.iter().filter_map(|event| match event {
        Event::Progress { stage, .. } => Some(*stage),
        _ => None,
    });
    let confirming = Stage::Confirming { have: 1, required: super::world::CONFIRMATIONS };
    assert_eq!(stages.collect::<Vec<_>>(), [Stage::Wallet, Stage::Submitted(None), confirming]);
}
