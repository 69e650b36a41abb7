//! Long commands: what they wait for, and how far they are.
//!
//! An operation is done when the chain says so, never because a transaction was sent. Operations live in memory only: the
//! money is in the channel's record, and after a reload the channel's view tells the same story.

use crate::protocol::{
    Address, Amount, B256, ChannelId, Grant, JudgeCall, JudgeEvent, Nonce, Secret, SecretHash, SignedProof, Timestamp,
};

use super::channel::Channel;
use super::settling::Settling;
use super::{
    CloseMode, CloseTerms, Effect, Engine, EngineError, Event, OperationId, Out, Reply, RequestId, Signer, Stage,
    TransactionFailure, TransactionId,
};

/// The codes of failures after which the wallet's owner has been asked: not to be repeated unasked.
const ASKED: [&str; 2] = ["USER_REJECTED", "OUTCOME_UNKNOWN"];

/// What the chain must say for an operation to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The channel is open.
    Opened,
    /// Our deposits sum to at least this.
    Deposited(Amount),
    /// Our withdrawals sum to at least this.
    Withdrawn(Amount),
    /// The close is in the chain, alone or together.
    Closed,
    /// The Judge knows this proof of the partner, or a newer one.
    Answered(Nonce),
    /// Everything was paid out, or more than this to us.
    Settled(Amount),
    /// The secrets of the operation are registered.
    Revealed,
}

impl Goal {
    /// The block in which the chain says so, among `events`.
    fn block(self, channel: &Channel, confirmed: bool) -> Option<u64> {
        let view = if confirmed { &channel.chain } else { &channel.tip };
        let reached = |event: &JudgeEvent| match (self, event) {
            (Self::Deposited(goal), JudgeEvent::Deposited { wallet, total, .. })
            | (Self::Withdrawn(goal), JudgeEvent::Withdrawn { wallet, total, .. }) => {
                *wallet == channel.wallet() && *total >= goal
            }
            (Self::Answered(goal), JudgeEvent::ProofAccepted { sender, nonce, .. }) => {
                *sender == channel.partner() && *nonce >= goal
            }
            _ => false,
        };
        match self {
            Self::Opened => view.opened,
            // The registry tells no events of a channel.
            Self::Revealed => None,
            Self::Closed => view.closing.map(|closing| closing.block).or(view.done),
            Self::Settled(before) => {
                let paid = view.side(channel.side).paid > before;
                let last = channel.events(confirmed).filter(|event| matches!(event.event, JudgeEvent::Paid { .. }));
                view.done.or_else(|| last.last().filter(|_| paid).map(|event| event.position.block))
            }
            Self::Deposited(_) | Self::Withdrawn(_) | Self::Answered(_) => {
                channel.events(confirmed).find(|event| reached(&event.event)).map(|event| event.position.block)
            }
        }
    }
}

/// A wait that began at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) since: Timestamp,
    pub(super) seconds: Timestamp,
}

impl Patience {
    /// Ends early, and not never, when the clock is set back.
    pub(super) const fn is_over(self, now: Timestamp) -> bool {
        now.abs_diff(self.since) >= self.seconds
    }
}

/// The partner's part in a cooperative close.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClosePlan {
    pub(super) mode: CloseMode,
    pub(super) force: bool,
    /// How long the partner is waited for.
    pub(super) patience: Patience,
    /// Not before this is the partner asked (again).
    pub(super) ask_at: Timestamp,
    /// The terms that the partner was asked to sign. Nothing of ours is signed by asking.
    pub(super) asked: Option<CloseTerms>,
    /// The wallet was asked to send what both have signed; its answer decides.
    pub(super) brought: bool,
}

/// A long command under way.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: OperationId,
    pub(super) request: RequestId,
    pub(super) channel: ChannelId,
    pub(super) goal: Goal,
    pub(super) stage: Option<Stage>,
    /// Set while a close waits for the partner.
    pub(super) plan: Option<ClosePlan>,
    /// How long the partner's signature under a withdrawal is waited for.
    pub(super) patience: Option<Patience>,
    /// Set for a settlement.
    pub(super) settling: Option<Settling>,
    /// What a command that registers secrets waits for.
    pub(super) secrets: Vec<SecretHash>,
}

