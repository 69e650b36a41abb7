//! Requests while everything fails: two payers race for the same requests, in one piece and in parts, with secrets that
//! are brought and secrets that are asked for; frames are lost, tabs die, time passes. No request is paid twice, nobody
//! pays one twice, and there is a receipt exactly where the money was taken.

use proptest::prelude::*;

use super::client::Crash;
use super::locks::{LIFE, Plan, Row, payment_id};
use super::requests::terms;
use super::world::CONFIRMATIONS;
use crate::engine::records::{self, ReceivedRecord, RequestRecord};
use crate::engine::{Command, RequestId, RequestStatus};
use crate::protocol::{Amount, B256, PaymentRequest, Receipt, Secret, part_secret};

const PAYEE: usize = 1;
const PAYERS: [usize; 2] = [0, 2];
const AMOUNT: u128 = 100;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Pay {
        payer: usize,
        request: usize,
        how: How,
    },
    /// The payer's application says what is over.
    Leave {
        payer: usize,
    },
    Deliver {
        pair: usize,
        count: usize,
    },
    Step {
        client: usize,
        crash: Option<usize>,
    },
    Lose {
        pair: usize,
    },
    Switch {
        client: usize,
    },
    Wait {
        seconds: u64,
    },
    Run,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Whole,
    Asked,
    Halves,
    /// A half that waits for the other in vain.
    Half,
}

fn fate() -> impl Strategy<Value = Fate> {
    let how = prop_oneof![3 => Just(How::Whole), 1 => Just(How::Asked), 2 => Just(How::Halves), 1 => Just(How::Half)];
    let payer = || prop::sample::select(&PAYERS[..]);
    prop_oneof![
        6 => (payer(), 0..2_usize, how).prop_map(|(payer, request, how)| Fate::Pay { payer, request, how }),
        2 => payer().prop_map(|payer| Fate::Leave { payer }),
        12 => (0..4_usize, 1..6_usize).prop_map(|(pair, count)| Fate::Deliver { pair, count }),
        12 => (0..3_usize, prop::option::weighted(0.3, 0..8_usize)).prop_map(|(client, crash)| Fate::Step { client, crash }),
        2 => (0..4_usize).prop_map(|pair| Fate::Lose { pair }),
        1 => (0..3_usize).prop_map(|client| Fate::Switch { client }),
        2 => prop_oneof![3 => 1..40_u64, 1 => 40..LIFE].prop_map(|seconds| Fate::Wait { seconds }),
        4 => Just(Fate::Run),
    ]
}

fn pair_of(pair: usize) -> (usize, usize) {
    [(0, 1), (1, 0), (1, 2), (2, 1)][pair]
}

struct Life {
    row: Row,
    requests: Vec<PaymentRequest>,
    payments: u8,
}

impl Life {
    fn new() -> Self {
        let mut row = Row::new(3, 1_000);
        let requests = (0..2).map(|reference| row.create(PAYEE, terms(reference, Some(AMOUNT), 50_000))).collect();
        Self { row, requests, payments: 0 }
    }

    fn answered(&self, client: usize, request: RequestId) -> bool {
        self.row.world.clients[client].is_ok(request)
    }

    /// What an application does: it notes the request, and then sends what pays it.
    fn pay(&mut self, payer: usize, request: usize, how: How) {
        self.payments += 1;
        let (payment, wanted) = (self.payments, self.requests[request].clone());
        let amount = Amount::new(AMOUNT);
        let id = wanted.id();
        let claim = Command::ClaimRequest { request: Box::new(wanted), payment: payment_id(payment.into()), amount };
        let claim = self.row.world.submit(payer, claim);
        self.row.world.step(payer, None);
        if !self.answered(payer, claim) {
            return;
        }
        let (one, other) = ([payment; 32], [payment ^ 0xff; 32]);
        let plan = Plan { request: Some(id), payment: payment.into(), ..Plan::of(AMOUNT) };
        let half = |part, share| Plan { amount: AMOUNT / 2, total: AMOUNT, part, share: Some(share), ..plan };
        let root = std::array::from_fn(|at| one[at] ^ other[at]);
        match how {
            How::Whole => self.lock(payer, Plan { share: Some(one), ..plan }, part_secret(&one, 0)),
            How::Asked => self.lock(payer, Plan { share: None, ..plan }, Secret(one)),
            How::Half => self.lock(payer, half(0, one), part_secret(&root, 0)),
            How::Halves => {
                self.lock(payer, half(0, one), part_secret(&root, 0));
                self.lock(payer, half(1, other), part_secret(&root, 1));
            }
        }
    }

