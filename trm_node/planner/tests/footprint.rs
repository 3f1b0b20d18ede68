//! Robots that aren't discs: what is published for them is clear for the whole footprint, and can be driven.

mod common;
#[path = "common/guided.rs"]
mod guided;

use std::f64::consts::{PI, TAU};
use std::time::Duration;

use common::{Running, Simulated, bundle, costmap, costmap_at, pose};
use guided::guided;
use proptest::prelude::*;
use trm_config::footprint::Footprint;
use trm_config::{Config, GoalHeading, GridConfig, MotionModel, PlannerConfig};
use trm_grid::cost::LETHAL;
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_planner::endpoints::GoalArea;
use trm_planner::epoch::{Epoch, Epochs};
use trm_planner::guides::Guides;
use trm_planner::halt::deadline::Clock;
use trm_planner::target::guide;
use trm_planner::{PlanError, Planner, Request, Source};
use trm_safety::check::Rules;
use trm_safety::outline::Outline;
use trm_safety::{VerifiedPath, swept};

/// 0.62 m x 0.9 m, its base off the middle.
const BOX: &str = "[[0.65, 0.31], [-0.25, 0.31], [-0.25, -0.31], [0.65, -0.31]]";
/// A forklift's body and its two forks: not convex.
const FORKS: &str = "[[0.2, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.2, -0.3], [0.7, -0.3], [0.7, -0.15], [0.2, -0.15], \
                     [0.2, 0.15], [0.7, 0.15], [0.7, 0.3]]";
const RADIUS: f64 = 0.5;

fn config(footprint: &str, model: MotionModel) -> Config {
    Config::with(|config| {
        config.grid.footprint = footprint.parse().ok();
        config.grid.footprint_padding = 0.0;
        config.planner.motion_model = model;
        config.planner.minimum_turning_radius = RADIUS;
        config.planner.tolerance = 0.0;
    })
}

/// The area that a polygon and the square of a cell have in common: the polygon clipped at the four borders.
fn shared_area(polygon: &[[f64; 2]], cell: Cell) -> f64 {
    let (col, row) = (f64::from(cell.col), f64::from(cell.row));
    let borders = [(0, 1.0, col + 0.5), (0, -1.0, 0.5 - col), (1, 1.0, row + 0.5), (1, -1.0, 0.5 - row)];
    let mut left = polygon.to_vec();
    for (axis, sign, limit) in borders {
        let excess = |point: &[f64; 2]| sign * point[axis] - limit;
        let mut clipped = Vec::new();
        for (at, point) in left.iter().enumerate() {
            let next = &left[(at + 1) % left.len()];
            if excess(point) <= 0.0 {
                clipped.push(*point);
            }
            if (excess(point) > 0.0) != (excess(next) > 0.0) {
                let share = excess(point) / (excess(point) - excess(next));
                clipped.push([0, 1].map(|axis| point[axis] + share * (next[axis] - point[axis])));
            }
        }
        left = clipped;
    }
    let next = left.iter().cycle().skip(1);
    left.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>().abs() / 2.0
}

fn turn(from: f64, to: f64) -> f64 {
    (to - from + PI).rem_euclid(TAU) - PI
}

/// A blocked cell that the footprint overlaps at one of many poses along a path. Shares nothing with the planner.
fn hit(map: &Costmap, footprint: &Footprint, poses: &[Pose]) -> Option<Cell> {
    let geometry = map.geometry();
    let overlaps = |pose: Pose| {
        let base = geometry.to_cells(pose.point());
        let (sin, cos) = (pose.yaw - geometry.origin().yaw).sin_cos();
        let scaled = footprint.corners().iter().map(|corner| corner.map(|value| value / geometry.resolution()));
        let polygon: Vec<_> =
            scaled.map(|[x, y]| [base.col + cos * x - sin * y, base.row + sin * x + cos * y]).collect();
        let reach = (footprint.circumscribed_radius() / geometry.resolution()).ceil() as i32 + 1;
        let middle = base.cell();
        let around = (-reach..=reach).flat_map(|row| (-reach..=reach).map(move |col| (col, row)));
        let mut cells = around.map(|(col, row)| Cell::new(middle.col + col, middle.row + row));
        cells.find(|cell| map.cost(*cell).is_none_or(|cost| cost >= LETHAL) && shared_area(&polygon, *cell) > 1e-4)
    };
    let between = poses.windows(2).flat_map(|pair| {
        let (from, to) = (pair[0], pair[1]);
        (0..8).map(move |piece| {
            let share = f64::from(piece) / 8.0;
            let yaw = from.yaw + share * turn(from.yaw, to.yaw);
            Pose::new(from.x + share * (to.x - from.x), from.y + share * (to.y - from.y), yaw)
        })
    });
    between.chain(poses.last().copied()).find_map(overlaps)
}

