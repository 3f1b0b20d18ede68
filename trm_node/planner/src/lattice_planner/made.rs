//! What is made for a grid: the lattice, what is blocked, and memory for a search.

use std::sync::Arc;

use trm_config::GoalHeading;
use trm_lattice::blocked::Blocked;
use trm_lattice::clearance::Clearance;
use trm_lattice::lattice::Lattice;
use trm_lattice::pose::CellPose;
use trm_lattice::search::Search;
use trm_lattice::shorten::Shortener;
use trm_safety::outline::Outline;

use crate::error::PlanError;
use crate::goal_poses::{Wanted, arrival, in_cells};
use crate::lattice_planner::task::Task;

/// What is made for a grid.
pub struct Made {
    pub lattice: Arc<Lattice>,
    pub outline: Outline,
    pub blocked: Blocked,
    pub search: Search,
    pub shortener: Shortener,
}

impl Made {
    /// The poses to plan to, in the order in which they are tried.
    pub fn goals(&self, task: &Task, heading: GoalHeading) -> Result<[Option<CellPose>; 3], PlanError> {
        let pose = in_cells(task.costmap.geometry(), task.request.goal);
        // Guidance over headings leads to one of them.
        let arrival = || match task.poses {
            Some(poses) => poses.goal().yaw,
            None => arrival(task.costmap, task.guidance, task.start, pose),
        };
        let clearance = Clearance::new(self.lattice.outline(), &self.blocked);
        let goals = Wanted { pose, area: &task.area, heading, arrival: &arrival }.poses(&clearance);
        if goals.iter().all(Option::is_none) {
            return Err(PlanError::GoalBlocked(pose.at().cell()));
        }
        Ok(goals)
    }
}

/// What is made for the grid.
pub fn ready(made: &mut Result<Option<Box<Made>>, PlanError>) -> Result<&mut Made, PlanError> {
    made.as_mut().map_err(|error| *error)?.as_deref_mut().ok_or(PlanError::NoValidPath)
}
