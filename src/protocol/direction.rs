//! One direction of a channel: what its sender has signed away so far, replayed op by op.
//!
//! Only the arithmetic and the lock tree live here. Rules that need time, deposits or the other direction
//! (capacity, expiry margins, who may cancel) are the engine's.

use super::{Amount, AmountError, BalanceProof, ChannelId, LockId, LockTree, LockTreeError, Nonce, NonceError, Op};
use alloy::primitives::Address;

/// The cumulative state of one direction.
#[derive(Clone, Debug, Default)]
pub struct Direction {
    /// The number of the last update.
    pub nonce: Nonce,
    /// Everything paid so far; it never falls.
    pub transferred: Amount,
    /// The pending locks. A copy shares them.
    pub locks: LockTree,
}

/// Why an operation does not apply to a direction's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// A payment of nothing.
    #[error("a payment must be above zero")]
    ZeroAmount,
    /// A sum leaves the range of amounts.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A lock cannot be added or removed.
    #[error(transparent)]
    Lock(#[from] LockTreeError),
    /// The secret is not the preimage of the lock's hash.
    #[error("the secret does not open lock {0}")]
    WrongSecret(LockId),
    /// The direction has signed its last nonce.
    #[error(transparent)]
    Nonce(#[from] NonceError),
}

impl Direction {
    /// Paid plus locked: what the sender can no longer spend.
    ///
    /// # Errors
    /// [`AmountError::Overflow`] above 2^128 − 1.
    pub fn committed(&self) -> Result<Amount, AmountError> {
        self.transferred.checked_add(self.locks.total())
    }

    /// Applies one operation. On an error the state may have changed in part: replay on a copy.
    ///
    /// # Errors
    /// [`OpError`] says why it does not apply.
    pub fn apply(&mut self, op: &Op) -> Result<(), OpError> {
        match op {
            Op::Pay { amount, .. } if amount.is_zero() => return Err(OpError::ZeroAmount),
            Op::Pay { amount, .. } => self.transferred = self.transferred.checked_add(*amount)?,
            Op::Lock { lock, .. } => self.locks.insert(*lock)?,
            Op::Unlock { lock, secret } => {
                let removed = self.locks.remove(*lock)?;
                if secret.hash() != removed.secret_hash {
                    return Err(OpError::WrongSecret(*lock));
                }
                self.transferred = self.transferred.checked_add(removed.amount)?;
            }
            Op::Expire { lock } | Op::Cancel { lock } => {
                self.locks.remove(*lock)?;
            }
        }
        Ok(())
    }

    /// The state after one update of `ops`: all of them applied, the nonce one higher. This one stays as it is, so that
    /// an update which is refused after all is just dropped.
    ///
    /// # Errors
    /// [`OpError`] of the first operation that does not apply.
    pub fn replay(&self, ops: &[Op]) -> Result<Self, OpError> {
        let mut next = self.clone();
        next.nonce = self.nonce.next()?;
        ops.iter().try_for_each(|op| next.apply(op))?;
        Ok(next)
    }

    /// The balance proof of this state, over the operations that led to it.
    pub fn proof(&self, channel: ChannelId, sender: Address, ops: &[Op]) -> BalanceProof {
        BalanceProof {
            channel,
            sender,
            nonce: self.nonce,
            transferred: self.transferred,
            locked: self.locks.total(),
            last_expiry: self.locks.last_expiry(),
            locks_root: self.locks.root(),
            context: Op::context(ops),
        }
    }
}
