//! What the planner thread reports about each plan. `Copy`, so that reporting it allocates and frees nothing.

use std::time::Duration;

use trm_planner::{PlanError, Report};
use trm_rt::usage::Usage;

use crate::map::held::Held;
use crate::map::suspicion::Suspect;

/// What asked for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A goal of the topic, again and again.
    #[default]
    Tick,
    /// A request for a path to a pose.
    ToPose,
    /// A request for a path through several poses.
    ThroughPoses,
}

/// Why no path was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The planner found none.
    Plan(PlanError),
    /// No grid has come.
    NoGrid,
    /// It isn't known where the robot is.
    NoPose,
    /// The robot's pose is too old.
    OldPose {
        /// Its age.
        age: Duration,
    },
    /// The robot's pose is stamped far ahead of ROS time.
    FuturePose {
        /// How far ahead.
        ahead: Duration,
    },
    /// The costs lack a message about the grid that arrived this long ago.
    StaleMap {
        /// How long ago.
        lag: Duration,
    },
    /// The grid may lack something that was published.
    SuspectMap(Suspect),
    /// ROS refused the message.
    Publish,
    /// Earlier paths are still waiting to be published.
    Backlog,
    /// Planning isn't on.
    Inactive,
    /// There is no planner of this number.
    NoPlanner,
}

/// How long guidance took to compute, and how long ago that was finished.
#[derive(Debug, Clone, Copy)]
pub struct GuidanceTimes {
    /// How long it took.
    pub took: Duration,
    /// How long ago that was finished.
    pub age: Duration,
}

/// What the costs hold that a plan was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapState {
    /// The messages that are in them.
    pub held: Held,
    /// For how long the oldest message has waited that isn't.
    pub lag: Duration,
    /// Why they may lack something that was published.
    pub suspect: Option<Suspect>,
}

/// When things happened to a plan: readings of the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct PlanTimes {
    /// Its request arrived.
    pub arrived: Duration,
    /// Its path must be published.
    pub deadline: Duration,
    /// The planner returned.
    pub planned: Duration,
}

/// One plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanRecord {
    /// Counts the plans from 1.
    pub number: u64,
    /// What asked for it.
    pub kind: Kind,
    /// Which of the planners made it.
    pub planner: usize,
    /// Which of the goals of a request couldn't be planned to, from 0; the last one if there is a path.
    pub leg: usize,
    /// Whether a path was published, or why not.
    pub result: Result<(), Failure>,
    /// `None` when the planner wasn't asked, because there is no grid or no pose.
    pub report: Option<Report>,
    /// Of the guidance that the planner had; `None` without any.
    pub guidance: Option<GuidanceTimes>,
    /// Of the costs.
    pub map: MapState,
    /// Length of the path in metres.
    pub length: f64,
    /// From the arrival to the deadline.
    pub budget: Duration,
    /// How late the thread woke up for the tick; zero for a plan that an event asked for.
    pub wake: Duration,
    /// What the plan cost its thread.
    pub usage: Usage,
    /// What the planner thread's loop has cost so far, without the plans of warming up.
    pub loop_usage: Usage,
    /// From the planner's return to the end of publishing.
    pub publish: Duration,
    /// From the arrival to the end of publishing.
    pub total: Duration,
    /// Whether that was after the deadline.
    pub missed: bool,
    /// The path's stamp in ROS time; `None` without a path.
    pub stamp: Option<Duration>,
}

impl PlanRecord {
    /// A plan of which nothing is known yet.
    #[must_use]
    pub const fn new(number: u64, budget: Duration) -> Self {
        Self {
            number,
            kind: Kind::Tick,
            planner: 0,
            leg: 0,
            result: Ok(()),
            report: None,
            guidance: None,
            map: MapState { held: Held { messages: 0, stamp: Duration::ZERO }, lag: Duration::ZERO, suspect: None },
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
