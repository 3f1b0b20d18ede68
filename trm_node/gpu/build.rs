//! Translates the shaders from WGSL to SPIR-V, so that what runs is what is read.

use std::path::Path;

use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};

const SHADERS: &str = "src/recursion.wgsl";

fn main() {
    println!("cargo:rerun-if-changed={SHADERS}");
    println!("cargo:rerun-if-changed=build.rs");
    let source = std::fs::read_to_string(SHADERS).expect("the shaders are beside this script");
    let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::IMMEDIATES)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
    let options = spv::Options {
        // What every Vulkan 1.0 driver reads.
        lang_version: (1, 0),
        flags: spv::WriterFlags::empty(),
        // The shaders write before they read, loop a fixed number of times, and divide by no zero.
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..spv::Options::default()
    };
    let words = spv::write_vec(&module, &info, &options, None).expect("a valid module");
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let folder = std::env::var("OUT_DIR").expect("Cargo sets it");
    std::fs::write(Path::new(&folder).join("recursion.spv"), bytes).expect("Cargo's folder can be written to");
}
