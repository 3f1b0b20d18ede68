//! Costmaps drawn as text, for the tests of this crate and of the crates that build on it.

use crate::costmap::Costmap;
use crate::costmap_builder::build;
use crate::geometry::Geometry;
use crate::occupancy::OccupancyGrid;
use crate::travel::Travel;
use crate::units::{Cell, Pose};
use trm_config::{GridConfig, GridKind};

/// A costmap of 1 m cells from rows of text, the first row at the origin. `.` is free, `+` inscribed, `#` lethal and
/// `?` unknown; a digit d has the cost 10 · d + 8, so `1` is 18 and `9` is 98.
///
/// # Panics
/// If there is no row or no column, or if the rows differ in length.
#[must_use]
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
    let grid = OccupancyGrid::new(geometry, data).expect("legal values");
    build(&GridConfig::default(), GridKind::Costmap, grid)
}

/// Travel costs with this multiplier. Unknown cells are blocked.
#[must_use]
pub fn travel(cost_travel_multiplier: f64) -> Travel {
    Travel::new(&GridConfig { cost_travel_multiplier, allow_unknown: false, ..GridConfig::default() })
}

/// The free cells that a cell leads to, itself included, whatever searches say: by flood fill.
#[must_use]
pub fn flood(map: &Costmap, from: Cell, allow_unknown: bool) -> Vec<Cell> {
    let free = |col, row| map.is_free(Cell::new(col, row), allow_unknown);
    let mut seen = vec![from];
    let mut at = 0;
    while at < seen.len() {
        let Cell { col, row } = seen[at];
        at += 1;
        for (dc, dr) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)] {
            let next = Cell::new(col + dc, row + dr);
            if free(next.col, next.row) && free(next.col, row) && free(col, next.row) && !seen.contains(&next) {
                seen.push(next);
            }
        }
    }
    seen
}