/// How an operation goes on besides what its goal says.
#[derive(Debug)]
pub(super) enum Further {
    /// It is not done, whatever the chain says.
    Waits,
    /// The chain decides.
    ByChain,
    /// It is done.
    Done,
    /// It cannot be done.
    Fails(EngineError),
}

/// A transaction that the wallet was asked for.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) channel: ChannelId,
    pub(super) operation: Option<OperationId>,
    pub(super) hash: Option<B256>,
    /// True for an opening: without it there is no channel.
    pub(super) opens: bool,
    /// True for a cooperative close that may be followed by a close alone.
    pub(super) may_close_alone: bool,
    /// True for the newest proof of the partner, which must not be left out because an endpoint failed for a moment.
    pub(super) answers: bool,
    /// The secrets that it registers, of which the same is true.
    pub(super) registers: Vec<SecretHash>,
}

impl<S: Signer> Engine<S> {
    /// Asks the wallet for a transaction.
    pub(super) fn transact(
        &mut self,
        channel: ChannelId,
        operation: Option<OperationId>,
        call: JudgeCall,
        out: &mut Out,
    ) {
        let id = self.next_transaction;
        self.next_transaction = id.wrapping_add(1);
        if let Some(operation) = &operation {
            self.progress(operation, Stage::Wallet, out);
        }
        let transaction = Transaction {
            channel,
            operation,
            hash: None,
            opens: matches!(call, JudgeCall::Open { .. }),
            may_close_alone: matches!(call, JudgeCall::CooperativeClose { .. }),
            answers: matches!(call, JudgeCall::Update { .. }),
            registers: match &call {
                JudgeCall::RegisterSecrets { secrets } => secrets.iter().map(Secret::hash).collect(),
                _ => Vec::new(),
            },
        };
        self.transactions.insert(id, Box::new(transaction));
        out.effect(Effect::Transact { id, call });
    }

    fn progress(&mut self, operation: &str, stage: Stage, out: &mut Out) {
        let Some(known) = self.operations.iter_mut().find(|known| known.id == operation) else { return };
        if known.stage != Some(stage) {
            known.stage = Some(stage);
            out.emit(Event::Progress { operation: operation.to_owned(), stage });
        }
    }

    /// The wallet has a transaction on its way; what the chain has told of it already is newer.
    fn submitted(&mut self, operation: &str, hash: Option<B256>, out: &mut Out) {
        let known = self.operations.iter().find(|known| known.id == operation).and_then(|known| known.stage);
        if !matches!(known, Some(Stage::Confirming { .. })) {
            self.progress(operation, Stage::Submitted(hash), out);
        }
    }

    pub(super) fn agreed(&mut self, id: TransactionId, out: &mut Out) {
        let operation = self.transactions.get(&id).and_then(|transaction| transaction.operation.clone());
        if let Some(operation) = operation {
            self.submitted(&operation, None, out);
        }
    }

    pub(super) fn waits_for_partner(&mut self, operation: &str, out: &mut Out) {
        self.progress(operation, Stage::Partner, out);
    }

    /// The wallet sent a transaction, or did not.
    pub(super) fn transaction(
        &mut self,
        id: TransactionId,
        outcome: Result<B256, TransactionFailure>,
        now: Timestamp,
        out: &mut Out,
    ) {
        let Some(transaction) = self.transactions.get_mut(&id) else { return };
        match outcome {
            Ok(hash) => {
                transaction.hash = Some(hash);
                let (channel, operation) = (transaction.channel, transaction.operation.clone());
                if transaction.opens {
                    if let Some(channel) = self.channels.get_mut(channel) {
                        channel.opening = Some(hash);
                    }
                    out.dirty.insert(channel);
                }
                if let Some(operation) = operation {
                    self.submitted(&operation, Some(hash), out);
                }
            }
            Err(failure) => {
                self.transaction_failed(id, &failure, now, out);
            }
        }
    }

