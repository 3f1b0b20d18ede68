//! Graphs whose applications of the net can be made slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};

/// Wraps graphs and makes applications of the net take a multiple of their time, when its switch says so.
pub struct SlowedGraphs {
    graphs: Box<dyn Graphs>,
    switch: Arc<SlowdownSwitch>,
}

/// Tells a [`SlowedGraphs`] when to be slow.
#[derive(Debug, Default)]
pub struct SlowdownSwitch {
    /// Applications since [`SlowdownSwitch::set`].
    applied: AtomicU32,
    /// The first application that is slow.
    from: AtomicU32,
    /// How many times as long a slow application takes.
    factor: AtomicU32,
}

impl SlowedGraphs {
    /// Graphs that are as fast as the one inside it until its switch is set.
    pub fn new(graphs: Box<dyn Graphs>) -> (Self, Arc<SlowdownSwitch>) {
        let switch = Arc::new(SlowdownSwitch::default());
        (Self { graphs, switch: Arc::clone(&switch) }, switch)
    }
}

impl SlowdownSwitch {
    /// Restarts the count. From application `from` on, each takes `factor` times as long.
    pub fn set(&self, from: u32, factor: u32) {
        self.from.store(from, Ordering::Relaxed);
        self.factor.store(factor, Ordering::Relaxed);
        self.applied.store(0, Ordering::Relaxed);
    }
}

impl Graphs for SlowedGraphs {
    fn shape(&self) -> Shape {
        self.graphs.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.graphs.encode(input, x)
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        let applied = self.switch.applied.fetch_add(1, Ordering::Relaxed);
        let slow = applied >= self.switch.from.load(Ordering::Relaxed);
        let share = self.graphs.net(update, s, out)?;
        // It repeats the work instead of sleeping, as a throttled core would. `forget_history` makes it repeat all of
        // the work, also what the first application skipped.
        for _ in 1..if slow { self.switch.factor.load(Ordering::Relaxed) } else { 1 } {
            self.graphs.forget_history();
            self.graphs.net(update, s, out)?;
        }
        Ok(share)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        self.graphs.decode(y, x, moves)
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
