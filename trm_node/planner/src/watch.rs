//! For who wants to see the recursion: each answer of the model, as it is decoded.

use trm_grid::units::Cell;

use crate::decode::Field;
use crate::halt::policy::Assessment;

/// One answer of the model in a plan.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// How many times the network was applied before it.
    pub applications: usize,
    /// How it was assessed.
    pub assessment: Assessment,
    /// What it says of each cell of the window.
    pub field: Field<'a>,
    /// Its path inside the window, as far as the decoder followed it; a part of a path unless it was verified.
    pub path: &'a [Cell],
}

/// Called with each answer, on the thread that plans.
pub type Watch<'a> = dyn FnMut(&Answer) + 'a;
