//! Statistics of all plans since the start.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::halt::policy::StopReason;
use crate::report::{Report, Source, StageTimes};

/// Longer durations are recorded as this one.
const LONGEST: Duration = Duration::from_mins(1);

/// A histogram of durations with three significant digits. Recording allocates nothing.
#[derive(Debug, Clone)]
pub struct TimeHistogram(Histogram<u64>);

impl Default for TimeHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl TimeHistogram {
    /// An empty histogram.
    ///
    /// # Panics
    /// Never: the bounds are valid constants.
    #[must_use]
    pub fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST.as_nanos() as u64, 3).expect("the bounds are constants in range"))
    }

    /// Records a duration; longer ones than a minute count as a minute.
    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(time.as_nanos() as u64);
    }

    /// A quantile, from 0 to 1; zero if the histogram is empty.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(quantile))
    }

    /// The longest duration; zero if the histogram is empty.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    /// The number of recorded durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The recorded durations with their counts, shortest first.
    pub fn iter(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        self.0.iter_recorded().map(|at| (Duration::from_nanos(at.value_iterated_to()), at.count_at_value()))
    }
}

/// Outcomes and durations of all plans. Recording allocates nothing.
#[derive(Debug, Clone)]
pub struct Statistics {
    plans: u64,
    misses: u64,
    sources: [u64; Source::ALL.len()],
    stops: [u64; StopReason::ALL.len()],
    /// Time from arrival to publication.
    latency: TimeHistogram,
    /// In the order of [`StageTimes::iter`].
    stages: [TimeHistogram; StageTimes::COUNT],
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new()
    }
}

impl Statistics {
    /// Statistics of no plans.
    #[must_use]
    pub fn new() -> Self {
        Self {
            plans: 0,
            misses: 0,
            sources: [0; Source::ALL.len()],
            stops: [0; StopReason::ALL.len()],
            latency: TimeHistogram::new(),
            stages: std::array::from_fn(|_| TimeHistogram::new()),
        }
    }

    /// Records a plan: its report, the time from its arrival to its publication, and whether that missed the deadline.
    pub fn record(&mut self, report: &Report, published: Duration, missed: bool) {
        self.plans += 1;
        self.misses += u64::from(missed);
        self.sources[report.source.index()] += 1;
        if let Some(stop) = report.stop {
            self.stops[stop.index()] += 1;
        }
        self.latency.record(published);
        for (times, (_, time)) in self.stages.iter_mut().zip(report.stages.iter()) {
            times.record(time);
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

    /// The number of plans from each source.
    pub fn sources(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Source::ALL.iter().map(|source| source.name()).zip(self.sources)
    }

    /// The number of recursions that stopped for each reason.
    pub fn stops(&self) -> impl Iterator<Item = (&'static str, u64)> {
        StopReason::ALL.iter().map(|stop| stop.name()).zip(self.stops)
    }

    /// A quantile, from 0 to 1, of the time from arrival to publication.
    #[must_use]
    pub fn latency(&self, quantile: f64) -> Duration {
        self.latency.quantile(quantile)
    }

    /// The longest time from arrival to publication.
    #[must_use]
    pub fn latency_max(&self) -> Duration {
        self.latency.max()
    }

    /// A quantile of the time of a stage, given its index in [`StageTimes::iter`].
    ///
    /// # Panics
    /// If there is no such stage.
    #[must_use]
    pub fn stage(&self, stage: usize, quantile: f64) -> Duration {
        self.stages[stage].quantile(quantile)
    }

    /// All times from arrival to publication.
    #[must_use]
    pub const fn latencies(&self) -> &TimeHistogram {
        &self.latency
    }

    /// The name and the times of each stage, in the order of [`StageTimes::iter`].
    pub fn stages(&self) -> impl Iterator<Item = (&'static str, &TimeHistogram)> {
        let none = StageTimes::default();
        let mut names = none.iter().map(|(name, _)| name);
        let names: [_; StageTimes::COUNT] = std::array::from_fn(|_| names.next().unwrap_or_default());
        names.into_iter().zip(&self.stages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_counted_by_source_stop_reason_and_time() {
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
        let (name, times) = statistics.stages().nth(recurse).unwrap();
        assert!(name == "recurse" && times.count() == 100 && near(times.max(), 100.0));
        assert_eq!(statistics.latencies().iter().map(|(_, n)| n).sum::<u64>(), 100);
        statistics.record(&Report::default(), Duration::from_secs(1000), true);
        assert!(statistics.latency_max() >= LONGEST, "longer durations are recorded too");
    }
}
