//! The planner thread: plans when that is due. After the first plans it causes no page fault, allocates and frees
//! nothing, takes no lock, and doesn't log or publish: plans leave through the [plan
//! channel](crate::threads::plan_channel), and what they no longer need through that for
//! [garbage](crate::threads::garbage).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use trm_config::Config;
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::{Point, Pose};
use trm_planner::epoch::{Epoch, Epochs};
use trm_planner::guidance_worker::Guided;
use trm_planner::halt::deadline::Clock;
use trm_planner::{Planner, Request};
use trm_rt::meter::Meter;
use trm_rt::ring::Receiver;
use trm_rt::usage::Usage;

use crate::messages::{Garbage, PlannerEvent};
use crate::plan_record::{Failure, GuidanceTimes, PlanRecord, PlanTimes};
use crate::robot_pose::PoseReader;
use crate::shared::{HEARTBEAT, Shared};
use crate::threads::garbage::GarbageSender;
use crate::threads::plan_channel::PlanSender;
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
    planner: Box<Planner>,
    robot_pose: PoseReader,
    publisher: PlanSender,
    garbage: GarbageSender,
    costmap: Option<Box<Costmap>>,
    guidance: Option<Box<Guided>>,
    goal: Option<Goal>,
    /// The latest epoch that an event has told of. When a later one has begun, the plan that is being made is
    /// cancelled.
    epoch: u64,
    plans: u64,
    ticks: Ticks,
    is_active: bool,
    /// A plan is due at once, because of something that arrived at this time.
    urgent: Option<Duration>,
    /// The grid has changed because of something that arrived at this time, and the path may be blocked.
    grid_changed: Option<Duration>,
    meter: Meter,
}

impl PlannerThread {
    /// The thread before anything has come.
    pub fn new(
        shared: Arc<Shared>,
        epochs: Arc<Epochs>,
        config: Config,
        planner: Planner,
        robot_pose: PoseReader,
        (publisher, garbage): (PlanSender, GarbageSender),
    ) -> Self {
        Self {
            shared,
            epochs,
            ticks: Ticks::new(config.node.planner_frequency),
            is_active: config.node.autostart,
            config: Box::new(config),
            planner: Box::new(planner),
            robot_pose,
            publisher,
            garbage,
            costmap: None,
            guidance: None,
            goal: None,
            epoch: 0,
            plans: 0,
            urgent: None,
            grid_changed: None,
            meter: Meter::default(),
        }
    }

    /// Runs until [`PlannerEvent::Stop`].
    pub fn run(mut self, mut inbox: Receiver<PlannerEvent>) {
        let clock = self.shared.clock;
        loop {
            self.shared.beat();
            let beat = clock.now() + HEARTBEAT;
            let until = self.ticks.next().map_or(beat, |next| next.min(beat));
            inbox.wait(Some(clock.absolute(until)));
            let is_closed = inbox.is_closed();
            while self.garbage.has_room()
                && let Some(event) = inbox.take()
            {
                if !self.take(event) {
                    return;
                }
            }
            if is_closed {
                return;
            }
            self.check_path();
            self.plan_if_due();
        }
    }

    /// `false` when it is time to stop.
    fn take(&mut self, event: PlannerEvent) -> bool {
        match event {
            PlannerEvent::Grid { change, arrived } => self.take_grid(change, arrived),
            PlannerEvent::Guidance(guided) => self.take_guidance(guided),
            PlannerEvent::Goal { pose, arrived, epoch } => self.take_goal(pose, arrived, epoch),
            PlannerEvent::Active { active, epoch } => self.set_active(active, epoch),
            PlannerEvent::Config(config) => self.take_config(config),
            PlannerEvent::Planner(planner) => self.take_planner(planner),
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
            self.planner.prepare(costmap);
            self.meter.warm_up();
            // Not since the message arrived: preparing for a big map takes longer than any deadline.
            self.urgent = Some(self.shared.clock.now());
        }
    }

    /// Takes guidance, unless it is for an earlier goal.
    fn take_guidance(&mut self, guided: Box<Guided>) {
        let is_for_goal = self.goal.as_ref().is_some_and(|goal| goal.epoch == guided.epoch);
        let replaced = if is_for_goal { self.guidance.replace(guided) } else { Some(guided) };
        self.garbage.discard(replaced.map(Garbage::Guidance));
    }

