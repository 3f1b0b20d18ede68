//! The costs that planning reads, and their changes.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::cost::is_free;
use crate::costs::{Changed, Costs};
use crate::geometry::{Geometry, Rect};
use crate::tiles::TILE_CELLS;
use crate::units::Cell;

mod record;

/// How many past changes a costmap remembers.
pub(crate) const REMEMBERED: usize = 16;

/// The costs of all cells of a grid. [`CostmapBuilder`](crate::costmap_builder::CostmapBuilder) makes it, and a
/// [`GridChange`] changes it. Copies share the tiles in which they agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Costmap {
    geometry: Geometry,
    costs: Costs,
    version: u64,
    /// The most recent changes, newest last.
    changes: [Change; REMEMBERED],
}

/// A change of some cells of a costmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The version of the costmap before the change.
    before: u64,
    /// A rectangle that contains every changed cell.
    pub rect: Rect,
}

impl Change {
    /// Marks an empty entry: no costmap has version 0.
    const NONE: Self = Self { before: 0, rect: Rect { col: 0, row: 0, width: 0, height: 0 } };
}

impl Costmap {
    pub(crate) fn new(geometry: Geometry, costs: Costs) -> Self {
        Self { geometry, costs, version: next_version(), changes: [Change::NONE; REMEMBERED] }
    }

    /// The tiles with the costs.
    pub(crate) const fn tiles(&self) -> &Costs {
        &self.costs
    }

    /// Swaps in tiles whose cells differ only within a rectangle, and gives the patch that does the same to copies.
    pub(crate) fn change(&mut self, rect: Rect, tiles: Changed) -> CostPatch {
        let change = Change { before: self.version, rect };
        let patch = CostPatch { change, tiles, version: next_version() };
        self.exchange(&mut patch.clone());
        patch
    }

    /// The geometry of the grid.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// A copy of all costs, row-major from the origin, for tests and tools.
    #[must_use]
    pub fn costs(&self) -> Vec<u8> {
        Rect::whole(&self.geometry).cells().filter_map(|cell| self.cost(cell)).collect()
    }

    /// The version, which changes with every change of the costs. Within a process, two costmaps with the same version are
    /// copies of each other, provided that every copy receives all changes of its builder, once and in order.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The changes since the costmap had an earlier version. `None` if it never had that version or no longer remembers
    /// it.
    #[must_use]
    pub fn changed_since(&self, version: u64) -> Option<&[Change]> {
        if version == self.version {
            return Some(&[]);
        }
        let first =
            self.changes.iter().position(|change| change.before == version && version != Change::NONE.before)?;
        Some(&self.changes[first..])
    }

    /// The cost of a cell; `None` outside the grid.
    #[must_use]
    pub fn cost(&self, cell: Cell) -> Option<u8> {
        self.costs.get(cell)
    }

    /// The costs of the eight neighbours of a cell of the grid, in the order of [`MOVES`](crate::units::MOVES);
    /// [`LETHAL`](crate::cost::LETHAL) for neighbours outside the grid.
    ///
    /// # Panics
    /// May panic if the cell itself lies outside the grid.
    #[must_use]
    pub fn neighbour_costs(&self, cell: Cell) -> [u8; 8] {
        self.costs.neighbour_costs(cell)
    }

    /// The costs of a tile, row-major; [`LETHAL`] where the tile extends beyond the grid.
    pub(super) fn tile(&self, tile: usize) -> &[u8; TILE_CELLS] {
        self.costs.tile(tile)
    }

    /// Whether the robot's centre may be in the cell; `false` outside the grid.
    #[must_use]
    pub fn is_free(&self, cell: Cell, allow_unknown: bool) -> bool {
        self.cost(cell).is_some_and(|cost| is_free(cost, allow_unknown))
    }

    /// Applies a change that was made to another copy of this costmap.
    ///
    /// # Panics
    /// If a patch belongs to a grid of another size.
    pub fn apply(&mut self, change: &GridChange) {
        match change {
            GridChange::Whole(whole) => self.clone_from(whole),
            GridChange::Patch(patch) => self.exchange(&mut patch.clone()),
        }
    }

    /// Applies a patch that was made for copies of this costmap, and swaps the replaced tiles into it. Allocates and
    /// frees nothing.
    ///
    /// # Panics
    /// If the patch belongs to a grid of another size.
    pub fn exchange(&mut self, patch: &mut CostPatch) {
        if patch.change.before == self.version {
            self.changes.rotate_left(1);
            self.changes[REMEMBERED - 1] = patch.change;
        } else {
            self.changes = [Change::NONE; REMEMBERED];
        }
        self.costs.exchange(&mut patch.tiles);
        self.version = patch.version;
    }
}

/// A version that no costmap of this process has had.
fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(Change::NONE.before);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// A change of the costs within a rectangle.
#[derive(Debug, Clone, PartialEq)]
pub struct CostPatch {
    change: Change,
    tiles: Changed,
    version: u64,
}

impl CostPatch {
    /// The smallest rectangle that contains every changed cell.
    #[must_use]
    pub const fn rect(&self) -> Rect {
        self.change.rect
    }
}

/// A change of the grid, sent to threads that keep a copy of the costmap. Copies share the tiles in which they agree.
#[derive(Debug, Clone, PartialEq)]
pub enum GridChange {
    /// A new costmap replaces the old one. If the geometry is the same, it remembers its changes like the old one.
    Whole(Box<Costmap>),
    /// The costs in a rectangle change.
    Patch(Box<CostPatch>),
}

impl GridChange {
    /// The smallest rectangle that contains every changed cell; of a new costmap, all of it.
    #[must_use]
    pub const fn rect(&self) -> Rect {
        match self {
            Self::Whole(whole) => Rect::whole(whole.geometry()),
            Self::Patch(patch) => patch.rect(),
        }
    }

    /// Updates a copy of the costmap. Returns the replaced costs, so that the caller can free them on a thread where
    /// that may take time. Allocates and frees nothing.
    #[must_use]
    pub fn apply(self, copy: &mut Option<Box<Costmap>>) -> Option<Self> {
        match self {
            Self::Whole(whole) => copy.replace(whole).map(Self::Whole),
            Self::Patch(mut patch) => {
                if let Some(costmap) = copy {
                    costmap.exchange(&mut patch);
                }
                Some(Self::Patch(patch))
            }
        }
    }
}
