//! A plan that somebody asks for once, and waits for: what an action's goal becomes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use trm_grid::units::Pose;
use trm_planner::epoch::Epochs;

use crate::plan_record::{Kind, PlanRecord};

/// So many may wait for their plans at once.
pub const MAX_REQUESTS: usize = 64;

/// Takes the answer, in the publisher thread.
pub type Reply = Box<dyn FnOnce(&PlanRecord, &[Pose]) + Send>;

/// What is asked for. The goals are in the map's frame.
pub struct PlanRequest {
    /// To one pose, or through several.
    pub kind: Kind,
    /// Which planner shall plan.
    pub planner: usize,
    /// Where the path begins; `None`: where the robot is.
    pub start: Option<Pose>,
    /// Where it leads, one after the other. At least one.
    pub goals: Vec<Pose>,
    /// When the request arrived, by the node's clock.
    pub arrived: Duration,
    /// How long after that the answer is due.
    pub budget: Duration,
    /// Nobody waits for the answer any more when the first epoch is over.
    pub epochs: Arc<Epochs>,
    /// Memory for the path, which is written in the planning loop.
    pub path: Vec<Pose>,
    /// Takes the answer: the poses are those of the path, none if there is no path.
    pub reply: Reply,
}

/// Poses that a request's memory has room for from the beginning, for each of its goals. A longer path makes it grow.
const POSES: usize = 4096;

/// Memory for a path to so many goals. Written to, so that its pages are there before the planning loop needs them.
#[must_use]
pub fn memory(goals: usize) -> Vec<Pose> {
    let mut poses = vec![Pose::new(1.0, 0.0, 0.0); POSES * goals.min(16)];
    poses.clear();
    poses
}

impl PlanRequest {
    /// Whether nobody waits for the answer any more.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.epochs.is_over(FIRST)
    }
}

/// The epoch of a request.
pub const FIRST: u64 = 1;

/// The epochs of a request that isn't cancelled.
#[must_use]
pub fn epochs() -> Arc<Epochs> {
    let epochs = Arc::<Epochs>::default();
    epochs.begin();
    epochs
}

impl fmt::Debug for PlanRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, planner, start, goals, arrived, budget, .. } = self;
        write!(f, "{kind:?} by planner {planner} from {start:?} to {goals:?}, came at {arrived:?}, within {budget:?}")
    }
}
