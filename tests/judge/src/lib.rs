//! The Judge's real bytecode under test in an in-process EVM.
