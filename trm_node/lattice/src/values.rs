//! The cost-to-go of the states of a window.

use crate::row::Row;
use crate::simd::lanes::{Lanes, UNREACHED};

/// Values before the first and after the last row. Neighbours of a row are looked up with an offset of at most
/// [`crate::primitive::MAX_STEP`] columns, in whole rows.
pub(crate) const GUARD: usize = 64;

/// Where the value of a column of a row lies.
#[inline(always)]
pub(crate) const fn place<R: Row>(row: usize, col: i32) -> usize {
    ((GUARD + row * R::SIZE) as i32 + col) as usize
}

/// Values without any known way, for rows of all headings.
pub(crate) fn unreached<R: Row>(rows: usize) -> Vec<u16> {
    vec![UNREACHED; 2 * GUARD + rows * R::SIZE]
}

/// `values[row][c] = min(values[row][c], values[from][c + cols] + cost)` in the columns of a mask. Those that have changed.
#[inline(always)]
pub(crate) fn relax<R: Row, L: Lanes>(
    lanes: L,
    values: &mut [u16],
    row: usize,
    (from, cols): (usize, i32),
    cost: u16,
    mask: R,
) -> R {
    let (to, from) = (place::<R>(row, 0), place::<R>(from, cols));
    let mut changed = R::default();
    for word in 0..R::WORDS {
        let mask = mask.word(word);
        if mask != 0 {
            changed.add_word(word, lanes.relax(values, to + 64 * word, from + 64 * word, cost, mask));
        }
    }
    changed
}

/// The columns of a mask where `values[row][c] = values[from][c + cols] + cost`.
#[inline(always)]
pub(crate) fn tight<R: Row, L: Lanes>(
    lanes: L,
    values: &[u16],
    row: usize,
    (from, cols): (usize, i32),
    cost: u16,
    mask: R,
) -> R {
    let (to, from) = (place::<R>(row, 0), place::<R>(from, cols));
    let mut tight = R::default();
    for word in 0..R::WORDS {
        let mask = mask.word(word);
        if mask != 0 {
            tight.add_word(word, lanes.tight(values, to + 64 * word, from + 64 * word, cost, mask));
        }
    }
    tight
}

/// The columns of a row whose value is less than a threshold.
#[inline(always)]
pub(crate) fn below<R: Row, L: Lanes>(lanes: L, values: &[u16], row: usize, threshold: u16) -> R {
    let mut below = R::default();
    for word in 0..R::WORDS {
        below.add_word(word, lanes.below(values, place::<R>(row, 0) + 64 * word, threshold));
    }
    below
}

/// The least value of some columns of a row.
#[inline(always)]
pub(crate) fn least<R: Row, L: Lanes>(lanes: L, values: &[u16], row: usize, mask: R) -> u16 {
    // No closure: vector operations are only inlined into functions that have them switched on.
    let mut all = UNREACHED;
    for word in 0..R::WORDS {
        all = all.min(lanes.least(values, place::<R>(row, 0) + 64 * word, mask.word(word)));
    }
    all
}
