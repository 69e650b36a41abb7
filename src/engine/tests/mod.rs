//! Scenarios with two and more engines, a network, a clock and a Judge, all in memory.

#![allow(dead_code, reason = "the harness offers more than the present scenarios use")]

mod claims;
mod client;
mod disputes;
mod judge;
mod kills;
mod locks;
mod locks_at_random;
mod locks_byzantine;
mod locks_counted;
mod locks_faults;
mod locks_review;
mod payments;
mod properties;
mod refusals;
mod requests;
mod requests_at_random;
mod resume;
mod world;
