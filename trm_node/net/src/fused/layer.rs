//! One layer of the net, `out = rms_norm(s + conv1x1(silu(a) · b)) · gain` with `[a, b] = conv3x3(s)`, for a list of tiles: the
//! convolution's products for a group of tiles, then for each tile all that follows, which stays in the first cache.

use super::frame::{Frame, Tile};
use super::product::{Rows, product};
use super::simd::Simd;
use super::winograd::{self, POINTS, TILE};

/// d: values a token.
pub(super) const HIDDEN: usize = 32;
/// Both halves of the gate.
const GATE: usize = 2 * HIDDEN;
/// Tokens of a tile.
const TOKENS: usize = TILE * TILE;
/// Tiles whose products are made together, so that the weights come from the second cache that much less often.
const GROUP: usize = 12;
/// Tiles that one block of sums holds.
const BLOCK: usize = 6;
/// As in `models/trm_train/model.py`.
const EPSILON: f32 = 1e-5;

/// Weights of a layer.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// The 3 × 3 convolution at Winograd's points, `[POINTS, HIDDEN, GATE]`.
    gate: Vec<f32>,
    /// The 1 × 1 convolution, `[HIDDEN, HIDDEN]`, inputs first.
    out: Vec<f32>,
    /// `[HIDDEN]`.
    gain: Vec<f32>,
}

impl Packed {
    /// Packs weights as `PyTorch` has them: `gate` `[2 HIDDEN, HIDDEN, 3, 3]`, `out` `[HIDDEN, HIDDEN]`, `gain` `[HIDDEN]`.
    pub fn new(gate: &[f32], out: &[f32], gain: &[f32]) -> Self {
        let mut packed = Self { gate: vec![0.0; POINTS * HIDDEN * GATE], out: Vec::new(), gain: gain.to_vec() };
        for (pair, kernel) in gate.chunks_exact(9).enumerate() {
            let (output, input) = (pair / HIDDEN, pair % HIDDEN);
            for (point, value) in winograd::kernel(kernel).into_iter().enumerate() {
                packed.gate[(point * HIDDEN + input) * GATE + output] = value;
            }
        }
        for input in 0..HIDDEN {
            packed.out.extend((0..HIDDEN).map(|output| out[output * HIDDEN + input]));
        }
        packed
    }
}

