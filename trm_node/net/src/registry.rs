//! Every backend by its name.

use trm_config::ParameterError;

use crate::backend::Backend;
use crate::bundle::Bundle;
use crate::error::LoadError;
use crate::fused;
use crate::tract::TractBackend;

/// The names that [`by_name`] knows: the fastest one here, the kernel on one instruction set each, and the library that runs
/// every bundle.
pub const NAMES: [&str; 6] = ["fused", "avx512", "avx2", "neon", "portable", "tract"];

/// A backend by its name, one of [`NAMES`], for windows of `size` × `size` cells.
///
/// # Errors
/// [`LoadError::Parameter`] for `backend` when there is none of this name, or it can't run this bundle on this machine, and
/// the errors of [`TractBackend::new`].
pub fn by_name(bundle: &Bundle, size: usize, name: &str) -> Result<Box<dyn Backend>, LoadError> {
    let refused =
        |expected: String| ParameterError { name: "backend".to_owned(), value: name.to_owned(), expected }.into();
    match name {
        "fused" => fused::fastest(bundle, size),
        "tract" => Ok(Box::new(TractBackend::new(bundle, size)?)),
        _ if NAMES.contains(&name) => fused::on_level(bundle, size, name)?.ok_or_else(|| {
            let levels = fused::levels().join(", ");
            refused(format!(
                "among those that this machine can run bundles of nav_d32's architecture on: fused, {levels}, tract"
            ))
        }),
        _ => Err(refused(format!("one of {}", NAMES.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_name_is_a_backend_or_says_what_the_machine_can_run() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32");
        let bundle = Bundle::load(&folder).unwrap();
        for name in NAMES {
            let there = ["fused", "tract"].contains(&name) || fused::levels().contains(&name);
            match by_name(&bundle, 32, name) {
                Ok(backend) => assert!(there && backend.shape().size == 32, "{name}"),
                Err(error) => {
                    assert!(!there, "{error}");
                    let text = error.to_string();
                    assert!(text.contains(&format!("backend: {name} is not")) && text.contains("portable"), "{text}");
                }
            }
        }
        let error = by_name(&bundle, 32, "gpu").err().unwrap().to_string();
        assert_eq!(error, "parameter backend: gpu is not one of fused, avx512, avx2, neon, portable, tract");
    }
}
