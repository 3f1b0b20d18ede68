//! Where a robot is, in cells.

/// Column and row of a cell.
pub type CellAt = (i32, i32);

/// A pose in cells from the centre of cell (0, 0), its heading relative to the grid's columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stand {
    pub col: f64,
    pub row: f64,
    pub yaw: f64,
}

impl Stand {
    /// The distance between two bases, in cells.
    pub fn distance(self, other: Self) -> f64 {
        (self.col - other.col).hypot(self.row - other.row)
    }
}
