//! Guidance that is kept up while the costs change: what a change doesn't reach isn't computed again, and the result is that
//! of a computation from the start, to the last unit.

use crate::costmap::Costmap;
use crate::geometry::Geometry;
use crate::guidance::{Extent, Guidance, form};
use crate::tariff::{Tariff, UNITS, UNREACHED, in_cells};
use crate::travel::Travel;
use crate::units::Cell;
use crate::wave::Wave;

/// Where changes cover more than this part of a grid, it is computed from the start.
const MOST_CHANGED: usize = 4;

/// The cost-to-go to one goal, on changing costs.
///
/// ```
/// # use trm_config::{GridConfig, GridKind};
/// # use trm_grid::costmap_builder::CostmapBuilder;
/// # use trm_grid::geometry::{Geometry, Rect};
/// # use trm_grid::occupancy::OccupancyGrid;
/// # use trm_grid::travel::Travel;
/// # use trm_grid::units::{Cell, Pose};
/// # use trm_grid::upkeep::Upkeep;
/// let config = GridConfig::default();
/// let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
/// builder.take_grid(OccupancyGrid::new(Geometry::new(4, 3, 1.0, Pose::default())?, vec![0; 12])?);
/// builder.refresh_to_end();
/// let mut upkeep = Upkeep::new(builder.costmap().unwrap(), Cell::new(3, 1), Travel::new(&config));
/// upkeep.advance(builder.costmap().unwrap(), f32::INFINITY, &|| false);
/// assert_eq!(upkeep.guidance().cost_to_go(Cell::new(0, 1)), 3.0);
///
/// // Two obstacles appear.
/// builder.take_update(Rect { col: 1, row: 1, width: 2, height: 1 }, &[100, 100])?;
/// builder.refresh_to_end();
/// assert!(upkeep.take_changes(builder.costmap().unwrap()));
/// upkeep.advance(builder.costmap().unwrap(), f32::INFINITY, &|| false);
/// assert_eq!(upkeep.guidance().cost_to_go(Cell::new(0, 1)), 5.0);
/// # Ok::<(), trm_grid::error::GridError>(())
/// ```
pub struct Upkeep {
    wave: Wave,
    goal: Cell,
    /// Whether the goal's cell was free when it began.
    had_goal: bool,
    travel: Travel,
    geometry: Geometry,
    /// The version of the costs that are taken in.
    version: u64,
    /// The version on which all of it was right last.
    whole: Option<u64>,
}

impl Upkeep {
    /// Begins at a goal. Nothing is computed yet.
    #[must_use]
    pub fn new(costmap: &Costmap, goal: Cell, travel: Travel) -> Self {
        Self {
            wave: Wave::new(costmap, goal, Tariff::new(travel), form(costmap.geometry()), None),
            goal,
            had_goal: costmap.is_free(goal, travel.allow_unknown),
            travel,
            geometry: *costmap.geometry(),
            version: costmap.version(),
            whole: None,
        }
    }

    /// Whether it leads to this goal, at these travel costs.
    #[must_use]
    pub fn is_for(&self, goal: Cell, travel: Travel) -> bool {
        self.goal == goal && self.travel == travel
    }

    /// Takes in what has changed in the costs since the last call. `false` if that can't be told, or it is so much, that a
    /// new one is to be made.
    #[must_use]
    pub fn take_changes(&mut self, costmap: &Costmap) -> bool {
        let is_same = *costmap.geometry() == self.geometry
            && self.had_goal
            && costmap.is_free(self.goal, self.travel.allow_unknown);
        let Some(changes) = costmap.changed_since(self.version).filter(|_| is_same) else { return false };
        let area: usize = changes.iter().map(|change| change.rect.area()).sum();
        if area > self.geometry.cells() / MOST_CHANGED && area > Self::SMALL {
            return false;
        }
        for change in changes {
            self.wave.change(costmap, change.rect);
        }
        self.version = costmap.version();
        true
    }

    /// So many cells are always taken as a change.
    const SMALL: usize = 1 << 14;

