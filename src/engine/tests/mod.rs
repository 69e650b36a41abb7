//! Scenarios with two engines.
