//! The encoder: the input's 2 × 2 cells of a token become its channels, and a 3 × 3 convolution with a bias makes x of them.

use super::layer::HIDDEN;
use super::level::{Level, Work};
use super::product::{Rows, product};
use super::simd::Simd;
use crate::encode::CHANNELS;

/// Cells a side of a token.
pub(super) const PATCH: usize = 2;
/// Values of a token's cells: channel, row, column.
const CELLS: usize = CHANNELS.len() * PATCH * PATCH;

/// The encoder's weights and scratch.
pub(super) struct Encode {
    /// `[3, 3, CELLS, HIDDEN]`.
    weights: Vec<f32>,
    /// `[HIDDEN]`.
    bias: Vec<f32>,
    tokens: usize,
    /// The cells of all tokens in a frame of zeros, `[tokens + 2, tokens + 2, CELLS]`.
    frame: Vec<f32>,
    /// Which rows of tokens of the frame have changed.
    changed: Vec<bool>,
    /// Whether rows are left out whose cells are those of the call before.
    skips: bool,
    /// Whether there was a call before.
    valid: bool,
}

/// One call.
struct Look<'a>(&'a mut Encode, &'a mut [f32]);

impl Encode {
    /// Packs the weights of one convolution of stride 2 over cells, as the graph has it: `[HIDDEN, CHANNELS, 6, 6]` and
    /// `[HIDDEN]`.
    pub fn new(weights: &[f32], bias: &[f32], tokens: usize) -> Self {
        const KERNEL: usize = 3 * PATCH;
        let mut packed = Vec::with_capacity(weights.len());
        for (row, col) in (0..9).map(|tap| (tap / 3, tap % 3)) {
            for cell in 0..CELLS {
                let (channel, down, right) = (cell / (PATCH * PATCH), cell / PATCH % PATCH, cell % PATCH);
                let at = (channel * KERNEL + row * PATCH + down) * KERNEL + col * PATCH + right;
                packed.extend((0..HIDDEN).map(|output| weights[output * CHANNELS.len() * KERNEL * KERNEL + at]));
            }
        }
        Self {
            weights: packed,
            bias: bias.to_vec(),
            tokens,
            frame: vec![0.0; (tokens + 2) * (tokens + 2) * CELLS],
            changed: vec![false; tokens],
            skips: false,
            valid: false,
        }
    }

    /// Whether to leave rows of `x` as they are where the input is that of the call before.
    pub fn skip(&mut self, skips: bool) {
        (self.skips, self.valid) = (skips, false);
    }

    /// `[CHANNELS, size, size]` to `[tokens, tokens, HIDDEN]`.
    pub fn run(&mut self, level: Level, input: &[f32], x: &mut [f32]) {
        let (tokens, size) = (self.tokens, PATCH * self.tokens);
        assert!(input.len() == CHANNELS.len() * size * size && x.len() == tokens * tokens * HIDDEN);
        let all = !self.valid || !self.skips;
        for (row, changed) in self.changed.iter_mut().enumerate() {
            *changed = all;
            let begin = ((row + 1) * (tokens + 2) + 1) * CELLS;
            let frame = &mut self.frame[begin..begin + tokens * CELLS];
            for (line, down) in (0..CHANNELS.len() * PATCH).map(|at| (at, at % PATCH)) {
                let from = (line / PATCH * size + row * PATCH + down) * size;
                let pairs = input[from..from + size].chunks_exact(PATCH);
                for (token, pair) in frame.chunks_exact_mut(CELLS).zip(pairs) {
                    let cells = &mut token[line * PATCH..][..PATCH];
                    *changed |= cells != pair;
                    cells.copy_from_slice(pair);
                }
            }
        }
        self.valid = true;
        level.run(Look(self, x));
    }
}

impl Work for Look<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) {
        let Self(encode, x) = self;
        let (tokens, line) = (encode.tokens, (encode.tokens + 2) * CELLS);
        assert!(tokens >= ROWS && encode.weights.len() == 9 * CELLS * HIDDEN && encode.bias.len() == HIDDEN);
        for row in 0..tokens {
            let near = row.saturating_sub(1)..(row + 2).min(tokens);
            if !encode.changed[near].contains(&true) {
                continue;
            }
            for first in (0..tokens).step_by(ROWS) {
                // The last tokens of a row may be worked out twice.
                let first = first.min(tokens - ROWS);
                let from = encode.frame[row * line + first * CELLS..].as_ptr();
                let rows = Rows { from, step: CELLS, runs: 3, length: 3 * CELLS, run_step: line };
                let out = x[(row * tokens + first) * HIDDEN..][..ROWS * HIDDEN].as_mut_ptr();
                // Safety: the caller knows that the instruction set is there; the frame holds three rows from here on.
                unsafe {
                    let (weights, bias) = (encode.weights.as_ptr(), encode.bias.as_ptr());
                    product::<S, ROWS, 2>(rows, weights, HIDDEN, bias, out, HIDDEN);
                }
            }
        }
    }
}
