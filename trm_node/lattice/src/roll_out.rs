//! The way along a field.

use crate::engine::Engine;
use crate::lattice::{Lattice, State, Travel, UNITS_PER_CELL};
use crate::path::PathPose;
use crate::row::Row;

/// An edge that is taken from a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Where it begins, in the grid's cells.
    pub from: State,
    /// Index in [`Lattice::edges`].
    pub edge: u16,
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
pub(crate) fn roll_out<R: Row>(engine: &Engine<R>, lattice: &Lattice, from: State, steps: &mut Vec<Step>) -> bool {
    steps.clear();
    let worth = (lattice.motion().change_penalty * UNITS_PER_CELL).min(f64::from(u16::MAX)) as u32;
    let (mut state, mut before, mut left) = (from, None, worth);
    let Some(mut value) = engine.value(from).filter(|_| engine.is_exact(from)) else { return false };
    loop {
        // The cheapest edge, and the cheapest that goes on as before.
        let (mut best, mut same) = (None, None);
        for (arc, next) in engine.leaving(state) {
            let Some(rest) = engine.value(next).filter(|rest| *rest < value && engine.is_exact(next)) else { continue };
            let cost = u32::from(arc.cost) + u32::from(rest);
            let choice = (cost, rest, arc.edge, next);
            if best.is_none_or(|best| choice < best) {
                best = Some(choice);
            }
            let is_same = Some(lattice.edges()[arc.edge as usize].travel) == before;
            if is_same && same.is_none_or(|same| choice < same) {
                same = Some(choice);
            }
        }
        // Only a seed is worth less than every way on. A seed may be worth just as much: one is enough.
        let Some(cheapest) = best.filter(|best| best.0 <= u32::from(value)) else { return engine.is_seed(state) };
        let loss = |choice: &(u32, u16, u16, State)| choice.0 - cheapest.0;
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
