//! What runs the three graphs of a bundle. The recursion and the deadline are the caller's.

use crate::error::LoadError;

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

    /// Values of a state: `[hidden, tokens, tokens]`.
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
        super::encode::CLASSES * self.size * self.size
    }
}

/// The three graphs of a bundle for one window size. All buffers are channel-major, as in `PyTorch`.
pub trait Backend: Send {
    /// The sizes of all buffers.
    fn shape(&self) -> Shape;

    /// `x = encode(input)`: `[channels, size, size]` to `[hidden, tokens, tokens]`.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails.
    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), LoadError>;

    /// `out = net(s)`: the quantum of the deadline, both `[hidden, tokens, tokens]`.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails.
    fn net(&mut self, s: &[f32], out: &mut [f32]) -> Result<(), LoadError>;

    /// `moves = decode(y, x)`: logits `[9, size, size]`; returns the logit of the q head.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the library fails.
    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, LoadError>;
}
