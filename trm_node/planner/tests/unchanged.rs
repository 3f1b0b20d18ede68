//! A plan on which nothing has changed isn't thought about: the path before is checked and kept.

mod common;

use std::time::Duration;

use common::{Simulated, bundle, costmap, pose};
use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::Pose;
use trm_planner::halt::policy::StopReason;
use trm_planner::{Planner, Report, Request, Source};

const LIMIT: Duration = Duration::from_secs(1);

/// A room with a wall in it, wider than the window.
fn room(extra: &str) -> Vec<String> {
    let mut rows = vec![".".repeat(60); 40];
    rows[20].replace_range(8..36, &"#".repeat(28));
    rows[37].replace_range(50..50 + extra.len(), extra);
    rows
}

struct Bench {
    planner: Planner,
    clock: Simulated,
    travel: Travel,
}

impl Bench {
    fn new(config: &Config) -> Self {
        let clock = Simulated::default();
        let planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        Self { planner, clock, travel: Travel::new(&config.grid) }
    }

    fn plan(&mut self, map: &Costmap, start: Pose, goal: Pose) -> Report {
        let cell = map.geometry().cell_at(goal.point()).unwrap();
        let guidance = Guidance::compute(map, cell, self.travel, &|| false).unwrap();
        let arrived = trm_planner::halt::deadline::Clock::now(&self.clock);
        let request = Request { start, goal, arrived, deadline: arrived + Duration::from_secs(9), epoch: None };
        let outcome = self.planner.plan(map, std::slice::from_ref(&guidance), &request, &self.clock);
        assert!(outcome.path.is_ok());
        outcome.report
    }
}

fn config(limit: f64) -> Config {
    Config::with(|config| {
        config.planner.unchanged_limit = limit;
        config.planner.window_size = 32;
        config.grid.robot_radius = 0.1;
        config.grid.inflation_radius = 0.2;
    })
}

fn is_unchanged(report: &Report) -> bool {
    let is = report.stop == Some(StopReason::Unchanged);
    assert!(!is || (report.applications == 0 && report.steps == 0 && report.source == Source::Previous), "{report:?}");
    is
}

#[test]
fn while_nothing_changes_the_network_is_not_applied_and_after_the_limit_it_is_again() {
    let config = config(LIMIT.as_secs_f64());
    let map = costmap(&config, 0.1, &room(""));
    let (start, goal) = (pose(&map, 20.5, 12.5, 0.0), pose(&map, 20.5, 30.5, 0.0));
    let mut bench = Bench::new(&config);
    let first = bench.plan(&map, start, goal);
    assert!(first.source == Source::Model && first.stop.is_some_and(StopReason::is_content), "{first:?}");
    for _ in 0..9 {
        bench.clock.pass(LIMIT / 10);
        assert!(is_unchanged(&bench.plan(&map, start, goal)));
    }
    bench.clock.pass(LIMIT / 10);
    let again = bench.plan(&map, start, goal);
    assert!(!is_unchanged(&again) && again.source == Source::Model, "{again:?}");
    assert!(is_unchanged(&bench.plan(&map, start, goal)), "it has thought about it");
    // Half a cell on along the path is still the same window; beside the path, or in another window, is not.
    assert!(is_unchanged(&bench.plan(&map, pose(&map, 20.9, 12.6, 0.0), goal)));
    let beside = pose(&map, 20.5, 9.0, 0.0);
    assert!(!is_unchanged(&bench.plan(&map, beside, goal)));
}

#[test]
fn a_path_that_goes_on_outside_the_window_is_kept_as_well() {
    let config = config(LIMIT.as_secs_f64());
    let mut rows = vec![".".repeat(160); 90];
    for (at, row) in rows.iter_mut().enumerate() {
        for (wall, gap) in [(50, 10..20), (80, 60..70), (120, 30..42)] {
            if !gap.contains(&at) {
                row.replace_range(wall..wall + 2, "##");
            }
        }
    }
    let map = costmap(&config, 0.1, &rows);
    let goal = pose(&map, 150.5, 70.5, 0.0);
    for (col, row) in [(20.5, 60.5), (60.3, 14.2), (100.5, 66.5)] {
        let (mut bench, start) = (Bench::new(&config), pose(&map, col, row, 0.0));
        let first = bench.plan(&map, start, goal);
        assert!(first.stop.is_some_and(StopReason::is_content), "{first:?}");
        let next = bench.plan(&map, start, goal);
        assert!(is_unchanged(&next), "{first:?} {next:?}");
    }
}

#[test]
fn whatever_the_answer_depends_on_is_thought_about_when_it_changes() {
    let config = config(LIMIT.as_secs_f64());
    let (map, other) = (costmap(&config, 0.1, &room("")), costmap(&config, 0.1, &room("#")));
    let (start, goal) = (pose(&map, 20.5, 12.5, 0.0), pose(&map, 20.5, 30.5, 0.0));
    let mut bench = Bench::new(&config);
    bench.plan(&map, start, goal);
    assert!(!is_unchanged(&bench.plan(&other, start, goal)), "other costs");
    assert!(is_unchanged(&bench.plan(&other, start, goal)));
    assert!(!is_unchanged(&bench.plan(&other, start, pose(&map, 21.0, 30.5, 0.0))), "another goal");
    assert!(!is_unchanged(&bench.plan(&other, start, goal)), "and back");
    bench.planner.set_robot(&config.grid);
    assert!(!is_unchanged(&bench.plan(&other, start, goal)), "another robot, perhaps");
    bench.planner.reset();
    assert!(!is_unchanged(&bench.plan(&other, start, goal)), "nothing is known any more");
}

#[test]
fn an_answer_that_the_step_limit_or_the_user_cut_short_is_thought_about_again() {
    let cut = Config::with(|config| {
        (config.planner.max_steps, config.planner.stop_verified, config.planner.stop_settled) = (2, false, false);
        config.planner.window_size = 32;
        config.grid.robot_radius = 0.1;
        config.grid.inflation_radius = 0.2;
    });
    for config in [cut, config(0.0)] {
        let map = costmap(&config, 0.1, &room(""));
        let (start, goal) = (pose(&map, 20.5, 12.5, 0.0), pose(&map, 20.5, 30.5, 0.0));
        let mut bench = Bench::new(&config);
        for _ in 0..3 {
            assert!(!is_unchanged(&bench.plan(&map, start, goal)));
        }
    }
}
