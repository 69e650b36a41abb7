//! Past payments, read from the records: newest first, both directions and both kinds merged.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use crate::engine::records::{
    ChannelRecord, RECEIVED, ReceivedRecord, SENT, UpdateRecord, channel_key, read, update_key,
};
use crate::engine::routed::SentRecord;
use crate::engine::{Engine, Flow, PaymentView, Signer, payment_views};
use crate::protocol::{ChannelId, Grant, Nonce, Op, PaymentId, SignedProof};
use crate::store::{Scan, Store, StoreError};

use super::PaymentQuery;
use super::recovery::everything_under;

/// The payments that a query asks for.
///
/// # Errors
/// [`StoreError`] when records cannot be read.
pub(super) async fn payments<S: Store, K: Signer>(
    store: &S,
    engine: impl Fn(&mut dyn FnMut(&Engine<K>)),
    query: &PaymentQuery,
) -> Result<Vec<PaymentView>, StoreError> {
    let mut channels = Vec::new();
    engine(&mut |engine| {
        let listed = engine.channels().into_iter().filter(|view| query.channel.is_none_or(|only| only == view.id));
        channels = listed.map(|channel| (channel.id, channel.partner, channel.key.token)).collect();
    });
    let mut found = Vec::new();
    if query.channel.is_none() {
        found = over_locks(store).await?;
    }
    for (channel, partner, token) in channels {
        for flow in [Flow::Sent, Flow::Received] {
            for record in updates(store, channel, flow, query).await? {
                engine(&mut |engine| {
                    let status = engine.payment_status(channel, flow, record.signed.proof.nonce);
                    let mut views = payment_views(&record, partner, token, flow, &status);
                    views.reverse();
                    found.append(&mut views);
                });
            }
        }
    }
    found.sort_by_key(|payment| std::cmp::Reverse(payment.at));
    if let Some(before) = query.before {
        let older = found.iter().position(|payment| payment.id == before).map_or(found.len(), |index| index + 1);
        found.drain(..older);
    }
    found.truncate(query.limit);
    Ok(found)
}

/// The payments over locks, which belong to no one channel.
async fn over_locks<S: Store>(store: &S) -> Result<Vec<PaymentView>, StoreError> {
    let mut found = Vec::new();
    for (_, value) in store.scan(everything_under(SENT)).await? {
        found.push(read::<SentRecord>(&value)?.view());
    }
    for (_, value) in store.scan(everything_under(RECEIVED)).await? {
        found.push(read::<ReceivedRecord>(&value)?.view());
    }
    Ok(found)
}

/// The ids of the payments that this client has signed and the numbers of the updates that carry them, by channel: read
/// once when one is asked for, and then kept up.
#[derive(Debug, Default)]
pub(super) struct Made {
    channels: RefCell<Vec<MadeIn>>,
}

#[derive(Debug)]
struct MadeIn {
    channel: ChannelId,
    ids: BTreeMap<PaymentId, u64>,
    /// True once storage was read; what is signed meanwhile is noted from the start.
    read: bool,
}

impl Made {
    /// True when a payment with this id was ever signed in the channel.
    ///
    /// # Errors
    /// [`StoreError`] when records cannot be read.
    pub(super) async fn contains<S: Store>(
        &self,
        store: &S,
        channel: ChannelId,
        payment: PaymentId,
    ) -> Result<bool, StoreError> {
        let is_read = self.with(channel, |made| made.read);
        if is_read.is_none() {
            self.channels.borrow_mut().push(MadeIn { channel, ids: BTreeMap::new(), read: false });
        }
        if is_read != Some(true) {
            let everything = PaymentQuery { channel: Some(channel), limit: usize::MAX, before: None };
            for record in updates(store, channel, Flow::Sent, &everything).await? {
                self.note(channel, record.signed.proof.nonce, &record.ops);
            }
            self.with(channel, |made| made.read = true);
        }
        Ok(self.with(channel, |made| made.ids.contains_key(&payment)).unwrap_or_default())
    }

    /// An update was signed and stored.
    pub(super) fn note(&self, channel: ChannelId, nonce: Nonce, ops: &[Op]) {
        self.with(channel, |made| made.ids.extend(ops.iter().filter_map(Op::payment).map(|id| (id, nonce.get()))));
    }

    fn with<T>(&self, channel: ChannelId, look: impl FnOnce(&mut MadeIn) -> T) -> Option<T> {
        self.channels.borrow_mut().iter_mut().find(|made| made.channel == channel).map(look)
    }
}

/// The oldest proof that is stored of the partner, with the grant under which it was accepted.
///
/// # Errors
/// [`StoreError`] when records cannot be read.
pub(super) async fn oldest_received<S: Store>(
    store: &S,
    channel: ChannelId,
) -> Result<(Option<SignedProof>, Option<Grant>), StoreError> {
    let scan = Scan {
        from: Bound::Included(update_key(channel, Flow::Received, Nonce::ZERO)),
        to: Bound::Included(update_key(channel, Flow::Received, Nonce::MAX)),
        backwards: false,
        limit: 1,
    };
    let records = store.scan(scan).await?;
    let oldest =
        records.first().map(|(_, value)| read::<UpdateRecord>(value).map(|record| record.signed)).transpose()?;
    let record = store.get(&channel_key(channel)).await?;
    let record = record.map(|bytes| read::<ChannelRecord>(&bytes)).transpose()?;
    Ok((oldest, oldest.and(record).and_then(|record| record.received.grant)))
}

/// The newest updates of one direction, each of which carries at least one payment.
async fn updates<S: Store>(
    store: &S,
    channel: ChannelId,
    flow: Flow,
    query: &PaymentQuery,
) -> Result<Vec<UpdateRecord>, StoreError> {
    let scan = Scan {
        from: Bound::Included(update_key(channel, flow, Nonce::ZERO)),
        to: Bound::Included(update_key(channel, flow, Nonce::MAX)),
        backwards: true,
        // Where the page starts is not known before the payment is found.
        limit: if query.before.is_some() { usize::MAX } else { query.limit },
    };
    let records = store.scan(scan).await?;
    records.iter().map(|(_, value)| read::<UpdateRecord>(value)).collect()
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::protocol::Amount;
    use crate::store::{Batch, Key, MemoryStore};

    const CHANNEL: ChannelId = ChannelId(crate::protocol::B256::ZERO);

    /// A storage in which something is signed while it is being read.
    struct Busy<'m>(&'m Made, PaymentId);

    impl Store for Busy<'_> {
        async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
            MemoryStore::new().commit(batch).await
        }

        async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            MemoryStore::new().get(key).await
        }

        async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
            let found = MemoryStore::new().scan(scan).await;
            let pay = Op::Pay { payment: self.1, amount: Amount::new(1), memo: None };
            self.0.note(CHANNEL, Nonce::new(1).unwrap(), &[pay]);
            found
        }

        async fn reopen(&self) -> Result<Self, StoreError> {
            Ok(Self(self.0, self.1))
        }
    }

    #[test]
    fn a_payment_that_is_signed_while_storage_is_read_is_known() {
        let (made, payment) = (Made::default(), PaymentId([1; 16]));
        let known = |store: &Busy<'_>, id| made.contains(store, CHANNEL, id).now_or_never().unwrap();
        let store = Busy(&made, payment);
        assert_eq!(known(&store, PaymentId([2; 16])), Ok(false));
        assert_eq!(known(&store, payment), Ok(true));
    }
}
