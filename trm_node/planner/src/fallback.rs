//! The classical fallback: A* over the whole costmap.

use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::moves::{iter_moves, legal_moves_given};
use trm_grid::step_costs::{StepCosts, UNITS_PER_CELL};
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, MOVES};

use crate::buckets::{Buckets, Keyed};
use crate::endpoints::{GoalArea, Start};
use crate::search::{Ended, Frontier, Space, trace};
use crate::search_map::{SearchMap, UNREACHED};

/// How many cells are expanded between two checks of the time.
const EXPANSIONS_PER_CHECK: u32 = 128;

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A path to this cell was found.
    Path(Cell),
    /// There is no path to any cell of the goal's area: every reachable cell was expanded.
    None,
    /// `may_go_on` returned false.
    TimedOut,
    /// The search saw as many cells as it has memory for without reaching the goal.
    OutOfRoom,
}

/// Estimated total costs are compared in steps of so many units, a power of two: about an eighth of a cell. So slightly
/// different ones are equal.
const STEP_SHIFT: u32 = 8;

/// Estimates are raised by this part of theirs, in 1024ths, so that cost plus estimate falls along the best path.
/// Otherwise the rounding of thousands of moves could make it rise, and all paths of nearly the same cost would be expanded
/// first.
const RAISED: u64 = 1;

/// Stands for the move that led to a cell where the search began.
const NO_MOVE: usize = MOVES.len();

/// A waiting cell. The one with the least estimated total cost is expanded first. Among equal ones it is the one that was
/// seen last, so that a good heuristic leads straight to the goal instead of over all paths of the same cost.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The estimated cost of the whole path, in steps.
    total: u32,
    /// The cost from the start, in units.
    cost: u32,
    /// The cell's position in the search's map.
    place: u32,
}

impl Keyed for Entry {
    fn key(&self) -> u32 {
        self.total
    }
}

/// The memory of A*, which is limited however large the grid is.
#[derive(Debug)]
pub struct Fallback {
    map: SearchMap,
    frontier: Frontier<Buckets<Entry>>,
    /// By how much estimates are raised, in 1024ths.
    raised: u64,
}

impl Default for Fallback {
    fn default() -> Self {
        Self::weighted(1.0)
    }
}

/// The search space: the cells of a costmap, connected by legal moves.
struct GridSpace<'a, G> {
    costmap: &'a Costmap,
    allow_unknown: bool,
    costs: StepCosts,
    guidance: Option<&'a Guidance>,
    /// What the guidance doesn't know costs so much more than the way there: see [`GridSpace::estimate`].
    detour: u32,
    raised: u64,
    goal: Cell,
    map: &'a mut SearchMap,
    may_go_on: G,
    /// The reason, if the space stops the search.
    stopped: Found,
}

impl<G> GridSpace<'_, G> {
    /// Estimates the cost from a cell to the goal: with guidance its cost-to-go, otherwise the octile distance. Beside a
    /// corridor that may be far too little, and all around it would be searched first: there a detour is added.
    fn estimate(&self, cell: Cell) -> u32 {
        // Weights are at least 1, so a length never exceeds a cost.
        let unknown = || self.costs.octile(cell, self.goal) + self.detour;
        self.guidance.and_then(|guidance| guidance.units(cell)).unwrap_or_else(unknown)
    }

    fn entry(&self, cost: u32, (place, cell): (u32, Cell)) -> Entry {
        let estimate = u64::from(self.estimate(cell));
        let total = u64::from(cost) + estimate + ((estimate * self.raised) >> 10);
        Entry { total: (total >> STEP_SHIFT) as u32, cost, place }
    }
}

impl<G: FnMut() -> bool> Space for GridSpace<'_, G> {
    type Entry = Entry;
    type Waiting = Buckets<Entry>;

    fn settle(&mut self, entry: &Entry) -> bool {
        // If it costs more, a better path to this cell has been found since.
        entry.cost <= self.map.cost(entry.place)
    }

    fn is_end(&self, entry: &Entry) -> bool {
        self.map.cell(entry.place) == self.goal
    }

    fn may_expand(&mut self, _: &Entry, expansions: u32) -> bool {
        if expansions.is_multiple_of(EXPANSIONS_PER_CHECK) && !(self.may_go_on)() {
            self.stopped = Found::TimedOut;
            return false;
        }
        true
    }

    fn expand(&mut self, entry: &Entry, frontier: &mut Frontier<Buckets<Entry>>) -> bool {
        let is_greedy = self.raised > RAISED;
        if is_greedy {
            self.map.close(entry.place);
        }
        let cell = self.map.cell(entry.place);
        let Some(here) = self.costmap.cost(cell) else { return true };
        let around = self.costmap.neighbour_costs(cell);
        for index in iter_moves(legal_moves_given(&around, self.allow_unknown)) {
            let Some(at) = self.map.after((entry.place, cell), index) else {
                self.stopped = Found::OutOfRoom;
                return false;
            };
            let new = entry.cost.saturating_add(self.costs.step(here, around[index], MOVES[index]));
            let before = self.map.cost(at);
            if new < before && !(is_greedy && before != UNREACHED && self.map.is_closed(at)) {
                self.map.reach(at, new, index);
                let entry = self.entry(new, (at, cell.after(MOVES[index])));
                // At most one entry per cell is wanted, which is less than the capacity.
                frontier.push(entry, |entry| self.settle(entry));
            }
        }
        true
    }
}

