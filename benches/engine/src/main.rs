//! The native side of the benchmarks: engine and bare signatures in turn, as one line of JSON with nanoseconds per payment.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chit_bench::{Bare, Failure, Network, Pending, World};
use serde_json::{Value, json};

const REPEATS: usize = 150;
const TARGET: Duration = Duration::from_millis(6);
const AT_ONCE: u32 = 1_000;

fn main() -> ExitCode {
    let figures = match std::env::args().nth(1).as_deref() {
        Some("routed") => routed(),
        Some("locks") => locks(),
        Some("paths") => paths(),
        Some(_) | None => measure(),
    };
    match figures {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<Value, Failure> {
    let mut bare = Bare::new(&[7; 32])?;
    let mut pair = World::pair()?;
    let mut many = World::pair()?;
    // One repetition of warm-up, then the candidates in turn, so that the machine's noise falls on all of them.
    let mut figures = [const { Vec::new() }; 3];
    for repeat in 0..=REPEATS {
        let round = [
            per_call(1, |count| bare.sign_and_verify(count))?,
            per_call(1, |count| pair.pay_one_at_a_time(count))?,
            per_call(AT_ONCE, |count| many.pay_at_once(count))?,
        ];
        if repeat > 0 {
            figures.iter_mut().zip(round).for_each(|(figures, figure)| figures.push(figure));
        }
    }
    let [bare, one, many] = figures;
    Ok(json!({ "signAndVerify": bare, "oneAtATime": one, "atOnce": many }))
}

/// Payments over one mediator.
fn routed() -> Result<Value, Failure> {
    let (mut pair, mut one, mut many) = (World::pair()?, World::line()?, World::line()?);
    let mut figures = [const { Vec::new() }; 3];
    for repeat in 0..=REPEATS {
        let round = [
            per_call(1, |count| pair.pay_one_at_a_time(count))?,
            per_call(1, |count| one.pay_routed(count, 1))?,
            per_call(100, |count| many.pay_routed(count, 100))?,
        ];
        if repeat > 0 {
            figures.iter_mut().zip(round).for_each(|(figures, figure)| figures.push(figure));
        }
    }
    let [direct, one, many] = figures;
    Ok(json!({ "direct": direct, "oneAtATime": one, "atOnce": many }))
}

/// A lock and the new root, among so many.
fn locks() -> Result<Value, Failure> {
    let sizes = [10, 1_000, 100_000];
    let mut pending = sizes.map(Pending::new).into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut figures = vec![Vec::new(); sizes.len()];
    for repeat in 0..=REPEATS {
        for (pending, figures) in pending.iter_mut().zip(&mut figures) {
            let figure = per_call(1, |count| pending.add_and_drop(count))?;
            if repeat > 0 {
                figures.push(figure);
            }
        }
    }
    Ok(json!({ "sizes": sizes, "figures": figures }))
}

/// The five cheapest ways, cold and warm.
fn paths() -> Result<Value, Failure> {
    let mut all = Vec::new();
    for (wallets, channels) in [(10_000, 50_000), (100_000, 500_000)] {
        let mut network = Network::new(wallets, channels)?;
        network.warm();
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for _ in 0..21 {
            let begun = Instant::now();
            network.cold();
            cold.push(begun.elapsed().as_secs_f64() * 1e9);
            network.warm();
            let begun = Instant::now();
            network.warm();
            warm.push(begun.elapsed().as_secs_f64() * 1e9);
        }
        all.push(json!({ "wallets": wallets, "channels": channels, "cold": cold, "warm": warm }));
    }
    Ok(Value::Array(all))
}

/// Calls `work(step)` until the target time is over; nanoseconds per unit of work.
fn per_call(step: u32, mut work: impl FnMut(u32) -> Result<(), Failure>) -> Result<f64, Failure> {
    let begun = Instant::now();
    let mut done = 0_u32;
    while begun.elapsed() < TARGET {
        work(step)?;
        done = done.saturating_add(step);
    }
    Ok(begun.elapsed().as_secs_f64() * 1e9 / f64::from(done))
}
