//! The weights in the order in which the shaders read them, in vectors of four values.

use trm_kernel::{CHANNELS, CLASSES, HIDDEN, Layer, PATCH, Weights};

/// Cells along each side of the encoder's kernel.
const KERNEL: usize = 3 * PATCH;
/// Values that a thread computes side by side.
const VECTOR: usize = 4;

/// All weights, and where those of each shader begin, in vectors.
pub(crate) struct Packed {
    pub values: Vec<f32>,
    /// The first y and z of a token.
    pub start: u32,
    pub encode: u32,
    pub layers: Vec<u32>,
    pub decode: u32,
}

impl Packed {
    /// Packs a model, and the first y and z of its tokens, `[HIDDEN]` each.
    pub fn new(weights: &Weights, start: [&[f32]; 2]) -> Self {
        let mut packed = Self { values: Vec::new(), start: 0, encode: 0, layers: Vec::new(), decode: 0 };
        packed.start = packed.here();
        for state in start {
            packed.values.extend_from_slice(state);
        }
        packed.encode = packed.here();
        packed.add_encode(weights);
        for layer in &weights.layers {
            let here = packed.here();
            packed.layers.push(here);
            packed.add_layer(layer);
        }
        packed.decode = packed.here();
        packed.add_decode(weights);
        packed
    }

    fn here(&self) -> u32 {
        (self.values.len() / VECTOR) as u32
    }

    /// `[channel, row, column, output]`, then the bias.
    fn add_encode(&mut self, weights: &Weights) {
        const INPUTS: usize = CHANNELS * KERNEL * KERNEL;
        for input in 0..INPUTS {
            self.values.extend((0..HIDDEN).map(|output| weights.encode.weight[output * INPUTS + input]));
        }
        self.values.extend_from_slice(&weights.encode.bias);
    }

    /// The 3 × 3 convolution, `[row, input, column, pair of gates]` of two values of a and two of b; the 1 × 1
    /// convolution, `[input, output]`; the gains.
    fn add_layer(&mut self, layer: &Layer) {
        let gate = |output: usize, input: usize, row: usize, col: usize| {
            layer.gate[((output * HIDDEN + input) * 3 + row) * 3 + col]
        };
        for row in 0..3 {
            for input in 0..HIDDEN {
                for col in 0..3 {
                    for a in (0..HIDDEN).step_by(2) {
                        let outputs = [a, a + 1, HIDDEN + a, HIDDEN + a + 1];
                        self.values.extend(outputs.map(|output| gate(output, input, row, col)));
                    }
                }
            }
        }
        for input in 0..HIDDEN {
            self.values.extend((0..HIDDEN).map(|output| layer.out[output * HIDDEN + input]));
        }
        self.values.extend_from_slice(&layer.gain);
    }

    /// `[class, input]` of a token's four cells, the biases, and the factors of q.
    fn add_decode(&mut self, weights: &Weights) {
        const CELLS: usize = PATCH * PATCH;
        for class in 0..CLASSES {
            for input in 0..2 * HIDDEN {
                let cells = (0..CELLS).map(|cell| weights.moves.weight[(class * CELLS + cell) * 2 * HIDDEN + input]);
                self.values.extend(cells);
            }
        }
        self.values.extend_from_slice(&weights.moves.bias);
        self.values.extend_from_slice(&weights.q.weight);
    }
}
