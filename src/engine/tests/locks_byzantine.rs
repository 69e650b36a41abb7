//! A target that plays foul: it withholds, reveals late, says no and keeps the older proof, closes with it, and claims by it
//! with secrets that it should not know. Nobody is paid for twice, however often the payer tries again.

use proptest::prelude::*;

use super::client::Wallet;
use super::judge::Call;
use super::locks::{LIFE, Plan, Row};
use super::world::CONFIRMATIONS;
use crate::engine::RequestId;
use crate::engine::records::{ChannelRecord, DirectionRecord};
use crate::protocol::{Claim, JudgeCall, LockRefusal, LockTree, Message, Secret};

const AMOUNT: u128 = 100;

#[derive(Clone, Copy, Debug)]
enum Fate {
    /// A payment, or another try of one that failed.
    Pay {
        asks: bool,
    },
    TryAgain,
    /// The target says no to, or shows the secret of, a lock.
    SayNo(u64),
    Reveal(u64),
    /// What the target said, or was told, does not arrive.
    Withhold,
    StopListening,
    Register(usize),
    /// It closes with one of the proofs that it ever held.
    Close(usize),
    Wait(u64),
    Steps(usize),
    Run,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => any::<bool>().prop_map(|asks| Fate::Pay { asks }),
        4 => Just(Fate::TryAgain),
        4 => (1..5_u64).prop_map(Fate::SayNo),
        3 => (1..5_u64).prop_map(Fate::Reveal),
        3 => Just(Fate::Withhold),
        3 => Just(Fate::StopListening),
        2 => (0..5_usize).prop_map(Fate::Register),
        1 => (0..8_usize).prop_map(Fate::Close),
        2 => prop_oneof![1..40_u64, LIFE / 2..LIFE].prop_map(Fate::Wait),
        6 => (1..8_usize).prop_map(Fate::Steps),
        5 => Just(Fate::Run),
    ]
}

/// The tries of one payment.
struct Payment {
    number: u32,
    tries: Vec<RequestId>,
}

struct Foul {
    row: Row,
    payments: Vec<Payment>,
    /// Every secret, in the order of the locks.
    secrets: Vec<Secret>,
    /// Every state of the payer's direction that the target ever held.
    held: Vec<DirectionRecord>,
    closed: Option<usize>,
}

impl Foul {
    fn new() -> Self {
        let row = Row::new(3, 1_000);
        Self { row, payments: Vec::new(), secrets: Vec::new(), held: Vec::new(), closed: None }
    }

    fn attempt(&mut self, number: u32, part: u32, asks: bool) -> RequestId {
        let mut root = [7; 32];
        root[..4].copy_from_slice(&number.to_be_bytes());
        root[4..8].copy_from_slice(&part.to_be_bytes());
        // Asked for, the secret is anything; brought, it follows from the share.
        let secret = if asks { Secret(root) } else { crate::protocol::part_secret(&root, part) };
        let plan = Plan { payment: number, part, share: (!asks).then_some(root), ..Plan::of(AMOUNT) };
        let command = self.row.command(2, plan, &secret);
        self.secrets.push(secret);
        self.row.world.submit(0, command)
    }

