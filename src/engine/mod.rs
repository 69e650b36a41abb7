//! The state machine: channels, payments, deadlines. No I/O, no clock, no randomness of its own.
//!
//! [`Engine::handle`] takes what happened (commands, messages, chain reports, ticks) and the time, changes its state and
//! returns a [`Step`]: the records that must become durable and the effects that may then become visible. Handing it all
//! inputs that are waiting at once is what makes group commit: payments that wait fold into one update, one signature and
//! one store transaction.
//!
//! An engine whose step could not be committed is ahead of its storage: throw it away and [`Engine::load`] a new one.

mod chain_events;
mod channel;
mod channels;
mod commands;
mod config;
mod cooperation;
mod delivery;
mod effect;
mod error;
mod gas;
mod input;
mod locks;
mod messages;
mod operations;
mod peers;
pub(crate) mod records;
mod requests;
pub(crate) mod routed;
mod secrets;
mod settling;
mod signer;
mod step;
mod table;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod transfers;

use std::collections::{BTreeMap, VecDeque};

use crate::protocol::{
    Address, Amount, B256, ChannelId, Grant, Head, KeyError, LockRefusal, Message, Nonce, PaymentId, PublicKey,
    SecretHash, Timestamp,
};
use crate::store::{Key, StoreError};

use channel::{Channel, Queued};
use channels::Channels;
use delivery::Deliveries;
use operations::{Operation, Transaction};
use peers::{Peers, SessionRead};
use records::{ChannelRecord, OwnRecord, PeerRecord, ReceivedRecord, RequestRecord, TransferRecord, UpdateRecord};
use requests::Requests;
use table::{Set, Table};
use transfers::Transfers;

pub(crate) use channel::{payment_views, update_message};
pub use config::{Config, LockPolicy};
pub use effect::{
    Action, ChannelView, Effect, Event, Flow, PaymentStatus, PaymentView, Reply, RequestStatus, RequestView, SideView,
    Stage, Status, TransferEvent,
};
pub use error::EngineError;
pub use gas::{registration_gas, settlement_gas};
pub use input::{
    ChainInput, CloseMode, Command, Input, OperationId, Part, RequestId, RequestTerms, SecretOnChain,
    TransactionFailure, TransactionId,
};
pub use signer::{CloseTerms, Signer, WithdrawTerms};
pub use step::Step;

/// One client's channels.
#[derive(Debug)]
pub struct Engine<S> {
    config: Config,
    signer: S,
    /// The session key's address. Derived once: it takes a square root, and every payment asks for it.
    address: Address,
    grant: Option<Grant>,
    head: Head,
    online: bool,
    channels: Channels,
    peers: Peers,
    operations: Vec<Operation>,
    transactions: BTreeMap<TransactionId, Box<Transaction>>,
    next_transaction: TransactionId,
    transfers: Transfers,
    deliveries: Deliveries,
    requests: Requests,
    /// True when every lock that is to be passed on is refused.
    refusing: bool,
    /// Acknowledgements that wait for the next message to their peer.
    late_acks: Table<ChannelId, (PublicKey, Nonce)>,
    /// Heads since the newest confirmed one, with their times.
    passed: VecDeque<(u64, Timestamp)>,
    /// What gas costs, as far as that was asked for.
    gas: gas::GasPrice,
    /// Up to where the chain was last asked for secrets, if not for all.
    asked_up_to: Option<SecretHash>,
}

/// What a step collects while the inputs are handled.
#[derive(Debug, Default)]
struct Out {
    step: Step,
    /// Channels whose record changed.
    dirty: Set<ChannelId>,
    /// Channels of which only the view may have changed.
    seen: Set<ChannelId>,
    /// The newest update per channel to acknowledge, and to whom. One acknowledgement covers all before it.
    acks: Table<ChannelId, (PublicKey, Nonce)>,
    /// Channels whose acknowledgement carries a countersignature.
    accept: Set<ChannelId>,
    /// Channels whose acknowledgement may wait for the next message.
    patient: Set<ChannelId>,
    /// True when no acknowledgement may wait any longer.
    hurry: bool,
    /// Transfers whose record changed.
    transfers: Set<SecretHash>,
    /// True when something happened that may move operations of any channel.
    moved: bool,
}

