//! What guidance there is for a plan.

use trm_grid::guidance::Guidance;
use trm_lattice::pose_guidance::PoseGuidance;

/// What guidance there is for a plan: slices of [`Guidance`] are all that there is for a disc.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guides<'a> {
    /// Over cells: what [`guide`](crate::target::guide) has computed for the goal, perhaps on older costs.
    pub cells: &'a [Guidance],
    /// Over positions and headings, for a robot with a footprint, perhaps on older costs.
    pub poses: Option<&'a PoseGuidance>,
}

impl<'a> From<&'a [Guidance]> for Guides<'a> {
    fn from(cells: &'a [Guidance]) -> Self {
        Self { cells, poses: None }
    }
}

impl<'a, const N: usize> From<&'a [Guidance; N]> for Guides<'a> {
    fn from(cells: &'a [Guidance; N]) -> Self {
        Self { cells, poses: None }
    }
}

impl<'a> From<&'a Vec<Guidance>> for Guides<'a> {
    fn from(cells: &'a Vec<Guidance>) -> Self {
        Self { cells, poses: None }
    }
}
