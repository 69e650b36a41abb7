//! Locks at the Judge: many of them, equal ones, around their end, and those that cost more than they hold.

use std::collections::BTreeSet;

use super::client::Wallet;
use super::judge::Call;
use super::locks::{LIFE, Plan, Row, payment_id};
use super::world::{CHALLENGE, CONFIRMATIONS, World};
use crate::engine::{Action, CloseMode, Command, EngineError, Event, LockPolicy, Part, RequestId, TransferEvent};
use crate::protocol::{
    Address, Amount, Delivery, Hop, JudgeCall, LockId, LockRefusal, Message, Secret, Timestamp, part_secret,
};

/// A row of two whose first client pays by locks and then says nothing more: the second knows all secrets and is not paid.
struct Unpaid {
    row: Row,
    secrets: Vec<Secret>,
}

impl Unpaid {
    fn new(amounts: &[u128]) -> Self {
        Self::of(World::new(2), amounts)
    }

    fn of(world: World, amounts: &[u128]) -> Self {
        let mut row = Row::of(world, amounts.iter().sum::<u128>() + 1_000);
        let secrets = pay_and_fall_silent(&mut row, amounts);
        Self { row, secrets }
    }

    /// The second client closes, and its challenge period ends. What it knows is on the chain by then, as far as it wants.
    fn closed(amounts: &[u128], world: World) -> Self {
        let mut unpaid = Self::of(world, amounts);
        unpaid.close();
        unpaid
    }

    fn close(&mut self) {
        self.row.world.close(1, self.row.channels[0], CloseMode::Unilateral);
        self.row.world.mine(2 * CONFIRMATIONS);
        self.row.world.wait(1);
        self.row.world.mine(CONFIRMATIONS);
        self.row.world.mine_after(CHALLENGE);
        self.row.world.mine(1);
    }

    fn settle(&mut self, force: bool) -> RequestId {
        let (operation, channel) = (self.row.world.operation(), self.row.channels[0]);
        let request = self.row.world.command(1, Command::Settle { operation, channel, force });
        self.row.world.mine(2 * CONFIRMATIONS);
        request
    }

    fn gain(&self) -> i128 {
        self.row.world.judge.gain(self.row.world.clients[1].address())
    }

    /// The locks of each settlement that the wallet was asked for.
    fn claims(&self) -> Vec<Vec<LockId>> {
        let settlements = self.row.world.clients[1].asked.iter().filter_map(|call| match call {
            JudgeCall::Settle { claims, .. } => {
                Some(claims.iter().flat_map(|claim| &claim.locks).map(|lock| lock.id).collect())
            }
            _ => None,
        });
        settlements.collect()
    }

    fn registered(&self) -> Vec<usize> {
        let calls = self.row.world.clients[1].asked.iter();
        let counts = calls.filter_map(|call| match call {
            JudgeCall::RegisterSecrets { secrets } => Some(secrets.len()),
            _ => None,
        });
        counts.collect()
    }

    fn left(&self) -> Vec<(Action, usize, u128)> {
        let left = self.row.world.clients[1].events.iter().filter_map(|event| match event {
            Event::LocksLeft { action, locks, amount, .. } => Some((*action, *locks, amount.get())),
            _ => None,
        });
        left.collect()
    }

    fn register_at(&mut self, secret: &Secret, time: Timestamp) {
        let from = self.row.world.clients[1].address();
        let call = JudgeCall::RegisterSecrets { secrets: vec![secret.clone()] };
        self.row.world.judge.submit(from, Call::Judge(call)).unwrap();
        self.row.world.now = time - 1;
        self.row.world.mine(1);
    }
}

/// Pays by locks; of the answers only acknowledgements come through.
fn pay_and_fall_silent(row: &mut Row, amounts: &[u128]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for (number, amount) in (1_u32..).zip(amounts) {
        let mut root = [9; 32];
        root[..4].copy_from_slice(&number.to_be_bytes());
        let secret = part_secret(&root, 0);
        let plan = Plan { payment: number, share: Some(root), life: LIFE, ..Plan::of(*amount) };
        let command = row.command(1, plan, &secret);
        row.world.submit(0, command);
        secrets.push(secret);
    }
    let is_ack = |bytes: &[u8]| matches!(Message::from_bytes(bytes), Ok(Message::Ack { .. }));
    loop {
        row.world.step(0, None);
        while row.world.deliver(0, 1) {}
        row.world.clients[1].inputs.push_back(crate::engine::Input::Tick);
        row.world.step(1, None);
        let Some(frames) = row.world.wire.get_mut(&(1, 0)) else { break };
        frames.retain(|(_, _, bytes)| is_ack(bytes));
        if frames.is_empty() {
            break;
        }
        while row.world.deliver(1, 0) {}
    }
    assert_eq!(row.world.view(1, row.channels[0]).theirs.locked.get(), amounts.iter().sum::<u128>());
    row.world.set_online(0, false);
    row.world.run();
    secrets
}

