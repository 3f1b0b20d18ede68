//! The model in double precision and in its plainest form, as `models/trm_train/model.py` has it, and made-up weights:
//! what tests compare the kernel with.

use crate::sizes::{CHANNELS, CLASSES, HIDDEN, PATCH};
use crate::weights::{Layer, Linear, Weights};

/// Numbers from -1 to 1 without a pattern that a test could fall for; each seed gives others.
#[must_use]
pub fn numbers(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|at| ((at as f32 + 1.0) * (0.7 + seed as f32 * 0.013)).sin()).collect()
}

/// Made-up weights for a net of `layers` layers, of the sizes that training gives: sums stay around 1.
#[must_use]
pub fn weights(layers: usize) -> Weights {
    let scaled = |count: usize, inputs: usize, seed: u32| {
        numbers(count, seed).into_iter().map(|v| v * (2.0 / inputs as f32).sqrt()).collect::<Vec<f32>>()
    };
    let linear = |outputs: usize, inputs: usize, seed: u32| Linear {
        weight: scaled(outputs * inputs, inputs, seed),
        bias: numbers(outputs, seed + 1),
    };
    let layer = |at: usize| {
        let seed = 10 * at as u32;
        Layer {
            gate: scaled(2 * HIDDEN * HIDDEN * 9, HIDDEN * 9, seed + 11),
            out: scaled(HIDDEN * HIDDEN, HIDDEN, seed + 12),
            gain: numbers(HIDDEN, seed + 13).into_iter().map(|v| 1.0 + 0.3 * v).collect(),
        }
    };
    Weights {
        encode: linear(HIDDEN, CHANNELS * 9 * PATCH * PATCH, 1),
        layers: (0..layers).map(layer).collect(),
        moves: linear(CLASSES * PATCH * PATCH, 2 * HIDDEN, 3),
        q: linear(1, HIDDEN, 5),
    }
}

/// `encode` in double precision: `[CHANNELS, size, size]` to `[tokens, tokens, HIDDEN]`.
#[must_use]
pub fn encode(weights: &Weights, tokens: usize, input: &[f32]) -> Vec<f32> {
    const KERNEL: usize = 3 * PATCH;
    let size = PATCH * tokens;
    // Cells are counted from the first one of the padding.
    let cell = |channel: usize, row: usize, col: usize| {
        let inside = (PATCH..size + PATCH).contains(&row) && (PATCH..size + PATCH).contains(&col);
        if inside { f64::from(input[(channel * size + row - PATCH) * size + col - PATCH]) } else { 0.0 }
    };
    let mut x = Vec::with_capacity(tokens * tokens * HIDDEN);
    for token in 0..tokens * tokens {
        let (row, col) = (token / tokens * PATCH, token % tokens * PATCH);
        for (kernel, bias) in weights.encode.weight.chunks_exact(CHANNELS * KERNEL * KERNEL).zip(&weights.encode.bias) {
            let products = kernel.iter().enumerate().map(|(at, weight)| {
                let (channel, down, right) = (at / (KERNEL * KERNEL), at / KERNEL % KERNEL, at % KERNEL);
                f64::from(*weight) * cell(channel, row + down, col + right)
            });
            x.push((f64::from(*bias) + products.sum::<f64>()) as f32);
        }
    }
    x
}

/// `net` in double precision, `[tokens, tokens, HIDDEN]` to the same.
#[must_use]
pub fn net(weights: &Weights, tokens: usize, state: &[f32]) -> Vec<f32> {
    const D: usize = HIDDEN;
    let mut s: Vec<f64> = state.iter().copied().map(f64::from).collect();
    for layer in &weights.layers {
        let before = s.clone();
        for (token, values) in s.chunks_exact_mut(D).enumerate() {
            let (row, col) = (token / tokens, token % tokens);
            let mut gate = [0.0_f64; 2 * D];
            for tap in 0..9 {
                let (r, c) = (row + tap / 3, col + tap % 3);
                if (1..=tokens).contains(&r) && (1..=tokens).contains(&c) {
                    let from = &before[((r - 1) * tokens + c - 1) * D..][..D];
                    for (output, sum) in gate.iter_mut().enumerate() {
                        let weight = |input: usize| f64::from(layer.gate[(output * D + input) * 9 + tap]);
                        *sum += from.iter().enumerate().map(|(input, value)| value * weight(input)).sum::<f64>();
                    }
                }
            }
            let gated: Vec<f64> = (0..D).map(|at| gate[at] / (1.0 + (-gate[at]).exp()) * gate[D + at]).collect();
            for (output, value) in values.iter_mut().enumerate() {
                *value += gated.iter().zip(&layer.out[output * D..]).map(|(g, w)| g * f64::from(*w)).sum::<f64>();
            }
            let mean = values.iter().map(|value| value * value).sum::<f64>() / D as f64;
            let scale = 1.0 / (mean + 1e-5).sqrt();
            values.iter_mut().zip(&layer.gain).for_each(|(value, gain)| *value *= scale * f64::from(*gain));
        }
    }
    s.into_iter().map(|value| value as f32).collect()
}

/// `decode` in double precision: the logits `[CLASSES, size, size]` and q.
#[must_use]
pub fn decode(weights: &Weights, tokens: usize, y: &[f32], x: &[f32]) -> (Vec<f32>, f32) {
    let dot = |weights: &[f32], values: &[f32]| {
        weights.iter().zip(values).map(|(w, v)| f64::from(*w) * f64::from(*v)).sum::<f64>()
    };
    let size = PATCH * tokens;
    let mut logits = vec![0.0; CLASSES * size * size];
    for (at, logit) in logits.iter_mut().enumerate() {
        let (class, row, col) = (at / (size * size), at / size % size, at % size);
        let token = (row / PATCH * tokens + col / PATCH) * HIDDEN;
        let output = (class * PATCH + row % PATCH) * PATCH + col % PATCH;
        let (for_y, for_x) = weights.moves.weight[output * 2 * HIDDEN..][..2 * HIDDEN].split_at(HIDDEN);
        let sum = dot(for_y, &y[token..token + HIDDEN]) + dot(for_x, &x[token..token + HIDDEN]);
        *logit = (sum + f64::from(weights.moves.bias[output])) as f32;
    }
    let sums: f64 = y.chunks_exact(HIDDEN).map(|token| dot(&weights.q.weight, token)).sum();
    (logits, (sums / (tokens * tokens) as f64 + f64::from(weights.q.bias[0])) as f32)
}
