//! Every message that crosses from one thread to another, but for those to the world thread, which has an
//! [inbox](crate::map::inbox). Times are readings of the node's clock.

use std::time::Duration;

use trm_config::Config;
use trm_grid::costmap::GridChange;
use trm_grid::units::Pose;
use trm_planner::guided::Guided;

use crate::plan_record::{PlanRecord, PlanTimes};
use crate::planners::Planners;
use crate::request::PlanRequest;

/// To the guidance thread.
pub use trm_planner::guidance_worker::Event as GuidanceEvent;

/// To the planner thread.
pub enum PlannerEvent {
    /// The costs have changed, because of a message that arrived at this time.
    Grid {
        /// The change.
        change: GridChange,
        /// When the message arrived.
        arrived: Duration,
    },
    /// New guidance.
    Guidance(Box<Guided>),
    /// A goal in the map's frame, and the epoch that began with it.
    Goal {
        /// The goal.
        pose: Pose,
        /// When it arrived.
        arrived: Duration,
        /// The epoch.
        epoch: u64,
    },
    /// Planning starts or pauses; the epoch that began with it.
    Active {
        /// Whether it starts.
        active: bool,
        /// The epoch.
        epoch: u64,
    },
    /// There is no goal any more, and the next plan starts cold; the epoch that began with it.
    Forget {
        /// The epoch.
        epoch: u64,
    },
    /// Somebody waits for a plan.
    Request(Box<PlanRequest>),
    /// Somebody doesn't wait any more.
    Cancelled,
    /// Other parameters, as the planner of the ticks has them.
    Config(Box<Config>),
    /// Planners with other parameters.
    Planners(Box<Planners>),
    /// The thread must end.
    Stop,
}

/// From the planner thread to the publisher thread.
pub enum PublisherEvent {
    /// A plan, and the poses of its path if there is one.
    Plan {
        /// What is known of it.
        record: PlanRecord,
        /// When things happened to it.
        times: PlanTimes,
        /// The path.
        poses: Option<Vec<Pose>>,
    },
    /// The answer to a request, with the path in it if there is one.
    Answer {
        /// What is known of the plan.
        record: PlanRecord,
        /// When things happened to it.
        times: PlanTimes,
        /// Who waits for it.
        request: Box<PlanRequest>,
    },
    /// The robot is at its goal.
    GoalReached,
}

/// From the planner thread to the world thread: what is too big to be freed while plans are due.
pub enum Garbage {
    /// Replaced costs.
    Grid(GridChange),
    /// Replaced guidance.
    Guidance(Box<Guided>),
    /// Replaced planners.
    Planners(Box<Planners>),
    /// Replaced parameters.
    Config(Box<Config>),
}

/// To the diagnostics task, which reports it on `~/status`.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is a plan, and a box would be allocated for each")]
pub enum Record {
    /// A plan.
    Plan(PlanRecord),
    /// The robot is at its goal.
    GoalReached,
    /// A goal that can't be used: Nav2's code of the error, and a text.
    GoalRefused(u16, String),
}
