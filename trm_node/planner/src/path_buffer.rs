//! The path of a plan on its way from cells to poses, in buffers that are allocated once.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::{Guidance, TIE};
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_safety::Draft;
use trm_safety::routes::{Junction, Routes};

use crate::problem::Problem;
use crate::smooth::{Ends, divide, straighten, to_poses};

/// In paths of at least this many cells, the part beyond half this distance becomes a route.
const LONG_PATH: usize = 256;
/// The maximum length of a route's lines, in cells, where this can be achieved.
const ROUTE_LINE: f64 = 64.0;

/// What happened to an offered path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It was accepted as the first one.
    First,
    /// It was accepted because it costs less than the path before.
    Better,
    /// It was rejected because it costs no less than the path before.
    NoBetter,
    /// It was rejected because it has more cells than the buffer.
    TooLong,
}

/// The path of one plan in three stages, each derived from the one before: cells, corners, draft.
#[derive(Debug, Default)]
pub struct PathBuffer {
    /// The cells from the robot to the goal or to a junction: the departure, then the cheapest path so far.
    cells: Vec<Cell>,
    /// The number of leading cells that form the departure: from the robot's own cell to the first free one, inclusive.
    departed: usize,
    /// The travel cost of the path after the departure, in cells; `None` if there is only the departure.
    cost: Option<f64>,
    /// The junction at the last cell, if the path ends in one.
    junction: Option<Junction>,
    /// Whether the path follows guidance outside the window.
    guided: bool,
    /// The corners of the straightened path, including both ends.
    corners: Vec<Cell>,
    /// Corners while they are straightened again or divided.
    scratch: Vec<Cell>,
    /// The poses along the corners, not yet checked.
    pub draft: Draft,
}

impl PathBuffer {
    /// Allocates memory for paths of this many cells and poses.
    pub fn reserve(&mut self, cells: usize, poses: usize) {
        for buffer in [&mut self.cells, &mut self.corners, &mut self.scratch] {
            *buffer = Vec::with_capacity(cells);
        }
        self.draft.poses = Vec::with_capacity(poses);
    }

    /// Starts a new path with the departure: the cells from the robot's own to the first free one.
    pub fn begin(&mut self, departure: &[Cell]) {
        self.cells.clear();
        self.cells.extend_from_slice(departure);
        self.departed = departure.len();
        self.cost = None;
        self.junction = None;
        self.guided = false;
    }

    /// Whether an offered path was accepted.
    #[must_use]
    pub const fn is_found(&self) -> bool {
        self.cost.is_some()
    }

    /// Whether the path follows guidance outside the window.
    #[must_use]
    pub const fn is_guided(&self) -> bool {
        self.guided
    }

    /// Offers a verified path of cells that begins with the last cell of the departure. It comes in two parts, inside
    /// and outside the window. It is accepted if it is the first one, or if it costs less than the one before.
    pub fn offer(&mut self, cost: f64, inside: &[Cell], outside: &[Cell], junction: Option<Junction>) -> Offered {
        if self.cost.is_some_and(|least| cost >= least - f64::from(TIE)) {
            return Offered::NoBetter;
        }
        if self.departed - 1 + inside.len() + outside.len() > self.cells.capacity() {
            return Offered::TooLong;
        }
        self.cells.truncate(self.departed - 1);
        self.cells.extend_from_slice(inside);
        self.cells.extend_from_slice(outside);
        self.junction = junction;
        self.guided = !outside.is_empty();
        if self.cost.replace(cost).is_some() { Offered::Better } else { Offered::First }
    }

    /// Lets a search append its path to the departure, in place of any other path.
    pub fn append<T>(&mut self, search: impl FnOnce(&mut Vec<Cell>) -> T) -> T {
        self.cells.truncate(self.departed);
        search(&mut self.cells)
    }

    /// Straightens the cells into corners, as long as `may_go_on` returns true.
    pub fn straighten(&mut self, costmap: &Costmap, travel: Travel, may_go_on: impl Fn() -> bool) {
        straighten(costmap, travel, &self.cells, self.departed, &may_go_on, &mut self.scratch);
        // The second pass joins lines that the first had to end because of its limited look-ahead.
        straighten(costmap, travel, &self.scratch, self.departed, &may_go_on, &mut self.corners);
    }

