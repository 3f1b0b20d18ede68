//! The three graphs of the released Tiny Recursive Model (TRM, arXiv 2510.04871) in vector instructions: `encode`,
//! `net` and `decode` of one architecture, on square windows of any size. It allocates in [`FusedKernel::new`] only and
//! uses one thread.
//!
//! Imports nothing: no other crate of the project and no library. It must never learn of files, ONNX, time or the
//! recursion that applies the net; `trm_net` reads the weights, checks the results against tract's and sums up the
//! states.
//!
//! # What it computes
//!
//! A window of `size` × `size` cells is `tokens` × `tokens` tokens of [`PATCH`] × [`PATCH`] cells, with `d` =
//! [`HIDDEN`] values each. States (x, y, z and their sums s) are `[tokens, tokens, d]`: the values of one token lie
//! together. Cells and tokens outside the window are zero.
//!
//! - `encode`, `[CHANNELS, size, size]` to `[tokens, tokens, d]`: `x = conv3x3(unshuffle(input)) + bias`.
//! - `net`, `[tokens, tokens, d]` to the same: `s ← rms_norm(s + conv1x1(silu(a) · b)) · gain` for each layer, where
//!   `[a, b] = conv3x3(s)`.
//! - `decode`, `[tokens, tokens, d]` twice to `[CLASSES, size, size]` and a number:
//!   `logits = shuffle(conv1x1([y, x]) + bias)` and `q = w · mean(y) + b`.
//!
//! `unshuffle` turns the cells of a token into its channels, in the order channel, row, column; `shuffle` is its
//! inverse. `silu(a) = a / (1 + e^-a)`, `rms_norm(s) = s / sqrt(mean(s²) + 1e-5)` over the values of one token. The
//! formulas are those of `models/trm_train/model.py`.
//!
//! The net's 3 × 3 convolutions are Winograd's F(4 × 4, 3 × 3) (Lavin & Gray, arXiv 1509.09308), on tiles of
//! [`TILE`] × [`TILE`] tokens. [`FusedKernel::set_skip_threshold`] leaves out the tiles whose inputs have settled.
//!
//! # How it is built
//!
//! Every computation is written once, in the operations of one vector type, and compiled for each instruction set that
//! the kernel knows ([`Level`]): AVX-512, AVX2 with FMA, NEON, and four lanes in portable Rust. Those operations must
//! be inlined into a function that has the instruction set switched on, hence `#[inline(always)]` on everything below
//! it.
#![expect(unsafe_code, reason = "vector instructions, and loads and stores whose bounds the compiler can't see")]
#![expect(clippy::inline_always, reason = "vector operations must end up in the function that switches them on")]

mod decode;
mod encode;
mod frame;
mod kernel;
mod layer;
mod level;
mod net;
mod product;
mod silu;
mod simd;
mod sizes;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod weights;
mod winograd;

pub use kernel::FusedKernel;
pub use level::Level;
pub use net::Series;
pub use sizes::{CHANNELS, CLASSES, HIDDEN, MIN_TOKENS, PATCH, TILE};
pub use weights::{Layer, Linear, Weights};

#[cfg(test)]
mod tests;
