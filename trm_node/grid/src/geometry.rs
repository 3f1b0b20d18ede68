//! Where a grid lies, and rectangles of its cells.

use crate::error::GridError;
use crate::units::{Cell, CellPoint, Point, Pose};

/// The greatest side of a grid, in cells.
pub const MAX_SIDE: u32 = 16_384;

/// Where a grid lies: the one place that turns metres into cells and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    width: u32,
    height: u32,
    resolution: f64,
    origin: Pose,
    cos: f64,
    sin: f64,
}

impl Geometry {
    /// A grid of `width` × `height` cells of `resolution` metres; `origin` is the outer corner of cell (0, 0).
    ///
    /// # Errors
    /// [`GridError`] for a side of 0 or above [`MAX_SIDE`], a resolution that is not a positive number, or an
    /// origin that is not finite.
    pub fn new(width: u32, height: u32, resolution: f64, origin: Pose) -> Result<Self, GridError> {
        let refuse =
            |field, value: String, expected: &str| Err(GridError { field, value, expected: expected.to_owned() });
        for (field, side) in [("info.width", width), ("info.height", height)] {
            if side == 0 || side > MAX_SIDE {
                return refuse(field, side.to_string(), &format!("must be from 1 to {MAX_SIDE} cells"));
            }
        }
        // Below a micrometre and above a kilometre a cell is a mistake of units.
        if !(1e-6..=1e3).contains(&resolution) {
            return refuse("info.resolution", resolution.to_string(), "must be a positive number of metres");
        }
        let fields = [
            ("info.origin.position.x", origin.x),
            ("info.origin.position.y", origin.y),
            ("info.origin.orientation", origin.yaw),
        ];
        for (field, value) in fields {
            if !value.is_finite() || value.abs() > 1e9 {
                return refuse(field, value.to_string(), "must be finite");
            }
        }
        let (sin, cos) = origin.yaw.sin_cos();
        Ok(Self { width, height, resolution, origin, cos, sin })
    }

    /// Cells along x.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Cells along y.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Metres a cell.
    #[must_use]
    pub const fn resolution(&self) -> f64 {
        self.resolution
    }

    /// The outer corner of cell (0, 0) and the grid's yaw.
    #[must_use]
    pub const fn origin(&self) -> Pose {
        self.origin
    }

    /// The number of cells.
    #[must_use]
    pub const fn cells(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Whether the grid has this cell.
    #[must_use]
    pub const fn contains(&self, cell: Cell) -> bool {
        cell.col >= 0 && cell.row >= 0 && (cell.col as u32) < self.width && (cell.row as u32) < self.height
    }

    /// The cell's place in row-major data; `None` outside the grid.
    #[must_use]
    pub const fn index(&self, cell: Cell) -> Option<usize> {
        if self.contains(cell) { Some(cell.row as usize * self.width as usize + cell.col as usize) } else { None }
    }

    /// The cell at a place in row-major data.
    #[must_use]
    pub const fn cell(&self, index: usize) -> Cell {
        Cell::new((index % self.width as usize) as i32, (index / self.width as usize) as i32)
    }

    /// A point of the map frame in cells.
    #[must_use]
    pub fn to_cells(&self, point: Point) -> CellPoint {
        let (dx, dy) = (point.x - self.origin.x, point.y - self.origin.y);
        let col = (self.cos * dx + self.sin * dy) / self.resolution - 0.5;
        let row = (self.cos * dy - self.sin * dx) / self.resolution - 0.5;
        CellPoint { col, row }
    }

    /// The inverse of [`Self::to_cells`].
    #[must_use]
    pub fn to_point(&self, point: CellPoint) -> Point {
        let (along, up) = ((point.col + 0.5) * self.resolution, (point.row + 0.5) * self.resolution);
        Point {
            x: self.origin.x + self.cos * along - self.sin * up,
            y: self.origin.y + self.sin * along + self.cos * up,
        }
    }

    /// A heading in the map frame from one counted from the grid's columns, from −π to π.
    #[must_use]
    pub fn to_map_yaw(&self, yaw: f64) -> f64 {
        use std::f64::consts::{PI, TAU};
        (yaw + self.origin.yaw + PI).rem_euclid(TAU) - PI
    }

    /// The cell nearest to a point, also outside the grid; far away it saturates, and NaN gives the smallest cell.
    #[must_use]
    pub fn nearest_cell(&self, point: Point) -> Cell {
        let CellPoint { col, row } = self.to_cells(point);
        let round = |v: f64| if v.is_nan() { i32::MIN } else { (v + 0.5).floor() as i32 };
        Cell::new(round(col), round(row))
    }

    /// The cell under a point; `None` outside the grid or for NaN.
    #[must_use]
    pub fn cell_at(&self, point: Point) -> Option<Cell> {
        let cell = self.nearest_cell(point);
        self.contains(cell).then_some(cell)
    }

    /// The centre of a cell, which may lie outside the grid.
    #[must_use]
    pub fn center(&self, cell: Cell) -> Point {
        self.to_point(cell.center())
    }
}

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// First column.
    pub col: i32,
    /// First row.
    pub row: i32,
    /// Number of columns.
    pub width: u32,
    /// Number of rows.
    pub height: u32,
}

