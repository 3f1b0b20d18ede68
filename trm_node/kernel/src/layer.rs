//! One layer of the net, `out = rms_norm(s + conv1x1(silu(a) · b)) · gain` with `[a, b] = conv3x3(s)`, for a list of
//! tiles. The products of the 3 × 3 convolution are computed for a group of tiles at once, all that follows for one
//! tile at a time, so that it stays in the first-level cache.

use crate::frame::{Frame, TokenTile};
use crate::product::{Rows, product};
use crate::silu::silu;
use crate::simd::vector::Simd;
use crate::sizes::{HIDDEN, TILE};
use crate::weights::Layer;
use crate::winograd::{self, POINTS};

/// Outputs of the 3 × 3 convolution: both halves of the gate, a and b.
const GATE: usize = 2 * HIDDEN;
/// Tokens of a tile.
const TOKENS: usize = TILE * TILE;
/// Tiles whose products are computed together: the weights are read from the second-level cache once for all of them.
const GROUP: usize = 12;
/// Tiles in one block of sums.
const BLOCK: usize = 6;
/// What is added to the mean square. As in `models/trm_train/model.py`.
const EPSILON: f32 = 1e-5;

/// The weights of a layer, in the order in which they are read.
#[derive(Debug, Clone)]
pub(crate) struct PackedLayer {
    /// The 3 × 3 convolution at Winograd's points, `[POINTS, HIDDEN, GATE]`.
    gate: Vec<f32>,
    /// The 1 × 1 convolution, `[HIDDEN, HIDDEN]`, inputs first.
    out: Vec<f32>,
    /// `[HIDDEN]`.
    gain: Vec<f32>,
}

impl PackedLayer {
    /// Packs the weights of a layer.
    pub fn new(layer: &Layer) -> Self {
        let mut gate = vec![0.0; POINTS * HIDDEN * GATE];
        for (pair, kernel) in layer.gate.chunks_exact(9).enumerate() {
            let (output, input) = (pair / HIDDEN, pair % HIDDEN);
            for (point, value) in winograd::kernel(kernel).into_iter().enumerate() {
                gate[(point * HIDDEN + input) * GATE + output] = value;
            }
        }
        let out = (0..HIDDEN * HIDDEN).map(|at| layer.out[at % HIDDEN * HIDDEN + at / HIDDEN]).collect();
        Self { gate, out, gain: layer.gain.clone() }
    }
}

/// The intermediate values of a group of tiles.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    /// The tokens at Winograd's points, `[POINTS, GROUP, HIDDEN]`.
    points: Vec<f32>,
    /// The products there, `[POINTS, GROUP, GATE]`.
    products: Vec<f32>,
}

impl Scratch {
    pub fn new() -> Self {
        Self { points: vec![0.0; POINTS * GROUP * HIDDEN], products: vec![0.0; POINTS * GROUP * GATE] }
    }
}

