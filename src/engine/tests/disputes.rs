//! Closing alone and together: what must be brought to the Judge is brought, and nobody signs who may be behind.

use super::client::Wallet;
use super::judge::Call;
use super::world::{CHALLENGE, CONFIRMATIONS, World};
use crate::engine::{Action, CloseMode, EngineError, Event};
use crate::protocol::{
    Amount, ChannelId, CloseRequest, Direction, Hello, JudgeCall, Message, Nonce, Resume, SessionKey, SignedProof,
    WithdrawRequest,
};

/// The numbers of the proofs that a client's wallet was asked to bring.
fn brought(world: &World, client: usize) -> Vec<u64> {
    let updates = world.clients[client].asked.iter().filter_map(|call| match call {
        JudgeCall::Update { proof, .. } => Some(proof.proof.nonce.get()),
        _ => None,
    });
    updates.collect()
}

fn told_to_respond(world: &World, client: usize) -> usize {
    let told = |event: &&Event| matches!(event, Event::ActionRequired { action: Action::Respond, .. });
    world.clients[client].events.iter().filter(told).count()
}

/// Closes without any proof: what a cheat does.
fn cheat(world: &mut World, id: ChannelId) {
    let key = world.view(0, id).key;
    let call = JudgeCall::Close { key, proof: None, grant: None };
    world.judge.submit(world.clients[0].address(), Call::Judge(call)).unwrap();
    world.mine(1);
}

#[test]
fn an_answer_that_a_reorg_took_away_is_brought_again() {
    let (mut world, id) = World::open([100, 0]);
    world.pay(0, id, 30);
    cheat(&mut world, id);
    world.mine(1);
    assert_eq!(brought(&world, 1), [1]);
    world.judge.reorg(1, false);
    world.mine(2);
    assert_eq!(brought(&world, 1), [1, 1]);
    world.mine(5);
    assert_eq!(brought(&world, 1), [1, 1]);
    assert_eq!(world.judge.channel(id).unwrap().side(world.clients[0].address()).nonce, 1);
}

#[test]
fn a_proof_found_during_a_close_is_brought_too() {
    let (mut world, id) = World::open([100, 0]);
    world.pay(0, id, 30);
    cheat(&mut world, id);
    world.mine(2);
    let direction = Direction { nonce: Nonce::new(7).unwrap(), transferred: Amount::new(50), ..Direction::default() };
    let proof = direction.proof(id, world.clients[0].address(), &[]);
    let signature = world.clients[0].session.sign(proof.digest(&world.judge.domain)).unwrap();
    let signer = world.clients[0].session.public_key();
    let resume = Resume {
        key: world.view(0, id).key,
        sent: Some(SignedProof { proof, signature, signer }),
        received: None,
        received_grant: None,
        resend_from: Nonce::MAX,
        reply: true,
        sent_locks: Vec::new(),
        received_locks: Vec::new(),
        last_lock: 0,
        acceptance: None,
    };
    world.inject(0, 1, Message::Resume(Box::new(resume)));
    world.run();
    world.mine(2);
    assert_eq!(brought(&world, 1), [1, 7]);
}

#[test]
fn a_close_is_answered_though_the_same_proof_was_declined_before() {
    let (mut world, id) = World::open([100, 0]);
    world.pay(0, id, 30);
    world.clients[1].wallet = Wallet::Rejects;
    // The payer's key ends soon: the proof should be brought before.
    world.mine_after(30 * 24 * 3_600 - CHALLENGE);
    assert_eq!((brought(&world, 1), told_to_respond(&world, 1)), (vec![1], 1), "a person is asked once");
    world.clients[1].wallet = Wallet::Approves;
    cheat(&mut world, id);
    assert_eq!((brought(&world, 1), told_to_respond(&world, 1)), (vec![1, 1], 2));
}

#[test]
fn an_answer_survives_an_endpoint_that_fails_for_a_moment() {
    let (mut world, id) = World::open([100, 0]);
    world.pay(0, id, 30);
    world.clients[1].wallet = Wallet::Fails;
    cheat(&mut world, id);
    world.mine(1);
    assert_eq!(told_to_respond(&world, 1), 1, "the person is told once");
    world.clients[1].wallet = Wallet::Approves;
    world.mine(2);
    assert_eq!(world.judge.channel(id).unwrap().side(world.clients[0].address()).nonce, 1);
}

