//! Past payments, read from the update records: newest first, both directions merged.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use crate::engine::records::{ChannelRecord, UpdateRecord, channel_key, read, update_key};
use crate::engine::{Engine, Flow, PaymentView, Signer, payment_views};
use crate::protocol::{ChannelId, Grant, Nonce, Op, PaymentId, SignedProof};
use crate::store::{Scan, Store, StoreError};

use super::PaymentQuery;

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
        channels = match query.channel {
            Some(channel) => vec![channel],
            None => engine.channels().iter().map(|channel| channel.id).collect(),
        };
    });
    let mut found = Vec::new();
    for channel in channels {
        for flow in [Flow::Sent, Flow::Received] {
            for record in updates(store, channel, flow, query).await? {
                engine(&mut |engine| {
                    let status = engine.payment_status(channel, flow, record.signed.proof.nonce);
                    let mut views = payment_views(&record, flow, &status);
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

/// The ids of the payments that this client has signed and the numbers of the updates that carry them, by channel: read
/// once when one is asked for, and then kept up.
#[derive(Debug, Default)]
pub(super) struct Made {
    channels: RefCell<Vec<(ChannelId, BTreeMap<PaymentId, u64>)>>,
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
        let known = self.with(channel, |ids| ids.contains_key(&payment));
        if let Some(known) = known {
            return Ok(known);
        }
        let everything = PaymentQuery { channel: Some(channel), limit: usize::MAX, before: None };
        let records = updates(store, channel, Flow::Sent, &everything).await?;
        let mut ids = BTreeMap::new();
        for record in records {
            let nonce = record.signed.proof.nonce.get();
            ids.extend(record.ops.iter().filter_map(Op::payment).map(|id| (id, nonce)));
        }
        let found = ids.contains_key(&payment);
        self.channels.borrow_mut().push((channel, ids));
        Ok(found)
    }

    /// A payment was signed.
    pub(super) fn note(&self, payment: &PaymentView) {
        self.with(payment.channel, |ids| ids.insert(payment.id, payment.nonce.get()));
    }

    fn with<T>(&self, channel: ChannelId, look: impl FnOnce(&mut BTreeMap<PaymentId, u64>) -> T) -> Option<T> {
        let mut channels = self.channels.borrow_mut();
        channels.iter_mut().find(|(known, _)| *known == channel).map(|(_, ids)| look(ids))
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
