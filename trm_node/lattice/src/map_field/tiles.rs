//! The states of a map by tiles of 64 × 64 cells: only tiles that a field has come to take memory.

use trm_grid::geometry::{Geometry, Rect};
use trm_grid::units::Cell;

use super::edges::Edges;
use super::ground::Ground;
use crate::lattice::{Lattice, State, UNITS_PER_CELL};
use crate::masks::keep_base_inside;
use crate::obstacles::Obstacles;
use crate::simd::lanes::UNREACHED;

/// The width of a band of cost in units.
pub(super) const BAND: usize = 16 * UNITS_PER_CELL as usize;
/// Bands that hold all values.
pub(super) const BANDS: usize = UNREACHED as usize / BAND + 2;
/// Columns and rows of a tile.
pub(crate) const SIDE: usize = 64;
/// Values before those of the first tile: a strip, and as much before and after it, so that all look-ups beside it are inside.
pub(super) const SCRATCH: usize = 3 * SIDE;
/// Tiles that take memory at most: 136 MB of values with 16 headings.
pub(super) const MAX_TILES: usize = 1024;
/// No slot yet.
pub(super) const NONE: u32 = u32::MAX;
/// Beside the map.
pub(super) const OUTSIDE: u32 = NONE - 1;

/// How a map is divided. Around it there is a border of tiles that are outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Division {
    /// Tiles in a row, the border's two included.
    pub across: usize,
    down: usize,
}

impl Division {
    pub fn of(geometry: &Geometry) -> Self {
        let tiles = |cells: u32| (cells as usize).div_ceil(SIDE) + 2;
        Self { across: tiles(geometry.width()), down: tiles(geometry.height()) }
    }

    pub const fn count(self) -> usize {
        self.across * self.down
    }

    /// The tile of a cell, which may be one of the border; `None` beyond that.
    #[inline(always)]
    pub fn tile(self, cell: Cell) -> Option<usize> {
        let (col, row) = (cell.col >> 6, cell.row >> 6);
        let inside = |at: i32, count: usize| (-1..count as i32 - 1).contains(&at);
        (inside(col, self.across) && inside(row, self.down))
            .then(|| (row + 1) as usize * self.across + (col + 1) as usize)
    }

    /// The first cell of a tile.
    pub const fn corner(self, tile: usize) -> Cell {
        let side = SIDE as i32;
        Cell::new(((tile % self.across) as i32 - 1) * side, ((tile / self.across) as i32 - 1) * side)
    }

    const fn is_border(self, tile: usize) -> bool {
        let (col, row) = (tile % self.across, tile / self.across);
        col == 0 || row == 0 || col + 1 == self.across || row + 1 == self.down
    }
}

/// The strip of a state in the tile of a slot, and its lane: a strip is 64 states of a row with one heading.
#[inline(always)]
pub(crate) const fn strip_of(slot: usize, headings: usize, state: State) -> (usize, usize) {
    let (col, row) = ((state.cell.col & 63) as usize, (state.cell.row & 63) as usize);
    ((slot * headings + state.heading as usize) * SIDE + row, col)
}

/// What is known of the tiles that have been opened.
#[derive(Debug)]
pub(super) struct Tiles {
    pub division: Division,
    pub headings: usize,
    pub primitives: usize,
    /// Where what is known of a tile lies.
    slots: Vec<u32>,
    /// The tile of each slot.
    pub of_slot: Vec<usize>,
    /// The computation that each slot was used in.
    rounds: Vec<u32>,
    round: u32,
    /// Whether `clear` is that of the present ground.
    is_read: Vec<bool>,
    /// The scratch, and `[strip, column]`.
    pub values: Vec<u16>,
    /// `[strip]`: values that have improved since their neighbours looked at them.
    pub dirty: Vec<u64>,
    /// `[strip]`: values that are final.
    pub closed: Vec<u64>,
    /// `[slot, primitive, row]`: where a primitive may begin.
    pub clear: Vec<u64>,
}

impl Tiles {
    pub fn new(geometry: &Geometry, lattice: &Lattice) -> Self {
        let division = Division::of(geometry);
        let slot = |tile: usize| if division.is_border(tile) { OUTSIDE } else { NONE };
        Self {
            division,
            headings: lattice.headings().len(),
            primitives: lattice.primitives().len(),
            slots: (0..division.count()).map(slot).collect(),
            of_slot: Vec::new(),
            rounds: Vec::new(),
            round: 1,
            is_read: Vec::new(),
            values: vec![UNREACHED; SCRATCH],
            dirty: Vec::new(),
            closed: Vec::new(),
            clear: Vec::new(),
        }
    }

    /// Strips of a slot.
    pub const fn strips(&self) -> usize {
        self.headings * SIDE
    }

