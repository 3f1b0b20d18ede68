//! Clocks and deadlines. Time is always an argument: the planner has no clock of its own.

use std::time::{Duration, Instant};

/// A monotonic clock. The node's reads `CLOCK_MONOTONIC`; tests use a simulated one.
pub trait Clock {
    /// The time since a fixed instant, the same for all readings.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock, measured from this instant.
impl Clock for Instant {
    fn now(&self) -> Duration {
        self.elapsed()
    }
}

/// The instant by which some work must end, as a reading of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Duration);

impl Deadline {
    /// A deadline at a reading of the clock.
    #[must_use]
    pub const fn at(instant: Duration) -> Self {
        Self(instant)
    }

    /// The time left; zero after the deadline.
    #[must_use]
    pub fn left(&self, clock: &dyn Clock) -> Duration {
        self.0.saturating_sub(clock.now())
    }

    /// The time left in nanoseconds; negative after the deadline.
    #[must_use]
    pub fn margin_ns(&self, clock: &dyn Clock) -> i64 {
        let now = clock.now();
        let ns = |d: Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        if now <= self.0 { ns(self.0.saturating_sub(now)) } else { -ns(now.saturating_sub(self.0)) }
    }

    /// A deadline that is earlier by a reserve.
    #[must_use]
    pub const fn earlier(self, reserve: Duration) -> Self {
        Self(self.0.saturating_sub(reserve))
    }
}
