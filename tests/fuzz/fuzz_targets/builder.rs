#![no_main]

#[path = "../checks/builder.rs"]
mod builder;

libfuzzer_sys::fuzz_target!(|data: &[u8]| builder::check(data));
