//! Waiting for a time, and measuring how long something takes.

use std::time::{Duration, Instant};

use trm_planner::halt::deadline::Clock as _;

/// Sleeps until a reading of the clock.
pub fn sleep_until(clock: &Instant, at: Duration) {
    loop {
        let left = at.saturating_sub(clock.now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left);
    }
}

/// What some work gives, and how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}
