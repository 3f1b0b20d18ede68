//! A robot that isn't a disc: its outline, and how it moves.

use trm_config::footprint::Footprint;
use trm_config::{GoalHeading, GridConfig, MotionModel, PlannerConfig};
use trm_lattice::error::LatticeError;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::Lattice;
use trm_lattice::motion::Motion;

/// What turning by a radian where the robot stands costs, in metres of driving ahead.
const TURNING_COST: f64 = 0.3;

/// What is known of the robot, in metres and radians.
#[derive(Debug, Clone, PartialEq)]
pub struct Robot {
    /// Its outline, padding included.
    pub footprint: Footprint,
    /// How it moves.
    pub motion_model: MotionModel,
    /// The least radius of its curves, for cars.
    pub minimum_turning_radius: f64,
    /// Whether it may drive backwards.
    pub allow_reverse: bool,
    /// Factor of the cost of driving backwards.
    pub reverse_penalty: f64,
    /// Cost of a change between forwards and backwards, in metres.
    pub change_penalty: f64,
    /// Factor of the cost of curves.
    pub non_straight_penalty: f64,
    /// How much a path's last heading may differ from the goal's.
    pub yaw_goal_tolerance: f64,
    /// With which headings it may stand at a goal.
    pub goal_heading: GoalHeading,
}

impl Robot {
    /// The robot of these parameters; `None` if it is a disc.
    #[must_use]
    pub fn of(grid: &GridConfig, planner: &PlannerConfig) -> Option<Self> {
        Some(Self {
            footprint: grid.outline()?,
            motion_model: planner.motion_model,
            minimum_turning_radius: planner.minimum_turning_radius,
            allow_reverse: planner.allow_reverse,
            reverse_penalty: planner.reverse_penalty,
            change_penalty: planner.change_penalty,
            non_straight_penalty: planner.non_straight_penalty,
            yaw_goal_tolerance: planner.yaw_goal_tolerance,
            goal_heading: planner.goal_heading,
        })
    }

    /// The lattice of its motions on cells of this size in metres, with so many headings.
    ///
    /// # Errors
    /// What can't be laid on such cells.
    pub fn lattice(&self, resolution: f64, headings: Headings) -> Result<Lattice, LatticeError> {
        let motion = Motion {
            model: self.motion_model,
            turning_radius: self.minimum_turning_radius / resolution,
            allow_reverse: self.allow_reverse,
            reverse_penalty: self.reverse_penalty,
            non_straight_penalty: self.non_straight_penalty,
            change_penalty: self.change_penalty / resolution,
            turning_cost: TURNING_COST / resolution,
        };
        Lattice::new(&self.footprint, resolution, motion, headings)
    }
}
