//! What the threads and tasks share. Locks are held for a copy or a few assignments, never for work; the planner thread
//! takes none of them.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use trm_config::{NodeConfig, StartSource};
use trm_grid::geometry::Geometry;
use trm_grid::units::Pose;
use trm_net::bundle_id::BundleId;
use trm_planner::halt::deadline::Clock;

use crate::clock::NodeClock;
use crate::health::{Health, Input};
use crate::heartbeats::{Heartbeats, Part};
use crate::lifecycle::gate::Gate;
use crate::lifecycle::graph::State;
use crate::lock::lock;
use crate::log::{Level, Log};
use crate::map::ledger::Ledger;
use crate::plan_log::PlanLog;
use crate::plan_record::Failure;
use crate::planners::Planners;
use crate::real_time::RealTime;
use crate::robot_pose::{LatestPose, PoseReader};
use crate::ros_time::RosTime;

/// One for the whole node.
pub struct Shared {
    /// The node's full name.
    pub name: String,
    /// Where log lines go.
    pub log: Log,
    /// Where the robot's pose comes from, in words.
    pub pose_source: String,
    /// The clock of deadlines and ticks.
    pub clock: NodeClock,
    /// ROS time.
    pub ros_time: RosTime,
    /// What the system granted to the planner thread.
    pub real_time: RealTime,
    /// Signs of life.
    pub beats: Heartbeats,
    /// What has arrived of the grid.
    pub ledger: Arc<Ledger>,
    health: Mutex<Health>,
    robot_pose: Mutex<LatestPose>,
    /// Of the whole grid that was taken last.
    grid: Mutex<Option<Geometry>>,
    /// What the model runs on, and why.
    backend: Mutex<String>,
    /// Of each planner.
    bundles: Mutex<Vec<Vec<BundleId>>>,
    /// The last goal of the topic, and the epoch that began with it.
    goal: Mutex<Option<(Pose, u64)>>,
    /// Whether planning is on, which it isn't at first.
    pub active: AtomicBool,
    /// The last primary state of the node, by its number in `lifecycle_msgs/State`.
    pub lifecycle: AtomicU8,
    /// Whether goals are taken, which they aren't at first.
    pub goals: Gate,
    /// Whether the device that the model ran on is lost; another one has taken over.
    pub backend_lost: AtomicBool,
    /// Whether all planners are to be made anew.
    pub planners_wanted: AtomicBool,
    /// Ticks that were skipped.
    pub overruns: AtomicU64,
    /// Goals that a newer one replaced before anything was planned for them.
    pub goals_superseded: AtomicU64,
    /// Messages of the planner thread that were lost because the publisher thread is stuck.
    pub plans_lost: AtomicU64,
    /// Where the record of plans gets planners, costs and guidance from.
    pub plan_log: PlanLog,
}

