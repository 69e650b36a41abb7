//! Payments over locks: along paths of accounts, back with the secret or without, and by the Judge where somebody is silent.

use super::client::Wallet;
use super::world::{CONFIRMATIONS, World};
use crate::engine::{
    Action, CloseMode, Command, EngineError, Event, LockPolicy, Part, RequestId, Status, TransferEvent,
};
use crate::protocol::{
    Address, Amount, B256, ChannelId, Delivery, FeeSchedule, Hop, JudgeCall, LockRefusal, Message, PaymentId, Route,
    Secret, SessionKey, Timestamp, part_secret,
};

/// How long the locks of these tests live, in seconds.
pub(super) const LIFE: Timestamp = 600;

/// A route that nobody can read.
pub(super) fn no_route() -> Route {
    let hop = Hop::Forward { next: Address::ZERO, amount: Amount::ZERO, expiry: 0, route: sealed(9, 9) };
    Route::seal(&hop, key(9).public_key(), &key(8), [0; 24]).unwrap()
}

fn sealed(to: u8, once: u8) -> Route {
    let delivery = Delivery {
        payment: PaymentId([0; 16]),
        total: Amount::new(1),
        amount: Amount::new(1),
        part: 0,
        share: None,
        reply_to: key(1).public_key(),
        from: Address::ZERO,
        memo: None,
        request: None,
    };
    Route::seal(&Hop::Deliver(delivery), key(to).public_key(), &key(once + 100), [1; 24]).unwrap()
}

fn key(seed: u8) -> SessionKey {
    SessionKey::from_bytes(&[seed; 32]).unwrap()
}

pub(super) fn payment_id(number: u32) -> PaymentId {
    let mut id = [0; 16];
    id.chunks_exact_mut(4).for_each(|bytes| bytes.copy_from_slice(&number.to_be_bytes()));
    PaymentId(id)
}

/// Clients in a row, each with a channel to the next in which both have deposited.
pub(super) struct Row {
    pub(super) world: World,
    pub(super) channels: Vec<ChannelId>,
    made: u32,
}

/// What a payment looks like to who begins it.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) amount: u128,
    /// What each mediator keeps.
    pub(super) fee: u128,
    pub(super) share: Option<[u8; 32]>,
    pub(super) total: u128,
    pub(super) part: u32,
    pub(super) payment: u32,
    pub(super) life: Timestamp,
    pub(super) request: Option<B256>,
}

impl Plan {
    pub(super) fn of(amount: u128) -> Self {
        Self { amount, fee: 0, share: Some([77; 32]), total: amount, part: 0, payment: 1, life: LIFE, request: None }
    }
}

impl Row {
    pub(super) fn new(clients: u8, deposit: u128) -> Self {
        Self::of(World::new(clients), deposit)
    }

    pub(super) fn of(mut world: World, deposit: u128) -> Self {
        let count = world.clients.len();
        for client in 0..count {
            world.authorize(client);
        }
        let channels: Vec<ChannelId> =
            (0..count - 1).map(|client| world.open_channel(client, client + 1, deposit)).collect();
        for (client, id) in channels.iter().enumerate() {
            let operation = world.operation();
            let amount = Amount::new(deposit);
            world.command(client + 1, Command::Deposit { operation, channel: *id, amount });
        }
        world.mine(CONFIRMATIONS);
        world.wait(31);
        for (client, id) in channels.iter().enumerate() {
            assert!(world.view(client, *id).ready && world.view(client + 1, *id).ready, "the row is ready");
        }
        Self { world, channels, made: 0 }
    }

    /// The command that sends a payment from the first client to the client `to`.
    pub(super) fn command(&mut self, to: usize, plan: Plan, secret: &Secret) -> Command {
        self.command_from(0, to, plan, secret)
    }

    /// The command that sends a payment along the row, in either direction.
    pub(super) fn command_from(&mut self, from: usize, to: usize, plan: Plan, secret: &Secret) -> Command {
        let path: Vec<usize> = if from < to { (from..=to).collect() } else { (to..=from).rev().collect() };
        let channel = self.channels[path[0].min(path[1])];
        self.along(&path, channel, plan, secret)
    }