    fn take_goal(&mut self, pose: Pose, arrived: Duration, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
        let goal = Goal { pose, epoch, is_planned: false, end: None };
        if self.goal.replace(goal).is_some_and(|old| !old.is_planned) {
            self.shared.goals_superseded.fetch_add(1, Ordering::Relaxed);
        }
        self.garbage.discard(self.guidance.take().map(Garbage::Guidance));
        self.urgent = Some(arrived);
        if self.is_active {
            self.ticks.start(arrived);
        }
    }

    fn set_active(&mut self, active: bool, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
        self.is_active = active;
        if !active {
            self.ticks.stop();
        } else if self.goal.is_some() {
            let now = self.shared.clock.now();
            self.urgent = Some(now);
            self.ticks.start(now);
        }
    }

    fn take_config(&mut self, config: Box<Config>) {
        if (config.node.planner_frequency - self.config.node.planner_frequency).abs() > 0.0 {
            self.ticks.set_frequency(config.node.planner_frequency, self.shared.clock.now());
        }
        self.planner.set_robot_radius(config.grid.robot_radius);
        let old = std::mem::replace(&mut self.config, config);
        self.garbage.discard(Some(Garbage::Config(old)));
    }

    fn take_planner(&mut self, planner: Box<Planner>) {
        let old = std::mem::replace(&mut self.planner, planner);
        self.garbage.discard(Some(Garbage::Planner(old)));
        if let Some(costmap) = &self.costmap {
            self.planner.prepare(costmap);
        }
        self.meter.warm_up();
    }

    /// The robot's pose, if it is known and recent.
    fn robot_pose(&mut self) -> Result<Pose, Failure> {
        let latest = self.robot_pose.read().ok_or(Failure::NoPose)?;
        latest.at(self.shared.ros_clock.now(), self.config.node.transform_tolerance)
    }

    /// Asks for a new plan at once when a change of the grid blocks the path.
    fn check_path(&mut self) {
        let Some(arrived) = self.grid_changed.take() else { return };
        let start = self.robot_pose();
        let (Some(costmap), Ok(start)) = (&self.costmap, start) else { return };
        if self.goal.is_some() && !self.planner.still_valid(costmap, start) {
            self.urgent.get_or_insert(arrived);
        }
    }

