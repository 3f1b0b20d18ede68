//! The cost-to-go of every cell of the map, worked out off the planning loop when the goal or the map changes.
//!
//! Where the goal lies outside the window, it tells the model what each way out of the window costs, and leads on from
//! there. Moves are the eight neighbours; a diagonal needs both cells beside it free, as the check of paths demands.

use crate::cost_to_go::{CostsToGo, Form};
use crate::costmap::Costmap;
use crate::dijkstra::spread;
use crate::moves::{each, legal_among};
use crate::travel::Travel;
use crate::units::{Cell, MOVES};

/// Costs that differ by less are taken as equal, in cells: what roundings make of sums along ways of the same cost
/// (`models/trm_train/worlds.py` has the same for goal cells).
pub const TIE: f32 = 1e-3;

/// On grids of so many cells there is room for costs as they are. On larger ones roundings of long sums are as large as those
/// of the codes.
const EXACT_CELLS: usize = 1 << 20;

/// Cost-to-go over a whole map.
#[derive(Debug, Clone)]
pub struct Guidance {
    goal: Cell,
    travel: Travel,
    version: u64,
    costs: CostsToGo,
}

impl Guidance {
    /// Dijkstra's algorithm from the goal. `None` when `cancelled` said so on the way. On grids of more than 1024 × 1024
    /// cells costs are rounded, by less than half of [`TIE`].
    #[must_use]
    pub fn compute(costmap: &Costmap, goal: Cell, travel: Travel, cancelled: &dyn Fn() -> bool) -> Option<Self> {
        let form = if costmap.geometry().cells() <= EXACT_CELLS { Form::Exact } else { Form::Coded };
        Some(Self { goal, travel, version: costmap.version(), costs: spread(costmap, goal, travel, form, cancelled)? })
    }

    /// The cell that the costs lead to.
    #[must_use]
    pub const fn goal(&self) -> Cell {
        self.goal
    }

    /// The travel costs that it sums up.
    #[must_use]
    pub const fn travel(&self) -> Travel {
        self.travel
    }

    /// The version of the costmap it was computed on.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether this is guidance over a grid of the same size, and so can be read with the costmap's cells.
    #[must_use]
    pub const fn fits(&self, costmap: &Costmap) -> bool {
        self.costs.tiling().fits(costmap.geometry())
    }

    /// Travel cost in cells of the best way to the goal; infinite where there is none and outside the grid.
    #[must_use]
    pub fn cost_to_go(&self, cell: Cell) -> f32 {
        self.costs.get(cell)
    }

    /// The best moves from a cell over cells that are free in `costmap`, as places in [`MOVES`]: each legal one that leads
    /// nearer to the goal and costs no more than any other, up to [`TIE`]. None at the goal and where no way leads to it.
    ///
    /// On the grid of its own version these are the optimal moves. Where costs have changed since, they are the best ones
    /// that the guidance knows of, and never lead in a circle.
    pub fn optimal_moves(&self, costmap: &Costmap, cell: Cell) -> impl Iterator<Item = usize> + use<> {
        let here = self.cost_to_go(cell);
        let mut costs = [f32::INFINITY; MOVES.len()];
        if let Some(cost) = costmap.cost(cell).filter(|_| here.is_finite() && here > 0.0) {
            let around = costmap.around(cell);
            for bit in each(legal_among(&around, self.travel.allow_unknown)) {
                let after = self.cost_to_go(cell.after(MOVES[bit]));
                if after < here {
                    costs[bit] = after + self.travel.step(cost, around[bit], MOVES[bit]);
                }
            }
        }
        let most = costs.iter().copied().fold(f32::INFINITY, f32::min) + TIE;
        (0..MOVES.len()).filter(move |bit| costs[*bit].is_finite() && costs[*bit] <= most)
    }

