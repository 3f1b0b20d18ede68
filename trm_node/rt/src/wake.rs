//! The wake-up of a thread that waits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::sync::Futex;

const NONE: u32 = 0;
const SENT: u32 = 1;

/// Wakes the one thread that waits for it. One that is sent before the thread waits is remembered, several count once.
/// Sending never waits and allocates nothing.
#[derive(Default)]
pub struct WakeUp(Futex);

impl WakeUp {
    /// Sends a wake-up. What this thread wrote before is visible to the thread that it wakes.
    pub fn send(&self) {
        // Whoever finds an earlier one that wasn't received leaves the waking to its sender.
        if self.0.swap(SENT, Ordering::Release) == NONE {
            self.0.wake();
        }
    }

    /// Waits until a wake-up is sent, or has been sent since the last wait, and at most until `CLOCK_MONOTONIC` shows
    /// `until`. A wake-up that comes after that is left for the next wait.
    pub fn wait(&self, until: Option<Duration>) {
        while self.0.swap(NONE, Ordering::Acquire) == NONE && self.0.sleep_while(NONE, until) {}
    }
}

/// In every order that threads can take: `make loom`. A wake-up that is lost is a deadlock, which loom reports.
#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicBool;
    use loom::thread;

    use super::*;
    use crate::loom_model::explore;

    #[test]
    fn a_wake_up_is_not_lost_and_shows_what_was_written_before_it() {
        explore(|| {
            let shared = Arc::new((WakeUp::default(), UnsafeCell::new(0)));
            let for_sender = Arc::clone(&shared);
            let thread = thread::spawn(move || {
                let (wake_up, number) = &*for_sender;
                number.with_mut(|number| {
                    // SAFETY: loom reports an access at the same time.
                    #[expect(unsafe_code, reason = "a cell that loom watches")]
                    unsafe {
                        *number = 1;
                    }
                });
                wake_up.send();
            });
            let (wake_up, number) = &*shared;
            wake_up.wait(None);
            // SAFETY: loom reports an access at the same time.
            #[expect(unsafe_code, reason = "a cell that loom watches")]
            number.with(|number| assert_eq!(unsafe { *number }, 1));
            thread.join().unwrap();
        });
    }

    #[test]
    fn of_two_senders_both_are_heard() {
        explore(|| {
            let shared = Arc::new((WakeUp::default(), [AtomicBool::new(false), AtomicBool::new(false)]));
            let threads = [0, 1].map(|sender| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    shared.1[sender].store(true, Ordering::Relaxed);
                    shared.0.send();
                })
            });
            while !shared.1.iter().all(|is_sent| is_sent.load(Ordering::Relaxed)) {
                shared.0.wait(None);
            }
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn a_wait_that_times_out_loses_no_wake_up() {
        explore(|| {
            let shared = Arc::new((WakeUp::default(), AtomicBool::new(false)));
            let for_sender = Arc::clone(&shared);
            let thread = thread::spawn(move || {
                for_sender.1.store(true, Ordering::Relaxed);
                for_sender.0.send();
            });
            shared.0.wait(Some(Duration::ZERO));
            while !shared.1.load(Ordering::Relaxed) {
                shared.0.wait(None);
            }
            thread.join().unwrap();
        });
    }
}
