//! The decoder: a 1 × 1 convolution of `[y, x]` makes the logits of a token's 2 × 2 cells; the q head reads the mean of y.

use super::encode::PATCH;
use super::layer::HIDDEN;
use super::level::{Level, Work};
use super::product::{Rows, product};
use super::simd::Simd;
use crate::encode::CLASSES;

/// y and x of a token.
const BOTH: usize = 2 * HIDDEN;
/// Logits of a token: class, row, column.
const LOGITS: usize = CLASSES * PATCH * PATCH;
/// The same filled up to whole blocks of three vectors.
const WIDTH: usize = 48;

/// The decoder's weights and scratch.
pub(super) struct Decode {
    /// `[BOTH, WIDTH]`.
    weights: Vec<f32>,
    /// `[WIDTH]`.
    bias: Vec<f32>,
    /// `[HIDDEN]`.
    q: Vec<f32>,
    q_bias: f32,
    tokens: usize,
    /// A row of tokens, `[tokens, BOTH]`, and its logits, `[tokens, WIDTH]`.
    both: Vec<f32>,
    logits: Vec<f32>,
}

/// The logits of the row in `both`.
struct Row<'a>(&'a mut Decode);

/// The sum of y over all tokens.
struct Sum<'a>(&'a [f32]);

impl Decode {
    /// Packs the weights: `moves` `[LOGITS, BOTH]` and `[LOGITS]`, `q` `[HIDDEN]` and one number.
    pub fn new(moves: &[f32], bias: &[f32], q: &[f32], q_bias: f32, tokens: usize) -> Self {
        let mut weights = vec![0.0; BOTH * WIDTH];
        for (at, weight) in moves.iter().enumerate() {
            weights[at % BOTH * WIDTH + at / BOTH] = *weight;
        }
        let mut filled = vec![0.0; WIDTH];
        filled[..LOGITS].copy_from_slice(bias);
        Self {
            weights,
            bias: filled,
            q: q.to_vec(),
            q_bias,
            tokens,
            both: vec![0.0; tokens * BOTH],
            logits: vec![0.0; tokens * WIDTH],
        }
    }

    /// `[tokens, tokens, HIDDEN]` each to `[CLASSES, size, size]`; returns the logit of the q head.
    pub fn run(&mut self, level: Level, y: &[f32], x: &[f32], moves: &mut [f32]) -> f32 {
        let (tokens, size) = (self.tokens, PATCH * self.tokens);
        let line = tokens * HIDDEN;
        assert!(y.len() == tokens * line && x.len() == y.len() && moves.len() == CLASSES * size * size);
        for (row, (y, x)) in y.chunks_exact(line).zip(x.chunks_exact(line)).enumerate() {
            let halves = y.chunks_exact(HIDDEN).zip(x.chunks_exact(HIDDEN));
            for (both, (y, x)) in self.both.chunks_exact_mut(BOTH).zip(halves) {
                both[..HIDDEN].copy_from_slice(y);
                both[HIDDEN..].copy_from_slice(x);
            }
            level.run(Row(self));
            for (class, plane) in moves.chunks_exact_mut(size * size).enumerate() {
                for (down, cells) in plane[row * PATCH * size..][..PATCH * size].chunks_exact_mut(size).enumerate() {
                    let at = (class * PATCH + down) * PATCH;
                    for (cells, logits) in cells.chunks_exact_mut(PATCH).zip(self.logits.chunks_exact(WIDTH)) {
                        cells.copy_from_slice(&logits[at..at + PATCH]);
                    }
                }
            }
        }
        let sum = level.run(Sum(y));
        let dot: f32 = sum.iter().zip(&self.q).map(|(sum, weight)| sum * weight).sum();
        dot / (tokens * tokens) as f32 + self.q_bias
    }
}

impl Work for Row<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) {
        let Self(decode) = self;
        let tokens = decode.tokens;
        assert!(tokens >= ROWS && decode.weights.len() == BOTH * WIDTH && decode.bias.len() == WIDTH);
        assert!(decode.both.len() == tokens * BOTH && decode.logits.len() == tokens * WIDTH);
        for first in (0..tokens).step_by(ROWS) {
            let first = first.min(tokens - ROWS);
            // Safety: the caller knows that the instruction set is there; the lengths are as asserted.
            unsafe {
                let from = decode.both.as_ptr().add(first * BOTH);
                let rows = Rows { from, step: BOTH, runs: 1, length: BOTH, run_step: 0 };
                let out = decode.logits.as_mut_ptr().add(first * WIDTH);
                product::<S, ROWS, 3>(rows, decode.weights.as_ptr(), WIDTH, decode.bias.as_ptr(), out, WIDTH);
            }
        }
    }
}

impl Work for Sum<'_> {
    type Output = [f32; HIDDEN];

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> [f32; HIDDEN] {
        let mut sum = [0.0; HIDDEN];
        for token in self.0.chunks_exact(HIDDEN) {
            for lane in (0..HIDDEN).step_by(S::LANES) {
                // Safety: the caller knows that the instruction set is there; both hold HIDDEN values.
                unsafe {
                    let to = sum.as_mut_ptr().add(lane);
                    S::store(to, S::add(S::load(to), S::load(token.as_ptr().add(lane))));
                }
            }
        }
        sum
    }
}
