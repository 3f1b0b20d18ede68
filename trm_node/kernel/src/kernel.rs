//! The three graphs of one model, on windows of one size.

use crate::decode::DecodeGraph;
use crate::encode::EncodeGraph;
use crate::level::Level;
use crate::net::{NetGraph, Series};
use crate::sizes::MIN_TOKENS;
use crate::weights::Weights;

/// A model's packed weights and all the memory that it needs to run, for one instruction set.
///
/// ```
/// use trm_kernel::{CHANNELS, CLASSES, FusedKernel, HIDDEN, Layer, Level, Linear, PATCH, Series, Weights};
///
/// // With all weights zero and a gain of one, the norm is all that is left of the net.
/// let zeros = |outputs, inputs| Linear { weight: vec![0.0; outputs * inputs], bias: vec![0.0; outputs] };
/// let weights = Weights {
///     encode: zeros(HIDDEN, CHANNELS * 9 * PATCH * PATCH),
///     layers: vec![Layer {
///         gate: vec![0.0; 2 * HIDDEN * HIDDEN * 9],
///         out: vec![0.0; HIDDEN * HIDDEN],
///         gain: vec![1.0; HIDDEN],
///     }],
///     moves: zeros(CLASSES * PATCH * PATCH, 2 * HIDDEN),
///     q: zeros(1, HIDDEN),
/// };
/// let tokens = 8;
/// let fastest = Level::available()[0];
/// let mut kernel = FusedKernel::new(&weights, tokens, fastest).expect("complete weights, and enough tokens");
/// let s = vec![4.0; tokens * tokens * HIDDEN];
/// let mut y = vec![0.0; s.len()];
/// let computed = kernel.net(Series::Answer, &s, &mut y);
/// assert_eq!(computed, 1.0);
/// assert!(y.iter().all(|value| (value - 1.0).abs() < 1e-5));
/// ```
pub struct FusedKernel {
    level: Level,
    encoder: EncodeGraph,
    net: NetGraph,
    decoder: DecodeGraph,
}

impl FusedKernel {
    /// Packs the weights for windows of `tokens` × `tokens` tokens. `None` for windows of fewer than [`MIN_TOKENS`]
    /// tokens a side, and for weights whose lengths aren't those of their shapes.
    #[must_use]
    pub fn new(weights: &Weights, tokens: usize, level: Level) -> Option<Self> {
        (tokens >= MIN_TOKENS && weights.is_complete()).then(|| Self {
            level,
            encoder: EncodeGraph::new(&weights.encode, tokens),
            net: NetGraph::new(&weights.layers, tokens),
            decoder: DecodeGraph::new(&weights.moves, &weights.q, tokens),
        })
    }

    /// `x = encode(input)`: `[CHANNELS, size, size]` to `[tokens, tokens, HIDDEN]`. While work is skipped, rows of `x`
    /// whose input is that of the previous call are left as they are.
    ///
    /// # Panics
    /// When `input` or `x` has another length.
    pub fn encode(&mut self, input: &[f32], x: &mut [f32]) {
        self.encoder.run(self.level, input, x);
    }

    /// `out = net(s)`, both `[tokens, tokens, HIDDEN]`. Returns the share of the tiles that were computed, from 0 to 1.
    /// The other tiles are left as they are: `out` must hold what the previous application of this series wrote there,
    /// shifted with [`Self::shift_history`].
    ///
    /// # Panics
    /// When `s` or `out` has another length.
    pub fn net(&mut self, series: Series, s: &[f32], out: &mut [f32]) -> f32 {
        self.net.run(self.level, series, s, out)
    }

    /// `logits = decode(y, x)`, from `[tokens, tokens, HIDDEN]` each to `[CLASSES, size, size]`. Returns the halting
    /// logit q.
    ///
    /// # Panics
    /// When `y`, `x` or `logits` has another length.
    pub fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> f32 {
        self.decoder.run(self.level, y, x, logits)
    }

    /// Skips, from now on, tiles none of whose inputs differs by more than `threshold` from the value that the tile was
    /// last computed with. With 0 the results are those of whole applications, to the last bit. `None`, the initial
    /// setting, computes everything.
    pub fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.net.set_skip_threshold(threshold);
        self.encoder.set_skipping(threshold.is_some());
    }

    /// Makes the next application of each series whole: the caller has changed the net's outputs.
    pub fn forget_history(&mut self) {
        self.net.forget_history();
    }

    /// Shifts what is known of the previous applications, as the caller has shifted their outputs: the token at (row,
    /// col) is the one that was at (row + rows, col + cols). By whole tiles nothing else is lost; other shifts forget
    /// everything.
    pub fn shift_history(&mut self, cols: i32, rows: i32) {
        self.net.shift_history(cols, rows);
    }
}
