//! Simulated time: what work costs is charged in fixed amounts, so the same seed gives the same drive on every machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};
use trm_planner::halt::deadline::Clock;

use crate::lent::Lent;

/// What a reading of the clock is charged: a search reads it once in 128 expansions.
const READING: Duration = Duration::from_micros(20);
/// What a whole application of the network, the embedding of its input and the decoding of its answer are charged.
const APPLICATION: Duration = Duration::from_micros(150);
const EMBEDDING: Duration = Duration::from_micros(60);
const DECODING: Duration = Duration::from_micros(60);

/// A clock that goes on by what is charged.
#[derive(Debug, Clone, Default)]
pub struct SimulatedClock(Arc<AtomicU64>);

impl SimulatedClock {
    /// It is this late now.
    pub fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn charge(&self, cost: Duration) -> Duration {
        let nanoseconds = u64::try_from(cost.as_nanos()).unwrap_or(0);
        Duration::from_nanos(self.0.fetch_add(nanoseconds, Ordering::Relaxed) + nanoseconds)
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        self.charge(READING)
    }
}

/// A model whose work is charged to a clock.
pub struct Charged {
    graphs: Lent,
    clock: SimulatedClock,
}

impl Charged {
    /// This model on that clock.
    pub const fn new(graphs: Lent, clock: SimulatedClock) -> Self {
        Self { graphs, clock }
    }
}

impl Graphs for Charged {
    fn shape(&self) -> Shape {
        self.graphs.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.clock.charge(EMBEDDING);
        self.graphs.encode(input, x)
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        let share = self.graphs.net(update, s, out)?;
        self.clock.charge(APPLICATION.mul_f32(share.clamp(0.0, 1.0)));
        Ok(share)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError> {
        self.clock.charge(DECODING);
        self.graphs.decode(y, x, logits)
    }

    fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.graphs.set_skip_threshold(threshold);
    }

    fn forget_history(&mut self) {
        self.graphs.forget_history();
    }

    fn shift_history(&mut self, cols: i32, rows: i32) {
        self.graphs.shift_history(cols, rows);
    }

    fn window_stride(&self) -> usize {
        self.graphs.window_stride()
    }
}
