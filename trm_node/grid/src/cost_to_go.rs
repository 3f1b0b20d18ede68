//! Storage for the cost-to-go of all cells. On large grids it takes half the memory of `f32` values.
//!
//! Neighbouring cells have similar costs. A coded tile therefore stores, for each block of 8 × 8 cells, the integer
//! part of the least cost, and for each cell the difference to that in 16 bits. A tile with larger differences (for
//! example with a thin wall between two long ways) stores exact costs, and a tile that can't be reached stores nothing.

use crate::tiles::{TILE_CELLS, TILE_SIDE, TilePlace, Tiling};
use crate::units::Cell;

/// The costs of one tile, row-major.
pub(super) type Exact = [f32; TILE_CELLS];

/// Codes per unit of cost. The rounding error is half a code, far below [`TIE`](crate::guidance::TIE).
const CODES_PER_CELL: f32 = 2048.0;
/// The code of a cell that can't be reached.
const INFINITE: u16 = u16::MAX;
/// Side length in cells of a block, whose cells share a base.
const BLOCK: usize = 8;
/// Number of blocks in a tile.
const BLOCKS: usize = TILE_CELLS / (BLOCK * BLOCK);

/// How costs are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As `f32`.
    Exact,
    /// Coded where possible.
    Coded,
}

/// Where the costs of a tile are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// Nowhere: no cell of the tile can be reached.
    Unreached,
    /// At this index of `coded`.
    Coded(u32),
    /// At this index of `exact`.
    Exact(u32),
}

/// The coded costs of a tile: the integer part of each block's least cost, and each cell's difference to it.
#[derive(Debug, Clone)]
struct Coded {
    bases: [f32; BLOCKS],
    codes: [u16; TILE_CELLS],
}

impl Coded {
    /// Codes the costs of a tile. `None` if the costs of a block differ too much.
    fn of(costs: &Exact) -> Option<Self> {
        let mut coded = Self { bases: [f32::INFINITY; BLOCKS], codes: [INFINITE; TILE_CELLS] };
        for (at, cost) in costs.iter().enumerate() {
            let base = &mut coded.bases[block(at)];
            *base = base.min(*cost);
        }
        // Round by casting: costs are never negative, and `floor` and `round` are function calls on baseline x86-64.
        for base in coded.bases.iter_mut().filter(|base| base.is_finite()) {
            *base = *base as u32 as f32;
        }
        for (at, cost) in costs.iter().enumerate().filter(|(_, cost)| cost.is_finite()) {
            let code = ((cost - coded.bases[block(at)]) * CODES_PER_CELL + 0.5) as u32;
            if code >= u32::from(INFINITE) {
                return None;
            }
            coded.codes[at] = code as u16;
        }
        Some(coded)
    }

    fn get(&self, at: usize) -> f32 {
        let code = self.codes[at];
        if code == INFINITE { f32::INFINITY } else { self.bases[block(at)] + f32::from(code) / CODES_PER_CELL }
    }
}

const fn block(at: usize) -> usize {
    at / TILE_SIDE / BLOCK * (TILE_SIDE / BLOCK) + at % TILE_SIDE / BLOCK
}

/// The costs of a whole grid. Each kind of tile has one contiguous allocation, which returns to the system as a whole.
#[derive(Debug, Clone)]
pub(super) struct CostsToGo {
    form: Form,
    tiling: Tiling,
    slots: Vec<Slot>,
    coded: Vec<Coded>,
    exact: Vec<Exact>,
    /// Indices of `coded` and of `exact` that are free for reuse.
    spare_coded: Vec<u32>,
    spare_exact: Vec<u32>,
}

impl CostsToGo {
    /// Creates costs in which no cell can be reached.
    pub fn new(tiling: Tiling, form: Form) -> Self {
        Self {
            form,
            tiling,
            slots: vec![Slot::Unreached; tiling.count()],
            coded: Vec::new(),
            exact: Vec::new(),
            spare_coded: Vec::new(),
            spare_exact: Vec::new(),
        }
    }

    /// The cost of a cell; infinite outside the grid.
    pub fn get(&self, cell: Cell) -> f32 {
        self.tiling.place(cell).map_or(f32::INFINITY, |place| self.at(place))
    }

    /// The cost at a position in the grid.
    pub fn at(&self, TilePlace { tile, at }: TilePlace) -> f32 {
        match self.slots[tile] {
            Slot::Unreached => f32::INFINITY,
            Slot::Coded(slot) => self.coded[slot as usize].get(at),
            Slot::Exact(slot) => self.exact[slot as usize][at],
        }
    }

    /// The exact costs of a tile, for reading and writing until the tile is sealed.
    pub fn open(&mut self, tile: usize) -> &mut Exact {
        let slot = if let Slot::Exact(slot) = self.slots[tile] { slot } else { self.unseal(tile) };
        &mut self.exact[slot as usize]
    }

