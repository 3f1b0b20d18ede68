//! A way from one pose to another.

use arrayvec::ArrayVec;

use super::segment::Segment;
use crate::headings::wrapped;
use crate::motion::Motion;
use crate::pose::CellPose;

/// The greatest number of segments of a curve.
pub const MAX_SEGMENTS: usize = 5;
/// How far the end of a curve may be from where it must be, in cells and radians, as a share of the curve's size.
const EXACT: f64 = 1e-10;

/// A way from one pose to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Where it begins.
    pub start: CellPose,
    /// Its segments, none of length 0.
    pub segments: ArrayVec<Segment, MAX_SEGMENTS>,
}

impl Curve {
    /// Drops segments that go nowhere.
    pub(super) fn new(start: CellPose, segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments = segments.into_iter().filter(|segment| segment.amount.abs() > 1e-12).collect();
        Self { start, segments }
    }

    /// Where it ends.
    #[must_use]
    pub fn end(&self) -> CellPose {
        self.segments.iter().fold(self.start, |pose, segment| segment.end(pose))
    }

    /// The way of the robot's base, in cells.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.segments.iter().map(Segment::length).sum()
    }

    /// What it costs where the ground costs nothing, in cells: each segment's length with its penalties, and each change
    /// between forwards and backwards.
    #[must_use]
    pub fn cost(&self, motion: &Motion) -> f64 {
        let drives = self.segments.iter().filter(|segment| segment.is_drive());
        let changes = drives.clone().zip(drives.skip(1)).filter(|(one, next)| one.travel() != next.travel());
        let segments: f64 = self.segments.iter().map(|segment| segment.cost(motion)).sum();
        segments + changes.count() as f64 * motion.change_penalty
    }

    /// Whether it ends where it must. Formulas that don't apply give curves that don't.
    pub(super) fn reaches(&self, goal: CellPose) -> bool {
        let (end, bound) = (self.end(), EXACT * (1.0 + self.length()));
        end.at().distance(goal.at()) <= bound && wrapped(goal.yaw - end.yaw).abs() <= bound
    }
}