    fn plan_if_due(&mut self) {
        if !self.is_active || self.goal.is_none() {
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

    /// Makes a plan that was due at `arrived` and is late by `wake`, or finishes the goal when the robot is there.
    fn plan(&mut self, arrived: Duration, wake: Duration) {
        self.meter.begin(Usage::of_this_thread());
        let start = self.robot_pose();
        if start.is_ok_and(|start| self.is_at_goal(start)) {
            return self.finish_goal();
        }
        self.plans += 1;
        let budget = Duration::from_secs_f64(self.config.node.deadline_ms / 1e3);
        let mut record = PlanRecord { wake, ..PlanRecord::new(self.plans, budget) };
        let mut times = PlanTimes { arrived, deadline: arrived + budget, planned: arrived };
        let path = self.find_path(start, &mut record, &mut times);
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
        let clock = self.shared.clock;
        let publish_time = self.publisher.expected_publish_time().min(record.budget / 2);
        let request = Request {
            start: start?,
            goal: goal.pose,
            arrived: times.arrived,
            deadline: times.deadline.saturating_sub(publish_time),
            epoch: Some(Epoch::new(&self.epochs, self.epoch)),
        };
        let guided = self.guidance.as_deref();
        record.guidance = guided.map(|guided| guidance_times(guided, clock.now()));
        let outcome = self.planner.plan(costmap, guided.map(|guided| &guided.guidance), &request, &clock);
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

/// How long guidance took, and how old it is.
const fn guidance_times(guided: &Guided, now: Duration) -> GuidanceTimes {
    GuidanceTimes { took: guided.took, age: now.saturating_sub(guided.done) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::thread::{self, JoinHandle};

    use crossbeam_channel::unbounded;
    use trm_grid::costmap::CostmapBuilder;
    use trm_grid::geometry::Geometry;
    use trm_grid::guidance::Guidance;
    use trm_grid::occupancy::OccupancyGrid;
    use trm_grid::travel::Travel;
    use trm_grid::units::Cell;
    use trm_net::backend::{Backend, Shape, Update};
    use trm_net::bundle::Bundle;
    use trm_net::error::InferenceError;
    use trm_planner::{PlanError, Source};
    use trm_rt::ring;

    use super::*;
    use crate::commands::Commands;
    use crate::messages::PublisherEvent;
    use crate::robot_pose::RobotPose;
    use crate::shared;
    use crate::threads::garbage::{self, GarbageReceiver};
    use crate::threads::plan_channel::{self, PlanReceiver};

    const PATIENCE: Duration = Duration::from_secs(50);

    /// A model that knows nothing, and fails once it is broken.
    struct Fragile(Arc<AtomicBool>);

    impl Backend for Fragile {
        fn shape(&self) -> Shape {
            Shape { size: 32, patch: 2, hidden: 32, channels: trm_net::encode::CHANNELS.len() }
        }

        fn encode(&mut self, _: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
            x.fill(0.5);
            Ok(())
        }

        fn net(&mut self, _: Update, _: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
            if self.0.load(Ordering::SeqCst) {
                return Err(InferenceError::new("net", "no memory"));
            }
            out.fill(0.0);
            Ok(1.0)
        }

        fn decode(&mut self, _: &[f32], _: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
            moves.fill(0.0);
            Ok(0.0)
        }
    }

    /// Everything around a running planner thread.
    struct Bench {
        shared: Arc<Shared>,
        commands: Commands,
        plans: PlanReceiver,
        garbage: GarbageReceiver,
        costmap: Costmap,
        is_broken: Arc<AtomicBool>,
        thread: JoinHandle<()>,
    }

    /// With time enough for every plan, however busy the machine is.
    fn config() -> Config {
        Config::with(|config| {
            config.node.planner_frequency = 100.0;
            config.node.deadline_ms = 5000.0;
        })
    }

    /// An empty room of 3 m x 2 m, and a robot in it.
    fn bench() -> Bench {
        let config = config();
        let (shared, robot_pose) = shared::for_tests(&config.node);
        let shared = Arc::new(shared);
        let bundle = Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32")).unwrap();
        let is_broken = Arc::<AtomicBool>::default();
        let backend = Box::new(Fragile(Arc::clone(&is_broken)));
        let planner = Planner::with_backend(&config.grid, &config.planner, &bundle, backend, &shared.clock).unwrap();
        let geometry = Geometry::new(60, 40, 0.05, Pose::default()).unwrap();
        let mut builder = CostmapBuilder::new(&config.grid, config.node.grid_source);
        let costmap = builder.replace(OccupancyGrid::new(geometry, vec![0; 2400]).unwrap()).clone();
        let (to_planner, inbox) = ring::channel(EVENTS);
        let (sender, plans) = plan_channel::channel();
        let (to_world, garbage) = garbage::channel(4);
        let epochs = Arc::<Epochs>::default();
        let commands = Commands { epochs: Arc::clone(&epochs), planner: to_planner.shared(), guidance: unbounded().0 };
        let thread = PlannerThread::new(Arc::clone(&shared), epochs, config, planner, robot_pose, (sender, to_world));
        let thread = thread::spawn(move || thread.run(inbox));
        let bench = Bench { shared, commands, plans, garbage, costmap, is_broken, thread };
        bench.robot_at(Pose::new(0.5, 0.5, 0.0));
        bench.send(PlannerEvent::Grid {
            change: GridChange::Whole(Box::new(bench.costmap.clone())),
            arrived: Duration::ZERO,
        });
        bench
    }

    impl Bench {
        fn robot_at(&self, pose: Pose) {
            self.shared.latest_pose().set(Some(RobotPose { pose, stamp: None }));
        }

        fn send(&self, event: PlannerEvent) {
            assert!(self.commands.planner.send(event).is_ok());
        }

        fn goal(&self, pose: Pose) {
            self.commands.goal(pose, self.shared.clock.now());
        }

        /// The next plan, and where its path ends; `None` when the goal is reached.
        fn next(&mut self) -> Option<(PlanRecord, Option<Point>)> {
            match self.plans.events.take_within(PATIENCE).expect("a plan") {
                PublisherEvent::GoalReached => None,
                PublisherEvent::Plan { record, poses, .. } => {
                    let end = poses.as_ref().and_then(|poses| poses.last()).map(|pose| pose.point());
                    if let Some(poses) = poses {
                        self.plans.give_back(poses);
                    }
                    Some((record, end))
                }
            }
        }

        /// The first plan that ends there.
        fn plan_to(&mut self, goal: Pose) -> PlanRecord {
            loop {
                let (record, end) = self.next().expect("the goal isn't reached yet");
                if end.is_some_and(|end| end.distance(goal.point()) < 1e-6) {
                    return record;
                }
            }
        }

        fn stop(self) {
            self.commands.stop();
            self.thread.join().unwrap();
        }
    }

    #[test]
    fn an_inference_failure_is_reported_with_its_cause_and_planning_goes_on() {
        let mut bench = bench();
        bench.is_broken.store(true, Ordering::SeqCst);
        // In the window: without guidance the model isn't asked about others.
        let goal = Pose::new(1.0, 1.0, 0.0);
        bench.goal(goal);
        let report = bench.plan_to(goal).report.unwrap();
        assert_eq!(report.source, Source::Fallback);
        let cause = report.inference_error.map(|error| error.to_string());
        assert_eq!(cause.as_deref(), Some("inference: graph net failed: no memory"));
        bench.is_broken.store(false, Ordering::SeqCst);
        assert!((0..100).any(|_| bench.plan_to(goal).report.unwrap().inference_error.is_none()));
        bench.stop();
    }

    #[test]
    fn a_reached_goal_ends_its_epoch_and_the_next_goal_is_planned_to() {
        let mut bench = bench();
        let goal = Pose::new(2.0, 1.0, 0.0);
        bench.goal(goal);
        bench.plan_to(goal);
        assert!(!bench.commands.epochs.is_finished(1));
        bench.robot_at(goal);
        while bench.next().is_some() {}
        assert!(bench.commands.epochs.is_finished(1));
        let other = Pose::new(0.5, 1.5, 0.0);
        bench.goal(other);
        bench.plan_to(other);
        assert!(!bench.commands.epochs.is_finished(2));
        bench.stop();
    }

    #[test]
    fn guidance_counts_for_its_own_goal_alone_even_after_a_pause() {
        let mut bench = bench();
        let travel = Travel::new(&Config::default().grid);
        let guided = |bench: &Bench, epoch| {
            let guidance = Guidance::compute(&bench.costmap, Cell::new(40, 20), travel, &|| false).unwrap();
            let (took, done) = (Duration::from_millis(7), bench.shared.clock.now());
            PlannerEvent::Guidance(Box::new(Guided { guidance, took, done, epoch }))
        };
        let goal = Pose::new(2.025, 1.025, 0.0);
        bench.goal(goal);
        bench.goal(goal);
        bench.send(guided(&bench, 1));
        assert!(bench.commands.set_active(false) && bench.commands.set_active(true));
        bench.plan_to(goal);
        while garbage::tests::count(&mut bench.garbage) == 0 {
            assert!(bench.plan_to(goal).guidance.is_none(), "that of the first goal is garbage");
        }
        bench.send(guided(&bench, 2));
        let times = (0..1000).find_map(|_| bench.plan_to(goal).guidance).unwrap();
        assert_eq!(times.took, Duration::from_millis(7));
        bench.stop();
    }

    #[test]
    fn events_wait_while_garbage_does_and_the_plans_before_a_waiting_goal_are_cancelled() {
        let mut bench = bench();
        let (goal, other) = (Pose::new(2.4, 1.4, 0.0), Pose::new(0.5, 1.5, 0.0));
        bench.goal(goal);
        bench.plan_to(goal);
        for _ in 0..50 {
            bench.send(PlannerEvent::Config(Box::new(config())));
        }
        bench.goal(other);
        let is_cancelled = |(record, end): (PlanRecord, Option<Point>)| {
            assert!(end.is_none_or(|end| end.distance(other.point()) > 0.5), "the goal waits");
            record.result == Err(Failure::Plan(PlanError::Cancelled))
        };
        let mut cancelled = 0;
        while cancelled < 3 {
            cancelled += u32::from(bench.next().is_some_and(is_cancelled));
        }
        let mut freed = 0;
        let plan = loop {
            freed += garbage::tests::count(&mut bench.garbage);
            let (record, end) = bench.next().unwrap();
            if end.is_some_and(|end| end.distance(other.point()) < 1e-6) {
                break record;
            }
        };
        assert_eq!(plan.result, Ok(()));
        assert_eq!(freed + garbage::tests::count(&mut bench.garbage), 50, "nothing was lost");
        bench.stop();
    }
}
