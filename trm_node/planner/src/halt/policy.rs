//! The stop policy: it decides whether the network is applied once more.

use std::time::Duration;

use trm_config::PlannerConfig;

use crate::halt::deadline::{Clock, Deadline};

/// Why the recursion stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A path is verified and confirmed: see [`Assessment::confirmed`].
    Verified,
    /// A path is verified, and the answer has almost stopped changing.
    Settled,
    /// A path is verified, and the q head is confident of the answer.
    Confident,
    /// The maximum number of supervision steps was reached.
    StepLimit,
    /// Another application would not have ended before the deadline.
    Deadline,
    /// The request was cancelled.
    Cancelled,
    /// Nothing has changed since the recursion ended, so it wasn't begun: see [`Unchanged`](crate::unchanged::Unchanged).
    Unchanged,
}

impl StopReason {
    /// All reasons, in the order of [`Self::index`].
    pub const ALL: [Self; 7] = [
        Self::Verified,
        Self::Settled,
        Self::Confident,
        Self::StepLimit,
        Self::Deadline,
        Self::Cancelled,
        Self::Unchanged,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Settled => "settled",
            Self::Confident => "confident",
            Self::StepLimit => "step_limit",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::Unchanged => "unchanged",
        }
    }

    /// The index in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether the answer was worth no more work.
    #[must_use]
    pub const fn is_content(self) -> bool {
        matches!(self, Self::Verified | Self::Settled | Self::Confident)
    }
}

/// What is known about an answer after decoding it.
#[derive(Debug, Clone, Copy)]
pub struct Assessment {
    /// The travel cost of this answer's own path, in cells; `None` if it has no path that passes the check.
    pub cost: Option<f64>,
    /// Whether the field covers that path completely: see [`Decoder::is_known`](crate::decode::Decoder::is_known).
    pub known: bool,
    /// The number of cells off that path that the decoder expanded.
    pub beside: u32,
    /// Whether a verified path exists, from this answer or from an earlier one.
    pub verified: bool,
    /// Whether this answer's own path is verified and no cheaper than the best one before it, and the field covers it
    /// completely. A path that the decoder had to search for in an unfinished field confirms nothing. This rule was
    /// chosen by measurement: `stop_policies` of `trm eval --anytime`.
    pub confirmed: bool,
    /// The root mean square of the answer's last change.
    pub change: f32,
    /// The logit of the q head.
    pub q: f32,
}

/// How far the recursion is when the policy is asked for another application.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The number of supervision steps begun.
    pub steps: usize,
    /// Whether the last of them is complete.
    pub step_is_whole: bool,
    /// Whether a verified path exists. Then no time is reserved for the fallback.
    pub verified: bool,
}

/// The stop policy of one plan: which stop reasons are enabled, and when all applications must have ended.
///
/// ```
/// use std::time::{Duration, Instant};
/// use trm_config::PlannerConfig;
/// use trm_planner::halt::deadline::{Clock, Deadline};
/// use trm_planner::halt::policy::{Assessment, Policy, Progress, StopReason};
///
/// let clock = Instant::now();
/// let deadline = Deadline::at(clock.now() + Duration::from_secs(3600));
/// let policy = Policy::new(&PlannerConfig::default(), deadline, Duration::ZERO);
///
/// // Before each application: does it end in time?
/// let progress = Progress { steps: 1, step_is_whole: true, verified: false };
/// assert_eq!(policy.before(progress, Duration::from_millis(1), &clock), None);
/// assert_eq!(policy.before(progress, Duration::from_secs(4000), &clock), Some(StopReason::Deadline));
///
/// // After each answer: is it worth going on?
/// let first = Assessment {
///     cost: Some(12.0), known: true, beside: 0, verified: true, confirmed: false, change: 0.4, q: 0.0,
/// };
/// assert_eq!(policy.after(first), None);
/// assert_eq!(policy.after(Assessment { confirmed: true, ..first }), Some(StopReason::Verified));
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    deadline: Deadline,
    /// The time reserved for the fallback.
    fallback: Duration,
    max_steps: usize,
    /// Whether [`StopReason::Verified`] is enabled.
    verified: bool,
    /// The threshold for [`StopReason::Settled`], if enabled.
    settled: Option<f32>,
    /// The threshold for [`StopReason::Confident`] as a logit, if enabled.
    confident: Option<f32>,
}

impl Policy {
    /// The policy of one plan. The recursion, including all decoding, must end by `deadline`. While there is no
    /// verified path, the time `fallback` before it is reserved for the fallback.
    #[must_use]
    pub fn new(config: &PlannerConfig, deadline: Deadline, fallback: Duration) -> Self {
        let p = config.confident_threshold;
        Self {
            deadline,
            fallback,
            max_steps: config.max_steps as usize,
            verified: config.stop_verified,
            settled: config.stop_settled.then_some(config.settled_threshold as f32),
            confident: config.stop_confident.then_some((p / (1.0 - p)).ln() as f32),
        }
    }

