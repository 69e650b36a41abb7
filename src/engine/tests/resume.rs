//! Coming back: behind, equal and ahead, in both directions, and after losing everything.

use super::judge::Call;
use super::world::World;
use crate::engine::{CloseMode, Event, Flow, Status};
use crate::protocol::{Amount, Message, Nonce, Resume};

#[test]
fn whoever_was_cut_off_catches_up_in_either_direction() {
    // What gets lost: nothing, the updates, or the acknowledgements; of either side.
    for (payer, lost) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let (mut world, id) = World::open([100, 100]);
        let payee = 1 - payer;
        let requests: Vec<_> = (0..3)
            .map(|_| {
                let command = world.payment(id, 10);
                let request = world.submit(payer, command);
                world.step(payer, None);
                request
            })
            .collect();
        if lost == 1 {
            world.drop_all();
        }
        if lost == 2 {
            while world.deliver(payer, payee) {
                world.step(payee, None);
            }
            world.drop_all();
        }
        world.set_online(payer, false);
        world.run();
        world.set_online(payer, true);
        world.wait(5);
        assert!(requests.iter().all(|request| world.clients[payer].is_ok(*request)), "{payer} {lost}");
        assert_eq!(world.balance(payee, id), 130);
        assert_eq!(world.clients[payee].stored_updates(id, Flow::Received).len(), 3);
    }
}

#[test]
fn a_lost_update_is_noticed_without_a_reconnection() {
    let (mut world, id) = World::open([100, 100]);
    let command = world.payment(id, 10);
    world.submit(0, command);
    world.step(0, None);
    world.drop_all();
    world.pay(0, id, 10);
    assert_eq!(world.balance(1, id), 120, "the gap is asked about at once");
    let command = world.payment(id, 10);
    world.submit(0, command);
    world.step(0, None);
    world.drop_all();
    world.wait(15);
    assert_eq!(world.balance(1, id), 130, "silence is asked about in time");
}

fn wiped_payer(authorize: bool, clients: u8) {
    let (mut world, id) = World::open([100, 100]);
    let (payer, payee) = if authorize { (1, 0) } else { (0, 1) };
    world.pay(payer, id, 30);
    world.pay(payee, id, 5);
    world.wipe(payer, clients);
    if !authorize {
        // The new key is delegated by a transaction; the old one was delegated by the opening.
        let (wallet, key) = (world.clients[payer].address(), world.clients[payer].session.public_key().address());
        world.judge.submit(wallet, Call::Delegate { key, until: world.now + 1_000_000 }).unwrap();
        world.mine(5);
    } else {
        world.authorize(payer);
    }
    world.wait(40);
    let recovered = |event: &Event| matches!(event, Event::Recovered { .. });
    assert!(world.clients[payer].events.iter().any(recovered), "{:?}", world.view(payer, id));
    assert_eq!(world.balance(payer, id), 75);
    assert_eq!(world.view(payer, id).ours.nonce, Nonce::new(1).unwrap());
    let request = world.pay(payer, id, 75);
    assert!(world.clients[payer].is_ok(request));
    assert_eq!((world.balance(payer, id), world.balance(payee, id)), (0, 200));
    // And the other way: the payee of before pays, and its partner's proofs are all there.
    let back = world.pay(payee, id, 200);
    assert!(world.clients[payee].is_ok(back));
    let close = world.close(payer, id, CloseMode::Unilateral);
    world.mine(5);
    assert!(world.clients[payer].is_ok(close));
    world.mine_after(2_000);
    let operation = world.operation();
    world.command(payer, crate::engine::Command::Settle { operation, channel: id, force: false });
    world.mine(5);
    assert_eq!(world.judge.gain(world.clients[payer].address()), 100);
}

#[test]
fn a_wiped_payer_recovers_from_its_payee_and_pays_on_with_a_delegated_key() {
    wiped_payer(false, 77);
}

#[test]
fn a_wiped_payer_recovers_from_its_payee_and_pays_on_with_a_granted_key() {
    wiped_payer(true, 77);
}

#[test]
fn a_wiped_payee_is_shown_what_it_was_paid() {
    let (mut world, id) = World::open([100, 100]);
    world.pay(0, id, 30);
    world.pay(1, id, 10);
    world.wipe(1, 77);
    world.authorize(1);
    world.wait(40);
    assert_eq!(world.balance(1, id), 120);
    let request = world.pay(0, id, 1);
    assert!(world.clients[0].is_ok(request));
    let request = world.pay(1, id, 121);
    assert!(world.clients[1].is_ok(request));
}

#[test]
fn both_lose_everything_one_after_the_other() {
    let (mut world, id) = World::open([100, 100]);
    world.pay(0, id, 30);
    world.pay(1, id, 10);
    for (client, seed) in [(0, 70), (1, 71), (0, 72)] {
        world.wipe(client, seed);
        world.authorize(client);
        world.wait(40);
        assert_eq!((world.balance(0, id), world.balance(1, id)), (80, 120), "after wiping {client}");
    }
    let there = world.pay(0, id, 80);
    assert!(world.clients[0].is_ok(there));
    let back = world.pay(1, id, 200);
    assert!(world.clients[1].is_ok(back));
}

