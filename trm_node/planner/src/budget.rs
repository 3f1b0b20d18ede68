//! How the time of one request is divided.

use std::time::Duration;

use crate::halt::deadline::Deadline;
use crate::halt::predictor::Predictor;
use crate::request::Request;

/// Time kept for the fallback before it has ever run, as a share of the time to the deadline.
const UNSEEN_FALLBACK: f64 = 0.25;
/// The most that is kept for it.
const MOST_FALLBACK: f64 = 0.5;

/// The deadlines of one plan's parts.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// By which the path must be published.
    pub publish: Deadline,
    /// By which straightening ends; the rest is for the last check and for publishing.
    pub smooth: Deadline,
    /// By which the recursion, or the fallback after it, ends.
    pub plan: Deadline,
}

impl Budget {
    /// A request's budget. The reserve is at most a quarter of the whole; half of it is for smoothing.
    #[must_use]
    pub fn new(request: &Request, reserve_ms: f64) -> Self {
        let whole = request.deadline.saturating_sub(request.arrived);
        let reserve = Duration::from_secs_f64(reserve_ms / 1e3).min(whole / 4);
        let publish = Deadline::at(request.deadline);
        Self { publish, smooth: publish.earlier(reserve / 2), plan: publish.earlier(reserve) }
    }
}

/// How much of the time `left` is kept for the fallback while there is no verified path, from its `past` times.
#[must_use]
pub fn kept_for_fallback(past: &Predictor, left: Duration) -> Duration {
    past.predicted_or(left.mul_f64(UNSEEN_FALLBACK)).min(left.mul_f64(MOST_FALLBACK))
}
