//! `~/status`: one message per plan.

use std::time::Duration;

use r2r::diagnostic_msgs::msg::{DiagnosticArray, DiagnosticStatus, KeyValue};
use trm_grid::units::Point;
use trm_planner::halt::policy::StopReason;

use crate::io::convert;
use crate::io::key_values::{ms, pair, usage};
use crate::io::verdict::Verdict;
use trm_flow::map::suspicion::Suspect;
use trm_flow::messages::Record;
use trm_flow::plan_record::{GuidanceTimes, PlanRecord};
use trm_flow::shared::Shared;

/// The message for a record, with the stamp of its path if there is one. Every key is always there.
pub fn message(record: &Record, verdict: &Verdict, shared: &Shared) -> DiagnosticArray {
    let idle = PlanRecord::new(0, Duration::ZERO);
    let plan = if let Record::Plan(plan) = record { plan } else { &idle };
    let mut array = DiagnosticArray::default();
    array.header.stamp = convert::time(plan.stamp.unwrap_or_else(|| shared.ros_time.now()));
    array.status = vec![DiagnosticStatus {
        level: verdict.level,
        name: format!("{}: plan", shared.name),
        message: verdict.text.clone(),
        hardware_id: String::new(),
        values: values(plan, verdict.result),
    }];
    array
}

/// Both coordinates of a point, in metres.
fn meters(point: Point) -> String {
    format!("{:.3} {:.3}", point.x, point.y)
}

fn values(plan: &PlanRecord, result: &str) -> Vec<KeyValue> {
    let report = plan.report.unwrap_or_default();
    let mut values = vec![
        pair("result", &result),
        pair("source", &report.source.name()),
        pair("guidance", &report.guidance.name()),
        pair("stop", &report.stop.map_or("none", StopReason::name)),
        pair("steps", &report.steps),
        pair("applications", &report.applications),
        pair("share", &report.share),
        pair("expansions", &report.expansions),
        pair("warm", &report.warm),
        pair("inference_failed", &report.inference_error.is_some()),
        // Empty without a failure.
        pair("inference_error", &report.inference_error.map(|error| error.to_string()).unwrap_or_default()),
        pair("length_m", &format!("{:.3}", plan.length)),
        // Empty unless the goal was moved.
        pair("goal_moved_from", &report.moved_goal.map(|moved| meters(moved.from)).unwrap_or_default()),
        pair("goal_moved_to", &report.moved_goal.map(|moved| meters(moved.to)).unwrap_or_default()),
        pair("deadline_ms", &ms(plan.budget)),
        pair("margin_ms", &format!("{:.3}", plan.budget.as_secs_f64() * 1e3 - plan.total.as_secs_f64() * 1e3)),
        pair("total_ms", &ms(plan.total)),
    ];
    let stages = report.stages.iter().filter(|(name, _)| *name != "total");
    values.extend(stages.map(|(name, time)| pair(&format!("{name}_us"), &time.as_micros())));
    values.push(pair("publish_us", &plan.publish.as_micros()));
    values.push(pair("wake_us", &plan.wake.as_micros()));
    values.extend(usage(&plan.usage));
    // Empty without guidance.
    let guidance = |time: fn(GuidanceTimes) -> Duration| plan.guidance.map(time).map(ms).unwrap_or_default();
    values.push(pair("guidance_ms", &guidance(|times| times.took)));
    values.push(pair("guidance_age_ms", &guidance(|times| times.age)));
    values.push(pair("map_messages", &plan.map.held.messages));
    values.push(pair("map_stamp", &format!("{:.9}", plan.map.held.stamp.as_secs_f64())));
    values.push(pair("map_lag_ms", &ms(plan.map.lag)));
    // Empty while nothing is suspect.
    values.push(pair("map_suspect", &plan.map.suspect.map(Suspect::text).unwrap_or_default()));
    values.push(pair("missed", &plan.missed));
    values.push(pair("plan_id", &plan.number));
    values
}

