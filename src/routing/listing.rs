//! The graph as it is shown: every wallet and channel, with what was announced of them.

use std::collections::BTreeMap;

use super::graph::Graph;
use crate::protocol::{Address, Amount, ChannelId, FeeSchedule, Timestamp};

/// A wallet that has a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedNode {
    /// The wallet.
    pub wallet: Address,
    /// True when it says that it can be reached.
    pub reachable: bool,
    /// What it takes for passing payments on in the token asked for, or in the first that it names; none when it does not.
    pub fee: Option<FeeSchedule>,
}

/// An open channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedChannel {
    /// The channel.
    pub id: ChannelId,
    /// The token.
    pub token: Address,
    /// The wallet with the smaller address.
    pub a: Address,
    /// The other wallet.
    pub b: Address,
    /// What both sides together can hold.
    pub total: Amount,
    /// How much `a` says that it can send.
    pub hint_a: Option<Amount>,
    /// How much `b` says that it can send.
    pub hint_b: Option<Amount>,
}

impl Graph {
    /// All wallets and channels of one token or of all, each in ascending order.
    pub fn listing(&self, token: Option<Address>, now: Timestamp) -> (Vec<ListedNode>, Vec<ListedChannel>) {
        let told = |wallet| self.counted(wallet).filter(|announced| announced.until > now);
        let mut nodes = BTreeMap::new();
        let mut channels = Vec::new();
        for (id, open) in self.book.channels().filter(|(_, open)| token.is_none_or(|token| token == open.key.token)) {
            for wallet in [open.key.a, open.key.b] {
                nodes.entry(wallet).or_insert_with(|| {
                    let announced = told(wallet);
                    let fee = announced.and_then(|announced| match token {
                        Some(token) => announced.fee(token),
                        None => announced.fees.first().map(|entry| entry.fee),
                    });
                    ListedNode { wallet, reachable: announced.is_some(), fee }
                });
            }
            let hint = |wallet| told(wallet).and_then(|announced| announced.hint(*id));
            channels.push(ListedChannel {
                id: *id,
                token: open.key.token,
                a: open.key.a,
                b: open.key.b,
                total: open.total(),
                hint_a: hint(open.key.a),
                hint_b: hint(open.key.b),
            });
        }
        channels.sort_unstable_by_key(|channel| channel.id);
        (nodes.into_values().collect(), channels)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::super::testing::{NOW, TOKEN, World, channel_key, fee, wallet};
    use super::*;

    #[test]
    fn what_is_announced_and_counts_is_shown() {
        let mut world = World::new();
        let [one, other] = [world.open(0, 1, 0, 1_000), world.open(1, 2, 0, 500)];
        world.mediate(1, fee(3, 7), &[(one, 250)]);
        let (nodes, channels) = world.graph.listing(Some(TOKEN), NOW);
        let fees = [None, Some(fee(3, 7)), None];
        let expected: Vec<_> =
            (0..3).map(|n| ListedNode { wallet: wallet(n), reachable: n == 1, fee: fees[n] }).collect();
        assert_eq!(nodes, expected);
        let shown = |id| *channels.iter().find(|channel| channel.id == id).unwrap();
        let (key, announced) = (channel_key(0, 1, 0), Some(Amount::new(250)));
        let of_one = |wallet| if wallet == self::wallet(1) { announced } else { None };
        assert_eq!(
            shown(one),
            ListedChannel {
                id: one,
                token: TOKEN,
                a: key.a,
                b: key.b,
                total: Amount::new(1_000),
                hint_a: of_one(key.a),
                hint_b: of_one(key.b),
            }
        );
        assert_eq!((shown(other).hint_a, shown(other).hint_b, shown(other).total), (None, None, Amount::new(500)));
        assert_eq!(world.graph.listing(None, NOW), (nodes, channels));
        assert_eq!(world.graph.listing(Some(Address::ZERO), NOW), (vec![], vec![]));
        // What has ended is not shown, whether or not it was swept.
        let (later, _) = world.graph.listing(None, NOW + 3_600);
        assert!(later.iter().all(|node| !node.reachable && node.fee.is_none()));
    }
}
