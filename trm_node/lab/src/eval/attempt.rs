//! One query put to the planner, and what came of it.

use std::time::{Duration, Instant};

use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_net::bundle::Bundle;
use trm_planner::PlanError;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::{Outcome, Planner, Request};

use super::args::{Budget, Setting};
use super::checker;
use super::source::Query;
use super::warm::Pair;
use crate::args::with_flag;
use crate::worlds::optimum::Optimum;

/// A deadline that nobody meets.
const AMPLE: Duration = Duration::from_hours(24);

/// A path that was published.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Its cost over the optimum's.
    pub ratio: f64,
    /// Whether it passes the evaluation's own check.
    pub passes: bool,
}

/// What came of a query.
#[derive(Debug, Clone)]
pub struct Record {
    pub group: usize,
    pub optimum: Optimum,
    /// The path, or why there is none.
    pub model_only: Result<Published, &'static str>,
    pub with_fallback: Result<Published, &'static str>,
    /// Supervision steps to the model's first verified path; `None` without any.
    pub steps: Option<u32>,
    /// Cells expanded by the search along the field, over all answers of the plan.
    pub expansions: u32,
}

/// A planner with the time it is given.
pub struct Driver {
    clock: Instant,
    pub travel: Travel,
    pub planner: Planner,
    deadline: Duration,
}

impl Driver {
    /// A planner for a setting.
    ///
    /// # Errors
    /// When the bundle doesn't work on the setting's windows.
    pub fn new(setting: &Setting, bundle: &Bundle) -> anyhow::Result<Self> {
        Self::with(setting, &setting.config, bundle)
    }

    fn with(setting: &Setting, config: &Config, bundle: &Bundle) -> anyhow::Result<Self> {
        let clock = Instant::now();
        let planner = Planner::new(&config.grid, &config.planner, bundle, &clock).map_err(with_flag)?;
        let deadline = match setting.budget {
            Budget::DeadlineMs(deadline) => Duration::from_secs_f64(deadline / 1e3),
            Budget::Steps(_) => AMPLE,
        };
        Ok(Self { clock, travel: setting.travel(), planner, deadline })
    }

    /// Plans from one cell's centre to another's, going on from the plan before. The model gets no guidance.
    pub fn plan(&mut self, costmap: &Costmap, start: Cell, goal: Cell) -> Outcome<'_> {
        self.planner.prepare(costmap);
        let [start, goal] = [start, goal].map(|cell| {
            let center = costmap.geometry().center(cell);
            Pose::new(center.x, center.y, 0.0)
        });
        let arrived = self.clock.now();
        let request = Request { start, goal, arrived, deadline: arrived + self.deadline, epoch: None };
        self.planner.plan(costmap, None, &request, &self.clock)
    }

    /// Plans warm, then the same cold.
    pub fn pair(&mut self, costmap: &Costmap, start: Cell, goal: Cell) -> Pair {
        let warm = self.plan(costmap, start, goal).report;
        self.planner.reset();
        let cold = self.plan(costmap, start, goal).report;
        Pair { carried: warm.warm, warm: warm.first_verified, cold: cold.first_verified }
    }

    /// Plans a query cold.
    fn answer(&mut self, query: &Query) -> (Result<Published, &'static str>, trm_planner::Report) {
        let travel = self.travel;
        self.planner.prepare(&query.costmap);
        self.planner.reset();
        let outcome = self.plan(&query.costmap, query.start, query.goal);
        let published = outcome.path.map_err(reason).map(|path| Published {
            ratio: travel.path(&query.costmap, path.poses().iter().copied()) / query.optimum.cost,
            passes: checker::passes(&query.costmap, path.poses(), query.start, query.goal),
        });
        (published, outcome.report)
    }
}

/// The planners that answer the queries of one thread.
pub struct Judge {
    model: Driver,
    /// With the fallback too.
    whole: Driver,
    /// Applications of the net in a supervision step.
    step: u32,
}

impl Judge {
    /// Planners for a setting.
    ///
    /// # Errors
    /// When the bundle doesn't work on the setting's windows.
    pub fn new(setting: &Setting, bundle: &Bundle) -> anyhow::Result<Self> {
        let mut config = {
            let mut new = setting.config.clone();
            new.planner.allow_fallback = true;
            new
        };
        if matches!(setting.budget, Budget::Steps(_)) {
            // The whole planner is asked where the model alone has failed. With a limit of steps it would fail the same
            // way again: the fallback is asked at once.
            config.planner.max_steps = 0;
        }
        let whole = Driver::with(setting, &config, bundle)?;
        Ok(Self {
            model: Driver::new(setting, bundle)?,
            whole,
            step: bundle.manifest.architecture.applications_a_step() as u32,
        })
    }

    /// Puts one query.
    pub fn record(&mut self, query: &Query) -> Record {
        let (model_only, report) = self.model.answer(query);
        let with_fallback = if model_only.is_ok() { model_only } else { self.whole.answer(query).0 };
        Record {
            group: query.group,
            optimum: query.optimum,
            model_only,
            with_fallback,
            steps: report.first_verified.map(|applications| u32::from(applications).div_ceil(self.step)),
            expansions: report.expansions,
        }
    }
}

/// Why there is no path, in a word.
const fn reason(error: PlanError) -> &'static str {
    match error {
        PlanError::ModelOnly { .. } => "step_limit",
        PlanError::TimedOut { .. } => "deadline",
        PlanError::Unverified => "unverified",
        other => other.nav2_name(),
    }
}
