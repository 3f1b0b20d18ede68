//! Times guidance on the maps of a folder: computed whole, and repaired after an obstacle has come or gone near the robot.
//!
//! ```sh
//! cargo run --release -p trm_grid --features map_files --example guidance_times -- tests/maps
//! ```

use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::geometry::Rect;
use trm_grid::guidance::Guidance;
use trm_grid::map_file::load;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_grid::upkeep::Upkeep;

/// How many goals a map is asked for.
const GOALS: usize = 21;
/// Side length of the rectangle that changes, in cells.
const CHANGED: u32 = 50;
/// How far around the robot the cost-to-go must be right first, in cells.
const AROUND: f32 = 64.0;

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "tests/maps".into());
    println!(
        "{:<12} {:>11} {:>8} {:>20} {:>20} {:>20}",
        "map", "cells", "free", "whole ms p50/max", "to robot", "repaired"
    );
    for path in maps(Path::new(&folder)) {
        let grid = load(&path).expect("the map can be read");
        let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        time(name.strip_prefix("pal_").unwrap_or(&name), grid);
    }
}

/// Times one map.
fn time(name: &str, grid: OccupancyGrid) {
    let config = GridConfig::default();
    let travel = Travel::new(&config);
    let raw = grid.clone();
    let mut builder = CostmapBuilder::new(&config, GridKind::Map);
    builder.take_grid(grid);
    builder.refresh_to_end();
    let free = free_cells(builder.costmap().expect("a grid was taken"));
    let [mut whole, mut near, mut repaired] = [const { Vec::new() }; 3];
    for at in 0..GOALS {
        let draw = |by: usize| free[(at * 7919 + by) * 104_729 % free.len()];
        let (goal, robot) = (draw(1), draw(3));
        let costmap = builder.costmap().expect("a grid was taken");
        whole.push(timed(|| drop(Guidance::compute(costmap, goal, travel, &|| false))));
        let mut upkeep = Upkeep::new(costmap, goal, travel);
        upkeep.advance(costmap, f32::INFINITY, &|| false);
        // What a costmap changes around a robot: obstacles come, and go again.
        let (rect, values, before) = change(&raw, robot, goal);
        for values in [values, before] {
            builder.take_update(rect, &values).expect("it lies on the grid");
            builder.refresh_to_end();
            let costmap = builder.costmap().expect("a grid was taken");
            // The planner's copy shares the tiles.
            let guidance = upkeep.guidance();
            let bound = guidance.cost_to_go(robot) + AROUND;
            assert!(upkeep.take_changes(costmap));
            let first = timed(|| assert!(upkeep.advance(costmap, bound, &|| false)));
            near.push(first);
            repaired.push(first + timed(|| assert!(upkeep.advance(costmap, f32::INFINITY, &|| false))));
        }
    }
    let (cols, rows) = (raw.geometry().width(), raw.geometry().height());
    let size = format!("{cols}x{rows}");
    println!("{name:<12} {size:>11} {:>8} {} {} {}", free.len(), told(whole), told(near), told(repaired));
}

/// A rectangle around the robot, its values with some obstacles, and those without.
fn change(raw: &OccupancyGrid, robot: Cell, goal: Cell) -> (Rect, Vec<i8>, Vec<i8>) {
    let half = CHANGED as i32 / 2;
    let rect = Rect { col: robot.col - half, row: robot.row - half, width: CHANGED, height: CHANGED };
    let rect = rect.grown(0, raw.geometry());
    let before: Vec<i8> =
        rect.cells().map(|cell| raw.data()[raw.geometry().index(cell).expect("it is inside")]).collect();
    let is_leg = |cell: Cell| {
        let far = |other: Cell| (cell.col - other.col).abs().max((cell.row - other.row).abs()) > 8;
        cell.col % 17 < 2 && cell.row % 13 < 2 && far(robot) && far(goal)
    };
    let values = rect.cells().zip(&before).map(|(cell, value)| if is_leg(cell) { 100 } else { *value }).collect();
    (rect, values, before)
}

/// How long work keeps the processor, in milliseconds: other programs that run beside don't count.
fn timed(work: impl FnOnce()) -> f64 {
    let now = || clock_gettime(ClockId::ThreadCPUTime);
    let began = now();
    work();
    let took = now() - began;
    took.tv_sec as f64 * 1e3 + took.tv_nsec as f64 / 1e6
}

fn told(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    format!("{:>11.2} {:>8.2}", times[times.len() / 2], times[times.len() - 1])
}

fn free_cells(costmap: &Costmap) -> Vec<Cell> {
    let geometry = costmap.geometry();
    (0..geometry.cells()).map(|at| geometry.cell(at)).filter(|cell| costmap.is_free(*cell, false)).collect()
}

fn maps(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read").flatten().map(|entry| entry.path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let mut maps: Vec<PathBuf> =
        files.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    maps.extend(folders.iter().flat_map(|folder| self::maps(folder)));
    maps.sort();
    maps
}
