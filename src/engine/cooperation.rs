//! What both sides sign: closing at once, and withdrawing while the channel stays open.
//!
//! The requester asks without signing; the partner checks that both hold the same state, signs, and from then on counts
//! the terms as carried out until their deadline has passed on the chain; the requester signs last, in the transaction. So
//! a declined request leaves no signature behind that could be used against a later state, and whoever has signed spends
//! nothing that the terms would take away.

use crate::protocol::{
    Amount, ChannelId, CloseAccept, CloseRequest, Grant, JudgeCall, Message, PublicKey, RequestKind, RequestRefusal,
    Side, Signature, Timestamp, WithdrawAccept, WithdrawRequest,
};

use super::channel::Channel;
use super::commands::USABLE;
use super::operations::{ClosePlan, Goal, Patience};
use super::records::{CloseRecord, Countersignature, WithdrawRecord};
use super::{CloseMode, CloseTerms, Config, Engine, EngineError, OperationId, Out, RequestId, Signer, WithdrawTerms};

/// The shortest time that the terms must still be usable when they are signed, in seconds.
const MIN_PERIOD: Timestamp = 60;
/// The longest time for which a partner lets itself be frozen, in seconds.
const MAX_PERIOD: Timestamp = 3_600;
/// The pause before a declined close is asked for again, in seconds.
const ASK_AGAIN: Timestamp = 1;
/// How long a partner has for bringing the close that we signed before it is asked to sign one for us, in seconds.
const BRINGING: Timestamp = 30;

impl<S: Signer> Engine<S> {
    /// Moves the partner's part of an operation along.
    pub(super) fn advance_cooperation(&mut self, index: usize, now: Timestamp, out: &mut Out) {
        let Some(operation) = self.operations.get(index) else { return };
        let (name, id) = (operation.id.clone(), operation.channel);
        if operation.patience.is_some_and(|patience| patience.is_over(now)) {
            return self.fail_operation(index, EngineError::Timeout, out);
        }
        let Some(mut plan) = operation.plan.filter(|plan| !plan.brought) else { return };
        let Some(channel) = self.channels.get(id) else { return };
        if plan.patience.is_over(now) {
            return match plan.mode {
                CloseMode::Auto | CloseMode::Unilateral => self.close_alone(index, now, out),
                CloseMode::Cooperative => {
                    let offline = !channel.synced;
                    let error = if offline { EngineError::PartnerOffline } else { EngineError::Timeout };
                    self.fail_operation(index, error, out);
                }
            };
        }
        if !channel.synced {
            // The question may be lost with the connection.
            plan.asked = None;
            self.set_plan(index, plan);
            return;
        }
        if plan.asked.is_some() || now < plan.ask_at || !channel.unacked.is_empty() {
            return;
        }
        let Some(to) = self.peers.key_of(channel.partner()) else { return };
        let Some((balance_a, balance_b)) = channel.balances() else { return };
        let deadline = self.time(now).saturating_add(Config::COOPERATION_PERIOD);
        let (sent, received) = (channel.sent.nonce, channel.received.nonce);
        plan.asked = Some(CloseTerms { channel: id, balance_a, balance_b, deadline });
        self.set_plan(index, plan);
        self.waits_for_partner(&name, out);
        out.seen.insert(id);
        let request = CloseRequest { channel: id, balance_a, balance_b, deadline, sent, received };
        out.send(to, Message::CloseRequest(request));
    }

    fn set_plan(&mut self, index: usize, plan: ClosePlan) {
        if let Some(operation) = self.operations.get_mut(index) {
            operation.plan = Some(plan);
        }
    }

    /// The close of this channel that the partner was asked to sign: which operation, and the terms.
    fn asked_close(&self, id: ChannelId) -> Option<(usize, ClosePlan, CloseTerms)> {
        self.operations.iter().enumerate().filter(|(_, known)| known.channel == id).find_map(|(index, known)| {
            let plan = known.plan?;
            Some((index, plan, plan.asked?))
        })
    }

