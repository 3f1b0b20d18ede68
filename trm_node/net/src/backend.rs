//! What keeps the states of the recursion and updates them, in the host's memory or on a device. The order of the updates
//! is [`crate::recursion`]'s; the deadline is the caller's.

use std::time::Duration;

use crate::error::InferenceError;
use crate::graphs::{Shape, Update};

/// A state of the recursion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The embedding of the window.
    X,
    /// The answer.
    Y,
    /// The latent.
    Z,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advanced {
    /// The work that was done, in whole applications; the rest was skipped.
    pub work: f32,
    /// Root mean square of the answer's last change, if it was updated.
    pub change: Option<f32>,
}

/// How many applications a backend should be asked for at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantum {
    /// One: a call costs nothing.
    Application,
    /// All up to an answer: a call costs more than an application.
    Answer,
}

/// Windows that are thought about before they are planned in, all in one call: see [`Backend::ahead`].
pub trait Ahead {
    /// How many there may be.
    fn capacity(&self) -> usize;

    /// Forgets all of them.
    fn forget(&mut self);

    /// One more window, by its input `[channels, size, size]`. The states of the plan before are worth nothing then. What is
    /// beyond the capacity is left out.
    fn add(&mut self, input: &[f32]);

    /// Thinks about all of them: what the recursion asks for first is known then.
    ///
    /// # Errors
    /// [`InferenceError`] when it isn't done within `patience`. All of them are forgotten then.
    fn think(&mut self, patience: Duration) -> Result<(), InferenceError>;
}

/// A model for windows of one size, with the states x, y and z of one window, `[tokens, tokens, hidden]` each.
///
/// After an error the states are worth nothing: [`Self::reset`] and [`Self::embed`] come before the next application.
pub trait Backend: Send {
    /// The sizes of all buffers.
    fn shape(&self) -> Shape;

    /// Sets y and z of every token to the bundle's first ones.
    fn reset(&mut self);

    /// Shifts y and z with a window that moved by whole tokens: the token at (row, col) is then the one that was at (row +
    /// rows, col + cols). Tokens that come into the window get the bundle's first states.
    fn shift(&mut self, cols: i32, rows: i32);

    /// Sets x from the input `[channels, size, size]` of a window.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails.
    fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError>;

    /// Applies the net, once for each update. A backend that works elsewhere comes back within `patience`, done or not; one that works on the
    /// calling thread takes as long as it takes.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails, or isn't done in time.
    fn advance(&mut self, updates: &[Update], patience: Duration) -> Result<Advanced, InferenceError>;

    /// Decodes the present answer into [`Self::logits`]. Returns the halting logit q.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails, or isn't done in time.
    fn decode(&mut self, patience: Duration) -> Result<f32, InferenceError>;

    /// The logits `[CLASSES, size, size]` of the answer that was decoded last.
    fn logits(&self) -> &[f32];

    /// Whether a later plan may go on from the states: they are here, and held neither infinity nor NaN when the answer was
    /// last updated.
    fn is_usable(&self) -> bool;

    /// Copies a state. For tests and tools: the logits may be lost.
    ///
    /// # Errors
    /// [`InferenceError`] when a device fails.
    fn read(&mut self, state: State, into: &mut [f32]) -> Result<(), InferenceError>;

    /// Sets a state, `[prefix + tokens², hidden]`. For tests and tools. Returns whether this backend can.
    fn write(&mut self, _state: State, _values: &[f32]) -> bool {
        false
    }

    /// Skips, from now on, work none of whose inputs differs by more than `threshold` from the value that it was last done
    /// with. With 0 the results are those of the whole work. `None`, the initial setting, skips nothing.
    fn set_skip_threshold(&mut self, _threshold: Option<f32>) {}

    /// The number of cells, a multiple of the patch, by whose multiples a window should move: after other moves nothing
    /// can be skipped.
    fn window_stride(&self) -> usize {
        self.shape().patch
    }

    /// How many applications it should be asked for at a time.
    fn quantum(&self) -> Quantum {
        Quantum::Application
    }

    /// Where several windows in one call cost little more than one: what thinks about them before they are planned in. A plan
    /// that begins cold in one of them finds its first answers there.
    fn ahead(&mut self) -> Option<&mut dyn Ahead> {
        None
    }

    /// The backend that takes over when the device of this one is [lost](InferenceError::is_lost), if there is one.
    fn spare(&mut self) -> Option<&mut dyn Backend> {
        None
    }
}
