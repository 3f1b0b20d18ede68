//! The recursion of TRM (arXiv 2510.04871): `z ← net(x + y + z)` n times, then `y ← net(y + z)`, make a cycle; T cycles
//! make a supervision step. A deadline can be checked between two calls of [`Recursion::advance`].

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::backend::{Ahead, Backend, Quantum};
use crate::bundle::Bundle;
use crate::error::InferenceError;
use crate::graphs::{Shape, Update};

/// The most updates of one call: a device has room for so many.
pub(crate) const MAX_UPDATES: usize = 48;

/// How far a call goes, where a call costs more than an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the next answer.
    Answer,
    /// To the end of the step.
    Step,
}

/// A model on the states of a window, and the place in the recursion.
///
/// ```
/// # use std::time::Duration;
/// # use trm_net::{bundle::Bundle, recursion::{Reach, Recursion}, registry, released};
/// # const PATIENCE: Duration = Duration::from_secs(60);
/// let bundle = Bundle::load(&released::find(None, std::iter::empty())?)?;
/// let mut recursion = Recursion::new(&bundle, registry::by_name(&bundle, 32, "cpu")?);
///
/// // `encode::encode` makes the input of a window; this one is empty.
/// let input = vec![0.0; recursion.shape().input_len()];
/// recursion.begin_cold();
/// recursion.embed(&input)?;
/// while recursion.steps() < 1 || !recursion.is_at_step_end() {
///     recursion.advance(Reach::Step, PATIENCE)?;
/// }
/// let q = recursion.decode(PATIENCE)?;
/// assert_eq!(recursion.applications(), bundle.manifest.architecture.applications_per_step());
/// assert!(q.is_finite() && recursion.logits().iter().all(|logit| logit.is_finite()));
/// # Ok::<(), trm_net::error::LoadError>(())
/// ```
pub struct Recursion {
    backend: Box<dyn Backend>,
    latent_updates: usize,
    applications_per_step: usize,
    /// Whether y and z are as they are set at first.
    is_initial: bool,
    /// Latent updates done in the present cycle.
    latent_done: usize,
    applications: usize,
    work: f32,
    /// Applications and work of the last call.
    last: (usize, f32),
    answer_change: f32,
}

impl Recursion {
    /// A recursion in the initial state, on a backend that was made for the bundle.
    #[must_use]
    pub fn new(bundle: &Bundle, mut backend: Box<dyn Backend>) -> Self {
        backend.reset();
        let architecture = bundle.manifest.architecture;
        Self {
            backend,
            latent_updates: architecture.latent_updates,
            applications_per_step: architecture.applications_per_step(),
            is_initial: true,
            latent_done: 0,
            applications: 0,
            work: 0.0,
            last: (1, 1.0),
            answer_change: f32::INFINITY,
        }
    }

    /// The sizes of the input and of the logits.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.backend.shape()
    }

    /// See [`Backend::window_stride`].
    #[must_use]
    pub fn window_stride(&self) -> usize {
        self.backend.window_stride()
    }

    /// See [`Backend::set_skip_threshold`].
    pub fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.backend.set_skip_threshold(threshold);
    }

    /// Begins a plan from the initial state.
    pub fn begin_cold(&mut self) {
        self.reset_state();
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
    pub fn reset_state(&mut self) {
        self.backend.reset();
        self.is_initial = true;
        self.latent_done = 0;
        self.answer_change = f32::INFINITY;
    }

    /// Shifts the state with a window that moved by whole tokens: see [`Backend::shift`].
    pub fn shift_state(&mut self, cols: i32, rows: i32) {
        self.backend.shift(cols, rows);
    }

    /// Sets x from the input `[channels, size, size]` of a window.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails.
    pub fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError> {
        self.backend.embed(input)
    }

    /// How far the next call should go if there is time: the first answer from the initial state is hardly ever the last.
    /// `None` where a call is an application.
    #[must_use]
    pub fn reach(&self) -> Option<Reach> {
        let reach = if self.is_initial { Reach::Step } else { Reach::Answer };
        (self.backend.quantum() == Quantum::Answer).then_some(reach)
    }

    /// Applies the net as many times as the backend does in one call: the quantum of the deadline. Where a call costs more
    /// than an application, it goes as far as `reach`. Returns which state was updated last.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails, or isn't done within `patience`; all counts are as before.
    pub fn advance(&mut self, reach: Reach, patience: Duration) -> Result<Update, InferenceError> {
        let mut updates = ArrayVec::<Update, MAX_UPDATES>::new();
        let mut latent_done = self.latent_done;
        loop {
            let update = self.update_after(latent_done);
            latent_done = if update == Update::Latent { latent_done + 1 } else { 0 };
            updates.push(update);
            let is_step_end = (self.applications + updates.len()).is_multiple_of(self.applications_per_step);
            let is_enough = match (self.backend.quantum(), reach) {
                (Quantum::Application, _) => true,
                (Quantum::Answer, Reach::Answer) => update == Update::Answer,
                (Quantum::Answer, Reach::Step) => update == Update::Answer && is_step_end,
            };
            if is_enough || updates.is_full() {
                return self.apply(&updates, patience);
            }
        }
    }

    /// Applies the net once.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub fn advance_once(&mut self, patience: Duration) -> Result<Update, InferenceError> {
        self.apply(&[self.update_after(self.latent_done)], patience)
    }

    /// What follows so many latent updates in a cycle.
    const fn update_after(&self, latent_done: usize) -> Update {
        if latent_done < self.latent_updates { Update::Latent } else { Update::Answer }
    }

    fn apply(&mut self, updates: &[Update], patience: Duration) -> Result<Update, InferenceError> {
        let advanced = self.backend.advance(updates, patience)?;
        self.last = (updates.len(), advanced.work);
        self.work += advanced.work;
        self.applications += updates.len();
        self.is_initial = false;
        self.answer_change = advanced.change.unwrap_or(self.answer_change);
        for update in updates {
            self.latent_done = if *update == Update::Latent { self.latent_done + 1 } else { 0 };
        }
        Ok(updates.last().copied().unwrap_or(Update::Latent))
    }

    /// Decodes the present answer into [`Self::logits`]. Returns the halting logit q.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails, or isn't done within `patience`.
    pub fn decode(&mut self, patience: Duration) -> Result<f32, InferenceError> {
        self.backend.decode(patience)
    }

    /// The logits `[CLASSES, size, size]` of the answer that was decoded last.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        self.backend.logits()
    }

    /// See [`Backend::ahead`].
    pub fn ahead(&mut self) -> Option<&mut dyn Ahead> {
        self.backend.ahead()
    }

    /// The backend, to look at its states.
    pub fn backend(&mut self) -> &mut dyn Backend {
        self.backend.as_mut()
    }

    /// Whether y and z hold neither infinity nor NaN.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.backend.is_usable()
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

    /// Share of the last call's work that was done, from 0 to 1; the rest was skipped.
    #[must_use]
    pub fn last_share(&self) -> f32 {
        self.last.1 / self.last.0.max(1) as f32
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
mod tests;
