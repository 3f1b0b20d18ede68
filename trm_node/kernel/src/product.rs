//! Matrix products of a few rows at a time, whose sums stay in registers.

use crate::simd::vector::Simd;

/// The rows of the left factor. Each is made of `runs` runs of `length` values, `run_step` values from one run's start
/// to the next; consecutive rows start `step` values apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub from: *const f32,
    pub step: usize,
    pub runs: usize,
    pub length: usize,
    pub run_step: usize,
}

/// The product of `ROWS` rows with `weights`, `[runs · length, width]`. Each row of the result is
/// `out[row] = bias + Σ rows[row, i] · weights[i]`, `width` values; it starts `out_step` values after the previous one.
/// `width` is a multiple of `VECTORS` vectors.
///
/// # Safety
/// The processor has the instruction set of `S`. All of the rows and of `weights` may be read, and of `out` written.
/// `bias` points to `width` values, or is null for none.
#[inline(always)]
pub(crate) unsafe fn product<S: Simd, const ROWS: usize, const VECTORS: usize>(
    rows: Rows,
    weights: *const f32,
    width: usize,
    bias: *const f32,
    out: *mut f32,
    out_step: usize,
) {
    unsafe {
        for first in (0..width).step_by(VECTORS * S::LANES) {
            let mut sums = [[S::set(0.0); VECTORS]; ROWS];
            if !bias.is_null() {
                for sums in &mut sums {
                    for (vector, sum) in sums.iter_mut().enumerate() {
                        *sum = S::load(bias.add(first + vector * S::LANES));
                    }
                }
            }
            for run in 0..rows.runs {
                let mut from = rows.from.add(run * rows.run_step);
                let mut weights = weights.add(run * rows.length * width + first);
                for _ in 0..rows.length {
                    // Loops, because a closure isn't compiled for the instruction set.
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
