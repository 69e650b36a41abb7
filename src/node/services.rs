//! The services that a node joins.

use super::Runtime;
use crate::chain::Provider;
use crate::store::Store;
use crate::transport::Dial;

/// One choice of platform.
#[allow(missing_debug_implementations, reason = "services hold foreign objects")]
pub struct Services<S, P, D, R> {
    /// Where records live.
    pub store: S,
    /// The wallet and the way to the chain.
    pub provider: P,
    /// The way to the relay.
    pub dial: D,
    /// Clock, tasks and randomness.
    pub runtime: R,
}

/// The bounds that every platform meets, said once.
pub(super) trait Platform: 'static {
    type Store: Store + 'static;
    type Provider: Provider + Clone + 'static;
    type Dial: Dial + 'static;
    type Runtime: Runtime;
}

impl<S, P, D, R> Platform for Services<S, P, D, R>
where
    S: Store + 'static,
    P: Provider + Clone + 'static,
    D: Dial + 'static,
    R: Runtime,
{
    type Store = S;
    type Provider = P;
    type Dial = D;
    type Runtime = R;
}
