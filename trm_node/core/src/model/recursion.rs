//! The recursion of TRM (arXiv 2510.04871): `z ← net(x + y + z)` n times, then `y ← net(y + z)`; T such cycles make a
//! supervision step. The sums are here, so that a deadline check sits between two applications of the net.

use super::backend::{Backend, Shape};
use super::bundle::Bundle;
use crate::error::LoadError;

/// What the last application of the net changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advanced {
    /// The latent z.
    Latent,
    /// The answer y: it may be decoded.
    Answer,
}

/// x, y, z and where in a cycle they are. Every buffer is `[hidden, tokens, tokens]`, channel-major.
pub struct Recursion {
    shape: Shape,
    latent_updates: usize,
    applications_a_step: usize,
    y_start: Vec<f32>,
    z_start: Vec<f32>,
    /// Embedding of the window.
    x: Vec<f32>,
    /// Answer.
    y: Vec<f32>,
    /// Latent.
    z: Vec<f32>,
    /// The sum that goes into the net; and, when a state moves, its old values.
    sum: Vec<f32>,
    /// What comes out of the net.
    out: Vec<f32>,
    /// Latent updates done in the present cycle.
    latent_done: usize,
    applications: usize,
    change: f32,
}

impl Recursion {
    /// A recursion at its start.
    #[must_use]
    pub fn new(bundle: &Bundle, shape: Shape) -> Self {
        let state = || vec![0.0; shape.state()];
        let architecture = bundle.manifest.architecture;
        let mut new = Self {
            shape,
            latent_updates: architecture.latent_updates,
            applications_a_step: architecture.applications_a_step(),
            y_start: bundle.manifest.start.y.clone(),
            z_start: bundle.manifest.start.z.clone(),
            x: state(),
            y: state(),
            z: state(),
            sum: state(),
            out: state(),
            latent_done: 0,
            applications: 0,
            change: f32::INFINITY,
        };
        new.cold();
        new
    }

    /// Forgets the answer and the latent.
    pub fn cold(&mut self) {
        self.anew();
        self.restart();
    }

    /// Forgets the answer and the latent in the midst of a plan, between two steps: what was applied counts on.
    pub fn anew(&mut self) {
        let plane = self.shape.tokens() * self.shape.tokens();
        for (state, start) in [(&mut self.y, &self.y_start), (&mut self.z, &self.z_start)] {
            for (channel, value) in state.chunks_exact_mut(plane).zip(start) {
                channel.fill(*value);
            }
        }
        self.latent_done = 0;
        self.change = f32::INFINITY;
    }

    /// Begins a plan from the present state: a cycle from its start, nothing applied yet.
    pub fn restart(&mut self) {
        self.latent_done = 0;
        self.applications = 0;
        self.change = f32::INFINITY;
    }

    /// Moves the state with a window that moved by whole tokens; tokens that come into the window start anew.
    pub fn shift(&mut self, cols: i32, rows: i32) {
        let tokens = self.shape.tokens() as i32;
        for (state, start) in [(&mut self.y, &self.y_start), (&mut self.z, &self.z_start)] {
            self.sum.copy_from_slice(state);
            let plane = (tokens * tokens) as usize;
            let channels = state.chunks_exact_mut(plane).zip(self.sum.chunks_exact(plane)).zip(start);
            for ((new, old), start) in channels {
                for row in 0..tokens {
                    for col in 0..tokens {
                        let (r, c) = (row + rows, col + cols);
                        let inside = (0..tokens).contains(&r) && (0..tokens).contains(&c);
                        new[(row * tokens + col) as usize] =
                            if inside { old[(r * tokens + c) as usize] } else { *start };
                    }
                }
            }
        }
    }

    /// Sets x from the input `[channels, size, size]`.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails.
    pub fn look(&mut self, backend: &mut dyn Backend, input: &[f32]) -> Result<(), LoadError> {
        backend.encode(input, &mut self.x)
    }

    /// Applies the net once: the quantum of the deadline.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails; the state is as before.
    pub fn advance(&mut self, backend: &mut dyn Backend) -> Result<Advanced, LoadError> {
        let latent = self.latent_done < self.latent_updates;
        for (((sum, x), y), z) in self.sum.iter_mut().zip(&self.x).zip(&self.y).zip(&self.z) {
            *sum = if latent { x + y + z } else { y + z };
        }
        backend.net(&self.sum, &mut self.out)?;
        self.applications += 1;
        if latent {
            self.latent_done += 1;
            std::mem::swap(&mut self.z, &mut self.out);
            return Ok(Advanced::Latent);
        }
        self.latent_done = 0;
        std::mem::swap(&mut self.y, &mut self.out);
        // After the swap `out` holds the answer before.
        let squares: f32 = self.y.iter().zip(&self.out).map(|(a, b)| (a - b) * (a - b)).sum();
        self.change = (squares / self.y.len() as f32).sqrt();
        Ok(Advanced::Answer)
    }

    /// Decodes the present answer into logits `[9, size, size]`; returns the logit of the q head.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails.
    pub fn decode(&self, backend: &mut dyn Backend, moves: &mut [f32]) -> Result<f32, LoadError> {
        backend.decode(&self.y, &self.x, moves)
    }

    /// Whether the state holds numbers only.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.y.iter().chain(&self.z).all(|v| v.is_finite())
    }

    /// Applications of the net since the plan began.
    #[must_use]
    pub const fn applications(&self) -> usize {
        self.applications
    }

    /// Supervision steps that the applications make, the last one perhaps begun only.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.applications.div_ceil(self.applications_a_step)
    }

    /// Whether the last application ended a supervision step.
    #[must_use]
    pub const fn step_is_whole(&self) -> bool {
        self.applications.is_multiple_of(self.applications_a_step)
    }

    /// Root mean square of the last change of the answer; infinite before the second one.
    #[must_use]
    pub const fn change(&self) -> f32 {
        self.change
    }
}
