//! Coming back from storage: at the start, and when the browser took the storage away under a running client.
//!
//! An engine whose step could not be stored is ahead of its storage. Nothing of the step was seen by anybody, so the engine
//! is thrown away and another is loaded from what is stored; only the commands that waited for an answer are told that
//! they may not have been carried out.

use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::mpsc;

use crate::chain::AlarmState;
use crate::engine::records::{ALARM, CHALLENGE, LOADED, OWN, read};
use crate::engine::{Config, Engine, Event, Input};
use crate::protocol::SessionKey;
use crate::store::{Key, Scan, Store, StoreError};

use super::chain_task::ChainReport;
use super::driver::Shared;
use super::services::Platform;
use super::{NodeError, NodeEvent, Runtime};

/// How often a lost storage is opened again before the client gives up.
const ATTEMPTS: u32 = 5;
/// The pause after an attempt that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the engine's records and the chain service's position.
pub(super) async fn load<S: Store>(
    config: Config,
    key: SessionKey,
    store: &S,
) -> Result<(Engine<SessionKey>, Option<AlarmState>), StoreError> {
    let mut records = Vec::new();
    for prefix in LOADED {
        records.extend(store.scan(everything_under(prefix)).await?);
    }
    if let Some(own) = store.get(OWN).await? {
        records.push((OWN.to_vec(), own));
    }
    let mut engine = Engine::load(config, key, &records)?;
    for key in engine.missing_updates() {
        let update = store.get(&key).await?.ok_or_else(|| StoreError::Corrupt("a sent update is missing".into()))?;
        engine.load_update(&update)?;
    }
    let alarm = store.get(ALARM).await?.map(|bytes| read::<AlarmState>(&bytes)).transpose()?;
    Ok((engine, alarm))
}

/// All records of one kind.
pub(super) fn everything_under(prefix: u8) -> Scan {
    let end: Key = vec![prefix.saturating_add(1)];
    Scan { from: Bound::Included(vec![prefix]), to: Bound::Excluded(end), backwards: false, limit: usize::MAX }
}

impl<K: Platform> Shared<K> {
    /// Goes on with a new engine after a commit failed, if opening the storage again can help.
    ///
    /// # Errors
    /// [`StoreError`] when the client must stop.
    pub(super) async fn recover(
        self: &Rc<Self>,
        error: StoreError,
        commands: &mut mpsc::UnboundedReceiver<Input>,
    ) -> Result<mpsc::Receiver<ChainReport>, StoreError> {
        let StoreError::Lost(reason) = &error else { return Err(error) };
        self.generation.set(self.generation.get().wrapping_add(1));
        // What waited is answered now and must not be carried out afterwards, or a repeated payment would be paid twice.
        while let Ok(input) = commands.try_recv() {
            drop(input);
        }
        for (_, answer) in std::mem::take(&mut *self.waiting.borrow_mut()) {
            let _ = answer.send(Err(NodeError::Store(error.clone())));
        }
        let alarm = self.reload(&error).await?;
        self.network.reload();
        self.agree();
        if let Some(grant) = self.granted.get() {
            self.input(Input::Granted(grant));
        }
        if self.relay.borrow().is_ok() {
            self.input(Input::Online);
        }
        let message = format!("storage was lost ({reason}) and opened again");
        self.emit(NodeEvent::Warning { code: "STORAGE_REOPENED", message });
        let channels = self.engine.borrow().channels();
        for view in channels {
            self.emit(NodeEvent::Engine(Event::Channel(Box::new(view))));
        }
        Ok(self.follow_chain(alarm))
    }

    async fn reload(&self, error: &StoreError) -> Result<Option<AlarmState>, StoreError> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.runtime.sleep(PAUSE).await;
            }
            if self.ended.borrow().is_some() {
                break;
            }
            match self.open_again().await {
                Ok((store, engine, alarm)) => {
                    *self.store.borrow_mut() = Rc::new(store);
                    *self.engine.borrow_mut() = engine;
                    return Ok(alarm);
                }
                Err(StoreError::Lost(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(error.clone())
    }

    async fn open_again(&self) -> Result<(K::Store, Engine<SessionKey>, Option<AlarmState>), StoreError> {
        let old = Rc::clone(&self.store.borrow());
        let store = old.reopen().await?;
        if store.get(CHALLENGE).await?.is_none() {
            // Going on from nothing under the same key could sign numbers again: a new client begins with another key.
            return Err(StoreError::Corrupt("the storage was emptied while the client was running".into()));
        }
        let (engine, alarm) = load(self.engine_config.clone(), self.key.clone(), &store).await?;
        Ok((store, engine, alarm))
    }
}