/// Rooms with walls, doors and clutter; `.` is free, `#` occupied.
fn world() -> impl Strategy<Value = Vec<String>> {
    let walls = proptest::collection::vec((0..90_usize, 0..70_usize, any::<bool>(), 5_usize..40), 0..6);
    let clutter = proptest::collection::vec((0..90_usize, 0..70_usize), 0..20);
    (walls, clutter).prop_map(|(walls, clutter)| {
        let mut rows = vec![vec!['.'; 90]; 70];
        let along = |(col, row, along, length)| {
            (0..length).map(move |at| if along { (col + at, row) } else { (col, row + at) })
        };
        for (col, row) in walls.into_iter().flat_map(along).chain(clutter) {
            if row < 70 && col < 90 {
                rows[row][col] = '#';
            }
        }
        rows.into_iter().map(String::from_iter).collect()
    })
}

fn guidance(map: &Costmap, config: &Config, goal: Pose) -> Vec<Guidance> {
    let area = GoalArea::new(map.geometry(), config.planner.tolerance, goal.point()).unwrap();
    guide(map, Travel::new(&config.grid), &area, &|| false).unwrap()
}

fn request(start: Pose, goal: Pose, seconds: f64) -> Request<'static> {
    Request { start, goal, arrived: Duration::ZERO, deadline: Duration::from_secs_f64(seconds), epoch: None }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_published_path_is_clear_and_can_be_driven(
        rows in world(), model in prop_oneof![Just(MotionModel::Omni), Just(MotionModel::Diff), Just(MotionModel::Car)],
        footprint in prop_oneof![Just(BOX), Just(FORKS)], kind in 0..3_usize, reverse in any::<bool>(),
        ends in (0.1..0.9_f64, 0.1..0.9_f64, -PI..PI, 0.1..0.9_f64, 0.1..0.9_f64, -PI..PI),
    ) {
        let mut config = config(footprint, model);
        config.planner.allow_reverse = reverse;
        let map = costmap(&config, 0.05, &rows);
        let at = |x: f64, y: f64, yaw| pose(&map, x * 90.0, y * 70.0, yaw);
        let (start, goal) = (at(ends.0, ends.1, ends.2), at(ends.3, ends.4, ends.5));
        let footprint: Footprint = footprint.parse().unwrap();
        let clock = Simulated::default();
        let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        // No guidance, over cells alone, and over headings, too.
        let guidance = if kind == 1 { guidance(&map, &config, goal) } else { Vec::new() };
        let guided = if kind == 2 { guided(&map, &config, start, goal) } else { None };
        let request = request(start, goal, 10.0);
        let outcome = match &guided {
            Some(guided) => planner.plan(&map, Some(&**guided), &request, &clock),
            None => planner.plan(&map, &guidance, &request, &clock),
        };
        match outcome.path {
            Ok(path) => {
                prop_assert_eq!(outcome.report.source, Source::Lattice);
                let poses = path.poses();
                let stands_clear = hit(&map, &footprint, &[start]).is_none();
                if stands_clear {
                    prop_assert_eq!(hit(&map, &footprint, poses), None);
                }
                let (first, last) = (poses[0], poses[poses.len() - 1]);
                prop_assert_eq!(first, start);
                prop_assert!(last.point().distance(goal.point()) <= 0.05, "{last:?}");
                prop_assert!(turn(last.yaw, goal.yaw).abs() <= config.planner.yaw_goal_tolerance + 1e-9);
                for pair in poses.windows(2) {
                    let (chord, turned) = (pair[0].point().distance(pair[1].point()), turn(pair[0].yaw, pair[1].yaw));
                    prop_assert!(chord <= 0.05 + 1e-9);
                    if model == MotionModel::Car {
                        prop_assert!(chord >= 2.0 * RADIUS * (turned.abs() / 2.0).sin() - 1e-6, "{pair:?}");
                    }
                    let heading = (pair[1].y - pair[0].y).atan2(pair[1].x - pair[0].x);
                    if model != MotionModel::Omni && chord > 1e-6 {
                        let across = turn(pair[0].yaw + turned / 2.0, heading).abs();
                        prop_assert!(across < 1e-3 || (reverse && across > PI - 1e-3), "{pair:?}");
                    }
                }
            }
            Err(PlanError::GoalBlocked(_) | PlanError::StartBlocked(_)) => {}
            Err(error) => prop_assert_eq!(error, PlanError::NoValidPath),
        }
    }
}

