//! Inflation: costs around lethal cells, as Nav2's inflation layer computes them and its publisher encodes them.
//!
//! Source: navigation2 (jazzy), `nav2_costmap_2d/include/nav2_costmap_2d/inflation_layer.hpp` `computeCost` and
//! `src/costmap_2d_publisher.cpp` `cost_translation_table_`. Distances are exact and measured between cell centres.

use crate::cost::{INSCRIBED, LETHAL, UNKNOWN};
use crate::geometry::{Geometry, Rect};
use trm_config::GridConfig;

/// The costs that one lethal cell causes around itself.
pub(super) struct Kernel {
    /// Maximum distance along an axis, in cells.
    pub reach: i32,
    /// Column offset, row offset and cost of each cell; the lethal cell itself is left out.
    stamps: Vec<(i32, i32, u8)>,
}

impl Kernel {
    pub fn new(config: &GridConfig, geometry: &Geometry) -> Self {
        let resolution = geometry.resolution();
        let radius = (config.inflation_radius.max(config.robot_radius) / resolution).ceil();
        // Offsets beyond the size of the grid are never used: with a radius of metres and cells of millimetres there
        // would be very many.
        let within = |side: u32| (radius as i32).min(side as i32);
        let (cols, rows) = (within(geometry.width()), within(geometry.height()));
        let reach = cols.max(rows);
        let mut stamps = Vec::new();
        for row in -rows..=rows {
            for col in -cols..=cols {
                let cells = (col as f64).hypot(row as f64);
                let cost = if cells > radius { 0 } else { cost(cells * resolution, config) };
                if cost > 0 && (col, row) != (0, 0) {
                    stamps.push((col, row, cost));
                }
            }
        }
        Self { reach, stamps }
    }

    /// Inflates the costs of `area`, row-major, around all lethal cells of the grid within reach. `is_lethal` takes an
    /// index into the grid's row-major data.
    ///
    /// Lethal cells with four lethal neighbours are skipped: for every cell that is not lethal, one of the neighbours
    /// is closer.
    pub fn stamp(&self, geometry: &Geometry, is_lethal: impl Fn(usize) -> bool, area: Rect, costs: &mut [u8]) {
        let (left, bottom) = (area.col, area.row);
        let (right, top) = (left + area.width as i32, bottom + area.height as i32);
        let (width, height) = (geometry.width() as i32, geometry.height() as i32);
        for source in area.grown(self.reach, geometry).cells() {
            let at = source.row as usize * width as usize + source.col as usize;
            if !is_lethal(at) {
                continue;
            }
            let (c, r) = (source.col, source.row);
            let is_inner = c > 0 && r > 0 && c < width - 1 && r < height - 1;
            if is_inner && [at - 1, at + 1, at - width as usize, at + width as usize].into_iter().all(&is_lethal) {
                continue;
            }
            for &(dc, dr, cost) in &self.stamps {
                let (col, row) = (c + dc, r + dr);
                if col < left || row < bottom || col >= right || row >= top {
                    continue;
                }
                let here = &mut costs[(row - bottom) as usize * area.width as usize + (col - left) as usize];
                // Unknown cells stay unknown unless the robot's centre can't be there anyway.
                if (*here == UNKNOWN && cost >= INSCRIBED) || (*here < cost && *here != LETHAL) {
                    *here = cost;
                }
            }
        }
    }
}

/// The published cost at a distance, in metres, from the centre of a lethal cell.
fn cost(distance: f64, config: &GridConfig) -> u8 {
    // The tolerance absorbs rounding: 4 cells of 0.05 m must count as within 0.2 m.
    if distance <= config.robot_radius + 1e-9 {
        return INSCRIBED;
    }
    let factor = (-config.cost_scaling_factor * (distance - config.robot_radius)).exp();
    let internal = (252.0 * factor) as u32;
    if internal == 0 { 0 } else { (1 + 97 * (internal - 1) / 251) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;

    #[test]
    fn costs_decrease_from_inscribed_as_in_nav2() {
        let config = GridConfig { robot_radius: 0.2, cost_scaling_factor: 10.0, ..GridConfig::default() };
        assert_eq!(cost(0.2, &config), 99);
        assert_eq!(cost(4.0 * 0.05, &config), 99);
        // 252 · exp(−10 · 0.05) = 152.8 → 1 + 97 · 151 / 251 = 59
        assert_eq!(cost(0.25, &config), 59);
        assert_eq!(cost(2.0, &config), 0);
    }

    #[test]
    fn a_radius_larger_than_the_grid_covers_all_of_it_and_nothing_else() {
        let geometry = Geometry::new(4, 3, 0.001, Pose::default()).unwrap();
        let kernel = Kernel::new(&GridConfig { robot_radius: 10.0, ..GridConfig::default() }, &geometry);
        assert_eq!((kernel.reach, kernel.stamps.len()), (4, 9 * 7 - 1));
        let mut costs = [0; 12];
        costs[0] = LETHAL;
        kernel.stamp(&geometry, |at| at == 0, Rect::whole(&geometry), &mut costs);
        assert!(costs[1..].iter().all(|cost| *cost == INSCRIBED), "{costs:?}");
    }
}
