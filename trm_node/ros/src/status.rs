//! `~/status`: one message per plan.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use r2r::diagnostic_msgs::msg::{DiagnosticArray, DiagnosticStatus, KeyValue};
use trm_planner::halt::deadline::Clock;
use trm_planner::{Report, Source};
use trm_rt::usage::Usage;

use crate::convert;
use crate::record::{Failure, GuidanceTimes, Plan, Record};
use crate::shared::Shared;

// The levels of diagnostic_msgs/msg/DiagnosticStatus.
pub const OK: u8 = 0;
pub const WARN: u8 = 1;
pub const ERROR: u8 = 2;
pub const STALE: u8 = 3;

/// What a record says, in ROS's words.
pub struct Verdict {
    pub level: u8,
    /// `SUCCEEDED`, `GOAL_REACHED`, or Nav2's name of the error.
    pub result: &'static str,
    pub text: String,
}

impl Verdict {
    const fn new(level: u8, result: &'static str, text: String) -> Self {
        Self { level, result, text }
    }

    /// Words for a record. What is missing stands in the health of the inputs.
    pub fn of(record: &Record, shared: &Shared) -> Self {
        match record {
            Record::Plan(plan) => Self::of_plan(plan, shared),
            Record::Reached => Self::new(OK, "GOAL_REACHED", "the robot is at its goal, planning stops".to_owned()),
            Record::RefusedGoal(result, text) => Self::new(ERROR, result, text.clone()),
        }
    }

    fn of_plan(plan: &Plan, shared: &Shared) -> Self {
        match plan.result {
            Ok(()) => Self::of_path(plan),
            Err(Failure::Plan(error)) => Self::new(ERROR, error.nav2_name(), error.to_string()),
            Err(Failure::NoGrid) => {
                let health = shared.health();
                let problem = health.grid.problem(shared.clock.now()).or_else(|| health.grid.missing());
                Self::new(ERROR, "UNKNOWN", problem.unwrap_or("no grid has come").to_owned())
            }
            Err(failure @ (Failure::NoPose | Failure::OldPose { .. } | Failure::FuturePose { .. })) => {
                Self::new(ERROR, "TF_ERROR", shared.pose_problem(failure).unwrap_or_default())
            }
            Err(Failure::Backlog) => {
                Self::new(ERROR, "UNKNOWN", "the paths before it are still waiting to be published".to_owned())
            }
            Err(Failure::Publish) => Self::new(ERROR, "UNKNOWN", "ROS refused to publish the path".to_owned()),
        }
    }

    fn of_path(plan: &Plan) -> Self {
        let source = plan.report.map_or(Source::None, |report| report.source);
        let from = match source {
            Source::Model => "path from the model",
            Source::Previous => "the path before still holds",
            Source::Fallback => "path from the classical fallback",
            Source::None => "path",
        };
        if plan.missed {
            let late = ms(plan.total.saturating_sub(plan.budget));
            return Self::new(WARN, "SUCCEEDED", format!("{from}, {late} ms after its deadline"));
        }
        let level = if source == Source::Fallback { WARN } else { OK };
        Self::new(level, "SUCCEEDED", from.to_owned())
    }
}

/// The message for a record, with the stamp of its path, where there is one. Every key is always there.
pub fn message(record: &Record, verdict: &Verdict, shared: &Arc<Shared>) -> DiagnosticArray {
    let idle = Plan::new(0, Duration::ZERO);
    let plan = if let Record::Plan(plan) = record { plan } else { &idle };
    let mut array = DiagnosticArray::default();
    array.header.stamp = convert::time(plan.stamp.unwrap_or_else(|| shared.ros_clock.now()));
    array.status = vec![DiagnosticStatus {
        level: verdict.level,
        name: format!("{}: plan", shared.name),
        message: verdict.text.clone(),
        hardware_id: String::new(),
        values: values(plan, verdict.result),
    }];
    array
}

fn values(plan: &Plan, result: &str) -> Vec<KeyValue> {
    let report = plan.report.unwrap_or_default();
    let mut values = vec![
        pair("result", &result),
        pair("source", &report.source.name()),
        pair("guidance", &report.guidance.name()),
        pair("stop", &stop(&report)),
        pair("steps", &report.steps),
        pair("applications", &report.applications),
        pair("share", &report.share),
        pair("expansions", &report.expansions),
        pair("warm", &report.warm),
        pair("inference_failed", &report.inference_failed),
        pair("length_m", &format!("{:.3}", plan.length)),
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
    values.push(pair("missed", &plan.missed));
    values.push(pair("plan_id", &plan.number));
    values
}

/// What the planner thread cost.
pub fn usage(usage: &Usage) -> [KeyValue; 4] {
    [
        pair("page_faults", &usage.page_faults),
        pair("allocations", &usage.allocations),
        pair("voluntary_switches", &usage.voluntary_switches),
        pair("involuntary_switches", &usage.involuntary_switches),
    ]
}

fn stop(report: &Report) -> &'static str {
    report.stop.map_or("none", trm_planner::halt::policy::StopReason::name)
}

/// A key and its value as text.
pub fn pair(key: &str, value: &dyn Display) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.to_string() }
}

/// Milliseconds as text.
pub fn ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use trm_planner::PlanError;
    use trm_planner::halt::policy::StopReason;

    use super::*;

    fn path(source: Source, missed: bool) -> Plan {
        let report = Report { source, stop: Some(StopReason::Verified), steps: 2, ..Report::default() };
        Plan {
            report: Some(report),
            missed,
            guidance: Some(GuidanceTimes { took: Duration::from_millis(250), age: Duration::from_micros(1500) }),
            total: Duration::from_millis(if missed { 35 } else { 12 }),
            ..Plan::new(7, Duration::from_millis(30))
        }
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

    #[test]
    fn every_key_of_the_contract_is_there_for_a_path_and_for_none() {
        let keys = "result source guidance stop steps applications share expansions warm length_m deadline_ms margin_ms \
                    total_ms encode_us recurse_us decode_us verify_us smooth_us fallback_us publish_us wake_us page_faults \
                    allocations voluntary_switches involuntary_switches guidance_ms guidance_age_ms missed plan_id";
        let failed = Plan { result: Err(Failure::Plan(PlanError::NoValidPath)), ..Plan::new(1, Duration::ZERO) };
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
}