/// A wall with a gap of so many cells in the middle of 120 x 80 cells.
fn gap(cells: usize) -> Vec<String> {
    let mut rows = vec![".".repeat(120); 80];
    for (row, line) in rows.iter_mut().enumerate() {
        if !(40..40 + cells).contains(&row) {
            line.replace_range(60..64, "####");
        }
    }
    rows
}

#[test]
fn a_door_two_cells_wider_than_the_robot_is_passed_and_a_narrower_one_is_not() {
    for model in [MotionModel::Diff, MotionModel::Car, MotionModel::Omni] {
        let config = config(BOX, model);
        let clock = Simulated::default();
        // The robot is 12.4 cells wide.
        for (cells, passes) in [(14, true), (12, false)] {
            let map = costmap(&config, 0.05, &gap(cells));
            let (start, goal) = (pose(&map, 25.0, 30.0, 0.3), pose(&map, 95.0, 50.0, -0.4));
            let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
            let outcome = planner.plan(&map, &guidance(&map, &config, goal), &request(start, goal, 60.0), &clock);
            assert_eq!(
                outcome.path.map(|_| ()),
                if passes { Ok(()) } else { Err(PlanError::NoValidPath) },
                "{model:?}"
            );
        }
    }
}

/// The path of a new planner with time enough, from cells and headings against the grid's columns.
fn planned(config: &Config, map: &Costmap, start: [f64; 3], goal: [f64; 3]) -> Result<VerifiedPath, PlanError> {
    let at = |[col, row, yaw]: [f64; 3]| pose(map, col, row, map.geometry().to_map_yaw(yaw));
    let (start, goal) = (at(start), at(goal));
    let clock = Simulated::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let request = request(start, goal, 60.0);
    let searched = planner.plan(map, &guidance(map, config, goal), &request, &clock).path.map(VerifiedPath::length);
    planner.reset();
    // Guidance over headings finds what the search does.
    let guided = guided(map, config, start, goal);
    let path = planner.plan(map, guided.as_deref(), &request, &clock).path.cloned();
    let found = path.as_ref().map(VerifiedPath::length).map_err(|error| *error);
    assert_eq!(searched.map(|_| ()), found.map(|_| ()));
    let path = path?;
    let last = path.poses().last().unwrap();
    assert!(path.poses()[0] == start && last.point().distance(goal.point()) < 1e-6, "{last:?}");
    let footprint = config.grid.footprint.as_ref().unwrap();
    assert_eq!(hit(map, footprint, path.poses()), None);
    Ok(path)
}

/// Racks with two aisles of 1.1 m between them, which end at the wall.
fn aisles() -> Vec<String> {
    let aisle = ".".repeat(22);
    let racks = format!("{0}{1}{0}{1}{0}", "#".repeat(20), aisle);
    (0..120).map(|row| if row < 60 { racks.clone() } else { ".".repeat(104) }).collect()
}

/// The robot of navigation2 issue 5884 in its aisle.
#[test]
fn a_robot_of_62_by_90_centimetres_drives_from_aisle_to_aisle_of_1_1_metres() {
    let (left, right) = (20.0 + 10.5, 62.0 + 10.5);
    for model in [MotionModel::Diff, MotionModel::Car, MotionModel::Omni] {
        let config = config(BOX, model);
        let map = costmap(&config, 0.05, &aisles());
        for (shift, turned) in [(0.5, 0.0), (-1.7, 0.05)] {
            // In, nose first, and out of it backwards.
            let path = planned(&config, &map, [left + shift, 20.3, PI / 2.0 + turned], [right, 20.0, -PI / 2.0]);
            assert!(path.is_ok(), "{model:?} from {shift}: {:?}", path.err());
            let path =
                planned(&config, &map, [right + shift, 20.3, -PI / 2.0 + turned], [left + shift, 15.2, -PI / 2.0]);
            assert!(path.is_ok(), "{model:?} to {shift}: {:?}", path.err());
        }
    }
}

