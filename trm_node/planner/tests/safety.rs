//! Laws of every plan on any map: a published path is safe, and "no path" is reported only if there is none.

mod common;

use common::{Simulated, bundle, costmap, pose};
use proptest::prelude::*;
use trm_config::Config;
use trm_grid::cost::{INSCRIBED, LETHAL};
use trm_grid::costmap::Costmap;
use trm_grid::testing::flood;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, CellPoint, Pose};
use trm_planner::PlanError;
use trm_planner::endpoints::GoalArea;
use trm_planner::target::guide;
use trm_planner::{Planner, Request, Source};

/// The rows of a map with walls, clutter and unknown cells.
fn world() -> impl Strategy<Value = Vec<String>> {
    (24_usize..70, 20_usize..60).prop_flat_map(|(width, height)| {
        let walls = proptest::collection::vec((0..width, 0..height, any::<bool>(), 3_usize..40), 0..12);
        let clutter = proptest::collection::vec((0..width, 0..height, any::<bool>()), 0..30);
        (walls, clutter).prop_map(move |(walls, clutter)| {
            let mut rows = vec![vec!['.'; width]; height];
            for (col, row, along, length) in walls {
                for i in 0..length {
                    let (c, r) = if along { (col + i, row) } else { (col, row + i) };
                    if c < width && r < height {
                        rows[r][c] = '#';
                    }
                }
            }
            for (col, row, occupied) in clutter {
                rows[row][col] = if occupied { '#' } else { '?' };
            }
            rows.into_iter().map(String::from_iter).collect()
        })
    })
}

/// Inspects twenty points per cell of a path, without using the planner's own check. Inscribed cells are tolerated
/// within `escape` cells of the first pose.
fn touches(map: &Costmap, poses: &[Pose], allow_unknown: bool, escape: f64) -> Option<String> {
    for pair in poses.windows(2).chain(poses.chunks(1)) {
        let (a, b) = (pair[0], pair[pair.len() - 1]);
        let pieces = (a.point().distance(b.point()) / map.geometry().resolution() * 20.0).ceil().max(1.0);
        for i in 0..=pieces as usize {
            let share = i as f64 / pieces;
            let point = Pose::new(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y), 0.0).point();
            let CellPoint { col, row } = map.geometry().to_cells(point);
            // All cells whose square contains the point, including its border.
            for cell in [(-1e-7, -1e-7), (-1e-7, 1e-7), (1e-7, -1e-7), (1e-7, 1e-7)]
                .map(|(dc, dr)| Cell::new((col + dc).round() as i32, (row + dr).round() as i32))
            {
                let Some(cost) = map.cost(cell) else { return Some(format!("leaves the map at {cell:?}")) };
                let unknown = cost > LETHAL;
                let away = point.distance(poses[0].point()) / map.geometry().resolution();
                if cost == LETHAL || (unknown && !allow_unknown) || (cost == INSCRIBED && away > escape) {
                    return Some(format!("touches {cell:?} of cost {cost}"));
                }
            }
        }
    }
    None
}

