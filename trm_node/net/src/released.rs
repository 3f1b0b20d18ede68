//! Finds the bundle that is released with the planner.

use std::path::{Path, PathBuf};

use crate::error::LoadError;

/// Its folder, relative to `models/` in a checkout and to `share/trm_node/` in an installation.
const BUNDLE: &str = "bundles/nav_d32";
/// `models/` in the checkout that this was built in.
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");

/// The released bundle's folder. It is looked for where the program `executable` is installed, then in the installation
/// prefixes, then in the checkout.
///
/// # Errors
/// [`LoadError::BundleFile`], which names all these places, when it is in none of them.
pub fn find(executable: Option<&Path>, prefixes: impl Iterator<Item = PathBuf>) -> Result<PathBuf, LoadError> {
    // The prefix is two folders up in a colcon workspace (lib/trm_node/trm_node), else one (bin/trm).
    let own = executable.and_then(Path::parent).into_iter().flat_map(|at| [at.join("../.."), at.join("..")]);
    let installed = own.chain(prefixes).map(|prefix| prefix.join("share/trm_node"));
    let places: Vec<_> = installed.chain([PathBuf::from(MODELS)]).map(|place| place.join(BUNDLE)).collect();
    if let Some(found) = places.iter().find(|place| place.is_dir()) {
        return Ok(found.canonicalize().unwrap_or_else(|_| found.clone()));
    }
    let tried: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    Err(LoadError::BundleFile { path: BUNDLE.into(), reason: format!("found in none of {}", tried.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_with_the_program_comes_before_a_prefix_and_that_before_the_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let install = |prefix: &str| {
            let bundle = root.join(prefix).join("share/trm_node").join(BUNDLE);
            std::fs::create_dir_all(&bundle).unwrap();
            bundle
        };
        std::fs::create_dir_all(root.join("own/lib/trm_node")).unwrap();
        let executable = root.join("own/lib/trm_node/trm_node");
        let find = || find(Some(&executable), [root.join("other")].into_iter()).unwrap();
        assert_eq!(find(), Path::new(MODELS).join(BUNDLE).canonicalize().unwrap());
        let other = install("other");
        assert_eq!(find(), other);
        let own = install("own");
        assert_eq!(find(), own);
    }
}
