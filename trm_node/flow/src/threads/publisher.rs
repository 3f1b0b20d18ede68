//! The publisher thread: stamps and publishes the planner thread's paths, and hands on what is reported about plans.
//! Here DDS, allocators and locks may wait; planning goes on meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use trm_config::NodeConfig;
use trm_grid::units::Pose;
use trm_planner::PlanError;
use trm_planner::halt::deadline::Clock;
use trm_planner::halt::path_time::PathTime;

use crate::heartbeats::{HEARTBEAT, Part};
use crate::messages::{PublisherEvent, Record};
use crate::plan_record::{Failure, PlanRecord, PlanTimes};
use crate::request::PlanRequest;
use crate::shared::Shared;
use crate::threads::plan_channel::PlanReceiver;

/// The publisher thread's state.
pub struct PublisherThread<R> {
    /// From the planner thread.
    pub plans: PlanReceiver,
    /// The node's.
    pub shared: Arc<Shared>,
    /// Past times of publishing, for which the planner's own deadline leaves room.
    pub publish_time: PathTime,
    /// Takes what is reported.
    pub records: R,
    /// The path that was published last, until it is withdrawn by an empty one.
    pub last: LastPath,
}

/// What listeners to the paths alone believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastPath {
    /// Paths are never withdrawn.
    Stays,
    /// There is none.
    None,
    /// There is one, which an empty path withdraws.
    Published,
}

impl LastPath {
    /// Before the first path.
    #[must_use]
    pub const fn new(config: &NodeConfig) -> Self {
        if config.publish_empty_path { Self::None } else { Self::Stays }
    }
}

impl<R: FnMut(Record)> PublisherThread<R> {
    /// Runs until the planner thread's end is gone. `publish` takes poses and a stamp in ROS time.
    pub fn run(mut self, mut publish: impl FnMut(&[Pose], Duration) -> Result<(), Failure>) {
        loop {
            self.shared.beat(Part::Publisher);
            let is_last = self.plans.events.is_closed();
            self.step(&mut publish);
            if is_last {
                return;
            }
            let clock = &self.shared.clock;
            self.plans.events.wait(Some(clock.absolute(clock.now() + HEARTBEAT)));
        }
    }

    /// Publishes what has come.
    pub fn step(&mut self, publish: &mut impl FnMut(&[Pose], Duration) -> Result<(), Failure>) {
        while let Some(event) = self.plans.events.take() {
            let record = match event {
                PublisherEvent::Plan { record, times, poses } => {
                    Record::Plan(self.publish(record, times, poses, publish))
                }
                PublisherEvent::Answer { record, times, request } => {
                    Record::Plan(self.answer(record, times, *request, publish))
                }
                PublisherEvent::GoalReached => Record::GoalReached,
            };
            (self.records)(record);
        }
    }

    /// Publishes a plan's path, if it has one, and completes its record.
    fn publish(
        &mut self,
        mut record: PlanRecord,
        times: PlanTimes,
        poses: Option<Vec<Pose>>,
        publish: &mut impl FnMut(&[Pose], Duration) -> Result<(), Failure>,
    ) -> PlanRecord {
        if let Some(poses) = poses {
            // A plan that was on its way here when planning was switched off.
            if self.shared.active.load(Ordering::Relaxed) {
                self.send(&mut record, times, &poses, publish);
                if record.result.is_ok() && self.last == LastPath::None {
                    self.last = LastPath::Published;
                }
            } else {
                record.result = Err(Failure::Plan(PlanError::Cancelled));
            }
            self.plans.give_back(poses);
        } else if self.last == LastPath::Published && publish(&[], self.shared.ros_time.now()).is_ok() {
            self.last = LastPath::None;
        }
        self.finish(&mut record, times);
        record
    }

    /// Publishes the path that was asked for, if there is one, and answers.
    fn answer(
        &mut self,
        mut record: PlanRecord,
        times: PlanTimes,
        request: PlanRequest,
        publish: &mut impl FnMut(&[Pose], Duration) -> Result<(), Failure>,
    ) -> PlanRecord {
        let PlanRequest { path, reply, .. } = request;
        if record.result.is_ok() && self.shared.active.load(Ordering::Relaxed) {
            self.send(&mut record, times, &path, publish);
        } else if record.result.is_ok() {
            record.result = Err(Failure::Inactive);
        }
        self.finish(&mut record, times);
        reply(&record, if record.result.is_ok() { &path } else { &[] });
        record
    }

    /// Publishes a path.
    fn send(
        &mut self,
        record: &mut PlanRecord,
        times: PlanTimes,
        poses: &[Pose],
        publish: &mut impl FnMut(&[Pose], Duration) -> Result<(), Failure>,
    ) {
        let stamp = self.shared.ros_time.now();
        record.stamp = Some(stamp);
        record.result = publish(poses, stamp);
        record.publish = self.shared.clock.now().saturating_sub(times.planned);
        if record.result.is_ok() {
            self.publish_time.record(record.publish, poses.len());
            self.plans.expect_publish_time(self.publish_time.of_empty());
        }
    }

