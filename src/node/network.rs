//! What a payer knows of the network of channels.

use std::cell::RefCell;

use crate::protocol::{Address, Domain, PublicKey, Timestamp};
use crate::routing::Graph;

use super::NodeError;

/// The graph of one Judge's channels.
#[derive(Debug)]
pub(super) struct Network {
    graph: RefCell<Graph>,
}

impl Network {
    pub(super) fn new(domain: Domain) -> Self {
        Self { graph: RefCell::new(Graph::new(domain)) }
    }

    /// Waits until the graph holds every channel as of a confirmed block.
    ///
    /// # Errors
    /// [`NodeError::Chain`] when the chain cannot be read.
    #[expect(clippy::unused_async, reason = "following the chain will wait")]
    pub(super) async fn ready(&self) -> Result<(), NodeError> {
        Ok(())
    }

    /// Looks at the graph, or teaches it.
    pub(super) fn with_graph<T>(&self, work: impl FnOnce(&mut Graph) -> T) -> T {
        work(&mut self.graph.borrow_mut())
    }

    /// The session key that acts for a wallet, if it can be found.
    #[expect(clippy::unused_async, reason = "asking the relay's directory will wait")]
    pub(super) async fn session_key(&self, wallet: Address, now: Timestamp) -> Option<PublicKey> {
        self.graph.borrow().session_key(wallet, now)
    }
}