#[cfg(test)]
mod tests {
    use trm_net::error::InferenceError;
    use trm_planner::{MovedGoal, PlanError, Report, Source};

    use trm_net::graph::Graph;

    use super::*;
    use trm_flow::plan_record::Failure;

    fn path(source: Source, missed: bool) -> PlanRecord {
        let report = Report { source, stop: Some(StopReason::Verified), steps: 2, ..Report::default() };
        PlanRecord {
            report: Some(report),
            missed,
            guidance: Some(GuidanceTimes { took: Duration::from_millis(250), age: Duration::from_micros(1500) }),
            total: Duration::from_millis(if missed { 35 } else { 12 }),
            ..PlanRecord::new(7, Duration::from_millis(30))
        }
    }

    #[test]
    fn every_key_of_the_contract_is_there_for_a_path_and_for_none() {
        let keys = "result source guidance stop steps applications share expansions warm inference_failed \
                    inference_error length_m goal_moved_from goal_moved_to deadline_ms margin_ms total_ms encode_us \
                    recurse_us decode_us verify_us smooth_us fallback_us publish_us wake_us page_faults allocations voluntary_switches \
                    involuntary_switches guidance_ms guidance_age_ms map_messages map_stamp map_lag_ms \
                    map_suspect missed plan_id";
        let failed =
            PlanRecord { result: Err(Failure::Plan(PlanError::NoValidPath)), ..PlanRecord::new(1, Duration::ZERO) };
        for plan in [path(Source::Model, false), failed] {
            let values = values(&plan, "SUCCEEDED");
            for key in keys.split_whitespace() {
                assert_eq!(values.iter().filter(|value| value.key == key).count(), 1, "{key}");
            }
        }
        let values = values(&path(Source::Model, true), "SUCCEEDED");
        let get = |key: &str| values.iter().find(|value| value.key == key).map_or("", |value| value.value.as_str());
        assert_eq!((get("margin_ms"), get("missed"), get("plan_id")), ("-5.000", "true", "7"));
        assert_eq!((get("source"), get("stop"), get("steps")), ("model", "verified", "2"));
        assert_eq!((get("guidance_ms"), get("guidance_age_ms")), ("250.000", "1.500"));
    }

    #[test]
    fn a_moved_goal_is_told_in_metres_and_in_words() {
        let mut plan = path(Source::Model, false);
        let moved = MovedGoal { from: Point { x: 1.0, y: -2.5 }, to: Point { x: 1.25, y: -2.0 } };
        plan.report = plan.report.map(|report| Report { moved_goal: Some(moved), ..report });
        let values = values(&plan, "SUCCEEDED");
        let get = |key: &str| values.iter().find(|value| value.key == key).map_or("", |value| value.value.as_str());
        assert_eq!((get("goal_moved_from"), get("goal_moved_to")), ("1.000 -2.500", "1.250 -2.000"));
        let text = Verdict::of_path(&plan).text;
        assert_eq!(text, "path from the model; the goal is moved from (1.000, -2.500) to (1.250, -2.000) m");
    }

    #[test]
    fn an_inference_failure_is_told_with_its_cause() {
        let get = |plan: &PlanRecord, key: &str| {
            values(plan, "SUCCEEDED").into_iter().find(|value| value.key == key).map(|value| value.value).unwrap()
        };
        let mut plan = path(Source::Fallback, false);
        assert_eq!((get(&plan, "inference_failed"), get(&plan, "inference_error")), ("false".into(), String::new()));
        let inference_error = Some(InferenceError::new(Graph::Net, "no memory"));
        plan.report = plan.report.map(|report| Report { inference_error, ..report });
        assert_eq!(get(&plan, "inference_failed"), "true");
        assert_eq!(get(&plan, "inference_error"), "inference: graph net failed: no memory");
    }
}
