//! A lock's route, sealed from the target outward: every account on the way reads its own layer and nothing beyond.

use crate::engine::EngineError;
use crate::node::{NodeError, Runtime};
use crate::protocol::{Delivery, Hop, PublicKey, Route, SEAL_NONCE_BYTES, SessionKey, Timestamp};
use crate::routing::Path;

/// Wraps a delivery for the accounts of a path, whose session keys are `keys` in the same order. All locks of the path end at
/// the same second: on one chain that is safe, since both of a mediator's locks are measured by one registration of one
/// secret, and it holds no money up for longer than the last account needs.
///
/// # Errors
/// [`NodeError`] when there is no randomness, a key is no key, or the route grows too long.
pub(super) fn seal<R: Runtime>(
    runtime: &R,
    path: &Path,
    keys: &[PublicKey],
    delivery: Delivery,
    expiry: Timestamp,
) -> Result<Route, NodeError> {
    let mut layers = path.hops.iter().zip(keys).rev();
    let (mut hop, target) = layers.next().ok_or(EngineError::UnknownChannel)?;
    let mut route = layer(runtime, &Hop::Deliver(delivery), *target)?;
    for (before, key) in layers {
        let forward = Hop::Forward { next: hop.to, amount: hop.amount, expiry, route };
        route = layer(runtime, &forward, *key)?;
        hop = before;
    }
    Ok(route)
}

fn layer<R: Runtime>(runtime: &R, hop: &Hop, to: PublicKey) -> Result<Route, NodeError> {
    let once = SessionKey::from_bytes(&random(runtime)?).map_err(|_| EngineError::Signing)?;
    let nonce: [u8; SEAL_NONCE_BYTES] = random(runtime)?;
    Route::seal(hop, to, &once, nonce).map_err(|error| EngineError::InvalidArgument(error.to_string()).into())
}

/// Bytes that nobody else knows.
///
/// # Errors
/// [`EngineError::Signing`] when the platform has none.
pub(super) fn random<R: Runtime, const N: usize>(runtime: &R) -> Result<[u8; N], NodeError> {
    let mut bytes = [0; N];
    if runtime.random(&mut bytes) { Ok(bytes) } else { Err(EngineError::Signing.into()) }
}
