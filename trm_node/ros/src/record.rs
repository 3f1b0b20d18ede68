//! What the planner thread tells of each plan. `Copy`, so that telling it allocates and frees nothing.

use std::time::Duration;

use trm_planner::PlanError;
use trm_planner::Report;
use trm_rt::usage::Usage;

/// Why there is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The planner's own reasons.
    Plan(PlanError),
    /// No grid has come.
    NoGrid,
    /// It isn't known where the robot is.
    NoPose,
    /// The robot's pose is too old.
    OldPose { age: Duration },
    /// The robot's pose is of a time that ROS time is far from: that was set back, or `/clock` is missing.
    FuturePose { ahead: Duration },
    /// ROS refused the message.
    Publish,
    /// The paths before it are still waiting to be published.
    Backlog,
}

/// How long guidance took to work out, and how long ago that was finished.
#[derive(Debug, Clone, Copy)]
pub struct GuidanceTimes {
    pub took: Duration,
    pub age: Duration,
}

/// One plan.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Counts the plans.
    pub number: u64,
    pub result: Result<(), Failure>,
    /// `None` when the planner wasn't asked, for want of a grid or a pose.
    pub report: Option<Report>,
    /// Of the guidance that the planner had.
    pub guidance: Option<GuidanceTimes>,
    /// Of the path, in metres.
    pub length: f64,
    /// From the arrival to the deadline.
    pub budget: Duration,
    /// How late the tick was noticed; nothing for a plan that an event asked for.
    pub wake: Duration,
    /// What the plan cost its thread.
    pub usage: Usage,
    /// What the planner thread's loop has cost, the plans of warming up left out.
    pub loop_usage: Usage,
    /// From the planner's return to the end of publishing.
    pub publish: Duration,
    /// From the arrival to the end of publishing.
    pub total: Duration,
    /// Whether that was after the deadline.
    pub missed: bool,
    /// The path's stamp, in ROS time; `None` when there is no path.
    pub stamp: Option<Duration>,
}

impl Plan {
    pub const fn new(number: u64, budget: Duration) -> Self {
        Self {
            number,
            result: Ok(()),
            report: None,
            guidance: None,
            length: 0.0,
            budget,
            wake: Duration::ZERO,
            usage: Usage::NONE,
            loop_usage: Usage::NONE,
            publish: Duration::ZERO,
            total: Duration::ZERO,
            missed: false,
            stamp: None,
        }
    }
}

/// What is reported on `~/status`.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is a plan, and a box would be allocated in the loop"
)]
pub enum Record {
    Plan(Plan),
    /// The robot is at its goal.
    Reached,
    /// A goal that can't be used: Nav2's name of the error, and a text.
    RefusedGoal(&'static str, String),
}
