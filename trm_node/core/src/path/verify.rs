//! The check that stands between planning and publishing. It looks at nothing but the path and the costmap.

use super::routes::{Routes, Tail};
use super::touch::every_touched;
use crate::config::Config;
use crate::grid::costmap::{Costmap, LETHAL, UNKNOWN};
use crate::units::{Cell, Pose};

/// What a path may cross.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Whether it may cross unknown cells.
    pub allow_unknown: bool,
    /// How far from its first point a path may cross inscribed cells (cost 99), in cells, until it is free.
    pub escape: f64,
}

impl Rules {
    /// The rules that the parameters set, for cells of `resolution` metres.
    #[must_use]
    pub fn new(config: &Config, resolution: f64) -> Self {
        // A diagonal of slack: the tolerance counts from cell to cell.
        Self { allow_unknown: config.allow_unknown, escape: config.start_tolerance / resolution + 1.5 }
    }
}

/// What is to become a path: poses, and where they go over into a route, if they do.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// From the robot to the goal, or to a corner of a route.
    pub poses: Vec<Pose>,
    /// The route from there on.
    pub tail: Option<Tail>,
}

/// A path that passed [`check`]. The fields are private: nothing else can be published.
#[derive(Debug, Clone, Default)]
pub struct VerifiedPath {
    poses: Vec<Pose>,
    length: f64,
    /// Poses up to the route that it goes over into, that corner included; all without one.
    near: usize,
    tail: Option<Tail>,
}

impl VerifiedPath {
    /// The poses in the map frame, the last one with the goal's yaw. Empty only before the first path.
    ///
    /// They are at most a diagonal step apart, but beyond the first [`DENSE`](super::route::DENSE) ones up to
    /// [`FAR_STRIDE`](super::route::FAR_STRIDE) cells.
    #[must_use]
    pub fn poses(&self) -> &[Pose] {
        &self.poses
    }

    /// The length in metres.
    #[must_use]
    pub const fn length(&self) -> f64 {
        self.length
    }

    /// The poses up to the route that it goes over into.
    pub(crate) fn near(&self) -> &[Pose] {
        &self.poses[..self.near]
    }

    /// Where it goes over into a route.
    pub(crate) const fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// Makes room, so that paths of `poses` poses need no allocation.
    pub(crate) fn reserve(&mut self, poses: usize) {
        self.poses.reserve(poses.saturating_sub(self.poses.len()));
    }

    /// Forgets the path.
    pub(crate) fn clear(&mut self) {
        self.poses.clear();
        self.length = 0.0;
        self.near = 0;
        self.tail = None;
    }

    /// Takes a draft that passes the check and goes over into a route that passed it on the same costmap. The draft has the
    /// old poses then. A draft that doesn't pass changes nothing.
    pub(crate) fn accept(&mut self, draft: &mut Draft, routes: &Routes, costmap: &Costmap, rules: Rules) -> bool {
        let finite = draft.poses.iter().all(|pose| pose.yaw.is_finite());
        if !finite || !check(costmap, rules, in_cells(costmap, &draft.poses)) {
            return false;
        }
        let near = draft.poses.len();
        if let Some(tail) = draft.tail {
            let route = routes.of(tail);
            let corner = route.corner(tail.from).map(|cell| costmap.geometry().center(cell));
            let is_whole = draft.poses.last().map(|pose| pose.point()) == corner;
            if !is_whole || !route.is_checked(costmap, tail.from) {
                return false;
            }
            // The corner comes again, with the heading of the line that follows.
            draft.poses.pop();
            route.write(tail.from, usize::MAX, &mut draft.poses);
        }
        std::mem::swap(&mut self.poses, &mut draft.poses);
        self.length = length(&self.poses);
        (self.near, self.tail) = (near, draft.tail);
        true
    }
}

/// The length of a path in metres.
fn length(poses: &[Pose]) -> f64 {
    // Not `sum`: of no numbers at all that is −0.
    poses.windows(2).fold(0.0, |sum, pair| sum + pair[0].point().distance(pair[1].point()))
}

/// Poses as points in cells of the costmap.
pub fn in_cells<'a>(costmap: &'a Costmap, poses: &'a [Pose]) -> impl Iterator<Item = (f64, f64)> + 'a {
    poses.iter().map(|pose| costmap.geometry().to_cells(pose.point()))
}

/// Whether the robot's centre may be on every point of the line from `a` to `b`, both in cells and finite.
#[must_use]
pub fn is_clear(costmap: &Costmap, allow_unknown: bool, a: (f64, f64), b: (f64, f64)) -> bool {
    every_touched(a, b, |cell| costmap.is_free(cell, allow_unknown))
}

/// Whether a path of points in cells may be driven: there is a point, all lie in the grid, and no line between two of
/// them touches a cell that isn't free.
///
/// When the first point lies in an inscribed cell (cost 99), such cells may be crossed within `rules.escape` until a
/// point is free: a robot that stands too near to an obstacle must be able to leave. Lethal cells never, unknown ones only if
/// allowed.
pub fn check(costmap: &Costmap, rules: Rules, points: impl Iterator<Item = (f64, f64)>) -> bool {
    let geometry = costmap.geometry();
    let (right, top) = (geometry.width() as f64 - 0.5, geometry.height() as f64 - 0.5);
    let inside = |p: (f64, f64)| (-0.5..=right).contains(&p.0) && (-0.5..=top).contains(&p.1);
    let passable = |cost: u8| cost < LETHAL || (rules.allow_unknown && cost == UNKNOWN);
    let mut first = None;
    let mut last = None;
    let mut escaping = false;
    for point in points {
        if !inside(point) {
            return false;
        }
        let start = *first.get_or_insert_with(|| {
            let cell = Cell::new(point.0.round() as i32, point.1.round() as i32);
            escaping = !costmap.is_free(cell, rules.allow_unknown);
            point
        });
        let from = last.replace(point).unwrap_or(point);
        if is_clear(costmap, rules.allow_unknown, from, point) {
            escaping = false;
            continue;
        }
        let near = (point.0 - start.0).hypot(point.1 - start.1) <= rules.escape;
        if !escaping || !near || !every_touched(from, point, |cell| costmap.cost(cell).is_some_and(passable)) {
            return false;
        }
        escaping = !is_clear(costmap, rules.allow_unknown, point, point);
    }
    first.is_some() && !escaping
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::testing::costmap;

    const RULES: Rules = Rules { allow_unknown: false, escape: 2.5 };

    fn drivable(map: &Costmap, points: &[(f64, f64)]) -> bool {
        check(map, RULES, points.iter().copied())
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
        assert!(check(&map, Rules { allow_unknown: true, ..RULES }, [(0.0, 1.0), (3.0, 1.0)].into_iter()));
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
