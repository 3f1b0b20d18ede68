//! Round numbers for axes.

use std::ops::Range;

/// The numbers 1, 2 and 5 times powers of ten from `low` to `high`.
pub fn round_numbers(low: f64, high: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|one| one * 10_f64.powi(decade)));
    all.filter(|value| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(value)).collect()
}

/// A range from a round number below `low` to one above `high`, for a logarithmic axis.
pub fn round_range(low: f64, high: f64) -> Range<f64> {
    let (low, high) = (low.max(1e-3), high.max(2e-3));
    let below = round_numbers(low / 10.0, low).last().copied().unwrap_or(low);
    let above = round_numbers(high, high * 10.0).first().copied().unwrap_or(high);
    below..above.max(below * 2.0)
}

/// Whether a round number is a power of ten.
pub fn is_power_of_ten(value: f64) -> bool {
    (value.log10() - value.log10().round()).abs() < 1e-6
}

/// A round number as text, without digits that only show rounding errors.
pub fn label(value: f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_in_round_numbers() {
        assert_eq!(round_numbers(0.9, 12.0), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(round_range(1.3, 42.0), 1.0..50.0);
        let smallest = round_range(0.0, 0.0);
        assert!(smallest.start > 0.0 && smallest.start < smallest.end);
    }

    #[test]
    fn round_numbers_are_written_as_such() {
        assert_eq!([10.0, 0.5, 0.02, 5000.0].map(label), ["10", "0.5", "0.02", "5000"]);
        assert!(is_power_of_ten(0.1) && !is_power_of_ten(0.2));
    }
}
