//! The raw occupancy as the judge sees it: its own distances, its own conversion to cells, its own test of lines.
//! Shares no code with costs, geometry or check of the planner.

use trm_config::{GridConfig, GridKind};
use trm_grid::units::Pose;

use crate::judge::line::{distance, enters};
use crate::judge::stand::{CellAt, Stand};

/// What a cell is for the robot's centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Free,
    Unknown,
    /// An occupied cell is within the robot's radius.
    Inscribed,
    Lethal,
    Outside,
}

impl Class {
    /// What a cell of this cost is.
    pub const fn of_cost(cost: u8) -> Self {
        match cost {
            0..99 => Self::Free,
            99 => Self::Inscribed,
            100 => Self::Lethal,
            _ => Self::Unknown,
        }
    }
}

/// Distances nearer to the robot's radius than this may count either way, in metres.
const TIE: f64 = 1e-9;
/// A cell is touched by what comes nearer to its centre than this along both axes, in cells. One, less what the theorem
/// of `trm_safety` leaves to rounding, and as much again for the rounding here.
const TOUCH: f64 = 1.0 - 4e-6;

/// A raw map and what it means.
pub struct RawMap {
    width: i32,
    height: i32,
    /// Metres per cell.
    resolution: f64,
    origin: Pose,
    values: Vec<i8>,
    grid: GridConfig,
    kind: GridKind,
    /// What each cell is. Where its distance is the radius to the last bits: what it is if that is still clear, and
    /// what if not.
    classes: Vec<(Class, Class)>,
    /// Whether any cell can be two things.
    pub has_ties: bool,
}

impl RawMap {
    /// A map of `values`, row-major from the corner at `origin`.
    pub fn new(
        (width, height): (u32, u32),
        resolution: f64,
        origin: Pose,
        values: Vec<i8>,
        (grid, kind): (&GridConfig, GridKind),
    ) -> Self {
        let (width, height) = (width as i32, height as i32);
        let classes = Vec::new();
        let mut map =
            Self { width, height, resolution, origin, values, grid: grid.clone(), kind, classes, has_ties: false };
        map.classify();
        map
    }

    /// Overwrites a rectangle of `width` columns from (`col`, `row`) on.
    pub fn write(&mut self, (col, row): (i32, i32), width: usize, values: &[i8]) {
        for (up, line) in values.chunks(width).enumerate() {
            let at = (row as usize + up) * self.width as usize + col as usize;
            self.values[at..at + line.len()].copy_from_slice(line);
        }
        self.classify();
    }

    pub fn values(&self) -> &[i8] {
        &self.values
    }

    /// The size in cells.
    pub const fn size(&self) -> (i32, i32) {
        (self.width, self.height)
    }

    /// Metres per cell.
    pub const fn resolution(&self) -> f64 {
        self.resolution
    }

    /// No path comes closer to an occupied cell, in metres. Costmaps are inflated already.
    pub fn radius(&self) -> f64 {
        if self.kind == GridKind::Map { self.grid.robot_radius } else { 0.0 }
    }

    /// The first cell whose class, row-major, isn't what it is here.
    pub fn differs(&self, classes: impl IntoIterator<Item = Class>) -> Option<(i32, i32)> {
        let mut cells = classes.into_iter().enumerate().map(|(at, class)| (self.cell(at), class));
        cells.find(|((col, row), class)| !self.is_perhaps(*col, *row, |is| is == *class)).map(|(cell, _)| cell)
    }

    pub fn index(&self, col: i32, row: i32) -> Option<usize> {
        let inside = (0..self.width).contains(&col) && (0..self.height).contains(&row);
        inside.then(|| (row * self.width + col) as usize)
    }

    /// Column and row of an index.
    pub const fn cell(&self, at: usize) -> (i32, i32) {
        (at as i32 % self.width, at as i32 / self.width)
    }

    /// Whether the robot's centre may be in a cell of this class.
    pub fn is_free(&self, class: Class) -> bool {
        class == Class::Free || (class == Class::Unknown && self.grid.allow_unknown)
    }

    /// Whether all that a cell can be is so.
    pub fn is_surely(&self, col: i32, row: i32, is: impl Fn(Class) -> bool) -> bool {
        let (clear, not) = self.class(col, row);
        is(clear) && is(not)
    }

    /// Whether something that a cell can be is so.
    pub fn is_perhaps(&self, col: i32, row: i32, is: impl Fn(Class) -> bool) -> bool {
        let (clear, not) = self.class(col, row);
        is(clear) || is(not)
    }

    fn class(&self, col: i32, row: i32) -> (Class, Class) {
        self.index(col, row).map_or((Class::Outside, Class::Outside), |at| self.classes[at])
    }

    /// A point in cells from the centre of cell (0, 0).
    pub fn to_cells(&self, x: f64, y: f64) -> (f64, f64) {
        let (dx, dy) = (x - self.origin.x, y - self.origin.y);
        let (sin, cos) = self.origin.yaw.sin_cos();
        ((dx * cos + dy * sin) / self.resolution - 0.5, (dy * cos - dx * sin) / self.resolution - 0.5)
    }

    /// A pose in cells, its heading relative to the columns.
    pub fn stand(&self, pose: Pose) -> Stand {
        let (col, row) = self.to_cells(pose.x, pose.y);
        Stand { col, row, yaw: pose.yaw - self.origin.yaw }
    }

