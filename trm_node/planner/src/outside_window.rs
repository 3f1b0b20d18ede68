//! The way beyond the window: along the guidance to the goal, or to where a route that is known already is joined.

use super::recurse::Job;
use crate::path::routes::Tail;
use crate::units::Cell;

/// A route is looked for in the first of so many cells.
const JOIN_EVERY: usize = 4;

/// The way of one exit of the window.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// From the cell after the exit to the goal or to a corner of a route.
    cells: Vec<Cell>,
    exit: Option<Cell>,
    tail: Option<Tail>,
}

impl Beyond {
    /// Makes room for ways of `cells` cells.
    pub fn reserve(&mut self, cells: usize) {
        self.cells.clear();
        self.cells.reserve(cells);
    }

    /// The next way is another plan's.
    pub const fn forget(&mut self) {
        self.exit = None;
    }

    /// From the cell after the exit on; the last one may lie farther from the one before, over a clear line.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The route that the last cell is a corner of.
    pub const fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// Follows the guidance from an exit to the goal, or to where a known route is joined. `false` when it leads to neither.
    pub fn lead_on(&mut self, job: &Job, exit: Cell) -> bool {
        if self.exit != Some(exit) {
            self.exit = Some(exit);
            self.cells.clear();
            self.tail = None;
            let mut cell = exit;
            while cell != job.goal && self.cells.len() < self.cells.capacity() {
                let Some(guidance) = job.guidance else { break };
                if self.cells.len().is_multiple_of(JOIN_EVERY)
                    && let Some(routes) = job.routes
                    && let Some(tail) = routes.join(job.costmap, guidance, job.goal_pose, cell)
                {
                    self.tail = Some(tail);
                    self.cells.extend(routes.of(tail).corner(tail.from));
                    break;
                }
                let Some(next) = guidance.next(job.costmap, cell) else { break };
                self.cells.push(next);
                cell = next;
            }
        }
        self.tail.is_some() || self.cells.last().unwrap_or(&exit) == &job.goal
    }

    /// The travel cost of the path over the cells inside the window and on to the goal.
    pub fn cost(&self, job: &Job, inside: &[Cell]) -> f64 {
        let Some((tail, routes)) = self.tail.zip(job.routes) else {
            return job.travel.cells(job.costmap, inside.iter().chain(&self.cells));
        };
        let (corner, link) = self.cells.split_last().unzip();
        let link = link.unwrap_or_default();
        let point = |cell: Option<&Cell>| cell.map_or((0.0, 0.0), |cell| (cell.col as f64, cell.row as f64));
        job.travel.cells(job.costmap, inside.iter().chain(link))
            + job.travel.line(job.costmap, point(link.last().or(inside.last())), point(corner))
            + routes.of(tail).cost_to_go(tail.from)
    }
}