    /// The same along any path of clients, whose first channel is given.
    pub(super) fn along(&mut self, path: &[usize], channel: ChannelId, plan: Plan, secret: &Secret) -> Command {
        let (from, to) = (path[0], path[path.len() - 1]);
        let expiry = self.world.now + plan.life;
        let keys: Vec<_> = self.world.clients.iter().map(|client| client.session.public_key()).collect();
        let delivery = Delivery {
            payment: payment_id(plan.payment),
            total: Amount::new(plan.total),
            amount: Amount::new(plan.amount),
            part: plan.part,
            share: plan.share,
            reply_to: keys[from],
            from: self.world.clients[from].address(),
            memo: None,
            request: plan.request,
        };
        let mut route = self.seal(&Hop::Deliver(delivery), to);
        let mut amount = plan.amount;
        for hop in path[1..].windows(2).rev() {
            let next = self.world.clients[hop[1]].address();
            route = self.seal(&Hop::Forward { next, amount: Amount::new(amount), expiry, route }, hop[0]);
            amount += plan.fee;
        }
        let part = Part {
            payment: payment_id(plan.payment),
            number: plan.part,
            target: keys[to],
            amount: Amount::new(plan.amount),
            fee: Amount::new(amount - plan.amount),
            secret: plan.share.is_none().then(|| secret.clone()),
        };
        Command::Lock { channel, hash: secret.hash(), amount: Amount::new(amount), expiry, route, part }
    }

    pub(super) fn seal(&mut self, hop: &Hop, to: usize) -> Route {
        self.made += 1;
        let mut once = [1; 32];
        once[..4].copy_from_slice(&self.made.to_be_bytes());
        let once = SessionKey::from_bytes(&once).unwrap();
        Route::seal(hop, self.world.clients[to].session.public_key(), &once, [2; 24]).unwrap()
    }

    pub(super) fn pay(&mut self, to: usize, plan: Plan) -> RequestId {
        let command = self.single(to, plan);
        self.world.command(0, command)
    }

    /// A payment of one part: its share is the root.
    pub(super) fn single(&mut self, to: usize, plan: Plan) -> Command {
        let secret =
            plan.share.map_or(Secret([u8::try_from(plan.payment).unwrap(); 32]), |root| part_secret(&root, plan.part));
        self.command(to, plan, &secret)
    }

    /// What a client can pay in all of its channels.
    fn funds(&self, client: usize) -> u128 {
        let channels = self.world.clients[client].engine.channels();
        channels.iter().map(|view| view.ours.balance.get()).sum()
    }

    pub(super) fn all_funds(&self) -> Vec<u128> {
        (0..self.world.clients.len()).map(|client| self.funds(client)).collect()
    }

    pub(super) fn locked(&self) -> u128 {
        let view = |(client, id): (usize, &ChannelId)| self.world.view(client, *id);
        self.channels.iter().enumerate().map(view).map(|view| view.ours.locked.get() + view.theirs.locked.get()).sum()
    }

    pub(super) fn received(&self, client: usize) -> usize {
        let events = &self.world.clients[client].events;
        events.iter().filter(|event| matches!(event, Event::Transfer(TransferEvent::Received { .. }))).count()
    }

    fn set_fee(&mut self, client: usize, flat: u128) {
        self.world.clients[client].config.locks.fee = FeeSchedule { flat: Amount::new(flat), proportional: 0 };
        self.world.restart(client);
        self.world.run();
        self.world.wait(3);
    }

    /// Everybody closes everything alone and is paid by the Judge; what each wallet has then gained. Being cut off from the
    /// others keeps nobody from the chain.
    pub(super) fn settle_all(&mut self) -> Vec<i128> {
        for (client, id) in self.channels.clone().iter().enumerate() {
            self.world.close(client, *id, CloseMode::Unilateral);
        }
        self.world.mine(CONFIRMATIONS);
        for _ in 0..4 {
            self.world.mine_after(1_100);
            for client in 0..self.world.clients.len() {
                for view in self.world.clients[client].engine.channels() {
                    if view.status == Status::Settleable {
                        let operation = self.world.operation();
                        self.world.command(client, Command::Settle { operation, channel: view.id, force: false });
                        self.world.mine(CONFIRMATIONS);
                    }
                }
            }
        }
        (0..self.world.clients.len())
            .map(|client| self.world.judge.gain(self.world.clients[client].address()))
            .collect()
    }
}

