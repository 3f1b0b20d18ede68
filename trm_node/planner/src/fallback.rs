//! The classical fallback: A* over the whole costmap.

use std::cmp::Reverse;

use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::moves::{iter_moves, legal_moves_given};
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, MOVES};

use crate::search::{Ended, Frontier, Space, trace};
use crate::search_map::SearchMap;

/// How many cells are expanded between two checks of the time.
const EXPANSIONS_PER_CHECK: u32 = 128;

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A path was found and written.
    Path,
    /// A path was found, but it is longer than the buffer.
    TooLong,
    /// There is no path: every reachable cell was expanded.
    None,
    /// `may_go_on` returned false.
    TimedOut,
    /// The search saw as many cells as it has memory for without reaching the goal.
    OutOfRoom,
}

/// Estimated total costs are rounded down to multiples of 1 / this, in cells, so that slightly different ones are
/// equal.
const STEPS_PER_CELL: f32 = 8.0;

/// Estimates are multiplied by this, so that cost plus estimate falls along the best path. Otherwise the rounding of
/// thousands of moves could make it rise, and all paths of nearly the same cost would be expanded first.
const ESTIMATE_FACTOR: f32 = 1.001;

/// A waiting cell. The one with the least estimated total cost is expanded first. Among equal ones it is the one
/// farthest from the start, so that a good heuristic leads straight to the goal instead of over all paths of the same
/// cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The estimated cost of the whole path, times [`STEPS_PER_CELL`].
    total: Reverse<u32>,
    /// The cost from the start as bits. It is never negative, so the bits have the same order.
    cost: u32,
    /// The row in the upper 16 bits, the column in the lower 16.
    cell: u32,
}

impl Entry {
    fn new(cost: f32, estimate: f32, cell: Cell) -> Self {
        let cell = (cell.row as u32) << 16 | cell.col as u32;
        Self {
            total: Reverse(((cost + ESTIMATE_FACTOR * estimate) * STEPS_PER_CELL) as u32),
            cost: cost.to_bits(),
            cell,
        }
    }

    const fn cell(&self) -> Cell {
        Cell::new((self.cell & 0xFFFF) as i32, (self.cell >> 16) as i32)
    }

    const fn cost(&self) -> f32 {
        f32::from_bits(self.cost)
    }
}

/// The memory of A*, which is limited however large the grid is.
#[derive(Debug, Default)]
pub struct Fallback {
    map: SearchMap,
    frontier: Frontier<Entry>,
}

/// The search space: the cells of a costmap, connected by legal moves.
struct GridSpace<'a, G> {
    costmap: &'a Costmap,
    travel: Travel,
    guidance: Option<&'a Guidance>,
    /// What the guidance doesn't know costs so much more than the way there: see [`GridSpace::estimate`].
    detour: f32,
    goal: Cell,
    map: &'a mut SearchMap,
    may_go_on: G,
    /// The reason, if the space stops the search.
    stopped: Found,
}

impl<G> GridSpace<'_, G> {
    /// Estimates the cost from a cell to the goal: with guidance its cost-to-go, otherwise the octile distance. Beside a
    /// corridor that may be far too little, and all around it would be searched first: there a detour is added.
    fn estimate(&self, cell: Cell) -> f32 {
        let known = self.guidance.map_or(f32::INFINITY, |guidance| guidance.cost_to_go(cell));
        // Weights are at least 1, so a length never exceeds a cost.
        if known.is_finite() { known } else { cell.octile(self.goal) + self.detour }
    }
}

impl<G: FnMut() -> bool> Space for GridSpace<'_, G> {
    type Entry = Entry;

    fn settle(&mut self, entry: &Entry) -> bool {
        // If it costs more, a better path to this cell has been found since.
        self.map.place(entry.cell()).is_some_and(|at| entry.cost() <= self.map.cost(at))
    }

    fn is_end(&self, entry: &Entry) -> bool {
        entry.cell() == self.goal
    }

    fn may_expand(&mut self, _: &Entry, expansions: u32) -> bool {
        if expansions.is_multiple_of(EXPANSIONS_PER_CHECK) && !(self.may_go_on)() {
            self.stopped = Found::TimedOut;
            return false;
        }
        true
    }

    fn expand(&mut self, entry: &Entry, frontier: &mut Frontier<Entry>) -> bool {
        let (cell, cost) = (entry.cell(), entry.cost());
        let Some(here) = self.costmap.cost(cell) else { return true };
        let around = self.costmap.neighbour_costs(cell);
        for index in iter_moves(legal_moves_given(&around, self.travel.allow_unknown)) {
            let next = cell.after(MOVES[index]);
            let Some(at) = self.map.place(next) else {
                self.stopped = Found::OutOfRoom;
                return false;
            };
            let new = cost + self.travel.step(here, around[index], MOVES[index]);
            if new < self.map.cost(at) {
                self.map.reach(at, new, index);
                let entry = Entry::new(new, self.estimate(next), next);
                // At most one entry per cell is wanted, which is half of the capacity.
                frontier.push(entry, |entry| self.settle(entry));
            }
        }
        true
    }
}

impl Fallback {
    /// Allocates the memory for a grid.
    pub fn prepare(&mut self, geometry: &Geometry) {
        self.map.prepare(geometry);
        let room = 2 * self.map.room() + MOVES.len();
        if self.frontier.capacity() != room {
            self.frontier = Frontier::with_capacity(room);
        }
    }

