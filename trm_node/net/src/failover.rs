//! A backend on a device that may be lost, and another one that takes over then.

use std::time::Duration;

use crate::backend::{Advanced, Ahead, Backend, Quantum, State};
use crate::error::InferenceError;
use crate::graphs::{Shape, Update};

/// Works on one backend until its device is lost, and from then on, cold, on the other.
pub struct Failover {
    first: Box<dyn Backend>,
    spare: Box<dyn Backend>,
    is_lost: bool,
}

impl Failover {
    /// Two backends that were made for the same bundle and window.
    #[must_use]
    pub fn new(first: Box<dyn Backend>, spare: Box<dyn Backend>) -> Self {
        Self { first, spare, is_lost: false }
    }

    fn active(&self) -> &dyn Backend {
        if self.is_lost { self.spare.as_ref() } else { self.first.as_ref() }
    }

    fn active_mut(&mut self) -> &mut dyn Backend {
        if self.is_lost { self.spare.as_mut() } else { self.first.as_mut() }
    }

    fn note<T>(&mut self, result: Result<T, InferenceError>) -> Result<T, InferenceError> {
        if !self.is_lost && result.as_ref().is_err_and(InferenceError::is_lost) {
            self.is_lost = true;
            self.spare.reset();
        }
        result
    }
}

impl Backend for Failover {
    fn shape(&self) -> Shape {
        self.first.shape()
    }

    fn reset(&mut self) {
        self.active_mut().reset();
    }

    fn shift(&mut self, cols: i32, rows: i32) {
        self.active_mut().shift(cols, rows);
    }

    fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError> {
        let result = self.active_mut().embed(input);
        self.note(result)
    }

    fn advance(&mut self, updates: &[Update], patience: Duration) -> Result<Advanced, InferenceError> {
        let result = self.active_mut().advance(updates, patience);
        self.note(result)
    }

    fn decode(&mut self, patience: Duration) -> Result<f32, InferenceError> {
        let result = self.active_mut().decode(patience);
        self.note(result)
    }

    fn logits(&self) -> &[f32] {
        self.active().logits()
    }

    fn is_usable(&self) -> bool {
        self.active().is_usable()
    }

    fn read(&mut self, state: State, into: &mut [f32]) -> Result<(), InferenceError> {
        let result = self.active_mut().read(state, into);
        self.note(result)
    }

    fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.first.set_skip_threshold(threshold);
        self.spare.set_skip_threshold(threshold);
    }

    fn window_stride(&self) -> usize {
        // The window must lie the same on both.
        self.first.window_stride().max(self.spare.window_stride())
    }

    fn quantum(&self) -> Quantum {
        self.active().quantum()
    }

    fn ahead(&mut self) -> Option<&mut dyn Ahead> {
        self.active_mut().ahead()
    }

    fn spare(&mut self) -> Option<&mut dyn Backend> {
        if self.is_lost { None } else { Some(self.spare.as_mut()) }
    }
}
