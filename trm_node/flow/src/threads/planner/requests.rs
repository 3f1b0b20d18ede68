//! The requests that wait for the planner thread, and guidance for them.

use std::time::Duration;

use trm_grid::costmap::Costmap;
use trm_grid::units::Pose;
use trm_planner::Planner;
use trm_planner::ask::{Ask, Settings};
use trm_planner::guided::{Guided, Purpose};

use crate::plan_record::PlanRecord;
use crate::request::{MAX_REQUESTS, PlanRequest};

/// Guidance that is kept for the next requests to the same goals.
const KEPT: usize = 8;
/// All of that together is for at most so many cells, or for one goal.
const KEPT_CELLS: usize = 1 << 24;
/// A cell counts so many times where there is guidance over headings, too.
const HEADINGS_COUNT: usize = 8;
/// What is left of a request's time when its answer is due is at least this part of it.
const LAST_PART: u32 = 16;

/// A request that waits for its answer.
pub struct Waiting {
    pub request: Box<PlanRequest>,
    /// The goal that is planned to next.
    pub leg: usize,
    /// When it is tried next, if nothing comes before.
    pub due: Duration,
    /// What is known of its plan.
    pub record: PlanRecord,
}

/// The requests that wait, in the order in which they came, and guidance for them.
pub struct Requests {
    pub waiting: Vec<Waiting>,
    /// The newest last.
    #[expect(clippy::vec_box, reason = "they come and go as boxes")]
    guidance: Vec<Box<Guided>>,
}

impl Requests {
    /// None yet.
    pub fn new() -> Self {
        Self { waiting: Vec::with_capacity(MAX_REQUESTS), guidance: Vec::with_capacity(KEPT + 1) }
    }

    /// When one is to be tried next.
    pub fn next(&self) -> Option<Duration> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    /// Keeps guidance. Returns one that is too much.
    pub fn keep(&mut self, guided: Box<Guided>, costmap: Option<&Costmap>, now: Duration) -> Option<Box<Guided>> {
        for waiting in &mut self.waiting {
            let is_for_it = matches!(&guided.purpose, Purpose::Ask(ask) if ask.goal == waiting.goal());
            if is_for_it {
                waiting.due = waiting.due.min(now);
            }
        }
        let same = self.guidance.iter().position(|other| other.purpose == guided.purpose);
        let mut kept = same.map(|at| self.guidance.remove(at));
        let mut replaced = Some(guided);
        Guided::replace(&mut kept, &mut replaced);
        self.guidance.extend(kept);
        let has_headings = self.guidance.iter().any(|guided| guided.poses.is_some());
        let each = if has_headings { HEADINGS_COUNT } else { 1 };
        let cells = each * costmap.map_or(1, |costmap| costmap.geometry().cells());
        let most = (KEPT_CELLS / cells).clamp(1, KEPT);
        replaced.or_else(|| (self.guidance.len() > most).then(|| self.guidance.remove(0)))
    }

    /// Guidance for a grid that has grown leads on there.
    pub fn lay_over(&mut self, costmap: &Costmap) {
        for guided in &mut self.guidance {
            let Purpose::Ask(Ask { goal, .. }) = guided.purpose else { continue };
            for guidance in guided.guidance.iter_mut().filter(|guidance| !guidance.fits(costmap)) {
                // Where it can't, it stays unused.
                guidance.lay_over(costmap.geometry(), goal.point());
            }
        }
    }

    /// All of them are looked at at once.
    pub fn wake(&mut self, now: Duration) {
        self.waiting.iter_mut().for_each(|waiting| waiting.due = now);
    }

    /// The newest guidance to a request's present goal, for the planner that it asks.
    pub fn guidance_for(&self, waiting: &Waiting, planner: &Planner) -> Option<&Guided> {
        self.guidance_to(waiting.goal(), planner.settings())
    }

    /// The newest guidance to a goal.
    pub fn guidance_to(&self, goal: Pose, settings: Settings) -> Option<&Guided> {
        let purpose = Purpose::Ask(Ask { goal, settings });
        self.guidance.iter().rev().find(|guided| guided.purpose == purpose).map(|guided| &**guided)
    }
}

impl Waiting {
    /// Its present goal.
    pub fn goal(&self) -> Pose {
        self.request.goals[self.leg]
    }

    /// When its answer is due: what is left then is for publishing.
    pub fn deadline(&self) -> Duration {
        self.request.arrived + self.request.budget
    }

    /// From when on the result of a try is the answer, whatever it is.
    pub fn last_try(&self) -> Duration {
        self.deadline().saturating_sub(self.request.budget / LAST_PART)
    }

    /// About how many poses the whole path will have, with the present leg from here: one for each cell of a straight way.
    pub fn expected_poses(&self, start: Pose, cell: f64) -> usize {
        let goals = &self.request.goals[self.leg..];
        let ways = std::iter::once(&start).chain(goals).zip(goals);
        let left: f64 = ways.map(|(from, to)| from.point().distance(to.point())).sum();
        self.request.path.len() + (left / cell) as usize
    }

    /// Half of the time that is left for its present goal.
    pub fn half_time(&self, now: Duration) -> Duration {
        let legs = (self.request.goals.len() - self.leg) as u32;
        now + self.deadline().saturating_sub(now) / (2 * legs.max(1))
    }
}

/// Whether guidance is of these costs.
pub fn is_current(guided: &Guided, costmap: &Costmap) -> bool {
    guided.version == Some(costmap.version())
}
