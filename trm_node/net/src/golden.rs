//! Golden files: what `PyTorch` computes with the weights of a bundle, tensor by tensor. `models/trm_train/golden.py` writes
//! them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use safetensors::{Dtype, SafeTensors};
use trm_grid::files::read_at_most;

use crate::backend::{Backend, State};
use crate::bundle::Bundle;
use crate::error::LoadError;
use crate::graph::Graph;
use crate::graphs::{Shape, Update};
use crate::recursion::Recursion;

/// Largest size of a file, in bytes: 16 steps of the published size have 70 MB.
const MAX_BYTES: u64 = 1 << 30;
/// How long a device may take for a call.
const PATIENCE: Duration = Duration::from_mins(1);

/// A golden file: tensors, and in its header the bundle that they came from.
pub struct Golden {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// A tensor that isn't `PyTorch`'s.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its name.
    pub tensor: String,
    /// The first place where it differs.
    pub at: usize,
    /// What the file says there.
    pub expected: f32,
    /// What was computed.
    pub found: f32,
    /// The greatest difference anywhere in it.
    pub largest: f32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tensor, at, expected, found, largest } = self;
        write!(f, "{tensor}[{at}]: PyTorch says {expected}, found {found}; largest difference {largest:e}")
    }
}

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// The tensors that differ, in the order in which they were computed.
    pub differences: Vec<Difference>,
    /// The greatest difference of all.
    pub largest: f32,
    /// How many numbers were compared.
    pub numbers: usize,
}

