//! Writes the counts of a campaign into its file.

use std::path::Path;

use serde::Serialize;

/// Replaces the file as a whole: whoever reads it, or stops this, finds old counts or new ones.
///
/// # Errors
/// When the folder can't be written to.
pub fn replace(file: &Path, counts: &impl Serialize) -> anyhow::Result<()> {
    let part = file.with_added_extension("part");
    std::fs::write(&part, serde_json::to_string_pretty(counts)? + "\n")?;
    Ok(std::fs::rename(&part, file)?)
}
