//! What waits to be sent to one client, bounded in frames and bytes, and how its connection ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use chit_client::transport::relay_protocol::ErrorCode;
use tokio::sync::{mpsc, watch};

/// Bytes that may wait, together. Taking and giving back never lets the sum pass the limit.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit }
    }

    fn take(&self, bytes: usize) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.limit)
            })
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// How a connection ends, from the relay's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Refused, and told why.
    Refused(ErrorCode, String),
    /// The relay stops.
    Restarting,
    /// The client left or the network broke; there is nothing to say.
    Left,
}

/// Why a frame does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    /// Too much waits already.
    Full,
    /// The connection is over.
    Gone,
}

/// The sending half: held by the connection itself and by whoever forwards to it.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) connection: u64,
    frames: mpsc::Sender<Bytes>,
    own: Budget,
    total: Arc<Budget>,
    ending: watch::Sender<Option<Ending>>,
}

impl Outbox {
    /// An empty outbox and its receiving half.
    pub(crate) fn new(
        connection: u64,
        frames: usize,
        bytes: usize,
        total: Arc<Budget>,
    ) -> (Arc<Self>, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(frames);
        let ending = watch::Sender::new(None);
        (Arc::new(Self { connection, frames: sender, own: Budget::new(bytes), total, ending }), receiver)
    }

    /// Lets a frame wait.
    pub(crate) fn push(&self, frame: Bytes) -> Result<(), PushError> {
        let length = frame.len();
        if !self.own.take(length) {
            return Err(PushError::Full);
        }
        if !self.total.take(length) {
            self.own.give_back(length);
            return Err(PushError::Full);
        }
        self.frames.try_send(frame).map_err(|error| {
            self.sent(length);
            match error {
                mpsc::error::TrySendError::Full(_) => PushError::Full,
                mpsc::error::TrySendError::Closed(_) => PushError::Gone,
            }
        })
    }

    /// A frame of so many bytes no longer waits.
    pub(crate) fn sent(&self, bytes: usize) {
        self.own.give_back(bytes);
        self.total.give_back(bytes);
    }

    /// Ends the connection. The first reason counts.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(ending);
            }
            first
        });
    }

    /// Waits until the connection is to end.
    pub(crate) async fn ended(&self) -> Ending {
        let mut ending = self.ending.subscribe();
        // The sender is `self`, which outlives this call, so waiting does not fail.
        let found = ending.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        found.unwrap_or(Ending::Left)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.total.give_back(self.own.used());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Bytes {
        vec![0; length].into()
    }

    #[test]
    fn frames_and_bytes_are_bounded_for_one_and_for_all() {
        let total = Arc::new(Budget::new(25));
        let (first, mut frames) = Outbox::new(1, 3, 20, total.clone());
        assert_eq!(first.push(frame(15)), Ok(()));
        assert_eq!(first.push(frame(6)), Err(PushError::Full));
        assert_eq!(first.push(frame(1)), Ok(()));
        assert_eq!(first.push(frame(1)), Ok(()));
        assert_eq!(first.push(frame(1)), Err(PushError::Full));
        let (second, _second_frames) = Outbox::new(2, 3, 20, total.clone());
        assert_eq!(second.push(frame(9)), Err(PushError::Full));
        assert_eq!(second.push(frame(8)), Ok(()));
        assert_eq!(total.used(), 25);
        first.sent(frames.try_recv().unwrap().len());
        assert_eq!(total.used(), 10);
        drop(frames);
        assert_eq!(first.push(frame(1)), Err(PushError::Gone));
        assert_eq!(total.used(), 10);
        drop(first);
        assert_eq!(total.used(), 8);
        drop(second);
        assert_eq!(total.used(), 0);
    }

    #[tokio::test]
    async fn the_first_reason_counts() {
        let (outbox, _frames) = Outbox::new(1, 1, 1, Arc::new(Budget::new(1)));
        outbox.end(Ending::Refused(ErrorCode::Replaced, "newer".into()));
        outbox.end(Ending::Left);
        assert_eq!(outbox.ended().await, Ending::Refused(ErrorCode::Replaced, "newer".into()));
    }
}
