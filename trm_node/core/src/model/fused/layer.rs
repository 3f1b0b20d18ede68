//! One layer of the net, `out = rms_norm(s + conv1x1(silu(a) · b)) · gain` with `[a, b] = conv3x3(s)`, for a few tokens
//! at a time: what lies between the convolutions never leaves the registers and the first cache.
//!
//! Tokens lie row-major with their values together, in a frame of zeros: `[tokens + 2, tokens + 2, HIDDEN]`. The three
//! tokens under a row of the kernel are then one run of values.

use super::simd::Simd;

/// d: values a token.
pub(super) const HIDDEN: usize = 32;
/// Values under one row of the 3 × 3 kernel.
const RUN: usize = 3 * HIDDEN;
/// Both halves of the gate.
const GATE: usize = 2 * HIDDEN;
/// As in `models/trm_train/model.py`.
const EPSILON: f32 = 1e-5;

/// Weights of a layer, packed for vectors of one width.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// The 3 × 3 convolution: for each group of outputs `[3 · RUN, group]`.
    gate: Vec<f32>,
    /// The 1 × 1 convolution: for each group `[HIDDEN, group]`.
    out: Vec<f32>,
    gain: Vec<f32>,
}

impl Packed {
    /// Packs weights as `PyTorch` has them: `gate` `[2 HIDDEN, HIDDEN, 3, 3]`, `out` `[HIDDEN, HIDDEN]`, `gain` `[HIDDEN]`.
    /// A group is as many outputs as the kernel works on at once.
    pub fn new(gate: &[f32], out: &[f32], gain: &[f32], group: usize) -> Self {
        let mut packed = Self { gate: Vec::new(), out: Vec::new(), gain: gain.to_vec() };
        for first in (0..GATE).step_by(group) {
            for tap in 0..9 {
                for input in 0..HIDDEN {
                    packed.gate.extend((first..first + group).map(|output| gate[(output * HIDDEN + input) * 9 + tap]));
                }
            }
        }
        for first in (0..HIDDEN).step_by(group) {
            for input in 0..HIDDEN {
                packed.out.extend((first..first + group).map(|output| out[output * HIDDEN + input]));
            }
        }
        packed
    }
}

/// Outputs that are worked on at once: two vectors.
pub(super) const fn group<S: Simd>() -> usize {
    2 * S::LANES
}

/// Adds up `runs` runs of `length` values, `step` apart, for `TOKENS` tokens: `out[token] = Σ from[..] · weights[.., group]`.
///
/// # Safety
/// The instruction set is there; all that is named can be read and written.
#[inline(always)]
unsafe fn sums<S: Simd, const TOKENS: usize>(
    from: *const f32,
    (runs, length, step): (usize, usize, usize),
    weights: *const f32,
    out: *mut f32,
    out_step: usize,
) {
    unsafe {
        let mut sum = [[S::zero(); 2]; TOKENS];
        for run in 0..runs {
            let (from, weights) = (from.add(run * step), weights.add(run * length * group::<S>()));
            for at in 0..length {
                let first = S::load(weights.add(at * group::<S>()));
                let second = S::load(weights.add(at * group::<S>() + S::LANES));
                for (token, sum) in sum.iter_mut().enumerate() {
                    let value = S::splat(from.add(token * HIDDEN + at));
                    *sum = [S::fma(value, first, sum[0]), S::fma(value, second, sum[1])];
                }
            }
        }
        for (token, sum) in sum.into_iter().enumerate() {
            S::store(out.add(token * out_step), sum[0]);
            S::store(out.add(token * out_step + S::LANES), sum[1]);
        }
    }
}

