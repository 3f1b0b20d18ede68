//! Predicts how long the next piece of work takes, from how long the last ones took.

use std::time::Duration;

/// The number of past durations that count.
const WINDOW: usize = 64;

/// Predicts a quantile of the last durations of one kind of work. Allocates nothing.
///
/// ```
/// use std::time::Duration;
/// use trm_planner::halt::predictor::Predictor;
///
/// let mut predictor = Predictor::new(0.9);
/// for ms in [3, 1, 2, 4, 2, 3, 1, 2, 9, 2] {
///     predictor.record(Duration::from_millis(ms));
/// }
/// assert_eq!(predictor.predicted(), Duration::from_millis(4), "nine of ten took no longer");
/// predictor.record(Duration::from_millis(20));
/// assert_eq!(predictor.predicted(), Duration::from_millis(20), "a slowdown is expected to last");
/// ```
#[derive(Debug, Clone)]
pub struct Predictor {
    /// The last durations, as a ring.
    times: [Duration; WINDOW],
    /// The number of valid entries of `times`.
    count: usize,
    /// The index of the entry that is overwritten next.
    next: usize,
    quantile: f64,
    /// The quantile of `times`.
    usual: Duration,
    /// The most recent duration.
    last: Duration,
}

impl Predictor {
    /// A predictor of this quantile, from 0 to 1, without records. It predicts zero until the first [`Self::record`].
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

    /// The quantile that it predicts, from 0 to 1.
    #[must_use]
    pub const fn quantile(&self) -> f64 {
        self.quantile
    }

    /// Records a duration.
    ///
    /// A duration above the prediction is predicted again at once: a core that has just slowed down mostly stays slow
    /// for a while. With the next record it counts only as far as the quantile takes it into account.
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

    /// Lowers the prediction. Needed when the prediction itself prevented the work, so that no new record could ever
    /// correct it. The last duration, which may be an outlier, is halved; all others are reduced by a sixteenth.
    pub fn decay(&mut self) {
        self.last /= 2;
        for time in self.times.iter_mut().chain([&mut self.usual]) {
            *time -= *time / 16;
        }
    }

    /// The predicted duration, or `unseen` before the first record.
    #[must_use]
    pub fn predicted_or(&self, unseen: Duration) -> Duration {
        if self.count == 0 { unseen } else { self.predicted() }
    }

    /// The predicted duration: the quantile or the last duration, whichever is longer.
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
        assert_eq!(predictor.predicted(), Duration::from_millis(19), "a single outlier lies above the quantile");
    }

    #[test]
    fn a_prediction_that_prevents_the_work_decays() {
        let mut predictor = Predictor::new(0.95);
        for _ in 0..100 {
            predictor.record(Duration::from_millis(40));
        }
        let decays = (0..).take_while(|_| {
            predictor.decay();
            predictor.predicted() > Duration::from_millis(20)
        });
        assert_eq!(decays.count(), 10);
        predictor.record(Duration::from_millis(1));
        assert!(predictor.predicted() < Duration::from_millis(20), "earlier records have decayed too");
        predictor.record(Duration::from_millis(80));
        predictor.decay();
        predictor.decay();
        assert_eq!(predictor.predicted(), Duration::from_millis(20), "a single outlier decays fast");
    }
}
