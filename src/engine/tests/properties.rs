//! Random schedules: whatever the network, the chain, the clock and crashes do, nobody loses money.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::client::{Crash, Wallet};
use super::judge::Call;
use super::world::{CHALLENGE, CONFIRMATIONS, World};
use crate::engine::records::UpdateRecord;
use crate::engine::{Action, CloseMode, Command, Event, Flow, Input, PaymentStatus};
use crate::protocol::{Amount, ChannelId, JudgeCall, Message, Op, PaymentId, PublicKey, Timestamp};

/// The seed of the first key after a loss of storage.
const FIRST_SEED: u8 = 150;
/// What each side deposits at first.
const DEPOSIT: u128 = 100;

/// One thing that happens. `who` and `from` are 0 or 1.
#[derive(Clone, Debug)]
enum Act {
    Pay {
        who: usize,
        amount: u128,
    },
    /// A client handles what waits, and may die over it.
    Step {
        who: usize,
        crash: Option<Crash>,
    },
    Deliver {
        from: usize,
    },
    Lose {
        from: usize,
    },
    Repeat {
        from: usize,
    },
    Swap {
        from: usize,
    },
    /// The relay brings a frame again that it brought before.
    Replay {
        pick: Index,
    },
    Run,
    Switch {
        who: usize,
    },
    Reload {
        who: usize,
    },
    /// The one side of this run that may lose its storage loses it.
    Wipe,
    Prompt {
        who: usize,
        rejects: bool,
    },
    Deposit {
        who: usize,
        amount: u128,
    },
    Withdraw {
        who: usize,
        amount: u128,
    },
    Close {
        who: usize,
        mode: CloseMode,
    },
    OldProof {
        who: usize,
        pick: Index,
    },
    Mine {
        blocks: u64,
    },
    Reorg {
        depth: usize,
        keep: bool,
    },
    Wait {
        seconds: Timestamp,
    },
    /// The clocks jump, together or only those of the clients.
    Jump {
        seconds: Timestamp,
        chain: bool,
    },
}

fn who() -> impl Strategy<Value = usize> {
    0..2_usize
}

fn crash() -> impl Strategy<Value = Option<Crash>> {
    prop_oneof![6 => Just(None), 1 => Just(Some(Crash::BeforeCommit)), 2 => (0..4_usize).prop_map(|n| Some(Crash::After(n)))]
}

fn mode() -> impl Strategy<Value = CloseMode> {
    prop_oneof![Just(CloseMode::Auto), Just(CloseMode::Cooperative), Just(CloseMode::Unilateral)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (who(), 1..60_u128).prop_map(|(who, amount)| Act::Pay { who, amount }),
        12 => (who(), crash()).prop_map(|(who, crash)| Act::Step { who, crash }),
        10 => who().prop_map(|from| Act::Deliver { from }),
        2 => who().prop_map(|from| Act::Lose { from }),
        2 => who().prop_map(|from| Act::Repeat { from }),
        2 => who().prop_map(|from| Act::Swap { from }),
        3 => any::<Index>().prop_map(|pick| Act::Replay { pick }),
        6 => Just(Act::Run),
        2 => who().prop_map(|who| Act::Switch { who }),
        2 => who().prop_map(|who| Act::Reload { who }),
        1 => Just(Act::Wipe),
        1 => (who(), any::<bool>()).prop_map(|(who, rejects)| Act::Prompt { who, rejects }),
        1 => (who(), 1..50_u128).prop_map(|(who, amount)| Act::Deposit { who, amount }),
        2 => (who(), 1..80_u128).prop_map(|(who, amount)| Act::Withdraw { who, amount }),
        2 => (who(), mode()).prop_map(|(who, mode)| Act::Close { who, mode }),
        1 => (who(), any::<Index>()).prop_map(|(who, pick)| Act::OldProof { who, pick }),
        4 => (1..6_u64).prop_map(|blocks| Act::Mine { blocks }),
        2 => (1..5_usize, any::<bool>()).prop_map(|(depth, keep)| Act::Reorg { depth, keep }),
        3 => (1..13_u64).prop_map(|seconds| Act::Wait { seconds }),
        1 => (1..700_u64, any::<bool>()).prop_map(|(seconds, chain)| Act::Jump { seconds, chain }),
    ]
}

