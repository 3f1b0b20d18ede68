#![no_main]

#[path = "../checks/map_image.rs"]
mod map_image;

libfuzzer_sys::fuzz_target!(|data: &[u8]| map_image::check(data));
