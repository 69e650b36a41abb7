//! Scenarios with two and more engines, a network, a clock and a Judge, all in memory.

#![allow(dead_code, reason = "the harness offers more than the present scenarios use")]

mod client;
mod disputes;
mod judge;
mod kills;
mod locks;
mod locks_at_random;
mod payments;
mod properties;
mod refusals;
mod requests;
mod requests_at_random;
mod resume;
mod world;