/// A robot of 2 m can hardly turn in an aisle of 1.1 m. It gets onto a line of the lattice over some length of the aisle.
#[test]
fn a_long_robot_backs_out_of_a_narrow_aisle_wherever_it_stands_in_it() {
    let long = "[[-1.0, -0.43], [1.0, -0.43], [1.0, 0.43], [-1.0, 0.43]]";
    for model in [MotionModel::Diff, MotionModel::Omni] {
        let config = config(long, model);
        let map = costmap(&config, 0.05, &aisles());
        for shift in [0.0, 0.5, -1.2] {
            let path = planned(&config, &map, [30.5 + shift, 25.0, -PI / 2.0], [50.2, 90.3, 0.0]);
            assert!(path.is_ok(), "{model:?} from {shift}: {:?}", path.err());
        }
    }
}

/// A wall through the middle of 90 x 90 cells, whose normal has a heading, with a door. The open squares of its cells leave
/// at least, or at most, so many cells for the door.
fn oblique_door(normal: f64, width: f64, at_least: bool) -> Vec<String> {
    let (sin, cos) = normal.sin_cos();
    let half = 0.5 * (sin.abs() + cos.abs());
    let is_wall = |col: usize, row: usize| {
        let (x, y) = (col as f64 - 44.5, row as f64 - 44.5);
        let (across, along) = (cos * x + sin * y, (cos * y - sin * x).abs());
        across.abs() <= 2.0 && along >= if at_least { width / 2.0 + half } else { width / 2.0 - half }
    };
    (0..90).map(|row| (0..90).map(|col| if is_wall(col, row) { '#' } else { '.' }).collect()).collect()
}

#[test]
fn an_oblique_door_two_cells_wider_than_the_robot_is_passed_and_a_narrower_one_is_not() {
    let through = |model, normal: f64, (width, at_least)| {
        let config = config(BOX, model);
        let map = costmap(&config, 0.05, &oblique_door(normal, width, at_least));
        let at = |side: f64, yaw| [44.5 + side * normal.cos(), 44.5 + side * normal.sin(), yaw];
        planned(&config, &map, at(-27.0, 0.1), at(25.0, 0.4)).map(|_| ())
    };
    for normal in [0.12, 0.25, 0.6, PI / 4.0] {
        for model in [MotionModel::Diff, MotionModel::Car, MotionModel::Omni] {
            assert_eq!(through(model, normal, (14.4, true)), Ok(()), "{model:?} at {normal}");
        }
    }
    assert_eq!(through(MotionModel::Diff, 0.6, (12.0, false)), Err(PlanError::NoValidPath));
}

#[test]
fn a_turned_map_changes_nothing_but_the_frame() {
    for model in [MotionModel::Diff, MotionModel::Car, MotionModel::Omni] {
        let config = config(BOX, model);
        let lengths = [0.0, -1.234, 2.9].map(|yaw| {
            let map = costmap_at(&config, 0.05, Pose::new(3.0, -7.0, yaw), &gap(14));
            planned(&config, &map, [25.0, 30.0, 0.3], [95.0, 50.0, -0.4]).unwrap().length()
        });
        assert!(lengths.iter().all(|length| (length - lengths[0]).abs() < 0.02), "{model:?}: {lengths:?}");
    }
}

#[test]
fn a_path_is_kept_while_it_holds_and_nothing_is_allocated() {
    let config = config(BOX, MotionModel::Car);
    let mut rows = gap(22);
    let map = costmap(&config, 0.05, &rows);
    rows[45].replace_range(62..63, "#");
    let blocked = costmap(&config, 0.05, &rows);
    let clock = Simulated::default();
    let goal = pose(&map, 95.0, 50.0, 0.0);
    let guidance = guidance(&map, &config, goal);
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let mut start = pose(&map, 25.0, 30.0, 0.0);
    planner.prepare(&map);
    let mut sources = Vec::with_capacity(100);
    let counted = allocation_counter::measure(|| {
        for _ in 0..20 {
            let outcome = planner.plan(&map, &guidance, &request(start, goal, 60.0), &clock);
            let path = outcome.path.unwrap();
            sources.push(outcome.report.source);
            start = path.poses()[2];
        }
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    assert_eq!(sources[0], Source::Lattice);
    assert!(sources[1..].iter().all(|source| *source == Source::Previous), "{sources:?}");
    assert!(planner.still_valid(&map, start) && !planner.still_valid(&blocked, start));
    assert!(planner.plan(&blocked, &[], &request(start, goal, 60.0), &clock).report.source != Source::Previous);
}

/// A clock at whose reading with this number guidance over headings is delivered.
struct Telling<'a>(std::cell::Cell<u32>, &'a Epochs);

impl Clock for Telling<'_> {
    fn now(&self) -> Duration {
        self.0.set(self.0.get().wrapping_sub(1));
        if self.0.get() == 0 {
            self.1.tell(1);
        }
        Duration::ZERO
    }
}

