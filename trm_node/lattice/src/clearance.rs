//! Whether an outline keeps clear of blocked cells on a way between exact poses.
//!
//! Between two poses the base goes straight, and the heading turns evenly the short way round: what a follower of the path
//! is told. What the outline sweeps on it is said in [`crate::sweep`]; here only rows are looked at, and nothing is kept. The
//! base stays in the grid, also where it isn't inside the outline.

use arrayvec::ArrayVec;
use trm_config::footprint::MAX_CORNERS;
use trm_grid::units::Cell;

use crate::blocked::Blocked;
use crate::curves::Curve;
use crate::headings::wrapped;
use crate::pose::CellPose;
use crate::sweep::{CHECK, GRAZE, Outline, extent};

type Corners = ArrayVec<[f64; 2], MAX_CORNERS>;

/// Rows of cells that an outline touches: a row, its first and its last column.
type Touched<'a> = &'a mut dyn FnMut(i32, i32, i32) -> bool;

/// Checks the way of an outline.
#[derive(Debug, Clone, Copy)]
pub struct Clearance<'a> {
    outline: &'a Outline,
    blocked: &'a Blocked,
    reach: f64,
    fine_turn: f64,
}

impl<'a> Clearance<'a> {
    /// The check of an outline among blocked cells.
    #[must_use]
    pub fn new(outline: &'a Outline, blocked: &'a Blocked) -> Self {
        Self { outline, blocked, reach: outline.reach(), fine_turn: outline.fine_turn(0.0) }
    }