/// What is written and read for one group of tiles.
#[derive(Debug, Clone)]
pub(super) struct Scratch {
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

/// Where a layer's tokens go.
pub(super) enum Target<'a> {
    /// Into the next layer's frame: those tokens that differ from what is there by more than the threshold, or all.
    Next(&'a mut Frame, Option<f32>),
    /// Into the state, `[tokens, tokens, HIDDEN]`: the last layer's.
    State(&'a mut [f32]),
}

/// Applies a layer to some tiles of a frame.
///
/// # Safety
/// The instruction set is there.
#[inline(always)]
pub(super) unsafe fn apply<S: Simd, const VECTORS: usize, const ROWS: usize>(
    weights: &Packed,
    frame: &Frame,
    tiles: &[Tile],
    scratch: &mut Scratch,
    mut target: Target,
) {
    assert!(weights.gate.len() == POINTS * HIDDEN * GATE && weights.out.len() == HIDDEN * HIDDEN);
    assert!(weights.gain.len() == HIDDEN && TOKENS.is_multiple_of(ROWS) && HIDDEN.is_multiple_of(2 * S::LANES));
    assert!(scratch.points.len() == POINTS * GROUP * HIDDEN && scratch.products.len() == POINTS * GROUP * GATE);
    for group in tiles.chunks(GROUP) {
        // Safety: the frame holds each tile with what surrounds it, and the scratch holds a group.
        unsafe {
            for (at, tile) in group.iter().enumerate() {
                let (from, to) = (frame.around(*tile).as_ptr(), scratch.points.as_mut_ptr().add(at * HIDDEN));
                for lane in (0..HIDDEN).step_by(S::LANES) {
                    winograd::input::<S>(from.add(lane), HIDDEN, frame.line(), to.add(lane), GROUP * HIDDEN);
                }
            }
            multiply::<S, VECTORS>(weights, group.len(), scratch);
            for (at, tile) in group.iter().enumerate() {
                let products = scratch.products.as_ptr().add(at * GATE);
                let mut values = [0.0; TOKENS * HIDDEN];
                finish::<S, ROWS>(weights, frame, *tile, products, &mut values);
                write::<S>(frame.tokens(), *tile, &values, &mut target);
            }
        }
    }
}

/// The products at all points for a group of `tiles` tiles.
#[inline(always)]
unsafe fn multiply<S: Simd, const VECTORS: usize>(weights: &Packed, tiles: usize, scratch: &mut Scratch) {
    for point in 0..POINTS {
        for first in (0..tiles).step_by(BLOCK) {
            unsafe {
                let from = scratch.points.as_ptr().add((point * GROUP + first) * HIDDEN);
                let to = scratch.products.as_mut_ptr().add((point * GROUP + first) * GATE);
                let weights = weights.gate.as_ptr().add(point * HIDDEN * GATE);
                match tiles - first {
                    1 => block::<S, 1, VECTORS>(from, weights, to),
                    2 => block::<S, 2, VECTORS>(from, weights, to),
                    3 => block::<S, 3, VECTORS>(from, weights, to),
                    4 => block::<S, 4, VECTORS>(from, weights, to),
                    5 => block::<S, 5, VECTORS>(from, weights, to),
                    _ => block::<S, BLOCK, VECTORS>(from, weights, to),
                }
            }
        }
    }
}

/// The products at one point for a few tiles.
#[inline(always)]
unsafe fn block<S: Simd, const TILES: usize, const VECTORS: usize>(
    from: *const f32,
    weights: *const f32,
    to: *mut f32,
) {
    let rows = Rows { from, step: HIDDEN, runs: 1, length: HIDDEN, run_step: 0 };
    unsafe { product::<S, TILES, VECTORS>(rows, weights, GATE, std::ptr::null(), to, GATE) }
}

/// From a tile's products to its tokens' values, `[TOKENS, HIDDEN]`.
#[inline(always)]
unsafe fn finish<S: Simd, const ROWS: usize>(
    weights: &Packed,
    frame: &Frame,
    tile: Tile,
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

/// `values = rms_norm(values + state) · gain`, of one token.
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

/// Takes those tokens of a tile that lie in the window to where they belong.
#[inline(always)]
unsafe fn write<S: Simd>(tokens: usize, tile: Tile, values: &[f32; TOKENS * HIDDEN], target: &mut Target) {
    let rows = TILE.min(tokens - tile.row());
    let cols = TILE.min(tokens - tile.col());
    match target {
        Target::Next(frame, threshold) => {
            for row in 0..rows {
                let from = &values[row * TILE * HIDDEN..][..cols * HIDDEN];
                unsafe { frame.take::<S>(tile, row, from, *threshold) };
            }
        }
        Target::State(state) => {
            for row in 0..rows {
                let to = ((tile.row() + row) * tokens + tile.col()) * HIDDEN;
                state[to..to + cols * HIDDEN].copy_from_slice(&values[row * TILE * HIDDEN..][..cols * HIDDEN]);
            }
        }
    }
}

/// `x / (1 + e^-x)`.
#[inline(always)]
unsafe fn silu<S: Simd>(x: S::Vector) -> S::Vector {
    unsafe { S::div(x, S::add(S::set(1.0), exp::<S>(S::sub(S::set(0.0), x)))) }
}

/// e to the power of `x`, to 2e-7. Coefficients: Cephes (Moshier), `expf`.
#[inline(always)]
unsafe fn exp<S: Simd>(x: S::Vector) -> S::Vector {
    /// Adding it leaves the rounded number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    unsafe {
        let x = S::clamp(x, S::set(-87.0), S::set(88.0));
        let shifted = S::fma(x, S::set(std::f32::consts::LOG2_E), S::set(ROUND));
        let whole = S::sub(shifted, S::set(ROUND));
        let r = S::fma(whole, S::set(-0.693_359_4), x);
        let r = S::fma(whole, S::set(2.121_944_4e-4), r);
        let mut p = S::set(1.987_569_1e-4);
        for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
            p = S::fma(p, r, S::set(coefficient));
        }
        let p = S::add(S::fma(S::mul(p, r), r, r), S::set(1.0));
        S::scale(p, shifted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::{Level, Work};
    use super::*;

    struct Exp(f32);

    impl Work for Exp {
        type Output = f32;

        #[inline(always)]
        unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> f32 {
            let mut lanes = [0.0; 16];
            unsafe { S::store(lanes.as_mut_ptr(), exp::<S>(S::set(self.0))) };
            lanes[0]
        }
    }

    #[test]
    fn the_exponential_is_right_where_it_matters_and_finite_everywhere() {
        for level in Level::all() {
            for at in -8700..8800 {
                let x = at as f32 / 100.0;
                let expected = f64::from(x).exp();
                let error = (f64::from(level.run(Exp(x))) - expected).abs() / expected;
                assert!(error < 1e-6, "exp({x}) is off by {error} on {level:?}");
            }
            for x in [f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(level.run(Exp(x)).is_finite(), "exp({x}) on {level:?}");
            }
        }
    }
}