/// A world, and what an honest bookkeeper knows of it.
struct Run {
    world: World,
    id: ChannelId,
    /// Who may lose its storage: if both did, nobody would know what was paid.
    loser: usize,
    seed: u8,
    /// Frames that were delivered: from, to, the sender's and the receiver's key, the bytes.
    carried: Vec<(usize, usize, PublicKey, PublicKey, Vec<u8>)>,
    /// Every update that a client stored before it could leave, by its number and the life of the client between two
    /// losses of its storage: a number that nobody else has seen is used again in the next life.
    updates: [BTreeMap<(u64, u8), UpdateRecord>; 2],
    /// The number and the sum of the best proof that each side ever held.
    held: [(u64, Amount); 2],
    heard: [usize; 2],
    /// The payments that the payer's application was told are settled.
    settled: [BTreeMap<PaymentId, u128>; 2],
    /// Whose user said no once: it has to act by itself then.
    rejected: [bool; 2],
}

impl Run {
    fn new(loser: usize, window: usize) -> Self {
        let (world, id) = World::open_in(World::with_window(2, window), [DEPOSIT, DEPOSIT]);
        Self {
            world,
            id,
            loser,
            seed: FIRST_SEED,
            carried: Vec::new(),
            updates: Default::default(),
            held: [(0, Amount::ZERO); 2],
            heard: [0, 0],
            settled: Default::default(),
            rejected: [false, false],
        }
    }

    fn is_closed(&self) -> bool {
        let channel = self.world.judge.channel(self.id).unwrap();
        channel.closed_at.is_some() || channel.done
    }

    fn act(&mut self, act: Act) {
        let id = self.id;
        match act {
            Act::Pay { who, amount } => {
                let command = self.world.payment(id, amount);
                self.world.submit(who, command);
            }
            Act::Step { who, crash } => self.world.step(who, crash),
            Act::Deliver { from } => self.deliver(from),
            Act::Lose { from } => {
                self.frames(from).pop_front();
            }
            Act::Repeat { from } => {
                let first = self.frames(from).front().cloned();
                self.frames(from).extend(first);
            }
            Act::Swap { from } => {
                let frames = self.frames(from);
                if frames.len() > 1 {
                    frames.swap(0, 1);
                }
            }
            Act::Replay { pick } if !self.carried.is_empty() => {
                let (_, to, sender, receiver, bytes) = self.carried[pick.index(self.carried.len())].clone();
                let client = &mut self.world.clients[to];
                if client.session.public_key() == receiver && client.online {
                    let message = Message::from_bytes(&bytes).unwrap();
                    client.inputs.push_back(Input::Message { from: sender, message });
                }
            }
            Act::Run => self.world.run(),
            Act::Switch { who } => {
                let online = !self.world.clients[who].online;
                self.world.set_online(who, online);
            }
            Act::Reload { who } => self.world.restart(who),
            // A closed channel must be answered in time by whoever has the proofs.
            Act::Wipe if !self.is_closed() => self.wipe(),
            Act::Prompt { who, rejects } => {
                self.rejected[who] |= rejects;
                self.world.clients[who].wallet = if rejects { Wallet::Rejects } else { Wallet::Approves };
            }
            Act::Deposit { who, amount } => {
                let operation = self.world.operation();
                self.world.submit(who, Command::Deposit { operation, channel: id, amount: Amount::new(amount) });
            }
            Act::Withdraw { who, amount } => {
                let operation = self.world.operation();
                let amount = Amount::new(amount);
                self.world.submit(who, Command::Withdraw { operation, channel: id, amount, timeout: 20 });
            }
            Act::Close { who, mode } => {
                let operation = self.world.operation();
                self.world.submit(who, Command::Close { operation, channel: id, mode, timeout: 20, force: false });
            }
            Act::OldProof { who, pick } => self.close_with_old_proof(who, pick),
            Act::Mine { blocks } => self.world.mine(blocks),
            Act::Reorg { depth, keep } => {
                self.world.judge.reorg(depth, keep);
                self.world.mine(depth as u64);
            }
            Act::Wait { seconds } => self.world.wait(seconds),
            // Whoever sleeps through a challenge period loses it; that is not promised.
            Act::Jump { seconds, chain } if !self.is_closed() => {
                self.world.now += seconds;
                if chain {
                    self.world.mine(1);
                }
            }
            Act::Replay { .. } | Act::Wipe | Act::Jump { .. } => {}
        }
        self.check();
    }

