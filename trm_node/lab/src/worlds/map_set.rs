//! Maps of Nav2's map server as worlds: at several resolutions, inflated as the node inflates them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use trm_config::{Config, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::map_file;
use trm_grid::occupancy::OccupancyGrid;

use crate::worlds::random::Random;

/// Resolutions of worlds besides a map's own, in metres per cell.
const RESOLUTIONS: [f64; 3] = [0.1, 0.15, 0.2];

/// One map, from which windows can be cut.
pub struct MapWorld {
    /// A short name.
    pub name: String,
    /// Its YAML file.
    pub file: PathBuf,
    /// The whole map's costs at each resolution.
    pub costmaps: Vec<Costmap>,
}

/// Reads all maps of a folder and of the folders in it, in the order of their names.
///
/// # Errors
/// When there is no map, or one can't be used; names the folder or the file.
pub fn load(folder: &Path, resolution: Option<f64>, config: &Config) -> anyhow::Result<Vec<MapWorld>> {
    let named = named_files(folder)?;
    named.into_iter().map(|(name, file)| MapWorld::load(name, file, resolution, config)).collect()
}

/// A short name and the file of each map of a folder and of the folders in it, in the order of the files' names.
///
/// # Errors
/// When the folder can't be read, or there is no map; names the folder.
pub fn named_files(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let files = files(folder).with_context(|| format!("--maps {}", folder.display()))?;
    if files.is_empty() {
        bail!(
            "--maps {}: no map in this folder or below it (a map is a YAML file with the field image)",
            folder.display()
        );
    }
    let names = names(folder, &files);
    Ok(names.into_iter().zip(files).collect())
}

/// The map files of a folder and of the folders in it, in the order of their names.
///
/// # Errors
/// When a folder can't be read.
pub fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    find(folder, &mut files)?;
    files.sort();
    Ok(files)
}

impl MapWorld {
    fn load(name: String, file: PathBuf, resolution: Option<f64>, config: &Config) -> anyhow::Result<Self> {
        let grid = map_file::load(&file)?;
        let own = grid.geometry().resolution();
        let resolutions = match resolution {
            Some(wanted) if wanted < own - 1e-9 => {
                bail!("--resolution: {wanted} is finer than the {own} m of map file {}", file.display())
            }
            Some(wanted) => vec![wanted],
            None => std::iter::once(own).chain(RESOLUTIONS.into_iter().filter(|r| *r > own + 1e-6)).collect(),
        };
        let costs = |resolution: &f64| -> anyhow::Result<Costmap> {
            let pooled = pool(&grid, *resolution).with_context(|| format!("map file {}", file.display()))?;
            Ok(build(&config.grid, GridKind::Map, pooled))
        };
        let costmaps = resolutions.iter().map(costs).collect::<anyhow::Result<_>>()?;
        Ok(Self { name, file, costmaps })
    }

    /// Draws a resolution, and a square of `side` × `side` cells at it: the costmap, and the column and row of the
    /// square's first cell. A map that is smaller than the square lies anywhere in it.
    pub fn place(&self, side: usize, random: &mut Random) -> (&Costmap, i32, i32) {
        let whole = &self.costmaps[random.below(self.costmaps.len())];
        let mut first = |length: u32| {
            let spare = i64::from(length) - side as i64;
            let at = random.below(spare.unsigned_abs() as usize + 1) as i32;
            if spare < 0 { -at } else { at }
        };
        let col = first(whole.geometry().width());
        let row = first(whole.geometry().height());
        (whole, col, row)
    }
}

/// Collects the YAML files that name an image. Links are followed.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") && is_map(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a YAML file is a map's. One that names an image but is faulty counts, so that loading it reports the error.
fn is_map(path: &Path) -> bool {
    let fields =
        std::fs::read_to_string(path).ok().and_then(|text| serde_yaml::from_str::<serde_yaml::Value>(&text).ok());
    fields.is_some_and(|fields| fields.get("image").is_some())
}

