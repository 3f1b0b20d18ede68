//! The planner thread: plans when that is due. After the first plans it causes no page fault, allocates and frees
//! nothing, takes no lock, and doesn't log or publish: plans leave through the [plan
//! channel](crate::threads::plan_channel), and what they no longer need through that for
//! [garbage](crate::threads::garbage).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use trm_config::{Config, SuspectMap};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::{Point, Pose};
use trm_planner::epoch::{Epoch, Epochs};
use trm_planner::guided::{Guided, Purpose};
use trm_planner::halt::deadline::Clock;
use trm_planner::halt::path_time::{PUBLISHING, PathTime};
use trm_planner::record::entry::Event;
use trm_planner::{PlanError, Planner, Request};
use trm_rt::meter::Meter;
use trm_rt::ring::Receiver;
use trm_rt::usage::Usage;

use crate::heartbeats::{HEARTBEAT, Part};
use crate::map::held::{Held, HeldReader};
use crate::map::suspicion::Suspect;
use crate::messages::{Garbage, PlannerEvent};
use crate::notes::{self, NoteSender};
use crate::plan_record::{Failure, GuidanceTimes, MapState, PlanRecord, PlanTimes};
use crate::planners::Planners;
use crate::robot_pose::PoseReader;
use crate::shared::Shared;
use crate::threads::garbage::GarbageSender;
use crate::threads::plan_channel::PlanSender;
use crate::threads::planner::requests::Requests;
use crate::threads::ticks::Ticks;

/// How many events may wait for the thread.
pub const EVENTS: usize = 256;

struct Goal {
    pose: Pose,
    /// The epoch that began with it.
    epoch: u64,
    /// Whether anything has been planned for it.
    is_planned: bool,
    /// Where the last plan to it ended, which may be a free cell near it.
    end: Option<Point>,
}

/// The planner thread's state.
pub struct PlannerThread {
    shared: Arc<Shared>,
    epochs: Arc<Epochs>,
    config: Box<Config>,
    planners: Box<Planners>,
    robot_pose: PoseReader,
    /// What the world thread's costs hold.
    world_holds: HeldReader,
    /// What this thread's costs hold.
    held: Held,
    /// Why they may lack something that was published, as far as it was known before the last events were taken.
    suspect: Option<Suspect>,
    publisher: PlanSender,
    garbage: GarbageSender,
    costmap: Option<Box<Costmap>>,
    guidance: Option<Box<Guided>>,
    goal: Option<Goal>,
    requests: Requests,
    /// Past times of checking the whole path of a request anew, for which its legs leave room.
    check_time: PathTime,
    /// The latest epoch that an event has told of. When a later one has begun, the plan that is being made is
    /// cancelled.
    epoch: u64,
    plans: u64,
    ticks: Ticks,
    is_active: bool,
    /// A plan is due at once, because of something that arrived at this time.
    urgent: Option<Duration>,
    /// A plan that was due at this time, and woke up so late, is made again with the guidance that has ended it.
    put_off: Option<(Duration, Duration)>,
    /// The number of the newest guidance over headings that plans have, or that has ended one.
    known: u64,
    /// The grid has changed because of something that arrived at this time, and the path may be blocked.
    grid_changed: Option<Duration>,
    meter: Meter,
    /// Takes notes of the plans of the ticks, if they are wanted.
    notes: Option<NoteSender>,
}

impl PlannerThread {
    /// The thread before anything has come.
    pub fn new(
        shared: Arc<Shared>,
        epochs: Arc<Epochs>,
        config: Config,
        planners: Planners,
        (robot_pose, world_holds): (PoseReader, HeldReader),
        (publisher, garbage): (PlanSender, GarbageSender),
    ) -> Self {
        let is_active = shared.active.load(Ordering::Relaxed);
        let check_time = PathTime::new(PUBLISHING, config.planner.time_quantile);
        Self {
            shared,
            epochs,
            ticks: Ticks::new(config.node.planner_frequency),
            is_active,
            config: Box::new(config),
            planners: Box::new(planners),
            robot_pose,
            world_holds,
            held: Held::default(),
            suspect: None,
            publisher,
            garbage,
            costmap: None,
            guidance: None,
            goal: None,
            requests: Requests::new(),
            check_time,
            epoch: 0,
            plans: 0,
            urgent: None,
            put_off: None,
            known: 0,
            grid_changed: None,
            meter: Meter::default(),
            notes: None,
        }
    }

    /// Takes notes of the plans of the ticks.
    #[must_use]
    pub fn with_notes(mut self, notes: NoteSender) -> Self {
        self.notes = Some(notes);
        self.note(Event::Use(self.planners.ticks.number()));
        self
    }