impl Out {
    fn effect(&mut self, effect: Effect) {
        self.step.effects.push(effect);
    }

    fn send(&mut self, to: PublicKey, message: Message) {
        self.effect(Effect::Send { to, message });
    }

    fn emit(&mut self, event: Event) {
        self.effect(Effect::Emit(event));
    }

    fn reply(&mut self, request: RequestId, result: Result<Reply, EngineError>) {
        self.effect(Effect::Reply { request, result });
    }

    fn store_update(&mut self, record: &UpdateRecord, flow: Flow) {
        let proof = &record.signed.proof;
        self.step.write(records::update_key(proof.channel, flow, proof.nonce), records::write(record));
    }
}

impl<S: Signer> Engine<S> {
    /// An engine that knows nothing yet.
    pub fn new(config: Config, signer: S) -> Self {
        Self {
            config,
            address: signer.public_key().address(),
            signer,
            grant: None,
            head: Head::default(),
            online: false,
            channels: Channels::default(),
            peers: Peers::default(),
            operations: Vec::new(),
            transactions: BTreeMap::new(),
            next_transaction: 0,
            transfers: Transfers::default(),
            deliveries: Deliveries::default(),
            requests: Requests::default(),
            refusing: false,
            late_acks: Table::default(),
            passed: VecDeque::new(),
            gas: gas::GasPrice::default(),
            asked_up_to: None,
        }
    }

    /// An engine that goes on where its storage says. Unacknowledged updates are loaded by [`Engine::load_update`] for
    /// the keys that [`Engine::missing_updates`] names.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a record cannot be read.
    pub fn load(config: Config, signer: S, records: &[(Key, Vec<u8>)]) -> Result<Self, StoreError> {
        let mut engine = Self::new(config, signer);
        for (key, value) in records {
            match key.first() {
                Some(&records::CHANNELS) => {
                    let mut channel = Channel::load(records::read::<ChannelRecord>(value)?, engine.config.wallet)?;
                    channel.resign(&engine.config.domain, &engine.signer).map_err(unsigned)?;
                    // An opening that was never sent is found on the chain if it was sent after all.
                    let unknown = channel.opening.is_none() && channel.tip == channel::ChainView::default();
                    if !(unknown && channel.is_blank()) {
                        engine.channels.insert(channel);
                    }
                }
                Some(&records::TRANSFERS) => engine.transfers.load(records::read::<TransferRecord>(value)?),
                Some(&records::RECEIVED) => engine.deliveries.load(&records::read::<ReceivedRecord>(value)?),
                Some(&records::REQUESTS) => engine.requests.load(records::read::<RequestRecord>(value)?),
                Some(&records::PEERS) => engine.peers.load(records::read::<PeerRecord>(value)?),
                _ if key == records::OWN => engine.grant = records::read::<OwnRecord>(value)?.grant,
                _ => {}
            }
        }
        Ok(engine)
    }

    /// The keys of the update records that were not acknowledged when the storage was left.
    pub fn missing_updates(&self) -> Vec<Key> {
        let unacked = |channel: &Channel| {
            let id = channel.id;
            let nonces = channel.acked.get().saturating_add(1)..=channel.sent.nonce.get();
            nonces.filter_map(move |nonce| Some(records::update_key(id, Flow::Sent, Nonce::new(nonce).ok()?)))
        };
        self.channels.values().flat_map(unacked).collect()
    }

