//! The geometry of a grid, and rectangles of its cells.

use crate::error::GridError;
use crate::units::{Cell, CellPoint, Point, Pose};

/// The maximum side length of a grid, in cells.
pub const MAX_SIDE: u32 = 16_384;

/// The resolution that one of single precision means: the shortest decimal that is the same number in single precision.
/// Map files and messages are both read by this rule, for a map server publishes its file's resolution in single precision
/// (`nav_msgs/MapMetaData`). Across a wide map, or at exactly the robot's radius, the difference is a cell.
///
/// ```
/// assert_eq!(trm_grid::geometry::decimal(0.05), 0.05);
/// assert_ne!(f64::from(0.05_f32), 0.05);
/// ```
#[must_use]
pub fn decimal(resolution: f32) -> f64 {
    resolution.to_string().parse().unwrap_or(f64::from(resolution))
}

/// Size, resolution and origin of a grid. Every conversion between metres and cells goes through this type.
///
/// ```
/// use trm_grid::geometry::Geometry;
/// use trm_grid::units::{Cell, Point, Pose};
///
/// // 40 x 20 cells of 0.5 m. The outer corner of cell (0, 0) is at (-10, -5).
/// let geometry = Geometry::new(40, 20, 0.5, Pose::new(-10.0, -5.0, 0.0))?;
/// let cell = Cell::new(24, 10);
/// assert_eq!(geometry.center(cell), Point { x: 2.25, y: 0.25 });
/// assert_eq!(geometry.cell_at(Point { x: 2.3, y: 0.1 }), Some(cell));
/// assert_eq!(geometry.cell_at(Point { x: 10.1, y: 0.0 }), None, "outside the grid");
/// assert_eq!(geometry.index(cell), Some(10 * 40 + 24));
/// # Ok::<(), trm_grid::error::GridError>(())
/// ```
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
    /// A grid of `width` × `height` cells. `resolution` is the side length of a cell in metres. `origin` is the outer
    /// corner of cell (0, 0), and its yaw is that of the grid.
    ///
    /// # Errors
    /// [`GridError`] if a side is 0 or greater than [`MAX_SIDE`], the resolution is not between 1 µm and 1 km, or the
    /// origin is not finite or exceeds 10⁹.
    pub fn new(width: u32, height: u32, resolution: f64, origin: Pose) -> Result<Self, GridError> {
        let refuse =
            |field, value: String, expected: &str| Err(GridError { field, value, expected: expected.to_owned() });
        for (field, side) in [("info.width", width), ("info.height", height)] {
            if side == 0 || side > MAX_SIDE {
                return refuse(field, side.to_string(), &format!("must be from 1 to {MAX_SIDE} cells"));
            }
        }
        // A cell smaller than a micrometre or larger than a kilometre is a mistake in the units.
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

    /// Number of columns: cells along the grid's x axis.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Number of rows: cells along the grid's y axis.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Side length of a cell in metres.
    #[must_use]
    pub const fn resolution(&self) -> f64 {
        self.resolution
    }

    /// The outer corner of cell (0, 0), and the yaw of the grid.
    #[must_use]
    pub const fn origin(&self) -> Pose {
        self.origin
    }

    /// Whether another grid's cells have the same size and lie the same way, wherever they lie: one is the other after it
    /// has grown, say.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "as it came")]
    pub const fn is_like(&self, other: &Self) -> bool {
        self.resolution == other.resolution && self.origin.yaw == other.origin.yaw
    }

    /// The number of cells.
    #[must_use]
    pub const fn cells(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Whether the cell lies inside the grid.
    #[must_use]
    pub const fn contains(&self, cell: Cell) -> bool {
        cell.col >= 0 && cell.row >= 0 && (cell.col as u32) < self.width && (cell.row as u32) < self.height
    }

    /// The index of a cell in row-major data; `None` outside the grid.
    #[must_use]
    pub const fn index(&self, cell: Cell) -> Option<usize> {
        if self.contains(cell) { Some(cell.row as usize * self.width as usize + cell.col as usize) } else { None }
    }

    /// The cell at an index in row-major data.
    #[must_use]
    pub const fn cell(&self, index: usize) -> Cell {
        Cell::new((index % self.width as usize) as i32, (index / self.width as usize) as i32)
    }

    /// Converts a point of the map frame to cell units.
    #[must_use]
    pub fn to_cells(&self, point: Point) -> CellPoint {
        let (dx, dy) = (point.x - self.origin.x, point.y - self.origin.y);
        let col = (self.cos * dx + self.sin * dy) / self.resolution - 0.5;
        let row = (self.cos * dy - self.sin * dx) / self.resolution - 0.5;
        CellPoint { col, row }
    }

    /// Converts a point in cell units to the map frame: the inverse of [`Self::to_cells`].
    #[must_use]
    pub fn to_point(&self, point: CellPoint) -> Point {
        let (along, up) = ((point.col + 0.5) * self.resolution, (point.row + 0.5) * self.resolution);
        Point {
            x: self.origin.x + self.cos * along - self.sin * up,
            y: self.origin.y + self.sin * along + self.cos * up,
        }
    }

    /// Converts a heading relative to the grid's columns to a yaw in the map frame, from −π to π.
    #[must_use]
    pub fn to_map_yaw(&self, yaw: f64) -> f64 {
        use std::f64::consts::{PI, TAU};
        (yaw + self.origin.yaw + PI).rem_euclid(TAU) - PI
    }

    /// Converts a yaw in the map frame to a heading relative to the grid's columns, not reduced to a turn.
    #[must_use]
    pub const fn to_grid_yaw(&self, yaw: f64) -> f64 {
        yaw - self.origin.yaw
    }

    /// The cell that contains a point, even if it lies outside the grid. Coordinates beyond the range of `i32`
    /// saturate; NaN becomes `i32::MIN`.
    #[must_use]
    pub fn nearest_cell(&self, point: Point) -> Cell {
        let CellPoint { col, row } = self.to_cells(point);
        let round = |v: f64| if v.is_nan() { i32::MIN } else { (v + 0.5).floor() as i32 };
        Cell::new(round(col), round(row))
    }

    /// The cell of the grid that contains a point; `None` outside the grid and for NaN.
    #[must_use]
    pub fn cell_at(&self, point: Point) -> Option<Cell> {
        let cell = self.nearest_cell(point);
        self.contains(cell).then_some(cell)
    }

    /// The centre of a cell in the map frame. The cell may lie outside the grid.
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
    /// The rectangle of all cells of a grid.
    #[must_use]
    pub const fn whole(geometry: &Geometry) -> Self {
        Self { col: 0, row: 0, width: geometry.width, height: geometry.height }
    }

    /// This rectangle grown by `margin` cells on each side and clipped to the grid.
    #[must_use]
    pub fn grown(self, margin: i32, geometry: &Geometry) -> Self {
        let (col, row) = ((self.col - margin).max(0), (self.row - margin).max(0));
        let right = (self.col + self.width as i32 + margin).min(geometry.width as i32);
        let top = (self.row + self.height as i32 + margin).min(geometry.height as i32);
        Self { col, row, width: (right - col).max(0) as u32, height: (top - row).max(0) as u32 }
    }

    /// The smallest rectangle that contains this one and another.
    #[must_use]
    pub fn including(self, other: Self) -> Self {
        let (col, row) = (self.col.min(other.col), self.row.min(other.row));
        let right = (self.col + self.width as i32).max(other.col + other.width as i32);
        let top = (self.row + self.height as i32).max(other.row + other.height as i32);
        Self { col, row, width: (right - col) as u32, height: (top - row) as u32 }
    }

    /// The index ranges of the rectangle's rows in the row-major data of a grid that contains it.
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
    fn the_first_cell_touches_the_origin_and_rows_increase_with_y() {
        let geometry = Geometry::new(3, 2, 0.5, Pose::new(-1.0, 2.0, 0.0)).unwrap();
        assert_eq!(geometry.center(Cell::new(0, 0)), Point { x: -0.75, y: 2.25 });
        assert_eq!(geometry.cell_at(Point { x: 0.49, y: 2.99 }), Some(Cell::new(2, 1)));
        assert_eq!(geometry.cell_at(Point { x: 0.51, y: 2.5 }), None);
        assert_eq!(geometry.cell_at(Point { x: f64::NAN, y: 2.5 }), None);
        assert_eq!(geometry.index(Cell::new(2, 1)), Some(5));
    }

    #[test]
    fn the_yaw_of_the_origin_rotates_the_grid_about_its_corner() {
        let geometry = Geometry::new(4, 4, 1.0, Pose::new(10.0, 0.0, std::f64::consts::FRAC_PI_2)).unwrap();
        let center = geometry.center(Cell::new(2, 0));
        assert!((center.x - 9.5).abs() < 1e-12 && (center.y - 2.5).abs() < 1e-12);
    }

    #[test]
    fn an_error_names_the_bad_field() {
        let origin = Pose::default();
        let text = |r: Result<Geometry, GridError>| r.unwrap_err().to_string();
        assert!(text(Geometry::new(0, 5, 0.1, origin)).contains("info.width is 0"));
        assert!(text(Geometry::new(5, 5, f64::NAN, origin)).contains("info.resolution is NaN"));
        assert!(text(Geometry::new(5, 5, -0.1, origin)).contains("info.resolution is -0.1"));
        assert!(text(Geometry::new(5, 5, 0.1, Pose::new(f64::NAN, 0.0, 0.0))).contains("origin.position.x is NaN"));
    }

    proptest! {
        #[test]
        fn the_centre_of_a_cell_lies_in_that_cell(
            col in 0..500, row in 0..400, res in 0.01..2.0_f64, x in -1e3..1e3_f64, y in -1e3..1e3_f64, yaw in -7.0..7.0_f64
        ) {
            let geometry = Geometry::new(500, 400, res, Pose::new(x, y, yaw)).unwrap();
            let cell = Cell::new(col, row);
            prop_assert_eq!(geometry.cell_at(geometry.center(cell)), Some(cell));
        }

        #[test]
        fn converting_to_cells_and_back_gives_the_same_point(px in -1e3..1e3_f64, py in -1e3..1e3_f64, yaw in -7.0..7.0_f64) {
            let geometry = Geometry::new(50, 40, 0.05, Pose::new(3.0, -2.0, yaw)).unwrap();
            let cells = geometry.to_cells(Point { x: px, y: py });
            let error = geometry.to_point(cells).distance(Point { x: px, y: py });
            prop_assert!(error < 1e-9);
        }

        #[test]
        fn a_yaw_comes_back_from_the_grid(yaw in -3.0..3.0_f64, of_grid in -7.0..7.0_f64) {
            let geometry = Geometry::new(5, 4, 0.05, Pose::new(3.0, -2.0, of_grid)).unwrap();
            prop_assert!((geometry.to_map_yaw(geometry.to_grid_yaw(yaw)) - yaw).abs() < 1e-9);
        }
    }
}
