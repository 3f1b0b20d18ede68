//! What the threads and tasks share. Locks are held for a copy or a few assignments, never for work; the planner thread
//! takes none of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use trm_config::{NodeConfig, StartSource};
use trm_grid::units::Pose;
use trm_planner::halt::deadline::Clock;

use crate::clock::NodeClock;
use crate::health::Health;
use crate::io::log::Log;
use crate::io::ros_clock::RosClock;
use crate::lock::lock;
use crate::plan_record::Failure;
use crate::real_time::RealTime;
use crate::robot_pose::{LatestPose, PoseReader};

/// The planner thread shows at least this often that it is alive.
pub const HEARTBEAT: Duration = Duration::from_millis(500);

/// One for the whole node.
pub struct Shared {
    /// The node's full name.
    pub name: String,
    pub log: Log,
    /// Where the robot's pose comes from, in words.
    pub pose_source: String,
    pub clock: NodeClock,
    pub ros_clock: RosClock,
    pub real_time: RealTime,
    health: Mutex<Health>,
    robot_pose: Mutex<LatestPose>,
    pub active: AtomicBool,
    pub overruns: AtomicU64,
    /// Goals that a newer one replaced before anything was planned for them.
    pub goals_superseded: AtomicU64,
    /// Monotonic time in milliseconds of the planner thread's last sign of life.
    heartbeat_ms: AtomicU64,
    /// Messages of the planner thread that were lost because the publisher thread is stuck.
    pub plans_lost: AtomicU64,
}

impl Shared {
    /// The state of a node to which nothing has come yet, and the planner thread's copy of the robot's pose.
    pub fn new(
        name: String,
        log: Log,
        ros_clock: RosClock,
        real_time: RealTime,
        config: &NodeConfig,
    ) -> (Self, PoseReader) {
        let (robot_pose, reader) = LatestPose::new();
        let shared = Self {
            name,
            log,
            pose_source: match config.start_source {
                StartSource::Odom => "odometry on topic odom".to_owned(),
                StartSource::Tf => format!("transform {} -> {}", config.map_frame, config.robot_base_frame),
            },
            clock: NodeClock::start(),
            ros_clock,
            real_time,
            health: Mutex::default(),
            robot_pose: Mutex::new(robot_pose),
            active: AtomicBool::new(config.autostart),
            overruns: AtomicU64::new(0),
            goals_superseded: AtomicU64::new(0),
            heartbeat_ms: AtomicU64::new(0),
            plans_lost: AtomicU64::new(0),
        };
        (shared, reader)
    }

    pub fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }

    pub fn latest_pose(&self) -> MutexGuard<'_, LatestPose> {
        lock(&self.robot_pose)
    }

    /// The robot's pose, if it is known and recent.
    pub fn robot_pose(&self, tolerance: f64) -> Result<Pose, Failure> {
        let latest = self.latest_pose().get();
        latest.ok_or(Failure::NoPose)?.at(self.ros_clock.now(), tolerance)
    }

    /// Refuses a message about the robot's pose.
    pub fn refuse_pose(&self, text: &str) {
        if self.health().robot.refuse(text, self.clock.now()) {
            self.log.warn(text);
        }
    }

    /// Puts a failure to know the robot's pose into words; `None` for other failures.
    pub fn pose_problem(&self, failure: Failure) -> Option<String> {
        let source = &self.pose_source;
        match failure {
            Failure::NoPose => {
                Some(self.health().robot.missing().unwrap_or("it isn't known where the robot is").to_owned())
            }
            Failure::OldPose { age } => {
                Some(format!("{source} is {:.2} s old, more than transform_tolerance", age.as_secs_f64()))
            }
            Failure::FuturePose { ahead } => {
                Some(format!("{source} is stamped {:.2} s after ROS time: is /clock published?", ahead.as_secs_f64()))
            }
            Failure::Plan(_) | Failure::NoGrid | Failure::Publish | Failure::Backlog => None,
        }
    }

    /// Notes that the planner thread is alive.
    pub fn beat(&self) {
        let now = u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX);
        self.heartbeat_ms.store(now, Ordering::Relaxed);
    }

    /// Time since the planner thread's last sign of life.
    pub fn silence(&self) -> Duration {
        let beat = Duration::from_millis(self.heartbeat_ms.load(Ordering::Relaxed));
        self.clock.now().saturating_sub(beat)
    }
}

/// A node's state without a node, for tests.
#[cfg(test)]
pub fn for_tests(config: &NodeConfig) -> (Shared, PoseReader) {
    let log = Log::named("test");
    let real_time = RealTime::prepare(config, &log);
    Shared::new("/test".to_owned(), log, RosClock::system(), real_time, config)
}
