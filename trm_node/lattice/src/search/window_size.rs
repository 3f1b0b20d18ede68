//! How large the windows of a search are, and where they end.

use std::ops::Range;
use std::sync::Arc;

use trm_config::MotionModel;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use crate::field::Field;
use crate::lattice::{Lattice, UNITS_PER_CELL};

/// What it costs more, in cells, to be where no way is known to lead on.
pub(super) const DEAD_END: f32 = 100.0;
/// Cells at the border of a window in which ways out of it end.
pub(super) const RING: i32 = 4;
/// A robot whose reach and radius, in cells, are together less than this can turn in a window of 64 cells.
const TURNS_IN_SMALL: f64 = 32.0;

/// How large windows are: the robot must be able to turn in them. Large ones take five times as long, so there are
/// fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WindowSize {
    Small,
    Large,
}

impl WindowSize {
    pub(super) fn of(lattice: &Lattice) -> Self {
        let motion = lattice.motion();
        let radius = if motion.model == MotionModel::Car { motion.turning_radius } else { 0.0 };
        if lattice.outline().reach() + radius > TURNS_IN_SMALL { Self::Large } else { Self::Small }
    }

    pub(super) fn field(self, lattice: &Arc<Lattice>, travel: Travel) -> Field {
        let size = if self == Self::Small { 64 } else { 128 };
        Field::new(Arc::clone(lattice), size, travel).expect("fields have these sizes")
    }

    /// Windows that are kept; the oldest goes first.
    pub(super) const fn kept(self) -> usize {
        match self {
            Self::Small => 16,
            Self::Large => 8,
        }
    }

    /// A search that comes nearer by less than this, in cells, ...
    pub(super) const fn progress(self) -> f32 {
        match self {
            Self::Small => 8.0,
            Self::Large => 16.0,
        }
    }

    /// ... in so many expansions is stuck. The longer it takes, the more: windows must not take most of the time of
    /// a search that they don't help.
    pub(super) const fn patience(self, expansions: u32) -> u32 {
        match self {
            Self::Small => 200 + expansions / 8,
            Self::Large => 300 + expansions / 4,
        }
    }
}

/// The cells along the border of a window.
pub(super) fn ring(corner: Cell, size: i32) -> impl Iterator<Item = Cell> {
    let is_inner = move |at: i32| (RING..size - RING).contains(&at);
    let all = (0..size).flat_map(move |row| (0..size).map(move |col| (col, row)));
    let border = all.filter(move |(col, row)| !is_inner(*col) || !is_inner(*row));
    border.map(move |(col, row)| Cell::new(corner.col + col, corner.row + row))
}

/// Whether a cell is so far from a window's corner, along both axes.
pub(super) fn covers(corner: Cell, inside: &Range<i32>, cell: Cell) -> bool {
    inside.contains(&(cell.col - corner.col)) && inside.contains(&(cell.row - corner.row))
}

/// A field's value in cells.
pub(super) fn in_cells(value: u16) -> f32 {
    f32::from(value) / UNITS_PER_CELL as f32
}