impl Fallback {
    /// Weighted A*: estimates count `weight` times, and paths may cost that much more. With a weight above 1 no cell is
    /// expanded twice, which doesn't change that bound (Likhachev, Gordon and Thrun, ARA*, 2003).
    #[must_use]
    pub fn weighted(weight: f64) -> Self {
        let raised = ((weight - 1.0) * 1024.0).round() as u64;
        Self { map: SearchMap::default(), frontier: Frontier::with_capacity(0), raised: raised.max(RAISED) }
    }

    /// Allocates the memory for a grid.
    pub fn prepare(&mut self, geometry: &Geometry) {
        self.map.prepare(geometry);
        let room = self.map.room() + self.map.room() / 2 + MOVES.len();
        if self.frontier.capacity() != room {
            self.frontier = Frontier::with_capacity(room);
        }
    }

    /// The number of cells that the last search expanded.
    #[must_use]
    pub const fn expansions(&self) -> u32 {
        self.frontier.expansions()
    }

    /// Searches a path from the cheapest of `starts` to `goal`. Where none leads there, every cell that can be reached has
    /// been expanded, and the path leads to the one of the area that is nearest to the goal.
    ///
    /// The path's travel cost, that of its start included, is at most a thousandth and a fraction of a cell above the
    /// minimum, or slightly more if the heuristic is guidance of an older grid. Never allocates.
    pub fn find(
        &mut self,
        (costmap, travel): (&Costmap, Travel),
        guidance: Option<&Guidance>,
        starts: &[Start],
        (goal, area): (Cell, &GoalArea),
        may_go_on: impl FnMut() -> bool,
    ) -> Found {
        self.map.clear();
        // Beside a corridor.
        let corridor = guidance.filter(|guidance| guidance.is_part());
        let to_go = |start: &Start| corridor.and_then(|corridor| corridor.units(start.cell));
        let mut space = GridSpace {
            costmap,
            allow_unknown: travel.allow_unknown,
            costs: StepCosts::new(travel),
            guidance,
            detour: starts.iter().filter_map(to_go).max().unwrap_or(0),
            raised: self.raised,
            goal,
            map: &mut self.map,
            may_go_on,
            stopped: Found::TimedOut,
        };
        self.frontier.clear();
        for Start { cell, cost } in starts {
            let Some(at) = space.map.place(*cell) else { return Found::OutOfRoom };
            let cost = (cost * UNITS_PER_CELL as f32) as u32;
            if cost < space.map.cost(at) {
                space.map.reach(at, cost, NO_MOVE);
                let entry = space.entry(cost, (at, *cell));
                self.frontier.push(entry, |entry| space.settle(entry));
            }
        }
        match self.frontier.go_on(&mut space) {
            Ended::Exhausted => self.nearest(area).map_or(Found::None, Found::Path),
            Ended::Stopped => space.stopped,
            Ended::Found(_) => Found::Path(goal),
        }
    }

    /// The cell of an area nearest to the goal that the last search reached.
    fn nearest(&mut self, area: &GoalArea) -> Option<Cell> {
        area.nearest(|cell| self.map.is_reached(cell))
    }

    /// The start of the path that the last search found to a cell.
    pub fn start_of(&mut self, end: Cell) -> Cell {
        let mut cell = end;
        while let Some(step) = MOVES.get(self.came_by(cell)) {
            cell = Cell::new(cell.col - step.cols, cell.row - step.rows);
        }
        cell
    }

    /// Appends the cells of the path that the last search found, from the one after `start` to `end`. Never allocates:
    /// returns false if the capacity of `path` is too small.
    pub fn append(&mut self, (start, end): (Cell, Cell), path: &mut Vec<Cell>) -> bool {
        trace(start, end, |cell| self.came_by(cell), path)
    }

