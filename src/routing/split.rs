//! A payment in parts, where no single path carries all of it.
//!
//! Greedy: if so many parts are left, one of them must carry at least the remaining amount divided by their number. Paths
//! for that much are looked up beside what earlier parts take, and the one that carries most becomes the next part. This can
//! miss a division that exists (it never takes a part back), but what it proposes always fits.

use super::graph::Graph;
use super::query::{Path, Query};
use super::search::cheapest;
use super::view::{Reserved, View};
use crate::protocol::Amount;

/// The most parts of a payment.
pub const MAX_PARTS: usize = 16;

impl Graph {
    /// Parts that together bring the query's amount within its cap on fees, at most `most` of them; one where one path
    /// carries all. None when no division is found.
    pub fn split(&mut self, query: &Query<'_>, most: usize) -> Option<Vec<Path>> {
        let mut parts = Vec::new();
        let mut reserved = Reserved::new();
        let mut left = query.amount;
        let mut fee_left = query.max_fee;
        let mut numbers = (1..=most.min(MAX_PARTS)).rev();
        while !left.is_zero() {
            let parts_left = numbers.next()?;
            let least = Amount::new(left.get().div_ceil(parts_left as u128));
            let whole = Query { amount: left, max_fee: fee_left, count: 1, ..*query };
            let part = match self.widest(&whole, left, &reserved) {
                Some(part) => part,
                None if least == left => return None,
                None => self.widest(&Query { amount: least, max_fee: fee_left, ..*query }, left, &reserved)?,
            };
            left = left.checked_sub(part.amount).ok()?;
            fee_left = fee_left.checked_sub(part.fee).ok()?;
            let mut sender = query.from;
            for hop in &part.hops {
                let sum = reserved.entry((hop.channel, sender)).or_default();
                *sum = sum.checked_add(hop.amount).ok()?;
                sender = hop.to;
            }
            parts.push(part);
        }
        (!parts.is_empty()).then_some(parts)
    }

    /// Of the query's paths the one that can deliver most, up to `most`; the cheapest of equals.
    fn widest(&mut self, query: &Query<'_>, most: Amount, reserved: &Reserved) -> Option<Path> {
        self.with_view(query, reserved, |view, bounds| {
            let mut widest: Option<Path> = None;
            for found in cheapest(view, bounds) {
                let best = found.path.as_ref().and_then(|path| {
                    let cost = path.cost.get();
                    largest(view.query.amount, most, |amount| view.path(&found.nodes, &found.links, amount, cost))
                });
                let wider = |path: &Path| widest.as_ref().is_none_or(|other| path.amount > other.amount);
                if let Some(path) = best.filter(wider) {
                    widest = Some(path);
                }
            }
            widest
        })
    }

    /// The most that could be paid now: no more than the payer's channels can send and the payee's receive. In between there
    /// may be less.
    pub fn estimate_capacity(&mut self, query: &Query<'_>) -> Amount {
        let query = Query { amount: Amount::new(1), ..*query };
        self.with_view(&query, &Reserved::new(), |view: &View<'_>, bounds| {
            if view.source == view.target {
                return Amount::ZERO;
            }
            let open = |node| !view.excluded.contains(&node);
            let mut sent = Amount::ZERO;
            for (head, link) in view.out(view.source) {
                if open(head) && bounds.get(head).is_some() && view.price(view.source, link).is_some() {
                    sent = sum(sent, view.capacity(view.source, link));
                }
            }
            let mut received = Amount::ZERO;
            for (tail, link) in view.into(view.target) {
                if open(tail) && view.price(tail, link).is_some() {
                    received = sum(received, view.capacity(tail, link));
                }
            }
            sent.min(received)
        })
    }
}

fn sum(one: Amount, other: Option<Amount>) -> Amount {
    one.checked_add(other.unwrap_or_default()).unwrap_or(Amount::MAX)
}

/// The path for the largest amount from `fits` to `most` that there is one for; `fits` has one.
fn largest(fits: Amount, most: Amount, path: impl Fn(Amount) -> Option<Path>) -> Option<Path> {
    let (mut fits, mut most) = (fits.get(), most.get());
    while fits < most {
        let middle = most - (most - fits) / 2;
        if path(Amount::new(middle)).is_some() {
            fits = middle;
        } else {
            most = middle - 1;
        }
    }
    path(Amount::new(fits))
}
