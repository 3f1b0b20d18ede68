//! How many messages about the grid have arrived, and when: what plans compare their costs with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::map::suspicion::Suspicion;

/// Arrivals of so many messages are remembered. What has waited longer has waited at least as long as the oldest.
const REMEMBERED: usize = 4096;
/// Newer arrivals may overwrite so many of the oldest while one is read.
const MARGIN: u64 = 64;

/// The arrivals. One thread writes at a time; reading takes no lock.
pub struct Ledger {
    arrived: AtomicU64,
    /// Nanoseconds of the node's clock, by the message's number.
    times: Box<[AtomicU64]>,
    /// Whether the grid may lack something.
    pub suspicion: Suspicion,
}

impl Default for Ledger {
    fn default() -> Self {
        let times = (0..REMEMBERED).map(|_| AtomicU64::new(0)).collect();
        Self { arrived: AtomicU64::new(0), times, suspicion: Suspicion::default() }
    }
}

impl Ledger {
    /// Counts a message that has arrived, and returns its number. Call it from one thread at a time.
    pub(super) fn arrive(&self, now: Duration) -> u64 {
        let number = self.arrived.load(Ordering::Relaxed) + 1;
        let time = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.times[number as usize % REMEMBERED].store(time, Ordering::Relaxed);
        self.arrived.store(number, Ordering::Release);
        number
    }

    /// How many messages have arrived.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Acquire)
    }

    /// For how long the oldest message has waited that costs don't hold which hold the first `held` ones; zero when
    /// there is none.
    #[must_use]
    pub fn lag(&self, held: u64, now: Duration) -> Duration {
        let arrived = self.arrived();
        if arrived <= held {
            return Duration::ZERO;
        }
        let oldest = (held + 1).max((arrived + 1 + MARGIN).saturating_sub(REMEMBERED as u64));
        let time = self.times[oldest as usize % REMEMBERED].load(Ordering::Relaxed);
        now.saturating_sub(Duration::from_nanos(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_the_age_of_the_oldest_message_that_is_not_held() {
        let ledger = Ledger::default();
        let ms = Duration::from_millis;
        assert_eq!(ledger.lag(0, ms(100)), Duration::ZERO);
        assert_eq!((ledger.arrive(ms(100)), ledger.arrive(ms(110))), (1, 2));
        assert_eq!([0, 1, 2].map(|held| ledger.lag(held, ms(150))), [ms(50), ms(40), ms(0)]);
        for i in 0..10_000 {
            ledger.arrive(ms(200 + i));
        }
        let oldest = ledger.lag(2, ms(10_200));
        assert!(oldest > ms(REMEMBERED as u64 - 2 * MARGIN) && oldest < ms(10_000), "{oldest:?}");
    }
}
