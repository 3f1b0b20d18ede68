//! Times the check of a car's path: `cargo run --release -p trm_safety --example swept_time`.

use std::time::Instant;

use trm_config::footprint::Footprint;
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{CellPoint, Pose};
use trm_safety::check::Rules;
use trm_safety::outline::Outline;
use trm_safety::swept::check;

const SIDE: u32 = 400;

/// Poses a diagonal step apart: round and round with a radius of 12 cells, or to and fro along a straight line.
fn path(geometry: &Geometry, poses: usize, is_curved: bool) -> Vec<Pose> {
    let step = std::f64::consts::SQRT_2;
    let pose = |at: usize| {
        let along = at as f64 * step;
        let (col, row, yaw) = if is_curved {
            let (sin, cos) = (along / 12.0).sin_cos();
            (200.0 + 12.0 * sin, 200.0 - 12.0 * cos, along / 12.0)
        } else {
            let back = (along + 100.0) % 400.0;
            let there = if back < 200.0 { back } else { 400.0 - back };
            (100.0 + 0.8 * there, 100.0 + 0.6 * there, 0.6_f64.atan2(0.8))
        };
        let point = geometry.to_point(CellPoint::new(col, row));
        Pose::new(point.x, point.y, yaw)
    };
    (0..poses).map(pose).collect()
}

fn main() {
    let car: Footprint = "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]".parse().expect("a footprint");
    let outline = Outline::new(&car.padded(0.01), 0.05);
    let rules = Rules { allow_unknown: false, escape: 0.0 };
    let geometry = Geometry::new(SIDE, SIDE, 0.05, Pose::default()).expect("a grid");
    let grid = OccupancyGrid::new(geometry, vec![0; geometry.cells()]).expect("legal values");
    let map = build(&GridConfig::default(), GridKind::Costmap, grid);
    for (is_curved, kind) in [(false, "straight"), (true, "curved")] {
        for poses in [500, 2000] {
            let path = path(&geometry, poses, is_curved);
            let time = |_| {
                let began = Instant::now();
                assert!(check(&map, rules, &outline, path.iter().copied()), "the map is empty");
                began.elapsed()
            };
            let mut times: Vec<_> = (0..200).map(time).collect();
            times.sort_unstable();
            let [least, p50, p99] = [0, 100, 197].map(|at| times[at]);
            println!("{poses} poses, {kind}: {least:?} least, {p50:?} p50, {p99:?} p99 of {}", times.len());
        }
    }
}
