//! The clock of deadlines and ticks.

use std::time::Duration;

use trm_planner::halt::deadline::Clock;
use trm_rt::clock::Monotonic;

/// `CLOCK_MONOTONIC`, counted from the node's start. All copies read the same.
#[derive(Clone, Copy)]
pub struct NodeClock(Monotonic);

impl NodeClock {
    pub fn start() -> Self {
        Self(Monotonic::start())
    }

    /// What `CLOCK_MONOTONIC` itself shows at a reading of this clock.
    pub const fn absolute(&self, reading: Duration) -> Duration {
        self.0.absolute(reading)
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Duration {
        self.0.now()
    }
}
