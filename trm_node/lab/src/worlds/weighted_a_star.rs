//! Weighted A*, which the model is compared with. The heuristic is the octile distance to the goal, times a weight.

use std::cmp::Reverse;

use trm_grid::costmap::Costmap;
use trm_grid::moves::{iter_moves, legal_moves_given};
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, MOVES};
use trm_planner::search::{Ended, Frontier, Space, trace};

/// Scratch for grids of one size.
pub struct WeightedAStar {
    visits: Visits,
    frontier: Frontier<Entry>,
}

/// What the searches know of each cell.
struct Visits {
    /// Least cost from the start so far; valid where `mark` is of this search.
    cost: Vec<f32>,
    /// The move that led to the cell, as an index into [`MOVES`]; valid where `mark` is of this search.
    came: Vec<u8>,
    /// `reached` or `expanded` of the last search that came to the cell.
    mark: Vec<u32>,
    /// This search's mark for cells that were reached: an even number, greater than all marks of earlier searches.
    reached: u32,
}

/// A cell that waits to be expanded. The one with the least estimate comes first, among equals the one farthest from
/// the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Cost plus weighted heuristic as bits: neither is negative, so bits sort as the numbers do.
    estimate: Reverse<u32>,
    /// Cost from the start as bits.
    cost: u32,
    /// The cell's place in the grid's row-major data.
    cell: u32,
}

/// The cells of a costmap, joined by legal moves.
struct WeightedSpace<'a> {
    costmap: &'a Costmap,
    travel: Travel,
    weight: f32,
    goal: Cell,
    visits: &'a mut Visits,
}

impl Visits {
    fn begin(&mut self) {
        // Each search uses up two numbers. When they run out, after billions of searches, all marks are cleared.
        self.reached = self.reached.checked_add(2).unwrap_or_else(|| {
            self.mark.fill(0);
            2
        });
    }

    const fn expanded(&self) -> u32 {
        self.reached + 1
    }

    /// Whether an entry is still to be expanded, at the least cost known for its cell.
    fn is_wanted(&self, entry: &Entry) -> bool {
        let at = entry.cell as usize;
        self.mark[at] == self.reached && f32::from_bits(entry.cost) <= self.cost[at]
    }

    /// Notes a way to a cell. `false` when one as cheap is known, or the cell was expanded.
    fn reach(&mut self, at: usize, cost: f32, came: usize) -> bool {
        let mark = self.mark[at];
        let is_better = mark < self.reached || (mark == self.reached && cost < self.cost[at]);
        if is_better {
            self.mark[at] = self.reached;
            self.cost[at] = cost;
            self.came[at] = came as u8;
        }
        is_better
    }
}

impl WeightedSpace<'_> {
    fn entry(&self, cost: f32, cell: Cell, at: usize) -> Entry {
        let estimate = cost + self.weight * cell.octile(self.goal);
        Entry { estimate: Reverse(estimate.to_bits()), cost: cost.to_bits(), cell: at as u32 }
    }
}

impl Space for WeightedSpace<'_> {
    type Entry = Entry;

    fn settle(&mut self, entry: &Entry) -> bool {
        let is_wanted = self.visits.is_wanted(entry);
        if is_wanted {
            self.visits.mark[entry.cell as usize] = self.visits.expanded();
        }
        is_wanted
    }

    fn is_end(&self, entry: &Entry) -> bool {
        self.costmap.geometry().cell(entry.cell as usize) == self.goal
    }

    fn may_expand(&mut self, _: &Entry, _: u32) -> bool {
        true
    }

    fn expand(&mut self, entry: &Entry, frontier: &mut Frontier<Entry>) -> bool {
        let geometry = self.costmap.geometry();
        let (cell, cost) = (geometry.cell(entry.cell as usize), f32::from_bits(entry.cost));
        let Some(here) = self.costmap.cost(cell) else { return true };
        let around = self.costmap.neighbour_costs(cell);
        for index in iter_moves(legal_moves_given(&around, self.travel.allow_unknown)) {
            let step = MOVES[index];
            let next = cell.after(step);
            let Some(at) = geometry.index(next) else { continue };
            let new = cost + self.travel.step(here, around[index], step);
            if self.visits.reach(at, new, index) {
                // At most one entry for each cell is wanted, which is half of the room.
                frontier.push(self.entry(new, next, at), |entry| self.visits.is_wanted(entry));
            }
        }
        true
    }
}

