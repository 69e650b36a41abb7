//! Opening and paying.

use super::world::World;
use crate::protocol::Message;

#[test]
fn a_channel_opens_and_pays_both_ways() {
    let (mut world, id) = World::open([100, 50]);
    let there = world.pay(0, id, 30);
    let back = world.pay(1, id, 70);
    assert!(world.clients[0].is_ok(there) && world.clients[1].is_ok(back));
    assert_eq!((world.balance(0, id), world.balance(1, id)), (140, 10));
}

#[test]
fn one_payment_is_one_update_and_one_ack() {
    let (mut world, id) = World::open([100, 0]);
    world.sent.clear();
    world.pay(0, id, 1);
    assert_eq!(world.sent.len(), 2);
    assert!(matches!(world.sent[0], (0, Message::Update(_))));
    assert!(matches!(world.sent[1], (1, Message::Ack { .. })));
}
