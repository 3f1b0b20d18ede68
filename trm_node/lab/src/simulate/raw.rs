//! The raw map as it was published.

use trm_grid::geometry::{Geometry, Rect};

/// A raw grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// Where it lies.
    pub geometry: Geometry,
    /// Row-major, −1 or 0 to 100.
    pub data: Vec<i8>,
}

impl Raw {
    /// Whether a grid can be used.
    pub fn is_good(&self) -> bool {
        self.data.len() == self.geometry.cells() && self.data.iter().all(|value| (-1..=100).contains(value))
    }

    /// Writes a rectangle, if it fits.
    pub fn write(&mut self, rect: Rect, values: &[i8]) {
        let (width, height) = (self.geometry.width() as usize, self.geometry.height() as usize);
        let (cols, rows) = (rect.width as usize, rect.height as usize);
        let fits =
            rect.col >= 0 && rect.row >= 0 && rect.col as usize + cols <= width && rect.row as usize + rows <= height;
        if !fits || values.len() != cols * rows || values.iter().any(|value| !(-1..=100).contains(value)) {
            return;
        }
        for row in 0..rows {
            let at = (rect.row as usize + row) * width + rect.col as usize;
            self.data[at..at + cols].copy_from_slice(&values[row * cols..(row + 1) * cols]);
        }
    }
}
