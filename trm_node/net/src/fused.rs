//! The released architecture, run by the kernel of `trm_kernel`: no library, no allocation.

pub(crate) mod weights;

use trm_kernel::{FusedKernel, HIDDEN, Level, PATCH, Series, TILE, Weights};

use crate::bundle::Bundle;
use crate::encode::{CHANNELS, CLASSES};
use crate::error::InferenceError;
use crate::graphs::{Graphs, Shape, Update};

const _: () = assert!(CHANNELS.len() == trm_kernel::CHANNELS && CLASSES == trm_kernel::CLASSES);

/// Greatest difference from the reference that the kernel may show, for values around 1: the two add up in another
/// order.
const TOLERANCE: f32 = 1e-3;

/// The kernel on one instruction set and windows of one size.
pub(crate) struct FusedGraphs {
    kernel: FusedKernel,
    shape: Shape,
}

impl FusedGraphs {
    /// The kernel with the weights of a bundle, for the windows of `reference`. `None` when the bundle is of another
    /// architecture, when the window is too small, or when the kernel's results differ from those of `reference`.
    ///
    /// # Errors
    /// [`InferenceError`] when a graph of `reference` fails.
    pub fn new(bundle: &Bundle, reference: &mut dyn Graphs, level: Level) -> Result<Option<Self>, InferenceError> {
        let fused = weights::read(bundle).and_then(|weights| Self::with_weights(&weights, reference.shape(), level));
        let Some(mut fused) = fused else { return Ok(None) };
        Ok(agree(reference, &mut fused)?.then_some(fused))
    }

    fn with_weights(weights: &Weights, shape: Shape, level: Level) -> Option<Self> {
        if shape.hidden != HIDDEN || shape.patch != PATCH {
            return None;
        }
        FusedKernel::new(weights, shape.tokens(), level).map(|kernel| Self { kernel, shape })
    }
}

/// Whether two backends compute the same, for an input and a state that hold numbers of every kind.
fn agree(one: &mut dyn Graphs, other: &mut dyn Graphs) -> Result<bool, InferenceError> {
    let shape = one.shape();
    let pattern = |count: usize| (0..count).map(|at| ((at * 37 % 101) as f32 - 50.0) / 25.0).collect::<Vec<f32>>();
    let (input, state) = (pattern(shape.input_len()), pattern(shape.state_len()));
    let outputs = |backend: &mut dyn Graphs| -> Result<_, InferenceError> {
        let (mut x, mut out) = (vec![0.0; shape.state_len()], vec![0.0; shape.state_len()]);
        let mut logits = vec![0.0; shape.logits_len()];
        backend.encode(&input, &mut x)?;
        backend.net(Update::Latent, &state, &mut out)?;
        let q = backend.decode(&out, &x, &mut logits)?;
        Ok([x, out, logits, vec![q]])
    };
    let (one, other) = (outputs(one)?, outputs(other)?);
    Ok(one.iter().flatten().zip(other.iter().flatten()).all(|(a, b)| (a - b).abs() < TOLERANCE))
}

impl Graphs for FusedGraphs {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.kernel.encode(input, x);
        Ok(())
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        let series = match update {
            Update::Latent => Series::Latent,
            Update::Answer => Series::Answer,
        };
        Ok(self.kernel.net(series, s, out))
    }

    fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError> {
        Ok(self.kernel.decode(y, x, logits))
    }

    fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.kernel.set_skip_threshold(threshold);
    }

    fn forget_history(&mut self) {
        self.kernel.forget_history();
    }

    fn shift_history(&mut self, cols: i32, rows: i32) {
        self.kernel.shift_history(cols, rows);
    }

    fn window_stride(&self) -> usize {
        TILE * PATCH
    }
}

#[cfg(test)]
mod tests;
