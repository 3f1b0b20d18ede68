//! The publishers' clocks: whether one was set back. Times before and after that aren't compared.

use std::collections::HashMap;
use std::time::Duration;

use crate::map::message::Published;

/// So many publishers and hosts are told apart. One more replaces all.
const MOST: usize = 256;

/// What is known of the clocks.
#[derive(Default)]
pub struct Clocks {
    /// How often each host's was set back.
    set_back: HashMap<u32, u32>,
    /// The last reading of this host's clock, and how often that was set back.
    own: Duration,
    own_set_back: u32,
    /// The last number of each publisher, and when it was published.
    last: HashMap<[u8; 16], (u64, Duration)>,
}

impl Clocks {
    /// This host's clock has been read once more, which happens often. Where it was set back, so was that of the
    /// publishers on this host. Which those are isn't known, so all are taken to be.
    pub fn read(&mut self, system: Duration) {
        self.own_set_back += u32::from(system < self.own);
        self.own = system;
    }

    /// Completes the time at which a publisher published its message of this number. A later message with an earlier
    /// time says that the clock was set back.
    pub fn date(&mut self, publisher: [u8; 16], number: Option<u64>, published: Published) -> Published {
        if self.last.len() >= MOST || self.set_back.len() >= MOST {
            self.last.clear();
        }
        let set_back = self.set_back.entry(published.host).or_default();
        if let Some(number) = number {
            let last = self.last.entry(publisher).or_insert((number, published.at));
            if number > last.0 {
                *set_back += u32::from(published.at < last.1);
                *last = (number, published.at);
            }
        }
        // Both only grow: as long as neither does, it is the same era.
        Published { era: *set_back + self.own_set_back, ..published }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_message_with_an_earlier_time_begins_an_era_on_its_host() {
        let mut clocks = Clocks::default();
        let mut era = |publisher: u8, host, number, s| {
            let published = Published { host, era: 0, at: Duration::from_secs(s) };
            clocks.date([publisher; 16], Some(number), published).era
        };
        assert_eq!([era(1, 1, 1, 100), era(1, 1, 2, 200), era(1, 1, 1, 100), era(2, 1, 1, 50)], [0; 4]);
        assert_eq!([era(1, 1, 3, 40), era(2, 1, 2, 60), era(3, 2, 1, 1)], [1, 1, 0]);
    }

    #[test]
    fn this_hosts_clock_set_back_begins_an_era_on_all_hosts_and_set_forward_does_not() {
        let s = Duration::from_secs;
        let mut clocks = Clocks::default();
        let eras = [100, 101, 5000, 5001, 101, 102, 101].map(|system| {
            clocks.read(s(system));
            clocks.date([1; 16], None, Published { host: 7, era: 0, at: s(system) }).era
        });
        assert_eq!(eras, [0, 0, 0, 0, 1, 1, 2]);
    }
}