fn with_count(count: usize) -> World {
    let mut world = World::new(2);
    for client in 0..2 {
        world.clients[client].config.locks.count = count;
        world.restart(client);
    }
    world.run();
    world
}

#[test]
fn ten_thousand_locks_are_registered_and_claimed_in_transactions_that_fit_a_block() {
    const LOCKS: usize = 10_000;
    let mut unpaid = Unpaid::of(with_count(LOCKS), &vec![1; LOCKS]);
    unpaid.close();
    let registered = unpaid.registered();
    assert_eq!(registered.iter().sum::<usize>(), LOCKS, "{registered:?}");
    assert!(registered.iter().all(|secrets| *secrets <= 320));
    // The chain is asked for some of them at each block.
    unpaid.row.world.mine(LOCKS as u64 / 128 + CONFIRMATIONS);
    let (operation, channel) = (unpaid.row.world.operation(), unpaid.row.channels[0]);
    let request = unpaid.row.world.command(1, Command::Settle { operation, channel, force: false });
    assert_eq!(unpaid.claims().len(), 1, "the wallet is asked for one at a time");
    unpaid.row.world.mine(2);
    assert!(!unpaid.row.world.clients[1].replies.contains_key(&request), "it is not done with the first");
    unpaid.row.world.mine(2 * LOCKS as u64 / 100);
    assert!(unpaid.row.world.clients[1].is_ok(request));
    let claims = unpaid.claims();
    assert!(claims.len() > 50 && claims.iter().all(|locks| locks.len() <= 200), "{:?}", claims.len());
    let all: Vec<LockId> = claims.concat();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "none twice");
    assert_eq!((all.len(), unpaid.gain()), (LOCKS, LOCKS as i128));
    assert!(unpaid.row.world.judge.channel(channel).unwrap().done, "with the last claim everything is paid out");
}

#[test]
fn locks_of_equal_amounts_are_claimed_each() {
    let mut unpaid = Unpaid::closed(&[70, 70, 70], World::new(2));
    let request = unpaid.settle(false);
    assert!(unpaid.row.world.clients[1].is_ok(request));
    assert_eq!((unpaid.claims(), unpaid.gain()), (vec![vec![1, 2, 3]], 210));
}

#[test]
fn a_secret_counts_up_to_the_second_of_the_locks_end() {
    for (late, gain) in [(0, 30), (1, 0)] {
        let mut unpaid = Unpaid::new(&[30]);
        unpaid.row.world.clients[1].wallet = Wallet::Rejects;
        let id = unpaid.row.channels[0];
        let expiry = unpaid.row.world.clients[1].stored_channel(id).unwrap().received.locks[0].lock.expiry;
        let secret = unpaid.secrets[0].clone();
        unpaid.register_at(&secret, expiry + late);
        unpaid.row.world.clients[1].wallet = Wallet::Approves;
        unpaid.close();
        // What nobody claimed goes back a challenge period after the end.
        unpaid.row.world.mine_after(2 * CHALLENGE);
        let request = unpaid.settle(false);
        assert!(unpaid.row.world.clients[1].is_ok(request), "{:?}", unpaid.row.world.clients[1].replies.get(&request));
        assert_eq!(unpaid.gain(), gain, "{late} seconds late");
        assert!(unpaid.row.world.judge.channel(id).unwrap().done);
    }
}

#[test]
fn what_is_left_to_claim_is_not_given_back_by_the_claimant() {
    // Long after the end the first transaction of many must not end the partner's side.
    const LOCKS: usize = 500;
    let mut unpaid = Unpaid::closed(&vec![1; LOCKS], with_count(LOCKS));
    unpaid.row.world.mine_after(3 * CHALLENGE);
    unpaid.row.world.mine(LOCKS as u64 / 128 + CONFIRMATIONS);
    let request = unpaid.settle(false);
    assert!(unpaid.row.world.clients[1].is_ok(request), "{:?}", unpaid.row.world.clients[1].replies.get(&request));
    assert!(unpaid.claims().len() > 1);
    assert_eq!(unpaid.gain(), LOCKS as i128);
}

