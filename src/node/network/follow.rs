//! How the graph follows the chain, and how it is stored.
//!
//! The chain service tells every confirmed event of the Judge once, so while the client runs the graph goes along with it,
//! and its records are written in the same commit as the service's position. What the service has passed before anybody
//! asked for the network, in this run or in earlier ones, is read here by another alarm from where the graph was left.
//! The two meet at a block that both have confirmed: the graph goes back to the service's and takes the rest from there.

use std::rc::Rc;

use futures::StreamExt;
use futures::channel::mpsc;

use crate::chain::{Alarm, AlarmError, AlarmState};
use crate::engine::records::{
    GRAPH, GRAPH_CHANNELS, GRAPH_SESSIONS, graph_channel_key, graph_session_key, read, write,
};
use crate::protocol::ChainEvent;
use crate::routing::{Changed, Graph, RollbackTooDeep, StoredChannel, StoredSession};
use crate::store::{Batch, Store, StoreError};

use super::super::driver::Shared;
use super::super::recovery::everything_under;
use super::super::services::Platform;
use super::super::{NodeError, Runtime, chain_task};
use super::{Following, Network};

/// After so many blocks without a change the position is stored nevertheless: they need not be read again.
const STORE_AFTER: u64 = 1_000;

/// What is stored of the graph, and what is not yet.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// How far the graph has come; none before it is loaded.
    state: Option<AlarmState>,
    /// How far it had come when it was stored.
    stored_at: u64,
    changed: Vec<Changed>,
}

impl Stored {
    /// The newest block whose events are in the graph.
    pub(super) fn block(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.confirmed_to)
    }
}

impl Network {
    /// The chain service has looked at the chain. What it confirmed goes into the graph, if that goes along.
    pub(in super::super) fn chain(&self, rollback: Option<u64>, confirmed: &[ChainEvent], state: &AlarmState) {
        let (_, rollbacks) = self.service.get();
        self.service.set((state.confirmed_to, rollbacks.wrapping_add(u64::from(rollback.is_some()))));
        if self.following.get() == Following::Along && self.apply(rollback, confirmed, state).is_err() {
            // The chain has changed further back than the graph can follow.
            self.anew.set(true);
            self.reload();
        }
    }

    fn apply(
        &self,
        rollback: Option<u64>,
        confirmed: &[ChainEvent],
        state: &AlarmState,
    ) -> Result<(), RollbackTooDeep> {
        let mut graph = self.graph.borrow_mut();
        let mut changed = match rollback {
            Some(block) => graph.rollback(block)?,
            None => Vec::new(),
        };
        changed.extend(confirmed.iter().filter_map(|event| graph.apply(event)));
        drop(graph);
        if !changed.is_empty() {
            self.changed.set(true);
            let now = (self.clock)();
            // Not in the head of the loop, where it would stay borrowed while those that are still too early come back to it.
            let early = std::mem::take(&mut *self.early.borrow_mut());
            for announcement in early {
                self.hear(announcement, now);
            }
        }
        let mut stored = self.stored.borrow_mut();
        stored.changed.append(&mut changed);
        stored.state = Some(state.clone());
        Ok(())
    }

    /// What is to be written so that the stored graph is this one; nothing while it may wait.
    pub(in super::super) fn writes(&self) -> Batch {
        let mut stored = self.stored.borrow_mut();
        let Some(state) = stored.state.clone() else { return Batch::default() };
        // After going back the position is behind the stored one, and must be stored at once.
        let moved =
            state.confirmed_to < stored.stored_at || state.confirmed_to.saturating_sub(stored.stored_at) >= STORE_AFTER;
        if stored.changed.is_empty() && !moved {
            return Batch::default();
        }
        stored.stored_at = state.confirmed_to;
        let mut changed = std::mem::take(&mut stored.changed);
        changed.sort_unstable();
        changed.dedup();
        let graph = self.graph.borrow();
        let mut batch = Batch { puts: vec![(GRAPH.to_vec(), write(&state))], deletes: Vec::new() };
        for changed in changed {
            let (key, record) = match changed {
                Changed::Channel(id) => (graph_channel_key(id), graph.stored_channel(id).map(|record| write(&record))),
                Changed::Session(wallet, session_key) => {
                    let record = graph.stored_session(wallet, session_key).map(|record| write(&record));
                    (graph_session_key(wallet, session_key), record)
                }
            };
            match record {
                Some(record) => batch.puts.push((key, record)),
                None => batch.deletes.push(key),
            }
        }
        batch
    }

    /// The storage was opened again and may be behind the graph that goes along: it is read again.
    pub(in super::super) fn reload(&self) {
        if self.following.get() == Following::Along {
            self.forget();
            let _ = self.wake.unbounded_send(());
        }
    }

