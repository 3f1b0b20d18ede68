//! One query put to the planner, and what came of it.

use trm_net::bundle::Bundle;
use trm_planner::{PlanError, Report};

use super::args::{EvalSetting, PlanBudget};
use super::path_checker;
use super::query::Query;
use super::timed_planner::TimedPlanner;
use crate::worlds::optimum::Optimum;

/// A path that was published.
#[derive(Debug, Clone, Copy)]
pub struct PublishedPath {
    /// Its cost over the optimum's.
    pub ratio: f64,
    /// Whether it passes the evaluation's own check.
    pub passes: bool,
}

/// What came of a query.
#[derive(Debug, Clone)]
pub struct QueryRecord {
    /// The query's group.
    pub group: usize,
    /// The query's best path.
    pub optimum: Optimum,
    /// The model's path, or why there is none.
    pub model_only: Result<PublishedPath, &'static str>,
    /// The whole planner's path, or why there is none.
    pub with_fallback: Result<PublishedPath, &'static str>,
    /// Supervision steps to the model's first verified path; `None` without any.
    pub steps: Option<u32>,
    /// Cells expanded by the search along the field, over all answers of the plan.
    pub expansions: u32,
}

/// The planners of one thread: the model alone, and with the fallback.
pub struct Judge {
    model_only: TimedPlanner,
    with_fallback: TimedPlanner,
    /// Applications of the net in a supervision step.
    step: u32,
}

impl Judge {
    /// Planners for a setting.
    ///
    /// # Errors
    /// When the bundle doesn't work on the setting's windows.
    pub fn new(setting: &EvalSetting, bundle: &Bundle) -> anyhow::Result<Self> {
        let mut config = setting.config.clone();
        config.planner.allow_fallback = true;
        if matches!(setting.budget, PlanBudget::Steps(_)) {
            // The whole planner is asked where the model alone has failed. Within the same steps it would fail the same
            // way again, so it goes straight to the fallback.
            config.planner.max_steps = 0;
        }
        Ok(Self {
            model_only: TimedPlanner::new(setting, &setting.config, bundle)?,
            with_fallback: TimedPlanner::new(setting, &config, bundle)?,
            step: bundle.manifest.architecture.applications_per_step() as u32,
        })
    }

    /// Puts one query.
    pub fn record(&mut self, query: &Query) -> QueryRecord {
        let (model_only, report) = answer(&mut self.model_only, query);
        let with_fallback = if model_only.is_ok() { model_only } else { answer(&mut self.with_fallback, query).0 };
        QueryRecord {
            group: query.group,
            optimum: query.optimum,
            model_only,
            with_fallback,
            steps: report.first_verified.map(|applications| u32::from(applications).div_ceil(self.step)),
            expansions: report.expansions,
        }
    }
}

/// Plans a query cold.
fn answer(planner: &mut TimedPlanner, query: &Query) -> (Result<PublishedPath, &'static str>, Report) {
    let travel = planner.travel();
    let outcome = planner.plan_cold(&query.costmap, query.start, query.goal);
    let published = outcome.path.map_err(reason).map(|path| PublishedPath {
        ratio: travel.path(&query.costmap, path.poses().iter().copied()) / query.optimum.cost,
        passes: path_checker::passes(&query.costmap, path.poses(), query.start, query.goal),
    });
    (published, outcome.report)
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
