//! Requests and receipts: what payees sign, and the bytes and ids of requests.

use serde_json::{Value, json};

use super::sample::{largest_request, open_request, receipt, request, session_b};
use super::signed::statement;
use super::{check, domain, hexed};
use crate::protocol::{PaymentRequest, Receipt, RouteHint};

fn hint_json(hint: &RouteHint) -> Value {
    json!({
        "channelId": hexed(hint.channel.0),
        "from": hexed(hint.from),
        "to": hexed(hint.to),
        "flat": hint.fee.flat.to_string(),
        "proportional": hint.fee.proportional.to_string(),
        "capacity": hint.capacity.to_string(),
    })
}

fn request_json(request: &PaymentRequest) -> Value {
    json!({
        "reference": hexed(request.reference),
        "payee": hexed(request.payee),
        "sessionKey": hexed(request.signer.address()),
        "token": hexed(request.token),
        "amount": request.amount.unwrap_or_default().to_string(),
        "issued": request.issued.to_string(),
        "expiry": request.expiry.to_string(),
        "memo": request.memo.as_ref().map(|memo| memo.as_str()).unwrap_or_default(),
        "relay": request.relay.as_deref().unwrap_or_default(),
        "hints": request.hints.iter().map(hint_json).collect::<Vec<_>>(),
    })
}

fn receipt_json(receipt: &Receipt) -> Value {
    json!({
        "request": hexed(receipt.request),
        "payment": hexed(receipt.payment.0),
        "payer": hexed(receipt.payer),
        "payee": hexed(receipt.payee),
        "token": hexed(receipt.token),
        "amount": receipt.amount.to_string(),
        "at": receipt.at.to_string(),
    })
}

fn requests() -> [(&'static str, PaymentRequest); 3] {
    [("ordinary", request()), ("open", open_request()), ("largest", largest_request())]
}

/// Both with the signatures of side b's session key.
pub(super) fn statements() -> Vec<Value> {
    let signer = [("sessionB", session_b())];
    let requests = requests();
    let of_request =
        |(name, request): &(&str, PaymentRequest)| statement(name, &request.to_sol(), request_json(request), &signer);
    let mut statements: Vec<Value> = requests.iter().map(of_request).collect();
    let receipt = receipt();
    let sol = receipt.to_sol();
    assert_eq!(receipt.digest(&domain()), domain().digest(&sol));
    statements.push(statement("ordinary", &sol, receipt_json(&receipt), &signer));
    statements
}

#[test]
fn requests_are_frozen() {
    let requests = requests().map(|(name, request)| {
        let bytes = request.to_bytes();
        assert_eq!(PaymentRequest::from_bytes(&bytes), Ok(request.clone()));
        json!({ "name": name, "bytes": hexed(bytes), "id": hexed(request.id()) })
    });
    check("requests", json!(requests));
}
