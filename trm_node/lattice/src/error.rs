//! What a lattice refuses.

/// Why a lattice or a field can't be made. Names the field and its value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} is {value}: {expected}")]
pub struct LatticeError {
    /// The field.
    pub field: &'static str,
    /// Its value, in the unit that `expected` names.
    pub value: f64,
    /// What it must be.
    pub expected: String,
}

impl LatticeError {
    pub(crate) fn new(field: &'static str, value: f64, expected: impl Into<String>) -> Self {
        Self { field, value, expected: expected.into() }
    }
}
