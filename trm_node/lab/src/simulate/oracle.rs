//! What must hold of every plan. It knows what was told to the node, and shares no code with what decides there.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use trm_config::{Config, GridConfig, SuspectMap};
use trm_flow::plan_record::{Failure, PlanRecord};
use trm_grid::geometry::Geometry;
use trm_grid::units::Pose;
use trm_planner::PlanError;

use crate::judge::asked::Asked;
use crate::judge::raw_map::{Class, RawMap};
use crate::simulate::arrivals::{Arrivals, Gap};
use crate::simulate::site::system_time;

/// Costs as the planner thread has them.
pub type Costs = (Geometry, Arc<Vec<Class>>);

/// What was known when the planner thread began a step. A plan that it makes then knows at least that.
#[derive(Debug, Clone)]
pub struct Step {
    /// Nanoseconds.
    pub began: u64,
    goals: usize,
    poses: usize,
    activations: u64,
    is_active: bool,
    gaps: usize,
    /// The first parameters that the costs, the planner, and the thread may have.
    oldest: Oldest,
    /// The costs that it planned on, once the step is done.
    pub costs: Option<Costs>,
}

/// Indices into the parameters: those that are surely replaced lie before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Oldest {
    /// Of the costs.
    pub costs: usize,
    /// Of the planner.
    pub planner: usize,
    /// Of the planner thread.
    pub thread: usize,
}

/// A path on its way out.
#[derive(Debug)]
pub struct Publication {
    /// The path.
    pub poses: Vec<Pose>,
    /// Its stamp.
    pub stamp: Duration,
    /// Whether ROS takes it.
    pub is_taken: bool,
}

/// A pose that was told.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The pose.
    pub pose: Pose,
    /// Its stamp, in ROS time.
    pub stamp: Duration,
}

/// A path that was asked for once.
#[derive(Debug)]
pub struct Request {
    /// From where; `None`: from where the robot is.
    start: Option<Pose>,
    /// Where to, one after the other.
    goals: Vec<Pose>,
    /// When the answer is due, in nanoseconds.
    due: u64,
    /// The poses that were told before.
    poses: usize,
}

/// An answer may be so late. Threads hang, and the process stands still.
const PATIENCE: u64 = 5_000_000_000;

/// What one life of the node was told, and what it must do with it.
pub struct Oracle {
    /// The grid.
    pub arrivals: Arrivals,
    /// All parameters so far.
    pub configs: Vec<Config>,
    /// See [`Oldest`].
    pub oldest: Oldest,
    /// All goals so far.
    pub goals: Vec<Pose>,
    /// All poses so far.
    pub poses: Vec<Told>,
    /// The requests that aren't answered.
    pub requests: BTreeMap<u64, Request>,
    /// Whether planning is on.
    pub is_active: bool,
    /// How often it was turned on.
    pub activations: u64,
    /// The path that is published, until its record comes.
    pub publication: Option<Publication>,
    /// Steps whose plans' records haven't come, by the plan's number.
    steps: BTreeMap<u64, Step>,
    /// The step that is being made.
    pub current: Option<Step>,
    /// The last plan's number.
    pub last: u64,
    /// Plans without a record.
    pub missing: u64,
    /// The last plan's result, and when it came.
    pub result: Option<(Result<(), Failure>, u64)>,
}

/// What a plan says.
#[derive(Clone, Copy)]
enum Claim<'a> {
    /// This may be driven.
    Path(&'a [Pose]),
    /// There is no path, for this reason.
    None(PlanError),
}

/// Whether the grid alone tells if an error is right.
const fn is_of_the_grid(error: PlanError) -> bool {
    matches!(
        error,
        PlanError::NoValidPath
            | PlanError::StartOccupied { .. }
            | PlanError::StartOutsideMap(_)
            | PlanError::GoalOccupied { .. }
            | PlanError::GoalOutsideMap(_)
    )
}

impl Oracle {
    /// At the start of a life.
    pub fn new(config: &Config) -> Self {
        Self {
            arrivals: Arrivals::new(config.node.grid_source),
            configs: vec![config.clone()],
            oldest: Oldest::default(),
            goals: Vec::new(),
            poses: Vec::new(),
            requests: BTreeMap::new(),
            is_active: true,
            activations: 0,
            publication: None,
            steps: BTreeMap::new(),
            current: None,
            last: 0,
            missing: 0,
            result: None,
        }
    }

    /// The planner thread begins a step.
    pub fn begin_step(&mut self, now: u64) {
        self.current = Some(Step {
            began: now,
            goals: self.goals.len(),
            poses: self.poses.len(),
            activations: self.activations,
            is_active: self.is_active,
            gaps: self.arrivals.gaps.len(),
            oldest: self.oldest,
            costs: None,
        });
    }

