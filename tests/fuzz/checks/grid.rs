//! Any numbers as a grid and its updates: refused and nothing changes, or the costs are those of the whole new grid.

use arbitrary::{Result, Unstructured};
use trm_config::{GridConfig, GridKind};
use trm_grid::cost::UNKNOWN;
use trm_grid::costmap_builder::{CostmapBuilder, build};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Pose;

/// More cells make it slow and show nothing new.
const MOST_CELLS: u32 = 1024;

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    // An error means that the data is too short: nothing to see.
    let _ = run(&mut Unstructured::new(data));
}

fn run(from: &mut Unstructured<'_>) -> Result<()> {
    let config = GridConfig {
        robot_radius: f64::from(from.int_in_range(0..=100_u8)?) / 100.0,
        inflation_radius: f64::from(from.int_in_range(0..=100_u8)?) / 100.0,
        ..GridConfig::default()
    };
    let kind = if from.arbitrary()? { GridKind::Map } else { GridKind::Costmap };
    let (width, height) = (side(from)?, side(from)?);
    let resolution = if from.arbitrary()? { from.arbitrary()? } else { 0.05 };
    let origin = Pose::new(number(from)?, number(from)?, number(from)?);
    let Ok(geometry) = Geometry::new(width, height, resolution, origin) else { return Ok(()) };
    let values = values(from, width, height)?;
    let mut builder = CostmapBuilder::new(&config, kind);
    let Ok(mut grid) = OccupancyGrid::new(geometry, values) else { return Ok(()) };
    let mut copy = build(&config, kind, grid.clone());
    builder.take_grid(grid.clone());
    copy.apply(&builder.refresh_to_end().expect("the first costs"));
    assert_eq!(copy.costs().len(), geometry.cells());
    for _ in 0..from.int_in_range(0..=4_u8)? {
        let (col, across) = stretch(from, width)?;
        let (row, up) = stretch(from, height)?;
        let rect = Rect { col, row, width: across, height: up };
        let values = self::values(from, rect.width, rect.height)?;
        match builder.take_update(rect, &values) {
            Ok(()) => {
                if let Some(change) = builder.refresh_to_end() {
                    copy.apply(&change);
                }
                assert!(grid.update(rect, &values).is_ok(), "taken as an update of costs and not of the grid");
            }
            Err(_) => assert!(grid.update(rect, &values).is_err(), "taken as an update of the grid and not of costs"),
        }
        assert_eq!(builder.costmap(), Some(&copy));
    }
    assert_eq!(build(&config, kind, grid).costs(), copy.costs());
    assert!(copy.costs().iter().all(|cost| *cost <= 100 || *cost == UNKNOWN));
    Ok(())
}

/// Mostly a small side, sometimes any.
fn side(from: &mut Unstructured<'_>) -> Result<u32> {
    if from.ratio(1, 8)? { from.arbitrary() } else { from.int_in_range(0..=40) }
}

/// First cell and length: mostly within `side` cells, sometimes anything.
fn stretch(from: &mut Unstructured<'_>, side: u32) -> Result<(i32, u32)> {
    if from.ratio(1, 16)? {
        return Ok((from.arbitrary()?, from.arbitrary()?));
    }
    let first = from.int_in_range(0..=side)?;
    Ok((first as i32, from.int_in_range(0..=side - first)?))
}

/// Mostly a moderate number, sometimes any.
fn number(from: &mut Unstructured<'_>) -> Result<f64> {
    if from.ratio(1, 4)? { from.arbitrary() } else { Ok(f64::from(from.arbitrary::<i8>()?) / 16.0) }
}

/// Mostly as many values as the sides ask for.
fn values(from: &mut Unstructured<'_>, width: u32, height: u32) -> Result<Vec<i8>> {
    let asked = width.saturating_mul(height).min(MOST_CELLS) as usize;
    let number = if from.ratio(1, 8)? { from.int_in_range(0..=64)? } else { asked };
    let raw = from.ratio(1, 8)?;
    // Past the end of the data these are zeros.
    (0..number).map(|_| from.arbitrary::<i8>().map(|v| if raw { v } else { v.clamp(-1, 100) })).collect()
}