    /// A sent transaction is in a block.
    pub(super) fn mined(&mut self, hash: B256, success: bool, now: Timestamp, out: &mut Out) {
        let found = self.transactions.iter().find(|(_, transaction)| transaction.hash == Some(hash));
        let id = found.map(|(id, _)| *id);
        if success {
            if let Some(id) = id {
                self.transactions.remove(&id);
            }
            return;
        }
        let failure = TransactionFailure { code: "REVERTED", message: "the transaction was reverted".into() };
        match id {
            Some(id) => self.transaction_failed(id, &failure, now, out),
            None => {
                // An opening of an earlier session.
                let orphan = self.channels.values().find(|channel| channel.opening == Some(hash));
                if let Some(id) = orphan.map(|channel| channel.id) {
                    self.forget(id, out);
                }
            }
        }
    }

    fn transaction_failed(&mut self, id: TransactionId, failure: &TransactionFailure, now: Timestamp, out: &mut Out) {
        let Some(transaction) = self.transactions.remove(&id) else { return };
        if transaction.opens {
            self.forget(transaction.channel, out);
        }
        out.seen.insert(transaction.channel);
        if transaction.hash.is_none() && !ASKED.contains(&failure.code) {
            self.registration_failed(&transaction.registers);
            if let Some(channel) = self.channels.get_mut(transaction.channel).filter(|_| transaction.answers) {
                channel.ask_again = channel.asked.is_some();
                channel.freed = false;
            }
        }
        let Some(index) =
            transaction.operation.and_then(|operation| self.operations.iter().position(|known| known.id == operation))
        else {
            return;
        };
        let alone = transaction.may_close_alone
            && failure.code == "REVERTED"
            && self
                .operations
                .get(index)
                .is_some_and(|operation| operation.plan.is_some_and(|plan| plan.mode == CloseMode::Auto));
        if alone {
            let closed = self.channels.get(transaction.channel).is_some_and(Channel::is_closed);
            // Where the partner was first, nothing is left to do but to wait for confirmations.
            if !closed {
                self.close_alone(index, now, out);
            }
            return;
        }
        let error = EngineError::Transaction { code: failure.code, message: failure.message.clone() };
        self.fail_operation(index, error, out);
    }

    /// Forgets a channel whose opening failed. Should the chain know it after all, it is found there.
    fn forget(&mut self, id: ChannelId, out: &mut Out) {
        if self.channels.get(id).is_some_and(|channel| channel.tip.opened.is_none() && channel.is_blank()) {
            self.channels.remove(id);
            out.step.writes.deletes.push(super::records::channel_key(id));
        }
    }

    /// Ends an operation with an error.
    pub(super) fn fail_operation(&mut self, index: usize, error: EngineError, out: &mut Out) {
        if index >= self.operations.len() {
            return;
        }
        let operation = self.operations.remove(index);
        if let Some(channel) = self.channels.get_mut(operation.channel)
            && operation.goal == Goal::Closed
        {
            channel.frozen = false;
        }
        out.seen.insert(operation.channel);
        out.reply(operation.request, Err(error));
    }

    /// Moves every operation that this step may concern as far as the chain and the clock allow.
    pub(super) fn advance_operations(&mut self, now: Timestamp, out: &mut Out) {
        let mut index = 0;
        while let Some(operation) = self.operations.get(index) {
            let touched = out.dirty.contains(&operation.channel) || out.seen.contains(&operation.channel);
            if !out.moved && !touched {
                index = index.saturating_add(1);
                continue;
            }
            let (id, channel, goal) = (operation.id.clone(), operation.channel, operation.goal);
            match self.further(index, now, out) {
                Further::ByChain => {}
                Further::Waits => {
                    index = index.saturating_add(1);
                    continue;
                }
                Further::Done => {
                    self.operation_done(index, out);
                    continue;
                }
                Further::Fails(error) => {
                    self.fail_operation(index, error, out);
                    continue;
                }
            }
            let reached =
                self.channels.get(channel).map(|channel| (goal.block(channel, true), goal.block(channel, false)));
            match reached {
                None => self.fail_operation(index, EngineError::UnknownChannel, out),
                Some((Some(_), _)) => self.operation_done(index, out),
                Some((None, Some(block))) => {
                    let have = self.head.number.saturating_add(1).saturating_sub(block);
                    let required = self.config.confirmations;
                    self.progress(&id, Stage::Confirming { have: have.min(required), required }, out);
                    index = index.saturating_add(1);
                }
                Some((None, None)) => {
                    let before = self.operations.len();
                    self.advance_cooperation(index, now, out);
                    if self.operations.len() == before {
                        index = index.saturating_add(1);
                    }
                }
            }
        }
    }

