//! What is known about a plan besides its path. Everything is `Copy`, so it can be sent to other threads without
//! allocating.

use std::fmt;
use std::time::Duration;

use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::units::{Point, Pose};
use trm_grid::window::Window;
use trm_net::error::InferenceError;
use trm_net::router::BundleName;
use trm_safety::VerifiedPath;

use crate::halt::policy::StopReason;

/// Where a path comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// The model's answer to this request.
    Model,
    /// The previous path, which still passes the check from where the robot is.
    Previous,
    /// The classical search.
    Fallback,
    /// The search over positions and headings, for a robot with a footprint.
    Lattice,
    /// There is no path.
    #[default]
    None,
}

impl Source {
    /// All sources, in the order of [`Self::index`].
    pub const ALL: [Self; 5] = [Self::Model, Self::Previous, Self::Fallback, Self::Lattice, Self::None];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Previous => "previous",
            Self::Fallback => "fallback",
            Self::Lattice => "lattice",
            Self::None => "none",
        }
    }

    /// The index in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What the path follows outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuidanceKind {
    /// Nothing: the path lies inside the window, or was found without guidance.
    #[default]
    None,
    /// The cost-to-go of [`trm_grid::guidance::Guidance`] over the whole map.
    Classical,
    /// That along one way, until it is known over the whole map.
    Corridor,
}

impl GuidanceKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::None, Self::Classical, Self::Corridor];

    /// What guidance is, if there is any.
    #[must_use]
    pub fn of(guidance: Option<&Guidance>) -> Self {
        match guidance.map(Guidance::version) {
            None => Self::None,
            Some(Some(_)) => Self::Classical,
            Some(None) => Self::Corridor,
        }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Classical => "classical",
            Self::Corridor => "corridor",
        }
    }
}

/// Which bundle planned, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Route {
    /// Its name.
    pub bundle: BundleName,
    /// The classifier's probability that it is the best one; 0 when nothing was looked at.
    pub confidence: f32,
    /// How long the choice took.
    pub took: Duration,
}

/// How long each stage took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageTimes {
    /// Preparing the window, the goal cells and the network's input embedding x.
    pub encode: Duration,
    /// Network applications.
    pub recurse: Duration,
    /// Decoding answers to paths of cells.
    pub decode: Duration,
    /// Checking paths, including the final check.
    pub verify: Duration,
    /// Straightening, and conversion to poses.
    pub smooth: Duration,
    /// Checking the previous path, and the classical search.
    pub fallback: Duration,
    /// From the arrival of the request to the return of the planner.
    pub total: Duration,
}

impl StageTimes {
    /// The number of entries of [`Self::iter`], including the total.
    pub const COUNT: usize = 7;

    /// The name and time of each stage in the order of the flow, and the total last.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        [
            ("encode", self.encode),
            ("recurse", self.recurse),
            ("decode", self.decode),
            ("verify", self.verify),
            ("smooth", self.smooth),
            ("fallback", self.fallback),
            ("total", self.total),
        ]
        .into_iter()
    }
}

/// A goal that was moved, because its own cell isn't free or can't be reached. In metres, in the map frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovedGoal {
    /// The requested goal.
    pub from: Point,
    /// The end of the path.
    pub to: Point,
}

/// Points that are no farther apart, in metres, are the same: converting to cells and back rounds.
const SAME_POINT: f64 = 1e-9;

impl MovedGoal {
    /// How a path moves its goal; `None` if it ends in the goal's own cell.
    pub(crate) fn of(goal: Pose, path: &VerifiedPath, geometry: &Geometry) -> Option<Self> {
        let (from, to) = (goal.point(), path.poses().last()?.point());
        let is_other = geometry.nearest_cell(from) != geometry.nearest_cell(to) && from.distance(to) > SAME_POINT;
        is_other.then_some(Self { from, to })
    }
}

impl fmt::Display for MovedGoal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "the goal is moved from ({:.3}, {:.3}) to ({:.3}, {:.3}) m", from.x, from.y, to.x, to.y)
    }
}

/// How a plan went.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    /// Where the path comes from.
    pub source: Source,
    /// What it follows outside the window.
    pub guidance: GuidanceKind,
    /// Why the recursion stopped; `None` if it did not run, or failed.
    pub stop: Option<StopReason>,
    /// The number of supervision steps; the last one may be incomplete.
    pub steps: u16,
    /// The number of network applications.
    pub applications: u16,
    /// The fraction of the full work that the applications did, from 0 to 1; the rest was skipped as unchanged. 0
    /// without any application.
    pub share: f32,
    /// The number of applications before the first verified path: 0 if the state of the previous plan gave one, `None`
    /// if there was none.
    pub first_verified: Option<u16>,
    /// The number of cells expanded by decoding, over all answers, and by the fallback.
    pub expansions: u32,
    /// Whether the recursion started from the state of the previous plan.
    pub warm: bool,
    /// Which of the router's bundles planned; `None` without a router, or if no model planned.
    pub route: Option<Route>,
    /// The failure of inference, if there was one.
    pub inference_error: Option<InferenceError>,
    /// The window that the model saw; `None` if the model was not used.
    pub window: Option<Window>,
    /// From where to where the goal was moved; `None` if the path ends in the goal's own cell, or if there is none.
    pub moved_goal: Option<MovedGoal>,
    /// How long each stage took.
    pub stages: StageTimes,
    /// The time left before the deadline when the planner returned, in nanoseconds; negative if it had passed.
    pub margin: i64,
}