    /// Where the first optimal move from a cell leads; `None` at the goal or without any.
    #[must_use]
    pub fn next(&self, costmap: &Costmap, cell: Cell) -> Option<Cell> {
        self.optimal_moves(costmap, cell).next().map(|bit| cell.after(MOVES[bit]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moves::legal_moves;
    use crate::testing::{costmap, travel};
    use proptest::prelude::*;

    /// Relaxes every move until nothing changes.
    fn bellman_ford(map: &Costmap, goal: Cell, travel: Travel) -> Vec<f32> {
        let geometry = map.geometry();
        let mut costs = vec![f32::INFINITY; geometry.cells()];
        if map.is_free(goal, travel.allow_unknown) {
            costs[geometry.index(goal).unwrap()] = 0.0;
        }
        loop {
            let mut changed = false;
            for at in 0..costs.len() {
                let cell = geometry.cell(at);
                if !map.is_free(cell, travel.allow_unknown) {
                    continue;
                }
                for step in each(legal_moves(map, cell, travel.allow_unknown)).map(|bit| MOVES[bit]) {
                    let next = geometry.index(cell.after(step)).unwrap();
                    let mean = 0.5 * (travel.weight(map.costs()[at]) + travel.weight(map.costs()[next]));
                    let new = costs[next] + mean * step.length;
                    changed |= new < costs[at];
                    costs[at] = costs[at].min(new);
                }
            }
            if !changed {
                return costs;
            }
        }
    }

    proptest! {
        #[test]
        fn every_cost_is_that_of_bellman_and_ford_and_the_optimal_moves_lead_on_at_it(
            cells in proptest::collection::vec(
                prop_oneof![3 => Just('.'), 3 => proptest::char::range('1', '9'), 2 => Just('#'), 1 => Just('?')], 300,
            ),
            goal in (0..20, 0..15), multiplier in prop_oneof![Just(0.0), 0.0..=3.0_f64], allow_unknown in any::<bool>(),
        ) {
            let rows: Vec<String> = cells.chunks(20).map(|row| row.iter().collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let (goal, mut travel) = (Cell::new(goal.0, goal.1), travel(multiplier));
            travel.allow_unknown = allow_unknown;
            let guidance = Guidance::compute(&map, goal, travel, &|| false).unwrap();
            for (at, expected) in bellman_ford(&map, goal, travel).into_iter().enumerate() {
                let cell = map.geometry().cell(at);
                let here = guidance.cost_to_go(cell);
                let is_right = (here - expected).abs() < TIE || (here.is_infinite() && expected.is_infinite());
                prop_assert!(is_right, "{cell:?}: {here}, not {expected}");
                let moves: Vec<usize> = guidance.optimal_moves(&map, cell).collect();
                prop_assert_eq!(moves.is_empty(), here.is_infinite() || cell == goal);
                for step in moves.into_iter().map(|bit| MOVES[bit]) {
                    let next = map.geometry().index(cell.after(step)).unwrap();
                    let on = travel.step(map.costs()[at], map.costs()[next], step) + guidance.cost_to_go(cell.after(step));
                    prop_assert!((on - here).abs() < 2.0 * TIE, "{cell:?}: {on} over {step:?}, not {here}");
                }
            }
        }

        #[test]
        fn coded_costs_are_the_exact_ones_up_to_a_part_of_a_tie_and_lead_as_well(
            cells in proptest::collection::vec(prop_oneof![9 => Just('.'), 3 => proptest::char::range('1', '9'), 1 => Just('#')], 150 * 20),
            goal in (0..150, 0..20), multiplier in 0.0..=3.0_f64,
        ) {
            let rows: Vec<String> = cells.chunks(150).map(|row| row.iter().collect()).collect();
            let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            let (goal, travel) = (Cell::new(goal.0, goal.1), travel(multiplier));
            let of = |form| {
                let costs = spread(&map, goal, travel, form, &|| false).unwrap();
                Guidance { goal, travel, version: map.version(), costs }
            };
            let (exact, coded) = (of(Form::Exact), of(Form::Coded));
            for at in 0..map.geometry().cells() {
                let cell = map.geometry().cell(at);
                let (is, was) = (coded.cost_to_go(cell), exact.cost_to_go(cell));
                prop_assert!((is - was).abs() < 0.5 * TIE || (is.is_infinite() && was.is_infinite()), "{cell:?}: {is}, not {was}");
                prop_assert_eq!(coded.next(&map, cell).is_some(), exact.next(&map, cell).is_some());
                for bit in coded.optimal_moves(&map, cell) {
                    let next = cell.after(MOVES[bit]);
                    let step = travel.step(map.cost(cell).unwrap(), map.cost(next).unwrap(), MOVES[bit]);
                    prop_assert!(exact.cost_to_go(next) + step < was + 2.0 * TIE);
                }
            }
        }

        #[test]
        fn guidance_of_an_older_grid_leads_to_the_goal_or_ends_but_never_in_a_circle(
            before in proptest::collection::vec(prop_oneof![4 => Just('.'), 1 => Just('5'), 1 => Just('#')], 300),
            changes in proptest::collection::vec((0..300_usize, prop_oneof![Just('.'), Just('9'), Just('#')]), 0..40),
            goal in (0..20, 0..15),
        ) {
            let draw = |cells: &[char]| {
                let rows: Vec<String> = cells.chunks(20).map(|row| row.iter().collect()).collect();
                costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>())
            };
            let goal = Cell::new(goal.0, goal.1);
            let guidance = Guidance::compute(&draw(&before), goal, travel(2.0), &|| false).unwrap();
            let mut after = before.clone();
            for (at, cell) in changes {
                after[at] = cell;
            }
            let now = draw(&after);
            for at in 0..300 {
                let mut cell = now.geometry().cell(at);
                let mut steps = 0;
                while let Some(next) = guidance.next(&now, cell) {
                    prop_assert!(guidance.cost_to_go(next) < guidance.cost_to_go(cell));
                    prop_assert!(now.is_free(next, false));
                    cell = next;
                    steps += 1;
                }
                prop_assert!(steps < 300);
            }
        }
    }

    #[test]
    fn the_way_round_a_wall_is_counted_without_cutting_its_corner() {
        let map = costmap(&["....", ".##.", "...."]);
        let guidance = Guidance::compute(&map, Cell::new(3, 1), travel(2.0), &|| false).unwrap();
        assert!((guidance.cost_to_go(Cell::new(0, 1)) - 5.0).abs() < 1e-6);
        let mut cell = Cell::new(0, 1);
        let mut steps = 0;
        while let Some(next) = guidance.next(&map, cell) {
            cell = next;
            steps += 1;
        }
        assert_eq!((cell, steps), (Cell::new(3, 1), 5));
    }

    #[test]
    fn guidance_goes_on_where_costs_rose_after_it_was_made() {
        let guidance = Guidance::compute(&costmap(&["....", "...."]), Cell::new(3, 0), travel(2.0), &|| false).unwrap();
        let now = costmap(&["99..", "99.."]);
        let next = |cell| guidance.next(&now, cell);
        let way: Vec<Cell> = std::iter::successors(Some(Cell::new(0, 1)), |cell| next(*cell)).collect();
        assert_eq!(way.last(), Some(&Cell::new(3, 0)), "though no move costs as little as it did: {way:?}");
    }

    #[test]
    fn a_closed_room_is_never_reached() {
        let map = costmap(&[".#.", "##.", "..."]);
        let guidance = Guidance::compute(&map, Cell::new(2, 2), travel(2.0), &|| false).unwrap();
        assert!(guidance.cost_to_go(Cell::new(0, 0)).is_infinite());
        assert!(guidance.cost_to_go(Cell::new(-1, 0)).is_infinite());
        assert_eq!(guidance.next(&map, Cell::new(0, 0)), None);
    }

    #[test]
    fn a_goal_that_is_not_free_is_never_reached() {
        let map = costmap(&["...", ".+.", "..."]);
        let guidance = Guidance::compute(&map, Cell::new(1, 1), travel(2.0), &|| false).unwrap();
        assert!((0..9).all(|at| guidance.cost_to_go(map.geometry().cell(at)).is_infinite()));
    }
}
