//! The blocked cells in and around a window as bits, and which of them lie in a run of cells.

use trm_grid::units::Cell;

use crate::blocked::Blocked;
use crate::levels::{BLOCKED, LEVELS};
use crate::sweep::Run;

/// Columns before the window's in a row of bits, of which the lattice's margin is in use.
const BEFORE: usize = 128;
/// Runs of 2⁰ to 2⁶ cells are looked up at once.
const DOUBLINGS: usize = 7;

/// Bits of the cells in and around a window, `[word, row]`, so that operations on all rows are vectors.
#[derive(Debug, Clone)]
pub(crate) struct Obstacles {
    size: usize,
    margin: usize,
    words: usize,
    rows: usize,
    /// `runs[k]`: whether any of the 2ᵏ cells from this one on is blocked.
    runs: [Vec<u64>; DOUBLINGS],
    /// `levels[k]`: whether the cell is of level k + 1 or a higher one. Empty if there are no levels.
    levels: Vec<Vec<u64>>,
}

impl Obstacles {
    /// Room for a window of `size` columns and rows with `margin` cells around it.
    pub(crate) fn new(size: usize, margin: i32, has_levels: bool) -> Self {
        let margin = margin as usize;
        // A lattice's reach and steps are limited, so nothing is looked up beyond these.
        assert!(margin < BEFORE, "a margin of {margin} cells");
        let (words, rows) = (size / 64 + 2 * BEFORE / 64, size + 2 * margin);
        // One more word, since each look-up reads two.
        let plane = || vec![0; (words + 1) * rows];
        let levels = if has_levels { LEVELS - 1 } else { 0 };
        let runs = std::array::from_fn(|_| plane());
        Self { size, margin, words, rows, runs, levels: (0..levels).map(|_| plane()).collect() }
    }

    /// Takes the cells in and around the window whose cell (0, 0) is the grid's cell `corner`.
    pub(crate) fn take(&mut self, corner: Cell, level: impl Fn(Cell) -> u8) {
        let first = BEFORE - self.margin;
        for row in 0..self.rows {
            for word in first / 64..=(BEFORE + self.size + self.margin - 1) / 64 {
                let mut bits = [0_u64; LEVELS];
                let cols = (64 * word).max(first)..(64 * word + 64).min(BEFORE + self.size + self.margin);
                for col in cols {
                    let cell = Cell::new(
                        corner.col + col as i32 - BEFORE as i32,
                        corner.row + row as i32 - self.margin as i32,
                    );
                    let level = level(cell);
                    bits[0] |= u64::from(level == BLOCKED) << (col % 64);
                    if !self.levels.is_empty() {
                        for (above, bits) in bits[1..].iter_mut().enumerate() {
                            *bits |= u64::from(level > above as u8) << (col % 64);
                        }
                    }
                }
                let at = word * self.rows + row;
                self.runs[0][at] = bits[0];
                for (plane, bits) in self.levels.iter_mut().zip(&bits[1..]) {
                    plane[at] = *bits;
                }
            }
        }
    }

    /// As [`Self::take`], of the blocked cells of a map alone.
    pub(crate) fn take_blocked(&mut self, corner: Cell, blocked: &Blocked) {
        let first = corner.col - BEFORE as i32;
        for (row, word) in (0..self.rows).flat_map(|row| (0..self.words).map(move |word| (row, word))) {
            let map_row = corner.row + row as i32 - self.margin as i32;
            self.runs[0][word * self.rows + row] = blocked.word(map_row, first + 64 * word as i32);
        }
    }

    /// Makes the bits of longer runs.
    #[inline(always)]
    pub(crate) fn double(&mut self) {
        let (all, rows) = (self.words * self.rows, self.rows);
        for at in 1..DOUBLINGS {
            let (shorter, longer) = self.runs.split_at_mut(at);
            let (shorter, shift) = (&shorter[at - 1], 1 << (at - 1));
            let (here, next) = (&shorter[..all], &shorter[rows..all + rows]);
            for ((to, here), next) in longer[0][..all].iter_mut().zip(here).zip(next) {
                *to = here | here >> shift | next << (64 - shift);
            }
        }
    }

    /// Adds to `hit` which of 64 columns of some rows of the window, from `first_row` on, have a blocked cell in a run
    /// relative to them.
    #[inline(always)]
    pub(crate) fn look(&self, run: Run, word: usize, first_row: usize, hit: &mut [u64]) {
        let count = (run.last - run.first + 1) as u32;
        let doubling = (u32::BITS - 1 - count.leading_zeros()).min(DOUBLINGS as u32 - 1);
        let length = 1 << doubling;
        let mut col = run.first;
        while col + length <= run.last {
            self.add(&self.runs[doubling as usize], col, run.row, word, first_row, hit);
            col += length;
        }
        self.add(&self.runs[doubling as usize], run.last + 1 - length, run.row, word, first_row, hit);
    }

    /// Adds to `hit` which of 64 columns of some rows have a cell of level `level` + 1 or a higher one at an offset.
    #[inline(always)]
    pub(crate) fn look_level(&self, level: usize, at: Cell, word: usize, first_row: usize, hit: &mut [u64]) {
        self.add(&self.levels[level], at.col, at.row, word, first_row, hit);
    }

    #[inline(always)]
    fn add(&self, plane: &[u64], col: i32, row: i32, word: usize, first_row: usize, hit: &mut [u64]) {
        let first = (BEFORE + 64 * word) as i32 + col;
        let (at, shift) = ((first / 64) as usize, first as u32 % 64);
        let row = ((self.margin + first_row) as i32 + row) as usize;
        let here = &plane[at * self.rows + row..][..hit.len()];
        if shift == 0 {
            for (hit, here) in hit.iter_mut().zip(here) {
                *hit |= here;
            }
        } else {
            let next = &plane[(at + 1) * self.rows + row..][..hit.len()];
            for ((hit, here), next) in hit.iter_mut().zip(here).zip(next) {
                *hit |= here >> shift | next << (64 - shift);
            }
        }
    }
}
