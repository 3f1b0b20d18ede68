//! Reading sysfs: small files that may be missing, unreadable, or say something else than expected.

use std::path::{Path, PathBuf};

/// The file's text without the space around it; `None` when it can't be read or is empty. Device tree texts end with a zero.
pub fn text(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

/// The finite number that the file holds.
pub fn number(path: &Path) -> Option<f64> {
    finite(&text(path)?)
}

/// The whole number, zero or more, that the file holds.
pub fn count(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

/// A finite number as text.
pub fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// What is in a folder and begins with `prefix`, in order of their names; nothing when there is no such folder.
pub fn entries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = found
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|e| e.path())
        .collect();
    paths.sort();
    paths
}
