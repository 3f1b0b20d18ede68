//! Laws of long paths: their far part is kept from plan to plan, and yet every published path passes the check as a
//! whole, whatever has changed in the meantime.

mod common;

use common::{Simulated, bundle, pose};
use proptest::prelude::*;
use std::time::Duration;
use trm_config::{Config, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::{CostmapBuilder, build};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_planner::endpoints::GoalArea;
use trm_planner::target::guide;
use trm_planner::{Planner, Request, Source};
use trm_safety::check::{Rules, check, in_cells};
use trm_safety::route::{DENSE, FAR_STRIDE, Route};

const WIDTH: i32 = 900;
const HEIGHT: i32 = 60;

/// A long hall with walls across it, a door in each wall, and clutter.
fn hall() -> impl Strategy<Value = Vec<i8>> {
    let walls = proptest::collection::vec((20..WIDTH - 20, 0..HEIGHT - 12), 0..12);
    let clutter = proptest::collection::vec((0..WIDTH, 0..HEIGHT), 0..120);
    (walls, clutter).prop_map(|(walls, clutter)| {
        let mut data = vec![0; (WIDTH * HEIGHT) as usize];
        let at = |col: i32, row: i32| (row * WIDTH + col) as usize;
        for (col, door) in walls {
            for row in (0..HEIGHT).filter(|row| !(door..door + 12).contains(row)) {
                data[at(col, row)] = 100;
            }
        }
        for (col, row) in clutter {
            data[at(col, row)] = 100;
        }
        data
    })
}

/// An obstacle appears or disappears: its position as fractions of the remaining length and of the hall's height, its
/// size in cells, and whether it appears.
type Event = (f64, f64, u32, u32, bool);

/// A robot on its way through a hall.
struct Drive {
    config: Config,
    builder: CostmapBuilder,
    map: Costmap,
    planner: Planner,
    clock: Simulated,
    start: Pose,
    goal: Pose,
}

impl Drive {
    fn new(config: Config, data: Vec<i8>) -> Self {
        let geometry = Geometry::new(WIDTH as u32, HEIGHT as u32, 0.1, Pose::new(-1.0, 2.0, 0.3)).unwrap();
        let mut builder = CostmapBuilder::new(&config.grid, GridKind::Map);
        builder.take_grid(OccupancyGrid::new(geometry, data).unwrap());
        builder.refresh_to_end();
        let map = builder.costmap().unwrap().clone();
        let clock = Simulated::default();
        let planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        let (start, goal) = (pose(&map, 6.2, 30.1, 0.0), pose(&map, WIDTH as f64 - 8.0, 28.3, 1.0));
        Self { config, builder, map, planner, clock, start, goal }
    }

    /// The cells that the goal stands for.
    fn area(&self) -> GoalArea {
        GoalArea::new(self.map.geometry(), self.config.planner.tolerance, self.goal.point()).unwrap()
    }

    fn guidance(&self) -> Vec<Guidance> {
        guide(&self.map, Travel::new(&self.config.grid), &self.area(), &|| false).unwrap()
    }

    fn update(&mut self, (along, up, width, height, comes): Event) {
        let here = self.map.geometry().nearest_cell(self.start.point()).col;
        let col = (here + 4 + (along * f64::from(WIDTH - here)) as i32).min(WIDTH);
        let row = (up * f64::from(HEIGHT)) as i32;
        let rect = Rect { col, row, width, height }.grown(0, self.map.geometry());
        let values = vec![if comes { 100 } else { 0 }; rect.area()];
        self.builder.take_update(rect, &values).unwrap();
        if let Some(change) = self.builder.refresh_to_end() {
            self.map.apply(&change);
        }
    }

    /// The published poses and their source.
    fn plan(&mut self, guidance: &[Guidance]) -> Option<(Vec<Pose>, Source)> {
        let (arrived, deadline) = (Duration::ZERO, Duration::from_secs(1));
        let request = Request { start: self.start, goal: self.goal, arrived, deadline, epoch: None };
        let outcome = self.planner.plan(&self.map, guidance, &request, &self.clock);
        let path = outcome.path.ok()?;
        Some((path.poses().to_vec(), outcome.report.source))
    }

    fn passes(&self, poses: &[Pose]) -> bool {
        let rules = Rules::new(
            self.config.grid.allow_unknown,
            self.config.planner.start_tolerance,
            self.map.geometry().resolution(),
        );
        check(&self.map, rules, in_cells(&self.map, poses))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_published_path_of_a_long_drive_passes_the_whole_check_and_ends_at_the_goal(
        data in hall(), smooth in any::<bool>(), cost_travel_multiplier in prop_oneof![Just(0.0), 0.5..=3.0_f64],
        ticks in proptest::collection::vec(
            (proptest::option::weighted(0.4, (0.0..1.0_f64, 0.0..1.0_f64, 1_u32..30, 1_u32..30, any::<bool>())), any::<bool>(), 0.0..6.0_f64),
            4..16,
        ),
    ) {
        let config = Config::with(|config| {
            config.planner.smooth = smooth;
            config.grid.cost_travel_multiplier = cost_travel_multiplier;
            config.planner.window_size = 24;
            config.planner.max_steps = 2;
            config.grid.robot_radius = 0.1;
            config.grid.inflation_radius = 0.3;
        });
        let mut drive = Drive::new(config, data);
        let mut guidance = drive.guidance();
        for (event, renewed, steps) in ticks {
            if let Some(event) = event {
                drive.update(event);
            }
            if renewed {
                guidance = drive.guidance();
            }
            let Some((poses, _)) = drive.plan(&guidance) else { continue };
            prop_assert!(drive.passes(&poses));
            let geometry = *drive.map.geometry();
            prop_assert!(drive.area().distance(geometry.nearest_cell(poses[poses.len() - 1].point())).is_some());
            prop_assert!((poses[poses.len() - 1].yaw - drive.goal.yaw).abs() < 1e-12);
            prop_assert!(poses[0].point().distance(drive.start.point()) <= 0.708 * geometry.resolution());
            let apart = |at: usize| poses[at].point().distance(poses[at + 1].point()) / geometry.resolution();
            let dense = |at: usize| apart(at) < if at + 1 < DENSE { 1.5 } else { FAR_STRIDE + 1e-6 };
            prop_assert!((0..poses.len() - 1).all(dense));
            // Drive on along the path.
            drive.start = poses[(steps as usize).min(poses.len() - 1)];
        }
    }

    #[test]
    fn a_path_becomes_invalid_exactly_if_an_obstacle_blocks_it(
        data in hall(), event in (0.0..1.0_f64, 0.0..1.0_f64, 1_u32..20, 1_u32..20, Just(true)),
    ) {
        let config = Config::with(|config| {
            config.planner.window_size = 24;
            config.planner.max_steps = 2;
            config.grid.robot_radius = 0.1;
            config.grid.inflation_radius = 0.3;
        });
        let mut drive = Drive::new(config, data);
        // Start at the centre of a cell.
        drive.start = pose(&drive.map, 6.0, 30.0, 0.0);
        let guidance = drive.guidance();
        let Some((poses, _)) = drive.plan(&guidance) else { return Ok(()) };
        prop_assert!(drive.planner.still_valid(&drive.map, drive.start));
        drive.update(event);
        prop_assert_eq!(drive.planner.still_valid(&drive.map, drive.start), drive.passes(&poses));
        // An equal grid with another history gives the same result.
        let other = costmap_like(&drive);
        prop_assert_eq!(drive.planner.still_valid(&other, drive.start), drive.passes(&poses));
    }
}

/// The same costs as a new grid.
fn costmap_like(drive: &Drive) -> Costmap {
    let data = drive.map.costs().into_iter().map(|cost| if cost == 255 { -1 } else { cost as i8 }).collect();
    build(&drive.config.grid, GridKind::Costmap, OccupancyGrid::new(*drive.map.geometry(), data).unwrap())
}

#[test]
fn a_path_that_joins_a_route_costs_no_more_than_one_planned_from_scratch() {
    let mut rows = vec![".".repeat(WIDTH as usize); HEIGHT as usize];
    for (col, door) in [(100, 40), (220, 4), (400, 25), (640, 45), (800, 10)] {
        for (_, line) in rows.iter_mut().enumerate().filter(|(row, _)| !(door..door + 10).contains(row)) {
            line.replace_range(col..=col, "#");
        }
    }
    let config = Config::with(|config| {
        config.planner.window_size = 32;
        config.planner.max_steps = 4;
    });
    let travel = Travel::new(&config.grid);
    let (mut kept, mut fresh) = (Drive::new(config.clone(), rows_data(&rows)), Drive::new(config, rows_data(&rows)));
    let (guidance, whole) = (kept.guidance(), fresh.guidance());
    for _ in 0..60 {
        fresh.planner.reset();
        fresh.start = kept.start;
        let (Some((joined, _)), Some((alone, _))) = (kept.plan(&guidance), fresh.plan(&whole)) else {
            panic!("there is a path");
        };
        let cost = |poses: &[Pose]| travel.path(&kept.map, poses.iter().copied());
        let least = f64::from(guidance[0].cost_to_go(kept.map.geometry().nearest_cell(kept.start.point())));
        assert!(cost(&joined) <= 1.01 * least + 4.0, "{} against {least}", cost(&joined));
        assert!(cost(&joined) <= 1.01 * cost(&alone) + 4.0, "{} against {}", cost(&joined), cost(&alone));
        kept.start = joined[8];
    }
}

fn rows_data(rows: &[String]) -> Vec<i8> {
    rows.iter().flat_map(|row| row.chars().map(|c| if c == '#' { 100 } else { 0 })).collect()
}

/// The tests above are only meaningful if the hall is much longer than the near part of a path.
#[test]
fn the_hall_is_longer_than_the_near_part_of_a_path() {
    let drive = Drive::new(Config::default(), vec![0; (WIDTH * HEIGHT) as usize]);
    assert!(drive.guidance()[0].cost_to_go(Cell::new(6, 30)) > 3.0 * 256.0);
}

/// An empty hall, and corners that zigzag through it.
fn winding() -> (Drive, Vec<Cell>) {
    let drive = Drive::new(Config::default(), vec![0; (WIDTH * HEIGHT) as usize]);
    let goal = drive.map.geometry().cell_at(drive.goal.point()).unwrap();
    let turns = (0..15).flat_map(|turn| [Cell::new(20 + 40 * turn, 3), Cell::new(40 + 40 * turn, 56)]);
    (drive, turns.chain([goal]).collect())
}

#[test]
fn far_poses_are_farther_apart_and_every_corner_has_one() {
    let (drive, corners) = winding();
    let resolution = drive.map.geometry().resolution();
    let mut route = Route::default();
    assert!(route.draw(&drive.map, Travel::new(&drive.config.grid), &corners, drive.goal, None));
    let poses: Vec<Pose> = route.poses(0, 0).collect();
    assert_eq!(poses.last(), Some(&drive.goal));
    assert!(poses.len() > DENSE + 50 && drive.passes(&poses));
    let apart = |pair: &[Pose]| pair[0].point().distance(pair[1].point()) / resolution;
    assert!(poses[..DENSE].windows(2).all(|pair| apart(pair) < 1.5));
    assert!(poses.windows(2).all(|pair| apart(pair) <= FAR_STRIDE + 1e-6));
    for corner in &corners[..corners.len() - 1] {
        let center = drive.map.geometry().center(*corner);
        assert!(poses.iter().any(|pose| pose.point().distance(center) < 1e-9), "{corner:?}");
    }
    let dense = |pair: &[Pose]| apart(pair) < 1.5;
    let behind: Vec<Pose> = route.poses(2, DENSE).collect();
    assert!(!dense(&behind[..2]), "sparse at once after as many poses before them");
}

#[test]
fn a_route_that_continues_as_another_equals_the_route_over_all_corners() {
    let (drive, corners) = winding();
    let travel = Travel::new(&drive.config.grid);
    let (mut whole, mut far, mut joined) = (Route::default(), Route::default(), Route::default());
    assert!(whole.draw(&drive.map, travel, &corners, drive.goal, Some(7)));
    assert!(far.draw(&drive.map, travel, &corners[8..], drive.goal, Some(7)));
    assert!(!joined.draw_to(&drive.map, travel, &corners[..10], (&far, 2), Some(7)), "corner 9 is not corner 10");
    assert!(joined.corner(0).is_none());
    assert!(joined.draw_to(&drive.map, travel, &corners[..11], (&far, 2), Some(7)));
    assert!(joined.poses(0, 0).eq(whole.poses(0, 0)));
    assert!((joined.cost_to_go(3) - whole.cost_to_go(3)).abs() < 1e-9);
    assert!(joined.cost_to_go(corners.len()).is_infinite());
}

/// The goal is in a wall and so moved to the nearest free cell. When its own becomes free the robot goes there, and not on
/// to the cell that the path published before leads to.
#[test]
fn a_path_leads_to_the_goals_own_cell_once_that_is_free() {
    let config = Config::with(|config| {
        (config.grid.robot_radius, config.grid.inflation_radius) = (0.0, 0.0);
        (config.planner.tolerance, config.planner.max_steps) = (0.5, 0);
    });
    let mut data = vec![0; (WIDTH * HEIGHT) as usize];
    let wall = Rect { col: 18, row: 26, width: 5, height: 5 };
    for row in 26..31 {
        data[row * WIDTH as usize + 18..][..5].fill(100);
    }
    let mut drive = Drive::new(config, data);
    drive.goal = pose(&drive.map, 20.0, 28.2, 1.0);
    let plan = |drive: &mut Drive| drive.plan(&[]).map(|(poses, source)| (source, *poses.last().unwrap())).unwrap();
    let (source, end) = plan(&mut drive);
    assert_eq!((source, drive.map.geometry().nearest_cell(end.point())), (Source::Fallback, Cell::new(20, 31)));
    assert_eq!(plan(&mut drive), (Source::Previous, end));
    drive.builder.take_update(wall, &[0; 25]).unwrap();
    drive.map.apply(&drive.builder.refresh_to_end().unwrap());
    assert_eq!(plan(&mut drive), (Source::Fallback, drive.goal));
}
