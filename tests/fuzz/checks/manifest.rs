//! Any text as a bundle's manifest: refused with a message that names the file, or sound.

use std::path::Path;

use trm_net::bundle::Manifest;

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Manifest::parse(text, Path::new("manifest.yaml")) {
        Err(error) => assert!(error.to_string().contains("manifest.yaml"), "{error}"),
        Ok(manifest) => {
            assert!(manifest.architecture.patch > 0);
            assert_eq!(manifest.windows.multiple_of % manifest.architecture.patch, 0);
            assert_eq!(manifest.start.y.len(), manifest.architecture.hidden);
            assert!(manifest.start.z.iter().all(|v| v.is_finite()));
        }
    }
}
