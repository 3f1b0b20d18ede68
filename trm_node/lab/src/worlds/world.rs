//! A world of cells that are blocked or free, and its costmap.

use std::ops::Range;

use trm_config::{GridConfig, GridKind};
use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::error::GridError;
use trm_grid::geometry::Geometry;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};

/// Metres per cell of worlds that have no scale of their own.
const RESOLUTION: f64 = 0.1;

/// A square world, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Cells a side.
    pub side: usize,
    /// Whether each cell is closed to the robot's centre.
    pub blocked: Vec<bool>,
}

impl World {
    /// A world whose cells are all blocked or all free.
    pub fn new(side: usize, blocked: bool) -> Self {
        Self { side, blocked: vec![blocked; side * side] }
    }

    /// Whether a cell of the world is blocked.
    pub fn is_blocked(&self, row: usize, col: usize) -> bool {
        self.blocked[row * self.side + col]
    }

    /// Sets one cell.
    pub fn set(&mut self, row: usize, col: usize, blocked: bool) {
        self.blocked[row * self.side + col] = blocked;
    }

    /// Sets the cells of a rectangle, clipped to the world.
    pub fn fill(&mut self, rows: Range<usize>, cols: Range<usize>, blocked: bool) {
        let cols = cols.start.min(self.side)..cols.end.min(self.side);
        for row in rows.start..rows.end.min(self.side) {
            self.blocked[row * self.side..][cols.clone()].fill(blocked);
        }
    }

    /// The world as costs, which are 0 or lethal.
    ///
    /// # Errors
    /// When the world is empty or too large for a grid.
    pub fn costmap(&self) -> Result<Costmap, GridError> {
        let costs: Vec<u8> = self.blocked.iter().map(|blocked| if *blocked { LETHAL } else { 0 }).collect();
        costmap(self.side, RESOLUTION, &costs)
    }
}

/// A costmap of `side` × `side` cells with these costs, without inflation.
///
/// # Errors
/// When the square is empty or too large for a grid.
pub fn costmap(side: usize, resolution: f64, costs: &[u8]) -> Result<Costmap, GridError> {
    let geometry = Geometry::new(side as u32, side as u32, resolution, Pose::default())?;
    let values = costs.iter().map(|cost| if *cost == UNKNOWN { -1 } else { *cost as i8 }).collect();
    Ok(build(&GridConfig::default(), GridKind::Costmap, OccupancyGrid::new(geometry, values)?))
}

/// The square of `side` × `side` cells of a grid that begins at its cell (`col`, `row`). Cells outside the grid are
/// unknown.
///
/// # Errors
/// When the square is empty or too large for a grid.
pub fn crop(whole: &Costmap, col: i32, row: i32, side: usize) -> Result<Costmap, GridError> {
    let cell = |at: usize| Cell::new(col + (at % side) as i32, row + (at / side) as i32);
    let costs: Vec<u8> = (0..side * side).map(|at| whole.cost(cell(at)).unwrap_or(UNKNOWN)).collect();
    costmap(side, whole.geometry().resolution(), &costs)
}
