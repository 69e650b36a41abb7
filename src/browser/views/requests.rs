//! Requests and receipts as JavaScript sees them.

use alloy::primitives::hex;
use serde::Serialize;

use super::Text;
use crate::engine::{RequestStatus, RequestView};
use crate::protocol::{Address, Amount, B256, PaymentId, Receipt};

/// A payee's word that it was paid.
#[derive(Debug, Serialize)]
struct ReceiptObject {
    request: Text<B256>,
    payment: Text<PaymentId>,
    payer: Text<Address>,
    payee: Text<Address>,
    token: Text<Address>,
    amount: Text<Amount>,
    at: u64,
    signature: String,
}

impl From<&Receipt> for ReceiptObject {
    fn from(receipt: &Receipt) -> Self {
        Self {
            request: Text(receipt.request),
            payment: Text(receipt.payment),
            payer: Text(receipt.payer),
            payee: Text(receipt.payee),
            token: Text(receipt.token),
            amount: Text(receipt.amount),
            at: receipt.at,
            signature: hex::encode_prefixed(receipt.signature.0),
        }
    }
}

/// A request. The TypeScript above writes its bytes as text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::browser) struct RequestObject {
    id: Text<B256>,
    bytes: String,
    token: Text<Address>,
    amount: Option<Text<Amount>>,
    issued: u64,
    expiry: u64,
    memo: Option<String>,
    relay: Option<String>,
    payee: Text<Address>,
    session_key: String,
    direction: &'static str,
    status: &'static str,
    payment: Option<Text<PaymentId>>,
    receipt: Option<ReceiptObject>,
}

impl From<&RequestView> for RequestObject {
    fn from(view: &RequestView) -> Self {
        let request = &view.request;
        Self {
            id: Text(view.id),
            bytes: hex::encode_prefixed(request.to_bytes()),
            token: Text(request.token),
            amount: request.amount.map(Text),
            issued: request.issued,
            expiry: request.expiry,
            memo: request.memo.as_ref().map(|memo| memo.as_str().to_owned()),
            relay: request.relay.clone(),
            payee: Text(request.payee),
            session_key: request.signer.address().to_string(),
            direction: match (view.created, view.payment) {
                (true, _) => "created",
                (false, Some(_)) => "paying",
                (false, None) => "other",
            },
            status: match view.status {
                RequestStatus::Open => "open",
                RequestStatus::Pending => "pending",
                RequestStatus::Paid => "paid",
                RequestStatus::Expired => "expired",
            },
            payment: view.payment.map(Text),
            receipt: view.receipt.as_ref().map(Into::into),
        }
    }
}
