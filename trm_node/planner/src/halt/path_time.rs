//! How long work on a path takes that grows with its poses: publishing it, checking it.

use std::time::Duration;

use crate::halt::predictor::Predictor;

/// A kind of work on paths.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// A path takes as long as so many poses more than it has.
    beside: u32,
    /// What an empty path is taken to need before any was seen.
    at_first: Duration,
}

/// Publishing a path, or checking that of a disc. Measured on an AMD EPYC: publishing takes 0.07 ms, and 0.08 us for each
/// pose.
pub const PUBLISHING: Work = Work { beside: 1024, at_first: Duration::from_micros(100) };
/// Checking what a footprint sweeps: up to 4 us for each pose of a forklift of 2.4 m in cells of 5 cm, measured on the same.
pub const SWEEPING: Work = Work { beside: 64, at_first: Duration::from_micros(250) };

impl Work {
    /// What a path of so many poses takes where an empty one takes `empty`.
    #[must_use]
    pub fn of_path(self, empty: Duration, poses: usize) -> Duration {
        empty * self.size(poses) / self.beside
    }

    fn size(self, poses: usize) -> u32 {
        u32::try_from(poses).unwrap_or(u32::MAX).saturating_add(self.beside)
    }
}

/// Predicts it from how long the last paths took.
#[derive(Debug, Clone)]
pub struct PathTime {
    work: Work,
    /// Of an empty path.
    empty: Predictor,
}

impl PathTime {
    /// A prediction of this quantile, from 0 to 1.
    #[must_use]
    pub fn new(work: Work, quantile: f64) -> Self {
        let mut empty = Predictor::new(quantile);
        empty.record(work.at_first);
        Self { work, empty }
    }

    /// Records how long a path of so many poses took.
    pub fn record(&mut self, time: Duration, poses: usize) {
        self.empty.record(time * self.work.beside / self.work.size(poses));
    }

    /// What an empty path takes.
    #[must_use]
    pub fn of_empty(&self) -> Duration {
        self.empty.predicted()
    }

    /// What a path of so many poses takes.
    #[must_use]
    pub fn predicted(&self, poses: usize) -> Duration {
        self.work.of_path(self.of_empty(), poses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_short_paths_took_tells_what_a_long_one_takes() {
        let mut time = PathTime::new(PUBLISHING, 0.95);
        let at_first = PUBLISHING.at_first;
        assert!(time.predicted(0) == at_first && time.predicted(1024) == 2 * at_first);
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