    fn note(&mut self, event: Event) {
        if let Some(notes) = &mut self.notes {
            notes.event(event, self.costmap.as_deref());
        }
    }

    /// Tells the planners of the robot's size.
    fn set_robot(&mut self) {
        let grid = &self.config.grid;
        self.planners.set_robot(grid);
        self.note(Event::Robot { radius: grid.robot_radius, has_footprint: grid.footprint.is_some() });
    }

    /// Runs until [`PlannerEvent::Stop`].
    pub fn run(mut self, mut inbox: Receiver<PlannerEvent>) {
        let clock = self.shared.clock.clone();
        loop {
            self.shared.beat(Part::Planner);
            inbox.wait(Some(clock.absolute(self.next(clock.now()))));
            let is_closed = inbox.is_closed();
            if !self.step(&mut inbox) || is_closed {
                return;
            }
        }
    }

    /// When there is something to do if no event comes.
    #[must_use]
    pub fn next(&self, now: Duration) -> Duration {
        let due = [self.ticks.next(), self.requests.next(), self.put_off.map(|_| Duration::ZERO)];
        due.into_iter().flatten().fold(now + HEARTBEAT, Duration::min)
    }

    /// The costs that are planned on; `None` before the first grid.
    #[must_use]
    pub fn costmap(&self) -> Option<&Costmap> {
        self.costmap.as_deref()
    }

    /// How many plans were made.
    #[must_use]
    pub const fn plans(&self) -> u64 {
        self.plans
    }

    /// Takes the events that have come, and plans if that is due. `false` when it is time to stop.
    pub fn step(&mut self, inbox: &mut Receiver<PlannerEvent>) -> bool {
        // Read before the events: those that made it true come with them.
        let (held, suspect) = (*self.world_holds.read(), self.shared.ledger.suspicion.get());
        loop {
            if !self.garbage.has_room() {
                self.suspect = self.suspect.or(suspect);
                break;
            }
            let Some(event) = inbox.take() else {
                (self.held, self.suspect) = (held, suspect);
                break;
            };
            if !self.take(event) {
                return false;
            }
        }
        self.check_path();
        self.plan_if_due();
        self.serve();
        true
    }

    /// `false` when it is time to stop.
    fn take(&mut self, event: PlannerEvent) -> bool {
        match event {
            PlannerEvent::Grid { change, arrived } => self.take_grid(change, arrived),
            PlannerEvent::Guidance(guided) => self.take_guidance(guided),
            PlannerEvent::Goal { pose, arrived, epoch } => self.take_goal(pose, arrived, epoch),
            PlannerEvent::Active { active, epoch } => self.set_active(active, epoch),
            PlannerEvent::Forget { epoch } => self.forget(epoch),
            PlannerEvent::Config(config) => self.take_config(config),
            PlannerEvent::Request(request) => self.take_request(request),
            // The next round sees which one it was.
            PlannerEvent::Cancelled => {}
            PlannerEvent::Planners(planners) => self.take_planners(planners),
            PlannerEvent::Stop => return false,
        }
        true
    }

    fn take_grid(&mut self, change: GridChange, arrived: Duration) {
        let before = self.costmap.as_ref().map(|costmap| *costmap.geometry());
        let replaced = change.apply(&mut self.costmap);
        self.garbage.discard(replaced.map(Garbage::Grid));
        let Some(costmap) = &self.costmap else { return };
        if before == Some(*costmap.geometry()) {
            self.grid_changed = Some(arrived);
        } else {
            self.planners.prepare(costmap);
            lay_over(&mut self.guidance, costmap, self.goal.as_ref());
            self.requests.lay_over(costmap);
            self.meter.warm_up();
            // Not since the message arrived: preparing for a big map takes longer than any deadline.
            self.urgent = Some(self.shared.clock.now());
        }
    }

    /// Takes guidance, unless it is for an earlier goal.
    fn take_guidance(&mut self, guided: Box<Guided>) {
        self.known = self.known.max(guided.number);
        if matches!(guided.purpose, Purpose::Ask(_)) {
            let replaced = self.requests.keep(guided, self.costmap.as_deref(), self.shared.clock.now());
            self.garbage.discard(replaced.map(Garbage::Guidance));
            return;
        }
        let is_for_goal = self.goal.as_ref().is_some_and(|goal| guided.purpose == Purpose::Goal(goal.epoch));
        let mut guided = Some(guided);
        if is_for_goal {
            Guided::replace(&mut self.guidance, &mut guided);
        }
        self.garbage.discard(guided.map(Garbage::Guidance));
        if let Some(costmap) = &self.costmap {
            lay_over(&mut self.guidance, costmap, self.goal.as_ref());
        }
    }

