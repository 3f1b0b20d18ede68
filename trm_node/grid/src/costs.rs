//! Costs of all cells in tiles that copies share until one of them changes.

use std::sync::Arc;

use crate::cost::LETHAL;
use crate::geometry::{Geometry, Rect};
use crate::tiles::{AREA, OFFSETS, Place, SIDE, Tiling, is_inner};
use crate::units::{Cell, MOVES};

/// The costs of one tile, row-major; [`LETHAL`] where it reaches beyond the grid.
pub(super) type Tile = [u8; AREA];

/// Costs of all cells. A copy costs a pointer for each tile.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Costs {
    tiling: Tiling,
    tiles: Vec<Arc<Tile>>,
}

/// Tiles that have changed, to take the place of those before. In ascending order, each at most once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Changed(Vec<(u32, Arc<Tile>)>);

impl Costs {
    /// Costs from those of each band of rows, from the first one on: `band` gives the costs of a rectangle, row-major. Tiles
    /// that are as they were `before` are shared with it.
    pub fn from_bands(geometry: &Geometry, before: Option<&Self>, mut band: impl FnMut(Rect) -> Vec<u8>) -> Self {
        let tiling = Tiling::of(geometry);
        let mut tiles: Vec<Arc<Tile>> = Vec::with_capacity(tiling.count());
        for row in (0..geometry.height()).step_by(SIDE) {
            let height = (geometry.height() - row).min(SIDE as u32);
            let costs = band(Rect { col: 0, row: row as i32, width: geometry.width(), height });
            for col in (0..geometry.width() as usize).step_by(SIDE) {
                let mut tile = [LETHAL; AREA];
                for (line, costs) in tile.chunks_mut(SIDE).zip(costs.chunks(geometry.width() as usize)) {
                    let part = &costs[col..costs.len().min(col + SIDE)];
                    line[..part.len()].copy_from_slice(part);
                }
                // Most maps have large parts where nothing is: tiles that follow each other often are the same.
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
        let Place { tile, at } = self.tiling.place(cell)?;
        Some(self.tiles[tile][at])
    }

    /// The costs of the cells that the [`MOVES`] lead to from a cell of the grid; [`LETHAL`] outside the grid.
    pub fn around(&self, cell: Cell) -> [u8; MOVES.len()] {
        let Place { tile, at } = self.tiling.inside(cell);
        if is_inner(at) {
            let tile = &*self.tiles[tile];
            OFFSETS.map(|offset| tile[at.wrapping_add_signed(offset)])
        } else {
            MOVES.map(|step| self.get(cell.after(step)).unwrap_or(LETHAL))
        }
    }

    /// New tiles for a rectangle of the grid with other costs, row-major.
    pub fn with(&self, rect: Rect, costs: &[u8]) -> Changed {
        let mut changed: Vec<(u32, Arc<Tile>)> = Vec::new();
        let cells = rect.cells().zip(costs).filter_map(|(cell, cost)| Some((self.tiling.place(cell)?, *cost)));
        for (Place { tile, at }, cost) in cells {
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

    /// Takes the changed tiles, and leaves those before in their place: nothing is allocated or freed.
    ///
    /// # Panics
    /// When they are of a grid of another size.
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
        fn a_change_shows_in_the_copy_that_takes_it_and_in_no_other(
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
                prop_assert_eq!(copy.around(cell), around);
            }
            let again = Costs::from_bands(&geometry, Some(&copy), |band| band.cells().map(value).collect());
            prop_assert!(again == costs, "whatever was before");
            copy.exchange(&mut changed);
            prop_assert!(copy == costs, "exchanged back");
        }
    }
}
