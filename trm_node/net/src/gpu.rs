//! The released architecture on a GPU.

use std::time::Duration;

use arrayvec::ArrayVec;
use trm_gpu::{Gpu, GpuError, GpuRecursion, Kind, MAX_UPDATES};
use trm_kernel::{HIDDEN, PATCH};

use crate::backend::{Advanced, Backend, Quantum, State};
use crate::bundle::Bundle;
use crate::encode::CHANNELS;
use crate::error::{InferenceError, LoadError};
use crate::fused::weights;
use crate::graph::Graph;
use crate::graphs::{Shape, Update};

/// What may be asked for in one call fits a submission.
const _: () = assert!(crate::recursion::MAX_UPDATES <= MAX_UPDATES);

/// Differences from the CPU after a cycle are smaller than this, for values around 1.
const TOLERANCE: f32 = 1e-3;
/// How long the first work may take: a driver may still compile.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The model on a GPU, on windows of one size.
pub(crate) struct GpuBackend {
    gpu: GpuRecursion,
    shape: Shape,
    /// Whether the logits are those of the present answer.
    is_decoded: bool,
    /// Which device it is, and whether it is the processor itself.
    pub device: String,
    pub is_software: bool,
}

/// Why there is no GPU backend.
pub(crate) enum Refusal {
    /// The GPU can't do it, in words.
    Gpu(String),
    /// The backend that it was compared with failed.
    Load(LoadError),
}

impl GpuBackend {
    /// The bundle's model on a GPU. Its results are compared with those of `cpu`.
    ///
    /// # Errors
    /// [`Refusal`] when the bundle is of another architecture, when the device fails, or when the results differ.
    pub fn new(gpu: Gpu, bundle: &Bundle, cpu: &mut dyn Backend) -> Result<Self, Refusal> {
        let shape = cpu.shape();
        let (device, is_software) = (gpu.name().to_owned(), gpu.kind() == Kind::Software);
        let gpu = open(gpu, bundle, shape, 1)?;
        let mut backend = Self { gpu, shape, is_decoded: false, device, is_software };
        let found = outputs(&mut backend).map_err(|error| Refusal::Gpu(format!("{}: {error}", backend.device)))?;
        let expected = outputs(cpu).map_err(|error| Refusal::Load(error.into()))?;
        refuse_unless_close(&backend.device, &found, &expected)?;
        Ok(backend)
    }

    fn run(&mut self, graph: Graph, updates: &[Update], patience: Duration) -> Result<(), InferenceError> {
        self.is_decoded = false;
        self.is_decoded = run(&mut self.gpu, graph, updates, patience)?;
        Ok(())
    }
}

/// The bundle's model for `windows` windows on a device.
pub(crate) fn open(gpu: Gpu, bundle: &Bundle, shape: Shape, windows: usize) -> Result<GpuRecursion, Refusal> {
    let weights = weights::read(bundle).filter(|_| shape.hidden == HIDDEN && shape.patch == PATCH);
    let Some(weights) = weights else {
        return Err(Refusal::Gpu(format!("{} is of another architecture than nav_d32", bundle.manifest.name)));
    };
    let start = &bundle.manifest.start;
    GpuRecursion::new(gpu, &weights, [&start.y, &start.z], shape.tokens(), windows)
        .map_err(|error| Refusal::Gpu(error.to_string()))
}

/// Refuses a device that computes something else than the processor.
pub(crate) fn refuse_unless_close(device: &str, found: &[f32], expected: &[f32]) -> Result<(), Refusal> {
    // NaN agrees with nothing.
    let agree = |(found, expected): (&f32, &f32)| (found - expected).abs() < TOLERANCE;
    match found.iter().zip(expected).position(|pair| !agree(pair)) {
        None => Ok(()),
        Some(at) => Err(Refusal::Gpu(format!("{device} computes {} where {} is right", found[at], expected[at]))),
    }
}

