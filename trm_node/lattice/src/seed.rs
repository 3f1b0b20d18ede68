//! Where ways may end, and what became of a computation.

use crate::lattice::State;

/// A state that ways may end in, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// The state, in the grid's cells.
    pub state: State,
    /// Its cost in units ([`crate::lattice::UNITS_PER_CELL`]).
    pub cost: u16,
}

/// What a computation has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solution {
    /// Seeds in the window where the robot may stand.
    pub seeds: usize,
    /// Whether all values are exact; else those that [`crate::field::Field::is_exact`] names.
    pub is_whole: bool,
    /// Whether what held of the last field was kept.
    pub is_warm: bool,
}
