//! The eight ways to lay a square window before the model. A turned window has the same paths, but the model, whose weights
//! know no symmetry, errs elsewhere on it: an answer that has settled on an error gets another chance.

use crate::encode::NONE;
use trm_grid::units::MOVES;

/// One of the eight: bit 0 swaps rows and columns, then bit 1 mirrors the columns and bit 2 the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Symmetry(u8);

impl Symmetry {
    /// As it lies.
    pub const NONE: Self = Self(0);

    /// The next way; [`Self::NONE`] again after the last.
    #[must_use]
    pub const fn next(self) -> Self {
        Self((self.0 + 1) % 8)
    }

    /// Where a cell of the window goes, both as places in `[size, size]`.
    const fn cell(self, at: usize, size: usize) -> usize {
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

    /// What a class of the field becomes.
    fn class(self, class: usize) -> usize {
        if class == NONE {
            return NONE;
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

    /// Turns the planes of an input `[channels, size, size]`.
    ///
    /// # Panics
    /// When `from` and `to` differ in length, or hold no whole planes.
    pub fn input(self, size: usize, from: &[f32], to: &mut [f32]) {
        assert_eq!(from.len(), to.len());
        for (from, to) in from.chunks_exact(size * size).zip(to.chunks_exact_mut(size * size)) {
            for (at, value) in from.iter().enumerate() {
                to[self.cell(at, size)] = *value;
            }
        }
    }

    /// Turns the field of a turned window back, `[9, size, size]`.
    ///
    /// # Panics
    /// When `from` and `to` aren't nine planes each.
    pub fn field_back(self, size: usize, from: &[f32], to: &mut [f32]) {
        assert!(from.len() == to.len() && from.len() == (NONE + 1) * size * size);
        for (class, to) in to.chunks_exact_mut(size * size).enumerate() {
            let from = &from[self.class(class) * size * size..][..size * size];
            for (at, value) in to.iter_mut().enumerate() {
                *value = from[self.cell(at, size)];
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
        let mut turn = Symmetry::NONE;
        loop {
            let cells: Vec<usize> = (0..SIZE * SIZE).map(|at| turn.cell(at, SIZE)).collect();
            assert!(!seen.contains(&cells), "{turn:?}");
            seen.push(cells);
            turn = turn.next();
            if turn == Symmetry::NONE {
                break;
            }
        }
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn a_move_of_the_turned_window_leads_to_the_turned_neighbour() {
        let mut turn = Symmetry::NONE;
        for _ in 0..8 {
            // From a cell with all its neighbours.
            let (row, col) = (1_usize, 2_usize);
            for (class, step) in MOVES.iter().enumerate() {
                let next =
                    row.wrapping_add_signed(step.rows as isize) * SIZE + col.wrapping_add_signed(step.cols as isize);
                let (from, to) = (turn.cell(row * SIZE + col, SIZE), turn.cell(next, SIZE));
                let turned = MOVES[turn.class(class)];
                let expected =
                    (from as i32 / SIZE as i32 + turned.rows) * SIZE as i32 + from as i32 % SIZE as i32 + turned.cols;
                assert_eq!(to as i32, expected, "{turn:?}, class {class}");
            }
            assert_eq!(turn.class(NONE), NONE);
            turn = turn.next();
        }
    }

    #[test]
    fn a_field_that_the_turned_window_gives_is_turned_back() {
        let plane = SIZE * SIZE;
        let natural: Vec<f32> = (0..9 * plane).map(|at| at as f32).collect();
        let mut turn = Symmetry::NONE;
        for _ in 0..8 {
            // What a perfect model says of the turned window: each class and each cell at its turned place.
            let mut turned = vec![0.0; 9 * plane];
            for class in 0..9 {
                for at in 0..plane {
                    turned[turn.class(class) * plane + turn.cell(at, SIZE)] = natural[class * plane + at];
                }
            }
            let mut back = vec![0.0; 9 * plane];
            turn.field_back(SIZE, &turned, &mut back);
            assert_eq!(back, natural, "{turn:?}");
            let mut input = vec![0.0; 9 * plane];
            turn.input(SIZE, &natural, &mut input);
            for at in 0..plane {
                assert!((input[3 * plane + turn.cell(at, SIZE)] - natural[3 * plane + at]).abs() < f32::EPSILON);
            }
            turn = turn.next();
        }
    }
}
