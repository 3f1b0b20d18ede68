//! The machine's monotonic clock.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC`, counted from a start. All copies read the same.
///
/// ```
/// use trm_rt::clock::Monotonic;
///
/// let clock = Monotonic::start();
/// let earlier = clock.now();
/// assert!(clock.now() >= earlier);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    /// What `CLOCK_MONOTONIC` showed at the start.
    start: Duration,
}

impl Monotonic {
    /// A clock that shows zero now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: monotonic_time() }
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        monotonic_time().saturating_sub(self.start)
    }

    /// What `CLOCK_MONOTONIC` itself shows at a reading of this clock, which is what
    /// [`Receiver::wait`](crate::ring::Receiver::wait) takes.
    #[must_use]
    pub const fn absolute(&self, reading: Duration) -> Duration {
        self.start.saturating_add(reading)
    }
}

/// What `CLOCK_MONOTONIC` shows.
pub(crate) fn monotonic_time() -> Duration {
    read(ClockId::Monotonic)
}

/// The time that the calling thread has had of a CPU.
#[must_use]
pub fn thread_cpu_time() -> Duration {
    read(ClockId::ThreadCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    // Never negative: the clocks start at zero.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_and_its_absolute_time_are_the_same_moment() {
        let before = monotonic_time();
        let clock = Monotonic::start();
        let reading = clock.absolute(clock.now());
        assert!(before <= reading && reading <= monotonic_time());
    }
}
