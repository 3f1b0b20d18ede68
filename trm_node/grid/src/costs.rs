//! The costs of all cells, stored in tiles. Copies share a tile until one of them changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cost::LETHAL;
use crate::error::Interrupted;
use crate::geometry::{Geometry, Rect};
use crate::pace::Pace;
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

impl Changed {
    /// Of tiles with their numbers, which belong to one grid.
    pub fn of(tiles: Vec<(u32, Arc<Tile>)>) -> Self {
        Self(tiles)
    }

    /// The tiles with their numbers.
    pub fn tiles(&self) -> &[(u32, Arc<Tile>)] {
        &self.0
    }

    /// The number of tiles.
    pub const fn len(&self) -> usize {
        self.0.len()
    }
}

/// New costs that are compared with the ones before, and become a change of them.
pub(super) struct Edit<'a> {
    before: &'a Costs,
    tiles: BTreeMap<u32, Arc<Tile>>,
    /// The smallest rectangle that contains all changed cells.
    rect: Option<Rect>,
    /// The newest tile: most maps have large areas of one cost, so the next one is often equal to it.
    last: Option<Arc<Tile>>,
}

impl<'a> Edit<'a> {
    /// Nothing has changed yet.
    pub const fn new(before: &'a Costs) -> Self {
        Self { before, tiles: BTreeMap::new(), rect: None, last: None }
    }

    /// Writes the costs, row-major, of a rectangle of the grid.
    ///
    /// # Errors
    /// [`Interrupted`] if the work must stop.
    pub fn write(&mut self, rect: Rect, costs: &[u8], pace: &mut Pace) -> Result<(), Interrupted> {
        for number in self.before.tiling.tiles(rect) {
            let part = self.before.tiling.part(number, rect);
            pace.spend(part.area())?;
            let old = self.tiles.get(&(number as u32)).unwrap_or(&self.before.tiles[number]);
            // The rows of this part, with their places in the tile and among the new costs.
            let rows = (part.row..part.row + part.height as i32).map(|row| {
                let at = self.before.tiling.place_inside(Cell::new(part.col, row)).at;
                let new = (row - rect.row) as usize * rect.width as usize + (part.col - rect.col) as usize;
                (row, at..at + part.width as usize, &costs[new..new + part.width as usize])
            });
            let mut changed: Option<Rect> = None;
            for (row, at, new) in rows.clone().filter(|(_, at, new)| old[at.clone()] != **new) {
                let differs = |(old, new): (&u8, &u8)| old != new;
                let first = old[at.clone()].iter().zip(new).position(differs).unwrap_or_default();
                let last = old[at].iter().zip(new).rposition(differs).unwrap_or_default();
                let here = Rect { col: part.col + first as i32, row, width: (last + 1 - first) as u32, height: 1 };
                changed = Some(changed.map_or(here, |changed| changed.including(here)));
            }
            let Some(changed) = changed else { continue };
            let mut tile = **old;
            rows.for_each(|(_, at, new)| tile[at].copy_from_slice(new));
            let same = self.last.as_ref().filter(|last| ***last == tile).map(Arc::clone);
            let tile = same.unwrap_or_else(|| Arc::new(tile));
            self.last = Some(Arc::clone(&tile));
            self.tiles.insert(number as u32, tile);
            self.rect = Some(self.rect.map_or(changed, |rect| rect.including(changed)));
        }
        Ok(())
    }

    /// The changed tiles, and the smallest rectangle that contains all changed cells; `None` if nothing has changed.
    pub fn finish(self) -> Option<(Rect, Changed)> {
        Some((self.rect?, Changed(self.tiles.into_iter().collect())))
    }
}

impl Costs {
    /// Costs of 0 everywhere. All tiles are shared but those at the upper edges.
    pub fn free(geometry: &Geometry) -> Self {
        let tiling = Tiling::of(geometry);
        let mut last: Option<(Arc<Tile>, [u32; 2])> = None;
        let tile = |number| {
            let part = tiling.part(number, Rect::whole(geometry));
            let size = [part.width, part.height];
            if let Some((last, _)) = last.as_ref().filter(|(_, last)| *last == size) {
                return Arc::clone(last);
            }
            let mut tile = [LETHAL; TILE_CELLS];
            for line in tile.chunks_mut(TILE_SIDE).take(part.height as usize) {
                line[..part.width as usize].fill(0);
            }
            Arc::clone(&last.insert((Arc::new(tile), size)).0)
        };
        Self { tiling, tiles: (0..tiling.count()).map(tile).collect() }
    }

    /// Costs of all tiles of a grid.
    pub const fn of(tiling: Tiling, tiles: Vec<Arc<Tile>>) -> Self {
        Self { tiling, tiles }
    }

    /// All tiles, in the order of their numbers.
    pub fn tiles(&self) -> &[Arc<Tile>] {
        &self.tiles
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

    /// Writes costs; returns the rectangle of the changed cells, and the tiles that were replaced.
    fn write(costs: &mut Costs, rect: Rect, values: &[u8]) -> Option<(Rect, Changed)> {
        let mut edit = Edit::new(costs);
        edit.write(rect, values, &mut Pace::new(&mut || true)).ok()?;
        let (rect, mut changed) = edit.finish()?;
        costs.exchange(&mut changed);
        Some((rect, changed))
    }

    proptest! {
        #[test]
        fn a_change_affects_only_the_copy_that_applies_it(
            width in 1_u32..200, height in 1_u32..200, col in 0..200_i32, row in 0..200_i32,
            wide in 0_u32..100, high in 0_u32..100,
        ) {
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let whole = Rect::whole(&geometry);
            let mut costs = Costs::free(&geometry);
            prop_assert!(whole.cells().all(|cell| costs.get(cell) == Some(0)));
            let values: Vec<u8> = whole.cells().map(value).collect();
            write(&mut costs, whole, &values);
            let rect = Rect { col: col.min(width as i32), row: row.min(height as i32), width: wide, height: high }.grown(0, &geometry);
            let mut copy = costs.clone();
            let changed = write(&mut copy, rect, &vec![LETHAL; rect.area()]);
            for cell in Rect::whole(&geometry).grown(2, &geometry).cells() {
                let is_changed = (rect.col..rect.col + wide as i32).contains(&cell.col)
                    && (rect.row..rect.row + high as i32).contains(&cell.row);
                prop_assert_eq!(costs.get(cell), Some(value(cell)));
                prop_assert_eq!(copy.get(cell), Some(if is_changed { LETHAL } else { value(cell) }));
                let around = MOVES.map(|step| copy.get(cell.after(step)).unwrap_or(LETHAL));
                prop_assert_eq!(copy.neighbour_costs(cell), around);
            }
            // No value is LETHAL, so all of the rectangle has changed.
            prop_assert_eq!(changed.as_ref().map(|(rect, _)| *rect), (rect.area() > 0).then_some(rect));
            let mut other = costs.clone();
            for row in (0..height as i32).rev() {
                let row = Rect { col: 0, row, width, height: 1 };
                write(&mut other, row, &row.cells().filter_map(|cell| copy.get(cell)).collect::<Vec<_>>());
            }
            prop_assert!(other == copy, "however it is written");
            if let Some((_, mut old)) = changed {
                copy.exchange(&mut old);
            }
            prop_assert!(copy == costs, "swapped back");
            prop_assert!(write(&mut copy, whole, &values).is_none(), "nothing has changed");
        }
    }
}
