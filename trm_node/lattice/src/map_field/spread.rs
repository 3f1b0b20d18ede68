//! A band of the cost-to-go of a map, strip by strip. It is the computation of a window ([`crate::bands`]) without borders.

use trm_grid::units::Cell;

use super::edges::{Edges, MapEdge};
use super::ground::Ground;
use super::tiles::{BAND, NONE, OUTSIDE, SCRATCH, SIDE, Tiles};
use crate::lattice::Lattice;
use crate::levels::LEVELS;
use crate::obstacles::Obstacles;
use crate::queue::Queue;
use crate::simd::lanes::{Job, Lanes, UNREACHED};

/// Strips between two looks at the clock.
const STRIPS_BETWEEN_LOOKS: u32 = 64;

/// How a band ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All values below its end are final.
    Done,
    /// It was told to stop.
    Stopped,
    /// There are more tiles than fit.
    OutOfRoom,
}

/// Improves values within a band until all of them are final.
pub(super) struct SpreadBand<'a> {
    pub lattice: &'a Lattice,
    pub edges: &'a Edges,
    pub ground: &'a Ground,
    pub obstacles: &'a mut Obstacles,
    pub tiles: &'a mut Tiles,
    pub queue: &'a mut Queue,
    /// The strips that were worked on in this band.
    pub touched: &'a mut Vec<u32>,
    pub band: usize,
    pub may_go_on: &'a mut dyn FnMut() -> bool,
}

impl Job for SpreadBand<'_> {
    type Output = Ended;

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) -> Ended {
        let mut strips = 0;
        while let Some(strip) = self.queue.pop(self.band) {
            if strips % STRIPS_BETWEEN_LOOKS == 0 && !(self.may_go_on)() {
                self.queue.push(strip, self.band);
                return Ended::Stopped;
            }
            strips += 1;
            if !self.spread_strip(lanes, strip) {
                return Ended::OutOfRoom;
            }
        }
        let end = self.end();
        for strip in self.touched.drain(..) {
            let strip = strip as usize;
            self.tiles.closed[strip] |= lanes.below(&self.tiles.values, SCRATCH + strip * SIDE, end);
        }
        Ended::Done
    }
}

impl SpreadBand<'_> {
    #[inline(always)]
    fn end(&self) -> u16 {
        ((self.band + 1) * BAND).min(UNREACHED as usize) as u16
    }

    /// Tells the neighbours of a strip's improved values within the band about them. `false` if a tile doesn't fit.
    #[inline(always)]
    fn spread_strip<L: Lanes>(&mut self, lanes: L, strip: usize) -> bool {
        let at = SCRATCH + strip * SIDE;
        let dirty = self.tiles.dirty[strip];
        let now = dirty & lanes.below(&self.tiles.values, at, self.end());
        let later = dirty & !now;
        self.tiles.dirty[strip] = later;
        if later != 0 {
            self.queue.push(strip, lanes.least(&self.tiles.values, at, later) as usize / BAND);
        }
        if now == 0 {
            return true;
        }
        self.touched.push(strip as u32);
        // Values beside the strip are there to be read, but none of them is in a mask.
        self.tiles.values.copy_within(at..at + SIDE, SIDE);
        let (strips, row) = (self.tiles.strips(), strip % SIDE);
        let (slot, heading) = (strip / strips, strip % strips / SIDE);
        let edges = self.edges;
        for edge in &edges.all[edges.into[heading]..edges.into[heading + 1]] {
            // Played backwards, a primitive begins here.
            let clear = (slot * self.tiles.primitives + edge.primitive) * SIDE + row;
            let now = if edge.is_reversed { now & self.tiles.clear[clear] } else { now };
            if now == 0 {
                continue;
            }
            let cols = edge.step.col;
            let (here, beside, next) = match cols {
                0 => (now, 0, 0),
                1.. => (now >> cols, now << (SIDE as i32 - cols), -1),
                _ => (now << -cols, now >> (SIDE as i32 + cols), 1),
            };
            for (mask, next) in [(here, 0), (beside, next)] {
                if mask != 0 && !self.spread_edge(lanes, edge, (slot, row), (mask, next)) {
                    // Again, once there is room.
                    self.tiles.dirty[strip] |= now;
                    return false;
                }
            }
        }
        true
    }

    /// Improves the values of states of one strip from which an edge leads to the strip in the scratch. The other strip is
    /// `next` tiles beside it.
    #[inline(always)]
    fn spread_edge<L: Lanes>(
        &mut self,
        lanes: L,
        edge: &MapEdge,
        (slot, row): (usize, usize),
        (mask, next): (u64, i32),
    ) -> bool {
        let (division, row) = (self.tiles.division, row as i32 - edge.step.row);
        let tile = self.tiles.of_slot[slot] as i32 + (row >> 6) * division.across as i32 + next;
        let source = match self.tiles.slot(tile as usize) {
            OUTSIDE => return true,
            NONE => match self.open(tile as usize) {
                Some(slot) => slot,
                None => return false,
            },
            slot => slot,
        };
        let (source, row) = (source as usize, (row & 63) as usize);
        let strip = (source * self.tiles.headings + edge.from) * SIDE + row;
        let mut mask = mask & !self.tiles.closed[strip];
        if !edge.is_reversed {
            mask &= self.tiles.clear[(source * self.tiles.primitives + edge.primitive) * SIDE + row];
        }
        if mask == 0 {
            return true;
        }
        let (to, from) = (SCRATCH + strip * SIDE, (SIDE as i32 * (1 + next) + edge.step.col) as usize);
        let mut left = mask;
        if self.ground.has_levels() {
            let corner = division.corner(tile as usize);
            let middle = Cell::new(corner.col + edge.middle.col, corner.row + row as i32 + edge.middle.row);
            // Mostly there is no level above the lowest.
            let mut above = left & self.ground.above(0, middle);
            left &= !above;
            let mut level = 1;
            while above != 0 {
                let higher = if level + 1 < LEVELS { above & self.ground.above(level, middle) } else { 0 };
                self.relax(lanes, (strip, to), from, edge.costs[level], above & !higher);
                above = higher;
                level += 1;
            }
        }
        self.relax(lanes, (strip, to), from, edge.costs[0], left);
        true
    }

    #[inline(always)]
    fn relax<L: Lanes>(&mut self, lanes: L, (strip, to): (usize, usize), from: usize, cost: u16, mask: u64) {
        if mask == 0 {
            return;
        }
        let changed = lanes.relax(&mut self.tiles.values, to, from, cost, mask);
        if changed != 0 {
            self.tiles.dirty[strip] |= changed;
            self.queue.push(strip, (self.band * BAND + cost as usize) / BAND);
        }
    }

    #[inline(always)]
    fn open(&mut self, tile: usize) -> Option<u32> {
        let slot = self.tiles.open(tile, self.ground, self.lattice, self.obstacles)?;
        self.queue.grow(self.tiles.of_slot.len() * self.tiles.strips());
        Some(slot)
    }
}
