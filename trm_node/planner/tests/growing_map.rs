//! A map that grows while the robot drives: what is still true stays.

mod common;

use std::time::Duration;

use common::{Simulated, bundle};
use proptest::prelude::*;
use trm_config::{Config, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, CellPoint, Pose};
use trm_planner::{Planner, Request, Source};
use trm_safety::check::{Rules, check, in_cells};

const WIDTH: u32 = 120;
const HEIGHT: u32 = 40;

/// Unknown, free and occupied cells, with room for the robot at both ends.
fn hall() -> impl Strategy<Value = Vec<i8>> {
    let cell = prop_oneof![60 => Just(0_i8), 2 => Just(100), 1 => Just(-1)];
    proptest::collection::vec(cell, (WIDTH * HEIGHT) as usize)
}

/// How a map grows: columns and rows before the old ones, those after them, fractions of a cell, what fills them.
type Growth = ((u32, u32), (u32, u32), (f64, f64), i8);

fn growth() -> impl Strategy<Value = Growth> {
    let fraction = || prop_oneof![2 => Just(0.0), 1 => -0.45..0.45_f64];
    ((0..60_u32, 0..60_u32), (0..60_u32, 0..60_u32), (fraction(), fraction()), prop_oneof![Just(0_i8), Just(-1)])
}

fn small() -> Geometry {
    Geometry::new(WIDTH, HEIGHT, 0.1, Pose::new(-1.0, 2.0, 0.3)).unwrap()
}

fn costmap(config: &Config, geometry: Geometry, data: Vec<i8>) -> Costmap {
    build(&config.grid, GridKind::Map, OccupancyGrid::new(geometry, data).unwrap())
}

fn grown(data: &[i8], ((left, below), (right, above), fraction, fill): Growth) -> (Geometry, Vec<i8>) {
    let old = small();
    let corner = CellPoint::new(fraction.0 - f64::from(left) - 0.5, fraction.1 - f64::from(below) - 0.5);
    let origin = old.to_point(corner);
    let (width, height) = (WIDTH + left + right, HEIGHT + below + above);
    let geometry = Geometry::new(width, height, 0.1, Pose::new(origin.x, origin.y, 0.3)).unwrap();
    let value = |at| {
        let cell = geometry.cell(at);
        let before = old.index(Cell::new(cell.col - left as i32, cell.row - below as i32));
        before.map_or(fill, |before| data[before])
    };
    (geometry, (0..geometry.cells()).map(value).collect())
}

fn config(max_steps: i64) -> Config {
    Config::with(|config| {
        config.planner.window_size = 24;
        config.planner.max_steps = max_steps;
        config.grid.robot_radius = 0.1;
        config.grid.inflation_radius = 0.3;
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The path is kept where it still passes; the guidance leads on; and nothing unsafe is published.
    #[test]
    fn the_path_and_the_guidance_stay_when_the_map_grows(
        data in hall(), growth in growth(), ahead in 0.0..30.0_f64, is_guided in any::<bool>(),
    ) {
        let config = config(if is_guided { 2 } else { 0 });
        let travel = Travel::new(&config.grid);
        let before = costmap(&config, small(), data.clone());
        let pose = |col: f64, row: f64| {
            let point = before.geometry().to_point(CellPoint::new(col, row));
            Pose::new(point.x, point.y, 0.3)
        };
        let (start, goal) = (pose(4.2, 20.1), pose(114.3, 18.8));
        let clock = Simulated::default();
        let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        let request = |start| Request { start, goal, arrived: Duration::ZERO, deadline: Duration::from_secs(1), epoch: None };
        let goal_cell = before.geometry().cell_at(goal.point()).unwrap();
        prop_assume!(before.is_free(goal_cell, false));
        let mut guidance = Guidance::compute(&before, goal_cell, travel, &|| false).unwrap();
        let Ok(path) = planner.plan(&before, std::slice::from_ref(&guidance), &request(start), &clock).path else { return Ok(()) };
        let poses = path.poses().to_vec();

        let (geometry, data) = grown(&data, growth);
        let after = costmap(&config, geometry, data);
        let rules = Rules::new(false, config.planner.start_tolerance, 0.1);
        let robot = poses[(ahead as usize).min(poses.len() / 2)];
        let left = &poses[(ahead as usize).min(poses.len() / 2)..];
        let holds = check(&after, rules, in_cells(&after, left));
        let is_whole = growth.2 == (0.0, 0.0);
        let has_goal = after.geometry().cell_at(goal.point()).is_some_and(|cell| after.is_free(cell, false));
        if is_whole {
            prop_assert!(holds, "what was free is free where the old map was, and the path doesn't leave it");
        }
        prop_assert!(guidance.lay_over(&geometry, goal.point()) && guidance.fits(&after));
        let guidance = if is_guided { std::slice::from_ref(&guidance) } else { &[] };
        let outcome = planner.plan(&after, guidance, &request(robot), &clock);
        match outcome.path {
            Ok(path) => prop_assert!(check(&after, rules, in_cells(&after, path.poses()))),
            Err(error) => prop_assert!(!holds || !has_goal, "{error} where the path still holds"),
        }
        // To a goal out of reach the path led elsewhere, and the planner must find out anew where.
        let led_there = poses.last().is_some_and(|end| end.point().distance(goal.point()) < 1e-6);
        if holds && has_goal && led_there && !is_guided {
            prop_assert!(outcome.report.source == Source::Previous);
        }
    }
}
