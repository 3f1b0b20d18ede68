//! The cost of driving: length times weight. It makes paths keep away from obstacles where that is worth the detour.
//!
//! The weight of a cell is 1 + `cost_travel_multiplier` · cost / 98, as in Nav2's Smac 2D planner, and that of an unknown
//! cell `unknown_weight`. Every search and the choice between paths use the same travel cost; the training labels
//! (`models/trm_train/worlds.py`) do, too, where nothing is unknown.

use crate::bytes::{Bytes, BytesError, Put};
use crate::cost::{INSCRIBED, UNKNOWN};
use crate::costmap::Costmap;
use crate::units::{Cell, CellPoint, Move, Pose};
use trm_config::{GridConfig, MAX_TRAVEL_MULTIPLIER, MAX_UNKNOWN_WEIGHT};

/// The maximum cost of a free cell.
const GREATEST: u8 = INSCRIBED - 1;

/// Which cells may be crossed, and what crossing them costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Travel {
    /// Whether unknown cells may be crossed.
    pub allow_unknown: bool,
    /// The weight that each unit of a cell's cost adds.
    per_cost: f32,
    /// The weight of an unknown cell.
    unknown: f32,
}

impl Travel {
    /// The travel costs for these parameters. The multiplier is clamped to 0 to [`MAX_TRAVEL_MULTIPLIER`], the weight of
    /// unknown cells to 1 to [`MAX_UNKNOWN_WEIGHT`].
    #[must_use]
    pub fn new(config: &GridConfig) -> Self {
        let multiplier = config.cost_travel_multiplier.clamp(0.0, MAX_TRAVEL_MULTIPLIER);
        let unknown = config.unknown_weight.clamp(1.0, MAX_UNKNOWN_WEIGHT) as f32;
        Self { allow_unknown: config.allow_unknown, per_cost: multiplier as f32 / f32::from(GREATEST), unknown }
    }

    /// Appends the numbers of it to bytes.
    pub(super) fn write(self, to: &mut impl Put) {
        to.put_u8(self.allow_unknown.into());
        to.put_f32(self.per_cost);
        to.put_f32(self.unknown);
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(from: &mut Bytes) -> Result<Self, BytesError> {
        let allow_unknown = from.flag("allow_unknown")?;
        let mut weight = |field, least, most| {
            let value = from.f32(field)?;
            let is_one = (least..=most).contains(&value);
            if is_one { Ok(value) } else { Err(BytesError::value(field, &value, "a weight in its range")) }
        };
        let most = MAX_TRAVEL_MULTIPLIER as f32 / f32::from(GREATEST);
        let per_cost = weight("cost_travel_multiplier", 0.0, most)?;
        Ok(Self { allow_unknown, per_cost, unknown: weight("unknown_weight", 1.0, MAX_UNKNOWN_WEIGHT as f32)? })
    }

    /// Whether the costs of the cells matter; otherwise the travel cost is the length.
    #[must_use]
    pub const fn is_weighted(self) -> bool {
        self.per_cost > 0.0 || self.allow_unknown && self.unknown > 1.0
    }

    /// The weight of a cell with this cost: from 1 to 4, or what an unknown cell has. A cell that is not free (99 or 100)
    /// has the maximum weight of a free one.
    #[must_use]
    pub const fn weight(self, cost: u8) -> f32 {
        if cost == UNKNOWN {
            return self.unknown;
        }
        let counted = if cost < GREATEST { cost } else { GREATEST };
        1.0 + self.per_cost * counted as f32
    }

    /// The travel cost of a move between two cells with these costs, in cells: its length times the mean of the two
    /// weights. It is the same in both directions and never less than the length.
    #[must_use]
    pub const fn step(self, from: u8, to: u8, step: Move) -> f32 {
        0.5 * (self.weight(from) + self.weight(to)) * step.length
    }

    /// The travel cost of a path of neighbouring cells, in cells.
    pub fn cells<'a>(self, costmap: &Costmap, cells: impl Iterator<Item = &'a Cell>) -> f64 {
        let mut before: Option<&Cell> = None;
        let mut sum = 0.0;
        for cell in cells {
            if let Some(before) = before.replace(cell) {
                let length = f64::from(cell.col - before.col).hypot(f64::from(cell.row - before.row));
                sum += 0.5 * (self.weight_at(costmap, *before) + self.weight_at(costmap, *cell)) * length;
            }
        }
        sum
    }

