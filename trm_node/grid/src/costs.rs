//! The costs of all cells, stored in tiles. Copies share a tile until one of them changes it.

use std::sync::Arc;

use crate::cost::LETHAL;
use crate::geometry::{Geometry, Rect};
use crate::tiles::{MOVE_OFFSETS, TILE_CELLS, TILE_SIDE, TilePlace, Tiling, is_inner};
use crate::units::{Cell, MOVES};

/// The costs of one tile, row-major; [`LETHAL`] where the tile extends beyond the grid.
pub(super) type Tile = [u8; TILE_CELLS];

/// The costs of all cells. Copying them copies one pointer per tile.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Costs {
    tiling: Tiling,
    tiles: Vec<Arc<Tile>>,
}

/// Changed tiles that replace the current ones: tile numbers in ascending order, without duplicates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Changed(Vec<(u32, Arc<Tile>)>);

impl Costs {
    /// Builds the costs band by band, starting at row 0. `band` returns the costs of a rectangle, row-major. Tiles that
    /// are the same in `before` are shared with it.
    pub fn from_bands(geometry: &Geometry, before: Option<&Self>, mut band: impl FnMut(Rect) -> Vec<u8>) -> Self {
        let tiling = Tiling::of(geometry);
        let mut tiles: Vec<Arc<Tile>> = Vec::with_capacity(tiling.count());
        for row in (0..geometry.height()).step_by(TILE_SIDE) {
            let height = (geometry.height() - row).min(TILE_SIDE as u32);
            let costs = band(Rect { col: 0, row: row as i32, width: geometry.width(), height });
            for col in (0..geometry.width() as usize).step_by(TILE_SIDE) {
                let mut tile = [LETHAL; TILE_CELLS];
                for (line, costs) in tile.chunks_mut(TILE_SIDE).zip(costs.chunks(geometry.width() as usize)) {
                    let columns = &costs[col..costs.len().min(col + TILE_SIDE)];
                    line[..columns.len()].copy_from_slice(columns);
                }
                // Most maps have large empty areas, so a tile is often equal to the one before it.
                let known = [tiles.last(), before.and_then(|before| before.tiles.get(tiles.len()))];
                let same = known.into_iter().flatten().find(|known| ***known == tile).map(Arc::clone);
                tiles.push(same.unwrap_or_else(|| Arc::new(tile)));
            }
        }
        Self { tiling, tiles }
    }

    /// The costs of a tile.
    pub fn tile(&self, tile: usize) -> &Tile {
        &self.tiles[tile]
    }

    /// The cost of a cell; `None` outside the grid.
    pub fn get(&self, cell: Cell) -> Option<u8> {
        let TilePlace { tile, at } = self.tiling.place(cell)?;
        Some(self.tiles[tile][at])
    }

    /// The costs of the eight neighbours of a cell of the grid, in the order of [`MOVES`]; [`LETHAL`] outside the grid.
    pub fn neighbour_costs(&self, cell: Cell) -> [u8; MOVES.len()] {
        let TilePlace { tile, at } = self.tiling.place_inside(cell);
        if is_inner(at) {
            let tile = &*self.tiles[tile];
            MOVE_OFFSETS.map(|offset| tile[at.wrapping_add_signed(offset)])
        } else {
            MOVES.map(|step| self.get(cell.after(step)).unwrap_or(LETHAL))
        }
    }

    /// The tiles that result from writing new costs, row-major, into a rectangle of the grid.
    pub fn with(&self, rect: Rect, costs: &[u8]) -> Changed {
        let mut changed: Vec<(u32, Arc<Tile>)> = Vec::new();
        let cells = rect.cells().zip(costs).filter_map(|(cell, cost)| Some((self.tiling.place(cell)?, *cost)));
        for (TilePlace { tile, at }, cost) in cells {
            let entry = match changed.binary_search_by_key(&(tile as u32), |(tile, _)| *tile) {
                Ok(entry) => entry,
                Err(entry) => {
                    changed.insert(entry, (tile as u32, Arc::clone(&self.tiles[tile])));
                    entry
                }
            };
            Arc::make_mut(&mut changed[entry].1)[at] = cost;
        }
        Changed(changed)
    }

    /// Swaps the changed tiles with the current ones. Allocates and frees nothing.
    ///
    /// # Panics
    /// If the tiles belong to a grid of another size.
    pub fn exchange(&mut self, changed: &mut Changed) {
        for (tile, costs) in &mut changed.0 {
            std::mem::swap(&mut self.tiles[*tile as usize], costs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;
    use proptest::prelude::*;

    fn value(cell: Cell) -> u8 {
        (cell.col * 7 + cell.row * 13).rem_euclid(100) as u8
    }

    proptest! {
        #[test]
        fn a_change_affects_only_the_copy_that_applies_it(
            width in 1_u32..200, height in 1_u32..200, col in 0..200_i32, row in 0..200_i32,
            wide in 0_u32..100, high in 0_u32..100,
        ) {
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let costs = Costs::from_bands(&geometry, None, |band| band.cells().map(value).collect());
            let rect = Rect { col: col.min(width as i32), row: row.min(height as i32), width: wide, height: high }.grown(0, &geometry);
            let mut copy = costs.clone();
            let mut changed = costs.with(rect, &vec![LETHAL; rect.area()]);
            copy.exchange(&mut changed);
            for cell in Rect::whole(&geometry).grown(2, &geometry).cells() {
                let is_changed = (rect.col..rect.col + wide as i32).contains(&cell.col)
                    && (rect.row..rect.row + high as i32).contains(&cell.row);
                prop_assert_eq!(costs.get(cell), Some(value(cell)));
                prop_assert_eq!(copy.get(cell), Some(if is_changed { LETHAL } else { value(cell) }));
                let around = MOVES.map(|step| copy.get(cell.after(step)).unwrap_or(LETHAL));
                prop_assert_eq!(copy.neighbour_costs(cell), around);
            }
            let again = Costs::from_bands(&geometry, Some(&copy), |band| band.cells().map(value).collect());
            prop_assert!(again == costs, "independent of `before`");
            copy.exchange(&mut changed);
            prop_assert!(copy == costs, "swapped back");
        }
    }
}
