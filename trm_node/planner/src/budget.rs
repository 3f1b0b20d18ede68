//! Divides the time for one request.

use std::time::Duration;

use crate::halt::deadline::Deadline;
use crate::halt::predictor::Predictor;
use crate::request::Request;

/// The fraction of the time left that is reserved for the fallback before it has ever run.
const FIRST_FALLBACK: f64 = 0.25;
/// The maximum fraction of the time left that is reserved for the fallback.
const MAX_FALLBACK: f64 = 0.5;

/// The deadlines within one plan.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// The path must be published by then.
    pub publish: Deadline,
    /// Straightening must end by then. The rest is for the final check and for publishing.
    pub smooth: Deadline,
    /// The recursion, or the fallback after it, must end by then.
    pub plan: Deadline,
}

impl Budget {
    /// The budget of a request. The reserve is at most a quarter of the whole time, and half of it is for
    /// straightening.
    #[must_use]
    pub fn new(request: &Request, reserve_ms: f64) -> Self {
        let whole = request.deadline.saturating_sub(request.arrived);
        let reserve = Duration::from_secs_f64(reserve_ms / 1e3).min(whole / 4);
        let publish = Deadline::at(request.deadline);
        Self { publish, smooth: publish.earlier(reserve / 2), plan: publish.earlier(reserve) }
    }

    /// The same with so much more time for the final check.
    #[must_use]
    pub const fn sparing(self, check: Duration) -> Self {
        Self { smooth: self.smooth.earlier(check), plan: self.plan.earlier(check), ..self }
    }
}

/// How much of the time `left` is reserved for the fallback while there is no verified path, given its `past`
/// durations.
#[must_use]
pub fn reserved_for_fallback(past: &Predictor, left: Duration) -> Duration {
    past.predicted_or(left.mul_f64(FIRST_FALLBACK)).min(left.mul_f64(MAX_FALLBACK))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use trm_grid::units::Pose;

    use super::*;
    use crate::halt::deadline::Clock;

    struct Simulated(Cell<Duration>);

    impl Clock for Simulated {
        fn now(&self) -> Duration {
            self.0.get()
        }
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// The time left at the arrival of a request, in the order of [`Budget`].
    fn left(budget: Duration, reserve_ms: f64) -> [Duration; 3] {
        let clock = Simulated(Cell::new(MS(5000)));
        let (arrived, deadline) = (clock.now(), clock.now() + budget);
        let request = Request { start: Pose::default(), goal: Pose::default(), arrived, deadline, epoch: None };
        let budget = Budget::new(&request, reserve_ms);
        [budget.publish, budget.smooth, budget.plan].map(|deadline| deadline.left(&clock))
    }

    #[test]
    fn the_reserve_is_split_between_straightening_and_publishing() {
        assert_eq!(left(MS(30), 2.0), [MS(30), MS(29), MS(28)]);
        assert_eq!(left(MS(30), 0.0), [MS(30); 3]);
    }

    #[test]
    fn the_reserve_is_at_most_a_quarter_of_the_time() {
        assert_eq!(left(MS(8), 1000.0), [MS(8), MS(7), MS(6)]);
        assert_eq!(left(Duration::ZERO, 2.0), [Duration::ZERO; 3]);
    }

    #[test]
    fn the_fallback_gets_a_quarter_of_the_time_at_first_and_then_what_it_took_up_to_half() {
        let mut past = Predictor::new(0.95);
        assert_eq!(reserved_for_fallback(&past, MS(20)), MS(5));
        past.record(MS(3));
        assert_eq!(reserved_for_fallback(&past, MS(20)), MS(3));
        past.record(MS(50));
        assert_eq!(reserved_for_fallback(&past, MS(20)), MS(10));
        assert_eq!(reserved_for_fallback(&past, Duration::ZERO), Duration::ZERO);
    }
}