    /// The number of cells that the last search expanded.
    #[must_use]
    pub const fn expansions(&self) -> u32 {
        self.frontier.expansions()
    }

    /// Searches a path and appends its cells to `path`, from the one after `start` to `goal`. Its travel cost is at
    /// most a thousandth and a fraction of a cell above the minimum, or slightly more if the heuristic is guidance of
    /// an older grid. Never allocates: `path` must have the capacity.
    pub fn find(
        &mut self,
        costmap: &Costmap,
        travel: Travel,
        guidance: Option<&Guidance>,
        (start, goal): (Cell, Cell),
        may_go_on: impl FnMut() -> bool,
        path: &mut Vec<Cell>,
    ) -> Found {
        self.map.clear();
        let Some(first) = self.map.place(start) else { return Found::None };
        self.map.reach(first, 0.0, 0);
        let map = &mut self.map;
        let corridor = guidance.filter(|guidance| guidance.version().is_none());
        let detour = corridor.map(|guidance| guidance.cost_to_go(start)).filter(|cost| cost.is_finite()).unwrap_or(0.0);
        let mut space = GridSpace { costmap, travel, guidance, detour, goal, map, may_go_on, stopped: Found::TimedOut };
        let first = Entry::new(0.0, space.estimate(start), start);
        match self.frontier.search(&mut space, first) {
            Ended::Exhausted => Found::None,
            Ended::Stopped => space.stopped,
            Ended::Found(_) => {
                let map = &mut self.map;
                let came_by = |cell| map.place(cell).map_or(0, |at| map.came_by(at));
                if trace(start, goal, came_by, path) { Found::Path } else { Found::TooLong }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::moves::is_legal;
    use trm_grid::testing::{costmap, travel};

    fn world() -> impl Strategy<Value = Vec<String>> {
        let cell = prop_oneof![3 => Just('.'), 2 => proptest::char::range('1', '9'), 1 => Just('#'), 1 => Just('+')];
        let row = proptest::collection::vec(cell, 16);
        proptest::collection::vec(row.prop_map(|row| row.into_iter().collect()), 12)
    }

    proptest! {
        #[test]
        fn the_path_is_legal_and_costs_the_minimum_up_to_a_fraction_of_a_cell(
            rows in world(), from in (0..16, 0..12), to in (0..16, 0..12), guided in any::<bool>(),
            multiplier in prop_oneof![Just(0.0), 0.0..=3.0_f64],
        ) {
            let travel = travel(multiplier);
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let ends = (Cell::new(from.0, from.1), Cell::new(to.0, to.1));
            prop_assume!(map.is_free(ends.0, false) && map.is_free(ends.1, false));
            let guidance = Guidance::compute(&map, ends.1, travel, &|| false).unwrap();
            let mut fallback = Fallback::default();
            fallback.prepare(map.geometry());
            let room = fallback.frontier.capacity();
            for _ in 0..2 {
                let mut path = Vec::with_capacity(200);
                path.push(ends.0);
                let found = fallback.find(&map, travel, guided.then_some(&guidance), ends, || true, &mut path);
                let least = guidance.cost_to_go(ends.0);
                prop_assert_eq!(found, if least.is_finite() { Found::Path } else { Found::None });
                if found == Found::Path {
                    prop_assert_eq!(path.last(), Some(&ends.1));
                    let cost = travel.cells(&map, path.iter()) as f32;
                    prop_assert!(cost > least - 1e-3 && cost < ESTIMATE_FACTOR * least + 2.0 / STEPS_PER_CELL, "{cost}, not {least}");
                    for pair in path.windows(2) {
                        let step = MOVES.iter().position(|step| pair[0].after(*step) == pair[1]).unwrap();
                        prop_assert!(is_legal(&map, pair[0], step, false));
                    }
                }
            }
            prop_assert_eq!(fallback.frontier.capacity(), room);
        }
    }

    #[test]
    fn guidance_leads_straight_to_a_distant_goal_in_spite_of_rounding() {
        // Very many paths have the same cost, and each of their thousands of moves is rounded in the same direction.
        let map = costmap(&vec!["3".repeat(2500).as_str(); 40]);
        let ends = (Cell::new(0, 5), Cell::new(2499, 35));
        let guidance = Guidance::compute(&map, ends.1, travel(2.0), &|| false).unwrap();
        let mut fallback = Fallback::default();
        fallback.prepare(map.geometry());
        let mut path = Vec::with_capacity(100_000);
        let found = fallback.find(&map, travel(2.0), Some(&guidance), ends, || true, &mut path);
        assert_eq!(found, Found::Path);
        assert!(fallback.expansions() as usize <= path.len() + path.len() / 10, "{}", fallback.expansions());
    }

    #[test]
    fn running_out_of_time_ends_the_search() {
        let mut rows = vec![format!("{}#{}", ".".repeat(20), ".".repeat(19)); 40];
        rows[39] = ".".repeat(40);
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let map = costmap(&rows);
        let mut fallback = Fallback::default();
        fallback.prepare(map.geometry());
        let mut path = Vec::with_capacity(1600);
        let ends = (Cell::new(0, 0), Cell::new(39, 0));
        let mut checks = 0;
        let found = fallback.find(
            &map,
            travel(2.0),
            None,
            ends,
            || {
                checks += 1;
                false
            },
            &mut path,
        );
        assert_eq!((found, checks, fallback.expansions()), (Found::TimedOut, 1, EXPANSIONS_PER_CHECK));
        assert!(path.is_empty());
    }
}
