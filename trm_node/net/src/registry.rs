//! Every backend by its name.

#[cfg(feature = "gpu")]
use std::fmt::Display;

use trm_config::ParameterError;
#[cfg(feature = "gpu")]
use trm_gpu::Gpu;
use trm_kernel::Level;

use crate::backend::Backend;
use crate::batch::{Batch, MAX_WINDOWS};
use crate::bundle::Bundle;
use crate::error::LoadError;
use crate::fused::{FusedGraphs, weights};
#[cfg(feature = "gpu")]
use crate::gpu::{GpuBackend, Refusal};
#[cfg(feature = "gpu")]
use crate::gpu_batch::GpuBatch;
use crate::graphs::Graphs;
use crate::host::HostBackend;
use crate::host_batch::HostBatch;
use crate::tract::TractGraphs;

/// The names that [`by_name`] knows: `cpu` is the fastest one on this machine's processor, the next four are the kernel on
/// one instruction set each, `tract` is the library that runs every bundle, and `gpu` is the best GPU.
pub const NAMES: [&str; 7] = ["cpu", "avx512", "avx2", "neon", "portable", "tract", "gpu"];

/// The most threads of a batch.
const MAX_THREADS: usize = 256;

/// The fastest graphs for a bundle on windows of `size` × `size` cells: the kernel on the best instruction set of this
/// machine, or tract where the bundle is of another architecture or the kernel's results differ from tract's.
///
/// # Errors
/// [`LoadError::BundleField`] when a graph can't be read or its shapes aren't those of the manifest;
/// [`LoadError::Parameter`] when the model doesn't work on windows of this size; [`LoadError::Inference`] when a graph
/// fails.
pub fn fastest(bundle: &Bundle, size: usize) -> Result<Box<dyn Graphs>, LoadError> {
    let mut tract = TractGraphs::new(bundle, size)?;
    if let Some(level) = Level::available().first()
        && let Some(fused) = FusedGraphs::new(bundle, &mut tract, *level)?
    {
        return Ok(Box::new(fused));
    }
    Ok(Box::new(tract))
}

/// The graphs of this name, one of [`NAMES`] but `gpu`, for windows of `size` × `size` cells.
///
/// # Errors
/// [`LoadError::Parameter`] for `backend` when there are none of this name, or when they can't run this bundle on this
/// machine; and the errors of [`fastest`].
pub fn graphs(bundle: &Bundle, size: usize, name: &str) -> Result<Box<dyn Graphs>, LoadError> {
    match name {
        "cpu" => return fastest(bundle, size),
        "tract" => return Ok(Box::new(TractGraphs::new(bundle, size)?)),
        _ if !NAMES.contains(&name) => return Err(refused(name, format!("one of {}", NAMES.join(", ")))),
        _ => {}
    }
    if let Some(level) = Level::available().into_iter().find(|level| level.name() == name)
        && let Some(fused) = FusedGraphs::new(bundle, &mut TractGraphs::new(bundle, size)?, level)?
    {
        return Ok(Box::new(fused));
    }
    let levels = levels().join(", ");
    Err(refused(
        name,
        format!("among those that this machine can run bundles of nav_d32's architecture on: cpu, {levels}, tract"),
    ))
}

/// The backend of this name, one of [`NAMES`], for windows of `size` × `size` cells.
///
/// # Errors
/// Those of [`graphs`]; for `gpu`, [`LoadError::Parameter`] says why there is none.
pub fn by_name(bundle: &Bundle, size: usize, name: &str) -> Result<Box<dyn Backend>, LoadError> {
    if name == "gpu" {
        let mut cpu = HostBackend::new(bundle, fastest(bundle, size)?);
        return Ok(gpu(bundle, &mut cpu, Devices::All)?.backend);
    }
    Ok(Box::new(HostBackend::new(bundle, graphs(bundle, size, name)?)))
}

/// A batch of at most `capacity` windows of `size` × `size` cells on the backend of this name. On the processor it has
/// `threads` threads, the calling one if it is one.
///
/// # Errors
/// [`LoadError::Parameter`] for `batch` or `threads` when the number is out of range; and those of [`by_name`].
pub fn batch(
    bundle: &Bundle,
    size: usize,
    name: &str,
    capacity: usize,
    threads: usize,
) -> Result<Box<dyn Batch>, LoadError> {
    for (parameter, value, most) in [("batch", capacity, MAX_WINDOWS), ("threads", threads, MAX_THREADS)] {
        if !(1..=most).contains(&value) {
            let expected = format!("from 1 to {most}");
            return Err(ParameterError { name: parameter.to_owned(), value: value.to_string(), expected }.into());
        }
    }
    if name == "gpu" {
        return gpu_batch(bundle, size, capacity);
    }
    Ok(Box::new(HostBatch::new(bundle, capacity, threads, || graphs(bundle, size, name))?))
}

