//! Both actions in the same terms.

use r2r::WrappedActionTypeSupport;
use r2r::geometry_msgs::msg::PoseStamped;
use r2r::nav_msgs::msg::Path;
use r2r::nav2_msgs::action::{ComputePathThroughPoses, ComputePathToPose};
use std::time::Duration;
use trm_flow::plan_record::Kind;

/// What a goal asks for.
pub struct AskedPath {
    /// `None`: from where the robot is.
    pub start: Option<PoseStamped>,
    pub goals: Vec<PoseStamped>,
    pub planner_id: String,
}

/// Why there is no path: Nav2's name of the error, and in words.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub name: &'static str,
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
pub trait PathAction: WrappedActionTypeSupport<Goal: Send, Result: Send> + 'static {
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
    refusal.map_or_else(Default::default, |Refusal { name, text }| (code(name) + more, text))
}

/// The code of an error in `ComputePathToPose`. What is this node's own is unknown to Nav2, but that costs are old, which
/// Nav2's planner server calls a time-out of its costmap.
fn code(name: &str) -> u16 {
    match name {
        "CANCELLED" => 0,
        "INVALID_PLANNER" => 201,
        "TF_ERROR" => 202,
        "START_OUTSIDE_MAP" => 203,
        "GOAL_OUTSIDE_MAP" => 204,
        "START_OCCUPIED" => 205,
        "GOAL_OCCUPIED" => 206,
        "TIMEOUT" | "STALE_MAP" => 207,
        "NO_VALID_PATH" => 208,
        "NO_VIAPOINTS_GIVEN" => 209,
        _ => 200,
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
                $(assert_eq!(i64::from(code(stringify!($name))), To::$name as i64);
                assert_eq!(i64::from(code(stringify!($name)) + 100), Through::$name as i64);)+
            };
        }
        check! {
            UNKNOWN INVALID_PLANNER TF_ERROR START_OUTSIDE_MAP GOAL_OUTSIDE_MAP START_OCCUPIED GOAL_OCCUPIED TIMEOUT
            NO_VALID_PATH
        }
        assert_eq!(i64::from(code("NO_VIAPOINTS_GIVEN") + 100), Through::NO_VIAPOINTS_GIVEN as i64);
    }
}
