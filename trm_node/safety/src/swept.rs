//! The safety check of a path for a robot with an outline: nothing blocked is in the area that it sweeps. It uses
//! nothing but the path, the outline, the costmap and the rules.

use trm_config::footprint::Footprint;
use trm_grid::cost::{INSCRIBED, LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Rect;
use trm_grid::units::{Cell, CellPoint, Pose};

use crate::check::{Rules, in_cells, invalid_points};
use crate::hull_cells::{GRAZE, Hull};
use crate::motion::{Motion, Side, Standing};
use crate::outline::Outline;

/// What a side sweeps is known up to this many cells: motions are halved until then where it matters.
const EXACT: f64 = 1e-3;

/// Whether a path of poses is safe to drive for a robot with this outline: it has at least one pose, all bases lie in
/// the grid, and the outline and its inside meet no blocked cell on the way. Cells that are lethal, unknown if the rules
/// don't allow them, or outside the grid are blocked; inscribed ones (cost 99) are not, for they are about a disc.
///
/// Between poses the base goes straight and the robot turns evenly, the short way round. To touch a cell's border is no
/// hit.
///
/// A robot that stands on blocked cells must be able to leave. So if the outline meets some at the first pose, it may go
/// on meeting these very cells within `rules.escape` of that pose, until it stands on none at a pose. The base itself is
/// never on a lethal cell meanwhile.
///
/// ```
/// use trm_config::footprint::Footprint;
/// use trm_grid::testing::costmap;
/// use trm_grid::units::Pose;
/// use trm_safety::check::Rules;
/// use trm_safety::outline::Outline;
/// use trm_safety::swept::{check, invalid_poses};
///
/// // A corridor of three cells of 1 m, and a robot of 4 m x 2 m.
/// let map = costmap(&["#########", ".........", ".........", ".........", "#########"]);
/// let robot: Footprint = "[[2, 1], [-2, 1], [-2, -1], [2, -1]]".parse()?;
/// let outline = Outline::new(&robot, 1.0);
/// let rules = Rules { allow_unknown: false, escape: 0.0 };
/// let along = [Pose::new(2.5, 2.5, 0.0), Pose::new(6.5, 2.5, 0.0)];
/// assert!(check(&map, rules, &outline, along));
///
/// // It can't turn there.
/// let turned = [along[0], along[1], Pose::new(6.5, 2.5, 1.57)];
/// assert!(!check(&map, rules, &outline, turned));
/// assert_eq!(invalid_poses(&map, rules, &outline, turned), [2]);
/// # Ok::<(), trm_config::footprint::FootprintError>(())
/// ```
pub fn check(costmap: &Costmap, rules: Rules, outline: &Outline, poses: impl IntoIterator<Item = Pose>) -> bool {
    let mut walk = Walk::new(costmap, rules, outline);
    poses.into_iter().all(|pose| walk.reaches(pose)) && walk.has_arrived()
}

/// The numbers of the poses that the path can't lead to: the motion from the pose before isn't safe to drive. Empty for a
/// path without any pose.
#[must_use]
pub fn invalid_poses(
    costmap: &Costmap,
    rules: Rules,
    outline: &Outline,
    poses: impl IntoIterator<Item = Pose>,
) -> Vec<usize> {
    let mut walk = Walk::new(costmap, rules, outline);
    let mut last = None;
    let numbered = poses.into_iter().enumerate().inspect(|(at, _)| last = Some(*at));
    let mut invalid: Vec<usize> = numbered.filter(|(_, pose)| !walk.reaches(*pose)).map(|(at, _)| at).collect();
    if !walk.has_arrived() && invalid.last() != last.as_ref() {
        invalid.extend(last);
    }
    invalid
}

/// The numbers of the poses that a path can't lead to: [`invalid_poses`] for a footprint, padding included, or
/// [`invalid_points`] for a disc.
#[must_use]
pub fn invalid_for(costmap: &Costmap, rules: Rules, footprint: Option<&Footprint>, poses: &[Pose]) -> Vec<usize> {
    let outline = footprint.map(|footprint| Outline::new(footprint, costmap.geometry().resolution()));
    match outline {
        Some(outline) => invalid_poses(costmap, rules, &outline, poses.iter().copied()),
        None => invalid_points(costmap, rules, in_cells(costmap, poses)),
    }
}

/// How far along its path a robot is.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Before the first pose.
    Nowhere,
    /// At a pose where the outline meets nothing blocked.
    Clear(Standing),
    /// At a pose where it still meets cells that it met at the first one.
    Escaping {
        /// The first pose.
        first: Standing,
        /// The present one.
        at: Standing,
    },
    /// Beyond a pose that it can't be led to; `None` if that is no pose in the grid.
    Lost(Option<Standing>),
}

