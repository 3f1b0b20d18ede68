//! The classical fallback: A* over the whole costmap, until the deadline.

use std::cmp::Reverse;

use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::moves::{iter_moves, legal_moves_given};
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, MOVES};

use crate::search::{Ended, Frontier, Space, trace};
use crate::search_map::SearchMap;

/// How many cells are expanded between two looks at the clock.
const EXPANSIONS_A_LOOK: u32 = 128;

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The path is written.
    Path,
    /// There is one, but no room to write it.
    TooLong,
    /// Every cell that can be reached was seen: there is no path.
    None,
    /// `may_go_on` said no.
    TimedOut,
    /// [`MOST_CELLS`](crate::search_map::MOST_CELLS) cells were seen.
    TooFar,
}

/// Estimates that differ by less than this part of a cell count as equal.
const PARTS: f32 = 8.0;

/// Estimates count so much more than they are, so that the sum of cost and estimate falls along the best path. Else roundings
/// over thousands of moves can make it rise, and all the paths that cost nearly as little are looked at first.
const GREED: f32 = 1.001;

/// A cell that waits to be expanded. The one with the cheapest path through it comes first; of equal ones the one farthest
/// from the start, so that a good heuristic leads straight to the goal and not over all paths of the same cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Estimated cost of the whole path, in [`PARTS`] of a cell.
    total: Reverse<u32>,
    /// Cost from the start as bits: it isn't negative, so they sort as it does.
    cost: u32,
    /// Its row and its column, 16 bits each.
    cell: u32,
}

impl Entry {
    fn new(cost: f32, estimate: f32, cell: Cell) -> Self {
        let cell = (cell.row as u32) << 16 | cell.col as u32;
        Self { total: Reverse(((cost + GREED * estimate) * PARTS) as u32), cost: cost.to_bits(), cell }
    }

    const fn cell(&self) -> Cell {
        Cell::new((self.cell & 0xFFFF) as i32, (self.cell >> 16) as i32)
    }

    const fn cost(&self) -> f32 {
        f32::from_bits(self.cost)
    }
}

/// Scratch of A*, sized for a grid, and for no more than [`MOST_CELLS`](crate::search_map::MOST_CELLS) cells.
#[derive(Debug, Default)]
pub struct Fallback {
    map: SearchMap,
    frontier: Frontier<Entry>,
}

/// The cells of a costmap, joined by legal moves.
struct GridSpace<'a, G> {
    costmap: &'a Costmap,
    travel: Travel,
    guidance: Option<&'a Guidance>,
    goal: Cell,
    map: &'a mut SearchMap,
    may_go_on: G,
    /// Why the space stopped the search.
    stopped: Found,
}

impl<G> GridSpace<'_, G> {
    /// An estimate of the cost from a cell to the goal.
    fn estimate(&self, cell: Cell) -> f32 {
        let known = self.guidance.map_or(f32::INFINITY, |guidance| guidance.cost_to_go(cell));
        // No weight is less than 1, so a length is never more than a cost.
        if known.is_finite() { known } else { cell.octile(self.goal) }
    }
}

impl<G: FnMut() -> bool> Space for GridSpace<'_, G> {
    type Entry = Entry;

    fn settle(&mut self, entry: &Entry) -> bool {
        // Dearer: a better way to this cell was found since.
        self.map.place(entry.cell()).is_some_and(|at| entry.cost() <= self.map.cost(at))
    }

    fn is_end(&self, entry: &Entry) -> bool {
        entry.cell() == self.goal
    }

    fn may_expand(&mut self, _: &Entry, expansions: u32) -> bool {
        if expansions.is_multiple_of(EXPANSIONS_A_LOOK) && !(self.may_go_on)() {
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
                self.stopped = Found::TooFar;
                return false;
            };
            let new = cost + self.travel.step(here, around[index], MOVES[index]);
            if new < self.map.cost(at) {
                self.map.reach(at, new, index);
                let entry = Entry::new(new, self.estimate(next), next);
                // At most one entry for each cell is wanted, which is half of the room.
                frontier.push(entry, |entry| self.settle(entry));
            }
        }
        true
    }
}

impl Fallback {
    /// Sizes the scratch for a grid.
    pub fn prepare(&mut self, geometry: &Geometry) {
        self.map.prepare(geometry);
        let room = 2 * self.map.room() + MOVES.len();
        if self.frontier.capacity() != room {
            self.frontier = Frontier::with_capacity(room);
        }
    }

    /// Cells that the last search expanded.
    #[must_use]
    pub const fn expansions(&self) -> u32 {
        self.frontier.expansions()
    }

    /// Appends the cells of a path after `start`, up to `goal`, to `path`. Its travel cost is the least there is, up to a
    /// thousandth and a part of a cell; with the guidance of an older grid as heuristic it may be a little more.
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
        let mut space = GridSpace { costmap, travel, guidance, goal, map, may_go_on, stopped: Found::TimedOut };
        let first = Entry::new(0.0, space.estimate(start), start);
        match self.frontier.search(&mut space, first) {
            Ended::Exhausted => Found::None,
            Ended::Stopped => space.stopped,
            Ended::Found(_) => {
                let map = &mut self.map;
                let came = |cell| map.place(cell).map_or(0, |at| map.came(at));
                if trace(start, goal, came, path) { Found::Path } else { Found::TooLong }
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
        fn the_path_costs_what_dijkstras_does_but_for_a_part_of_a_cell_and_is_legal(
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
                    prop_assert!(cost > least - 1e-3 && cost < GREED * least + 2.0 / PARTS, "{cost}, not {least}");
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
    fn guidance_leads_straight_to_a_goal_that_is_far_however_costs_are_rounded() {
        // Thousands of ways cost the same, and each of thousands of moves rounds the same way.
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
    fn time_that_is_up_ends_the_search() {
        let mut rows = vec![format!("{}#{}", ".".repeat(20), ".".repeat(19)); 40];
        rows[39] = ".".repeat(40);
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let map = costmap(&rows);
        let mut fallback = Fallback::default();
        fallback.prepare(map.geometry());
        let mut path = Vec::with_capacity(1600);
        let ends = (Cell::new(0, 0), Cell::new(39, 0));
        let mut looks = 0;
        let found = fallback.find(
            &map,
            travel(2.0),
            None,
            ends,
            || {
                looks += 1;
                false
            },
            &mut path,
        );
        assert_eq!((found, looks, fallback.expansions()), (Found::TimedOut, 1, EXPANSIONS_A_LOOK));
        assert!(path.is_empty());
    }
}