    fn happen(&mut self, fate: Fate) {
        match fate {
            Fate::Pay { asks } => {
                let number = self.payments.len() as u32 + 1;
                let request = self.attempt(number, 0, asks);
                self.payments.push(Payment { number, tries: vec![request] });
            }
            Fate::TryAgain => {
                let failed = |payment: &Payment| {
                    let last = payment.tries.last().and_then(|request| self.row.world.clients[0].replies.get(request));
                    matches!(last, Some(Err(_)))
                };
                if let Some(index) = self.payments.iter().position(failed) {
                    let (number, part) = (self.payments[index].number, self.payments[index].tries.len() as u32);
                    let request = self.attempt(number, part, part % 2 == 0);
                    self.payments[index].tries.push(request);
                }
            }
            Fate::SayNo(lock) => {
                let channel = self.row.channels[1];
                let reason = LockRefusal::NoRoute;
                self.row.world.inject(2, 1, Message::RefuseLock { channel, lock, reason });
            }
            Fate::Reveal(lock) => {
                let channel = self.row.channels[1];
                if let Some(secret) = self.secrets.get(lock as usize - 1).cloned() {
                    self.row.world.inject(2, 1, Message::Reveal { channel, lock, secret });
                }
            }
            Fate::Withhold => drop(self.row.world.wire.remove(&(2, 1))),
            Fate::StopListening => drop(self.row.world.wire.remove(&(1, 2))),
            Fate::Register(index) => {
                if let Some(secret) = self.secrets.get(index).cloned() {
                    self.submit(JudgeCall::RegisterSecrets { secrets: vec![secret] });
                }
            }
            Fate::Close(index) => {
                if let Some(signed) =
                    self.held.get(index).and_then(|held| held.signed).filter(|_| self.closed.is_none())
                {
                    // From here on the target's own, honest client brings nothing any more.
                    self.row.world.clients[2].wallet = Wallet::Rejects;
                    let key = self.row.world.view(1, self.row.channels[1]).key;
                    self.submit(JudgeCall::Close { key, proof: Some(signed), grant: None });
                    self.row.world.mine(1);
                    self.closed = Some(index);
                }
            }
            Fate::Wait(seconds) => self.pass(seconds),
            Fate::Steps(count) => {
                for _ in 0..count {
                    for (from, to) in [(0, 1), (1, 2), (2, 1), (1, 0)] {
                        self.row.world.deliver(from, to);
                    }
                    (0..3).for_each(|client| self.row.world.step(client, None));
                    self.note();
                }
            }
            Fate::Run => self.row.world.run(),
        }
        self.note();
    }

    fn note(&mut self) {
        let stored: Option<ChannelRecord<'_>> = self.row.world.clients[2].stored_channel(self.row.channels[1]);
        let Some(held) = stored.map(|stored| stored.received) else { return };
        if self.held.last().is_none_or(|last| last.nonce != held.nonce) && held.signed.is_some() {
            self.held.push(held);
        }
    }

    fn submit(&mut self, call: JudgeCall) {
        let from = self.row.world.clients[2].address();
        let _ = self.row.world.judge.submit(from, Call::Judge(call));
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds.div_ceil(5) {
            self.row.world.wait(4);
            self.row.world.mine(1);
            self.note();
        }
    }

    /// All locks end, and everything is settled; the target claims whatever its proof gives it.
    fn end(&mut self) -> Vec<i128> {
        self.row.world.run();
        self.pass(LIFE + 60);
        self.row.world.mine(2 * CONFIRMATIONS);
        let key = self.row.world.view(1, self.row.channels[1]).key;
        if let Some(held) = self.closed.map(|index| self.held[index].clone()) {
            self.row.world.mine_after(1_100);
            let slots = held.locks.iter().map(|record| (record.slot as usize, record.lock));
            let tree = LockTree::from_slots(slots).unwrap();
            let sender = self.row.world.clients[1].address();
            for (_, lock) in tree.slots() {
                let (locks, proofs) = (vec![*lock], vec![tree.proof(lock.id).unwrap()]);
                let claims = vec![Claim { sender, locks, proofs }];
                self.submit(JudgeCall::Settle { key, claims, finalize: Vec::new() });
                self.row.world.mine(1);
            }
        }
        self.row.settle_all()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_paid_twice_and_a_mediator_never_pays(fates in prop::collection::vec(fate(), 1..60)) {
        let mut foul = Foul::new();
        for fate in fates {
            foul.happen(fate);
        }
        let gains = foul.end();
        prop_assert_eq!(gains.iter().sum::<i128>(), 0);
        prop_assert!(gains[1] >= 0, "the mediator paid {}", -gains[1]);
        let replies = &foul.row.world.clients[0].replies;
        let mut owed = 0;
        for payment in &foul.payments {
            let paid = payment.tries.iter().filter(|request| matches!(replies.get(request), Some(Ok(_)))).count();
            prop_assert!(paid <= 1, "payment {} was made {paid} times", payment.number);
            let open = payment.tries.iter().any(|request| !matches!(replies.get(request), Some(Err(_))));
            owed += if open { AMOUNT as i128 } else { 0 };
        }
        prop_assert!(-gains[0] <= owed, "the payer paid {} and owed {}", -gains[0], owed);
    }
}
