//! What can be wrong with a bundle, and with running it.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use arrayvec::ArrayString;
use trm_config::ParameterError;

/// A bundle, or a parameter of it, that can't be used. What was there before stays in use.
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
    /// A parameter's value that the bundle or the machine can't work with.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The graphs could be loaded, but not run.
    #[error(transparent)]
    Inference(#[from] InferenceError),
}

/// The most bytes of an inference library's message that are kept.
const MESSAGE: usize = 120;

/// An inference library failed while it ran a graph. `Copy`, without memory of its own: it leaves the planning loop as it
/// is, and is put into words elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InferenceError {
    graph: &'static str,
    message: ArrayString<MESSAGE>,
}

impl InferenceError {
    /// The failure of a graph (`encode`, `net` or `decode`), with as much of the cause's text as there is room for.
    pub fn new(graph: &'static str, cause: impl fmt::Display) -> Self {
        let mut text = Cut(ArrayString::new());
        // It refuses nothing.
        let _ = write!(text, "{cause}");
        Self { graph, message: text.0 }
    }
}

impl fmt::Display for InferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inference: graph {} failed: {}", self.graph, self.message)
    }
}

impl std::error::Error for InferenceError {}

/// Text whose end is cut off where there is no room for it.
struct Cut(ArrayString<MESSAGE>);

impl fmt::Write for Cut {
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
        assert_eq!(InferenceError::new("net", "no memory").to_string(), "inference: graph net failed: no memory");
        let long = InferenceError::new("decode", "é".repeat(500)).to_string();
        assert_eq!(long, format!("inference: graph decode failed: {}", "é".repeat(MESSAGE / 2)));
    }
}
