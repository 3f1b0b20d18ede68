//! The safety check of a path. It uses nothing but the path, the costmap and the rules.

use trm_grid::cost::{LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::units::{CellPoint, Pose};

use crate::line_cells::all_line_cells;

/// Which cells a path may cross.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Whether the path may cross unknown cells.
    pub allow_unknown: bool,
    /// The distance from its first point, in cells, within which a path that begins in an inscribed cell (cost 99) may
    /// cross inscribed cells until it is clear.
    pub escape: f64,
}

impl Rules {
    /// Rules for a grid with this resolution in metres. A robot that stands too close to an obstacle may cross
    /// inscribed cells within `start_tolerance` metres to get clear.
    #[must_use]
    pub fn new(allow_unknown: bool, start_tolerance: f64, resolution: f64) -> Self {
        // The tolerance is meant between cell centres, so allow about a diagonal more.
        Self { allow_unknown, escape: start_tolerance / resolution + 1.5 }
    }
}

/// Converts poses to points in cell units of the costmap.
pub fn in_cells<'a>(
    costmap: &'a Costmap,
    poses: impl IntoIterator<Item = &'a Pose> + 'a,
) -> impl Iterator<Item = CellPoint> + 'a {
    poses.into_iter().map(|pose| costmap.geometry().to_cells(pose.point()))
}

/// Whether all cells that the line from `a` to `b` touches are free. Both points must be finite.
#[must_use]
pub fn is_clear(costmap: &Costmap, allow_unknown: bool, a: CellPoint, b: CellPoint) -> bool {
    all_line_cells(a, b, |cell| costmap.is_free(cell, allow_unknown))
}

/// Whether a path of points is safe to drive: it has at least one point, all points lie in the grid, and the lines
/// between consecutive points touch free cells only.
///
/// A robot that stands too close to an obstacle must be able to leave. So if the first point lies in an inscribed cell
/// (cost 99), the path may cross such cells within `rules.escape` of it until a point or a line is clear. Lethal cells
/// are never allowed, and unknown ones only if the rules allow them.
///
/// ```
/// use trm_grid::testing::costmap;
/// use trm_grid::units::CellPoint;
/// use trm_safety::check::{Rules, check, is_clear};
///
/// let map = costmap(&["....", ".#..", "...."]);
/// let rules = Rules { allow_unknown: false, escape: 0.0 };
/// let path = |row: f64| [CellPoint::new(0.0, row), CellPoint::new(3.0, row)].into_iter();
/// assert!(check(&map, rules, path(0.0)));
/// assert!(!check(&map, rules, path(1.0)), "through the obstacle");
///
/// // A single line. Touching the corner of a blocked cell is enough to refuse it.
/// let clear = |a, b| is_clear(&map, false, a, b);
/// assert!(clear(CellPoint::new(0.0, 0.0), CellPoint::new(0.0, 2.0)));
/// assert!(!clear(CellPoint::new(0.0, 1.0), CellPoint::new(1.0, 0.0)), "cuts the corner");
/// ```
pub fn check(costmap: &Costmap, rules: Rules, mut points: impl Iterator<Item = CellPoint>) -> bool {
    let mut walk = Walk::new(costmap, rules);
    points.all(|point| walk.reaches(point)) && walk.has_arrived()
}

/// The numbers of the points that the path can't lead to: their line from the point before isn't safe to drive. Empty
/// for a path without any point.
///
/// ```
/// use trm_grid::testing::costmap;
/// use trm_grid::units::CellPoint;
/// use trm_safety::check::{Rules, invalid_points};
///
/// let map = costmap(&["....", ".#..", "...."]);
/// let rules = Rules { allow_unknown: false, escape: 0.0 };
/// let path = [(0.0, 1.0), (3.0, 1.0), (3.0, 0.0), (9.0, 0.0)].map(|(col, row)| CellPoint::new(col, row));
/// assert_eq!(invalid_points(&map, rules, path.into_iter()), [1, 3]);
/// ```
#[must_use]
pub fn invalid_points(costmap: &Costmap, rules: Rules, points: impl Iterator<Item = CellPoint>) -> Vec<usize> {
    let mut walk = Walk::new(costmap, rules);
    let mut last = 0;
    let numbered = points.enumerate().inspect(|(at, _)| last = *at);
    let mut invalid: Vec<usize> = numbered.filter(|(_, point)| !walk.reaches(*point)).map(|(at, _)| at).collect();
    if walk.first.is_some() && !walk.has_arrived() && invalid.last() != Some(&last) {
        invalid.push(last);
    }
    invalid
}

