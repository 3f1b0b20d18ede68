//! The decoder: `logits = shuffle(conv1x1([y, x]) + bias)`. A 1 × 1 convolution over tokens makes the logits of the 2 ×
//! 2 cells of a token. The halting logit is `q = w · mean(y) + b`.

use crate::level::{Level, Work};
use crate::product::{Rows, product};
use crate::simd::vector::Simd;
use crate::sizes::{CLASSES, HIDDEN, PATCH};
use crate::weights::Linear;

/// Values of y and x for one token.
const INPUTS: usize = 2 * HIDDEN;
/// Logits of a token, in the order class, row, column.
const LOGITS: usize = CLASSES * PATCH * PATCH;
/// The same, padded to whole blocks of three vectors.
const WIDTH: usize = 48;

/// The decoder's packed weights and the memory that it needs to run.
pub(crate) struct DecodeGraph {
    /// `[INPUTS, WIDTH]`.
    weights: Vec<f32>,
    /// `[WIDTH]`.
    bias: Vec<f32>,
    /// `[HIDDEN]`.
    q: Vec<f32>,
    q_bias: f32,
    tokens: usize,
    /// y and x of a row of tokens, `[tokens, INPUTS]`.
    inputs: Vec<f32>,
    /// The logits of a row of tokens, `[tokens, WIDTH]`.
    logits: Vec<f32>,
}

/// The logits of the row of tokens in `inputs`.
struct RowLogits<'a>(&'a mut DecodeGraph);

/// The sum of a state over all tokens, `[HIDDEN]`.
struct TokenSum<'a>(&'a [f32]);

impl DecodeGraph {
    /// Packs the weights for windows of `tokens` × `tokens` tokens.
    pub fn new(moves: &Linear, q: &Linear, tokens: usize) -> Self {
        let mut weights = vec![0.0; INPUTS * WIDTH];
        for (at, weight) in moves.weight.iter().enumerate() {
            weights[at % INPUTS * WIDTH + at / INPUTS] = *weight;
        }
        let mut bias = vec![0.0; WIDTH];
        bias[..LOGITS].copy_from_slice(&moves.bias);
        Self {
            weights,
            bias,
            q: q.weight.clone(),
            q_bias: q.bias[0],
            tokens,
            inputs: vec![0.0; tokens * INPUTS],
            logits: vec![0.0; tokens * WIDTH],
        }
    }

    /// See `FusedKernel::decode`.
    pub fn run(&mut self, level: Level, y: &[f32], x: &[f32], logits: &mut [f32]) -> f32 {
        let (tokens, size) = (self.tokens, PATCH * self.tokens);
        let line = tokens * HIDDEN;
        assert!(y.len() == tokens * line && x.len() == y.len() && logits.len() == CLASSES * size * size);
        for (row, (y, x)) in y.chunks_exact(line).zip(x.chunks_exact(line)).enumerate() {
            let halves = y.chunks_exact(HIDDEN).zip(x.chunks_exact(HIDDEN));
            for (inputs, (y, x)) in self.inputs.chunks_exact_mut(INPUTS).zip(halves) {
                inputs[..HIDDEN].copy_from_slice(y);
                inputs[HIDDEN..].copy_from_slice(x);
            }
            level.run(RowLogits(self));
            for (class, plane) in logits.chunks_exact_mut(size * size).enumerate() {
                for (down, cells) in plane[row * PATCH * size..][..PATCH * size].chunks_exact_mut(size).enumerate() {
                    let at = (class * PATCH + down) * PATCH;
                    for (cells, logits) in cells.chunks_exact_mut(PATCH).zip(self.logits.chunks_exact(WIDTH)) {
                        cells.copy_from_slice(&logits[at..at + PATCH]);
                    }
                }
            }
        }
        let sum = level.run(TokenSum(y));
        let dot: f32 = sum.iter().zip(&self.q).map(|(sum, weight)| sum * weight).sum();
        dot / (tokens * tokens) as f32 + self.q_bias
    }
}

impl Work for RowLogits<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) {
        let Self(decoder) = self;
        let tokens = decoder.tokens;
        assert!(tokens >= ROWS && decoder.weights.len() == INPUTS * WIDTH && decoder.bias.len() == WIDTH);
        assert!(decoder.inputs.len() == tokens * INPUTS && decoder.logits.len() == tokens * WIDTH);
        for first in (0..tokens).step_by(ROWS) {
            // The last block begins early enough to be whole: it may compute some tokens again.
            let first = first.min(tokens - ROWS);
            // Safety: the caller knows that the processor has the instruction set; the lengths are as asserted.
            unsafe {
                let from = decoder.inputs.as_ptr().add(first * INPUTS);
                let rows = Rows { from, step: INPUTS, runs: 1, length: INPUTS, run_step: 0 };
                let out = decoder.logits.as_mut_ptr().add(first * WIDTH);
                product::<S, ROWS, 3>(rows, decoder.weights.as_ptr(), WIDTH, decoder.bias.as_ptr(), out, WIDTH);
            }
        }
    }
}

impl Work for TokenSum<'_> {
    type Output = [f32; HIDDEN];

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> [f32; HIDDEN] {
        let mut sum = [0.0; HIDDEN];
        for token in self.0.chunks_exact(HIDDEN) {
            for lane in (0..HIDDEN).step_by(S::LANES) {
                // Safety: the caller knows that the processor has the instruction set; both hold HIDDEN values.
                unsafe {
                    let to = sum.as_mut_ptr().add(lane);
                    S::store(to, S::add(S::load(to), S::load(token.as_ptr().add(lane))));
                }
            }
        }
        sum
    }
}