    /// The partner asks to close at once.
    ///
    /// Any number of terms may be signed over one state: whichever is used pays the same. But from the first signature on
    /// nothing may change that state until the last of the deadlines has passed.
    pub(super) fn close_request(&mut self, from: PublicKey, request: &CloseRequest, now: Timestamp, out: &mut Out) {
        let id = request.channel;
        if !self.is_partner(id, from) {
            return;
        }
        let time = self.time(now);
        let counts = self.own_key_counts(now);
        let asked = self.asked_close(id);
        let Some(channel) = self.channels.get_mut(id) else { return };
        let agreed = (request.sent, request.received) == (channel.received.nonce, channel.sent.nonce)
            && channel.balances() == Some((request.balance_a, request.balance_b));
        // Whoever has not compared states since the connection may be behind, and would sign its money away.
        let open = channel.synced && channel.chain.opened.is_some() && !channel.is_closed();
        // When both ask at once, side A's question is the one that is answered.
        let crossing = asked.is_some() && channel.side == Side::A;
        let free = open && channel.stop_reason().is_none() && !channel.is_worthless(time) && !crossing;
        if !agreed || !free || !counts || !is_in_time(request.deadline, time) {
            return refuse(from, id, RequestKind::Close, request.deadline, out);
        }
        let terms = CloseTerms {
            channel: id,
            balance_a: request.balance_a,
            balance_b: request.balance_b,
            deadline: request.deadline,
        };
        let Ok(signature) = self.signer.sign_close(&self.config.domain, &terms) else { return };
        channel.close = Some(signed_close(channel.close.as_ref(), &terms, None));
        if let Some((index, mut plan, _)) = asked {
            (plan.asked, plan.ask_at) = (None, now.saturating_add(BRINGING));
            self.set_plan(index, plan);
        }
        out.dirty.insert(id);
        out.send(from, Message::CloseAccept(CloseAccept { channel: id, deadline: terms.deadline, signature }));
        self.fail_queue(id, &EngineError::ChannelClosing, out);
    }

    /// The partner signed the close that we asked for.
    pub(super) fn close_accept(&mut self, from: PublicKey, accept: &CloseAccept, now: Timestamp, out: &mut Out) {
        let id = accept.channel;
        if !self.is_partner(id, from) {
            return;
        }
        let Some((index, mut plan, terms)) = self.asked_close(id) else { return };
        let Some(channel) = self.channels.get_mut(id) else { return };
        if terms.deadline != accept.deadline
            || from.verify(terms.digest(&self.config.domain), &accept.signature).is_err()
        {
            return;
        }
        let is_current = channel.balances() == Some((terms.balance_a, terms.balance_b));
        plan.asked = None;
        plan.ask_at = now;
        plan.brought = is_current;
        if is_current {
            channel.close = Some(signed_close(channel.close.as_ref(), &terms, Some(accept.signature)));
            out.dirty.insert(id);
        }
        self.set_plan(index, plan);
        if is_current {
            self.bring_close(id, out);
        }
    }