    fn lock(&mut self, payer: usize, plan: Plan, secret: Secret) {
        let command = self.row.command_from(payer, PAYEE, plan, &secret);
        self.row.world.submit(payer, command);
    }

    fn leave(&mut self, payer: usize) {
        for (request, payment) in self.row.world.clients[payer].engine.requests_being_paid() {
            self.row.world.submit(payer, Command::LeaveRequest { request, payment });
        }
    }

    fn live(&mut self, fate: Fate) {
        match fate {
            Fate::Pay { payer, request, how } => self.pay(payer, request, how),
            Fate::Leave { payer } => self.leave(payer),
            Fate::Deliver { pair, count } => {
                let (from, to) = pair_of(pair);
                for _ in 0..count {
                    self.row.world.deliver(from, to);
                }
            }
            Fate::Step { client, crash } => {
                let crash = crash.map(|at| if at == 0 { Crash::BeforeCommit } else { Crash::After(at - 1) });
                self.row.world.step(client, crash);
            }
            Fate::Lose { pair } => {
                self.row.world.wire.remove(&pair_of(pair));
            }
            Fate::Switch { client } => {
                let online = self.row.world.clients[client].online;
                self.row.world.set_online(client, !online);
            }
            Fate::Wait { seconds } => self.pass(seconds),
            Fate::Run => self.row.world.run(),
        }
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds.div_ceil(5) {
            self.row.world.wait(4);
            self.row.world.mine(1);
        }
    }

    /// Everybody comes back, and what is still locked is paid, given back or ends.
    fn come_to_rest(&mut self) {
        for client in 0..3 {
            if !self.row.world.clients[client].online {
                self.row.world.set_online(client, true);
            }
        }
        self.row.world.run();
        self.pass(LIFE + 60);
        self.row.world.mine(2 * CONFIRMATIONS);
    }

    fn received(&self, id: B256) -> Vec<ReceivedRecord> {
        let rows = self.row.world.clients[PAYEE].scan(vec![records::RECEIVED], vec![records::RECEIVED + 1]);
        let read = rows.iter().map(|(_, bytes)| records::read::<ReceivedRecord>(bytes).unwrap());
        read.filter(|record| record.request == Some(id)).collect()
    }

    fn stored_receipt(&self, client: usize, id: B256) -> Option<Receipt> {
        let bytes = self.row.world.clients[client].get(&records::request_key(id))?;
        records::read::<RequestRecord>(&bytes).unwrap().receipt
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_request_is_paid_once_or_not_at_all(fates in prop::collection::vec(fate(), 1..80), patient: bool) {
        let mut life = Life::new();
        for fate in fates {
            life.live(fate);
        }
        if patient {
            life.come_to_rest();
        }
        // What is still under way goes on meanwhile.
        let gains = life.row.settle_all();
        let (mut got, mut gave) = (0, [0; 3]);
        for request in &life.requests {
            let received = life.received(request.id());
            prop_assert!(received.len() <= 1, "taken {} times", received.len());
            let receipt = life.stored_receipt(PAYEE, request.id());
            let payments = received.iter().map(|record| (record.payment, record.from, record.amount));
            let receipts = receipt.iter().map(|receipt| (receipt.payment, receipt.payer, receipt.amount));
            prop_assert!(payments.eq(receipts), "a receipt for what was taken, and for nothing else");
            for payer in PAYERS {
                let theirs = receipt.filter(|receipt| receipt.payer == life.row.world.clients[payer].address());
                let held = life.stored_receipt(payer, request.id());
                prop_assert!(held.is_none() || held == theirs, "nobody holds a receipt of another payment");
                if theirs.is_some() {
                    got += AMOUNT as i128;
                    gave[payer] += AMOUNT as i128;
                }
                let known = life.row.world.clients[payer].engine.request(request.id(), life.row.world.now);
                let paid = known.is_some_and(|view| view.status == RequestStatus::Paid);
                prop_assert!(!paid || theirs.is_some(), "paid by its own word, and not taken");
                prop_assert!(!patient || paid == theirs.is_some(), "taken, and its payer does not know");
                prop_assert!(!patient || held == theirs, "the receipt finds its payer");
            }
        }
        prop_assert_eq!(gains[PAYEE], got, "who was paid has the money");
        for payer in PAYERS {
            prop_assert_eq!(gains[payer], -gave[payer], "who paid has paid once");
        }
    }
}
