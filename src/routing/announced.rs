//! What wallets announced, as far as it counts: the newest of each, with hints for channels that exist.

use std::collections::{BTreeSet, HashMap};

use crate::protocol::{Address, Amount, AnnouncementError, ChannelId, FeeSchedule, PublicKey, Timestamp, TokenFee};

/// Of so many wallets announcements are kept.
pub const MAX_ANNOUNCEMENTS: usize = 200_000;
/// How far ahead of this clock an announcement may be signed, in seconds.
pub(super) const CLOCK_SKEW: Timestamp = 300;

/// Why an announcement was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// It does not count in itself.
    #[error(transparent)]
    Announcement(#[from] AnnouncementError),
    /// The wallet has no channel.
    #[error("the announcer has no channel")]
    NoChannel,
    /// The same or a newer one is known.
    #[error("a newer announcement is known")]
    Stale,
    /// It does not count any more.
    #[error("the announcement has expired")]
    Expired,
    /// It is signed in the future.
    #[error("the announcement is signed in the future")]
    Future,
    /// Neither the Judge nor a grant says that the key acts for the wallet.
    #[error("the announcement's key does not act for the wallet")]
    NotDelegated,
    /// [`MAX_ANNOUNCEMENTS`] are kept.
    #[error("too many wallets announce")]
    Full,
}

/// The newest announcement of a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) issued: Timestamp,
    pub(super) until: Timestamp,
    pub(super) reachable: bool,
    pub(super) signer: PublicKey,
    pub(super) granted_until: Timestamp,
    pub(super) fees: Vec<TokenFee>,
    /// In ascending order of channels.
    pub(super) hints: Vec<(ChannelId, Amount)>,
}

impl Announced {
    pub(super) fn fee(&self, token: Address) -> Option<FeeSchedule> {
        self.fees.iter().find(|entry| entry.token == token).map(|entry| entry.fee)
    }

    pub(super) fn hint(&self, channel: ChannelId) -> Option<Amount> {
        let at = self.hints.binary_search_by_key(&channel, |(id, _)| *id).ok()?;
        self.hints.get(at).map(|(_, capacity)| *capacity)
    }
}

/// Announcements by wallet, and in the order in which they end.
#[derive(Clone, Debug, Default)]
pub(super) struct Announcements {
    by_wallet: HashMap<Address, Announced>,
    ends: BTreeSet<(Timestamp, Address)>,
}

impl Announcements {
    pub(super) fn get(&self, wallet: Address) -> Option<&Announced> {
        self.by_wallet.get(&wallet)
    }

    /// True when one more wallet's would be too many.
    pub(super) fn is_full_for(&self, wallet: Address) -> bool {
        self.by_wallet.len() >= MAX_ANNOUNCEMENTS && !self.by_wallet.contains_key(&wallet)
    }

    pub(super) fn insert(&mut self, wallet: Address, announced: Announced) {
        self.ends.insert((announced.until, wallet));
        if let Some(before) = self.by_wallet.insert(wallet, announced) {
            let end = (before.until, wallet);
            if self.by_wallet.get(&wallet).is_some_and(|after| after.until != before.until) {
                self.ends.remove(&end);
            }
        }
    }

    /// Drops one that has ended.
    pub(super) fn pop_ended(&mut self, now: Timestamp) -> Option<Address> {
        let (until, wallet) = *self.ends.first()?;
        if until > now {
            return None;
        }
        self.ends.pop_first();
        self.by_wallet.remove(&wallet);
        Some(wallet)
    }
}