    /// The cells that block the way.
    #[must_use]
    pub const fn blocked(&self) -> &'a Blocked {
        self.blocked
    }

    /// Whether the outline touches no blocked cell at a pose, its interior included, and the base is in the grid.
    #[must_use]
    pub fn is_clear_at(&self, pose: CellPose) -> bool {
        self.is_far(pose, pose)
            || self.has_base(pose)
                && self.rest(pose, &mut |row, first, last| !self.blocked.is_any_blocked(row, first, last))
    }

    /// Whether the sides of the outline touch no blocked cell between two poses, and the base is in the grid at the second.
    /// With [`Self::is_clear_at`] the first pose that is all: what is covered later has been crossed by a side.
    #[must_use]
    pub fn is_clear_between(&self, from: CellPose, to: CellPose) -> bool {
        self.is_far(from, to)
            || self.has_base(to)
                && self.motion(from, to, &mut |row, first, last| !self.blocked.is_any_blocked(row, first, last))
    }

    /// Whether the base is in the grid. On its border rounding would decide, so that is outside.
    fn has_base(&self, pose: CellPose) -> bool {
        let geometry = self.blocked.geometry();
        let is_inside = |at: f64, side: u32| (GRAZE - 0.5..=f64::from(side) - 0.5 - GRAZE).contains(&at);
        is_inside(pose.col, geometry.width()) && is_inside(pose.row, geometry.height())
    }

    /// Whether the samples of a curve are clear one after the other, given that its start is.
    #[must_use]
    pub fn is_clear_along(&self, curve: &Curve) -> bool {
        let mut before = curve.start;
        curve.all_samples(|sample| {
            let is_clear = sample.pose == before || self.is_clear_between(before, sample.pose);
            before = sample.pose;
            is_clear
        })
    }

    /// Whether the base itself meets no blocked cell on the straight line between two poses.
    fn is_clear_for_base(&self, from: CellPose, to: CellPose) -> bool {
        let line = [[from.col, from.row], [to.col, to.row]];
        self.hull(&line, 0.0, &mut |row, first, last| !self.blocked.is_any_blocked(row, first, last))
    }

    /// Whether nothing at all is blocked as far as the outline reaches.
    fn is_far(&self, from: CellPose, to: CellPose) -> bool {
        let low = |a: f64, b: f64| (a.min(b) - self.reach - 0.5).floor() as i32;
        let high = |a: f64, b: f64| (a.max(b) + self.reach + 0.5).ceil() as i32;
        let (first, last) = (low(from.col, to.col), high(from.col, to.col));
        (low(from.row, to.row)..=high(from.row, to.row)).all(|row| !self.blocked.is_any_blocked(row, first, last))
    }

    fn corners(&self, pose: CellPose) -> Corners {
        let (sin, cos) = pose.yaw.sin_cos();
        let place = |[x, y]: &[f64; 2]| [pose.col + x * cos - y * sin, pose.row + x * sin + y * cos];
        self.outline.corners().iter().map(place).collect()
    }

    /// The rows that the sides touch between two poses, until one isn't wanted. Returns whether all were.
    pub(crate) fn motion(&self, from: CellPose, to: CellPose, touched: Touched) -> bool {
        let turn = wrapped(to.yaw - from.yaw);
        let steps = (turn.abs() / self.fine_turn).ceil().max(1.0);
        // The check is off by less where it turns by less, and by nothing where it goes straight.
        let reach = self.reach;
        let check =
            (reach * turn * turn / 8.0 + (2.0 * reach + from.at().distance(to.at())) * turn.abs() / 4.0).min(CHECK);
        let slack = reach * (turn / steps).powi(2) / 8.0 + check;
        let mut before = self.corners(from);
        for step in 1..=steps as usize {
            let share = step as f64 / steps;
            let at = from.at().towards(to.at(), share);
            let after = self.corners(CellPose::new(at.col, at.row, from.yaw + share * turn));
            for side in 0..before.len() {
                let next = (side + 1) % before.len();
                if !self.hull(&[before[side], before[next], after[next], after[side]], slack, touched) {
                    return false;
                }
            }
            before = after;
        }
        true
    }

    /// The rows that the outline touches at a pose, until one isn't wanted. Returns whether all were.
    pub(crate) fn rest(&self, pose: CellPose, touched: Touched) -> bool {
        let corners = self.corners(pose);
        let next = |side: usize| corners[(side + 1) % corners.len()];
        if !(0..corners.len()).all(|side| self.hull(&[corners[side], next(side)], 0.0, touched)) {
            return false;
        }
        // A cell that no side touches is inside if its centre is.
        let (low, high) = range(&corners, 1);
        for row in low.ceil() as i32..=high.floor() as i32 {
            let y = f64::from(row);
            let mut crossings: ArrayVec<f64, MAX_CORNERS> = ArrayVec::new();
            for side in 0..corners.len() {
                let ([x, from], [to_x, to]) = (corners[side], next(side));
                if (from > y) != (to > y) {
                    crossings.push(x + (y - from) / (to - from) * (to_x - x));
                }
            }
            crossings.sort_unstable_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                let (first, last) = (pair[0].ceil() as i32, pair[1].floor() as i32);
                if first <= last && !touched(row, first, last) {
                    return false;
                }
            }
        }
        true
    }

    /// The rows that the convex hull of some points touches, grown by `slack` along both axes.
    fn hull(&self, points: &[[f64; 2]], slack: f64, touched: Touched) -> bool {
        let (low, high) = range(points, 1);
        let (left, right) = range(points, 0);
        let columns = |left: f64, right: f64| {
            ((left - slack + 0.5 + GRAZE).floor() as i32, (right + slack - 0.5 - GRAZE).ceil() as i32)
        };
        let rows = (low - slack + 0.5 + GRAZE).floor() as i32..=(high + slack - 0.5 - GRAZE).ceil() as i32;
        let (first, last) = columns(left, right);
        // Most hulls are nowhere near anything: their rectangle tells it sooner than their rows.
        if rows.clone().all(|row| !self.blocked.is_any_blocked(row, first, last)) {
            return true;
        }
        rows.into_iter().all(|row| {
            let (bottom, top) = (f64::from(row) - 0.5 + GRAZE - slack, f64::from(row) + 0.5 - GRAZE + slack);
            extent(points, bottom, top).is_none_or(|(left, right)| {
                let (first, last) = columns(left, right);
                first > last || touched(row, first, last)
            })
        })
    }
}

/// The least and the greatest coordinate of points.
fn range(points: &[[f64; 2]], axis: usize) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    points.iter().fold(start, |(low, high), point| (low.min(point[axis]), high.max(point[axis])))
}

/// The blocked cells under the outline where the robot stands. On its way out it may touch these, and no others.
#[derive(Debug, Clone)]
pub struct Escape {
    start: CellPose,
    /// How far from the start it may touch them, in cells.
    tolerance: f64,
    /// The lower left cell of a square around the start, and the square's side.
    corner: Cell,
    side: i32,
    under: Vec<bool>,
    is_clear: bool,
}

