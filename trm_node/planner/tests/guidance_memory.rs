//! Guidance takes hardly more memory while it is computed than afterwards.

use trm_config::{GridConfig, GridKind};
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};

const SIDE: u32 = 1500;

#[test]
fn the_tiles_that_the_wave_has_left_are_not_opened_again_for_a_look_back() {
    let config = GridConfig::default();
    let geometry = Geometry::new(SIDE, SIDE, 0.05, Pose::default()).unwrap();
    // Pillars, around which the wave comes from both sides.
    let value = |at| {
        let cell = geometry.cell(at);
        if cell.col % 50 < 10 && cell.row % 50 < 10 { 100 } else { 0 }
    };
    let data = (0..geometry.cells()).map(value).collect();
    let costmap = build(&config, GridKind::Map, OccupancyGrid::new(geometry, data).unwrap());
    let counted = allocation_counter::measure(|| {
        let goal = Cell::new(30, 30);
        let guidance = Guidance::compute(&costmap, goal, Travel::new(&config), &|| false).unwrap();
        assert!(guidance.cost_to_go(Cell::new(SIDE as i32 - 5, SIDE as i32 - 5)).is_finite());
    });
    // Two bytes a cell, which the counter counts twice while the block moves to a larger place, and the tiles under the
    // wavefront with four. With all tiles opened again it is 7.6.
    let bytes = counted.bytes_max as f64 / geometry.cells() as f64;
    assert!(bytes < 5.5, "{bytes} bytes a cell");
}
