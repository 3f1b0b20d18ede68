//! Any bytes as a graph of a bundle whose manifest has their hash: refused with a message that names the bundle, or a
//! backend. The first byte chooses the graph.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use trm_net::bundle::{Bundle, MANIFEST};
use trm_net::registry::by_name;

const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/bundles/nav_d32");
const GRAPHS: [&str; 3] = ["encode.onnx", "net.onnx", "decode.onnx"];

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let Some((choice, onnx)) = data.split_first() else { return };
    let (released, graph) = (Path::new(RELEASED), GRAPHS[usize::from(choice % 3)]);
    let folder = tempfile::tempdir().expect("a folder");
    for name in GRAPHS.iter().filter(|name| **name != graph) {
        std::os::unix::fs::symlink(released.join(name), folder.path().join(name)).expect("a link");
    }
    std::fs::write(folder.path().join(graph), onnx).expect("a file");
    let hash = Sha256::digest(onnx).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let manifest = std::fs::read_to_string(released.join(MANIFEST)).expect("a manifest");
    let mut manifest: serde_yaml::Value = serde_yaml::from_str(&manifest).expect("YAML");
    manifest["files"][graph] = hash.into();
    let manifest = serde_yaml::to_string(&manifest).expect("YAML");
    std::fs::write(folder.path().join(MANIFEST), manifest).expect("a file");
    let bundle = Bundle::load(folder.path()).expect("a bundle whose hashes are right");
    if let Err(error) = by_name(&bundle, bundle.manifest.windows.min, "tract") {
        assert!(error.to_string().starts_with("bundle "), "{error}");
    }
}
