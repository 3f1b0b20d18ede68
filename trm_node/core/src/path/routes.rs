//! The routes that a planner keeps, and where paths go over into them.

use super::route::{Route, point};
use super::verify::is_clear;
use crate::grid::costmap::Costmap;
use crate::grid::guidance::{Guidance, TIE};
use crate::grid::travel::Travel;
use crate::units::{Cell, Pose};

/// A route is joined over a line of at most so many cells along each axis.
const REACH: u32 = 96;
/// So many corners within reach are tried.
const TRIES: usize = 6;
/// A line to a route may cost so much more than what the guidance says of its ends, in cells.
pub(super) const SLACK: f64 = 1.0;
/// A route of older guidance may cost so much more than the present one says.
const SLACK_OF_ALL: f64 = 1.001;
/// The corner farthest ahead at which a way that has come to `cell` may join a route: the line there is clear, and it costs
/// no more than the way that the guidance knows.
pub(super) fn join(route: &Route, costmap: &Costmap, guidance: &Guidance, cell: Cell) -> Option<usize> {
    let travel = guidance.travel();
    let here = f64::from(guidance.cost_to_go(cell));
    let (corners, first) = route.open_corners();
    if !route.is_checked(costmap, first) {
        return None;
    }
    let is_near = |corner: Cell| corner.col.abs_diff(cell.col) <= REACH && corner.row.abs_diff(cell.row) <= REACH;
    let joins = |at: usize, corner: Cell| {
        let (from, to) = (point(cell), point(corner));
        let there = f64::from(guidance.cost_to_go(corner));
        let is_good = route.guidance() == Some(guidance.version())
            || route.cost_to_go(at) <= there * SLACK_OF_ALL + f64::from(TIE);
        is_good
            && there < here
            && travel.line(costmap, from, to) <= here - there + SLACK
            && is_clear(costmap, travel.allow_unknown, from, to)
    };
    let near = corners.iter().enumerate().rev().filter(|(_, corner)| is_near(**corner));
    near.take(TRIES)
        .map(|(at, corner)| (first + at, *corner))
        .find(|(at, corner)| joins(*at, *corner))
        .map(|(at, _)| at)
}

/// Where a path goes over into a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Which one of [`Routes`].
    route: usize,
    /// The corner.
    pub from: usize,
}

impl Tail {
    /// The same route from another corner on.
    #[must_use]
    pub const fn at(self, from: usize) -> Self {
        Self { from, ..self }
    }
}

/// The route of the published path, and one more: that which a new path leads to.
#[derive(Debug, Default)]
pub struct Routes([Route; 2]);

impl Routes {
    /// Makes room for routes of `corners` corners.
    pub fn reserve(&mut self, corners: usize) {
        self.0.iter_mut().for_each(|route| route.reserve(corners));
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Route::clear);
    }

    /// Checks what may have changed since they were checked last.
    pub fn renew(&mut self, costmap: &Costmap, travel: Travel) {
        self.0.iter_mut().for_each(|route| route.renew(costmap, travel));
    }

    /// The route of a tail.
    #[must_use]
    pub const fn of(&self, tail: Tail) -> &Route {
        &self.0[tail.route]
    }

    /// Where a way to a goal that has come to `cell` may join one of them.
    #[must_use]
    pub fn join(&self, costmap: &Costmap, guidance: &Guidance, goal: Pose, cell: Cell) -> Option<Tail> {
        let mut ways = self.0.iter().enumerate().filter(|(_, route)| route.goal() == goal);
        ways.find_map(|(route, way)| Some(Tail { route, from: join(way, costmap, guidance, cell)? }))
    }

    /// The route that none of these tails needs, to be drawn anew; its beginning; and the other one. `None` when both are
    /// needed.
    pub fn spare(&mut self, needed: [Option<Tail>; 2]) -> Option<(&mut Route, Tail, &Route)> {
        let is_free = |route: usize| needed.iter().flatten().all(|tail| tail.route != route);
        let [one, other] = &mut self.0;
        if is_free(0) {
            Some((one, Tail { route: 0, from: 0 }, other))
        } else {
            is_free(1).then_some((other, Tail { route: 1, from: 0 }, one))
        }
    }
}