    /// The travel cost of the straight line between two points, in cells: the integral of the weights of the cells that
    /// it crosses. For a move this equals [`Self::step`]. Cells outside the grid have the maximum weight.
    ///
    /// The time is proportional to the number of cells on the line, so both points should be in or near the grid.
    ///
    /// ```
    /// # use trm_config::{GridConfig, GridKind};
    /// # use trm_grid::costmap_builder::build;
    /// # use trm_grid::geometry::Geometry;
    /// # use trm_grid::occupancy::OccupancyGrid;
    /// # use trm_grid::travel::Travel;
    /// # use trm_grid::units::{CellPoint, Pose};
    /// // With a multiplier of 1, a cost of 98 doubles the weight.
    /// let config = GridConfig { cost_travel_multiplier: 1.0, ..GridConfig::default() };
    /// let geometry = Geometry::new(5, 2, 1.0, Pose::default())?;
    /// let grid = OccupancyGrid::new(geometry, vec![0, 0, 0, 0, 0, 0, 0, 0, 98, 98])?;
    /// let costmap = build(&config, GridKind::Costmap, grid);
    /// let cost = |row| Travel::new(&config).line(&costmap, CellPoint::new(0.0, row), CellPoint::new(4.0, row));
    /// assert_eq!(cost(0.0), 4.0);
    /// assert_eq!(cost(1.0), 2.5 + 2.0 * 1.5);
    /// # Ok::<(), trm_grid::error::GridError>(())
    /// ```
    #[must_use]
    pub fn line(self, costmap: &Costmap, a: CellPoint, b: CellPoint) -> f64 {
        let (dx, dy) = (b.col - a.col, b.row - a.row);
        let length = dx.hypot(dy);
        if !self.is_weighted() || !length.is_finite() {
            return length;
        }
        let (mut cell, end) = (a.cell(), b.cell());
        let (cols, rows) = ((end.col - cell.col).signum(), (end.row - cell.row).signum());
        // The position on the line, from 0 to 1, where it crosses the next border between columns or rows.
        let border = |at: i32, towards: i32, from: f64, along: f64| {
            if towards == 0 { f64::INFINITY } else { (f64::from(at) + 0.5 * f64::from(towards) - from) / along }
        };
        let (mut next_col, mut next_row) = (border(cell.col, cols, a.col, dx), border(cell.row, rows, a.row, dy));
        let (mut sum, mut done) = (0.0, 0.0);
        while cell != end {
            let next = next_col.min(next_row).clamp(done, 1.0);
            sum += (next - done) * self.weight_at(costmap, cell);
            done = next;
            if next_col <= next_row {
                cell.col += cols;
                next_col = if cell.col == end.col { f64::INFINITY } else { border(cell.col, cols, a.col, dx) };
            } else {
                cell.row += rows;
                next_row = if cell.row == end.row { f64::INFINITY } else { border(cell.row, rows, a.row, dy) };
            }
        }
        (sum + (1.0 - done) * self.weight_at(costmap, end)) * length
    }

    /// The travel cost of a path of poses, in cells: the sum over the lines between them.
    pub fn path(self, costmap: &Costmap, poses: impl IntoIterator<Item = Pose>) -> f64 {
        let mut points = poses.into_iter().map(|pose| costmap.geometry().to_cells(pose.point()));
        let Some(mut before) = points.next() else { return 0.0 };
        let mut sum = 0.0;
        for point in points {
            sum += self.line(costmap, before, point);
            before = point;
        }
        sum
    }

