//! A batch on a GPU: one submission works on all windows.

use std::time::Duration;

use trm_gpu::{Gpu, GpuRecursion};

use crate::backend::{Backend, State};
use crate::batch::{Batch, BatchAnswer, BatchError, check_length};
use crate::bundle::Bundle;
use crate::gpu::{PATIENCE, Refusal, open, outputs, pattern, refuse_unless_close};
use crate::gpu_call::{failed, run, state, up_to};
use crate::graph::Graph;
use crate::graphs::{Shape, Update};

/// The released architecture on a GPU, for several windows.
pub(crate) struct GpuBatch {
    gpu: GpuRecursion,
    shape: Shape,
    /// The windows that were begun. The device works on those before the last of them, too; nobody asks for what comes of
    /// that.
    begun: Vec<bool>,
    /// Whether the logits are those of the present answers.
    is_decoded: bool,
    /// Whether the answer of a window was updated.
    is_updated: Vec<bool>,
}

impl GpuBatch {
    /// The bundle's model on a GPU. The results of the last window are compared with those of `cpu`.
    ///
    /// # Errors
    /// [`Refusal`] when the bundle is of another architecture, when the device fails, or when the results differ.
    pub fn new(gpu: Gpu, bundle: &Bundle, cpu: &mut dyn Backend, capacity: usize) -> Result<Self, Refusal> {
        let (shape, device) = (cpu.shape(), gpu.name().to_owned());
        let gpu = open(gpu, bundle, shape, &up_to(0, capacity))?;
        let none = vec![false; capacity];
        let mut batch = Self { gpu, shape, begun: none.clone(), is_decoded: false, is_updated: none };
        let found = batch.outputs().map_err(|error| Refusal::Gpu(format!("{device}: {error}")))?;
        let expected = outputs(cpu).map_err(|error| Refusal::Load(error.into()))?;
        refuse_unless_close(&device, &found, &expected)?;
        batch.begun.fill(false);
        Ok(batch)
    }

    /// What the last window computes in a short cycle, as [`outputs`] has it.
    fn outputs(&mut self) -> Result<Vec<f32>, BatchError> {
        let last = self.capacity() - 1;
        self.begin(last, &pattern(self.shape))?;
        self.advance(&[Update::Latent, Update::Answer], PATIENCE)?;
        self.decode(PATIENCE)?;
        let answer = self.answer(last)?;
        let mut outputs = vec![answer.q];
        outputs.extend_from_slice(answer.logits);
        let mut values = vec![0.0; self.shape.state_len()];
        for which in [State::X, State::Y, State::Z] {
            self.read(last, which, &mut values)?;
            outputs.extend_from_slice(&values);
        }
        Ok(outputs)
    }

    const fn check(&self, window: usize) -> Result<(), BatchError> {
        let capacity = self.begun.len();
        if window < capacity { Ok(()) } else { Err(BatchError::NoWindow { window, capacity }) }
    }

    fn check_begun(&self, window: usize) -> Result<(), BatchError> {
        self.check(window)?;
        if self.begun[window] { Ok(()) } else { Err(BatchError::NotBegun(window)) }
    }

    fn run(&mut self, graph: Graph, updates: &[Update], patience: Duration) -> Result<(), BatchError> {
        let last = self.begun.iter().rposition(|is_begun| *is_begun).ok_or(BatchError::Empty)?;
        self.gpu.set_active(&(0..last + 1));
        self.is_decoded = false;
        let result = run(&mut self.gpu, graph, updates, patience);
        if result.is_err() {
            self.begun.fill(false);
        }
        self.is_decoded = result?;
        Ok(())
    }
}

impl Batch for GpuBatch {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn capacity(&self) -> usize {
        self.begun.len()
    }

    fn begin(&mut self, window: usize, input: &[f32]) -> Result<(), BatchError> {
        self.check(window)?;
        check_length("the input", window, input.len(), self.shape.input_len())?;
        self.gpu.check_ready().map_err(|error| failed(Graph::Encode, &error))?;
        self.is_decoded = false;
        self.gpu.reset(window);
        self.gpu.set_input(window, input);
        (self.begun[window], self.is_updated[window]) = (true, false);
        Ok(())
    }

    fn end(&mut self, window: usize) -> Result<(), BatchError> {
        self.check(window)?;
        self.begun[window] = false;
        Ok(())
    }

    fn advance(&mut self, updates: &[Update], patience: Duration) -> Result<(), BatchError> {
        self.run(Graph::Net, updates, patience)?;
        if updates.contains(&Update::Answer) {
            self.is_updated.copy_from_slice(&self.begun);
        }
        Ok(())
    }

    fn decode(&mut self, patience: Duration) -> Result<(), BatchError> {
        if self.is_decoded { Ok(()) } else { self.run(Graph::Decode, &[], patience) }
    }

    fn answer(&self, window: usize) -> Result<BatchAnswer<'_>, BatchError> {
        self.check_begun(window)?;
        let change = if self.is_updated[window] { self.gpu.change(window) } else { f32::INFINITY };
        Ok(BatchAnswer {
            logits: self.gpu.logits(window),
            q: self.gpu.q(window),
            change,
            is_finite: self.gpu.is_finite(window),
        })
    }

    fn read(&mut self, window: usize, which: State, into: &mut [f32]) -> Result<(), BatchError> {
        self.check_begun(window)?;
        check_length("the state", window, into.len(), self.shape.state_len())?;
        self.is_decoded = false;
        let read = self.gpu.read(window, state(which), into);
        Ok(read.map_err(|error| failed(Graph::Net, &error))?)
    }
}
