//! What this client announces of itself, and when.
//!
//! A mediator tells what it takes and about how much it can send over each channel: in sixteenths of the channel, so that
//! single payments cannot be read off. Whoever only pays and is paid tells nothing but that it is there.

use std::cell::{Cell, RefCell};

use crate::engine::{ChannelView, Status};
use crate::protocol::{
    Address, Amount, Announcement, AnnouncementBody, CapacityHint, FeeSchedule, MAX_ANNOUNCED_CHANNELS,
    MAX_ANNOUNCED_TOKENS, Timestamp, TokenFee,
};

use super::super::driver::Shared;
use super::super::relay_task::Outgoing;
use super::super::services::Platform;

/// For how long an announcement counts, in seconds. It is repeated at half of that.
const LIFE: Timestamp = 600;
/// The pause between announcements, in seconds: the relay takes twenty a minute.
const PAUSE: Timestamp = 4;
/// In so many steps the capacity of a channel is told.
const STEPS: u128 = 16;

/// What was announced last, and what may be next.
#[derive(Debug)]
pub(in super::super) struct Announcer {
    wallet: Address,
    /// What passing payments on costs; none when none are passed on.
    fee: Option<FeeSchedule>,
    last: RefCell<Option<AnnouncementBody>>,
    /// True when the relay did not take the last one.
    refused: Cell<bool>,
    not_before: Cell<Timestamp>,
}

impl Announcer {
    pub(in super::super) fn new(wallet: Address, fee: Option<FeeSchedule>) -> Self {
        let (last, refused, not_before) = (RefCell::default(), Cell::new(false), Cell::new(0));
        Self { wallet, fee, last, refused, not_before }
    }

    /// The relay did not take what was announced last.
    pub(in super::super) fn refused(&self) {
        self.refused.set(true);
    }

    /// What is to be announced now, if anything.
    fn due(&self, channels: &[ChannelView], now: Timestamp) -> Option<AnnouncementBody> {
        let open: Vec<&ChannelView> = channels.iter().filter(|channel| channel.status == Status::Open).collect();
        if open.is_empty() || is_pausing(self.not_before.get(), now) {
            return None;
        }
        let last = self.last.borrow();
        let issued = last.as_ref().map_or(now, |last| now.max(last.issued.saturating_add(1)));
        let (fees, channels) = match self.fee {
            Some(fee) => (fees(&open, fee), hints(&open)),
            None => Default::default(),
        };
        let expiry = issued.saturating_add(LIFE);
        let body = AnnouncementBody { wallet: self.wallet, reachable: true, issued, expiry, fees, channels };
        let due = last.as_ref().is_none_or(|last| {
            self.refused.get() || now >= last.issued.saturating_add(LIFE / 2) || differs(last, &body, &open)
        });
        due.then_some(body)
    }

    /// Takes back what was announced, if it was.
    fn farewell(&self, now: Timestamp) -> Option<AnnouncementBody> {
        let last = self.last.borrow();
        let last = last.as_ref().filter(|last| last.expiry > now)?;
        let issued = now.max(last.issued.saturating_add(1));
        let expiry = last.expiry.max(issued.saturating_add(1));
        let (fees, channels) = Default::default();
        Some(AnnouncementBody { wallet: self.wallet, reachable: false, issued, expiry, fees, channels })
    }

    fn announced(&self, body: AnnouncementBody, now: Timestamp) {
        self.refused.set(false);
        self.not_before.set(now.saturating_add(PAUSE));
        *self.last.borrow_mut() = Some(body);
    }
}

/// A clock that was set back must not stretch the pause.
const fn is_pausing(until: Timestamp, now: Timestamp) -> bool {
    now < until && until.saturating_sub(now) <= PAUSE
}

fn fees(open: &[&ChannelView], fee: FeeSchedule) -> Vec<TokenFee> {
    let mut tokens: Vec<Address> = open.iter().map(|channel| channel.key.token).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens.into_iter().take(MAX_ANNOUNCED_TOKENS).map(|token| TokenFee { token, fee }).collect()
}

/// Of too many channels those that hold the most; in ascending order of ids.
fn hints(open: &[&ChannelView]) -> Vec<CapacityHint> {
    let mut hints: Vec<CapacityHint> =
        open.iter().map(|channel| CapacityHint { channel: channel.id, capacity: hint(channel) }).collect();
    hints.sort_unstable_by_key(|hint| std::cmp::Reverse(hint.capacity));
    hints.truncate(MAX_ANNOUNCED_CHANNELS);
    hints.sort_unstable_by_key(|hint| hint.channel);
    hints
}

/// A sixteenth of what both sides together can hold, rounded up.
fn step(channel: &ChannelView) -> u128 {
    let sides = [&channel.ours, &channel.theirs];
    let held = sides.map(|side| side.deposited.saturating_sub(side.withdrawn).get());
    held.into_iter().fold(0_u128, u128::saturating_add).div_ceil(STEPS).max(1)
}

/// What can be sent, rounded down to a step; nothing while the partner is away.
fn hint(channel: &ChannelView) -> Amount {
    let capacity = if channel.ready { channel.capacity.get() } else { 0 };
    Amount::new(capacity - capacity % step(channel))
}

/// True when it is worth telling: something other than a capacity changed, or one by two steps, or to or from nothing.
fn differs(last: &AnnouncementBody, next: &AnnouncementBody, open: &[&ChannelView]) -> bool {
    let ids = |body: &AnnouncementBody| body.channels.iter().map(|hint| hint.channel).collect::<Vec<_>>();
    if last.fees != next.fees || ids(last) != ids(next) {
        return true;
    }
    last.channels.iter().zip(&next.channels).any(|(last, next)| {
        let step = open.iter().find(|channel| channel.id == next.channel).map_or(1, |channel| step(channel));
        let moved = last.capacity.get().abs_diff(next.capacity.get());
        moved >= step.saturating_mul(2) || last.capacity.is_zero() != next.capacity.is_zero()
    })
}

impl<K: Platform> Shared<K> {
    /// Announces this client, if it is time and anybody could want to know.
    pub(in super::super) fn announce(&self) {
        if self.announcer.fee.is_none() && !self.network.is_used() {
            return;
        }
        let (engine, now) = (self.engine.borrow(), self.now());
        if !engine.is_authorized(now) {
            return;
        }
        let due = self.announcer.due(&engine.channels(), now);
        drop(engine);
        if let Some(body) = due {
            self.publish(body, now);
        }
    }

    /// Says that this client goes away.
    pub(in super::super) fn say_farewell(&self) {
        let now = self.now();
        if let Some(body) = self.announcer.farewell(now) {
            self.publish(body, now);
        }
    }

    fn publish(&self, body: AnnouncementBody, now: Timestamp) {
        let signer = self.key.public_key();
        // A key that cannot sign cannot announce either.
        let Ok(signature) = self.key.sign(body.digest(&self.config.domain)) else { return };
        let grant = self.engine.borrow().grant().copied().filter(|grant| grant.session_key == signer.address());
        self.announcer.announced(body.clone(), now);
        let announcement = Announcement { body, signer, grant, signature };
        self.send(Outgoing::Publish(announcement.to_bytes()));
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "announce_tests.rs"]
mod tests;
