//! The alarm: follows the chain's head and tells the Judge's events, each exactly once net of rollbacks.
//!
//! One [`Alarm::poll`] is one look at the chain. There is no timer here: a browser's timers sleep, so the node polls on
//! every wake. What an endpoint answers is only taken together when it provably belongs to one chain: the head is read
//! again by number after the logs, and the newest confirmed block's hash is compared before anything is built on it.
//! An endpoint that merely lags behind (load balancers answer from different nodes) never causes a rollback; only another
//! hash at the same number does.

use alloy::primitives::{Address, hex};
use serde_json::{Value, json};

use super::alarm_error::{AlarmError, refuses_range};
use super::events::decode_logs;
use super::rpc::{self, BlockAt, to_quantity};
use super::{Provider, ReadError};
use crate::protocol::cbor::{Decode, Encode};
use crate::protocol::{ChainEvent, Head};

/// Blocks on which an event is acted, unless configured otherwise: the event's own block and four after it.
pub const DEFAULT_CONFIRMATIONS: u64 = 5;

/// How many hashes of confirmed blocks are kept to find the common ancestor after a deep reorg.
const MARKS: usize = 128;
/// Looks at a moving chain before a poll gives up.
const ATTEMPTS: usize = 3;
/// Requests for logs in one poll. What is left is fetched by the next.
const LOG_REQUESTS: usize = 64;
/// Logs after which a poll stops, and above which one answer is refused: about 10 MB as JSON.
const LOGS: usize = 10_000;
/// Blocks per request at the start: what the common endpoints allow. Halved on refusal, grown slowly on success.
const FIRST_CHUNK: u64 = 10_000;
/// Blocks per request at most.
const MAX_CHUNK: u64 = 100_000;
/// Blocks of vanished events that one look checks.
const VANISHED: usize = 8;

/// What an alarm follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlarmConfig {
    /// The chain. Checked whenever the head changes, because a person can switch a wallet to another chain at any time.
    pub chain_id: u64,
    /// The Judge.
    pub judge: Address,
    /// Blocks on which an event is acted; at least 1, which is the event's own block.
    pub confirmations: u64,
    /// The first block that can hold an event: the Judge's deployment.
    pub from_block: u64,
}

/// How far an alarm has come. Stored in the same commit as the step that its update caused, so that no event is applied
/// twice or left out by a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AlarmState {
    /// The last block whose events were told as confirmed.
    #[n(0)]
    pub confirmed_to: u64,
    /// Confirmed blocks in ascending order, by which a reorg below them is noticed; the last is `confirmed_to`.
    #[n(1)]
    pub marks: Vec<Head>,
}

/// What one look at the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainUpdate {
    /// The newest block.
    pub head: Head,
    /// The last confirmed block.
    pub confirmed_to: u64,
    /// Newly confirmed events in the chain's order, to be applied after `rollback`.
    pub confirmed: Vec<ChainEvent>,
    /// All events above `confirmed_to`, in order. They replace those of the update before.
    pub pending: Vec<ChainEvent>,
    /// Forget the confirmed events above this block: the chain changed below what was confirmed.
    pub rollback: Option<u64>,
    /// False when the poll stopped at a bound with blocks left to read: `pending` is not whole then, so decide nothing
    /// from an event's absence, and poll again at once.
    pub complete: bool,
}

/// The last successful look.
#[derive(Clone, Debug)]
struct Seen {
    head: Head,
    pending: Vec<ChainEvent>,
    complete: bool,
}

/// Follows the chain through a provider.
#[derive(Clone, Debug)]
pub struct Alarm<P> {
    provider: P,
    config: AlarmConfig,
    state: AlarmState,
    seen: Option<Seen>,
    chunk: u64,
}

/// Where the new head stands to what was confirmed.
enum Ground {
    /// On top of it.
    Same,
    /// On another chain that leaves ours after this block.
    Fork(u64),
    /// Below it, on our chain: the endpoint lags.
    Lagging,
    /// The endpoint's answers do not fit together.
    Moved,
}

/// Logs up to a block.
struct Scan {
    events: Vec<ChainEvent>,
    to: u64,
}

impl<P: Provider> Alarm<P> {
    /// An alarm that goes on from `state`, or starts at the configuration's first block.
    pub fn new(provider: P, config: AlarmConfig, state: Option<AlarmState>) -> Self {
        let config = AlarmConfig { confirmations: config.confirmations.max(1), ..config };
        let fresh = || AlarmState { confirmed_to: config.from_block.saturating_sub(1), marks: Vec::new() };
        Self { provider, config, state: state.unwrap_or_else(fresh), seen: None, chunk: FIRST_CHUNK }
    }