    fn frames(&mut self, from: usize) -> &mut std::collections::VecDeque<(usize, PublicKey, Vec<u8>)> {
        self.world.wire.entry((from, 1 - from)).or_default()
    }

    fn deliver(&mut self, from: usize) {
        let receiver = self.world.clients[1 - from].session.public_key();
        if let Some((_, sender, bytes)) = self.frames(from).front().cloned() {
            self.carried.push((from, 1 - from, sender, receiver, bytes));
        }
        self.world.deliver(from, 1 - from);
    }

    fn wipe(&mut self) {
        let (who, id) = (self.loser, self.id);
        let known = self.world.clients[1 - who].stored_channel(id).map_or(0, |record| record.received.nonce.get());
        let sender = self.world.clients[who].address();
        self.world.forget_signatures(id, sender, known);
        self.world.wipe(who, self.seed);
        self.seed += 1;
        self.heard[who] = 0;
        self.world.authorize(who);
    }

    fn close_with_old_proof(&mut self, who: usize, pick: Index) {
        let held = self.world.clients[who].stored_updates(self.id, Flow::Received);
        let Some(record) = self.world.clients[who].stored_channel(self.id) else { return };
        let proof = (!held.is_empty()).then(|| held[pick.index(held.len())].signed);
        let call = JudgeCall::Close { key: record.key, proof, grant: record.received.grant };
        // The Judge may decline, because the channel is closed already or the key was another one.
        let _ = self.world.judge.submit(self.world.clients[who].address(), Call::Judge(call));
    }

    /// What holds at every moment.
    fn check(&mut self) {
        self.world.check_signatures();
        self.listen();
        if self.world.judge.channel(self.id).unwrap().done {
            return;
        }
        let channel = self.world.judge.channel(self.id).unwrap().clone();
        for who in 0..2 {
            let Some(record) = self.world.clients[who].stored_channel(self.id).filter(|record| record.compared) else {
                continue;
            };
            let (own, other) = (self.world.clients[who].address(), self.world.clients[1 - who].address());
            let held = record.received.signed.map_or(0, |held| held.proof.transferred.get());
            let held = held.max(channel.side(other).transferred);
            let spent =
                self.updates[who].values().map(|update| update.signed.proof.transferred.get()).max().unwrap_or(0);
            let told: u128 = self.settled[1 - who].values().sum();
            assert!(held >= told, "{who} holds {held} of {told} that its partner's application was told are settled");
            let (mine, theirs) = (channel.side(own), channel.side(other));
            // Who lost its storage forgot a withdrawal under way; its partner did not, and declines what is not covered.
            let forgot = who == self.loser && self.seed > FIRST_SEED;
            let covered = mine.deposited + held >= mine.withdrawn + spent;
            assert!(forgot || covered, "{who} signed away more than it has");
            assert!(theirs.deposited + spent >= theirs.withdrawn + held, "{who} would not be paid all that it holds");
        }
    }

