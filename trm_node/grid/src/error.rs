//! What is wrong with a grid that came in.

/// A field of a grid or of a grid update that can't be used. What was there before stays in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("grid refused: {field} is {value}, but {expected}")]
pub struct GridError {
    /// The field, as the message names it.
    pub field: &'static str,
    /// The value as it was given.
    pub value: String,
    /// What it must be.
    pub expected: String,
}
