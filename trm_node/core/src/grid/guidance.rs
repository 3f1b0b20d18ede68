//! The cost-to-go of every cell of the map, worked out off the planning loop when the goal or the map changes.
//!
//! Where the goal lies outside the window, it tells the model what each way out of the window costs, and leads on from
//! there. Moves are the eight neighbours; a diagonal needs both cells beside it free, as [`crate::path::verify`] does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::costmap::{Costmap, is_free};
use crate::units::{Cell, MOVES, Move};

/// Costs that differ by less are taken as equal, in cells (as in `models/trm_train/worlds.py`).
pub const TIE: f32 = 1e-3;

/// How many cells are expanded between two looks at the cancellation.
const CANCEL_EVERY: usize = 4096;

/// Cost-to-go over a whole map.
#[derive(Debug, Clone)]
pub struct Guidance {
    goal: Cell,
    version: u64,
    width: i32,
    height: i32,
    cost_to_go: Vec<f32>,
}

impl Guidance {
    /// Dijkstra's algorithm from the goal. `None` when `cancelled` said so on the way.
    #[must_use]
    pub fn compute(costmap: &Costmap, goal: Cell, allow_unknown: bool, cancelled: &dyn Fn() -> bool) -> Option<Self> {
        let geometry = costmap.geometry();
        let (width, height) = (geometry.width() as i32, geometry.height() as i32);
        let mut cost_to_go = vec![f32::INFINITY; geometry.cells()];
        // Costs aren't negative: their bits sort as they do.
        let mut open: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
        if let Some(at) = geometry.index(goal).filter(|at| is_free(costmap.costs()[*at], allow_unknown)) {
            cost_to_go[at] = 0.0;
            open.push(Reverse((0, at as u32)));
        }
        let mut expanded = 0_usize;
        while let Some(Reverse((bits, at))) = open.pop() {
            let cost = f32::from_bits(bits);
            if cost > cost_to_go[at as usize] {
                continue;
            }
            expanded += 1;
            if expanded.is_multiple_of(CANCEL_EVERY) && cancelled() {
                return None;
            }
            let cell = geometry.cell(at as usize);
            for step in MOVES {
                let Some(next) = legal(costmap, cell, step, allow_unknown) else { continue };
                let new = cost + step.length;
                if new < cost_to_go[next] {
                    cost_to_go[next] = new;
                    open.push(Reverse((new.to_bits(), next as u32)));
                }
            }
        }
        Some(Self { goal, version: costmap.version(), width, height, cost_to_go })
    }

    /// The cell that the costs lead to.
    #[must_use]
    pub const fn goal(&self) -> Cell {
        self.goal
    }

    /// The version of the costmap it was computed on.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether this is guidance over a grid of the same size, and so can be read with the costmap's cells.
    #[must_use]
    pub const fn fits(&self, costmap: &Costmap) -> bool {
        self.width as u32 == costmap.geometry().width() && self.height as u32 == costmap.geometry().height()
    }

    /// Length in cells of the shortest way to the goal; infinite where there is none and outside the grid.
    #[must_use]
    pub fn cost_to_go(&self, cell: Cell) -> f32 {
        if cell.col < 0 || cell.row < 0 || cell.col >= self.width || cell.row >= self.height {
            return f32::INFINITY;
        }
        self.cost_to_go[cell.row as usize * self.width as usize + cell.col as usize]
    }

    /// The first optimal move from a cell over cells that are free in `costmap`; `None` at the goal or without any.
    #[must_use]
    pub fn next(&self, costmap: &Costmap, cell: Cell, allow_unknown: bool) -> Option<Cell> {
        let here = self.cost_to_go(cell);
        if !here.is_finite() || here <= 0.0 {
            return None;
        }
        let leads_on = |step: &Move| {
            legal(costmap, cell, *step, allow_unknown).is_some()
                && self.cost_to_go(cell.after(*step)) + step.length <= here + TIE
        };
        MOVES.iter().find(|step| leads_on(step)).map(|step| cell.after(*step))
    }
}

/// Where a move from a free cell leads in row-major data; `None` when it leaves the grid, ends in a cell that isn't
/// free, or cuts a corner.
#[must_use]
pub fn legal(costmap: &Costmap, cell: Cell, step: Move, allow_unknown: bool) -> Option<usize> {
    let next = cell.after(step);
    let at = costmap.geometry().index(next)?;
    let free = |cell| costmap.is_free(cell, allow_unknown);
    let corners = !step.is_diagonal() || (free(Cell::new(next.col, cell.row)) && free(Cell::new(cell.col, next.row)));
    (is_free(costmap.costs()[at], allow_unknown) && corners).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::testing::costmap;

    #[test]
    fn the_way_round_a_wall_is_counted_without_cutting_its_corner() {
        let map = costmap(&["....", ".##.", "...."]);
        let guidance = Guidance::compute(&map, Cell::new(3, 1), false, &|| false).unwrap();
        assert!((guidance.cost_to_go(Cell::new(0, 1)) - 5.0).abs() < 1e-6);
        let mut cell = Cell::new(0, 1);
        let mut steps = 0;
        while let Some(next) = guidance.next(&map, cell, false) {
            cell = next;
            steps += 1;
        }
        assert_eq!((cell, steps), (Cell::new(3, 1), 5));
    }

    #[test]
    fn a_closed_room_is_never_reached() {
        let map = costmap(&[".#.", "##.", "..."]);
        let guidance = Guidance::compute(&map, Cell::new(2, 2), false, &|| false).unwrap();
        assert!(guidance.cost_to_go(Cell::new(0, 0)).is_infinite());
        assert!(guidance.cost_to_go(Cell::new(-1, 0)).is_infinite());
        assert_eq!(guidance.next(&map, Cell::new(0, 0), false), None);
    }
}