/// Goes along a path.
struct Walk<'a> {
    costmap: &'a Costmap,
    rules: Rules,
    outline: &'a Outline,
    state: State,
}

impl<'a> Walk<'a> {
    const fn new(costmap: &'a Costmap, rules: Rules, outline: &'a Outline) -> Self {
        Self { costmap, rules, outline, state: State::Nowhere }
    }

    /// Goes on to a pose. Whether the motion there may be driven.
    fn reaches(&mut self, pose: Pose) -> bool {
        let to = Standing::new(self.costmap.geometry(), pose);
        let next = to.and_then(|to| self.step(to));
        self.state = next.unwrap_or(State::Lost(to));
        next.is_some()
    }

    /// The state after a motion; `None` if it isn't safe to drive.
    fn step(&self, to: Standing) -> Option<State> {
        match self.state {
            State::Nowhere => self.stands_clear(&to).then_some(State::Clear(to)).or_else(|| self.escape(to, to, to)),
            State::Clear(from) => self.sweeps_clear(from, to).then_some(State::Clear(to)),
            State::Escaping { first, at } => self.escape(first, at, to),
            State::Lost(from) => {
                let from = from.filter(|from| self.stands_clear(from))?;
                self.sweeps_clear(from, to).then_some(State::Clear(to))
            }
        }
    }

    /// The state after a motion of a robot that is still on its way out of cells that it met at its first pose.
    fn escape(&self, first: Standing, from: Standing, to: Standing) -> Option<State> {
        let is_known = |cell| !self.is_blocked(cell) || self.outline.covers(&first, cell);
        let may_pass = to.base.distance(first.base) <= self.rules.escape
            && self.base_is_off_lethal_cells(from.base, to.base)
            && self.sweeps(from, to, is_known);
        let state = if self.stands_clear(&to) { State::Clear(to) } else { State::Escaping { first, at: to } };
        may_pass.then_some(state)
    }

    fn base_is_off_lethal_cells(&self, from: CellPoint, to: CellPoint) -> bool {
        let is_lethal = |cell| self.costmap.cost(cell).is_none_or(|cost| cost >= LETHAL && cost != UNKNOWN);
        Hull::new([from, from, to, to], 0.0).all_cells(|cell| !is_lethal(cell))
    }

    fn is_blocked(&self, cell: Cell) -> bool {
        let is_passable = |cost| cost <= INSCRIBED || (self.rules.allow_unknown && cost == UNKNOWN);
        !self.costmap.cost(cell).is_some_and(is_passable)
    }

    /// Whether the outline and its inside meet nothing blocked at a pose.
    fn stands_clear(&self, at: &Standing) -> bool {
        let geometry = self.costmap.geometry();
        let [low, high] = self.outline.bounds(at);
        let is_inside = |low: f64, high: f64, side: u32| low >= -0.5 - GRAZE && high <= side as f64 - 0.5 + GRAZE;
        if !is_inside(low.col, high.col, geometry.width()) || !is_inside(low.row, high.row, geometry.height()) {
            return false;
        }
        let (first, last) = (low.cell(), high.cell());
        let width = (last.col - first.col + 1) as u32;
        let box_around = Rect { col: first.col, row: first.row, width, height: (last.row - first.row + 1) as u32 };
        let mut cells = box_around.grown(0, geometry).cells();
        !cells.any(|cell| self.is_blocked(cell) && self.outline.covers(at, cell))
    }

    /// Whether the sides meet nothing blocked on the way from one pose to another.
    fn sweeps_clear(&self, from: Standing, to: Standing) -> bool {
        self.sweeps(from, to, |cell| !self.is_blocked(cell))
    }

    /// Whether the sides meet only cells that `accept` returns true for on the way from one pose to another. A cell that
    /// the outline doesn't cover at first comes into it through a side.
    fn sweeps(&self, from: Standing, to: Standing, accept: impl Fn(Cell) -> bool) -> bool {
        Motion::between(from, to).all(|motion| self.outline.sides().all(|side| sweep(&motion, side, &accept)))
    }

    /// Whether it has a pose, and the outline meets nothing blocked there.
    const fn has_arrived(&self) -> bool {
        matches!(self.state, State::Clear(_))
    }
}

