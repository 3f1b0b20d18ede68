//! What one plan is to solve, in cells of the costmap.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_safety::check::Rules;

use crate::epoch::Epoch;

/// A request on a costmap: made once for each plan, and never changed.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// The costs.
    pub costmap: &'a Costmap,
    /// The cost-to-go to `goal`, where it is known.
    pub guidance: Option<&'a Guidance>,
    /// What a path may cross.
    pub rules: Rules,
    /// What crossing a cell costs.
    pub travel: Travel,
    /// The first free cell on the robot's way: planning begins here.
    pub from: Cell,
    /// The cell to plan to.
    pub goal: Cell,
    /// Where the robot is.
    pub start_pose: Pose,
    /// The pose that was asked for.
    pub goal_pose: Pose,
    /// When the plan is no longer wanted.
    pub epoch: Option<Epoch<'a>>,
}

impl Problem<'_> {
    /// Whether the plan is no longer wanted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.epoch.is_some_and(|epoch| epoch.is_over())
    }

    /// Whether it is certain that no path leads to the goal.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        let guidance = self.guidance.filter(|guidance| guidance.version() == self.costmap.version());
        guidance.is_some_and(|guidance| guidance.cost_to_go(self.from).is_infinite())
    }
}
