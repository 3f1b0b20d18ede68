//! What a search knows of the cells that it has seen, in room that doesn't grow with the grid.

use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;

/// The logarithm of a tile's side. Small, so that a search along a narrow way doesn't use many cells in vain.
const SHIFT: u32 = 4;
const SIDE: i32 = 1 << SHIFT;
const AREA: usize = 1 << (2 * SHIFT);
/// The most cells that a search sees on a large grid; smaller ones are seen whole.
pub const MOST_CELLS: usize = 1 << 18;
/// A tile that the search hasn't come to.
const NONE: u16 = u16::MAX;

const _: () = assert!(MOST_CELLS / AREA < NONE as usize);

/// Cost from the start and the move that led to it, for each cell that was seen.
#[derive(Debug, Default)]
pub struct SearchMap {
    geometry: Option<Geometry>,
    /// Tiles of the grid in a row.
    across: usize,
    /// Which tile of `cost` and `came` holds each tile of the grid.
    held: Vec<u16>,
    used: u16,
    /// Infinite where nothing was seen.
    cost: Vec<f32>,
    /// An index into [`MOVES`](trm_grid::units::MOVES).
    came: Vec<u8>,
}

impl SearchMap {
    /// Room for a grid.
    pub fn prepare(&mut self, geometry: &Geometry) {
        if self.geometry == Some(*geometry) {
            return;
        }
        self.geometry = Some(*geometry);
        self.across = (geometry.width() as usize).div_ceil(SIDE as usize);
        let tiles = self.across * (geometry.height() as usize).div_ceil(SIDE as usize);
        self.held = vec![NONE; tiles];
        let cells = (tiles * AREA).min(MOST_CELLS);
        self.cost = vec![f32::INFINITY; cells];
        self.came = vec![0; cells];
        self.used = 0;
    }

    /// The most cells that can be seen.
    pub const fn room(&self) -> usize {
        self.cost.len()
    }

    /// Forgets the search before.
    pub fn clear(&mut self) {
        self.held.fill(NONE);
        self.used = 0;
    }

    /// A cell's place among those that were seen, with which the other functions are called. `None` outside the grid, and
    /// when the room is used up.
    pub fn place(&mut self, cell: Cell) -> Option<u32> {
        if !self.geometry?.contains(cell) {
            return None;
        }
        let held = &mut self.held[(cell.row >> SHIFT) as usize * self.across + (cell.col >> SHIFT) as usize];
        if *held == NONE {
            let first = self.used as usize * AREA;
            self.cost.get_mut(first..first + AREA)?.fill(f32::INFINITY);
            *held = self.used;
            self.used += 1;
        }
        Some(u32::from(*held) * AREA as u32 + (cell.row % SIDE * SIDE + cell.col % SIDE) as u32)
    }

    /// Cost from the start.
    pub fn cost(&self, place: u32) -> f32 {
        self.cost[place as usize]
    }

    /// The move that led to a cell that was reached.
    pub fn came(&self, place: u32) -> usize {
        self.came[place as usize] as usize
    }

    /// Notes a way to a cell.
    pub fn reach(&mut self, place: u32, cost: f32, came: usize) {
        self.cost[place as usize] = cost;
        self.came[place as usize] = came as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::units::Pose;

    proptest! {
        #[test]
        fn a_cell_keeps_what_is_noted_until_the_next_search(
            cells in proptest::collection::vec((0..100, 0..70, 0.0..9.0_f32, 0..8_usize), 1..50),
        ) {
            let mut map = SearchMap::default();
            map.prepare(&Geometry::new(100, 70, 0.1, Pose::default()).unwrap());
            let mut noted = std::collections::BTreeMap::new();
            for (col, row, cost, came) in cells {
                let place = map.place(Cell::new(col, row)).unwrap();
                map.reach(place, cost, came);
                noted.insert((col, row), (cost, came));
            }
            for col in 0..100 {
                for row in 0..70 {
                    let place = map.place(Cell::new(col, row)).unwrap();
                    let expected = noted.get(&(col, row));
                    prop_assert_eq!(map.cost(place).to_bits(), expected.map_or(f32::INFINITY, |noted| noted.0).to_bits());
                    prop_assert!(expected.is_none_or(|noted| map.came(place) == noted.1));
                }
            }
            map.clear();
            let place = map.place(Cell::new(3, 3)).unwrap();
            prop_assert!(map.cost(place).is_infinite());
        }
    }

    #[test]
    fn the_room_of_a_large_grid_ends_and_is_there_again_for_the_next_search() {
        let mut map = SearchMap::default();
        map.prepare(&Geometry::new(4000, 4000, 0.1, Pose::default()).unwrap());
        assert_eq!(map.room(), MOST_CELLS);
        let along = |map: &mut SearchMap| {
            (0..4000 * 250)
                .step_by(16)
                .take_while(|at| map.place(Cell::new(at % 4000, at / 4000 * 16)).is_some())
                .count()
        };
        let tiles = along(&mut map);
        assert_eq!(tiles, MOST_CELLS / AREA);
        map.clear();
        assert_eq!(along(&mut map), tiles);
        assert_eq!(map.place(Cell::new(-1, 0)), None);
    }
}
