//! Which cells can reach each other inside a window.

use trm_grid::costmap::Costmap;
use trm_grid::units::Cell;
use trm_grid::window::Window;

use crate::worlds::regions::Regions;
use crate::worlds::world::crop;

/// The regions of one window of a larger world.
pub struct WindowRegions {
    window: Window,
    regions: Regions,
}

impl WindowRegions {
    /// The regions of a window.
    ///
    /// # Errors
    /// When the window is too large for a grid.
    pub fn of(costmap: &Costmap, window: Window) -> anyhow::Result<Self> {
        let part = crop(costmap, window.corner().col, window.corner().row, window.size())?;
        Ok(Self { window, regions: Regions::of(&part) })
    }

    /// Whether two cells of the world can reach each other without leaving the window.
    pub fn are_joined(&self, a: Cell, b: Cell) -> bool {
        let at = |cell| self.window.local(cell).and_then(|local| self.window.index(local));
        at(a).zip(at(b)).is_some_and(|(a, b)| self.regions.are_joined(a, b))
    }
}
