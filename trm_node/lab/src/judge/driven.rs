//! Says what is wrong with a result for a robot with a footprint, looking at the raw map only.
//!
//! Nothing blocked is in the area that the footprint sweeps, its inside included; lethal cells are, unknown ones unless they
//! are allowed, and what is outside the grid. A robot that stands on such cells may go on touching these, and no others, within
//! `start_tolerance` and a cell and a half, and with its base off lethal ones, until it stands clear at a pose. The path begins at the robot and ends
//! at the goal, or where the rules move it to, and every motion can be driven.

use std::f64::consts::PI;

use trm_config::{Config, GoalHeading, MotionModel};
use trm_grid::units::Pose;
use trm_planner::PlanError;

use crate::judge::line::enters;
use crate::judge::polygon::Polygon;
use crate::judge::raw_map::{Class, RawMap};
use crate::judge::reachable::Motions;
use crate::judge::stand::{CellAt, Stand};
use crate::judge::swept::{met, turn};

/// Cells no farther than this from the outline may count as touched or not, in cells: where who looks rounds.
const TIE: f64 = 2e-5;
/// A path whose goal can't be driven to exactly may end so far beside it, in cells.
const BESIDE: f64 = 0.75;
/// The centre of a goal's own cell is no farther from it, in cells.
const HALF_DIAGONAL: f64 = 0.7072;
/// Rounding of lengths in metres, and of angles.
const ROUNDING: f64 = 1e-6;
/// How far the base's way may be off its heading, in radians.
const ASKEW: f64 = 1e-3;
/// Poses nearer to each other, in cells, tell no direction.
const SAME: f64 = 1e-4;
/// A robot may go on touching what it stands on over so many cells more than `start_tolerance`: from its pose to the middle of
/// a cell, and on to that of the next one.
const ESCAPE: f64 = 1.5 + ROUNDING;
/// Neighbouring poses are no farther apart than a cell, and where a path is left or joined beside it, than this.
const STRAY: f64 = 3.0 + ROUNDING;

/// What a plan for a robot with a footprint was asked for.
pub struct Driven<'a> {
    pub map: &'a RawMap,
    pub config: &'a Config,
    pub polygon: &'a Polygon,
    pub start: Pose,
    pub goal: Pose,
    /// Whether the deadline may pass.
    pub is_tight: bool,
}

