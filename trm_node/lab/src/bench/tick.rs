//! One plan of a control loop: either planned in this process, or read from a recording of the node.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trm_planner::halt::policy::StopReason;
use trm_planner::{Report, Source, StageTimes};
use trm_rt::usage::Usage;

use crate::bench::microseconds::{from_us, to_us};
use crate::bench::tick_kind::TickKind;

/// A name: a constant of this program, or read from a file.
pub type Name = Cow<'static, str>;

/// How long each stage took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StageMicroseconds {
    pub encode: f64,
    pub recurse: f64,
    pub decode: f64,
    pub verify: f64,
    pub smooth: f64,
    pub fallback: f64,
    pub publish: f64,
}

/// One plan. Times are in microseconds. Counts that weren't taken are missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// Number of the tick.
    pub id: u64,
    /// `SUCCEEDED`, or Nav2's name of the reason why there is no path.
    pub result: Name,
    pub source: Name,
    #[serde(default = "none")]
    pub stop: Name,
    pub steps: u16,
    pub applications: u16,
    pub warm: bool,
    /// Share of the net's work that wasn't skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TickKind>,
    /// Time from the request to the published path.
    pub total_us: f64,
    /// Time left before the deadline; negative if the plan missed it.
    pub margin_us: f64,
    #[serde(default)]
    pub stages_us: StageMicroseconds,
    /// How late the loop woke up.
    #[serde(default)]
    pub wake_us: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_faults: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocations: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voluntary_switches: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub involuntary_switches: Option<u64>,
    /// Time from the request's stamp to the path's arrival at the program that drives the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_us: Option<f64>,
    pub length_m: f64,
}

fn none() -> Name {
    Name::Borrowed("none")
}

/// What the loop around the planner measures of a plan.
#[derive(Debug, Clone, Copy)]
pub struct TickContext {
    /// Time from the tick until the loop woke up.
    pub wake: Duration,
    /// Time from the planner's return to the end of publishing.
    pub publish: Duration,
    /// Time from the tick to the end of publishing.
    pub total: Duration,
    /// Time that the plan had.
    pub deadline: Duration,
    /// What the planning thread used meanwhile.
    pub usage: Usage,
}

impl Tick {
    /// A plan of this process.
    pub fn new(id: u64, result: Name, report: &Report, kind: TickKind, context: TickContext, length_m: f64) -> Self {
        let stages = report.stages;
        Self {
            id,
            result,
            source: report.source.name().into(),
            stop: report.stop.map_or("none", StopReason::name).into(),
            steps: report.steps,
            applications: report.applications,
            warm: report.warm,
            share: (report.applications > 0).then_some(f64::from(report.share)),
            kind: Some(kind),
            total_us: to_us(context.total),
            margin_us: to_us(context.deadline) - to_us(context.total),
            stages_us: StageMicroseconds {
                encode: to_us(stages.encode),
                recurse: to_us(stages.recurse),
                decode: to_us(stages.decode),
                verify: to_us(stages.verify),
                smooth: to_us(stages.smooth),
                fallback: to_us(stages.fallback),
                publish: to_us(context.publish),
            },
            wake_us: to_us(context.wake),
            page_faults: Some(context.usage.page_faults),
            allocations: Some(context.usage.allocations),
            voluntary_switches: Some(context.usage.voluntary_switches),
            involuntary_switches: Some(context.usage.involuntary_switches),
            received_us: None,
            length_m,
        }
    }

    /// Whether the path was kept without a thought.
    pub fn is_kept(&self) -> bool {
        self.stop == StopReason::Unchanged.name()
    }

    /// Whether its path is the model's: from this plan, or from one since when nothing has changed.
    pub fn is_of_model(&self) -> bool {
        self.source == Source::Model.name() || self.is_kept()
    }

    /// The report as far as [`trm_planner::stats::Statistics`] counts it. Names that this program doesn't know are left
    /// out.
    pub fn report(&self) -> Report {
        let StageMicroseconds { encode, recurse, decode, verify, smooth, fallback, .. } = self.stages_us;
        Report {
            source: Source::ALL.into_iter().find(|source| source.name() == self.source).unwrap_or(Source::None),
            stop: StopReason::ALL.into_iter().find(|stop| stop.name() == self.stop),
            steps: self.steps,
            applications: self.applications,
            warm: self.warm,
            stages: StageTimes {
                encode: from_us(encode),
                recurse: from_us(recurse),
                decode: from_us(decode),
                verify: from_us(verify),
                smooth: from_us(smooth),
                fallback: from_us(fallback),
                total: from_us(self.total_us),
            },
            margin: (self.margin_us * 1e3) as i64,
            ..Report::default()
        }
    }

    /// Checks that times and lengths are numbers and not negative, and that the source is known.
    ///
    /// # Errors
    /// Name and value of the first wrong field, and what it must be.
    pub fn check(&self) -> Result<(), String> {
        let stages = self.stages_us;
        for (field, value) in [
            ("total_us", self.total_us),
            ("length_m", self.length_m),
            ("stages_us.encode", stages.encode),
            ("stages_us.recurse", stages.recurse),
            ("stages_us.decode", stages.decode),
            ("stages_us.verify", stages.verify),
            ("stages_us.smooth", stages.smooth),
            ("stages_us.fallback", stages.fallback),
            ("stages_us.publish", stages.publish),
        ] {
            if !(0.0..1e12).contains(&value) {
                return Err(format!("field tick.{field} is {value}, but must be a number from 0 to 10^12"));
            }
        }
        if !Source::ALL.iter().any(|source| source.name() == self.source) {
            return Err(format!(
                "field tick.source is {:?}, but must be model, previous, fallback or none",
                self.source
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_comes_back_from_its_line_and_gives_the_report_that_it_was_made_of() {
        let stages = StageTimes {
            recurse: Duration::from_micros(1500),
            total: Duration::from_millis(2),
            ..StageTimes::default()
        };
        let report = Report {
            source: Source::Model,
            stop: Some(StopReason::Verified),
            steps: 2,
            applications: 16,
            warm: true,
            stages,
            margin: 8_000_000,
            ..Report::default()
        };
        let context = TickContext {
            wake: Duration::from_micros(60),
            publish: Duration::ZERO,
            total: Duration::from_millis(2),
            deadline: Duration::from_millis(10),
            usage: Usage { allocations: 3, ..Usage::default() },
        };
        let tick = Tick::new(7, "SUCCEEDED".into(), &report, TickKind::Moved, context, 4.5);
        let text = serde_json::to_string(&tick).unwrap();
        assert!(text.contains("\"kind\":\"moved\"") && text.contains("\"margin_us\":8000.0"), "{text}");
        let back: Tick = serde_json::from_str(&text).unwrap();
        assert_eq!(back, tick);
        assert_eq!(back.report(), report);
        assert_eq!(back.check(), Ok(()));
        let wrong = Tick { total_us: f64::NAN, ..tick };
        assert!(wrong.check().unwrap_err().contains("tick.total_us is NaN"));
    }
}
