//! The two clocks: the monotonic one for deadlines, ROS time (which a simulator may set) for stamps and their age.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use trm_planner::halt::deadline::Clock;

use crate::shared::lock;
use crate::system;

/// `CLOCK_MONOTONIC`, from the start of the node. All copies read the same.
#[derive(Clone, Copy)]
pub struct Monotonic {
    began: Duration,
}

impl Monotonic {
    pub fn start() -> Self {
        Self { began: system::monotonic() }
    }

    /// What `CLOCK_MONOTONIC` itself shows at this reading.
    pub fn absolute(&self, reading: Duration) -> Duration {
        self.began + reading
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        system::monotonic().saturating_sub(self.began)
    }
}

/// ROS time: the system's, or `/clock`'s with `use_sim_time`. Reading it takes no lock.
#[derive(Clone)]
pub struct RosClock(Option<Arc<Simulated>>);

struct Simulated {
    clock: Arc<Mutex<r2r::Clock>>,
    /// Its newest time, in nanoseconds.
    newest: AtomicU64,
}

impl RosClock {
    /// The system's time.
    pub const fn system() -> Self {
        Self(None)
    }

    /// The time of `/clock`, which the node must have been told to follow.
    pub fn simulated(node: &r2r::Node) -> Self {
        let clock = Self(Some(Arc::new(Simulated { clock: node.get_ros_clock(), newest: AtomicU64::new(0) })));
        clock.refresh();
        clock
    }

    /// Takes over the time of `/clock`. After each message; nobody else waits for the clock's lock.
    pub fn refresh(&self) {
        if let Some(simulated) = &self.0 {
            let now = lock(&simulated.clock).get_now().unwrap_or_default();
            simulated.newest.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Time since the epoch; nothing before the first message on `/clock`.
    pub fn now(&self) -> Duration {
        match &self.0 {
            None => SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            Some(simulated) => Duration::from_nanos(simulated.newest.load(Ordering::Relaxed)),
        }
    }
}
