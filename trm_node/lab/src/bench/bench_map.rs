//! The maps that a benchmark drives on.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use trm_grid::map_file;
use trm_grid::occupancy::OccupancyGrid;

/// A map and its name.
pub struct BenchMap {
    /// The file's name, or its folder's if the file is called `map.yaml`.
    pub name: String,
    /// The map itself.
    pub grid: OccupancyGrid,
}

impl BenchMap {
    /// Reads a map file.
    ///
    /// # Errors
    /// If the file can't be used. The message names the file and the field.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        Ok(Self { name: name(file), grid: map_file::load(file)? })
    }

    /// Reads all map files.
    ///
    /// # Errors
    /// As [`BenchMap::load`].
    pub fn load_all(files: &[PathBuf]) -> anyhow::Result<Vec<Self>> {
        files.iter().map(|file| Self::load(file)).collect()
    }
}

fn name(file: &Path) -> String {
    let text = |name: Option<&OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
    match text(file.file_stem()).as_str() {
        "map" => text(file.parent().and_then(Path::file_name)),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_named_map_is_called_after_its_folder() {
        assert_eq!(name(Path::new("maps/aws_bookstore/map.yaml")), "aws_bookstore");
        assert_eq!(name(Path::new("maps/nav2/tb3_sandbox.yaml")), "tb3_sandbox");
    }
}