/// e to the power of `x`, to 2e-7. Coefficients: Cephes (Moshier), `expf`.
#[inline(always)]
fn exp<S: Simd>(x: f32) -> f32 {
    /// Adding it leaves the rounded number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = S::scalar_fma(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let r = S::scalar_fma(whole, -0.693_359_4, x);
    let r = S::scalar_fma(whole, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = S::scalar_fma(p, r, coefficient);
    }
    let p = S::scalar_fma(p * r, r, r) + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// Applies a layer to `tokens` × `tokens` tokens, `TOKENS` at a time (at most `tokens`). The frame of `out` stays zero.
///
/// # Safety
/// The instruction set is there; `weights` are packed for it.
#[inline(always)]
pub(super) unsafe fn apply<S: Simd, const TOKENS: usize>(
    weights: &Packed,
    tokens: usize,
    state: &[f32],
    out: &mut [f32],
) {
    let line = (tokens + 2) * HIDDEN;
    assert!(tokens >= TOKENS && state.len() == (tokens + 2) * line && out.len() == state.len());
    assert!(weights.gate.len() == 3 * RUN * GATE && weights.out.len() == HIDDEN * HIDDEN);
    let mut gate = [[0.0; GATE]; TOKENS];
    let mut gated = [[0.0; HIDDEN]; TOKENS];
    let mut sum = [[0.0; HIDDEN]; TOKENS];
    for row in 0..tokens {
        for first in (0..tokens).step_by(TOKENS) {
            // The last tokens of a row may be worked out twice.
            let first = first.min(tokens - TOKENS);
            for at in (0..GATE).step_by(group::<S>()) {
                unsafe {
                    let from = state.as_ptr().add(row * line + first * HIDDEN);
                    let out = gate.as_mut_ptr().cast::<f32>().add(at);
                    sums::<S, TOKENS>(from, (3, RUN, line), weights.gate.as_ptr().add(3 * RUN * at), out, GATE);
                }
            }
            for (gate, gated) in gate.iter().zip(&mut gated) {
                let (a, b) = gate.split_at(HIDDEN);
                for at in 0..HIDDEN {
                    gated[at] = a[at] * b[at] / (1.0 + exp::<S>(-a[at]));
                }
            }
            for at in (0..HIDDEN).step_by(group::<S>()) {
                unsafe {
                    let out = sum.as_mut_ptr().cast::<f32>().add(at);
                    let from = gated.as_ptr().cast();
                    sums::<S, TOKENS>(from, (1, HIDDEN, 0), weights.out.as_ptr().add(HIDDEN * at), out, HIDDEN);
                }
            }
            let begin = (row + 1) * line + (first + 1) * HIDDEN;
            let range = begin..begin + TOKENS * HIDDEN;
            let states = state[range.clone()].chunks_exact(HIDDEN).zip(out[range].chunks_exact_mut(HIDDEN));
            for (sum, (state, out)) in sum.iter_mut().zip(states) {
                normalise(sum, state, &weights.gain, out);
            }
        }
    }
}

/// `out = rms_norm(sum + state) · gain`.
#[inline(always)]
fn normalise(sum: &mut [f32; HIDDEN], state: &[f32], gain: &[f32], out: &mut [f32]) {
    const LANES: usize = 16;
    let mut squares = [0.0; LANES];
    for (at, sum) in sum.iter_mut().enumerate() {
        *sum += state[at];
        squares[at % LANES] += *sum * *sum;
    }
    let mean = squares.iter().sum::<f32>() / HIDDEN as f32;
    let scale = 1.0 / (mean + EPSILON).sqrt();
    for at in 0..HIDDEN {
        out[at] = sum[at] * scale * gain[at];
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::Portable;
    use super::*;

    #[test]
    fn the_exponential_is_right_where_it_matters_and_finite_everywhere() {
        for at in -8700..8800 {
            let x = at as f32 / 100.0;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp::<Portable>(x)) - expected).abs() / expected;
            assert!(error < 1e-6, "exp({x}) is off by {error}");
        }
        for x in [f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(exp::<Portable>(x).is_finite(), "exp({x})");
        }
    }
}