#[test]
fn a_payment_passes_along_a_path_and_everybody_has_what_is_theirs() {
    let mut row = Row::new(4, 1_000);
    for client in [1, 2] {
        row.set_fee(client, 3);
    }
    let before = row.all_funds();
    let request = row.pay(3, Plan { fee: 3, ..Plan::of(100) });
    assert!(row.world.clients[0].is_ok(request), "{:?}", row.world.clients[0].replies.get(&request));
    let expected = vec![before[0] - 106, before[1] + 3, before[2] + 3, before[3] + 100];
    assert_eq!(row.all_funds(), expected);
    assert_eq!(row.locked(), 0);
    assert_eq!(row.received(3), 1);
    assert!(row.world.clients.iter().all(|client| client.engine.transfers_under_way() == 0), "nothing is left");
}

#[test]
fn the_target_asks_for_the_secret_when_the_lock_brings_none() {
    let mut row = Row::new(3, 1_000);
    let request = row.pay(2, Plan { share: None, ..Plan::of(100) });
    assert!(row.world.clients[0].is_ok(request));
    assert_eq!(row.world.count(|message| matches!(message, Message::RequestSecret { .. })), 1);
    assert_eq!(row.received(2), 1);
}

#[test]
fn what_is_refused_is_free_again_without_waiting_for_the_end() {
    type Prepare = fn(&mut Row);
    let refusals: [(&str, Plan, Prepare, LockRefusal); 4] = [
        ("a fee below the mediator's", Plan::of(100), |row| row.set_fee(2, 5), LockRefusal::FeeTooLow),
        ("more than the last channel holds", Plan::of(900), |row| row.drain(2), LockRefusal::NoCapacity),
        ("a target that is gone", Plan::of(100), |row| row.world.set_online(3, false), LockRefusal::NoRoute),
        ("a share that opens nothing", Plan { share: Some([5; 32]), ..Plan::of(100) }, |_| {}, LockRefusal::Unexpected),
    ];
    for (what, plan, prepare, reason) in refusals {
        let mut row = Row::new(4, 1_000);
        prepare(&mut row);
        row.world.run();
        // Long enough to notice who is gone.
        row.world.wait(35);
        let before = row.all_funds();
        // Under the wrong root the target cannot know the lock's secret.
        let command = row.command(3, plan, &part_secret(&[77; 32], 0));
        let request = row.world.command(0, command);
        let error = row.world.clients[0].error(request);
        assert_eq!(*error, EngineError::LockRefused(reason), "{what}");
        assert_eq!(row.all_funds(), before, "{what}");
        assert_eq!(row.locked(), 0, "{what}");
    }
}

#[test]
fn a_lock_beyond_ones_own_limits_is_given_back_and_the_channel_lives_on() {
    type Limit = fn(&mut LockPolicy);
    let limits: [(&str, Limit, LockRefusal); 2] = [
        ("a nearer tail", |policy| policy.tail = LIFE / 2, LockRefusal::BadExpiry),
        ("fewer locks", |policy| policy.count = 0, LockRefusal::NoCapacity),
    ];
    for (what, limit, reason) in limits {
        let mut row = Row::new(3, 1_000);
        limit(&mut row.world.clients[2].config.locks);
        row.world.restart(2);
        row.world.run();
        row.world.wait(3);
        let before = row.all_funds();
        let request = row.pay(2, Plan::of(100));
        assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(reason), "{what}");
        assert_eq!(row.all_funds(), before, "{what}");
        let id = row.channels[1];
        row.world.pay(1, id, 7);
        assert_eq!(row.funds(2), before[2] + 7, "{what}");
    }
}

impl Row {
    /// The client pays all it has in its channel to the next away.
    fn drain(&mut self, client: usize) {
        let id = self.channels[client];
        let all = self.world.balance(client, id);
        self.world.pay(client, id, all - 50);
    }
}

#[test]
fn parts_are_taken_together_or_not_at_all() {
    let mut row = Row::new(3, 1_000);
    let (one, other) = ([1; 32], [2; 32]);
    let root: [u8; 32] = std::array::from_fn(|at| one[at] ^ other[at]);
    let before = row.all_funds();
    let first = Plan { share: Some(one), total: 150, ..Plan::of(100) };
    let command = row.command(2, first, &part_secret(&root, 0));
    let request = row.world.command(0, command);
    assert!(!row.world.clients[0].replies.contains_key(&request), "the first part waits");
    assert_eq!(row.received(2), 0);
    let second = Plan { share: Some(other), total: 150, part: 1, ..Plan::of(50) };
    let command = row.command(2, second, &part_secret(&root, 1));
    let last = row.world.command(0, command);
    assert!(row.world.clients[0].is_ok(request) && row.world.clients[0].is_ok(last));
    assert_eq!(row.all_funds(), vec![before[0] - 150, before[1], before[2] + 150]);
    assert_eq!(row.received(2), 1, "one payment");
}

