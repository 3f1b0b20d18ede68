//! Straightens a path: replaces parts of it with curves that are cheaper and keep clear.

use trm_grid::units::Cell;

use crate::clearance::Clearance;
use crate::curves::cheapest;
use crate::motion::Motion;
use crate::path::PathPose;
use crate::tariff::{Tariff, curve_cost};

/// A curve must save this much, in cells.
const WORTH_IT: f64 = 0.05;
/// Poses from one place where curves are tried to the next.
const STEP: usize = 3;
/// How often the path is gone through at most; each time begins where the last one left off.
const ROUNDS: usize = 4;
/// Fewer poses than this aren't worth a curve.
const FEWEST: usize = 3;

/// Straightens paths. Its memory is taken once.
#[derive(Debug)]
pub struct Shortener {
    next: Vec<PathPose>,
    /// What the path costs up to each pose.
    costs: Vec<f64>,
}

impl Shortener {
    /// Room for paths of this many poses.
    #[must_use]
    pub fn with_room(poses: usize) -> Self {
        Self { next: Vec::with_capacity(poses), costs: Vec::with_capacity(poses) }
    }

    /// Replaces parts of a clear path with cheaper curves, farther ones first, until it gains nothing more or `may_go_on`
    /// says no. The ends stay. Paths that don't fit the room stay as they are. Never allocates.
    pub fn shorten(
        &mut self,
        path: &mut Vec<PathPose>,
        motion: &Motion,
        clearance: &Clearance,
        weight: impl Fn(Cell) -> f32,
        may_go_on: &mut dyn FnMut() -> bool,
    ) {
        for _ in 0..ROUNDS {
            if !self.count_costs(path, motion, &weight) {
                return;
            }
            let Some(gains) = self.round(path, motion, clearance, &weight, may_go_on) else { return };
            if self.next.len() > path.capacity() {
                return;
            }
            path.clear();
            path.extend_from_slice(&self.next);
            if !gains || !may_go_on() {
                return;
            }
        }
    }

    /// Adds up what the path costs; false if it doesn't fit.
    fn count_costs(&mut self, path: &[PathPose], motion: &Motion, weight: impl Fn(Cell) -> f32) -> bool {
        self.costs.clear();
        let fits = path.len() <= self.costs.capacity();
        if fits {
            let mut tariff = Tariff::new(motion, weight);
            self.costs.extend(path.iter().map(|pose| tariff.add(*pose)));
        }
        fits
    }

    /// Writes the straightened path. Returns whether anything changed; `None` if it doesn't fit.
    fn round(
        &mut self,
        path: &[PathPose],
        motion: &Motion,
        clearance: &Clearance,
        weight: impl Fn(Cell) -> f32,
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Option<bool> {
        self.next.clear();
        self.push(*path.first()?)?;
        let (mut at, mut gains, mut goes_on) = (0, false, true);
        while at + 1 < path.len() {
            let mut ahead = path.len() - 1 - at;
            let mut replaced = false;
            while goes_on && ahead >= FEWEST && !replaced {
                goes_on = may_go_on();
                replaced = self.replace(path, at, at + ahead, motion, clearance, &weight)?;
                if replaced {
                    at += ahead;
                }
                ahead = ahead * 2 / 3;
            }
            gains |= replaced;
            if !replaced {
                for pose in path.iter().skip(at + 1).take(STEP) {
                    self.push(*pose)?;
                }
                at += STEP;
            }
        }
        Some(gains)
    }

    /// Adds a curve in place of a part of the path, if it is cheaper and clear; `None` if it doesn't fit.
    fn replace(
        &mut self,
        path: &[PathPose],
        from: usize,
        to: usize,
        motion: &Motion,
        clearance: &Clearance,
        weight: impl Fn(Cell) -> f32,
    ) -> Option<bool> {
        let bound = self.costs[to] - self.costs[from] - WORTH_IT;
        let Some(curve) = cheapest(path[from].pose, path[to].pose, motion) else { return Some(false) };
        let is_cheaper = curve.cost(motion) < 1.01 * bound && curve_cost(&curve, motion, weight) < bound;
        if !is_cheaper || !clearance.is_clear_along(&curve) {
            return Some(false);
        }
        let (last, mut is_first, mut fits) = (path[to].pose, true, true);
        curve.all_samples(|sample| {
            fits &= std::mem::take(&mut is_first) || self.push(sample).is_some();
            fits
        });
        // Nothing drifts: the part ends where the next one begins.
        if let Some(end) = self.next.last_mut() {
            end.pose = last;
        }
        fits.then_some(true)
    }

    fn push(&mut self, pose: PathPose) -> Option<()> {
        (self.next.len() < self.next.capacity()).then(|| self.next.push(pose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocked::Blocked;
    use crate::judge::{drawn, hits};
    use crate::lattice::Travel;
    use crate::pose::CellPose;
    use crate::sweep::Outline;
    use crate::testing::motion;
    use trm_config::MotionModel;

    /// A robot that turns and drives along two sides of a rectangle.
    fn corner() -> Vec<PathPose> {
        let pose = |col: f64, row: f64, yaw: f64, travel| PathPose { pose: CellPose::new(col, row, yaw), travel };
        let along = (0..=30).map(|col| pose(f64::from(col) + 5.0, 10.0, 0.0, Travel::Forward));
        let turn =
            (1..=8).map(|step| pose(35.0, 10.0, f64::from(step) * std::f64::consts::FRAC_PI_2 / 8.0, Travel::Turn));
        let up = (1..=30).map(|row| pose(35.0, 10.0 + f64::from(row), std::f64::consts::FRAC_PI_2, Travel::Forward));
        let mut path = Vec::with_capacity(200);
        path.extend(along.chain(turn).chain(up));
        path
    }

    fn length(path: &[PathPose]) -> f64 {
        path.windows(2).map(|pair| pair[0].pose.at().distance(pair[1].pose.at())).sum()
    }

    #[test]
    fn a_corner_is_cut_where_nothing_is_in_the_way() {
        let outline = Outline::new(vec![[2.0, 1.2], [-2.0, 1.2], [-2.0, -1.2], [2.0, -1.2]]);
        let motion = motion(MotionModel::Diff, 0.0);
        let mut shortener = Shortener::with_room(200);
        for (is_open, least, most) in [(true, 42.4, 42.5), (false, 49.0, 59.5)] {
            let map = drawn(50, 50, |col, row| !is_open && (10..30).contains(&col) && (15..40).contains(&row));
            let blocked = Blocked::new(&map, false);
            let clearance = Clearance::new(&outline, &blocked);
            let mut path = corner();
            shortener.shorten(&mut path, &motion, &clearance, |_| 1.0, &mut || true);
            assert!((least..most).contains(&length(&path)), "{} {is_open}", length(&path));
            let poses: Vec<_> = path.iter().map(|pose| pose.pose).collect();
            assert!(!hits(&map, &outline, &poses, -1e-4));
            assert_eq!((poses[0], poses[poses.len() - 1]), (corner()[0].pose, corner()[68].pose));
            let mut path = corner();
            Shortener::with_room(20).shorten(&mut path, &motion, &clearance, |_| 1.0, &mut || true);
            assert_eq!(path, corner(), "it doesn't fit");
        }
    }
}