    /// The weight of a cell; outside the grid the maximum weight.
    fn weight_at(self, costmap: &Costmap, cell: Cell) -> f64 {
        f64::from(self.weight(costmap.cost(cell).unwrap_or(GREATEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::LETHAL;
    use crate::guidance::{Guidance, TIE};
    use crate::testing::{costmap, travel};
    use crate::units::MOVES;
    use proptest::prelude::*;

    fn world() -> impl Strategy<Value = Costmap> {
        let cell = prop_oneof![2 => Just('.'), 6 => proptest::char::range('1', '9'), 1 => Just('#'), 1 => Just('?')];
        proptest::collection::vec(cell, 120).prop_map(|cells| {
            let rows: Vec<String> = cells.chunks(12).map(|row| row.iter().collect()).collect();
            costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>())
        })
    }

    #[test]
    fn the_weight_rises_with_the_cost_from_1_to_1_plus_the_multiplier() {
        let weight = |multiplier, cost| travel(multiplier).weight(cost);
        for (cost, expected) in [(0, 1.0), (49, 2.0), (98, 3.0), (INSCRIBED, 3.0), (LETHAL, 3.0)] {
            assert!((weight(2.0, cost) - expected).abs() < 1e-6, "{cost}");
            assert!((weight(0.0, cost) - 1.0).abs() < f32::EPSILON, "{cost}: length only");
            assert!((weight(-1.0, cost) - 1.0).abs() < f32::EPSILON, "{cost}: never less than 1");
        }
        assert!((weight(100.0, 98) - 4.0).abs() < 1e-6, "the maximum that models are trained with");
    }

    #[test]
    fn an_unknown_cell_counts_like_as_many_free_ones_as_the_parameter_says() {
        for (unknown_weight, expected) in [(1.0, 1.0), (2.5, 2.5), (0.0, 1.0), (99.0, 10.0)] {
            let grid = GridConfig { unknown_weight, allow_unknown: true, ..GridConfig::default() };
            assert!((Travel::new(&grid).weight(UNKNOWN) - expected).abs() < f32::EPSILON, "{unknown_weight}");
        }
        // The way round through what is known.
        let map = costmap(&[".????.", ".####.", "......"]);
        for (unknown_weight, expected) in [(1.0, 5.0), (1.5, 7.0), (9.0, 9.0)] {
            let grid = GridConfig {
                unknown_weight,
                allow_unknown: true,
                cost_travel_multiplier: 0.0,
                ..GridConfig::default()
            };
            let guidance = Guidance::compute(&map, Cell::new(5, 0), Travel::new(&grid), &|| false).unwrap();
            assert!((guidance.cost_to_go(Cell::new(0, 0)) - expected).abs() < 5.0 * TIE, "{unknown_weight}");
        }
    }

    #[test]
    fn with_a_multiplier_of_0_the_cost_is_the_length() {
        let map = costmap(&["99999", "99999"]);
        let travel = travel(0.0);
        assert!(!travel.is_weighted());
        assert!((travel.line(&map, CellPoint::default(), CellPoint::new(3.0, 1.0)) - 10.0_f64.sqrt()).abs() < 1e-12);
        assert!((travel.cells(&map, [Cell::new(0, 0), Cell::new(1, 1)].iter()) - 2.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_line_that_is_not_finite_returns_at_once() {
        let map = costmap(&["12", "34"]);
        assert!(travel(2.0).line(&map, CellPoint::default(), CellPoint::new(f64::NAN, 1.0)).is_nan());
        assert!(travel(2.0).line(&map, CellPoint::default(), CellPoint::new(f64::INFINITY, 1.0)).is_infinite());
    }

    proptest! {
        #[test]
        fn a_move_costs_the_same_as_its_line_and_its_cells_in_both_directions(
            map in world(), col in 0..12, row in 0..10, step in 0..8_usize, multiplier in 0.0..=3.0_f64,
        ) {
            let (travel, step) = (travel(multiplier), MOVES[step]);
            let (from, to) = (Cell::new(col, row), Cell::new(col, row).after(step));
            let (Some(a), Some(b)) = (map.cost(from), map.cost(to)) else { return Ok(()) };
            let cost = travel.step(a, b, step);
            prop_assert!(cost >= step.length);
            prop_assert!((cost - travel.step(b, a, step)).abs() < f32::EPSILON);
            prop_assert!((travel.line(&map, from.center(), to.center()) - f64::from(cost)).abs() < 1e-5);
            prop_assert!((travel.cells(&map, [from, to, from].iter()) - 2.0 * f64::from(cost)).abs() < 1e-5);
        }

        #[test]
        fn a_line_costs_its_length_times_the_mean_weight_along_it(
            map in world(), a in (-0.4..11.4_f64, -0.4..9.4_f64), b in (-0.4..11.4_f64, -0.4..9.4_f64), part in 0.0..1.0_f64,
        ) {
            const SAMPLES: usize = 4000;
            let travel = travel(2.0);
            let (a, b) = (CellPoint::new(a.0, a.1), CellPoint::new(b.0, b.1));
            let at = |share: f64| a.towards(b, share);
            let weights = (0..SAMPLES).map(|i| {
                let cell = at((i as f64 + 0.5) / SAMPLES as f64).cell();
                f64::from(travel.weight(map.cost(cell).unwrap()))
            });
            let length = a.distance(b);
            let expected = weights.sum::<f64>() / SAMPLES as f64 * length;
            let cost = travel.line(&map, a, b);
            // A line crosses at most 22 borders, and at each one sample may fall on the wrong side.
            prop_assert!((cost - expected).abs() <= 22.0 * 2.0 * length / SAMPLES as f64, "{cost}, not {expected}");
            prop_assert!((cost - travel.line(&map, b, a)).abs() < 1e-9);
            prop_assert!((cost - travel.line(&map, a, at(part)) - travel.line(&map, at(part), b)).abs() < 1e-9);
            let poses = [a, at(part), b].map(|at| {
                let point = map.geometry().to_point(at);
                Pose::new(point.x, point.y, 0.0)
            });
            prop_assert!((cost - travel.path(&map, poses)).abs() < 1e-6);
        }
    }
}
