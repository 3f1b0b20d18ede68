//! The planner thread: plans when it is due, publishes, and reports. It doesn't log, and takes no lock that another
//! holds for longer than a copy.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use r2r::nav_msgs::msg::Path;
use tokio::sync::mpsc::UnboundedSender;
use trm_core::config::Config;
use trm_core::grid::costmap::Costmap;
use trm_core::halt::deadline::Clock;
use trm_core::halt::predictor::Predictor;
use trm_core::planner::{Planner, Request};
use trm_core::units::{Point, Pose};

use crate::convert;
use crate::guidance::{self, GuidanceInbox, Guided};
use crate::record::{Failure, Plan, Record};
use crate::shared::Shared;
use crate::ticks::Ticks;
use crate::world::{self, Garbage, GridChange, apply};

/// The thread comes round at least so often, so that a stuck one shows.
pub const HEARTBEAT: Duration = Duration::from_millis(500);

/// What comes in. Times are when the message arrived.
pub enum Event {
    Grid(GridChange, Duration),
    /// Guidance to the goal of this number.
    Guidance(Box<Guided>, u64),
    Goal(Pose, Duration),
    Config(Box<Config>),
    Planner(Box<Planner>),
    /// Start or pause planning.
    Active(bool),
    Stop,
}

struct Goal {
    pose: Pose,
    /// Counts the goals.
    number: u64,
    /// Whether anything has been planned for it.
    planned: bool,
    /// Where the last plan to it ended.
    end: Option<Point>,
}

/// The planner thread's state.
pub struct Thread {
    shared: Arc<Shared>,
    config: Box<Config>,
    planner: Box<Planner>,
    publisher: r2r::Publisher<Path>,
    records: UnboundedSender<Record>,
    world: Sender<world::Event>,
    guide: GuidanceInbox,
    costmap: Option<Box<Costmap>>,
    guidance: Option<Box<Guided>>,
    goal: Option<Goal>,
    goals: u64,
    plans: u64,
    ticks: Ticks,
    active: bool,
    /// A plan is due at once, for something that arrived at this time.
    urgent: Option<Duration>,
    /// The grid changed by something that arrived at this time; whether the path still holds is to be seen.
    grid_changed: Option<Duration>,
    message: Path,
    /// Past times of publishing, which the planner's own deadline leaves room for.
    publish_time: Predictor,
}

/// Where the planner thread sends what it makes.
pub struct Outlets {
    pub publisher: r2r::Publisher<Path>,
    pub records: UnboundedSender<Record>,
    pub world: Sender<world::Event>,
    pub guidance: GuidanceInbox,
}

impl Thread {
    pub fn new(shared: Arc<Shared>, config: Config, planner: Planner, outlets: Outlets) -> Self {
        Self {
            shared,
            ticks: Ticks::new(config.planner_frequency),
            active: config.autostart,
            publish_time: Predictor::new(config.time_quantile),
            config: Box::new(config),
            planner: Box::new(planner),
            publisher: outlets.publisher,
            records: outlets.records,
            world: outlets.world,
            guide: outlets.guidance,
            costmap: None,
            guidance: None,
            goal: None,
            goals: 0,
            plans: 0,
            urgent: None,
            grid_changed: None,
            message: Path::default(),
        }
    }

