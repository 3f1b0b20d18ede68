//! Times in microseconds, as reports and recordings have them.

use std::time::Duration;

/// A time in microseconds.
pub fn to_us(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// A time of so many microseconds; zero if the number is negative or not finite.
pub fn from_us(us: f64) -> Duration {
    Duration::try_from_secs_f64(us / 1e6).unwrap_or_default()
}
