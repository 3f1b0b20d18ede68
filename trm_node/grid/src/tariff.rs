//! Travel costs as whole numbers, in which a sum of moves is exact and doesn't depend on its order.
#![expect(clippy::inline_always, reason = "what runs with vector instructions must be compiled with them")]

use crate::cost::{INSCRIBED, UNKNOWN, is_free};
use crate::travel::Travel;

/// Units of one cell's length: half of them times √2 is 1393 but for 4 ten-thousandths, so lengths are nearly exact.
pub(super) const UNITS: u32 = 1970;

/// The value of a cell that no way leads to, and more than what a way may cost. Three of them fit in 32 bits.
pub(super) const UNREACHED: u32 = u32::MAX / 3;

/// A cost in cells; infinite where no way leads.
pub(super) const fn in_cells(units: u32) -> f32 {
    if units < UNREACHED { units as f32 / UNITS as f32 } else { f32::INFINITY }
}

/// What crossing half of a cell costs, along a side and along a diagonal, as a linear function of the cell's cost: vector
/// instructions have no tables. [`UNREACHED`] where the cell isn't free.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tariff {
    straight: Line,
    diagonal: Line,
    allow_unknown: bool,
}

/// Half a cell: `(base + slope · cost) / 2¹⁶`, rounded, and that of an unknown cell.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    base: u32,
    slope: u32,
    unknown: u32,
}

const SHIFT: u32 = 16;

impl Line {
    fn new(travel: Travel, length: f64) -> Self {
        let half = |weight: f32| 0.5 * f64::from(weight) * length * f64::from(UNITS);
        let scale = f64::from(1_u32 << SHIFT);
        let (least, most) = (half(travel.weight(0)), half(travel.weight(INSCRIBED - 1)));
        let slope = (most - least) * scale / f64::from(INSCRIBED - 1);
        let base = least * scale + 0.5 * scale;
        Self { base: base as u32, slope: slope.round() as u32, unknown: half(travel.weight(UNKNOWN)).round() as u32 }
    }

    #[inline(always)]
    const fn of(self, cost: u8) -> u32 {
        (self.base + self.slope * cost as u32) >> SHIFT
    }
}

impl Tariff {
    pub fn new(travel: Travel) -> Self {
        let [straight, diagonal] = [1.0, std::f64::consts::SQRT_2].map(|length| Line::new(travel, length));
        Self { straight, diagonal, allow_unknown: travel.allow_unknown }
    }

    /// Half of a cell along a side and along a diagonal.
    #[inline(always)]
    pub const fn halves(&self, cost: u8) -> (u32, u32) {
        if cost < INSCRIBED {
            (self.straight.of(cost), self.diagonal.of(cost))
        } else if cost == UNKNOWN && self.allow_unknown {
            (self.straight.unknown, self.diagonal.unknown)
        } else {
            (UNREACHED, UNREACHED)
        }
    }

    /// A legal move between two cells with these costs.
    pub const fn step(&self, from: u8, to: u8, is_diagonal: bool) -> u32 {
        let (from, to) = (self.halves(from), self.halves(to));
        if is_diagonal { from.1 + to.1 } else { from.0 + to.0 }
    }

    /// Whether the robot's centre may be in a cell with this cost.
    pub const fn may_enter(&self, cost: u8) -> bool {
        is_free(cost, self.allow_unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MOVES;
    use proptest::prelude::*;
    use trm_config::GridConfig;

    proptest! {
        #[test]
        fn a_step_is_the_travel_cost_to_the_nearest_units(
            from in 0..INSCRIBED, to in prop_oneof![4 => 0..INSCRIBED, 1 => Just(UNKNOWN)], bit in 0..8_usize,
            multiplier in 0.0..=3.0_f64, unknown in 1.0..=10.0_f64,
        ) {
            let config = GridConfig {
                cost_travel_multiplier: multiplier, unknown_weight: unknown, allow_unknown: true, ..GridConfig::default()
            };
            let travel = Travel::new(&config);
            let step = Tariff::new(travel).step(from, to, MOVES[bit].is_diagonal());
            let expected = travel.step(from, to, MOVES[bit]) * UNITS as f32;
            prop_assert!((step as f32 - expected).abs() <= 1.02, "{step} units, not {expected}");
        }
    }

    #[test]
    fn blocked_cells_cannot_be_entered() {
        let tariff = Tariff::new(Travel::new(&GridConfig::default()));
        for cost in [INSCRIBED, 100, UNKNOWN] {
            assert!(!tariff.may_enter(cost) && tariff.halves(cost) == (UNREACHED, UNREACHED), "{cost}");
        }
        assert_eq!((tariff.step(0, 0, false), tariff.step(0, 0, true)), (UNITS, 2786));
    }
}
