//! Calls of a device, in the words of the backends.

use std::ops::Range;
use std::time::Duration;

use arrayvec::ArrayVec;
use trm_gpu::{GpuError, GpuRecursion, MAX_UPDATES};

use crate::backend::State;
use crate::error::InferenceError;
use crate::graph::Graph;
use crate::graphs::Update;

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

/// The windows from `first` on: 1, 2, 4 … of them, and `most`.
pub(crate) fn up_to(first: usize, most: usize) -> Vec<Range<usize>> {
    let counts = std::iter::successors(Some(1), |count| Some(2 * count)).take_while(|count| *count < most);
    counts.chain([most]).map(|count| first..first + count).collect()
}
