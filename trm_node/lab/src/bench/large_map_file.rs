//! `trm bench tiles`: writes a large map like that of the part `map_size` to a file, for the benchmark of the node.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use image::codecs::pnm::{PnmEncoder, PnmSubtype, SampleEncoding};
use image::{ExtendedColorType, ImageEncoder as _};
use serde::Serialize;
use trm_config::{Config, GridKind};
use trm_grid::costmap_builder::build;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Cell;

use crate::bench::args::TilesArgs;
use crate::bench::bench_map::BenchMap;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;
use crate::worlds::tiled::tiled;

/// The image's file name.
const IMAGE: &str = "map.pgm";
/// Shades that the map server's usual thresholds turn into unknown, free and occupied cells.
const UNKNOWN_SHADE: u8 = 205;
const FREE_SHADE: u8 = 254;
const OCCUPIED_SHADE: u8 = 0;

/// Writes the map. Gives its file, a start and goals as JSON.
///
/// # Errors
/// If the map to copy can't be read, or the folder can't be written.
pub fn run(args: &TilesArgs) -> anyhow::Result<String> {
    let config = Config::with(|config| config.grid.robot_radius = args.robot_radius);
    let map = BenchMap::load(&args.map)?;
    let grid = tiled(&config, &map.grid, args.cells as usize, &mut Random::new(args.seed))?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;
    let file = write(&args.out, &grid).with_context(|| format!("--out {}", args.out.display()))?;
    let places = corners(&config, &grid).ok_or_else(|| anyhow!("--cells {}: no room for a robot", args.cells))?;
    let poses = places.map(|cell| {
        let point = grid.geometry().center(cell);
        [point.x, point.y, 0.0]
    });
    Ok(serde_json::json!({ "map": file, "start": poses[0], "goals": poses[1..] }).to_string())
}

/// The cells nearest to the four corners among those that a robot can reach from the streets.
fn corners(config: &Config, grid: &OccupancyGrid) -> Option<[Cell; 4]> {
    let regions = Regions::of(&build(&config.grid, GridKind::Map, grid.clone()));
    let geometry = grid.geometry();
    let (width, height) = (geometry.width() as i32, geometry.height() as i32);
    let middle = |cell: Cell| (cell.row - height / 2).abs() + (cell.col - width / 2).abs();
    let all = || (0..geometry.cells()).filter(|at| regions.label(*at).is_some());
    // The streets reach the corners, so the outermost free cell lies in them.
    let street = all().max_by_key(|at| middle(geometry.cell(*at)))?;
    let reachable: Vec<Cell> = all().filter(|at| regions.are_joined(*at, street)).map(|at| geometry.cell(at)).collect();
    let nearest = |col: i32, row: i32| {
        reachable.iter().copied().min_by_key(|cell| (cell.col - col).pow(2) + (cell.row - row).pow(2))
    };
    Some([nearest(0, 0)?, nearest(width, height)?, nearest(0, height)?, nearest(width, 0)?])
}

/// What the map server reads beside the image.
#[derive(Serialize)]
struct MapYaml {
    image: &'static str,
    resolution: f64,
    origin: [f64; 3],
    negate: u8,
    occupied_thresh: f64,
    free_thresh: f64,
}

/// Writes map.pgm and map.yaml as Nav2's map server reads them. Gives the path of the latter.
fn write(folder: &Path, grid: &OccupancyGrid) -> anyhow::Result<String> {
    let geometry = grid.geometry();
    let shade = |value: &i8| match value {
        ..0 => UNKNOWN_SHADE,
        0 => FREE_SHADE,
        _ => OCCUPIED_SHADE,
    };
    // An image begins at the top, a grid at its origin.
    let rows = grid.data().chunks(geometry.width() as usize).rev();
    let shades: Vec<u8> = rows.flatten().map(shade).collect();
    let image = BufWriter::new(File::create(folder.join(IMAGE))?);
    PnmEncoder::new(image).with_subtype(PnmSubtype::Graymap(SampleEncoding::Binary)).write_image(
        &shades,
        geometry.width(),
        geometry.height(),
        ExtendedColorType::L8,
    )?;
    let yaml = MapYaml {
        image: IMAGE,
        resolution: geometry.resolution(),
        origin: [0.0; 3],
        negate: 0,
        occupied_thresh: 0.65,
        free_thresh: 0.196,
    };
    let file = folder.join("map.yaml");
    std::fs::write(&file, serde_yaml::to_string(&yaml)?)?;
    Ok(file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use trm_grid::map_file;

    #[test]
    fn the_file_is_the_map_and_its_places_are_in_reach_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/maps/nav2_tb3_sandbox/tb3_sandbox.yaml");
        let args = TilesArgs { map, cells: 900, out: folder.path().to_owned(), robot_radius: 0.3, seed: 3 };
        let made: serde_json::Value = serde_json::from_str(&run(&args).unwrap()).unwrap();
        let grid = map_file::load(Path::new(made["map"].as_str().unwrap())).unwrap();
        assert_eq!((grid.geometry().width(), grid.geometry().height()), (900, 900));
        assert!([-1, 0, 100].iter().all(|value| grid.data().contains(value)));
        let config = Config::with(|config| config.grid.robot_radius = 0.3);
        let regions = Regions::of(&build(&config.grid, GridKind::Map, grid.clone()));
        let at = |pose: &serde_json::Value| {
            let point = trm_grid::units::Pose::new(pose[0].as_f64().unwrap(), pose[1].as_f64().unwrap(), 0.0).point();
            grid.geometry().index(grid.geometry().cell_at(point).unwrap()).unwrap()
        };
        let goals = made["goals"].as_array().unwrap();
        assert_eq!(goals.len(), 3);
        assert!(goals.iter().all(|goal| regions.are_joined(at(&made["start"]), at(goal))));
        let side = 900.0 * grid.geometry().resolution();
        assert!(goals[0][0].as_f64().unwrap() > 0.9 * side && goals[0][1].as_f64().unwrap() > 0.9 * side);
    }
}