/// An input of the node, and the kind of its log lines.
type Selected = (&'static str, fn(&mut Health) -> &mut Input);

/// Grids and their updates.
pub const GRID: Selected = ("grid", |health| &mut health.grid);
/// The robot's pose.
pub const ROBOT: Selected = ("robot", |health| &mut health.robot);
/// Goals.
pub const GOAL: Selected = ("goal", |health| &mut health.goal);
/// Parameters.
pub const PARAMETERS: Selected = ("parameters", |health| &mut health.parameters);

impl Shared {
    /// The state of a node to which nothing has come yet, and the planner thread's copy of the robot's pose.
    #[must_use]
    pub fn new(
        name: String,
        log: Log,
        clock: NodeClock,
        ros_time: RosTime,
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
            clock,
            ros_time,
            real_time,
            beats: Heartbeats::default(),
            ledger: Arc::default(),
            health: Mutex::default(),
            robot_pose: Mutex::new(robot_pose),
            grid: Mutex::default(),
            backend: Mutex::default(),
            bundles: Mutex::default(),
            goal: Mutex::default(),
            active: AtomicBool::new(false),
            lifecycle: AtomicU8::new(State::Unconfigured.id()),
            goals: Gate::default(),
            backend_lost: AtomicBool::new(false),
            planners_wanted: AtomicBool::new(false),
            overruns: AtomicU64::new(0),
            goals_superseded: AtomicU64::new(0),
            plans_lost: AtomicU64::new(0),
            plan_log: PlanLog::new(config.record_plans),
        };
        shared.beats.beat_all(shared.clock.now());
        (shared, reader)
    }

    /// The health of the inputs.
    pub fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }

    /// The robot's pose, to be set or read.
    pub fn latest_pose(&self) -> MutexGuard<'_, LatestPose> {
        lock(&self.robot_pose)
    }

    /// The geometry of the last whole grid, to be set or read.
    pub fn grid(&self) -> MutexGuard<'_, Option<Geometry>> {
        lock(&self.grid)
    }

    /// What the model runs on, and why, in one line; empty when nothing is known of it.
    #[must_use]
    pub fn backend(&self) -> String {
        lock(&self.backend).clone()
    }

    /// The bundles of each planner, in the order of `planner_plugins`.
    #[must_use]
    pub fn bundles(&self) -> Vec<Vec<BundleId>> {
        lock(&self.bundles).clone()
    }

    /// Notes what new planners have: their bundles, and what the model runs on. Logs that if it is something else than before.
    pub fn set_planners(&self, planners: &Planners) {
        *lock(&self.bundles) = planners.named.iter().map(|planner| planner.bundles().to_vec()).collect();
        let about = planners.ticks.backend().unwrap_or_default();
        self.backend_lost.store(false, Ordering::Relaxed);
        let before = std::mem::replace(&mut *lock(&self.backend), about.to_owned());
        // The times differ whenever they are measured.
        let kind = |about: &str| about.split(';').next().map(str::to_owned);
        if kind(&before) != kind(about) {
            self.log.info(&format!("the model runs on {about}"));
        }
    }

    /// The last goal of the topic and the epoch that began with it, to be set or read.
    pub fn goal(&self) -> MutexGuard<'_, Option<(Pose, u64)>> {
        lock(&self.goal)
    }

    /// Notes that a thread is alive.
    pub fn beat(&self, part: Part) {
        self.beats.beat(part, self.clock.now());
    }

    /// The robot's pose, if it is known and recent.
    ///
    /// # Errors
    /// Why it isn't.
    pub fn robot_pose(&self, tolerance: f64) -> Result<Pose, Failure> {
        let latest = self.latest_pose().get();
        latest.ok_or(Failure::NoPose)?.at(self.ros_time.now(), tolerance)
    }

    /// Refuses a message of an input, and says so.
    pub fn refuse(&self, (kind, input): Selected, text: &str) {
        let now = self.clock.now();
        input(&mut self.health()).refuse(text, now);
        self.log.limited(kind, Level::Warn, text, now);
    }

    /// Puts a failure to know the robot's pose into words; `None` for other failures.
    #[must_use]
    pub fn pose_problem(&self, failure: Failure) -> Option<String> {
        let source = &self.pose_source;
        // A hint at /clock misleads where that is in order.
        let hint = self.ros_time.problem().map_or_else(String::new, |problem| format!(": {problem}"));
        match failure {
            Failure::NoPose => {
                Some(self.health().robot.missing().unwrap_or("it isn't known where the robot is").to_owned())
            }
            Failure::OldPose { age } => {
                Some(format!("{source} is {:.2} s old, more than transform_tolerance{hint}", age.as_secs_f64()))
            }
            Failure::FuturePose { ahead } => {
                Some(format!("{source} is stamped {:.2} s after ROS time{hint}", ahead.as_secs_f64()))
            }
            _ => None,
        }
    }

    /// Time since the planner thread's last sign of life.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.beats.silence(Part::Planner, self.clock.now())
    }
}

/// An active node's state without a node, for tests.
#[cfg(test)]
pub(crate) fn for_tests(config: &NodeConfig) -> (Shared, PoseReader) {
    let log = Log::new(|_, text| println!("{text}"));
    let real_time = RealTime::prepare(config, &log);
    let (shared, robot_pose) =
        Shared::new("/test".to_owned(), log, NodeClock::start(), RosTime::system(), real_time, config);
    shared.active.store(true, std::sync::atomic::Ordering::Relaxed);
    (shared, robot_pose)
}
