//! What a graph is made of, one record for each channel and session key, so that it can be put away and built again
//! without reading the chain from its beginning.

use super::book::{Changed, OpenChannel, Session};
use super::graph::Graph;
use crate::protocol::cbor::{Decode, Encode};
use crate::protocol::{Address, Amount, ChannelId, ChannelKey, Timestamp, cbor};

/// An open channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct StoredChannel {
    #[n(0)]
    pub(crate) key: ChannelKey,
    /// What the sides have deposited.
    #[n(1)]
    pub(crate) deposited_a: Amount,
    #[n(2)]
    pub(crate) deposited_b: Amount,
    /// What the sides have withdrawn.
    #[n(3)]
    pub(crate) withdrawn_a: Amount,
    #[n(4)]
    pub(crate) withdrawn_b: Amount,
}

/// The Judge's record of a session key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct StoredSession {
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub(crate) wallet: Address,
    #[n(1)]
    #[cbor(with = "cbor::fixed")]
    pub(crate) session_key: Address,
    #[n(2)]
    pub(crate) valid_until: Timestamp,
    #[n(3)]
    pub(crate) revoked_from: Timestamp,
}

impl Graph {
    /// An open channel as it is to be stored; none when there is no such channel any more.
    pub(crate) fn stored_channel(&self, id: ChannelId) -> Option<StoredChannel> {
        let OpenChannel { key, deposited: [deposited_a, deposited_b], withdrawn: [withdrawn_a, withdrawn_b] } =
            *self.book.channel(id)?;
        Some(StoredChannel { key, deposited_a, deposited_b, withdrawn_a, withdrawn_b })
    }

    /// A session key as it is to be stored; none when the Judge does not know it.
    pub(crate) fn stored_session(&self, wallet: Address, session_key: Address) -> Option<StoredSession> {
        let Session { valid_until, revoked_from } = self.book.session(wallet, session_key)?;
        Some(StoredSession { wallet, session_key, valid_until, revoked_from })
    }

    /// Puts a stored channel back.
    pub(crate) fn restore_channel(&mut self, stored: &StoredChannel) {
        let StoredChannel { key, deposited_a, deposited_b, withdrawn_a, withdrawn_b } = *stored;
        let (deposited, withdrawn) = ([deposited_a, deposited_b], [withdrawn_a, withdrawn_b]);
        self.book.restore_channel(OpenChannel { key, deposited, withdrawn });
        self.update(Changed::Channel(key.id()));
    }

    /// Puts a stored session key back.
    pub(crate) fn restore_session(&mut self, stored: &StoredSession) {
        let StoredSession { wallet, session_key, valid_until, revoked_from } = *stored;
        self.book.restore_session(wallet, session_key, Session { valid_until, revoked_from });
        self.update(Changed::Session(wallet, session_key));
    }

    /// Everything put back is as of this block: older events are repetitions, and nothing below it can be taken back.
    pub(crate) fn restored_to(&mut self, block: u64) {
        self.book.restored_to(block);
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::super::RollbackTooDeep;
    use super::super::testing::{World, channel_key, domain, key, wallet};
    use super::*;
    use crate::protocol::{B256, ChainEvent, JudgeEvent, LogPosition};

    #[test]
    fn a_graph_that_was_put_away_is_the_same() {
        let mut world = World::new();
        let [one, other] = [world.open(0, 1, 0, 1_000), world.open(1, 2, 7, 500)];
        let (gone, withdrawn) = (world.open(0, 2, 1, 9), Amount::new(300));
        world.event(JudgeEvent::Withdrawn { channel: one, wallet: channel_key(0, 1, 0).b, total: withdrawn });
        world.event(JudgeEvent::Closing { channel: gone, closer: wallet(0), challenge_end: 5 });
        world.delegate(1);
        let graph = world.graph;
        assert_eq!(graph.stored_channel(gone), None);
        let session_key = key().public_key().address();
        let mut again = Graph::new(domain());
        for id in [one, other] {
            again.restore_channel(&graph.stored_channel(id).unwrap());
        }
        again.restore_session(&graph.stored_session(wallet(1), session_key).unwrap());
        again.restored_to(world.block);
        for id in [one, other, gone] {
            assert_eq!(again.stored_channel(id), graph.stored_channel(id));
        }
        assert_eq!(again.stored_session(wallet(1), session_key), graph.stored_session(wallet(1), session_key));
        assert_eq!(again.listing(None, 0), graph.listing(None, 0));

        // What came before is a repetition, and cannot be taken back.
        let position = |block| LogPosition { block, index: 0, block_hash: B256::ZERO, transaction: B256::ZERO };
        let reopened = JudgeEvent::Opened { key: channel_key(0, 2, 1) };
        assert_eq!(again.apply(&ChainEvent { position: position(world.block), event: reopened.clone() }), None);
        assert_eq!(again.rollback(world.block - 1), Err(RollbackTooDeep(world.block)));
        let next = ChainEvent { position: position(world.block + 1), event: reopened };
        assert_eq!(again.apply(&next), Some(Changed::Channel(gone)));
        assert_eq!(again.rollback(world.block), Ok(vec![Changed::Channel(gone)]));
    }
}
