//! Several windows in one call: of several robots, goals or queries. A window may be begun while others are on their way.
//!
//! The results of a window are those of a [`crate::backend::Backend`] that it has for itself: on the processor to the last
//! bit, on a GPU within the tolerances of the golden files.

use std::time::Duration;

use crate::backend::State;
use crate::error::InferenceError;
use crate::graphs::{Shape, Update};

/// The most windows of a batch.
pub const MAX_WINDOWS: usize = 1024;

/// What a batch can't do. Nothing has changed then, but after [`Self::Inference`] every window must be begun anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is nothing to work on.
    #[error("batch: it is empty: no window was begun")]
    Empty,
    /// There is no such window.
    #[error("batch: window {window} is not from 0 to {}", capacity - 1)]
    NoWindow {
        /// The number of the window.
        window: usize,
        /// How many there are.
        capacity: usize,
    },
    /// Nothing was begun in it.
    #[error("batch: window {0} was not begun")]
    NotBegun(usize),
    /// An input or a state of another size.
    #[error("batch: {what} of window {window} has {found} values, not {expected}")]
    Length {
        /// What it is.
        what: &'static str,
        /// The window that it is for.
        window: usize,
        /// How long it is.
        found: usize,
        /// How long it must be.
        expected: usize,
    },
    /// A graph has failed.
    #[error(transparent)]
    Inference(#[from] InferenceError),
}

/// What is known of a window.
#[derive(Debug, Clone, Copy)]
pub struct BatchAnswer<'a> {
    /// The logits `[CLASSES, size, size]` of the answer that was decoded last.
    pub logits: &'a [f32],
    /// Its halting logit.
    pub q: f32,
    /// Root mean square of the answer's last change; infinite before its first update.
    pub change: f32,
    /// Whether the states hold neither infinity nor NaN.
    pub is_finite: bool,
}

/// A model for windows of one size, with the states of several of them. Nothing is skipped. It isn't for the planning loop:
/// on the processor its threads are waited for without a time limit.
pub trait Batch: Send {
    /// The sizes of all buffers of a window.
    fn shape(&self) -> Shape;

    /// How many windows there are.
    fn capacity(&self) -> usize;

    /// Begins a window cold, with its input `[channels, size, size]`. It takes part from the next call on.
    ///
    /// # Errors
    /// [`BatchError`] when there is no such window or the input has another length.
    fn begin(&mut self, window: usize, input: &[f32]) -> Result<(), BatchError>;

    /// Takes a window out, until it is begun again.
    ///
    /// # Errors
    /// [`BatchError::NoWindow`].
    fn end(&mut self, window: usize) -> Result<(), BatchError>;

    /// Applies the net to all windows that were begun, once for each update: see [`crate::backend::Backend::advance`].
    ///
    /// # Errors
    /// [`BatchError::Empty`] when none was, [`BatchError::Inference`] when a graph fails or isn't done in time.
    fn advance(&mut self, updates: &[Update], patience: Duration) -> Result<(), BatchError>;

    /// Decodes the answers of all windows that were begun.
    ///
    /// # Errors
    /// As [`Self::advance`].
    fn decode(&mut self, patience: Duration) -> Result<(), BatchError>;

    /// What is known of a window.
    ///
    /// # Errors
    /// [`BatchError`] when there is no such window or it wasn't begun.
    fn answer(&self, window: usize) -> Result<BatchAnswer<'_>, BatchError>;

    /// Copies a state of a window, `[prefix + tokens², hidden]`. For tests and tools: the logits may be lost.
    ///
    /// # Errors
    /// [`BatchError`] when there is no such window, it wasn't begun, or `into` has another length.
    fn read(&mut self, window: usize, state: State, into: &mut [f32]) -> Result<(), BatchError>;
}

/// Refuses a length that isn't `expected`.
pub(crate) const fn check_length(
    what: &'static str,
    window: usize,
    found: usize,
    expected: usize,
) -> Result<(), BatchError> {
    if found == expected { Ok(()) } else { Err(BatchError::Length { what, window, found, expected }) }
}