    fn take_goal(&mut self, pose: Pose, arrived: Duration, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
        let goal = Goal { pose, epoch, is_planned: false, end: None };
        if self.goal.replace(goal).is_some_and(|old| !old.is_planned) {
            self.shared.goals_superseded.fetch_add(1, Ordering::Relaxed);
        }
        self.garbage.discard(self.guidance.take().map(Garbage::Guidance));
        (self.urgent, self.put_off) = (Some(arrived), None);
        if self.is_active {
            self.ticks.start(arrived);
        }
    }

    fn set_active(&mut self, active: bool, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
        self.is_active = active;
        if !active {
            self.ticks.stop();
            self.requests.wake(self.shared.clock.now());
        } else if self.goal.is_some() {
            let now = self.shared.clock.now();
            self.urgent = Some(now);
            self.ticks.start(now);
        }
    }

    /// Forgets the goal, and what has been thought of on the way there.
    fn forget(&mut self, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
        self.goal = None;
        self.ticks.stop();
        self.garbage.discard(self.guidance.take().map(Garbage::Guidance));
        self.planners.reset();
        self.note(Event::Reset);
    }

    fn take_config(&mut self, config: Box<Config>) {
        if (config.node.planner_frequency - self.config.node.planner_frequency).abs() > 0.0 {
            self.ticks.set_frequency(config.node.planner_frequency, self.shared.clock.now());
        }
        let old = std::mem::replace(&mut self.config, config);
        self.set_robot();
        self.garbage.discard(Some(Garbage::Config(old)));
    }

    fn take_planners(&mut self, planners: Box<Planners>) {
        let mut old = std::mem::replace(&mut self.planners, planners);
        if let Some(costmap) = &self.costmap {
            self.planners.prepare(costmap);
        }
        self.planners.take_over(&mut old);
        self.note(Event::Use(self.planners.ticks.number()));
        // They may have been ordered before the robot became another one.
        self.set_robot();
        self.garbage.discard(Some(Garbage::Planners(old)));
        self.meter.warm_up();
    }

    /// The robot's pose, if it is known and recent.
    fn robot_pose(&mut self) -> Result<Pose, Failure> {
        let latest = self.robot_pose.read().ok_or(Failure::NoPose)?;
        latest.at(self.shared.ros_time.now(), self.config.node.transform_tolerance)
    }

    /// Asks for a new plan at once when a change of the grid blocks the path.
    fn check_path(&mut self) {
        let Some(arrived) = self.grid_changed.take() else { return };
        let start = self.robot_pose();
        let (Some(costmap), Ok(start)) = (&self.costmap, start) else { return };
        if self.goal.is_some() && !self.planners.ticks.still_valid(costmap, start) {
            self.urgent.get_or_insert(arrived);
        }
    }

    fn plan_if_due(&mut self) {
        if !self.is_active || self.goal.is_none() {
            (self.urgent, self.put_off) = (None, None);
            return;
        }
        let now = self.shared.clock.now();
        let urgent = |arrived| (arrived, Duration::ZERO);
        if let Some((arrived, wake)) = self.put_off.take().or_else(|| self.urgent.take().map(urgent)) {
            self.plan(arrived, wake);
            self.ticks.served(self.shared.clock.now());
        } else if let Some(tick) = self.ticks.due(now) {
            self.plan(tick, now.saturating_sub(tick));
            self.ticks.done(self.shared.clock.now());
            self.shared.overruns.store(self.ticks.overruns(), Ordering::Relaxed);
        }
    }

