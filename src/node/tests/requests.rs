//! Requests between nodes: made, paid over the network, and not paid twice.

use super::net::{Net, wallet};
use super::run;
use crate::engine::{Command, EngineError, RequestStatus, RequestTerms, RequestView};
use crate::node::{Limits, NodeError, RequestPayment};
use crate::protocol::{Address, Amount, B256, Domain, Memo, PaymentId, PaymentRequest};

const ROW: [(u8, u8); 3] = [(0, 1), (1, 2), (2, 3)];

fn terms(reference: u8, amount: Option<u128>) -> RequestTerms {
    RequestTerms {
        reference: [reference; 16],
        token: Address::ZERO,
        amount: amount.map(Amount::new),
        life: 3_600,
        memo: Some(Memo::new("tea").unwrap()),
        relay: None,
        hints: vec![],
    }
}

async fn create(net: &Net, client: usize, terms: RequestTerms) -> RequestView {
    net.nodes[client].create_request(terms).await.unwrap()
}

fn payment(request: &PaymentRequest, id: u8) -> RequestPayment {
    RequestPayment {
        request: request.clone(),
        amount: None,
        id: PaymentId([id; 16]),
        again: false,
        memo: None,
        limits: Limits::default(),
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, NodeError>) -> EngineError {
    match outcome {
        Err(NodeError::Engine(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_paid_over_the_network_and_both_hold_the_receipt() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let created = create(&net, 3, terms(1, Some(100))).await;
        assert_eq!((created.status, created.created), (RequestStatus::Open, true));
        assert!(created.request.relay.is_some());
        let bytes = created.request.to_bytes();
        let request = PaymentRequest::from_bytes(&bytes).unwrap();
        assert_eq!(net.nodes[0].read_request(request.clone()).await.unwrap().status, RequestStatus::Open);
        let paid = net.nodes[0].pay_request(payment(&request, 1)).await.unwrap();
        net.quiet().await;
        assert_eq!(net.gains().await, [-106, 3, 3, 100]);
        assert_eq!((paid.request, paid.partner), (Some(created.id), wallet(3)));
        for client in [0, 3] {
            let view = net.nodes[client].request(created.id).await.unwrap();
            assert_eq!((view.status, view.payment), (RequestStatus::Paid, Some(PaymentId([1; 16]))));
            assert_eq!(view.receipt.map(|receipt| receipt.verify(&request)), Some(Ok(())));
            assert_eq!(net.nodes[client].requests(9, None).await.unwrap(), [view]);
        }
        assert_eq!(refused(net.nodes[0].pay_request(payment(&request, 2)).await), EngineError::RequestPaid);
        // Under its own id it is the same payment.
        let again = RequestPayment { again: true, ..payment(&request, 1) };
        assert_eq!(net.nodes[0].pay_request(again).await, Ok(paid));
        net.quiet().await;
        assert_eq!(net.gains().await, [-106, 3, 3, 100]);
        assert_eq!(refused(net.nodes[1].request(created.id).await), EngineError::UnknownRequest);
    });
}

#[test]
fn a_partner_is_paid_over_a_lock_when_it_asks() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let created = create(&net, 1, terms(1, None)).await;
        let open = payment(&created.request, 1);
        assert_eq!(refused(net.nodes[0].pay_request(open.clone()).await).code(), "INVALID_ARGUMENT");
        let chosen = RequestPayment { amount: Some(Amount::new(50)), ..open };
        let paid = net.nodes[0].pay_request(chosen).await.unwrap();
        net.quiet().await;
        assert_eq!((paid.channel, paid.amount, paid.fee), (None, Amount::new(50), Amount::ZERO));
        assert_eq!(net.gains().await, [-50, 50, 0, 0]);
        assert!(net.nodes[1].request(created.id).await.unwrap().receipt.is_some());
    });
}

#[test]
fn a_request_whose_payment_failed_may_be_paid_again() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let created = create(&net, 3, terms(1, Some(100))).await;
        net.nodes[1].command(Command::RefuseLocks { on: true }).await.unwrap();
        assert!(net.nodes[0].pay_request(payment(&created.request, 1)).await.is_err());
        assert_eq!(net.nodes[0].request(created.id).await.unwrap().status, RequestStatus::Open);
        net.nodes[1].command(Command::RefuseLocks { on: false }).await.unwrap();
        // A claim that the tab's death left behind does not stand in the way.
        let request = Box::new(created.request.clone());
        let claim = Command::ClaimRequest { request, payment: PaymentId([9; 16]), amount: Amount::new(100) };
        net.nodes[0].command(claim).await.unwrap();
        net.nodes[0].pay_request(payment(&created.request, 2)).await.unwrap();
        net.quiet().await;
        assert_eq!(net.gains().await, [-106, 3, 3, 100]);
    });
}

#[test]
fn a_request_is_paid_once_also_when_it_is_paid_twice_at_once() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let created = create(&net, 3, terms(1, Some(100))).await;
        let one = net.nodes[0].pay_request(payment(&created.request, 1));
        let other = net.nodes[0].pay_request(payment(&created.request, 2));
        let (one, other) = futures::join!(one, other);
        assert!(one.is_ok());
        assert_eq!(refused(other), EngineError::RequestPending);
        net.quiet().await;
        assert_eq!(net.gains().await, [-106, 3, 3, 100]);
    });
}

#[test]
fn a_request_for_another_judge_is_not_read() {
    run(async {
        let net = Net::new(&ROW, 3).await;
        net.quiet().await;
        let created = create(&net, 3, terms(1, None)).await;
        let other = PaymentRequest { chain_id: created.request.chain_id + 1, ..created.request };
        assert_ne!(other.domain(), Domain::new(other.chain_id - 1, other.judge));
        assert_eq!(refused(net.nodes[0].read_request(other).await).code(), "INVALID_REQUEST");
        assert_eq!(refused(net.nodes[0].request(B256::ZERO).await), EngineError::UnknownRequest);
    });
}
