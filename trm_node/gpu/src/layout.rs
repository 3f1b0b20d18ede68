//! Where everything is in the device's buffers, and how it is divided among threads. The shaders count alike.

use trm_kernel::{CHANNELS, CLASSES, HIDDEN, PATCH};

/// A state of a window, in the order of the buffer of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The embedding of the window.
    X,
    /// The answer.
    Y,
    /// The latent.
    Z,
}

/// An application of the net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// `z ← net(x + y + z)`.
    Latent,
    /// `y ← net(y + z)`.
    Answer,
}

/// States of a window: x, y, z and two spare ones.
pub(crate) const STATES: usize = 5;
/// The index of the first spare state.
pub(crate) const FIRST_SPARE: u32 = 3;
/// Values before the input of each window: columns and rows of its shift, and nothing.
pub(crate) const HEADER: usize = 4;
/// Tokens of a workgroup of `encode` and `layer`.
const TILE_ROWS: usize = 4;
const TILE_COLS: usize = 8;
/// Vectors of a state that a workgroup of `begin` computes.
const VECTORS: usize = 64;
/// Tokens that a workgroup of `decode` computes.
const DECODED: usize = 64;

/// Threads of the largest workgroup, and the bytes that it shares: those of `layer`.
pub(crate) const WORKGROUP_THREADS: u32 = 384;
pub(crate) const WORKGROUP_BYTES: u32 = 16 * (480 + 512 + 256) + 4 * 256 + 8 * 128;

/// The sizes of a batch of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Tokens along each side of a window.
    pub tokens: usize,
    /// Windows.
    pub windows: usize,
}

impl Layout {
    /// Values of a state.
    pub const fn state_len(&self) -> usize {
        self.tokens * self.tokens * HIDDEN
    }

    /// Values of all states of a window, and of what its tiles tell of changes: a vector each.
    pub const fn states_stride(&self) -> usize {
        let [across, down] = self.tiles();
        STATES * self.state_len() + 4 * across * down
    }

    /// Values of a window's input.
    pub const fn input_len(&self) -> usize {
        CHANNELS * PATCH * PATCH * self.tokens * self.tokens
    }

    /// Values of a window's input and what comes before it.
    pub const fn input_stride(&self) -> usize {
        HEADER + self.input_len()
    }

    /// Values of a window's logits.
    pub const fn logits_len(&self) -> usize {
        CLASSES * PATCH * PATCH * self.tokens * self.tokens
    }

    /// Tiles of `encode` and `layer`, across and down.
    pub const fn tiles(&self) -> [usize; 2] {
        [self.tokens.div_ceil(TILE_COLS), self.tokens.div_ceil(TILE_ROWS)]
    }

    /// Workgroups of `begin` for a window.
    pub const fn vector_groups(&self) -> usize {
        (self.state_len() / 4).div_ceil(VECTORS)
    }

    /// Workgroups of `decode` for a class of a window.
    pub const fn decode_groups(&self) -> usize {
        (self.tokens * self.tokens).div_ceil(DECODED)
    }

    /// Values that tell of the answer's change: two for each tile.
    pub const fn changes_len(&self) -> usize {
        let [across, down] = self.tiles();
        2 * across * down
    }

    /// Values of a window's output: the logits, the changes, and the parts of q.
    pub const fn output_stride(&self) -> usize {
        self.logits_len() + self.changes_len() + self.decode_groups()
    }
}
