//! Times of one kind, few enough to keep them all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tick::us;
use crate::statistics::Sorted;

/// The 95 % interval's quantile of the normal distribution.
const Z: f64 = 1.96;

/// Quantiles of times, in microseconds, and between which two of them the median lies with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    pub n: u64,
    pub min: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
    pub p50_interval: [f64; 2],
}

impl Sample {
    /// Of all of them; zeros when there is none.
    pub fn of(times: &[Duration]) -> Self {
        let sorted = Sorted::new(times.iter().map(|time| us(*time)));
        let at = |share| sorted.quantile(share).unwrap_or_default();
        let (low, high) = ranks(times.len() as u64, 0.5);
        let rank = |rank: u64| at(rank.clamp(1, times.len().max(1) as u64) as f64 / times.len().max(1) as f64);
        Self {
            n: times.len() as u64,
            min: at(0.0),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
            p50_interval: [rank(low), rank(high)],
        }
    }
}

/// Between which of `n` numbers in order, counted from 1, the quantile of what they were drawn from lies, with 95 %
/// confidence: the binomial distribution's normal approximation, rounded outwards (David and Nagaraja, Order Statistics, 3rd
/// edition, 7.1). A rank of 0 or n + 1 means that no number bounds it on that side.
pub fn ranks(n: u64, quantile: f64) -> (u64, u64) {
    let (middle, count) = (n as f64 * quantile, n as f64);
    let half = Z * (count * quantile * (1.0 - quantile)).sqrt();
    let low = (middle - half).floor().max(0.0) as u64;
    let high = (middle + half).ceil() as u64 + 1;
    (low, high.min(n + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::random::Random;

    #[test]
    fn ranks_are_those_of_the_binomial_distribution() {
        // scipy.stats.binom(100, .5).interval(.95) is (40, 60).
        assert_eq!(ranks(100, 0.5), (40, 61));
        assert_eq!(ranks(1000, 0.999), (997, 1001), "no time bounds it from above");
        assert_eq!(ranks(0, 0.5), (0, 1));
    }

    #[test]
    fn the_interval_holds_the_median_nineteen_times_in_twenty() {
        let mut random = Random::new(5);
        let mut held = 0;
        for _ in 0..1000 {
            let times: Vec<Duration> =
                (0..101).map(|_| Duration::from_secs_f64(random.number(0.0, 1.0).powi(3))).collect();
            let [low, high] = Sample::of(&times).p50_interval;
            held += u32::from((low..=high).contains(&125_000.0));
        }
        assert!((930..=990).contains(&held), "{held}");
        assert_eq!(Sample::of(&[]), Sample::default());
        let one = Sample::of(&[Duration::from_micros(7)]);
        assert_eq!((one.p50, one.p50_interval), (7.0, [7.0, 7.0]));
    }
}
