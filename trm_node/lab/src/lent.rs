//! A model that outlives the planners it is lent to: making one takes seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};

/// The model.
#[derive(Clone)]
pub struct Lent(Arc<Mutex<Box<dyn Graphs>>>);

impl Lent {
    /// A backend to lend.
    pub fn new(backend: Box<dyn Graphs>) -> Self {
        Self(Arc::new(Mutex::new(backend)))
    }

    fn get(&self) -> MutexGuard<'_, Box<dyn Graphs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Graphs for Lent {
    fn shape(&self) -> Shape {
        self.get().shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.get().encode(input, x)
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        self.get().net(update, s, out)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError> {
        self.get().decode(y, x, logits)
    }

    fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.get().set_skip_threshold(threshold);
    }

    fn forget_history(&mut self) {
        self.get().forget_history();
    }

    fn shift_history(&mut self, cols: i32, rows: i32) {
        self.get().shift_history(cols, rows);
    }

    fn window_stride(&self) -> usize {
        self.get().window_stride()
    }
}
