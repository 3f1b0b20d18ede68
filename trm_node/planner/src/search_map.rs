//! What a search knows about the cells that it has seen. The memory doesn't grow with the grid.

use trm_grid::geometry::Geometry;
use trm_grid::units::{Cell, MOVES};

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
/// The cost of a cell that was not reached.
pub const UNREACHED: u32 = u32::MAX;
/// Marks a cell as closed, beside the move that led to it.
const CLOSED: u8 = 0x80;
/// The change of a place for each of the [`MOVES`], inside a tile.
const OFFSETS: [i32; MOVES.len()] = {
    let mut offsets = [0; MOVES.len()];
    let mut index = 0;
    while index < MOVES.len() {
        offsets[index] = MOVES[index].rows * SIDE + MOVES[index].cols;
        index += 1;
    }
    offsets
};

const _: () = assert!(MAX_CELLS / AREA < UNSEEN as usize);

/// For each seen cell, the cost from the start and the move that led to it.
#[derive(Debug, Default)]
pub struct SearchMap {
    geometry: Option<Geometry>,
    /// The number of the grid's tiles in a row.
    across: usize,
    /// For each tile of the grid, the tile of `cost` and `came_by` that stores it, or [`UNSEEN`].
    stored: Vec<u16>,
    /// For each tile in use, its first cell.
    corners: Vec<Cell>,
    /// The cost from the start in whole units; [`UNREACHED`] for cells that were not reached.
    cost: Vec<u32>,
    /// The move that led to each reached cell, as an index into [`MOVES`].
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
        self.cost = vec![UNREACHED; cells];
        self.came_by = vec![0; cells];
        self.corners = Vec::with_capacity(cells / AREA);
    }

    /// The maximum number of cells that can be seen.
    pub const fn room(&self) -> usize {
        self.cost.len()
    }

    /// Forgets the last search.
    pub fn clear(&mut self) {
        self.stored.fill(UNSEEN);
        self.corners.clear();
    }

    /// The position of a cell in this map, which the other functions take. `None` outside the grid, and if all memory
    /// is in use.
    pub fn place(&mut self, cell: Cell) -> Option<u32> {
        if !self.geometry?.contains(cell) {
            return None;
        }
        let stored = &mut self.stored[(cell.row >> SHIFT) as usize * self.across + (cell.col >> SHIFT) as usize];
        if *stored == UNSEEN {
            let first = self.corners.len() * AREA;
            self.cost.get_mut(first..first + AREA)?.fill(UNREACHED);
            *stored = self.corners.len() as u16;
            self.corners.push(Cell::new(cell.col & !(SIDE - 1), cell.row & !(SIDE - 1)));
        }
        Some(u32::from(*stored) * AREA as u32 + (cell.row % SIDE * SIDE + cell.col % SIDE) as u32)
    }

    /// Whether the search has reached a cell.
    pub fn is_reached(&self, cell: Cell) -> bool {
        if !self.geometry.is_some_and(|geometry| geometry.contains(cell)) {
            return false;
        }
        let tile = (cell.row >> SHIFT) as usize * self.across + (cell.col >> SHIFT) as usize;
        let at = (cell.row % SIDE * SIDE + cell.col % SIDE) as usize;
        self.stored[tile] != UNSEEN && self.cost[self.stored[tile] as usize * AREA + at] != UNREACHED
    }

    /// The cell at a position.
    pub fn cell(&self, place: u32) -> Cell {
        let (corner, at) = (self.corners[place as usize / AREA], (place as usize % AREA) as i32);
        Cell::new(corner.col + at % SIDE, corner.row + at / SIDE)
    }

    /// The position after a move, as an index into [`MOVES`], from a cell at its position. As [`Self::place`], but faster. The
    /// move must not lead out of the grid.
    pub fn after(&mut self, (place, cell): (u32, Cell), index: usize) -> Option<u32> {
        let is_inner = |at: i32| (1..SIDE - 1).contains(&(at % SIDE));
        if is_inner(cell.col) && is_inner(cell.row) {
            Some(place.wrapping_add_signed(OFFSETS[index]))
        } else {
            self.place(cell.after(MOVES[index]))
        }
    }

    /// The cost from the start; [`UNREACHED`] for a cell that was not reached.
    pub fn cost(&self, place: u32) -> u32 {
        self.cost[place as usize]
    }

    /// The move that led to a reached cell, as an index into [`MOVES`].
    pub fn came_by(&self, place: u32) -> usize {
        (self.came_by[place as usize] & !CLOSED) as usize
    }

    /// Closes a reached cell, until a path to it is stored.
    pub fn close(&mut self, place: u32) {
        self.came_by[place as usize] |= CLOSED;
    }

    /// Whether a reached cell is closed.
    pub fn is_closed(&self, place: u32) -> bool {
        self.came_by[place as usize] & CLOSED != 0
    }

    /// Stores a path to a cell: its cost and its last move.
    pub fn reach(&mut self, place: u32, cost: u32, came_by: usize) {
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
            cells in proptest::collection::vec((0..100, 0..70, 0..9_u32, 0..8_usize), 1..50),
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
                    prop_assert_eq!(map.cell(place), Cell::new(col, row));
                    prop_assert_eq!(map.cost(place), expected.map_or(UNREACHED, |stored| stored.0));
                    prop_assert!(expected.is_none_or(|stored| map.came_by(place) == stored.1));
                }
            }
            map.clear();
            let place = map.place(Cell::new(3, 3)).unwrap();
            prop_assert_eq!(map.cost(place), UNREACHED);
            for (index, step) in MOVES.iter().enumerate() {
                for cell in [Cell::new(3, 3), Cell::new(15, 31), Cell::new(16, 0), Cell::new(98, 68)] {
                    let place = map.place(cell).unwrap();
                    prop_assert_eq!(map.after((place, cell), index), map.place(cell.after(*step)), "{:?}", cell);
                }
            }
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
