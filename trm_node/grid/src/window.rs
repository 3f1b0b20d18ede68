//! The square part of the grid that the model sees, and its place in the grid.

use crate::cost::is_free;
use crate::costmap::Costmap;
use crate::geometry::Geometry;
use crate::travel::Travel;
use crate::units::Cell;

/// A window of `size` × `size` cells whose first cell is the grid's cell `corner`. It may reach beyond the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    corner: Cell,
    size: i32,
}

impl Window {
    /// The window around a cell.
    ///
    /// It stays in the grid where the grid is large enough, and is centred on it where not. Its corner lies on a
    /// multiple of `stride`, so that two windows are whole tokens apart and a state can move from one to the other.
    #[must_use]
    pub fn around(cell: Cell, geometry: &Geometry, size: usize, stride: usize) -> Self {
        let (size, stride) = (size as i32, stride as i32);
        let place = |center: i32, side: i32| {
            let first = if side <= size { (side - size) / 2 } else { (center - size / 2).clamp(0, side - size) };
            // The nearest multiple, so that the cell stays near the middle.
            let near = (first + (stride - 1) / 2).div_euclid(stride) * stride;
            if side <= size {
                return if near >= side - size && near <= 0 { near } else { 0 };
            }
            // At the upper edge of the grid rounding down would lose its last cells: round up there.
            if first == side - size && near < first { near + stride } else { near }
        };
        let corner = Cell::new(place(cell.col, geometry.width() as i32), place(cell.row, geometry.height() as i32));
        Self { corner, size }
    }

    /// The grid's cell that is the window's first.
    #[must_use]
    pub const fn corner(&self) -> Cell {
        self.corner
    }

    /// Cells a side.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size as usize
    }

    /// The window's cell for a cell of the grid; `None` outside the window.
    #[must_use]
    pub const fn local(&self, cell: Cell) -> Option<Cell> {
        let local = Cell::new(cell.col - self.corner.col, cell.row - self.corner.row);
        if local.col >= 0 && local.row >= 0 && local.col < self.size && local.row < self.size {
            Some(local)
        } else {
            None
        }
    }

    /// The grid's cell for a cell of the window.
    #[must_use]
    pub const fn global(&self, local: Cell) -> Cell {
        Cell::new(local.col + self.corner.col, local.row + self.corner.row)
    }

    /// A cell's place in the window's row-major data; `None` outside the window.
    #[must_use]
    pub const fn index(&self, local: Cell) -> Option<usize> {
        if local.col >= 0 && local.row >= 0 && local.col < self.size && local.row < self.size {
            Some(local.row as usize * self.size as usize + local.col as usize)
        } else {
            None
        }
    }

    /// Whether a cell of the window lies on its border.
    #[must_use]
    pub const fn is_border(&self, local: Cell) -> bool {
        local.col == 0 || local.row == 0 || local.col == self.size - 1 || local.row == self.size - 1
    }

    /// Writes which cells can't be entered, `[size, size]` row-major. What lies outside the grid can't.
    pub fn blocked(&self, costmap: &Costmap, allow_unknown: bool, blocked: &mut [bool]) {
        for (row, line) in blocked.chunks_exact_mut(self.size as usize).enumerate() {
            for (col, cell) in line.iter_mut().enumerate() {
                *cell = !costmap.is_free(self.global(Cell::new(col as i32, row as i32)), allow_unknown);
            }
        }
    }

    /// Writes how much more than its length it costs to cross each cell, `[size, size]` row-major: its weight less 1, from
    /// 0 to 3; 0 in cells that can't be entered.
    pub fn extra(&self, costmap: &Costmap, travel: Travel, extra: &mut [f32]) {
        for (row, line) in extra.chunks_exact_mut(self.size as usize).enumerate() {
            for (col, value) in line.iter_mut().enumerate() {
                let cost = costmap.cost(self.global(Cell::new(col as i32, row as i32)));
                let free = cost.filter(|cost| is_free(*cost, travel.allow_unknown));
                *value = free.map_or(0.0, |cost| travel.weight(cost) - 1.0);
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
        fn a_window_holds_its_cell_and_its_transform_inverts(
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
        fn a_window_that_moves_by_tiles_holds_its_cell_with_room_around_it_and_all_of_a_small_grid(
            width in 1_u32..300, height in 1_u32..300, col in 0..300_i32, row in 0..300_i32, half in 8_usize..64,
        ) {
            const STRIDE: i32 = 8;
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let cell = Cell::new(col.min(width as i32 - 1), row.min(height as i32 - 1));
            let window = Window::around(cell, &geometry, 2 * half, STRIDE as usize);
            let local = window.local(cell).unwrap();
            for (at, place, side) in [(local.col, cell.col, width as i32), (local.row, cell.row, height as i32)] {
                let size = 2 * half as i32;
                // As many cells to each side as the middle would have less a stride, or all that the grid has.
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
