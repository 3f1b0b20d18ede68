//! What runs the three graphs of a bundle. The recursion and the deadline are the caller's.

use crate::error::InferenceError;

/// Sizes of every buffer of one model on one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Cells a side of the window.
    pub size: usize,
    /// Cells a side of a token.
    pub patch: usize,
    /// Values a token.
    pub hidden: usize,
    /// Channels of the input.
    pub channels: usize,
}

impl Shape {
    /// Tokens a side of the window.
    #[must_use]
    pub const fn tokens(&self) -> usize {
        self.size / self.patch
    }

    /// Values of a state: `[tokens, tokens, hidden]`.
    #[must_use]
    pub const fn state(&self) -> usize {
        self.hidden * self.tokens() * self.tokens()
    }

    /// Values of the input: `[channels, size, size]`.
    #[must_use]
    pub const fn input(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// Values of the field: `[9, size, size]`.
    #[must_use]
    pub const fn field(&self) -> usize {
        crate::encode::CLASSES * self.size * self.size
    }
}

/// The state that an application of the net updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// The latent z.
    Latent,
    /// The answer y: it may be decoded.
    Answer,
}

/// The three graphs of a bundle for one window size.
///
/// States (x, y, z, their sums) are `[tokens, tokens, hidden]`: the values of a token lie together, as the kernel wants them.
/// Input and field are channel-major, as in `PyTorch`.
pub trait Backend: Send {
    /// The sizes of all buffers.
    fn shape(&self) -> Shape;

    /// `x = encode(input)`: `[channels, size, size]` to a state. A backend that skips leaves in `x` what the call before
    /// has written there, where the input is the same.
    ///
    /// # Errors
    /// [`InferenceError`] when the library fails.
    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError>;

    /// `out = net(s)`: the quantum of the deadline. Returns the share of the net's work that was done, 1 for all of it.
    ///
    /// A backend that skips leaves in `out` what the application of the same kind before has written there, where `s` has
    /// settled: then `out` must still hold it, moved as [`Self::moved`] was told.
    ///
    /// # Errors
    /// [`InferenceError`] when the library fails; `out` is as before.
    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError>;

    /// `moves = decode(y, x)`: logits `[9, size, size]`; returns the logit of the q head.
    ///
    /// # Errors
    /// [`InferenceError`] when the library fails.
    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError>;

    /// From now on the work is skipped whose inputs differ by at most the threshold from those that it was last done with:
    /// with 0 the results are those of all the work. `None`, as a backend begins, does all of it. A backend that can't skip
    /// does so anyway.
    fn skip(&mut self, _threshold: Option<f32>) {}

    /// y and z were set: nothing that was computed before counts.
    fn forget(&mut self) {}

    /// y and z have moved by whole tokens, with the window: the token at (row, col) is what was at (row + rows, col + cols).
    fn moved(&mut self, _cols: i32, _rows: i32) {}

    /// The cells by which windows should move, a multiple of the patch: by others what was computed is lost.
    fn stride(&self) -> usize {
        self.shape().patch
    }
}
