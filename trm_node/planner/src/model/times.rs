//! How long the model's work takes, and what follows from that.

use std::time::Duration;

use trm_net::recursion::Reach;

use crate::halt::predictor::Predictor;

/// What is known of how long the work takes.
pub struct Times {
    /// A refinement.
    pub net: Predictor,
    /// One that goes to the end of a step.
    pub step: Predictor,
    /// Decoding and assessing an answer.
    pub decode: Predictor,
}

impl Times {
    pub fn new(quantile: f64) -> Self {
        let new = || Predictor::new(quantile);
        Self { net: new(), step: new(), decode: new() }
    }

    /// A single slow moment must not switch the model off forever.
    pub fn decay(&mut self) {
        self.net.decay();
        self.step.decay();
        self.decode.decay();
    }

    /// How long plans of so many problems take for their first two answers, if nothing was thought about ahead.
    pub fn alone(&self, count: usize) -> Duration {
        (self.step.predicted() + self.net.predicted()) * count as u32
    }

    /// Those of a refinement that goes so far.
    pub const fn of(&mut self, reach: Reach) -> &mut Predictor {
        match reach {
            Reach::Answer => &mut self.net,
            Reach::Step => &mut self.step,
        }
    }
}

/// The time of an application that skips everything, as a fraction of one that skips nothing. It is set lower than in
/// reality, so that the time without skipping is rather overestimated.
const LEAST_WORK: f32 = 0.05;

/// How long an application would have taken if it had skipped nothing. The next one may not be able to skip as much.
pub fn unskipped_time(time: Duration, share: f32) -> Duration {
    time.div_f32(LEAST_WORK + (1.0 - LEAST_WORK) * share.clamp(0.0, 1.0))
}
