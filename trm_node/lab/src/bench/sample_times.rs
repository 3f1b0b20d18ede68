//! Quantiles of few times, with the confidence interval of their median.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bench::microseconds::to_us;
use crate::statistics::Sorted;

/// Standard errors on each side of a 95 % interval of the normal distribution.
const Z: f64 = 1.96;

/// Quantiles of times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SampleTimes {
    /// How many times there are.
    pub n: u64,
    /// The shortest.
    pub min: f64,
    /// The median. The other quantiles are named in the same way.
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// The median's 95 % confidence interval.
    pub p50_interval: [f64; 2],
}

impl SampleTimes {
    /// The quantiles of these times; zeros if there are none.
    pub fn of(times: &[Duration]) -> Self {
        let sorted = Sorted::new(times.iter().map(|time| to_us(*time)));
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

/// The ranks, from 1 to `n`, of the two numbers that bound a 95 % confidence interval of a quantile, when `n` numbers
/// are sorted. A rank of 0 or n + 1 means that the interval has no bound on that side.
///
/// The ranks are `n q ± 1.96 √(n q (1 − q))`, rounded outwards: the normal approximation of the binomial distribution
/// (David and Nagaraja, Order Statistics, 3rd edition, 7.1). They hold for any distribution.
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
            let [low, high] = SampleTimes::of(&times).p50_interval;
            held += u32::from((low..=high).contains(&125_000.0));
        }
        assert!((930..=990).contains(&held), "{held}");
        assert_eq!(SampleTimes::of(&[]), SampleTimes::default());
        let one = SampleTimes::of(&[Duration::from_micros(7)]);
        assert_eq!((one.p50, one.p50_interval), (7.0, [7.0, 7.0]));
    }
}
