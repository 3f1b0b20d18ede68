//! Soft costs in the whole planner: paths keep away from obstacles where that is worth the detour.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Simulated, bundle, costmap, pose};
use trm_config::{Config, GridConfig};
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_net::encode::{CHANNELS, CLASSES};
use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};
use trm_planner::{GuidanceKind, Outcome, Planner, Request, Source};

fn request(start: Pose, goal: Pose) -> Request<'static> {
    Request { start, goal, arrived: Duration::ZERO, deadline: Duration::from_secs(1), epoch: None }
}

/// The maximum distance of a path from a row of the grid, between two columns, in cells.
fn off_row(map: &Costmap, outcome: &Outcome, row: f64, cols: std::ops::Range<f64>) -> f64 {
    let points = outcome.path.unwrap().poses().iter().map(|pose| map.geometry().to_cells(pose.point()));
    points.filter(|at| cols.contains(&at.col)).map(|at| (at.row - row).abs()).fold(0.0, f64::max)
}

/// A corridor between two walls. Rows 1 to 5 are free.
fn corridor(config: &Config) -> Costmap {
    let wall = "#".repeat(60);
    let free = ".".repeat(60);
    costmap(config, 0.1, &[wall.clone(), free.clone(), free.clone(), free.clone(), free.clone(), free, wall])
}

#[test]
fn a_path_beside_a_wall_moves_to_the_middle_of_the_corridor_only_if_costs_count() {
    let narrow = Config::with(|config| {
        config.grid.robot_radius = 0.05;
        config.grid.inflation_radius = 0.5;
        config.planner.max_steps = 0;
    });
    for (cost_travel_multiplier, row) in [(2.0, 3.0), (3.0, 3.0), (0.0, 1.0)] {
        let config = {
            let mut new = narrow.clone();
            new.grid.cost_travel_multiplier = cost_travel_multiplier;
            new
        };
        let map = corridor(&config);
        let clock = Simulated::default();
        let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
        let goal = Cell::new(55, 1);
        let guidance = Guidance::compute(&map, goal, Travel::new(&config.grid), &|| false).unwrap();
        for guidance in [&[][..], std::slice::from_ref(&guidance)] {
            planner.reset();
            let request = request(pose(&map, 4.0, 1.0, 0.0), pose(&map, 55.0, 1.0, 0.0));
            let outcome = planner.plan(&map, guidance, &request, &clock);
            assert_eq!(outcome.report.source, Source::Fallback);
            let off = off_row(&map, &outcome, row, 10.0..50.0);
            assert!(off < 0.5, "{off} cells off row {row} with a multiplier of {cost_travel_multiplier}");
        }
    }
}

#[test]
fn guidance_of_other_travel_costs_is_not_used() {
    let config = Config::with(|config| config.planner.max_steps = 0);
    let map = costmap(&config, 0.1, &vec![".".repeat(30); 30]);
    let clock = Simulated::default();
    let mut planner = Planner::new(&config.grid, &config.planner, &bundle(), &clock).unwrap();
    let travel = Travel::new(&config.grid);
    for (travel, expected) in [
        (travel, GuidanceKind::Classical),
        (Travel::new(&GridConfig { cost_travel_multiplier: 0.0, ..config.grid.clone() }), GuidanceKind::None),
    ] {
        let guidance = Guidance::compute(&map, Cell::new(25, 25), travel, &|| false).unwrap();
        planner.reset();
        let request = request(pose(&map, 4.0, 4.0, 0.0), pose(&map, 25.0, 25.0, 0.0));
        assert_eq!(planner.plan(&map, std::slice::from_ref(&guidance), &request, &clock).report.guidance, expected);
    }
}

/// A model whose field, `[9, 48, 48]`, is set by the test.
struct Told(Arc<Mutex<Vec<f32>>>);

impl Graphs for Told {
    fn shape(&self) -> Shape {
        Shape { size: 48, patch: 2, hidden: 32, channels: CHANNELS.len(), prefix: 0 }
    }

    fn encode(&mut self, _: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        x.fill(0.0);
        Ok(())
    }

