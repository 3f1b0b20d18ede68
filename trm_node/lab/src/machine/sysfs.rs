//! Reading the small files of sysfs and procfs, which may be missing, unreadable or different from what is expected.

use std::path::{Path, PathBuf};

/// The file's text, trimmed; `None` if it can't be read or is empty. The final zero of device tree texts is trimmed
/// too.
pub fn text(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

/// The finite number in a file.
pub fn number(path: &Path) -> Option<f64> {
    finite(&text(path)?)
}

/// The non-negative integer in a file.
pub fn count(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

/// Parses a finite number.
pub fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The entries of a folder whose names begin with `prefix`, sorted by name. Empty if there is no such folder.
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
