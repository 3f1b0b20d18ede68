//! The window: the square part of the grid that the model sees.

use crate::cost::is_free;
use crate::costmap::Costmap;
use crate::geometry::Geometry;
use crate::travel::Travel;
use crate::units::Cell;

/// The greatest extra cost that models are trained with: that of a cell beside an obstacle.
const MAX_EXTRA: f32 = 3.0;

/// A window of `size` × `size` cells. Its cell (0, 0) is the grid's cell `corner`. It may extend beyond the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    corner: Cell,
    size: i32,
}

impl Window {
    /// Places a window around a cell.
    ///
    /// The window stays within a grid that is larger than the window, and is centred on a smaller one, both up to
    /// rounding: the coordinates of its corner are multiples of `stride` cells. So two windows are always whole tokens
    /// apart, and the model's state can be shifted from one to the other.
    ///
    /// ```
    /// use trm_grid::geometry::Geometry;
    /// use trm_grid::units::{Cell, Pose};
    /// use trm_grid::window::Window;
    ///
    /// let geometry = Geometry::new(200, 100, 0.05, Pose::default())?;
    /// let window = Window::around(Cell::new(120, 50), &geometry, 32, 4);
    /// assert_eq!(window.corner(), Cell::new(104, 32));
    /// assert_eq!(window.local(Cell::new(120, 50)), Some(Cell::new(16, 18)));
    /// assert_eq!(window.global(Cell::new(16, 18)), Cell::new(120, 50));
    /// assert_eq!(window.local(Cell::new(10, 50)), None, "outside the window");
    /// # Ok::<(), trm_grid::error::GridError>(())
    /// ```
    #[must_use]
    pub fn around(cell: Cell, geometry: &Geometry, size: usize, stride: usize) -> Self {
        let (size, stride) = (size as i32, stride as i32);
        let place = |center: i32, side: i32| {
            let first = if side <= size { (side - size) / 2 } else { (center - size / 2).clamp(0, side - size) };
            // Round to the nearest multiple, so that the cell stays near the centre.
            let near = (first + (stride - 1) / 2).div_euclid(stride) * stride;
            if side <= size {
                return if near >= side - size && near <= 0 { near } else { 0 };
            }
            // At the upper edge of the grid, rounding down would exclude the last cells, so round up.
            if first == side - size && near < first { near + stride } else { near }
        };
        let corner = Cell::new(place(cell.col, geometry.width() as i32), place(cell.row, geometry.height() as i32));
        Self { corner, size }
    }

    /// The grid cell at the window's cell (0, 0).
    #[must_use]
    pub const fn corner(&self) -> Cell {
        self.corner
    }

    /// Side length in cells.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size as usize
    }

    /// Converts a grid cell to a window cell; `None` outside the window.
    #[must_use]
    pub const fn local(&self, cell: Cell) -> Option<Cell> {
        let local = Cell::new(cell.col - self.corner.col, cell.row - self.corner.row);
        if local.col >= 0 && local.row >= 0 && local.col < self.size && local.row < self.size {
            Some(local)
        } else {
            None
        }
    }

    /// Converts a window cell to a grid cell.
    #[must_use]
    pub const fn global(&self, local: Cell) -> Cell {
        Cell::new(local.col + self.corner.col, local.row + self.corner.row)
    }

    /// The index of a window cell in row-major data; `None` outside the window.
    #[must_use]
    pub const fn index(&self, local: Cell) -> Option<usize> {
        if local.col >= 0 && local.row >= 0 && local.col < self.size && local.row < self.size {
            Some(local.row as usize * self.size as usize + local.col as usize)
        } else {
            None
        }
    }

    /// Whether a window cell lies on the window's border.
    #[must_use]
    pub const fn is_border(&self, local: Cell) -> bool {
        local.col == 0 || local.row == 0 || local.col == self.size - 1 || local.row == self.size - 1
    }

    /// Writes which cells are blocked, `[size, size]` row-major. Cells outside the grid are blocked.
    pub fn blocked(&self, costmap: &Costmap, allow_unknown: bool, blocked: &mut [bool]) {
        for (row, line) in blocked.chunks_exact_mut(self.size as usize).enumerate() {
            for (col, cell) in line.iter_mut().enumerate() {
                *cell = !costmap.is_free(self.global(Cell::new(col as i32, row as i32)), allow_unknown);
            }
        }
    }

    /// Writes the extra cost of each cell, `[size, size]` row-major: its weight minus 1, from 0 to 3, which is the most
    /// that models are trained with. Blocked cells get 0.
    pub fn extra(&self, costmap: &Costmap, travel: Travel, extra: &mut [f32]) {
        for (row, line) in extra.chunks_exact_mut(self.size as usize).enumerate() {
            for (col, value) in line.iter_mut().enumerate() {
                let cost = costmap.cost(self.global(Cell::new(col as i32, row as i32)));
                let free = cost.filter(|cost| is_free(*cost, travel.allow_unknown));
                *value = free.map_or(0.0, |cost| (travel.weight(cost) - 1.0).min(MAX_EXTRA));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_contains_its_cell_and_its_conversions_are_inverse(
            width in 1_u32..300, height in 1_u32..300, col in 0..300_i32, row in 0..300_i32, half in 8_usize..64,
            lc in 0..128_i32, lr in 0..128_i32,
        ) {
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let cell = Cell::new(col.min(width as i32 - 1), row.min(height as i32 - 1));
            let window = Window::around(cell, &geometry, 2 * half, 2);
            prop_assert!(window.local(cell).is_some());
            prop_assert_eq!(window.corner().col.rem_euclid(2), 0);
            prop_assert_eq!(window.corner().row.rem_euclid(2), 0);
            let local = Cell::new(lc % (2 * half as i32), lr % (2 * half as i32));
            prop_assert_eq!(window.local(window.global(local)), Some(local));
        }

        #[test]
        fn a_window_on_a_coarse_stride_keeps_its_cell_away_from_the_border_and_contains_a_small_grid(
            width in 1_u32..300, height in 1_u32..300, col in 0..300_i32, row in 0..300_i32, half in 8_usize..64,
        ) {
            const STRIDE: i32 = 8;
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let cell = Cell::new(col.min(width as i32 - 1), row.min(height as i32 - 1));
            let window = Window::around(cell, &geometry, 2 * half, STRIDE as usize);
            let local = window.local(cell).unwrap();
            for (at, place, side) in [(local.col, cell.col, width as i32), (local.row, cell.row, height as i32)] {
                let size = 2 * half as i32;
                // On each side at least half a window less one stride, or everything up to the edge of the grid.
                let (before, after) = (at, size - 1 - at);
                let least = half as i32 - STRIDE;
                prop_assert!(before >= place.min(least) && after >= (side - 1 - place).min(least));
                prop_assert_eq!((place - at).rem_euclid(STRIDE), 0);
                if side <= size {
                    prop_assert!(before >= place && after >= side - 1 - place);
                }
            }
        }
    }
}
