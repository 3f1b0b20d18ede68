//! Whether so many messages waited at once on their way that the middleware may have dropped the last of them.
//!
//! Fast DDS's queue in shared memory has 512 places for a process. What comes when it is full is dropped, without a word,
//! until the publisher's next heartbeat tells of it, seconds later. But what came just before it found many in front of it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::map::by_publisher::ByPublisher;

/// So many that wait at once are a crowd.
const CROWD: usize = 256;
/// What a message would have taken is known from at least so many of its publisher before it, as many as the queue holds,
/// and at most from twice as many: this host's clock may have been set.
const KNOWN: u32 = 512;
/// By so much of a second the clocks of two hosts may part in a second.
const DRIFT: f64 = 1e-3;

/// How many messages wait.
#[derive(Default)]
pub struct Crowd {
    ways: ByPublisher<Way>,
    /// When the last ones were received, [`CROWD`] at most, in seconds. Messages leave the queue as they have come.
    received: VecDeque<f64>,
    /// So many more make no new crowd.
    told: usize,
}

/// How long the messages of a publisher take if they don't wait.
struct Way {
    /// When the last one was published and received, each by its host's clock.
    published: f64,
    received: f64,
    /// The least of the last messages' times from publication to reception, and of the [`KNOWN`] before those.
    quickest: [f64; 2],
    /// How many the last messages are.
    count: u32,
}

impl Way {
    const fn begin(published: f64, received: f64) -> Self {
        Self { published, received, quickest: [received - published, f64::INFINITY], count: 0 }
    }

    /// Takes a message, and says how long the quickest took.
    fn take(&mut self, published: f64, received: f64) -> f64 {
        if published < self.published {
            // The publisher's clock was set back.
            *self = Self::begin(published, received);
        }
        let since = (received - self.received).max(0.0);
        let [last, before] = self.quickest.map(|took| took + since * DRIFT);
        let last = last.min(received - published);
        self.count += 1;
        self.quickest = if self.count == KNOWN { [f64::INFINITY, last] } else { [last, before] };
        self.count %= KNOWN;
        (self.published, self.received) = (published, received);
        last.min(before)
    }
}

impl Crowd {
    /// A message of this publisher was published and received at these system times. `true` when it makes a crowd.
    pub fn arrive(&mut self, publisher: [u8; 16], published: Duration, received: Duration) -> bool {
        let (published, received) = (published.as_secs_f64(), received.as_secs_f64());
        let way = self.ways.entry(publisher).or_insert(Way::begin(published, received));
        let joined = published + way.take(published, received);
        let had_crowd_ahead = self.received.len() == CROWD && self.received[0] > joined;
        if self.received.len() == CROWD {
            self.received.pop_front();
        }
        self.received.push_back(received);
        self.told = self.told.saturating_sub(1);
        let is_crowd = had_crowd_ahead && self.told == 0;
        if is_crowd {
            self.told = CROWD;
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
        assert_eq!(crowds(1000, 20, 50), 3, "message 427 is the first with 256 in front of it");
        assert_eq!(crowds(400, 20, 50), 0);
        assert_eq!(crowds(100_000, 200_000, 200_020), 0, "clocks part by 0.1 ms in a second");
    }

    #[test]
    fn what_waited_while_the_process_stood_still_is_a_crowd_however_long_that_was() {
        for stop in [0, 1, 20, 3600] {
            let mut crowd = Crowd::default();
            let second = us(1_000_000);
            assert!((0..50).all(|i| !crowd.arrive(A, us(i * 1000), us(i * 1000 + 200))));
            let (began, over) = (second, second * (1 + stop) + us(30_000));
            let mut waited = (0..500).map(|i| crowd.arrive(A, began + us(i * 20), over + us(i * 40)));
            assert_eq!(waited.position(|is_crowd| is_crowd), Some(256), "{stop} s");
        }
    }

    #[test]
    fn several_publishers_wait_in_one_queue() {
        let mut crowd = Crowd::default();
        let crowds = (0..1000_u64).filter(|i| crowd.arrive([(i % 4) as u8; 16], us(i * 20), us(500 + i * 50)));
        assert_eq!(crowds.count(), 3);
    }

    #[test]
    fn a_clock_that_is_set_makes_no_crowd_for_long() {
        // 10 updates a second, and 2000: of the publisher's host, set back; of this host, set forward.
        for (apart, seconds) in [(100_000, 3600), (500, 60)] {
            let steps = [(3_600_000_000, 0, 0), (0, 3_600_000_000, 4)];
            for (published, received, most) in steps {
                let mut crowd = Crowd::default();
                let count = seconds * 1_000_000 / apart;
                let mut arrive = |i: u64| {
                    let is_set = u64::from(i > count / 2);
                    let (sent, at) = (7_200_000_000 + i * apart - is_set * published, i * apart + is_set * received);
                    crowd.arrive(A, us(sent), us(7_200_000_000 + at))
                };
                let crowds = (0..count).filter(|i| arrive(*i)).count();
                assert!(crowds <= most, "{crowds} crowds of messages {apart} us apart");
            }
        }
    }
}
