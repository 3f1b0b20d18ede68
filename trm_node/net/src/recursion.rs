//! The recursion of TRM (arXiv 2510.04871): `z ← net(x + y + z)` n times, then `y ← net(y + z)`, make a cycle; T cycles
//! make a supervision step. The sums are computed here and not in the graphs, so that a deadline can be checked between
//! two applications of the net.

use crate::backend::{Backend, Shape, Update};
use crate::bundle::Bundle;
use crate::error::InferenceError;

/// The states x, y and z, `[tokens, tokens, hidden]` each, and the place in the recursion.
///
/// ```
/// # use trm_net::{bundle::Bundle, recursion::Recursion, registry, released};
/// let bundle = Bundle::load(&released::find(None, std::iter::empty())?)?;
/// let mut backend = registry::fastest(&bundle, 32)?;
/// let mut recursion = Recursion::new(&bundle, backend.shape());
///
/// // `encode::encode` makes the input of a window; this one is empty.
/// let input = vec![0.0; backend.shape().input_len()];
/// recursion.begin_cold(backend.as_mut());
/// recursion.embed(backend.as_mut(), &input)?;
/// while recursion.steps() < 1 || !recursion.is_at_step_end() {
///     recursion.advance(backend.as_mut())?;
/// }
/// let mut logits = vec![0.0; backend.shape().logits_len()];
/// let q = recursion.decode(backend.as_mut(), &mut logits)?;
/// assert_eq!(recursion.applications(), bundle.manifest.architecture.applications_per_step());
/// assert!(q.is_finite() && logits.iter().all(|logit| logit.is_finite()));
/// # Ok::<(), trm_net::error::LoadError>(())
/// ```
pub struct Recursion {
    shape: Shape,
    latent_updates: usize,
    applications_per_step: usize,
    /// The first y and z of every token, `[hidden]` each.
    y_start: Vec<f32>,
    z_start: Vec<f32>,
    /// The embedding of the window.
    x: Vec<f32>,
    /// The answer.
    y: Vec<f32>,
    /// The latent.
    z: Vec<f32>,
    /// The input of the net; while the states are shifted, the old values of one of them.
    sum: Vec<f32>,
    /// The previous answer.
    previous_y: Vec<f32>,
    /// Latent updates done in the present cycle.
    latent_done: usize,
    applications: usize,
    work: f32,
    last_share: f32,
    answer_change: f32,
}

impl Recursion {
    /// A recursion in the initial state.
    #[must_use]
    pub fn new(bundle: &Bundle, shape: Shape) -> Self {
        let state = || vec![0.0; shape.state_len()];
        let architecture = bundle.manifest.architecture;
        let mut recursion = Self {
            shape,
            latent_updates: architecture.latent_updates,
            applications_per_step: architecture.applications_per_step(),
            y_start: bundle.manifest.start.y.clone(),
            z_start: bundle.manifest.start.z.clone(),
            x: state(),
            y: state(),
            z: state(),
            sum: state(),
            previous_y: state(),
            latent_done: 0,
            applications: 0,
            work: 0.0,
            last_share: 1.0,
            answer_change: f32::INFINITY,
        };
        recursion.set_initial_state();
        recursion
    }

    /// Begins a plan from the initial state.
    pub fn begin_cold(&mut self, backend: &mut dyn Backend) {
        self.reset_state(backend);
        self.begin_warm();
    }

    /// Begins a plan from the present state: at the start of a cycle, with nothing applied yet.
    pub fn begin_warm(&mut self) {
        self.latent_done = 0;
        self.applications = 0;
        self.work = 0.0;
        self.answer_change = f32::INFINITY;
    }

    /// Goes back to the initial state in the middle of a plan, at the end of a step: applications are counted on.
    pub fn reset_state(&mut self, backend: &mut dyn Backend) {
        self.set_initial_state();
        backend.forget_history();
    }

    fn set_initial_state(&mut self) {
        for (state, start) in [(&mut self.y, &self.y_start), (&mut self.z, &self.z_start)] {
            for token in state.chunks_exact_mut(self.shape.hidden) {
                token.copy_from_slice(start);
            }
        }
        self.latent_done = 0;
        self.answer_change = f32::INFINITY;
    }

    /// Shifts the state with a window that moved by whole tokens: the token at (row, col) is then the one that was at
    /// (row + rows, col + cols). Tokens that come into the window get the initial state.
    pub fn shift_state(&mut self, backend: &mut dyn Backend, cols: i32, rows: i32) {
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
        backend.shift_history(cols, rows);
    }

    /// Sets x from the input `[channels, size, size]` of a window.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails.
    pub fn embed(&mut self, backend: &mut dyn Backend, input: &[f32]) -> Result<(), InferenceError> {
        backend.encode(input, &mut self.x)
    }

    /// Applies the net once: the quantum of the deadline. Returns which state was updated.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails; the state and all counts are as before.
    pub fn advance(&mut self, backend: &mut dyn Backend) -> Result<Update, InferenceError> {
        let update = if self.latent_done < self.latent_updates { Update::Latent } else { Update::Answer };
        self.last_share = match update {
            Update::Latent => self.update_latent(backend)?,
            Update::Answer => self.update_answer(backend)?,
        };
        self.work += self.last_share;
        self.applications += 1;
        Ok(update)
    }

