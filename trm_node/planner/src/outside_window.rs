//! The way outside the window: along the guidance to the goal, or to a junction with a route that was checked before.

use trm_grid::units::Cell;
use trm_safety::routes::{Junction, Routes};

use crate::join::join;
use crate::problem::Problem;

/// A route is looked for in the first of so many cells.
const JOIN_EVERY: usize = 4;

/// The way of one exit of the window.
#[derive(Debug, Default)]
pub struct OutsideWindow {
    /// From the cell after the exit to the goal or to a corner of a route.
    cells: Vec<Cell>,
    exit: Option<Cell>,
    junction: Option<Junction>,
}

impl OutsideWindow {
    /// Makes room for ways of `cells` cells.
    pub fn reserve(&mut self, cells: usize) {
        self.cells.clear();
        self.cells.reserve(cells);
    }

    /// Forgets the way: the next one belongs to another plan.
    pub const fn clear(&mut self) {
        self.exit = None;
    }

    /// From the cell after the exit on; the last one may lie farther from the one before, over a clear line.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The junction at the last cell, if the way ends in one.
    pub const fn junction(&self) -> Option<Junction> {
        self.junction
    }

    /// Follows the guidance from an exit to the goal, or to a junction. `false` when it leads to neither.
    pub fn lead_on(&mut self, problem: &Problem, routes: &Routes, exit: Cell) -> bool {
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

    /// The travel cost of the path over the cells inside the window and on to the goal.
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
