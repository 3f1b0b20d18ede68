//! A coarse picture of which cells are connected: the free cells of each block of 16 × 16 cells fall into regions, and
//! regions of neighbouring blocks touch or don't. A way over regions exists exactly if one over cells does: a diagonal
//! move needs both cells beside it, so cells are connected as soon as they are along sides.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::cost::is_free;
use crate::costmap::Costmap;
use crate::tiles::{TILE_CELLS, TILE_SIDE, TilePlace, Tiling};
use crate::units::Cell;

/// Side length of a block in cells: the bits of a row.
const SIDE: usize = 16;
const _: () = assert!(TILE_SIDE.is_multiple_of(SIDE), "a block lies in one tile");
/// Nodes visited between two checks for cancellation.
const CANCEL_EVERY: usize = 4096;
/// The length of a step to a block beside this one, and to one at its corner.
const STEPS: [u32; 2] = [10, 14];

/// The cells of a block, a bit each.
type Rows = [u16; SIDE];

/// One side of a block.
#[derive(Clone, Copy)]
enum Edge {
    Left,
    Right,
    Below,
    Above,
}

const EDGES: [Edge; 4] = [Edge::Left, Edge::Right, Edge::Below, Edge::Above];

/// The regions of one block, counted from 1.
#[derive(Clone, Copy, Default)]
struct Block {
    count: u8,
    /// The region of each cell along each [`Edge`]; 0 where it isn't free.
    edges: [[u8; SIDE]; 4],
}

impl Block {
    fn of(free: &Rows) -> Self {
        let mut block = Self::default();
        let mut left = *free;
        while let Some(region) = take_region(&mut left) {
            block.count += 1;
            for at in 0..SIDE {
                let bits = [region[at] & 1, region[at] >> (SIDE - 1), region[0] >> at & 1, region[SIDE - 1] >> at & 1];
                for (edge, bit) in block.edges.iter_mut().zip(bits) {
                    if bit != 0 {
                        edge[at] = block.count;
                    }
                }
            }
        }
        block
    }
}

/// Takes the cells out that are connected with the first free one; `None` when no cell is left.
fn take_region(left: &mut Rows) -> Option<Rows> {
    let row = left.iter().position(|row| *row != 0)?;
    let mut region = [0; SIDE];
    region[row] = left[row] & left[row].wrapping_neg();
    grow(&mut region, left);
    for (left, region) in left.iter_mut().zip(region) {
        *left &= !region;
    }
    Some(region)
}

/// Adds all free cells that are connected with a region.
fn grow(region: &mut Rows, free: &Rows) {
    loop {
        let before = *region;
        for row in 0..SIDE {
            let beside = if row > 0 { region[row - 1] } else { 0 };
            region[row] = spread_along(region[row] | beside & free[row], free[row]);
        }
        for row in (0..SIDE - 1).rev() {
            region[row] = spread_along(region[row] | region[row + 1] & free[row], free[row]);
        }
        if *region == before {
            return;
        }
    }
}

/// Spreads bits along a row, over free cells.
const fn spread_along(mut bits: u16, free: u16) -> u16 {
    // Each step doubles how far it may go, over runs of free cells (Kogge and Stone's carries).
    let (mut up, mut down) = (free, free);
    let mut step = 1;
    while step < SIDE {
        bits |= up & bits << step | down & bits >> step;
        up &= up << step;
        down &= down >> step;
        step *= 2;
    }
    bits
}

/// All regions of a grid.
pub struct Regions<'a> {
    costmap: &'a Costmap,
    tiling: Tiling,
    allow_unknown: bool,
    /// Blocks in a row, and rows of blocks.
    size: (usize, usize),
    blocks: Vec<Block>,
    /// The number of the first region of each block.
    first: Vec<u32>,
}

impl<'a> Regions<'a> {
    /// Finds them.
    pub fn of(costmap: &'a Costmap, allow_unknown: bool) -> Self {
        let (geometry, tiling) = (costmap.geometry(), Tiling::of(costmap.geometry()));
        let size = [geometry.width(), geometry.height()].map(|side| (side as usize).div_ceil(SIDE));
        let mut all = Self {
            costmap,
            tiling,
            allow_unknown,
            size: (size[0], size[1]),
            blocks: Vec::with_capacity(size[0] * size[1]),
            first: Vec::with_capacity(size[0] * size[1]),
        };
        let mut count = 0;
        for row in 0..all.size.1 {
            for col in 0..all.size.0 {
                let block = Block::of(&all.free(col, row));
                all.first.push(count);
                count += u32::from(block.count);
                all.blocks.push(block);
            }
        }
        all
    }

    fn corner(col: usize, row: usize) -> Cell {
        Cell::new((col * SIDE) as i32, (row * SIDE) as i32)
    }

