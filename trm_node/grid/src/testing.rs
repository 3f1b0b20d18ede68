//! Costmaps drawn as text, for tests.

use crate::costmap::{Costmap, CostmapBuilder};
use crate::geometry::Geometry;
use crate::occupancy::OccupancyGrid;
use crate::travel::Travel;
use crate::units::Pose;
use trm_config::{GridConfig, GridKind};

/// A costmap of 1 m cells from rows of text, the first one at the origin: `.` free, `+` inscribed, `#` lethal, `?`
/// unknown, a digit of a soft cost: from `1` for 18 to `9` for 98.
pub fn costmap(rows: &[&str]) -> Costmap {
    let geometry = Geometry::new(rows[0].len() as u32, rows.len() as u32, 1.0, Pose::default()).expect("a grid");
    let value = |c: char| match c {
        '#' => 100,
        '+' => 99,
        '?' => -1,
        '1'..='9' => 10 * (c as i8 - b'0' as i8) + 8,
        _ => 0,
    };
    let data = rows.iter().flat_map(|row| row.chars().map(value)).collect();
    let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
    builder.replace(OccupancyGrid::new(geometry, data).expect("legal values")).clone()
}

/// Travel costs of free cells with a multiplier.
pub fn travel(cost_travel_multiplier: f64) -> Travel {
    Travel::new(&GridConfig { cost_travel_multiplier, allow_unknown: false, ..GridConfig::default() })
}
