//! Turns a frame's lines into columns.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector instructions are used where the processor has them")
)]
#![expect(clippy::inline_always, reason = "what runs with vector instructions must be compiled with them")]

use crate::frame::{FIRST, LINES, Line, STRIDE};
use crate::tiles::TILE_SIDE;

/// Side length of the blocks that are turned in registers.
const BLOCK: usize = 8;

/// Turns the values, with AVX2 if the processor is said to have it.
#[inline(always)]
pub(super) fn turn_values(from: &[Line; LINES], to: &mut [Line; LINES], has_avx2: bool) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2 {
        turn_around(from, to);
        // SAFETY: the processor has AVX2.
        unsafe { turn_blocks(from, to) };
        return;
    }
    let _ = has_avx2;
    turn(from, to);
}

/// Turns anything.
#[inline(always)]
pub(super) fn turn<T: Copy>(from: &[[T; STRIDE]; LINES], to: &mut [[T; STRIDE]; LINES]) {
    turn_around(from, to);
    for rows in (1..=TILE_SIDE).step_by(BLOCK) {
        for cols in (1..=TILE_SIDE).step_by(BLOCK) {
            for row in rows..rows + BLOCK {
                for col in cols..cols + BLOCK {
                    to[col][FIRST - 1 + row] = from[row][FIRST - 1 + col];
                }
            }
        }
    }
}

/// Turns the cells around the tile.
#[inline(always)]
fn turn_around<T: Copy>(from: &[[T; STRIDE]; LINES], to: &mut [[T; STRIDE]; LINES]) {
    for (edge, col) in [(0, FIRST - 1), (LINES - 1, FIRST + TILE_SIDE)] {
        for at in 0..LINES {
            to[edge][FIRST - 1 + at] = from[at][col];
            to[at][col] = from[edge][FIRST - 1 + at];
        }
    }
}

/// Turns the cells of the tile, 8 × 8 at a time.
///
/// # Safety
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn turn_blocks(from: &[Line; LINES], to: &mut [Line; LINES]) {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm256_permute2x128_si256, _mm256_storeu_si256, _mm256_unpackhi_epi32,
        _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    };
    for rows in (0..TILE_SIDE).step_by(BLOCK) {
        for cols in (0..TILE_SIDE).step_by(BLOCK) {
            let line: [__m256i; BLOCK] = std::array::from_fn(|row| {
                let cells: &[u32; BLOCK] = from[1 + rows + row][FIRST + cols..][..BLOCK].try_into().expect("as many");
                // SAFETY: eight numbers are there to be read.
                unsafe { _mm256_loadu_si256(cells.as_ptr().cast()) }
            });
            // Pairs of numbers, then of pairs, then of halves.
            let pairs: [__m256i; BLOCK] = std::array::from_fn(|at| {
                let (a, b) = (line[at / 2 * 2], line[at / 2 * 2 + 1]);
                if at % 2 == 0 { _mm256_unpacklo_epi32(a, b) } else { _mm256_unpackhi_epi32(a, b) }
            });
            let fours: [__m256i; BLOCK] = std::array::from_fn(|at| {
                let (a, b) = (pairs[at / 4 * 4 + at % 4 / 2], pairs[at / 4 * 4 + at % 4 / 2 + 2]);
                if at % 2 == 0 { _mm256_unpacklo_epi64(a, b) } else { _mm256_unpackhi_epi64(a, b) }
            });
            for col in 0..BLOCK {
                let (a, b) = (fours[col % 4], fours[col % 4 + 4]);
                let turned = if col < 4 {
                    _mm256_permute2x128_si256::<0x20>(a, b)
                } else {
                    _mm256_permute2x128_si256::<0x31>(a, b)
                };
                let cells: &mut [u32; BLOCK] =
                    (&mut to[1 + cols + col][FIRST + rows..][..BLOCK]).try_into().expect("as many");
                // SAFETY: eight numbers are there to be written.
                unsafe { _mm256_storeu_si256(cells.as_mut_ptr().cast(), turned) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::large_stack_arrays, reason = "a test's")]
    fn what_was_in_a_column_is_in_a_line() {
        let mut from = [[0; STRIDE]; LINES];
        for (row, line) in from.iter_mut().enumerate() {
            for (col, value) in line.iter_mut().enumerate() {
                *value = (row * 1000 + col) as u32;
            }
        }
        let levels = if cfg!(target_arch = "x86_64") && is_avx2_there() { vec![false, true] } else { vec![false] };
        for has_avx2 in levels {
            let mut to = [[0; STRIDE]; LINES];
            turn_values(&from, &mut to, has_avx2);
            for row in 0..LINES {
                for col in 0..LINES {
                    assert_eq!(to[col][FIRST - 1 + row], from[row][FIRST - 1 + col], "{row} {col} {has_avx2}");
                }
            }
        }
    }

    fn is_avx2_there() -> bool {
        #[cfg(target_arch = "x86_64")]
        return is_x86_feature_detected!("avx2");
        #[cfg(not(target_arch = "x86_64"))]
        false
    }
}
