//! The publisher thread: stamps and publishes the planner thread's paths, and takes everything that this one gives to
//! others. Here DDS, allocators and locks may wait; planning doesn't.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};
use tokio::sync::mpsc::UnboundedSender;
use trm_planner::halt::deadline::Clock;
use trm_planner::halt::predictor::Predictor;
use trm_grid::units::Pose;

use crate::clock::{Monotonic, RosClock};
use crate::guidance::{self, GuidanceInbox};
use crate::inbox::{Receiver, SoleSender, channel};
use crate::record::{Failure, Plan, Record};
use crate::world::{self, Garbage};

/// Paths that may be under way at once.
const PATHS: usize = 4;
/// Poses that a path may have before its memory grows; so many are real from the beginning.
const POSES: usize = 8192;
/// Parcels that may be under way at once.
const PARCELS: usize = 256;
/// Room that plans leave to what must not be lost.
const KEPT_ROOM: usize = 128;
/// One event leaves no more parcels than this.
const PARCELS_OF_AN_EVENT: usize = 4;

/// What the planner thread has for others.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every parcel is a plan, and a box would be allocated in the loop"
)]
pub enum Parcel {
    /// A plan, when the planner returned, and the path's poses if there is one.
    Plan(Plan, Moments, Option<Vec<Pose>>),
    /// The goal is reached.
    Reached,
    Guide(guidance::Event),
    Garbage(Garbage),
}

/// Times of a plan, readings of the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    pub arrived: Duration,
    pub deadline: Duration,
    /// When the planner returned.
    pub planned: Duration,
}

/// The planner thread's end. It never waits.
pub struct Outlet {
    parcels: SoleSender<Parcel>,
    free: Consumer<Vec<Pose>>,
    /// Nanoseconds that publishing is expected to take.
    publish_ns: Arc<AtomicU64>,
}

/// The publisher thread's end.
pub struct Inlet {
    parcels: Receiver<Parcel>,
    free: Producer<Vec<Pose>>,
    publish_ns: Arc<AtomicU64>,
}

/// Both ends, with all the memory that is ever under way.
pub fn outlet() -> (Outlet, Inlet) {
    let (parcels, inlet) = channel(PARCELS);
    let (mut back, free) = RingBuffer::new(PATHS);
    for _ in 0..PATHS {
        let mut poses = vec![Pose::new(1.0, 0.0, 0.0); POSES];
        poses.clear();
        // There is room for all of them.
        let _ = back.push(poses);
    }
    let publish_ns = Arc::<AtomicU64>::default();
    (Outlet { parcels, free, publish_ns: Arc::clone(&publish_ns) }, Inlet { parcels: inlet, free: back, publish_ns })
}

impl Outlet {
    /// How long publishing will take.
    pub fn expected(&self) -> Duration {
        Duration::from_nanos(self.publish_ns.load(Ordering::Relaxed))
    }

    /// Whether what the next event leaves behind finds room, and the paths after it. Without it, events wait.
    pub fn has_room(&self) -> bool {
        self.parcels.room() >= PARCELS_OF_AN_EVENT + PATHS
    }

    /// Copies a path's poses to hand them over; `None` while too many paths wait to be published.
    pub fn pack(&mut self, path: &[Pose]) -> Option<Vec<Pose>> {
        let mut poses = self.free.pop().ok()?;
        poses.clear();
        poses.extend_from_slice(path);
        Some(poses)
    }

    /// Hands a plan over. `false` when publishing is stuck, and has been for long: then it is lost.
    pub fn plan(&mut self, plan: &Plan, moments: Moments, poses: Option<Vec<Pose>>) -> bool {
        // A packed path always finds room: `has_room` kept it.
        (poses.is_some() || self.parcels.room() > KEPT_ROOM)
            && self.parcels.try_send(Parcel::Plan(*plan, moments, poses)).is_ok()
    }

    /// Hands over what must not be lost. [`Self::has_room`] was asked, or the node is stopping.
    pub fn give(&mut self, parcel: Parcel) {
        let _ = self.parcels.try_send(parcel);
    }
}

