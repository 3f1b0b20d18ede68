//! After the first plan on a grid, planning allocates nothing: with a mock model, and with the kernel.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use common::{Ignorant, Simulated, bundle, costmap, pose};
use trm_config::{Config, GridKind};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::geometry::Rect;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_net::router::{FEATURES, Router, RouterFile};
use trm_planner::answers::Answers;
use trm_planner::endpoints::GoalArea;
use trm_planner::record::noted::Noted;
use trm_planner::record::readings::KeptClock;
use trm_planner::stats::Statistics;
use trm_planner::target::guide;
use trm_planner::{Planner, Request, Source};

#[test]
fn long_paths_and_changes_of_the_grid_allocate_nothing() {
    let config = Config::with(|config| {
        config.planner.window_size = 32;
        config.planner.max_steps = 3;
    });
    let rows = vec![".".repeat(1500); 40];
    let mut map = costmap(&config, 0.05, &rows);
    let geometry = *map.geometry();
    let mut builder = CostmapBuilder::new(&config.grid, GridKind::Map);
    builder.take_grid(OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap());
    map.apply(&builder.refresh_to_end().unwrap());
    let clock = Simulated::default();
    let backend = Ignorant { clock: clock.clone(), net_us: Arc::new(AtomicU64::new(500)), stubborn: false, size: 32 };
    let mut planner =
        Planner::with_backend(&config.grid, &config.planner, &bundle(), common::backend(backend), &clock).unwrap();
    planner.prepare(&map);
    let goal = pose(&map, 1490.0, 20.0, 1.0);
    let goal_cell = map.geometry().cell_at(goal.point()).unwrap();
    let guidance = Guidance::compute(&map, goal_cell, Travel::new(&config.grid), &|| false).unwrap();
    let mut patches: Vec<_> = (0..20)
        .map(|i| {
            let rect = Rect { col: 60 + 50 * i, row: 20, width: 3, height: 3 };
            builder.take_update(rect, &[100; 9]).unwrap();
            let Some(GridChange::Patch(patch)) = builder.refresh_to_end() else { panic!("a small change is a patch") };
            patch
        })
        .collect();
    let (mut poses, mut valid) = (0, 0);
    let counted = allocation_counter::measure(|| {
        for (i, patch) in patches.iter_mut().enumerate() {
            map.exchange(patch);
            let start = pose(&map, 5.0 + i as f64, 10.0, 0.0);
            valid += usize::from(planner.still_valid(&map, start));
            let request =
                Request { start, goal, arrived: Duration::ZERO, deadline: Duration::from_hours(1), epoch: None };
            let outcome = planner.plan(&map, std::slice::from_ref(&guidance), &request, &clock);
            poses += outcome.path.map_or(0, |path| path.poses().len());
        }
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    assert!(poses > 20 * 500 && valid > 0, "{poses} {valid}");
}

#[test]
fn the_planning_loop_allocates_nothing() {
    let mut rows = vec![".".repeat(120); 80];
    for row in rows.iter_mut().skip(20) {
        row.replace_range(60..61, "#");
    }
    for stubborn in [false, true] {
        let config = Config::with(|config| {
            config.planner.window_size = 64;
            config.planner.max_steps = 3;
        });
        let map = costmap(&config, 0.05, &rows);
        let clock = Simulated::default();
        let net_us = Arc::new(AtomicU64::new(500));
        let backend = Ignorant { clock: clock.clone(), net_us, stubborn, size: 64 };
        let mut planner =
            Planner::with_backend(&config.grid, &config.planner, &bundle(), common::backend(backend), &clock).unwrap();
        planner.prepare(&map);
        let mut statistics = Statistics::new();
        let (mut noted, mut answers) = (Noted::with_room(), Answers::new(64));
        let goal = pose(&map, 110.0, 60.0, 1.0);
        let goal_cell = map.geometry().cell_at(goal.point()).unwrap();
        let guidance = Guidance::compute(&map, goal_cell, Travel::new(&config.grid), &|| false).unwrap();
        let mut plan = |col: f64, guidance: &[Guidance]| {
            let request = Request {
                start: pose(&map, col, 50.3, 0.0),
                goal,
                arrived: Duration::ZERO,
                deadline: Duration::from_hours(1),
                epoch: None,
            };
            // As for the record of plans, and for who looks on.
            let clock = KeptClock::new(&clock, None, &mut noted.readings);
            answers.clear();
            let outcome = planner.plan_watched(&map, guidance, &request, &clock, &mut |answer| answers.keep(answer));
            noted.end(&outcome);
            statistics.record(&outcome.report, Duration::from_millis(3), false);
            assert!(outcome.path.is_ok() && noted.is_whole());
            outcome.report.source
        };
        plan(5.0, &[]);
        let mut sources = [0; Source::ALL.len()];
        let counted = allocation_counter::measure(|| {
            for i in 0..40 {
                sources[plan(5.0 + f64::from(i), &[]).index()] += 1;
                sources[plan(5.0 + f64::from(i), std::slice::from_ref(&guidance)).index()] += 1;
            }
        });
        assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
        assert!(sources[Source::None.index()] == 0 && sources.iter().filter(|n| **n > 0).count() > 0, "{sources:?}");
    }
}

#[test]
fn with_the_kernel_the_whole_plan_allocates_nothing() {
    let mut rows = vec![".".repeat(120); 80];
    for row in rows.iter_mut().skip(20) {
        row.replace_range(60..61, "#");
    }
    let mut blocked = rows.clone();
    for row in &mut blocked[10..20] {
        row.replace_range(64..66, "##");
    }
    for window_size in [32, 64] {
        // With few expansions, answers without a path make the planner turn the window.
        for max_expansions in [1, 400] {
            let config = Config::with(|config| {
                config.planner.window_size = window_size;
                config.planner.max_steps = 3;
                config.planner.max_expansions = max_expansions;
            });
            let maps = [costmap(&config, 0.05, &rows), costmap(&config, 0.05, &blocked)];
            let clock = Simulated::default();
            let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
            planner.prepare(&maps[0]);
            let goal = pose(&maps[0], 110.0, 60.0, 1.0);
            let goal_cell = maps[0].geometry().cell_at(goal.point()).unwrap();
            let guidance = Guidance::compute(&maps[0], goal_cell, Travel::new(&config.grid), &|| false).unwrap();
            let mut plan = |col: f64, map: usize, guidance: &[Guidance]| {
                let start = pose(&maps[map], col, 50.3, 0.0);
                let deadline = Duration::from_hours(1);
                let request = Request { start, goal, arrived: Duration::ZERO, deadline, epoch: None };
                planner.plan(&maps[map], guidance, &request, &clock).report
            };
            plan(5.0, 0, &[]);
            let (mut applications, mut warm) = (0, 0);
            let counted = allocation_counter::measure(|| {
                for i in 0..40 {
                    let report = plan(5.0 + f64::from(i), usize::from(i % 7 == 6), std::slice::from_ref(&guidance));
                    applications += u32::from(report.applications);
                    warm += u32::from(report.warm);
                }
            });
            assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
            assert!(applications >= 40 && warm > 0, "{applications} applications, {warm} warm plans");
        }
    }
}

#[test]
fn moved_goals_and_departures_allocate_nothing() {
    let config = Config::with(|config| {
        config.grid.robot_radius = 0.1;
        (config.planner.window_size, config.planner.max_steps) = (32, 2);
    });
    // A closed room of 4 × 4 cells in the middle of the map, whose walls are nearer to the goal than what is outside.
    let mut rows = vec![".".repeat(100); 60];
    for (at, row) in rows[26..34].iter_mut().enumerate() {
        row.replace_range(60..68, if (2..=5).contains(&at) { "##....##" } else { "########" });
    }
    let map = costmap(&Config::with(|config| config.grid.robot_radius = 0.0), 0.1, &rows);
    let inflated = costmap(&config, 0.1, &rows);
    let clock = Simulated::default();
    let backend = Ignorant { clock: clock.clone(), net_us: Arc::new(AtomicU64::new(500)), stubborn: false, size: 32 };
    let mut planner =
        Planner::with_backend(&config.grid, &config.planner, &bundle(), common::backend(backend), &clock).unwrap();
    planner.prepare(&map);
    // The goal in the room, from free cells and from cells beside its walls.
    let goal = pose(&map, 65.0, 30.0, 1.0);
    let area = GoalArea::new(map.geometry(), config.planner.tolerance, goal.point()).unwrap();
    let guidance = [&map, &inflated].map(|map| guide(map, Travel::new(&config.grid), &area, &|| false).unwrap());
    assert!(guidance[0].len() == 2, "the room, and the rest");
    let mut plan = |map: &Costmap, col: f64, guidance: &[Guidance]| {
        let (start, deadline) = (pose(map, col, 30.0, 0.0), Duration::from_hours(1));
        let request = Request { start, goal, arrived: Duration::ZERO, deadline, epoch: None };
        let outcome = planner.plan(map, guidance, &request, &clock);
        usize::from(outcome.path.is_ok() && outcome.report.moved_goal.is_some())
    };
    let mut moved = 0;
    let counted = allocation_counter::measure(|| {
        for at in 0..20 {
            let col = 40.0 + f64::from(at);
            moved += plan(&map, col, &[]) + plan(&map, col, &guidance[0]);
            moved += plan(&inflated, col, &[]) + plan(&inflated, col, &guidance[1]);
        }
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    assert_eq!(moved, 80);
    assert_eq!(inflated.cost(map.geometry().nearest_cell(pose(&map, 59.0, 30.0, 0.0).point())), Some(99));
}

#[test]
fn a_router_allocates_nothing_and_each_of_its_bundles_plans() {
    let text = format!(
        "format: 1\nbundles: [far, near]\nbudget_us: 10000\nmin_confidence: 0\nclassifier:\n  features: [{}]\n  bias: [0, 9]\n  \
         weights: [[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, -10, 0]]\n",
        FEATURES.join(", ")
    );
    let classifier = RouterFile::parse(&text, Path::new("router.yaml")).unwrap().classifier;
    let mut bundles = vec![bundle(), bundle()];
    bundles[1].manifest.name = "near".to_owned();
    let router = Router { bundles, classifier, budget: Duration::from_millis(10), min_confidence: 0.0 };
    let config = Config::with(|config| {
        config.planner.window_size = 32;
        // Every plan thinks.
        config.planner.unchanged_limit = 0.0;
    });
    let map = costmap(&config, 0.05, &vec![".".repeat(120); 40]);
    let clock = Simulated::default();
    let mut planner = Planner::routed(&config.grid, &config.planner, &router, &clock).unwrap();
    planner.prepare(&map);
    let goal = pose(&map, 60.0, 20.0, 0.0);
    let goal_cell = map.geometry().cell_at(goal.point()).unwrap();
    let guidance = Guidance::compute(&map, goal_cell, Travel::new(&config.grid), &|| false).unwrap();
    let mut plans = [0, 0];
    let counted = allocation_counter::measure(|| {
        for i in 0..50 {
            let (arrived, deadline) = (Duration::ZERO, Duration::from_hours(1));
            let start = pose(&map, 8.0 + f64::from(i), 15.0, 0.0);
            let request = Request { start, goal, arrived, deadline, epoch: None };
            let outcome = planner.plan(&map, std::slice::from_ref(&guidance), &request, &clock);
            if let (Ok(_), Some(route)) = (outcome.path, outcome.report.route) {
                plans[usize::from(route.bundle.as_str() == "near")] += 1;
            }
        }
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    assert!(plans[0] > 5 && plans[1] > 5, "{plans:?}");
}