    /// Gives back an unacknowledged update; in the order of [`Engine::missing_updates`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the record cannot be read or is not the next one of its channel.
    pub fn load_update(&mut self, value: &[u8]) -> Result<(), StoreError> {
        let record: UpdateRecord = records::read(value)?;
        let channel = self.channels.get_mut(record.signed.proof.channel);
        let channel = channel.ok_or_else(|| StoreError::Corrupt("an update of no channel".into()))?;
        channel.load_update(record).map_err(|_| StoreError::Corrupt("an update out of its order".into()))?;
        channel.resign(&self.config.domain, &self.signer).map_err(unsigned)
    }

    /// Handles everything that happened, in order, as one step.
    pub fn handle(&mut self, inputs: impl IntoIterator<Item = Input>, now: Timestamp) -> Step {
        let mut out = Out::default();
        for input in inputs {
            self.take(input, now, &mut out);
        }
        self.advance_operations(now, &mut out);
        self.sign_waiting(now, &mut out);
        self.acknowledge(&mut out);
        self.store_transfers(&mut out);
        for id in std::mem::take(&mut out.dirty) {
            if let Some(channel) = self.channels.get(id) {
                let key = records::channel_key(id);
                // A channel that vanished and came back within one step stays.
                out.step.writes.deletes.retain(|deleted| *deleted != key);
                out.step.write(key, records::write(&channel.record()));
            }
            out.seen.insert(id);
        }
        for id in std::mem::take(&mut out.seen) {
            if let Some(view) = self.channel(id) {
                out.emit(Event::Channel(Box::new(view)));
            }
        }
        out.step
    }

    /// Acknowledges what was stored. For locks that are passed on it waits for the next message to that peer, which is
    /// mostly the secret coming back; another update, or the next tick, ends the wait.
    fn acknowledge(&mut self, out: &mut Out) {
        for (channel, (to, nonce)) in std::mem::take(&mut out.acks) {
            let waited = self.late_acks.remove(&channel).is_some();
            let accepted = out.accept.contains(&channel);
            if out.patient.contains(&channel) && !waited && !accepted {
                self.late_acks.insert(channel, (to, nonce));
                continue;
            }
            let acceptance = self.channels.get(channel).filter(|_| accepted).and_then(|known| self.acceptance(known));
            out.send(to, Message::Ack { channel, nonce, acceptance });
        }
        let spoken_to = out.step.effects.iter().filter_map(|effect| match effect {
            Effect::Send { to, .. } => Some(*to),
            _ => None,
        });
        let spoken_to: Set<PublicKey> = spoken_to.collect();
        let is_due = |to: &PublicKey| out.hurry || spoken_to.contains(to);
        let due: Vec<_> =
            self.late_acks.iter().filter(|(_, (to, _))| is_due(to)).map(|(id, ack)| (*id, *ack)).collect();
        for (channel, (to, nonce)) in due {
            self.late_acks.remove(&channel);
            out.send(to, Message::Ack { channel, nonce, acceptance: None });
        }
    }

    fn take(&mut self, input: Input, now: Timestamp, out: &mut Out) {
        out.moved |= match &input {
            Input::Command { command, .. } => !matches!(command, Command::Pay { .. } | Command::CancelPayment { .. }),
            Input::Chain(_) | Input::Transaction { .. } | Input::Mined { .. } | Input::GasPrice(_) | Input::Tick => {
                true
            }
            Input::Message { .. }
            | Input::Unreachable(_)
            | Input::Online
            | Input::Offline
            | Input::Found { .. }
            | Input::SessionRead { .. }
            | Input::SecretsRead { .. }
            | Input::Agreed(_)
            | Input::Granted(_) => false,
        };
        match input {
            Input::Command { request, command } => self.command(request, command, now, out),
            Input::Message { from, message } => self.message(from, message, now, out),
            Input::Unreachable(key) => self.unreachable(key, now, out),
            Input::Online => self.online(now, out),
            Input::Offline => self.offline(out),
            Input::Found { wallet, entries } => self.found(wallet, &entries, now, out),
            Input::SessionRead { wallet, session_key, valid_until, revoked_from } => {
                self.session_read(SessionRead { wallet, session_key, valid_until, revoked_from }, now, out);
            }
            Input::Chain(chain) => self.chain(chain, now, out),
            Input::Agreed(id) => self.agreed(id, out),
            Input::Transaction { id, outcome } => self.transaction(id, outcome, now, out),
            Input::Mined { hash, success } => self.mined(hash, success, now, out),
            Input::SecretsRead { at, asked, found } => self.secrets_read(at, &asked, &found, now, out),
            Input::GasPrice(price) => {
                self.gas.told(price, now);
                self.register_secrets(now, out);
            }
            Input::Granted(grant) => self.granted(grant, now, out),
            Input::Tick => {
                out.hurry = true;
                self.tick(now, out);
            }
        }
    }

