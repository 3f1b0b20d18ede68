//! Both actions in the same terms.

use r2r::geometry_msgs::msg::PoseStamped;
use r2r::nav_msgs::msg::Path;
use r2r::nav2_msgs::action::{ComputePathThroughPoses, ComputePathToPose};
use r2r::{WrappedActionTypeSupport, WrappedServiceTypeSupport};
use std::time::Duration;
use trm_flow::plan_record::Kind;

use crate::io::plan_codes;

/// What a goal asks for.
pub struct AskedPath {
    /// `None`: from where the robot is.
    pub start: Option<PoseStamped>,
    pub goals: Vec<PoseStamped>,
    pub planner_id: String,
}

/// Why there is no path: a result of `PlanStatus`, and in words.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub result: u16,
    pub text: String,
}

/// What a result says.
pub struct Answer {
    /// Empty without a path, but for frame and stamp.
    pub path: Path,
    /// From the goal's arrival.
    pub planning_time: Duration,
    pub refusal: Option<Refusal>,
}

/// One of Nav2's actions for paths.
pub trait PathAction:
    WrappedActionTypeSupport<
        Goal: Send,
        Result: Send,
        SendGoal: WrappedServiceTypeSupport<Request: Send, Response: Send>,
        GetResult: WrappedServiceTypeSupport<Request: Send, Response: Send>,
    > + 'static
{
    const NAME: &'static str;
    const KIND: Kind;

    fn asked(goal: Self::Goal) -> AskedPath;
    fn result(answer: Answer) -> Self::Result;
}

impl PathAction for ComputePathToPose::Action {
    const NAME: &'static str = "compute_path_to_pose";
    const KIND: Kind = Kind::ToPose;

    fn asked(goal: Self::Goal) -> AskedPath {
        let start = goal.use_start.then_some(goal.start);
        AskedPath { start, goals: vec![goal.goal], planner_id: goal.planner_id }
    }

    fn result(answer: Answer) -> Self::Result {
        let planning_time = time(answer.planning_time);
        let (error_code, error_msg) = told(answer.refusal, 0);
        ComputePathToPose::Result { path: answer.path, planning_time, error_code, error_msg }
    }
}

impl PathAction for ComputePathThroughPoses::Action {
    const NAME: &'static str = "compute_path_through_poses";
    const KIND: Kind = Kind::ThroughPoses;

    fn asked(goal: Self::Goal) -> AskedPath {
        let start = goal.use_start.then_some(goal.start);
        AskedPath { start, goals: goal.goals, planner_id: goal.planner_id }
    }

    fn result(answer: Answer) -> Self::Result {
        let planning_time = time(answer.planning_time);
        let (error_code, error_msg) = told(answer.refusal, 100);
        ComputePathThroughPoses::Result { path: answer.path, planning_time, error_code, error_msg }
    }
}

fn time(duration: Duration) -> r2r::builtin_interfaces::msg::Duration {
    let sec = i32::try_from(duration.as_secs()).unwrap_or(i32::MAX);
    r2r::builtin_interfaces::msg::Duration { sec, nanosec: duration.subsec_nanos() }
}

/// Code and text of a refusal. Those through poses have codes of their own, `more` than those to a pose.
fn told(refusal: Option<Refusal>, more: u16) -> (u16, String) {
    refusal.map_or_else(Default::default, |Refusal { result, text }| (code(result, more), text))
}

/// Nav2's code of a result. It has none for a cancelled goal. Costs that are old are what its planner server calls a
/// time-out of its costmap.
const fn code(result: u16, more: u16) -> u16 {
    match result {
        plan_codes::CANCELLED => 0,
        plan_codes::STALE_MAP => plan_codes::TIMEOUT + more,
        plan_codes::NO_VIAPOINTS_GIVEN => result,
        plan_codes::UNKNOWN..=plan_codes::NO_VALID_PATH => result + more,
        _ => plan_codes::UNKNOWN + more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_nav2s() {
        use ComputePathThroughPoses::Result as Through;
        use ComputePathToPose::Result as To;
        macro_rules! check {
            ($($name:ident)+) => {
                $(assert_eq!(i64::from(code(plan_codes::$name, 0)), To::$name as i64);
                assert_eq!(i64::from(code(plan_codes::$name, 100)), Through::$name as i64);)+
            };
        }
        check! {
            UNKNOWN INVALID_PLANNER TF_ERROR START_OUTSIDE_MAP GOAL_OUTSIDE_MAP START_OCCUPIED GOAL_OCCUPIED TIMEOUT
            NO_VALID_PATH
        }
        assert_eq!(i64::from(code(plan_codes::NO_VIAPOINTS_GIVEN, 100)), Through::NO_VIAPOINTS_GIVEN as i64);
    }
}
