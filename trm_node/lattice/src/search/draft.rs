//! In which order starts are looked at.

use std::cmp::Ordering;

/// A state around the start that a way may begin with, the most promising first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Draft {
    /// What the way over it costs at least, in cells.
    pub least: f32,
    /// Its number around the start.
    pub number: u32,
    /// Whether that knows the curve there.
    pub has_curve: bool,
}

impl Eq for Draft {}

impl Ord for Draft {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .least
            .total_cmp(&self.least)
            .then(self.has_curve.cmp(&other.has_curve))
            .then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Draft {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
