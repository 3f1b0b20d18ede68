#![no_main]

#[path = "../checks/map_yaml.rs"]
mod map_yaml;

libfuzzer_sys::fuzz_target!(|data: &[u8]| map_yaml::check(data));
