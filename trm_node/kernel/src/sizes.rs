//! The sizes of the one architecture that the kernel computes.

/// d: values of a token's state.
pub const HIDDEN: usize = 32;
/// Cells along each side of a token.
pub const PATCH: usize = 2;
/// Channels of the encoder's input.
pub const CHANNELS: usize = 5;
/// Classes of the decoder's logits, for each cell.
pub const CLASSES: usize = 9;
/// Tokens along each side of a tile, the unit in which the net is computed and work is skipped.
pub const TILE: usize = 4;
/// Fewest tokens along each side of a window.
pub const MIN_TOKENS: usize = 8;
