//! Shares with their confidence intervals, and quantiles.

use serde::Serialize;

/// Quantile of the normal distribution that belongs to a 95 % interval.
const Z: f64 = 1.96;

/// The 95 % Wilson interval of the share `hits / n`.
pub fn wilson(hits: usize, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// The share `hits / n`; `None` when `n` is 0.
pub fn share(hits: usize, n: usize) -> Option<f64> {
    (n > 0).then(|| hits as f64 / n as f64)
}

/// The mean of some numbers, and its 95 % interval by the normal distribution.
pub fn mean_interval(numbers: impl Iterator<Item = f64>) -> [f64; 3] {
    let numbers: Vec<f64> = numbers.collect();
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let half = Z * (variance / n).sqrt();
    [mean, mean - half, mean + half]
}

/// Sorted numbers.
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts numbers.
    pub fn new(numbers: impl Iterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    /// The least of the numbers that is not exceeded by this share of them; `None` when there are none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied()
    }

    /// The numbers, from the least.
    pub fn into_numbers(self) -> Vec<f64> {
        self.0
    }

    /// The mean; `None` when there are no numbers.
    pub fn mean(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().sum::<f64>() / self.0.len() as f64)
    }

    /// The median and the upper quantiles.
    pub fn upper(&self) -> UpperQuantiles {
        UpperQuantiles { p50: self.quantile(0.5), p95: self.quantile(0.95), p99: self.quantile(0.99) }
    }

    /// The median, an upper quantile and the maximum.
    pub fn to_max(&self) -> QuantilesToMax {
        QuantilesToMax { p50: self.quantile(0.5), p95: self.quantile(0.95), max: self.quantile(1.0) }
    }
}

/// Quantiles of a figure that may have outliers; `None` where nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UpperQuantiles {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

/// Quantiles of a figure that has an upper limit; `None` where nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct QuantilesToMax {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub max: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // statsmodels.stats.proportion.proportion_confint(45, 50, method="wilson"), with z = 1.96.
        let [low, high] = wilson(45, 50);
        assert!((low - 0.786_398).abs() < 1e-5 && (high - 0.956_524).abs() < 1e-5, "{low} {high}");
        assert!((wilson(1400, 1400)[0] - 0.997_26).abs() < 1e-4 && (wilson(5, 5)[1] - 1.0).abs() < 1e-12);
        assert!(wilson(0, 9)[0].abs() < 1e-12);
    }

    #[test]
    fn quantiles_are_numbers_that_were_seen() {
        let sorted = Sorted::new((1..=100).rev().map(f64::from));
        assert_eq!(sorted.upper(), UpperQuantiles { p50: Some(50.0), p95: Some(95.0), p99: Some(99.0) });
        assert_eq!(sorted.to_max().max, Some(100.0));
        assert_eq!(sorted.mean(), Some(50.5));
        assert_eq!(Sorted::new(std::iter::once(3.0)).upper().p99, Some(3.0));
        assert_eq!(Sorted::new(std::iter::empty()).to_max().max, None);
    }
}
