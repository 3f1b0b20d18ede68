//! The input of a layer, framed with zeros, and which of its tiles have changed.

use crate::simd::vector::Simd;
use crate::sizes::{HIDDEN, TILE};
use crate::winograd::SIDE;

/// A tile, by its row and column among the tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenTile {
    row: u16,
    col: u16,
}

impl TokenTile {
    /// Its first row of tokens.
    pub const fn first_row(self) -> usize {
        self.row as usize * TILE
    }

    /// Its first column of tokens.
    pub const fn first_col(self) -> usize {
        self.col as usize * TILE
    }
}

/// A layer's input, `[TILE · tiles + 2, TILE · tiles + 2, HIDDEN]`: the window's tokens start at (1, 1), all else is
/// zero.
///
/// With a threshold, a token is replaced only when its latest value differs from the one in the frame by more than the
/// threshold. A tile whose tokens and their neighbours weren't replaced has the same output as before. As every value
/// is within the threshold of the latest one, differences don't add up over the applications.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    values: Vec<f32>,
    tokens: usize,
    tiles: usize,
    /// Which tokens of each tile were replaced: bit `4 · row + col`.
    replaced: Vec<u16>,
    /// Tiles that are listed as changed although none of their tokens was replaced.
    stale: Vec<bool>,
}

impl Frame {
    /// A frame of zeros for `tokens` × `tokens` tokens.
    pub fn new(tokens: usize) -> Self {
        let tiles = tokens.div_ceil(TILE);
        let side = TILE * tiles + 2;
        Self {
            values: vec![0.0; side * side * HIDDEN],
            tokens,
            tiles,
            replaced: vec![0; tiles * tiles],
            stale: vec![false; tiles * tiles],
        }
    }

    /// Tokens along each side of the window.
    pub const fn tokens(&self) -> usize {
        self.tokens
    }

    /// Number of tiles.
    pub const fn tile_count(&self) -> usize {
        self.tiles * self.tiles
    }

    /// Number of values, zeros included.
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Number of values in a row of the frame.
    pub const fn line(&self) -> usize {
        (TILE * self.tiles + 2) * HIDDEN
    }

    /// Index of the first value of a token of the window.
    const fn index(&self, row: usize, col: usize) -> usize {
        (row + 1) * self.line() + (col + 1) * HIDDEN
    }

    /// The `SIDE` × `SIDE` tokens of a tile and its border, from the first value to the last, in rows of
    /// [`Self::line`].
    #[inline(always)]
    pub fn tile_with_border(&self, tile: TokenTile) -> &[f32] {
        let begin = tile.first_row() * self.line() + tile.first_col() * HIDDEN;
        &self.values[begin..begin + (SIDE - 1) * self.line() + SIDE * HIDDEN]
    }

    /// A token of a tile, `[HIDDEN]`.
    #[inline(always)]
    pub fn token(&self, tile: TokenTile, row: usize, col: usize) -> &[f32] {
        &self.values[self.index(tile.first_row() + row, tile.first_col() + col)..][..HIDDEN]
    }

    /// Sets the first tokens of a row of a tile: those that differ by more than the threshold, or all.
    ///
    /// # Safety
    /// The processor has the instruction set of `S`.
    #[inline(always)]
    pub unsafe fn set_row<S: Simd>(&mut self, tile: TokenTile, row: usize, from: &[f32], threshold: Option<f32>) {
        let begin = self.index(tile.first_row() + row, tile.first_col());
        let to = &mut self.values[begin..begin + from.len()];
        let Some(threshold) = threshold else {
            to.copy_from_slice(from);
            return;
        };
        let mut replaced = 0;
        for (col, (from, to)) in from.chunks_exact(HIDDEN).zip(to.chunks_exact_mut(HIDDEN)).enumerate() {
            // Safety: both hold HIDDEN values, a multiple of a vector's.
            unsafe {
                let (mut differs, threshold) = (false, S::set(threshold));
                for lane in (0..HIDDEN).step_by(S::LANES) {
                    let (new, old) = (S::load(from.as_ptr().add(lane)), S::load(to.as_ptr().add(lane)));
                    differs |= S::differ(new, old, threshold);
                }
                if differs {
                    to.copy_from_slice(from);
                    replaced |= 1 << (row * TILE + col);
                }
            }
        }
        self.replaced[usize::from(tile.row) * self.tiles + usize::from(tile.col)] |= replaced;
    }

    /// Sets all tokens from a state, `[tokens, tokens, HIDDEN]`: those that differ by more than the threshold, or all.
    ///
    /// # Safety
    /// The processor has the instruction set of `S`.
    #[inline(always)]
    pub unsafe fn set_all<S: Simd>(&mut self, state: &[f32], threshold: Option<f32>) {
        let length = self.tokens * HIDDEN;
        for (row, values) in state.chunks_exact(length).enumerate() {
            for (col, values) in values.chunks(TILE * HIDDEN).enumerate() {
                let tile = TokenTile { row: (row / TILE) as u16, col: col as u16 };
                unsafe { self.set_row::<S>(tile, row % TILE, values, threshold) };
            }
        }
    }

    /// Lists the tiles whose output may have changed since the previous call, or all of them.
    pub fn list_changed(&mut self, all: bool, list: &mut Vec<TokenTile>) {
        list.clear();
        for row in 0..self.tiles {
            for col in 0..self.tiles {
                if all || self.stale[row * self.tiles + col] || self.has_replaced_inputs(row, col) {
                    list.push(TokenTile { row: row as u16, col: col as u16 });
                }
            }
        }
        self.replaced.fill(0);
        self.stale.fill(false);
    }

    /// Whether a token of a tile, or next to it, was replaced.
    fn has_replaced_inputs(&self, row: usize, col: usize) -> bool {
        // For each of the 3 × 3 tiles around: the bits of its tokens that are next to the tile, or in it.
        const NEAR: [[u16; 3]; 3] = [[0x8000, 0xf000, 0x1000], [0x8888, 0xffff, 0x1111], [0x0008, 0x000f, 0x0001]];
        NEAR.iter().enumerate().any(|(down, line)| {
            line.iter().enumerate().any(|(right, near)| {
                let (row, col) = ((row + down).wrapping_sub(1), (col + right).wrapping_sub(1));
                row < self.tiles && col < self.tiles && self.replaced[row * self.tiles + col] & near != 0
            })
        })
    }

    /// Shifts the tokens with a window that moved by whole tiles; `cols` and `rows` are in tokens. Tokens that come
    /// into the window become NaN, which differs from everything. `copy` holds the old values meanwhile.
    pub fn shift(&mut self, cols: i32, rows: i32, copy: &mut Vec<f32>) {
        copy.clone_from(&self.values);
        let tokens = self.tokens as i32;
        for row in 0..tokens {
            for col in 0..tokens {
                let (r, c) = (row + rows, col + cols);
                let to = self.index(row as usize, col as usize);
                if (0..tokens).contains(&r) && (0..tokens).contains(&c) {
                    let from = self.index(r as usize, c as usize);
                    self.values[to..to + HIDDEN].copy_from_slice(&copy[from..from + HIDDEN]);
                } else {
                    self.values[to..to + HIDDEN].fill(f32::NAN);
                }
            }
        }
        // Tiles whose neighbours left the window have zeros next to them now.
        let last = self.tiles - 1;
        for at in 0..self.tiles {
            if rows != 0 {
                self.stale[if rows > 0 { 0 } else { last } * self.tiles + at] = true;
            }
            if cols != 0 {
                self.stale[at * self.tiles + if cols > 0 { 0 } else { last }] = true;
            }
        }
    }
}