#[cfg(feature = "gpu")]
fn gpu_batch(bundle: &Bundle, size: usize, capacity: usize) -> Result<Box<dyn Batch>, LoadError> {
    let mut cpu = HostBackend::new(bundle, fastest(bundle, size)?);
    let gpu = Gpu::open().map_err(|error| no_gpu(&error))?;
    Ok(Box::new(GpuBatch::new(gpu, bundle, &mut cpu, capacity).map_err(Refusal::into_error)?))
}

#[cfg(not(feature = "gpu"))]
fn gpu_batch(bundle: &Bundle, size: usize, _: usize) -> Result<Box<dyn Batch>, LoadError> {
    let mut cpu = HostBackend::new(bundle, fastest(bundle, size)?);
    Err(gpu(bundle, &mut cpu, Devices::All).err().unwrap_or_else(|| refused("gpu", String::new())))
}

/// Which devices are taken for a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// All that Vulkan has, the processor itself last.
    All,
    /// Not the processor itself.
    Hardware,
}

/// A backend on a GPU.
pub struct OnGpu {
    /// It.
    pub backend: Box<dyn Backend>,
    /// The device, as its driver names it.
    pub device: String,
    /// Whether the device is the processor itself: it computes correctly, and slowly.
    pub is_software: bool,
}

/// The bundle's model on the best GPU of this machine, for the windows of `cpu`. Its results agree with those of `cpu`, or
/// there is none.
///
/// # Errors
/// [`LoadError::Parameter`] for `backend` says why there is none; [`LoadError::Inference`] when `cpu` fails.
#[cfg(feature = "gpu")]
pub fn gpu(bundle: &Bundle, cpu: &mut dyn Backend, devices: Devices) -> Result<OnGpu, LoadError> {
    let opened = if devices == Devices::All { Gpu::open() } else { Gpu::open_hardware() };
    let gpu = opened.map_err(|error| no_gpu(&error))?;
    let backend = GpuBackend::new(gpu, bundle, cpu).map_err(Refusal::into_error)?;
    let (device, is_software) = (backend.device.clone(), backend.is_software);
    Ok(OnGpu { backend: Box::new(backend), device, is_software })
}

#[cfg(feature = "gpu")]
impl Refusal {
    fn into_error(self) -> LoadError {
        match self {
            Self::Gpu(reason) => no_gpu(&reason),
            Self::Load(error) => error,
        }
    }
}

#[cfg(feature = "gpu")]
fn no_gpu(reason: &dyn Display) -> LoadError {
    refused("gpu", format!("among those that this machine can run: {reason}"))
}

/// There is none in a program that was built without the feature `gpu`.
///
/// # Errors
/// [`LoadError::Parameter`] for `backend`.
#[cfg(not(feature = "gpu"))]
pub fn gpu(_: &Bundle, _: &mut dyn Backend, _: Devices) -> Result<OnGpu, LoadError> {
    Err(refused("gpu", "among those that this program was built with: cpu, tract".to_owned()))
}

/// Whether a bundle is of the architecture that the kernel computes.
#[must_use]
pub fn has_kernel(bundle: &Bundle) -> bool {
    weights::read(bundle).is_some()
}

fn refused(name: &str, expected: String) -> LoadError {
    ParameterError { name: "backend".to_owned(), value: name.to_owned(), expected }.into()
}

/// The names of the instruction sets on which this machine can run the kernel, the fastest first.
#[must_use]
pub fn levels() -> Vec<&'static str> {
    Level::available().into_iter().map(Level::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::released;

    #[test]
    fn every_name_is_a_backend_or_says_what_the_machine_can_run() {
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        for name in NAMES {
            let there = ["cpu", "tract"].contains(&name) || levels().contains(&name);
            match by_name(&bundle, 32, name) {
                Ok(backend) => assert!((there || name == "gpu") && backend.shape().size == 32, "{name}"),
                Err(error) => {
                    assert!(!there, "{error}");
                    let text = error.to_string();
                    assert!(text.contains(&format!("backend: {name} is not among those that this ")), "{text}");
                }
            }
        }
        let error = by_name(&bundle, 32, "fast").err().unwrap().to_string();
        assert_eq!(error, "parameter backend: fast is not one of cpu, avx512, avx2, neon, portable, tract, gpu");
    }
}