#[test]
fn parts_that_never_become_whole_are_given_back() {
    let mut row = Row::new(3, 1_000);
    let before = row.all_funds();
    let plan = Plan { share: Some([1; 32]), total: 150, ..Plan::of(100) };
    let command = row.command(2, plan, &part_secret(&[3; 32], 0));
    let request = row.world.command(0, command);
    row.world.wait(LIFE - 20);
    assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(LockRefusal::Incomplete));
    assert_eq!(row.all_funds(), before);
    assert_eq!(row.received(2), 0);
}

#[test]
fn parts_go_back_at_once_when_the_payer_gives_up() {
    let (mut row, request, _) = half_arrived(3);
    let (target, payment) = (row.world.clients[2].session.public_key(), payment_id(1));
    row.world.inject(1, 2, Message::GiveUp { payment });
    row.world.run();
    assert!(!row.world.clients[0].replies.contains_key(&request), "nobody else can say so");
    row.world.command(0, Command::GiveUp { target, payment });
    assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(LockRefusal::Incomplete));
    assert_eq!(row.locked(), 0);
}

#[test]
fn a_hash_is_not_taken_twice() {
    let mut row = Row::new(3, 1_000);
    let plan = Plan { share: Some([1; 32]), total: 150, ..Plan::of(100) };
    let secret = part_secret(&[3; 32], 0);
    let command = row.command(2, plan, &secret);
    row.world.command(0, command);
    let command = row.command(2, Plan { payment: 2, ..plan }, &secret);
    let again = row.world.command(0, command);
    assert_eq!(*row.world.clients[0].error(again), EngineError::DuplicatePayment);
}

#[test]
fn a_payer_that_falls_silent_is_paid_by_the_judge() {
    let mut row = Row::new(3, 1_000);
    // The mediator never hears that the payee knows the secret, nor anything else from then on.
    let command = row.single(2, Plan::of(100));
    row.world.submit(0, command);
    row.world.step(0, None);
    for _ in 0..6 {
        for pair in [(0, 1), (1, 0), (1, 2)] {
            while row.world.deliver(pair.0, pair.1) {}
        }
        for client in [0, 1] {
            row.world.step(client, None);
        }
    }
    row.world.set_online(1, false);
    row.world.run();
    row.world.wait(LIFE - 25);
    row.world.mine(1);
    let registered = |row: &Row| {
        row.world.clients[2].asked.iter().filter(|call| matches!(call, JudgeCall::RegisterSecrets { .. })).count()
    };
    assert_eq!(registered(&row), 0, "there is time left");
    row.world.wait(5);
    assert_eq!(registered(&row), 1, "the secret goes onto the chain before the lock ends");
    row.world.mine(CONFIRMATIONS);
    let gains = row.settle_all();
    assert_eq!(gains, vec![-100, 0, 100], "who behaved is whole, and so is the silent one");
}

#[test]
fn a_lock_without_its_secret_goes_back_after_its_end() {
    let mut row = Row::new(3, 1_000);
    let before = row.all_funds();
    let plan = Plan { share: Some([1; 32]), total: 150, ..Plan::of(100) };
    let command = row.command(2, plan, &part_secret(&[3; 32], 0));
    let request = row.world.command(0, command);
    row.world.set_online(2, false);
    row.world.run();
    row.world.wait(LIFE);
    assert!(!row.world.clients[0].replies.contains_key(&request), "the silent target could still claim");
    row.world.mine_after(1);
    row.world.mine(2 * CONFIRMATIONS);
    row.world.wait(12);
    let reason = EngineError::LockRefused(LockRefusal::Expired);
    assert_eq!(*row.world.clients[0].error(request), reason);
    assert_eq!(row.funds(0), before[0]);
    row.world.set_online(2, true);
    row.world.run();
    row.world.wait(35);
    row.world.mine(CONFIRMATIONS);
    row.world.wait(12);
    assert_eq!(row.all_funds(), before, "{:?}", row.world.view(1, row.channels[1]));
    assert_eq!(row.locked(), 0);
}

