//! The machine's monotonic clock.

use std::time::{Duration, Instant};

use trm_planner::halt::deadline::Clock;

/// Counts from when it was started.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts counting.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Stopwatch {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