/// The second client locks an amount to the first that never becomes whole.
fn lock_back(row: &mut Row, amount: u128, life: Timestamp) {
    let (back, expiry) = (&row.world.clients[1], row.world.now + life);
    let (payment, reply_to, from) = (payment_id(99), back.session.public_key(), back.address());
    let (amount, total) = (Amount::new(amount), Amount::new(amount + 1));
    let (part, share, memo, request) = (0, Some([7; 32]), None, None);
    let delivery = Delivery { payment, total, amount, part, share, reply_to, from, memo, request };
    let route = row.seal(&Hop::Deliver(delivery), 0);
    let target = row.world.clients[0].session.public_key();
    let part = Part { payment, number: 0, target, amount, fee: Amount::ZERO, secret: None };
    let hash = part_secret(&[8; 32], 0).hash();
    row.world.command(1, Command::Lock { channel: row.channels[0], hash, amount, expiry, route, part });
}

#[test]
fn a_side_that_was_ended_before_does_not_hold_up_the_other() {
    let mut row = Row::new(2, 1_000);
    let plan = Plan { total: 50, ..Plan::of(30) };
    let command = row.command(1, plan, &part_secret(&[3; 32], 0));
    row.world.command(0, command);
    lock_back(&mut row, 20, LIFE);
    let id = row.channels[0];
    assert_eq!((row.world.view(1, id).ours.locked.get(), row.world.view(1, id).theirs.locked.get()), (20, 30));
    row.world.set_online(0, false);
    row.world.close(1, id, CloseMode::Unilateral);
    row.world.mine(2 * CONFIRMATIONS);
    row.world.mine_after(3 * CHALLENGE);
    let key = row.world.view(1, id).key;
    let payer = row.world.clients[0].address();
    let call = JudgeCall::Settle { key, claims: vec![], finalize: vec![payer] };
    row.world.judge.submit(payer, Call::Judge(call)).unwrap();
    row.world.mine(CONFIRMATIONS);
    assert!(!row.world.judge.channel(id).unwrap().done);
    let operation = row.world.operation();
    let request = row.world.command(1, Command::Settle { operation, channel: id, force: false });
    row.world.mine(CONFIRMATIONS);
    assert!(row.world.clients[1].is_ok(request), "{:?}", row.world.clients[1].replies.get(&request));
    assert!(row.world.judge.channel(id).unwrap().done);
}

#[test]
fn locks_that_cost_more_gas_than_they_hold_are_left_until_told_otherwise() {
    let mut world = World::new(2);
    world.gas_price = Some(1);
    let (dust, worth) = (1_000, 1_000_000);
    let mut unpaid = Unpaid::of(world, &[dust, worth, dust]);
    // By hand, so that all secrets are there.
    for secret in unpaid.secrets.clone() {
        let time = unpaid.row.world.now + 1;
        unpaid.register_at(&secret, time);
    }
    unpaid.close();
    let request = unpaid.settle(false);
    assert!(unpaid.row.world.clients[1].is_ok(request));
    assert_eq!((unpaid.claims(), unpaid.gain()), (vec![vec![2]], worth as i128));
    assert_eq!(unpaid.left().last(), Some(&(Action::Settle, 2, 2 * dust)));
    let request = unpaid.settle(false);
    assert_eq!(*unpaid.row.world.clients[1].error(request), EngineError::NotWorthIt);
    let request = unpaid.settle(true);
    assert!(unpaid.row.world.clients[1].is_ok(request));
    assert_eq!((unpaid.claims(), unpaid.gain()), (vec![vec![2], vec![1, 3]], (worth + 2 * dust) as i128));
}

#[test]
fn secrets_that_cost_more_gas_than_they_bring_are_not_registered_until_told_otherwise() {
    let mut world = World::new(2);
    world.gas_price = Some(1);
    let mut unpaid = Unpaid::of(world, &[1_000, 1_000_000]);
    unpaid.row.world.wait(LIFE - 20);
    unpaid.row.world.mine(1);
    assert_eq!((unpaid.registered(), unpaid.left()), (vec![1], vec![(Action::RevealOnChain, 1, 1_000)]));
    unpaid.row.world.wait(2);
    assert_eq!(unpaid.left().len(), 1, "told once");
    let (operation, channel) = (unpaid.row.world.operation(), unpaid.row.channels[0]);
    let request = unpaid.row.world.command(1, Command::RevealSecrets { operation, channel });
    assert_eq!(unpaid.registered(), vec![1, 2]);
    unpaid.row.world.mine(CONFIRMATIONS + 1);
    assert!(unpaid.row.world.clients[1].is_ok(request));
}

