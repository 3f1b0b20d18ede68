//! What a search is asked for.

use crate::pose::CellPose;

/// What is asked for. Positions are in cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// Where the robot is.
    pub start: CellPose,
    /// Where it must go.
    pub goal: CellPose,
    /// How far from its start a robot may touch the blocked cells that it stands on, in cells.
    pub start_tolerance: f64,
    /// How far from the goal a path may end where the exact goal can't be driven to, in cells and radians.
    pub goal_tolerance: (f64, f64),
    /// What the cost-to-go is multiplied with. Paths cost up to this many times what the cheapest one does, provided that
    /// the cost-to-go is never too great, and about as much with the fields that a greedy search computes
    /// where it is stuck and around the goal. Less than 1 is taken for 1.
    pub greed: f32,
}
