//! Every message of a payment over locks, by every role, lost, doubled, overtaken, and late past each deadline: afterwards
//! nothing stays locked, and the Judge pays everybody what is theirs.

use super::locks::{LIFE, Plan, Row, payment_id};
use super::world::CONFIRMATIONS;
use crate::engine::{Command, RequestId};
use crate::protocol::{Message, Timestamp, part_secret};

const CLIENTS: u8 = 3;
const AMOUNT: u128 = 100;
/// The margin of the tests' policy.
const MARGIN: Timestamp = 20;

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Lost,
    Doubled,
    /// What is said next arrives first.
    Overtaken,
    /// It arrives so many seconds after the payment began.
    At(Timestamp),
}

/// What is done, and whether the payment can succeed.
type Scenario = fn(&mut Row) -> RequestId;

fn asks_for_the_secret(row: &mut Row) -> RequestId {
    let command = row.single(2, Plan { share: None, ..Plan::of(AMOUNT) });
    row.world.submit(0, command)
}

fn brings_the_secret(row: &mut Row) -> RequestId {
    let command = row.single(2, Plan::of(AMOUNT));
    row.world.submit(0, command)
}

fn is_refused(row: &mut Row) -> RequestId {
    let command = row.command(2, Plan { share: Some([5; 32]), ..Plan::of(AMOUNT) }, &part_secret(&[77; 32], 0));
    row.world.submit(0, command)
}

fn is_given_up(row: &mut Row) -> RequestId {
    let plan = Plan { share: Some([1; 32]), total: AMOUNT + 1, ..Plan::of(AMOUNT) };
    let command = row.command(2, plan, &part_secret(&[3; 32], 0));
    let request = row.world.command(0, command);
    let target = row.world.clients[2].session.public_key();
    row.world.submit(0, Command::GiveUp { target, payment: payment_id(1) });
    request
}

/// The target goes away for good with the secret in its hands unsaid; the lock to it ends.
fn ends(row: &mut Row) -> RequestId {
    let plan = Plan { share: Some([1; 32]), total: AMOUNT + 1, ..Plan::of(AMOUNT) };
    let command = row.command(2, plan, &part_secret(&[3; 32], 0));
    let request = row.world.command(0, command);
    row.world.set_online(2, false);
    row.world.run();
    pass(row, LIFE + 5);
    row.world.set_online(2, true);
    request
}

fn pass(row: &mut Row, seconds: Timestamp) {
    for _ in 0..seconds.div_ceil(5) {
        row.world.wait(4);
        row.world.mine(1);
    }
}

/// Delivers everything; the message with this number meets the fault. Tells what it was, and by whom.
fn deliver(row: &mut Row, number: usize, fault: Fault) -> Option<(usize, Message)> {
    let (mut seen, mut hit, mut late) = (0, None, None);
    let begun = row.world.now;
    loop {
        let mut idle = true;
        for client in 0..row.world.clients.len() {
            if !row.world.clients[client].inputs.is_empty() {
                row.world.step(client, None);
                idle = false;
            }
        }
        for pair in row.world.wire.keys().copied().collect::<Vec<_>>() {
            let Some(frame) = row.world.wire.get_mut(&pair).and_then(|frames| frames.pop_front()) else { continue };
            idle = false;
            let frames = row.world.wire.entry(pair).or_default();
            let is_it = seen == number;
            seen += 1;
            if !is_it {
                frames.push_front(frame);
            } else {
                hit = Message::from_bytes(&frame.2).ok().map(|message| (pair.0, message));
                match fault {
                    Fault::None => frames.push_front(frame),
                    Fault::Lost => continue,
                    Fault::Doubled => {
                        frames.push_front(frame.clone());
                        frames.push_front(frame);
                    }
                    Fault::Overtaken => frames.push_back(frame),
                    Fault::At(_) => {
                        late = Some((pair, frame));
                        continue;
                    }
                }
            }
            row.world.deliver(pair.0, pair.1);
        }
        if idle {
            break;
        }
    }
    if let (Fault::At(second), Some((pair, frame))) = (fault, late) {
        let until = begun + second;
        while row.world.now + 5 <= until {
            pass(row, 5);
        }
        row.world.wait(until.saturating_sub(row.world.now));
        row.world.wire.entry(pair).or_default().push_front(frame);
        row.world.run();
    }
    hit
}

