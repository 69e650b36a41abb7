//! How long queries take on generated scale-free networks. Not a test of anything: it prints, and runs when it is asked for
//! with `cargo test --release -p chit-client routing::timing -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::Query;
use super::testing::{NOW, TOKEN, World, fee, wallet};
use crate::protocol::Amount;

/// A small generator (xorshift), so that the same network comes up every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// Preferential attachment: every wallet opens channels to others in proportion to the channels that they have.
fn scale_free(wallets: usize, channels: usize, dice: &mut Dice) -> World {
    let mut world = World::new();
    let mut ends = vec![0];
    let each = channels / wallets;
    let mut hints = vec![Vec::new(); wallets];
    for number in 1..wallets {
        for salt in 0..each {
            let other = ends[dice.roll(ends.len())];
            if other != number {
                let total = 1_000_000 + dice.roll(9_000_000) as u128;
                let id = world.open(number, other, salt as u64, total);
                let left = dice.roll(total as usize) as u128;
                hints[number].push((id, left));
                hints[other].push((id, total - left));
                ends.push(other);
            }
            ends.push(number);
        }
    }
    for (number, hints) in hints.iter().enumerate() {
        world.mediate(number, fee(dice.roll(20) as u128, dice.roll(5_000) as u32), hints);
    }
    world
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1_000.0
}

fn measure(wallets: usize, channels: usize) {
    let mut dice = Dice(42);
    let started = Instant::now();
    let mut world = scale_free(wallets, channels, &mut dice);
    println!("{wallets} wallets, {channels} channels: built in {:.0} ms", started.elapsed().as_secs_f64() * 1_000.0);
    let (mut cold, mut warm, mut split, mut found) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..21 {
        let (from, to) = (wallet(dice.roll(wallets)), wallet(dice.roll(wallets)));
        let query = Query::new(from, to, TOKEN, Amount::new(100_000), NOW);
        let started = Instant::now();
        found += world.graph.paths(&query).len();
        cold.push(started.elapsed());
        let from = wallet(dice.roll(wallets));
        let started = Instant::now();
        found += world.graph.paths(&Query { from, ..query }).len();
        warm.push(started.elapsed());
        let started = Instant::now();
        world.graph.split(&Query { from, amount: Amount::new(8_000_000), ..query }, 8);
        split.push(started.elapsed());
    }
    let worst = |times: &[Duration]| times.iter().max().map_or(0.0, Duration::as_secs_f64) * 1_000.0;
    let (worst_cold, worst_warm) = (worst(&cold), worst(&warm));
    println!("  k = 5, {found} paths in 42 queries: cold {:.2} ms (worst {worst_cold:.2})", median(cold));
    println!("  warm {:.2} ms (worst {worst_warm:.2}), split in 8 {:.2} ms", median(warm), median(split));
}

#[test]
#[ignore = "prints times"]
fn query_times() {
    measure(10_000, 50_000);
    measure(100_000, 500_000);
}
