//! Random pairs of cells that can reach each other.

use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, MOVES};

use crate::worlds::random::Random;

/// [`Regions::pair`] refuses a world with less than this part of its cells free: one in so many.
const LEAST_FREE: usize = 16;
/// How many pairs are drawn before the search for one in the same region is given up.
const TRIES: usize = 100;
/// A cell that isn't free.
const NONE: u32 = u32::MAX;

/// Which free cells can reach each other. A diagonal move needs both cells beside it free, so straight moves decide.
pub struct Regions {
    /// The region of each cell, row-major; [`NONE`] where it isn't free.
    labels: Vec<u32>,
    /// The places of all free cells.
    free: Vec<usize>,
    count: u32,
}

impl Regions {
    /// The regions of a grid.
    pub fn of(costmap: &Costmap) -> Self {
        let geometry = costmap.geometry();
        let cells = geometry.cells();
        let is_free = |at: &usize| costmap.is_free(geometry.cell(*at), false);
        let free: Vec<usize> = (0..cells).filter(is_free).collect();
        let mut labels = vec![NONE; cells];
        let mut count = 0;
        let mut open = Vec::new();
        for first in &free {
            if labels[*first] != NONE {
                continue;
            }
            labels[*first] = count;
            open.push(*first);
            while let Some(at) = open.pop() {
                for step in MOVES.iter().filter(|step| !step.is_diagonal()) {
                    let next = geometry.index(geometry.cell(at).after(*step)).filter(is_free);
                    if let Some(next) = next.filter(|next| labels[*next] == NONE) {
                        labels[next] = count;
                        open.push(next);
                    }
                }
            }
            count += 1;
        }
        Self { labels, free, count }
    }

    /// The number of regions.
    #[cfg(test)]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The region of a place in the grid; `None` where it isn't free.
    pub fn label(&self, at: usize) -> Option<u32> {
        self.labels.get(at).copied().filter(|label| *label != NONE)
    }

    /// Whether two places in the grid are free and can reach each other.
    pub fn are_joined(&self, a: usize, b: usize) -> bool {
        self.labels[a] == self.labels[b] && self.labels[a] != NONE
    }

    /// A random pair of cells in the same region, all equally likely. `None` when too few cells are free, or hardly any
    /// can reach each other.
    pub fn pair(&self, costmap: &Costmap, random: &mut Random) -> Option<(Cell, Cell)> {
        if self.free.len() < self.labels.len() / LEAST_FREE { None } else { self.any_pair(costmap, random) }
    }

    /// The same on a grid that may have few free cells, such as a map with large unknown areas around it.
    pub fn any_pair(&self, costmap: &Costmap, random: &mut Random) -> Option<(Cell, Cell)> {
        if self.count == 0 {
            return None;
        }
        (0..TRIES).find_map(|_| {
            let [a, b] = [(); 2].map(|()| self.free[random.below(self.free.len())]);
            let cell = |at| costmap.geometry().cell(at);
            (a != b && self.are_joined(a, b)).then(|| (cell(a), cell(b)))
        })
    }
}
