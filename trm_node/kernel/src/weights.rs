//! The weights of a model, as `PyTorch` stores them: outputs first, then inputs, then the kernel's rows and columns.

use crate::sizes::{CHANNELS, CLASSES, HIDDEN, PATCH};

/// One layer of the net.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The 3 × 3 convolution that makes both halves of the gate, `[2 HIDDEN, HIDDEN, 3, 3]`.
    pub gate: Vec<f32>,
    /// The 1 × 1 convolution of the gated values, `[HIDDEN, HIDDEN]`.
    pub out: Vec<f32>,
    /// The factors after the norm, `[HIDDEN]`.
    pub gain: Vec<f32>,
}

/// A convolution or a linear layer, and its bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// The factors.
    pub weight: Vec<f32>,
    /// What is added, one number for each output.
    pub bias: Vec<f32>,
}

/// All weights of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// `[HIDDEN, CHANNELS, 3 PATCH, 3 PATCH]` and `[HIDDEN]`: the 3 × 3 convolution over tokens, as one over cells
    /// whose stride and padding are `PATCH`.
    pub encode: Linear,
    /// The net's layers, at least one.
    pub layers: Vec<Layer>,
    /// `[CLASSES · PATCH², 2 HIDDEN]` and `[CLASSES · PATCH²]`: the logits of a token's cells from `[y, x]`.
    pub moves: Linear,
    /// `[1, HIDDEN]` and `[1]`: the halting logit from the mean of y.
    pub q: Linear,
}

impl Weights {
    /// Whether there is a layer and every tensor holds as many values as its shape says.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let fits = |linear: &Linear, outputs: usize, inputs: usize| {
            linear.weight.len() == outputs * inputs && linear.bias.len() == outputs
        };
        let layer_fits = |layer: &Layer| {
            layer.gate.len() == 2 * HIDDEN * HIDDEN * 9
                && layer.out.len() == HIDDEN * HIDDEN
                && layer.gain.len() == HIDDEN
        };
        fits(&self.encode, HIDDEN, CHANNELS * 9 * PATCH * PATCH)
            && fits(&self.moves, CLASSES * PATCH * PATCH, 2 * HIDDEN)
            && fits(&self.q, 1, HIDDEN)
            && !self.layers.is_empty()
            && self.layers.iter().all(layer_fits)
    }
}
