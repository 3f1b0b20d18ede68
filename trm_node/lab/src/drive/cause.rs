//! Why the robot jerked: what its commands were determined by around that moment.

use serde::Serialize;
use trm_planner::Source;

/// A new path moves the commands when the speed or the turn rate differs by more than this from that along the path before,
/// at the same moment, in m/s and rad/s.
const MOVED: (f64, f64) = (0.05, 0.1);

/// What determines the commands. Where several do within the span of a jerk, the first of them is its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A path of the model that moves the commands.
    NewModel,
    /// What is left of the path before, and moves the commands.
    NewPrevious,
    /// A path of the search that moves the commands.
    NewSearch,
    /// The collision check of the pursuit, or there is no path.
    Stop,
    /// The robot turns on the spot, or starts.
    Start,
    /// It brakes towards the end of its path.
    Goal,
    /// It is slow near an obstacle.
    Proximity,
    /// It is slow in a curve.
    Curvature,
    /// Nothing slows it down.
    Free,
}

impl Cause {
    /// All of them, in the order in which they count.
    pub const ALL: [Self; 9] = [
        Self::NewModel,
        Self::NewPrevious,
        Self::NewSearch,
        Self::Stop,
        Self::Start,
        Self::Goal,
        Self::Proximity,
        Self::Curvature,
        Self::Free,
    ];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewModel => "path of the model",
            Self::NewPrevious => "rest of the path before",
            Self::NewSearch => "path of the search",
            Self::Stop => "stop",
            Self::Start => "start, turn on the spot",
            Self::Goal => "end of the path",
            Self::Proximity => "near an obstacle",
            Self::Curvature => "curve",
            Self::Free => "none of these",
        }
    }

    /// That of a path from this source, if it moves the commands from the first to the second.
    pub fn of_path(source: Source, before: (f64, f64), after: (f64, f64)) -> Option<Self> {
        let is_moved = (after.0 - before.0).abs() > MOVED.0 || (after.1 - before.1).abs() > MOVED.1;
        is_moved.then_some(match source {
            Source::Previous => Self::NewPrevious,
            Source::Fallback => Self::NewSearch,
            _ => Self::NewModel,
        })
    }
}
