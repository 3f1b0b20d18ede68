//! Models for the campaign that cost next to nothing and know nothing.

use trm_net::bundle::Bundle;
use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};

use crate::worlds::random::Random;

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
