//! Finds the corner where a path may join a route that is already checked.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::{Guidance, TIE};
use trm_grid::units::{Cell, Pose};
use trm_safety::check::is_clear;
use trm_safety::ends::last_point;
use trm_safety::route::Route;
use trm_safety::routes::{Junction, Routes};

/// The line that joins a route is at most this many cells long along each axis.
const REACH: u32 = 96;
/// How many corners within reach are tried.
const TRIES: usize = 6;
/// The line to a route may cost this much more than the difference of the cost-to-go at its ends, in cells.
pub const SLACK: f64 = 1.0;
/// A route that follows older guidance may cost this factor more than the current cost-to-go.
const SLACK_FACTOR: f64 = 1.001;

/// The last corner of a route that a path may join straight from `cell`: the line is clear, and the way over it costs
/// no more than the one that the guidance knows, up to the slack. `None` if there is none within reach, or if the route
/// was not checked on this version of the costmap.
#[must_use]
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
        let is_good = guidance.version().is_some() && route.guidance() == guidance.version()
            || route.cost_to_go(at) <= there * SLACK_FACTOR + f64::from(TIE);
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

/// The junction at which a path to a goal may join one of the routes to the same goal, straight from `cell`. A route to
/// another cell or point, to which the same goal led on older costs, isn't one of them.
#[must_use]
pub fn join(routes: &Routes, costmap: &Costmap, guidance: &Guidance, goal: Pose, cell: Cell) -> Option<Junction> {
    let end = last_point(costmap, guidance.travel().allow_unknown, guidance.goal(), goal.point());
    let is_to_end = |route: &Route| route.goal() == goal && route.end_pose().point() == end;
    let mut to_goal = routes.iter().filter(|(route, _)| is_to_end(route));
    to_goal.find_map(|(route, first)| Some(first.at(join_route(route, costmap, guidance, cell)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trm_config::{GridConfig, GridKind};
    use trm_grid::costmap_builder::build;
    use trm_grid::geometry::Geometry;
    use trm_grid::occupancy::OccupancyGrid;
    use trm_grid::travel::Travel;
    use trm_grid::units::CellPoint;

    use super::*;
    use crate::smooth::straighten;

    const SIDE: u32 = 80;

    struct World {
        map: Costmap,
        travel: Travel,
        goal: (Cell, Pose),
    }

    impl World {
        fn new(costs: Vec<i8>, goal: (i32, i32)) -> Self {
            let config = GridConfig::default();
            let geometry = Geometry::new(SIDE, SIDE, 0.1, Pose::new(3.0, -2.0, 0.4)).unwrap();
            let map = build(&config, GridKind::Costmap, OccupancyGrid::new(geometry, costs).unwrap());
            let goal = Cell::new(goal.0, goal.1);
            let at = geometry.to_point(CellPoint::new(f64::from(goal.col) + 0.2, f64::from(goal.row) - 0.1));
            Self { map, travel: Travel::new(&config), goal: (goal, Pose::new(at.x, at.y, 0.7)) }
        }

        fn guidance(&self) -> Guidance {
            Guidance::compute(&self.map, self.goal.0, self.travel, &|| false).unwrap()
        }

        fn follow(&self, guidance: &Guidance, from: Cell) -> Vec<Cell> {
            std::iter::successors(Some(from), |cell| guidance.next(&self.map, *cell)).collect()
        }

        /// A route from a cell to the goal, if a path exists.
        fn route(&self, guidance: &Guidance, from: Cell) -> Option<Route> {
            let (mut corners, mut route) = (Vec::new(), Route::default());
            straighten(&self.map, self.travel, &self.follow(guidance, from), 1, || true, &mut corners);
            route.draw(&self.map, self.travel, &corners, self.goal.1, guidance.version()).then_some(route)
        }
    }

    fn costs() -> impl Strategy<Value = Vec<i8>> {
        let cell = prop_oneof![30 => Just(0_i8), 6 => 1..98_i8, 1 => Just(100), 1 => Just(99), 1 => Just(-1)];
        proptest::collection::vec(cell, (SIDE * SIDE) as usize)
    }

    fn place() -> impl Strategy<Value = (i32, i32)> {
        (0..SIDE as i32, 0..SIDE as i32)
    }

    proptest! {
        #[test]
        fn joining_a_route_costs_at_most_the_slack_more_than_the_guidance_says(
            costs in costs(), from in place(), to in place(), others in proptest::collection::vec(place(), 20),
        ) {
            let world = World::new(costs, to);
            let guidance = world.guidance();
            let Some(route) = world.route(&guidance, Cell::new(from.0, from.1)) else { return Ok(()) };
            for cell in others.into_iter().map(|(col, row)| Cell::new(col, row)) {
                let Some(at) = join_route(&route, &world.map, &guidance, cell) else { continue };
                let line = (cell.center(), route.corner(at).unwrap().center());
                prop_assert!(is_clear(&world.map, false, line.0, line.1));
                let joined = world.travel.line(&world.map, line.0, line.1) + route.cost_to_go(at);
                // The exact goal lies up to half a diagonal from its cell's centre.
                let most = f64::from(guidance.cost_to_go(cell)) + SLACK + 2.2 + f64::from(TIE);
                prop_assert!(joined <= most, "{joined}, not {most}");
            }
        }
    }

    #[test]
    fn every_cell_of_the_path_that_a_route_was_drawn_from_can_join_it() {
        let world = World::new(vec![0; (SIDE * SIDE) as usize], (70, 75));
        let guidance = world.guidance();
        let from = Cell::new(3, 60);
        let route = world.route(&guidance, from).unwrap();
        let joining = |cell: &&Cell| join_route(&route, &world.map, &guidance, **cell).is_some();
        let way = world.follow(&guidance, from);
        let before_last = way.iter().position(|cell| Some(cell) == route.open_corners().0.last()).unwrap();
        assert_eq!(way[..before_last].iter().filter(joining).count(), before_last);
        assert_eq!(join_route(&route, &world.map, &guidance, world.goal.0), None, "no corner is ahead");
    }

    #[test]
    fn a_route_to_another_cell_for_the_same_goal_is_not_joined() {
        let world = World::new(vec![0; (SIDE * SIDE) as usize], (70, 75));
        let guidance = world.guidance();
        let corners = [(3, 60), (30, 60), (70, 75)].map(|(col, row)| Cell::new(col, row));
        let mut routes = Routes::default();
        let (route, ..) = routes.spare([None, None]).unwrap();
        assert!(route.draw(&world.map, world.travel, &corners, world.goal.1, guidance.version()));
        let joins = |guidance| join(&routes, &world.map, guidance, world.goal.1, Cell::new(5, 60)).is_some();
        let beside = Guidance::compute(&world.map, Cell::new(70, 74), world.travel, &|| false).unwrap();
        assert!(joins(&guidance) && !joins(&beside));
    }
}