#[test]
fn a_search_ends_when_newer_guidance_comes_and_a_plan_with_that_follows_it() {
    let config = config(BOX, MotionModel::Car);
    let map = costmap(&config, 0.05, &gap(14));
    let (start, goal) = (pose(&map, 25.0, 30.0, 0.3), pose(&map, 95.0, 50.0, -0.4));
    let guided = guided(&map, &config, start, goal).unwrap();
    let epochs = Epochs::default();
    let epoch = Epoch::new(&epochs, epochs.begin());
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &Simulated::default()).unwrap();
    let mut plan = |poses, epoch, clock: &dyn Clock| {
        let request = Request { epoch: Some(epoch), ..request(start, goal, 100.0) };
        let outcome = planner.plan(&map, Guides { cells: &guided.guidance, poses }, &request, clock);
        (outcome.path.map(|path| path.poses().len()), outcome.report.expansions)
    };
    let clock = Telling(std::cell::Cell::new(120), &epochs);
    let (result, expansions) = plan(None, epoch.until_newer(0), &clock);
    assert_eq!(result, Err(PlanError::Cancelled));
    assert!(expansions > 0, "it has begun");
    let (result, after) = plan(guided.poses.as_deref(), epoch.until_newer(1), &clock);
    assert!(result.is_ok());
    assert_eq!(after, expansions, "no more than was searched before");
    epochs.tell(2);
    assert_eq!(plan(None, epoch.until_newer(1), &clock).0, result, "the path is kept, whatever comes");
}

#[test]
fn a_search_that_the_deadline_ends_goes_on_with_the_next_plan() {
    let config = config(BOX, MotionModel::Car);
    let map = costmap(&config, 0.05, &gap(14));
    let (start, goal) = (pose(&map, 25.0, 30.0, 0.3), pose(&map, 95.0, 50.0, -0.4));
    let clock = Running::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let mut timeouts = 0;
    loop {
        let arrived = clock.now();
        let deadline = arrived + Duration::from_micros(200);
        let request = Request { start, goal, arrived, deadline, epoch: None };
        let outcome = planner.plan(&map, &[], &request, &clock);
        assert!(outcome.report.margin > -1_000_000, "{:?}", outcome.report);
        match outcome.path {
            Ok(path) => {
                assert_eq!(path.poses()[0], start);
                break;
            }
            Err(error) => assert_eq!(error, PlanError::TimedOut { applications: 0 }),
        }
        timeouts += 1;
        assert!(timeouts < 10_000, "it never ends");
    }
    assert!(timeouts > 1, "{timeouts}");
}

#[test]
fn a_robot_that_has_moved_a_little_while_it_was_searched_for_gets_a_path_from_where_it_is() {
    let config = config(BOX, MotionModel::Omni);
    // A post ahead, just beside the way of a robot that stands in row 20.2, and in the way of one that comes there from row 20.44.
    let mut rows = vec![".".repeat(120); 45];
    rows[27].replace_range(34..35, "#");
    let map = costmap(&config, 0.05, &rows);
    let (before, now, goal) = ((20.45, 20.2), (20.45, 20.44), pose(&map, 90.0, 20.2, 0.0));
    let clock = Running::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let mut plan = |(col, row), micros| {
        let arrived = clock.now();
        let deadline = arrived + Duration::from_micros(micros);
        let request = Request { start: pose(&map, col, row, 0.0), goal, arrived, deadline, epoch: None };
        planner.plan(&map, &[], &request, &clock).path.map(|path| path.poses()[0])
    };
    assert_eq!(plan(before, 60), Err(PlanError::TimedOut { applications: 0 }));
    assert_eq!(plan(now, 60_000_000), Ok(pose(&map, now.0, now.1, 0.0)));
}

