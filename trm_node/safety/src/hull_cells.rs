//! The cells that the convex hull of four points meets.

use std::ops::RangeInclusive;

use trm_grid::units::{Cell, CellPoint};

/// How deep a hull may reach into a cell and still only graze it, in cells: it absorbs rounding, so that a side along
/// the border between two rows meets one of them at most.
pub const GRAZE: f64 = 1e-6;

/// The pairs of four points: the sides of their hull are among them, and none of them leaves it.
const PAIRS: [(usize, usize); 6] = [(0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2)];

/// The convex hull of four points, grown by a margin along both axes.
#[derive(Debug, Clone, Copy)]
pub struct Hull {
    points: [CellPoint; 4],
    lines: [Line; 6],
    /// By how far a cell's square reaches beyond its centre to meet the hull.
    reach: f64,
}

/// A straight line, from its lower end.
#[derive(Debug, Clone, Copy)]
struct Line {
    low: CellPoint,
    /// The row of its upper end.
    high: f64,
    /// Columns for each row; infinite or NaN if it is level.
    slope: f64,
}

impl Line {
    fn new(a: CellPoint, b: CellPoint) -> Self {
        let (low, high) = if a.row <= b.row { (a, b) } else { (b, a) };
        Self { low, high: high.row, slope: (high.col - low.col) / (high.row - low.row) }
    }

    /// The column where it crosses a row, if its ends are on different sides.
    fn crosses(&self, row: f64) -> Option<f64> {
        (self.low.row < row && row < self.high).then_some(self.low.col + (row - self.low.row) * self.slope)
    }
}

impl Hull {
    /// The hull of finite points in any order, grown by `margin` cells.
    pub fn new(points: [CellPoint; 4], margin: f64) -> Self {
        let lines = PAIRS.map(|(a, b)| Line::new(points[a], points[b]));
        Self { points, lines, reach: 0.5 - GRAZE + margin }
    }

    /// Whether `accept` returns true for every cell that the hull meets, grazing aside. Stops at the first `false`.
    pub fn all_cells(&self, mut accept: impl FnMut(Cell) -> bool) -> bool {
        let rows = self.points.map(|point| point.row);
        let low = rows.into_iter().fold(f64::INFINITY, f64::min);
        let high = rows.into_iter().fold(f64::NEG_INFINITY, f64::max);
        near(low, high, self.reach).all(|row| self.cols(row).all(|col| accept(Cell::new(col, row))))
    }

    /// Whether the hull meets the cell by more than grazing it.
    pub fn meets(&self, cell: Cell) -> bool {
        self.cols(cell.row).contains(&cell.col)
    }

    /// The columns of the cells that the hull meets in a row. The part of the hull beside the row is convex, so they are
    /// those from its left end to its right one. Both are a point, or where a line comes in from above or below.
    fn cols(&self, row: i32) -> RangeInclusive<i32> {
        let (bottom, top) = (row as f64 - self.reach, row as f64 + self.reach);
        let beside = self.points.iter().map(|point| (bottom <= point.row && point.row <= top).then_some(point.col));
        let crossings = self.lines.iter().flat_map(|line| [line.crosses(bottom), line.crosses(top)]);
        let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
        for col in beside.chain(crossings) {
            left = left.min(col.unwrap_or(f64::INFINITY));
            right = right.max(col.unwrap_or(f64::NEG_INFINITY));
        }
        near(left, right, self.reach)
    }
}

/// The rows, or columns, whose squares come near a range. None for an infinite empty one.
fn near(low: f64, high: f64, reach: f64) -> RangeInclusive<i32> {
    (low - reach).ceil() as i32..=(high + reach).floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hull(points: [(f64, f64); 4], margin: f64) -> Hull {
        Hull::new(points.map(|(col, row)| CellPoint::new(col, row)), margin)
    }

    fn cells(hull: &Hull) -> Vec<(i32, i32)> {
        let mut cells = Vec::new();
        hull.all_cells(|Cell { col, row }| {
            cells.push((col, row));
            true
        });
        cells
    }

    #[test]
    fn a_hull_meets_what_it_overlaps_and_no_cell_beyond_its_border() {
        let square = [(0.5, 0.5), (2.5, 0.5), (2.5, 1.5), (0.5, 1.5)];
        assert_eq!(cells(&hull(square, 0.0)), [(1, 1), (2, 1)], "grazing is no meeting");
        assert_eq!(cells(&hull(square, 0.01)).len(), 12, "grown");
        assert_eq!(cells(&hull([(0.0, 0.0), (0.0, 0.0), (2.0, 2.0), (2.0, 2.0)], 0.0)), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(cells(&hull([(1.2, 0.1); 4], 0.0)), [(1, 0)]);
        assert_eq!(cells(&hull([(0.0, 0.5), (3.0, 0.5), (1.0, 0.5), (2.0, 0.5)], 0.0)), [], "along a border");
        assert_eq!(cells(&hull([(0.0, 0.7), (3.0, 0.7), (1.0, 0.7), (2.0, 0.7)], 0.0)).len(), 4, "level");
    }

    proptest! {
        #[test]
        fn every_point_of_the_hull_is_in_a_cell_that_it_meets_and_no_cell_is_met_far_from_it(
            points in proptest::array::uniform4((-6.0..6.0_f64, -6.0..6.0_f64)), is_on_grid in any::<bool>(),
            weights in proptest::array::uniform4(0.001..1.0_f64), margin in 0.0..0.5_f64,
        ) {
            let points = points.map(|(x, y)| if is_on_grid { (x.round() / 2.0, y.round() / 2.0) } else { (x, y) });
            let hull = hull(points, margin);
            let total: f64 = weights.iter().sum();
            let mean = |axis: fn((f64, f64)) -> f64| -> f64 {
                points.iter().zip(weights).map(|(point, weight)| axis(*point) * weight / total).sum()
            };
            let (col, row) = (mean(|(x, _)| x), mean(|(_, y)| y));
            let cell = CellPoint::new(col, row).cell();
            // Not on the border between cells.
            let is_inside = (col - f64::from(cell.col)).abs().max((row - f64::from(cell.row)).abs()) < 0.499_99;
            prop_assert!(!is_inside || hull.meets(cell), "({col}, {row})");
            for (col, row) in cells(&hull) {
                prop_assert!(hull.meets(Cell::new(col, row)));
                // A line between the cell and all points of the hull would separate them.
                let is_apart = (0..64).any(|direction| {
                    let (sin, cos) = (f64::from(direction) * std::f64::consts::TAU / 64.0).sin_cos();
                    let far = |(x, y): (f64, f64)| (x - f64::from(col)) * cos + (y - f64::from(row)) * sin;
                    points.into_iter().map(far).fold(f64::INFINITY, f64::min) > (0.5 + margin) * (sin.abs() + cos.abs())
                });
                prop_assert!(!is_apart, "({col}, {row})");
            }
        }
    }
}
