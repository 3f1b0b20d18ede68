//! What a search knows about the cells that it has seen. The memory doesn't grow with the grid.

use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;

/// The base-2 logarithm of a tile's side. Tiles are small, so that a search along a narrow passage wastes few cells.
const SHIFT: u32 = 4;
/// The side length of a tile in cells.
const SIDE: i32 = 1 << SHIFT;
/// The number of cells of a tile.
const AREA: usize = 1 << (2 * SHIFT);
/// The maximum number of cells that a search sees. Smaller grids can be seen completely.
pub const MAX_CELLS: usize = 1 << 18;
/// Marks a tile of the grid that the search has not seen.
const UNSEEN: u16 = u16::MAX;

const _: () = assert!(MAX_CELLS / AREA < UNSEEN as usize);

/// For each seen cell, the cost from the start and the move that led to it.
#[derive(Debug, Default)]
pub struct SearchMap {
    geometry: Option<Geometry>,
    /// The number of the grid's tiles in a row.
    across: usize,
    /// For each tile of the grid, the tile of `cost` and `came_by` that stores it, or [`UNSEEN`].
    stored: Vec<u16>,
    /// The number of tiles in use.
    used: u16,
    /// The cost from the start; infinite for cells that were not reached.
    cost: Vec<f32>,
    /// The move that led to each reached cell, as an index into [`MOVES`](trm_grid::units::MOVES).
    came_by: Vec<u8>,
}

impl SearchMap {
    /// Allocates the memory for a grid.
    pub fn prepare(&mut self, geometry: &Geometry) {
        if self.geometry == Some(*geometry) {
            return;
        }
        self.geometry = Some(*geometry);
        self.across = (geometry.width() as usize).div_ceil(SIDE as usize);
        let tiles = self.across * (geometry.height() as usize).div_ceil(SIDE as usize);
        self.stored = vec![UNSEEN; tiles];
        let cells = (tiles * AREA).min(MAX_CELLS);
        self.cost = vec![f32::INFINITY; cells];
        self.came_by = vec![0; cells];
        self.used = 0;
    }

    /// The maximum number of cells that can be seen.
    pub const fn room(&self) -> usize {
        self.cost.len()
    }

    /// Forgets the last search.
    pub fn clear(&mut self) {
        self.stored.fill(UNSEEN);
        self.used = 0;
    }

    /// The position of a cell in this map, which the other functions take. `None` outside the grid, and if all memory
    /// is in use.
    pub fn place(&mut self, cell: Cell) -> Option<u32> {
        if !self.geometry?.contains(cell) {
            return None;
        }
        let stored = &mut self.stored[(cell.row >> SHIFT) as usize * self.across + (cell.col >> SHIFT) as usize];
        if *stored == UNSEEN {
            let first = self.used as usize * AREA;
            self.cost.get_mut(first..first + AREA)?.fill(f32::INFINITY);
            *stored = self.used;
            self.used += 1;
        }
        Some(u32::from(*stored) * AREA as u32 + (cell.row % SIDE * SIDE + cell.col % SIDE) as u32)
    }

    /// The cost from the start; infinite for a cell that was not reached.
    pub fn cost(&self, place: u32) -> f32 {
        self.cost[place as usize]
    }

    /// The move that led to a reached cell, as an index into [`MOVES`](trm_grid::units::MOVES).
    pub fn came_by(&self, place: u32) -> usize {
        self.came_by[place as usize] as usize
    }

    /// Stores a path to a cell: its cost and its last move.
    pub fn reach(&mut self, place: u32, cost: f32, came_by: usize) {
        self.cost[place as usize] = cost;
        self.came_by[place as usize] = came_by as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::units::Pose;

    proptest! {
        #[test]
        fn a_cell_keeps_what_is_stored_until_the_next_search(
            cells in proptest::collection::vec((0..100, 0..70, 0.0..9.0_f32, 0..8_usize), 1..50),
        ) {
            let mut map = SearchMap::default();
            map.prepare(&Geometry::new(100, 70, 0.1, Pose::default()).unwrap());
            let mut stored = std::collections::BTreeMap::new();
            for (col, row, cost, came_by) in cells {
                let place = map.place(Cell::new(col, row)).unwrap();
                map.reach(place, cost, came_by);
                stored.insert((col, row), (cost, came_by));
            }
            for col in 0..100 {
                for row in 0..70 {
                    let place = map.place(Cell::new(col, row)).unwrap();
                    let expected = stored.get(&(col, row));
                    prop_assert_eq!(map.cost(place).to_bits(), expected.map_or(f32::INFINITY, |stored| stored.0).to_bits());
                    prop_assert!(expected.is_none_or(|stored| map.came_by(place) == stored.1));
                }
            }
            map.clear();
            let place = map.place(Cell::new(3, 3)).unwrap();
            prop_assert!(map.cost(place).is_infinite());
        }
    }

    #[test]
    fn on_a_large_grid_the_memory_runs_out_and_is_free_again_for_the_next_search() {
        let mut map = SearchMap::default();
        map.prepare(&Geometry::new(4000, 4000, 0.1, Pose::default()).unwrap());
        assert_eq!(map.room(), MAX_CELLS);
        let along = |map: &mut SearchMap| {
            (0..4000 * 250)
                .step_by(16)
                .take_while(|at| map.place(Cell::new(at % 4000, at / 4000 * 16)).is_some())
                .count()
        };
        let tiles = along(&mut map);
        assert_eq!(tiles, MAX_CELLS / AREA);
        map.clear();
        assert_eq!(along(&mut map), tiles);
        assert_eq!(map.place(Cell::new(-1, 0)), None);
    }
}