impl WeightedAStar {
    /// Scratch for `cells` cells.
    pub fn new(cells: usize) -> Self {
        Self {
            visits: Visits { cost: vec![f32::INFINITY; cells], came: vec![0; cells], mark: vec![0; cells], reached: 0 },
            frontier: Frontier::with_capacity(2 * cells + MOVES.len()),
        }
    }

    /// Writes the cells of a path from `start` to `goal`; `false` when there is none. With a weight of 1 it is a best
    /// path, otherwise it costs at most `weight` times as much. No cell is expanded twice; the bound holds
    /// nevertheless, as the heuristic is consistent (Likhachev, Gordon and Thrun, ARA*, 2003).
    pub fn find(
        &mut self,
        costmap: &Costmap,
        travel: Travel,
        weight: f32,
        (start, goal): (Cell, Cell),
        path: &mut Vec<Cell>,
    ) -> bool {
        path.clear();
        let geometry = costmap.geometry();
        let Some(first) = geometry.index(start) else { return false };
        self.visits.begin();
        self.visits.reach(first, 0.0, 0);
        let mut space = WeightedSpace { costmap, travel, weight, goal, visits: &mut self.visits };
        let first = space.entry(0.0, start, first);
        let Ended::Found(_) = self.frontier.search(&mut space, first) else { return false };
        path.reserve(self.visits.came.len());
        path.push(start);
        let came = |cell| geometry.index(cell).map_or(0, |at| self.visits.came[at] as usize);
        trace(start, goal, came, path)
    }
}

#[cfg(test)]
mod tests {
    use trm_config::GridConfig;
    use trm_grid::moves::legal_moves;

    use super::*;
    use crate::worlds::generators::WorldKind;
    use crate::worlds::optimum::field;
    use crate::worlds::random::Random;
    use crate::worlds::regions::Regions;
    use crate::worlds::world;

    #[test]
    fn paths_are_legal_and_cost_at_most_the_weight_times_the_least() {
        let travel = Travel::new(&GridConfig::default());
        let mut search = WeightedAStar::new(24 * 24);
        let mut path = Vec::new();
        for seed in 0..60 {
            let mut random = Random::new(seed);
            let kind = WorldKind::EVALUATED[seed as usize % 8];
            let cells = kind.generate(24, &mut random);
            let costs: Vec<u8> =
                cells.blocked.iter().map(|blocked| if *blocked { 100 } else { random.below(99) as u8 }).collect();
            let costmap = world::costmap(24, 0.1, &costs).unwrap();
            let Some((start, goal)) = Regions::of(&costmap).pair(&costmap, &mut random) else { continue };
            let least = f64::from(field(&costmap, goal, travel).unwrap().cost_to_go(start));
            for weight in [1.0, 1.5, 2.0] {
                assert!(search.find(&costmap, travel, weight, (start, goal), &mut path));
                assert_eq!((path[0], *path.last().unwrap()), (start, goal));
                for pair in path.windows(2) {
                    let moves = iter_moves(legal_moves(&costmap, pair[0], false));
                    assert!(moves.into_iter().any(|index| pair[0].after(MOVES[index]) == pair[1]));
                }
                let cost = travel.cells(&costmap, path.iter());
                assert!(cost > least - 1e-2 && cost < f64::from(weight) * least + 1e-2, "{cost} {least}");
            }
        }
        let mut walled = world::World::new(8, false);
        walled.fill(0..8, 4..5, true);
        let costmap = walled.costmap().unwrap();
        assert!(!WeightedAStar::new(64).find(&costmap, travel, 1.0, (Cell::new(0, 0), Cell::new(7, 7)), &mut path));
    }
}
