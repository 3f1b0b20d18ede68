//! `~/status`: one message for each plan, and for each goal that was reached or refused.

use std::time::Duration;

use r2r::geometry_msgs::msg::Point;
use r2r::trm_msgs::msg::PlanStatus;
use trm_config::NodeConfig;
use trm_flow::map::suspicion::Suspect;
use trm_flow::messages::Record;
use trm_flow::plan_record::{GuidanceTimes, PlanRecord};
use trm_flow::ros_time::RosTime;

use crate::io::convert;
use crate::io::plan_codes;
use crate::io::verdict::Verdict;

/// The message for a record, with the stamp of its path if there is one.
pub fn message(record: &Record, verdict: &Verdict, ros_time: &RosTime, node: &NodeConfig) -> PlanStatus {
    let plan = if let Record::Plan(plan) = record { Some(plan) } else { None };
    let mut message = plan.map_or_else(without_plan, of_plan);
    let stamp = plan.and_then(|plan| plan.stamp).unwrap_or_else(|| ros_time.now());
    (message.header.stamp, message.header.frame_id) = (convert::time(stamp), node.map_frame.clone());
    (message.result, message.level, message.message) = (verdict.result, verdict.level, verdict.text.clone());
    if let Some(plan) = plan {
        message.kind = plan_codes::kind(plan.kind);
        message.planner_id = node.planner_plugins.get(plan.planner).cloned().unwrap_or_default();
    }
    message
}

/// What is known when nothing was planned.
fn without_plan() -> PlanStatus {
    let unknown = f64::NAN;
    PlanStatus {
        deadline_ms: unknown,
        total_ms: unknown,
        margin_ms: unknown,
        guidance_ms: unknown,
        guidance_age_ms: unknown,
        map_lag_ms: unknown,
        ..PlanStatus::default()
    }
}

fn of_plan(plan: &PlanRecord) -> PlanStatus {
    let mut message = without_plan();
    set_report(plan, &mut message);
    set_times(plan, &mut message);
    message.plan_id = plan.number;
    message.length_m = plan.length;
    message.missed = plan.missed;
    message.page_faults = whole(plan.usage.page_faults);
    message.allocations = whole(plan.usage.allocations);
    message.voluntary_switches = whole(plan.usage.voluntary_switches);
    message.involuntary_switches = whole(plan.usage.involuntary_switches);
    message.map_messages = plan.map.held.messages;
    message.map_stamp = convert::time(plan.map.held.stamp);
    // Without a message there are no costs that could be old.
    if plan.map.held.messages > 0 {
        message.map_lag_ms = ms(plan.map.lag);
    }
    plan.map.suspect.map(Suspect::text).unwrap_or_default().clone_into(&mut message.map_suspect);
    message
}

fn set_report(plan: &PlanRecord, message: &mut PlanStatus) {
    let report = plan.report.unwrap_or_default();
    message.source = plan_codes::source(report.source);
    message.guidance = plan_codes::guidance(report.guidance);
    message.stop = plan_codes::stop(report.stop);
    (message.steps, message.applications) = (report.steps.into(), report.applications.into());
    (message.share, message.expansions, message.warm) = (report.share, report.expansions, report.warm);
    message.inference_failed = report.inference_error.is_some();
    message.inference_error = report.inference_error.map(|error| error.to_string()).unwrap_or_default();
    if let Some(moved) = report.moved_goal {
        message.goal_moved = true;
        message.goal_moved_from = Point { x: moved.from.x, y: moved.from.y, z: 0.0 };
        message.goal_moved_to = Point { x: moved.to.x, y: moved.to.y, z: 0.0 };
    }
    message.encode_us = us(report.stages.encode);
    message.recurse_us = us(report.stages.recurse);
    message.decode_us = us(report.stages.decode);
    message.verify_us = us(report.stages.verify);
    message.smooth_us = us(report.stages.smooth);
    message.fallback_us = us(report.stages.fallback);
}

