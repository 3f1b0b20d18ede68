//! Reads the kernel's weights from the ONNX graphs of a bundle, by the names that `models/trm_train/export.py` gives
//! them.

use std::collections::BTreeMap;
use std::io::Cursor;

use tract_onnx::prelude::Framework as _;
use trm_kernel::{CHANNELS, CLASSES, HIDDEN, Layer, Linear, PATCH, Weights};

use crate::bundle::Bundle;
use crate::graph::Graph;

/// The tensors of a graph that weren't taken yet, by name: their shapes and values.
struct Tensors(BTreeMap<String, (Vec<i64>, Vec<f32>)>);

impl Tensors {
    fn read(bundle: &Bundle, graph: Graph) -> Option<Self> {
        let model = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(bundle.graph(graph))).ok()?;
        let mut tensors = BTreeMap::new();
        for tensor in model.graph?.initializer {
            let values = tensor.raw_data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            tensors.insert(tensor.name, (tensor.dims, values.collect()));
        }
        Some(Self(tensors))
    }

    /// The values of a tensor; `None` when there is none of this name and shape.
    fn take(&mut self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let (dims, values) = self.0.remove(name)?;
        let fits = dims.iter().map(|dim| usize::try_from(*dim).ok()).eq(shape.iter().map(|dim| Some(*dim)));
        (fits && values.len() == shape.iter().product::<usize>()).then_some(values)
    }

    fn take_linear(&mut self, weight: &str, shape: &[usize], bias: &str) -> Option<Linear> {
        Some(Linear { weight: self.take(weight, shape)?, bias: self.take(bias, &shape[..1])? })
    }
}

/// The weights of a bundle; `None` when its graphs aren't of the architecture that the kernel computes.
pub(crate) fn read(bundle: &Bundle) -> Option<Weights> {
    const D: usize = HIDDEN;
    const LOGITS: usize = CLASSES * PATCH * PATCH;
    let mut encode = Tensors::read(bundle, Graph::Encode)?;
    let mut net = Tensors::read(bundle, Graph::Net)?;
    let mut decode = Tensors::read(bundle, Graph::Decode)?;
    let mut layers = Vec::new();
    while !net.0.is_empty() {
        let at = layers.len();
        layers.push(Layer {
            gate: net.take(&format!("{at}.gate.weight"), &[2 * D, D, 3, 3])?,
            out: net.take(&format!("{at}.out.weight"), &[D, D, 1, 1])?,
            gain: net.take(&format!("{at}.gain"), &[D, 1, 1])?,
        });
    }
    let weights = Weights {
        encode: encode.take_linear("weight", &[D, CHANNELS, 3 * PATCH, 3 * PATCH], "bias")?,
        layers,
        moves: decode.take_linear("moves.weight", &[LOGITS, 2 * D, 1, 1], "moves.bias")?,
        q: decode.take_linear("q.weight", &[1, D], "q.bias")?,
    };
    (!weights.layers.is_empty() && encode.0.is_empty()).then_some(weights)
}
