//! Scenarios with two and more engines, a network, a clock and a Judge, all in memory.

mod client;
mod judge;
mod payments;
mod refusals;
mod resume;
mod world;
