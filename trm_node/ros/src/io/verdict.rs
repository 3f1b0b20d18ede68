//! What became of a plan or a goal, in ROS's words.

use trm_flow::messages::Record;
use trm_flow::plan_record::{Failure, Kind, PlanRecord};
use trm_flow::shared::Shared;
use trm_planner::halt::deadline::Clock;
use trm_planner::{PlanError, Source};

use crate::io::key_values::ms;
use crate::io::plan_codes::{
    CANCELLED, ERROR, GOAL_REACHED, INVALID_PLANNER, OK, STALE_MAP, SUCCEEDED, TF_ERROR, UNKNOWN, WARN,
};

/// What a record says, in ROS's words.
pub struct Verdict {
    pub level: u8,
    /// One of [`crate::io::plan_codes`].
    pub result: u16,
    pub text: String,
}

impl Verdict {
    const fn new(level: u8, result: u16, text: String) -> Self {
        Self { level, result, text }
    }

    /// Puts a record into words. The health of the inputs says what is missing.
    pub fn of(record: &Record, shared: &Shared) -> Self {
        match record {
            Record::Plan(plan) => Self::of_plan(plan, shared).on_leg(plan),
            Record::GoalReached => Self::new(OK, GOAL_REACHED, "the robot is at its goal, planning stops".to_owned()),
            Record::GoalRefused(result, text) => Self::new(ERROR, *result, text.clone()),
        }
    }

    /// Names the goal of several that couldn't be planned to.
    fn on_leg(self, plan: &PlanRecord) -> Self {
        let is_one_of_many = plan.kind == Kind::ThroughPoses && plan.result.is_err();
        let text = if is_one_of_many { format!("goals[{}]: {}", plan.leg, self.text) } else { self.text };
        Self { text, ..self }
    }

    fn of_plan(plan: &PlanRecord, shared: &Shared) -> Self {
        match plan.result {
            Ok(()) => Self::of_path(plan),
            Err(Failure::Plan(PlanError::Cancelled)) => Self::new(OK, CANCELLED, "cancelled".to_owned()),
            Err(Failure::Plan(error)) => Self::new(ERROR, error.nav2_code(), error.to_string()),
            Err(Failure::NoGrid) => {
                let health = shared.health();
                let problem = health.grid.problem(shared.clock.now()).or_else(|| health.grid.missing());
                Self::new(ERROR, UNKNOWN, problem.unwrap_or("no grid has come").to_owned())
            }
            Err(failure @ (Failure::NoPose | Failure::OldPose { .. } | Failure::FuturePose { .. })) => {
                Self::new(ERROR, TF_ERROR, shared.pose_problem(failure).unwrap_or_default())
            }
            Err(Failure::StaleMap { lag }) => {
                let text = format!(
                    "the costs lack a message about the grid that came {} ms ago, more than max_map_lag_ms",
                    ms(lag)
                );
                Self::new(ERROR, STALE_MAP, text)
            }
            Err(Failure::SuspectMap(why)) => Self::new(ERROR, STALE_MAP, why.text().to_owned()),
            Err(Failure::Backlog) => {
                Self::new(ERROR, UNKNOWN, "the paths before it are still waiting to be published".to_owned())
            }
            Err(Failure::Inactive) => Self::new(ERROR, UNKNOWN, "the node isn't active".to_owned()),
            Err(Failure::NoPlanner) => Self::new(ERROR, INVALID_PLANNER, "there is no such planner".to_owned()),
            Err(Failure::Publish) => Self::new(ERROR, UNKNOWN, "ROS refused to publish the path".to_owned()),
        }
    }

    /// What a path says.
    pub fn of_path(plan: &PlanRecord) -> Self {
        let source = plan.report.map_or(Source::None, |report| report.source);
        let from = match source {
            Source::Model => "path from the model",
            Source::Previous => "the path before still holds",
            Source::Fallback => "path from the classical fallback",
            Source::Lattice => "path from the search over positions and headings",
            Source::None => "path",
        };
        let moved = plan.report.and_then(|report| report.moved_goal);
        let from = moved.map_or_else(|| from.to_owned(), |moved| format!("{from}; {moved}"));
        if plan.missed {
            let late = ms(plan.total.saturating_sub(plan.budget));
            return Self::new(WARN, SUCCEEDED, format!("{from}, {late} ms after its deadline"));
        }
        if let Some(why) = plan.map.suspect {
            return Self::new(WARN, SUCCEEDED, format!("{from}, though {}", why.text()));
        }
        let level = if source == Source::Fallback { WARN } else { OK };
        Self::new(level, SUCCEEDED, from)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trm_config::NodeConfig;
    use trm_flow::ros_time::RosTime;
    use trm_planner::Report;

    use super::*;
    use crate::io::for_tests::shared;
    use crate::io::plan_codes::NO_VALID_PATH;

    fn path(source: Source, missed: bool) -> PlanRecord {
        PlanRecord {
            report: Some(Report { source, ..Report::default() }),
            missed,
            total: Duration::from_millis(if missed { 35 } else { 12 }),
            ..PlanRecord::new(7, Duration::from_millis(30))
        }
    }

    #[test]
    fn an_error_has_its_code_and_a_cancelled_plan_one_of_its_own() {
        let shared = shared(&NodeConfig::default(), RosTime::system());
        let result = |failure| {
            let plan = PlanRecord { result: Err(failure), ..path(Source::None, false) };
            let verdict = Verdict::of(&Record::Plan(plan), &shared);
            assert!(!verdict.text.is_empty());
            (verdict.level, verdict.result)
        };
        assert_eq!(result(Failure::Plan(PlanError::NoValidPath)), (ERROR, NO_VALID_PATH));
        assert_eq!(result(Failure::Plan(PlanError::Cancelled)), (OK, CANCELLED));
        assert_eq!(result(Failure::StaleMap { lag: Duration::from_millis(300) }), (ERROR, STALE_MAP));
        assert_eq!(result(Failure::NoGrid), (ERROR, UNKNOWN));
        assert_eq!(result(Failure::NoPose), (ERROR, TF_ERROR));
    }

    #[test]
    fn a_late_path_and_a_fallback_path_are_warnings() {
        let level = |source, missed| Verdict::of_path(&path(source, missed)).level;
        assert_eq!(level(Source::Model, false), OK);
        assert_eq!(level(Source::Previous, false), OK);
        assert_eq!(level(Source::Fallback, false), WARN);
        assert_eq!(level(Source::Model, true), WARN);
        assert_eq!(
            Verdict::of_path(&path(Source::Model, true)).text,
            "path from the model, 5.000 ms after its deadline"
        );
    }
}
