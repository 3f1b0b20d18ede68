//! A word in memory that a thread can sleep on (futex(2)).

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{Flags, Timespec, wait_bitset, wake};

/// An atomic number that a thread can sleep on while it has a certain value. Of this process alone.
#[derive(Default)]
pub struct Futex(AtomicU32);

impl Futex {
    /// Stores a value and returns the old one.
    pub fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.0.swap(value, order)
    }

    /// Sleeps until [`Self::wake`] is called, unless the value is another one by then. May return early for no reason.
    /// Returns `false` once `CLOCK_MONOTONIC` shows `until` or more.
    pub fn sleep_while(&self, value: u32, until: Option<Duration>) -> bool {
        // A time that the system can't express is never reached.
        let until = until.and_then(|until| Timespec::try_from(until).ok());
        // Unlike `FUTEX_WAIT`, this call takes an absolute time.
        wait_bitset(&self.0, Flags::PRIVATE, value, until.as_ref(), NonZeroU32::MAX) != Err(Errno::TIMEDOUT)
    }

    /// Wakes the thread that sleeps here, if there is one.
    pub fn wake(&self) {
        // It can't fail for a word of this process.
        let _ = wake(&self.0, Flags::PRIVATE, 1);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::clock::monotonic_time;

    #[test]
    fn a_sleep_ends_at_its_time_or_when_it_is_woken_and_never_begins_when_the_word_is_another() {
        let word = Futex::default();
        let until = monotonic_time() + Duration::from_millis(5);
        while monotonic_time() < until {
            word.sleep_while(0, Some(until));
        }
        assert!(!word.sleep_while(0, Some(until)), "the time has passed");
        assert!(word.sleep_while(1, None));
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| word.sleep_while(0, None));
            while !sleeper.is_finished() {
                word.wake();
                thread::yield_now();
            }
        });
    }
}
