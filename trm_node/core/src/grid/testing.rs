//! Costmaps drawn as text, for tests.

use super::costmap::{Costmap, CostmapBuilder, GridKind};
use super::occupancy::{Geometry, OccupancyGrid};
use crate::config::Config;
use crate::units::Pose;

/// A costmap of 1 m cells from rows of text, the first one at the origin: `.` free, `+` inscribed, `#` lethal, `?`
/// unknown.
pub fn costmap(rows: &[&str]) -> Costmap {
    let geometry = Geometry::new(rows[0].len() as u32, rows.len() as u32, 1.0, Pose::default()).expect("a grid");
    let value = |c: char| match c {
        '#' => 100,
        '+' => 99,
        '?' => -1,
        _ => 0,
    };
    let data = rows.iter().flat_map(|row| row.chars().map(value)).collect();
    let mut builder = CostmapBuilder::new(&Config::default(), GridKind::Costmap);
    builder.replace(OccupancyGrid::new(geometry, data).expect("legal values")).clone()
}
