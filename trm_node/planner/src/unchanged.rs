//! Whether there is anything new to think about since the recursion ended.

use std::time::Duration;

use trm_grid::guidance::Extent;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;

use crate::halt::policy::StopReason;
use crate::problem::Problem;
use crate::report::Report;

/// A robot that is farther than this from its path, in cells, gets a new one.
pub const MAX_STRAY: f64 = 1.0;

/// What a plan was made of.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    goal: Pose,
    end: Cell,
    /// The version of the costs.
    costs: u64,
    /// What the guidance knows and where it leads; `None` without any.
    guidance: Option<(Extent, Cell)>,
    window: Window,
}

impl Seen {
    fn of(problem: &Problem, window: Window) -> Self {
        Self {
            goal: problem.goal_pose,
            end: problem.goal,
            costs: problem.costmap.version(),
            guidance: problem.guidance.map(|guidance| (guidance.extent(), guidance.goal())),
            window,
        }
    }
}

/// What the recursion saw when its answer was worth no more work, and when that was.
///
/// Nothing has changed while the goal, the costs, the guidance and the window are the same. It is thought about again all the
/// same after a time limit, when the last answer wasn't one to be content with (the deadline or the step limit stopped it),
/// or when the robot has strayed from the path.
#[derive(Debug, Default)]
pub struct Unchanged {
    content: Option<(Seen, Duration)>,
}

impl Unchanged {
    /// Forgets it: the next plan thinks.
    pub const fn forget(&mut self) {
        self.content = None;
    }

    /// Remembers how a plan went that ended now.
    pub fn remember(&mut self, problem: &Problem, report: &Report, now: Duration) {
        let is_content = report.stop.is_some_and(StopReason::is_content);
        let window = report.window.filter(|_| is_content);
        self.content = window.map(|window| (Seen::of(problem, window), now));
    }

    /// Whether nothing has changed, and the last thought is no older than `limit`.
    #[must_use]
    pub fn holds(&self, problem: &Problem, window: Window, now: Duration, limit: Duration) -> bool {
        self.content.is_some_and(|(seen, since)| now.saturating_sub(since) < limit && seen == Seen::of(problem, window))
    }
}
