//! Counts and times of all plans since the start.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::halt::policy::StopReason;
use crate::planner::report::{Report, Source, StageTimes};

/// Longer times count as this one.
const LONGEST: Duration = Duration::from_mins(1);

/// What all plans came to. Recording allocates nothing.
#[derive(Debug, Clone)]
pub struct Statistics {
    plans: u64,
    misses: u64,
    sources: [u64; Source::ALL.len()],
    stops: [u64; StopReason::ALL.len()],
    /// From arrival to publication, in nanoseconds.
    latency: Histogram<u64>,
    /// In the order of [`StageTimes::iter`].
    stages: [Histogram<u64>; StageTimes::COUNT],
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new()
    }
}

impl Statistics {
    /// Nothing counted yet.
    ///
    /// # Panics
    /// Never: the histograms' bounds are constants that they accept.
    #[must_use]
    pub fn new() -> Self {
        let histogram =
            || Histogram::new_with_bounds(1, LONGEST.as_nanos() as u64, 3).expect("the bounds are constants in range");
        Self {
            plans: 0,
            misses: 0,
            sources: [0; Source::ALL.len()],
            stops: [0; StopReason::ALL.len()],
            latency: histogram(),
            stages: std::array::from_fn(|_| histogram()),
        }
    }

    /// Takes in a plan: its report, the time from its arrival to its publication, and whether that was too late.
    pub fn record(&mut self, report: &Report, published: Duration, missed: bool) {
        self.plans += 1;
        self.misses += u64::from(missed);
        self.sources[report.source.index()] += 1;
        if let Some(stop) = report.stop {
            self.stops[stop.index()] += 1;
        }
        self.latency.saturating_record(published.as_nanos() as u64);
        for (histogram, (_, time)) in self.stages.iter_mut().zip(report.stages.iter()) {
            histogram.saturating_record(time.as_nanos() as u64);
        }
    }

    /// Number of plans.
    #[must_use]
    pub const fn plans(&self) -> u64 {
        self.plans
    }

    /// Number of plans that were published after their deadline.
    #[must_use]
    pub const fn misses(&self) -> u64 {
        self.misses
    }

    /// How many plans came from each source.
    pub fn sources(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Source::ALL.iter().map(|source| source.name()).zip(self.sources)
    }

    /// How many recursions stopped for each reason.
    pub fn stops(&self) -> impl Iterator<Item = (&'static str, u64)> {
        StopReason::ALL.iter().map(|stop| stop.name()).zip(self.stops)
    }

    /// A quantile, from 0 to 1, of the time from arrival to publication.
    #[must_use]
    pub fn latency(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.latency.value_at_quantile(quantile))
    }

    /// The longest time from arrival to publication.
    #[must_use]
    pub fn latency_max(&self) -> Duration {
        Duration::from_nanos(self.latency.max())
    }

    /// A quantile of the time of a stage, by its place in [`StageTimes::iter`].
    ///
    /// # Panics
    /// When there is no such stage.
    #[must_use]
    pub fn stage(&self, stage: usize, quantile: f64) -> Duration {
        Duration::from_nanos(self.stages[stage].value_at_quantile(quantile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_counted_by_source_stop_and_time() {
        let mut statistics = Statistics::new();
        for i in 1..=100_u64 {
            let source = if i % 4 == 0 { Source::Fallback } else { Source::Model };
            let stages = StageTimes { recurse: Duration::from_millis(i), ..StageTimes::default() };
            let report = Report { source, stop: Some(StopReason::Verified), stages, ..Report::default() };
            statistics.record(&report, Duration::from_millis(2 * i), i > 97);
        }
        assert_eq!((statistics.plans(), statistics.misses()), (100, 3));
        assert_eq!(statistics.sources().collect::<Vec<_>>()[..3], [("model", 75), ("previous", 0), ("fallback", 25)]);
        assert_eq!(statistics.stops().next(), Some(("verified", 100)));
        let near = |time: Duration, ms: f64| (time.as_secs_f64() * 1e3 / ms - 1.0).abs() < 1e-2;
        assert!(near(statistics.latency(0.5), 100.0) && near(statistics.latency_max(), 200.0));
        let recurse = StageTimes::default().iter().position(|(name, _)| name == "recurse").unwrap();
        assert!(near(statistics.stage(recurse, 0.9), 90.0));
        statistics.record(&Report::default(), Duration::from_secs(1000), true);
        assert!(statistics.latency_max() >= LONGEST, "too long is counted all the same");
    }
}