    /// The move that led to a cell.
    fn came_by(&mut self, cell: Cell) -> usize {
        self.map.place(cell).map_or(NO_MOVE, |at| self.map.came_by(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::moves::is_legal;
    use trm_grid::testing::{costmap, travel};
    use trm_grid::units::Point;

    fn world() -> impl Strategy<Value = Vec<String>> {
        let cell = prop_oneof![3 => Just('.'), 2 => proptest::char::range('1', '9'), 1 => Just('#'), 1 => Just('+')];
        let row = proptest::collection::vec(cell, 16);
        proptest::collection::vec(row.prop_map(|row| row.into_iter().collect()), 12)
    }

    fn start(cell: Cell) -> Start {
        Start { cell, cost: 0.0 }
    }

    proptest! {
        #[test]
        fn the_search_takes_the_cheapest_start_and_ends_in_the_nearest_cell_that_any_of_them_reaches(
            rows in world(), from in proptest::collection::vec(((0..16, 0..12), 0.0..5.0_f32), 1..5),
            x in 0.0..16.0_f64, y in 0.0..12.0_f64, tolerance in 0.0..5.0_f64,
        ) {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let starts = from.iter().map(|((col, row), cost)| Start { cell: Cell::new(*col, *row), cost: *cost });
            let starts: Vec<Start> = starts.filter(|start| map.is_free(start.cell, false)).collect();
            let area = GoalArea::new(map.geometry(), tolerance, Point { x, y }).unwrap();
            let Some(goal) = area.nearest(|cell| map.is_free(cell, false)) else { return Ok(()) };
            prop_assume!(!starts.is_empty());
            let least = |goal: Cell| {
                let guidance = Guidance::compute(&map, goal, travel(2.0), &|| false).unwrap();
                starts.iter().map(|start| start.cost + guidance.cost_to_go(start.cell)).fold(f32::INFINITY, f32::min)
            };
            let cells = (0..16 * 12).map(|at| map.geometry().cell(at));
            let reached = cells.filter(|cell| area.distance(*cell).is_some() && least(*cell).is_finite());
            let distances = reached.filter_map(|cell| area.distance(cell));
            let nearest = distances.fold(f64::INFINITY, f64::min);
            let mut fallback = Fallback::default();
            fallback.prepare(map.geometry());
            match fallback.find((&map, travel(2.0)), None, &starts, (goal, &area), || true) {
                Found::Path(end) => {
                    prop_assert_eq!(area.distance(end), Some(nearest));
                    let (from, mut path) = (fallback.start_of(end), Vec::with_capacity(200));
                    path.push(from);
                    prop_assert!(fallback.append((from, end), &mut path) && path.last() == Some(&end));
                    let extra = starts.iter().filter(|start| start.cell == from).map(|start| start.cost);
                    let cost = extra.fold(f32::INFINITY, f32::min) + travel(2.0).cells(&map, path.iter()) as f32;
                    prop_assert!(cost < 1.001 * least(end) + 0.25, "{cost}, not {}", least(end));
                }
                found => prop_assert!(found == Found::None && nearest.is_infinite()),
            }
        }

        #[test]
        fn the_path_is_legal_and_costs_the_minimum_times_the_weight_up_to_a_fraction_of_a_cell(
            rows in world(), from in (0..16, 0..12), to in (0..16, 0..12), guided in any::<bool>(),
            multiplier in prop_oneof![Just(0.0), 0.0..=3.0_f64], weight in prop_oneof![3 => Just(1.0), 1 => 1.0..2.0_f64],
        ) {
            let travel = travel(multiplier);
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let ends = (Cell::new(from.0, from.1), Cell::new(to.0, to.1));
            prop_assume!(map.is_free(ends.0, false) && map.is_free(ends.1, false));
            let guidance = Guidance::compute(&map, ends.1, travel, &|| false).unwrap();
            let mut fallback = Fallback::weighted(weight);
            fallback.prepare(map.geometry());
            let room = fallback.frontier.capacity();
            for _ in 0..2 {
                let mut path = Vec::with_capacity(200);
                path.push(ends.0);
                let goal = (ends.1, &GoalArea::only(ends.1));
                let found = fallback.find((&map, travel), guided.then_some(&guidance), &[start(ends.0)], goal, || true);
                let least = guidance.cost_to_go(ends.0);
                prop_assert_eq!(found, if least.is_finite() { Found::Path(ends.1) } else { Found::None });
                if found != Found::None {
                    prop_assert_eq!(fallback.start_of(ends.1), ends.0);
                    prop_assert!(fallback.append(ends, &mut path));
                    prop_assert_eq!(path.last(), Some(&ends.1));
                    let cost = travel.cells(&map, path.iter()) as f32;
                    // Each move of the guidance is rounded.
                    prop_assert!(cost > least - 0.01 && cost < weight.max(1.001) as f32 * least + 0.25, "{cost}, not {least}");
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
        let goal = (ends.1, &GoalArea::only(ends.1));
        let found = fallback.find((&map, travel(2.0)), Some(&guidance), &[start(ends.0)], goal, || true);
        assert_eq!(found, Found::Path(ends.1));
        assert!(fallback.append(ends, &mut path));
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
        let goal = Cell::new(39, 0);
        let mut checks = 0;
        let may_go_on = || {
            checks += 1;
            false
        };
        let from = [start(Cell::new(0, 0))];
        let found = fallback.find((&map, travel(2.0)), None, &from, (goal, &GoalArea::only(goal)), may_go_on);
        assert_eq!((found, checks, fallback.expansions()), (Found::TimedOut, 1, EXPANSIONS_PER_CHECK));
    }
}
