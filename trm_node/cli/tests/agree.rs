//! `trm agree` on the released bundle and its golden files, right and spoilt.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn agree(bundle: &str, golden: &Path) -> Output {
    let bundle = root().join(bundle);
    Command::new(env!("CARGO_BIN_EXE_trm")).arg("agree").arg(bundle).arg(golden).output().unwrap()
}

fn golden(name: &str) -> PathBuf {
    root().join("tests/golden").join(name)
}

#[test]
fn everything_that_runs_the_released_bundle_here_agrees_with_pytorch() {
    let found = agree("models/bundles/nav_d32", &golden("nav_d32_32.safetensors"));
    let text = String::from_utf8(found.stdout).unwrap();
    assert!(found.status.success(), "{text}");
    for name in ["portable", "tract"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name}: agrees, "))), "{text}");
    }
}

#[test]
fn a_number_that_differs_is_named_with_its_tensor_and_both_values() {
    let folder = tempfile::tempdir().unwrap();
    let spoilt = folder.path().join("golden.safetensors");
    let mut bytes = std::fs::read(golden("nav_d32_32.safetensors")).unwrap();
    // The header is JSON after 8 bytes with its length, and says where each tensor begins behind it.
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let offset = header["step_2.q"]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[8 + length + offset..][..4].copy_from_slice(&77.0_f32.to_le_bytes());
    std::fs::write(&spoilt, bytes).unwrap();
    let found = agree("models/bundles/nav_d32", &spoilt);
    let text = String::from_utf8(found.stdout).unwrap();
    assert_eq!(found.status.code(), Some(1), "{text}");
    assert!(text.contains("tract: differs by more than 1e-3 in 1 tensors"), "{text}");
    assert!(text.contains("step_2.q[0]: PyTorch says 77, found "), "{text}");
}

#[test]
fn files_that_cant_be_compared_are_refused_by_their_name() {
    let found = agree("tests/bundles/maze_att", &golden("nav_d32_32.safetensors"));
    let text = String::from_utf8(found.stderr).unwrap();
    assert!(found.status.code() == Some(1) && text.contains("nav_d32_32.safetensors: net: "), "{text}");
    let found = agree("models/bundles/nav_d32", &golden("worlds.json"));
    let text = String::from_utf8(found.stderr).unwrap();
    assert!(found.status.code() == Some(1) && text.contains("worlds.json"), "{text}");
}
