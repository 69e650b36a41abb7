//! Payments over locks whose tab dies, or whose storage is lost, at any commit: they are made once or not at all, and nothing
//! stays locked.

use std::cell::Cell;
use std::time::Duration;

use super::net::{Net, payment};
use super::run;
use crate::engine::PaymentStatus;
use crate::node::{Payment, PaymentQuery};
use crate::store::StoreError;

/// Two ways from client 0 to client 3.
const DIAMOND: [(u8, u8); 4] = [(0, 1), (1, 3), (0, 2), (2, 3)];

/// Pays in two parts while the commit with this number from there on fails, and asks again with the same id; true when it came
/// to that.
async fn pay_over_a_death(client: u8, number: usize, error: &StoreError) -> bool {
    let mut net = Net::new(&DIAMOND, 1).await;
    net.quiet().await;
    let at = usize::from(client);
    let faults = std::rc::Rc::clone(&net.stores[at].faults);
    let failing = faults.commits.get() + number;
    *faults.fail.borrow_mut() = Some((failing, error.clone()));
    let payment = Payment { again: true, ..payment(1, 3, 1_500) };
    let first = {
        let pays = net.nodes[0].pay(payment.clone());
        tokio::time::timeout(Duration::from_secs(20), pays).await
    };
    tokio::time::sleep(Duration::from_secs(3)).await;
    let failed = faults.fail.take().is_some() && faults.commits.get() > failing;
    if failed && *error == StoreError::Fenced {
        net.restart(client).await;
    }
    net.quiet().await;
    // Who was away announces some seconds later what it can carry again.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let again = net.nodes[0].pay(payment.clone()).await.unwrap();
    assert_eq!(again.status, PaymentStatus::Settled, "{first:?}");
    net.quiet().await;
    assert_eq!(net.gains().await, [-1_502, 1, 1, 1_500], "client {client}, commit {number}: {first:?}");
    let listed = net.nodes[0].payments(&PaymentQuery { channel: None, limit: 10, before: None }).await.unwrap();
    assert_eq!(listed, [again]);
    failed
}

fn at_every_commit(client: u8, error: &StoreError) {
    let mut number = 0;
    while {
        let failed = Cell::new(false);
        run(async { failed.set(pay_over_a_death(client, number, error).await) });
        failed.get()
    } {
        number += 1;
    }
    assert!(number >= 2, "the payment has fewer commits than steps: {number}");
}

#[test]
fn a_payer_that_dies_at_any_commit_pays_once() {
    at_every_commit(0, &StoreError::Fenced);
}

#[test]
fn a_payer_whose_storage_is_lost_at_any_commit_pays_once() {
    at_every_commit(0, &StoreError::Lost("the browser closed it".into()));
}

#[test]
fn a_mediator_or_payee_that_dies_at_any_commit_costs_nobody_anything() {
    at_every_commit(1, &StoreError::Fenced);
    at_every_commit(3, &StoreError::Fenced);
}
