//! The net's weights as they stand in its ONNX graph, by the names that `models/trm_train/export.py` gives them.

use std::collections::BTreeMap;
use std::io::Cursor;

use tract_onnx::prelude::Framework as _;

use super::layer::HIDDEN;

/// One layer, as `PyTorch` has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// `[2 HIDDEN, HIDDEN, 3, 3]`.
    pub gate: Vec<f32>,
    /// `[HIDDEN, HIDDEN]`.
    pub out: Vec<f32>,
    /// `[HIDDEN]`.
    pub gain: Vec<f32>,
}

/// All layers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub layers: Vec<Layer>,
}

impl Weights {
    /// `None` when the graph isn't the net that the kernel knows.
    pub fn read(graph: &[u8]) -> Option<Self> {
        let model = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(graph)).ok()?;
        let mut tensors = BTreeMap::new();
        for tensor in model.graph?.initializer {
            let values = tensor.raw_data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            let dims: Vec<i64> = tensor.dims;
            tensors.insert(tensor.name, (dims, values.collect::<Vec<f32>>()));
        }
        let d = HIDDEN as i64;
        let mut layers = Vec::new();
        while !tensors.is_empty() {
            let mut take = |name: &str, expected: &[i64]| {
                let (dims, values) = tensors.remove(&format!("{}.{name}", layers.len()))?;
                let count = usize::try_from(expected.iter().product::<i64>()).ok()?;
                (dims == expected && values.len() == count).then_some(values)
            };
            let gate = take("gate.weight", &[2 * d, d, 3, 3])?;
            let out = take("out.weight", &[d, d, 1, 1])?;
            let gain = take("gain", &[d, 1, 1])?;
            layers.push(Layer { gate, out, gain });
        }
        (!layers.is_empty()).then_some(Self { layers })
    }
}
