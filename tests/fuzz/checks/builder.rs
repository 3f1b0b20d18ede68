//! Whole grids, updates, other parameters and interruptions in any order: the costs are those of the last grid from
//! scratch, and so is a copy that was only told the changes.

use arbitrary::{Result, Unstructured};
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::{CostmapBuilder, build};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Pose;

/// More cells a side make it slow and show nothing new: a tile has 32.
const MOST_SIDE: u32 = 80;

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    // An error means that the data is too short: nothing to see.
    let _ = run(&mut Unstructured::new(data));
}

fn run(from: &mut Unstructured<'_>) -> Result<()> {
    let kind = if from.arbitrary()? { GridKind::Map } else { GridKind::Costmap };
    let mut config = config(from)?;
    let mut builder = CostmapBuilder::new(&config, kind);
    let (mut grid, mut copy) = (None::<OccupancyGrid>, None);
    for _ in 0..from.int_in_range(1..=12_u8)? {
        match from.int_in_range(0..=9_u8)? {
            0 | 1 => {
                let new = whole(from, grid.as_ref())?;
                builder.take_grid(new.clone());
                grid = Some(new);
            }
            2 => {
                config = self::config(from)?;
                builder.configure(&config);
            }
            3..=6 => {
                let Some(grid) = &mut grid else {
                    let rect = Rect { col: 0, row: 0, width: 1, height: 1 };
                    assert!(builder.take_update(rect, &[0]).is_err(), "an update of no grid was taken");
                    continue;
                };
                let (rect, values) = update(from, grid.geometry())?;
                let taken = builder.take_update(rect, &values);
                assert_eq!(taken.is_ok(), grid.update(rect, &values).is_ok());
            }
            7 => {
                let mut left = from.int_in_range(0..=20_u16)?;
                let mut go_on = || {
                    left = left.saturating_sub(1);
                    left > 0
                };
                if let Ok(Some(change)) = builder.refresh(&mut go_on) {
                    drop(change.apply(&mut copy));
                }
            }
            _ => {
                if let Some(change) = builder.refresh_to_end() {
                    drop(change.apply(&mut copy));
                }
                assert!(!builder.is_due());
                let costs = grid.clone().map(|grid| build(&config, kind, grid).costs());
                assert_eq!(builder.costmap().map(Costmap::costs), costs, "not those from scratch");
                assert_eq!(copy.as_deref(), builder.costmap(), "the copy differs");
            }
        }
    }
    Ok(())
}

fn config(from: &mut Unstructured<'_>) -> Result<GridConfig> {
    Ok(GridConfig {
        robot_radius: f64::from(from.int_in_range(0..=40_u8)?) / 50.0,
        inflation_radius: f64::from(from.arbitrary::<u8>()?) / 100.0,
        cost_scaling_factor: f64::from(from.arbitrary::<u8>()?) / 10.0,
        occupied_threshold: i64::from(from.int_in_range(1..=100_u8)?),
        ..GridConfig::default()
    })
}

/// A grid of few values, often of the size of the one before.
fn whole(from: &mut Unstructured<'_>, before: Option<&OccupancyGrid>) -> Result<OccupancyGrid> {
    let geometry = match before {
        Some(before) if from.ratio(3, 4)? => *before.geometry(),
        _ => {
            let (width, height) = (from.int_in_range(1..=MOST_SIDE)?, from.int_in_range(1..=MOST_SIDE)?);
            Geometry::new(width, height, 0.1, Pose::default()).expect("legal numbers")
        }
    };
    let mut values = match before {
        Some(before) if *before.geometry() == geometry && from.arbitrary()? => before.data().to_vec(),
        _ => vec![from.int_in_range(-1..=100)?; geometry.cells()],
    };
    for _ in 0..from.int_in_range(0..=30_u8)? {
        let at = from.int_in_range(0..=geometry.cells() - 1)?;
        values[at] = from.int_in_range(-1..=100)?;
    }
    Ok(OccupancyGrid::new(geometry, values).expect("legal values"))
}

/// An update, seldom one that reaches beyond the grid.
fn update(from: &mut Unstructured<'_>, geometry: &Geometry) -> Result<(Rect, Vec<i8>)> {
    let beyond = u32::from(from.ratio(1, 16)?);
    let (col, row) = (from.int_in_range(0..=geometry.width() - 1)?, from.int_in_range(0..=geometry.height() - 1)?);
    let width = from.int_in_range(0..=(geometry.width() - col).min(12))? + beyond;
    let height = from.int_in_range(0..=(geometry.height() - row).min(12))?;
    let rect = Rect { col: col as i32, row: row as i32, width, height };
    let few = from.int_in_range(-1..=100_i8)?;
    let one = |from: &mut Unstructured<'_>| if from.ratio(1, 4)? { from.int_in_range(-1..=100) } else { Ok(few) };
    let values = (0..rect.area()).map(|_| one(from)).collect::<Result<_>>()?;
    Ok((rect, values))
}
