//! Guidance over positions and headings: the exact cost-to-go of the states of a map to a goal, as a
//! [`MapField`](crate::map_field::MapField) has found it.

use std::sync::Arc;

use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use crate::connect::Connector;
use crate::lattice::{Edge, Lattice, State, UNITS_PER_CELL};
use crate::levels::Levels;
use crate::map_field::edges::Edges;
use crate::map_field::tiles::{Division, SIDE, strip_of};
use crate::pose::CellPose;
use crate::roll_out::{CostsToGo, WayOn};
use crate::simd::lanes::UNREACHED;

/// No values.
pub(crate) const NO_VALUES: u32 = u32::MAX;

/// The cost-to-go of the states of a map to a goal.
#[derive(Debug, Clone)]
pub struct PoseGuidance {
    pub(crate) lattice: Arc<Lattice>,
    pub(crate) edges: Arc<Edges>,
    pub(crate) levels: Levels,
    pub(crate) geometry: Geometry,
    pub(crate) travel: Travel,
    pub(crate) version: u64,
    pub(crate) goal: CellPose,
    /// In the order of their states.
    pub(crate) ends: Vec<Connector>,
    pub(crate) division: Division,
    /// The number of each tile's values, or [`NO_VALUES`].
    pub(crate) places: Vec<u32>,
    /// `[tile, heading, row, column]`.
    pub(crate) values: Vec<u16>,
    /// Values below this one are final.
    pub(crate) final_below: u16,
    pub(crate) is_whole: bool,
}

impl PoseGuidance {
    /// The goal, in cells.
    #[must_use]
    pub const fn goal(&self) -> CellPose {
        self.goal
    }

    /// The version of the costs that it was computed on.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether it is for the cells of a costmap, with these travel costs, and for this robot.
    #[must_use]
    pub fn fits(&self, costmap: &Costmap, travel: Travel, lattice: &Lattice) -> bool {
        self.geometry == *costmap.geometry()
            && self.travel == travel
            && self.lattice.outline() == lattice.outline()
            && self.lattice.motion() == lattice.motion()
            && self.lattice.headings().len() == lattice.headings().len()
    }

    /// Whether all states are known: one without a cost has no way to the goal.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// What tells it from other guidance to the same goal.
    pub(crate) const fn key(&self) -> (u64, u16) {
        (self.version, self.final_below)
    }

    /// What the way from a state to the goal costs, in cells, if it is known.
    #[must_use]
    pub fn cost_to_go(&self, state: State) -> Option<f32> {
        self.value(state).map(|value| f32::from(value) / UNITS_PER_CELL as f32)
    }

    /// The way from a state to the goal, if the state is one from where it is straight there.
    pub(crate) fn end(&self, state: State) -> Option<&Connector> {
        self.ends.binary_search_by_key(&state, |end| end.state).ok().map(|at| &self.ends[at])
    }

    pub(crate) fn value(&self, state: State) -> Option<u16> {
        let place = self.places[self.division.tile(state.cell)?];
        if place == NO_VALUES {
            return None;
        }
        let (strip, lane) = strip_of(place as usize, self.lattice.headings().len(), state);
        let value = self.values[strip * SIDE + lane];
        (value < self.final_below && value != UNREACHED).then_some(value)
    }

    /// Bytes that it takes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        2 * self.values.len() + 4 * self.places.len()
    }
}

/// Guidance on present costs: of what it says, that is true which still is.
pub(crate) struct OnGround<'a, W, C> {
    pub guidance: &'a PoseGuidance,
    /// The weight of a cell.
    pub weight: W,
    /// Whether nothing is in the way of an edge from a cell.
    pub is_clear: C,
}

impl<W: Fn(Cell) -> f32, C: Fn(&Edge, Cell) -> bool> CostsToGo for OnGround<'_, W, C> {
    fn exact(&self, state: State) -> Option<u16> {
        self.guidance.value(state)
    }

    fn is_seed(&self, state: State, cost: u16) -> bool {
        self.guidance.end(state).is_some_and(|end| units(end.cost) == cost)
    }

    fn ways_on(&self, state: State, value: u16, most: u32, mut tell: impl FnMut(WayOn)) {
        let PoseGuidance { edges, levels, lattice, .. } = self.guidance;
        for at in &edges.out[state.heading as usize] {
            let edge = &edges.all[*at as usize];
            let beside = |by: Cell| Cell::new(state.cell.col + by.col, state.cell.row + by.row);
            let next = State { cell: beside(edge.step), heading: edge.to };
            let Some(rest) = self.guidance.value(next).filter(|rest| *rest < value) else { continue };
            let cost = |level: usize| u32::from(rest) + u32::from(edge.costs[level]);
            if cost(0) > most {
                continue;
            }
            let cost = cost(levels.nearest((self.weight)(beside(edge.middle))) as usize);
            if cost <= most && (self.is_clear)(&lattice.edges()[*at as usize], state.cell) {
                tell((cost, rest, *at, next));
            }
        }
    }
}

/// A cost in cells in units.
pub(crate) fn units(cells: f32) -> u16 {
    (cells * UNITS_PER_CELL as f32).round().clamp(0.0, f32::from(u16::MAX / 2)) as u16
}