    /// Signs what waits in every channel that something happened to.
    fn sign_waiting(&mut self, now: Timestamp, out: &mut Out) {
        if !self.own_key_counts(now) {
            return;
        }
        let mut signed = Vec::new();
        let mut touched = out.seen.clone();
        touched.extend(out.dirty.iter().copied());
        for id in touched {
            self.withdraw_stale_offers(id, now, out);
            let time = self.time(now);
            let Some(channel) = self.channels.get_mut(id).filter(|channel| channel.has_queue()) else { continue };
            let Some(to) = self.peers.key_of(channel.partner()) else { continue };
            if channel.is_worthless(time) {
                continue;
            }
            while let Ok(Some(record)) = channel.sign_next(&self.config.domain, &self.signer, self.config.window, now) {
                out.store_update(&record, Flow::Sent);
                out.send(to, update_message(&record));
                out.dirty.insert(id);
                signed.push((id, record.ops));
            }
        }
        for (id, ops) in signed {
            self.locks_signed(id, &ops, now, out);
        }
    }

    /// The later of the wall clock and the chain's: a deadline must hold by both.
    fn time(&self, now: Timestamp) -> Timestamp {
        now.max(self.head.timestamp)
    }

    /// True while proofs that this client's session key signs are sure to count at the Judge.
    fn own_key_counts(&self, now: Timestamp) -> bool {
        let until = self.time(now).saturating_add(self.config.challenge.saturating_mul(2));
        self.peers.key_counts(self.config.wallet, self.address, self.grant.as_ref(), until)
    }

    /// True when the Judge's record of this client's key was read, and what the key signs is not sure to count. Before it is
    /// read, which is so after every start, payments wait for it.
    fn own_key_is_denied(&self, now: Timestamp) -> bool {
        let key = self.signer.public_key().address();
        self.peers.knows_session(self.config.wallet, key) && !self.own_key_counts(now)
    }

    fn fail_queue(&mut self, id: ChannelId, error: &EngineError, out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        for queued in channel.cancel_all() {
            cancelled(channel, &queued, error, out);
        }
        out.seen.insert(id);
        self.withdraw_offers(id, out);
    }