#[test]
fn a_cancelled_lock_cannot_be_claimed_by_an_older_proof() {
    let mut row = Row::new(2, 1_000);
    // The target would refuse the part only at the end; here it does so by hand, after keeping the older proof.
    let root = [3; 32];
    let plan = Plan { share: Some([1; 32]), total: 150, ..Plan::of(100) };
    let secret = part_secret(&root, 0);
    let command = row.command(1, plan, &secret);
    let request = row.world.command(0, command);
    let id = row.channels[0];
    let old = row.world.clients[1].stored_channel(id).unwrap().received.signed.unwrap();
    row.world.wait(LIFE - 20);
    assert!(row.world.clients[0].replies.contains_key(&request), "cancelled");
    assert_eq!(row.world.view(0, id).ours.balance.get(), 1_000, "the money is free");
    // The partner closes with the older proof, and has the secret registered in time.
    let (from, key) = (row.world.clients[1].address(), row.world.view(1, id).key);
    let call = JudgeCall::RegisterSecrets { secrets: vec![secret] };
    row.world.judge.submit(from, super::judge::Call::Judge(call)).unwrap();
    let call = JudgeCall::Close { key, proof: Some(old), grant: None };
    row.world.judge.submit(from, super::judge::Call::Judge(call)).unwrap();
    row.world.clients[1].wallet = Wallet::Rejects;
    row.world.mine(2 * CONFIRMATIONS);
    let brought =
        row.world.clients[0].asked.iter().any(|call| matches!(call, JudgeCall::Update { acceptance: Some(_), .. }));
    assert!(brought, "the countersigned proof is brought");
    assert_eq!(row.world.judge.channel(id).unwrap().side(row.world.clients[0].address()).locked, 0);
}

#[test]
fn the_wallet_is_told_that_a_secret_must_go_on_chain() {
    let mut row = Row::new(2, 1_000);
    let id = row.channels[0];
    let command = row.single(1, Plan::of(100));
    row.world.submit(0, command);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    row.world.set_online(0, false);
    row.world.clients[1].wallet = Wallet::Waits;
    row.world.run();
    row.world.wait(LIFE - 15);
    let told = |event: &Event| matches!(event, Event::ActionRequired { channel, action: Action::RevealOnChain, .. } if *channel == id);
    assert_eq!(row.world.clients[1].events.iter().filter(|event| told(event)).count(), 1);
}

/// A payment of one of two parts has arrived at the target, who can take nothing yet.
fn half_arrived(clients: u8) -> (Row, RequestId, Secret) {
    let mut row = Row::new(clients, 1_000);
    let plan = Plan { share: Some([1; 32]), total: 150, ..Plan::of(100) };
    let secret = part_secret(&[3; 32], 0);
    let command = row.command(usize::from(clients) - 1, plan, &secret);
    let request = row.world.command(0, command);
    assert_eq!(row.locked(), 100 * (u128::from(clients) - 1));
    (row, request, secret)
}

#[test]
fn a_lock_is_let_go_only_by_a_countersignature() {
    let (mut row, request, _) = half_arrived(3);
    let (first, last) = (row.channels[0], row.channels[1]);
    let lock = 1;
    row.world.inject(2, 1, Message::RefuseLock { channel: last, lock, reason: LockRefusal::NoRoute });
    row.world.step(1, None);
    // The target has not agreed to the cancelled state: it does not even take it, and could still bring the older proof.
    row.world.wire.remove(&(1, 2));
    row.world.run();
    row.world.wait(2);
    assert_eq!(row.world.view(1, last).ours.balance.get(), 900, "what may still be claimed cannot be spent");
    assert_eq!(row.world.view(0, first).ours.locked.get(), 100, "nothing is let go upstream");
    assert!(!row.world.clients[0].replies.contains_key(&request));
}

#[test]
fn a_secret_that_is_shown_too_late_is_paid_only_by_way_of_the_chain() {
    let (mut row, request, secret) = half_arrived(3);
    let last = row.channels[1];
    row.world.set_online(0, false);
    row.world.wait(LIFE - 21);
    row.world.mine(1);
    row.world.inject(2, 1, Message::Reveal { channel: last, lock: 1, secret: secret.clone() });
    row.world.run();
    assert_eq!(row.world.view(1, last).ours.transferred.get(), 0, "its own payer could be gone");
    let from = row.world.clients[2].address();
    let call = JudgeCall::RegisterSecrets { secrets: vec![secret] };
    row.world.judge.submit(from, super::judge::Call::Judge(call)).unwrap();
    row.world.mine(2 * CONFIRMATIONS);
    assert_eq!(row.world.view(1, last).ours.transferred.get(), 100, "now it is sure to be paid in turn");
    row.world.set_online(0, true);
    row.world.run();
    row.world.wait(3);
    assert!(row.world.clients[0].is_ok(request));
}
