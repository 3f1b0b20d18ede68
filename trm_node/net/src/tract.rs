//! The graphs run by tract (<https://github.com/sonos/tract>), on one thread of the CPU.

use std::io::Cursor;

use tract_onnx::prelude::*;

use crate::backend::{Backend, Shape, Update};
use crate::bundle::{Bundle, GRAPHS};
use crate::encode::CHANNELS;
use crate::error::{InferenceError, LoadError};

/// One graph with its inputs as tensors that are reused.
struct Graph {
    plan: Arc<TypedRunnableModel>,
}

/// A bundle made ready for one window size.
pub struct TractBackend {
    shape: Shape,
    encode: Graph,
    net: Graph,
    decode: Graph,
    /// States as the graphs have them, `[hidden, tokens, tokens]`.
    states: [Vec<f32>; 2],
}

impl TractBackend {
    /// Optimises the bundle's graphs for windows of `size` × `size` cells.
    ///
    /// # Errors
    /// [`LoadError::BundleField`] when a graph can't be read or its shapes aren't what the manifest says;
    /// [`LoadError::Parameter`] when the model doesn't work on this size.
    pub fn new(bundle: &Bundle, size: usize) -> Result<Self, LoadError> {
        let architecture = bundle.manifest.architecture;
        let size = bundle.window(size)?;
        let shape = Shape { size, patch: architecture.patch, hidden: architecture.hidden, channels: CHANNELS.len() };
        let tokens = shape.tokens();
        let state = [1, shape.hidden, tokens, tokens];
        let cells = [1, crate::encode::CLASSES, size, size];
        Ok(Self {
            shape,
            encode: Graph::new(bundle, 0, &[[1, shape.channels, size, size]], &[&state])?,
            net: Graph::new(bundle, 1, &[state], &[&state])?,
            decode: Graph::new(bundle, 2, &[state, state], &[&cells, &[1]])?,
            states: [vec![0.0; shape.state()], vec![0.0; shape.state()]],
        })
    }
}

impl Graph {
    fn new(bundle: &Bundle, index: usize, inputs: &[[usize; 4]], outputs: &[&[usize]]) -> Result<Self, LoadError> {
        let refuse = |reason: String| LoadError::BundleField {
            path: bundle.path().to_owned(),
            field: GRAPHS[index].to_owned(),
            reason,
        };
        let plan = optimised(bundle.graph(index), inputs).map_err(|e| refuse(format!("{e:#}")))?;
        let found = plan.model().output_outlets().map_err(|e| refuse(format!("{e:#}")))?.to_vec();
        if found.len() != outputs.len() {
            return Err(refuse(format!("has {} outputs, the manifest's outputs need {}", found.len(), outputs.len())));
        }
        for (outlet, expected) in found.iter().zip(outputs) {
            let fact = plan.model().outlet_fact(*outlet).map_err(|e| refuse(format!("{e:#}")))?;
            let shape = fact.shape.as_concrete().unwrap_or_default();
            if shape != *expected || fact.datum_type != f32::datum_type() {
                return Err(refuse(format!(
                    "output is {:?} {shape:?}, the manifest makes it F32 {expected:?}",
                    fact.datum_type
                )));
            }
        }
        Ok(Self { plan })
    }

    fn run(&self, inputs: TVec<TValue>, outputs: &mut [&mut [f32]]) -> TractResult<()> {
        let found = self.plan.run(inputs)?;
        for (out, value) in outputs.iter_mut().zip(found) {
            out.copy_from_slice(
                value
                    .to_plain_array_view::<f32>()?
                    .as_slice()
                    .ok_or_else(|| TractError::msg("output isn't contiguous"))?,
            );
        }
        Ok(())
    }
}

fn optimised(graph: &[u8], inputs: &[[usize; 4]]) -> TractResult<Arc<TypedRunnableModel>> {
    let mut model = tract_onnx::onnx().model_for_read(&mut Cursor::new(graph))?;
    for (index, shape) in inputs.iter().enumerate() {
        model.set_input_fact(index, f32::fact(shape).into())?;
    }
    model.into_optimized()?.into_runnable()
}

fn tensor(shape: [usize; 4], values: &[f32]) -> TractResult<TValue> {
    Ok(Tensor::from_shape(&shape, values)?.into())
}

fn failed(graph: &'static str) -> impl Fn(TractError) -> InferenceError {
    move |error| InferenceError::new(graph, format_args!("{error:#}"))
}

impl Backend for TractBackend {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        let shape = [1, self.shape.channels, self.shape.size, self.shape.size];
        tensor(shape, input)
            .and_then(|t| self.encode.run(tvec!(t), &mut [&mut self.states[0]]))
            .map_err(failed("encode"))?;
        self.tokens_together(0, x);
        Ok(())
    }

    fn net(&mut self, _: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        self.channels_together(0, s);
        tensor(self.state(), &self.states[0])
            .and_then(|t| self.net.run(tvec!(t), &mut [&mut self.states[1]]))
            .map_err(failed("net"))?;
        self.tokens_together(1, out);
        Ok(1.0)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        let mut q = [0.0];
        self.channels_together(0, y);
        self.channels_together(1, x);
        tensor(self.state(), &self.states[0])
            .and_then(|y| Ok(tvec!(y, tensor(self.state(), &self.states[1])?)))
            .and_then(|inputs| self.decode.run(inputs, &mut [moves, &mut q]))
            .map_err(failed("decode"))?;
        Ok(q[0])
    }
}

impl TractBackend {
    const fn state(&self) -> [usize; 4] {
        [1, self.shape.hidden, self.shape.tokens(), self.shape.tokens()]
    }

    /// Writes a state with the values of a token together as the graphs have it, into `states[index]`.
    fn channels_together(&mut self, index: usize, state: &[f32]) {
        let (hidden, plane) = (self.shape.hidden, self.states[index].len() / self.shape.hidden);
        for (token, values) in state.chunks_exact(hidden).enumerate() {
            for (channel, value) in values.iter().enumerate() {
                self.states[index][channel * plane + token] = *value;
            }
        }
    }

    /// The other way round.
    fn tokens_together(&self, index: usize, state: &mut [f32]) {
        let (hidden, plane) = (self.shape.hidden, self.states[index].len() / self.shape.hidden);
        for (token, values) in state.chunks_exact_mut(hidden).enumerate() {
            for (channel, value) in values.iter_mut().enumerate() {
                *value = self.states[index][channel * plane + token];
            }
        }
    }
}
