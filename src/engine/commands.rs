//! What the application asks for.

use crate::protocol::{Amount, ChannelId, ChannelKey, JudgeCall, Message, Timestamp};

use super::channel::{Channel, Queued};
use super::operations::{ClosePlan, Goal, Operation, Patience};
use super::records::OriginRecord;
use super::settling::Settling;
use super::{CloseMode, Command, Engine, EngineError, Out, Part, RequestId, Signer, cancelled};

/// How long an unreachable partner is waited for before closing alone, in seconds.
const OFFLINE_PATIENCE: Timestamp = 5;

/// Terms that both have signed are brought to the Judge again while they are usable for this long, in seconds.
pub(super) const USABLE: Timestamp = 30;

impl<S: Signer> Engine<S> {
    pub(super) fn command(&mut self, request: RequestId, command: Command, now: Timestamp, out: &mut Out) {
        if let Err(error) = self.try_command(request, command, now, out) {
            out.reply(request, Err(error));
        }
    }

    fn try_command(
        &mut self,
        request: RequestId,
        command: Command,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), EngineError> {
        match command {
            Command::Open { operation, partner, token, deposit, salt } => {
                let key = ChannelKey::new(token, self.config.wallet, partner, salt)?;
                let mut channel = Channel::new(key, self.config.wallet).ok_or(EngineError::UnknownChannel)?;
                let id = channel.id;
                if self.channels.contains(id) {
                    return Err(EngineError::InvalidArgument("the salt was used before".into()));
                }
                self.start(operation, request, id, Goal::Opened)?;
                // Nothing can have been signed in a channel that is born here, so there is nothing to have forgotten.
                channel.compared = true;
                self.channels.insert(channel);
                let (session_key, valid_until) = self.delegation(now);
                let call = JudgeCall::Open { key, deposit, session_key, valid_until };
                self.transact(id, self.last_operation(), call, out);
                out.dirty.insert(id);
                Ok(())
            }
            Command::Deposit { operation, channel: id, amount } => {
                if amount.is_zero() {
                    return Err(EngineError::InvalidArgument("a deposit must be above zero".into()));
                }
                let channel = self.live(id)?;
                if self.is_under_way(id, |goal| matches!(goal, Goal::Deposited(_))) {
                    return Err(EngineError::Busy);
                }
                let key = channel.key;
                let total = channel.tip.side(channel.side).deposited.checked_add(amount)?;
                self.start(operation, request, id, Goal::Deposited(total))?;
                self.transact(id, self.last_operation(), JudgeCall::Deposit { key, amount }, out);
                Ok(())
            }
            Command::Pay { channel: id, payment, amount, memo } => {
                let (denied, limit) = (self.own_key_is_denied(now), self.config.queue);
                let channel = self.channels.get_mut(id).ok_or(EngineError::UnknownChannel)?;
                if denied && channel.is_live() {
                    return Err(EngineError::NotAuthorized);
                }
                channel.enqueue(Queued { payment, amount, memo }, limit)?;
                channel.waiting.insert(payment, Some(request));
                out.seen.insert(id);
                Ok(())
            }
            Command::Lock { channel, hash, amount, expiry, route, part } => {
                let Part { payment, number, target, amount: delivered, fee, secret } = part;
                let origin = OriginRecord { payment, part: number, target, amount: delivered, fee, secret, at: now };
                self.begin(request, channel, origin, hash, amount, expiry, route, now, out)
            }
            Command::GiveUp { target, payment } => {
                out.send(target, Message::GiveUp { payment });
                out.reply(request, Ok(super::Reply::Done));
                Ok(())
            }
            Command::CreateRequest(terms) => {
                let (id, is_new) = self.create_request(*terms, now)?;
                let reply = self.request_created(id, is_new, now, out);
                out.reply(request, Ok(reply));
                Ok(())
            }
            Command::ClaimRequest { request: wanted, payment, amount } => {
                self.claim_request(*wanted, payment, amount, now, out)?;
                out.reply(request, Ok(super::Reply::Done));
                Ok(())
            }
            Command::LeaveRequest { request: left, payment } => {
                self.leave_request(left, payment, now, out)?;
                out.reply(request, Ok(super::Reply::Done));
                Ok(())
            }
            Command::Note { key, value } => {
                out.step.write(key, value);
                out.reply(request, Ok(super::Reply::Done));
                Ok(())
            }
            Command::RefuseLocks { on } => {
                self.refusing = on;
                out.reply(request, Ok(super::Reply::Done));
                Ok(())
            }
            Command::CancelPayment { channel: id, payment } => {
                let channel = self.channels.get_mut(id).ok_or(EngineError::UnknownChannel)?;
                let queued = channel.cancel(payment).ok_or(EngineError::UnknownPayment)?;
                cancelled(channel, &queued, &EngineError::PaymentCancelled, out);
                out.seen.insert(id);
                let view = self.channel(id).ok_or(EngineError::UnknownChannel)?;
                out.reply(request, Ok(super::Reply::Channel(Box::new(view))));
                Ok(())
            }
            Command::Withdraw { operation, channel, amount, timeout } => {
                self.ask_withdrawal(operation, request, channel, amount, timeout, now, out)
            }
            Command::Close { operation, channel, mode, timeout, force } => {
                self.close(operation, request, channel, mode, timeout, force, now, out)
            }
            Command::Respond { operation, channel: id } => {
                let channel = self.channels.get(id).ok_or(EngineError::UnknownChannel)?;
                let is_due = channel.answer_until(&self.head, &self.config).is_some();
                let proof = channel.received_proof.filter(|_| is_due);
                let proof = proof.ok_or(EngineError::NothingToDo)?;
                self.start(operation, request, id, Goal::Answered(proof.proof.nonce))?;
                let operation = self.last_operation();
                self.answer(id, operation, now, out);
                Ok(())
            }
            Command::Settle { operation, channel: id, force } => {
                let channel = self.channels.get(id).ok_or(EngineError::UnknownChannel)?;
                if !channel.is_decided(&self.head) {
                    let closing = channel.tip.closing.is_some() && channel.tip.done.is_none();
                    return Err(if closing { EngineError::TooEarly } else { EngineError::NothingToDo });
                }
                if self.is_under_way(id, |goal| matches!(goal, Goal::Settled(_))) {
                    return Err(EngineError::Busy);
                }
                let paid = channel.tip.side(channel.side).paid;
                self.start(operation, request, id, Goal::Settled(paid))?;
                if let Some(operation) = self.operations.last_mut() {
                    operation.settling = Some(Settling::new(force));
                }
                out.moved = true;
                Ok(())
            }
            Command::RevealSecrets { operation, channel } => self.reveal_secrets(operation, request, channel, now, out),
        }
    }