    /// Runs until [`Event::Stop`].
    pub fn run(mut self, inbox: &Receiver<Event>) {
        loop {
            self.shared.beat();
            let now = self.shared.clock.now();
            let wait = self.ticks.next().map_or(HEARTBEAT, |next| next.saturating_sub(now).min(HEARTBEAT));
            match inbox.recv_timeout(wait) {
                Ok(first) => {
                    for event in std::iter::once(first).chain(inbox.try_iter()) {
                        if !self.take(event) {
                            return;
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_at_grid();
            self.plan_if_due();
        }
    }

    /// `false` when it is time to stop.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Grid(change, arrived) => self.take_grid(change, arrived),
            Event::Guidance(guidance, number) => {
                let is_ours = self.goal.as_ref().is_some_and(|goal| goal.number == number);
                let old = if is_ours { self.guidance.replace(guidance) } else { Some(guidance) };
                self.discard(old.map(Garbage::Guidance));
            }
            Event::Goal(pose, arrived) => self.take_goal(pose, arrived),
            Event::Config(config) => {
                if (config.planner_frequency - self.config.planner_frequency).abs() > 0.0 {
                    self.ticks.set_frequency(config.planner_frequency, self.shared.clock.now());
                }
                let old = std::mem::replace(&mut self.config, config);
                self.discard(Some(Garbage::Config(old)));
            }
            Event::Planner(planner) => {
                let old = std::mem::replace(&mut self.planner, planner);
                self.discard(Some(Garbage::Planner(old)));
                if let Some(costmap) = &self.costmap {
                    self.planner.prepare(costmap);
                }
            }
            Event::Active(active) => self.activate(active),
            Event::Stop => return false,
        }
        true
    }

    fn take_grid(&mut self, change: GridChange, arrived: Duration) {
        let before = self.costmap.as_ref().map(|costmap| *costmap.geometry());
        let rest = apply(&mut self.costmap, change);
        self.discard(rest);
        let Some(costmap) = &self.costmap else { return };
        if before == Some(*costmap.geometry()) {
            self.grid_changed = Some(arrived);
        } else {
            self.planner.prepare(costmap);
            // Not since the message came: a big map takes its time, and no plan can make that good.
            self.urgent = Some(self.shared.clock.now());
        }
    }

    fn take_goal(&mut self, pose: Pose, arrived: Duration) {
        self.shared.cancel.store(false, Ordering::SeqCst);
        self.goals += 1;
        let goal = Goal { pose, number: self.goals, planned: false, end: None };
        if self.goal.replace(goal).is_some_and(|old| !old.planned) {
            self.shared.goals_superseded.fetch_add(1, Ordering::Relaxed);
        }
        let old = self.guidance.take();
        self.discard(old.map(Garbage::Guidance));
        self.guide.send(guidance::Event::Goal(pose, self.goals));
        self.urgent = Some(arrived);
        if self.active {
            self.ticks.start(arrived);
        }
    }

    fn activate(&mut self, active: bool) {
        self.shared.cancel.store(false, Ordering::SeqCst);
        self.active = active;
        if !active {
            self.ticks.stop();
        } else if self.goal.is_some() {
            let now = self.shared.clock.now();
            self.urgent = Some(now);
            self.ticks.start(now);
        }
    }

    /// A path that a change of the grid blocks is planned anew at once.
    fn look_at_grid(&mut self) {
        let Some(arrived) = self.grid_changed.take() else { return };
        let (Some(costmap), Ok(start)) = (&self.costmap, self.shared.robot(self.config.transform_tolerance)) else {
            return;
        };
        if self.goal.is_some() && !self.planner.still_valid(costmap, start) {
            self.urgent.get_or_insert(arrived);
        }
    }

    fn plan_if_due(&mut self) {
        if !self.active || self.goal.is_none() {
            self.urgent = None;
            return;
        }
        if let Some(arrived) = self.urgent.take() {
            self.plan(arrived);
            self.ticks.served(self.shared.clock.now());
        } else if let Some(tick) = self.ticks.due(self.shared.clock.now()) {
            self.plan(tick);
            self.ticks.done(self.shared.clock.now());
            self.shared.overruns.store(self.ticks.overruns(), Ordering::Relaxed);
        }
    }

    fn plan(&mut self, arrived: Duration) {
        let budget = Duration::from_secs_f64(self.config.deadline_ms / 1e3);
        let deadline = arrived + budget;
        let start = self.shared.robot(self.config.transform_tolerance);
        let (Some(goal), clock) = (&mut self.goal, self.shared.clock) else { return };
        let is_there = |start: &Pose, end: Point| start.point().distance(end) <= self.config.goal_reached_tolerance;
        if let (Ok(start), Some(end)) = (&start, goal.end)
            && is_there(start, end)
        {
            return self.reached();
        }
        self.plans += 1;
        goal.planned = true;
        let mut plan = Plan::new(self.plans, budget);
        match (&self.costmap, start) {
            (None, _) => plan.result = Err(Failure::NoGrid),
            (_, Err(failure)) => plan.result = Err(failure),
            (Some(costmap), Ok(start)) => {
                let cancel = Some(&self.shared.cancel);
                let publishing = self.publish_time.predicted().min(budget / 2);
                let deadline = deadline.saturating_sub(publishing);
                let request = Request { start, goal: goal.pose, arrived, deadline, cancel };
                plan.guidance = self.guidance.as_ref().map(|guided| guided.times(clock.now()));
                let guidance = self.guidance.as_ref().map(|guided| &guided.guidance);
                let outcome = self.planner.plan(costmap, guidance, &request, &clock);
                plan.report = Some(outcome.report);
                let planned = clock.now();
                plan.result = outcome.path.map_err(Failure::Plan).and_then(|path| {
                    goal.end = path.poses().last().map(|pose| pose.point());
                    plan.length = path.length();
                    let stamp = self.shared.ros_clock.now();
                    convert::write_path(path.poses(), &self.config.map_frame, stamp, &mut self.message);
                    plan.stamp = Some(stamp);
                    self.publisher.publish(&self.message).map_err(|_| Failure::Publish)
                });
                plan.publish = clock.now().saturating_sub(planned);
                if plan.result.is_ok() {
                    self.publish_time.record(plan.publish);
                }
            }
        }
        let done = clock.now();
        plan.total = done.saturating_sub(arrived);
        plan.missed = plan.report.is_some() && done > deadline;
        // Fails only when the node is stopping.
        let _ = self.records.send(Record::Plan(plan));
    }

    /// The goal is reached: planning stops until the next one.
    fn reached(&mut self) {
        self.goal = None;
        self.ticks.stop();
        let old = self.guidance.take();
        self.discard(old.map(Garbage::Guidance));
        self.guide.send(guidance::Event::Idle);
        let _ = self.records.send(Record::Reached);
    }

    fn discard(&self, garbage: Option<Garbage>) {
        if let Some(garbage) = garbage {
            let _ = self.world.send(world::Event::Discard(garbage));
        }
    }
}
