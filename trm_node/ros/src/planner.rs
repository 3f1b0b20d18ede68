//! The planner thread: plans when it is due. After the first plans it causes no page fault, allocates and frees nothing,
//! takes no lock, and doesn't log or publish: what it makes goes out through the [`outlet`](crate::outlet).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_planner::halt::deadline::Clock;
use trm_planner::{Planner, Request};
use trm_grid::units::{Point, Pose};
use trm_rt::usage::Usage;

use crate::guidance::{self, Guided};
use crate::inbox::Receiver;
use crate::outlet::{Moments, Outlet, Parcel};
use crate::record::{Failure, Plan};
use crate::shared::{RobotReader, Shared};
use crate::ticks::Ticks;
use crate::usage::Meter;
use crate::world::{Garbage, GridChange, apply};

/// The thread comes round at least so often, so that a stuck one shows.
pub const HEARTBEAT: Duration = Duration::from_millis(500);
/// How many events may wait for it.
pub const EVENTS: usize = 256;

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
    robot: RobotReader,
    outlet: Outlet,
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
    meter: Meter,
}

impl Thread {
    pub fn new(shared: Arc<Shared>, config: Config, planner: Planner, robot: RobotReader, outlet: Outlet) -> Self {
        Self {
            shared,
            ticks: Ticks::new(config.node.planner_frequency),
            active: config.node.autostart,
            config: Box::new(config),
            planner: Box::new(planner),
            robot,
            outlet,
            costmap: None,
            guidance: None,
            goal: None,
            goals: 0,
            plans: 0,
            urgent: None,
            grid_changed: None,
            meter: Meter::default(),
        }
    }

    /// Runs until [`Event::Stop`].
    pub fn run(mut self, mut inbox: Receiver<Event>) {
        let clock = self.shared.clock;
        loop {
            self.shared.beat();
            let beat = clock.now() + HEARTBEAT;
            let until = self.ticks.next().map_or(beat, |next| next.min(beat));
            inbox.wait(Some(clock.absolute(until)));
            let closed = inbox.is_closed();
            while self.outlet.has_room()
                && let Some(event) = inbox.take()
            {
                if !self.take(event) {
                    return;
                }
            }
            if closed {
                return;
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
                if (config.node.planner_frequency - self.config.node.planner_frequency).abs() > 0.0 {
                    self.ticks.set_frequency(config.node.planner_frequency, self.shared.clock.now());
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
                self.meter.warm_up();
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
            self.meter.warm_up();
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
        self.outlet.give(Parcel::Guide(guidance::Event::Goal(pose, self.goals)));
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

    /// The robot's pose, if it is known and of the present.
    fn robot(&mut self) -> Result<Pose, Failure> {
        let newest = self.robot.read().ok_or(Failure::NoPose)?;
        newest.at(self.shared.ros_clock.now(), self.config.node.transform_tolerance)
    }

    /// A path that a change of the grid blocks is planned anew at once.
    fn look_at_grid(&mut self) {
        let Some(arrived) = self.grid_changed.take() else { return };
        let start = self.robot();
        let (Some(costmap), Ok(start)) = (&self.costmap, start) else { return };
        if self.goal.is_some() && !self.planner.still_valid(costmap, start) {
            self.urgent.get_or_insert(arrived);
        }
    }

    fn plan_if_due(&mut self) {
        if !self.active || self.goal.is_none() {
            self.urgent = None;
            return;
        }
        let now = self.shared.clock.now();
        if let Some(arrived) = self.urgent.take() {
            self.plan(arrived, Duration::ZERO);
            self.ticks.served(self.shared.clock.now());
        } else if let Some(tick) = self.ticks.due(now) {
            self.plan(tick, now.saturating_sub(tick));
            self.ticks.done(self.shared.clock.now());
            self.shared.overruns.store(self.ticks.overruns(), Ordering::Relaxed);
        }
    }

    fn plan(&mut self, arrived: Duration, wake: Duration) {
        self.meter.begin(Usage::of_this_thread());
        let budget = Duration::from_secs_f64(self.config.node.deadline_ms / 1e3);
        let deadline = arrived + budget;
        let start = self.robot();
        let (Some(goal), clock) = (&mut self.goal, self.shared.clock) else { return };
        let is_there = |start: &Pose, end: Point| start.point().distance(end) <= self.config.node.goal_reached_tolerance;
        if let (Ok(start), Some(end)) = (&start, goal.end)
            && is_there(start, end)
        {
            return self.reached();
        }
        self.plans += 1;
        goal.planned = true;
        let mut plan = Plan { wake, ..Plan::new(self.plans, budget) };
        let mut moments = Moments { arrived, deadline, planned: arrived };
        let mut poses = None;
        match (&self.costmap, start) {
            (None, _) => plan.result = Err(Failure::NoGrid),
            (_, Err(failure)) => plan.result = Err(failure),
            (Some(costmap), Ok(start)) => {
                let cancel = Some(&self.shared.cancel);
                let deadline = deadline.saturating_sub(self.outlet.expected().min(budget / 2));
                let request = Request { start, goal: goal.pose, arrived, deadline, cancel };
                plan.guidance = self.guidance.as_ref().map(|guided| guided.times(clock.now()));
                let guidance = self.guidance.as_ref().map(|guided| &guided.guidance);
                let outcome = self.planner.plan(costmap, guidance, &request, &clock);
                moments.planned = clock.now();
                plan.report = Some(outcome.report);
                match outcome.path {
                    Ok(path) => {
                        goal.end = path.poses().last().map(|pose| pose.point());
                        plan.length = path.length();
                        poses = self.outlet.pack(path.poses());
                        plan.result = poses.as_ref().map(|_| ()).ok_or(Failure::Backlog);
                    }
                    Err(error) => plan.result = Err(Failure::Plan(error)),
                }
            }
        }
        plan.usage = self.meter.end(Usage::of_this_thread());
        plan.loop_usage = self.meter.total();
        if !self.outlet.plan(&plan, moments, poses) {
            self.shared.plans_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The goal is reached: planning stops until the next one.
    fn reached(&mut self) {
        self.goal = None;
        self.ticks.stop();
        let old = self.guidance.take();
        self.discard(old.map(Garbage::Guidance));
        self.outlet.give(Parcel::Guide(guidance::Event::Idle));
        self.outlet.give(Parcel::Reached);
    }

    fn discard(&mut self, garbage: Option<Garbage>) {
        if let Some(garbage) = garbage {
            self.outlet.give(Parcel::Garbage(garbage));
        }
    }
}