    /// The channel, if payments go through it.
    pub(super) fn live(&self, id: ChannelId) -> Result<&Channel, EngineError> {
        let channel = self.channels.get(id).ok_or(EngineError::UnknownChannel)?;
        if channel.is_closing() || channel.frozen || channel.is_settled() {
            Err(EngineError::ChannelClosing)
        } else if let Some(reason) = channel.stop_reason() {
            Err(EngineError::ChannelStopped(reason.into()))
        } else if channel.chain.opened.is_none() {
            Err(EngineError::NotOpen)
        } else {
            Ok(channel)
        }
    }

    /// Registers a long command.
    pub(super) fn start(
        &mut self,
        id: String,
        request: RequestId,
        channel: ChannelId,
        goal: Goal,
    ) -> Result<(), EngineError> {
        if self.operations.iter().any(|known| known.id == id) {
            return Err(EngineError::InvalidArgument("an operation of this name is under way".into()));
        }
        self.operations.push(Operation {
            id,
            request,
            channel,
            goal,
            stage: None,
            plan: None,
            patience: None,
            settling: None,
            secrets: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn last_operation(&self) -> Option<String> {
        self.operations.last().map(|operation| operation.id.clone())
    }

    #[expect(clippy::too_many_arguments, reason = "they are the command's parameters")]
    fn close(
        &mut self,
        operation: String,
        request: RequestId,
        id: ChannelId,
        mode: CloseMode,
        timeout: Timestamp,
        force: bool,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), EngineError> {
        let channel = self.channels.get(id).ok_or(EngineError::UnknownChannel)?;
        if channel.chain.opened.is_none() {
            return Err(EngineError::NotOpen);
        }
        let ends = |goal| matches!(goal, Goal::Closed);
        if channel.is_closed() || self.is_under_way(id, ends) {
            return Err(EngineError::ChannelClosing);
        }
        let stopped = channel.stop_reason().is_some();
        let offline = !channel.synced && self.peers.is_unreachable(channel.partner());
        if mode == CloseMode::Cooperative && stopped {
            return Err(EngineError::ChannelStopped(channel.stop_reason().unwrap_or_default().into()));
        }
        if mode == CloseMode::Cooperative && !self.online {
            return Err(EngineError::PartnerOffline);
        }
        self.start(operation, request, id, Goal::Closed)?;
        self.fail_queue(id, &EngineError::ChannelClosing, out);
        if let Some(channel) = self.channels.get_mut(id) {
            channel.frozen = true;
        }
        let index = self.operations.len().saturating_sub(1);
        let patience = if offline && mode == CloseMode::Auto { timeout.min(OFFLINE_PATIENCE) } else { timeout };
        let usable = self.time(now).saturating_add(USABLE);
        let signed = self.channels.get(id).and_then(|channel| channel.close);
        let is_ready = signed.and_then(|close| close.theirs).is_some_and(|theirs| theirs.deadline > usable);
        let patience = Patience { since: now, seconds: patience };
        if let Some(operation) = self.operations.get_mut(index) {
            operation.plan = Some(ClosePlan { mode, force, patience, ask_at: now, asked: None, brought: is_ready });
        }
        if mode == CloseMode::Unilateral || stopped {
            self.close_alone(index, now, out);
        } else if is_ready {
            self.bring_close(id, out);
        }
        Ok(())
    }

    /// What a withdrawal of `amount` more would bring the total to.
    pub(super) fn withdrawal_total(channel: &Channel, amount: Amount) -> Result<Amount, EngineError> {
        let available = channel.available();
        if amount > available {
            return Err(EngineError::InsufficientCapacity { wanted: amount, available });
        }
        Ok(channel.tip.side(channel.side).withdrawn.checked_add(amount)?)
    }
}
