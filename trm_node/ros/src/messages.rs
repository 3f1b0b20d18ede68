//! Every message that crosses from one thread to another. Times are readings of the node's monotonic clock.

use std::time::Duration;

use r2r::map_msgs::msg::OccupancyGridUpdate;
use r2r::nav_msgs::msg::OccupancyGrid;
use trm_config::Config;
use trm_grid::costmap::GridChange;
use trm_grid::units::Pose;
use trm_planner::Planner;
use trm_planner::guidance_worker::Guided;

use crate::plan_record::{PlanRecord, PlanTimes};

/// To the guidance thread.
pub use trm_planner::guidance_worker::Event as GuidanceEvent;

/// To the world thread.
pub enum WorldEvent {
    /// A whole grid.
    Grid {
        message: Box<OccupancyGrid>,
        arrived: Duration,
    },
    /// New values for a rectangle of the grid.
    Update {
        message: Box<OccupancyGridUpdate>,
        arrived: Duration,
    },
    /// Other parameters.
    Config(Box<Config>),
    Stop,
}

/// To the planner thread.
pub enum PlannerEvent {
    /// The costs have changed, because of a message that arrived at this time.
    Grid {
        change: GridChange,
        arrived: Duration,
    },
    Guidance(Box<Guided>),
    /// A goal in the map's frame, and the epoch that began with it.
    Goal {
        pose: Pose,
        arrived: Duration,
        epoch: u64,
    },
    /// Planning starts or pauses; the epoch that began with it.
    Active {
        active: bool,
        epoch: u64,
    },
    /// Other parameters.
    Config(Box<Config>),
    /// A planner with other parameters.
    Planner(Box<Planner>),
    Stop,
}

/// From the planner thread to the publisher thread.
#[expect(clippy::large_enum_variant, reason = "nearly every event is a plan, and a box would be allocated in the loop")]
pub enum PublisherEvent {
    /// A plan, and the poses of its path if there is one.
    Plan { record: PlanRecord, times: PlanTimes, poses: Option<Vec<Pose>> },
    /// The robot is at its goal.
    GoalReached,
}

/// From the planner thread to the world thread: what is too big to be freed while plans are due.
#[expect(dead_code, reason = "the contents are only dropped")]
pub enum Garbage {
    Grid(GridChange),
    Guidance(Box<Guided>),
    Planner(Box<Planner>),
    Config(Box<Config>),
}

/// To the diagnostics task, which reports it on `~/status`.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is a plan, and a box would be allocated for each")]
pub enum Record {
    Plan(PlanRecord),
    /// The robot is at its goal.
    GoalReached,
    /// A goal that can't be used: Nav2's name of the error, and a text.
    GoalRefused(&'static str, String),
}
