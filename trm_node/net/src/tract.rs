//! The graphs run by tract (<https://github.com/sonos/tract>), on one thread of the CPU.

use std::io::Cursor;

use tract_onnx::prelude::*;

use crate::bundle::Bundle;
use crate::encode::CLASSES;
use crate::error::{InferenceError, LoadError};
use crate::graph::Graph;
use crate::graphs::{Graphs, Shape, Update};

/// A bundle's graphs, optimised for windows of one size.
pub(crate) struct TractGraphs {
    shape: Shape,
    encode: RunnableGraph,
    net: RunnableGraph,
    decode: RunnableGraph,
    /// Shape of a state's tensor.
    state: Vec<usize>,
    /// States as the graphs have them: `[hidden, tokens, tokens]`, or a sequence.
    states: [Vec<f32>; 2],
}

/// A graph that is ready to run.
struct RunnableGraph {
    graph: Graph,
    plan: Arc<TypedRunnableModel>,
}

impl TractGraphs {
    /// Optimises the bundle's graphs for windows of `size` × `size` cells.
    ///
    /// # Errors
    /// [`LoadError::BundleField`] when a graph can't be read or its shapes aren't those of the manifest;
    /// [`LoadError::Parameter`] when the model doesn't work on windows of this size.
    pub fn new(bundle: &Bundle, size: usize) -> Result<Self, LoadError> {
        let size = bundle.fitting_window(size)?;
        let shape = bundle.manifest.shape(size);
        let state = shape.state_shape();
        let logits = [1, CLASSES, size, size];
        Ok(Self {
            shape,
            encode: RunnableGraph::new(bundle, Graph::Encode, &[&input_shape(shape)], &[&state])?,
            net: RunnableGraph::new(bundle, Graph::Net, &[&state], &[&state])?,
            decode: RunnableGraph::new(bundle, Graph::Decode, &[&state, &state], &[&logits, &[1]])?,
            state,
            states: [vec![0.0; shape.state_len()], vec![0.0; shape.state_len()]],
        })
    }
}

/// Shape of the tensor that `encode` reads.
const fn input_shape(shape: Shape) -> [usize; 4] {
    [1, shape.channels, shape.size, shape.size]
}

impl RunnableGraph {
    /// Optimises a graph for these shapes of its inputs, and checks those of its outputs.
    fn new(bundle: &Bundle, graph: Graph, inputs: &[&[usize]], outputs: &[&[usize]]) -> Result<Self, LoadError> {
        let refuse = |reason: String| LoadError::BundleField {
            path: bundle.path().to_owned(),
            field: graph.file_name().to_owned(),
            reason,
        };
        // A file of the right hash can still be nonsense. tract refuses most of it and panics on the rest.
        let plan = std::panic::catch_unwind(|| optimise(bundle.graph(graph), inputs))
            .map_err(|panic| refuse(format!("can't be read: {}", said(panic.as_ref()))))?
            .map_err(|e| refuse(format!("{e:#}")))?;
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
        Ok(Self { graph, plan })
    }

    /// Runs the graph on inputs of the given shape.
    fn run<const N: usize>(
        &self,
        shape: &[usize],
        inputs: [&[f32]; N],
        outputs: &mut [&mut [f32]],
    ) -> Result<(), InferenceError> {
        self.try_run(shape, inputs, outputs).map_err(|e| InferenceError::new(self.graph, cause_first(&e)))
    }

    fn try_run<const N: usize>(
        &self,
        shape: &[usize],
        inputs: [&[f32]; N],
        outputs: &mut [&mut [f32]],
    ) -> TractResult<()> {
        let tensors = inputs.iter().map(|values| Ok(Tensor::from_shape(shape, values)?.into_tvalue()));
        let found = self.plan.run(tensors.collect::<TractResult<_>>()?)?;
        for (out, value) in outputs.iter_mut().zip(found) {
            let view = value.to_plain_array_view::<f32>()?;
            out.copy_from_slice(view.as_slice().ok_or_else(|| TractError::msg("an output isn't contiguous"))?);
        }
        Ok(())
    }
}

