//! The planner thread, with a model that may fail and without ROS.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};

use crossbeam_channel::unbounded;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_net::bundle::Bundle;
use trm_net::error::InferenceError;
use trm_net::graph::Graph;
use trm_net::graphs::{Graphs, Shape, Update};
use trm_net::host::HostBackend;
use trm_planner::{PlanError, Planner, Source};
use trm_rt::ring;

use super::*;
use crate::commands::Commands;
use crate::map::held;
use crate::map::suspicion::Suspect;
use crate::messages::PublisherEvent;
use crate::robot_pose::RobotPose;
use crate::shared;
use crate::threads::garbage::{self, GarbageReceiver};
use crate::threads::plan_channel::{self, PlanReceiver};

mod requests;

const PATIENCE: Duration = Duration::from_secs(50);

/// A model that knows nothing, and fails once it is broken.
struct Fragile(Arc<AtomicBool>);

impl Graphs for Fragile {
    fn shape(&self) -> Shape {
        Shape { size: 32, patch: 2, hidden: 32, channels: trm_net::encode::CHANNELS.len(), prefix: 0 }
    }

    fn encode(&mut self, _: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        x.fill(0.5);
        Ok(())
    }

    fn net(&mut self, _: Update, _: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        if self.0.load(Ordering::SeqCst) {
            return Err(InferenceError::new(Graph::Net, "no memory"));
        }
        out.fill(0.0);
        Ok(1.0)
    }

    fn decode(&mut self, _: &[f32], _: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        moves.fill(0.0);
        Ok(0.0)
    }
}

/// Everything around a planner thread, which runs, or is here with its inbox.
struct Bench<T = JoinHandle<()>> {
    shared: Arc<Shared>,
    commands: Commands,
    plans: PlanReceiver,
    garbage: GarbageReceiver,
    costmap: Costmap,
    is_broken: Arc<AtomicBool>,
    world_holds: held::HeldWriter,
    thread: T,
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
    let Bench { shared, commands, plans, garbage, costmap, is_broken, world_holds, thread: (thread, inbox) } =
        bench_of(config());
    let thread = thread::spawn(move || thread.run(inbox));
    Bench { shared, commands, plans, garbage, costmap, is_broken, world_holds, thread }
}

/// The same before the thread runs.
fn bench_of(config: Config) -> Bench<(PlannerThread, Receiver<PlannerEvent>)> {
    let (shared, robot_pose) = shared::for_tests(&config.node);
    let shared = Arc::new(shared);
    let bundle = Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32")).unwrap();
    let is_broken = Arc::<AtomicBool>::default();
    let make = |config: &Config| {
        let graphs = Box::new(Fragile(Arc::clone(&is_broken)));
        let backend = Box::new(HostBackend::new(&bundle, graphs));
        Planner::with_backend(&config.grid, &config.planner, &bundle, backend, &shared.clock)
    };
    let planners = Planners::make(&config, make).unwrap();
    let geometry = Geometry::new(60, 40, 0.05, Pose::default()).unwrap();
    let costmap = build(&config.grid, config.node.grid_source, OccupancyGrid::new(geometry, vec![0; 2400]).unwrap());
    let (to_planner, inbox) = ring::channel(EVENTS);
    let (sender, plans) = plan_channel::channel();
    let (to_world, garbage) = garbage::channel(4);
    let epochs = Arc::<Epochs>::default();
    let commands = Commands { epochs: Arc::clone(&epochs), planner: to_planner.shared(), guidance: unbounded().0 };
    let (world_holds, reader) = held::channel();
    let inlets = (robot_pose, reader);
    let thread = PlannerThread::new(Arc::clone(&shared), epochs, config, planners, inlets, (sender, to_world));
    let thread = (thread, inbox);
    let bench = Bench { shared, commands, plans, garbage, costmap, is_broken, world_holds, thread };
    bench.robot_at(Pose::new(0.5, 0.5, 0.0));
    bench.send(PlannerEvent::Grid {
        change: GridChange::Whole(Box::new(bench.costmap.clone())),
        arrived: Duration::ZERO,
    });
    bench
}

impl<T> Bench<T> {
    fn robot_at(&self, pose: Pose) {
        self.shared.latest_pose().set(Some(RobotPose { pose, stamp: None }));
    }

    fn send(&self, event: PlannerEvent) {
        assert!(self.commands.planner.send(event).is_ok());
    }

    fn goal(&self, pose: Pose) {
        self.commands.goal(pose, self.shared.clock.now(), None);
    }

