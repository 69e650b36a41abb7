//! How much goes over the wire for payments over locks: frames, as the node bundles them, and rounds.

use super::locks::{Plan, Row};
use super::world::CONFIRMATIONS;
use crate::engine::EngineError;
use crate::protocol::{Amount, LockRefusal, Message, Secret, part_secret};

/// The frames of one payment over so many mediators.
fn frames(mediators: usize, share: Option<[u8; 32]>) -> usize {
    let to = mediators + 1;
    let mut row = Row::new(u8::try_from(to + 1).unwrap(), 1_000);
    let before = row.world.sent.len();
    let request = row.pay(to, Plan { share, ..Plan::of(100) });
    // What waits for the next message leaves with the next tick.
    row.world.wait(2);
    assert!(row.world.clients[0].is_ok(request));
    let sent = &row.world.sent[before..];
    let is = |wanted: fn(&Message) -> bool| sent.iter().filter(|(_, message)| wanted(message)).count();
    assert_eq!(is(|message| matches!(message, Message::Update(_))), 2 * to);
    assert_eq!(is(|message| matches!(message, Message::Reveal { .. })), to);
    // Of the acknowledgements, those for the locks travel with what shows the secret.
    assert_eq!(is(|message| matches!(message, Message::Ack { .. })), 2 * to);
    row.world.frames_since(before)
}

#[test]
fn a_payment_costs_four_frames_a_hop_and_two_more_when_the_secret_is_asked_for() {
    for mediators in 1..=4 {
        let fast = frames(mediators, Some([77; 32]));
        let asked = frames(mediators, None);
        println!("{mediators} mediators: {fast} frames, {asked} with a request for the secret");
        assert!(fast <= 4 * (mediators + 1), "{mediators} mediators: {fast}");
        assert!(asked <= 4 * (mediators + 1) + 2, "{mediators} mediators: {asked}");
    }
}

#[test]
fn payments_in_flight_share_their_frames() {
    const PAYMENTS: usize = 100;
    for mediators in 1..=4 {
        let to = mediators + 1;
        let mut row = Row::new(u8::try_from(to + 1).unwrap(), 10_000);
        let before = row.world.sent.len();
        let mut requests = Vec::new();
        for payment in 1..=100_u8 {
            let command = row.single(to, Plan { payment: payment.into(), share: Some([payment; 32]), ..Plan::of(10) });
            requests.push(row.world.submit(0, command));
        }
        row.world.run();
        row.world.wait(2);
        assert!(requests.iter().all(|request| row.world.clients[0].is_ok(*request)));
        let frames = row.world.frames_since(before);
        println!("{mediators} mediators, {PAYMENTS} in flight: {frames} frames");
        assert!(frames < 2 * (mediators + 1) * PAYMENTS, "{mediators} mediators: {frames}");
    }
}

/// Everybody handles what has arrived, and then all of what was said arrives: as often as something was said.
fn rounds(row: &mut Row) -> usize {
    for round in 0..100 {
        for client in 0..row.world.clients.len() {
            if !row.world.clients[client].inputs.is_empty() {
                row.world.step(client, None);
            }
        }
        let mut said = false;
        for (from, to) in row.world.wire.keys().copied().collect::<Vec<_>>() {
            while row.world.deliver(from, to) {
                said = true;
            }
        }
        if !said {
            return round;
        }
    }
    panic!("it never ends");
}

#[test]
fn a_failed_payment_over_four_hops_is_free_after_some_rounds_and_goes_another_way() {
    let mut row = Row::new(5, 1_000);
    // The other way around the last mediator.
    let other = row.world.open_channel(2, 4, 500);
    row.world.mine(CONFIRMATIONS);
    row.world.wait(31);
    let (last, rest) = (row.channels[3], 10);
    let all = row.world.balance(3, last);
    row.world.pay(3, last, all - rest);
    let (before, now) = (row.all_funds(), row.world.now);

    let command = row.command(4, Plan::of(100), &part_secret(&[77; 32], 0));
    let request = row.world.submit(0, command);
    let elapsed = rounds(&mut row);
    println!("refused by the fourth of five accounts: all locks are free after {elapsed} rounds");
    assert_eq!(*row.world.clients[0].error(request), EngineError::LockRefused(LockRefusal::NoCapacity));
    assert_eq!((row.locked(), row.all_funds(), row.world.now), (0, before.clone(), now));
    // A round for each of three hops on the way there; refusal, cancel and countersignature for each on the way back.
    assert!(elapsed <= 4 * 3, "{elapsed}");

    let again = Plan { part: 1, ..Plan::of(100) };
    let channel = row.channels[0];
    let command = row.along(&[0, 1, 2, 4], channel, again, &part_secret(&[77; 32], 1));
    let request = row.world.submit(0, command);
    println!("paid over the second way after {} rounds", rounds(&mut row));
    assert!(row.world.clients[0].is_ok(request), "{:?}", row.world.clients[0].replies.get(&request));
    assert_eq!(row.world.view(2, other).ours.transferred, Amount::new(100));
    assert_eq!((row.all_funds()[0], row.all_funds()[4]), (before[0] - 100, before[4] + 100));
    row.world.wait(2);
    assert_eq!(row.locked(), 0);
}

/// A mediator that lets the lock to it go before its own is countersigned away would pay twice: its partner says no, keeps
/// the older proof, and claims by it with the secret that the payer told it.
#[test]
fn who_cancels_and_then_claims_by_an_older_proof_takes_nothing_from_a_mediator() {
    for countersigns in [false, true] {
        let mut row = Row::new(3, 1_000);
        let secret = Secret([1; 32]);
        let command = row.command(2, Plan { share: Some([9; 32]), total: 150, ..Plan::of(100) }, &secret);
        row.world.command(0, command);
        let (first, last) = (row.channels[0], row.channels[1]);
        let old = row.world.clients[2].stored_channel(last).unwrap().received.signed.unwrap();
        assert_eq!(old.proof.locked, Amount::new(100));
        row.world.inject(2, 1, Message::RefuseLock { channel: last, lock: 1, reason: LockRefusal::NoRoute });
        if countersigns {
            // As an honest client that was told to would do it.
            row.world.clients[2].config.locks.dust = Amount::new(1_000);
            row.world.restart(2);
            row.world.run();
            row.world.wait(3);
            assert_eq!(row.world.view(0, first).ours.locked.get(), 0, "let go all the way");
        } else {
            row.world.step(1, None);
            row.world.wire.remove(&(1, 2));
            row.world.set_online(2, false);
            row.world.run();
            assert_eq!(row.world.view(0, first).ours.locked.get(), 100, "kept until it is surely gone");
        }
        // The partner goes to the Judge with the older proof, and the secret is registered in time.
        let (from, key) = (row.world.clients[2].address(), row.world.view(2, last).key);
        for call in [
            crate::protocol::JudgeCall::RegisterSecrets { secrets: vec![secret] },
            crate::protocol::JudgeCall::Close { key, proof: Some(old), grant: None },
        ] {
            row.world.judge.submit(from, super::judge::Call::Judge(call)).unwrap();
        }
        row.world.mine(2 * CONFIRMATIONS);
        row.world.wait(2);
        row.world.mine(2 * CONFIRMATIONS);
        let gains = row.settle_all();
        assert!(gains[1] >= 0, "{countersigns}: {gains:?}");
        assert_eq!(gains.iter().sum::<i128>(), 0);
    }
}
