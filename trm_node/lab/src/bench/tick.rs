//! What is known of one plan: made in process from the planner's report, and read from recordings of the node.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trm_planner::halt::policy::StopReason;
use trm_planner::{Report, Source, StageTimes};
use trm_rt::usage::Usage;

/// A name that a program knows or a file brought.
pub type Name = Cow<'static, str>;

/// What has changed since the plan before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing was carried over.
    Cold,
    /// The robot is in another cell.
    Moved,
    /// Costs have changed in the window.
    Obstacle,
    /// Neither.
    Still,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Cold, Self::Moved, Self::Obstacle, Self::Still];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Moved => "moved",
            Self::Obstacle => "obstacle",
            Self::Still => "still",
        }
    }
}

/// Times of the stages, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Stages {
    pub encode: f64,
    pub recurse: f64,
    pub decode: f64,
    pub verify: f64,
    pub smooth: f64,
    pub fallback: f64,
    pub publish: f64,
}

/// One plan. Times are in microseconds; counts that nobody took are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    pub id: u64,
    /// `SUCCEEDED` or Nav2's name of the reason.
    pub result: Name,
    pub source: Name,
    #[serde(default = "none")]
    pub stop: Name,
    pub steps: u16,
    pub applications: u16,
    pub warm: bool,
    /// Share of the net's work that was not skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// From the request's time to the published path.
    pub total_us: f64,
    /// Left before the deadline; negative when it was missed.
    pub margin_us: f64,
    #[serde(default)]
    pub stages_us: Stages,
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
    /// From the request's stamp to the path's arrival at the driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_us: Option<f64>,
    pub length_m: f64,
}

fn none() -> Name {
    Name::Borrowed("none")
}

/// Microseconds.
pub fn us(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// A time of so many microseconds; nothing for what is less than nothing or no number.
pub fn time(us: f64) -> Duration {
    Duration::try_from_secs_f64(us / 1e6).unwrap_or_default()
}

/// The times around a plan that the planner doesn't know of.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    /// From the tick's time to the loop's waking.
    pub wake: Duration,
    /// From the planner's return to the end of publishing.
    pub publish: Duration,
    /// From the tick's time to the end of publishing.
    pub total: Duration,
    pub deadline: Duration,
    pub usage: Usage,
}

impl Tick {
    /// A plan in process.
    pub fn new(id: u64, result: Name, report: &Report, kind: Kind, around: Around, length_m: f64) -> Self {
        let stages = report.stages;
        Self {
            id,
            result,
            source: report.source.name().into(),
            stop: report.stop.map_or("none", StopReason::name).into(),
            steps: report.steps,
            applications: report.applications,
            warm: report.warm,
            share: super::backend::share(report),
            kind: Some(kind),
            total_us: us(around.total),
            margin_us: us(around.deadline) - us(around.total),
            stages_us: Stages {
                encode: us(stages.encode),
                recurse: us(stages.recurse),
                decode: us(stages.decode),
                verify: us(stages.verify),
                smooth: us(stages.smooth),
                fallback: us(stages.fallback),
                publish: us(around.publish),
            },
            wake_us: us(around.wake),
            page_faults: Some(around.usage.page_faults),
            allocations: Some(around.usage.allocations),
            voluntary_switches: Some(around.usage.voluntary_switches),
            involuntary_switches: Some(around.usage.involuntary_switches),
            received_us: None,
            length_m,
        }
    }

    /// What [`trm_planner::stats::Statistics`] counts. A name that this program doesn't know is left out.
    pub fn report(&self) -> Report {
        let Stages { encode, recurse, decode, verify, smooth, fallback, .. } = self.stages_us;
        Report {
            source: Source::ALL.into_iter().find(|source| source.name() == self.source).unwrap_or(Source::None),
            stop: StopReason::ALL.into_iter().find(|stop| stop.name() == self.stop),
            steps: self.steps,
            applications: self.applications,
            warm: self.warm,
            stages: StageTimes {
                encode: time(encode),
                recurse: time(recurse),
                decode: time(decode),
                verify: time(verify),
                smooth: time(smooth),
                fallback: time(fallback),
                total: time(self.total_us),
            },
            margin: (self.margin_us * 1e3) as i64,
            ..Report::default()
        }
    }

    /// The numbers that must be numbers and not negative.
    ///
    /// # Errors
    /// The name of the first field that isn't, its value, and what it must be.
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

/// Whether a plan came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// After the deadline, but not after the period or 50 ms.
    Late,
    /// Later than that.
    TooLate,
}

/// The greatest lateness that still counts as late (iRobot's ros2-performance).
const LATE_MS: f64 = 50.0;

/// How a plan of this time counts at a deadline and a rate; `None` when it came in time.
pub fn miss(total_us: f64, deadline_ms: f64, rate_hz: f64) -> Option<Miss> {
    let late = deadline_ms.max((1e3 / rate_hz).min(LATE_MS));
    match total_us / 1e3 {
        ms if ms <= deadline_ms => None,
        ms if ms <= late => Some(Miss::Late),
        _ => Some(Miss::TooLate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_after_its_deadline_is_late_and_after_its_period_too_late() {
        assert_eq!(miss(9_999.0, 10.0, 50.0), None);
        assert_eq!(miss(10_001.0, 10.0, 50.0), Some(Miss::Late));
        assert_eq!(miss(20_001.0, 10.0, 50.0), Some(Miss::TooLate));
        assert_eq!(miss(50_001.0, 10.0, 1.0), Some(Miss::TooLate), "50 ms at slow rates");
        assert_eq!(miss(25_000.0, 30.0, 50.0), None);
        assert_eq!(miss(30_001.0, 30.0, 50.0), Some(Miss::TooLate), "the deadline is longer than the period");
    }

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
        let around = Around {
            wake: Duration::from_micros(60),
            publish: Duration::ZERO,
            total: Duration::from_millis(2),
            deadline: Duration::from_millis(10),
            usage: Usage { allocations: 3, ..Usage::default() },
        };
        let tick = Tick::new(7, "SUCCEEDED".into(), &report, Kind::Moved, around, 4.5);
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