    /// Takes back the locks for which nothing is signed yet: their payments look for another way, or end.
    fn withdraw_offers(&mut self, id: ChannelId, out: &mut Out) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        for offer in channel.locks.withdraw_offers() {
            if let Some(transfer) = self.transfers.get_mut(offer.hash) {
                transfer.offered = None;
                out.transfers.insert(offer.hash);
            }
            self.way_ended(offer.hash, LockRefusal::NoRoute, out);
        }
    }

    /// The head of the chain as last reported.
    pub const fn head(&self) -> Head {
        self.head
    }

    /// This client's own grant, if the wallet has signed one.
    pub const fn grant(&self) -> Option<&Grant> {
        self.grant.as_ref()
    }

    /// True when the wallet has named this client's session key, on-chain or by a grant, for long enough to pay.
    pub fn is_authorized(&self, now: Timestamp) -> bool {
        self.own_key_counts(now)
    }

    /// Until when the wallet has named this client's session key, on-chain or by a grant; `None` while it has not.
    pub fn authorized_until(&self) -> Option<Timestamp> {
        let granted = self.grant.map_or(0, |grant| grant.valid_until);
        let delegated = self.peers.delegated_until(self.config.wallet, self.address);
        Some(granted.max(delegated)).filter(|until| *until > 0)
    }

    /// The channel with this id.
    pub fn channel(&self, id: ChannelId) -> Option<ChannelView> {
        self.channels.get(id).map(|channel| channel.view(&self.head, &self.config))
    }

    /// All channels.
    pub fn channels(&self) -> Vec<ChannelView> {
        self.channels.values().map(|channel| channel.view(&self.head, &self.config)).collect()
    }

    /// The last acknowledged and the first refused number of what was sent in a channel: from these and an update's
    /// number follows the status of its payments.
    pub fn payment_status(&self, channel: ChannelId, flow: Flow, nonce: Nonce) -> PaymentStatus {
        let Some(channel) = self.channels.get(channel) else { return PaymentStatus::Settled };
        match (flow, channel.refused) {
            (Flow::Received, _) => PaymentStatus::Settled,
            (Flow::Sent, _) if nonce <= channel.acked => PaymentStatus::Settled,
            (Flow::Sent, Some(refused)) if nonce >= refused.nonce => {
                PaymentStatus::Refused(format!("{:?}", refused.code))
            }
            (Flow::Sent, _) => PaymentStatus::Sent,
        }
    }

    /// How many payments over locks begin, end or pass here and are not over.
    pub fn transfers_under_way(&self) -> usize {
        self.transfers.iter().count()
    }

    /// The parts of a payment that begins here whose locks are made, or are about to be, and not known to be gone: their
    /// numbers and what the target gets.
    pub fn open_parts(&self, payment: PaymentId) -> Vec<(u32, Amount)> {
        let origins = self.transfers.iter().filter_map(|(_, transfer)| transfer.origin.as_ref());
        origins.filter(|origin| origin.payment == payment).map(|origin| (origin.part, origin.amount)).collect()
    }

    /// The session key of a partner that answers.
    pub fn partner_key(&self, wallet: Address) -> Option<PublicKey> {
        self.peers.key_of(wallet)
    }

    /// True while a payment of this id waits or is not acknowledged, in any channel.
    pub fn is_waiting(&self, payment: PaymentId) -> bool {
        self.channels.values().any(|channel| channel.waiting.contains_key(&payment))
    }

    /// The hashes of transactions that are sent and not known to be in a block.
    pub fn sent_transactions(&self) -> Vec<B256> {
        let openings = self.channels.values().filter(|channel| channel.tip.opened.is_none());
        let mut hashes: Vec<B256> = openings.filter_map(|channel| channel.opening).collect();
        for hash in self.transactions.values().filter_map(|transaction| transaction.hash) {
            if !hashes.contains(&hash) {
                hashes.push(hash);
            }
        }
        hashes
    }

    /// This client's session key.
    pub fn session_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    /// The wallet that owns the money.
    pub const fn wallet(&self) -> Address {
        self.config.wallet
    }
}

fn unsigned(error: KeyError) -> StoreError {
    StoreError::Corrupt(format!("a proof could not be signed again: {error}"))
}

/// Tells the application that a waiting payment ended without anything being signed.
fn cancelled(channel: &mut Channel, queued: &Queued, error: &EngineError, out: &mut Out) {
    if let Some(request) = channel.waiting.remove(&queued.payment).flatten() {
        out.reply(request, Err(error.clone()));
    }
    out.emit(Event::Payment(PaymentView {
        id: queued.payment,
        channel: Some(channel.id),
        partner: channel.partner(),
        token: channel.key.token,
        flow: Flow::Sent,
        amount: queued.amount,
        fee: Amount::ZERO,
        request: None,
        memo: queued.memo.as_ref().map(|memo| memo.as_str().to_owned()),
        status: PaymentStatus::Cancelled,
        nonce: Nonce::ZERO,
        at: 0,
    }));
}
