//! Payments over the network: along a row of accounts, around who refuses, in parts, and not at all.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::net::{Net, payment, wallet};
use super::run;
use crate::engine::{Command, EngineError, Flow, PaymentStatus, PaymentView, TransferEvent};
use crate::engine::{Event, Reply};
use crate::node::{Limits, NodeError, NodeEvent, Payment, PaymentQuery};
use crate::protocol::{Address, Amount, LockRefusal, Memo, Message, PaymentId};

const ROW: [(u8, u8); 3] = [(0, 1), (1, 2), (2, 3)];
/// Two ways from client 0 to client 3.
const DIAMOND: [(u8, u8); 4] = [(0, 1), (1, 3), (0, 2), (2, 3)];

async fn list(net: &Net, client: usize) -> Vec<PaymentView> {
    net.nodes[client].payments(&PaymentQuery { channel: None, limit: 100, before: None }).await.unwrap()
}

async fn refuse(net: &Net, client: usize, on: bool) {
    assert_eq!(net.nodes[client].command(Command::RefuseLocks { on }).await, Ok(Reply::Done));
}

#[test]
fn a_row_of_four_pays_along_with_fees_to_the_unit() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let memo = Some(Memo::new("tea").unwrap());
        let paid = net.nodes[0].pay(Payment { memo, ..payment(1, 3, 100) }).await.unwrap();
        net.quiet().await;
        assert_eq!(net.gains().await, [-106, 3, 3, 100]);
        assert_eq!(
            (paid.status.clone(), paid.amount, paid.fee),
            (PaymentStatus::Settled, Amount::new(100), Amount::new(6))
        );
        assert_eq!((paid.channel, paid.partner, paid.memo.as_deref()), (None, wallet(3), Some("tea")));
        let statuses: Vec<_> = net.payments(0).iter().map(|view| view.status.clone()).collect();
        assert_eq!(statuses, [PaymentStatus::Sent, PaymentStatus::Settled]);
        assert_eq!(list(&net, 0).await, [paid]);
        let received = list(&net, 3).await;
        assert_eq!(received, net.payments(3));
        let [view] = received.as_slice() else { panic!("one payment: {received:?}") };
        assert_eq!((view.flow, view.partner, view.amount), (Flow::Received, wallet(0), Amount::new(100)));
        assert_eq!(list(&net, 1).await, [], "it was not the mediator's");
        let passed = net.told(1, |event| match event {
            NodeEvent::Engine(Event::Transfer(TransferEvent::Forwarded { amount, fee, from, to, .. })) => {
                Some((*from, *to, *amount, *fee))
            }
            _ => None,
        });
        let ids = [net.channels[0].id(), net.channels[1].id()];
        assert_eq!(passed, [(ids[0], ids[1], Amount::new(103), Amount::new(3))]);
    });
}

#[test]
fn a_partner_is_paid_directly_with_one_update_and_one_acknowledgement() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let sent: Rc<Cell<usize>> = Rc::default();
        let count = Rc::clone(&sent);
        *net.relay.witness.borrow_mut() = Some(Box::new(move |_, _, message| {
            count.set(count.get() + usize::from(!matches!(message, Message::Hello(_) | Message::Resume(_))));
        }));
        let paid = net.nodes[0].pay(payment(1, 1, 1_000)).await.unwrap();
        assert_eq!((paid.channel, paid.fee, sent.get()), (Some(net.channels[0].id()), Amount::ZERO, 2));
        assert_eq!(net.ways(0), [Vec::<Address>::new()]);
        let over_locks = Payment { over_locks: true, ..payment(2, 0, 50) };
        let paid = net.nodes[1].pay(over_locks).await.unwrap();
        assert_eq!((paid.channel, paid.fee, paid.amount), (None, Amount::ZERO, Amount::new(50)));
        net.quiet().await;
        assert_eq!(net.gains().await, [-950, 950, 0, 0]);
        let all = list(&net, 1).await;
        assert_eq!(all.iter().map(|view| (view.id, view.flow)).collect::<Vec<_>>().len(), 2);
        let older = PaymentQuery { channel: None, limit: 100, before: Some(all[0].id) };
        assert_eq!(net.nodes[1].payments(&older).await.unwrap(), all[1..]);
        let of_channel = PaymentQuery { channel: Some(net.channels[0].id()), limit: 100, before: None };
        assert_eq!(net.nodes[1].payments(&of_channel).await.unwrap().len(), 1);
    });
}

