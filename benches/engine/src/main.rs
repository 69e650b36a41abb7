//! The native side of the benchmarks: engine and bare signatures in turn, as one line of JSON with nanoseconds per payment.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chit_bench::{Bare, Failure, World};
use serde_json::{Value, json};

const REPEATS: usize = 150;
const TARGET: Duration = Duration::from_millis(6);
const AT_ONCE: u32 = 1_000;

fn main() -> ExitCode {
    match measure() {
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
