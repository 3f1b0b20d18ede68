//! What tells one bundle from another.

use crate::bundle::Bundle;

/// The name and the hash of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleId {
    /// The manifest's.
    pub name: String,
    /// SHA-256 of the manifest's file, in hexadecimal.
    pub hash: String,
}

impl BundleId {
    /// That of a bundle.
    #[must_use]
    pub fn of(bundle: &Bundle) -> Self {
        Self { name: bundle.manifest.name.clone(), hash: bundle.hash.clone() }
    }
}