/// The text of an error and of its contexts, the innermost one first: an [`InferenceError`] cuts off the end.
fn cause_first(error: &TractError) -> String {
    error.chain().rev().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

/// Parses an ONNX file and optimises it for these shapes of its inputs.
fn optimise(onnx: &[u8], inputs: &[&[usize]]) -> TractResult<Arc<TypedRunnableModel>> {
    let mut model = tract_onnx::onnx().model_for_read(&mut Cursor::new(onnx))?;
    for (index, shape) in inputs.iter().enumerate() {
        model.set_input_fact(index, f32::fact(*shape).into())?;
    }
    model.into_optimized()?.into_runnable()
}

/// Copies a state `[tokens, tokens, hidden]` to `[hidden, tokens, tokens]`.
fn to_planes(state: &[f32], hidden: usize, planes: &mut [f32]) {
    let tokens = state.len() / hidden;
    for (token, values) in state.chunks_exact(hidden).enumerate() {
        for (channel, value) in values.iter().enumerate() {
            planes[channel * tokens + token] = *value;
        }
    }
}

/// Copies a state `[hidden, tokens, tokens]` to `[tokens, tokens, hidden]`.
fn from_planes(planes: &[f32], hidden: usize, state: &mut [f32]) {
    let tokens = state.len() / hidden;
    for (token, values) in state.chunks_exact_mut(hidden).enumerate() {
        for (channel, value) in values.iter_mut().enumerate() {
            *value = planes[channel * tokens + token];
        }
    }
}

impl Graphs for TractGraphs {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        if self.shape.prefix > 0 {
            return self.encode.run(&input_shape(self.shape), [input], &mut [x]);
        }
        self.encode.run(&input_shape(self.shape), [input], &mut [&mut self.states[0]])?;
        from_planes(&self.states[0], self.shape.hidden, x);
        Ok(())
    }

    fn net(&mut self, _: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        if self.shape.prefix > 0 {
            self.net.run(&self.state, [s], &mut [out])?;
            return Ok(1.0);
        }
        let [s_planes, out_planes] = &mut self.states;
        to_planes(s, self.shape.hidden, s_planes);
        self.net.run(&self.state, [s_planes], &mut [out_planes])?;
        from_planes(out_planes, self.shape.hidden, out);
        Ok(1.0)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError> {
        let mut q = [0.0];
        if self.shape.prefix > 0 {
            self.decode.run(&self.state, [y, x], &mut [logits, &mut q])?;
            return Ok(q[0]);
        }
        let [y_planes, x_planes] = &mut self.states;
        to_planes(y, self.shape.hidden, y_planes);
        to_planes(x, self.shape.hidden, x_planes);
        self.decode.run(&self.state, [y_planes, x_planes], &mut [logits, &mut q])?;
        Ok(q[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::released;

    #[test]
    fn a_graph_that_fails_while_it_runs_says_which_one_and_why() {
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        let mut graphs = TractGraphs::new(&bundle, 32).unwrap();
        let state = vec![0.5; graphs.shape().state_len()];
        let mut out = state.clone();
        // A net that was made for smaller windows refuses the state.
        graphs.net = TractGraphs::new(&bundle, 16).unwrap().net;
        let text = graphs.net(Update::Latent, &state, &mut out).unwrap_err().to_string();
        assert!(text.starts_with("inference: graph net failed: ") && text.contains("8 != 16"), "{text}");
        assert_eq!(out, state);
        // It goes on once the net works.
        graphs.net = TractGraphs::new(&bundle, 32).unwrap().net;
        graphs.net(Update::Latent, &state, &mut out).unwrap();
        assert_ne!(out, state);
    }

    #[test]
    fn the_cause_of_an_error_comes_before_where_it_happened() {
        let error = TractError::msg("no memory").context("evaluating a convolution").context("running the net");
        assert_eq!(cause_first(&error), "no memory; evaluating a convolution; running the net");
    }
}
