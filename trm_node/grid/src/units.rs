//! Types for cells and for metres, so that they can't be confused.
//!
//! Frames and axes follow REP-103 and REP-105: x forward, y left, yaw counter-clockwise from x, in radians.

/// A cell of a grid. Columns run along the grid's x axis and rows along its y axis; (0, 0) is the cell at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Cell {
    /// Index along the grid's x axis.
    pub col: i32,
    /// Index along the grid's y axis.
    pub row: i32,
}

impl Cell {
    /// Creates a cell from its column and its row.
    #[must_use]
    pub const fn new(col: i32, row: i32) -> Self {
        Self { col, row }
    }

    /// The neighbouring cell that a move leads to.
    #[must_use]
    pub const fn after(self, step: Move) -> Self {
        Self::new(self.col + step.cols, self.row + step.rows)
    }

    /// The centre of the cell.
    #[must_use]
    pub const fn center(self) -> CellPoint {
        CellPoint { col: self.col as f64, row: self.row as f64 }
    }

    /// The octile distance to another cell, in cells: the length of the shortest 8-connected path without obstacles.
    #[must_use]
    pub const fn octile(self, other: Self) -> f32 {
        let (cols, rows) = (self.col.abs_diff(other.col) as f32, self.row.abs_diff(other.row) as f32);
        cols.max(rows) + (std::f32::consts::SQRT_2 - 1.0) * cols.min(rows)
    }
}

/// A point in cell units, measured from the centre of cell (0, 0). The centre of every cell has integer coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CellPoint {
    /// Along the grid's x axis.
    pub col: f64,
    /// Along the grid's y axis.
    pub row: f64,
}

impl CellPoint {
    /// Creates a point from its coordinates.
    #[must_use]
    pub const fn new(col: f64, row: f64) -> Self {
        Self { col, row }
    }

    /// The cell that contains the point. Coordinates beyond the range of `i32` saturate; NaN becomes 0.
    #[must_use]
    pub fn cell(self) -> Cell {
        Cell::new(self.col.round() as i32, self.row.round() as i32)
    }

    /// Linear interpolation towards another point: this point for a `share` of 0, the other for 1.
    #[must_use]
    pub fn towards(self, other: Self, share: f64) -> Self {
        Self { col: self.col + share * (other.col - self.col), row: self.row + share * (other.row - self.row) }
    }

    /// The distance to another point, in cells.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        (other.col - self.col).hypot(other.row - self.row)
    }

    /// The heading towards another point, in radians from the direction in which columns increase.
    #[must_use]
    pub fn heading(self, other: Self) -> f64 {
        (other.row - self.row).atan2(other.col - self.col)
    }
}

/// A move between neighbouring cells: one of the eight [`MOVES`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// Change of the row.
    pub rows: i32,
    /// Change of the column.
    pub cols: i32,
    /// Length in cells: 1, or √2 for a diagonal.
    pub length: f32,
}

impl Move {
    const fn new(rows: i32, cols: i32) -> Self {
        let length = if rows != 0 && cols != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
        Self { rows, cols, length }
    }

    /// Whether both the row and the column change.
    #[must_use]
    pub const fn is_diagonal(self) -> bool {
        self.rows != 0 && self.cols != 0
    }
}

/// The eight moves in the order of the model's first eight outputs (`models/trm_train/worlds.py`): once around the
/// cell, starting with row − 1. Even indices are straight, odd ones diagonal.
pub const MOVES: [Move; 8] = [
    Move::new(-1, 0),
    Move::new(-1, 1),
    Move::new(0, 1),
    Move::new(1, 1),
    Move::new(1, 0),
    Move::new(1, -1),
    Move::new(0, -1),
    Move::new(-1, -1),
];

/// A point in the map frame, in metres.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Metres along the map's x axis.
    pub x: f64,
    /// Metres along the map's y axis.
    pub y: f64,
}

impl Point {
    /// The distance to another point, in metres.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A position and a heading in the map frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pose {
    /// Metres along the map's x axis.
    pub x: f64,
    /// Metres along the map's y axis.
    pub y: f64,
    /// Heading in radians, counter-clockwise from the x axis.
    pub yaw: f64,
}

impl Pose {
    /// Creates a pose at `x`, `y` (metres) with heading `yaw` (radians).
    #[must_use]
    pub const fn new(x: f64, y: f64, yaw: f64) -> Self {
        Self { x, y, yaw }
    }

    /// The position without the heading.
    #[must_use]
    pub const fn point(self) -> Point {
        Point { x: self.x, y: self.y }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

    use super::*;

    #[test]
    fn a_point_lies_in_the_cell_with_the_nearest_centre() {
        for (point, cell) in [
            (CellPoint::new(3.0, -2.0), Cell::new(3, -2)),
            (CellPoint::new(0.49, -0.49), Cell::new(0, 0)),
            (CellPoint::new(0.51, -0.51), Cell::new(1, -1)),
            (CellPoint::new(1e300, -1e300), Cell::new(i32::MAX, i32::MIN)),
            (CellPoint::new(f64::NAN, 7.2), Cell::new(0, 7)),
        ] {
            assert_eq!(point.cell(), cell, "{point:?}");
        }
        assert_eq!(Cell::new(-5, 8).center().cell(), Cell::new(-5, 8));
    }

    #[test]
    fn distance_heading_and_interpolation_agree() {
        let (a, b) = (CellPoint::new(1.0, 2.0), CellPoint::new(4.0, 6.0));
        assert!((a.distance(b) - 5.0).abs() < 1e-12 && (b.distance(a) - 5.0).abs() < 1e-12);
        assert_eq!((a.towards(b, 0.0), a.towards(b, 0.5), a.towards(b, 1.0)), (a, CellPoint::new(2.5, 4.0), b));
        let origin = CellPoint::default();
        for (col, row, heading) in
            [(1.0, 0.0, 0.0), (1.0, 1.0, FRAC_PI_4), (0.0, 2.0, FRAC_PI_2), (-1.0, 0.0, PI), (0.0, -1.0, -FRAC_PI_2)]
        {
            assert!((origin.heading(CellPoint::new(col, row)) - heading).abs() < 1e-12, "({col}, {row})");
        }
    }

    #[test]
    fn moves_go_once_around_the_cell_and_end_at_their_own_distance() {
        let cell = Cell::new(10, 20);
        for (index, step) in MOVES.into_iter().enumerate() {
            assert_eq!(step.is_diagonal(), index % 2 == 1);
            assert!((cell.octile(cell.after(step)) - step.length).abs() < 1e-6);
            assert!(
                (cell.after(step).octile(cell.after(MOVES[(index + 1) % 8])) - 1.0).abs() < 1e-6,
                "next to {step:?}"
            );
        }
        assert!((cell.octile(Cell::new(13, 15)) - (2.0 + 3.0 * 2.0_f32.sqrt())).abs() < 1e-5);
    }
}