    /// The next plan, and where its path ends; `None` when the goal is reached.
    fn next(&mut self) -> Option<(PlanRecord, Option<Point>)> {
        match self.plans.events.take_within(PATIENCE).expect("a plan") {
            PublisherEvent::GoalReached => None,
            PublisherEvent::Answer { .. } => panic!("nobody has asked"),
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
}

impl Bench {
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
fn what_is_forgotten_is_planned_to_no_more_and_the_next_plan_starts_cold() {
    let mut bench = bench();
    let goal = Pose::new(1.0, 1.0, 0.0);
    bench.goal(goal);
    while !bench.plan_to(goal).report.unwrap().warm {}
    bench.commands.forget();
    while bench.plans.events.take_within(Duration::from_millis(200)).is_some() {}
    bench.send(PlannerEvent::Active { active: true, epoch: 0 });
    assert!(bench.plans.events.take_within(Duration::from_millis(200)).is_none(), "there is no goal");
    bench.goal(goal);
    let report = bench.plan_to(goal).report.unwrap();
    assert!(!report.warm && report.source != Source::Previous);
    bench.stop();
}

#[test]
fn guidance_counts_for_its_own_goal_alone_even_after_a_pause() {
    let mut bench = bench();
    let travel = Travel::new(&Config::default().grid);
    let guided = |bench: &Bench, epoch| {
        let guidance = vec![Guidance::compute(&bench.costmap, Cell::new(40, 20), travel, &|| false).unwrap()];
        let (took, done) = (Duration::from_millis(7), bench.shared.clock.now());
        let purpose = Purpose::Goal(epoch);
        PlannerEvent::Guidance(Box::new(Guided {
            guidance,
            poses: None,
            took,
            done,
            purpose,
            version: None,
            number: 1,
        }))
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

#[test]
fn a_plan_on_costs_that_lack_a_message_which_came_long_ago_is_refused_until_they_hold_it() {
    let mut bench = bench();
    let goal = Pose::new(2.0, 1.0, 0.0);
    bench.goal(goal);
    assert_eq!(bench.plan_to(goal).map, MapState::default());
    let inbox = crate::map::inbox::Inbox::new(Arc::clone(&bench.shared.ledger));
    let rect = trm_grid::geometry::Rect { col: 0, row: 0, width: 1, height: 1 };
    let content = crate::map::message::GridUpdate { rect, data: vec![100] };
    let arrived = bench.shared.clock.now();
    let stamp = Duration::from_secs(7);
    inbox.put_update(crate::map::message::Message { content, number: 0, arrived, published: None, stamp });
    let stale = (0..1000).find_map(|_| bench.next().and_then(|(plan, _)| plan.result.err())).unwrap();
    assert!(matches!(stale, Failure::StaleMap { lag } if lag > Duration::from_millis(200)), "{stale:?}");
    bench.world_holds.write(Held { messages: 1, stamp });
    let map = bench.plan_to(goal).map;
    assert_eq!((map.held, map.lag), (Held { messages: 1, stamp }, Duration::ZERO));
    bench.shared.ledger.suspicion.raise(Suspect::Lost, None, 1);
    let refused = (0..1000).find_map(|_| bench.next().and_then(|(plan, _)| plan.result.err())).unwrap();
    assert_eq!(refused, Failure::SuspectMap(Suspect::Lost));
    let mut warn = config();
    warn.node.suspect_map = SuspectMap::Warn;
    bench.send(PlannerEvent::Config(Box::new(warn)));
    assert_eq!(bench.plan_to(goal).map.suspect, Some(Suspect::Lost));
    bench.stop();
}

#[test]
fn a_search_that_newer_guidance_ends_goes_on_with_it_before_the_same_deadline() {
    let mut config = config();
    config.grid.footprint = "[[0.3, 0.2], [-0.3, 0.2], [-0.3, -0.2], [0.3, -0.2]]".parse().ok();
    let mut bench = bench_of(config);
    let goal = Pose::new(2.0, 1.0, 0.0);
    let arrived = bench.shared.clock.now();
    bench.commands.goal(goal, arrived, None);
    // The guidance thread has delivered it, but the planner thread had taken its events before.
    bench.commands.epochs.tell(4);
    let (thread, inbox) = &mut bench.thread;
    let mut step = || {
        assert!(thread.step(inbox));
        (thread.plans(), thread.next(Duration::from_secs(1)))
    };
    let (plans, next) = step();
    assert_eq!((plans, next), (0, Duration::ZERO), "it waits for what is on its way");
    assert!(bench.plans.events.take().is_none());
    // That comes as it may: the plan isn't put off again.
    assert_eq!(step().0, 1);
    let Some(PublisherEvent::Plan { record, times, .. }) = bench.plans.events.take() else { panic!("a plan") };
    assert_eq!((record.number, record.result, times.arrived), (1, Ok(()), arrived));
    assert_eq!(record.report.map(|report| report.source), Some(Source::Lattice));
    // A new goal isn't kept waiting by a plan for the one before.
    bench.commands.epochs.tell(5);
    bench.commands.goal(Pose::new(1.0, 1.5, 0.0), arrived, None);
    assert_eq!(step().0, 1);
    let other = Pose::new(2.2, 1.2, 0.0);
    let later = bench.shared.clock.now();
    bench.commands.goal(other, later, None);
    assert_eq!(step().0, 2);
    let (record, end) = bench.next().unwrap();
    assert!(record.number == 2 && end.is_some_and(|end| end.distance(other.point()) < 1e-6), "{end:?}");
}
