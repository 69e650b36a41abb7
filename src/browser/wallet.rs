//! The wallet that the page injects, as the chain service's [`Provider`].
//!
//! What a wallet answers is somebody else's code: everything is converted by value and by hand, to a bounded depth, so
//! that no getter that throws and no object that contains itself can trap the client.

use std::fmt;

use js_sys::{Array, BigInt, JSON, Object, Promise, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::scope::describe;
use crate::chain::{Provider, RpcError};

#[cfg(test)]
mod tests;

/// JSON-RPC's code for parameters that cannot be sent.
const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC's code for an error that has no code of its own.
const INTERNAL: i64 = -32603;
/// How many values an answer may hold: some ten thousand log entries.
const MAX_VALUES: usize = 1_000_000;
/// How many values are kept of an error.
const MAX_ERROR_VALUES: usize = 1_000;
/// How deep an answer may be nested. A block with its transactions is 4 deep, an error wrapped by three layers 8.
const MAX_DEPTH: usize = 32;

#[wasm_bindgen]
extern "C" {
    /// An EIP-1193 provider object.
    #[wasm_bindgen(typescript_type = "{ request(args: { method: string; params?: unknown }): Promise<unknown> }")]
    #[derive(Clone, Debug)]
    pub type Eip1193;

    #[wasm_bindgen(method, catch)]
    fn request(this: &Eip1193, arguments: &Arguments) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(extends = Object)]
    type Arguments;

    #[wasm_bindgen(method, setter)]
    fn set_method(this: &Arguments, method: &str);

    #[wasm_bindgen(method, setter)]
    fn set_params(this: &Arguments, params: &JsValue);
}

/// The chain's door through an injected wallet.
#[derive(Clone)]
pub struct InjectedWallet {
    provider: Eip1193,
}

impl fmt::Debug for InjectedWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InjectedWallet").finish_non_exhaustive()
    }
}

impl InjectedWallet {
    /// A wallet behind this provider object.
    pub const fn new(provider: Eip1193) -> Self {
        Self { provider }
    }
}

impl Provider for InjectedWallet {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let arguments: Arguments = Object::new().unchecked_into();
        arguments.set_method(method);
        if !params.is_null() {
            if !is_exact(&params) {
                return Err(plain(INVALID_PARAMS, "a number is greater than JavaScript can hold"));
            }
            let params = JSON::parse(&params.to_string());
            arguments.set_params(&params.map_err(|thrown| plain(INVALID_PARAMS, &describe(&thrown)))?);
        }
        let answer = self.provider.request(&arguments).map_err(|thrown| rpc_error(&thrown))?;
        // `resolve` also takes what a provider answers without a promise.
        let answer = JsFuture::from(Promise::resolve(&answer)).await.map_err(|thrown| rpc_error(&thrown))?;
        let json = Reader { left: MAX_VALUES }.value(&answer, MAX_DEPTH);
        json.ok_or_else(|| plain(INTERNAL, "the wallet's answer is not JSON"))
    }
}

/// Whether every number stays what it is as one of JavaScript's.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() < 1 << 53),
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
    }
}

fn plain(code: i64, message: &str) -> RpcError {
    RpcError { code, message: message.to_owned(), data: None }
}

fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &name.into()).ok().filter(|found| !found.is_undefined() && !found.is_null())
}

fn rpc_error(thrown: &JsValue) -> RpcError {
    if !thrown.is_object() {
        return plain(INTERNAL, &describe(thrown));
    }
    let code = property(thrown, "code").and_then(|code| integer(&code)).unwrap_or(INTERNAL);
    let message = property(thrown, "message").and_then(|text| text.as_string()).unwrap_or_else(|| describe(thrown));
    // Libraries between the page and the wallet keep the wallet's own error, and so the revert, as a cause.
    let data = ["data", "error", "cause"].iter().find_map(|name| {
        let found = property(thrown, name)?;
        Reader { left: MAX_ERROR_VALUES }.value(&found, MAX_DEPTH)
    });
    RpcError { code, message, data }
}

#[allow(clippy::cast_possible_truncation, reason = "only safe integers are cast")]
fn integer(code: &JsValue) -> Option<i64> {
    match code.as_f64() {
        Some(number) if js_sys::Number::is_safe_integer(code) => Some(number as i64),
        Some(_) => None,
        None => code.as_string()?.parse().ok(),
    }
}

/// Reads JavaScript values as the JSON that they stand for.
struct Reader {
    /// How many more values may be read: an object that contains itself twice would go on for ever.
    left: usize,
}

impl Reader {
    /// `None` for functions, symbols and whatever is too deep or too much. A bigint becomes the hex of a JSON-RPC
    /// quantity, an error keeps what it carries.
    fn value(&mut self, js: &JsValue, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if js.is_undefined() || js.is_null() {
            return Some(Value::Null);
        }
        if let Some(truth) = js.as_bool() {
            return Some(Value::Bool(truth));
        }
        if let Some(text) = js.as_string() {
            return Some(Value::String(text));
        }
        if let Some(number) = js.as_f64() {
            return Some(integer(js).map_or_else(|| Value::from(number), Value::from));
        }
        if let Some(big) = js.dyn_ref::<BigInt>() {
            let hex = String::from(big.to_string(16).ok()?);
            let hex = hex.strip_prefix('-').map_or_else(|| format!("0x{hex}"), |digits| format!("-0x{digits}"));
            return Some(Value::String(hex));
        }
        if js.is_function() || !js.is_object() {
            return None;
        }
        let Some(depth) = depth.checked_sub(1) else {
            // Nothing more is read: half an answer is worse than none.
            self.left = 0;
            return None;
        };
        if Array::is_array(js) { self.array(js, depth) } else { self.object(js, depth) }
    }

    fn array(&mut self, js: &JsValue, depth: usize) -> Option<Value> {
        let length = js.unchecked_ref::<Array>().length();
        (0..length)
            .map(|index| self.value(&Reflect::get_u32(js, index).ok()?, depth))
            .collect::<Option<_>>()
            .map(Value::Array)
    }

    fn object(&mut self, js: &JsValue, depth: usize) -> Option<Value> {
        let mut fields = Map::new();
        let own = Reflect::own_keys(js).ok()?;
        // What an error inherits from its class is not among its own keys.
        let inherited =
            if js.is_instance_of::<js_sys::Error>() { &["name", "message", "code", "data"][..] } else { &[] };
        let names =
            inherited.iter().map(|name| (*name).to_owned()).chain(own.iter().filter_map(|name| name.as_string()));
        for name in names.filter(|name| name != "stack") {
            let Ok(field) = Reflect::get(js, &name.as_str().into()) else { continue };
            if field.is_undefined() {
                continue;
            }
            if let Some(field) = self.value(&field, depth) {
                fields.insert(name, field);
            }
        }
        (self.left > 0).then_some(Value::Object(fields))
    }
}