/// Applies the net to all windows. Returns whether the answers were decoded, too: in the same submission that costs next to
/// nothing.
pub(crate) fn run(
    gpu: &mut GpuRecursion,
    graph: Graph,
    updates: &[Update],
    patience: Duration,
) -> Result<bool, InferenceError> {
    let updates: ArrayVec<trm_gpu::Update, MAX_UPDATES> = updates
        .iter()
        .map(|update| match update {
            Update::Latent => trm_gpu::Update::Latent,
            Update::Answer => trm_gpu::Update::Answer,
        })
        .collect();
    let decodes = updates.is_empty() || updates.contains(&trm_gpu::Update::Answer);
    gpu.run(&updates, decodes, patience).map_err(|error| failed(graph, &error))?;
    Ok(decodes)
}

/// A failure of a device.
pub(crate) fn failed(graph: Graph, error: &GpuError) -> InferenceError {
    match error {
        GpuError::Lost => InferenceError::lost(graph, error),
        _ => InferenceError::new(graph, error),
    }
}

/// A state, as the device names it.
pub(crate) const fn state(state: State) -> trm_gpu::State {
    match state {
        State::X => trm_gpu::State::X,
        State::Y => trm_gpu::State::Y,
        State::Z => trm_gpu::State::Z,
    }
}

/// An input `[channels, size, size]` that holds numbers of every kind.
pub(crate) fn pattern(shape: Shape) -> Vec<f32> {
    (0..shape.input_len()).map(|at| ((at * 37 % 101) as f32 - 50.0) / 25.0).collect()
}

/// Everything that a backend computes in a short cycle.
pub(crate) fn outputs(backend: &mut dyn Backend) -> Result<Vec<f32>, InferenceError> {
    let shape = backend.shape();
    backend.reset();
    backend.embed(&pattern(shape))?;
    backend.advance(&[Update::Latent, Update::Answer], PATIENCE)?;
    let mut outputs = vec![backend.decode(PATIENCE)?];
    outputs.extend_from_slice(backend.logits());
    let mut state = vec![0.0; shape.state_len()];
    for which in [State::X, State::Y, State::Z] {
        backend.read(which, &mut state)?;
        outputs.extend_from_slice(&state);
    }
    Ok(outputs)
}

impl Backend for GpuBackend {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn reset(&mut self) {
        self.is_decoded = false;
        self.gpu.reset(0);
    }

    fn shift(&mut self, cols: i32, rows: i32) {
        self.is_decoded = false;
        self.gpu.shift(0, cols, rows);
    }

    fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError> {
        self.is_decoded = false;
        self.gpu.check_ready().map_err(|error| failed(Graph::Encode, &error))?;
        self.gpu.set_input(0, input);
        Ok(())
    }

    fn advance(&mut self, updates: &[Update], patience: Duration) -> Result<Advanced, InferenceError> {
        self.run(Graph::Net, updates, patience)?;
        let change = updates.contains(&Update::Answer).then(|| self.gpu.change(0));
        Ok(Advanced { work: updates.len() as f32, change })
    }

    fn decode(&mut self, patience: Duration) -> Result<f32, InferenceError> {
        if !self.is_decoded {
            self.run(Graph::Decode, &[], patience)?;
        }
        Ok(self.gpu.q(0))
    }

    fn logits(&self) -> &[f32] {
        self.gpu.logits(0)
    }

    fn is_finite(&self) -> bool {
        self.gpu.is_finite(0)
    }

    fn read(&mut self, state: State, into: &mut [f32]) -> Result<(), InferenceError> {
        self.is_decoded = false;
        self.gpu.read(0, self::state(state), into).map_err(|error| failed(Graph::Net, &error))
    }

    fn quantum(&self) -> Quantum {
        Quantum::Answer
    }
}

const _: () = assert!(CHANNELS.len() == trm_kernel::CHANNELS);