#[test]
fn a_planner_that_was_made_for_another_footprint_checks_its_paths_with_the_new_one() {
    let config = config(BOX, MotionModel::Diff);
    let map = costmap(&config, 0.05, &gap(30));
    let (start, goal) = (pose(&map, 25.0, 30.0, 0.3), pose(&map, 95.0, 50.0, -0.4));
    let clock = Simulated::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let mut disc = Planner::new(&Config::default().grid, &config.planner, &bundle(), &clock).unwrap();
    let padded = |footprint_padding| GridConfig { footprint_padding, ..config.grid.clone() };
    let (larger, too_large) = (padded(0.002), padded(0.6));
    let none = GridConfig { footprint: None, ..config.grid.clone() };
    let (request, not_ready) = (request(start, goal, 60.0), Err(PlanError::NotReady));
    for (grid, wanted) in
        [(&config.grid, Ok(())), (&larger, Ok(())), (&too_large, not_ready), (&none, not_ready), (&larger, Ok(()))]
    {
        planner.set_robot(grid);
        let poses = planner.plan(&map, &[], &request, &clock).path.map(|path| path.poses().to_vec());
        if let (Ok(poses), Some(outline)) = (&poses, grid.outline()) {
            let outline = Outline::new(&outline, map.geometry().resolution());
            assert!(swept::check(&map, Rules::new(false, 0.0, 0.05), &outline, poses.iter().copied()));
        }
        assert_eq!(poses.map(|_| ()), wanted);
    }
    for (grid, wanted) in [(&none, Ok(())), (&config.grid, Err(PlanError::NotReady))] {
        disc.set_robot(grid);
        assert_eq!(disc.plan(&map, &[], &request, &clock).path.map(|_| ()), wanted);
    }
}

#[test]
fn a_planner_for_another_footprint_goes_on_with_the_path_where_the_robot_moves_alike() {
    let old = config(BOX, MotionModel::Diff);
    let map = costmap(&old, 0.05, &gap(30));
    let (start, goal) = (pose(&map, 25.0, 30.0, 0.3), pose(&map, 95.0, 50.0, -0.4));
    let (clock, request) = (Simulated::default(), request(start, goal, 60.0));
    let changed = |change: fn(&mut Config)| {
        let mut config = old.clone();
        change(&mut config);
        config
    };
    for (new, source) in [
        (changed(|config| config.grid.footprint_padding = 0.002), Source::Previous),
        (changed(|config| config.grid.footprint_padding = 0.6), Source::None),
        (changed(|config| config.planner.motion_model = MotionModel::Car), Source::Lattice),
    ] {
        let [mut before, mut after] =
            [&old, &new].map(|config| Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap());
        assert!(before.plan(&map, &[], &request, &clock).path.is_ok());
        after.prepare(&map);
        after.take_over(&mut before);
        assert_eq!(after.plan(&map, &[], &request, &clock).report.source, source);
    }
}

#[test]
fn a_footprint_too_large_for_the_cells_is_refused_by_name() {
    let config = config(BOX, MotionModel::Diff);
    // Cells of 1 cm: the robot reaches 72 of them.
    let map = costmap(&config, 0.01, &gap(30));
    let (start, goal) = (pose(&map, 25.0, 30.0, 0.3), pose(&map, 95.0, 50.0, -0.4));
    let clock = Simulated::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let outcome = planner.plan(&map, &[], &request(start, goal, 60.0), &clock);
    assert_eq!(outcome.path.map(|_| ()), Err(PlanError::NoLattice("footprint")));
    assert!(PlanError::NoLattice("footprint").to_string().contains("parameter footprint"));
}

#[test]
fn a_goal_may_be_entered_either_way_round_or_any() {
    let mut config = config(BOX, MotionModel::Car);
    config.planner.allow_reverse = false;
    let map = costmap(&config, 0.05, &gap(30));
    // Straight ahead through the gap, and a goal that looks back.
    let along = map.geometry().to_map_yaw(0.0);
    let (start, goal) = (pose(&map, 25.0, 55.0, along), pose(&map, 95.0, 55.0, along + PI));
    let clock = Simulated::default();
    let guidance = guidance(&map, &config, goal);
    let grid = config.grid.clone();
    let length = |heading| {
        let config = PlannerConfig { goal_heading: heading, ..config.planner.clone() };
        let mut planner = Planner::new(&grid, &config, &bundle(), &clock).unwrap();
        let path = planner.plan(&map, &guidance, &request(start, goal, 60.0), &clock).path.unwrap();
        (path.length(), turn(path.poses().last().unwrap().yaw, along).abs())
    };
    let (all, both, default) =
        (length(GoalHeading::All), length(GoalHeading::Bidirectional), length(GoalHeading::Default));
    assert!(default.0 > 4.5 && (default.1 - PI).abs() < 1e-6, "{default:?}");
    assert!(both.0 < 3.51 && both.1 < 1e-6, "{both:?}");
    assert!(all.0 < 3.6 && all.1 < 0.2, "{all:?}");
}
