//! The task that reports: `~/status` for every plan, and `/diagnostics` once a second whatever happens.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use r2r::diagnostic_msgs::msg::{DiagnosticArray, DiagnosticStatus, KeyValue};
use r2r::trm_msgs::msg::PlanStatus;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;
use trm_config::NodeConfig;
use trm_net::router::BundleName;
use trm_planner::MovedGoal;
use trm_planner::halt::deadline::Clock;
use trm_planner::report::Route;
use trm_planner::stats::Statistics;
use trm_rt::usage::Usage;

use crate::io::convert;
use crate::io::ends::Ends;
use crate::io::inference_failures::InferenceFailures;
use crate::io::key_values::{ms, pair, usage};
use crate::io::matches::Report;
use crate::io::plan_codes::{self, ERROR, GOAL_REACHED, OK, WARN};
use crate::io::status;
use crate::io::verdict::Verdict;
use crate::params::Parameters;
use trm_flow::health::{Health, Input};
use trm_flow::heartbeats::{LATE, Part};
use trm_flow::lock::lock;
use trm_flow::map::inbox::Inbox;
use trm_flow::map::suspicion::Suspect;
use trm_flow::messages::Record;
use trm_flow::plan_record::{Failure, Kind, PlanRecord};
use trm_flow::shared::Shared;

/// The level of inputs that are missing.
const STALE: u8 = DiagnosticStatus::STALE as u8;

/// How often `/diagnostics` is published.
const PERIOD: Duration = Duration::from_secs(1);

/// Results that change all the time aren't logged more often than this.
const LOG_PERIOD: Duration = Duration::from_secs(1);

/// Counts what happens, and publishes it.
pub struct Diagnostics {
    shared: Arc<Shared>,
    parameters: Arc<Parameters>,
    inbox: Arc<Inbox>,
    topics: Arc<Mutex<Report>>,
    /// As it was when the node started: frames and names of planners stay.
    node: NodeConfig,
    status: r2r::Publisher<PlanStatus>,
    heartbeat: r2r::Publisher<DiagnosticArray>,
    statistics: Statistics,
    /// Plans that were due without a grid or a pose.
    without_input: u64,
    /// Plans that failed for any reason.
    failed: u64,
    /// Paths that ROS refused, or for which too many others were waiting.
    unpublished: u64,
    inference_failures: InferenceFailures,
    /// The last choice of a router, and the plans of each bundle.
    route: Option<Route>,
    routes: BTreeMap<BundleName, u64>,
    /// Of the planner thread's loop.
    usage: Usage,
    last: Option<Verdict>,
    /// The result that was last logged, and when.
    logged: Option<(u16, Duration)>,
    /// To where a goal was moved that was last logged, and when.
    logged_move: Option<(MovedGoal, Duration)>,
    /// Since the last message on `/diagnostics`.
    recent: Recent,
}

#[derive(Default)]
struct Recent {
    plans: u64,
    misses: u64,
}

impl Diagnostics {
    pub fn new(
        node: &mut r2r::Node,
        ends: &Ends,
        topics: Arc<Mutex<Report>>,
        shared: Arc<Shared>,
        parameters: Arc<Parameters>,
        inbox: Arc<Inbox>,
    ) -> r2r::Result<Self> {
        Ok(Self {
            node: parameters.config().node,
            shared,
            parameters,
            inbox,
            topics,
            status: node.create_publisher(ends.status.topic, ends.status.qos.clone())?,
            heartbeat: node.create_publisher(ends.diagnostics.topic, ends.diagnostics.qos.clone())?,
            statistics: Statistics::new(),
            without_input: 0,
            failed: 0,
            unpublished: 0,
            inference_failures: InferenceFailures::default(),
            route: None,
            routes: BTreeMap::new(),
            usage: Usage::NONE,
            last: None,
            logged: None,
            logged_move: None,
            recent: Recent::default(),
        })
    }