impl Escape {
    /// Room for an outline that reaches as far as this, in cells.
    #[must_use]
    pub fn with_reach(reach: f64) -> Self {
        let side = 2 * (reach.ceil() as i32 + 2);
        let under = vec![false; (side * side) as usize];
        Self {
            start: CellPose::new(0.0, 0.0, 0.0),
            tolerance: 0.0,
            corner: Cell::new(0, 0),
            side,
            under,
            is_clear: true,
        }
    }

    /// Looks at what is under the robot at its start. It may touch that within `tolerance` cells of it.
    pub fn begin(&mut self, start: CellPose, tolerance: f64, clearance: &Clearance) {
        let cell = start.at().cell();
        (self.start, self.tolerance) = (start, tolerance);
        self.corner = Cell::new(cell.col - self.side / 2, cell.row - self.side / 2);
        self.is_clear = clearance.is_clear_at(start);
        self.under.fill(false);
        if self.is_clear {
            return;
        }
        let (corner, side, under) = (self.corner, self.side, &mut self.under);
        clearance.rest(start, &mut |row, first, last| {
            for col in first..=last {
                under[((row - corner.row) * side + col - corner.col) as usize] = true;
            }
            true
        });
    }

    /// Whether the robot touches nothing at its start.
    #[must_use]
    pub const fn is_clear(&self) -> bool {
        self.is_clear
    }

    /// Whether a curve from the start touches no blocked cell but those under the robot at the start, near it, until it is
    /// clear of them, and the base is in none on the way. At its end it touches none.
    #[must_use]
    pub fn allows(&self, curve: &Curve, clearance: &Clearance) -> bool {
        if self.is_clear {
            return clearance.is_clear_along(curve);
        }
        let (mut before, mut is_escaping) = (curve.start, true);
        let is_free = curve.all_samples(|sample| {
            let pose = sample.pose;
            let is_clear = if is_escaping {
                is_escaping = !clearance.is_clear_at(pose);
                self.may_touch_between(before, pose, clearance) && clearance.is_clear_for_base(before, pose)
            } else {
                clearance.is_clear_between(before, pose)
            };
            before = pose;
            is_clear
        });
        is_free && !is_escaping
    }

    fn may_touch_between(&self, from: CellPose, to: CellPose, clearance: &Clearance) -> bool {
        let is_near = self.start.at().distance(to.at()) <= self.tolerance;
        clearance.has_base(to)
            && clearance.motion(from, to, &mut |row, first, last| {
                !clearance.blocked().is_any_blocked(row, first, last)
                    || is_near
                        && (first..=last)
                            .all(|col| self.has(row, col) || !clearance.blocked().is_blocked(Cell::new(col, row)))
            })
    }

