//! Counters, in the text format that Prometheus reads. They count; they never tell who spoke to whom.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use chit_client::transport::relay_protocol::{ErrorCode, UndeliverableReason};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the relay counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) accepted: Counter,
    pub(crate) authenticated: Counter,
    pub(crate) forwarded_frames: Counter,
    pub(crate) forwarded_bytes: Counter,
    pub(crate) announcements: Counter,
    pub(crate) lookups: Counter,
    pub(crate) published: Counter,
    pub(crate) gossiped: Counter,
    errors: [Counter; ErrorCode::ALL.len()],
    undeliverable: [Counter; UndeliverableReason::ALL.len()],
}

/// What is measured at the moment of asking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauges {
    pub(crate) connections: usize,
    pub(crate) clients: usize,
    pub(crate) wallets: usize,
    pub(crate) queued_bytes: usize,
    pub(crate) book_entries: usize,
    pub(crate) book_bytes: usize,
}

impl Metrics {
    pub(crate) fn error(&self, code: ErrorCode) {
        if let Some(counter) = self.errors.get(code as usize) {
            counter.add(1);
        }
    }

    pub(crate) fn undeliverable(&self, reason: UndeliverableReason) {
        if let Some(counter) = self.undeliverable.get(reason as usize) {
            counter.add(1);
        }
    }

    /// The page that Prometheus scrapes.
    pub(crate) fn render(&self, gauges: Gauges) -> String {
        let mut page = String::new();
        let mut metric = |kind: &str, name: &str, help: &str, values: &[(String, u64)]| {
            // Writing to a String cannot fail.
            let _ = writeln!(page, "# HELP chit_relay_{name} {help}\n# TYPE chit_relay_{name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(page, "chit_relay_{name}{labels} {value}");
            }
        };
        let one = |value: u64| vec![(String::new(), value)];
        let size = |value: usize| one(u64::try_from(value).unwrap_or(u64::MAX));
        metric("gauge", "connections", "Open WebSockets.", &size(gauges.connections));
        metric("gauge", "clients", "Authenticated session keys.", &size(gauges.clients));
        metric("gauge", "wallets", "Wallets in the directory.", &size(gauges.wallets));
        metric("gauge", "queued_bytes", "Bytes waiting for clients.", &size(gauges.queued_bytes));
        metric("gauge", "book_entries", "Announcements that are gossiped.", &size(gauges.book_entries));
        metric("gauge", "book_bytes", "Bytes of announcements that are gossiped.", &size(gauges.book_bytes));
        metric("counter", "accepted_total", "WebSockets ever opened.", &one(self.accepted.get()));
        metric("counter", "authenticated_total", "Handshakes that succeeded.", &one(self.authenticated.get()));
        metric("counter", "forwarded_frames_total", "Frames forwarded.", &one(self.forwarded_frames.get()));
        metric("counter", "forwarded_bytes_total", "Bytes of frames forwarded.", &one(self.forwarded_bytes.get()));
        metric("counter", "announcements_total", "Directory announcements taken.", &one(self.announcements.get()));
        metric("counter", "lookups_total", "Directory lookups answered.", &one(self.lookups.get()));
        metric("counter", "published_total", "Announcements taken to be gossiped.", &one(self.published.get()));
        metric("counter", "gossiped_total", "Announcements sent to followers.", &one(self.gossiped.get()));
        let errors: Vec<_> = ErrorCode::ALL
            .iter()
            .zip(&self.errors)
            .map(|(code, count)| (label("code", code.name()), count.get()))
            .collect();
        metric("counter", "errors_total", "Refusals by code.", &errors);
        let undeliverable: Vec<_> = UndeliverableReason::ALL
            .iter()
            .zip(&self.undeliverable)
            .map(|(reason, count)| (label("reason", reason.name()), count.get()))
            .collect();
        metric("counter", "undeliverable_total", "Frames dropped by reason.", &undeliverable);
        page
    }
}

fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{value}\"}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_reasons_are_counted_under_their_own_names() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index);
        }
        for (index, reason) in UndeliverableReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
        }
        let metrics = Metrics::default();
        metrics.forwarded_bytes.add(7);
        metrics.gossiped.add(6);
        metrics.error(ErrorCode::TooManyRequests);
        metrics.undeliverable(UndeliverableReason::QueueFull);
        let gauges = Gauges { connections: 3, clients: 2, wallets: 1, queued_bytes: 9, book_entries: 4, book_bytes: 5 };
        let page = metrics.render(gauges);
        for line in [
            "# TYPE chit_relay_connections gauge",
            "chit_relay_connections 3",
            "chit_relay_forwarded_bytes_total 7",
            "chit_relay_gossiped_total 6",
            "chit_relay_book_entries 4",
            "chit_relay_book_bytes 5",
            "chit_relay_errors_total{code=\"too_many_requests\"} 1",
            "chit_relay_errors_total{code=\"replaced\"} 0",
            "chit_relay_undeliverable_total{reason=\"queue_full\"} 1",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }
}