    /// Whether a robot with a footprint must not touch a cell: it is lethal, unknown where that isn't allowed, or outside.
    pub fn blocks(&self, (col, row): CellAt) -> bool {
        match self.class(col, row).0 {
            Class::Free | Class::Inscribed => false,
            Class::Unknown => !self.grid.allow_unknown,
            Class::Lethal | Class::Outside => true,
        }
    }

    /// The cells that a point may be in: more than one where it lies on a border.
    pub fn cells_at(&self, x: f64, y: f64) -> Vec<(i32, i32)> {
        let (u, v) = self.to_cells(x, y);
        let mut cells = Vec::new();
        for (du, dv) in [(-1e-7, -1e-7), (1e-7, -1e-7), (-1e-7, 1e-7), (1e-7, 1e-7)] {
            let cell = if u.is_nan() || v.is_nan() {
                (i32::MIN, i32::MIN)
            } else {
                ((u + 0.5 + du).floor() as i32, (v + 0.5 + dv).floor() as i32)
            };
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        cells
    }

    fn classify(&mut self) {
        let squared = if self.kind == GridKind::Map { self.nearest() } else { Vec::new() };
        let radius = self.grid.robot_radius;
        let class = |at: usize, value: i8| {
            let base = if value < 0 { Class::Unknown } else { Class::Free };
            if self.kind == GridKind::Costmap {
                let class = match value {
                    100 => Class::Lethal,
                    99 => Class::Inscribed,
                    _ => base,
                };
                return (class, class);
            }
            let distance = f64::from(squared[at]).sqrt() * self.resolution;
            if self.is_lethal(value) {
                (Class::Lethal, Class::Lethal)
            } else if distance <= radius - TIE {
                (Class::Inscribed, Class::Inscribed)
            } else {
                (base, if distance <= radius + TIE { Class::Inscribed } else { base })
            }
        };
        self.classes = self.values.iter().enumerate().map(|(at, value)| class(at, *value)).collect();
        self.has_ties = self.classes.iter().any(|(a, b)| a != b);
    }

    const fn is_lethal(&self, value: i8) -> bool {
        value as i64 >= self.grid.occupied_threshold
    }

    /// How far around an occupied cell the robot's centre can't be, in cells, rounded up and one more.
    fn margin(&self) -> i32 {
        (self.grid.robot_radius / self.resolution).ceil() as i32 + 1
    }

    /// The squared distance of each cell that isn't lethal to the nearest one that is, in cells, where it is within the
    /// margin. That one has a neighbour that isn't lethal, or there would be a nearer one.
    fn nearest(&self) -> Vec<i32> {
        let margin = self.margin();
        let is_lethal = |(col, row): (i32, i32)| self.index(col, row).is_none_or(|at| self.is_lethal(self.values[at]));
        let disc: Vec<(i32, i32, i32)> = (-margin..=margin)
            .flat_map(|rows| (-margin..=margin).map(move |cols| (cols, rows, cols * cols + rows * rows)))
            .filter(|(_, _, squared)| *squared <= margin * margin)
            .collect();
        let mut nearest = vec![i32::MAX; self.values.len()];
        for at in (0..self.values.len()).filter(|at| self.is_lethal(self.values[*at])) {
            let (col, row) = self.cell(at);
            if [(col - 1, row), (col + 1, row), (col, row - 1), (col, row + 1)].into_iter().all(is_lethal) {
                continue;
            }
            for (cols, rows, squared) in &disc {
                if let Some(at) = self.index(col + cols, row + rows) {
                    nearest[at] = nearest[at].min(*squared);
                }
            }
        }
        nearest
    }

    /// Whether every cell that the line between two points touches, in cells, perhaps is so.
    pub fn line_is_perhaps(&self, a: (f64, f64), b: (f64, f64), is: impl Fn(Class) -> bool) -> bool {
        touches_only(a, b, |col, row| self.is_perhaps(col, row, &is))
    }

    /// Whether every cell that the line between two points touches, in cells, surely is so.
    pub fn line_is_surely(&self, a: (f64, f64), b: (f64, f64), is: impl Fn(Class) -> bool) -> bool {
        touches_only(a, b, |col, row| self.is_surely(col, row, &is))
    }

    /// The least distance between a line and the centre of a lethal cell within the margin, in metres.
    pub fn clearance(&self, a: (f64, f64), b: (f64, f64)) -> f64 {
        let margin = self.margin();
        let range = |p: f64, q: f64, most: i32| {
            ((p.min(q).floor() as i32) - margin).max(0)..=((p.max(q).ceil() as i32) + margin).min(most - 1)
        };
        let mut least = f64::INFINITY;
        for row in range(a.1, b.1, self.height) {
            for col in range(a.0, b.0, self.width) {
                if self.class(col, row).0 == Class::Lethal {
                    least = least.min(distance(a, b, (f64::from(col), f64::from(row))));
                }
            }
        }
        least * self.resolution
    }
}

/// Whether every cell that the line between two points touches is so.
fn touches_only(a: (f64, f64), b: (f64, f64), is: impl Fn(i32, i32) -> bool) -> bool {
    let range = |p: f64, q: f64| (p.min(q) - 1.0).floor() as i32..=(p.max(q) + 1.0).ceil() as i32;
    range(a.0, b.0).all(|col| {
        range(a.1, b.1).all(|row| {
            let from = (a.0 - f64::from(col), a.1 - f64::from(row));
            let to = (b.0 - f64::from(col), b.1 - f64::from(row));
            !enters(from, to, TOUCH) || is(col, row)
        })
    })
}