    /// Runs as long as the node does.
    pub async fn run(mut self, mut records: UnboundedReceiver<Record>) {
        let mut beat = tokio::time::interval(PERIOD);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                record = records.recv() => match record {
                    Some(record) => self.take(&record),
                    None => return,
                },
                _ = beat.tick() => {
                    self.shared.beat(Part::Tasks);
                    self.publish();
                }
            }
        }
    }

    fn take(&mut self, record: &Record) {
        let verdict = Verdict::of(record, &self.shared);
        let message = status::message(record, &verdict, &self.shared.ros_time, &self.node);
        // A message that can't be sent is lost; the next one may succeed.
        let _ = self.status.publish(&message);
        if let Record::Plan(plan) = record {
            self.count(plan);
            self.log_move(plan);
        }
        if !matches!(record, Record::GoalRefused(..)) {
            self.log(&verdict);
            self.last = Some(verdict);
        }
    }

    /// One line when planning begins to fail, or fails in another way, and one when it succeeds again.
    fn log(&mut self, now: &Verdict) {
        let time = self.shared.clock.now();
        let is_news =
            self.logged.map_or(now.level == ERROR, |(result, at)| now.result != result && time >= at + LOG_PERIOD);
        if !is_news {
            return;
        }
        self.logged = Some((now.result, time));
        match now.level {
            ERROR => self.shared.log.warn(&format!("no path, {}: {}", plan_codes::name(now.result), now.text)),
            _ => self.shared.log.info(&now.text),
        }
    }

    /// One line when a goal is moved, or moved elsewhere.
    fn log_move(&mut self, plan: &PlanRecord) {
        let Some(moved) = plan.report.and_then(|report| report.moved_goal) else { return };
        let time = self.shared.clock.now();
        let is_news = self.logged_move.is_none_or(|(last, at)| last != moved && time >= at + LOG_PERIOD);
        if is_news {
            self.logged_move = Some((moved, time));
            self.shared.log.warn(&format!("{moved}: its own place isn't free, or can't be reached"));
        }
    }

    fn count(&mut self, plan: &PlanRecord) {
        self.recent.plans += 1;
        self.recent.misses += u64::from(plan.missed);
        self.failed += u64::from(plan.result.is_err());
        self.unpublished += u64::from(matches!(plan.result, Err(Failure::Publish | Failure::Backlog)));
        if plan.kind == Kind::Tick {
            self.usage = plan.loop_usage;
        }
        let Some(report) = &plan.report else {
            self.without_input += 1;
            return;
        };
        self.statistics.record(report, plan.total, plan.missed);
        if let Some(route) = report.route {
            self.route = Some(route);
            *self.routes.entry(route.bundle).or_default() += 1;
        }
        if report.inference_error.is_some_and(|error| error.is_lost()) {
            self.shared.backend_lost.store(true, Ordering::Relaxed);
            self.shared.log.warn("the GPU is lost: the model runs on the CPU until the node is configured again");
        }
        if let Some(error) = report.inference_error
            && self.inference_failures.take(error)
        {
            self.shared.log.warn(&format!("the model failed, planning goes on without it: {error}"));
        }
    }

    fn publish(&mut self) {
        let mut array = DiagnosticArray::default();
        array.header.stamp = convert::time(self.shared.ros_time.now());
        array.status = vec![self.planner(), self.inputs(), self.topics(), self.threads()];
        self.recent = Recent::default();
        let _ = self.heartbeat.publish(&array);
    }

    fn planner(&self) -> DiagnosticStatus {
        let statistics = &self.statistics;
        let (level, message) = self.planner_state();
        let mut values = vec![
            pair("plans", &statistics.plans()),
            pair("failed", &self.failed),
            pair("without_input", &self.without_input),
            pair("unpublished", &self.unpublished),
            pair("lost", &self.shared.plans_lost.load(Ordering::Relaxed)),
            pair("notes_lost", &self.shared.plan_log.lost.load(Ordering::Relaxed)),
            pair("misses", &statistics.misses()),
            pair("overruns", &self.shared.overruns.load(Ordering::Relaxed)),
            pair("goals_superseded", &self.shared.goals_superseded.load(Ordering::Relaxed)),
        ];
        values.extend(statistics.sources().map(|(name, count)| pair(name, &count)));
        values.extend(statistics.stops().map(|(name, count)| pair(&format!("stop_{name}"), &count)));
        for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            values.push(pair(&format!("latency_{name}_ms"), &ms(statistics.latency(quantile))));
        }
        values.push(pair("latency_max_ms", &ms(statistics.latency_max())));
        values.push(pair("deadline_ms", &self.parameters.config().of_planner(0).node.deadline_ms));
        values.extend(usage(&self.usage));
        values.push(pair("inference_error", &self.inference_failures.last()));
        values.push(pair("backend", &self.shared.backend()));
        values.push(pair("backend_lost", &self.shared.backend_lost.load(Ordering::Relaxed)));
        values.extend(self.router());
        values.extend(self.shared.real_time.values().into_iter().flatten().map(|(key, value)| pair(key, &value)));
        self.status(level, "planner", message, values)
    }

    /// Which of a router's bundles plans; nothing without a router.
    fn router(&self) -> Vec<KeyValue> {
        let Some(last) = &self.route else { return Vec::new() };
        let mut values = vec![
            pair("router", &self.parameters.config().of_planner(0).node.router),
            pair("router_bundle", &last.bundle),
            pair("router_confidence", &format!("{:.3}", last.confidence)),
            pair("router_ms", &ms(last.took)),
        ];
        values.extend(self.routes.iter().map(|(bundle, plans)| pair(&format!("router_plans_{bundle}"), plans)));
        values
    }

    fn planner_state(&self) -> (u8, String) {
        let silent = self.shared.silence();
        if silent > LATE {
            return (ERROR, format!("the planner thread hasn't come round for {:.1} s", silent.as_secs_f64()));
        }
        if !self.shared.active.load(Ordering::Relaxed) {
            return (OK, "the node isn't active".to_owned());
        }
        let Recent { plans, misses } = self.recent;
        match &self.last {
            Some(last) if plans > 0 && last.level == ERROR => {
                (ERROR, format!("{}: {}", plan_codes::name(last.result), last.text))
            }
            _ if misses > 0 => (WARN, format!("{misses} of {plans} plans of the last second missed the deadline")),
            Some(last) if plans > 0 && last.level == WARN => (WARN, last.text.clone()),
            _ if plans > 0 => (OK, format!("{plans} plans in the last second")),
            Some(last) if last.result == GOAL_REACHED => (OK, "idle: the goal is reached".to_owned()),
            _ => (OK, "idle: no goal".to_owned()),
        }
    }

    fn inputs(&self) -> DiagnosticStatus {
        let now = self.shared.clock.now();
        let pose = self.shared.robot_pose(self.parameters.config().node.transform_tolerance).err();
        // A pose that has never come is among the missing inputs already.
        let pose = pose.filter(|failure| *failure != Failure::NoPose).and_then(|f| self.shared.pose_problem(f));
        let health = self.shared.health();
        let ledger = &self.shared.ledger;
        let suspect = ledger.suspicion.get().map(Suspect::text);
        let (level, message) = inputs_state(&health, pose.or(suspect.map(str::to_owned)), now);
        let mut values = vec![
            pair("map_messages", &ledger.arrived()),
            pair("map_backlog", &self.inbox.backlog()),
            pair("map_suspect", &suspect.unwrap_or_default()),
        ];
        for (name, input) in inputs(&health) {
            values.push(pair(&format!("{name}_received"), &input.received()));
            values.push(pair(&format!("{name}_refused"), &input.refused()));
            values.push(pair(&format!("{name}_lost"), &input.lost()));
            let age = input.age(now).map_or_else(|| "never".to_owned(), |age| format!("{:.3}", age.as_secs_f64()));
            values.push(pair(&format!("{name}_age_s"), &age));
            values.push(pair(&format!("{name}_problem"), &input.problem(now).or(input.missing()).unwrap_or_default()));
        }
        drop(health);
        self.status(level, "inputs", message, values)
    }

    /// Who else is on the topics.
    fn topics(&self) -> DiagnosticStatus {
        let report = lock(&self.topics);
        let values = report.ends.iter().map(|(end, text)| pair(end, text)).collect();
        let problems = report.text();
        drop(report);
        let level = if problems.is_some() { WARN } else { OK };
        self.status(level, "topics", problems.unwrap_or_else(|| "all who are there fit".to_owned()), values)
    }

    /// The watchdogs.
    fn threads(&self) -> DiagnosticStatus {
        let now = self.shared.clock.now();
        let values = Part::ALL
            .map(|part| pair(&format!("{}_silence_ms", part.name()), &ms(self.shared.beats.silence(part, now))));
        let late: Vec<_> = self.shared.beats.late(now).map(|(part, silence)| late(part, silence)).collect();
        let (level, message) =
            if late.is_empty() { (OK, "all threads are alive".to_owned()) } else { (ERROR, late.join("; ")) };
        self.status(level, "threads", message, values.to_vec())
    }

    fn status(&self, level: u8, part: &str, message: String, values: Vec<KeyValue>) -> DiagnosticStatus {
        DiagnosticStatus {
            level,
            name: format!("{}: {part}", self.shared.name),
            message,
            hardware_id: String::new(),
            values,
        }
    }
}