    /// `z ← net(x + y + z)`.
    fn update_latent(&mut self, backend: &mut dyn Backend) -> Result<f32, InferenceError> {
        for (((sum, x), y), z) in self.sum.iter_mut().zip(&self.x).zip(&self.y).zip(&self.z) {
            *sum = x + y + z;
        }
        let share = backend.net(Update::Latent, &self.sum, &mut self.z)?;
        self.latent_done += 1;
        Ok(share)
    }

    /// `y ← net(y + z)`.
    fn update_answer(&mut self, backend: &mut dyn Backend) -> Result<f32, InferenceError> {
        for ((sum, y), z) in self.sum.iter_mut().zip(&self.y).zip(&self.z) {
            *sum = y + z;
        }
        self.previous_y.copy_from_slice(&self.y);
        let share = backend.net(Update::Answer, &self.sum, &mut self.y)?;
        self.latent_done = 0;
        let squares: f32 = self.y.iter().zip(&self.previous_y).map(|(a, b)| (a - b) * (a - b)).sum();
        self.answer_change = (squares / self.y.len() as f32).sqrt();
        Ok(share)
    }

    /// Decodes the present answer into logits `[CLASSES, size, size]`. Returns the halting logit q.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails.
    pub fn decode(&self, backend: &mut dyn Backend, logits: &mut [f32]) -> Result<f32, InferenceError> {
        backend.decode(&self.y, &self.x, logits)
    }

    /// Whether y and z hold neither infinity nor NaN.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.y.iter().chain(&self.z).all(|v| v.is_finite())
    }

    /// Applications of the net since the plan began.
    #[must_use]
    pub const fn applications(&self) -> usize {
        self.applications
    }

    /// Work done since the plan began, in whole applications: the sum of their shares.
    #[must_use]
    pub const fn work(&self) -> f32 {
        self.work
    }

    /// Share of the last application's work that was done, from 0 to 1; the rest was skipped.
    #[must_use]
    pub const fn last_share(&self) -> f32 {
        self.last_share
    }

    /// Supervision steps since the plan began; the last one may not be complete.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.applications.div_ceil(self.applications_per_step)
    }

    /// Whether the last application completed a supervision step. True before the first application, too.
    #[must_use]
    pub const fn is_at_step_end(&self) -> bool {
        self.applications.is_multiple_of(self.applications_per_step)
    }

    /// Root mean square of the answer's last change; infinite before its first update in a plan.
    #[must_use]
    pub const fn answer_change(&self) -> f32 {
        self.answer_change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::released;

    /// Adds 1 to whatever it is given, until its net fails.
    struct Failing {
        applications_left: usize,
    }

    impl Backend for Failing {
        fn shape(&self) -> Shape {
            Shape { size: 16, patch: 2, hidden: 32, channels: 5 }
        }

        fn encode(&mut self, _: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
            x.fill(1.0);
            Ok(())
        }

        fn net(&mut self, _: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
            self.applications_left = self
                .applications_left
                .checked_sub(1)
                .ok_or_else(|| InferenceError::new(Graph::Net, "out of memory"))?;
            out.iter_mut().zip(s).for_each(|(out, s)| *out = s + 1.0);
            Ok(0.5)
        }

        fn decode(&mut self, _: &[f32], _: &[f32], _: &mut [f32]) -> Result<f32, InferenceError> {
            Err(InferenceError::new(Graph::Decode, "no answer"))
        }
    }

    #[test]
    fn a_failed_application_says_why_and_leaves_the_recursion_as_it_was() {
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        let per_cycle = bundle.manifest.architecture.latent_updates + 1;
        // The first failure is in an update of z, the second one in an update of y.
        for before_failure in [1, per_cycle - 1] {
            let mut backend = Failing { applications_left: before_failure };
            let mut recursion = Recursion::new(&bundle, backend.shape());
            recursion.begin_cold(&mut backend);
            recursion.embed(&mut backend, &[]).unwrap();
            for _ in 0..before_failure {
                assert_eq!(recursion.advance(&mut backend), Ok(Update::Latent));
            }
            let (y, z) = (recursion.y.clone(), recursion.z.clone());
            let error = recursion.advance(&mut backend).unwrap_err();
            assert_eq!(error.to_string(), "inference: graph net failed: out of memory");
            assert_eq!((&recursion.y, &recursion.z), (&y, &z));
            assert_eq!((recursion.applications(), recursion.work()), (before_failure, 0.5 * before_failure as f32));
            assert!(recursion.answer_change().is_infinite());
            let error = recursion.decode(&mut backend, &mut []).unwrap_err();
            assert_eq!(error.to_string(), "inference: graph decode failed: no answer");

            // It goes on where it was.
            backend.applications_left = per_cycle;
            let updates: Vec<_> =
                (before_failure..per_cycle).map(|_| recursion.advance(&mut backend).unwrap()).collect();
            assert_eq!(updates.last(), Some(&Update::Answer));
            assert_eq!(recursion.applications(), per_cycle);
        }
    }
}