    /// Reads what was stored and told since the last time.
    fn listen(&mut self) {
        for who in 0..2 {
            let life = if who == self.loser { self.seed } else { 0 };
            if let Some(record) = self.world.clients[who].stored_channel(self.id) {
                let held = (record.received.nonce.get(), record.received.transferred);
                self.held[who] = self.held[who].max(held);
            }
            for update in self.world.clients[who].stored_updates(self.id, Flow::Sent) {
                let proof = update.signed.proof;
                let first = self.updates[who].entry((proof.nonce.get(), life)).or_insert(update);
                assert_eq!(first.signed.proof, proof, "a number was signed with two contents");
            }
            for event in &self.world.clients[who].events[self.heard[who]..] {
                if let Event::Payment(view) = event
                    && (view.flow, &view.status) == (Flow::Sent, &PaymentStatus::Settled)
                {
                    self.settled[who].insert(view.id, view.amount.get());
                }
            }
            self.heard[who] = self.world.clients[who].events.len();
        }
    }

    /// Ends the channel, whatever state it is in, and compares the wallets with the books.
    fn finish(mut self) {
        for who in 0..2 {
            self.world.clients[who].wallet = Wallet::Approves;
            if !self.world.clients[who].online {
                self.world.set_online(who, true);
            }
        }
        self.world.run();
        self.world.mine(CONFIRMATIONS);
        self.world.wait(40);
        self.check();
        if !self.is_closed() {
            (0..2).for_each(|who| self.world.restart(who));
            self.world.wait(40);
            self.world.close(0, self.id, CloseMode::Auto);
            self.world.wait(25);
            self.world.mine(CONFIRMATIONS);
            assert!(self.is_closed(), "{:?} {:?}", self.world.view(0, self.id), self.world.view(1, self.id));
        }
        for who in (0..2).filter(|who| self.rejected[*who]) {
            if self.world.view(who, self.id).action == Some(Action::Respond) {
                let operation = self.world.operation();
                self.world.command(who, Command::Respond { operation, channel: self.id });
            }
        }
        self.world.mine(CONFIRMATIONS);
        self.world.mine_after(CHALLENGE + 1);
        if !self.world.judge.channel(self.id).unwrap().done {
            let operation = self.world.operation();
            self.world.command(0, Command::Settle { operation, channel: self.id, force: false });
            self.world.mine(CONFIRMATIONS);
        }
        self.check();
        let moved = [0, 1].map(|who| self.moved(who));
        for who in 0..2 {
            let gain = self.world.judge.gain(self.world.clients[who].address());
            let expected = i128::try_from(moved[1 - who]).unwrap() - i128::try_from(moved[who]).unwrap();
            assert_eq!(gain, expected, "{who} of {moved:?}");
        }
    }

    /// What a side has paid in the end: the updates that lead to the best that its partner ever held, all that was called
    /// settled among them.
    fn moved(&self, who: usize) -> u128 {
        let (mut nonce, mut transferred) = self.held[1 - who];
        let received = self.world.clients[1 - who].stored_updates(self.id, Flow::Received);
        let mut paid: BTreeMap<PaymentId, u128> = BTreeMap::new();
        while nonce > 0 {
            let mut lives = self.updates[who].range((nonce, 0)..=(nonce, u8::MAX)).map(|(_, update)| update);
            let stored = received.iter().map(|update| update.signed.proof).find(|proof| proof.nonce.get() == nonce);
            let is_it = |update: &&UpdateRecord| match stored {
                Some(proof) => update.signed.proof == proof,
                None => update.signed.proof.transferred == transferred,
            };
            let update = lives.find(is_it).expect("the payer stored it");
            for op in &update.ops {
                let Op::Pay { payment, amount, .. } = op else { panic!("only payments are made here") };
                assert_eq!(paid.insert(*payment, amount.get()), None, "a payment was made twice");
                transferred = transferred.checked_sub(*amount).unwrap();
            }
            nonce -= 1;
        }
        assert_eq!(transferred, Amount::ZERO);
        for (id, amount) in &self.settled[who] {
            assert_eq!(paid.get(id), Some(amount), "a payment that was called settled is gone");
        }
        paid.values().sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_loses_money(loser in who(), window in 1..5_usize, acts in vec(act(), 1..70)) {
        let mut run = Run::new(loser, window);
        for act in acts {
            run.act(act);
        }
        run.finish();
    }
}