/// The publisher thread's state.
pub struct Thread {
    pub inlet: Inlet,
    pub clock: Monotonic,
    pub ros_clock: RosClock,
    /// Past times of publishing, which the planner's own deadline leaves room for.
    pub publish_time: Predictor,
    pub records: UnboundedSender<Record>,
    pub world: mpsc::Sender<world::Event>,
    pub guidance: GuidanceInbox,
}

impl Thread {
    /// Runs until the planner thread's end is gone. `publish` takes poses and a stamp in ROS time.
    pub fn run(mut self, mut publish: impl FnMut(&[Pose], Duration) -> Result<(), Failure>) {
        loop {
            let is_last = self.inlet.parcels.is_closed();
            while let Some(parcel) = self.inlet.parcels.take() {
                self.deliver(parcel, &mut publish);
            }
            if is_last {
                return;
            }
            self.inlet.parcels.wait(None);
        }
    }

    /// What fails here fails only when the node is stopping.
    fn deliver(&mut self, parcel: Parcel, publish: &mut impl FnMut(&[Pose], Duration) -> Result<(), Failure>) {
        match parcel {
            Parcel::Plan(mut plan, moments, poses) => {
                if let Some(poses) = poses {
                    let stamp = self.ros_clock.now();
                    plan.stamp = Some(stamp);
                    plan.result = publish(&poses, stamp);
                    self.published(&mut plan, moments, poses);
                }
                let done = self.clock.now();
                plan.total = done.saturating_sub(moments.arrived);
                plan.missed = plan.report.is_some() && done > moments.deadline;
                let _ = self.records.send(Record::Plan(plan));
            }
            Parcel::Reached => drop(self.records.send(Record::Reached)),
            Parcel::Guide(event) => self.guidance.send(event),
            Parcel::Garbage(garbage) => drop(self.world.send(world::Event::Discard(garbage))),
        }
    }