/// Says that a thread is late.
pub fn late(part: Part, silence: Duration) -> String {
    format!("the {} thread hasn't come round for {:.1} s", part.name(), silence.as_secs_f64())
}

fn inputs(health: &Health) -> [(&'static str, &Input); 4] {
    [("grid", &health.grid), ("robot", &health.robot), ("goal", &health.goal), ("parameters", &health.parameters)]
}

/// The level of the worst input, and everything that is wrong with them.
fn inputs_state(health: &Health, pose: Option<String>, now: Duration) -> (u8, String) {
    let problems: Vec<_> =
        inputs(health).iter().filter_map(|(_, input)| input.problem(now)).map(str::to_owned).collect();
    let missing = inputs(health).into_iter().filter_map(|(_, input)| input.missing().map(str::to_owned));
    let missing: Vec<_> = missing.chain(pose).collect();
    let level = match (problems.is_empty(), missing.is_empty()) {
        (false, _) => ERROR,
        (true, false) => STALE,
        (true, true) => return (OK, "all inputs are there".to_owned()),
    };
    (level, problems.into_iter().chain(missing).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_are_missing_are_stale_and_refused_ones_are_errors_and_all_are_named() {
        let now = Duration::from_secs(10);
        let mut health = Health::default();
        assert_eq!(inputs_state(&health, None, now), (OK, "all inputs are there".to_owned()));
        health.grid.miss("no grid has come on topic map".to_owned());
        assert_eq!(inputs_state(&health, None, now), (STALE, "no grid has come on topic map".to_owned()));
        health.goal.refuse("goal refused: pose.position.x is NaN", now);
        let (level, text) = inputs_state(&health, Some("pose is old".to_owned()), now);
        assert_eq!(level, ERROR);
        assert_eq!(text, "goal refused: pose.position.x is NaN; no grid has come on topic map; pose is old");
        health.grid.good(now);
        health.goal.good(now);
        let later = now + Duration::from_secs(5);
        assert_eq!(inputs_state(&health, None, later).0, OK);
    }
}
