use std::sync::Arc;
use std::time::Instant;

use trm_config::footprint::Footprint;
use trm_config::{GridConfig, GridKind, MotionModel};
use trm_grid::costmap_builder::build;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::{Lattice, State};
use trm_lattice::map_field::MapField;
use trm_lattice::motion::Motion;
use trm_lattice::seed::Seed;

fn cpu_ms() -> f64 {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).map_or(f64::NAN, |ns| ns / 1e6)
}

fn main() {
    let robots = [
        ("car", "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]", MotionModel::Car, 0.5),
        ("rectangle", "[[0.45, 0.31], [-0.45, 0.31], [-0.45, -0.31], [0.45, -0.31]]", MotionModel::Diff, 0.0),
        ("forklift", "[[2, 0.6], [-0.4, 0.6], [-0.4, -0.6], [2, -0.6]]", MotionModel::Car, 1.5),
    ];
    for file in std::env::args().skip(1) {
        let grid = trm_grid::map_file::load(std::path::Path::new(&file)).unwrap();
        let geometry = *grid.geometry();
        let mut data = grid.data().to_vec();
        let mut seed = 7_u64;
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as f64 / (1_u64 << 31) as f64
        };
        for _ in 0..300 {
            let at = (draw() * data.len() as f64) as usize;
            data[at] = if data[at] == 0 { 100 } else { data[at] };
        }
        for (name, outline, model, radius) in robots {
            let footprint = outline.parse::<Footprint>().unwrap().padded(0.01);
            let config = GridConfig { robot_radius: 0.0, allow_unknown: false, footprint: Some(outline.parse().unwrap()), ..GridConfig::default() };
            let travel = Travel::new(&config);
            let map = build(&config, GridKind::Map, OccupancyGrid::new(geometry, data.clone()).unwrap());
            let resolution = geometry.resolution();
            let motion = Motion { model, turning_radius: radius / resolution, allow_reverse: true, reverse_penalty: 2.0,
                non_straight_penalty: 1.2, change_penalty: 0.0, turning_cost: 0.3 / resolution };
            let lattice = Arc::new(Lattice::new(&footprint, resolution, motion, Headings::H16).unwrap());
            let begin = Instant::now();
            let mut field = MapField::new(lattice.clone(), &map, travel);
            let made = begin.elapsed().as_secs_f64() * 1e3;
            let mut done = 0;
            for _ in 0..2000 {
                let state = State { cell: Cell::new((draw() * f64::from(geometry.width())) as i32, (draw() * f64::from(geometry.height())) as i32), heading: (draw() * 16.0) as u8 };
                if !lattice.rest(state.heading).iter().all(|run| !field.blocked().is_any_blocked(state.cell.row + run.row, state.cell.col + run.first, state.cell.col + run.last)) {
                    continue;
                }
                let begin = cpu_ms();
                field.seed(&[Seed { state, cost: 0 }]);
                let progress = field.go_on(u16::MAX, &mut || true);
                let took = cpu_ms() - begin;
                let mut known = 0;
                for row in 0..geometry.height() as i32 { for col in 0..geometry.width() as i32 { for heading in 0..16 {
                    known += usize::from(field.value(State { cell: Cell::new(col, row), heading }).is_some());
                } } }
                println!("{file} {name}: {progress:?}, made {made:.1} ms, field {took:.1} ms, {known} states, {:.1} ns each, {} tiles, {} edges, {} primitives", took * 1e6 / known as f64, field.tiles(), lattice.edges().len(), lattice.primitives().len());
                done += 1;
                if done == 5 { break; }
            }
        }
    }
}
