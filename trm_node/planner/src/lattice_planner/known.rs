//! What is known of searches before: one that was interrupted, and what was proven.

use trm_lattice::pose::CellPose;
use trm_lattice::search;

use crate::error::PlanError;
use crate::goal_poses::turn;
use crate::lattice_planner::task::Task;

/// A robot that stands within this distance of where the search began, in cells and radians, hasn't moved.
const STANDS: (f64, f64) = (0.25, 0.03);

/// A search that was interrupted.
pub struct Pending {
    /// The version of the costs.
    pub version: u64,
    pub request: search::Request,
}

/// What was proven: why there is no path.
pub struct Proven {
    pub error: PlanError,
    /// The version of the costs.
    pub version: u64,
    /// From where on ...
    pub start: CellPose,
    /// ... and to which poses.
    pub goals: [Option<CellPose>; 3],
}

impl Pending {
    /// Whether it is worth going on with.
    pub fn goes_on(&self, task: &Task) -> bool {
        self.version == task.costmap.version() && stands(self.request.start, task.start)
    }
}

impl Proven {
    /// Whether it holds for a plan.
    pub fn holds_for(&self, task: &Task, goals: &[Option<CellPose>; 3]) -> bool {
        self.version == task.costmap.version() && self.goals == *goals && stands(self.start, task.start)
    }
}

/// Whether the robot stands still, give or take what localisation does.
fn stands(before: CellPose, now: CellPose) -> bool {
    before.at().distance(now.at()) <= STANDS.0 && turn(before.yaw, now.yaw) <= STANDS.1
}
