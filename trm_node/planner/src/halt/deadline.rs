//! Time is an argument: the core has no clock of its own.

use std::time::{Duration, Instant};

/// A monotonic clock. The node's reads `CLOCK_MONOTONIC`, tests bring a simulated one.
pub trait Clock {
    /// Time since a fixed point that is the same for all readings.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock, counted from the instant.
impl Clock for Instant {
    fn now(&self) -> Duration {
        self.elapsed()
    }
}

/// The instant by which the path must be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Duration);

impl Deadline {
    /// A deadline at a reading of the clock.
    #[must_use]
    pub const fn at(instant: Duration) -> Self {
        Self(instant)
    }

    /// Time left, nothing when it has passed.
    #[must_use]
    pub fn left(&self, clock: &dyn Clock) -> Duration {
        self.0.saturating_sub(clock.now())
    }

    /// Time left in nanoseconds, negative when it has passed.
    #[must_use]
    pub fn margin_ns(&self, clock: &dyn Clock) -> i64 {
        let now = clock.now();
        let ns = |d: Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        if now <= self.0 { ns(self.0.saturating_sub(now)) } else { -ns(now.saturating_sub(self.0)) }
    }

    /// The same deadline, earlier by a reserve.
    #[must_use]
    pub const fn earlier(self, reserve: Duration) -> Self {
        Self(self.0.saturating_sub(reserve))
    }
}
