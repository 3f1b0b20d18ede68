//! Every backend by its name, and the choice of the fastest one.

use trm_config::ParameterError;
use trm_kernel::Level;

use crate::backend::Backend;
use crate::bundle::Bundle;
use crate::error::LoadError;
use crate::fused::FusedBackend;
use crate::tract::TractBackend;

/// The names that [`by_name`] knows: `fused` is the fastest backend on this machine, the next four are the kernel on
/// one instruction set each, and `tract` is the library that runs every bundle.
pub const NAMES: [&str; 6] = ["fused", "avx512", "avx2", "neon", "portable", "tract"];

/// The fastest backend for a bundle on windows of `size` × `size` cells: the kernel on the best instruction set of this
/// machine, or tract where the bundle is of another architecture or the kernel's results differ from tract's.
///
/// # Errors
/// [`LoadError::BundleField`] when a graph can't be read or its shapes aren't those of the manifest;
/// [`LoadError::Parameter`] when the model doesn't work on windows of this size; [`LoadError::Inference`] when a graph
/// fails.
pub fn fastest(bundle: &Bundle, size: usize) -> Result<Box<dyn Backend>, LoadError> {
    let mut tract = TractBackend::new(bundle, size)?;
    if let Some(level) = Level::available().first()
        && let Some(fused) = FusedBackend::new(bundle, &mut tract, *level)?
    {
        return Ok(Box::new(fused));
    }
    Ok(Box::new(tract))
}

/// The backend of this name, one of [`NAMES`], for windows of `size` × `size` cells.
///
/// # Errors
/// [`LoadError::Parameter`] for `backend` when there is no backend of this name, or when it can't run this bundle on
/// this machine; and the errors of [`fastest`].
pub fn by_name(bundle: &Bundle, size: usize, name: &str) -> Result<Box<dyn Backend>, LoadError> {
    let refused =
        |expected: String| ParameterError { name: "backend".to_owned(), value: name.to_owned(), expected }.into();
    match name {
        "fused" => return fastest(bundle, size),
        "tract" => return Ok(Box::new(TractBackend::new(bundle, size)?)),
        _ if !NAMES.contains(&name) => return Err(refused(format!("one of {}", NAMES.join(", ")))),
        _ => {}
    }
    if let Some(level) = Level::available().into_iter().find(|level| level.name() == name)
        && let Some(fused) = FusedBackend::new(bundle, &mut TractBackend::new(bundle, size)?, level)?
    {
        return Ok(Box::new(fused));
    }
    let levels = levels().join(", ");
    Err(refused(format!(
        "among those that this machine can run bundles of nav_d32's architecture on: fused, {levels}, tract"
    )))
}

/// The names of the instruction sets on which this machine can run the kernel, the fastest first.
#[must_use]
pub fn levels() -> Vec<&'static str> {
    Level::available().into_iter().map(Level::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::released;

    #[test]
    fn every_name_is_a_backend_or_says_what_the_machine_can_run() {
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        for name in NAMES {
            let there = ["fused", "tract"].contains(&name) || levels().contains(&name);
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
