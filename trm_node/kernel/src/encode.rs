//! The encoder: `x = conv3x3(unshuffle(input)) + bias`. The 2 × 2 cells of a token become its channels, and a 3 × 3
//! convolution over tokens makes x of them.

use crate::level::{Level, Work};
use crate::product::{Rows, product};
use crate::simd::vector::Simd;
use crate::sizes::{CHANNELS, HIDDEN, PATCH};
use crate::weights::Linear;

/// Values of a token's cells, in the order channel, row, column.
const CELLS: usize = CHANNELS * PATCH * PATCH;

/// The encoder's packed weights and the memory that it needs to run.
pub(crate) struct EncodeGraph {
    /// `[3, 3, CELLS, HIDDEN]`.
    weights: Vec<f32>,
    /// `[HIDDEN]`.
    bias: Vec<f32>,
    tokens: usize,
    /// The cells of all tokens, framed with zeros: `[tokens + 2, tokens + 2, CELLS]`.
    frame: Vec<f32>,
    /// Which rows of tokens in the frame have changed.
    changed: Vec<bool>,
    /// Whether rows are skipped whose input is that of the previous call.
    skips: bool,
    /// Whether the frame holds the input of a previous call.
    has_previous: bool,
}

/// The rows of x whose input has changed.
struct ChangedRows<'a> {
    encoder: &'a EncodeGraph,
    x: &'a mut [f32],
}

impl EncodeGraph {
    /// Packs the weights, a convolution over cells, for windows of `tokens` × `tokens` tokens.
    pub fn new(encode: &Linear, tokens: usize) -> Self {
        const KERNEL: usize = 3 * PATCH;
        let mut weights = Vec::with_capacity(encode.weight.len());
        for (row, col) in (0..9).map(|tap| (tap / 3, tap % 3)) {
            for cell in 0..CELLS {
                let (channel, down, right) = (cell / (PATCH * PATCH), cell / PATCH % PATCH, cell % PATCH);
                let at = (channel * KERNEL + row * PATCH + down) * KERNEL + col * PATCH + right;
                weights.extend((0..HIDDEN).map(|output| encode.weight[output * CHANNELS * KERNEL * KERNEL + at]));
            }
        }
        Self {
            weights,
            bias: encode.bias.clone(),
            tokens,
            frame: vec![0.0; (tokens + 2) * (tokens + 2) * CELLS],
            changed: vec![false; tokens],
            skips: false,
            has_previous: false,
        }
    }

    /// Sets whether rows of `x` are left as they are where the input is that of the previous call.
    pub fn set_skipping(&mut self, skips: bool) {
        (self.skips, self.has_previous) = (skips, false);
    }

    /// See `FusedKernel::encode`.
    pub fn run(&mut self, level: Level, input: &[f32], x: &mut [f32]) {
        let (tokens, size) = (self.tokens, PATCH * self.tokens);
        assert!(input.len() == CHANNELS * size * size && x.len() == tokens * tokens * HIDDEN);
        let all = !self.has_previous || !self.skips;
        for (row, changed) in self.changed.iter_mut().enumerate() {
            *changed = all;
            let begin = ((row + 1) * (tokens + 2) + 1) * CELLS;
            let frame = &mut self.frame[begin..begin + tokens * CELLS];
            for (line, down) in (0..CHANNELS * PATCH).map(|at| (at, at % PATCH)) {
                let from = (line / PATCH * size + row * PATCH + down) * size;
                let pairs = input[from..from + size].chunks_exact(PATCH);
                for (token, pair) in frame.chunks_exact_mut(CELLS).zip(pairs) {
                    let cells = &mut token[line * PATCH..][..PATCH];
                    *changed |= cells != pair;
                    cells.copy_from_slice(pair);
                }
            }
        }
        self.has_previous = true;
        level.run(ChangedRows { encoder: self, x });
    }
}

impl Work for ChangedRows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) {
        let Self { encoder, x } = self;
        let (tokens, line) = (encoder.tokens, (encoder.tokens + 2) * CELLS);
        assert!(tokens >= ROWS && encoder.weights.len() == 9 * CELLS * HIDDEN && encoder.bias.len() == HIDDEN);
        for row in 0..tokens {
            let inputs = row.saturating_sub(1)..(row + 2).min(tokens);
            if !encoder.changed[inputs].contains(&true) {
                continue;
            }
            for first in (0..tokens).step_by(ROWS) {
                // The last block begins early enough to be whole: it may compute some tokens again.
                let first = first.min(tokens - ROWS);
                let from = encoder.frame[row * line + first * CELLS..].as_ptr();
                let rows = Rows { from, step: CELLS, runs: 3, length: 3 * CELLS, run_step: line };
                let out = x[(row * tokens + first) * HIDDEN..][..ROWS * HIDDEN].as_mut_ptr();
                // Safety: the caller knows that the processor has the instruction set; the frame holds the three rows
                // of the block from here on, and `out` the whole block.
                unsafe {
                    let (weights, bias) = (encoder.weights.as_ptr(), encoder.bias.as_ptr());
                    product::<S, ROWS, 2>(rows, weights, HIDDEN, bias, out, HIDDEN);
                }
            }
        }
    }
}
