//! The input of a layer in a frame of zeros, and which of its tiles have changed.

use super::layer::HIDDEN;
use super::simd::Simd;
use super::winograd::{SIDE, TILE};

/// A tile by its place among the tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    row: u16,
    col: u16,
}

impl Tile {
    /// Its first row of tokens.
    pub const fn row(self) -> usize {
        self.row as usize * TILE
    }

    /// Its first column of tokens.
    pub const fn col(self) -> usize {
        self.col as usize * TILE
    }
}

/// A layer's input, `[TILE · tiles + 2, TILE · tiles + 2, HIDDEN]`: the window's tokens from (1, 1) on, all else zero.
///
/// Where a threshold is given, the frame holds for each token the value that counts: one within the threshold of the latest.
/// It is replaced only when the latest is farther away. So a tile whose tokens, and those next to it, weren't replaced has
/// the same output as before, and no difference adds up over the applications.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    values: Vec<f32>,
    tokens: usize,
    tiles: usize,
    /// Which tokens of each tile were replaced: bit `4 · row + col`.
    replaced: Vec<u16>,
    /// Tiles that count as changed all the same.
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

    /// Tokens a side of the window.
    pub const fn tokens(&self) -> usize {
        self.tokens
    }

    /// Values of the frame.
    pub const fn values(&self) -> usize {
        self.values.len()
    }

    /// Values of a row of the frame.
    pub const fn line(&self) -> usize {
        (TILE * self.tiles + 2) * HIDDEN
    }

    /// Where a token of the window lies.
    const fn place(&self, row: usize, col: usize) -> usize {
        (row + 1) * self.line() + (col + 1) * HIDDEN
    }

    /// The values from the corner of a tile's surroundings to their end.
    #[inline(always)]
    pub fn around(&self, tile: Tile) -> &[f32] {
        let begin = tile.row() * self.line() + tile.col() * HIDDEN;
        &self.values[begin..begin + (SIDE - 1) * self.line() + SIDE * HIDDEN]
    }

    /// A token of a tile.
    #[inline(always)]
    pub fn token(&self, tile: Tile, row: usize, col: usize) -> &[f32] {
        &self.values[self.place(tile.row() + row, tile.col() + col)..][..HIDDEN]
    }

    /// Takes new values for the first tokens of a tile's row.
    ///
    /// # Safety
    /// The instruction set is there.
    #[inline(always)]
    pub unsafe fn take<S: Simd>(&mut self, tile: Tile, row: usize, from: &[f32], threshold: Option<f32>) {
        let begin = self.place(tile.row() + row, tile.col());
        let to = &mut self.values[begin..begin + from.len()];
        let Some(threshold) = threshold else {
            to.copy_from_slice(from);
            return;
        };
        let mut replaced = 0;
        for (col, (from, to)) in from.chunks_exact(HIDDEN).zip(to.chunks_exact_mut(HIDDEN)).enumerate() {
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

    /// Takes a whole state, `[tokens, tokens, HIDDEN]`.
    ///
    /// # Safety
    /// The instruction set is there.
    #[inline(always)]
    pub unsafe fn take_all<S: Simd>(&mut self, state: &[f32], threshold: Option<f32>) {
        let length = self.tokens * HIDDEN;
        for (row, values) in state.chunks_exact(length).enumerate() {
            for (col, values) in values.chunks(TILE * HIDDEN).enumerate() {
                let tile = Tile { row: (row / TILE) as u16, col: col as u16 };
                unsafe { self.take::<S>(tile, row % TILE, values, threshold) };
            }
        }
    }

    /// Number of tiles.
    pub const fn count(&self) -> usize {
        self.tiles * self.tiles
    }

    /// Lists the tiles whose output may have changed since the last call, or all of them.
    pub fn list(&mut self, all: bool, list: &mut Vec<Tile>) {
        list.clear();
        for row in 0..self.tiles {
            for col in 0..self.tiles {
                if all || self.stale[row * self.tiles + col] || self.is_touched(row, col) {
                    list.push(Tile { row: row as u16, col: col as u16 });
                }
            }
        }
        self.replaced.fill(0);
        self.stale.fill(false);
    }

    /// Whether a token of a tile, or next to it, was replaced.
    fn is_touched(&self, row: usize, col: usize) -> bool {
        // By how the other tile lies: those of its tokens that are next to this one.
        const NEAR: [[u16; 3]; 3] = [[0x8000, 0xf000, 0x1000], [0x8888, 0xffff, 0x1111], [0x0008, 0x000f, 0x0001]];
        NEAR.iter().enumerate().any(|(down, line)| {
            line.iter().enumerate().any(|(right, near)| {
                let (row, col) = ((row + down).wrapping_sub(1), (col + right).wrapping_sub(1));
                row < self.tiles && col < self.tiles && self.replaced[row * self.tiles + col] & near != 0
            })
        })
    }

    /// Moves what is known with a window that moved by whole tiles, as tokens: what comes into the window is unknown, and
    /// differs from everything.
    pub fn shift(&mut self, cols: i32, rows: i32, spare: &mut Vec<f32>) {
        spare.clone_from(&self.values);
        let tokens = self.tokens as i32;
        for row in 0..tokens {
            for col in 0..tokens {
                let (r, c) = (row + rows, col + cols);
                let to = self.place(row as usize, col as usize);
                if (0..tokens).contains(&r) && (0..tokens).contains(&c) {
                    let from = self.place(r as usize, c as usize);
                    self.values[to..to + HIDDEN].copy_from_slice(&spare[from..from + HIDDEN]);
                } else {
                    self.values[to..to + HIDDEN].fill(f32::NAN);
                }
            }
        }
        // The tiles whose neighbours went out of the window have zeros beside them now.
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
