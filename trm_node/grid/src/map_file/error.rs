//! What is wrong with a map file.

use std::path::PathBuf;

use crate::error::GridError;

/// A map file that can't be used; names the file, the field and its value.
#[derive(Debug, thiserror::Error)]
pub enum MapFileError {
    /// The YAML file can't be read.
    #[error("map file {}: {reason}", path.display())]
    File {
        /// The YAML file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A field that must be there isn't.
    #[error("map file {}: field {field} is missing", path.display())]
    Missing {
        /// The YAML file.
        path: PathBuf,
        /// The field.
        field: &'static str,
    },
    /// A field's value.
    #[error("map file {}: field {field} is {value}, but {expected}", path.display())]
    Field {
        /// The YAML file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// Its value, as it was given.
        value: String,
        /// What it must be.
        expected: String,
    },
    /// The image that the field `image` names.
    #[error("map file {}: field image: {}: {reason}", path.display(), image.display())]
    Image {
        /// The YAML file.
        path: PathBuf,
        /// The image.
        image: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What was read is no grid.
    #[error("map file {}: {source}", path.display())]
    Grid {
        /// The YAML file.
        path: PathBuf,
        /// What is wrong with it.
        source: GridError,
    },
}