    /// The planner thread has ended a step, with plans of these numbers.
    pub fn end_step(&mut self, plans: RangeInclusive<u64>, costs: Option<&Costs>) {
        let Some(step) = self.current.take() else { return };
        for number in plans.filter(|number| *number > self.last) {
            self.steps.insert(number, Step { costs: costs.cloned(), ..step.clone() });
        }
    }

    /// A path is asked for once.
    pub fn ask(&mut self, number: u64, start: Option<Pose>, goals: Vec<Pose>, due: u64) {
        self.requests.insert(number, Request { start, goals, due, poses: self.poses.len() });
    }

    /// Which request has waited for too long.
    pub fn unanswered(&self, now: u64) -> Option<String> {
        let late = self.requests.iter().find(|(_, request)| request.due + PATIENCE < now);
        late.map(|(number, request)| format!("request {number} has no answer: {request:?}"))
    }

    /// Judges a plan by its record, which has just come: one of the ticks', or the answer to a request. The error says
    /// what doesn't hold.
    pub fn judge(&mut self, record: &PlanRecord, request: Option<&Request>, now: u64) -> Result<(), String> {
        if record.number <= self.last {
            return Err(format!("plan {} comes after plan {}", record.number, self.last));
        }
        self.missing += record.number - self.last - 1;
        self.last = record.number;
        if request.is_none() {
            self.result = Some((record.result, now));
        }
        let step = match self.steps.remove(&record.number) {
            Some(step) => step,
            None => self.current.clone().ok_or("a plan that no step made")?,
        };
        self.steps.retain(|number, _| *number > record.number);
        self.times(record, now)?;
        let publication = self.publication.take();
        match (&record.result, &publication) {
            (Ok(()), Some(path)) if path.is_taken => {}
            (Err(Failure::Publish), Some(path)) if !path.is_taken => {}
            (Ok(()) | Err(Failure::Publish), _) | (_, Some(_)) => {
                return Err(format!("the record says {:?}, published was {publication:?}", record.result));
            }
            (Err(_), None) => {}
        }
        let is_refused = record.result == Err(Failure::Inactive) || record.report.is_none() && request.is_some();
        if !step.is_active && step.activations == self.activations && !is_refused {
            return Err("a plan during a pause".to_owned());
        }
        let path = publication.as_ref().map(|path| &path.poses[..]);
        self.grid(record, &step, request, path)?;
        if let Some(path) = publication.as_ref() {
            if record.stamp != Some(path.stamp) {
                return Err("the record has another stamp than the path".to_owned());
            }
            if request.is_none_or(|request| request.start.is_none()) {
                self.pose(&step, request, &path.poses)?;
            }
        }
        self.arrivals.forget_before(record.map.held.messages);
        Ok(())
    }

    /// The times and the deadline.
    fn times(&self, record: &PlanRecord, now: u64) -> Result<(), String> {
        let total = record.total.as_nanos() as u64;
        let arrived = now.checked_sub(total).ok_or("a plan takes longer than there was time")?;
        let is_late = now > arrived + record.budget.as_nanos() as u64;
        if record.missed != (is_late && record.report.is_some()) {
            return Err(format!("missed is {}, but it took {:?} of {:?}", record.missed, record.total, record.budget));
        }
        if record.publish > record.total || (record.publish > Duration::ZERO) != record.stamp.is_some() {
            return Err(format!("publishing took {:?} of {:?}", record.publish, record.total));
        }
        let is_budget = |config: &Config| record.budget == Duration::from_secs_f64(config.node.deadline_ms / 1e3);
        if !self.configs.iter().any(is_budget) {
            return Err(format!("a budget of {:?} is no parameter", record.budget));
        }
        Ok(())
    }

