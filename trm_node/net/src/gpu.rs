//! The released architecture on a GPU.

use std::ops::Range;
use std::time::Duration;

use arrayvec::ArrayVec;
use trm_gpu::{Gpu, GpuRecursion, Kind, MAX_UPDATES};
use trm_kernel::{HIDDEN, PATCH};

use crate::backend::{Advanced, Ahead, Backend, Quantum, State};
use crate::bundle::Bundle;
use crate::encode::CHANNELS;
use crate::error::{InferenceError, LoadError};
use crate::fused::weights;
use crate::gpu_ahead::{Answer, GpuAhead, Place};
use crate::gpu_call::{failed, run, state};
use crate::graph::Graph;
use crate::graphs::{Shape, Update};

/// What may be asked for in one call fits a submission.
const _: () = assert!(crate::recursion::MAX_UPDATES <= MAX_UPDATES);

/// Differences from the CPU after a cycle are smaller than this, for values around 1.
const TOLERANCE: f32 = 1e-3;
/// How long the first work may take: a driver may still compile.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The window of the device that a plan has when nothing was thought about ahead.
const OWN: usize = 0;

/// The model on a GPU, on windows of one size.
pub(crate) struct GpuBackend {
    gpu: GpuRecursion,
    shape: Shape,
    /// The window of the device that the plan is in.
    window: usize,
    /// Whether the logits are those of the present answer.
    is_decoded: bool,
    /// Whether nothing was done since the states were reset.
    is_initial: bool,
    /// Windows that were thought about before their plans.
    ahead: GpuAhead,
    /// Where the plan is in what was thought about; else it is on the device.
    place: Option<Place>,
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
        let ahead = GpuAhead::new(bundle, shape, OWN + 1);
        let gpu = open(gpu, bundle, shape, &ahead.ranges())?;
        let (window, is_decoded, is_initial, place) = (OWN, false, true, None);
        let mut backend = Self { gpu, shape, window, is_decoded, is_initial, ahead, place, device, is_software };
        backend.reset();
        let found = outputs(&mut backend).map_err(|error| Refusal::Gpu(format!("{}: {error}", backend.device)))?;
        let expected = outputs(cpu).map_err(|error| Refusal::Load(error.into()))?;
        refuse_unless_close(&backend.device, &found, &expected)?;
        Ok(backend)
    }

    /// The answer where the plan is in what was thought about.
    fn foreseen(&self) -> Option<Answer<'_>> {
        self.ahead.answer(self.place?, &self.gpu)
    }

    /// Goes on with the plan on the device, whose window is this one.
    fn go_on_in(&mut self, window: usize) {
        self.gpu.set_active(&(window..window + 1));
        self.window = window;
        self.place = None;
    }

    /// Goes on on the device where the plan is in what was thought about. Returns that place if the device has other states.
    fn land(&mut self) -> Option<Place> {
        let place = self.place?;
        let is_there = self.ahead.leave(place);
        self.go_on_in(place.window);
        (!is_there).then_some(place)
    }

    /// The next plan goes on from the states of this one, if the device has them; else from the initial ones.
    fn settle(&mut self) {
        if let Some(place) = self.land() {
            self.gpu.reset(place.window);
        }
    }

    fn run(&mut self, graph: Graph, updates: &[Update], patience: Duration) -> Result<(), InferenceError> {
        (self.is_decoded, self.is_initial) = (false, false);
        let mut call = ArrayVec::<Update, MAX_UPDATES>::new();
        if let Some(place) = self.land() {
            // It gets there in the same call.
            let (input, past) = self.ahead.past(place);
            self.gpu.reset(place.window);
            self.gpu.set_input(place.window, input);
            call.extend(past);
        }
        for update in updates {
            if call.is_full() {
                run(&mut self.gpu, graph, &call, patience)?;
                call.clear();
            }
            call.push(*update);
        }
        self.is_decoded = run(&mut self.gpu, graph, &call, patience)?;
        Ok(())
    }
}

/// The bundle's model on a device, for windows of which those of a range may be worked on together.
pub(crate) fn open(gpu: Gpu, bundle: &Bundle, shape: Shape, ranges: &[Range<usize>]) -> Result<GpuRecursion, Refusal> {
    let weights = weights::read(bundle).filter(|_| shape.hidden == HIDDEN && shape.patch == PATCH);
    let Some(weights) = weights else {
        return Err(Refusal::Gpu(format!("{} is of another architecture than nav_d32", bundle.manifest.name)));
    };
    let start = &bundle.manifest.start;
    GpuRecursion::new(gpu, &weights, [&start.y, &start.z], shape.tokens(), ranges)
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
        (self.is_decoded, self.is_initial) = (false, true);
        self.go_on_in(OWN);
        self.gpu.reset(OWN);
    }

    fn shift(&mut self, cols: i32, rows: i32) {
        self.is_decoded = false;
        self.settle();
        self.gpu.shift(self.window, cols, rows);
    }

    fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError> {
        self.is_decoded = false;
        self.gpu.check_ready().map_err(|error| failed(Graph::Encode, &error))?;
        self.settle();
        self.place = if self.is_initial { self.ahead.find(input) } else { None };
        if self.place.is_none() {
            self.gpu.set_input(self.window, input);
        }
        Ok(())
    }

    fn advance(&mut self, updates: &[Update], patience: Duration) -> Result<Advanced, InferenceError> {
        let work = updates.len() as f32;
        let known = self.place.and_then(|place| self.ahead.after(place, updates));
        if let Some(place) = known {
            (self.place, self.is_initial) = (Some(place), false);
            return Ok(Advanced { work, change: self.foreseen().map(|answer| answer.change) });
        }
        self.run(Graph::Net, updates, patience)?;
        let change = updates.contains(&Update::Answer).then(|| self.gpu.change(self.window));
        Ok(Advanced { work, change })
    }

    fn decode(&mut self, patience: Duration) -> Result<f32, InferenceError> {
        if let Some(answer) = self.foreseen() {
            return Ok(answer.q);
        }
        if !self.is_decoded {
            self.run(Graph::Decode, &[], patience)?;
        }
        Ok(self.gpu.q(self.window))
    }

    fn logits(&self) -> &[f32] {
        self.foreseen().map_or_else(|| self.gpu.logits(self.window), |answer| answer.logits)
    }

    fn is_usable(&self) -> bool {
        match self.place {
            None => self.gpu.is_finite(self.window),
            Some(place) => self.ahead.is_there(place) && self.gpu.is_finite(place.window),
        }
    }

    fn read(&mut self, which: State, into: &mut [f32]) -> Result<(), InferenceError> {
        if self.place.is_some() {
            self.run(Graph::Net, &[], PATIENCE)?;
        }
        self.is_decoded = false;
        self.gpu.read(self.window, state(which), into).map_err(|error| failed(Graph::Net, &error))
    }

    fn quantum(&self) -> Quantum {
        Quantum::Answer
    }

    fn ahead(&mut self) -> Option<&mut dyn Ahead> {
        Some(self)
    }
}

impl Ahead for GpuBackend {
    fn capacity(&self) -> usize {
        self.ahead.capacity()
    }

    fn forget(&mut self) {
        self.reset();
        self.ahead.forget();
    }

    fn add(&mut self, input: &[f32]) {
        self.reset();
        self.ahead.add(input);
    }

    fn think(&mut self, patience: Duration) -> Result<(), InferenceError> {
        let result = self.ahead.think(&mut self.gpu, patience);
        self.reset();
        result
    }
}

const _: () = assert!(CHANNELS.len() == trm_kernel::CHANNELS);
