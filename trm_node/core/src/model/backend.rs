//! What runs the three graphs of a bundle. The recursion and the deadline are the caller's.

use super::bundle::Bundle;
use super::fused;
use super::recursion::Advanced;
use super::tract::TractBackend;
use crate::error::LoadError;

/// Sizes of every buffer of one model on one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Cells a side of the window.
    pub size: usize,
    /// Cells a side of a token.
    pub patch: usize,
    /// Values a token.
    pub hidden: usize,
    /// Channels of the input.
    pub channels: usize,
}

impl Shape {
    /// Tokens a side of the window.
    #[must_use]
    pub const fn tokens(&self) -> usize {
        self.size / self.patch
    }

    /// Values of a state: `[tokens, tokens, hidden]`.
    #[must_use]
    pub const fn state(&self) -> usize {
        self.hidden * self.tokens() * self.tokens()
    }

    /// Values of the input: `[channels, size, size]`.
    #[must_use]
    pub const fn input(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// Values of the field: `[9, size, size]`.
    #[must_use]
    pub const fn field(&self) -> usize {
        super::encode::CLASSES * self.size * self.size
    }
}

/// The three graphs of a bundle for one window size.
///
/// States (x, y, z, their sums) are `[tokens, tokens, hidden]`: the values of a token lie together, as the kernel wants them.
/// Input and field are channel-major, as in `PyTorch`.
pub trait Backend: Send {
    /// The sizes of all buffers.
    fn shape(&self) -> Shape;

    /// `x = encode(input)`: `[channels, size, size]` to a state. A backend that skips leaves in `x` what the call before
    /// has written there, where the input is the same.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails.
    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), LoadError>;

    /// `out = net(s)`: the quantum of the deadline. Returns the share of the net's work that was done, 1 for all of it.
    ///
    /// A backend that skips leaves in `out` what the application of the same kind before has written there, where `s` has
    /// settled: then `out` must still hold it, moved as [`Self::moved`] was told.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails; `out` is as before.
    fn net(&mut self, update: Advanced, s: &[f32], out: &mut [f32]) -> Result<f32, LoadError>;

    /// `moves = decode(y, x)`: logits `[9, size, size]`; returns the logit of the q head.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails.
    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, LoadError>;

    /// From now on the work is skipped whose inputs differ by at most the threshold from those that it was last done with:
    /// with 0 the results are those of all the work. `None`, as a backend begins, does all of it. A backend that can't skip
    /// does so anyway.
    fn skip(&mut self, _threshold: Option<f32>) {}

    /// y and z were set: nothing that was computed before counts.
    fn forget(&mut self) {}

    /// y and z have moved by whole tokens, with the window: the token at (row, col) is what was at (row + rows, col + cols).
    fn moved(&mut self, _cols: i32, _rows: i32) {}

    /// The cells by which windows should move, a multiple of the patch: by others what was computed is lost.
    fn stride(&self) -> usize {
        self.shape().patch
    }
}

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
        |expected: String| LoadError::Parameter { name: "backend".to_owned(), value: name.to_owned(), expected };
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