    /// The free cells of a block.
    fn free(&self, col: usize, row: usize) -> Rows {
        let TilePlace { tile, at } = self.tiling.place_inside(Self::corner(col, row));
        let costs: &[u8; TILE_CELLS] = self.costmap.tile(tile);
        std::array::from_fn(|row| {
            let costs = &costs[at + row * TILE_SIDE..][..SIDE];
            let bit = |bits, (bit, cost): (usize, &u8)| bits | u16::from(is_free(*cost, self.allow_unknown)) << bit;
            costs.iter().enumerate().fold(0, bit)
        })
    }

    /// The block and the region of a cell; `None` where it isn't free.
    fn place(&self, cell: Cell) -> Option<Region> {
        if !self.costmap.is_free(cell, self.allow_unknown) {
            return None;
        }
        let (col, row) = (cell.col as usize / SIDE, cell.row as usize / SIDE);
        let mut left = self.free(col, row);
        let mut region = 0;
        while let Some(cells) = take_region(&mut left) {
            region += 1;
            if cells[cell.row as usize % SIDE] >> (cell.col as usize % SIDE) & 1 != 0 {
                return Some((row * self.size.0 + col, region));
            }
        }
        None
    }

    fn node(&self, (block, region): Region) -> usize {
        self.first[block] as usize + usize::from(region) - 1
    }

    fn beside(&self, block: usize, edge: Edge) -> Option<usize> {
        let (col, row) = (block % self.size.0, block / self.size.0);
        match edge {
            Edge::Left => (col > 0).then(|| block - 1),
            Edge::Right => (col + 1 < self.size.0).then_some(block + 1),
            Edge::Below => (row > 0).then(|| block - self.size.0),
            Edge::Above => (row + 1 < self.size.1).then_some(block + self.size.0),
        }
    }

    /// Calls `each` with the regions beyond an edge that touch this one. One may come several times.
    fn touching(&self, (block, region): Region, edge: Edge, mut each: impl FnMut(Region)) {
        let Some(other) = self.beside(block, edge) else { return };
        let opposite = [Edge::Right, Edge::Left, Edge::Above, Edge::Below][edge as usize];
        let (here, there) = (&self.blocks[block].edges[edge as usize], &self.blocks[other].edges[opposite as usize]);
        let mut last = 0;
        for (_, there) in here.iter().zip(there).filter(|(here, there)| **here == region && **there != 0) {
            if *there != last {
                last = *there;
                each((other, last));
            }
        }
    }

    /// The first of the `ends` that a way leads to, and the tiles around the shortest way there over regions, each marked
    /// with true: within them the two are connected. `None` if there is no way to any, or if `cancelled` returns true.
    pub fn corridor(&self, from: Cell, ends: &[Cell], cancelled: &dyn Fn() -> bool) -> Option<(Cell, Vec<bool>)> {
        let from = self.place(from)?;
        let first = self.place(*ends.first()?)?;
        let mut search = Search::new(self, from, first.0);
        if search.run(first, cancelled)? {
            return Some((ends[0], search.tiles(from, first)));
        }
        // All that can be reached was visited.
        let is_reached =
            |cell: &&Cell| self.place(**cell).is_some_and(|place| search.costs[self.node(place)] < u32::MAX);
        let end = *ends.iter().find(is_reached)?;
        let place = self.place(end)?;
        let mut search = Search::new(self, from, place.0);
        search.run(place, cancelled)?.then(|| (end, search.tiles(from, place)))
    }
}

/// A region: its block, and its number there.
type Region = (usize, u8);

/// Estimated whole cost, cost so far (of equals the farthest is first), and region.
type Waiting = Reverse<(u32, Reverse<u32>, Region)>;

/// A* over regions.
struct Search<'a> {
    regions: &'a Regions<'a>,
    /// By node.
    costs: Vec<u32>,
    came_from: Vec<Region>,
    waiting: BinaryHeap<Waiting>,
    /// The block of the end.
    to: usize,
}

impl<'a> Search<'a> {
    fn new(regions: &'a Regions<'a>, from: Region, to: usize) -> Self {
        let nodes = regions.first.last().map_or(0, |last| *last as usize) + usize::from(u8::MAX);
        let (costs, came_from) = (vec![u32::MAX; nodes], vec![from; nodes]);
        let mut search = Self { regions, costs, came_from, waiting: BinaryHeap::new(), to };
        search.reach(0, from, from);
        search
    }

    /// Whether a region is reached; `None` if `cancelled` returns true.
    fn run(&mut self, to: Region, cancelled: &dyn Fn() -> bool) -> Option<bool> {
        let mut visited = 0_usize;
        while let Some(Reverse((_, Reverse(cost), here))) = self.waiting.pop() {
            if here == to {
                return Some(true);
            }
            visited += 1;
            if visited.is_multiple_of(CANCEL_EVERY) && cancelled() {
                return None;
            }
            if cost == self.costs[self.regions.node(here)] {
                self.expand(here, cost);
            }
        }
        Some(false)
    }

    fn reach(&mut self, cost: u32, region: Region, from: Region) {
        let node = self.regions.node(region);
        if cost < self.costs[node] {
            self.costs[node] = cost;
            self.came_from[node] = from;
            self.waiting.push(Reverse((cost + self.estimate(region.0), Reverse(cost), region)));
        }
    }