/// Goes along a path.
struct Walk<'a> {
    costmap: &'a Costmap,
    rules: Rules,
    first: Option<CellPoint>,
    last: Option<CellPoint>,
    /// Whether it is still on its way out of inscribed cells.
    escaping: bool,
}

impl<'a> Walk<'a> {
    const fn new(costmap: &'a Costmap, rules: Rules) -> Self {
        Self { costmap, rules, first: None, last: None, escaping: false }
    }

    /// Goes on to a point. Whether the line there may be driven.
    fn reaches(&mut self, point: CellPoint) -> bool {
        let (costmap, rules) = (self.costmap, self.rules);
        let from = self.last.replace(point).unwrap_or(point);
        let start = *self.first.get_or_insert_with(|| {
            self.escaping = !costmap.is_free(point.cell(), rules.allow_unknown);
            point
        });
        if !self.is_inside(point) {
            return false;
        }
        if is_clear(costmap, rules.allow_unknown, from, point) {
            self.escaping = false;
            return true;
        }
        let passable = |cost: u8| cost < LETHAL || (rules.allow_unknown && cost == UNKNOWN);
        let near = point.distance(start) <= rules.escape;
        let may_pass = || all_line_cells(from, point, |cell| costmap.cost(cell).is_some_and(passable));
        let reaches = self.escaping && near && may_pass();
        self.escaping &= reaches && !is_clear(costmap, rules.allow_unknown, point, point);
        reaches
    }

    fn is_inside(&self, point: CellPoint) -> bool {
        let geometry = self.costmap.geometry();
        let (right, top) = (geometry.width() as f64 - 0.5, geometry.height() as f64 - 0.5);
        (-0.5..=right).contains(&point.col) && (-0.5..=top).contains(&point.row)
    }

    /// Whether it has a point, and isn't still on its way out of inscribed cells.
    const fn has_arrived(&self) -> bool {
        self.first.is_some() && !self.escaping
    }
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
    fn a_path_through_or_past_the_corner_of_a_blocked_cell_is_refused() {
        for cell in ['#', '+', '?'] {
            let map = costmap(&["....", &format!(".{cell}.."), "...."]);
            assert!(drivable(&map, &[(0.0, 0.0), (3.0, 0.0), (3.0, 2.0)]), "{cell} beside the path");
            assert!(!drivable(&map, &[(0.0, 1.0), (3.0, 1.0)]), "through {cell}");
            assert!(!drivable(&map, &[(0.0, 0.0), (3.0, 2.0)]), "across the corner of {cell}");
            assert!(!drivable(&map, &[(0.0, 0.2), (3.0, 0.2)]), "off the row's centre, touching {cell}");
        }
        let map = costmap(&["....", ".?..", "...."]);
        assert!(check(
            &map,
            Rules { allow_unknown: true, ..RULES },
            [CellPoint::new(0.0, 1.0), CellPoint::new(3.0, 1.0)].into_iter()
        ));
    }

    #[test]
    fn a_path_that_is_empty_or_outside_the_grid_or_not_finite_is_refused() {
        let map = costmap(&["....", "...."]);
        assert!(!drivable(&map, &[]));
        assert!(!drivable(&map, &[(0.0, 0.0), (4.0, 0.0)]));
        assert!(!drivable(&map, &[(0.0, -0.7)]));
        assert!(!drivable(&map, &[(f64::NAN, 0.0)]));
        assert!(!drivable(&map, &[(0.0, 0.0), (f64::INFINITY, 0.0)]));
        assert!(drivable(&map, &[(1.0, 1.0)]));
    }

    #[test]
    fn a_robot_may_leave_inscribed_cells_but_neither_return_to_them_nor_go_far_in_them() {
        let map = costmap(&["+++++..."]);
        assert!(drivable(&map, &[(3.0, 0.0), (4.0, 0.0), (5.0, 0.0), (6.0, 0.0)]));
        assert!(drivable(&map, &[(4.0, 0.0), (5.0, 0.0)]), "the first free cell");
        assert!(!drivable(&map, &[(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (4.0, 0.0), (6.0, 0.0)]), "too far");
        assert!(!drivable(&map, &[(4.0, 0.0)]), "never free");
        assert!(!drivable(&map, &[(6.0, 0.0), (7.0, 0.0), (4.0, 0.0)]), "returns to one");
        let map = costmap(&["....", "+...", "+++."]);
        assert!(!drivable(&map, &[(1.0, 1.2), (2.0, 2.0), (3.0, 2.0)]), "begins in a free cell");
        let map = costmap(&["+#..."]);
        assert!(!drivable(&map, &[(0.0, 0.0), (2.0, 0.0), (3.0, 0.0)]), "through a lethal cell");
    }
}
