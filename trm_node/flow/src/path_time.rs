//! How long work on a path takes that grows with its poses: publishing it, checking it anew.

use std::time::Duration;

use trm_planner::halt::predictor::Predictor;

/// A path takes as long as so many poses more than it has. Measured on an AMD EPYC: publishing one takes 0.07 ms, and
/// 0.08 us for each of its poses.
const BESIDE: u32 = 1024;
/// What an empty path is taken to need before any was seen.
const AT_FIRST: Duration = Duration::from_micros(100);

/// Predicts it from how long the last paths took.
#[derive(Debug, Clone)]
pub struct PathTime(Predictor);

impl PathTime {
    /// A prediction of this quantile, from 0 to 1.
    #[must_use]
    pub fn new(quantile: f64) -> Self {
        let mut empty = Predictor::new(quantile);
        empty.record(AT_FIRST);
        Self(empty)
    }

    /// Records how long a path of so many poses took.
    pub fn record(&mut self, time: Duration, poses: usize) {
        self.0.record(time * BESIDE / size(poses));
    }

    /// What an empty path takes.
    #[must_use]
    pub fn of_empty(&self) -> Duration {
        self.0.predicted()
    }

    /// What a path of so many poses takes.
    #[must_use]
    pub fn predicted(&self, poses: usize) -> Duration {
        of_path(self.of_empty(), poses)
    }
}

/// What a path of so many poses takes where an empty one takes `empty`.
#[must_use]
pub fn of_path(empty: Duration, poses: usize) -> Duration {
    empty * size(poses) / BESIDE
}

fn size(poses: usize) -> u32 {
    u32::try_from(poses).unwrap_or(u32::MAX).saturating_add(BESIDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_short_paths_took_tells_what_a_long_one_takes() {
        let mut time = PathTime::new(0.95);
        assert!(time.predicted(0) == AT_FIRST && time.predicted(1024) == 2 * AT_FIRST);
        for _ in 0..64 {
            time.record(Duration::from_micros(150), 512);
        }
        assert_eq!(time.of_empty(), Duration::from_micros(100));
        assert_eq!(time.predicted(7 * 1024), Duration::from_micros(800));
        time.record(Duration::from_millis(8), 7 * 1024);
        assert_eq!(time.predicted(0), Duration::from_millis(1), "a slowdown is expected to last");
        assert!(time.predicted(usize::MAX) > Duration::from_secs(1));
    }
}
