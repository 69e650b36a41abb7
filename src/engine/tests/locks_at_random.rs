//! Payments over locks while everything fails: frames are lost, tabs die at every point of a step, accounts go away, time
//! passes, locks end. Whatever happens, the Judge pays everybody what is theirs: who passes payments on never loses, and
//! what was said of a payment is what was paid.

use proptest::prelude::*;

use super::client::Crash;
use super::locks::{LIFE, Plan, Row};
use super::world::CONFIRMATIONS;
use crate::engine::{Event, RequestId, TransferEvent};

const CLIENTS: usize = 4;
const DEPOSIT: u128 = 1_000;
const FEE: u128 = 2;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Pay { to: usize, amount: u128, asks: bool, life: u64 },
    Deliver { pair: usize, count: usize },
    Step { client: usize, crash: Option<usize> },
    Lose { pair: usize },
    Switch { client: usize },
    Wait { seconds: u64 },
    Run,
}

fn fate() -> impl Strategy<Value = Fate> {
    let client = 0..CLIENTS;
    let pair = 0..2 * (CLIENTS - 1);
    prop_oneof![
        6 => (1..CLIENTS, 1..300_u128, any::<bool>(), 1..4_u64)
            .prop_map(|(to, amount, asks, life)| Fate::Pay { to, amount, asks, life: life * LIFE / 3 }),
        12 => (pair.clone(), 1..6_usize).prop_map(|(pair, count)| Fate::Deliver { pair, count }),
        12 => (client.clone(), prop::option::weighted(0.3, 0..8_usize)).prop_map(|(client, crash)| Fate::Step { client, crash }),
        2 => pair.prop_map(|pair| Fate::Lose { pair }),
        2 => client.prop_map(|client| Fate::Switch { client }),
        3 => prop_oneof![3 => 1..40_u64, 1 => 40..LIFE].prop_map(|seconds| Fate::Wait { seconds }),
        4 => Just(Fate::Run),
    ]
}

fn pair_of(pair: usize) -> (usize, usize) {
    let low = pair / 2;
    if pair.is_multiple_of(2) { (low, low + 1) } else { (low + 1, low) }
}

/// A payment as it was begun, and what was said of it.
struct Made {
    request: RequestId,
    to: usize,
    amount: u128,
    fee: u128,
}

fn live(fates: &[Fate]) -> (Row, Vec<Made>) {
    let mut row = Row::new(CLIENTS as u8, DEPOSIT);
    let mut made: Vec<Made> = Vec::new();
    for fate in fates {
        match *fate {
            Fate::Pay { to, amount, asks, life } => {
                let payment = made.len() as u32 + 1;
                let share = (!asks).then_some([payment as u8; 32]);
                let plan = Plan { fee: FEE, payment, share, life, ..Plan::of(amount) };
                let command = row.single(to, plan);
                let request = row.world.submit(0, command);
                made.push(Made { request, to, amount, fee: FEE * (to as u128 - 1) });
            }
            Fate::Deliver { pair, count } => {
                let (from, to) = pair_of(pair);
                for _ in 0..count {
                    row.world.deliver(from, to);
                }
            }
            Fate::Step { client, crash } => {
                let crash = crash.map(|at| if at == 0 { Crash::BeforeCommit } else { Crash::After(at - 1) });
                row.world.step(client, crash);
            }
            Fate::Lose { pair } => {
                row.world.wire.remove(&pair_of(pair));
            }
            Fate::Switch { client } => {
                let online = row.world.clients[client].online;
                row.world.set_online(client, !online);
            }
            Fate::Wait { seconds } => pass(&mut row, seconds),
            Fate::Run => row.world.run(),
        }
        row.world.check_signatures();
    }
    (row, made)
}

/// Time passes, and blocks with it: a margin is of use only while the chain takes transactions.
fn pass(row: &mut Row, seconds: u64) {
    for _ in 0..seconds.div_ceil(5) {
        row.world.wait(4);
        row.world.mine(1);
    }
}

/// Everybody comes back, and what is still locked is paid, given back or ends.
fn come_to_rest(row: &mut Row) {
    for client in 0..CLIENTS {
        if !row.world.clients[client].online {
            row.world.set_online(client, true);
        }
    }
    row.world.run();
    pass(row, LIFE + 60);
    row.world.mine(2 * CONFIRMATIONS);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn everybody_is_paid_what_is_theirs(fates in prop::collection::vec(fate(), 1..80), patient: bool) {
        let (mut row, made) = live(&fates);
        if patient {
            come_to_rest(&mut row);
        }
        let gains = row.settle_all();
        prop_assert_eq!(gains.iter().sum::<i128>(), 0, "the Judge keeps and loses nothing");
        let (mut least, mut most) = (vec![0_i128; CLIENTS], vec![0_i128; CLIENTS]);
        let mut fees = 0;
        for payment in &made {
            let reply = row.world.clients[0].replies.get(&payment.request);
            let amount = i128::try_from(payment.amount).unwrap();
            match reply {
                Some(Ok(_)) => {
                    least[payment.to] += amount;
                    most[payment.to] += amount;
                    fees += i128::try_from(payment.fee).unwrap();
                }
                Some(Err(_)) => {}
                // The tab died before it could say.
                None => {
                    most[payment.to] += amount;
                    fees += i128::try_from(payment.fee).unwrap();
                }
            }
        }
        // Fees go to those in the middle, who may be targets too.
        for client in 1..CLIENTS {
            prop_assert!(gains[client] >= least[client], "client {} has {} and is owed {}", client, gains[client], least[client]);
            prop_assert!(gains[client] <= most[client] + fees, "client {} has {} of at most {}", client, gains[client], most[client]);
        }
        let received = |client: usize| -> i128 {
            let amount = |event: &Event| match event {
                Event::Transfer(TransferEvent::Received { amount, .. }) => i128::try_from(amount.get()).unwrap(),
                _ => 0,
            };
            row.world.clients[client].events.iter().map(amount).sum()
        };
        for (client, gain) in gains.iter().enumerate().skip(1) {
            prop_assert!(*gain >= received(client), "client {} was told of {} and has {}", client, received(client), gain);
        }
    }
}
