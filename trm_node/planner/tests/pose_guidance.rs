//! Guidance over positions and headings: with it a plan takes hardly any time, on older costs it still leads, and where it knows
//! of no way the search proves it.

mod common;
#[path = "common/guided.rs"]
mod guided;

use std::f64::consts::PI;
use std::time::Duration;

use common::{Running, Simulated, bundle, costmap, pose};
use guided::guided;
use trm_config::{Config, GoalHeading, MotionModel};
use trm_grid::units::Pose;
use trm_planner::halt::deadline::Clock;
use trm_planner::{PlanError, Planner, Request, Source};

/// 0.62 m x 0.9 m, its base off the middle.
const BOX: &str = "[[0.65, 0.31], [-0.25, 0.31], [-0.25, -0.31], [0.65, -0.31]]";

fn config(model: MotionModel) -> Config {
    Config::with(|config| {
        config.grid.footprint = BOX.parse().ok();
        config.grid.footprint_padding = 0.0;
        config.planner.motion_model = model;
        config.planner.minimum_turning_radius = 0.5;
        config.planner.tolerance = 0.0;
    })
}

/// Walls with a gap each, of so many cells, in 200 x 90 cells.
fn walls(gap: usize) -> Vec<String> {
    let mut rows = vec![".".repeat(200); 90];
    for (at, first) in [(60, 10), (110, 60), (150, 20)] {
        for (row, line) in rows.iter_mut().enumerate() {
            if !(first..first + gap).contains(&row) {
                line.replace_range(at..at + 4, "####");
            }
        }
    }
    rows
}

fn request(start: Pose, goal: Pose, deadline: Duration) -> Request<'static> {
    Request { start, goal, arrived: Duration::ZERO, deadline, epoch: None }
}

/// A request that must be answered so many milliseconds from now.
fn soon(clock: &Running, (start, goal): (Pose, Pose), ms: u64) -> Request<'static> {
    let arrived = clock.now();
    Request { arrived, ..request(start, goal, arrived + Duration::from_millis(ms)) }
}

#[test]
fn with_it_a_plan_is_there_at_once_that_takes_a_search_long() {
    for model in [MotionModel::Diff, MotionModel::Car, MotionModel::Omni] {
        let config = config(model);
        let map = costmap(&config, 0.05, &walls(16));
        let (start, goal) = (pose(&map, 25.0, 70.0, 0.3), pose(&map, 180.0, 70.0, -0.4));
        let guided = guided(&map, &config, start, goal).unwrap();
        let expansions = |poses: bool| {
            let clock = Running::default();
            let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
            let request = request(start, goal, Duration::from_mins(1));
            let outcome = if poses {
                planner.plan(&map, Some(&*guided), &request, &clock)
            } else {
                planner.plan(&map, &guided.guidance, &request, &clock)
            };
            let path = outcome.path.unwrap();
            assert_eq!((path.poses()[0], outcome.report.source), (start, Source::Lattice));
            assert!(path.poses().last().unwrap().point().distance(goal.point()) < 1e-6);
            outcome.report.expansions
        };
        assert_eq!(expansions(true), 0, "{model:?}");
        assert!(expansions(false) > 100, "{model:?}");
    }
}

#[test]
fn a_search_that_was_interrupted_ends_when_it_comes() {
    let config = config(MotionModel::Car);
    let map = costmap(&config, 0.05, &walls(16));
    let (start, goal) = (pose(&map, 25.0, 70.0, 0.3), pose(&map, 180.0, 70.0, -0.4));
    let guided = guided(&map, &config, start, goal).unwrap();
    let clock = Running::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let first = planner.plan(&map, &guided.guidance, &soon(&clock, (start, goal), 1), &clock).path.map(|_| ());
    assert_eq!(first, Err(PlanError::TimedOut { applications: 0 }));
    assert!(planner.plan(&map, Some(&*guided), &soon(&clock, (start, goal), 5), &clock).path.is_ok());
}

