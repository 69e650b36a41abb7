#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chit_client::fuzzing::request(bytes));
