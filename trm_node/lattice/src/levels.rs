//! What the costs of cells mean to a lattice: blocked, or one of a few levels of travel cost.

use trm_grid::cost::{INSCRIBED, LETHAL, UNKNOWN};
use trm_grid::travel::Travel;

/// Levels of travel cost.
pub const LEVELS: usize = 4;
/// Marks blocked costs.
pub(crate) const BLOCKED: u8 = LEVELS as u8;

/// The level of every cost. An edge costs its length times the weight of the level in its middle, as in a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    of: [u8; 256],
    weights: Vec<f64>,
}

impl Levels {
    /// The levels of travel costs: [`LEVELS`] evenly spaced weights, or one where the costs of cells don't matter. Lethal
    /// cells are blocked, and unknown ones unless they may be crossed. Inscribed ones (99) are not: whether the robot hits
    /// something is known exactly.
    #[must_use]
    pub fn new(travel: Travel) -> Self {
        let unknown = if travel.allow_unknown { travel.weight(UNKNOWN) } else { 1.0 };
        let most = f64::from(travel.weight(INSCRIBED).max(unknown));
        let count = if travel.is_weighted() { LEVELS } else { 1 };
        let highest = (LEVELS - 1) as f64;
        let level = |cost: usize| {
            let cost = cost as u8;
            if cost == UNKNOWN && !travel.allow_unknown || cost != UNKNOWN && cost >= LETHAL {
                BLOCKED
            } else if count == 1 {
                0
            } else {
                ((f64::from(travel.weight(cost)) - 1.0) / (most - 1.0) * highest).round() as u8
            }
        };
        let weights = (0..count).map(|level| 1.0 + (most - 1.0) * level as f64 / highest).collect();
        Self { of: std::array::from_fn(level), weights }
    }

    /// The weight of each level.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The level whose weight is nearest to that of a cell.
    pub(crate) fn nearest(&self, weight: f32) -> u8 {
        let misfit = |level: &f64| (level - f64::from(weight)).abs();
        let numbered = self.weights.iter().enumerate();
        numbered.min_by(|(_, one), (_, other)| misfit(one).total_cmp(&misfit(other))).map_or(0, |(at, _)| at as u8)
    }

    /// The level of a cell's cost, [`BLOCKED`] outside of the grid.
    #[inline(always)]
    pub(crate) fn level(&self, cost: Option<u8>) -> u8 {
        cost.map_or(BLOCKED, |cost| self.of[cost as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trm_config::GridConfig;

    #[test]
    fn inscribed_cells_are_the_dearest_and_lethal_ones_blocked() {
        let config = GridConfig { cost_travel_multiplier: 3.0, allow_unknown: false, ..GridConfig::default() };
        let levels = Levels::new(Travel::new(&config));
        assert_eq!(levels.weights(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!([0, 33, 65, 98, 99, 100, 255].map(|cost| levels.level(Some(cost))), [0, 1, 2, 3, 3, 4, 4]);
        assert_eq!(levels.level(None), BLOCKED);
        let config = GridConfig { cost_travel_multiplier: 0.0, allow_unknown: true, unknown_weight: 1.0, ..config };
        let levels = Levels::new(Travel::new(&config));
        assert_eq!(levels.weights(), [1.0]);
        assert_eq!([0, 98, 99, 100, 255].map(|cost| levels.level(Some(cost))), [0, 0, 0, 4, 0]);
    }
}