    /// Converts the corners to the poses of the draft. If the path is long, its far part becomes a route that later
    /// plans can join, and the draft ends at the junction with it. `published` is the junction of the published path,
    /// whose route must be kept.
    pub fn to_draft(&mut self, problem: &Problem, routes: &mut Routes, published: Option<Junction>) {
        self.draft.junction = self.split_off_route(problem, routes, published).or(self.junction);
        // A route begins at the centre of a cell, so the exact end matters only without a junction.
        let goal = self.draft.junction.is_none().then(|| problem.end().point());
        let ends = Ends { start: Some(problem.begin()), goal, yaw: problem.goal_pose.yaw };
        to_poses(problem.costmap, problem.rules.allow_unknown, &self.corners, ends, &mut self.draft.poses);
    }

    /// Draws the far part of a long path as a route, and removes it from the corners. `None` if the corners are
    /// unchanged.
    fn split_off_route(
        &mut self,
        problem: &Problem,
        routes: &mut Routes,
        published: Option<Junction>,
    ) -> Option<Junction> {
        if self.cells.len() < LONG_PATH {
            return None;
        }
        let Problem { costmap, travel, goal_pose, .. } = *problem;
        divide(costmap, travel.allow_unknown, &self.corners, ROUTE_LINE, &mut self.scratch);
        let mut ahead = 0.0;
        let is_far = |pair: &[Cell]| {
            ahead += f64::from(pair[0].octile(pair[1]));
            ahead >= LONG_PATH as f64 / 2.0
        };
        let departed = self.departed - 1;
        let at = self.scratch[departed..].windows(2).position(is_far).map(|at| departed + at + 1)?;
        let (route, first, kept) = routes.spare([self.junction, published])?;
        let guidance = problem.guidance.and_then(Guidance::version);
        let drawn = match self.junction {
            Some(junction) => route.draw_to(costmap, travel, &self.scratch[at..], (kept, junction.corner), guidance),
            None => route.draw(costmap, travel, &self.scratch[at..], goal_pose, guidance),
        };
        if !drawn {
            return None;
        }
        std::mem::swap(&mut self.corners, &mut self.scratch);
        self.corners.truncate(at + 1);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trm_grid::testing::{costmap, travel};

    #[test]
    fn the_cheapest_path_is_kept_and_not_the_shortest() {
        let map = costmap(&["....", ".99.", "...."]);
        let straight = [(0, 1), (1, 1), (2, 1), (3, 1)].map(|(col, row)| Cell::new(col, row));
        let around = [(0, 1), (0, 0), (1, 0), (2, 0), (3, 0), (3, 1)].map(|(col, row)| Cell::new(col, row));
        let offer = |best: &mut PathBuffer, path: &[Cell], travel: Travel| {
            best.offer(travel.cells(&map, path.iter()), path, &[], None)
        };
        for (multiplier, least) in [(0.0, &straight[..]), (2.0, &around[..])] {
            let mut best = PathBuffer::default();
            best.reserve(9, 9);
            best.begin(&straight[..1]);
            assert!(!best.is_found());
            assert_eq!(offer(&mut best, &straight, travel(multiplier)), Offered::First);
            let better = if least == around { Offered::Better } else { Offered::NoBetter };
            assert_eq!(offer(&mut best, &around, travel(multiplier)), better);
            assert_eq!(best.cells, least);
            assert_eq!(
                offer(&mut best, &around, travel(multiplier)),
                Offered::NoBetter,
                "the same cost is not cheaper"
            );
        }
    }

    #[test]
    fn a_path_that_is_too_long_is_rejected_and_does_not_count_as_the_first() {
        let mut best = PathBuffer::default();
        best.reserve(4, 4);
        let cells: Vec<Cell> = (0..20).map(|col| Cell::new(col, 0)).collect();
        best.begin(&cells[..1]);
        assert_eq!(best.offer(19.0, &cells, &[], None), Offered::TooLong);
        assert!(!best.is_found());
        assert_eq!(best.offer(2.0, &cells[..3], &[], None), Offered::First);
    }
}