    /// Notes the end of a plan.
    fn finish(&self, record: &mut PlanRecord, times: PlanTimes) {
        let done = self.shared.clock.now();
        record.total = done.saturating_sub(times.arrived);
        record.missed = record.report.is_some() && done > times.deadline;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;

    use crossbeam_channel::unbounded;
    use trm_planner::Report;
    use trm_planner::halt::path_time::PUBLISHING;
    use trm_rt::ring;

    use super::*;
    use crate::clock::NodeClock;
    use crate::commands::Commands;
    use crate::messages::{Garbage, GuidanceEvent};
    use crate::shared;
    use crate::threads::garbage;
    use crate::threads::plan_channel::{self, EVENTS, PATHS, PlanSender, RESERVED};

    const PATIENCE: Duration = Duration::from_secs(50);

    /// Everything around the publisher thread.
    struct Bench {
        sender: PlanSender,
        shared: Arc<Shared>,
        clock: NodeClock,
        records: mpsc::Receiver<Record>,
        thread: thread::JoinHandle<()>,
    }

    /// A running publisher thread. `publish` gets what it publishes.
    fn bench(publish: impl FnMut(&[Pose], Duration) -> Result<(), Failure> + Send + 'static) -> Bench {
        bench_with(&NodeConfig::default(), publish)
    }

    fn bench_with(
        config: &NodeConfig,
        publish: impl FnMut(&[Pose], Duration) -> Result<(), Failure> + Send + 'static,
    ) -> Bench {
        let (sender, plans) = plan_channel::channel();
        let (records, record_inbox) = mpsc::channel();
        let (shared, _) = shared::for_tests(config);
        let shared = Arc::new(shared);
        let clock = shared.clock.clone();
        let records = move |record| drop(records.send(record));
        let (publish_time, last) = (PathTime::new(PUBLISHING, 0.95), LastPath::new(config));
        let thread = PublisherThread { plans, shared: Arc::clone(&shared), publish_time, records, last };
        let thread = thread::spawn(move || thread.run(publish));
        Bench { sender, shared, clock, records: record_inbox, thread }
    }

    impl Bench {
        /// Hands over a plan with a path of so many poses; a failed one without.
        fn plan(&mut self, number: u64, poses: Option<usize>, budget: Duration) -> bool {
            let now = self.clock.now();
            let times = PlanTimes { arrived: now, deadline: now + budget, planned: now };
            let mut record = PlanRecord { report: Some(Report::default()), ..PlanRecord::new(number, budget) };
            let packed = poses.map(|poses| self.sender.pack(&vec![Pose::default(); poses]));
            record.result = match packed {
                Some(Some(_)) => Ok(()),
                Some(None) => Err(Failure::Backlog),
                None => Err(Failure::Plan(PlanError::NoValidPath)),
            };
            self.sender.send_plan(&record, times, packed.flatten())
        }

        fn next_plan(&mut self) -> PlanRecord {
            match self.records.recv() {
                Ok(Record::Plan(plan)) => plan,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_path_is_withdrawn_once_by_an_empty_one_where_that_is_asked_for() {
        for (asked_for, expected) in [(true, vec![2, 0, 3, 0]), (false, vec![2, 3])] {
            let config = NodeConfig { publish_empty_path: asked_for, ..NodeConfig::default() };
            let (published, seen) = mpsc::channel();
            let mut bench = bench_with(&config, move |poses, _| {
                published.send(poses.len()).unwrap();
                Ok(())
            });
            for (number, poses) in [None, Some(2), None, None, Some(3), None].into_iter().enumerate() {
                assert!(bench.plan(number as u64 + 1, poses, PATIENCE));
                let plan = bench.next_plan();
                assert_eq!((plan.result.is_ok(), plan.stamp.is_some()), (poses.is_some(), poses.is_some()));
            }
            drop(bench);
            assert_eq!(seen.try_iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn while_the_node_is_not_active_no_path_goes_out_and_its_memory_comes_back() {
        let (published, seen) = mpsc::channel();
        let mut bench = bench(move |poses, _| published.send(poses.len()).map_err(|_| Failure::Publish));
        for number in 1..=3 * PATHS as u64 {
            let is_active = number % 2 == 0;
            bench.shared.active.store(is_active, Ordering::Relaxed);
            assert!(bench.plan(number, Some(2), PATIENCE));
            let plan = bench.next_plan();
            let cancelled = Err(Failure::Plan(PlanError::Cancelled));
            assert_eq!(plan.result, if is_active { Ok(()) } else { cancelled });
            assert_eq!((plan.stamp.is_some(), seen.try_iter().count()), (is_active, usize::from(is_active)));
        }
    }

    #[test]
    fn paths_go_out_in_order_and_their_memory_comes_back() {
        let (published, counts) = mpsc::channel();
        let mut bench = bench(move |poses, stamp| published.send((poses.len(), stamp)).map_err(|_| Failure::Publish));
        for number in 1..=20 {
            let poses = number * 100;
            assert!(bench.plan(number as u64, Some(poses), PATIENCE));
            let (count, stamp) = counts.recv_timeout(PATIENCE).unwrap();
            let plan = bench.next_plan();
            assert_eq!((count, plan.number, plan.result, plan.missed), (poses, number as u64, Ok(()), false));
            assert_eq!(plan.stamp, Some(stamp));
            assert!(plan.publish <= plan.total && bench.sender.expected_publish_time(3) > Duration::ZERO);
            while bench.sender.free_paths() < PATHS {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn planning_goes_on_while_publishing_is_stuck_and_what_is_not_published_is_told() {
        let (release, gate) = mpsc::channel::<()>();
        let mut bench = bench(move |_, _| gate.recv().map_err(|_| Failure::Publish));
        let plans = EVENTS as u64 * 2;
        let taken: Vec<_> = (1..=plans).map(|number| bench.plan(number, Some(10), PATIENCE)).collect();
        let told = taken.iter().filter(|taken| **taken).count();
        assert!(told >= EVENTS - RESERVED && told < taken.len(), "{told}");
        // A goal reaches guidance, and what it leaves behind the world thread, while nothing is published.
        let (mut garbage, mut world) = garbage::channel(8);
        let (planner, _planner_inbox) = ring::channel(8);
        let (guidance, guidance_inbox) = unbounded();
        let commands = Commands { epochs: Arc::default(), planner: planner.shared(), guidance };
        (1..7).for_each(|_| assert!(commands.epochs.begin() < 7));
        assert!(garbage.has_room());
        commands.goal(Pose::default(), Duration::ZERO, None);
        garbage.discard(Some(Garbage::Config(Box::default())));
        assert!(matches!(guidance_inbox.recv_timeout(PATIENCE), Ok(GuidanceEvent::Goal(_, 7, None))));
        assert_eq!(garbage::tests::count(&mut world), 1);
        // That a goal is reached still finds room.
        assert!(bench.sender.send_goal_reached());
        (0..PATHS).for_each(|_| release.send(()).unwrap());
        let results: Vec<_> = (0..told).map(|_| bench.next_plan().result).collect();
        assert_eq!(results[..PATHS], [Ok(()); PATHS]);
        assert!(results[PATHS..].iter().all(|result| *result == Err(Failure::Backlog)));
        assert!(matches!(bench.records.recv(), Ok(Record::GoalReached)));
    }

    #[test]
    fn a_packed_path_finds_room_however_many_reached_goals_wait_with_it() {
        let (release, gate) = mpsc::channel::<()>();
        let mut bench = bench(move |_, _| gate.recv().map_err(|_| Failure::Publish));
        assert!(bench.plan(1, Some(1), PATIENCE));
        let mut reached = 0;
        while bench.sender.send_goal_reached() {
            reached += 1;
        }
        assert!(reached >= RESERVED);
        // What the paths need is kept.
        assert!((2..=PATHS as u64).all(|number| bench.plan(number, Some(1), PATIENCE)));
        assert!(!bench.plan(PATHS as u64 + 1, None, PATIENCE), "a plan without a path is lost");
        drop(release);
        drop(bench.sender);
        bench.thread.join().unwrap();
        let records: Vec<_> = std::iter::from_fn(|| bench.records.recv().ok()).collect();
        let goals = records.iter().filter(|record| matches!(record, Record::GoalReached)).count();
        assert_eq!((goals, records.len()), (reached, reached + PATHS));
    }

    #[test]
    fn a_path_that_is_published_too_late_is_a_miss_and_one_that_ros_refuses_a_failure() {
        let mut refuse = [Ok(()), Err(Failure::Publish)].into_iter();
        let mut bench = bench(move |_, _| {
            thread::sleep(Duration::from_millis(2));
            refuse.next().unwrap_or(Ok(()))
        });
        let budget = Duration::from_millis(1);
        assert!(bench.plan(1, Some(3), budget));
        let late = bench.next_plan();
        assert!(late.missed && late.result == Ok(()) && late.publish >= Duration::from_millis(2));
        let expected = bench.sender.expected_publish_time(3);
        assert!(expected >= Duration::from_millis(2));
        assert!(bench.plan(2, Some(3), budget));
        assert_eq!(bench.next_plan().result, Err(Failure::Publish));
        assert_eq!(bench.sender.expected_publish_time(3), expected, "what failed teaches nothing");
        assert!(bench.plan(3, None, PATIENCE));
        let failed = bench.next_plan();
        assert_eq!((failed.stamp, failed.publish, failed.missed), (None, Duration::ZERO, false));
    }

    #[test]
    fn the_thread_delivers_everything_and_ends_when_the_planner_thread_is_gone() {
        let mut bench = bench(|_, _| Ok(()));
        assert!(bench.plan(1, Some(3), PATIENCE));
        assert!(bench.sender.send_goal_reached());
        drop(bench.sender);
        bench.thread.join().unwrap();
        assert!(matches!(bench.records.recv(), Ok(Record::Plan(_))));
        assert!(matches!(bench.records.recv(), Ok(Record::GoalReached)));
        assert!(bench.records.recv().is_err());
    }
}
