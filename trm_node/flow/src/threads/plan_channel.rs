//! From the planner thread to the publisher thread: plans, and the memory for their paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};
use trm_grid::units::Pose;
use trm_planner::halt::path_time::PUBLISHING;
use trm_rt::ring;

use crate::messages::PublisherEvent;
use crate::plan_record::{PlanRecord, PlanTimes};
use crate::request::{MAX_REQUESTS, PlanRequest};

/// Paths that may be under way at once.
pub const PATHS: usize = 4;
/// Poses that each path's memory has room for from the beginning. A longer path makes it grow.
const POSES: usize = 8192;
/// Events that may be under way at once.
pub const EVENTS: usize = 256;
/// Room that plans without a path leave to those with one, to answers, and to reached goals.
pub const RESERVED: usize = 128;

/// The planner thread's end. It never waits.
pub struct PlanSender {
    events: ring::SoleSender<PublisherEvent>,
    /// Memory for paths.
    free: Consumer<Vec<Pose>>,
    /// Nanoseconds that publishing an empty path is expected to take.
    publish_ns: Arc<AtomicU64>,
    /// How many poses the last path had.
    last_poses: usize,
}

/// The publisher thread's end.
pub struct PlanReceiver {
    /// Plans, and reached goals.
    pub events: ring::Receiver<PublisherEvent>,
    free: Producer<Vec<Pose>>,
    publish_ns: Arc<AtomicU64>,
}

/// Both ends, with all the memory that is ever under way.
#[must_use]
pub fn channel() -> (PlanSender, PlanReceiver) {
    let (sender, receiver) = ring::channel(EVENTS);
    let (mut give_back, free) = RingBuffer::new(PATHS);
    for _ in 0..PATHS {
        // Written to, so that its pages are there before the first path.
        let mut poses = vec![Pose::new(1.0, 0.0, 0.0); POSES];
        poses.clear();
        // There is room for all of them.
        let _ = give_back.push(poses);
    }
    let publish_ns = Arc::<AtomicU64>::default();
    (
        PlanSender { events: sender, free, publish_ns: Arc::clone(&publish_ns), last_poses: 0 },
        PlanReceiver { events: receiver, free: give_back, publish_ns },
    )
}

impl PlanSender {
    /// How long publishing a path of so many poses will take.
    pub fn expected_publish_time(&self, poses: usize) -> Duration {
        PUBLISHING.of_path(Duration::from_nanos(self.publish_ns.load(Ordering::Relaxed)), poses)
    }

    /// How many poses the path had that was packed last. The next one to the goal has about as many.
    pub const fn last_poses(&self) -> usize {
        self.last_poses
    }

    /// Copies a path's poses for the publisher thread; `None` while too many paths wait to be published.
    pub fn pack(&mut self, path: &[Pose]) -> Option<Vec<Pose>> {
        let mut poses = self.free.pop().ok()?;
        poses.clear();
        poses.extend_from_slice(path);
        self.last_poses = poses.len();
        Some(poses)
    }

    /// Sends a plan. A packed path always finds room. `false` when the plan is lost because publishing has been stuck
    /// for long.
    #[must_use]
    pub fn send_plan(&mut self, record: &PlanRecord, times: PlanTimes, poses: Option<Vec<Pose>>) -> bool {
        (poses.is_some() || self.events.room() > RESERVED)
            && self.events.try_send(PublisherEvent::Plan { record: *record, times, poses }).is_ok()
    }

    /// Answers a request. There is room for all that may wait at once.
    pub fn send_answer(&mut self, record: &PlanRecord, times: PlanTimes, request: Box<PlanRequest>) {
        // Fails only while the node is stopping.
        let _ = self.events.try_send(PublisherEvent::Answer { record: *record, times, request });
    }

    /// Tells that the goal is reached. `false` when that is lost because publishing has been stuck for long.
    #[must_use]
    pub fn send_goal_reached(&mut self) -> bool {
        self.events.room() > PATHS + MAX_REQUESTS && self.events.try_send(PublisherEvent::GoalReached).is_ok()
    }

    /// How many paths' memory is free.
    #[cfg(test)]
    pub fn free_paths(&self) -> usize {
        self.free.slots()
    }
}

impl PlanReceiver {
    /// Tells the planner thread how long publishing an empty path is expected to take.
    pub fn expect_publish_time(&self, time: Duration) {
        self.publish_ns.store(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Gives a path's memory back.
    pub fn give_back(&mut self, poses: Vec<Pose>) {
        // There is room for all of them.
        let _ = self.free.push(poses);
    }
}
