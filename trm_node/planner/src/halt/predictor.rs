//! How long the next piece of work will take, from how long the last ones took.

use std::time::Duration;

/// How many past times count.
const WINDOW: usize = 64;

/// A quantile of the last times of one kind of work. No allocation.
#[derive(Debug, Clone)]
pub struct Predictor {
    times: [Duration; WINDOW],
    count: usize,
    next: usize,
    quantile: f64,
    /// The quantile of `times`.
    usual: Duration,
    last: Duration,
}

impl Predictor {
    /// A predictor that has seen nothing: it predicts no time at all until the first [`Self::record`].
    #[must_use]
    pub const fn new(quantile: f64) -> Self {
        Self {
            times: [Duration::ZERO; WINDOW],
            count: 0,
            next: 0,
            quantile,
            usual: Duration::ZERO,
            last: Duration::ZERO,
        }
    }

    /// Takes in one more time.
    ///
    /// A time above the prediction is expected again at once: a robot's core that has just slowed down mostly stays
    /// slow for a while. It is forgotten as the quantile forgets it.
    pub fn record(&mut self, time: Duration) {
        self.times[self.next] = time;
        self.next = (self.next + 1) % WINDOW;
        self.count = (self.count + 1).min(WINDOW);
        let mut sorted = self.times;
        let seen = &mut sorted[..self.count];
        let rank = ((self.count as f64 * self.quantile).ceil() as usize).clamp(1, self.count) - 1;
        let (_, usual, _) = seen.select_nth_unstable(rank);
        (self.usual, self.last) = (*usual, time);
    }

    /// Lets the prediction fall: for when it forbade the work itself, so that no new time can ever correct it. The last
    /// time, which may have been an outlier, counts for half, and all times for a sixteenth less.
    pub fn fade(&mut self) {
        self.last /= 2;
        for time in self.times.iter_mut().chain([&mut self.usual]) {
            *time -= *time / 16;
        }
    }

    /// The time to expect, or `unseen` before the first one was taken in.
    #[must_use]
    pub fn predicted_or(&self, unseen: Duration) -> Duration {
        if self.count == 0 { unseen } else { self.predicted() }
    }

    /// The time to expect.
    #[must_use]
    pub fn predicted(&self) -> Duration {
        self.usual.max(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prediction_is_the_quantile_and_follows_a_jump_at_once() {
        let mut predictor = Predictor::new(0.95);
        for ms in 1..=60 {
            predictor.record(Duration::from_millis(ms % 20));
        }
        predictor.record(Duration::from_millis(1));
        assert_eq!(predictor.predicted(), Duration::from_millis(18));
        predictor.record(Duration::from_millis(200));
        assert_eq!(predictor.predicted(), Duration::from_millis(200));
        predictor.record(Duration::from_millis(1));
        assert_eq!(predictor.predicted(), Duration::from_millis(19), "one outlier is beyond the quantile");
    }

    #[test]
    fn a_prediction_that_is_never_put_to_the_test_fades() {
        let mut predictor = Predictor::new(0.95);
        for _ in 0..100 {
            predictor.record(Duration::from_millis(40));
        }
        let fading = (0..).take_while(|_| {
            predictor.fade();
            predictor.predicted() > Duration::from_millis(20)
        });
        assert_eq!(fading.count(), 10);
        predictor.record(Duration::from_millis(1));
        assert!(predictor.predicted() < Duration::from_millis(20), "also what was seen before has faded");
        predictor.record(Duration::from_millis(80));
        predictor.fade();
        predictor.fade();
        assert_eq!(predictor.predicted(), Duration::from_millis(20), "a single outlier fades fast");
    }
}
