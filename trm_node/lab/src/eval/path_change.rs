//! How much paths change from plan to plan when nothing changes except that the robot drives along.

use serde::Serialize;
use trm_grid::units::{Point, Pose};
use trm_planner::Source;

use super::query::Scene;
use super::timed_planner::TimedPlanner;
use super::warm_start::is_within_reach;
use crate::statistics::{Sorted, share};
use crate::worlds::along_path::ahead;

/// Plans in each scene after the first one. Between two plans the robot drives one cell.
const PLANS: usize = 10;

/// One plan compared with the plan before.
#[derive(Debug, Clone, Copy)]
pub struct PlanChange {
    /// Mean distance of the new path's poses to the old path, in cells.
    cells: f64,
    /// Whether the old path was kept.
    kept: bool,
}

/// Drives through a scene, planning after each cell.
///
/// # Errors
/// When the window is too large for a grid.
pub fn drive(planner: &mut TimedPlanner, scene: &Scene) -> anyhow::Result<Vec<PlanChange>> {
    let Scene { costmap, start, goal } = scene;
    let mut at = *start;
    let mut old: Vec<Pose> = Vec::new();
    let mut changes = Vec::new();
    for number in 0..=PLANS {
        let outcome =
            if number == 0 { planner.plan_cold(costmap, at, *goal) } else { planner.plan(costmap, at, *goal) };
        let Ok(path) = outcome.path else { break };
        let kept = outcome.report.source == Source::Previous;
        let new = path.poses().to_vec();
        if !old.is_empty() {
            changes.push(PlanChange { cells: distance(&new, &old) / costmap.geometry().resolution(), kept });
        }
        let next = ahead(costmap, &new, at, 1.0).filter(|next| next != goal);
        let Some(next) = next else { break };
        if !is_within_reach(planner, costmap, next, *goal)? {
            break;
        }
        (at, old) = (next, new);
    }
    Ok(changes)
}

/// Mean distance of a path's poses to another path.
fn distance(path: &[Pose], other: &[Pose]) -> f64 {
    let nearest = |pose: &Pose| {
        let to = |pair: &[Pose]| to_line(pose.point(), pair[0].point(), pair[1].point());
        other.windows(2).map(to).fold(f64::INFINITY, f64::min)
    };
    path.iter().map(nearest).sum::<f64>() / path.len() as f64
}

/// Distance of a point to a line between two points.
fn to_line(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let squared = dx * dx + dy * dy;
    let share = if squared > 0.0 { (((p.x - a.x) * dx + (p.y - a.y) * dy) / squared).clamp(0.0, 1.0) } else { 0.0 };
    p.distance(Point { x: a.x + share * dx, y: a.y + share * dy })
}

/// Figures over many plans.
#[derive(Debug, Serialize)]
pub struct PathChange {
    /// Number of plans with a plan before.
    pub n: usize,
    /// Mean distance of the new path to the old one, in cells.
    pub mean: Option<f64>,
    /// Its 95 % quantile.
    pub p95: Option<f64>,
    /// Its maximum.
    pub max: Option<f64>,
    /// Share of plans whose path lies more than a cell from the old one on average.
    pub over_a_cell: Option<f64>,
    /// Share of plans that kept the old path.
    pub kept: Option<f64>,
}

impl PathChange {
    /// Counts plans.
    pub fn of(changes: &[PlanChange]) -> Self {
        let n = changes.len();
        let sorted = Sorted::new(changes.iter().map(|change| change.cells));
        Self {
            n,
            mean: sorted.mean(),
            p95: sorted.quantile(0.95),
            max: sorted.quantile(1.0),
            over_a_cell: share(changes.iter().filter(|change| change.cells > 1.0).count(), n),
            kept: share(changes.iter().filter(|change| change.kept).count(), n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_a_path_is_that_of_its_poses_to_the_other_ones_lines() {
        let path = |y: f64| (0..5).map(|x| Pose::new(f64::from(x), y, 0.0)).collect::<Vec<_>>();
        assert!(distance(&path(0.0)[1..], &path(0.0)).abs() < 1e-12);
        assert!((distance(&path(0.5), &path(0.0)) - 0.5).abs() < 1e-12);
        let sparse = [Pose::new(0.0, 0.0, 0.0), Pose::new(4.0, 0.0, 0.0)];
        assert!((distance(&path(2.0), &sparse) - 2.0).abs() < 1e-12);
    }
}
