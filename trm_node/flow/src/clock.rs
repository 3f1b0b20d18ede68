//! The clock of deadlines and ticks.

use std::sync::Arc;
use std::time::Duration;

use trm_planner::halt::deadline::Clock;
use trm_rt::clock::Monotonic;

/// Counted from the node's start. All copies read the same.
#[derive(Clone)]
pub struct NodeClock(Kind);

#[derive(Clone)]
enum Kind {
    /// `CLOCK_MONOTONIC`.
    Machine(Monotonic),
    /// A simulation's.
    Simulated(Arc<dyn Clock + Send + Sync>),
}

impl NodeClock {
    /// `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn start() -> Self {
        Self(Kind::Machine(Monotonic::start()))
    }

    /// A simulation's clock. Each reading is a point where it may let time pass and other threads run: nothing here
    /// reads the clock under a lock.
    #[must_use]
    pub fn simulated(clock: Arc<dyn Clock + Send + Sync>) -> Self {
        Self(Kind::Simulated(clock))
    }

    /// What `CLOCK_MONOTONIC` itself shows at a reading of this clock.
    #[must_use]
    pub fn absolute(&self, reading: Duration) -> Duration {
        match &self.0 {
            Kind::Machine(clock) => clock.absolute(reading),
            Kind::Simulated(_) => reading,
        }
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Duration {
        match &self.0 {
            Kind::Machine(clock) => clock.now(),
            Kind::Simulated(clock) => clock.now(),
        }
    }
}
