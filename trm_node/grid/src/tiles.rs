//! A grid divided into square tiles. Cells that are close on the map are close in memory, and single tiles can be
//! shared or left out.

use crate::geometry::{Geometry, Rect};
use crate::units::{Cell, MOVES};

/// The base-2 logarithm of [`TILE_SIDE`].
const SHIFT: usize = 6;
/// Side length of a tile in cells.
pub const TILE_SIDE: usize = 1 << SHIFT;
/// Number of cells of a tile.
pub const TILE_CELLS: usize = TILE_SIDE * TILE_SIDE;

/// The position of a cell: its tile, and its index in that tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePlace {
    /// The number of the tile, row-major.
    pub tile: usize,
    /// The index of the cell in the tile's row-major data.
    pub at: usize,
}

/// How a grid is divided into tiles. Tiles at the upper edges may extend beyond the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    width: u32,
    height: u32,
    /// Number of tiles in a row.
    across: usize,
}

impl Tiling {
    /// Divides a grid.
    #[must_use]
    pub const fn of(geometry: &Geometry) -> Self {
        Self {
            width: geometry.width(),
            height: geometry.height(),
            across: (geometry.width() as usize).div_ceil(TILE_SIDE),
        }
    }

    /// The number of tiles.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.across * (self.height as usize).div_ceil(TILE_SIDE)
    }

    /// The numbers of the tiles that a rectangle of the grid touches.
    pub fn tiles(&self, rect: Rect) -> impl Iterator<Item = usize> + use<> {
        let (col, row) = (rect.col as usize, rect.row as usize);
        let across = self.across;
        let cols = col >> SHIFT..(col + rect.width as usize).div_ceil(TILE_SIDE);
        let rows = row >> SHIFT..(row + rect.height as usize).div_ceil(TILE_SIDE);
        rows.flat_map(move |row| cols.clone().map(move |col| row * across + col))
    }

    /// The part of a rectangle of the grid that lies in a tile that it touches.
    #[must_use]
    pub fn part(&self, tile: usize, rect: Rect) -> Rect {
        let first = self.cell(TilePlace { tile, at: 0 });
        let (col, row) = (rect.col.max(first.col), rect.row.max(first.row));
        let right = (rect.col + rect.width as i32).min(first.col + TILE_SIDE as i32);
        let top = (rect.row + rect.height as i32).min(first.row + TILE_SIDE as i32);
        Rect { col, row, width: (right - col) as u32, height: (top - row) as u32 }
    }

    /// The tile that is so many tiles to the right and above; `None` outside the grid.
    #[must_use]
    pub const fn beside(&self, tile: usize, cols: i32, rows: i32) -> Option<usize> {
        let (col, row) = ((tile % self.across) as i32 + cols, (tile / self.across) as i32 + rows);
        if col < 0 || row < 0 || col >= self.across as i32 || row as usize >= (self.height as usize).div_ceil(TILE_SIDE)
        {
            return None;
        }
        Some(row as usize * self.across + col as usize)
    }

    /// The position of a cell; `None` outside the grid.
    #[must_use]
    pub const fn place(&self, cell: Cell) -> Option<TilePlace> {
        if cell.col < 0 || cell.row < 0 || cell.col as u32 >= self.width || cell.row as u32 >= self.height {
            return None;
        }
        Some(self.place_inside(cell))
    }

    /// The position of a cell that is known to lie in the grid.
    #[must_use]
    pub const fn place_inside(&self, cell: Cell) -> TilePlace {
        let (col, row) = (cell.col as usize, cell.row as usize);
        TilePlace {
            tile: (row >> SHIFT) * self.across + (col >> SHIFT),
            at: (row % TILE_SIDE) * TILE_SIDE + col % TILE_SIDE,
        }
    }

    /// The cell at a position. It lies outside the grid where the tile extends beyond it.
    #[must_use]
    pub const fn cell(&self, place: TilePlace) -> Cell {
        let (tile_row, tile_col) = (place.tile / self.across, place.tile % self.across);
        Cell::new(
            (tile_col * TILE_SIDE + place.at % TILE_SIDE) as i32,
            (tile_row * TILE_SIDE + place.at / TILE_SIDE) as i32,
        )
    }
}

/// Whether all eight neighbours of the cell at an index lie in the same tile.
#[must_use]
pub const fn is_inner(at: usize) -> bool {
    let (col, row) = (at % TILE_SIDE, at / TILE_SIDE);
    col > 0 && row > 0 && col < TILE_SIDE - 1 && row < TILE_SIDE - 1
}

/// The change of the index in a tile for each of the [`MOVES`].
pub const MOVE_OFFSETS: [isize; MOVES.len()] = {
    let mut offsets = [0; MOVES.len()];
    let mut bit = 0;
    while bit < MOVES.len() {
        offsets[bit] = MOVES[bit].rows as isize * TILE_SIDE as isize + MOVES[bit].cols as isize;
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
        fn every_cell_has_a_position_and_a_move_within_a_tile_is_an_offset(
            width in 1_u32..300, height in 1_u32..300, col in 0..300_i32, row in 0..300_i32, bit in 0..8_usize,
        ) {
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let tiling = Tiling::of(&geometry);
            let cell = Cell::new(col, row);
            prop_assert_eq!(tiling.place(cell).is_some(), geometry.contains(cell));
            if let Some(place) = tiling.place(cell) {
                prop_assert!(place.tile < tiling.count() && place.at < TILE_CELLS);
                prop_assert_eq!(tiling.cell(place), cell);
                if is_inner(place.at) {
                    let next = tiling.place_inside(cell.after(MOVES[bit]));
                    let at = place.at.wrapping_add_signed(MOVE_OFFSETS[bit]);
                    prop_assert_eq!(next, TilePlace { tile: place.tile, at });
                }
            }
        }
    }
}
