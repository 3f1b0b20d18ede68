//! Keeps the cost-to-go of a grid right: tiles wait in two queues, those in which costs may have lost their support, and
//! those that may be lowered. When both are empty, every cost is that of the best way, whatever the order was: the sums
//! are of whole numbers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::cost_to_go::{CostsToGo, Exact, Form};
use crate::costmap::Costmap;
use crate::geometry::Rect;
use crate::sweep::{Borders, Sides, Sweep};
use crate::tariff::{Tariff, UNREACHED};
use crate::tiles::{TILE_CELLS, Tiling};
use crate::units::{Cell, MOVES};

/// Which side of the neighbour over there a tile is on, for each of the moves. A corner belongs to a side that has it.
const SEEN_FROM: [Sides; 8] =
    [Sides::ABOVE, Sides::ABOVE, Sides::LEFT, Sides::BELOW, Sides::BELOW, Sides::BELOW, Sides::RIGHT, Sides::ABOVE];

/// Tiles that wait, the one with the least key first.
#[derive(Debug, Clone)]
struct Queue {
    heap: BinaryHeap<Reverse<(u32, u32)>>,
    /// The key and the sides of each tile; [`UNREACHED`] when it doesn't wait.
    waiting: Vec<(u32, Sides)>,
}

impl Queue {
    fn new(tiles: usize) -> Self {
        Self { heap: BinaryHeap::new(), waiting: vec![(UNREACHED, Sides::default()); tiles] }
    }

    fn push(&mut self, tile: usize, key: u32, sides: Sides) {
        let (least, all) = &mut self.waiting[tile];
        all.0 |= sides.0;
        if key < *least {
            *least = key;
            self.heap.push(Reverse((key, tile as u32)));
        }
    }

    /// The least key; [`UNREACHED`] when no tile waits.
    fn least(&mut self) -> u32 {
        while let Some(Reverse((key, tile))) = self.heap.peek().copied() {
            if self.waiting[tile as usize].0 == key {
                return key;
            }
            self.heap.pop();
        }
        UNREACHED
    }

    /// Takes the tile with the least key.
    fn pop(&mut self) -> Option<(usize, Sides)> {
        self.least();
        let Reverse((_, tile)) = self.heap.pop()?;
        let (_, sides) = std::mem::replace(&mut self.waiting[tile as usize], (UNREACHED, Sides::default()));
        Some((tile as usize, sides))
    }
}

/// The cost-to-go of a grid to a goal, and what is to be done until it is right.
pub(super) struct Wave {
    pub costs: CostsToGo,
    goal: Cell,
    to_raise: Queue,
    to_lower: Queue,
    /// Which tiles the wave may enter; `None` when it may enter all.
    allowed: Option<Vec<bool>>,
    sweep: Sweep,
}

impl Wave {
    /// A wave that begins at a goal, and may enter the `allowed` tiles alone.
    pub fn new(map: &Costmap, goal: Cell, tariff: Tariff, form: Form, allowed: Option<Vec<bool>>) -> Self {
        let tiling = Tiling::of(map.geometry());
        let queue = || Queue::new(tiling.count());
        let (to_raise, to_lower, sweep) = (queue(), queue(), Sweep::new(tariff));
        let mut wave = Self { costs: CostsToGo::new(tiling, form), goal, to_raise, to_lower, allowed, sweep };
        if let (Some(place), Some(cost)) = (tiling.place(goal), map.cost(goal))
            && tariff.may_enter(cost)
        {
            let mut tile: Box<Exact> = Box::new([UNREACHED; TILE_CELLS]);
            tile[place.at] = 0;
            wave.costs.write(place.tile, &tile);
            wave.to_lower.push(place.tile, 0, Sides::ALL);
        }
        wave
    }

    /// The costs of cells in a rectangle have changed. The goal's own cell must still be free.
    pub fn change(&mut self, map: &Costmap, rect: Rect) {
        // A move costs what both of its ends do, and passes the corners of the cells beside it.
        let around = rect.grown(1, map.geometry());
        for tile in self.costs.tiling().tiles(around) {
            self.to_raise.push(tile, 0, Sides::ALL);
        }
    }

    /// Works until all costs up to a bound are right: [`UNREACHED`] for all of them. `cancelled` is called before each
    /// tile; `false` if it returned true. Another call goes on.
    pub fn advance(&mut self, map: &Costmap, bound: u32, cancelled: &dyn Fn() -> bool) -> bool {
        while self.to_raise.least() <= bound.min(UNREACHED - 1) {
            if cancelled() {
                return false;
            }
            let Some((tile, sides)) = self.to_raise.pop() else { break };
            let raised = self.sweep.raise((&mut self.costs, map), tile, sides, (bound, self.goal));
            if raised.left_out < UNREACHED {
                self.to_raise.push(tile, raised.left_out, Sides::ALL);
            }
            if raised.is_changed || sides == Sides::ALL {
                self.to_lower.push(tile, raised.least, Sides::ALL);
            }
            spread(&mut self.to_raise, self.costs.tiling(), tile, &raised.borders, self.allowed.as_deref());
        }
        while self.to_lower.least() <= bound.min(UNREACHED - 1) {
            if cancelled() {
                return false;
            }
            let Some((tile, sides)) = self.to_lower.pop() else { break };
            let borders = self.sweep.lower(&mut self.costs, map, tile, sides);
            spread(&mut self.to_lower, self.costs.tiling(), tile, &borders, self.allowed.as_deref());
        }
        true
    }
}

/// The neighbours of a tile wait if they touch cells of it that have changed.
fn spread(queue: &mut Queue, tiling: Tiling, tile: usize, borders: &Borders, allowed: Option<&[bool]>) {
    for (at, key) in borders.iter().enumerate().filter(|(_, key)| **key < UNREACHED) {
        let other = tiling.beside(tile, MOVES[at].cols, MOVES[at].rows);
        if let Some(other) = other.filter(|other| allowed.is_none_or(|allowed| allowed[*other])) {
            queue.push(other, *key, SEEN_FROM[at]);
        }
    }
}
