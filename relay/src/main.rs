//! The relay: forwards sealed frames between session keys.
fn main() {}
