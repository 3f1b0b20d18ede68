//! How many messages about the grid have arrived, and when: what plans compare their costs with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::map::suspicion::Suspicion;

/// Arrivals of so many messages are remembered.
const REMEMBERED: usize = 4096;
/// Of older ones, every so-manieth is; the others count as old as the one before them. A burst of thousands must not make
/// a message young that has waited since before it.
const STRIDE: u64 = 16;
/// So many of these: more messages than may wait for the world thread.
const MARKS: usize = 1 << 14;
/// Newer arrivals may overwrite so many of the oldest while one is read.
const MARGIN: u64 = 64;

/// The arrivals. One thread writes at a time; reading takes no lock.
pub struct Ledger {
    arrived: AtomicU64,
    /// Nanoseconds of the node's clock, by the message's number.
    times: Box<[AtomicU64]>,
    /// The same of every [`STRIDE`]th message.
    marks: Box<[AtomicU64]>,
    /// Whether the grid may lack something.
    pub suspicion: Suspicion,
}

impl Default for Ledger {
    fn default() -> Self {
        let times = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        let (times, marks) = (times(REMEMBERED), times(MARKS));
        Self { arrived: AtomicU64::new(0), times, marks, suspicion: Suspicion::default() }
    }
}

impl Ledger {
    /// Counts a message that has arrived, and returns its number. Call it from one thread at a time.
    pub(super) fn arrive(&self, now: Duration) -> u64 {
        let number = self.arrived.load(Ordering::Relaxed) + 1;
        let time = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.times[number as usize % REMEMBERED].store(time, Ordering::Relaxed);
        if number == 1 || number.is_multiple_of(STRIDE) {
            self.marks[(number / STRIDE) as usize % MARKS].store(time, Ordering::Relaxed);
        }
        self.arrived.store(number, Ordering::Release);
        number
    }

    /// How many messages have arrived.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Acquire)
    }

    /// For how long the oldest message has waited that costs don't hold which hold the first `held` ones, or a little
    /// longer; zero when there is none.
    #[must_use]
    pub fn lag(&self, held: u64, now: Duration) -> Duration {
        let arrived = self.arrived();
        if arrived <= held {
            return Duration::ZERO;
        }
        let oldest = held + 1;
        let time = if oldest > (arrived + MARGIN).saturating_sub(REMEMBERED as u64) {
            &self.times[oldest as usize % REMEMBERED]
        } else {
            let mark = (oldest / STRIDE).max((arrived / STRIDE + MARGIN).saturating_sub(MARKS as u64));
            &self.marks[mark as usize % MARKS]
        };
        now.saturating_sub(Duration::from_nanos(time.load(Ordering::Relaxed)))
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
        // One of them arrived each millisecond.
        for (held, since) in [(2, 100), (1000, 10_000 - 998), (9000, 10_000 - 8998)] {
            let (lag, least) = (ledger.lag(held, ms(10_200)), ms(since));
            assert!(lag >= least && lag <= (least + ms(STRIDE)).max(ms(10_100)), "{held}: {lag:?}");
        }
        for _ in 0..2 * MARKS as u64 * STRIDE {
            ledger.arrive(ms(11_000));
        }
        assert!(ledger.lag(2, ms(11_100)) >= ms(100), "as old as the oldest that is remembered");
    }
}