#[test]
fn a_client_that_is_behind_signs_and_closes_nothing() {
    let (mut world, id) = World::open([100, 100]);
    world.pay(0, id, 30);
    world.set_online(1, false);
    world.wipe(0, 77);
    world.authorize(0);
    world.mine(5);
    let request = world.pay(0, id, 1);
    world.wait(5);
    assert!(!world.clients[0].replies.contains_key(&request), "it waits");
    assert_eq!(world.clients[0].stored_updates(id, Flow::Sent).len(), 0);
    let close = world.close(0, id, CloseMode::Unilateral);
    assert_eq!(world.clients[0].error(close).code(), "STATE_BEHIND");
    world.set_online(1, true);
    world.wait(40);
    assert_eq!(world.balance(0, id), 70);
}

#[test]
fn a_channel_opened_here_closes_alone_though_the_partner_never_came() {
    let mut world = World::new(2);
    world.set_online(1, false);
    let id = world.open_channel(0, 1, 100);
    let close = world.close(0, id, CloseMode::Unilateral);
    world.mine(5);
    assert!(world.clients[0].is_ok(close));
}

fn shown(world: &World, client: usize, id: crate::protocol::ChannelId) -> Resume {
    let record = world.clients[client].stored_channel(id).unwrap();
    Resume {
        key: record.key,
        sent: record.sent.signed,
        received: record.received.signed,
        received_grant: record.received.grant,
        resend_from: Nonce::MAX,
        reply: true,
        sent_locks: Vec::new(),
        received_locks: Vec::new(),
        last_lock: 0,
        acceptance: None,
    }
}

#[test]
fn a_conflicting_proof_stops_the_channel() {
    let (mut world, id) = World::open([100, 100]);
    world.pay(0, id, 30);
    let mut resume = shown(&world, 1, id);
    resume.received.as_mut().unwrap().proof.transferred = Amount::new(31);
    world.inject(1, 0, Message::Resume(Box::new(resume)));
    world.run();
    let view = world.view(0, id);
    assert_eq!(view.status, Status::Stopped);
    assert!(view.error.unwrap().contains("another proof of ours"));
    let request = world.pay(0, id, 1);
    assert_eq!(world.clients[0].error(request).code(), "CHANNEL_STOPPED");
    world.restart(0);
    world.wait(5);
    assert_eq!(world.view(0, id).status, Status::Stopped, "it stays so");
}

#[test]
fn a_conflicting_proof_under_an_unacknowledged_number_stops_the_channel() {
    let (mut world, id) = World::open([100, 100]);
    world.pay(0, id, 30);
    let old = shown(&world, 1, id);
    for _ in 0..2 {
        let command = world.payment(id, 1);
        world.submit(0, command);
        world.step(0, None);
    }
    world.drop_all();
    let mut resume = old;
    let proof = &mut resume.received.as_mut().unwrap().proof;
    (proof.nonce, proof.transferred) = (Nonce::new(2).unwrap(), Amount::new(99));
    world.inject(1, 0, Message::Resume(Box::new(resume)));
    world.step(0, None);
    assert_eq!(world.view(0, id).status, Status::Stopped);
}

#[test]
fn a_newer_proof_that_is_not_ours_stops_the_channel() {
    let (mut world, id) = World::open([100, 100]);
    world.pay(0, id, 30);
    let mut resume = shown(&world, 1, id);
    let stranger = crate::protocol::SessionKey::from_bytes(&[99; 32]).unwrap();
    let held = resume.received.as_mut().unwrap();
    held.proof.nonce = Nonce::new(9).unwrap();
    held.signature = stranger.sign(held.proof.digest(&world.judge.domain)).unwrap();
    held.signer = stranger.public_key();
    // The Judge is asked about the key first: an older client of the same wallet may have made it.
    for _ in 0..2 {
        world.inject(1, 0, Message::Resume(Box::new(resume.clone())));
        world.run();
    }
    assert_eq!(world.view(0, id).status, Status::Stopped);
}

#[test]
fn a_wiped_payee_is_not_paid_again_under_numbers_that_the_judge_holds() {
    let (mut world, id) = World::open([100, 0]);
    for _ in 0..3 {
        world.pay(0, id, 10);
    }
    // The payee has brought the newest proof while the channel is open; then it loses everything.
    let record = world.clients[1].stored_channel(id).unwrap();
    let call = crate::protocol::JudgeCall::Update {
        key: record.key,
        proof: record.received.signed.unwrap(),
        grants: vec![],
        acceptance: None,
    };
    world.judge.submit(world.clients[1].address(), Call::Judge(call)).unwrap();
    world.mine(5);
    world.set_online(0, false);
    world.wipe(1, 77);
    world.authorize(1);
    world.mine(5);
    let view = world.view(1, id);
    assert_eq!((view.theirs.nonce, view.theirs.transferred), (Nonce::new(3).unwrap(), Amount::new(30)));
    world.set_online(0, true);
    world.wait(40);
    let request = world.pay(0, id, 10);
    assert!(world.clients[0].is_ok(request));
    assert_eq!(world.balance(1, id), 40);
    // Nor does a wiped payer forget what the Judge knows of it, even before the partner speaks.
    world.set_online(1, false);
    world.wipe(0, 78);
    world.authorize(0);
    world.mine(5);
    assert_eq!(world.view(0, id).ours.transferred, Amount::new(30));
    world.restart(0);
    world.mine(1);
    assert_eq!(world.view(0, id).ours.transferred, Amount::new(30));
}
