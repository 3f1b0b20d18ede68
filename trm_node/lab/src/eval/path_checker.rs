//! A check of published paths that shares no code with the planner's own: it samples each line densely.

use trm_grid::cost::INSCRIBED;
use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, CellPoint, Pose};

/// Distance between two samples, in cells.
const STEP: f64 = 0.02;
/// A point this near to the line between two cells' centres touches no other cell, in cells. Rounding from metres is
/// smaller.
const SLACK: f64 = 1e-6;
/// Neighbouring poses of a path are nearer to each other than this, in cells, up to the pose `DENSE`, and nearer than `SPARSE` from
/// there on: README's table of topics.
const GAP: f64 = 2.0;
const DENSE: usize = 512;
const SPARSE: f64 = 4.001;

/// Whether a path leads from one cell to another without gaps, and over free cells only: all cells whose centre is less
/// than one cell from any point of it along both axes are free.
pub fn passes(costmap: &Costmap, poses: &[Pose], start: Cell, goal: Cell) -> bool {
    let geometry = costmap.geometry();
    let points: Vec<CellPoint> = poses.iter().map(|pose| geometry.to_cells(pose.point())).collect();
    let near = |p: &CellPoint, cell: Cell| p.distance(cell.center()) < 1e-3;
    let ends = points.first().zip(points.last());
    ends.is_some_and(|(first, last)| near(first, start) && near(last, goal))
        && points.iter().all(|p| is_clear(costmap, *p))
        && points.windows(2).enumerate().all(|(at, pair)| {
            let distance = pair[0].distance(pair[1]);
            let samples = (distance / STEP).ceil();
            distance < if at + 1 < DENSE { GAP } else { SPARSE }
                && (1..samples as usize).all(|i| is_clear(costmap, pair[0].towards(pair[1], i as f64 / samples)))
        })
}

/// Whether the up to four cells around a point are free.
fn is_clear(costmap: &Costmap, CellPoint { col, row }: CellPoint) -> bool {
    let around = |v: f64| [(v + SLACK).floor(), (v - SLACK).ceil()];
    col.is_finite()
        && row.is_finite()
        && around(col).into_iter().all(|c| {
            around(row)
                .into_iter()
                .all(|r| costmap.cost(Cell::new(c as i32, r as i32)).is_some_and(|cost| cost < INSCRIBED))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::world::World;

    /// 8 × 8 cells with a wall from (4, 0) up to (4, 5).
    fn walled() -> Costmap {
        let mut world = World::new(8, false);
        world.fill(0..6, 4..5, true);
        world.costmap().unwrap()
    }

    fn poses(costmap: &Costmap, cells: &[(i32, i32)]) -> Vec<Pose> {
        let center = |(col, row): &(i32, i32)| costmap.geometry().center(Cell::new(*col, *row));
        cells.iter().map(center).map(|p| Pose::new(p.x, p.y, 0.0)).collect()
    }

    #[test]
    fn poses_may_be_farther_apart_far_from_the_robot() {
        let costmap = World::new(64, false).costmap().unwrap();
        // To and fro along a row, then in steps of so many cells.
        let long = |dense: usize, step: i32| -> Vec<(i32, i32)> {
            let to_and_fro = (0..dense as i32).map(|at| (at % 2, 5));
            to_and_fro.chain((1..5).map(|at| (step * at + (dense as i32 - 1) % 2, 5))).collect()
        };
        let passes = |cells: &[(i32, i32)]| {
            let ends = [cells[0], cells[cells.len() - 1]].map(|(col, row)| Cell::new(col, row));
            passes(&costmap, &poses(&costmap, cells), ends[0], ends[1])
        };
        assert!(passes(&long(512, 4)) && passes(&long(700, 3)));
        assert!(!passes(&long(511, 4)), "the robot would miss poses near it");
        assert!(!passes(&long(512, 5)));
    }

    #[test]
    fn a_good_path_passes_and_each_bad_one_is_caught() {
        let costmap = walled();
        let (start, goal) = (Cell::new(2, 5), Cell::new(6, 5));
        let good = [(2, 5), (3, 5), (3, 6), (4, 6), (5, 6), (5, 5), (6, 5)];
        let passes = |cells: &[(i32, i32)]| passes(&costmap, &poses(&costmap, cells), start, goal);
        assert!(passes(&good));
        assert!(!passes(&[(2, 5), (3, 5), (4, 5), (5, 5), (6, 5)]), "through the wall");
        assert!(!passes(&[(2, 5), (3, 5), (4, 6), (5, 5), (6, 5)]), "across the corner");
        assert!(!passes(&good[1..]), "begins elsewhere");
        assert!(!passes(&good[..6]), "ends elsewhere");
        assert!(!passes(&[(2, 5), (6, 5)]), "a gap");
        assert!(!passes(&[]));
        let mut broken = poses(&costmap, &good);
        broken[3].x = f64::NAN;
        assert!(!super::passes(&costmap, &broken, start, goal));
        let outside = [(2, 5), (2, 6), (2, 7), (2, 8), (3, 7), (4, 7), (5, 6), (6, 6), (6, 5)];
        assert!(!passes(&outside));
    }
}
