//! The channel as the application sees it.

use crate::protocol::{Amount, Direction, Head, Side};

use super::super::records::WithdrawRecord;
use super::super::{Action, ChannelView, Config, SideView, Status};
use super::Channel;

impl Channel {
    /// Where the channel is in its life.
    fn status(&self, head: &Head) -> Status {
        if self.is_settled() {
            Status::Settled
        } else if self.is_settleable(head) {
            Status::Settleable
        } else if self.tip.closing.is_some() {
            Status::Closing
        } else if self.stop_reason().is_some() {
            Status::Stopped
        } else if self.is_closing() || self.frozen {
            Status::Closing
        } else if self.chain.opened.is_some() {
            Status::Open
        } else {
            Status::Opening
        }
    }

    /// What the user should do.
    fn action(&self, head: &Head, config: &Config) -> Option<Action> {
        if self.answer_until(head, config).is_some() {
            Some(Action::Respond)
        } else if self.is_settleable(head) && !self.is_settled() {
            Some(Action::Settle)
        } else {
            None
        }
    }

    /// The channel as the application sees it.
    pub(crate) fn view(&self, head: &Head, config: &Config) -> ChannelView {
        let required = config.confirmations;
        let may_pay = self.is_live() && !self.frozen;
        let side =
            |side: Side, direction: &Direction, withdrawal: Option<&WithdrawRecord>, capacity: Option<Amount>| {
                let on_chain = self.chain.side(side);
                SideView {
                    deposited: on_chain.deposited,
                    withdrawn: self.withdrawn(side, withdrawal),
                    transferred: direction.transferred,
                    locked: direction.locks.total(),
                    nonce: direction.nonce,
                    balance: capacity.unwrap_or_default(),
                }
            };
        let confirmations =
            self.tip.opened.map_or(0, |block| head.number.saturating_add(1).saturating_sub(block).min(required));
        ChannelView {
            id: self.id,
            key: self.key,
            partner: self.partner(),
            status: self.status(head),
            confirmations,
            required,
            partner_online: self.synced,
            ready: self.synced && may_pay,
            ours: side(self.side, &self.sent, self.our_withdrawal.as_ref(), self.our_capacity()),
            theirs: side(
                self.side.other(),
                &self.received,
                self.their_withdrawal.as_ref(),
                self.their_capacity(&self.received),
            ),
            capacity: if may_pay { self.available() } else { Amount::ZERO },
            pending_payments: self.waiting.len(),
            challenge_end: self.tip.closing.map(|closing| closing.challenge_end),
            closer: self.tip.closing.map(|closing| closing.closer),
            action: self.action(head, config),
            paid: self.tip.side(self.side).paid,
            error: self.stop_reason().map(str::to_owned),
        }
    }
}
