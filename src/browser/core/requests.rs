//! What JavaScript asks about requests to be paid.

use alloy::primitives::hex;
use wasm_bindgen::prelude::*;

use super::super::params::{FromJs, Params};
use super::super::views::{PaymentObject, RequestObject};
use super::payments::{MAX_LISTED, limits, memo};
use super::{ChitCore, random, to_js};
use crate::engine::{RequestTerms, RequestView};
use crate::node::{NodeError, RequestPayment};
use crate::protocol::{B256, MAX_REQUEST_BYTES, PaymentId, PaymentRequest};

/// For how many seconds a request counts when the caller does not say.
const LIFE: u64 = 3_600;

impl ChitCore {
    pub(super) async fn create_request(&self, params: &Params) -> Result<JsValue, JsValue> {
        let reference = match params.optional::<PaymentId>("id")? {
            Some(id) => id.0,
            None => random()?,
        };
        let terms = RequestTerms {
            reference,
            token: params.required("token")?,
            amount: params.optional("amount")?,
            life: params.optional("expiresIn")?.unwrap_or(LIFE),
            memo: memo(params)?,
            relay: None,
            hints: Vec::new(),
        };
        show(self.node.create_request(terms).await)
    }

    pub(super) async fn read_request(&self, params: &Params) -> Result<JsValue, JsValue> {
        show(self.node.read_request(params.required("request")?).await)
    }

    pub(super) async fn request_status(&self, params: &Params) -> Result<JsValue, JsValue> {
        match params.optional::<B256>("id")? {
            Some(id) => show(self.node.request(id).await),
            None => self.read_request(params).await,
        }
    }

    pub(super) async fn requests(&self, params: &Params) -> Result<JsValue, JsValue> {
        let limit = params.optional("limit")?.unwrap_or(MAX_LISTED).min(MAX_LISTED);
        let requests = self.node.requests(limit, params.optional("before")?).await;
        let requests = requests?;
        to_js(&requests.iter().map(RequestObject::from).collect::<Vec<_>>())
    }

    pub(super) async fn pay_request(&self, params: &Params) -> Result<JsValue, JsValue> {
        let payment = RequestPayment {
            request: params.required("request")?,
            amount: params.optional("amount")?,
            id: params.required("payment")?,
            again: params.optional("again")?.unwrap_or(false),
            memo: memo(params)?,
            limits: limits(params)?,
        };
        let view = self.node.pay_request(payment).await?;
        to_js(&PaymentObject::from(&view))
    }
}

fn show(view: Result<RequestView, NodeError>) -> Result<JsValue, JsValue> {
    to_js(&RequestObject::from(&view?))
}

impl FromJs for PaymentRequest {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        let text = String::from_js(value)?;
        // Two digits a byte after 0x: nothing longer is worth decoding.
        if text.len() > 2 + 2 * MAX_REQUEST_BYTES {
            return Err("this is not a payment request".into());
        }
        let bytes = hex::decode(text).map_err(|_| "not bytes in hex".to_owned())?;
        Self::from_bytes(&bytes).map_err(|error| error.to_string())
    }
}