    /// Makes a plan that was due at `arrived` and is late by `wake`, or finishes the goal when the robot is there. A plan that
    /// newer guidance has ended is put off until that is taken; its deadline stays.
    fn plan(&mut self, arrived: Duration, wake: Duration) {
        self.meter.begin(Usage::of_this_thread());
        let start = self.robot_pose();
        if start.is_ok_and(|start| self.is_at_goal(start)) {
            return self.finish_goal();
        }
        let budget = Duration::from_secs_f64(self.config.node.deadline_ms / 1e3);
        let mut record = PlanRecord { wake, ..PlanRecord::new(self.plans + 1, budget) };
        let mut times = PlanTimes { arrived, deadline: arrived + budget, planned: arrived };
        let path = self.find_path(start, &mut record, &mut times);
        let is_cancelled = path.as_ref().is_err_and(|failure| *failure == Failure::Plan(PlanError::Cancelled));
        if is_cancelled && !self.epochs.is_over(self.epoch) {
            (self.put_off, self.known) = (Some((arrived, wake)), self.known.max(self.epochs.told()));
            return;
        }
        self.plans += 1;
        record.result = path.as_ref().map(|_| ()).map_err(|failure| *failure);
        record.usage = self.meter.end(Usage::of_this_thread());
        record.loop_usage = self.meter.total();
        if !self.publisher.send_plan(&record, times, path.ok()) {
            self.shared.plans_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Plans from `start`, and packs the path for the publisher thread.
    fn find_path(
        &mut self,
        start: Result<Pose, Failure>,
        record: &mut PlanRecord,
        times: &mut PlanTimes,
    ) -> Result<Vec<Pose>, Failure> {
        let Some(goal) = &mut self.goal else { return Err(Failure::NoPose) };
        goal.is_planned = true;
        let costmap = self.costmap.as_deref().ok_or(Failure::NoGrid)?;
        record.map = map_state(&self.shared, self.held, self.suspect);
        check_map(&self.config, &record.map)?;
        let clock = &self.shared.clock;
        let epoch = until_newer(Epoch::new(&self.epochs, self.epoch), &self.planners.ticks, self.known);
        let publish_time = self.publisher.expected_publish_time(self.publisher.last_poses()).min(record.budget / 2);
        let request = Request {
            start: start?,
            goal: goal.pose,
            arrived: times.arrived,
            deadline: times.deadline.saturating_sub(publish_time),
            epoch: Some(epoch),
        };
        let guided = self.guidance.as_deref();
        record.guidance = guided.map(|guided| guidance_times(guided, clock.now()));
        if let Some(to_go) = guided.and_then(|guided| guided.to_go(costmap, request.start)) {
            self.epochs.note_to_go(to_go);
        }
        let (planner, tick) = (&mut self.planners.ticks, Some(record.number));
        let outcome = notes::plan(&mut self.notes, tick, planner, (costmap, guided), &request, clock);
        times.planned = clock.now();
        record.report = Some(outcome.report);
        let path = outcome.path.map_err(Failure::Plan)?;
        goal.end = path.poses().last().map(|pose| pose.point());
        record.length = path.length();
        self.publisher.pack(path.poses()).ok_or(Failure::Backlog)
    }

    /// Whether the robot is where the last plan ended.
    fn is_at_goal(&self, robot: Pose) -> bool {
        let end = self.goal.as_ref().and_then(|goal| goal.end);
        end.is_some_and(|end| robot.point().distance(end) <= self.config.node.goal_reached_tolerance)
    }

    /// The robot is at its goal: planning and guidance rest until the next one.
    fn finish_goal(&mut self) {
        if let Some(goal) = self.goal.take() {
            self.epochs.finish(goal.epoch);
        }
        self.ticks.stop();
        self.garbage.discard(self.guidance.take().map(Garbage::Guidance));
        if !self.publisher.send_goal_reached() {
            self.shared.plans_lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Guidance for a grid that has grown since leads on there, until there is newer one.
fn lay_over(guided: &mut Option<Box<Guided>>, costmap: &Costmap, goal: Option<&Goal>) {
    let (Some(guided), Some(goal)) = (guided, goal) else { return };
    for guidance in guided.guidance.iter_mut().filter(|guidance| !guidance.fits(costmap)) {
        // Where it can't, it stays unused.
        guidance.lay_over(costmap.geometry(), goal.pose.point());
    }
}

/// What the costs hold now, and what they may lack: what was `suspect` before the last events, or is now.
fn map_state(shared: &Shared, held: Held, suspect: Option<Suspect>) -> MapState {
    let lag = shared.ledger.lag(held.messages, shared.clock.now());
    MapState { held, lag, suspect: suspect.or_else(|| shared.ledger.suspicion.get()) }
}

/// Refuses to plan on costs that are older than what has arrived, or lack what was published.
fn check_map(config: &Config, map: &MapState) -> Result<(), Failure> {
    if map.lag.as_secs_f64() * 1e3 > config.node.max_map_lag_ms {
        return Err(Failure::StaleMap { lag: map.lag });
    }
    match map.suspect {
        Some(why) if config.node.suspect_map == SuspectMap::Stop => Err(Failure::SuspectMap(why)),
        _ => Ok(()),
    }
}

/// The epoch of a plan, which guidance ends that is newer than what is `known`, if such leads its planner.
const fn until_newer<'a>(epoch: Epoch<'a>, planner: &Planner, known: u64) -> Epoch<'a> {
    if planner.is_led_over_headings() { epoch.until_newer(known) } else { epoch }
}

/// How long guidance took, and how old it is.
const fn guidance_times(guided: &Guided, now: Duration) -> GuidanceTimes {
    GuidanceTimes { took: guided.took, age: now.saturating_sub(guided.done) }
}

mod requests;
mod serve;
#[cfg(test)]
mod tests;