/// A short name for each map: its folder's, or in the root its own. Where two would be the same, their paths.
fn names(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let text = |name: Option<&OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
    let short = |file: &PathBuf| match file.parent().filter(|folder| *folder != root) {
        Some(folder) => text(folder.file_name()),
        None => text(file.file_stem()),
    };
    let short: Vec<String> = files.iter().map(short).collect();
    let is_unique = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let path = |file: &PathBuf| file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned();
    files.iter().zip(&short).map(|(file, name)| if is_unique(name) { name.clone() } else { path(file) }).collect()
}

/// The grid with coarser cells. One is occupied if any cell in it is, else unknown if any cell in it is.
pub fn pool(grid: &OccupancyGrid, resolution: f64) -> anyhow::Result<OccupancyGrid> {
    let fine = grid.geometry();
    let ratio = resolution / fine.resolution();
    if (ratio - 1.0).abs() < 1e-6 {
        return Ok(grid.clone());
    }
    let side = |fine: u32| (f64::from(fine) / ratio - 1e-6).ceil().max(1.0) as u32;
    let (width, height) = (side(fine.width()), side(fine.height()));
    let part = |at: usize, side: u32| {
        let first = (at as f64 * ratio + 1e-6) as usize;
        first..(((at + 1) as f64 * ratio - 1e-6).ceil() as usize).min(side as usize)
    };
    let mut values = Vec::with_capacity(width as usize * height as usize);
    for row in 0..height as usize {
        for col in 0..width as usize {
            let mut most = 0;
            let mut unknown = false;
            for r in part(row, fine.height()) {
                for value in &grid.data()[r * fine.width() as usize..][part(col, fine.width())] {
                    most = most.max(*value);
                    unknown |= *value < 0;
                }
            }
            values.push((most, unknown));
        }
    }
    // Occupied outweighs unknown, and unknown outweighs free.
    let data = values.into_iter().map(|(most, unknown)| if unknown && most < OCCUPIED { -1 } else { most }).collect();
    let origin = fine.origin();
    Ok(OccupancyGrid::new(Geometry::new(width, height, resolution, origin)?, data)?)
}

/// The node's default of `occupied_threshold`.
const OCCUPIED: i8 = 65;

#[cfg(test)]
mod tests {
    use trm_grid::units::Pose;

    use super::*;

    #[test]
    fn a_coarse_cell_is_occupied_if_any_is_else_unknown_if_any_is() {
        let geometry = Geometry::new(5, 4, 0.05, Pose::default()).unwrap();
        let data = vec![
            0, 0, 100, -1, 0, //
            0, 0, 0, 0, 0, //
            0, -1, 0, 0, 100, //
            0, 0, 0, 0, 0,
        ];
        let grid = OccupancyGrid::new(geometry, data).unwrap();
        let coarse = pool(&grid, 0.1).unwrap();
        assert_eq!((coarse.geometry().width(), coarse.geometry().height()), (3, 2));
        assert_eq!(coarse.data(), [0, 100, 0, -1, 0, 100]);
        assert_eq!(pool(&grid, 0.05).unwrap(), grid);
        let uneven = pool(&grid, 0.12).unwrap();
        assert_eq!((uneven.geometry().width(), uneven.geometry().height()), (3, 2));
        assert_eq!(uneven.data(), [100, 100, 100, -1, 100, 100], "what lies in two coarse cells counts in both");
    }

    #[test]
    fn maps_are_found_below_the_folder_and_named_after_their_own() {
        let root = tempfile::tempdir().unwrap();
        for (folder, file, text) in [
            ("a", "map.yaml", "image: x.png"),
            ("b", "one.yaml", "image: x.png"),
            ("b", "two.yaml", "image: x.png"),
            ("c", "other.yaml", "speed: 1"),
            (".", "top.yaml", "image: x.png"),
        ] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
            std::fs::write(root.path().join(folder).join(file), text).unwrap();
        }
        let mut files = Vec::new();
        find(root.path(), &mut files).unwrap();
        files.sort();
        assert_eq!(names(root.path(), &files), ["a", "b/one.yaml", "b/two.yaml", "top"]);
    }
}
