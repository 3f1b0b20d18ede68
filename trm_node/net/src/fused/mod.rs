//! The three graphs as one kernel, for the architecture of the released bundles: no allocation, no library. tract runs
//! every bundle that isn't of this architecture.
#![expect(unsafe_code, reason = "vector instructions, and loads and stores that the compiler can't bound")]
#![expect(clippy::inline_always, reason = "vector operations must end up in the function that switches them on")]

mod decode;
mod encode;
mod frame;
mod layer;
mod level;
mod net;
mod product;
mod simd;
mod weights;
mod winograd;

use crate::backend::{Backend, Shape, Update};
use crate::bundle::Bundle;
use crate::error::{InferenceError, LoadError};
use crate::tract::TractBackend;
use decode::Decode;
use encode::{Encode, PATCH};
use layer::HIDDEN;
use level::Level;
use net::Net;
use weights::Weights;
use winograd::TILE;

/// Greatest difference to tract that the kernel may show, of values around 1. Both add up in another order.
const TOLERANCE: f32 = 1e-3;
/// The fewest tokens a side that the kernel works on.
const FEWEST: usize = 8;

/// The kernel on one instruction set and windows of one size.
pub struct FusedBackend {
    level: Level,
    shape: Shape,
    encode: Encode,
    net: Net,
    decode: Decode,
}

/// The fastest backend for a bundle on windows of `size` × `size` cells: this one, or tract where the bundle is of another
/// architecture or the kernel doesn't compute the same.
///
/// # Errors
/// Those of [`TractBackend::new`].
pub fn fastest(bundle: &Bundle, size: usize) -> Result<Box<dyn Backend>, LoadError> {
    let mut tract = TractBackend::new(bundle, size)?;
    let fused = Level::all().first().and_then(|level| FusedBackend::new(bundle, &mut tract, *level));
    Ok(match fused {
        Some(fused) => Box::new(fused),
        None => Box::new(tract),
    })
}

/// The kernel on the instruction set of this name; `None` where the machine lacks it or the bundle is of another
/// architecture.
pub(super) fn on_level(bundle: &Bundle, size: usize, name: &str) -> Result<Option<Box<dyn Backend>>, LoadError> {
    let Some(level) = Level::all().into_iter().find(|level| level.name() == name) else { return Ok(None) };
    let mut tract = TractBackend::new(bundle, size)?;
    Ok(FusedBackend::new(bundle, &mut tract, level).map(|fused| Box::new(fused) as Box<dyn Backend>))
}

/// The names of the instruction sets that this machine can run the kernel on, the fastest first.
#[must_use]
pub fn levels() -> Vec<&'static str> {
    Level::all().into_iter().map(Level::name).collect()
}

impl FusedBackend {
    /// `None` when the bundle is of another architecture, or the kernel doesn't compute what tract does.
    fn new(bundle: &Bundle, tract: &mut TractBackend, level: Level) -> Option<Self> {
        let mut fused = Self::with_weights(&Weights::read(bundle)?, tract.shape(), level)?;
        same(tract, &mut fused).then_some(fused)
    }

    fn with_weights(weights: &Weights, shape: Shape, level: Level) -> Option<Self> {
        let Weights { encode, moves, q, .. } = weights;
        let tokens = shape.tokens();
        (shape.hidden == HIDDEN && shape.patch == PATCH && tokens >= FEWEST).then(|| Self {
            level,
            shape,
            encode: Encode::new(&encode.weight, &encode.bias, tokens),
            net: Net::new(weights, tokens),
            decode: Decode::new(&moves.weight, &moves.bias, &q.weight, q.bias[0], tokens),
        })
    }
}

/// Whether two backends compute the same, on an input and states that have something of everything.
fn same(one: &mut dyn Backend, other: &mut dyn Backend) -> bool {
    let shape = one.shape();
    let pattern = |count: usize| (0..count).map(|at| ((at * 37 % 101) as f32 - 50.0) / 25.0).collect::<Vec<f32>>();
    let (input, state) = (pattern(shape.input()), pattern(shape.state()));
    let outputs = |backend: &mut dyn Backend| -> Result<_, InferenceError> {
        let (mut x, mut out, mut moves) =
            (vec![0.0; shape.state()], vec![0.0; shape.state()], vec![0.0; shape.field()]);
        backend.encode(&input, &mut x)?;
        backend.net(Update::Latent, &state, &mut out)?;
        let q = backend.decode(&out, &x, &mut moves)?;
        Ok([x, out, moves, vec![q]])
    };
    let (Ok(one), Ok(other)) = (outputs(one), outputs(other)) else { return false };
    one.iter().flatten().zip(other.iter().flatten()).all(|(a, b)| (a - b).abs() < TOLERANCE)
}

impl Backend for FusedBackend {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.encode.run(self.level, input, x);
        Ok(())
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        Ok(self.net.run(self.level, update, s, out))
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        Ok(self.decode.run(self.level, y, x, moves))
    }

    fn skip(&mut self, threshold: Option<f32>) {
        self.net.skip(threshold);
        self.encode.skip(threshold.is_some());
    }

    fn forget(&mut self) {
        self.net.forget();
    }

    fn moved(&mut self, cols: i32, rows: i32) {
        self.net.shift(cols, rows);
    }

    fn stride(&self) -> usize {
        TILE * PATCH
    }
}

#[cfg(test)]
mod tests;
