//! The cost-to-go of a map after changes: what is nearer to the goal than they are still holds.
//!
//! A way that leads over changed cells costs more than what is left of it there. So all values below the least one of the
//! states that an edge over changed cells may end in are what they were, and the computation goes on from there. What changes
//! where the robot is, far from the goal, takes next to nothing.

use trm_grid::geometry::Rect;

use super::edges::Edges;
use super::tiles::{BAND, SCRATCH, SIDE, Tiles};
use crate::queue::Queue;
use crate::simd::lanes::{Job, Lanes, UNREACHED};

/// Finds the least value in rectangles of the grid.
pub(super) struct LeastIn<'a> {
    pub tiles: &'a Tiles,
    pub rects: &'a [Rect],
}

impl Job for LeastIn<'_> {
    type Output = u16;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> u16 {
        let mut least = UNREACHED;
        for slot in self.tiles.open_slots() {
            let corner = self.tiles.division.corner(self.tiles.of_slot[slot]);
            for rect in self.rects {
                let within = |first: i32, count: u32, corner: i32| {
                    let (from, to) = (first - corner, first + count as i32 - corner);
                    (from.clamp(0, SIDE as i32) as usize, to.clamp(0, SIDE as i32) as usize)
                };
                let (left, right) = within(rect.col, rect.width, corner.col);
                let (low, high) = within(rect.row, rect.height, corner.row);
                if left >= right || low >= high {
                    continue;
                }
                let lanes_inside = (u64::MAX << left) & (u64::MAX >> (SIDE - right));
                for heading in 0..self.tiles.headings {
                    let first = (slot * self.tiles.headings + heading) * SIDE;
                    for strip in first + low..first + high {
                        least = least.min(lanes.least(&self.tiles.values, SCRATCH + strip * SIDE, lanes_inside));
                    }
                }
            }
        }
        least
    }
}

/// Forgets the values from one on, and lists the others from which an edge may lead to these.
pub(super) struct Rewind<'a> {
    pub edges: &'a Edges,
    pub tiles: &'a mut Tiles,
    /// Empty.
    pub queue: &'a mut Queue,
    /// Values below this one hold.
    pub holds_below: u16,
}

impl Job for Rewind<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { edges, tiles, queue, holds_below } = self;
        let front = holds_below.saturating_sub(edges.dearest);
        let strips = tiles.strips();
        let slots: Vec<usize> = tiles.open_slots().collect();
        for strip in slots.into_iter().flat_map(|slot| slot * strips..(slot + 1) * strips) {
            let at = SCRATCH + strip * SIDE;
            let holds = lanes.below(&tiles.values, at, holds_below);
            for (col, value) in tiles.values[at..at + SIDE].iter_mut().enumerate() {
                *value |= ((holds >> col & 1) as u16).wrapping_sub(1);
            }
            tiles.closed[strip] = holds;
            let dirty = holds & !lanes.below(&tiles.values, at, front);
            tiles.dirty[strip] = dirty;
            if dirty != 0 {
                queue.push(strip, lanes.least(&tiles.values, at, dirty) as usize / BAND);
            }
        }
    }
}