#[test]
fn whoever_has_not_compared_states_signs_neither_close_nor_withdrawal() {
    let (mut world, id) = World::open([100, 0]);
    world.pay(0, id, 30);
    let (sent, received) = (Nonce::new(1).unwrap(), Nonce::ZERO);
    let deadline = world.now + 300;
    let (ours, theirs) = (Amount::new(70), Amount::new(30));
    let is_a = world.view(0, id).key.a == world.clients[0].address();
    let (balance_a, balance_b) = if is_a { (ours, theirs) } else { (theirs, ours) };
    let close = Message::CloseRequest(CloseRequest { channel: id, balance_a, balance_b, deadline, sent, received });
    let withdraw = Message::WithdrawRequest(WithdrawRequest { channel: id, total: Amount::new(70), deadline });
    let signed =
        |world: &World| world.count(|message| matches!(message, Message::CloseAccept(_) | Message::WithdrawAccept(_)));
    world.restart(1);
    world.step(1, None);
    let stored = world.clients[1].everything();
    // Greeted, and not compared yet.
    let hello = Hello {
        wallet: world.clients[0].address(),
        chain_id: 31_337,
        judge: world.judge.domain.judge(),
        grant: None,
        reply: false,
    };
    for message in [Message::Hello(hello), close.clone(), withdraw.clone()] {
        world.inject(0, 1, message);
        world.step(1, None);
    }
    world.step(1, None);
    assert_eq!((signed(&world), world.clients[1].everything()), (0, stored));
    world.wait(40);
    world.inject(0, 1, close);
    world.run();
    assert_eq!(signed(&world), 1, "the same request is fine once both have compared");
}

#[test]
fn a_clock_that_was_set_back_stops_nothing() {
    let (mut world, id) = World::open([100, 0]);
    world.set_online(1, false);
    world.wait(40);
    let waits = world.pay(0, id, 10);
    world.now -= 30 * 24 * 3_600;
    world.set_online(1, true);
    world.wait(40);
    assert!(world.clients[0].is_ok(waits), "{:?}", world.view(0, id));
    world.set_online(1, false);
    world.run();
    let close = world.close(0, id, CloseMode::Auto);
    world.now -= 24 * 3_600;
    world.wait(25);
    world.mine(5);
    assert!(world.clients[0].is_ok(close));
}

#[test]
fn strangers_in_a_partners_name_fill_no_memory() {
    let (mut world, _) = World::open([100, 0]);
    let (wallet, judge) = (world.clients[0].address(), world.judge.domain.judge());
    for number in 1..2_000_u16 {
        let mut secret = [9; 32];
        secret[..2].copy_from_slice(&number.to_be_bytes());
        let from = SessionKey::from_bytes(&secret).unwrap().public_key();
        let message = Message::Hello(Hello { wallet, chain_id: 31_337, judge, grant: None, reply: false });
        world.clients[1].inputs.push_back(crate::engine::Input::Message { from, message });
        world.run();
    }
    let remembered = world.clients[1].engine.peers.remembered();
    assert!(remembered < 100, "{remembered}");
}

#[test]
fn a_withdrawal_that_the_wallet_did_not_send_is_brought_when_asked_for_again() {
    let (mut world, id) = World::open([100, 0]);
    world.clients[0].wallet = Wallet::Rejects;
    let rejected = world.withdraw(0, id, 30);
    assert_eq!(world.clients[0].error(rejected).code(), "USER_REJECTED");
    world.clients[0].wallet = Wallet::Approves;
    let other = world.withdraw(0, id, 31);
    assert_eq!(*world.clients[0].error(other), EngineError::Busy, "the partner counts on the signed one");
    let asked = world.count(|message| matches!(message, Message::WithdrawRequest(_)));
    let again = world.withdraw(0, id, 30);
    world.mine(CONFIRMATIONS);
    assert!(world.clients[0].is_ok(again));
    assert_eq!(world.judge.channel(id).unwrap().side(world.clients[0].address()).withdrawn, 30);
    assert_eq!(world.count(|message| matches!(message, Message::WithdrawRequest(_))), asked, "nobody signs twice");
    assert_eq!(world.balance(0, id), 70);
}
