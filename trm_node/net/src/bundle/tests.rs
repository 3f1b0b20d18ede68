//! Bundles that are refused.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;
use crate::released;

const RELEASED: &str = include_str!("../../../../tests/fuzz/seeds/manifest/nav_d32.yaml");

/// A copy of the released bundle, to spoil.
fn copy() -> tempfile::TempDir {
    let (from, to) = (released::find(None, std::iter::empty()).unwrap(), tempfile::tempdir().unwrap());
    for name in [MANIFEST, "encode.onnx", "net.onnx", "decode.onnx"] {
        std::fs::copy(from.join(name), to.path().join(name)).unwrap();
    }
    assert!(Bundle::load(to.path()).is_ok());
    to
}

/// Loads a copy in which `spoil` has put something in the place of a file.
fn refusal(name: &str, spoil: impl FnOnce(&Path)) -> String {
    let folder = copy();
    let file = folder.path().join(name);
    std::fs::remove_file(&file).unwrap();
    spoil(&file);
    let error = Bundle::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains(&*file.to_string_lossy()), "{error}");
    error
}

#[test]
fn a_model_of_other_channels_is_refused_and_the_message_names_those_it_must_have() {
    let path = Path::new("manifest.yaml");
    assert!(Manifest::parse(RELEASED, path).is_ok());
    let four = RELEASED.replace(", ones, cost]", ", ones]");
    let error = Manifest::parse(&four, path).unwrap_err().to_string();
    assert!(error.contains("encoding.channels") && error.contains(&CHANNELS.join(", ")), "{error}");
}

#[test]
fn what_is_no_regular_file_is_refused_before_it_is_opened() {
    for name in [MANIFEST, "net.onnx"] {
        let endless = refusal(name, |file| symlink("/dev/zero", file).unwrap());
        let waiting = refusal(name, |file| assert!(Command::new("mkfifo").arg(file).status().unwrap().success()));
        let folder = refusal(name, |file| std::fs::create_dir(file).unwrap());
        for error in [endless, waiting, folder] {
            assert!(error.contains("not a regular file"), "{error}");
        }
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_with_its_limit() {
    for (name, limit) in [(MANIFEST, MAX_MANIFEST_BYTES), ("net.onnx", MAX_GRAPH_BYTES)] {
        let error = refusal(name, |file| std::fs::File::create(file).unwrap().set_len(limit + 1).unwrap());
        assert!(error.contains(&format!("larger than {limit} bytes")), "{error}");
    }
}

#[test]
fn the_limit_holds_for_a_file_whose_length_says_less() {
    let size = std::fs::metadata("/proc/self/maps").unwrap().len();
    assert_eq!(size, 0);
    let error = read(Path::new("/proc/self/maps"), 20).unwrap_err().to_string();
    assert!(error.contains("/proc/self/maps") && error.contains("larger than 20 bytes"), "{error}");
}

#[test]
fn links_to_regular_files_are_followed() {
    let folder = copy();
    let (net, elsewhere) = (folder.path().join("net.onnx"), folder.path().join("elsewhere"));
    std::fs::rename(&net, &elsewhere).unwrap();
    symlink(&elsewhere, &net).unwrap();
    assert!(Bundle::load(folder.path()).is_ok());
}

#[test]
fn a_prefix_makes_a_model_of_sequences_and_its_length_has_a_limit() {
    let path = Path::new("manifest.yaml");
    let with = |prefix: usize| RELEASED.replace("patch: 2,", &format!("patch: 2, prefix: {prefix},"));
    let manifest = Manifest::parse(&with(16), path).unwrap();
    let shape = manifest.shape(32);
    assert_eq!((shape.prefix, shape.state_len()), (16, 32 * (16 + 256)));
    assert_eq!(shape.state_shape(), [1, 16 + 256, 32]);
    assert_eq!(Manifest::parse(RELEASED, path).unwrap().shape(32).state_shape(), [1, 32, 16, 16]);
    let error = Manifest::parse(&with(1025), path).unwrap_err().to_string();
    assert!(error.contains("architecture.prefix: 1025: must be from 0 to 1024"), "{error}");
}

#[test]
fn the_robots_cell_may_be_a_sixth_channel_and_nothing_else() {
    let path = Path::new("manifest.yaml");
    let with = |name: &str| RELEASED.replace(", cost]", &format!(", cost, {name}]"));
    assert_eq!(Manifest::parse(&with("start"), path).unwrap().shape(16).input_len(), 6 * 16 * 16);
    let error = Manifest::parse(&with("robot"), path).unwrap_err().to_string();
    assert!(error.contains("encoding.channels") && error.contains("cost, robot: must be "), "{error}");
}
