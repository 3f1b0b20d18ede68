//! The last part of a search: the exact cost-to-go of the states around the goal.

use std::sync::Arc;

use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use super::window_size::{WindowSize, covers, in_cells, ring};
use crate::blocked::Blocked;
use crate::connect::Connector;
use crate::field::Field;
use crate::lattice::{Lattice, State};
use crate::pose_guidance::units;
use crate::roll_out::Step;
use crate::seed::Seed;

/// How far a computation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Unknown,
    Begun,
    Ready,
}

/// The field of a window around the goal. It ends in the states from which there is a way to the goal. A field for
/// the goal and the ground of the last one is what is left of that, so it is there at once.
#[derive(Debug)]
pub(super) struct GoalField {
    field: Field,
    seeds: Vec<Seed>,
    steps: Vec<Step>,
    corner: Cell,
    progress: Progress,
    /// What the way to the goal costs more than is estimated outside of the window, in cells, at least.
    surplus: f32,
}

impl GoalField {
    pub(super) fn new(lattice: &Arc<Lattice>, size: WindowSize, travel: Travel, connectors: usize) -> Self {
        let field = size.field(lattice, travel);
        let steps = Vec::with_capacity(field.max_steps());
        let (seeds, corner) = (Vec::with_capacity(connectors), Cell::new(0, 0));
        Self { field, seeds, steps, corner, progress: Progress::Unknown, surplus: 0.0 }
    }

    /// Another goal, or other ground. Nothing is known of it yet.
    pub(super) fn begin(&mut self, goal: Cell) {
        let half = self.field.size() as i32 / 2;
        self.corner = Cell::new(goal.col - half, goal.row - half);
        (self.progress, self.surplus) = (Progress::Unknown, 0.0);
    }

    /// Whether a cell is in the window.
    pub(super) fn covers(&self, cell: Cell) -> bool {
        covers(self.corner, &(0..self.field.size() as i32), cell)
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.progress == Progress::Unknown
    }

    pub(super) fn is_ready(&self) -> bool {
        self.progress == Progress::Ready
    }

    /// Begins or goes on. Never allocates.
    pub(super) fn work(
        &mut self,
        ends: &[Connector],
        (blocked, weight): (&Blocked, impl Fn(Cell) -> f32),
        may_go_on: &mut dyn FnMut() -> bool,
    ) {
        let solution = if self.progress == Progress::Begun {
            self.field.go_on(may_go_on)
        } else {
            self.field.load_ground(self.corner, blocked, weight);
            self.seeds.clear();
            self.seeds.extend(ends.iter().map(|end| Seed { state: end.state, cost: units(end.cost) }));
            self.field.solve(&self.seeds, may_go_on)
        };
        self.progress = if solution.is_whole { Progress::Ready } else { Progress::Begun };
    }

    /// Compares the field with what is estimated outside, where the window ends. Whoever comes from outside
    /// pays the least difference.
    pub(super) fn compare(&mut self, estimate: impl Fn(Cell) -> f32) {
        let headings = self.field.lattice().headings().len() as u8;
        let mut least = f32::INFINITY;
        for cell in ring(self.corner, self.field.size() as i32) {
            let outside = estimate(cell);
            let costs = (0..headings).filter_map(|heading| self.cost(State { cell, heading }));
            least = costs.fold(least, |least, cost| least.min(cost - outside));
        }
        self.surplus = if least.is_finite() { least.max(0.0) } else { 0.0 };
    }

    /// What is to be added to an estimate outside of the window.
    pub(super) fn surplus(&self) -> f32 {
        self.surplus
    }

    /// What the way from a state to the goal costs, in cells; `None` if it isn't known.
    pub(super) fn cost(&self, state: State) -> Option<f32> {
        let value = if self.is_ready() { self.field.value(state) } else { None };
        value.map(in_cells)
    }

    /// The steps from a state to a state that there is a way to the goal from.
    pub(super) fn way(&mut self, from: State) -> Option<&[Step]> {
        self.field.roll_out(from, &mut self.steps).then_some(&self.steps)
    }
}
