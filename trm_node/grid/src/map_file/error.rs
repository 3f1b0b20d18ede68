//! Errors of map files.

use std::path::PathBuf;

use crate::error::GridError;

/// A map file can't be used. The message names the file, the field and its value.
#[derive(Debug, thiserror::Error)]
pub enum MapFileError {
    /// The YAML file can't be read.
    #[error("map file {}: {reason}", path.display())]
    File {
        /// The YAML file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A required field is missing.
    #[error("map file {}: field {field} is missing", path.display())]
    Missing {
        /// The YAML file.
        path: PathBuf,
        /// The field.
        field: &'static str,
    },
    /// A field has an invalid value.
    #[error("map file {}: field {field} is {value}, but {expected}", path.display())]
    Field {
        /// The YAML file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// The invalid value.
        value: String,
        /// The requirement that it violates.
        expected: String,
    },
    /// The image named by the field `image` can't be used.
    #[error("map file {}: field image: {}: {reason}", path.display(), image.display())]
    Image {
        /// The YAML file.
        path: PathBuf,
        /// The image.
        image: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The contents don't form a valid grid.
    #[error("map file {}: {source}", path.display())]
    Grid {
        /// The YAML file.
        path: PathBuf,
        /// What is wrong with it.
        source: GridError,
    },
}
