//! What JavaScript asks about payments.

use wasm_bindgen::prelude::*;

use super::super::params::{BadParam, FromJs, Params};
use super::super::views::{PaymentObject, QuoteObject, Text};
use super::{ChitCore, invalid, random, to_js};
use crate::node::{Limits, Payee, Payment, PaymentQuery};
use crate::protocol::{FeeSchedule, Memo, PaymentId};
use crate::routing::ExtraChannel;

/// The most payments that one listing returns.
pub(super) const MAX_LISTED: usize = 1_000;

impl ChitCore {
    pub(super) async fn pay(&self, params: &Params) -> Result<JsValue, JsValue> {
        let payee = match (params.optional("channel")?, params.optional("to")?) {
            (Some(channel), _) => Payee::Channel(channel),
            (None, Some(to)) => Payee::Wallet { to, token: params.optional("token")?.unwrap_or_default() },
            (None, None) => return Err(invalid("pay needs a channel, or to and token")),
        };
        let id = match params.optional("payment")? {
            Some(payment) => payment,
            None => PaymentId(random()?),
        };
        let payment = Payment {
            id,
            payee,
            amount: params.required("amount")?,
            memo: memo(params)?,
            request: None,
            target: None,
            over_locks: false,
            again: params.optional("again")?.unwrap_or(false),
            limits: limits(params)?,
        };
        let view = self.node.pay(payment).await?;
        to_js(&PaymentObject::from(&view))
    }

    /// True when surely nothing was paid.
    pub(super) async fn cancel_payment(&self, params: &Params) -> Result<JsValue, JsValue> {
        Ok(JsValue::from_bool(self.node.cancel_payment(params.required("payment")?).await?))
    }

    pub(super) async fn quote(&self, params: &Params) -> Result<JsValue, JsValue> {
        let (to, token, amount) = (params.required("to")?, params.required("token")?, params.required("amount")?);
        let quote = self.node.quote(to, token, amount, &limits(params)?).await?;
        to_js(&QuoteObject::new(&quote, amount))
    }

    pub(super) async fn estimate_capacity(&self, params: &Params) -> Result<JsValue, JsValue> {
        let estimate = self.node.estimate_capacity(params.required("to")?, params.required("token")?).await;
        to_js(&Text(estimate?))
    }

    pub(super) async fn payments(&self, params: &Params) -> Result<JsValue, JsValue> {
        let query = PaymentQuery {
            channel: params.optional("channel")?,
            limit: params.optional("limit")?.unwrap_or(MAX_LISTED).min(MAX_LISTED),
            before: params.optional("before")?,
        };
        let payments = self.node.payments(&query).await?;
        to_js(&payments.iter().map(PaymentObject::from).collect::<Vec<_>>())
    }
}

pub(super) fn memo(params: &Params) -> Result<Option<Memo>, BadParam> {
    let memo = params.optional::<String>("memo")?.map(Memo::new);
    memo.transpose().map_err(|error| BadParam(error.to_string()))
}

pub(super) fn limits(params: &Params) -> Result<Limits, BadParam> {
    let all = Limits::default();
    Ok(Limits {
        max_fee: params.optional("maxFee")?.unwrap_or(all.max_fee),
        max_parts: params.optional("maxParts")?.unwrap_or(all.max_parts).max(1),
        exclude: params.optional("exclude")?.unwrap_or_default(),
        hints: params.optional("hints")?.unwrap_or_default(),
    })
}

impl FromJs for ExtraChannel {
    fn from_js(value: &JsValue) -> Result<Self, String> {
        let read = |params: &Params| {
            Ok(Self {
                channel: params.required("channel")?,
                from: params.required("from")?,
                to: params.required("to")?,
                capacity: params.required("capacity")?,
                fee: FeeSchedule {
                    flat: params.optional("flat")?.unwrap_or_default(),
                    proportional: params.optional("proportional")?.unwrap_or_default(),
                },
            })
        };
        Params::new(value.clone()).and_then(|params| read(&params)).map_err(|BadParam(why)| why)
    }
}
