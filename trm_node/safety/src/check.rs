//! The check of a path. It looks at nothing but the path and the costmap.

use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::units::{CellPoint, Pose};

use crate::line_cells::all_line_cells;

/// What a path may cross.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Whether it may cross unknown cells.
    pub allow_unknown: bool,
    /// How far from its first point a path may cross inscribed cells (cost 99), in cells, until it is free.
    pub escape: f64,
}

impl Rules {
    /// Rules for cells of `resolution` metres. A robot that stands too near to an obstacle may leave it over at most
    /// `start_tolerance` metres.
    #[must_use]
    pub fn new(allow_unknown: bool, start_tolerance: f64, resolution: f64) -> Self {
        // A diagonal of slack: the tolerance counts from cell to cell.
        Self { allow_unknown, escape: start_tolerance / resolution + 1.5 }
    }
}

/// Poses as points in cells of the costmap.
pub fn in_cells<'a>(
    costmap: &'a Costmap,
    poses: impl IntoIterator<Item = &'a Pose> + 'a,
) -> impl Iterator<Item = CellPoint> + 'a {
    poses.into_iter().map(|pose| costmap.geometry().to_cells(pose.point()))
}

/// Whether the robot's centre may be on every point of the line from `a` to `b`. Both must be finite.
#[must_use]
pub fn is_clear(costmap: &Costmap, allow_unknown: bool, a: CellPoint, b: CellPoint) -> bool {
    all_line_cells(a, b, |cell| costmap.is_free(cell, allow_unknown))
}

/// Whether a path of points may be driven: there is a point, all lie in the grid, and no line between two of
/// them touches a cell that isn't free.
///
/// When the first point lies in an inscribed cell (cost 99), such cells may be crossed within `rules.escape` until a
/// point is free: a robot that stands too near to an obstacle must be able to leave. Lethal cells never, unknown ones only if
/// allowed.
///
/// ```
/// use trm_grid::testing::costmap;
/// use trm_grid::units::CellPoint;
/// use trm_safety::check::{Rules, check};
///
/// let map = costmap(&["....", ".#..", "...."]);
/// let rules = Rules { allow_unknown: false, escape: 0.0 };
/// let path = |row: f64| [CellPoint::new(0.0, row), CellPoint::new(3.0, row)].into_iter();
/// assert!(check(&map, rules, path(0.0)));
/// assert!(!check(&map, rules, path(1.0)), "through the obstacle");
/// ```
pub fn check(costmap: &Costmap, rules: Rules, points: impl Iterator<Item = CellPoint>) -> bool {
    let geometry = costmap.geometry();
    let (right, top) = (geometry.width() as f64 - 0.5, geometry.height() as f64 - 0.5);
    let inside = |p: CellPoint| (-0.5..=right).contains(&p.col) && (-0.5..=top).contains(&p.row);
    let passable = |cost: u8| cost < LETHAL || (rules.allow_unknown && cost == UNKNOWN);
    let mut first = None;
    let mut last = None;
    let mut escaping = false;
    for point in points {
        if !inside(point) {
            return false;
        }
        let start = *first.get_or_insert_with(|| {
            escaping = !costmap.is_free(point.cell(), rules.allow_unknown);
            point
        });
        let from = last.replace(point).unwrap_or(point);
        if is_clear(costmap, rules.allow_unknown, from, point) {
            escaping = false;
            continue;
        }
        let near = point.distance(start) <= rules.escape;
        if !escaping || !near || !all_line_cells(from, point, |cell| costmap.cost(cell).is_some_and(passable)) {
            return false;
        }
        escaping = !is_clear(costmap, rules.allow_unknown, point, point);
    }
    first.is_some() && !escaping
}

#[cfg(test)]
mod tests {
    use super::*;
    use trm_grid::testing::costmap;

    const RULES: Rules = Rules { allow_unknown: false, escape: 2.5 };

    fn drivable(map: &Costmap, points: &[(f64, f64)]) -> bool {
        check(map, RULES, points.iter().map(|(col, row)| CellPoint::new(*col, *row)))
    }

    #[test]
    fn lethal_inscribed_and_unknown_cells_stop_a_path() {
        for cell in ['#', '+', '?'] {
            let map = costmap(&["....", &format!(".{cell}.."), "...."]);
            assert!(drivable(&map, &[(0.0, 0.0), (3.0, 0.0), (3.0, 2.0)]), "{cell} beside the path");
            assert!(!drivable(&map, &[(0.0, 1.0), (3.0, 1.0)]), "through {cell}");
            assert!(!drivable(&map, &[(0.0, 0.0), (3.0, 2.0)]), "over the corner of {cell}");
            assert!(!drivable(&map, &[(0.0, 0.2), (3.0, 0.2)]), "off the centre, touching {cell}");
        }
        let map = costmap(&["....", ".?..", "...."]);
        assert!(check(
            &map,
            Rules { allow_unknown: true, ..RULES },
            [CellPoint::new(0.0, 1.0), CellPoint::new(3.0, 1.0)].into_iter()
        ));
    }

    #[test]
    fn nothing_outside_the_grid_and_nothing_that_is_no_number_passes() {
        let map = costmap(&["....", "...."]);
        assert!(!drivable(&map, &[]));
        assert!(!drivable(&map, &[(0.0, 0.0), (4.0, 0.0)]));
        assert!(!drivable(&map, &[(0.0, -0.7)]));
        assert!(!drivable(&map, &[(f64::NAN, 0.0)]));
        assert!(!drivable(&map, &[(0.0, 0.0), (f64::INFINITY, 0.0)]));
        assert!(drivable(&map, &[(1.0, 1.0)]));
    }

    #[test]
    fn a_robot_may_leave_inscribed_cells_but_not_come_back_nor_go_far_in_them() {
        let map = costmap(&["+++++..."]);
        assert!(drivable(&map, &[(3.0, 0.0), (4.0, 0.0), (5.0, 0.0), (6.0, 0.0)]));
        assert!(drivable(&map, &[(4.0, 0.0), (5.0, 0.0)]), "just out of it");
        assert!(!drivable(&map, &[(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (4.0, 0.0), (6.0, 0.0)]), "too far");
        assert!(!drivable(&map, &[(4.0, 0.0)]), "never free");
        assert!(!drivable(&map, &[(6.0, 0.0), (7.0, 0.0), (4.0, 0.0)]), "back in");
        let map = costmap(&["....", "+...", "+++."]);
        assert!(!drivable(&map, &[(1.0, 1.2), (2.0, 2.0), (3.0, 2.0)]), "from a free cell there is nothing to leave");
        let map = costmap(&["+#..."]);
        assert!(!drivable(&map, &[(0.0, 0.0), (2.0, 0.0), (3.0, 0.0)]), "over a lethal cell");
    }
}
