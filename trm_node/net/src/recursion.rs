//! The recursion of TRM (arXiv 2510.04871): `z ← net(x + y + z)` n times, then `y ← net(y + z)`; T such cycles make a
//! supervision step. The sums are here, so that a deadline check sits between two applications of the net.

use crate::backend::{Backend, Shape, Update};
use crate::bundle::Bundle;
use crate::error::InferenceError;

/// x, y, z and where in a cycle they are. Every buffer is `[tokens, tokens, hidden]`.
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
    /// The answer before the present one.
    before: Vec<f32>,
    /// Latent updates done in the present cycle.
    latent_done: usize,
    applications: usize,
    /// Applications, each counted by the share of its work that was done.
    work: f32,
    /// Share of the last application's work that was done.
    share: f32,
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
            before: state(),
            latent_done: 0,
            applications: 0,
            work: 0.0,
            share: 1.0,
            change: f32::INFINITY,
        };
        new.start();
        new
    }

    /// Forgets the answer and the latent.
    pub fn cold(&mut self, backend: &mut dyn Backend) {
        self.anew(backend);
        self.restart();
    }

    /// Forgets the answer and the latent in the midst of a plan, between two steps: what was applied counts on.
    pub fn anew(&mut self, backend: &mut dyn Backend) {
        self.start();
        backend.forget();
    }

    fn start(&mut self) {
        for (state, start) in [(&mut self.y, &self.y_start), (&mut self.z, &self.z_start)] {
            for token in state.chunks_exact_mut(self.shape.hidden) {
                token.copy_from_slice(start);
            }
        }
        self.latent_done = 0;
        self.change = f32::INFINITY;
    }

    /// Begins a plan from the present state: a cycle from its start, nothing applied yet.
    pub fn restart(&mut self) {
        self.latent_done = 0;
        self.applications = 0;
        self.work = 0.0;
        self.change = f32::INFINITY;
    }

    /// Moves the state with a window that moved by whole tokens; tokens that come into the window start anew.
    pub fn shift(&mut self, backend: &mut dyn Backend, cols: i32, rows: i32) {
        let (tokens, hidden) = (self.shape.tokens() as i32, self.shape.hidden);
        for (state, start) in [(&mut self.y, &self.y_start), (&mut self.z, &self.z_start)] {
            self.sum.copy_from_slice(state);
            for (at, token) in (0..).zip(state.chunks_exact_mut(hidden)) {
                let (row, col) = (at / tokens + rows, at % tokens + cols);
                if (0..tokens).contains(&row) && (0..tokens).contains(&col) {
                    token.copy_from_slice(&self.sum[(row * tokens + col) as usize * hidden..][..hidden]);
                } else {
                    token.copy_from_slice(start);
                }
            }
        }
        backend.moved(cols, rows);
    }

    /// Sets x from the input `[channels, size, size]`.
    ///
    /// # Errors
    /// [`InferenceError`] when the library fails.
    pub fn look(&mut self, backend: &mut dyn Backend, input: &[f32]) -> Result<(), InferenceError> {
        backend.encode(input, &mut self.x)
    }

    /// Applies the net once: the quantum of the deadline.
    ///
    /// # Errors
    /// [`InferenceError`] when the library fails; the state is as before.
    pub fn advance(&mut self, backend: &mut dyn Backend) -> Result<Update, InferenceError> {
        let latent = self.latent_done < self.latent_updates;
        for (((sum, x), y), z) in self.sum.iter_mut().zip(&self.x).zip(&self.y).zip(&self.z) {
            *sum = if latent { x + y + z } else { y + z };
        }
        if latent {
            self.share = backend.net(Update::Latent, &self.sum, &mut self.z)?;
            self.work += self.share;
            self.applications += 1;
            self.latent_done += 1;
            return Ok(Update::Latent);
        }
        self.before.copy_from_slice(&self.y);
        self.share = backend.net(Update::Answer, &self.sum, &mut self.y)?;
        self.work += self.share;
        self.applications += 1;
        self.latent_done = 0;
        let squares: f32 = self.y.iter().zip(&self.before).map(|(a, b)| (a - b) * (a - b)).sum();
        self.change = (squares / self.y.len() as f32).sqrt();
        Ok(Update::Answer)
    }

    /// Decodes the present answer into logits `[9, size, size]`; returns the logit of the q head.
    ///
    /// # Errors
    /// [`InferenceError`] when the library fails.
    pub fn decode(&self, backend: &mut dyn Backend, moves: &mut [f32]) -> Result<f32, InferenceError> {
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

    /// The same, each application counted by the share of its work that was done.
    #[must_use]
    pub const fn work(&self) -> f32 {
        self.work
    }

    /// Share of the last application's work that was done.
    #[must_use]
    pub const fn share(&self) -> f32 {
        self.share
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
