//! The weights as they stand in the ONNX graphs, by the names that `models/trm_train/export.py` gives them.

use std::collections::BTreeMap;
use std::io::Cursor;

use tract_onnx::prelude::Framework as _;

use super::encode::PATCH;
use super::layer::HIDDEN;
use crate::bundle::Bundle;
use crate::encode::{CHANNELS, CLASSES};

/// One layer of the net, as `PyTorch` has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// `[2 HIDDEN, HIDDEN, 3, 3]`.
    pub gate: Vec<f32>,
    /// `[HIDDEN, HIDDEN]`.
    pub out: Vec<f32>,
    /// `[HIDDEN]`.
    pub gain: Vec<f32>,
}

/// A convolution or a linear layer with its bias.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Linear {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// All weights of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// `[HIDDEN, channels, 3 PATCH, 3 PATCH]`: the convolution over tokens as one over cells.
    pub encode: Linear,
    pub layers: Vec<Layer>,
    /// `[CLASSES · PATCH², 2 HIDDEN]`.
    pub moves: Linear,
    /// `[1, HIDDEN]`.
    pub q: Linear,
}

/// The tensors of a graph that weren't taken yet, by name: their shapes and values.
struct Tensors(BTreeMap<String, (Vec<i64>, Vec<f32>)>);

impl Tensors {
    fn read(graph: &[u8]) -> Option<Self> {
        let model = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(graph)).ok()?;
        let mut tensors = BTreeMap::new();
        for tensor in model.graph?.initializer {
            let values = tensor.raw_data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            let dims: Vec<i64> = tensor.dims;
            tensors.insert(tensor.name, (dims, values.collect::<Vec<f32>>()));
        }
        Some(Self(tensors))
    }

    fn take(&mut self, name: &str, expected: &[usize]) -> Option<Vec<f32>> {
        let (dims, values) = self.0.remove(name)?;
        let fits = dims.iter().map(|dim| usize::try_from(*dim).ok()).eq(expected.iter().map(|dim| Some(*dim)));
        (fits && values.len() == expected.iter().product::<usize>()).then_some(values)
    }
}

impl Weights {
    /// `None` when the graphs aren't those that the kernel knows.
    pub fn read(bundle: &Bundle) -> Option<Self> {
        const D: usize = HIDDEN;
        let mut encode = Tensors::read(bundle.graph(0))?;
        let mut net = Tensors::read(bundle.graph(1))?;
        let mut decode = Tensors::read(bundle.graph(2))?;
        let mut layers = Vec::new();
        while !net.0.is_empty() {
            let at = layers.len();
            layers.push(Layer {
                gate: net.take(&format!("{at}.gate.weight"), &[2 * D, D, 3, 3])?,
                out: net.take(&format!("{at}.out.weight"), &[D, D, 1, 1])?,
                gain: net.take(&format!("{at}.gain"), &[D, 1, 1])?,
            });
        }
        let logits = CLASSES * PATCH * PATCH;
        let weights = Self {
            encode: Linear {
                weight: encode.take("weight", &[D, CHANNELS.len(), 3 * PATCH, 3 * PATCH])?,
                bias: encode.take("bias", &[D])?,
            },
            moves: Linear {
                weight: decode.take("moves.weight", &[logits, 2 * D, 1, 1])?,
                bias: decode.take("moves.bias", &[logits])?,
            },
            q: Linear { weight: decode.take("q.weight", &[1, D])?, bias: decode.take("q.bias", &[1])? },
            layers,
        };
        (!weights.layers.is_empty() && encode.0.is_empty()).then_some(weights)
    }
}
