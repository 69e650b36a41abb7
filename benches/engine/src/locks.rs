//! What a lock and the new root cost among many pending ones: an update that adds it and one that drops it, each replayed as
//! for signing and for accepting.

use chit_client::protocol::{Address, Amount, B256, ChannelId, Direction, Lock, Op, SecretHash};

use crate::{Failure, failed};

/// One direction with pending locks.
#[derive(Debug)]
pub struct Pending {
    direction: Direction,
    next: u64,
}

impl Pending {
    /// With so many locks.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn new(locks: u32) -> Result<Self, Failure> {
        let mut direction = Direction::default();
        for id in 1..=u64::from(locks) {
            direction.locks.insert(lock(id)).map_err(failed("a lock"))?;
        }
        Ok(Self { direction, next: u64::from(locks) })
    }

    /// Adds a lock and computes the proof, and takes it away again, so many times.
    ///
    /// # Errors
    /// When an update does not apply.
    pub fn add_and_drop(&mut self, count: u32) -> Result<(), Failure> {
        for _ in 0..count {
            self.next += 1;
            // What the route says makes no difference to the tree.
            self.direction.locks.insert(lock(self.next)).map_err(failed("a lock"))?;
            let copy = self.direction.clone();
            let proof = copy.proof(ChannelId(B256::ZERO), Address::ZERO, &[]);
            let next = copy.replay(&[Op::Cancel { lock: self.next }]).map_err(failed("replaying"))?;
            if next.proof(ChannelId(B256::ZERO), Address::ZERO, &[]).locks_root == proof.locks_root {
                return Err("the root stayed".into());
            }
            self.direction = Direction { nonce: Default::default(), ..next };
        }
        Ok(())
    }
}

fn lock(id: u64) -> Lock {
    Lock {
        id,
        amount: Amount::new(1),
        expiry: 1_000,
        secret_hash: SecretHash(B256::left_padding_from(&id.to_be_bytes())),
    }
}
