//! Whether a plan missed its deadline.

/// How a plan missed its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// It came after the deadline, but within the period and 50 ms.
    Late,
    /// It came later than that.
    TooLate,
}

/// A plan that takes longer is too late at any rate, in milliseconds (as in iRobot's ros2-performance).
const LATE_MS: f64 = 50.0;

/// How a plan that took `total_us` counts at a deadline and a rate; `None` if it came in time.
pub fn miss(total_us: f64, deadline_ms: f64, rate_hz: f64) -> Option<Miss> {
    let late = deadline_ms.max((1e3 / rate_hz).min(LATE_MS));
    match total_us / 1e3 {
        ms if ms <= deadline_ms => None,
        ms if ms <= late => Some(Miss::Late),
        _ => Some(Miss::TooLate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_after_its_deadline_is_late_and_after_its_period_too_late() {
        assert_eq!(miss(9_999.0, 10.0, 50.0), None);
        assert_eq!(miss(10_001.0, 10.0, 50.0), Some(Miss::Late));
        assert_eq!(miss(20_001.0, 10.0, 50.0), Some(Miss::TooLate));
        assert_eq!(miss(50_001.0, 10.0, 1.0), Some(Miss::TooLate), "50 ms at slow rates");
        assert_eq!(miss(25_000.0, 30.0, 50.0), None);
        assert_eq!(miss(30_001.0, 30.0, 50.0), Some(Miss::TooLate), "the deadline is longer than the period");
    }
}
