//! The part of a path outside the window: along the guidance to the goal, or to a junction with a route that is already
//! checked.

use trm_grid::units::Cell;
use trm_safety::routes::{Junction, Routes};

use crate::join::join;
use crate::problem::Problem;

/// Joining a route is tried at every cell whose number is a multiple of this.
const JOIN_EVERY: usize = 4;

/// The continuation of a path from one exit of the window. Kept while answers of the same plan use the same exit.
#[derive(Debug, Default)]
pub struct OutsideWindow {
    /// From the cell after the exit to the goal, or to a corner of a route.
    cells: Vec<Cell>,
    /// The exit that the cells continue from; `None` if there is no continuation.
    exit: Option<Cell>,
    /// The junction at the last cell, if the continuation ends in one.
    junction: Option<Junction>,
}

impl OutsideWindow {
    /// Allocates memory for this many cells.
    pub fn reserve(&mut self, cells: usize) {
        self.cells.clear();
        self.cells.reserve(cells);
    }

    /// Forgets the continuation, which belongs to the plan before.
    pub const fn clear(&mut self) {
        self.exit = None;
    }

    /// The cells after the exit. The last one may be farther from the one before, over a clear line.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The junction at the last cell, if the continuation ends in one.
    pub const fn junction(&self) -> Option<Junction> {
        self.junction
    }

    /// Continues from an exit along the guidance to the goal or to a junction. Returns false if neither is reached.
    pub fn continue_from(&mut self, problem: &Problem, routes: &Routes, exit: Cell) -> bool {
        if self.exit != Some(exit) {
            self.exit = Some(exit);
            self.cells.clear();
            self.junction = None;
            self.follow(problem, routes, exit);
        }
        self.junction.is_some() || self.cells.last().unwrap_or(&exit) == &problem.goal
    }

    fn follow(&mut self, problem: &Problem, routes: &Routes, exit: Cell) {
        let Some(guidance) = problem.guidance else { return };
        let mut cell = exit;
        while cell != problem.goal && self.cells.len() < self.cells.capacity() {
            if self.cells.len().is_multiple_of(JOIN_EVERY)
                && let Some(junction) = join(routes, problem.costmap, guidance, problem.goal_pose, cell)
            {
                self.junction = Some(junction);
                self.cells.extend(routes.of(junction).corner(junction.corner));
                return;
            }
            let Some(next) = guidance.next(problem.costmap, cell) else { return };
            self.cells.push(next);
            cell = next;
        }
    }

    /// The travel cost of the whole path: over the cells inside the window, and on to the goal.
    pub fn cost(&self, problem: &Problem, routes: &Routes, inside: &[Cell]) -> f64 {
        let Problem { travel, costmap, .. } = problem;
        let Some((junction, (corner, link))) = self.junction.zip(self.cells.split_last()) else {
            return travel.cells(costmap, inside.iter().chain(&self.cells));
        };
        let from = link.last().or(inside.last()).unwrap_or(corner);
        travel.cells(costmap, inside.iter().chain(link))
            + travel.line(costmap, from.center(), corner.center())
            + routes.of(junction).cost_to_go(junction.corner)
    }
}
