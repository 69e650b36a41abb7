//! Killing either side at any step of a payment.

use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

use super::client::Crash;
use super::world::World;
use crate::engine::{EngineError, Flow};

/// Steps of both clients after which a payment each way is surely through.
const STEPS: usize = 12;

#[test]
fn killing_either_side_at_any_step_of_a_payment_loses_nothing() {
    let crash = prop_oneof![Just(Crash::BeforeCommit), (0..3_usize).prop_map(Crash::After)];
    let kill = (0..2_usize, 0..2_usize, 0..STEPS, crash, any::<bool>());
    let mut runner = TestRunner::new(Cases { failure_persistence: None, ..Cases::with_cases(200) });
    // One channel lives through all of it.
    let world = std::cell::RefCell::new(World::open([1_000_000, 1_000_000]));
    let outcome = runner.run(&kill, |(payer, victim, at, crash, both)| {
        let (world, id) = &mut *world.borrow_mut();
        let paid = |world: &World, client: usize| world.view(client, *id).ours.transferred.get();
        let before = [paid(world, 0), paid(world, 1)];
        let mut requests = Vec::new();
        for who in if both { vec![payer, 1 - payer] } else { vec![payer] } {
            let command = world.payment(*id, 7);
            requests.push((who, world.submit(who, command)));
        }
        for step in 0..STEPS {
            let who = step % 2;
            let victim = (step / 2 == at / 2 && who == victim).then_some(crash);
            world.step(who, victim);
            while world.deliver(who, 1 - who) {}
            world.check_signatures();
        }
        world.wait(40);
        prop_assert!(world.view(0, *id).ready && world.view(1, *id).ready);
        let after = [paid(world, 0), paid(world, 1)];
        for (who, request) in requests {
            let moved = after[who] - before[who];
            prop_assert!(moved == 0 || moved == 7);
            match world.clients[who].replies.get(&request) {
                Some(Ok(_)) => prop_assert_eq!(moved, 7, "what was called settled is paid"),
                Some(Err(error)) => prop_assert!(matches!(error, EngineError::NotAuthorized), "{error}"),
                None => prop_assert!(who == victim, "only who died has no answer"),
            }
        }
        for who in 0..2 {
            prop_assert_eq!(world.view(who, *id).ours, world.view(1 - who, *id).theirs);
            let (sent, received) = (Flow::Sent, Flow::Received);
            let sent = world.clients[who].stored_updates(*id, sent);
            prop_assert_eq!(sent.len(), world.clients[1 - who].stored_updates(*id, received).len());
        }
        prop_assert_eq!(world.balance(0, *id) + world.balance(1, *id), 2_000_000);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}\n{runner}");
    }
}
