//! Where a way to the goal may go over into a route that was checked before.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::{Guidance, TIE};
use trm_grid::units::{Cell, Pose};
use trm_safety::check::is_clear;
use trm_safety::route::Route;
use trm_safety::routes::{Junction, Routes};

/// A route is joined over a line of at most so many cells along each axis.
const REACH: u32 = 96;
/// So many corners within reach are tried.
const TRIES: usize = 6;
/// A line to a route may cost so much more than what the guidance says of its ends, in cells.
pub const SLACK: f64 = 1.0;
/// A route of older guidance may cost so much more than the present one says.
const SLACK_OF_ALL: f64 = 1.001;

/// The corner farthest ahead at which a way that has come to `cell` may join a route: the line there is clear, and it costs
/// no more than the way that the guidance knows.
pub fn join_route(route: &Route, costmap: &Costmap, guidance: &Guidance, cell: Cell) -> Option<usize> {
    let travel = guidance.travel();
    let here = f64::from(guidance.cost_to_go(cell));
    let (corners, first) = route.open_corners();
    if !route.is_checked(costmap, first) {
        return None;
    }
    let is_near = |corner: Cell| corner.col.abs_diff(cell.col) <= REACH && corner.row.abs_diff(cell.row) <= REACH;
    let joins = |at: usize, corner: Cell| {
        let (from, to) = (cell.center(), corner.center());
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

/// Where a way to a goal that has come to `cell` may join one of the routes to it.
#[must_use]
pub fn join(routes: &Routes, costmap: &Costmap, guidance: &Guidance, goal: Pose, cell: Cell) -> Option<Junction> {
    let mut ways = routes.iter().filter(|(route, _)| route.goal() == goal);
    ways.find_map(|(route, first)| Some(first.at(join_route(route, costmap, guidance, cell)?)))
}