    fn unseal(&mut self, tile: usize) -> u32 {
        let slot = self.spare_exact.pop().unwrap_or_else(|| {
            push(&mut self.exact, [f32::INFINITY; TILE_CELLS]);
            self.exact.len() as u32 - 1
        });
        let costs = &mut self.exact[slot as usize];
        if let Slot::Coded(coded) = self.slots[tile] {
            for (at, cost) in costs.iter_mut().enumerate() {
                *cost = self.coded[coded as usize].get(at);
            }
            self.spare_coded.push(coded);
        } else {
            costs.fill(f32::INFINITY);
        }
        self.slots[tile] = Slot::Exact(slot);
        slot
    }

    /// Codes the costs of a tile where possible, and frees its exact ones for reuse.
    pub fn seal(&mut self, tile: usize) {
        let Slot::Exact(exact) = self.slots[tile] else { return };
        if self.form == Form::Coded
            && let Some(coded) = Coded::of(&self.exact[exact as usize])
        {
            let slot = if let Some(slot) = self.spare_coded.pop() {
                self.coded[slot as usize] = coded;
                slot
            } else {
                push(&mut self.coded, coded);
                self.coded.len() as u32 - 1
            };
            self.slots[tile] = Slot::Coded(slot);
            self.spare_exact.push(exact);
        }
    }

    /// Seals all tiles and frees unused memory.
    pub fn close(&mut self) {
        (0..self.slots.len()).for_each(|tile| self.seal(tile));
        if !self.spare_exact.is_empty() {
            let before = std::mem::take(&mut self.exact);
            for slot in &mut self.slots {
                if let Slot::Exact(at) = slot {
                    self.exact.push(before[*at as usize]);
                    *at = self.exact.len() as u32 - 1;
                }
            }
        }
        (self.spare_coded, self.spare_exact) = (Vec::new(), Vec::new());
        self.coded.shrink_to_fit();
        self.exact.shrink_to_fit();
    }
}

/// Pushes a tile. Grows by a sixteenth, as memory that waits to be used is memory all the same; the system moves a large
/// block without copying it.
fn push<T>(tiles: &mut Vec<T>, tile: T) {
    if tiles.len() == tiles.capacity() {
        tiles.reserve_exact(tiles.len() / 16 + 16);
    }
    tiles.push(tile);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use crate::guidance::TIE;
    use crate::units::Pose;
    use proptest::prelude::*;

    fn one_tile() -> CostsToGo {
        let side = TILE_SIDE as u32;
        CostsToGo::new(Tiling::of(&Geometry::new(side, side, 0.1, Pose::default()).unwrap()), Form::Coded)
    }

    fn cell(at: usize) -> Cell {
        Cell::new((at % TILE_SIDE) as i32, (at / TILE_SIDE) as i32)
    }

    proptest! {
        #[test]
        fn a_sealed_tile_returns_its_costs_up_to_a_rounding_error_below_a_tie(
            slope in (-4.0..4.0_f32, -4.0..4.0_f32), least in 0.0..5000.0_f32, holes in proptest::collection::vec(0..TILE_CELLS, 0..99),
            step in prop_oneof![Just(0.0_f32), Just(20.0), Just(500.0)], column in 0..TILE_SIDE,
        ) {
            let mut costs = [0.0; TILE_CELLS];
            for (at, cost) in costs.iter_mut().enumerate() {
                let (col, row) = (at % TILE_SIDE, at / TILE_SIDE);
                let jump = if col > column { step } else { 0.0 };
                *cost = least + 600.0 + slope.0 * col as f32 + slope.1 * row as f32 + jump;
            }
            for at in holes {
                costs[at] = f32::INFINITY;
            }
            let mut all = one_tile();
            *all.open(0) = costs;
            all.seal(0);
            let is_steep = slope.0.abs() + slope.1.abs() > 4.0;
            prop_assert!(step > 0.0 || is_steep || matches!(all.slots[0], Slot::Coded(_)));
            for closed in [false, true] {
                for (at, cost) in costs.into_iter().enumerate() {
                    let found = all.get(cell(at));
                    prop_assert!((found - cost).abs() < 0.6 * TIE || (found.is_infinite() && cost.is_infinite()));
                }
                // Opened and sealed again.
                prop_assert_eq!(all.open(0)[7].to_bits(), all.get(cell(7)).to_bits());
                if !closed {
                    all.close();
                }
            }
        }
    }

    #[test]
    fn an_unreachable_tile_takes_no_memory() {
        let mut all = one_tile();
        all.close();
        assert!(all.get(cell(7)).is_infinite() && all.get(Cell::new(-1, 0)).is_infinite());
        assert_eq!((all.exact.len(), all.coded.len()), (0, 0));
    }
}