    /// Computes until every cost-to-go up to a bound, in cells, is right. Needs the costs that were taken in last.
    /// `cancelled` is called now and then; `false` if it returned true, and another call goes on.
    pub fn advance(&mut self, costmap: &Costmap, bound: f32, cancelled: &dyn Fn() -> bool) -> bool {
        debug_assert_eq!(costmap.version(), self.version, "changes are taken in first");
        let units = bound * UNITS as f32;
        let bound = if units < UNREACHED as f32 { units as u32 } else { UNREACHED };
        let is_done = self.wave.advance(costmap, bound, cancelled);
        if is_done && bound == UNREACHED {
            self.whole = Some(self.version);
        }
        is_done
    }

    /// What the way from a cell costs, in cells, as far as it has come.
    #[must_use]
    pub fn cost_to_go(&self, cell: Cell) -> f32 {
        in_cells(self.wave.costs.get(cell))
    }

    /// What it has come to.
    #[must_use]
    pub fn guidance(&self) -> Guidance {
        let extent = match self.whole {
            Some(version) if version == self.version => Extent::Whole(version),
            Some(_) => Extent::Near,
            None => Extent::Part,
        };
        Guidance::of((self.geometry, extent), self.goal, self.travel, self.wave.costs.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell as Counter;
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;
    use crate::costmap_builder::CostmapBuilder;
    use crate::geometry::Rect;
    use crate::moves::{iter_moves, legal_moves};
    use crate::occupancy::OccupancyGrid;
    use crate::units::{MOVES, Pose};
    use proptest::prelude::*;
    use trm_config::{GridConfig, GridKind};

    /// Dijkstra's algorithm, cell by cell.
    fn dijkstra(map: &Costmap, goal: Cell, travel: Travel) -> Vec<f32> {
        let (geometry, tariff) = (map.geometry(), Tariff::new(travel));
        let mut costs = vec![UNREACHED; geometry.cells()];
        let mut heap = BinaryHeap::new();
        if map.is_free(goal, travel.allow_unknown) {
            costs[geometry.index(goal).unwrap()] = 0;
            heap.push(Reverse((0, goal.col, goal.row)));
        }
        while let Some(Reverse((cost, col, row))) = heap.pop() {
            let cell = Cell::new(col, row);
            if cost > costs[geometry.index(cell).unwrap()] {
                continue;
            }
            for step in iter_moves(legal_moves(map, cell, travel.allow_unknown)).map(|bit| MOVES[bit]) {
                let to = cell.after(step);
                let (from, there) = (map.cost(cell).unwrap(), map.cost(to).unwrap());
                let new = cost + tariff.step(from, there, step.is_diagonal());
                let old = &mut costs[geometry.index(to).unwrap()];
                if new < *old {
                    *old = new;
                    heap.push(Reverse((new, to.col, to.row)));
                }
            }
        }
        let cells = |units| if units < UNREACHED { units as f32 / UNITS as f32 } else { f32::INFINITY };
        costs.into_iter().map(cells).collect()
    }

    /// The value of a cell: obstacles come in blocks, so that there are ways between them.
    fn drawn(cell: Cell, seed: u32, share: u32) -> i8 {
        let hash = |a: i32, b: i32| {
            let mixed = (a as u32).wrapping_mul(0x9e37_79b1) ^ (b as u32).wrapping_mul(0x85eb_ca6b) ^ seed;
            (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d) >> 12
        };
        match (hash(cell.col / 5, cell.row / 3) % 100, hash(cell.col, cell.row)) {
            (block, _) if block < share => 100,
            (_, bits) if bits % 100 < share / 4 => 100,
            (_, bits) if bits % 100 < share / 4 + 4 => -1,
            (block, bits) if block < 80 => (bits / 128 % 99) as i8,
            _ => 0,
        }
    }

    fn values(rect: Rect, seed: u32, share: u32) -> Vec<i8> {
        rect.cells().map(|cell| drawn(cell, seed, share)).collect()
    }

    #[test]
    fn guidance_is_that_of_a_version_only_where_all_of_it_is() {
        let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
        let geometry = Geometry::new(40, 3, 1.0, Pose::default()).unwrap();
        builder.take_grid(OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap());
        builder.refresh_to_end();
        let mut upkeep = Upkeep::new(builder.costmap().unwrap(), Cell::new(0, 1), Travel::new(&GridConfig::default()));
        upkeep.advance(builder.costmap().unwrap(), 10.0, &|| false);
        assert_eq!(upkeep.guidance().extent(), Extent::Part);
        upkeep.advance(builder.costmap().unwrap(), f32::INFINITY, &|| false);
        let before = builder.costmap().unwrap().version();
        assert_eq!(upkeep.guidance().extent(), Extent::Whole(before));
        // A wall cuts off what lies behind it, on the new costs and not on those before.
        builder.take_update(Rect { col: 5, row: 0, width: 1, height: 3 }, &[100; 3]).unwrap();
        builder.refresh_to_end();
        assert!(upkeep.take_changes(builder.costmap().unwrap()));
        upkeep.advance(builder.costmap().unwrap(), 10.0, &|| false);
        assert!(upkeep.guidance().cost_to_go(Cell::new(9, 1)) > 10.0);
        assert_eq!((upkeep.guidance().extent(), upkeep.guidance().version()), (Extent::Near, None));
        upkeep.advance(builder.costmap().unwrap(), f32::INFINITY, &|| false);
        assert_eq!(upkeep.guidance().version(), Some(builder.costmap().unwrap().version()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn costs_are_those_of_dijkstra_however_they_have_changed_and_where_it_was_interrupted(
            (width, height) in (1_u32..200, 1_u32..150), seed: u32, share in 0_u32..45, goal in (0..200, 0..150),
            multiplier in prop_oneof![Just(0.0), 0.0..=3.0_f64], allow_unknown in any::<bool>(), coded in any::<bool>(),
            changes in proptest::collection::vec((0..200_i32, 0..150_i32, 1_u32..60, 1_u32..60, any::<u32>(), 0_u32..120), 1..6),
            bound in prop_oneof![Just(f32::INFINITY), 0.0..300.0_f32], patience in prop_oneof![Just(u32::MAX), 0_u32..12],
        ) {
            let config = GridConfig {
                inflation_radius: 0.0, robot_radius: 0.0, cost_travel_multiplier: multiplier, unknown_weight: 2.5, allow_unknown,
                ..GridConfig::default()
            };
            let (travel, goal) = (Travel::new(&config), Cell::new(goal.0 % width as i32, goal.1 % height as i32));
            let geometry = Geometry::new(width, height, 1.0, Pose::default()).unwrap();
            let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
            builder.take_grid(OccupancyGrid::new(geometry, values(Rect::whole(&geometry), seed, share)).unwrap());
            builder.refresh_to_end();
            let mut upkeep = Upkeep::new(builder.costmap().unwrap(), goal, travel);
            if coded {
                upkeep.wave = Wave::new(builder.costmap().unwrap(), goal, Tariff::new(travel), crate::cost_to_go::Form::Coded, None);
            }
            let differs = |upkeep: &Upkeep, map: &Costmap, bound: f32| {
                let (guidance, right) = (upkeep.guidance(), dijkstra(map, goal, travel));
                (0..right.len()).map(|at| (map.geometry().cell(at), right[at])).find_map(|(cell, right)| {
                    let is = guidance.cost_to_go(cell);
                    let matters = is <= bound || right <= bound;
                    (matters && is.to_bits() != right.to_bits()).then(|| format!("{cell:?}: {is}, not {right}"))
                })
            };
            prop_assert!(upkeep.advance(builder.costmap().unwrap(), f32::INFINITY, &|| false));
            prop_assert_eq!(differs(&upkeep, builder.costmap().unwrap(), f32::INFINITY), None);
            for (col, row, wide, high, seed, share) in changes {
                let rect = Rect { col: col % width as i32, row: row % height as i32, width: wide, height: high }.grown(0, &geometry);
                builder.take_update(rect, &values(rect, seed, share)).unwrap();
                builder.refresh_to_end();
                let map = builder.costmap().unwrap();
                if !upkeep.take_changes(map) {
                    upkeep = Upkeep::new(map, goal, travel);
                }
                // Interrupted at any place; the next change comes into it.
                let left = Counter::new(patience);
                let is_over = || left.replace(left.get().saturating_sub(1)) == 0;
                if upkeep.advance(map, bound, &is_over) {
                    prop_assert_eq!(differs(&upkeep, map, bound), None);
                }
            }
            prop_assert!(upkeep.advance(builder.costmap().unwrap(), f32::INFINITY, &|| false));
            prop_assert_eq!(differs(&upkeep, builder.costmap().unwrap(), f32::INFINITY), None);
        }
    }
}
