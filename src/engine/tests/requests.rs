//! Requests: made, paid once, refused otherwise, and ended by a receipt that finds its payer.

use super::locks::{LIFE, Plan, Row, payment_id};
use super::world::CONFIRMATIONS;
use crate::engine::{
    Command, EngineError, Event, Reply, RequestId, RequestStatus, RequestTerms, RequestView, TransferEvent,
};
use crate::protocol::{
    Address, Amount, B256, LockRefusal, MAX_REQUEST_LIFE, Memo, Message, PaymentRequest, RequestError, Secret,
    SignatureError, Timestamp, part_secret,
};

pub(super) fn terms(reference: u8, amount: Option<u128>, life: Timestamp) -> RequestTerms {
    RequestTerms {
        reference: [reference; 16],
        token: Address::ZERO,
        amount: amount.map(Amount::new),
        life,
        memo: Some(Memo::new("tea").unwrap()),
        relay: Some("wss://relay.example/v1".into()),
        hints: vec![],
    }
}

impl Row {
    pub(super) fn create(&mut self, payee: usize, terms: RequestTerms) -> PaymentRequest {
        let request = self.world.command(payee, Command::CreateRequest(Box::new(terms)));
        match self.world.clients[payee].replies.get(&request) {
            Some(Ok(Reply::Request(view))) => view.request.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn claim(&mut self, payer: usize, request: &PaymentRequest, payment: u8, amount: u128) -> RequestId {
        let (request, payment) = (Box::new(request.clone()), payment_id(payment.into()));
        self.world.command(payer, Command::ClaimRequest { request, payment, amount: Amount::new(amount) })
    }

    fn leave(&mut self, payer: usize, request: &PaymentRequest, payment: u8) -> RequestId {
        let (request, payment) = (request.id(), payment_id(payment.into()));
        self.world.command(payer, Command::LeaveRequest { request, payment })
    }

    /// Locks for a request what its payment brings.
    fn pay_for(&mut self, payer: usize, payee: usize, plan: Plan) -> RequestId {
        let secret =
            plan.share.map_or(Secret([u8::try_from(plan.payment).unwrap(); 32]), |root| part_secret(&root, plan.part));
        let command = self.command_from(payer, payee, plan, &secret);
        self.world.command(payer, command)
    }

    fn seen(&self, client: usize, id: B256) -> RequestView {
        self.world.clients[client].engine.request(id, self.world.now).expect("a known request")
    }

    fn refused(&self, client: usize, request: RequestId) -> LockRefusal {
        match self.world.clients[client].error(request) {
            EngineError::LockRefused(reason) => *reason,
            other => panic!("{other:?}"),
        }
    }

    fn gained(&self, client: usize) -> i128 {
        let views = self.world.clients[client].engine.channels();
        let sides = views.iter().map(|view| (view.theirs.transferred.get(), view.ours.transferred.get()));
        sides.map(|(got, gave)| got as i128 - gave as i128).sum()
    }
}

fn plan(request: &PaymentRequest, payment: u8, amount: u128) -> Plan {
    Plan { request: Some(request.id()), payment: payment.into(), share: Some([payment; 32]), ..Plan::of(amount) }
}

#[test]
fn a_request_is_paid_once_and_ends_with_a_receipt() {
    let mut row = Row::new(3, 1_000);
    let request = row.create(2, terms(1, Some(100), 600));
    let id = request.id();
    assert_eq!(row.seen(2, id).status, RequestStatus::Open);
    let claim = row.claim(0, &request, 1, 100);
    assert!(row.world.clients[0].is_ok(claim));
    assert_eq!(row.seen(0, id).status, RequestStatus::Pending);
    let paid = row.pay_for(0, 2, plan(&request, 1, 100));
    assert!(row.world.clients[0].is_ok(paid));
    for client in [0, 2] {
        row.world.restart(client);
        row.world.run();
        let view = row.seen(client, id);
        assert_eq!((view.status, view.created), (RequestStatus::Paid, client == 2));
        let receipt = view.receipt.expect("a receipt");
        assert_eq!(receipt.verify(&request), Ok(()));
        assert_eq!((receipt.payer, receipt.payment), (row.world.clients[0].address(), payment_id(1)));
        let told = |event: &&Event| matches!(event, Event::Request(view) if view.status == RequestStatus::Paid);
        assert_eq!(row.world.clients[client].events.iter().filter(told).count(), 1);
    }
    // Here it is refused before anything is locked, and there if anybody tries.
    let again = row.claim(0, &request, 2, 100);
    assert_eq!(*row.world.clients[0].error(again), EngineError::RequestPaid);
    row.world.wait(31);
    let twice = row.pay_for(0, 2, plan(&request, 2, 100));
    assert_eq!(row.refused(0, twice), LockRefusal::RequestPaid);
    let other = row.pay_for(1, 2, plan(&request, 3, 100));
    assert_eq!(row.refused(1, other), LockRefusal::RequestPaid);
    assert_eq!(row.gained(2), 100);
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let mut row = Row::new(2, 1_000);
    let request = row.create(1, terms(1, Some(100), 600));
    let short = row.create(1, terms(2, None, 5));
    let more = row.pay_for(0, 1, plan(&request, 1, 101));
    assert_eq!(row.refused(0, more), LockRefusal::Unexpected);
    let less = row.pay_for(0, 1, plan(&request, 2, 99));
    assert_eq!(row.refused(0, less), LockRefusal::Unexpected);
    let unknown = Plan { request: Some(B256::repeat_byte(7)), ..plan(&request, 3, 100) };
    let unknown = row.pay_for(0, 1, unknown);
    assert_eq!(row.refused(0, unknown), LockRefusal::Unexpected);
    row.world.wait(5);
    let late = row.pay_for(0, 1, plan(&short, 4, 50));
    assert_eq!(row.refused(0, late), LockRefusal::RequestExpired);
    assert_eq!(row.seen(1, short.id()).status, RequestStatus::Expired);
    // A request of somebody else, which the would-be payee pays itself, is none of its own.
    let foreign = row.create(0, terms(3, None, 600));
    let claim = row.claim(1, &foreign, 5, 50);
    assert!(row.world.clients[1].is_ok(claim));
    let foreign = row.pay_for(0, 1, plan(&foreign, 6, 50));
    assert_eq!(row.refused(0, foreign), LockRefusal::Unexpected);
    assert_eq!((row.gained(1), row.world.view(0, row.channels[0]).ours.locked), (0, Amount::ZERO));
}

#[test]
fn a_request_in_one_token_is_not_paid_in_another() {
    let mut row = Row::new(2, 1_000);
    let token = Address::repeat_byte(0x70);
    let request = row.create(1, RequestTerms { token, ..terms(1, Some(100), 600) });
    let wrong = row.pay_for(0, 1, plan(&request, 1, 100));
    assert_eq!(row.refused(0, wrong), LockRefusal::Unexpected);
}

#[test]
fn the_payer_chooses_where_no_amount_is_asked() {
    let mut row = Row::new(2, 1_000);
    let request = row.create(1, terms(1, None, 600));
    row.claim(0, &request, 1, 70);
    let paid = row.pay_for(0, 1, plan(&request, 1, 70));
    assert!(row.world.clients[0].is_ok(paid));
    assert_eq!(row.seen(0, request.id()).receipt.map(|receipt| receipt.amount), Some(Amount::new(70)));
}

#[test]
fn a_request_that_is_being_paid_is_not_paid_by_another_payment() {
    let mut row = Row::new(3, 1_000);
    let request = row.create(2, terms(1, Some(100), 10_000));
    // A part that waits for another, which never comes.
    row.claim(0, &request, 1, 100);
    let part = row.pay_for(0, 2, Plan { amount: 60, ..plan(&request, 1, 100) });
    for _ in 0..2 {
        let again = row.claim(0, &request, 2, 100);
        assert_eq!(*row.world.clients[0].error(again), EngineError::RequestPending);
        let early = row.leave(0, &request, 1);
        assert_eq!(*row.world.clients[0].error(early), EngineError::RequestPending);
        row.world.restart(0);
        row.world.run();
    }
    row.world.wait(LIFE);
    row.world.mine(2 * CONFIRMATIONS);
    assert!(!row.world.clients[0].is_ok(part));
    let again = row.claim(0, &request, 2, 100);
    assert_eq!(*row.world.clients[0].error(again), EngineError::RequestPending, "nobody said that it is over");
    let wrong = row.leave(0, &request, 2);
    assert_eq!(*row.world.clients[0].error(wrong), EngineError::UnknownPayment);
    let left = row.leave(0, &request, 1);
    assert!(row.world.clients[0].is_ok(left));
    let again = row.claim(0, &request, 2, 100);
    assert!(row.world.clients[0].is_ok(again));
    row.world.wait(31);
    let paid = row.pay_for(0, 2, plan(&request, 2, 100));
    assert!(row.world.clients[0].is_ok(paid), "{:?}", row.world.clients[0].replies.get(&paid));
    let late = row.leave(0, &request, 2);
    assert_eq!(*row.world.clients[0].error(late), EngineError::RequestPaid);
}

#[test]
fn who_is_whole_first_is_taken_and_the_others_have_their_parts_back() {
    let mut row = Row::new(3, 1_000);
    let request = row.create(1, terms(1, Some(100), 600));
    row.claim(0, &request, 1, 100);
    let part = row.pay_for(0, 1, Plan { amount: 60, ..plan(&request, 1, 100) });
    assert_eq!(row.world.view(0, row.channels[0]).ours.locked.get(), 60, "it is held");
    row.claim(2, &request, 2, 100);
    let whole = row.pay_for(2, 1, plan(&request, 2, 100));
    assert!(row.world.clients[2].is_ok(whole));
    assert_eq!(row.refused(0, part), LockRefusal::RequestPaid);
    let rest = row.pay_for(0, 1, Plan { amount: 40, part: 1, ..plan(&request, 1, 100) });
    assert_eq!(row.refused(0, rest), LockRefusal::RequestPaid);
    assert_eq!((row.gained(0), row.gained(1), row.gained(2)), (0, 100, -100));
    assert_eq!(row.seen(0, request.id()).receipt, None);
}

#[test]
fn of_two_secrets_that_are_told_one_is_used() {
    let mut row = Row::new(3, 1_000);
    let request = row.create(1, terms(1, Some(100), 600));
    let mut paid = Vec::new();
    for (payer, payment) in [(0, 1), (2, 2)] {
        let plan = Plan { share: None, ..plan(&request, payment, 100) };
        let command = row.command_from(payer, 1, plan, &Secret([payment; 32]));
        paid.push((payer, row.world.submit(payer, command)));
        row.world.step(payer, None);
        while row.world.deliver(payer, 1) {}
    }
    row.world.step(1, None);
    row.world.run();
    let asked = |message: &Message| matches!(message, Message::TellSecret { .. });
    assert_eq!(row.world.count(asked), 2, "both have told it");
    let [first, second] = [paid[0], paid[1]].map(|(payer, request)| row.world.clients[payer].is_ok(request));
    assert!(first ^ second);
    assert_eq!(row.gained(1), 100);
}

#[test]
fn a_receipt_that_was_lost_is_asked_for() {
    let mut row = Row::new(2, 1_000);
    let request = row.create(1, terms(1, Some(100), 600));
    row.claim(0, &request, 1, 100);
    let secret = part_secret(&[1; 32], 0);
    let command = row.command_from(0, 1, plan(&request, 1, 100), &secret);
    row.world.submit(0, command);
    row.world.step(0, None);
    while row.world.deliver(0, 1) {}
    row.world.step(1, None);
    let lost = row.world.lose(1, 0, |message| matches!(message, Message::Receipt { .. }));
    assert_eq!(lost, 1);
    row.world.run();
    let view = row.seen(0, request.id());
    assert_eq!((view.status, view.receipt), (RequestStatus::Paid, None));
    row.world.restart(0);
    row.world.run();
    row.world.wait(12);
    let view = row.seen(0, request.id());
    assert_eq!(view.receipt.map(|receipt| receipt.verify(&request)), Some(Ok(())));
    let asked = row.world.count(|message| matches!(message, Message::AskReceipt { .. }));
    assert_eq!(asked, 1);
    row.world.wait(100);
    assert_eq!(row.world.count(|message| matches!(message, Message::AskReceipt { .. })), asked);
}

#[test]
fn a_payee_that_gives_no_receipt_is_asked_a_few_times() {
    let mut row = Row::new(2, 1_000);
    let request = row.create(1, terms(1, Some(100), 600));
    row.claim(0, &request, 1, 100);
    // Paid, but not as the payment of the request: the payee knows nothing of it.
    let paid = row.pay_for(0, 1, Plan { request: None, ..plan(&request, 1, 100) });
    assert!(row.world.clients[0].is_ok(paid));
    row.world.wait(3_000);
    let asked = row.world.count(|message| matches!(message, Message::AskReceipt { .. }));
    assert_eq!(asked, 8);
    row.world.set_online(0, false);
    row.world.run();
    row.world.set_online(0, true);
    row.world.run();
    row.world.wait(15);
    assert_eq!(row.world.count(|message| matches!(message, Message::AskReceipt { .. })), asked + 1);
}

#[test]
fn only_the_payees_word_is_a_receipt_and_only_its_payer_gets_it() {
    let mut row = Row::new(3, 1_000);
    let request = row.create(2, terms(1, Some(100), 600));
    let id = request.id();
    row.claim(0, &request, 1, 100);
    let paid = row.pay_for(0, 2, plan(&request, 1, 100));
    assert!(row.world.clients[0].is_ok(paid));
    let receipt = row.seen(0, id).receipt.unwrap();
    // Another payer, who has noted the same request, is not fooled by it, nor by one of another key.
    row.claim(1, &request, 3, 100);
    let mut forged = receipt;
    (forged.payer, forged.payment) = (row.world.clients[1].address(), payment_id(3));
    for receipt in [receipt, forged] {
        row.world.inject(2, 1, Message::Receipt { receipt });
    }
    forged.signature = row.world.clients[0].session.sign(forged.digest(&request.domain())).unwrap();
    row.world.inject(0, 1, Message::Receipt { receipt: forged });
    row.world.run();
    assert_eq!((row.seen(1, id).status, row.seen(1, id).receipt), (RequestStatus::Pending, None));
    // Who does not know the payment is told nothing.
    let receipts = |row: &Row| row.world.count(|message| matches!(message, Message::Receipt { .. }));
    let before = receipts(&row);
    row.world.inject(1, 2, Message::AskReceipt { request: id, payment: payment_id(3) });
    row.world.inject(1, 0, Message::AskReceipt { request: id, payment: payment_id(1) });
    row.world.run();
    assert_eq!(receipts(&row), before);
    row.world.inject(0, 2, Message::AskReceipt { request: id, payment: payment_id(1) });
    row.world.run();
    assert_eq!(receipts(&row), before + 1);
}

#[test]
fn a_request_is_made_once_per_reference_and_within_bounds() {
    let mut row = Row::new(2, 1_000);
    let first = row.create(1, terms(1, Some(100), 600));
    row.world.wait(5);
    assert_eq!(row.create(1, terms(1, Some(100), 700)), first, "also when it is asked for again");
    let declined = |row: &mut Row, terms| {
        let request = row.world.command(1, Command::CreateRequest(Box::new(terms)));
        row.world.clients[1].error(request).clone()
    };
    assert_eq!(declined(&mut row, terms(1, Some(101), 600)).code(), "INVALID_ARGUMENT");
    for (what, bad) in [
        ("amount", terms(2, Some(0), 600)),
        ("life", terms(2, None, 0)),
        ("life", terms(2, None, MAX_REQUEST_LIFE + 1)),
        ("life", terms(2, None, u64::MAX)),
        ("relay", RequestTerms { relay: Some(String::new()), ..terms(2, None, 600) }),
    ] {
        assert_eq!(declined(&mut row, bad), EngineError::InvalidRequest(RequestError::Bounds(what)));
    }
    // Nobody could tell whose request it is while the wallet has not named the key.
    row.world.clients[1].config.challenge = 40 * 24 * 3_600;
    row.world.restart(1);
    row.world.run();
    assert_eq!(declined(&mut row, terms(3, None, 600)), EngineError::NotAuthorized);
}

#[test]
fn requests_that_do_not_count_are_not_paid() {
    let mut row = Row::new(2, 1_000);
    let good = row.create(1, terms(1, Some(100), 600));
    let open = row.create(1, terms(2, None, 600));
    let declined = |row: &mut Row, request: &PaymentRequest, amount| {
        let claim = row.claim(0, request, 1, amount);
        row.world.clients[0].error(claim).clone()
    };
    let dearer = PaymentRequest { amount: Some(Amount::new(200)), ..good.clone() };
    assert_eq!(declined(&mut row, &dearer, 200), RequestError::from(SignatureError::WrongSigner).into());
    let elsewhere = PaymentRequest { chain_id: 1, ..good.clone() };
    assert_eq!(declined(&mut row, &elsewhere, 100), RequestError::OtherJudge.into());
    assert_eq!(declined(&mut row, &good, 99).code(), "INVALID_ARGUMENT");
    assert_eq!(declined(&mut row, &open, 0).code(), "INVALID_ARGUMENT");
    let own = row.create(0, terms(1, None, 600));
    assert_eq!(declined(&mut row, &own, 5).code(), "INVALID_ARGUMENT");
    let claim = row.claim(0, &good, 1, 100);
    assert!(row.world.clients[0].is_ok(claim));
    let again = row.claim(0, &good, 1, 100);
    assert!(row.world.clients[0].is_ok(again), "the same payment may be taken up");
    assert_eq!(declined(&mut row, &open, 5), EngineError::DuplicatePayment, "one payment pays one request");
    row.world.wait(600);
    let late = row.claim(0, &open, 2, 5);
    assert_eq!(*row.world.clients[0].error(late), EngineError::RequestExpired);
    let unknown = row.leave(0, &open, 2);
    assert_eq!(*row.world.clients[0].error(unknown), EngineError::UnknownRequest);
}

#[test]
fn requests_are_listed_newest_first() {
    let mut row = Row::new(2, 1_000);
    let made: Vec<B256> = (1..=3)
        .map(|reference| {
            row.world.wait(1);
            row.create(1, terms(reference, None, 600)).id()
        })
        .collect();
    let engine = &row.world.clients[1].engine;
    let listed = |limit, before| -> Vec<B256> {
        engine.requests(limit, before, row.world.now).iter().map(|view| view.id).collect()
    };
    assert_eq!(listed(9, None), [made[2], made[1], made[0]]);
    assert_eq!(listed(1, None), [made[2]]);
    assert_eq!(listed(9, Some(made[1])), [made[0]]);
    assert_eq!(listed(9, Some(B256::ZERO)), Vec::<B256>::new());
}

#[test]
fn one_told_secret_does_not_stand_for_a_larger_payment() {
    let mut row = Row::new(2, 1_000);
    let request = row.create(1, terms(1, Some(100), 600));
    let piece = Plan { share: None, amount: 1, ..plan(&request, 1, 100) };
    let paid = row.pay_for(0, 1, piece);
    row.world.wait(3);
    assert_eq!(row.refused(0, paid), LockRefusal::Unexpected);
    assert_eq!(row.seen(1, request.id()).status, RequestStatus::Open);
    let received = |event: &Event| matches!(event, Event::Transfer(TransferEvent::Received { .. }));
    assert!(!row.world.clients[1].events.iter().any(received));
}

#[test]
fn parts_in_several_tokens_are_not_one_payment() {
    let mut row = Row::new(2, 1_000);
    let operation = row.world.operation();
    let (token, partner) = (Address::repeat_byte(0x70), row.world.clients[1].address());
    let deposit = Amount::new(1_000);
    row.world.command(0, Command::Open { operation, partner, token, deposit, salt: 99 });
    row.world.mine(CONFIRMATIONS);
    row.world.wait(31);
    let views = row.world.clients[0].engine.channels();
    let worthless = views.iter().find(|view| view.key.token == token).expect("a channel in another token").id;
    let root: [u8; 32] = std::array::from_fn(|at| [1; 32][at] ^ [2; 32][at]);
    let first = Plan { share: Some([1; 32]), total: 100, ..Plan::of(99) };
    let mut command = row.command_from(0, 1, first, &part_secret(&root, 0));
    if let Command::Lock { channel, .. } = &mut command {
        *channel = worthless;
    }
    row.world.command(0, command);
    let second = Plan { share: Some([2; 32]), total: 100, part: 1, ..Plan::of(1) };
    let command = row.command_from(0, 1, second, &part_secret(&root, 1));
    let last = row.world.command(0, command);
    assert_eq!(row.refused(0, last), LockRefusal::Unexpected);
}
