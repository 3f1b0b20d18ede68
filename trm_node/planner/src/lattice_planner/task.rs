//! One plan's view.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_lattice::pose::CellPose;
use trm_lattice::pose_guidance::PoseGuidance;
use trm_safety::check::Rules;

use crate::endpoints::GoalArea;
use crate::request::Request;

/// One plan's view.
pub struct Task<'a> {
    pub costmap: &'a Costmap,
    pub guidance: Option<&'a Guidance>,
    pub poses: Option<&'a PoseGuidance>,
    pub request: &'a Request<'a>,
    pub rules: Rules,
    pub travel: Travel,
    pub start: CellPose,
    /// Where the goal may be.
    pub area: GoalArea,
    /// Whether the base is inside the outline. Elsewhere it may be over blocked cells, where the guidance knows no way.
    pub is_base_inside: bool,
}

impl Task<'_> {
    /// What the way from the robot costs by the guidance, in cells.
    pub fn expected(&self) -> Option<f64> {
        self.guidance.map(|guidance| f64::from(guidance.cost_to_go(self.start.at().cell())))
    }

    /// What a path costs, in cells.
    pub fn cost(&self, poses: &[Pose]) -> f64 {
        self.travel.path(self.costmap, poses.iter().copied())
    }

    /// The weight of a cell.
    pub fn weight(&self, cell: Cell) -> f32 {
        self.travel.weight(self.costmap.cost(cell).unwrap_or(0))
    }

    /// What the way from a cell costs at least: what the guidance says where it is of these costs and the base can't be over
    /// blocked cells; else it is asked only where it knows a way.
    pub fn cost_to_go(&self, cell: Cell, goal: CellPose) -> f32 {
        let straight = || cell.center().distance(goal.at()) as f32;
        let Some(guidance) = self.guidance else { return straight() };
        let known = guidance.cost_to_go(cell);
        let is_proof = guidance.version() == Some(self.costmap.version()) && self.is_base_inside;
        if known.is_finite() || is_proof { known } else { straight() }
    }
}