    /// The grid that the plan was made on, and whether its path may be driven there.
    fn grid(
        &mut self,
        record: &PlanRecord,
        step: &Step,
        request: Option<&Request>,
        path: Option<&[Pose]>,
    ) -> Result<(), String> {
        let claim = match (path, record.result) {
            (Some(path), _) => Claim::Path(path),
            // Where a later leg would have begun isn't known.
            (None, Err(Failure::Plan(error)))
                if is_of_the_grid(error) && request.is_none_or(|request| request.goals.len() == 1) =>
            {
                Claim::None(error)
            }
            _ => return Ok(()),
        };
        let threads = &self.configs[step.oldest.thread..];
        let stops = threads.iter().all(|config| config.node.suspect_map == SuspectMap::Stop);
        let lag = threads.iter().map(|config| config.node.max_map_lag_ms).fold(0.0, f64::max);
        let must_hold = self.arrivals.number_before(step.began.saturating_sub((lag * 1e6) as u64));
        let mut least = record.map.held.messages.max(must_hold);
        if record.map.held.messages < must_hold {
            return Err(format!("costs hold {} messages, and must hold {must_hold}", record.map.held.messages));
        }
        if record.map.suspect.is_some() {
            return if stops { Err(format!("planned on a grid that is {:?}", record.map.suspect)) } else { Ok(()) };
        }
        let is_known = |gap: &&Gap| stops && gap.since < step.began;
        for gap in self.arrivals.gaps[..step.gaps].iter().filter(is_known) {
            least = least.max(gap.cured.ok_or("planned on a grid of which messages are known to be lost")?);
            if least > record.map.held.messages {
                return Err(format!(
                    "planned on {} messages, before the grid was whole again",
                    record.map.held.messages
                ));
            }
        }
        let mut why = "there was no grid".to_owned();
        let (costs, planners) = self.parameters(step);
        let pairs = || costs.iter().flat_map(|costs| planners.iter().map(move |planner| (costs, planner)));
        // Most often it is the oldest.
        for raw in self.arrivals.grids_since(least).into_iter().rev().flatten() {
            for (costs, planner) in pairs() {
                let grid = GridConfig { allow_unknown: planner.grid.allow_unknown, ..costs.clone() };
                let map = self.arrivals.map(&raw, &grid);
                let is_other = |(geometry, costs): &Costs| {
                    *geometry != raw.geometry || map.differs(costs.iter().copied()).is_some()
                };
                if step.costs.as_ref().is_some_and(is_other) {
                    if why == "there was no grid" {
                        "the costs are those of no moment".clone_into(&mut why);
                    }
                    continue;
                }
                match self.fault((step, request), claim, &map, planner) {
                    None => return Ok(()),
                    Some(fault) => why = fault,
                }
            }
        }
        Err(format!("{why} (costs of {} messages, {} came)", record.map.held.messages, self.arrivals.count))
    }

    /// The parameters that the costs may have, and those that the planner may have, as far as the judge tells them apart.
    fn parameters(&self, step: &Step) -> (Vec<GridConfig>, Vec<Config>) {
        let (mut costs, mut planners): (Vec<GridConfig>, Vec<Config>) = (Vec::new(), Vec::new());
        let of_costs = |grid: &GridConfig| (grid.robot_radius.to_bits(), grid.occupied_threshold);
        for config in self.configs.iter().skip(step.oldest.costs) {
            if costs.iter().all(|other| of_costs(other) != of_costs(&config.grid)) {
                costs.push(config.grid.clone());
            }
        }
        let of_planner = |config: &Config| {
            let planner = &config.planner;
            let tolerances = (planner.tolerance.to_bits(), planner.start_tolerance.to_bits());
            (config.grid.allow_unknown, planner.allow_fallback, tolerances)
        };
        for config in self.configs.iter().skip(step.oldest.planner) {
            if planners.iter().all(|other| of_planner(other) != of_planner(config)) {
                planners.push(config.clone());
            }
        }
        (costs, planners)
    }

    /// What is wrong with a claim; `None` if it is right from a pose and to a goal that the thread may have known.
    fn fault(
        &self,
        (step, request): (&Step, Option<&Request>),
        claim: Claim,
        map: &RawMap,
        config: &Config,
    ) -> Option<String> {
        let mut why = "there was neither pose nor goal".to_owned();
        let told = request.map_or(step.poses, |request| request.poses);
        let given = request.and_then(|request| request.start);
        let starts = self.poses[told.saturating_sub(1)..].iter().map(|told| told.pose);
        let starts = given.into_iter().chain(starts.filter(|_| given.is_none()));
        let goals = match request {
            Some(request) => &request.goals[request.goals.len() - 1..],
            None => &self.goals[step.goals.saturating_sub(1)..],
        };
        for start in starts {
            for goal in goals {
                let goal = *goal;
                let asked = Asked { map, config, start, goal, is_tight: true, may_lag: true };
                let fault = match claim {
                    Claim::Path(path) => asked.path(path),
                    Claim::None(error) => asked.refusal(error),
                };
                why = fault?;
            }
        }
        Some(why)
    }

    /// A path begins at a pose of the robot that wasn't too old.
    fn pose(&self, step: &Step, request: Option<&Request>, path: &[Pose]) -> Result<(), String> {
        let Some(start) = path.first() else { return Err("an empty path".to_owned()) };
        // A request's first leg may have been planned in an earlier step.
        let now = system_time(request.map_or(step.began, |request| request.due.saturating_sub(PATIENCE)));
        let tolerances = self.configs[step.oldest.thread..].iter().map(|config| config.node.transform_tolerance);
        let tolerance = Duration::from_secs_f64(tolerances.fold(0.0, f64::max));
        let poses = &self.poses[request.map_or(step.poses, |request| request.poses).saturating_sub(1)..];
        let is_start = |told: &Told| told.pose.point().distance(start.point()) <= 0.25 && told.stamp + tolerance >= now;
        if poses.iter().any(is_start) { Ok(()) } else { Err(format!("begins at {start:?}, the poses are {poses:?}")) }
    }
}
