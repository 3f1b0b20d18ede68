//! What is known of a plan besides its path. All `Copy`: it crosses to other threads without an allocation.

use std::time::Duration;

use trm_grid::window::Window;
use trm_net::error::InferenceError;

use crate::halt::policy::StopReason;

/// Where a path comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// The model's answer to this request.
    Model,
    /// The path before, which still passes the check from where the robot is.
    Previous,
    /// The classical search.
    Fallback,
    /// There is no path.
    #[default]
    None,
}

impl Source {
    /// All sources, in the order of [`Self::index`].
    pub const ALL: [Self; 4] = [Self::Model, Self::Previous, Self::Fallback, Self::None];

    /// The name in status messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Previous => "previous",
            Self::Fallback => "fallback",
            Self::None => "none",
        }
    }

    /// The place in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What led the path outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuidanceKind {
    /// Nothing: the path lies in the window, or was searched without guidance.
    #[default]
    None,
    /// The cost-to-go of [`trm_grid::guidance::Guidance`].
    Classical,
}

impl GuidanceKind {
    /// The name in status messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Classical => "classical",
        }
    }
}

/// How long each stage took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageTimes {
    /// Window, goal cells and x.
    pub encode: Duration,
    /// Applications of the net.
    pub recurse: Duration,
    /// From answers to paths of cells.
    pub decode: Duration,
    /// Checks of paths, the last one included.
    pub verify: Duration,
    /// Straightening and poses.
    pub smooth: Duration,
    /// The previous path and the classical search.
    pub fallback: Duration,
    /// From the arrival of the request to the planner's return.
    pub total: Duration,
}

impl StageTimes {
    /// Number of stages, the total included.
    pub const COUNT: usize = 7;

    /// Each stage's name and time, in the order of the flow, the total last.
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

/// How a plan went.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    /// Where the path comes from.
    pub source: Source,
    /// What led it outside the window.
    pub guidance: GuidanceKind,
    /// Why the recursion stopped; `None` when it never began.
    pub stop: Option<StopReason>,
    /// Supervision steps, the last one perhaps begun only.
    pub steps: u16,
    /// Applications of the net.
    pub applications: u16,
    /// Share of the net's work that these did, the rest being skipped as settled; 0 without any.
    pub share: f32,
    /// Applications before the first verified path, 0 when the carried state had one; `None` without any.
    pub first_verified: Option<u16>,
    /// Cells expanded by the search guided by the field, over all answers, or by the fallback.
    pub expansions: u32,
    /// Whether y and z came from the plan before.
    pub warm: bool,
    /// How the inference library failed on the way, if it did.
    pub inference_error: Option<InferenceError>,
    /// The window that the model saw; `None` when it wasn't asked.
    pub window: Option<Window>,
    /// How long each stage took.
    pub stages: StageTimes,
    /// Nanoseconds left before the deadline when the planner returned; negative when it had passed.
    pub margin: i64,
}