    /// Takes a close that both have signed to the Judge.
    pub(super) fn bring_close(&mut self, id: ChannelId, out: &mut Out) {
        let Some(channel) = self.channels.get(id) else { return };
        let Some(close) = channel.close else { return };
        let Some(theirs) = close.theirs else { return };
        let CloseRecord { balance_a, balance_b, .. } = close;
        let terms = CloseTerms { channel: id, balance_a, balance_b, deadline: theirs.deadline };
        let Ok(ours) = self.signer.sign_close(&self.config.domain, &terms) else { return };
        let (signature_a, signature_b) = in_order(channel.side, ours, theirs.signature);
        let call = JudgeCall::CooperativeClose {
            key: channel.key,
            balance_a,
            balance_b,
            deadline: terms.deadline,
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
        if let Some(signed) = channel.our_withdrawal {
            let total = channel.tip.side(channel.side).withdrawn.checked_add(amount)?;
            let usable = signed.theirs.is_some() && signed.deadline > self.time(now).saturating_add(USABLE);
            let free = !self.is_under_way(id, |goal| matches!(goal, Goal::Withdrawn(_)));
            if total != signed.total || !usable || !free {
                return Err(EngineError::Busy);
            }
            // The partner has signed this one and the wallet did not send it: a total can be paid only once.
            self.start(operation, request, id, Goal::Withdrawn(total))?;
            self.bring_withdrawal(id, self.last_operation(), out);
            return Ok(());
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
            operation.patience = Some(Patience { since: now, seconds: timeout });
        }
        if let Some(channel) = self.channels.get_mut(id) {
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
        if !self.is_partner(id, from) {
            return;
        }
        let time = self.time(now);
        let counts = self.own_key_counts(now);
        let Some(channel) = self.channels.get_mut(id) else { return };
        let affordable = channel.may_withdraw(request.total);
        let free = channel.synced && channel.is_live() && channel.their_withdrawal.is_none();
        let free = free && !channel.is_worthless(time);
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
        if !self.is_partner(id, from) {
            return;
        }
        let Some(channel) = self.channels.get_mut(id) else { return };
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
        operation.patience = None;
        let operation = operation.id.clone();
        self.bring_withdrawal(id, Some(operation), out);
    }

    /// Takes a withdrawal that the partner has signed to the Judge.
    fn bring_withdrawal(&mut self, id: ChannelId, operation: Option<OperationId>, out: &mut Out) {
        let Some(channel) = self.channels.get(id) else { return };
        let Some(WithdrawRecord { total, deadline, theirs: Some(theirs), .. }) = channel.our_withdrawal else { return };
        let wallet = channel.wallet();
        let terms = WithdrawTerms { channel: id, wallet, total, deadline };
        let Ok(ours) = self.signer.sign_withdraw(&self.config.domain, &terms) else { return };
        let (signature_a, signature_b) = in_order(channel.side, ours, theirs);
        let grants = self.grants_for_both(channel);
        let key = channel.key;
        let call = JudgeCall::CooperativeWithdraw { key, wallet, total, deadline, signature_a, signature_b, grants };
        self.transact(id, operation, call, out);
    }

    /// The partner declined: nothing is signed, so the request is as if it had not been made.
    pub(super) fn request_refused(&mut self, from: PublicKey, refusal: &RequestRefusal, now: Timestamp, out: &mut Out) {
        let id = refusal.channel;
        if !self.is_partner(id, from) {
            return;
        }
        match refusal.kind {
            RequestKind::Close => {
                let asked = self.asked_close(id).filter(|(_, _, terms)| terms.deadline == refusal.deadline);
                let Some((index, mut plan, _)) = asked else { return };
                (plan.asked, plan.ask_at) = (None, now.saturating_add(ASK_AGAIN));
                self.set_plan(index, plan);
            }
            RequestKind::Withdraw => {
                let Some(channel) = self.channels.get_mut(id) else { return };
                let asked =
                    channel.our_withdrawal.filter(|own| own.deadline == refusal.deadline && own.theirs.is_none());
                let Some(own) = asked else { return };
                channel.our_withdrawal = None;
                let goal = Goal::Withdrawn(own.total);
                let index = self.operations.iter().position(|known| known.channel == id && known.goal == goal);
                if let Some(index) = index {
                    self.fail_operation(index, EngineError::Declined, out);
                }
                out.dirty.insert(id);
            }
        }
    }

    /// The grants that the Judge may not have seen, of both sides.
    pub(super) fn grants_for_both(&self, channel: &Channel) -> Vec<Grant> {
        let grants = [self.peers.grant_of(channel.partner()), self.grant];
        grants.into_iter().flatten().filter(|grant| self.must_bring(grant, self.head.timestamp)).collect()
    }
}

fn is_in_time(deadline: Timestamp, time: Timestamp) -> bool {
    (time.saturating_add(MIN_PERIOD)..=time.saturating_add(MAX_PERIOD)).contains(&deadline)
}

/// What is signed after signing these terms too. An older countersignature stays usable while the balances are the same.
fn signed_close(known: Option<&CloseRecord>, terms: &CloseTerms, theirs: Option<Signature>) -> CloseRecord {
    let CloseTerms { balance_a, balance_b, deadline, .. } = *terms;
    let same = known.filter(|known| (known.balance_a, known.balance_b) == (balance_a, balance_b));
    CloseRecord {
        balance_a,
        balance_b,
        deadline: known.map_or(deadline, |known| known.deadline.max(deadline)),
        theirs: match theirs {
            Some(signature) => Some(Countersignature { deadline, signature }),
            None => same.and_then(|known| known.theirs),
        },
        expired_at: None,
    }
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
