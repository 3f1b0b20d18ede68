//! Paths as they are published.

use crate::lattice::Travel;
use crate::pose::CellPose;

/// A pose of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathPose {
    /// Where the robot is.
    pub pose: CellPose,
    /// How it came here from the pose before; at the first pose of a path, how it leaves. Where it changes between forwards
    /// and backwards, the pose before is a cusp.
    pub travel: Travel,
}