    /// How far the alarm has come, to be stored together with what the last update caused.
    pub const fn state(&self) -> &AlarmState {
        &self.state
    }

    /// Looks at the chain. With an unchanged head this is one request, and the update repeats the pending events.
    ///
    /// Nothing of a failed poll is kept, so a dropped or failed one can be repeated.
    ///
    /// # Errors
    /// [`AlarmError`]; the alarm stays where it was.
    pub async fn poll(&mut self) -> Result<ChainUpdate, AlarmError> {
        for _ in 0..ATTEMPTS {
            if let Some(update) = self.look().await? {
                return Ok(update);
            }
        }
        Err(AlarmError::Unstable)
    }

    /// One look; `None` when the chain moved under it.
    async fn look(&mut self) -> Result<Option<ChainUpdate>, AlarmError> {
        let head = rpc::latest(&self.provider).await?;
        if let Some(seen) = self.seen.as_ref().filter(|seen| seen.complete && seen.head == head) {
            return Ok(Some(self.unchanged(seen)));
        }
        let actual = rpc::chain_id(&self.provider).await?;
        if actual != self.config.chain_id {
            return Err(AlarmError::WrongChain { expected: self.config.chain_id, actual });
        }
        let rollback = match self.ground(&head).await? {
            Ground::Same => None,
            Ground::Fork(ancestor) => Some(ancestor),
            Ground::Moved => return Ok(None),
            Ground::Lagging => {
                let behind = AlarmError::Behind { head: head.number, known: self.state.confirmed_to };
                return self.seen.as_ref().map(|seen| Some(self.unchanged(seen))).ok_or(behind);
            }
        };
        let base = rollback.unwrap_or(self.state.confirmed_to);
        let Scan { mut events, to } = self.scan(base, head.number).await?;
        let settled = head.number.saturating_sub(self.config.confirmations - 1);
        let confirmed_to = settled.min(to).max(base);
        let Some(mark) = self.mark(confirmed_to, base, &head).await? else { return Ok(None) };
        // The head is read last: if it still stands, everything above was read on its chain.
        let still = rpc::block(&self.provider, BlockAt::Number(head.number)).await?;
        if still.is_none_or(|block| block.hash != head.hash) || !one_chain(&events, &head, mark.as_ref()) {
            return Ok(None);
        }
        if self.lost_an_event(&events, base, to).await? {
            return Ok(None);
        }

        if rollback.is_some() {
            self.state.marks.retain(|mark| mark.number <= base);
        }
        self.state.confirmed_to = confirmed_to;
        self.state.marks.extend(mark);
        let surplus = self.state.marks.len().saturating_sub(MARKS);
        self.state.marks.drain(..surplus);
        let pending = events.split_off(events.partition_point(|event| event.position.block <= confirmed_to));
        let complete = to == head.number.max(base);
        self.seen = Some(Seen { head, pending: pending.clone(), complete });
        Ok(Some(ChainUpdate { head, confirmed_to, confirmed: events, pending, rollback, complete }))
    }

    fn unchanged(&self, seen: &Seen) -> ChainUpdate {
        ChainUpdate {
            head: seen.head,
            confirmed_to: self.state.confirmed_to,
            confirmed: Vec::new(),
            pending: seen.pending.clone(),
            rollback: None,
            complete: seen.complete,
        }
    }

    /// Compares the chain that `head` is on with the confirmed blocks that are remembered.
    async fn ground(&self, head: &Head) -> Result<Ground, AlarmError> {
        let marks = &self.state.marks;
        let below = marks.partition_point(|mark| mark.number <= head.number);
        let Some((newest, older)) = marks.get(..below).and_then(<[_]>::split_last) else {
            let known = self.state.confirmed_to;
            return if marks.is_empty() {
                Ok(Ground::Same)
            } else {
                Err(AlarmError::Behind { head: head.number, known })
            };
        };
        match self.stands(newest, head).await? {
            None => return Ok(Ground::Moved),
            Some(true) if below == marks.len() => return Ok(Ground::Same),
            Some(true) => return Ok(Ground::Lagging),
            Some(false) => {}
        }
        // Blocks are chained, so the marks that still stand come before those that do not.
        let (mut standing, mut gone) = (0, older.len());
        while standing < gone {
            let middle = usize::midpoint(standing, gone);
            let Some(mark) = older.get(middle) else { break };
            match self.stands(mark, head).await? {
                None => return Ok(Ground::Moved),
                Some(true) => standing = middle + 1,
                Some(false) => gone = middle,
            }
        }
        // With no mark left standing the chain is read again from the start: slow, but never wrong.
        let start = self.config.from_block.saturating_sub(1);
        let ancestor = standing.checked_sub(1).and_then(|last| older.get(last));
        Ok(Ground::Fork(ancestor.map_or(start, |mark| mark.number)))
    }

