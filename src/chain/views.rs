//! What the Judge holds, read directly: to compare with what is stored when the two seem to disagree.

use alloy::primitives::{Address, B256};

use super::bindings::{Judge, Token};
use super::rpc::{self, BlockAt};
use super::{Provider, ReadError};
use crate::protocol::{Amount, ChannelKey, Nonce, Timestamp};

/// A wallet's delegation to a session key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSlot {
    /// The key signs for open channels before this second; 0 when it was never delegated.
    pub valid_until: Timestamp,
    /// When a revocation bites; 0 for none.
    pub revoked_from: Timestamp,
}

/// How far a channel has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelStatus {
    /// Never opened.
    None,
    /// Open.
    Open,
    /// Closed by one side; the challenge runs or awaits settlement.
    Closing,
    /// Nothing is left in it.
    Done,
}

/// One side of a channel in the Judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideState {
    /// The sum of its deposits.
    pub deposited: Amount,
    /// The sum of its withdrawals.
    pub withdrawn: Amount,
    /// The number of its newest proof.
    pub nonce: Nonce,
    /// What that proof pays.
    pub transferred: Amount,
    /// What that proof locks.
    pub locked: Amount,
    /// When the last of its locks expires.
    pub last_expiry: Timestamp,
    /// The root of its locks.
    pub locks_root: B256,
    /// What was claimed of its locks.
    pub claimed: Amount,
    /// What its wallet was paid.
    pub paid: Amount,
    /// Whether no lock of it can be claimed any more.
    pub is_final: bool,
}

/// A channel in the Judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// How far it has come.
    pub status: ChannelStatus,
    /// When a side closed it alone; 0 while open.
    pub closed_at: Timestamp,
    /// The first second at which no proof is taken any more; 0 while open.
    pub challenge_end: Timestamp,
    /// The side of the smaller address.
    pub a: SideState,
    /// The side of the larger address.
    pub b: SideState,
}

const fn at(block: Option<u64>) -> BlockAt {
    match block {
        None => BlockAt::Latest,
        Some(number) => BlockAt::Number(number),
    }
}

/// The delegation of `wallet` to `key`, at a block or at the newest.
///
/// # Errors
/// [`ReadError`]
pub async fn session<P: Provider>(
    provider: &P,
    judge: Address,
    wallet: Address,
    key: Address,
    block: Option<u64>,
) -> Result<SessionSlot, ReadError> {
    let slot = rpc::view(provider, judge, &Judge::sessionCall { wallet, key }, at(block)).await?;
    Ok(SessionSlot { valid_until: slot.validUntil, revoked_from: slot.revokedFrom })
}

/// What the Judge holds of a channel, at a block or at the newest.
///
/// # Errors
/// [`ReadError`]
pub async fn channel<P: Provider>(
    provider: &P,
    judge: Address,
    key: &ChannelKey,
    block: Option<u64>,
) -> Result<ChannelState, ReadError> {
    let view = rpc::view(provider, judge, &Judge::channelCall { key: super::call::key(key) }, at(block)).await?;
    let bad = || ReadError::BadAnswer { method: "eth_call" };
    let side = |side: Judge::SideView| {
        Ok::<_, ReadError>(SideState {
            deposited: Amount::new(side.deposited),
            withdrawn: Amount::new(side.withdrawn),
            nonce: Nonce::new(side.nonce.to()).map_err(|_| bad())?,
            transferred: Amount::new(side.transferred),
            locked: Amount::new(side.locked),
            last_expiry: side.lastExpiry.to(),
            locks_root: side.locksRoot,
            claimed: Amount::new(side.claimed),
            paid: Amount::new(side.paid),
            is_final: side.isFinal,
        })
    };
    let status = match view.status {
        0 => ChannelStatus::None,
        1 => ChannelStatus::Open,
        2 => ChannelStatus::Closing,
        3 => ChannelStatus::Done,
        _ => return Err(bad()),
    };
    Ok(ChannelState {
        status,
        closed_at: view.closedAt.to(),
        challenge_end: view.challengeEnd.to(),
        a: side(view.a)?,
        b: side(view.b)?,
    })
}

/// The Judge's challenge period in seconds; it never changes.
///
/// # Errors
/// [`ReadError`]
pub async fn challenge<P: Provider>(provider: &P, judge: Address) -> Result<Timestamp, ReadError> {
    rpc::view(provider, judge, &Judge::CHALLENGECall {}, BlockAt::Latest).await.map(|seconds| seconds.to())
}

/// What a wallet holds of a token, or of the chain's own coin; 2^128 − 1 where it is more, which no channel takes.
///
/// # Errors
/// [`ReadError`]
pub async fn balance<P: Provider>(provider: &P, token: Address, wallet: Address) -> Result<Amount, ReadError> {
    let balance = if token.is_zero() {
        rpc::native_balance(provider, wallet).await?
    } else {
        rpc::view(provider, token, &Token::balanceOfCall { owner: wallet }, BlockAt::Latest).await?
    };
    Ok(Amount::new(u128::try_from(balance).unwrap_or(u128::MAX)))
}
