//! The path that was published last.

use trm_config::GoalHeading;
use trm_grid::geometry::Geometry;
use trm_grid::units::Pose;
use trm_lattice::pose::CellPose;
use trm_safety::{Draft, VerifiedPath};

use crate::goal_poses::{BESIDE_GOAL, in_cells, turn};
use crate::lattice_planner::task::Task;
use crate::robot::Robot;

/// What poses may be off by on their way through metres, in cells and radians.
const ROUNDING: f64 = 1e-6;
/// A robot that is farther from its path than this, in cells and radians, doesn't go on along it.
const MAX_STRAY: (f64, f64) = (2.0, 0.35);
/// So many poses from where the path began the robot may be: the rest of it begins at each plan where the robot is.
const AHEAD: usize = 64;
/// A new path must be cheaper than what is left of the present one by this share, and a cell.
const WORTH_IT: f64 = 0.05;

/// The path that was published last.
#[derive(Default)]
pub struct Previous {
    pub path: VerifiedPath,
    /// Where it leads.
    pub goal: Option<Pose>,
    /// What it cost when it was found, as a multiple of what the guidance said.
    pub ratio: f64,
    /// The version of the costs on which it ends as near to the goal as the robot can stand.
    pub version: Option<u64>,
}

impl Previous {
    /// Whether it ends where a path to this pose may.
    pub fn ends_at(&self, goal: CellPose, robot: &Robot, geometry: &Geometry) -> bool {
        self.path.poses().last().is_some_and(|end| {
            let end = in_cells(geometry, *end);
            let has_heading = robot.goal_heading == GoalHeading::All
                || turn(end.yaw, goal.yaw) <= robot.yaw_goal_tolerance + ROUNDING;
            end.at().distance(goal.at()) <= BESIDE_GOAL + ROUNDING && has_heading
        })
    }

    /// The poses ahead of the robot; `None` if the robot isn't on the path.
    pub fn rest(&self, start: Pose, geometry: &Geometry) -> Option<&[Pose]> {
        let poses = self.path.poses();
        let near = &poses[..poses.len().min(AHEAD)];
        let apart =
            |pose: &Pose| (pose.point().distance(start.point()) / geometry.resolution(), turn(pose.yaw, start.yaw));
        let misfit = |pose: &Pose| {
            let (distance, turn) = apart(pose);
            distance / MAX_STRAY.0 + turn / MAX_STRAY.1
        };
        let numbered = near.iter().enumerate();
        let (nearest, pose) = numbered.min_by(|(_, one), (_, other)| misfit(one).total_cmp(&misfit(other)))?;
        let (distance, turn) = apart(pose);
        if distance > MAX_STRAY.0 || turn > MAX_STRAY.1 {
            return None;
        }
        // The robot stands at the last pose when it has arrived.
        let next = (nearest + 1).min(poses.len() - 1);
        Some(&poses[next..])
    }

    /// Whether a draft costs so much less that it is worth a change.
    pub fn is_beaten_by(&self, draft: &Draft, task: &Task) -> bool {
        let old = task.cost(self.path.poses());
        task.cost(&draft.poses) + 1.0 + WORTH_IT * old < old
    }
}
