//! How long it takes to think about problems ahead of their plans, and whether it is worth it.

use std::time::Duration;

use crate::halt::predictor::Predictor;

/// After so many failures in a row the pause grows no more.
const MAX_FAILURES: u32 = 10;

/// What is known of that.
pub struct AheadTimes {
    /// Looking at a problem.
    pub look: Predictor,
    /// Thinking about 1, 2, 3 to 4, 5 to 8 problems.
    think: [Predictor; 4],
    /// How often it has failed in a row.
    failures: u32,
    /// How often it isn't tried for that.
    pause: u32,
}

impl AheadTimes {
    pub fn new(quantile: f64) -> Self {
        let new = || Predictor::new(quantile);
        Self { look: new(), think: std::array::from_fn(|_| new()), failures: 0, pause: 0 }
    }

    /// Whether thinking about so many problems is predicted to end within `patience`, and to take no longer than what it saves:
    /// `alone` is what their plans take for that without it.
    pub fn is_worth(&mut self, count: usize, patience: Duration, alone: Duration) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        // Where the time of so many isn't known, that of fewer.
        let known = self.think[..=index(count)].iter().rev().map(Predictor::predicted);
        let together = known.into_iter().find(|time| !time.is_zero()).unwrap_or_default();
        let is_worth = together < patience && together + self.look.predicted() * (count as u32) <= alone;
        if !is_worth {
            // It is tried again once in a while.
            self.think[index(count)].decay();
        }
        is_worth
    }

    /// Records how long thinking about so many problems took. A failure may cost the plans after it the model, as long as the device is
    /// busy with what was late: after each one in a row it isn't tried for twice as many requests.
    pub fn record(&mut self, count: usize, time: Duration, failed: bool) {
        self.think[index(count)].record(time);
        self.failures = if failed { (self.failures + 1).min(MAX_FAILURES) } else { 0 };
        self.pause = if failed { 1 << self.failures } else { 0 };
    }
}

/// Which times are those of so many problems.
fn index(count: usize) -> usize {
    (count.next_power_of_two().ilog2() as usize).min(3)
}
