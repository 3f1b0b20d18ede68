//! The way along a field.

use crate::engine::Engine;
use crate::lattice::{Lattice, State, Travel, UNITS_PER_CELL};
use crate::path::PathPose;
use crate::row::Row;
use trm_grid::units::Cell;

/// An edge that is taken from a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Where it begins, in the grid's cells.
    pub from: State,
    /// Index in [`Lattice::edges`].
    pub edge: u16,
}

impl Step {
    /// Where it ends.
    pub(crate) fn end(&self, lattice: &Lattice) -> State {
        let edge = &lattice.edges()[self.edge as usize];
        State {
            cell: Cell::new(self.from.cell.col + edge.step.col, self.from.cell.row + edge.step.row),
            heading: edge.to,
        }
    }
}

/// No way along a cost-to-go has more steps.
pub(crate) fn most_steps(lattice: &Lattice) -> usize {
    let least = lattice.edges().iter().map(|edge| edge.cost).min().unwrap_or(u16::MAX);
    usize::from(u16::MAX / least) + 1
}

/// A way on from a state: the cost to the goal by it and what is left of that at its end, in units, its edge and its end. The
/// cheapest is the least.
pub(crate) type WayOn = (u32, u16, u16, State);

/// A cost-to-go over states.
pub(crate) trait CostsToGo {
    /// The cost-to-go of a state in units, where it is exact.
    fn exact(&self, state: State) -> Option<u16>;
    /// Whether a way may end in a state at this cost.
    fn is_seed(&self, state: State, cost: u16) -> bool;
    /// Tells of the ways on from a state that lead to a lower cost-to-go than `value`, and cost `most` to the goal at most.
    fn ways_on(&self, state: State, value: u16, most: u32, tell: impl FnMut(WayOn));
}

impl<R: Row> CostsToGo for Engine<R> {
    fn exact(&self, state: State) -> Option<u16> {
        self.value(state).filter(|_| self.is_exact(state))
    }

    fn is_seed(&self, state: State, cost: u16) -> bool {
        self.has_seed(state, cost)
    }

    fn ways_on(&self, state: State, value: u16, most: u32, mut tell: impl FnMut(WayOn)) {
        for (arc, next) in self.leaving(state) {
            let Some(rest) = self.exact(next).filter(|rest| *rest < value) else { continue };
            let cost = u32::from(arc.cost) + u32::from(rest);
            if cost <= most {
                tell((cost, rest, arc.edge, next));
            }
        }
    }
}

/// The poses along steps, at most one cell apart. Each is there once.
pub fn poses(lattice: &Lattice, steps: &[Step], poses: &mut Vec<PathPose>) {
    poses.clear();
    for step in steps {
        let edge = &lattice.edges()[step.edge as usize];
        let known = usize::from(!poses.is_empty());
        let along = lattice.poses(edge, step.from.cell).skip(known);
        poses.extend(along.map(|pose| PathPose { pose, travel: edge.travel }));
    }
}

/// The steps along the field. Each state's value is less than that of the one before, so no way ends in a circle.
pub(crate) fn roll_out(field: &impl CostsToGo, lattice: &Lattice, from: State, steps: &mut Vec<Step>) -> bool {
    steps.clear();
    let worth = (lattice.motion().change_penalty * UNITS_PER_CELL).min(f64::from(u16::MAX)) as u32;
    let (mut state, mut before, mut left) = (from, None, worth);
    let Some(mut value) = field.exact(from) else { return false };
    loop {
        // The cheapest edge, and the cheapest that goes on as before.
        let (mut best, mut same): (Option<WayOn>, Option<WayOn>) = (None, None);
        field.ways_on(state, value, u32::from(value) + left, |choice| {
            if best.is_none_or(|best| choice < best) {
                best = Some(choice);
            }
            let is_same = Some(lattice.edges()[choice.2 as usize].travel) == before;
            if is_same && same.is_none_or(|same| choice < same) {
                same = Some(choice);
            }
        });
        // Only a seed is worth less than every way on. A seed may be worth just as much: one is enough.
        let Some(cheapest) = best.filter(|best| best.0 <= u32::from(value)) else { return field.is_seed(state, value) };
        let loss = |choice: &WayOn| choice.0 - cheapest.0;
        let goes_on = same.filter(|same| loss(same) <= left);
        let (_, rest, edge, next) = goes_on.unwrap_or(cheapest);
        left -= goes_on.as_ref().map_or(0, loss);
        let travel = lattice.edges()[edge as usize].travel;
        if travel != Travel::Turn && before != Some(travel) {
            (before, left) = (Some(travel), worth);
        }
        steps.push(Step { from: state, edge });
        (state, value) = (next, rest);
    }
}