#[test]
fn that_there_is_no_way_is_said_once_it_is_proven_and_from_then_on() {
    let config = config(MotionModel::Diff);
    // The robot is 12.4 cells wide; a disc of its inscribed radius passes.
    let map = costmap(&config, 0.05, &walls(12));
    let (start, goal) = (pose(&map, 25.0, 70.0, 0.3), pose(&map, 180.0, 70.0, -0.4));
    let guided = guided(&map, &config, start, goal).unwrap();
    let clock = Running::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let mut plan = |poses: bool, start: Pose| {
        let request = soon(&clock, (start, goal), 1);
        let outcome = if poses {
            planner.plan(&map, Some(&*guided), &request, &clock)
        } else {
            planner.plan(&map, &guided.guidance, &request, &clock)
        };
        (outcome.path.map(|_| ()), outcome.report.expansions)
    };
    // Guidance over headings knows of no way. That is no proof, since a way may end with a long curve.
    for poses in [false, true] {
        assert_eq!(plan(poses, start).0, Err(PlanError::TimedOut { applications: 0 }));
    }
    let plans = (0..100_000).map(|_| plan(true, start).0).take_while(|result| *result != Err(PlanError::NoValidPath));
    assert!(
        plans.inspect(|result| assert_eq!(*result, Err(PlanError::TimedOut { applications: 0 }))).count() < 100_000
    );
    // The robot stands still, give or take what localisation does.
    let beside = pose(&map, 25.1, 70.1, 0.31);
    for start in [start, beside] {
        assert_eq!(plan(true, start), (Err(PlanError::NoValidPath), 0));
    }
    assert_eq!(plan(true, pose(&map, 27.0, 70.0, 0.3)).0, Err(PlanError::TimedOut { applications: 0 }), "elsewhere");
    // On other costs nothing of it holds.
    let wider = costmap(&config, 0.05, &walls(16));
    assert!(planner.plan(&wider, Some(&*guided), &soon(&clock, (start, goal), 60_000), &clock).path.is_ok());
}

#[test]
fn older_guidance_leads_and_nothing_is_allocated() {
    for model in [MotionModel::Diff, MotionModel::Car] {
        let config = config(model);
        let mut rows = walls(24);
        let map = costmap(&config, 0.05, &rows);
        let (start, goal) = (pose(&map, 25.0, 70.0, 0.3), pose(&map, 180.0, 70.0, -0.4));
        let guided = guided(&map, &config, start, goal).unwrap();
        // A box in the way to the second gap.
        for row in &mut rows[50..56] {
            row.replace_range(85..91, "######");
        }
        let changed = costmap(&config, 0.05, &rows);
        let clock = Simulated::default();
        let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        planner.prepare(&map);
        let request = request(start, goal, Duration::from_mins(1));
        let mut lengths = Vec::with_capacity(4);
        let counted = allocation_counter::measure(|| {
            for map in [&map, &changed] {
                planner.reset();
                lengths.push(planner.plan(map, Some(&*guided), &request, &clock).path.unwrap().length());
            }
        });
        assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
        assert!(lengths[1] < 1.3 * lengths[0], "{lengths:?}");
    }
}

#[test]
fn it_leads_to_the_heading_that_the_robot_may_have_at_the_goal() {
    for heading in [GoalHeading::Default, GoalHeading::Bidirectional, GoalHeading::All] {
        let mut config = config(MotionModel::Car);
        config.planner.goal_heading = heading;
        let map = costmap(&config, 0.05, &walls(30));
        let (start, goal) = (pose(&map, 25.0, 70.0, 0.3), pose(&map, 180.0, 70.0, PI));
        let guided = guided(&map, &config, start, goal).unwrap();
        let clock = Simulated::default();
        let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        let outcome = planner.plan(&map, Some(&*guided), &request(start, goal, Duration::from_mins(1)), &clock);
        assert_eq!(outcome.report.expansions, 0, "{heading:?}");
        let yaw = outcome.path.unwrap().poses().last().unwrap().yaw;
        let is_turned = yaw.cos() > 0.0;
        assert_eq!(is_turned, heading != GoalHeading::Default, "{heading:?} {yaw}");
    }
}
