//! Errors of received grids, and of computing their costs.

/// A grid or a grid update has an invalid field and is refused. The grid before it stays in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("grid refused: {field} is {value}, but {expected}")]
pub struct GridError {
    /// The name of the field in the ROS message.
    pub field: &'static str,
    /// The refused value.
    pub value: String,
    /// The requirement that it violates.
    pub expected: String,
}

/// A computation was interrupted, and has changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted before the costs were computed")]
pub struct Interrupted;
