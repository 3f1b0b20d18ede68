//! The eight symmetries of a square. A window that is rotated or mirrored has the same paths, but the model, whose
//! weights have no symmetry, makes other errors on it: a window whose answer has settled on an error gets another
//! chance.

use trm_grid::units::MOVES;

use crate::encode::{CLASSES, NO_MOVE};

/// One of the eight symmetries: bit 0 swaps rows and columns, then bit 1 reverses the columns and bit 2 the rows.
///
/// ```
/// # use trm_net::symmetry::Symmetry;
/// let transposed = Symmetry::IDENTITY.next();
/// let mut out = [0.0; 4];
/// transposed.transform_input(2, &[1.0, 2.0, 3.0, 4.0], &mut out);
/// assert_eq!(out, [1.0, 3.0, 2.0, 4.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Symmetry(u8);

impl Symmetry {
    /// The symmetry that changes nothing.
    pub const IDENTITY: Self = Self(0);

    /// The next of the eight; [`Self::IDENTITY`] follows the last one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self((self.0 + 1) % 8)
    }

    /// Where a cell goes: from an index into `[size, size]` to another.
    const fn cell_index(self, at: usize, size: usize) -> usize {
        let (mut row, mut col) = (at / size, at % size);
        if self.0 & 1 != 0 {
            (row, col) = (col, row);
        }
        if self.0 & 2 != 0 {
            col = size - 1 - col;
        }
        if self.0 & 4 != 0 {
            row = size - 1 - row;
        }
        row * size + col
    }

    /// The class that a class of the logits becomes: its move in the transformed window.
    fn move_class(self, class: usize) -> usize {
        if class == NO_MOVE {
            return NO_MOVE;
        }
        let (mut rows, mut cols) = (MOVES[class].rows, MOVES[class].cols);
        if self.0 & 1 != 0 {
            (rows, cols) = (cols, rows);
        }
        if self.0 & 2 != 0 {
            cols = -cols;
        }
        if self.0 & 4 != 0 {
            rows = -rows;
        }
        MOVES.iter().position(|step| (step.rows, step.cols) == (rows, cols)).unwrap_or(class)
    }

    /// Transforms each plane of an input, `[channels, size, size]`.
    ///
    /// # Panics
    /// When `from` and `to` differ in length.
    pub fn transform_input(self, size: usize, from: &[f32], to: &mut [f32]) {
        assert_eq!(from.len(), to.len());
        for (from, to) in from.chunks_exact(size * size).zip(to.chunks_exact_mut(size * size)) {
            for (at, value) in from.iter().enumerate() {
                to[self.cell_index(at, size)] = *value;
            }
        }
    }

    /// Makes the logits of the window, `[CLASSES, size, size]`, from those of the transformed window.
    ///
    /// # Panics
    /// When `from` or `to` has another length.
    pub fn restore_logits(self, size: usize, from: &[f32], to: &mut [f32]) {
        assert!(from.len() == to.len() && from.len() == CLASSES * size * size);
        for (class, to) in to.chunks_exact_mut(size * size).enumerate() {
            let from = &from[self.move_class(class) * size * size..][..size * size];
            for (at, value) in to.iter_mut().enumerate() {
                *value = from[self.cell_index(at, size)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 4;

    #[test]
    fn there_are_eight_and_each_is_another() {
        let mut seen = Vec::new();
        let mut symmetry = Symmetry::IDENTITY;
        loop {
            let cells: Vec<usize> = (0..SIZE * SIZE).map(|at| symmetry.cell_index(at, SIZE)).collect();
            assert!(!seen.contains(&cells), "{symmetry:?}");
            seen.push(cells);
            symmetry = symmetry.next();
            if symmetry == Symmetry::IDENTITY {
                break;
            }
        }
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn a_move_of_the_transformed_window_leads_to_the_transformed_neighbour() {
        let mut symmetry = Symmetry::IDENTITY;
        for _ in 0..8 {
            // From a cell with all its neighbours.
            let (row, col) = (1_usize, 2_usize);
            for (class, step) in MOVES.iter().enumerate() {
                let next =
                    row.wrapping_add_signed(step.rows as isize) * SIZE + col.wrapping_add_signed(step.cols as isize);
                let (from, to) = (symmetry.cell_index(row * SIZE + col, SIZE), symmetry.cell_index(next, SIZE));
                let transformed = MOVES[symmetry.move_class(class)];
                let expected = (from as i32 / SIZE as i32 + transformed.rows) * SIZE as i32
                    + from as i32 % SIZE as i32
                    + transformed.cols;
                assert_eq!(to as i32, expected, "{symmetry:?}, class {class}");
            }
            assert_eq!(symmetry.move_class(NO_MOVE), NO_MOVE);
            symmetry = symmetry.next();
        }
    }

    #[test]
    fn the_logits_of_the_transformed_window_are_restored() {
        let plane = SIZE * SIZE;
        let original: Vec<f32> = (0..9 * plane).map(|at| at as f32).collect();
        let mut symmetry = Symmetry::IDENTITY;
        for _ in 0..8 {
            // What a perfect model says of the transformed window: each class and each cell in its new place.
            let mut transformed = vec![0.0; 9 * plane];
            for class in 0..9 {
                for at in 0..plane {
                    transformed[symmetry.move_class(class) * plane + symmetry.cell_index(at, SIZE)] =
                        original[class * plane + at];
                }
            }
            let mut restored = vec![0.0; 9 * plane];
            symmetry.restore_logits(SIZE, &transformed, &mut restored);
            assert_eq!(restored, original, "{symmetry:?}");
            let mut input = vec![0.0; 9 * plane];
            symmetry.transform_input(SIZE, &original, &mut input);
            for at in 0..plane {
                assert!(
                    (input[3 * plane + symmetry.cell_index(at, SIZE)] - original[3 * plane + at]).abs() < f32::EPSILON
                );
            }
            symmetry = symmetry.next();
        }
    }
}
