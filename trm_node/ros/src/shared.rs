//! What the threads and tasks share. Locks are held for a copy or a few assignments, never for work; the planner thread
//! takes none of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use trm_planner::halt::deadline::Clock;
use trm_grid::units::Pose;

use crate::clock::{Monotonic, RosClock};
use crate::health::Health;
use crate::log::Log;
use crate::params::Parameters;
use crate::realtime::Granted;
use crate::record::Failure;

/// Localisation stamps its transforms a little ahead of time. Farther ahead than this, it is another time.
const MAX_AHEAD: Duration = Duration::from_secs(2);

/// Where the robot stood.
#[derive(Debug, Clone, Copy)]
pub struct RobotPose {
    pub pose: Pose,
    /// ROS time of the pose; `None` when it never ages.
    pub stamp: Option<Duration>,
}

impl RobotPose {
    /// The pose, if it is of the present: not older than `tolerance` at ROS time `now`.
    pub fn at(&self, now: Duration, tolerance: f64) -> Result<Pose, Failure> {
        let Some(stamp) = self.stamp else { return Ok(self.pose) };
        let (age, ahead) = (now.saturating_sub(stamp), stamp.saturating_sub(now));
        if age.as_secs_f64() > tolerance {
            Err(Failure::OldPose { age })
        } else if ahead > MAX_AHEAD {
            Err(Failure::FuturePose { ahead })
        } else {
            Ok(self.pose)
        }
    }
}

/// The newest pose of the robot in the map, `None` while it isn't known: a copy for those who may wait for each other, and
/// one for the planner thread.
pub struct Robot {
    newest: Option<RobotPose>,
    to_planner: triple_buffer::Input<Option<RobotPose>>,
}

/// The planner thread's copy, which it reads without a lock.
pub type RobotReader = triple_buffer::Output<Option<RobotPose>>;

impl Robot {
    pub fn set(&mut self, pose: Option<RobotPose>) {
        self.newest = pose;
        self.to_planner.write(pose);
    }
}

/// One for the whole node.
pub struct Shared {
    /// The node's full name.
    pub name: String,
    pub log: Log,
    /// What the robot's pose comes from, in words.
    pub pose_source: String,
    pub clock: Monotonic,
    pub ros_clock: RosClock,
    pub health: Mutex<Health>,
    pub robot: Mutex<Robot>,
    /// Ends the plan that is being made: a newer goal has come, or planning is switched off.
    pub cancel: AtomicBool,
    pub active: AtomicBool,
    pub overruns: AtomicU64,
    /// Goals that a newer one replaced before anything was planned for them.
    pub goals_superseded: AtomicU64,
    /// Monotonic time in milliseconds when the planner thread last came round.
    pub heartbeat_ms: AtomicU64,
    /// Plans that were lost on their way to the publisher thread, which is stuck.
    pub plans_lost: AtomicU64,
    /// What the planner thread was granted, once it runs.
    pub granted: OnceLock<Granted>,
}

impl Shared {
    /// Nothing has come yet. The planner thread's copy of the robot's pose comes with it.
    pub fn new(node: &r2r::Node, parameters: &Parameters) -> r2r::Result<(Self, RobotReader)> {
        let (config, is_simulated) = (parameters.config(), parameters.use_sim_time());
        let (to_planner, reader) = triple_buffer::triple_buffer(&None);
        let shared = Self {
            name: node.fully_qualified_name()?,
            log: Log::new(node),
            pose_source: if config.node.start_source == "odom" {
                "odometry on topic odom".to_owned()
            } else {
                format!("transform {} -> {}", config.node.map_frame, config.node.robot_base_frame)
            },
            clock: Monotonic::start(),
            ros_clock: if is_simulated { RosClock::simulated(node) } else { RosClock::system() },
            health: Mutex::default(),
            robot: Mutex::new(Robot { newest: None, to_planner }),
            cancel: AtomicBool::new(false),
            active: AtomicBool::new(config.node.autostart),
            overruns: AtomicU64::new(0),
            goals_superseded: AtomicU64::new(0),
            heartbeat_ms: AtomicU64::new(0),
            plans_lost: AtomicU64::new(0),
            granted: OnceLock::new(),
        };
        Ok((shared, reader))
    }

    pub fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }

    /// The robot's pose, if it is known and of the present.
    pub fn robot(&self, tolerance: f64) -> Result<Pose, Failure> {
        let newest = lock(&self.robot).newest;
        newest.ok_or(Failure::NoPose)?.at(self.ros_clock.now(), tolerance)
    }

    /// Words for a failure to know where the robot is; none for other failures.
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
}

/// Locks. A thread that panicked has ended the node already; what it guarded is whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pose_counts_at_its_time_and_a_little_later_and_earlier() {
        let s = Duration::from_secs_f64;
        let robot = RobotPose { pose: Pose::new(1.0, 2.0, 0.0), stamp: Some(s(100.0)) };
        assert_eq!(robot.at(s(100.4), 0.5), Ok(robot.pose));
        assert_eq!(robot.at(s(99.0), 0.5), Ok(robot.pose), "stamped ahead, as AMCL does");
        assert!(matches!(robot.at(s(100.6), 0.5), Err(Failure::OldPose { .. })));
        assert_eq!(robot.at(s(5.0), 0.5), Err(Failure::FuturePose { ahead: s(95.0) }));
        let fixed = RobotPose { stamp: None, ..robot };
        assert_eq!(fixed.at(s(1e6), 0.5), Ok(robot.pose));
    }
}
