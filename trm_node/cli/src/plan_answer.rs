//! What a plan came to, as JSON and in words.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Serialize, Serializer};
use trm_grid::units::Pose;
use trm_grid::window::Window;
use trm_planner::PlanError;
use trm_planner::{MovedGoal, Report, StageTimes};

/// The JSON answer.
#[derive(Debug, Serialize)]
pub struct PlanAnswer {
    /// `SUCCEEDED` or Nav2's name of the error.
    pub status: &'static str,
    pub source: &'static str,
    pub guidance: &'static str,
    pub stop: &'static str,
    pub steps: u16,
    pub length_m: Option<f64>,
    pub optimal_length_m: Option<f64>,
    pub poses: Vec<[f64; 3]>,
    /// Where the path ends instead of in the goal's own cell, which isn't free or can't be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_goal: Option<MovedGoalAnswer>,
    #[serde(serialize_with = "as_map")]
    pub stage_us: Vec<(&'static str, f64)>,
    /// Why there is no path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub applications: u16,
    pub expansions: u32,
    /// What the model saw.
    #[serde(skip)]
    pub window: Option<Window>,
    pub deadline_ms: f64,
    /// Time that was left; negative when the deadline was missed. `None` when nothing was planned.
    pub margin_ms: Option<f64>,
}

/// A goal that was moved, in JSON: two points in metres.
#[derive(Debug, Clone, Copy)]
pub struct MovedGoalAnswer(MovedGoal);

impl Serialize for MovedGoalAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let MovedGoal { from, to } = self.0;
        serializer.collect_map([("from", [from.x, from.y]), ("to", [to.x, to.y])])
    }
}

impl PlanAnswer {
    /// An answer that was found before planning began, or the frame for one that is to be planned.
    pub fn new(deadline_ms: f64) -> Self {
        Self {
            status: "UNKNOWN",
            source: "none",
            guidance: "none",
            stop: "none",
            steps: 0,
            length_m: None,
            optimal_length_m: None,
            poses: Vec::new(),
            moved_goal: None,
            stage_us: stages(StageTimes::default(), Duration::ZERO),
            reason: None,
            applications: 0,
            expansions: 0,
            window: None,
            deadline_ms,
            margin_ms: None,
        }
    }

    /// Takes over what the planner reports.
    pub fn report(&mut self, report: &Report, guidance: Duration) {
        self.source = report.source.name();
        self.guidance = report.guidance.name();
        self.stop = report.stop.map_or("none", |stop| stop.name());
        self.steps = report.steps;
        self.applications = report.applications;
        self.expansions = report.expansions;
        self.window = report.window;
        self.moved_goal = report.moved_goal.map(MovedGoalAnswer);
        self.margin_ms = Some(report.margin as f64 / 1e6);
        self.stage_us = stages(report.stages, guidance);
    }

    /// The outcome: a path with its length in metres, or why there is none.
    pub fn outcome(&mut self, path: Result<(&[Pose], f64), PlanError>) {
        match path {
            Ok((poses, length)) => {
                self.status = "SUCCEEDED";
                self.length_m = Some(length);
                self.poses = poses.iter().map(|p| [p.x, p.y, p.yaw]).collect();
            }
            Err(error) => {
                self.status = error.nav2_name();
                self.reason = Some(error.to_string());
            }
        }
    }

    /// Whether there is a path.
    pub fn succeeded(&self) -> bool {
        self.status == "SUCCEEDED"
    }

    /// A few lines for a person.
    pub fn summary(&self) -> String {
        let mut text = match self.length_m {
            Some(length) => {
                format!("{}: {length:.2} m, {} poses, source {}", self.status, self.poses.len(), self.source)
            }
            None => self.status.to_owned(),
        };
        if let Some(MovedGoalAnswer(moved)) = self.moved_goal {
            let _ = write!(text, "\n{moved}");
        }
        if let Some(optimal) = self.optimal_length_m {
            let _ = write!(text, "\nbest path over the cells: {optimal:.2} m");
        }
        if let Some(margin) = self.margin_ms {
            let _ = write!(
                text,
                "\nstop {}, {} steps, {} network applications, {} cells expanded, guidance {}\n\
                 {:.2} ms before the deadline of {} ms; stages in µs:",
                self.stop, self.steps, self.applications, self.expansions, self.guidance, margin, self.deadline_ms
            );
            for (name, time) in &self.stage_us {
                let _ = write!(text, " {name} {time:.0}");
            }
        }
        text
    }
}

/// The times of all stages in microseconds, to a tenth.
fn stages(times: StageTimes, guidance: Duration) -> Vec<(&'static str, f64)> {
    let tenths = |time: Duration| (time.as_nanos() as f64 / 100.0).round() / 10.0;
    times.iter().chain([("guidance", guidance)]).map(|(name, time)| (name, tenths(time))).collect()
}

fn as_map<S: Serializer>(pairs: &[(&'static str, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}
