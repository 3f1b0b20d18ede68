//! What ways cost on ground that isn't the same everywhere.
//!
//! The cost of a step between two poses of a path is its length with the penalties of [`Motion`] times the weight of the
//! cell in its middle. An edge of the lattice costs what [`crate::lattice::Edge::cost`] says times the weight of the cell
//! in its middle.

use trm_config::MotionModel;
use trm_grid::units::Cell;

use crate::curves::Curve;
use crate::headings::wrapped;
use crate::lattice::Travel;
use crate::motion::Motion;
use crate::path::PathPose;

/// Turns of less than this between two poses, in radians, are rounding.
const STRAIGHT: f64 = 1e-9;

/// Adds up what a path costs, pose by pose.
#[derive(Debug, Clone)]
pub struct Tariff<'a, W> {
    motion: &'a Motion,
    weight: W,
    cost: f64,
    before: Option<PathPose>,
    /// The last way in which the base moved.
    drive: Option<Travel>,
}

impl<'a, W: Fn(Cell) -> f32> Tariff<'a, W> {
    /// Nothing yet. `weight` is the weight of a cell, at least 1.
    #[must_use]
    pub const fn new(motion: &'a Motion, weight: W) -> Self {
        Self { motion, weight, cost: 0.0, before: None, drive: None }
    }

    /// Adds the step to the next pose. Returns what all steps cost, in cells.
    pub fn add(&mut self, next: PathPose) -> f64 {
        if let Some(before) = self.before.replace(next) {
            let middle = before.pose.at().towards(next.pose.at(), 0.5).cell();
            self.cost += self.step(before, next) * f64::from((self.weight)(middle));
            if next.travel != Travel::Turn {
                let changes = self.drive.replace(next.travel).is_some_and(|drive| drive != next.travel);
                self.cost += if changes { self.motion.change_penalty } else { 0.0 };
            }
        }
        self.cost
    }

    fn step(&self, from: PathPose, to: PathPose) -> f64 {
        let (length, turn) = (from.pose.at().distance(to.pose.at()), wrapped(to.pose.yaw - from.pose.yaw).abs());
        if to.travel == Travel::Turn || self.motion.model == MotionModel::Omni {
            return length + turn * self.motion.turning_cost;
        }
        let curved = if turn > STRAIGHT { self.motion.non_straight_penalty } else { 1.0 };
        let backwards = if to.travel == Travel::Backward { self.motion.reverse_penalty } else { 1.0 };
        length * curved * backwards
    }
}

/// What a curve costs, in cells, as its samples tell it.
#[must_use]
pub fn curve_cost(curve: &Curve, motion: &Motion, weight: impl Fn(Cell) -> f32) -> f64 {
    let mut tariff = Tariff::new(motion, weight);
    curve.all_samples(|sample| {
        tariff.add(sample);
        true
    });
    tariff.cost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curves::cheapest;
    use crate::pose::CellPose;
    use crate::testing::motion;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn on_even_ground_a_curve_costs_what_its_segments_do(
            col in -30.0..30.0_f64, row in -30.0..30.0_f64, yaw in -3.0..3.0_f64, change in 0.0..3.0_f64,
        ) {
            for model in [MotionModel::Car, MotionModel::Diff, MotionModel::Omni] {
                let motion = Motion { change_penalty: change, ..motion(model, 8.0) };
                let curve = cheapest(CellPose::new(0.0, 0.0, 0.0), CellPose::new(col, row, yaw), &motion).unwrap();
                let (cost, twice) = (curve_cost(&curve, &motion, |_| 1.0), curve_cost(&curve, &motion, |_| 2.0));
                // Chords are a little shorter than arcs.
                prop_assert!((cost - curve.cost(&motion)).abs() <= 2e-3 * cost + 1e-9, "{cost} {curve:?}");
                let changes = 2.0 * cost - twice;
                prop_assert!(changes >= -1e-9 && changes <= 4.0 * change + 1e-9);
            }
        }
    }
}
