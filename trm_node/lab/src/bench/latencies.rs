//! Quantiles of many times.

use serde::{Deserialize, Serialize};
use trm_planner::stats::TimeHistogram;

use crate::bench::microseconds::{from_us, to_us};

/// Quantiles of times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Latencies {
    pub p50: f64,
    #[serde(default)]
    pub p90: f64,
    pub p99: f64,
    #[serde(default)]
    pub p999: f64,
    pub max: f64,
}

impl Latencies {
    /// The quantiles of all times; zeros if there are none.
    pub fn of(times: &TimeHistogram) -> Self {
        let at = |quantile| to_us(times.quantile(quantile).min(times.max()));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: to_us(times.max()) }
    }

    /// The quantiles of times in microseconds; zeros if there are none.
    pub fn of_us(values: impl Iterator<Item = f64>) -> Self {
        let mut times = TimeHistogram::new();
        values.for_each(|us| times.record(from_us(us)));
        Self::of(&times)
    }

    /// Each quantile with its name.
    pub const fn all(&self) -> [(&'static str, f64); 5] {
        [("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("p99.9", self.p999), ("max", self.max)]
    }
}
