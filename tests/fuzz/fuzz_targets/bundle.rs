#![no_main]

#[path = "../checks/bundle.rs"]
mod bundle;

libfuzzer_sys::fuzz_target!(
    // libFuzzer's hook would abort where loading catches a panic of tract.
    init: drop(std::panic::take_hook()),
    |data: &[u8]| bundle::check(data)
);
