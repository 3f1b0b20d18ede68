//! What can be wrong with a bundle, and what can fail while its graphs run.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use arrayvec::ArrayString;
use trm_config::ParameterError;

use crate::graph::Graph;

/// A bundle, or a parameter of it, that can't be used. Whatever was in use before stays in use.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// A file of a model bundle that can't be read.
    #[error("bundle {}: {reason}", path.display())]
    BundleFile {
        /// The file or the folder.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// A field of a bundle's manifest, or a graph that doesn't match it.
    #[error("bundle {}: {field}: {reason}", path.display())]
    BundleField {
        /// The manifest's path.
        path: PathBuf,
        /// The field's name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A field of a router's file, or a bundle that it names.
    #[error("router {}: {field}: {reason}", path.display())]
    Router {
        /// The file.
        path: PathBuf,
        /// The field's name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The value of a parameter that doesn't fit the bundle or the machine.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The graphs could be loaded, but one failed when it was tried.
    #[error(transparent)]
    Inference(#[from] InferenceError),
}

/// Bytes that are kept of an inference library's message. More would make every result of the planning loop large.
const MESSAGE_BYTES: usize = 96;

/// A graph failed while it ran. This is `Copy` and owns no memory: the planning loop can make it and pass it on without
/// allocating, and it is put into words elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InferenceError {
    graph: Graph,
    message: ArrayString<MESSAGE_BYTES>,
    is_lost: bool,
}

impl InferenceError {
    /// The failure of a graph, with as much of the cause's text as there is room for.
    pub fn new(graph: Graph, cause: impl fmt::Display) -> Self {
        let mut message = Truncated(ArrayString::new());
        // Writing to it never fails.
        let _ = write!(message, "{cause}");
        Self { graph, message: message.0, is_lost: false }
    }

    /// The failure of a graph because its device is lost: it will always fail.
    pub fn lost(graph: Graph, cause: impl fmt::Display) -> Self {
        Self { is_lost: true, ..Self::new(graph, cause) }
    }

    /// Whether the device that ran the graph is lost.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.is_lost
    }
}

impl fmt::Display for InferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inference: graph {} failed: {}", self.graph, self.message)
    }
}

impl std::error::Error for InferenceError {}

/// Text whose end is cut off where there is no room for it.
struct Truncated(ArrayString<MESSAGE_BYTES>);

impl fmt::Write for Truncated {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.try_push(character).is_err() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inference_error_names_its_graph_and_cuts_a_long_cause_between_characters() {
        assert_eq!(InferenceError::new(Graph::Net, "no memory").to_string(), "inference: graph net failed: no memory");
        let long = InferenceError::new(Graph::Decode, "é".repeat(500)).to_string();
        assert_eq!(long, format!("inference: graph decode failed: {}", "é".repeat(MESSAGE_BYTES / 2)));
    }
}
