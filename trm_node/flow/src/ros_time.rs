//! ROS time, which a simulator may set: for stamps and their age.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// ROS time: the system's, or what somebody sets. Reading it takes no lock.
#[derive(Clone)]
pub struct RosTime(Option<Arc<AtomicU64>>);

impl RosTime {
    /// The system's time.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A time that is set: that of `/clock`.
    #[must_use]
    pub fn simulated() -> Self {
        Self(Some(Arc::default()))
    }

    /// Sets a simulated time. The system's stays what it is.
    pub fn set(&self, now: Duration) {
        if let Some(time_ns) = &self.0 {
            time_ns.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Time since the epoch; zero while a simulated time hasn't been set.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &self.0 {
            None => SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            Some(time_ns) => Duration::from_nanos(time_ns.load(Ordering::Relaxed)),
        }
    }
}
