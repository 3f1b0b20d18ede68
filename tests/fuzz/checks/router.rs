//! Any text as a router: refused with the file's name, or a classifier that picks one of its bundles whatever the features are.

use std::path::Path;

use trm_net::router::{FEATURES, RouterFile};

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("router.yaml");
    let file = match RouterFile::parse(text, path) {
        Err(error) => return assert!(error.to_string().contains("router.yaml"), "{error}"),
        Ok(file) => file,
    };
    let bundles = file.folders(path).count();
    let of_text =
        |at: usize| f32::from_bits(data.iter().skip(at).take(4).fold(0, |bits, byte| bits << 8 | u32::from(*byte)));
    let features = [0.0, 1.0, f32::MAX, f32::MIN, f32::NAN, f32::INFINITY].map(|value| [value; FEATURES.len()]);
    for features in features.into_iter().chain([std::array::from_fn(of_text)]) {
        let choice = file.classifier.choose(&features);
        assert!(choice.bundle < bundles, "{choice:?}");
        // The best of so many has at least its share.
        assert!(choice.confidence >= 0.99 / bundles as f32 && choice.confidence <= 1.0, "{choice:?} of {bundles}");
    }
}