#[test]
fn a_single_lock_must_be_worth_the_whole_transaction() {
    let mut world = World::new(2);
    world.gas_price = Some(1);
    // More than its own gas, less than what a transaction for it alone costs.
    let mut unpaid = Unpaid::of(world, &[100_000]);
    unpaid.row.world.wait(LIFE - 20);
    assert_eq!((unpaid.registered(), unpaid.left()), (vec![], vec![(Action::RevealOnChain, 1, 100_000)]));
}

#[test]
fn a_price_that_nobody_tells_keeps_nobody_from_what_is_theirs() {
    let mut world = World::new(2);
    world.gas_price = None;
    let mut unpaid = Unpaid::closed(&[1], world);
    let request = unpaid.settle(false);
    assert!(unpaid.row.world.clients[1].is_ok(request));
    assert_eq!(unpaid.gain(), 1);
}

#[test]
fn of_a_token_what_is_below_the_dust_is_left() {
    let mut world = World::new(2);
    world.token = Address::repeat_byte(0x70);
    world.gas_price = Some(u128::MAX);
    world.clients[1].config.locks.dust = Amount::new(10);
    world.restart(1);
    world.run();
    // The payee takes locks below its limit only because it was lower when they came.
    let mut unpaid = Unpaid::of(world, &[10, 10]);
    unpaid.row.world.clients[1].config.locks.dust = Amount::new(11);
    unpaid.row.world.restart(1);
    unpaid.close();
    assert_eq!((unpaid.registered(), unpaid.left()), (vec![], vec![(Action::RevealOnChain, 2, 20)]));
    unpaid.row.world.clients[1].config.locks.dust = Amount::new(10);
    unpaid.row.world.restart(1);
    unpaid.row.world.mine(1);
    assert!(unpaid.registered().is_empty());
}

#[test]
fn a_registration_that_an_endpoint_failed_is_brought_at_the_next_block() {
    let mut unpaid = Unpaid::new(&[40]);
    unpaid.row.world.clients[1].wallet = Wallet::Fails;
    unpaid.row.world.wait(LIFE - 20);
    assert!(!unpaid.registered().is_empty());
    unpaid.row.world.clients[1].wallet = Wallet::Approves;
    unpaid.row.world.mine(2);
    let told = |event: &&Event| matches!(event, Event::ActionRequired { action: Action::RevealOnChain, .. });
    assert_eq!(unpaid.row.world.clients[1].events.iter().filter(told).count(), 1, "the person is told once");
    unpaid.close();
    unpaid.settle(false);
    assert_eq!(unpaid.gain(), 40);
}

#[test]
fn a_person_who_said_no_is_not_asked_again_but_can_say_yes() {
    let mut unpaid = Unpaid::new(&[40]);
    unpaid.row.world.clients[1].wallet = Wallet::Rejects;
    unpaid.row.world.wait(LIFE - 20);
    unpaid.row.world.mine(2);
    assert_eq!(unpaid.registered(), vec![1]);
    unpaid.row.world.clients[1].wallet = Wallet::Approves;
    let (operation, channel) = (unpaid.row.world.operation(), unpaid.row.channels[0]);
    unpaid.row.world.command(1, Command::RevealSecrets { operation, channel });
    unpaid.row.world.mine(CONFIRMATIONS);
    unpaid.close();
    unpaid.settle(false);
    assert_eq!(unpaid.gain(), 40);
}

#[test]
fn revealing_on_chain_is_asked_for_any_time_and_pays_by_way_of_the_chain() {
    let mut unpaid = Unpaid::new(&[40, 50]);
    let (channel, world) = (unpaid.row.channels[0], &mut unpaid.row.world);
    let unknown = crate::protocol::ChannelId(crate::protocol::B256::ZERO);
    let operation = world.operation();
    let request = world.command(1, Command::RevealSecrets { operation, channel: unknown });
    assert_eq!(*world.clients[1].error(request), EngineError::UnknownChannel);
    let operation = world.operation();
    let request = world.command(1, Command::RevealSecrets { operation, channel });
    world.mine(1);
    assert!(!world.clients[1].replies.contains_key(&request), "not confirmed yet");
    world.mine(CONFIRMATIONS);
    assert!(world.clients[1].is_ok(request));
    let operation = world.operation();
    let again = world.command(1, Command::RevealSecrets { operation, channel });
    assert_eq!(*world.clients[1].error(again), EngineError::NothingToDo);
    // The payer comes back and hears of it from the chain, at the latest when the locks end.
    world.set_online(0, true);
    world.run();
    world.wait(3);
    assert_eq!(world.view(0, channel).ours.transferred.get(), 90);
    assert_eq!(unpaid.registered(), vec![2]);
}

