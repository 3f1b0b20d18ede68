//! Models for the campaign: the real one, lent from world to world, and ones that cost next to nothing and know
//! nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trm_net::bundle::Bundle;
use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};

use crate::worlds::random::Random;

/// A backend that outlives the planners it is lent to: making one takes seconds.
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

/// What a model that knows nothing says of each cell's best move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opinion {
    /// All moves are equally good.
    None,
    /// One move is the best everywhere.
    Stubborn(usize),
    /// Other numbers in each answer.
    Random,
    /// Not numbers, or infinite ones.
    Broken(u32),
}

/// A model that knows nothing. Its states have one value a token.
pub struct Cheap {
    shape: Shape,
    opinion: Opinion,
    random: Random,
}

impl Cheap {
    /// The bundle that cheap models belong to: the smallest recursion.
    pub fn bundle(released: &Bundle) -> Bundle {
        let mut bundle = released.clone();
        let architecture = &mut bundle.manifest.architecture;
        (architecture.hidden, architecture.latent_updates, architecture.cycles) = (1, 1, 1);
        bundle.manifest.start.y.truncate(1);
        bundle.manifest.start.z.truncate(1);
        bundle
    }

    /// A model for windows of `size` × `size` cells of such a bundle.
    pub fn new(bundle: &Bundle, size: usize, opinion: Opinion, random: Random) -> Self {
        let shape = bundle.manifest.shape(size);
        Self { shape, opinion, random }
    }
}

impl Graphs for Cheap {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn encode(&mut self, _: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        x.fill(0.5);
        Ok(())
    }

    fn net(&mut self, _: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        for (out, s) in out.iter_mut().zip(s) {
            *out = -s;
        }
        Ok(1.0)
    }

    fn decode(&mut self, _: &[f32], _: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError> {
        let plane = self.shape.size * self.shape.size;
        logits.fill(0.0);
        match self.opinion {
            Opinion::None => {}
            Opinion::Stubborn(class) => logits[class * plane..][..plane].fill(20.0),
            Opinion::Random => logits.iter_mut().for_each(|v| *v = self.random.number(-8.0, 8.0) as f32),
            Opinion::Broken(bits) => logits.fill(f32::from_bits(bits)),
        }
        Ok(0.0)
    }
}
