//! What both sides sign: closing at once, and withdrawing while the channel stays open.
//!
//! The requester asks without signing; the partner checks that both hold the same state, signs, and from then on counts
//! the terms as carried out until their deadline has passed on the chain; the requester signs last, in the transaction. So
//! a declined request leaves no signature behind that could be used against a later state, and whoever has signed spends
//! nothing that the terms would take away.

use crate::protocol::{
    Amount, ChannelId, CloseAccept, CloseRequest, JudgeCall, Message, PublicKey, RequestKind, RequestRefusal, Side,
    Signature, Timestamp, WithdrawAccept, WithdrawRequest,
};

use super::channel::Channel;
use super::operations::Goal;
use super::records::{CloseRecord, WithdrawRecord};
use super::{CloseMode, CloseTerms, Config, Engine, EngineError, Out, RequestId, Signer, WithdrawTerms};

/// The shortest time that the terms must still be usable when they are signed, in seconds.
const MIN_PERIOD: Timestamp = 60;
/// The longest time for which a partner lets itself be frozen, in seconds.
const MAX_PERIOD: Timestamp = 3_600;
/// The pause before a declined close is asked for again, in seconds.
const ASK_AGAIN: Timestamp = 1;

impl<S: Signer> Engine<S> {
    /// Moves the partner's part of an operation along.
    pub(super) fn advance_cooperation(&mut self, index: usize, now: Timestamp, out: &mut Out) {
        let Some(operation) = self.operations.get(index) else { return };
        let (name, id) = (operation.id.clone(), operation.channel);
        if operation.until.is_some_and(|until| now >= until) {
            return self.fail_operation(index, EngineError::Timeout, out);
        }
        let Some(mut plan) = operation.plan else { return };
        let Some(channel) = self.channels.get(&id) else { return };
        if channel.close.is_some_and(|close| close.theirs.is_some()) {
            return;
        }
        if now >= plan.until {
            return match plan.mode {
                CloseMode::Auto | CloseMode::Unilateral => self.close_alone(index, now, out),
                CloseMode::Cooperative => {
                    let offline = !channel.synced;
                    let error = if offline { EngineError::PartnerOffline } else { EngineError::Timeout };
                    self.fail_operation(index, error, out);
                }
            };
        }
        if plan.asked || now < plan.ask_at || !channel.synced || !channel.unacked.is_empty() {
            return;
        }
        let Some(to) = self.peers.key_of(channel.partner()) else { return };
        let Some((balance_a, balance_b)) = channel.balances() else { return };
        let deadline = self.time(now).saturating_add(Config::COOPERATION_PERIOD);
        let request = CloseRequest {
            channel: id,
            balance_a,
            balance_b,
            deadline,
            sent: channel.sent.nonce,
            received: channel.received.nonce,
        };
        plan.asked = true;
        if let Some(operation) = self.operations.get_mut(index) {
            operation.plan = Some(plan);
        }
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.close = Some(CloseRecord { balance_a, balance_b, deadline, theirs: None, expired_at: None });
        }
        self.waits_for_partner(&name, out);
        out.dirty.insert(id);
        out.send(to, Message::CloseRequest(request));
    }

    /// The partner asks to close at once.
    pub(super) fn close_request(&mut self, from: PublicKey, request: &CloseRequest, now: Timestamp, out: &mut Out) {
        let id = request.channel;
        if self.sender(id, from).is_none() {
            return;
        }
        let time = self.time(now);
        let counts = self.own_key_counts(now);
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let agreed = (request.sent, request.received) == (channel.received.nonce, channel.sent.nonce)
            && channel.balances() == Some((request.balance_a, request.balance_b));
        let in_time = is_in_time(request.deadline, time);
        let free = channel.is_live() || channel.close.is_some_and(|close| close.theirs.is_none());
        if !agreed || !in_time || !free || !counts || channel.tip.closing.is_some() {
            return refuse(from, id, RequestKind::Close, request.deadline, out);
        }
        let terms = CloseTerms {
            channel: id,
            balance_a: request.balance_a,
            balance_b: request.balance_b,
            deadline: request.deadline,
        };
        let Ok(signature) = self.signer.sign_close(&self.config.domain, &terms) else { return };
        channel.close = Some(CloseRecord {
            balance_a: terms.balance_a,
            balance_b: terms.balance_b,
            deadline: channel.close.map_or(terms.deadline, |close| close.deadline.max(terms.deadline)),
            theirs: None,
            expired_at: None,
        });
        out.dirty.insert(id);
        out.send(from, Message::CloseAccept(CloseAccept { channel: id, deadline: terms.deadline, signature }));
        self.fail_queue(id, &EngineError::ChannelClosing, out);
    }

    /// The partner signed the close that we asked for.
    pub(super) fn close_accept(&mut self, from: PublicKey, accept: &CloseAccept, out: &mut Out) {
        let id = accept.channel;
        if self.sender(id, from).is_none() {
            return;
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let Some(close) = channel.close.as_mut().filter(|close| close.deadline == accept.deadline) else { return };
        let terms = close_terms(id, close);
        if close.theirs.is_some() || from.verify(terms.digest(&self.config.domain), &accept.signature).is_err() {
            return;
        }
        close.theirs = Some(accept.signature);
        out.dirty.insert(id);
        self.bring_close(id, out);
    }

    /// Takes a close that both have signed to the Judge.
    pub(super) fn bring_close(&mut self, id: ChannelId, out: &mut Out) {
        let Some(channel) = self.channels.get(&id) else { return };
        let Some(close) = channel.close else { return };
        let Some(theirs) = close.theirs else { return };
        let Ok(ours) = self.signer.sign_close(&self.config.domain, &close_terms(id, &close)) else { return };
        let (signature_a, signature_b) = in_order(channel.side, ours, theirs);
        let call = JudgeCall::CooperativeClose {
            key: channel.key,
            balance_a: close.balance_a,
            balance_b: close.balance_b,
            deadline: close.deadline,
            signature_a,
            signature_b,
            grants: self.grants_for_both(channel),
        };
        let waiting = self.operations.iter().find(|known| known.channel == id && known.goal == Goal::Closed);
        let operation = waiting.map(|operation| operation.id.clone());
        self.transact(id, operation, call, out);
    }

    /// Asks the partner to countersign a withdrawal.
    #[expect(clippy::too_many_arguments, reason = "they are the command's parameters")]
    pub(super) fn ask_withdrawal(
        &mut self,
        operation: String,
        request: RequestId,
        id: ChannelId,
        amount: Amount,
        timeout: Timestamp,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<(), EngineError> {
        if amount.is_zero() {
            return Err(EngineError::InvalidArgument("a withdrawal must be above zero".into()));
        }
        let channel = self.live(id)?;
        if channel.our_withdrawal.is_some() {
            return Err(EngineError::Busy);
        }
        let total = Self::withdrawal_total(channel, amount)?;
        if !self.own_key_counts(now) {
            return Err(EngineError::NotAuthorized);
        }
        let to = self.peers.key_of(channel.partner()).filter(|_| channel.synced).ok_or(EngineError::PartnerOffline)?;
        let deadline = self.time(now).saturating_add(Config::COOPERATION_PERIOD);
        self.start(operation, request, id, Goal::Withdrawn(total))?;
        let name = self.last_operation().unwrap_or_default();
        if let Some(operation) = self.operations.last_mut() {
            operation.until = Some(now.saturating_add(timeout));
        }
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.our_withdrawal = Some(WithdrawRecord { total, deadline, theirs: None, expired_at: None });
        }
        self.waits_for_partner(&name, out);
        out.dirty.insert(id);
        out.send(to, Message::WithdrawRequest(WithdrawRequest { channel: id, total, deadline }));
        Ok(())
    }

    /// The partner asks to withdraw.
    pub(super) fn withdraw_request(
        &mut self,
        from: PublicKey,
        request: &WithdrawRequest,
        now: Timestamp,
        out: &mut Out,
    ) {
        let id = request.channel;
        if self.sender(id, from).is_none() {
            return;
        }
        let time = self.time(now);
        let counts = self.own_key_counts(now);
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let affordable = channel.may_withdraw(request.total);
        let free = channel.is_live() && channel.their_withdrawal.is_none();
        if !affordable || !free || !counts || !is_in_time(request.deadline, time) {
            return refuse(from, id, RequestKind::Withdraw, request.deadline, out);
        }
        let terms =
            WithdrawTerms { channel: id, wallet: channel.partner(), total: request.total, deadline: request.deadline };
        let Ok(signature) = self.signer.sign_withdraw(&self.config.domain, &terms) else { return };
        channel.their_withdrawal =
            Some(WithdrawRecord { total: terms.total, deadline: terms.deadline, theirs: None, expired_at: None });
        out.dirty.insert(id);
        out.send(
            from,
            Message::WithdrawAccept(WithdrawAccept {
                channel: id,
                total: terms.total,
                deadline: terms.deadline,
                signature,
            }),
        );
    }

    /// The partner signed the withdrawal that we asked for.
    pub(super) fn withdraw_accept(&mut self, from: PublicKey, accept: &WithdrawAccept, out: &mut Out) {
        let id = accept.channel;
        if self.sender(id, from).is_none() {
            return;
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let wallet = channel.wallet();
        let asked = |record: &&mut WithdrawRecord| {
            (record.total, record.deadline) == (accept.total, accept.deadline) && record.theirs.is_none()
        };
        let Some(record) = channel.our_withdrawal.as_mut().filter(asked) else { return };
        let terms = WithdrawTerms { channel: id, wallet, total: record.total, deadline: record.deadline };
        if from.verify(terms.digest(&self.config.domain), &accept.signature).is_err() {
            return;
        }
        record.theirs = Some(accept.signature);
        out.dirty.insert(id);
        let Some(operation) =
            self.operations.iter_mut().find(|known| known.channel == id && known.goal == Goal::Withdrawn(terms.total))
        else {
            return;
        };
        operation.until = None;
        let operation = operation.id.clone();
        let Ok(ours) = self.signer.sign_withdraw(&self.config.domain, &terms) else { return };
        let Some(channel) = self.channels.get(&id) else { return };
        let (signature_a, signature_b) = in_order(channel.side, ours, accept.signature);
        let call = JudgeCall::CooperativeWithdraw {
            key: channel.key,
            wallet,
            total: terms.total,
            deadline: terms.deadline,
            signature_a,
            signature_b,
            grants: self.grants_for_both(channel),
        };
        self.transact(id, Some(operation), call, out);
    }

    /// The partner declined: nothing is signed, so the request is as if it had not been made.
    pub(super) fn request_refused(&mut self, from: PublicKey, refusal: &RequestRefusal, now: Timestamp, out: &mut Out) {
        let id = refusal.channel;
        if self.sender(id, from).is_none() {
            return;
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        match refusal.kind {
            RequestKind::Close => {
                let asked =
                    channel.close.is_some_and(|close| close.deadline == refusal.deadline && close.theirs.is_none());
                if !asked {
                    return;
                }
                channel.close = None;
                let plans = self.operations.iter_mut().filter(|operation| operation.channel == id);
                for plan in plans.filter_map(|operation| operation.plan.as_mut()) {
                    plan.asked = false;
                    plan.ask_at = now.saturating_add(ASK_AGAIN);
                }
            }
            RequestKind::Withdraw => {
                let asked =
                    channel.our_withdrawal.filter(|own| own.deadline == refusal.deadline && own.theirs.is_none());
                let Some(own) = asked else { return };
                channel.our_withdrawal = None;
                let goal = Goal::Withdrawn(own.total);
                let index = self.operations.iter().position(|known| known.channel == id && known.goal == goal);
                if let Some(index) = index {
                    self.fail_operation(index, EngineError::Declined, out);
                }
            }
        }
        out.dirty.insert(id);
    }

    /// Drops terms whose deadline is past for good: seen past on the chain, and confirmed since.
    pub(super) fn expire_terms(&mut self, out: &mut Out) {
        let (head, confirmations) = (self.head, self.config.confirmations);
        let is_over = |deadline: Timestamp, expired_at: &mut Option<u64>| {
            if head.timestamp <= deadline {
                *expired_at = None;
                return false;
            }
            let since = *expired_at.get_or_insert(head.number);
            head.number >= since.saturating_add(confirmations)
        };
        for channel in self.channels.values_mut() {
            let id = channel.id;
            if channel.close.as_mut().is_some_and(|close| is_over(close.deadline, &mut close.expired_at)) {
                channel.close = None;
                out.dirty.insert(id);
            }
            for withdrawal in [&mut channel.our_withdrawal, &mut channel.their_withdrawal] {
                let over = withdrawal.as_mut().is_some_and(|terms| is_over(terms.deadline, &mut terms.expired_at));
                if over {
                    *withdrawal = None;
                    out.dirty.insert(id);
                }
            }
        }
    }

    /// The grants that the Judge may not have seen, of both sides.
    fn grants_for_both(&self, channel: &Channel) -> Vec<crate::protocol::Grant> {
        let needed = self.head.timestamp.saturating_add(self.config.challenge);
        let partner = self.peers.authenticated(channel.partner());
        let theirs = partner.and_then(|partner| {
            let delegated = self.peers.delegated_until(channel.partner(), partner.key.address());
            partner.grant.filter(|_| delegated <= needed)
        });
        theirs.into_iter().chain(self.own_grant_to_bring(self.head.timestamp)).collect()
    }
}

fn is_in_time(deadline: Timestamp, time: Timestamp) -> bool {
    (time.saturating_add(MIN_PERIOD)..=time.saturating_add(MAX_PERIOD)).contains(&deadline)
}

fn close_terms(channel: ChannelId, close: &CloseRecord) -> CloseTerms {
    CloseTerms { channel, balance_a: close.balance_a, balance_b: close.balance_b, deadline: close.deadline }
}

const fn in_order(side: Side, ours: Signature, theirs: Signature) -> (Signature, Signature) {
    match side {
        Side::A => (ours, theirs),
        Side::B => (theirs, ours),
    }
}

fn refuse(to: PublicKey, channel: ChannelId, kind: RequestKind, deadline: Timestamp, out: &mut Out) {
    out.send(to, Message::RefuseRequest(RequestRefusal { channel, kind, deadline }));
}
