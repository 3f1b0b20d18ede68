#![no_main]

#[path = "../checks/tegrastats.rs"]
mod tegrastats;

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegrastats::check(data));
