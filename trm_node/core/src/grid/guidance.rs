//! The cost-to-go of every cell of the map, worked out off the planning loop when the goal or the map changes.
//!
//! Where the goal lies outside the window, it tells the model what each way out of the window costs, and leads on from
//! there. Moves are the eight neighbours; a diagonal needs both cells beside it free, as [`crate::path::verify`] does.

use super::costmap::{Costmap, is_free};
use super::moves::{each, legal_moves};
use crate::units::{Cell, MOVES};

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
    /// Dijkstra's algorithm from the goal, with buckets (Dial): no move is shorter than 1, so all cells whose cost has the
    /// same whole part are final together and need no order. `None` when `cancelled` said so on the way.
    #[must_use]
    pub fn compute(costmap: &Costmap, goal: Cell, allow_unknown: bool, cancelled: &dyn Fn() -> bool) -> Option<Self> {
        let geometry = costmap.geometry();
        let (width, height) = (geometry.width() as i32, geometry.height() as i32);
        let mut cost_to_go = vec![f32::INFINITY; geometry.cells()];
        // No move is longer than 2: a cell of this level leads to the next two.
        let mut levels: [Vec<u32>; 3] = Default::default();
        if let Some(at) = geometry.index(goal).filter(|at| is_free(costmap.costs()[*at], allow_unknown)) {
            cost_to_go[at] = 0.0;
            levels[0].push(at as u32);
        }
        let mut level = 0_u32;
        let mut expanded = 0_usize;
        while levels.iter().any(|cells| !cells.is_empty()) {
            let mut front = std::mem::take(&mut levels[level as usize % 3]);
            for at in front.drain(..) {
                let cost = cost_to_go[at as usize];
                if cost as u32 != level {
                    continue; // It was reached on a shorter way and is done.
                }
                expanded += 1;
                if expanded.is_multiple_of(CANCEL_EVERY) && cancelled() {
                    return None;
                }
                for step in each(legal_moves(costmap, geometry.cell(at as usize), allow_unknown)).map(|bit| MOVES[bit])
                {
                    let next = (at as usize).wrapping_add_signed((step.rows * width + step.cols) as isize);
                    let (old, new) = (cost_to_go[next], cost + step.length);
                    if new < old {
                        cost_to_go[next] = new;
                        // In the same level it waits already.
                        if new as u32 != old as u32 {
                            levels[new as usize % 3].push(next as u32);
                        }
                    }
                }
            }
            // Its room is used again, three levels on.
            levels[level as usize % 3] = front;
            level += 1;
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

    /// The legal and optimal moves from a cell over cells that are free in `costmap`, as places in [`MOVES`]; none at the
    /// goal and where no way leads to it.
    pub fn optimal_moves<'a>(
        &'a self,
        costmap: &Costmap,
        cell: Cell,
        allow_unknown: bool,
    ) -> impl Iterator<Item = usize> + use<'a> {
        let here = self.cost_to_go(cell);
        let legal = if here.is_finite() && here > 0.0 { legal_moves(costmap, cell, allow_unknown) } else { 0 };
        each(legal).filter(move |bit| self.cost_to_go(cell.after(MOVES[*bit])) + MOVES[*bit].length <= here + TIE)
    }

    /// Where the first optimal move from a cell leads; `None` at the goal or without any.
    #[must_use]
    pub fn next(&self, costmap: &Costmap, cell: Cell, allow_unknown: bool) -> Option<Cell> {
        self.optimal_moves(costmap, cell, allow_unknown).next().map(|bit| cell.after(MOVES[bit]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::testing::costmap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_cost_is_that_of_the_best_move_and_those_without_a_way_are_infinite(
            cells in proptest::collection::vec(prop_oneof![3 => Just('.'), 1 => Just('#')], 300), goal in (0..20, 0..15),
        ) {
            let rows: Vec<String> = cells.chunks(20).map(|row| row.iter().collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let goal = Cell::new(goal.0, goal.1);
            let guidance = Guidance::compute(&map, goal, false, &|| false).unwrap();
            for at in 0..300 {
                let cell = map.geometry().cell(at);
                let best = each(legal_moves(&map, cell, false))
                    .map(|bit| guidance.cost_to_go(cell.after(MOVES[bit])) + MOVES[bit].length)
                    .fold(f32::INFINITY, f32::min);
                let found = guidance.cost_to_go(cell);
                if cell == goal || !map.is_free(cell, false) {
                    prop_assert_eq!(found <= 0.0, cell == goal && map.is_free(goal, false));
                } else {
                    // With each finite cost one move more than the next cell's, none can be too small or too large.
                    let unreachable = found.is_infinite() && best.is_infinite();
                    prop_assert!(unreachable || (found - best).abs() < TIE, "{cell:?}: {found}, not {best}");
                }
            }
        }
    }

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
