//! What moves cost in whole numbers, looked up by the costs of their two cells. These are the guidance's own numbers, so
//! that a search that it leads adds up to what it says.

use crate::cost::INSCRIBED;
use crate::tariff::{Tariff, UNITS};
use crate::travel::Travel;
use crate::units::{Cell, Move};

/// Units of one cell's length.
pub const UNITS_PER_CELL: u32 = UNITS;

/// What crossing half of a cell costs, in units, by the cell's cost.
#[derive(Debug, Clone)]
pub struct StepCosts {
    /// Along a side and along a diagonal. A cell that isn't free counts as the dearest free one, as in [`Travel`].
    halves: [[u32; 2]; 256],
    /// A move between two cells of no cost, along a side and along a diagonal. No move costs less.
    least: [u32; 2],
}

impl StepCosts {
    /// The table for these travel costs.
    #[must_use]
    pub fn new(travel: Travel) -> Self {
        let tariff = Tariff::new(travel);
        let by_cost = |cost: u8| {
            let is_free = tariff.may_enter(cost);
            let (straight, diagonal) = tariff.halves(if is_free { cost } else { INSCRIBED - 1 });
            [straight, diagonal]
        };
        let halves = std::array::from_fn(|cost| by_cost(cost as u8));
        Self { halves, least: by_cost(0).map(|half| 2 * half) }
    }

    /// A move between two cells with these costs. The second one must be free; the first one may be where a way out of an
    /// obstacle begins.
    #[must_use]
    #[inline]
    pub const fn step(&self, from: u8, to: u8, step: Move) -> u32 {
        let diagonal = step.is_diagonal() as usize;
        self.halves[from as usize][diagonal] + self.halves[to as usize][diagonal]
    }

    /// The least that a way between two cells can cost: the octile distance over cells of no cost.
    #[must_use]
    #[inline]
    pub const fn octile(&self, from: Cell, to: Cell) -> u32 {
        let (cols, rows) = (from.col.abs_diff(to.col), from.row.abs_diff(to.row));
        let (short, long) = if cols < rows { (cols, rows) } else { (rows, cols) };
        self.least[0] * (long - short) + self.least[1] * short
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::travel;
    use crate::units::MOVES;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_step_costs_what_the_travel_cost_says_and_never_less_than_the_octile_distance(
            from in 0..INSCRIBED, to in 0..INSCRIBED, multiplier in 0.0..=3.0_f64,
        ) {
            let travel = travel(multiplier);
            let costs = StepCosts::new(travel);
            for step in MOVES {
                let units = costs.step(from, to, step);
                let cells = units as f32 / UNITS_PER_CELL as f32;
                prop_assert!((cells - travel.step(from, to, step)).abs() < 2e-3, "{cells}");
                prop_assert!(units >= costs.octile(Cell::new(0, 0), Cell::new(0, 0).after(step)));
            }
        }
    }
}
