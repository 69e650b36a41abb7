//! The one door to the chain: EIP-1193's `request`.

use std::rc::Rc;

use serde_json::Value;

/// An error that a provider answered, with the codes of EIP-1193 and JSON-RPC.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// 4001 user rejected, 4100 unauthorized, 4900 disconnected, −32000 server error, …
    pub code: i64,
    /// The provider's words.
    pub message: String,
    /// Further data: for a revert, the hex of the Judge's error.
    pub data: Option<Value>,
}

/// An EIP-1193 provider: the wallet that the page injects, or a read-only endpoint.
#[allow(async_fn_in_trait, reason = "providers are used on one thread: JavaScript's, or a test's")]
pub trait Provider {
    /// Sends `{ method, params }` and nothing else. A request is never repeated here.
    ///
    /// # Errors
    /// [`RpcError`] as the provider answered it.
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError>;
}

impl<P: Provider + ?Sized> Provider for &P {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        (**self).request(method, params).await
    }
}

impl<P: Provider + ?Sized> Provider for Rc<P> {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        (**self).request(method, params).await
    }
}
