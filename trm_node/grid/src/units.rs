//! Cells and metres, so that one is never taken for the other.
//!
//! Frames and axes follow REP-103 and REP-105: x forward, y left, yaw counter-clockwise from x, in radians.

/// A cell of a grid: `col` along the grid's x axis, `row` along its y axis, (0, 0) at the grid's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Cell {
    /// Index along the grid's x axis.
    pub col: i32,
    /// Index along the grid's y axis.
    pub row: i32,
}

impl Cell {
    /// The cell at a column and a row.
    #[must_use]
    pub const fn new(col: i32, row: i32) -> Self {
        Self { col, row }
    }

    /// The neighbour that one of the eight [`MOVES`] leads to.
    #[must_use]
    pub const fn after(self, step: Move) -> Self {
        Self::new(self.col + step.cols, self.row + step.rows)
    }

    /// The centre of the cell.
    #[must_use]
    pub const fn center(self) -> CellPoint {
        CellPoint { col: self.col as f64, row: self.row as f64 }
    }

    /// Length in cells of the shortest way to another cell with eight moves and no obstacles.
    #[must_use]
    pub const fn octile(self, other: Self) -> f32 {
        let (cols, rows) = (self.col.abs_diff(other.col) as f32, self.row.abs_diff(other.row) as f32);
        cols.max(rows) + (std::f32::consts::SQRT_2 - 1.0) * cols.min(rows)
    }
}

/// A point in cells from the centre of cell (0, 0): whole at the centre of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CellPoint {
    /// Along the grid's x axis.
    pub col: f64,
    /// Along the grid's y axis.
    pub row: f64,
}

impl CellPoint {
    /// The point at a column and a row.
    #[must_use]
    pub const fn new(col: f64, row: f64) -> Self {
        Self { col, row }
    }

    /// The cell that the point lies in. Far away it saturates, and NaN gives 0.
    #[must_use]
    pub fn cell(self) -> Cell {
        Cell::new(self.col.round() as i32, self.row.round() as i32)
    }

    /// The point at a share, from 0 to 1, of the way to another point.
    #[must_use]
    pub fn towards(self, other: Self, share: f64) -> Self {
        Self { col: self.col + share * (other.col - self.col), row: self.row + share * (other.row - self.row) }
    }

    /// The distance to another point, in cells.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        (other.col - self.col).hypot(other.row - self.row)
    }

    /// The heading towards another point, counted from the grid's columns, in radians.
    #[must_use]
    pub fn heading(self, other: Self) -> f64 {
        (other.row - self.row).atan2(other.col - self.col)
    }
}

/// One of the eight moves between neighbouring cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// Change of the row.
    pub rows: i32,
    /// Change of the column.
    pub cols: i32,
    /// Length in cells: 1 or the square root of 2.
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

/// The moves in the order of the model's first eight outputs (`models/trm_train/worlds.py`): around from row − 1.
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

/// A point of the map frame, in metres.
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
    /// The pose at metres `x`, `y` with a heading of `yaw` radians.
    #[must_use]
    pub const fn new(x: f64, y: f64, yaw: f64) -> Self {
        Self { x, y, yaw }
    }

    /// The position alone.
    #[must_use]
    pub const fn point(self) -> Point {
        Point { x: self.x, y: self.y }
    }
}