impl Driven<'_> {
    /// What is wrong with a path. `is_joined`: its first motion leads from beside the path onto it.
    pub fn path(&self, poses: &[Pose], is_joined: bool) -> Option<String> {
        if poses.iter().any(|p| !(p.x.is_finite() && p.y.is_finite() && p.yaw.is_finite())) {
            return Some("a pose isn't finite".to_owned());
        }
        let (Some(first), Some(last)) = (poses.first(), poses.last()) else { return Some("no pose".to_owned()) };
        if *first != self.start {
            return Some(format!("begins at {first:?}, not at the robot"));
        }
        let stands: Vec<Stand> = poses.iter().map(|pose| self.map.stand(*pose)).collect();
        let motions = || stands.windows(2).enumerate().map(|(at, pair)| (at, pair[0], pair[1]));
        let is_exempt = |at: usize| at == 0 && is_joined;
        self.collision(&stands).or_else(|| self.ends_wrong(self.map.stand(*last))).or_else(|| {
            motions().find_map(|(at, from, to)| {
                let fault = self.wrong_motion(from, to, is_exempt(at));
                fault.map(|fault| format!("{fault} from pose {at}, {from:?}, to {to:?}"))
            })
        })
    }

    /// The blocked cells that the outline overlaps on a motion, each with a moment.
    fn hits(&self, from: Stand, to: Stand) -> Vec<(CellAt, Stand)> {
        met(self.polygon, (from, to), 0.0, |cell| self.map.blocks(cell))
    }

    /// The blocked cells that the outline overlaps at a pose, or is no farther from than `more` cells.
    pub fn under(&self, at: Stand, more: f64) -> Vec<CellAt> {
        let placed = self.polygon.at(at);
        placed.cells_around(1.0).filter(|cell| self.map.blocks(*cell) && placed.gap(*cell) < more).collect()
    }

    /// Where a path collides.
    fn collision(&self, stands: &[Stand]) -> Option<String> {
        let first = stands[0];
        let mut has_left = self.under(first, 0.0).is_empty();
        let known = if has_left { Vec::new() } else { self.under(first, TIE) };
        let most = self.config.planner.start_tolerance / self.map.resolution() + ESCAPE;
        for (at, pair) in stands.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            let is_wrong = |cell: &CellAt| has_left || !known.contains(cell);
            if let Some((cell, moment)) = self.hits(from, to).into_iter().find(|(cell, _)| is_wrong(cell)) {
                return Some(format!("hits cell {cell:?} at {moment:?}, after pose {at}"));
            }
            if !has_left && to.distance(first) > most {
                return Some(format!("still on blocked cells {} cells from its start", to.distance(first)));
            }
            if !has_left && self.base_is_on_lethal_cells(from, to) {
                return Some(format!("the base is on a lethal cell after pose {at}"));
            }
            has_left |= self.under(to, 0.0).is_empty();
        }
        (!has_left).then(|| "never leaves the cells that it stands on".to_owned())
    }

    fn base_is_on_lethal_cells(&self, from: Stand, to: Stand) -> bool {
        let range = |p: f64, q: f64| (p.min(q) - 0.5).floor() as i32..=(p.max(q) + 0.5).ceil() as i32;
        let mut cells = range(from.row, to.row).flat_map(|row| range(from.col, to.col).map(move |col| (col, row)));
        cells.any(|(col, row)| {
            let seen = |at: Stand| (at.col - f64::from(col), at.row - f64::from(row));
            self.map.is_surely(col, row, |class| class == Class::Lethal) && enters(seen(from), seen(to), 0.5 - TIE)
        })
    }

    /// The headings in the grid with which a path may end, the tolerance aside; `None` if any will do.
    fn headings(&self) -> Option<Vec<f64>> {
        let yaw = self.map.stand(self.goal).yaw;
        match self.config.planner.goal_heading {
            GoalHeading::Default => Some(vec![yaw]),
            GoalHeading::Bidirectional => Some(vec![yaw, yaw + PI]),
            GoalHeading::All => None,
        }
    }

    fn ends_wrong(&self, last: Stand) -> Option<String> {
        let goal = self.map.stand(self.goal);
        let turned = |headings: Vec<f64>| headings.into_iter().map(|yaw| turn(yaw, last.yaw).abs()).fold(PI, f64::min);
        let turned = self.headings().map_or(0.0, turned);
        if turned > self.config.planner.yaw_goal_tolerance + ROUNDING {
            return Some(format!("ends with a heading {turned} from those that are allowed"));
        }
        let (away, most) = (last.distance(goal), self.farthest_end(goal));
        (away > most + BESIDE + ROUNDING)
            .then(|| format!("ends {away} cells from the goal, not within {most} + {BESIDE}"))
    }

    /// How far from the goal the place may be that the goal is moved to, in cells.
    fn farthest_end(&self, goal: Stand) -> f64 {
        let tolerance = self.config.planner.tolerance / self.map.resolution();
        let any = tolerance.max(HALF_DIAGONAL);
        if self.config.planner.goal_heading != GoalHeading::Default {
            return any;
        }
        if self.stands_clear(goal) {
            return 0.0;
        }
        self.nearest_standing(goal).unwrap_or(any)
    }

    /// Whether the outline surely meets nothing blocked at a pose.
    pub fn stands_clear(&self, at: Stand) -> bool {
        self.under(at, TIE).is_empty()
    }

    /// How far from the goal the nearest place within the tolerance is where the robot surely stands clear with its heading: the
    /// middle of the goal's own cell, or else the nearest middle of a cell.
    fn nearest_standing(&self, goal: Stand) -> Option<f64> {
        let tolerance = self.config.planner.tolerance / self.map.resolution();
        let own = (goal.col.round() as i32, goal.row.round() as i32);
        let reach = tolerance.ceil() as i32 + 1;
        let square = |middle: i32| middle - reach..=middle + reach;
        let cells = square(own.1).flat_map(|row| square(own.0).map(move |col| (col, row)));
        let places = cells.map(|(col, row)| Stand { col: f64::from(col), row: f64::from(row), ..goal });
        let mut near: Vec<(f64, Stand)> = places.map(|place| (place.distance(goal), place)).collect();
        near.sort_by(|one, other| one.0.total_cmp(&other.0));
        let is_own = |place: &Stand| (place.col as i32, place.row as i32) == own;
        let may_be = |(away, place): &&(f64, Stand)| is_own(place) || *away <= tolerance - TIE;
        near.iter().filter(may_be).find(|(_, place)| self.stands_clear(*place)).map(|(away, _)| *away)
    }

    /// What is wrong with a motion between two poses.
    fn wrong_motion(&self, from: Stand, to: Stand, is_joined: bool) -> Option<String> {
        let planner = &self.config.planner;
        let (chord, turned) = (from.distance(to), turn(from.yaw, to.yaw));
        if chord > if is_joined { STRAY } else { 1.0 + ROUNDING } {
            return Some(format!("{chord} cells"));
        }
        if is_joined || planner.motion_model == MotionModel::Omni {
            return None;
        }
        if planner.motion_model == MotionModel::Car {
            // A chord of a circle of radius r over the angle φ is 2 r sin(φ / 2) long.
            let least = 2.0 * planner.minimum_turning_radius / self.map.resolution() * (turned.abs() / 2.0).sin();
            if chord < least - ROUNDING {
                return Some(format!("a curve narrower than the turning radius, {chord} of {least} cells,"));
            }
        }
        if chord < SAME {
            return None;
        }
        let heading = (to.row - from.row).atan2(to.col - from.col);
        let across = turn(from.yaw + turned / 2.0, heading).abs();
        let is_along = across < ASKEW || (planner.allow_reverse && across > PI - ASKEW);
        (!is_along).then(|| format!("a motion {across} off the heading"))
    }

    /// What is wrong with the reason why there is no path. `motions` are those of a search of the judge's own.
    pub fn refusal(&self, error: PlanError, motions: impl FnOnce() -> Motions) -> Option<String> {
        let outside =
            |pose: Pose| self.map.cells_at(pose.x, pose.y).iter().any(|(c, r)| self.map.index(*c, *r).is_none());
        let is_right = match error {
            PlanError::StartOutsideMap(_) => outside(self.start),
            PlanError::GoalOutsideMap(_) => outside(self.goal),
            PlanError::GoalBlocked(_) => !self.must_stand_at_goal() && !self.can_be_driven(motions),
            PlanError::StartBlocked(_) | PlanError::NoValidPath => !self.can_be_driven(motions),
            PlanError::TimedOut { .. } => self.is_tight,
            // What the search finds passes the last check. What is drawn can be laid on the cells, and the worlds are small.
            PlanError::Unverified
            | PlanError::NoLattice(_)
            | PlanError::TooLong { .. }
            | PlanError::SearchLimit { .. }
            | PlanError::GoalOccupied { .. }
            | PlanError::StartOccupied { .. }
            | PlanError::ModelOnly { .. }
            | PlanError::NotReady
            | PlanError::Cancelled => false,
        };
        (!is_right).then(|| format!("wrong verdict: {error}"))
    }

    /// Whether the robot stands clear at the exact goal, and may stand so.
    fn must_stand_at_goal(&self) -> bool {
        let goal = self.map.stand(self.goal);
        let index = self.map.index(goal.col.round() as i32, goal.row.round() as i32);
        index.is_some() && self.config.planner.goal_heading != GoalHeading::All && self.stands_clear(goal)
    }

    /// Whether the judge's own search finds a way. It knows only poses of its lattice: where the start or the goal is none, it
    /// says no.
    fn can_be_driven(&self, motions: impl FnOnce() -> Motions) -> bool {
        let ends = [self.start, self.goal].map(|pose| Motions::state_at(self.map.stand(pose)));
        let [Some(start), Some(goal)] = ends else { return false };
        let stands_clear = [self.start, self.goal].iter().all(|pose| self.stands_clear(self.map.stand(*pose)));
        stands_clear && motions().lead(self.map, start, goal)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use trm_grid::units::Cell;

    use super::*;
    use crate::judge::tests::map;

    fn config(model: MotionModel) -> Config {
        Config::with(|config| {
            config.grid.robot_radius = 0.0;
            config.planner.motion_model = model;
            config.planner.minimum_turning_radius = 2.0;
            (config.planner.tolerance, config.planner.start_tolerance) = (0.0, 1.5);
        })
    }

    /// A bar of 3 m x 1 m.
    fn bar() -> Polygon {
        Polygon::new(&"[[1.5, 0.5], [-1.5, 0.5], [-1.5, -0.5], [1.5, -0.5]]".parse().unwrap(), 1.0)
    }

    /// Poses given in cells.
    fn poses(poses: &[(f64, f64, f64)]) -> Vec<Pose> {
        poses.iter().map(|(col, row, yaw)| Pose::new(col + 0.5, row + 0.5, *yaw)).collect()
    }

    /// What is wrong with a path that is asked for from its first pose to its last, or to another goal.
    fn fault(rows: &[&str], config: &Config, path: &[(f64, f64, f64)], goal: Option<(f64, f64, f64)>) -> String {
        let (map, polygon, path) = (map(rows, config), bar(), poses(path));
        let (start, last) = (path[0], path[path.len() - 1]);
        let goal = goal.map_or(last, |goal| poses(&[goal])[0]);
        let driven = Driven { map: &map, config, polygon: &polygon, start, goal, is_tight: false };
        driven.path(&path, false).unwrap_or_default()
    }

    const ROOM: [&str; 5] = ["..........", "..........", "..........", "..........", ".........."];

    #[test]
    fn what_a_footprint_sweeps_is_caught_and_what_it_passes_is_not() {
        let diff = config(MotionModel::Diff);
        let along: Vec<_> = (2..8).map(|col| (f64::from(col), 2.0, 0.0)).collect();
        assert_eq!(fault(&ROOM, &diff, &along, None), "");
        let aisle = ["..........", "##########", "..........", "##########", ".........."];
        assert_eq!(fault(&aisle, &diff, &along, None), "", "it touches both walls");
        for bad in ["....#.....", ".....?....", ".........#"] {
            let rows = [ROOM[0], ROOM[0], bad, ROOM[0], ROOM[0]];
            let expected = if bad.ends_with('#') { "" } else { "hits cell" };
            assert!(fault(&rows, &diff, &along, None).contains(expected), "{bad}");
            assert!(bad.ends_with('#') || !fault(&rows, &diff, &along, None).is_empty(), "{bad}");
        }
        let lenient = Config::with(|config| {
            *config = diff.clone();
            config.grid.allow_unknown = true;
        });
        assert_eq!(fault(&[ROOM[0], ROOM[0], ".....?....", ROOM[0], ROOM[0]], &lenient, &along, None), "");
        let turn = [(2.0, 2.0, 0.0), (2.0, 2.0, FRAC_PI_2)];
        assert_eq!(fault(&ROOM, &diff, &turn, None), "");
        assert!(fault(&[ROOM[0], "...#......", ROOM[0], ROOM[0], ROOM[0]], &diff, &turn, None).is_empty(), "below it");
        assert!(fault(&[ROOM[0], ROOM[0], ROOM[0], "...#......", ROOM[0]], &diff, &turn, None).contains("hits"));
        assert!(fault(&ROOM, &diff, &[(0.0, 2.0, 0.0)], None).contains("never leaves"), "over the rim");
        let off = [(0.5, 2.0, 0.0), (1.0, 2.0, 0.0)];
        assert_eq!(fault(&ROOM, &diff, &off, None), "", "it may leave the rim");
        let into = [off[0], off[1], off[0]];
        assert!(fault(&ROOM, &diff, &into, None).contains("hits"), "but not go back");
    }

    #[test]
    fn motions_that_the_robot_can_not_make_are_caught() {
        let (car, diff, omni) = (config(MotionModel::Car), config(MotionModel::Diff), config(MotionModel::Omni));
        let ahead = Config::with(|config| {
            *config = car.clone();
            config.planner.allow_reverse = false;
        });
        let turn = [(4.0, 2.0, 0.0), (4.0, 2.0, 0.2)];
        assert!(fault(&ROOM, &car, &turn, None).contains("narrower"));
        assert_eq!(fault(&ROOM, &diff, &turn, None), "");
        // A chord of a circle of 2.1 m, and one of 1.9 m.
        let curve = |radius: f64| {
            let chord = 2.0 * radius * 0.1_f64.sin();
            [(4.0, 2.0, 0.0), (4.0 + chord * 0.1_f64.cos(), 2.0 + chord * 0.1_f64.sin(), 0.2)]
        };
        assert_eq!(fault(&ROOM, &car, &curve(2.1), None), "");
        assert!(fault(&ROOM, &car, &curve(1.9), None).contains("narrower"));
        let back = [(4.0, 2.0, 0.0), (3.5, 2.0, 0.0)];
        assert_eq!(fault(&ROOM, &car, &back, None), "");
        assert!(fault(&ROOM, &ahead, &back, None).contains("off the heading"));
        let sideways = [(4.0, 2.0, 0.0), (4.0, 2.5, 0.0)];
        assert!(fault(&ROOM, &diff, &sideways, None).contains("off the heading"));
        assert_eq!(fault(&ROOM, &omni, &sideways, None), "");
        assert!(fault(&ROOM, &diff, &[(3.0, 2.0, 0.0), (4.5, 2.0, 0.0)], None).contains("1.5 cells"));
    }

    #[test]
    fn ends_that_are_not_where_the_rules_put_them_are_caught() {
        let diff = config(MotionModel::Diff);
        let path = [(3.0, 2.0, 0.0), (4.0, 2.0, 0.0)];
        let ends = |config: &Config, rows: &[&str], goal| fault(rows, config, &path, Some(goal));
        assert_eq!(ends(&diff, &ROOM, (4.2, 2.0, 0.2)), "", "as near as a lattice comes");
        assert!(ends(&diff, &ROOM, (5.0, 2.0, 0.0)).contains("ends 1 cells from the goal"));
        assert!(ends(&diff, &ROOM, (4.0, 2.0, 0.3)).contains("heading"));
        let with = |heading| {
            Config::with(|config| {
                *config = diff.clone();
                config.planner.goal_heading = heading;
            })
        };
        assert_eq!(ends(&with(GoalHeading::Bidirectional), &ROOM, (4.0, 2.0, 3.1)), "");
        assert_eq!(ends(&with(GoalHeading::All), &ROOM, (4.0, 2.0, 1.5)), "");
        let moved = Config::with(|config| {
            *config = diff.clone();
            config.planner.tolerance = 5.0;
        });
        let walled = ["......#...", "......#...", "......#...", "......#...", "......#..."];
        assert_eq!(ends(&moved, &walled, (6.0, 2.0, 0.0)), "");
        assert!(ends(&diff, &walled, (6.0, 2.0, 0.0)).contains("from the goal"));
        let short = [(1.0, 2.0, 0.0), (2.0, 2.0, 0.0)];
        assert!(
            fault(&walled, &moved, &short, Some((6.0, 2.0, 0.0))).contains("ends 4 cells"),
            "there is a nearer place"
        );
    }

    #[test]
    fn wrong_verdicts_are_caught_and_right_ones_are_not() {
        let diff = config(MotionModel::Diff);
        let door = ["....#.....", "....#.....", "..........", "....#.....", "....#....."];
        let wall = ["....#.....", "....#.....", "....#.....", "....#.....", "....#....."];
        let wide = ["....#.....", "..........", "..........", "..........", "....#....."];
        let is_wrong = |rows: &[&str], ends: [(f64, f64, f64); 2], error: PlanError| {
            let (map, polygon, ends) = (map(rows, &diff), bar(), poses(&ends));
            let driven =
                Driven { map: &map, config: &diff, polygon: &polygon, start: ends[0], goal: ends[1], is_tight: false };
            driven.refusal(error, || Motions::new(&polygon, MotionModel::Diff, 0.0, true)).is_some()
        };
        let across = [(2.0, 2.0, 0.0), (7.0, 2.0, 0.0)];
        assert!(is_wrong(&wide, across, PlanError::NoValidPath));
        assert!(!is_wrong(&wall, across, PlanError::NoValidPath));
        assert!(!is_wrong(&door, across, PlanError::NoValidPath), "nothing is known of ways without a margin");
        let off = [(2.0, 2.1, 0.0), across[1]];
        assert!(!is_wrong(&wide, off, PlanError::NoValidPath), "nothing is known off the lattice");
        let blocked = PlanError::GoalBlocked(Cell::new(0, 0));
        assert!(is_wrong(&wall, across, blocked) && !is_wrong(&wall, [across[0], (4.0, 2.0, 0.0)], blocked));
        assert!(is_wrong(&wide, across, PlanError::StartBlocked(Cell::new(0, 0))));
        assert!(is_wrong(&wall, across, PlanError::Unverified));
        assert!(is_wrong(&wall, across, PlanError::TimedOut { applications: 0 }));
        assert!(is_wrong(&wall, across, PlanError::StartOutsideMap(Cell::new(0, 0))));
        assert!(!is_wrong(&wall, [across[0], (12.0, 2.0, 0.0)], PlanError::GoalOutsideMap(Cell::new(0, 0))));
    }
}
