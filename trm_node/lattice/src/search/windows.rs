//! What the cost-to-go of positions doesn't know, in windows where a search is stuck: which way the robot can turn, and
//! where it fits through.

use std::sync::Arc;

use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use super::window_size::{DEAD_END, RING, WindowSize, covers, in_cells, ring};
use crate::blocked::Blocked;
use crate::connect::Connector;
use crate::field::Field;
use crate::lattice::{Lattice, State};
use crate::pose_guidance::units;
use crate::seed::Seed;

/// A window within so many columns and rows of another one takes its place.
const SAME: i32 = 8;

/// A window of which the cost-to-go over positions and headings is known, up to where it ends.
#[derive(Debug)]
struct Window {
    field: Field,
    corner: Cell,
    /// What is added to the field's values, in cells.
    offset: f32,
    is_whole: bool,
}

/// Windows with a better estimate of the cost-to-go: the exact cost of the way to the border, and from there the
/// estimate.
#[derive(Debug)]
pub(super) struct Windows {
    all: Vec<Window>,
    /// The newest last.
    order: Vec<usize>,
    seeds: Vec<Seed>,
    drafts: Vec<(State, f32)>,
    half: i32,
    size: WindowSize,
}

impl Windows {
    pub(super) fn new(lattice: &Arc<Lattice>, size: WindowSize, travel: Travel, connectors: usize) -> Self {
        // Clones of a field would have no room for seeds.
        let window =
            || Window { field: size.field(lattice, travel), corner: Cell::new(0, 0), offset: 0.0, is_whole: false };
        let all: Vec<_> = std::iter::repeat_with(window).take(size.kept()).collect();
        let side = all[0].field.size();
        let ring = 4 * RING as usize * side * lattice.headings().len() + connectors;
        let (seeds, drafts, half) = (Vec::with_capacity(ring), Vec::with_capacity(ring), side as i32 / 2);
        Self { all, order: Vec::with_capacity(size.kept()), seeds, drafts, half, size }
    }

    pub(super) const fn size(&self) -> WindowSize {
        self.size
    }

    pub(super) fn clear(&mut self) {
        self.order.clear();
    }

    /// What the way from a state costs by a window that it lies in: `None` outside of all.
    pub(super) fn estimate(&self, state: State, outside: f32) -> Option<f32> {
        let inside = RING..2 * self.half - RING;
        let newest = self.order.iter().rev().map(|at| &self.all[*at]);
        let mut whole = newest.filter(|window| window.is_whole);
        let window = whole.find(|window| covers(window.corner, &inside, state.cell))?;
        let value = window.field.value(state).map(in_cells);
        Some(value.map_or(outside + DEAD_END, |value| window.offset + value))
    }

    /// Makes a window around a cell. `estimate` is what the way from a state costs; `ends` are ways to the goal.
    pub(super) fn begin(
        &mut self,
        around: Cell,
        ends: &[Connector],
        estimate: impl Fn(&Self, State) -> f32,
        (blocked, weight): (&Blocked, impl Fn(Cell) -> f32),
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> bool {
        let corner = Cell::new(around.col - self.half, around.row - self.half);
        self.make_room(corner);
        self.gather(corner, ends, estimate);
        let offset = self.drafts.iter().map(|(_, cost)| *cost).fold(f32::INFINITY, f32::min);
        self.seeds.clear();
        let seed = |(state, cost): &(State, f32)| Seed { state: *state, cost: units(cost - offset) };
        self.seeds.extend(self.drafts.iter().map(seed));
        let Some(window) = self.order.last().map(|at| &mut self.all[*at]) else { return true };
        (window.corner, window.offset) = (corner, offset);
        window.field.load_ground(corner, blocked, weight);
        window.is_whole = window.field.solve(&self.seeds, may_go_on).is_whole;
        window.is_whole
    }

    /// Goes on with the window that was begun last. Returns whether it is done.
    pub(super) fn go_on(&mut self, may_go_on: &mut dyn FnMut() -> bool) -> bool {
        let Some(window) = self.order.last().map(|at| &mut self.all[*at]) else { return true };
        window.is_whole = window.field.go_on(may_go_on).is_whole;
        window.is_whole
    }

    /// Adds to all estimates.
    pub(super) fn raise(&mut self, by: f32) {
        self.all.iter_mut().for_each(|window| window.offset += by);
    }

    /// Whether a cell is in the window that was made last.
    pub(super) fn newest_covers(&self, cell: Cell) -> bool {
        self.order.last().is_some_and(|at| covers(self.all[*at].corner, &(0..2 * self.half), cell))
    }

    /// Makes a window the newest: one that is there already, a free one, or the oldest.
    fn make_room(&mut self, corner: Cell) {
        let is_same = |at: &usize| {
            let there = self.all[*at].corner;
            (there.col - corner.col).abs() <= SAME && (there.row - corner.row).abs() <= SAME
        };
        let at = match self.order.iter().position(is_same) {
            Some(place) => self.order.remove(place),
            None if self.order.len() < self.all.len() => self.order.len(),
            None => self.order.remove(0),
        };
        self.all[at].is_whole = false;
        self.order.push(at);
    }

    /// The states in which ways may end, with what is left from there.
    fn gather(&mut self, corner: Cell, ends: &[Connector], estimate: impl Fn(&Self, State) -> f32) {
        let mut drafts = std::mem::take(&mut self.drafts);
        drafts.clear();
        let size = 2 * self.half;
        let headings = self.all[0].field.lattice().headings().len() as u8;
        for cell in ring(corner, size) {
            let states = (0..headings).map(|heading| State { cell, heading });
            drafts.extend(states.map(|state| (state, estimate(self, state))).filter(|(_, cost)| cost.is_finite()));
        }
        let inside = |end: &&Connector| covers(corner, &(0..size), end.state.cell);
        drafts.extend(ends.iter().filter(inside).map(|end| (end.state, end.cost)));
        self.drafts = drafts;
    }
}