    fn forget(&self) {
        self.following.set(Following::Not);
        *self.graph.borrow_mut() = Graph::new(self.domain.clone());
        *self.stored.borrow_mut() = Stored::default();
        self.complete.set(false);
    }

    /// Goes on with what the chain service tells from now on; false while that is not possible yet.
    fn go_along(&self, rollbacks: u64) -> bool {
        let (at, now_rollbacks) = self.service.get();
        let mut stored = self.stored.borrow_mut();
        let Some(state) = &mut stored.state else { return false };
        if rollbacks != now_rollbacks || state.confirmed_to < at {
            return false;
        }
        // What the service has not confirmed yet it will tell, perhaps otherwise after a reorg.
        let Ok(mut changed) = self.graph.borrow_mut().rollback(at) else { return false };
        state.marks.retain(|mark| mark.number <= at);
        state.confirmed_to = at;
        stored.changed.append(&mut changed);
        self.following.set(Following::Along);
        true
    }
}

impl<K: Platform> Shared<K> {
    /// Reads the chain for the graph, whenever that is asked for.
    pub(in super::super) async fn follow_network(self: Rc<Self>, mut woken: mpsc::UnboundedReceiver<()>) {
        while woken.next().await.is_some() {
            if self.network.following.get() != Following::Not {
                continue;
            }
            self.network.following.set(Following::Reading);
            if let Err(error) = self.catch_up().await {
                // What is stored may be behind what was in memory.
                self.network.forget();
                self.network.tell(&Err(error));
            }
        }
    }

    /// Reads what the chain service has passed, and lets the graph go along with it from there.
    async fn catch_up(&self) -> Result<(), NodeError> {
        let network = &self.network;
        let mut alarm = self.graph_alarm().await?;
        while self.ended.borrow().is_none() {
            let (_, rollbacks) = network.service.get();
            let update = alarm.poll().await.map_err(|error| chain_error(&error))?;
            if network.apply(update.rollback, &update.confirmed, alarm.state()).is_err() {
                network.forget();
                network.following.set(Following::Reading);
                network.anew.set(true);
                alarm = self.graph_alarm().await?;
                continue;
            }
            let batch = network.writes();
            if !batch.is_empty() {
                self.store().commit(batch).await?;
            }
            if !update.complete {
                continue;
            }
            if !network.complete.replace(true) {
                network.ask_for_book();
            }
            network.answer();
            if network.go_along(rollbacks) {
                return Ok(());
            }
            self.runtime.sleep(self.config.polling_interval).await;
        }
        Ok(())
    }

    /// Builds the graph from what is stored; the alarm that reads the rest.
    async fn graph_alarm(&self) -> Result<Alarm<K::Provider>, NodeError> {
        if self.network.anew.get() {
            erase(&*self.store()).await?;
            self.network.anew.set(false);
        }
        self.load_graph().await?;
        let state = self.network.stored.borrow().state.clone();
        Ok(Alarm::new(self.provider.clone(), chain_task::alarm_config(&self.config), state))
    }

    /// Builds the graph from its records.
    async fn load_graph(&self) -> Result<(), NodeError> {
        let store = self.store();
        let state = store.get(GRAPH).await?.map(|bytes| read::<AlarmState>(&bytes)).transpose()?;
        let mut graph = Graph::new(self.network.domain.clone());
        if let Some(state) = &state {
            for (_, bytes) in store.scan(everything_under(GRAPH_CHANNELS)).await? {
                graph.restore_channel(&read::<StoredChannel>(&bytes)?);
            }
            for (_, bytes) in store.scan(everything_under(GRAPH_SESSIONS)).await? {
                graph.restore_session(&read::<StoredSession>(&bytes)?);
            }
            graph.restored_to(state.confirmed_to);
        }
        let stored_at = state.as_ref().map_or(0, |state| state.confirmed_to);
        *self.network.stored.borrow_mut() = Stored { state, stored_at, changed: Vec::new() };
        *self.network.graph.borrow_mut() = graph;
        self.network.changed.set(true);
        Ok(())
    }
}

/// Removes every record of the graph.
async fn erase<S: Store>(store: &S) -> Result<(), StoreError> {
    let mut deletes = vec![GRAPH.to_vec()];
    for prefix in [GRAPH_CHANNELS, GRAPH_SESSIONS] {
        deletes.extend(store.scan(everything_under(prefix)).await?.into_iter().map(|(key, _)| key));
    }
    store.commit(Batch { puts: Vec::new(), deletes }).await
}

fn chain_error(error: &AlarmError) -> NodeError {
    NodeError::Chain { code: error.code(), message: error.to_string() }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "follow_tests.rs"]
mod tests;
