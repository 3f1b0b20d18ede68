//! Where a path begins and ends within its first and last cell: exactly where it was asked for if the check allows that
//! point, else as near to it as the check allows within the cell.
//!
//! A point touches the cells that are less than a cell away along both axes: its own, and those beside it on the sides
//! to which it is off the centre. So a point is refused because of a neighbour on one of these sides, and moving it to
//! the middle between the other two sides is enough.

use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, CellPoint, Point};

use crate::check::is_clear;
use crate::line_cells::all_line_cells;

/// A point that was moved into a cell is at most this far from the centre along each axis, so that it surely lies in it.
const INSIDE: f64 = 0.499_99;

/// The first point of a path for a robot at `start`, which must lie in the grid. It lies in the robot's cell, and the
/// line from it to the centre of that cell may be driven.
///
/// ```
/// use trm_grid::testing::costmap;
/// use trm_grid::units::Point;
/// use trm_safety::ends::first_point;
///
/// // Cells of 1 m.
/// let map = costmap(&["...", "..#"]);
/// let begin = |x, y| first_point(&map, false, Point { x, y });
/// assert_eq!(begin(0.7, 0.8), Point { x: 0.7, y: 0.8 });
/// assert_eq!(begin(1.7, 1.2), Point { x: 1.5, y: 1.2 }, "not beside the obstacle");
/// ```
#[must_use]
pub fn first_point(costmap: &Costmap, allow_unknown: bool, start: Point) -> Point {
    let cell = costmap.geometry().nearest_cell(start);
    if costmap.is_free(cell, allow_unknown) {
        return last_point(costmap, allow_unknown, cell, start);
    }
    // The robot is about to leave inscribed cells.
    let passable = |cost: u8| cost < LETHAL || (allow_unknown && cost == UNKNOWN);
    let is_legal = |point| all_line_cells(point, point, |cell| costmap.cost(cell).is_some_and(passable));
    nearest_point(costmap, cell, start, is_legal)
}

/// The last point of a path to `goal` that ends in the free cell `cell`: the point of the cell that is nearest to the
/// goal. The line to it from the centre of the cell is clear.
///
/// ```
/// use trm_grid::testing::costmap;
/// use trm_grid::units::{Cell, Point};
/// use trm_safety::ends::last_point;
///
/// // Cells of 1 m. The right column is occupied.
/// let map = costmap(&["..#", "..#"]);
/// assert_eq!(last_point(&map, false, Cell::new(0, 1), Point { x: 0.7, y: 1.1 }), Point { x: 0.7, y: 1.1 });
/// assert_eq!(last_point(&map, false, Cell::new(1, 1), Point { x: 2.6, y: 1.25 }), Point { x: 1.5, y: 1.25 });
/// ```
#[must_use]
pub fn last_point(costmap: &Costmap, allow_unknown: bool, cell: Cell, goal: Point) -> Point {
    nearest_point(costmap, cell, goal, |point| is_clear(costmap, allow_unknown, point, point))
}

/// The point of a cell nearest to `wanted` that `is_legal`; the centre if none is.
fn nearest_point(costmap: &Costmap, cell: Cell, wanted: Point, is_legal: impl Fn(CellPoint) -> bool) -> Point {
    let (geometry, center) = (costmap.geometry(), cell.center());
    let exact = geometry.to_cells(wanted);
    if geometry.nearest_cell(wanted) == cell && is_legal(exact) {
        return wanted;
    }
    let off = |wanted: f64, center: f64| (wanted - center).clamp(-INSIDE, INSIDE);
    let (cols, rows) = (off(exact.col, center.col), off(exact.row, center.row));
    let points = [(cols, rows), (cols, 0.0), (0.0, rows)];
    let points = points.map(|(cols, rows)| CellPoint::new(center.col + cols, center.row + rows));
    let legal = points.into_iter().filter(|point| is_legal(*point));
    let nearest = legal.min_by(|a, b| a.distance(exact).total_cmp(&b.distance(exact)));
    geometry.to_point(nearest.unwrap_or(center))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Rules, check};
    use proptest::prelude::*;
    use trm_grid::testing::costmap;

    proptest! {
        #[test]
        fn no_legal_point_of_the_cell_is_nearer(
            cells in proptest::collection::vec(prop_oneof![3 => Just('.'), 1 => Just('#'), 1 => Just('+')], 9),
            x in 0.0..3.0_f64, y in 0.0..3.0_f64, cols in -0.4999..0.4999_f64, rows in -0.4999..0.4999_f64, on_axis in 0..3,
        ) {
            let mut cells = cells;
            cells[4] = '.';
            let rows_of: Vec<String> = cells.chunks(3).map(|row| row.iter().collect()).collect();
            let map = costmap(&rows_of.iter().map(String::as_str).collect::<Vec<_>>());
            let (cell, goal) = (Cell::new(1, 1), Point { x, y });
            let end = last_point(&map, false, cell, goal);
            let in_cells = |point| map.geometry().to_cells(point);
            prop_assert!(is_clear(&map, false, cell.center(), in_cells(end)));
            prop_assert_eq!(map.geometry().cell_at(end), Some(cell));
            let (cols, rows) = (if on_axis == 1 { 0.0 } else { cols }, if on_axis == 2 { 0.0 } else { rows });
            let other = CellPoint::new(1.0 + cols, 1.0 + rows);
            if is_clear(&map, false, other, other) {
                prop_assert!(in_cells(end).distance(in_cells(goal)) <= other.distance(in_cells(goal)) + 1e-9);
            }
        }

        #[test]
        fn a_robot_may_drive_from_the_first_point_to_the_centre_of_its_cell(
            cells in proptest::collection::vec(prop_oneof![2 => Just('.'), 1 => Just('#'), 2 => Just('+')], 9),
            x in 1.0..2.0_f64, y in 1.0..2.0_f64, inscribed in any::<bool>(),
        ) {
            let mut cells = cells;
            (cells[4], cells[5]) = (if inscribed { '+' } else { '.' }, '.');
            let rows: Vec<String> = cells.chunks(3).map(|row| row.iter().collect()).collect();
            let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            let begin = map.geometry().to_cells(first_point(&map, false, Point { x, y }));
            let rules = Rules { allow_unknown: false, escape: 2.0 };
            let path = [begin, CellPoint::new(1.0, 1.0), CellPoint::new(2.0, 1.0)];
            prop_assert!(check(&map, rules, path.into_iter()));
        }
    }
}