    fn further(&mut self, index: usize, now: Timestamp, out: &mut Out) -> Further {
        let Some(operation) = self.operations.get(index) else { return Further::ByChain };
        match operation.goal {
            Goal::Settled(_) => self.settle_further(index, now, out),
            Goal::Revealed => match self.revealed_so_far(operation) {
                None => Further::Waits,
                Some(Ok(())) => Further::Done,
                Some(Err(error)) => Further::Fails(error),
            },
            Goal::Opened | Goal::Deposited(_) | Goal::Withdrawn(_) | Goal::Closed | Goal::Answered(_) => {
                Further::ByChain
            }
        }
    }

    fn operation_done(&mut self, index: usize, out: &mut Out) {
        let Some(operation) = self.operations.get(index) else { return };
        let (id, channel, request) = (operation.id.clone(), operation.channel, operation.request);
        self.progress(&id, Stage::Confirmed, out);
        self.operations.remove(index);
        if let Some(view) = self.channel(channel) {
            out.reply(request, Ok(Reply::Channel(Box::new(view))));
        }
    }

    /// Closes without the partner's signature, with its newest proof.
    pub(super) fn close_alone(&mut self, index: usize, now: Timestamp, out: &mut Out) {
        let Some(operation) = self.operations.get_mut(index) else { return };
        let (id, force) = (operation.id.clone(), operation.plan.is_some_and(|plan| plan.force));
        let channel_id = operation.channel;
        operation.plan = None;
        let Some(channel) = self.channels.get(channel_id) else { return };
        let has_proof = channel.received_proof.is_some();
        if !channel.compared && !has_proof && !force {
            return self.fail_operation(index, EngineError::StateBehind, out);
        }
        let call = self.close_call(channel, channel.received_proof, now);
        self.transact(channel_id, Some(id), call, out);
    }

    /// The transaction that closes with this proof of the partner.
    pub(super) fn close_call(&self, channel: &Channel, proof: Option<SignedProof>, now: Timestamp) -> JudgeCall {
        let grant = proof.and_then(|proof| self.grant_to_bring(channel, &proof, now));
        JudgeCall::Close { key: channel.key, proof, grant }
    }

    /// The partner's grant, if its key might not be delegated on-chain when the Judge looks.
    pub(super) fn grant_to_bring(&self, channel: &Channel, proof: &SignedProof, now: Timestamp) -> Option<Grant> {
        let key = proof.signer.address();
        channel.received_grant.filter(|grant| grant.session_key == key && self.must_bring(grant, now))
    }

    /// True when the Judge may not know that the key is valid for long enough, and the grant would tell.
    pub(super) fn must_bring(&self, grant: &Grant, now: Timestamp) -> bool {
        let delegated = self.peers.delegated_until(grant.wallet, grant.session_key);
        let needed = self.time(now).saturating_add(self.config.challenge);
        delegated <= needed && delegated < grant.valid_until
    }

    /// The delegation that an opening carries: this client's key, unless it is delegated for long enough already.
    pub(super) fn delegation(&self, now: Timestamp) -> (Address, Timestamp) {
        let until = self.time(now).saturating_add(super::Config::SESSION_VALIDITY);
        let long_enough = self.time(now).saturating_add(super::Config::SESSION_VALIDITY / 4);
        if self.peers.delegated_until(self.config.wallet, self.address) >= long_enough {
            (Address::ZERO, 0)
        } else {
            (self.address, until)
        }
    }

    /// True while an operation with this goal runs in the channel.
    pub(super) fn is_under_way(&self, channel: ChannelId, is_goal: impl Fn(Goal) -> bool) -> bool {
        self.operations.iter().any(|operation| operation.channel == channel && is_goal(operation.goal))
    }
}