impl Golden {
    /// Reads a file.
    ///
    /// # Errors
    /// [`LoadError::BundleFile`] when it can't be read or isn't one of these files.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let refuse = |reason: String| LoadError::BundleFile { path: path.to_owned(), reason };
        let bytes = read_at_most(path, MAX_BYTES).map_err(|e| refuse(e.to_string()))?;
        SafeTensors::deserialize(&bytes).map_err(|e| refuse(e.to_string()))?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// Its tensors.
    ///
    /// # Errors
    /// Never: the file was parsed when it was read.
    pub fn tensors(&self) -> Result<SafeTensors<'_>, LoadError> {
        SafeTensors::deserialize(&self.bytes).map_err(|e| self.refused("header", &e))
    }

    /// Whether it was written with the weights of this bundle's net.
    ///
    /// # Errors
    /// [`LoadError::BundleField`] for `net` when it was written for another one.
    pub fn must_be_of(&self, bundle: &Bundle) -> Result<(), LoadError> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).map_err(|e| self.refused("header", &e))?;
        let named = header.metadata().as_ref().and_then(|about| about.get("net")).map_or("missing", String::as_str);
        let net = bundle.manifest.files.get(Graph::Net.file_name()).map_or("missing", String::as_str);
        if named == net {
            return Ok(());
        }
        Err(self.refused("net", &format!("{named} isn't that of bundle {}, {net}", bundle.manifest.name)))
    }

    /// The numbers of a tensor of 32-bit floats; `None` when there is none of this name.
    ///
    /// # Errors
    /// [`LoadError::BundleField`] for a tensor of another type.
    pub fn floats(&self, tensor: &str) -> Result<Option<Vec<f32>>, LoadError> {
        let tensors = self.tensors()?;
        let Ok(view) = tensors.tensor(tensor) else { return Ok(None) };
        if view.dtype() != Dtype::F32 {
            return Err(self.refused(tensor, &format!("{:?} is not F32", view.dtype())));
        }
        let floats = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Ok(Some(floats.collect()))
    }

    /// Compares a tensor, if the file has it, with what was found in its place.
    ///
    /// # Errors
    /// [`LoadError::BundleField`] for a tensor of another type or length.
    pub fn compare(&self, tensor: &str, found: &[f32], tolerance: f32, into: &mut Comparison) -> Result<(), LoadError> {
        let Some(expected) = self.floats(tensor)? else { return Ok(()) };
        if expected.len() != found.len() {
            let reason = format!("{} numbers, where the bundle has {}", expected.len(), found.len());
            return Err(self.refused(tensor, &reason));
        }
        let difference = |at: usize| (expected[at] - found[at]).abs();
        // NaN is far from everything.
        let far = |at: usize| if difference(at).is_nan() { f32::INFINITY } else { difference(at) };
        let largest = (0..found.len()).map(far).fold(0.0, f32::max);
        into.largest = into.largest.max(largest);
        into.numbers += found.len();
        if let Some(at) = (0..found.len()).find(|at| far(*at) > tolerance) {
            let (expected, found) = (expected[at], found[at]);
            into.differences.push(Difference { tensor: tensor.to_owned(), at, expected, found, largest });
        }
        Ok(())
    }

    /// Runs a backend that was made for the bundle through the file's steady steps, and compares all that it has about them:
    /// `x`, `application_N` of the first step, and `step_N.y`, `.z`, `.logits` and `.q`.
    ///
    /// # Errors
    /// [`LoadError::BundleField`] when the file is of another bundle or lacks its `input`; [`LoadError::Inference`] when a
    /// graph fails.
    pub fn compare_steps(
        &self,
        bundle: &Bundle,
        backend: Box<dyn Backend>,
        tolerance: f32,
    ) -> Result<(Recursion, Comparison), LoadError> {
        self.must_be_of(bundle)?;
        let mut recursion = Recursion::new(bundle, backend);
        let input = self.input(recursion.shape())?;
        let mut comparison = Comparison::default();
        recursion.embed(&input)?;
        self.compare("x", &read(recursion.backend(), State::X)?, tolerance, &mut comparison)?;
        for step in 1..=self.steady()? {
            self.step(&mut recursion, step, tolerance, &mut comparison)?;
            for (name, of) in [("y", State::Y), ("z", State::Z)] {
                let found = read(recursion.backend(), of)?;
                self.compare(&format!("step_{step}.{name}"), &found, tolerance, &mut comparison)?;
            }
            let q = recursion.decode(PATIENCE)?;
            self.compare(&format!("step_{step}.logits"), recursion.logits(), tolerance, &mut comparison)?;
            self.compare(&format!("step_{step}.q"), &[q], tolerance, &mut comparison)?;
        }
        Ok((recursion, comparison))
    }

    /// Compares application after application and answer after answer, each from `PyTorch`'s own states: weights that blow up
    /// the errors of rounding can be compared in no other way. Compares nothing on a backend whose states can't be set.
    ///
    /// # Errors
    /// As [`Self::compare_steps`].
    pub fn compare_each(
        &self,
        bundle: &Bundle,
        backend: &mut dyn Backend,
        tolerance: f32,
    ) -> Result<Comparison, LoadError> {
        self.must_be_of(bundle)?;
        let (mut comparison, shape) = (Comparison::default(), backend.shape());
        backend.embed(&self.input(shape)?)?;
        if let Some(x) = self.state("x", shape)?
            && !backend.write(State::X, &x)
        {
            return Ok(comparison);
        }
        backend.reset();
        let step = bundle.manifest.architecture;
        for number in 1..=step.applications_per_step() {
            let update = if number % (step.latent_updates + 1) == 0 { Update::Answer } else { Update::Latent };
            let of = if update == Update::Answer { State::Y } else { State::Z };
            let tensor = format!("application_{number}");
            backend.advance(&[update], PATIENCE)?;
            let Some(expected) = self.state(&tensor, shape)? else { break };
            self.compare(&tensor, &read(backend, of)?, tolerance, &mut comparison)?;
            backend.write(of, &expected);
        }
        for step in 1..=self.steps()? {
            let y = self.state(&format!("step_{step}.y"), shape)?;
            let z = self.state(&format!("step_{step}.z"), shape)?;
            let (Some(y), Some(z)) = (y, z) else { continue };
            backend.write(State::Y, &y);
            backend.write(State::Z, &z);
            let q = backend.decode(PATIENCE)?;
            self.compare(&format!("step_{step}.logits"), backend.logits(), tolerance, &mut comparison)?;
            self.compare(&format!("step_{step}.q"), &[q], tolerance, &mut comparison)?;
            backend.advance(&[Update::Latent], PATIENCE)?;
            let next = format!("step_{}.first", step + 1);
            self.compare(&next, &read(backend, State::Z)?, tolerance, &mut comparison)?;
        }
        Ok(comparison)
    }

    /// The input of the file.
    fn input(&self, shape: Shape) -> Result<Vec<f32>, LoadError> {
        let input = self.floats("input")?.ok_or_else(|| self.refused("input", &"missing"))?;
        let needed = shape.input_len();
        if input.len() == needed {
            return Ok(input);
        }
        Err(self.refused("input", &format!("{} numbers, where the bundle has {needed}", input.len())))
    }

    /// A state of the file, if it is there, as backends have it.
    fn state(&self, tensor: &str, shape: Shape) -> Result<Option<Vec<f32>>, LoadError> {
        let Some(values) = self.floats(tensor)? else { return Ok(None) };
        if values.len() != shape.state_len() {
            let reason = format!("{} numbers, where the bundle has {}", values.len(), shape.state_len());
            return Err(self.refused(tensor, &reason));
        }
        let tokens = values.len() / shape.hidden;
        Ok(Some(if shape.prefix > 0 { values } else { transposed(&values, tokens) }))
    }

    /// A step, one application after the other.
    fn step(
        &self,
        recursion: &mut Recursion,
        step: usize,
        tolerance: f32,
        comparison: &mut Comparison,
    ) -> Result<(), LoadError> {
        loop {
            let updated = match recursion.advance_once(PATIENCE)? {
                Update::Latent => State::Z,
                Update::Answer => State::Y,
            };
            if step == 1 {
                let found = read(recursion.backend(), updated)?;
                let tensor = format!("application_{}", recursion.applications());
                self.compare(&tensor, &found, tolerance, comparison)?;
            }
            if recursion.is_at_step_end() {
                return Ok(());
            }
        }
    }

    /// How many steps can be compared one after the other: what the header says, or all.
    fn steady(&self) -> Result<usize, LoadError> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).map_err(|e| self.refused("header", &e))?;
        let Some(text) = header.metadata().as_ref().and_then(|about| about.get("steady")) else { return self.steps() };
        let steady: usize = text.parse().map_err(|e| self.refused("steady", &format!("{text}: {e}")))?;
        Ok(steady.min(self.steps()?))
    }

    /// The number of the last step that the file has logits of.
    fn steps(&self) -> Result<usize, LoadError> {
        let number = |name: &str| name.strip_prefix("step_")?.strip_suffix(".logits")?.parse().ok();
        let tensors = self.tensors()?;
        let last = tensors.names().into_iter().filter_map(number).max();
        last.ok_or_else(|| self.refused("step_1.logits", &"missing"))
    }

    fn refused(&self, field: &str, reason: &dyn fmt::Display) -> LoadError {
        LoadError::BundleField { path: self.path.clone(), field: field.to_owned(), reason: reason.to_string() }
    }
}

/// A state as `PyTorch` has it: `[hidden, tokens, tokens]`, or of sequences `[prefix + tokens², hidden]`.
fn read(backend: &mut dyn Backend, state: State) -> Result<Vec<f32>, LoadError> {
    let shape = backend.shape();
    let mut values = vec![0.0; shape.state_len()];
    backend.read(state, &mut values)?;
    Ok(if shape.prefix > 0 { values } else { transposed(&values, shape.hidden) })
}

/// `[rows, cols]` as `[cols, rows]`.
fn transposed(values: &[f32], cols: usize) -> Vec<f32> {
    (0..cols).flat_map(|col| values.iter().skip(col).step_by(cols)).copied().collect()
}