    /// Asked before each application; `None` if it may run. `predicted` is the predicted time of the application and of
    /// the decoding after it.
    #[must_use]
    pub fn before(&self, progress: Progress, predicted: Duration, clock: &dyn Clock) -> Option<StopReason> {
        if progress.steps >= self.max_steps && progress.step_is_whole {
            return Some(StopReason::StepLimit);
        }
        let kept = if progress.verified { Duration::ZERO } else { self.fallback };
        (self.deadline.left(clock) <= predicted.saturating_add(kept)).then_some(StopReason::Deadline)
    }

    /// Asked after each decoded answer; `None` if it is worth going on.
    #[must_use]
    pub fn after(&self, answer: Assessment) -> Option<StopReason> {
        if !answer.verified {
            return None;
        }
        if self.verified && answer.confirmed {
            return Some(StopReason::Verified);
        }
        if self.settled.is_some_and(|threshold| answer.change < threshold) {
            return Some(StopReason::Settled);
        }
        self.confident.is_some_and(|threshold| answer.q > threshold).then_some(StopReason::Confident)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;
    use crate::halt::predictor::Predictor;

    struct Simulated(Cell<Duration>);

    impl Clock for Simulated {
        fn now(&self) -> Duration {
            self.0.get()
        }
    }

    /// Runs applications with these durations until the policy stops. Returns the time it took, the reason and the
    /// number of applications.
    fn run(times_us: &[u64], budget_us: u64) -> (Duration, Option<StopReason>, usize) {
        let clock = Simulated(Cell::new(Duration::from_secs(7)));
        let deadline = Deadline::at(clock.now() + Duration::from_micros(budget_us));
        let policy =
            Policy::new(&PlannerConfig { max_steps: 1000, ..PlannerConfig::default() }, deadline, Duration::ZERO);
        let mut predictor = Predictor::new(0.95);
        predictor.record(Duration::from_micros(times_us[0]));
        for (done, time) in times_us.iter().enumerate() {
            let progress = Progress { steps: done.div_ceil(8), step_is_whole: done % 8 == 0, verified: false };
            if let Some(reason) = policy.before(progress, predictor.predicted(), &clock) {
                return (clock.now().saturating_sub(Duration::from_secs(7)), Some(reason), done);
            }
            clock.0.set(clock.now() + Duration::from_micros(*time));
            predictor.record(Duration::from_micros(*time));
        }
        (clock.now().saturating_sub(Duration::from_secs(7)), None, times_us.len())
    }

    #[test]
    fn applications_of_constant_duration_end_before_the_deadline() {
        let (end, reason, done) = run(&[1000; 100], 20_000);
        assert_eq!(reason, Some(StopReason::Deadline));
        assert!(end < Duration::from_millis(20));
        assert_eq!(done, 19);
    }

    #[test]
    fn an_application_that_takes_twenty_times_longer_delays_by_no_more_than_itself() {
        let mut times = [1000; 100];
        times[15] = 20_000;
        let (end, reason, done) = run(&times, 20_000);
        assert_eq!((reason, done), (Some(StopReason::Deadline), 16), "none starts after it");
        assert_eq!(end, Duration::from_millis(35), "15 ms before it and 20 ms for itself");
        times[15] = 1000;
        times[3] = 10_000;
        let (end, reason, _) = run(&times, 20_000);
        assert_eq!(reason, Some(StopReason::Deadline));
        assert!(end < Duration::from_millis(20), "a slow one early on costs steps, not the deadline: {end:?}");
    }

    #[test]
    fn an_unverified_answer_never_stops_the_recursion() {
        let policy = Policy::new(
            &PlannerConfig { stop_confident: true, ..PlannerConfig::default() },
            Deadline::at(Duration::MAX),
            Duration::ZERO,
        );
        let sure =
            Assessment { cost: None, known: true, beside: 0, verified: false, confirmed: true, change: 0.0, q: 100.0 };
        assert_eq!(policy.after(sure), None);
        assert_eq!(policy.after(Assessment { verified: true, ..sure }), Some(StopReason::Verified));
        assert_eq!(policy.after(Assessment { verified: true, confirmed: false, ..sure }), Some(StopReason::Settled));
        let moving = Assessment { verified: true, confirmed: false, change: 1.0, q: 100.0, ..sure };
        assert_eq!(policy.after(moving), Some(StopReason::Confident));
        assert_eq!(policy.after(Assessment { q: 0.0, ..moving }), None);
    }

    proptest! {
        #[test]
        fn an_application_starts_only_if_it_is_predicted_to_end_in_time(
            left_us in 0_u64..50_000, predicted_us in 0_u64..50_000, fallback_us in 0_u64..50_000, late in any::<bool>(),
            verified in any::<bool>(),
        ) {
            let clock = Simulated(Cell::new(Duration::from_micros(if late { 200_000 } else { 100_000 })));
            let deadline = Deadline::at(Duration::from_micros(100_000 + left_us));
            let policy = Policy::new(&PlannerConfig::default(), deadline, Duration::from_micros(fallback_us));
            let progress = Progress { steps: 0, step_is_whole: true, verified };
            let may = policy.before(progress, Duration::from_micros(predicted_us), &clock).is_none();
            let needed = predicted_us + if verified { 0 } else { fallback_us };
            prop_assert_eq!(may, !late && needed < left_us);
        }
    }
}