    fn net(&mut self, _: Update, _: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        out.fill(0.0);
        Ok(1.0)
    }

    fn decode(&mut self, _: &[f32], _: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        moves.copy_from_slice(&self.0.lock().unwrap());
        Ok(0.0)
    }
}

/// Side length of the room in cells: one less than the window, so that the block has a middle.
const SIDE: usize = 47;

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Left,
    Right,
}

/// A room with a block in the middle. With `narrow`, a wall to the left of it makes the left way more expensive. One of
/// the ways can be closed.
fn room(config: &Config, narrow: bool, closed: Option<Way>) -> Costmap {
    let mut rows = vec![".".repeat(SIDE); SIDE];
    for row in &mut rows[15..=31] {
        row.replace_range(16..31, &"#".repeat(15));
        if narrow {
            row.replace_range(0..10, &"#".repeat(10));
        }
    }
    match closed {
        Some(Way::Left) => rows[SIDE / 2].replace_range(..16, &"#".repeat(16)),
        Some(Way::Right) => rows[SIDE / 2].replace_range(31.., &"#".repeat(16)),
        None => {}
    }
    costmap(config, 0.1, &rows)
}

/// The logits of a model that knows only one way around the block.
fn field(config: &Config, narrow: bool, way: Way, goal: Cell) -> Vec<f32> {
    let map = room(config, narrow, Some(if way == Way::Left { Way::Right } else { Way::Left }));
    let guidance = Guidance::compute(&map, goal, Travel::new(&config.grid), &|| false).unwrap();
    let mut logits = vec![0.0; CLASSES * 48 * 48];
    for at in 0..48 * 48 {
        for class in guidance.optimal_moves(&map, Cell::new(at % 48, at / 48)) {
            logits[class * 48 * 48 + at as usize] = 4.0;
        }
    }
    logits
}

#[test]
fn of_two_ways_of_the_same_length_the_previous_one_is_kept_only_while_it_costs_no_more() {
    let config = Config::with(|config| {
        config.planner.window_size = 48;
        config.grid.robot_radius = 0.1;
    });
    let goal = Cell::new(23, 43);
    let told = Arc::new(Mutex::new(Vec::new()));
    let clock = Simulated::default();
    *told.lock().unwrap() = field(&config, false, Way::Left, goal);
    let mut planner = Planner::with_backend(
        &config.grid,
        &config.planner,
        &bundle(),
        common::backend(Told(Arc::clone(&told))),
        &clock,
    )
    .unwrap();
    let plan = |planner: &mut Planner, narrow: bool, told_way: Way| {
        *told.lock().unwrap() = field(&config, narrow, told_way, goal);
        let map = room(&config, narrow, None);
        let request = request(pose(&map, 23.0, 3.0, 0.0), pose(&map, 23.0, 43.0, 0.0));
        let outcome = planner.plan(&map, &[], &request, &clock);
        let path = outcome.path.unwrap();
        let sum: f64 = path.poses().iter().map(|p| map.geometry().to_cells(p.point()).col - 23.0).sum();
        (outcome.report.source, sum < 0.0, path.length())
    };
    let (source, went_left, length) = plan(&mut planner, false, Way::Left);
    assert_eq!((source, went_left), (Source::Model, true));
    let (source, stays_left, _) = plan(&mut planner, false, Way::Right);
    assert_eq!((source, stays_left), (Source::Previous, true), "both cost the same");
    let map = room(&config, true, None);
    assert!(planner.still_valid(&map, pose(&map, 23.0, 3.0, 0.0)), "it is still safe");
    let (source, stays_left, _) = plan(&mut planner, true, Way::Right);
    assert_eq!((source, stays_left), (Source::Previous, true), "that the left way costs more isn't believed at once");
    clock.pass(Duration::from_millis(500));
    let (source, goes_left, other) = plan(&mut planner, true, Way::Right);
    assert_eq!((source, goes_left), (Source::Model, false), "the left way has cost more for half a second");
    assert!((other - length).abs() < 0.1, "although both have the same length: {length} m and {other} m");
}
