//! What a test believes: whether an outline hits a cell, by looking at many moments, with no code of the checks in it.

use proptest::prelude::*;
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};

use crate::pose::CellPose;
use crate::sweep::Outline;

/// A costmap whose cells are lethal where `is_lethal` says so, and free elsewhere.
pub(crate) fn drawn(width: u32, height: u32, is_lethal: impl Fn(i32, i32) -> bool) -> Costmap {
    let geometry = Geometry::new(width, height, 1.0, Pose::default()).expect("a grid");
    let cells = (0..geometry.cells()).map(|at| geometry.cell(at));
    let data = cells.map(|cell| if is_lethal(cell.col, cell.row) { 100 } else { 0 }).collect();
    let grid = OccupancyGrid::new(geometry, data).expect("legal values");
    build(&GridConfig::default(), GridKind::Costmap, grid)
}

/// Square worlds with a few obstacles.
pub(crate) fn worlds(side: u32) -> impl Strategy<Value = Costmap> {
    let obstacle = (0..side as i32, 0..side as i32, 1..4_i32, 1..4_i32);
    prop::collection::vec(obstacle, 0..12).prop_map(move |obstacles| {
        drawn(side, side, |col, row| {
            let covers = |(left, low, width, height): &(i32, i32, i32, i32)| {
                (*left..left + width).contains(&col) && (*low..low + height).contains(&row)
            };
            obstacles.iter().any(covers)
        })
    })
}

/// Stars around the base, convex and not, an angle, and a bar beside the base.
pub(crate) fn outlines() -> impl Strategy<Value = Outline> {
    let star = prop::collection::vec(0.6..4.5_f64, 3..8).prop_map(|radii| {
        let sector = std::f64::consts::TAU / radii.len() as f64;
        let corner =
            |(at, radius): (usize, &f64)| [radius * (sector * at as f64).cos(), radius * (sector * at as f64).sin()];
        Outline::new(radii.iter().enumerate().map(corner).collect())
    });
    let angle = vec![[4.0, -1.5], [4.0, 3.5], [2.5, 3.5], [2.5, -0.2], [-2.0, -0.2], [-2.0, -1.5]];
    let bar = vec![[3.0, 1.0], [3.0, 2.2], [-3.0, 2.2], [-3.0, 1.0]];
    prop_oneof![4 => star, 1 => Just(Outline::new(angle)), 1 => Just(Outline::new(bar))]
}

/// Whether the outline overlaps a blocked cell, grown by a margin, on its way along poses: base straight, heading evenly.
pub(crate) fn hits(map: &Costmap, outline: &Outline, path: &[CellPose], margin: f64) -> bool {
    let single = path.iter().take(1).map(|pose| (*pose, *pose));
    single.chain(path.windows(2).map(|pair| (pair[0], pair[1]))).any(|(from, to)| {
        let turn =
            (to.yaw - from.yaw + 9.0 * std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
        let moved = (to.col - from.col).hypot(to.row - from.row) + turn.abs() * outline.reach();
        let moments = (moved / 0.02).ceil() as usize;
        (0..=moments).any(|moment| {
            let share = if moments == 0 { 0.0 } else { moment as f64 / moments as f64 };
            let (col, row) = (from.col + share * (to.col - from.col), from.row + share * (to.row - from.row));
            overlaps_any(map, &placed(outline, CellPose::new(col, row, from.yaw + share * turn)), margin)
        })
    })
}

fn placed(outline: &Outline, pose: CellPose) -> Vec<[f64; 2]> {
    let place = |corner: &[f64; 2]| {
        let angle = pose.yaw + corner[1].atan2(corner[0]);
        let radius = corner[0].hypot(corner[1]);
        [pose.col + radius * angle.cos(), pose.row + radius * angle.sin()]
    };
    outline.corners().iter().map(place).collect()
}

fn overlaps_any(map: &Costmap, polygon: &[[f64; 2]], margin: f64) -> bool {
    let bound = |axis: usize, sign: f64| {
        (sign * polygon.iter().map(|corner| sign * corner[axis]).fold(f64::NEG_INFINITY, f64::max)).round() as i32
    };
    (bound(1, -1.0) - 1..=bound(1, 1.0) + 1).any(|row| {
        (bound(0, -1.0) - 1..=bound(0, 1.0) + 1).any(|col| {
            let is_blocked = map.cost(Cell::new(col, row)).is_none_or(|cost| cost == 100 || cost == 255);
            is_blocked && overlaps(polygon, [f64::from(col), f64::from(row)], 0.5 + margin)
        })
    })
}

/// Whether a polygon overlaps a square: a side has a part in it, or it holds the square's centre.
fn overlaps(polygon: &[[f64; 2]], centre: [f64; 2], half: f64) -> bool {
    let sides = || polygon.iter().zip(polygon.iter().cycle().skip(1));
    let clipped = sides().any(|(from, to)| {
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for axis in 0..2 {
            let (start, along) = (from[axis] - centre[axis], to[axis] - from[axis]);
            if along.abs() < 1e-15 {
                if start.abs() >= half {
                    return false;
                }
                continue;
            }
            let (one, other) = ((-half - start) / along, (half - start) / along);
            (enter, leave) = (enter.max(one.min(other)), leave.min(one.max(other)));
        }
        enter < leave
    });
    // The winding number of the polygon around the centre.
    let turn: f64 = sides()
        .map(|(from, to)| {
            let (a, b) = ([from[0] - centre[0], from[1] - centre[1]], [to[0] - centre[0], to[1] - centre[1]]);
            (a[0] * b[1] - a[1] * b[0]).atan2(a[0] * b[0] + a[1] * b[1])
        })
        .sum();
    clipped || turn.abs() > 3.0
}
