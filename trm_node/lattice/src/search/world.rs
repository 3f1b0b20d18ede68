//! What a search plans in.

use trm_grid::units::Cell;

use super::request::Request;
use super::window_size::DEAD_END;
use crate::blocked::Blocked;
use crate::lattice::{Edge, Lattice, State, UNITS_PER_CELL};
use crate::pose_guidance::PoseGuidance;

/// What a search plans in.
#[derive(Debug, Clone, Copy)]
pub struct World<'a, W, H> {
    /// What the robot can drive.
    pub lattice: &'a Lattice,
    /// What it must not touch.
    pub blocked: &'a Blocked,
    /// The weight of a cell of the grid, at least 1; any finite number elsewhere.
    pub weight: W,
    /// What the way of the base from a cell of the grid to the goal costs about, in cells; infinite where there is none.
    pub cost_to_go: H,
    /// What it costs over headings, too. It must be for this lattice; it is looked at where it is for the request's goal.
    pub poses: Option<&'a PoseGuidance>,
}

impl<W: Fn(Cell) -> f32, H: Fn(Cell) -> f32> World<'_, W, H> {
    /// Infinite outside the grid.
    pub(super) fn to_go(&self, cell: Cell) -> f32 {
        if self.blocked.geometry().contains(cell) { (self.cost_to_go)(cell) } else { f32::INFINITY }
    }

    /// What the way from a state costs about, in cells, times the greed: what guidance over headings says, else that of positions
    /// and a surplus. Where guidance has seen all states and knew no way, it is dear if there is one now.
    pub(super) fn estimate(&self, state: State, request: &Request, surplus: f32) -> f32 {
        let greed = request.greed.max(1.0);
        let poses = self.guidance_to(request);
        if let Some(known) = poses.and_then(|poses| poses.cost_to_go(state)) {
            return greed * known;
        }
        let dead_end = if poses.is_some_and(PoseGuidance::is_whole) { DEAD_END } else { 0.0 };
        greed * self.to_go(state.cell) + surplus + dead_end
    }

    /// What an edge from a cell costs, in cells.
    pub(super) fn edge_cost(&self, edge: &Edge, from: Cell) -> f32 {
        let middle = shifted(self.lattice.primitives()[edge.primitive as usize].middle, origin(edge, from));
        f32::from(edge.cost) / UNITS_PER_CELL as f32 * (self.weight)(middle)
    }

    /// Whether nothing is in the way of an edge from a cell, and the base stays in the grid.
    pub(super) fn is_clear(&self, edge: &Edge, from: Cell) -> bool {
        let Cell { col, row } = origin(edge, from);
        let primitive = &self.lattice.primitives()[edge.primitive as usize];
        let [low, high] = primitive.origins(self.blocked.geometry());
        (low.col..=high.col).contains(&col)
            && (low.row..=high.row).contains(&row)
            && primitive
                .sweep
                .iter()
                .all(|run| !self.blocked.is_any_blocked(run.row + row, run.first + col, run.last + col))
    }
}

/// Where the primitive of an edge from a cell begins. Played backwards it was made from the other end.
fn origin(edge: &Edge, from: Cell) -> Cell {
    if edge.is_reversed { shifted(edge.step, from) } else { from }
}

pub(super) const fn shifted(cell: Cell, by: Cell) -> Cell {
    Cell::new(cell.col + by.col, cell.row + by.row)
}