/// Whether a cell of the goal's area can be reached, by flood fill.
fn reachable(map: &Costmap, from: Cell, to: &GoalArea, allow_unknown: bool) -> bool {
    flood(map, from, allow_unknown).iter().any(|cell| to.distance(*cell).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_published_path_touches_no_lethal_cell(
        rows in world(), allow_unknown in any::<bool>(), guided in any::<bool>(), fallback in any::<bool>(),
        smooth in any::<bool>(), robot_radius in 0.0..0.25_f64, tolerance in 0.0..0.4_f64, resolution in 0.05..0.2_f64,
        ends in (0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64),
        again in (0.0..1.0_f64, 0.0..1.0_f64), max_steps in 0..4_i64, cost_travel_multiplier in 0.0..=3.0_f64,
    ) {
        let config = Config::with(|config| {
            config.grid.allow_unknown = allow_unknown;
            config.grid.robot_radius = robot_radius;
            config.planner.tolerance = tolerance;
            config.planner.smooth = smooth;
            config.planner.max_steps = max_steps;
            config.planner.allow_fallback = fallback;
            config.grid.cost_travel_multiplier = cost_travel_multiplier;
            config.grid.inflation_radius = 0.3;
            config.planner.window_size = 24;
        });
        let map = costmap(&config, resolution, &rows);
        let (width, height) = (rows[0].len() as f64, rows.len() as f64);
        let at = |x: f64, y: f64, yaw| pose(&map, x * width - 0.5, y * height - 0.5, yaw);
        let clock = Simulated::default();
        let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        let goal = at(ends.2, ends.3, 1.0);
        let area = GoalArea::new(map.geometry(), config.planner.tolerance, goal.point());
        let target = area.and_then(|area| area.nearest_free(&map, allow_unknown));
        let guidance = area.ok().filter(|_| guided).and_then(|area| guide(&map, Travel::new(&config.grid), &area, &|| false));
        // The second plan starts from the state and the path of the first.
        for start in [at(ends.0, ends.1, 0.0), at(again.0, again.1, 0.0)] {
            let request = Request {
                start, goal, arrived: std::time::Duration::ZERO, deadline: std::time::Duration::from_secs(1), epoch: None,
            };
            let outcome = planner.plan(&map, guidance.as_deref().unwrap_or_default(), &request, &clock);
            let cell = map.geometry().cell_at(start.point());
            let start_free = cell.is_some_and(|cell| map.is_free(cell, allow_unknown));
            match outcome.path {
                Ok(path) => {
                    let escape = if start_free { -1.0 } else { config.planner.start_tolerance / resolution + 1.5 };
                    prop_assert_eq!(touches(&map, path.poses(), allow_unknown, escape), None);
                    let (first, last) = (path.poses()[0], path.poses()[path.poses().len() - 1]);
                    prop_assert!(first.point().distance(start.point()) <= 0.708 * resolution);
                    let end = map.geometry().nearest_cell(last.point());
                    prop_assert!(area.unwrap().distance(end).is_some(), "ends in {end:?}");
                    let away = map.geometry().center(end).distance(goal.point());
                    prop_assert!(last.point().distance(goal.point()) <= away + 1e-9);
                    prop_assert!((last.yaw - goal.yaw).abs() < 1e-12);
                    prop_assert!(outcome.report.source != Source::None);
                    let dense = path.poses().windows(2).all(|p| p[0].point().distance(p[1].point()) < 1.5 * resolution);
                    prop_assert!(dense);
                }
                Err(PlanError::NoValidPath) => {
                    prop_assume!(start_free);
                    prop_assert!(target.is_ok() && !reachable(&map, cell.unwrap(), &area.unwrap(), allow_unknown));
                }
                Err(PlanError::GoalOccupied { .. } | PlanError::GoalOutsideMap(_)) => prop_assert!(target.is_err()),
                Err(PlanError::StartOccupied { .. }) => prop_assert!(!start_free),
                Err(PlanError::StartOutsideMap(_)) => prop_assert_eq!(cell, None),
                Err(PlanError::ModelOnly { .. }) => prop_assert!(!fallback),
                Err(other) => prop_assert!(false, "{other}"),
            }
            prop_assert_eq!(outcome.report.source == Source::None, outcome.path.is_err());
        }
    }
}

#[test]
fn invalid_poses_are_refused_with_a_reason() {
    let config = Config::with(|config| config.planner.window_size = 24);
    let map = costmap(&config, 0.1, &vec![".".repeat(40); 40]);
    let clock = Simulated::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let good = pose(&map, 5.0, 5.0, 0.0);
    for bad in [f64::NAN, f64::INFINITY, 1e300, -1e9] {
        let bad = Pose::new(bad, good.y, 0.0);
        for (start, goal) in [(bad, good), (good, bad)] {
            let deadline = std::time::Duration::from_secs(1);
            let request = Request { start, goal, arrived: std::time::Duration::ZERO, deadline, epoch: None };
            let outcome = planner.plan(&map, &[], &request, &clock);
            let error = outcome.path.map(|_| ()).unwrap_err();
            assert!(matches!(error, PlanError::StartOutsideMap(_) | PlanError::GoalOutsideMap(_)), "{error}");
        }
    }
    let request = Request {
        start: good,
        goal: Pose { yaw: f64::NAN, ..good },
        arrived: std::time::Duration::ZERO,
        deadline: std::time::Duration::from_secs(1),
        epoch: None,
    };
    assert_eq!(planner.plan(&map, &[], &request, &clock).path.map(|_| ()).unwrap_err(), PlanError::Unverified);
}
