//! Compares plans that skip unchanged parts of the window with plans that skip nothing.

mod common;

use std::time::Duration;

use common::{Simulated, bundle, costmap, pose};
use proptest::prelude::*;
use trm_config::Config;
use trm_grid::units::Pose;
use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};
use trm_net::host::HostBackend;
use trm_net::registry::graphs;
use trm_planner::{Planner, Report, Request};

/// A backend that never skips anything: it ignores the threshold.
struct Dense(Box<dyn Graphs>);

impl Graphs for Dense {
    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.0.encode(input, x)
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        self.0.net(update, s, out)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        self.0.decode(y, x, moves)
    }

    fn window_stride(&self) -> usize {
        self.0.window_stride()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn skipping_with_a_threshold_of_0_does_not_change_the_plans(
        walls in prop::collection::vec((0_usize..110, 0_usize..70, 1_usize..12, 1_usize..12), 0..12),
        steps in prop::collection::vec((-3.0_f64..6.0, -3.0_f64..3.0, 0_usize..4), 3..8),
    ) {
        let config = Config::with(|config| {
            config.planner.window_size = 48;
            config.planner.max_steps = 3;
            config.planner.skip_threshold = 0.0;
        });
        let mut rows = vec![".".repeat(120); 80];
        let build = |rows: &mut Vec<String>, (col, row, width, height): (usize, usize, usize, usize)| {
            for line in &mut rows[row..(row + height).min(80)] {
                line.replace_range(col..(col + width).min(120), &"#".repeat(width.min(120 - col)));
            }
        };
        for wall in &walls {
            build(&mut rows, *wall);
        }
        let clock = Simulated::default();
        let fused = || graphs(&bundle(), 48, "cpu").unwrap();
        let host = |graphs| Box::new(HostBackend::new(&bundle(), graphs));
        let (skipping, dense) = (host(fused()), host(Box::new(Dense(fused()))));
        let mut skipping = Planner::with_backend(&config.grid, &config.planner, &bundle(), skipping, &clock).unwrap();
        let mut dense = Planner::with_backend(&config.grid, &config.planner, &bundle(), dense, &clock).unwrap();
        let (mut col, mut row) = (30.0, 40.0);
        for (cols, rows_moved, obstacle) in steps {
            (col, row) = ((col + 2.0 * cols).clamp(2.0, 117.0), (row + 2.0 * rows_moved).clamp(2.0, 77.0));
            if obstacle == 0 {
                build(&mut rows, (col as usize / 2 + 20, row as usize / 2 + 10, 3, 2));
            }
            let map = costmap(&config, 0.1, &rows);
            let request = Request {
                start: pose(&map, col, row, 0.0),
                goal: pose(&map, 45.0, 45.0, 0.0),
                arrived: Duration::ZERO,
                deadline: Duration::from_hours(1),
                epoch: None,
            };
            let plan = |planner: &mut Planner| {
                let outcome = planner.plan(&map, &[], &request, &clock);
                let poses: Option<Vec<Pose>> = outcome.path.ok().map(|path| path.poses().to_vec());
                (poses, Report { share: 0.0, ..outcome.report })
            };
            prop_assert_eq!(plan(&mut skipping), plan(&mut dense));
        }
    }
}
