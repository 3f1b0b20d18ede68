//! Whether so many messages waited at once on their way that the middleware may have dropped the last of them.
//!
//! Fast DDS's queue in shared memory has 512 places for a process. What comes when it is full is dropped, without a word,
//! until the publisher's next heartbeat tells of it, seconds later. But what waited before it in the queue waited for long.

use std::time::Duration;

use crate::map::by_publisher::ByPublisher;

/// A message that took so much longer than the quickest one of its publisher has waited.
const WAITED: Duration = Duration::from_millis(2);
/// So many that waited, one after the other, are a crowd.
const CROWD: u32 = 256;
/// By so much of a second the clocks of two hosts may part in a second.
const DRIFT: f64 = 1e-3;

/// How long messages take.
#[derive(Default)]
pub struct Crowd {
    quickest: ByPublisher<Quickest>,
    /// How many have come since the last one that hadn't waited.
    waited: u32,
}

/// The quickest way of a message.
struct Quickest {
    /// Seconds from publication to reception, each by its host's clock.
    took: f64,
    received: Duration,
}

impl Crowd {
    /// A message of this publisher was published and received at these system times. `true` when it makes a crowd.
    pub fn arrive(&mut self, publisher: [u8; 16], published: Duration, received: Duration) -> bool {
        let took = received.as_secs_f64() - published.as_secs_f64();
        let quickest = self.quickest.entry(publisher).or_insert(Quickest { took, received });
        let since = (received.as_secs_f64() - quickest.received.as_secs_f64()).max(0.0);
        *quickest = Quickest { took: took.min(quickest.took + since * DRIFT), received };
        let has_waited = took - quickest.took >= WAITED.as_secs_f64();
        self.waited = if has_waited { self.waited + 1 } else { 0 };
        let is_crowd = self.waited == CROWD;
        if is_crowd {
            self.waited = 0;
        }
        is_crowd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 16] = [1; 16];

    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    /// Messages of one publisher, so many microseconds apart, that are received so many apart: how many crowds they make.
    fn crowds(count: u64, sent: u64, taken: u64) -> usize {
        let mut crowd = Crowd::default();
        // An hour between the hosts' clocks.
        let ahead = us(3_600_000_000);
        (0..count).filter(|i| crowd.arrive(A, us(1000 + i * sent) + ahead, us(1500 + i * taken))).count()
    }

    #[test]
    fn a_burst_that_waits_is_a_crowd_and_a_stream_is_none() {
        assert_eq!(crowds(1000, 30, 30), 0);
        assert_eq!(crowds(1000, 20, 50), 3, "the first 67 waited for less than 2 ms");
        assert_eq!(crowds(300, 20, 50), 0);
        assert_eq!(crowds(100_000, 200_000, 200_020), 0, "clocks part by 0.1 ms in a second");
    }

    #[test]
    fn what_waits_no_more_begins_a_new_count() {
        let mut crowd = Crowd::default();
        for round in 0..10 {
            let at = us(round * 1_000_000);
            assert!(!crowd.arrive(A, at, at));
            assert!((1..256).all(|_| !crowd.arrive(A, at, at + us(5000))));
        }
    }
}
