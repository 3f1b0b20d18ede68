//! A grid cut into square tiles: what is near in the map is near in memory, and a part of a map can be shared or left out.

use crate::geometry::Geometry;
use crate::units::{Cell, MOVES};

/// The logarithm of [`SIDE`].
const SHIFT: usize = 6;
/// Cells a side of a tile.
pub const SIDE: usize = 1 << SHIFT;
/// Cells of a tile.
pub const AREA: usize = SIDE * SIDE;

/// Where a cell lies: in which tile, and where in the tile's row-major data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The tile.
    pub tile: usize,
    /// The cell in it.
    pub at: usize,
}

/// How a grid is cut. Tiles at the far edges reach beyond the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    width: u32,
    height: u32,
    across: usize,
}

impl Tiling {
    /// The tiles of a grid.
    #[must_use]
    pub const fn of(geometry: &Geometry) -> Self {
        Self { width: geometry.width(), height: geometry.height(), across: (geometry.width() as usize).div_ceil(SIDE) }
    }

    /// The number of tiles.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.across * (self.height as usize).div_ceil(SIDE)
    }

    /// Whether a grid is cut the same way.
    #[must_use]
    pub const fn fits(&self, geometry: &Geometry) -> bool {
        self.width == geometry.width() && self.height == geometry.height()
    }

    /// A cell's place; `None` outside the grid.
    #[must_use]
    pub const fn place(&self, cell: Cell) -> Option<Place> {
        if cell.col < 0 || cell.row < 0 || cell.col as u32 >= self.width || cell.row as u32 >= self.height {
            return None;
        }
        Some(self.inside(cell))
    }

    /// The place of a cell that lies in the grid.
    #[must_use]
    pub const fn inside(&self, cell: Cell) -> Place {
        let (col, row) = (cell.col as usize, cell.row as usize);
        Place { tile: (row >> SHIFT) * self.across + (col >> SHIFT), at: (row % SIDE) * SIDE + col % SIDE }
    }

    /// The cell at a place. It lies outside the grid where a tile reaches beyond it.
    #[must_use]
    pub const fn cell(&self, place: Place) -> Cell {
        let (tile_row, tile_col) = (place.tile / self.across, place.tile % self.across);
        Cell::new((tile_col * SIDE + place.at % SIDE) as i32, (tile_row * SIDE + place.at / SIDE) as i32)
    }
}

/// Whether all eight neighbours of a cell lie in its own tile.
#[must_use]
pub const fn is_inner(at: usize) -> bool {
    let (col, row) = (at % SIDE, at / SIDE);
    col > 0 && row > 0 && col < SIDE - 1 && row < SIDE - 1
}

/// How far on in a tile's data each of the [`MOVES`] leads.
pub const OFFSETS: [isize; MOVES.len()] = {
    let mut offsets = [0; MOVES.len()];
    let mut bit = 0;
    while bit < MOVES.len() {
        offsets[bit] = MOVES[bit].rows as isize * SIDE as isize + MOVES[bit].cols as isize;
        bit += 1;
    }
    offsets
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_cell_has_a_place_of_its_own_and_a_move_inside_a_tile_is_an_offset(
            width in 1_u32..300, height in 1_u32..300, col in 0..300_i32, row in 0..300_i32, bit in 0..8_usize,
        ) {
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let tiling = Tiling::of(&geometry);
            let cell = Cell::new(col, row);
            prop_assert_eq!(tiling.place(cell).is_some(), geometry.contains(cell));
            if let Some(place) = tiling.place(cell) {
                prop_assert!(place.tile < tiling.count() && place.at < AREA);
                prop_assert_eq!(tiling.cell(place), cell);
                if is_inner(place.at) {
                    let next = tiling.inside(cell.after(MOVES[bit]));
                    let at = place.at.wrapping_add_signed(OFFSETS[bit]);
                    prop_assert_eq!(next, Place { tile: place.tile, at });
                }
            }
        }
    }
}
