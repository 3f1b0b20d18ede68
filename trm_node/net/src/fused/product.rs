//! Matrix products of a few rows at a time: the sums stay in registers.

use super::simd::Simd;

/// The rows of factors: `runs` runs of `length` values each, `run_step` apart; the next row begins `step` values on.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub from: *const f32,
    pub step: usize,
    pub runs: usize,
    pub length: usize,
    pub run_step: usize,
}

/// The product of `ROWS` rows with `weights`, `[runs · length, width]`: `out[row] = start + Σ rows[row, at] · weights[at]`,
/// `width` values each, `out_step` apart. `width` is a multiple of the block's `VECTORS` vectors.
///
/// # Safety
/// The instruction set is there; all that is named can be read and written; `start` holds `width` values or is null.
#[inline(always)]
pub(super) unsafe fn product<S: Simd, const ROWS: usize, const VECTORS: usize>(
    rows: Rows,
    weights: *const f32,
    width: usize,
    start: *const f32,
    out: *mut f32,
    out_step: usize,
) {
    unsafe {
        for first in (0..width).step_by(VECTORS * S::LANES) {
            let mut sums = [[S::set(0.0); VECTORS]; ROWS];
            if !start.is_null() {
                for sums in &mut sums {
                    for (vector, sum) in sums.iter_mut().enumerate() {
                        *sum = S::load(start.add(first + vector * S::LANES));
                    }
                }
            }
            for run in 0..rows.runs {
                let mut from = rows.from.add(run * rows.run_step);
                let mut weights = weights.add(run * rows.length * width + first);
                for _ in 0..rows.length {
                    // Loops, not closures: a closure isn't built for the instruction set.
                    let mut block = [S::set(0.0); VECTORS];
                    for (vector, weight) in block.iter_mut().enumerate() {
                        *weight = S::load(weights.wrapping_add(vector * S::LANES));
                    }
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let factor = S::splat(from.wrapping_add(row * rows.step));
                        for (sum, weight) in sums.iter_mut().zip(&block) {
                            *sum = S::fma(factor, *weight, *sum);
                        }
                    }
                    (from, weights) = (from.wrapping_add(1), weights.wrapping_add(width));
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    S::store(out.add(row * out_step + first + vector * S::LANES), *sum);
                }
            }
        }
    }
}