    /// Whether a remembered block is still on the chain; `None` when the endpoint does not know the number.
    async fn stands(&self, mark: &Head, head: &Head) -> Result<Option<bool>, AlarmError> {
        if mark.number == head.number {
            return Ok(Some(mark.hash == head.hash));
        }
        let block = rpc::block(&self.provider, BlockAt::Number(mark.number)).await?;
        Ok(block.map(|block| block.hash == mark.hash))
    }

    /// The mark of the newly confirmed block: `Some(None)` when nothing was confirmed, `None` when it is not known.
    async fn mark(&self, confirmed_to: u64, base: u64, head: &Head) -> Result<Option<Option<Head>>, AlarmError> {
        if confirmed_to == base {
            return Ok(Some(None));
        }
        let block = if confirmed_to == head.number {
            Some(*head)
        } else {
            rpc::block(&self.provider, BlockAt::Number(confirmed_to)).await?
        };
        Ok(block.map(Some))
    }

    /// Fetches the logs above `base` up to `head`, or up to a bound.
    async fn scan(&mut self, base: u64, head: u64) -> Result<Scan, AlarmError> {
        let mut events = Vec::new();
        let mut to = base;
        for _ in 0..LOG_REQUESTS {
            if to >= head || events.len() >= LOGS {
                break;
            }
            let from = to.saturating_add(1);
            let until = to.saturating_add(self.chunk).min(head);
            match self.logs(from, until).await? {
                Some(answer) => {
                    events.extend(decode_logs(&answer, self.config.judge, from..=until)?);
                    to = until;
                    self.chunk = (self.chunk + self.chunk / 8 + 1).min(MAX_CHUNK);
                }
                None if from == until => return Err(AlarmError::TooManyLogs { block: from }),
                None => self.chunk = ((until - from) / 2).max(1),
            }
        }
        Ok(Scan { events, to })
    }

    /// The logs of a range; `None` when it is too much at once, by the endpoint's word or by ours.
    async fn logs(&self, from: u64, until: u64) -> Result<Option<Value>, AlarmError> {
        let filter = json!([{
            "address": hex::encode_prefixed(self.config.judge),
            "fromBlock": to_quantity(from),
            "toBlock": to_quantity(until),
        }]);
        match self.provider.request("eth_getLogs", filter).await {
            Ok(answer) if answer.as_array().is_some_and(|logs| logs.len() > LOGS) => Ok(None),
            Ok(answer) => Ok(Some(answer)),
            Err(error) if from < until && refuses_range(&error) => Ok(None),
            Err(error) => Err(ReadError::Provider(error).into()),
        }
    }

    /// Whether an event that was seen before is missing although its block still stands.
    ///
    /// A node behind a load balancer that does not have the newest blocks yet answers fewer logs, not an error. Without
    /// this check an event could be passed over for good when its block is confirmed by such an answer.
    async fn lost_an_event(&self, events: &[ChainEvent], base: u64, to: u64) -> Result<bool, AlarmError> {
        let Some(seen) = &self.seen else { return Ok(false) };
        let found = |position| events.binary_search_by_key(&position, |event| event.position).is_ok();
        let positions = seen.pending.iter().map(|event| event.position);
        let mut vanished: Vec<_> = positions
            .filter(|position| position.block > base && position.block <= to && !found(*position))
            .map(|position| (position.block, position.block_hash))
            .collect();
        vanished.dedup();
        for (number, hash) in vanished.into_iter().take(VANISHED) {
            let block = rpc::block(&self.provider, BlockAt::Number(number)).await?;
            if block.is_none_or(|block| block.hash == hash) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether events agree with each other, with the head and with the newly confirmed block about the blocks they are in.
fn one_chain(events: &[ChainEvent], head: &Head, mark: Option<&Head>) -> bool {
    let agrees = |event: &ChainEvent, number, hash| event.position.block != number || event.position.block_hash == hash;
    events.iter().all(|event| {
        agrees(event, head.number, head.hash) && mark.is_none_or(|mark| agrees(event, mark.number, mark.hash))
    }) && events.windows(2).all(|pair| match pair {
        [one, next] => agrees(next, one.position.block, one.position.block_hash),
        _ => true,
    })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "alarm_tests.rs"]
mod tests;
