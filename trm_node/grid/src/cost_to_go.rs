//! Storage for the cost-to-go of all cells, in units. Copies share the tiles in which they agree. On large grids it takes
//! half the memory of one number a cell.
//!
//! Neighbouring cells have similar costs. A coded tile therefore stores, for each block of 8 × 8 cells, the least cost, and
//! for each cell the difference to that in 16 bits. A tile with larger differences (for example with a thin wall between
//! two long ways) stores the costs themselves, and a tile that can't be reached stores nothing. Nothing is rounded.

use std::sync::Arc;

use crate::tariff::UNREACHED;
use crate::tiles::{TILE_CELLS, TILE_SIDE, TilePlace, Tiling};
use crate::units::Cell;

/// The costs of one tile, row-major.
pub(super) type Exact = [u32; TILE_CELLS];

/// The code of a cell that can't be reached.
const NONE: u16 = u16::MAX;
/// Side length in cells of a block, whose cells share a base.
const BLOCK: usize = 8;
/// Number of blocks in a tile.
const BLOCKS: usize = TILE_CELLS / (BLOCK * BLOCK);

/// How costs are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Exact,
    /// Coded where possible.
    Coded,
}

/// The costs of a tile.
#[derive(Debug, Clone)]
enum Stored {
    /// No cell of the tile can be reached.
    Unreached,
    Coded(Arc<Coded>),
    Exact(Arc<Exact>),
}

/// The coded costs of a tile: each block's least cost, and each cell's difference to it.
#[derive(Debug, Clone)]
struct Coded {
    bases: [u32; BLOCKS],
    codes: [u16; TILE_CELLS],
}

impl Coded {
    /// Codes the costs of a tile. `None` if the costs of a block differ too much.
    fn of(costs: &Exact) -> Option<Arc<Self>> {
        let mut bases = [UNREACHED; BLOCKS];
        for (at, cost) in costs.iter().enumerate() {
            let base = &mut bases[block(at)];
            *base = (*base).min(*cost);
        }
        let mut coded = Arc::new(Self { bases, codes: [NONE; TILE_CELLS] });
        let codes = &mut Arc::get_mut(&mut coded)?.codes;
        for (at, cost) in costs.iter().enumerate().filter(|(_, cost)| **cost < UNREACHED) {
            codes[at] = u16::try_from(cost - bases[block(at)]).ok().filter(|code| *code != NONE)?;
        }
        Some(coded)
    }

    fn get(&self, at: usize) -> u32 {
        if self.codes[at] == NONE { UNREACHED } else { self.bases[block(at)] + u32::from(self.codes[at]) }
    }
}

const fn block(at: usize) -> usize {
    at / TILE_SIDE / BLOCK * (TILE_SIDE / BLOCK) + at % TILE_SIDE / BLOCK
}

/// The costs of a whole grid.
#[derive(Debug, Clone)]
pub(super) struct CostsToGo {
    form: Form,
    tiling: Tiling,
    tiles: Vec<Stored>,
}

impl CostsToGo {
    /// Creates costs in which no cell can be reached.
    pub fn new(tiling: Tiling, form: Form) -> Self {
        Self { form, tiling, tiles: vec![Stored::Unreached; tiling.count()] }
    }

    /// How the grid is divided.
    pub const fn tiling(&self) -> Tiling {
        self.tiling
    }

    /// The cost of a cell; [`UNREACHED`] outside the grid.
    pub fn get(&self, cell: Cell) -> u32 {
        self.tiling.place(cell).map_or(UNREACHED, |place| self.at(place))
    }

    /// The cost at a position in the grid.
    pub fn at(&self, TilePlace { tile, at }: TilePlace) -> u32 {
        match &self.tiles[tile] {
            Stored::Unreached => UNREACHED,
            Stored::Coded(coded) => coded.get(at),
            Stored::Exact(exact) => exact[at],
        }
    }

    /// Copies the costs of a row of a tile.
    #[inline]
    pub fn read_row(&self, tile: usize, row: usize, to: &mut [u32]) {
        let cells = row * TILE_SIDE..(row + 1) * TILE_SIDE;
        match &self.tiles[tile] {
            Stored::Unreached => to.fill(UNREACHED),
            Stored::Coded(coded) => to.iter_mut().zip(cells).for_each(|(to, at)| *to = coded.get(at)),
            Stored::Exact(exact) => to.copy_from_slice(&exact[cells]),
        }
    }

    /// The tiles in which it differs from another one of the same grid, or else that can be reached, with their costs.
    pub fn differing(&self, other: Option<&Self>) -> Vec<(usize, Box<Exact>)> {
        let costs = |tile: &Stored| {
            let at = |at| match tile {
                Stored::Unreached => UNREACHED,
                Stored::Coded(coded) => coded.get(at),
                Stored::Exact(exact) => exact[at],
            };
            Box::new(std::array::from_fn(at))
        };
        let is_same = |number: usize, tile: &Stored| {
            let before = other.map_or(&Stored::Unreached, |other| &other.tiles[number]);
            match (tile, before) {
                (Stored::Unreached, Stored::Unreached) => true,
                (Stored::Coded(one), Stored::Coded(other)) if Arc::ptr_eq(one, other) => true,
                (Stored::Exact(one), Stored::Exact(other)) if Arc::ptr_eq(one, other) => true,
                _ => costs(tile) == costs(before),
            }
        };
        let differing = self.tiles.iter().enumerate().filter(|(number, tile)| !is_same(*number, tile));
        differing.map(|(number, tile)| (number, costs(tile))).collect()
    }

    /// Replaces the costs of a tile. Copies keep theirs.
    pub fn write(&mut self, tile: usize, costs: &Exact) {
        if self.form == Form::Coded
            && let Some(coded) = Coded::of(costs)
        {
            self.tiles[tile] = Stored::Coded(coded);
            return;
        }
        if let Stored::Exact(exact) = &mut self.tiles[tile]
            && let Some(own) = Arc::get_mut(exact)
        {
            *own = *costs;
            return;
        }
        let is_reached = costs.iter().any(|cost| *cost < UNREACHED);
        self.tiles[tile] = if is_reached { Stored::Exact(Arc::new(*costs)) } else { Stored::Unreached };
    }
}
