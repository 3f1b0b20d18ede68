//! Weighted A*: what the model is raced against. The heuristic is the length over free cells, times a weight.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use trm_grid::costmap::Costmap;
use trm_grid::moves::{each, legal_moves};
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, MOVES};

/// Scratch for grids of one size.
pub struct Search {
    /// Least cost from the start so far; holds where `seen` is of this search.
    cost: Vec<f32>,
    /// Twice the number of the search that has seen a cell last, and 1 more when it is done with it.
    seen: Vec<u32>,
    /// Twice the number of this search.
    now: u32,
    /// The move that led to each cell, as an index into [`MOVES`].
    came: Vec<u8>,
    open: BinaryHeap<Entry>,
}

/// A cell that waits; the one with the least estimate comes first, of equal ones the one farthest from the start.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Cost and weighted heuristic as bits: they aren't negative, so they sort as they do.
    estimate: Reverse<u32>,
    cost: u32,
    cell: u32,
}

impl Search {
    /// Scratch for `cells` cells.
    pub fn new(cells: usize) -> Self {
        Self {
            cost: vec![f32::INFINITY; cells],
            seen: vec![0; cells],
            now: 0,
            came: vec![0; cells],
            open: BinaryHeap::with_capacity(2 * cells),
        }
    }

    /// Writes the cells of a path from `start` to `goal`; `false` when there is none. With a weight of 1 it is a best path,
    /// else it costs at most `weight` times as much. No cell is expanded twice: the bound holds all the same, as the heuristic is
    /// consistent (Likhachev, Gordon and Thrun, ARA*, 2003).
    pub fn find(
        &mut self,
        costmap: &Costmap,
        travel: Travel,
        weight: f32,
        (start, goal): (Cell, Cell),
        path: &mut Vec<Cell>,
    ) -> bool {
        let geometry = costmap.geometry();
        let (costs, width) = (costmap.costs(), geometry.width() as i32);
        path.clear();
        self.open.clear();
        // Two numbers are used up by each search; after billions of them the marks begin anew.
        self.now = self.now.checked_add(2).unwrap_or_else(|| {
            self.seen.fill(0);
            2
        });
        let (reached, done) = (self.now, self.now + 1);
        let (Some(first), Some(last)) = (geometry.index(start), geometry.index(goal)) else { return false };
        self.cost[first] = 0.0;
        self.seen[first] = reached;
        self.push(0.0, weight * start.octile(goal), first);
        while let Some(entry) = self.open.pop() {
            let at = entry.cell as usize;
            let cost = f32::from_bits(entry.cost);
            if at == last {
                self.trace(geometry.width() as usize, (first, last), path);
                return true;
            }
            if self.seen[at] == done {
                continue; // A better way to this cell was found since.
            }
            self.seen[at] = done;
            let cell = geometry.cell(at);
            for index in each(legal_moves(costmap, cell, travel.allow_unknown)) {
                let step = MOVES[index];
                let next = at.wrapping_add_signed((step.rows * width + step.cols) as isize);
                let new = cost + travel.step(costs[at], costs[next], step);
                let seen = self.seen[next];
                if seen < reached || (seen == reached && new < self.cost[next]) {
                    self.seen[next] = reached;
                    self.cost[next] = new;
                    self.came[next] = index as u8;
                    self.push(new, weight * cell.after(step).octile(goal), next);
                }
            }
        }
        false
    }

    fn push(&mut self, cost: f32, rest: f32, cell: usize) {
        let estimate = Reverse((cost + rest).to_bits());
        self.open.push(Entry { estimate, cost: cost.to_bits(), cell: cell as u32 });
    }

    fn trace(&self, width: usize, (first, last): (usize, usize), path: &mut Vec<Cell>) {
        let cell = |at: usize| Cell::new((at % width) as i32, (at / width) as i32);
        let mut at = last;
        path.push(cell(at));
        while at != first {
            let step = MOVES[self.came[at] as usize];
            at = at.wrapping_add_signed(-(step.rows as isize * width as isize + step.cols as isize));
            path.push(cell(at));
        }
        path.reverse();
    }
}

#[cfg(test)]
mod tests {
    use trm_config::GridConfig;

    use super::*;
    use crate::worlds::generators::Kind;
    use crate::worlds::optimum::field;
    use crate::worlds::random::Random;
    use crate::worlds::regions::Regions;
    use crate::worlds::world;

    #[test]
    fn paths_are_legal_and_cost_at_most_the_weight_times_the_least() {
        let travel = Travel::new(&GridConfig::default());
        let mut search = Search::new(24 * 24);
        let mut path = Vec::new();
        for seed in 0..60 {
            let mut random = Random::new(seed);
            let kind = Kind::ALL[seed as usize % 8];
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
                    let moves = each(legal_moves(&costmap, pair[0], false));
                    assert!(moves.into_iter().any(|index| pair[0].after(MOVES[index]) == pair[1]));
                }
                let cost = travel.cells(&costmap, path.iter());
                assert!(cost > least - 1e-2 && cost < f64::from(weight) * least + 1e-2, "{cost} {least}");
            }
        }
        let mut walled = world::World::new(8, false);
        walled.fill(0..8, 4..5, true);
        let costmap = walled.costmap().unwrap();
        assert!(!Search::new(64).find(&costmap, travel, 1.0, (Cell::new(0, 0), Cell::new(7, 7)), &mut path));
    }
}