type Limit = fn(&mut LockPolicy);

/// What the first client is told when it pays under these limits of the second.
fn refusal(limit: Limit, amounts: [u128; 2]) -> Vec<Result<(), LockRefusal>> {
    let mut row = Row::new(2, 1_000);
    limit(&mut row.world.clients[1].config.locks);
    row.world.restart(1);
    row.world.run();
    row.world.wait(3);
    for (number, amount) in (1..).zip(amounts) {
        // Never whole, so that it stays pending.
        let root = [number as u8; 32];
        let plan = Plan { payment: number, share: Some(root), total: amount + 1, ..Plan::of(amount) };
        let command = row.command(1, plan, &part_secret(&root, 0));
        row.world.command(0, command);
    }
    let pending = row.world.view(0, row.channels[0]).ours.locked.get();
    let failures = row.world.clients[0].events.iter().filter_map(failed);
    failures.map(Err).chain((pending > 0).then_some(Ok(()))).collect()
}

fn failed(event: &Event) -> Option<LockRefusal> {
    match event {
        Event::Transfer(TransferEvent::PartFailed { reason, .. }) => Some(*reason),
        _ => None,
    }
}

#[test]
fn a_partners_locks_are_limited_by_size_and_sum() {
    let dust: Limit = |policy| policy.dust = Amount::new(50);
    assert_eq!(refusal(dust, [49, 50]), vec![Err(LockRefusal::TooSmall), Ok(())]);
    let sum: Limit = |policy| policy.sum = Amount::new(100);
    assert_eq!(refusal(sum, [100, 1]), vec![Err(LockRefusal::TooMuch), Ok(())]);
    assert_eq!(refusal(sum, [60, 40]), vec![Ok(())]);
}

#[test]
fn own_locks_are_limited_too() {
    let limits: [(Limit, Plan, EngineError); 4] = [
        (|policy| policy.dust = Amount::new(50), Plan::of(49), EngineError::LockRefused(LockRefusal::TooSmall)),
        (|policy| policy.sum = Amount::new(100), Plan::of(101), EngineError::LockRefused(LockRefusal::NoCapacity)),
        (|policy| policy.count = 0, Plan::of(50), EngineError::LockRefused(LockRefusal::NoCapacity)),
        (
            |policy| policy.tail = LIFE - 1,
            Plan::of(50),
            EngineError::InvalidArgument("the lock would end too soon or too late".into()),
        ),
    ];
    for (limit, plan, expected) in limits {
        let mut row = Row::new(2, 1_000);
        limit(&mut row.world.clients[0].config.locks);
        row.world.restart(0);
        row.world.run();
        row.world.wait(3);
        let request = row.pay(1, plan);
        assert_eq!(*row.world.clients[0].error(request), expected);
        assert_eq!(row.locked(), 0);
    }
}

#[test]
fn a_lock_that_ends_absurdly_late_is_refused_for_good() {
    let mut row = Row::new(2, 1_000);
    row.world.clients[1].config.locks.tail = LIFE / 3;
    row.world.restart(1);
    row.world.run();
    row.world.wait(3);
    row.pay(1, Plan::of(50));
    let refused = |message: &Message| match message {
        Message::Refuse(refusal) => refusal.code == crate::protocol::RefusalCode::LockLimit,
        _ => false,
    };
    assert_eq!(row.world.count(refused), 1);
    assert_eq!(row.world.view(1, row.channels[0]).theirs.locked.get(), 0, "nothing is stored");
}

#[test]
fn updates_behind_one_that_is_refused_for_good_end_in_silence() {
    let mut row = Row::new(2, 1_000);
    row.world.clients[1].config.locks.tail = LIFE / 3;
    row.world.restart(1);
    row.world.run();
    row.world.wait(3);
    let command = row.single(1, Plan::of(50));
    row.world.submit(0, command);
    row.world.step(0, None);
    let payment = row.world.payment(row.channels[0], 7);
    row.world.submit(0, payment);
    row.world.step(0, None);
    // A storm would not end here, nor in the minute after.
    row.world.run();
    let before = row.world.sent.len();
    row.world.wait(60);
    let resent = row.world.sent[before..].iter().filter(|(_, message)| matches!(message, Message::Update(_))).count();
    assert_eq!(resent, 0);
}