fn set_times(plan: &PlanRecord, message: &mut PlanStatus) {
    (message.deadline_ms, message.total_ms) = (ms(plan.budget), ms(plan.total));
    message.margin_ms = message.deadline_ms - message.total_ms;
    (message.publish_us, message.wake_us) = (us(plan.publish), us(plan.wake));
    if let Some(GuidanceTimes { took, age }) = plan.guidance {
        (message.guidance_ms, message.guidance_age_ms) = (ms(took), ms(age));
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn us(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn whole(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use trm_grid::units;
    use trm_net::error::InferenceError;
    use trm_net::graph::Graph;
    use trm_planner::halt::policy::StopReason;
    use trm_planner::{MovedGoal, Report, Source, StageTimes};

    use super::*;
    use crate::io::plan_codes::{ERROR, OK, TF_ERROR};

    fn path(change: impl FnOnce(&mut Report)) -> PlanRecord {
        let mut report =
            Report { source: Source::Model, stop: Some(StopReason::Verified), steps: 2, ..Report::default() };
        change(&mut report);
        PlanRecord {
            report: Some(report),
            guidance: Some(GuidanceTimes { took: Duration::from_millis(250), age: Duration::from_micros(1500) }),
            total: Duration::from_millis(35),
            missed: true,
            stamp: Some(Duration::from_millis(12_500)),
            ..PlanRecord::new(7, Duration::from_millis(30))
        }
    }

    fn told(record: &Record) -> PlanStatus {
        let verdict = match record {
            Record::Plan(plan) => Verdict::of_path(plan),
            _ => Verdict { level: ERROR, result: TF_ERROR, text: "no pose".to_owned() },
        };
        message(record, &verdict, &RosTime::system(), &NodeConfig::default())
    }

    #[test]
    fn numbers_are_numbers() {
        let told = told(&Record::Plan(path(|report| {
            report.stages = StageTimes { encode: Duration::from_nanos(12_900), ..StageTimes::default() };
        })));
        assert_eq!((told.header.stamp.sec, told.header.stamp.nanosec), (12, 500_000_000));
        assert_eq!((told.header.frame_id.as_str(), told.kind, told.planner_id.as_str()), ("map", 0, "GridBased"));
        assert_eq!((told.plan_id, told.missed, told.steps, told.encode_us), (7, true, 2, 12));
        assert_eq!((told.source, told.stop), (PlanStatus::SOURCE_MODEL as u8, PlanStatus::STOP_VERIFIED as u8));
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(told.deadline_ms, 30.0) && near(told.total_ms, 35.0) && near(told.margin_ms, -5.0));
        assert!(near(told.guidance_ms, 250.0) && near(told.guidance_age_ms, 1.5));
    }

    #[test]
    fn what_is_not_known_is_no_number() {
        let plan = told(&Record::Plan(PlanRecord { guidance: None, ..path(|_| ()) }));
        assert!([plan.guidance_ms, plan.guidance_age_ms, plan.map_lag_ms].iter().all(|value| value.is_nan()));
        assert!(plan.total_ms > 0.0 && !plan.goal_moved && plan.map_suspect.is_empty());
        let goal = told(&Record::GoalRefused(TF_ERROR, "no pose".to_owned()));
        assert_eq!((goal.plan_id, goal.result, goal.level, goal.message.as_str()), (0, TF_ERROR, ERROR, "no pose"));
        let times = [goal.deadline_ms, goal.total_ms, goal.margin_ms, goal.guidance_ms, goal.map_lag_ms];
        assert!(times.iter().all(|value| value.is_nan()), "{times:?}");
        assert!(goal.header.stamp.sec > 0 && goal.length_m == 0.0);
    }

    #[test]
    fn a_moved_goal_is_told_in_metres_and_in_words() {
        let moved = MovedGoal { from: units::Point { x: 1.0, y: -2.5 }, to: units::Point { x: 1.25, y: -2.0 } };
        let told = told(&Record::Plan(PlanRecord { missed: false, ..path(|report| report.moved_goal = Some(moved)) }));
        assert!(told.goal_moved && told.level == OK);
        assert_eq!(told.goal_moved_from, Point { x: 1.0, y: -2.5, z: 0.0 });
        assert_eq!(told.goal_moved_to, Point { x: 1.25, y: -2.0, z: 0.0 });
        assert_eq!(told.message, "path from the model; the goal is moved from (1.000, -2.500) to (1.250, -2.000) m");
    }

    #[test]
    fn an_inference_failure_is_told_with_its_cause() {
        let fine = told(&Record::Plan(path(|_| ())));
        assert!(!fine.inference_failed && fine.inference_error.is_empty());
        let error = InferenceError::new(Graph::Net, "no memory");
        let failed = told(&Record::Plan(path(|report| report.inference_error = Some(error))));
        assert!(failed.inference_failed);
        assert_eq!(failed.inference_error, "inference: graph net failed: no memory");
    }
}