    /// Takes the time of publishing, and gives the poses' memory back.
    fn published(&mut self, plan: &mut Plan, moments: Moments, poses: Vec<Pose>) {
        plan.publish = self.clock.now().saturating_sub(moments.planned);
        if plan.result.is_ok() {
            self.publish_time.record(plan.publish);
            let expected = u64::try_from(self.publish_time.predicted().as_nanos()).unwrap_or(u64::MAX);
            self.inlet.publish_ns.store(expected, Ordering::Relaxed);
        }
        // There is room for all of them.
        let _ = self.inlet.free.push(poses);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
    use trm_planner::PlanError;
    use trm_planner::Report;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(50);

    /// Everything around the publisher thread. `publish` gets what it publishes.
    struct Bench {
        outlet: Outlet,
        clock: Monotonic,
        records: UnboundedReceiver<Record>,
        world: mpsc::Receiver<world::Event>,
        guidance: mpsc::Receiver<guidance::Event>,
        thread: thread::JoinHandle<()>,
    }

    fn bench(publish: impl FnMut(&[Pose], Duration) -> Result<(), Failure> + Send + 'static) -> Bench {
        let (outlet, inlet) = outlet();
        let (records, record_inbox) = unbounded_channel();
        let (world, world_inbox) = mpsc::channel();
        let (guidance, guidance_inbox) = mpsc::channel();
        let clock = Monotonic::start();
        let thread = Thread {
            inlet,
            clock,
            ros_clock: RosClock::system(),
            publish_time: Predictor::new(0.95),
            records,
            world,
            guidance: GuidanceInbox::new(guidance),
        };
        let thread = thread::spawn(move || thread.run(publish));
        Bench { outlet, clock, records: record_inbox, world: world_inbox, guidance: guidance_inbox, thread }
    }

    impl Bench {
        /// Hands over a plan with a path of so many poses; a failed one without.
        fn plan(&mut self, number: u64, poses: Option<usize>, budget: Duration) -> bool {
            let now = self.clock.now();
            let moments = Moments { arrived: now, deadline: now + budget, planned: now };
            let mut plan = Plan { report: Some(Report::default()), ..Plan::new(number, budget) };
            let packed = poses.map(|poses| self.outlet.pack(&vec![Pose::default(); poses]));
            plan.result = match packed {
                Some(Some(_)) => Ok(()),
                Some(None) => Err(Failure::Backlog),
                None => Err(Failure::Plan(PlanError::NoValidPath)),
            };
            self.outlet.plan(&plan, moments, packed.flatten())
        }

        fn next_plan(&mut self) -> Plan {
            match self.records.blocking_recv() {
                Some(Record::Plan(plan)) => plan,
                other => panic!("{other:?}"),
            }
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
            assert!(plan.publish <= plan.total && bench.outlet.expected() > Duration::ZERO);
            while bench.outlet.free.slots() < PATHS {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn planning_goes_on_while_publishing_is_stuck_and_what_is_not_published_is_told() {
        let (release, gate) = mpsc::channel::<()>();
        let mut bench = bench(move |_, _| gate.recv().map_err(|_| Failure::Publish));
        let plans = PARCELS as u64 * 2;
        let taken: Vec<_> = (1..=plans).map(|number| bench.plan(number, Some(10), PATIENCE)).collect();
        let told = taken.iter().filter(|taken| **taken).count();
        assert!(told >= PARCELS - KEPT_ROOM && told < taken.len(), "{told}");
        // A goal and what it leaves behind still find room.
        assert!(bench.outlet.has_room());
        bench.outlet.give(Parcel::Guide(guidance::Event::Goal(Pose::default(), 7)));
        bench.outlet.give(Parcel::Garbage(Garbage::Config(Box::default())));
        (0..PATHS).for_each(|_| release.send(()).unwrap());
        let results: Vec<_> = (0..told).map(|_| bench.next_plan().result).collect();
        assert_eq!(results[..PATHS], [Ok(()); PATHS]);
        assert!(results[PATHS..].iter().all(|result| *result == Err(Failure::Backlog)));
        assert!(matches!(bench.guidance.recv_timeout(PATIENCE), Ok(guidance::Event::Goal(_, 7))));
        assert!(matches!(bench.world.recv_timeout(PATIENCE), Ok(world::Event::Discard(Garbage::Config(_)))));
    }

    #[test]
    fn events_wait_while_there_is_no_room_for_what_they_leave() {
        let (release, gate) = mpsc::channel::<()>();
        let mut bench = bench(move |_, _| gate.recv().map_err(|_| Failure::Publish));
        assert!(bench.plan(1, Some(1), PATIENCE));
        let mut events = 0;
        while bench.outlet.has_room() {
            bench.outlet.give(Parcel::Garbage(Garbage::Config(Box::default())));
            events += 1;
        }
        // What the paths need is kept.
        assert!((2..=PATHS as u64).all(|number| bench.plan(number, Some(1), PATIENCE)));
        drop(release);
        (0..events).for_each(|_| drop(bench.world.recv_timeout(PATIENCE).unwrap()));
        assert!(bench.outlet.has_room());
    }

    #[test]
    fn a_path_that_is_published_too_late_is_a_miss_and_one_that_ros_refuses_a_failure() {
        let mut refuse = [Ok(()), Err(Failure::Publish)].into_iter();
        let mut bench = bench(move |_, _| {
            thread::sleep(Duration::from_millis(2));
            refuse.next().unwrap_or(Ok(()))
        });
        let budget = Duration::from_millis(1);
        bench.plan(1, Some(3), budget);
        let late = bench.next_plan();
        assert!(late.missed && late.result == Ok(()) && late.publish >= Duration::from_millis(2));
        let expected = bench.outlet.expected();
        assert!(expected >= Duration::from_millis(2));
        bench.plan(2, Some(3), budget);
        assert_eq!(bench.next_plan().result, Err(Failure::Publish));
        assert_eq!(bench.outlet.expected(), expected, "what failed teaches nothing");
        bench.plan(3, None, PATIENCE);
        let failed = bench.next_plan();
        assert_eq!((failed.stamp, failed.publish, failed.missed), (None, Duration::ZERO, false));
    }

    #[test]
    fn the_thread_delivers_everything_and_ends_when_the_planner_thread_is_gone() {
        let mut bench = bench(|_, _| Ok(()));
        bench.plan(1, Some(3), PATIENCE);
        bench.outlet.give(Parcel::Reached);
        drop(bench.outlet);
        bench.thread.join().unwrap();
        assert!(matches!(bench.records.blocking_recv(), Some(Record::Plan(_))));
        assert!(matches!(bench.records.blocking_recv(), Some(Record::Reached)));
        assert!(bench.records.blocking_recv().is_none());
    }
}