#[test]
fn who_refuses_is_gone_around_and_locks_nothing_up() {
    run(async {
        let net = Net::new(&DIAMOND, 0).await;
        net.quiet().await;
        for refusing in [1, 2] {
            refuse(&net, refusing, true).await;
            let before = net.ways(0).len();
            let began = tokio::time::Instant::now();
            let id = u8::try_from(refusing).unwrap();
            let paid = net.nodes[0].pay(payment(id, 3, 100)).await.unwrap();
            assert_eq!(paid.status, PaymentStatus::Settled);
            assert!(began.elapsed() < Duration::from_secs(1), "no lock was waited for");
            net.quiet().await;
            let other = u8::try_from(3 - refusing).unwrap();
            assert_eq!(net.ways(0).last(), Some(&vec![wallet(other), wallet(3)]));
            assert!(net.ways(0).len() - before <= 2);
            refuse(&net, refusing, false).await;
        }
        assert!(net.ways(0).len() > 2, "one of the two was tried first");
        assert_eq!(net.gains().await, [-200, 0, 0, 200]);
    });
}

#[test]
fn what_no_path_carries_goes_in_parts() {
    run(async {
        let net = Net::new(&DIAMOND, 1).await;
        net.quiet().await;
        let paid = net.nodes[0].pay(payment(1, 3, 1_500)).await.unwrap();
        net.quiet().await;
        assert_eq!((paid.amount, paid.fee), (Amount::new(1_500), Amount::new(2)));
        assert_eq!(net.gains().await, [-1_502, 1, 1, 1_500]);
        assert_eq!(net.ways(0).len(), 2);
        assert_eq!(list(&net, 3).await.len(), 1, "the parts are one payment");
        // What is left is less than one part of it.
        let error = net.nodes[0].pay(payment(2, 3, 600)).await.unwrap_err();
        assert_eq!(error.code(), "INSUFFICIENT_CAPACITY");
    });
}

#[test]
fn with_one_part_failing_for_good_nothing_moves() {
    run(async {
        let net = Net::new(&DIAMOND, 1).await;
        net.quiet().await;
        refuse(&net, 2, true).await;
        let began = tokio::time::Instant::now();
        let error = net.nodes[0].pay(payment(1, 3, 1_500)).await.unwrap_err();
        assert_eq!(error, NodeError::PaymentFailed { reason: Some(LockRefusal::NoRoute) });
        assert!(began.elapsed() < Duration::from_secs(10), "no lock was waited for");
        net.quiet().await;
        assert_eq!(net.gains().await, [0, 0, 0, 0]);
        let statuses: Vec<_> = list(&net, 0).await.into_iter().map(|view| view.status).collect();
        assert!(matches!(statuses.as_slice(), [PaymentStatus::Failed(_)]), "{statuses:?}");
        assert_eq!(net.payments(0).len(), 2, "under way, and its end");
        // Under the same id it may be tried again, and is made once.
        refuse(&net, 2, false).await;
        let again = Payment { again: true, ..payment(1, 3, 1_500) };
        // What was learned of the refusal fades.
        let paid = net.nodes[0].pay(again.clone()).await.unwrap();
        assert_eq!(net.nodes[0].pay(again).await, Ok(paid), "the same again");
        let other = Payment { again: true, ..payment(1, 3, 1) };
        assert_eq!(net.nodes[0].pay(other).await, Err(EngineError::DuplicatePayment.into()));
        net.quiet().await;
        assert_eq!(net.gains().await, [-1_502, 1, 1, 1_500]);
    });
}