/// Where the output of a layer goes.
pub(crate) enum Target<'a> {
    /// Into the next layer's frame: the tokens that differ from those in it by more than the threshold, or all.
    Frame(&'a mut Frame, Option<f32>),
    /// Into a state, `[tokens, tokens, HIDDEN]`: the output of the last layer.
    State(&'a mut [f32]),
}

/// Applies a layer to some tiles of a frame.
///
/// # Safety
/// The processor has the instruction set of `S`.
#[inline(always)]
pub(crate) unsafe fn apply<S: Simd, const VECTORS: usize, const ROWS: usize>(
    weights: &PackedLayer,
    frame: &Frame,
    tiles: &[TokenTile],
    scratch: &mut Scratch,
    mut target: Target,
) {
    assert!(weights.gate.len() == POINTS * HIDDEN * GATE && weights.out.len() == HIDDEN * HIDDEN);
    assert!(weights.gain.len() == HIDDEN && TOKENS.is_multiple_of(ROWS) && HIDDEN.is_multiple_of(2 * S::LANES));
    assert!(scratch.points.len() == POINTS * GROUP * HIDDEN && scratch.products.len() == POINTS * GROUP * GATE);
    for group in tiles.chunks(GROUP) {
        // Safety: the frame holds each tile with its border, and the scratch holds a group.
        unsafe {
            for (at, tile) in group.iter().enumerate() {
                let (from, to) = (frame.tile_with_border(*tile).as_ptr(), scratch.points.as_mut_ptr().add(at * HIDDEN));
                for lane in (0..HIDDEN).step_by(S::LANES) {
                    winograd::input::<S>(from.add(lane), HIDDEN, frame.line(), to.add(lane), GROUP * HIDDEN);
                }
            }
            multiply::<S, VECTORS>(weights, group.len(), scratch);
            for (at, tile) in group.iter().enumerate() {
                let products = scratch.products.as_ptr().add(at * GATE);
                let mut values = [0.0; TOKENS * HIDDEN];
                finish_tile::<S, ROWS>(weights, frame, *tile, products, &mut values);
                write_tile::<S>(frame.tokens(), *tile, &values, &mut target);
            }
        }
    }
}

/// The products at all points for a group of `tiles` tiles.
#[inline(always)]
unsafe fn multiply<S: Simd, const VECTORS: usize>(weights: &PackedLayer, tiles: usize, scratch: &mut Scratch) {
    for point in 0..POINTS {
        for first in (0..tiles).step_by(BLOCK) {
            unsafe {
                let from = scratch.points.as_ptr().add((point * GROUP + first) * HIDDEN);
                let to = scratch.products.as_mut_ptr().add((point * GROUP + first) * GATE);
                let weights = weights.gate.as_ptr().add(point * HIDDEN * GATE);
                match tiles - first {
                    1 => multiply_block::<S, 1, VECTORS>(from, weights, to),
                    2 => multiply_block::<S, 2, VECTORS>(from, weights, to),
                    3 => multiply_block::<S, 3, VECTORS>(from, weights, to),
                    4 => multiply_block::<S, 4, VECTORS>(from, weights, to),
                    5 => multiply_block::<S, 5, VECTORS>(from, weights, to),
                    _ => multiply_block::<S, BLOCK, VECTORS>(from, weights, to),
                }
            }
        }
    }
}

/// The products at one point for `TILES` tiles.
#[inline(always)]
unsafe fn multiply_block<S: Simd, const TILES: usize, const VECTORS: usize>(
    from: *const f32,
    weights: *const f32,
    to: *mut f32,
) {
    let rows = Rows { from, step: HIDDEN, runs: 1, length: HIDDEN, run_step: 0 };
    unsafe { product::<S, TILES, VECTORS>(rows, weights, GATE, std::ptr::null(), to, GATE) }
}

/// Makes a tile's new tokens, `[TOKENS, HIDDEN]`, from its products.
#[inline(always)]
unsafe fn finish_tile<S: Simd, const ROWS: usize>(
    weights: &PackedLayer,
    frame: &Frame,
    tile: TokenTile,
    products: *const f32,
    values: &mut [f32; TOKENS * HIDDEN],
) {
    let mut gated = [0.0; TOKENS * HIDDEN];
    unsafe {
        for lane in (0..HIDDEN).step_by(S::LANES) {
            let a = winograd::output::<S>(products.add(lane), GROUP * GATE);
            let b = winograd::output::<S>(products.add(HIDDEN + lane), GROUP * GATE);
            for (token, (a, b)) in a.iter().flatten().zip(b.iter().flatten()).enumerate() {
                S::store(gated.as_mut_ptr().add(token * HIDDEN + lane), S::mul(silu::<S>(*a), *b));
            }
        }
        for first in (0..TOKENS).step_by(ROWS) {
            let from = gated.as_ptr().add(first * HIDDEN);
            let rows = Rows { from, step: HIDDEN, runs: 1, length: HIDDEN, run_step: 0 };
            let to = values.as_mut_ptr().add(first * HIDDEN);
            product::<S, ROWS, 2>(rows, weights.out.as_ptr(), HIDDEN, std::ptr::null(), to, HIDDEN);
        }
        for token in 0..TOKENS {
            let state = frame.token(tile, token / TILE, token % TILE).as_ptr();
            normalise::<S>(values.as_mut_ptr().add(token * HIDDEN), state, weights.gain.as_ptr());
        }
    }
}

/// `values = rms_norm(values + state) · gain` for one token, `[HIDDEN]` each.
#[inline(always)]
unsafe fn normalise<S: Simd>(values: *mut f32, state: *const f32, gain: *const f32) {
    unsafe {
        let mut squares = S::set(0.0);
        for lane in (0..HIDDEN).step_by(S::LANES) {
            let value = S::add(S::load(values.add(lane)), S::load(state.add(lane)));
            squares = S::fma(value, value, squares);
            S::store(values.add(lane), value);
        }
        let scale = S::set(1.0 / (S::sum(squares) / HIDDEN as f32 + EPSILON).sqrt());
        for lane in (0..HIDDEN).step_by(S::LANES) {
            let value = S::mul(S::load(values.add(lane)), scale);
            S::store(values.add(lane), S::mul(value, S::load(gain.add(lane))));
        }
    }
}

/// Copies the tokens of a tile that lie in the window to the target.
#[inline(always)]
unsafe fn write_tile<S: Simd>(tokens: usize, tile: TokenTile, values: &[f32; TOKENS * HIDDEN], target: &mut Target) {
    let rows = TILE.min(tokens - tile.first_row());
    let cols = TILE.min(tokens - tile.first_col());
    match target {
        Target::Frame(frame, threshold) => {
            for row in 0..rows {
                let from = &values[row * TILE * HIDDEN..][..cols * HIDDEN];
                unsafe { frame.set_row::<S>(tile, row, from, *threshold) };
            }
        }
        Target::State(state) => {
            for row in 0..rows {
                let to = ((tile.first_row() + row) * tokens + tile.first_col()) * HIDDEN;
                state[to..to + cols * HIDDEN].copy_from_slice(&values[row * TILE * HIDDEN..][..cols * HIDDEN]);
            }
        }
    }
}