impl Rect {
    /// The whole of a grid.
    #[must_use]
    pub const fn whole(geometry: &Geometry) -> Self {
        Self { col: 0, row: 0, width: geometry.width, height: geometry.height }
    }

    /// The part of this rectangle, grown by `margin` cells on each side, that lies in the grid.
    #[must_use]
    pub fn grown(self, margin: i32, geometry: &Geometry) -> Self {
        let (col, row) = ((self.col - margin).max(0), (self.row - margin).max(0));
        let right = (self.col + self.width as i32 + margin).min(geometry.width as i32);
        let top = (self.row + self.height as i32 + margin).min(geometry.height as i32);
        Self { col, row, width: (right - col).max(0) as u32, height: (top - row).max(0) as u32 }
    }

    /// The places of each row of the rectangle in the row-major data of a grid that contains it.
    pub fn rows(self, geometry: &Geometry) -> impl Iterator<Item = std::ops::Range<usize>> {
        let stride = geometry.width as usize;
        let first = self.row as usize * stride + self.col as usize;
        (0..self.height as usize).map(move |r| first + r * stride..first + r * stride + self.width as usize)
    }

    /// The cells of the rectangle, row by row.
    pub fn cells(self) -> impl Iterator<Item = Cell> {
        (self.row..self.row + self.height as i32)
            .flat_map(move |row| (self.col..self.col + self.width as i32).map(move |col| Cell::new(col, row)))
    }

    /// Number of cells.
    #[must_use]
    pub const fn area(self) -> usize {
        self.width as usize * self.height as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_cell_lies_at_the_origin_and_rows_go_up() {
        let geometry = Geometry::new(3, 2, 0.5, Pose::new(-1.0, 2.0, 0.0)).unwrap();
        assert_eq!(geometry.center(Cell::new(0, 0)), Point { x: -0.75, y: 2.25 });
        assert_eq!(geometry.cell_at(Point { x: 0.49, y: 2.99 }), Some(Cell::new(2, 1)));
        assert_eq!(geometry.cell_at(Point { x: 0.51, y: 2.5 }), None);
        assert_eq!(geometry.cell_at(Point { x: f64::NAN, y: 2.5 }), None);
        assert_eq!(geometry.index(Cell::new(2, 1)), Some(5));
    }

    #[test]
    fn a_turned_origin_turns_the_grid_around_its_corner() {
        let geometry = Geometry::new(4, 4, 1.0, Pose::new(10.0, 0.0, std::f64::consts::FRAC_PI_2)).unwrap();
        let center = geometry.center(Cell::new(2, 0));
        assert!((center.x - 9.5).abs() < 1e-12 && (center.y - 2.5).abs() < 1e-12);
    }

    #[test]
    fn bad_fields_are_named() {
        let origin = Pose::default();
        let text = |r: Result<Geometry, GridError>| r.unwrap_err().to_string();
        assert!(text(Geometry::new(0, 5, 0.1, origin)).contains("info.width is 0"));
        assert!(text(Geometry::new(5, 5, f64::NAN, origin)).contains("info.resolution is NaN"));
        assert!(text(Geometry::new(5, 5, -0.1, origin)).contains("info.resolution is -0.1"));
        assert!(text(Geometry::new(5, 5, 0.1, Pose::new(f64::NAN, 0.0, 0.0))).contains("origin.position.x is NaN"));
    }

    proptest! {
        #[test]
        fn the_centre_of_a_cell_is_in_the_cell(
            col in 0..500, row in 0..400, res in 0.01..2.0_f64, x in -1e3..1e3_f64, y in -1e3..1e3_f64, yaw in -7.0..7.0_f64
        ) {
            let geometry = Geometry::new(500, 400, res, Pose::new(x, y, yaw)).unwrap();
            let cell = Cell::new(col, row);
            prop_assert_eq!(geometry.cell_at(geometry.center(cell)), Some(cell));
        }

        #[test]
        fn metres_and_cells_invert(px in -1e3..1e3_f64, py in -1e3..1e3_f64, yaw in -7.0..7.0_f64) {
            let geometry = Geometry::new(50, 40, 0.05, Pose::new(3.0, -2.0, yaw)).unwrap();
            let cells = geometry.to_cells(Point { x: px, y: py });
            let error = geometry.to_point(cells).distance(Point { x: px, y: py });
            prop_assert!(error < 1e-9);
        }
    }
}
