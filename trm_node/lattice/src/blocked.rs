//! The cells of a whole map that the robot's outline must not touch, a bit each.

use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::units::Cell;

/// Which cells are lethal, or unknown where that isn't allowed. Cells outside the grid are blocked, too. An inscribed cell
/// isn't: only a disc's centre must keep out of it.
#[derive(Debug, Clone)]
pub struct Blocked {
    geometry: Geometry,
    allow_unknown: bool,
    /// The version of the costs.
    version: u64,
    /// Words of each row.
    stride: usize,
    /// Row-major; bit 0 of a word is its lowest column.
    words: Vec<u64>,
}

impl Blocked {
    /// The blocked cells of a costmap.
    #[must_use]
    pub fn new(costmap: &Costmap, allow_unknown: bool) -> Self {
        let geometry = *costmap.geometry();
        let stride = (geometry.width() as usize).div_ceil(64);
        let words = vec![0; stride * geometry.height() as usize];
        let mut blocked = Self { geometry, allow_unknown, version: costmap.version(), stride, words };
        blocked.read(costmap, Rect::whole(&geometry));
        blocked
    }

    /// Takes over the present costs: those that have changed, if the costmap still knows which. Allocates only if the grid
    /// is another one.
    pub fn update(&mut self, costmap: &Costmap) {
        if costmap.geometry() != &self.geometry {
            *self = Self::new(costmap, self.allow_unknown);
            return;
        }
        match costmap.changed_since(self.version) {
            Some(changes) => changes.iter().for_each(|change| self.read(costmap, change.rect)),
            None => self.read(costmap, Rect::whole(&self.geometry)),
        }
        self.version = costmap.version();
    }

    fn read(&mut self, costmap: &Costmap, rect: Rect) {
        for cell in rect.cells() {
            let is_blocked = match costmap.cost(cell) {
                Some(UNKNOWN) => !self.allow_unknown,
                Some(cost) => cost >= LETHAL,
                None => true,
            };
            let word = &mut self.words[cell.row as usize * self.stride + cell.col as usize / 64];
            let bit = 1 << (cell.col % 64);
            *word = if is_blocked { *word | bit } else { *word & !bit };
        }
    }

    /// The grid.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The version of the costs that it holds.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether a cell is blocked.
    #[must_use]
    pub fn is_blocked(&self, cell: Cell) -> bool {
        self.is_any_blocked(cell.row, cell.col, cell.col)
    }

    /// 64 cells of a row from a column on, the lowest bit first.
    pub(crate) fn word(&self, row: i32, col: i32) -> u64 {
        if row < 0 || row as u32 >= self.geometry.height() {
            return u64::MAX;
        }
        let words = &self.words[row as usize * self.stride..][..self.stride];
        let beyond = self.geometry.width() % 64;
        let at = |word: i32| match usize::try_from(word).ok().and_then(|word| words.get(word).map(|bits| (word, bits)))
        {
            Some((word, bits)) if word + 1 == self.stride && beyond > 0 => bits | u64::MAX << beyond,
            Some((_, bits)) => *bits,
            None => u64::MAX,
        };
        let (word, shift) = (col.div_euclid(64), col.rem_euclid(64));
        if shift == 0 { at(word) } else { at(word) >> shift | at(word + 1) << (64 - shift) }
    }

    /// Whether any of the cells of a row from column `first` to `last` is blocked; none, if `last` is less than `first`.
    #[must_use]
    pub fn is_any_blocked(&self, row: i32, first: i32, last: i32) -> bool {
        if last < first {
            return false;
        }
        let is_outside = row < 0 || row as u32 >= self.geometry.height();
        if is_outside || first < 0 || last as u32 >= self.geometry.width() {
            return true;
        }
        let row = &self.words[row as usize * self.stride..][..self.stride];
        let (from, to) = (first as usize / 64, last as usize / 64);
        let (above, below) = (u64::MAX << (first % 64), u64::MAX >> (63 - last % 64));
        if from == to {
            return row[from] & above & below != 0;
        }
        row[from] & above != 0 || row[to] & below != 0 || row[from + 1..to].iter().any(|word| *word != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_config::{GridConfig, GridKind};
    use trm_grid::costmap_builder::CostmapBuilder;
    use trm_grid::occupancy::OccupancyGrid;
    use trm_grid::testing::costmap;
    use trm_grid::units::Pose;

    #[test]
    fn lethal_and_unknown_cells_and_those_outside_are_blocked() {
        let map = costmap(&[".+9#?."]);
        for (allow_unknown, expected) in [(false, "...##."), (true, "...#..")] {
            let blocked = Blocked::new(&map, allow_unknown);
            let drawn: String =
                (0..6).map(|col| if blocked.is_blocked(Cell::new(col, 0)) { '#' } else { '.' }).collect();
            assert_eq!(drawn, expected);
            for outside in [Cell::new(-1, 0), Cell::new(6, 0), Cell::new(0, -1), Cell::new(0, 1)] {
                assert!(blocked.is_blocked(outside), "{outside:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_row_is_blocked_where_one_of_its_cells_is(
            width in 1_u32..200, cells in prop::collection::vec((0_u32..200, 0_u32..3), 0..6),
            runs in prop::collection::vec((-3..203_i32, 0..200_i32, -1..4_i32), 1..20),
        ) {
            let geometry = Geometry::new(width, 3, 1.0, Pose::default()).unwrap();
            let grid = OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap();
            let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
            builder.take_grid(grid);
            let mut map = None;
            let _ = builder.refresh_to_end().and_then(|change| change.apply(&mut map));
            let mut blocked = Blocked::new(map.as_ref().unwrap(), false);
            for (col, row) in cells {
                let rect = Rect { col: (col % width) as i32, row: row as i32, width: 1, height: 1 };
                builder.take_update(rect, &[100]).unwrap();
                let _ = builder.refresh_to_end().and_then(|change| change.apply(&mut map));
            }
            let map = *map.unwrap();
            blocked.update(&map);
            prop_assert_eq!(blocked.version(), map.version());
            for (first, length, row) in runs {
                let is_blocked = |col: i32| map.cost(Cell::new(col, row)).is_none_or(|cost| cost == 100);
                let last = first + length;
                prop_assert_eq!(blocked.is_any_blocked(row, first, last), (first..=last).any(is_blocked));
                prop_assert_eq!(blocked.is_blocked(Cell::new(first, row)), is_blocked(first));
            }
        }
    }
}
