//! TRM-Att and TRM-MLP (arXiv 2510.04871), as small models that were trained on mazes of 16 × 16 cells: their path is the
//! planner's field.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{Ignorant, Simulated, backend, bundle as released, costmap_at, pose};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestRunner};
use trm_config::{BackendChoice, Config};
use trm_grid::costmap::Costmap;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_planner::{Outcome, Planner, Request, Source};
use trm_safety::check::{Rules, check, in_cells};

const SIZE: i32 = 16;

/// A window of random cells, of which a fifth is occupied; and the robot's and the goal's cell.
fn world() -> impl Strategy<Value = (Vec<String>, (i32, i32), (i32, i32))> {
    let row = proptest::collection::vec(prop_oneof![4 => Just('.'), 1 => Just('#')], SIZE as usize);
    let rows = proptest::collection::vec(row.prop_map(String::from_iter), SIZE as usize);
    (rows, (0..SIZE, 0..SIZE), (0..SIZE, 0..SIZE))
}

struct Maze {
    config: Config,
    planner: Planner,
    clock: Simulated,
}

impl Maze {
    /// A planner with a bundle's model, or with one that knows nothing.
    fn new(model: Option<&Bundle>) -> Self {
        let config = Config::with(|config| {
            config.planner.window_size = i64::from(SIZE);
            config.planner.backend = BackendChoice::Tract;
            config.planner.allow_fallback = false;
            config.planner.tolerance = 0.0;
            config.grid.robot_radius = 0.05;
        });
        let clock = Simulated::default();
        let (grid, planner) = (&config.grid, &config.planner);
        let planner = if let Some(bundle) = model {
            Planner::new(grid, planner, bundle, &clock)
        } else {
            let size = SIZE as usize;
            let ignorant = Ignorant { clock: clock.clone(), net_us: Arc::default(), stubborn: false, size };
            Planner::with_backend(grid, planner, &released(), backend(ignorant), &clock)
        };
        Self { planner: planner.unwrap(), config, clock }
    }

    fn costmap(&self, rows: &[String]) -> Costmap {
        costmap_at(&self.config, 0.1, Pose::new(-1.0, 2.0, 0.3), rows)
    }

    fn plan(&mut self, map: &Costmap, from: (i32, i32), to: (i32, i32)) -> Outcome<'_> {
        let at = |(col, row): (i32, i32)| pose(map, f64::from(col), f64::from(row), 0.0);
        let request = Request {
            start: at(from),
            goal: at(to),
            arrived: Duration::ZERO,
            deadline: Duration::from_secs(9),
            epoch: None,
        };
        self.planner.reset();
        self.planner.plan(map, &[], &request, &self.clock)
    }
}

fn bundle(name: &str) -> Bundle {
    Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bundles").join(name)).unwrap()
}

/// Plans in 60 worlds. Returns for each how many cells were expanded, where there is a path.
fn plans(model: Option<&Bundle>) -> Vec<Option<u32>> {
    let mut maze = Maze::new(model);
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(3), ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let mut found = Vec::new();
    while found.len() < 60 {
        let (rows, from, to) = world().new_tree(&mut runner).unwrap().current();
        let map = maze.costmap(&rows);
        let occupied = |(col, row): (i32, i32)| rows[row as usize].as_bytes()[col as usize] == b'#';
        if from == to || occupied(from) || occupied(to) {
            continue;
        }
        let rules = Rules::new(false, maze.config.planner.start_tolerance, map.geometry().resolution());
        let outcome = maze.plan(&map, from, to);
        found.push(outcome.path.ok().map(|path| {
            assert_eq!(outcome.report.source, Source::Model);
            assert!(check(&map, rules, in_cells(&map, path.poses())));
            outcome.report.expansions
        }));
    }
    found
}

#[test]
fn the_published_architectures_lead_to_checked_paths_with_less_search_than_a_model_that_knows_nothing() {
    let ignorant = plans(None);
    let all = |plans: &[Option<u32>]| plans.iter().flatten().sum::<u32>();
    assert!(ignorant.iter().flatten().count() > 40);
    for name in ["maze_att", "maze_mlp"] {
        let found = plans(Some(&bundle(name)));
        for (world, (found, expected)) in found.iter().zip(&ignorant).enumerate() {
            assert_eq!(found.is_some(), expected.is_some(), "{name}, world {world}");
        }
        let (searched, groped) = (all(&found), all(&ignorant));
        eprintln!("{name} expands {searched} cells, a model that knows nothing {groped}");
        assert!(2 * searched < groped, "{name} expands {searched} cells, a model that knows nothing {groped}");
    }
}