fn live(scenario: Scenario, number: usize, fault: Fault) -> Option<(usize, Message)> {
    let mut row = Row::new(CLIENTS, 1_000);
    assert_eq!(row.world.clients[0].config.locks.margin, MARGIN);
    let request = scenario(&mut row);
    let hit = deliver(&mut row, number, fault);
    pass(&mut row, 2 * LIFE);
    row.world.mine(2 * CONFIRMATIONS);
    pass(&mut row, 60);
    let what = format!("{fault:?} of message {number}, {hit:?}");
    assert_eq!(row.locked(), 0, "something stays locked: {what}");
    assert!(row.world.clients.iter().all(|client| client.engine.transfers_under_way() == 0), "{what}");
    let received = row.received(2);
    let paid = match row.world.clients[0].replies.get(&request) {
        Some(Ok(_)) => AMOUNT as i128,
        Some(Err(_)) => 0,
        None => panic!("no answer: {what}"),
    };
    assert_eq!(received, usize::from(paid > 0), "{what}");
    assert_eq!(row.settle_all(), vec![-paid, 0, paid], "{what}");
    hit
}

/// Every message of a scenario meets every fault. Returns what was met.
fn everything(scenario: Scenario) -> Vec<(usize, Message)> {
    let ends = [LIFE - MARGIN, LIFE];
    let late = ends.into_iter().flat_map(|end| [end - 1, end, end + 1]).map(Fault::At);
    let faults: Vec<Fault> = [Fault::Lost, Fault::Doubled, Fault::Overtaken].into_iter().chain(late).collect();
    let mut met = Vec::new();
    for number in 0.. {
        let Some(hit) = live(scenario, number, Fault::None) else { break };
        for fault in &faults {
            live(scenario, number, *fault);
        }
        met.push(hit);
    }
    met
}

fn by_all(met: &[(usize, Message)], roles: &[usize], is: fn(&Message) -> bool) {
    for role in roles {
        assert!(
            met.iter().any(|(from, message)| from == role && is(message)),
            "{role} said nothing of the kind: {met:?}"
        );
    }
}

#[test]
fn a_payment_whose_secret_is_asked_for() {
    let met = everything(asks_for_the_secret);
    by_all(&met, &[0, 1], |message| matches!(message, Message::Update(_)));
    by_all(&met, &[1, 2], |message| matches!(message, Message::Reveal { .. }));
    by_all(&met, &[0, 1, 2], |message| {
        matches!(message, Message::Ack { .. } | Message::RequestSecret { .. } | Message::TellSecret { .. })
    });
    by_all(&met, &[2], |message| matches!(message, Message::RequestSecret { .. }));
    by_all(&met, &[0], |message| matches!(message, Message::TellSecret { .. }));
}

#[test]
fn a_payment_that_brings_its_secret() {
    let met = everything(brings_the_secret);
    by_all(&met, &[1, 2], |message| matches!(message, Message::Ack { .. }));
}

#[test]
fn a_payment_that_the_target_refuses() {
    let met = everything(is_refused);
    by_all(&met, &[1, 2], |message| matches!(message, Message::RefuseLock { .. }));
    by_all(&met, &[1, 2], |message| matches!(message, Message::Ack { acceptance: Some(_), .. }));
}

#[test]
fn a_payment_that_is_given_up() {
    let met = everything(is_given_up);
    by_all(&met, &[0], |message| matches!(message, Message::GiveUp { .. }));
}

#[test]
fn a_payment_whose_locks_end() {
    let met = everything(ends);
    by_all(&met, &[1, 2], |message| matches!(message, Message::Resume(_)));
}
