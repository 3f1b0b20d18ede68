//! Winograd's convolution F(4 × 4, 3 × 3) (Lavin & Gray, arXiv 1509.09308): `Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A` makes a
//! tile Y of 4 × 4 tokens from the 6 × 6 tokens d around it and the kernel g. That takes 36 products for each pair of
//! channels, where the plain sums take 144.
//!
//! The interpolation points are 0, ±√½, ±√2 and infinity. With them the results in f32 are about as exact as plain
//! sums; with the usual 0, ±1, ±2 the errors double.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::simd::vector::Simd;
use crate::sizes::TILE;

/// Tokens along each side of the input of a tile.
pub(crate) const SIDE: usize = TILE + 2;
/// Pairs of interpolation points.
pub(crate) const POINTS: usize = SIDE * SIDE;

/// The smaller point.
const SMALL: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// The larger point, twice the smaller one.
const LARGE: f32 = std::f32::consts::SQRT_2;

/// Three values of a kernel at the six points: `G g`.
fn kernel_1d(kernel: [f64; 3]) -> [f64; SIDE] {
    let at = |point: f64| {
        let others = [0.0, FRAC_1_SQRT_2, -FRAC_1_SQRT_2, SQRT_2, -SQRT_2]
            .into_iter()
            .filter(|other| (other - point).abs() > 0.1);
        let scale: f64 = others.map(|other| point - other).product();
        (kernel[0] + kernel[1] * point + kernel[2] * point * point) / scale
    };
    [at(0.0), at(FRAC_1_SQRT_2), at(-FRAC_1_SQRT_2), at(SQRT_2), at(-SQRT_2), kernel[2]]
}

/// A kernel `[3, 3]` at all points, `[6, 6]`: `G g Gᵀ`.
pub(crate) fn kernel(kernel: &[f32]) -> [f32; POINTS] {
    let lines: [[f64; SIDE]; 3] =
        std::array::from_fn(|row| kernel_1d(std::array::from_fn(|col| f64::from(kernel[row * 3 + col]))));
    let mut points = [0.0; POINTS];
    for col in 0..SIDE {
        let column = kernel_1d(std::array::from_fn(|row| lines[row][col]));
        for (row, value) in column.into_iter().enumerate() {
            points[row * SIDE + col] = value as f32;
        }
    }
    points
}

/// Six values at the six points: `Bᵀ d`.
#[inline(always)]
unsafe fn input_1d<S: Simd>(d: [S::Vector; SIDE]) -> [S::Vector; SIDE] {
    unsafe {
        let (two, half, both) = (S::set(-2.0), S::set(-0.5), S::set(-2.5));
        let (even, odd) = (S::fma(two, d[2], d[4]), S::fma(two, d[1], d[3]));
        let (even_large, odd_large) = (S::fma(half, d[2], d[4]), S::fma(half, d[1], d[3]));
        [
            S::fma(both, d[2], S::add(d[0], d[4])),
            S::fma(S::set(SMALL), odd, even),
            S::fma(S::set(-SMALL), odd, even),
            S::fma(S::set(LARGE), odd_large, even_large),
            S::fma(S::set(-LARGE), odd_large, even_large),
            S::fma(both, d[3], S::add(d[1], d[5])),
        ]
    }
}

/// Four values from the products at the six points: `Aᵀ m`.
#[inline(always)]
unsafe fn output_1d<S: Simd>(m: [S::Vector; SIDE]) -> [S::Vector; TILE] {
    unsafe {
        let (even, odd) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
        let (even_large, odd_large) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
        let odd = S::mul(S::set(SMALL), odd);
        [
            S::add(m[0], S::add(even, even_large)),
            S::fma(S::set(LARGE), odd_large, odd),
            S::fma(S::set(2.0), even_large, S::mul(S::set(0.5), even)),
            S::fma(S::set(2.0 * LARGE), odd_large, S::fma(S::set(0.5), odd, m[5])),
        ]
    }
}

/// One vector of channels of a tile's 6 × 6 tokens at all points: `Bᵀ d B`. Tokens are `token` values apart, their rows
/// `line` values; the 36 results are written `to_step` values apart.
///
/// # Safety
/// The processor has the instruction set of `S`. The tokens may be read, and the places of the results written.
#[inline(always)]
pub(crate) unsafe fn input<S: Simd>(from: *const f32, token: usize, line: usize, to: *mut f32, to_step: usize) {
    unsafe {
        // Loops, because a closure isn't compiled for the instruction set.
        let mut rows = [[S::set(0.0); SIDE]; SIDE];
        for (row, points) in rows.iter_mut().enumerate() {
            for (col, value) in points.iter_mut().enumerate() {
                *value = S::load(from.wrapping_add(row * line + col * token));
            }
            *points = input_1d::<S>(*points);
        }
        for col in 0..SIDE {
            let mut column = [S::set(0.0); SIDE];
            for (value, row) in column.iter_mut().zip(&rows) {
                *value = row[col];
            }
            for (row, value) in input_1d::<S>(column).iter().enumerate() {
                S::store(to.wrapping_add((row * SIDE + col) * to_step), *value);
            }
        }
    }
}

/// One vector of channels of a tile's 4 × 4 tokens, from the products at all points, `step` values apart: `Aᵀ m A`.
///
/// # Safety
/// The processor has the instruction set of `S`. The products may be read.
#[inline(always)]
pub(crate) unsafe fn output<S: Simd>(from: *const f32, step: usize) -> [[S::Vector; TILE]; TILE] {
    unsafe {
        let mut rows = [[S::set(0.0); TILE]; SIDE];
        for (row, values) in rows.iter_mut().enumerate() {
            let mut points = [S::set(0.0); SIDE];
            for (col, point) in points.iter_mut().enumerate() {
                *point = S::load(from.wrapping_add((row * SIDE + col) * step));
            }
            *values = output_1d::<S>(points);
        }
        let mut tile = [[S::set(0.0); TILE]; TILE];
        for col in 0..TILE {
            let mut column = [S::set(0.0); SIDE];
            for (value, row) in column.iter_mut().zip(&rows) {
                *value = row[col];
            }
            for (row, value) in tile.iter_mut().zip(&output_1d::<S>(column)) {
                row[col] = *value;
            }
        }
        tile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::portable::Portable;

    #[test]
    fn a_tile_is_the_convolution_of_its_tokens() {
        let value = |at: usize| ((at * 37 % 101) as f32 - 50.0) / 25.0;
        let weights: Vec<f32> = (0..9).map(|at| value(at + 7)).collect();
        // Four channels side by side, all convolved with the same kernel.
        let tokens: Vec<f32> = (0..POINTS * 4).map(value).collect();
        let mut points = [0.0_f32; POINTS * 4];
        let kernel = kernel(&weights);
        let tile = unsafe {
            input::<Portable>(tokens.as_ptr(), 4, SIDE * 4, points.as_mut_ptr(), 4);
            for (at, point) in points.iter_mut().enumerate() {
                *point *= kernel[at / 4];
            }
            output::<Portable>(points.as_ptr(), 4)
        };
        for (at, values) in tile.iter().flatten().enumerate() {
            let (row, col) = (at / TILE, at % TILE);
            for (channel, found) in values.iter().enumerate() {
                let taps = (0..9).map(|tap| {
                    let token = (row + tap / 3) * SIDE + col + tap % 3;
                    tokens[token * 4 + channel] * weights[tap]
                });
                let expected: f32 = taps.sum();
                assert!((expected - found).abs() < 2e-5, "({row}, {col}): {found}, not {expected}");
            }
        }
    }
}
