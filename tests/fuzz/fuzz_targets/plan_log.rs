#![no_main]

#[path = "../checks/plan_log.rs"]
mod plan_log;

libfuzzer_sys::fuzz_target!(|data: &[u8]| plan_log::check(data));