    fn has(&self, row: i32, col: i32) -> bool {
        let (row, col) = (row - self.corner.row, col - self.corner.col);
        (0..self.side).contains(&row) && (0..self.side).contains(&col) && self.under[(row * self.side + col) as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_4;

    use super::*;
    use crate::curves::cheapest;
    use crate::judge::{drawn, hits, outlines, worlds};
    use crate::path::PathPose;
    use crate::testing::motion;
    use proptest::prelude::*;
    use trm_config::MotionModel;

    fn pose() -> impl Strategy<Value = CellPose> {
        (2.0..28.0_f64, 2.0..28.0_f64, -4.0..4.0_f64).prop_map(|(col, row, yaw)| CellPose::new(col, row, yaw))
    }

    #[test]
    fn a_robot_of_12_4_cells_passes_a_door_of_14_cells_but_not_one_of_12() {
        let outline = Outline::new(vec![[14.0, 6.2], [-4.0, 6.2], [-4.0, -6.2], [14.0, -6.2]]);
        for (width, fits) in [(14, true), (12, false)] {
            let map = drawn(60, 40, |col, row| col == 30 && !(20..20 + width).contains(&row));
            let blocked = Blocked::new(&map, false);
            let middle = 20.0 + f64::from(width - 1) / 2.0;
            let clearance = Clearance::new(&outline, &blocked);
            let (before, after) = (CellPose::new(10.0, middle, 0.0), CellPose::new(40.0, middle, 0.0));
            assert!(clearance.is_clear_at(before) && clearance.is_clear_at(after));
            assert_eq!(clearance.is_clear_between(before, after), fits, "{width}");
        }
    }

    #[test]
    fn a_robot_gets_away_from_what_it_stands_on_and_touches_nothing_else() {
        let outline = Outline::new(vec![[4.2, 2.2], [-2.2, 2.2], [-2.2, -2.2], [4.2, -2.2]]);
        let straight = |amount: f64| {
            let to = CellPose::new(20.0 + amount, 10.0, 0.0);
            cheapest(CellPose::new(20.0, 10.0, 0.0), to, &motion(MotionModel::Diff, 0.0)).unwrap()
        };
        let allows = |obstacles: &[(i32, i32)], amount: f64, tolerance: f64| {
            let map = drawn(60, 20, |col, row| obstacles.contains(&(col, row)));
            let blocked = Blocked::new(&map, false);
            let clearance = Clearance::new(&outline, &blocked);
            let mut escape = Escape::with_reach(outline.reach());
            escape.begin(CellPose::new(20.0, 10.0, 0.0), tolerance, &clearance);
            assert_eq!(escape.is_clear(), !obstacles.contains(&(23, 10)));
            escape.allows(&straight(amount), &clearance)
        };
        assert!(allows(&[], 8.0, 0.0) && allows(&[], -8.0, 0.0));
        assert!(allows(&[(23, 10)], -4.0, 2.0), "backwards out of it");
        assert!(!allows(&[(23, 10)], -4.0, 1.0), "it is clear after 1.7 cells");
        assert!(!allows(&[(23, 10)], -1.0, 2.0), "it must be clear in the end");
        assert!(!allows(&[(23, 10)], 8.0, 20.0), "the base itself goes round it");
        assert!(!allows(&[(23, 10), (16, 10)], -4.0, 2.0), "no other cell");
        assert!(!allows(&[(30, 10)], 8.0, 20.0), "a robot that is clear stays so");

        // Along a diagonal off the corner of a cell that both samples are beside: the base may not cut it.
        let map = drawn(60, 20, |col, row| (col, row) == (21, 10));
        let blocked = Blocked::new(&map, false);
        let clearance = Clearance::new(&outline, &blocked);
        for (offset, is_allowed) in [(0.1, false), (0.3, true)] {
            let from = CellPose::new(20.4 - offset, 10.0 + offset, FRAC_PI_4);
            let to = CellPose::new(from.col + 3.0, from.row + 3.0, FRAC_PI_4);
            let away = cheapest(from, to, &motion(MotionModel::Diff, 0.0)).unwrap();
            let mut escape = Escape::with_reach(outline.reach());
            escape.begin(from, 20.0, &clearance);
            assert!(!escape.is_clear());
            assert_eq!(escape.allows(&away, &clearance), is_allowed, "{offset}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_is_clear_hits_nothing_and_what_is_not_does(
            map in worlds(30), outline in outlines(), from in pose(), to in pose(), share in 0.0..0.15_f64, turn in -0.4..0.4_f64,
        ) {
            let blocked = Blocked::new(&map, false);
            let clearance = Clearance::new(&outline, &blocked);
            let at = from.at().towards(to.at(), share);
            let to = CellPose::new(at.col, at.row, from.yaw + turn);
            let path = [from, to];
            let is_clear = clearance.is_clear_at(from) && clearance.is_clear_between(from, to);
            if is_clear {
                prop_assert!(!hits(&map, &outline, &path, -1e-4));
            } else {
                prop_assert!(hits(&map, &outline, &path, 0.05));
            }
            prop_assert_eq!(clearance.is_clear_at(from), !hits(&map, &outline, &[from], -1e-6));
        }

        #[test]
        fn a_clear_curve_hits_nothing(
            map in worlds(30), outline in outlines(), from in pose(), to in pose(), radius in 2.0..9.0_f64,
        ) {
            let blocked = Blocked::new(&map, false);
            let clearance = Clearance::new(&outline, &blocked);
            for model in [MotionModel::Car, MotionModel::Diff, MotionModel::Omni] {
                let curve = cheapest(from, to, &motion(model, radius)).unwrap();
                if clearance.is_clear_at(from) && clearance.is_clear_along(&curve) {
                    let mut path: Vec<PathPose> = Vec::with_capacity(2000);
                    prop_assert!(curve.sample(&mut path));
                    let poses: Vec<_> = path.iter().map(|sample| sample.pose).collect();
                    prop_assert!(!hits(&map, &outline, &poses, -1e-4));
                }
            }
        }
    }
}