/// Whether a side meets only cells that `accept` returns true for. Where its sweep is too rough to tell, the halves of
/// the motion are looked at.
fn sweep(motion: &Motion, side: &Side, accept: &impl Fn(Cell) -> bool) -> bool {
    motion.retreats(side)
        || motion.sweep(side).all_cells(accept)
        || (motion.sagitta(side).max(motion.excess(side)) > EXACT
            && motion.halves().iter().all(|half| sweep(half, side, accept)))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, PI};

    use super::*;
    use trm_config::footprint::Footprint;
    use trm_grid::testing::costmap;

    const RULES: Rules = Rules { allow_unknown: false, escape: 0.0 };

    fn outline(corners: &[[f64; 2]]) -> Outline {
        Outline::new(&Footprint::new(corners).unwrap(), 1.0)
    }

    /// A box from `back` to `front` with half a width.
    fn oblong(back: f64, front: f64, half: f64) -> Outline {
        outline(&[[front, half], [back, half], [back, -half], [front, -half]])
    }

    /// Poses in cells of 1 m.
    fn poses(poses: &[(f64, f64, f64)]) -> Vec<Pose> {
        poses.iter().map(|(col, row, yaw)| Pose::new(col + 0.5, row + 0.5, *yaw)).collect()
    }

    fn drives(map: &Costmap, rules: Rules, outline: &Outline, path: &[(f64, f64, f64)]) -> bool {
        let path = poses(path);
        let is_safe = check(map, rules, outline, path.iter().copied());
        assert_eq!(is_safe, !path.is_empty() && invalid_poses(map, rules, outline, path).is_empty());
        is_safe
    }

    #[test]
    fn a_robot_passes_a_door_that_is_two_cells_wider_and_none_that_is_narrower() {
        // As a robot of 0.62 m x 0.9 m with its padding in cells of 5 cm.
        let robot = oblong(-4.2, 14.2, 6.4);
        let door = |free: usize| {
            let wall: String = (0..40).map(|col| if (10..10 + free).contains(&col) { '.' } else { '#' }).collect();
            let open = ".".repeat(40);
            let rows: Vec<&str> =
                (0..60).map(|row| if (28..32).contains(&row) { &wall[..] } else { &open[..] }).collect();
            costmap(&rows)
        };
        let through = |col| [(col, 8.0, FRAC_PI_2), (col, 20.0, FRAC_PI_2), (col, 40.0, FRAC_PI_2)];
        let back = |col: f64| through(col).map(|(col, row, _)| (col, 50.0 - row, FRAC_PI_2));
        for col in [16.0, 17.0] {
            assert!(drives(&door(14), RULES, &robot, &through(col)) && drives(&door(14), RULES, &robot, &back(col)));
            assert!(!drives(&door(12), RULES, &robot, &through(col)));
        }
        assert!(!drives(&door(14), RULES, &robot, &through(18.0)), "off the middle");
        assert!(!drives(&door(14), RULES, &robot, &[(16.0, 8.0, FRAC_PI_2), (16.0, 40.0, FRAC_PI_2 + 0.2)]), "askew");
    }

    #[test]
    fn what_a_robot_stands_over_counts() {
        for (cell, rules, expected) in [
            ('#', RULES, false),
            ('?', RULES, false),
            ('?', Rules { allow_unknown: true, ..RULES }, true),
            ('+', RULES, true),
            ('9', RULES, true),
        ] {
            let row = format!(".....{cell}.....");
            let open = "...........";
            let map = costmap(&[open, open, open, open, open, &row, open, open, open, open, open]);
            assert_eq!(drives(&map, rules, &oblong(-3.0, 3.0, 3.0), &[(4.0, 4.0, 0.3)]), expected, "{cell} inside");
            let over = [(1.0, 5.0, 0.0), (9.0, 5.0, 0.0)];
            assert_eq!(drives(&map, rules, &oblong(-0.4, 0.4, 0.4), &over), expected, "{cell} between the poses");
            assert!(drives(&map, rules, &oblong(-0.5, 3.5, 2.5), &[(1.0, 5.0, 0.0)]), "{cell} touches the front");
            assert!(
                !drives(&map, rules, &oblong(-0.5, 3.6, 2.5), &[(1.0, 5.0, 0.0)]) || expected,
                "{cell} in the front"
            );
        }
    }

    #[test]
    fn a_turn_sweeps_what_is_beyond_the_first_and_the_last_pose() {
        let open = ".............";
        let post = "........#....";
        let map = costmap(&[open, open, open, open, open, open, open, open, post, open, open, open, open]);
        let robot = oblong(-1.0, 4.0, 0.4);
        let at = |yaw: f64| [(6.0, 6.0, 0.0), (6.0, 6.0, yaw)];
        assert!(drives(&map, RULES, &robot, &at(0.3)));
        assert!(!drives(&map, RULES, &robot, &at(FRAC_PI_2)), "past the post");
        assert!(drives(&map, RULES, &robot, &at(-FRAC_PI_2)), "the other way");
        assert!(drives(&map, RULES, &robot, &at(-FRAC_PI_2 - 8.0 * PI)), "whole turns are no turns");
        assert!(!drives(&map, RULES, &robot, &at(PI)) && !drives(&map, RULES, &robot, &at(-PI)), "either way round");
    }

    #[test]
    fn a_fork_takes_a_post_between_its_tines_along_but_not_across() {
        let fork = outline(&[
            [5.0, 2.0],
            [-1.0, 2.0],
            [-1.0, -2.0],
            [5.0, -2.0],
            [5.0, -1.0],
            [1.0, -1.0],
            [1.0, 1.0],
            [5.0, 1.0],
        ]);
        let open = "..............";
        let post = ".......#......";
        let map = costmap(&[open, open, open, open, post, open, open, open, open]);
        assert!(drives(&map, RULES, &fork, &[(2.0, 4.0, 0.0), (5.0, 4.0, 0.0), (3.0, 4.0, 0.0)]));
        assert!(!drives(&map, RULES, &fork, &[(2.0, 4.0, 0.0), (6.0, 4.0, 0.0)]), "into its back");
        assert!(!drives(&map, RULES, &fork, &[(5.0, 4.0, 0.0), (5.0, 5.5, 0.0)]), "into a tine");
        assert!(!drives(&map, RULES, &fork, &[(7.0, 4.0, 0.0)]), "under its back");
    }

    #[test]
    fn what_is_no_path_in_the_grid_is_refused() {
        let map = costmap(&["......"; 6]);
        let robot = oblong(-1.0, 1.0, 0.5);
        for bad in [
            &[][..],
            &[(f64::NAN, 2.0, 0.0)],
            &[(2.0, 2.0, f64::NAN)],
            &[(2.0, 2.0, 0.0), (2.0, f64::INFINITY, 0.0)],
            &[(2.0, 2.0, 0.0), (2.0, 3.0, f64::NEG_INFINITY), (2.0, 2.0, 0.0)],
            &[(2.0, 2.0, 0.0), (4.6, 2.0, 0.0)],
            &[(2.0, 2.0, 0.0), (1e300, 2.0, 0.0)],
            &[(0.0, 2.0, 0.0)],
        ] {
            assert!(!drives(&map, RULES, &robot, bad), "{bad:?}");
        }
        assert!(drives(&map, RULES, &robot, &[(0.5, 0.0, 0.0), (4.5, 5.0, 0.0)]), "up to the rim");
        let bad = poses(&[(2.0, 2.0, 0.0), (2.0, 2.0, f64::NAN), (2.0, 2.0, 0.0), (3.0, 2.0, 0.0), (9.0, 2.0, 0.0)]);
        assert_eq!(invalid_poses(&map, RULES, &robot, bad), [1, 2, 4]);
        assert_eq!(invalid_poses(&map, RULES, &robot, []), [0; 0]);
    }

    #[test]
    fn a_robot_may_leave_cells_that_it_stands_on_and_enter_no_others() {
        let map = costmap(&["..........", "#.........", "#..#......", "#.........", ".........."]);
        let (robot, rules) = (oblong(-1.0, 1.0, 1.4), Rules { escape: 2.5, ..RULES });
        let out = [(1.0, 2.0, 0.0), (1.2, 2.0, 0.0), (1.5, 2.0, 0.0)];
        assert!(drives(&map, rules, &robot, &out), "out of the wall");
        assert!(!drives(&map, RULES, &robot, &out), "without leave");
        assert!(!drives(&map, rules, &robot, &[(1.0, 2.0, 0.0)]), "still in the wall");
        assert!(!drives(&map, rules, &robot, &[out[0], out[2], (1.0, 2.0, 0.0)]), "back into it");
        assert!(!drives(&map, rules, &robot, &[out[0], (1.7, 2.0, 0.0)]), "into another");
        assert!(!drives(&map, rules, &robot, &[(0.0, 2.0, 0.0), (1.5, 2.0, 0.0)]), "the base in the wall");
        let unknown = costmap(&["???.......", "???.......", "???......."]);
        assert!(
            drives(&unknown, rules, &oblong(-1.0, 1.0, 1.4), &[(1.0, 1.0, 0.0), (3.5, 1.0, 0.0)]),
            "unknown ground"
        );
        let bare = costmap(&["......"; 4]);
        assert!(drives(&bare, rules, &oblong(-1.0, 1.0, 0.5), &[(0.0, 2.0, 0.0), (0.5, 2.0, 0.0)]), "over the rim");
        assert!(!drives(&bare, rules, &oblong(-1.0, 1.0, 0.5), &[(0.0, 2.0, 0.0), (0.0, 3.0, 0.0)]), "along the rim");
        let narrow = Rules { escape: 0.4, ..RULES };
        assert!(!drives(&map, narrow, &robot, &out), "too far");
        assert_eq!(invalid_poses(&map, narrow, &robot, poses(&out)), [2]);
    }
}
