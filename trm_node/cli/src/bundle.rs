//! Where the model bundle lies.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// The bundle that is released with the planner.
const DEFAULT: &str = "models/bundles/nav_d32";
/// The checkout that this was built in.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The default bundle's folder: in the current folder, in the checkout, or beside an installed executable.
///
/// # Errors
/// When it is in none of these places; names them all.
pub fn find() -> anyhow::Result<PathBuf> {
    let mut places = vec![PathBuf::from(DEFAULT), Path::new(WORKSPACE).join(DEFAULT)];
    if let Some(folder) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        places.push(folder.join("../share/trm_node").join(DEFAULT));
    }
    if let Some(found) = places.iter().find(|place| place.is_dir()) {
        return Ok(found.clone());
    }
    let tried: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    bail!("no model bundle found in {}; name one with --bundle DIR", tried.join(", "))
}