    /// The slot of a tile in this computation, [`NONE`] or [`OUTSIDE`].
    #[inline(always)]
    pub fn slot(&self, tile: usize) -> u32 {
        let slot = self.slots[tile];
        if slot < OUTSIDE && self.rounds[slot as usize] != self.round { NONE } else { slot }
    }

    /// The slots of this computation.
    pub fn open_slots(&self) -> impl Iterator<Item = usize> {
        (0..self.of_slot.len()).filter(|slot| self.rounds[*slot] == self.round)
    }

    /// Forgets all values.
    pub fn begin(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// Opens a tile of the map. `None` if there is no room.
    #[inline(always)]
    pub fn open(&mut self, tile: usize, ground: &Ground, lattice: &Lattice, obstacles: &mut Obstacles) -> Option<u32> {
        let slot = match self.slots[tile] {
            NONE if self.of_slot.len() == MAX_TILES => return None,
            NONE => self.add(tile),
            slot => slot as usize,
        };
        let strips = self.strips();
        let first = slot * strips;
        self.rounds[slot] = self.round;
        self.values[SCRATCH + first * SIDE..][..strips * SIDE].fill(UNREACHED);
        self.dirty[first..][..strips].fill(0);
        self.closed[first..][..strips].fill(0);
        if !self.is_read[slot] {
            self.is_read[slot] = true;
            self.read(slot, ground, lattice, obstacles);
        }
        Some(slot as u32)
    }

    fn add(&mut self, tile: usize) -> usize {
        let (slot, strips) = (self.of_slot.len(), self.strips());
        self.slots[tile] = slot as u32;
        self.of_slot.push(tile);
        self.rounds.push(0);
        self.is_read.push(false);
        // Grows by a part, not to the double.
        let count = slot + 1;
        let grown = |length: usize, capacity: usize| (length > capacity).then_some(length / 8 + length);
        let length = SCRATCH + count * strips * SIDE;
        if let Some(room) = grown(length, self.values.capacity()) {
            self.values.reserve_exact(room - self.values.len());
        }
        self.values.resize(length, UNREACHED);
        self.dirty.resize(count * strips, 0);
        self.closed.resize(count * strips, 0);
        self.clear.resize(count * self.primitives * SIDE, 0);
        slot
    }

    /// Finds out where each primitive may begin.
    #[inline(always)]
    fn read(&mut self, slot: usize, ground: &Ground, lattice: &Lattice, obstacles: &mut Obstacles) {
        let corner = self.division.corner(self.of_slot[slot]);
        obstacles.take_blocked(corner, &ground.blocked);
        obstacles.double();
        for (at, primitive) in lattice.primitives().iter().enumerate() {
            let mut hit = [0_u64; SIDE];
            for run in &primitive.sweep {
                obstacles.look(*run, 0, 0, &mut hit);
            }
            let clear = &mut self.clear[(slot * self.primitives + at) * SIDE..][..SIDE];
            for (clear, hit) in clear.iter_mut().zip(hit) {
                *clear = !hit;
            }
            keep_base_inside(primitive, ground.geometry(), corner, clear);
        }
    }

    /// Reads anew the tiles that rectangles touch: those of this computation now, others when they are opened.
    #[inline(always)]
    pub fn reread(&mut self, rects: &[Rect], ground: &Ground, lattice: &Lattice, obstacles: &mut Obstacles) {
        for slot in 0..self.of_slot.len() {
            let Cell { col, row } = self.division.corner(self.of_slot[slot]);
            let side = SIDE as i32;
            let touches = |rect: &Rect| {
                let (right, top) = (rect.col + rect.width as i32, rect.row + rect.height as i32);
                rect.col < col + side && rect.row < row + side && col < right && row < top
            };
            if rects.iter().any(touches) {
                self.is_read[slot] = self.rounds[slot] == self.round;
                if self.is_read[slot] {
                    self.read(slot, ground, lattice, obstacles);
                }
            }
        }
    }

    /// Forgets what is known of the ground.
    pub fn forget_ground(&mut self) {
        self.is_read.fill(false);
    }

    /// The value of a state; `None` if it hasn't any.
    pub fn value(&self, state: State) -> Option<u16> {
        let slot = self.slot(self.division.tile(state.cell)?);
        if slot >= OUTSIDE {
            return None;
        }
        let (strip, lane) = strip_of(slot as usize, self.headings, state);
        Some(self.values[SCRATCH + strip * SIDE + lane]).filter(|value| *value != UNREACHED)
    }
}

/// The cells that what an edge touches may begin or end at.
pub(super) fn reach(lattice: &Lattice, edges: &Edges) -> i32 {
    let step = edges.all.iter().map(|edge| edge.step.col.abs().max(edge.step.row.abs())).max().unwrap_or(0);
    step + lattice.margin()
}
