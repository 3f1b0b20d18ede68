//! What runs the three graphs of a bundle on states in the host's memory. [`crate::host`] keeps these states.

use crate::encode::CLASSES;
use crate::error::InferenceError;

/// The sizes of one model on one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Cells along each side of the window.
    pub size: usize,
    /// Cells along each side of a token.
    pub patch: usize,
    /// Values of a token's state.
    pub hidden: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Tokens before those of the cells, in a model of sequences; 0 in a model of planes.
    pub prefix: usize,
}

impl Shape {
    /// Tokens along each side of the window.
    #[must_use]
    pub const fn tokens(&self) -> usize {
        self.size / self.patch
    }

    /// Length of a state, `[prefix + tokens², hidden]`.
    #[must_use]
    pub const fn state_len(&self) -> usize {
        self.hidden * (self.prefix + self.tokens() * self.tokens())
    }

    /// Shape of a state's tensor in the graphs: that of a sequence, `[1, prefix + tokens², hidden]`, or of planes,
    /// `[1, hidden, tokens, tokens]`.
    #[must_use]
    pub fn state_shape(&self) -> Vec<usize> {
        let tokens = self.tokens();
        if self.prefix > 0 {
            vec![1, self.prefix + tokens * tokens, self.hidden]
        } else {
            vec![1, self.hidden, tokens, tokens]
        }
    }

    /// Length of the input, `[channels, size, size]`.
    #[must_use]
    pub const fn input_len(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// Length of the logits, `[CLASSES, size, size]`.
    #[must_use]
    pub const fn logits_len(&self) -> usize {
        CLASSES * self.size * self.size
    }
}

/// The state that an application of the net updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// The latent z.
    Latent,
    /// The answer y, which may then be decoded.
    Answer,
}

/// The three graphs of a bundle for one window size.
///
/// States (x, y, z and their sums) are `[prefix + tokens², hidden]`: the values of one token lie together, as the kernel
/// needs them, those of the prefix before those of the cells, row by row. The input and the logits have one plane for each
/// channel or class, as in `PyTorch`.
///
/// It may skip work whose inputs have settled; see [`Self::set_skip_threshold`]. It then keeps a history of its
/// applications, which the caller must update with [`Self::forget_history`] and [`Self::shift_history`]. The defaults
/// of these methods are those of graphs that can't skip.
pub trait Graphs: Send {
    /// The sizes of all buffers.
    fn shape(&self) -> Shape;

    /// `x = encode(input)`: `[channels, size, size]` to a state. Graphs that skip may leave values of `x` as they
    /// are, as the previous call wrote them, where the input hasn't changed.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails; `x` is unchanged.
    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError>;

    /// `out = net(s)`: the quantum of the deadline. Returns the share of the net's work that was done, from 0 to 1.
    ///
    /// Graphs that skip leave values of `out` as they are where `s` has settled: `out` must hold the output of the
    /// previous application with the same `update`, shifted as told to [`Self::shift_history`].
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails; `out` is unchanged.
    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError>;

    /// `logits = decode(y, x)`: states to `[CLASSES, size, size]`. Returns the halting logit q.
    ///
    /// # Errors
    /// [`InferenceError`] when the graph fails; `logits` is unchanged.
    fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError>;

    /// Skips, from now on, work none of whose inputs differs by more than `threshold` from the value that it was last
    /// done with. With 0 the results are those of the whole work. `None`, the initial setting, skips nothing.
    fn set_skip_threshold(&mut self, _threshold: Option<f32>) {}

    /// The caller has set y and z: the next applications must be whole.
    fn forget_history(&mut self) {}

    /// The caller has shifted y and z with the window, by whole tokens: the token at (row, col) is the one that was at
    /// (row + rows, col + cols).
    fn shift_history(&mut self, _cols: i32, _rows: i32) {}

    /// The number of cells, a multiple of the patch, by whose multiples a window should move: after other moves the
    /// history is lost.
    fn window_stride(&self) -> usize {
        self.shape().patch
    }
}
