//! The cells that a straight line touches.

use trm_grid::units::{Cell, CellPoint};

/// A line touches a cell if some point of it is at most this far from the cell's centre along both axes, in cells.
///
/// It is slightly less than 1, so that a line along the centres of a row doesn't touch the rows beside it. If every
/// touched cell is free, then so are the (up to four) cells around each point of the line. The line then keeps the
/// clearance that their costs promise: of all points of a unit square between cell centres, a corner is the closest to
/// any other centre.
const NEAR: f64 = 1.0 - 1e-6;

/// Whether `accept` returns true for every cell that the line from `a` to `b` touches. Stops at the first `false`. Both
/// points must be finite.
///
/// ```
/// use trm_grid::units::{Cell, CellPoint};
/// use trm_safety::line_cells::all_line_cells;
///
/// let mut touched = Vec::new();
/// all_line_cells(CellPoint::new(0.0, 0.0), CellPoint::new(1.0, 1.0), |cell| {
///     touched.push(cell);
///     true
/// });
/// // A diagonal step touches the cells beside it.
/// assert_eq!(touched, [Cell::new(0, 0), Cell::new(1, 0), Cell::new(0, 1), Cell::new(1, 1)]);
/// ```
pub fn all_line_cells(a: CellPoint, b: CellPoint, mut accept: impl FnMut(Cell) -> bool) -> bool {
    let (x, y) = (a.col, a.row);
    let (dx, dy) = (b.col - a.col, b.row - a.row);
    let first = (y.min(b.row) - NEAR).ceil() as i32;
    let last = (y.max(b.row) + NEAR).floor() as i32;
    for row in first..=last {
        // The section of the line, as a range within 0 to 1, that is close enough to this row.
        let (from, to) = if dy == 0.0 {
            (0.0, 1.0)
        } else {
            let (s, t) = ((row as f64 - NEAR - y) / dy, (row as f64 + NEAR - y) / dy);
            (s.min(t).clamp(0.0, 1.0), s.max(t).clamp(0.0, 1.0))
        };
        let (left, right) = (x + from * dx, x + to * dx);
        let cols = (left.min(right) - NEAR).ceil() as i32..=(left.max(right) + NEAR).floor() as i32;
        if !cols.into_iter().all(|col| accept(Cell::new(col, row))) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn touched(a: (f64, f64), b: (f64, f64)) -> Vec<(i32, i32)> {
        let mut cells = Vec::new();
        all_line_cells(CellPoint::new(a.0, a.1), CellPoint::new(b.0, b.1), |cell| {
            cells.push((cell.col, cell.row));
            true
        });
        cells
    }

    #[test]
    fn a_line_along_the_centres_of_a_row_touches_only_that_row() {
        assert_eq!(touched((0.0, 0.0), (2.0, 0.0)), [(0, 0), (1, 0), (2, 0)]);
        assert_eq!(touched((3.0, 1.0), (3.0, 1.0)), [(3, 1)]);
    }

    #[test]
    fn a_diagonal_step_touches_the_cells_beside_it() {
        assert_eq!(touched((0.0, 0.0), (1.0, 1.0)), [(0, 0), (1, 0), (0, 1), (1, 1)]);
    }

    proptest! {
        #[test]
        fn every_cell_near_a_point_of_the_line_is_touched(
            ax in -20.0..20.0_f64, ay in -20.0..20.0_f64, bx in -20.0..20.0_f64, by in -20.0..20.0_f64, t in 0.0..=1.0_f64,
        ) {
            let cells = touched((ax, ay), (bx, by));
            let (x, y) = (ax + t * (bx - ax), ay + t * (by - ay));
            for col in x.floor() as i32..=x.ceil() as i32 {
                for row in y.floor() as i32..=y.ceil() as i32 {
                    let near = (x - col as f64).abs().max((y - row as f64).abs()) < NEAR - 1e-9;
                    prop_assert!(!near || cells.contains(&(col, row)), "({col}, {row}) near ({x}, {y})");
                }
            }
        }

        #[test]
        fn no_cell_more_than_a_cell_away_is_touched(
            ax in -9.0..9.0_f64, ay in -9.0..9.0_f64, bx in -9.0..9.0_f64, by in -9.0..9.0_f64,
        ) {
            for (col, row) in touched((ax, ay), (bx, by)) {
                // The larger of the distances along the two axes is convex along the line: ternary search finds its
                // minimum.
                let far = |t: f64| (ax + t * (bx - ax) - col as f64).abs().max((ay + t * (by - ay) - row as f64).abs());
                let (mut low, mut high) = (0.0, 1.0);
                for _ in 0..100 {
                    let (p, q) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                    if far(p) < far(q) { high = q } else { low = p }
                }
                prop_assert!(far(low) < 1.0, "({col}, {row}) is {} away", far(low));
            }
        }
    }
}