#[test]
fn a_quote_says_what_the_payment_then_costs_and_changes_nothing() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let quote = async |to, amount, limits: &Limits| {
            net.nodes[0].quote(wallet(to), Address::ZERO, Amount::new(amount), limits).await
        };
        let limits = Limits::default();
        let direct = quote(1, 10, &limits).await.unwrap();
        assert!(direct.direct && direct.fee.is_zero());
        let routed = quote(3, 10, &limits).await.unwrap();
        assert_eq!((routed.direct, routed.fee, routed.parts.len()), (false, Amount::new(6), 1));
        assert_eq!(routed.parts[0].hops.iter().map(|hop| hop.amount.get()).collect::<Vec<_>>(), [16, 13, 10]);
        let cheap = Limits { max_fee: Amount::new(5), ..Limits::default() };
        let error = NodeError::FeeTooHigh { fee: Amount::new(6), most: Amount::new(5) };
        assert_eq!(quote(3, 10, &cheap).await, Err(error.clone()));
        assert_eq!(net.nodes[0].pay(Payment { limits: cheap, ..payment(1, 3, 10) }).await, Err(error));
        let around = Limits { exclude: vec![wallet(2)], ..Limits::default() };
        assert_eq!(quote(3, 10, &around).await, Err(NodeError::NoRoute));
        assert_eq!(quote(0, 10, &limits).await.unwrap_err().code(), "INVALID_ARGUMENT");
        assert_eq!(quote(3, 0, &limits).await.unwrap_err().code(), "INVALID_ARGUMENT");
        assert_eq!(quote(9, 10, &limits).await, Err(NodeError::NoRoute));
        let wanted =
            Err(EngineError::InsufficientCapacity { wanted: Amount::new(1_001), available: Amount::new(1_000) }.into());
        assert_eq!(quote(3, 1_001, &limits).await, wanted);
        let token = Address::repeat_byte(7);
        let unknown = net.nodes[0].quote(wallet(3), token, Amount::new(1), &limits).await;
        assert_eq!(unknown, Err(EngineError::UnknownChannel.into()));
        for (to, most) in [(1, 1_000), (3, 1_000), (9, 0)] {
            let estimate = net.nodes[0].estimate_capacity(wallet(to), Address::ZERO).await;
            assert_eq!(estimate, Ok(Amount::new(most)));
        }
        assert_eq!((net.gains().await, list(&net, 0).await.len(), net.payments(0).len()), (vec![0; 4], 0, 0));
    });
}

#[test]
fn who_asks_for_the_same_payment_meanwhile_joins_it() {
    run(async {
        let net = Net::new(&ROW, 0).await;
        net.quiet().await;
        let pay = || net.nodes[0].pay(payment(1, 3, 100));
        let other = net.nodes[0].pay(payment(1, 3, 101));
        let (one, two, other) = futures::join!(pay(), pay(), other);
        assert_eq!(
            (one.clone().unwrap().status, other),
            (PaymentStatus::Settled, Err(EngineError::DuplicatePayment.into()))
        );
        assert_eq!(one, two);
        net.quiet().await;
        assert_eq!(net.gain(3).await, 100);
    });
}

#[test]
fn a_payment_is_given_up_while_none_of_it_is_taken() {
    run(async {
        let net = Net::new(&DIAMOND, 0).await;
        net.quiet().await;
        // One part waits at the payee, the other at a mediator whose storage does not answer.
        net.stores[1].faults.stuck.set(true);
        let node = net.nodes[0].clone();
        let pays = node.pay(payment(1, 3, 1_500));
        let cancels = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(node.cancel_payment(PaymentId([1; 16])).await, Ok(false), "not sure yet");
            net.stores[1].faults.stuck.set(false);
        };
        let (paid, ()) = futures::join!(pays, cancels);
        assert_eq!(paid, Err(EngineError::PaymentCancelled.into()));
        net.quiet().await;
        assert_eq!(net.gains().await, [0, 0, 0, 0]);
        assert_eq!(node.cancel_payment(PaymentId([1; 16])).await, Err(EngineError::UnknownPayment.into()));
    });
}

#[test]
fn a_payment_to_a_partner_that_is_away_waits_for_it() {
    run(async {
        let net = Net::new(&ROW, 0).await;
        net.quiet().await;
        net.nodes[1].set_offline(true);
        // Long enough to notice.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let pays = net.nodes[0].pay(payment(1, 1, 10));
        let returns = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let error = net.nodes[0].pay(payment(2, 3, 10)).await.unwrap_err();
            assert_eq!(error, EngineError::PartnerOffline.into());
            net.nodes[1].set_offline(false);
        };
        let (paid, ()) = futures::join!(pays, returns);
        assert_eq!(paid.unwrap().channel, Some(net.channels[0].id()));
    });
}