    /// The length of the way over blocks alone.
    fn estimate(&self, block: usize) -> u32 {
        let across = self.regions.size.0;
        let cols = (block % across).abs_diff(self.to % across) as u32;
        let rows = (block / across).abs_diff(self.to / across) as u32;
        STEPS[1] * cols.min(rows) + STEPS[0] * (cols.max(rows) - cols.min(rows))
    }

    fn expand(&mut self, here: Region, cost: u32) {
        let regions = self.regions;
        for edge in EDGES {
            regions.touching(here, edge, |beside| {
                self.reach(cost + STEPS[0], beside, here);
                let turns = if matches!(edge, Edge::Left | Edge::Right) { [2, 3] } else { [0, 1] };
                for turn in turns.map(|at| EDGES[at]) {
                    regions.touching(beside, turn, |corner| self.reach(cost + STEPS[1], corner, here));
                }
            });
        }
    }

    /// The tiles of all blocks on the way found, and beside them.
    fn tiles(&self, from: Region, to: Region) -> Vec<bool> {
        let Regions { size, tiling, .. } = self.regions;
        let mut tiles = vec![false; tiling.count()];
        let mut here = to;
        loop {
            let (col, row) = (here.0 % size.0, here.0 / size.0);
            for row in row.saturating_sub(1)..(row + 2).min(size.1) {
                for col in col.saturating_sub(1)..(col + 2).min(size.0) {
                    tiles[tiling.place_inside(Regions::corner(col, row)).tile] = true;
                }
            }
            if here == from {
                return tiles;
            }
            here = self.came_from[self.regions.node(here)];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::guidance::Guidance;
    use crate::testing::{costmap, travel};

    #[test]
    fn bits_spread_over_free_cells_alone() {
        assert_eq!(spread_along(0b0000_1000, 0b0111_1101), 0b0111_1100);
        assert_eq!(spread_along(1, u16::MAX), u16::MAX);
        assert_eq!(spread_along(0x8000, 0xF0FF), 0xF000);
        assert_eq!(spread_along(0, u16::MAX), 0);
    }

    #[test]
    fn a_snake_is_one_region_and_a_chessboard_has_as_many_as_fields() {
        let snake: Rows = std::array::from_fn(|row| match row % 4 {
            0 | 2 => u16::MAX,
            1 => 0x8000,
            _ => 1,
        });
        assert_eq!(Block::of(&snake).count, 1);
        assert_eq!(Block::of(&std::array::from_fn(|row| if row % 2 == 0 { 0x5555 } else { 0xAAAA })).count, 128);
        assert_eq!(Block::of(&[0; SIDE]).count, 0);
    }

    /// Rows of cells, drawn by a generator of 64 bits. (A strategy for each cell takes longer than what is tested.)
    fn world(mut state: u64, side: usize, occupied: u64) -> Vec<String> {
        let mut cell = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if state % 100 < occupied {
                '#'
            } else if state.is_multiple_of(7) {
                '5'
            } else {
                '.'
            }
        };
        (0..side).map(|_| (0..side).map(|_| cell()).collect()).collect()
    }

    #[test]
    fn the_first_end_that_can_be_reached_is_taken() {
        let mut rows = vec![".".repeat(60); 40];
        for row in &mut rows {
            row.replace_range(50..51, "#");
        }
        let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let (from, ends) = (Cell::new(3, 3), [Cell::new(51, 20), Cell::new(53, 9), Cell::new(49, 20), Cell::new(2, 2)]);
        let goal = |ends| Guidance::corridor(&map, from, ends, travel(1.0), &|| false).map(|guidance| guidance.goal());
        assert_eq!(goal(&ends), Some(ends[2]));
        assert_eq!([goal(&ends[..2]), goal(&[])], [None, None]);
        assert!(Guidance::corridor(&map, ends[0], &ends, travel(1.0), &|| true).is_none(), "it is cancelled");
    }

    proptest! {
        /// There is a corridor exactly where there is a way, and a way within it.
        #[test]
        fn a_corridor_exists_where_a_way_does_and_holds_one(
            seed in 1_u64.., occupied in 20..38_u64, from in (0..150, 0..150), to in (0..150, 0..150),
        ) {
            let rows = world(seed, 150, occupied);
            let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            let (from, to) = (Cell::new(from.0, from.1), Cell::new(to.0, to.1));
            let whole = Guidance::compute(&map, to, travel(1.0), &|| false).unwrap().cost_to_go(from);
            let part = Guidance::corridor(&map, from, &[to], travel(1.0), &|| false);
            prop_assert_eq!(part.is_some(), whole.is_finite());
            if let Some(part) = part {
                prop_assert!(part.cost_to_go(from).is_finite() && part.cost_to_go(from) >= whole - 1e-2);
                prop_assert!(part.is_part());
            }
        }
    }
}
