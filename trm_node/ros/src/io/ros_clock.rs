//! ROS time, which a simulator may set: for stamps and their age.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::lock::lock;

/// ROS time: the system's, or that of `/clock` with `use_sim_time`. Reading it takes no lock.
#[derive(Clone)]
pub struct RosClock(Option<Arc<Simulated>>);

struct Simulated {
    clock: Arc<Mutex<r2r::Clock>>,
    /// Its latest time in nanoseconds.
    latest_ns: AtomicU64,
}

impl RosClock {
    /// The system's time.
    pub const fn system() -> Self {
        Self(None)
    }

    /// The time of `/clock`. The node must have been told to follow it.
    pub fn simulated(node: &r2r::Node) -> Self {
        let clock = Self(Some(Arc::new(Simulated { clock: node.get_ros_clock(), latest_ns: AtomicU64::new(0) })));
        clock.refresh();
        clock
    }

    /// Reads the time of `/clock`. The main thread calls it after each spin, so that no other needs the clock's lock.
    pub fn refresh(&self) {
        if let Some(simulated) = &self.0 {
            let now = lock(&simulated.clock).get_now().unwrap_or_default();
            simulated.latest_ns.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Time since the epoch; zero before the first message on `/clock`.
    pub fn now(&self) -> Duration {
        match &self.0 {
            None => SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            Some(simulated) => Duration::from_nanos(simulated.latest_ns.load(Ordering::Relaxed)),
        }
    }
}
