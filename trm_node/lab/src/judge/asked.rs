//! Says what is wrong with a result, looking at the raw map only.

use trm_config::Config;
use trm_grid::units::Pose;
use trm_planner::PlanError;

use crate::judge::flood::{departures, reach};
use crate::judge::raw_map::{Class, RawMap};

/// Half the diagonal of a cell, in cells, and a little: a path's ends are no farther from what was asked for.
const HALF_DIAGONAL: f64 = 0.708;
/// The first poses, this many, are at most a cell's diagonal apart, later ones so many cells.
const DENSE: usize = 512;
const FAR_STRIDE: f64 = 4.0;

/// Distances nearer to each other than this may count either way, in cells.
const TIE: f64 = 1e-9;

type CellAt = (i32, i32);

/// What a plan was asked for.
pub struct Asked<'a> {
    pub map: &'a RawMap,
    pub config: &'a Config,
    pub start: Pose,
    pub goal: Pose,
    /// Whether the deadline may pass.
    pub is_tight: bool,
}

/// The goal cells that the rules allow, and whether there may be none.
struct Goals {
    cells: Vec<CellAt>,
    outside: bool,
    occupied: bool,
}

impl Asked<'_> {
    /// What is wrong with a path.
    pub fn path(&self, poses: &[Pose]) -> Option<String> {
        if poses.iter().any(|p| !(p.x.is_finite() && p.y.is_finite() && p.yaw.is_finite())) {
            return Some("a pose isn't finite".to_owned());
        }
        let points: Vec<(f64, f64)> = poses.iter().map(|pose| self.map.to_cells(pose.x, pose.y)).collect();
        let (Some(first), Some(last)) = (poses.first(), poses.last()) else { return Some("no pose".to_owned()) };
        self.collision(first, &points).or_else(|| self.begins_wrong(first)).or_else(|| self.ends_wrong(last)).or_else(
            || {
                let most = |at| if at + 1 < DENSE { std::f64::consts::SQRT_2 } else { FAR_STRIDE };
                points.windows(2).enumerate().find_map(|(at, p)| {
                    let apart = (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1);
                    (apart > most(at) + 1e-6).then(|| format!("poses {at} and {} are {apart} cells apart", at + 1))
                })
            },
        )
    }

    fn begins_wrong(&self, first: &Pose) -> Option<String> {
        let away = (first.x - self.start.x).hypot(first.y - self.start.y) / self.map.resolution();
        (away > HALF_DIAGONAL).then(|| format!("begins {away} cells from the start"))
    }

    fn ends_wrong(&self, last: &Pose) -> Option<String> {
        let resolution = self.map.resolution();
        let (col, row) = self.map.to_cells(last.x, last.y);
        let goals = self.goals();
        let away = (last.x - self.goal.x).hypot(last.y - self.goal.y);
        let own = self.map.cells_at(self.goal.x, self.goal.y);
        let is_right = |cell: &CellAt| {
            let off = (col - f64::from(cell.0)).abs().max((row - f64::from(cell.1)).abs());
            off <= 0.5 + 1e-6 && (!own.contains(cell) || away <= HALF_DIAGONAL * resolution)
        };
        if !goals.cells.iter().any(is_right) {
            return Some(format!("ends in cell ({col}, {row}), not in one of {:?}", goals.cells));
        }
        let turned = (last.yaw - self.goal.yaw).rem_euclid(std::f64::consts::TAU);
        let is_turned = turned.min(std::f64::consts::TAU - turned) > 1e-9;
        is_turned.then(|| format!("ends with yaw {}, not {}", last.yaw, self.goal.yaw))
    }

    /// Where a path of points in cells, whose first pose is given too, collides.
    fn collision(&self, begin: &Pose, points: &[(f64, f64)]) -> Option<String> {
        let (map, first) = (self.map, points[0]);
        let free = |class| map.is_free(class);
        let passable = |class| map.is_free(class) || class == Class::Inscribed;
        let is_taken = |(col, row): &CellAt| map.is_perhaps(*col, *row, |class| !map.is_free(class));
        let mut escaping = map.cells_at(begin.x, begin.y).iter().any(is_taken);
        let escape = self.config.planner.start_tolerance / map.resolution() + 1.5;
        let radius = map.radius();
        let lines = points.windows(2).map(|pair| (pair[0], pair[1]));
        for (a, b) in std::iter::once((first, first)).chain(lines) {
            if map.line_is_perhaps(a, b, free) {
                // Where a cell can be two things the planner may still be on its way out.
                escaping &= !map.line_is_surely(a, b, free);
                let clearance = map.clearance(a, b);
                if clearance < radius - 1e-5 * map.resolution() {
                    return Some(format!("{clearance} m from an occupied cell between {a:?} and {b:?}"));
                }
                continue;
            }
            let away = (b.0 - first.0).hypot(b.1 - first.1);
            if !escaping || away > escape + 1e-6 || !map.line_is_perhaps(a, b, passable) {
                return Some(format!("collides between {a:?} and {b:?}"));
            }
            escaping = !map.line_is_surely(b, b, free);
        }
        let last = points[points.len() - 1];
        (!map.line_is_perhaps(last, last, free)).then(|| "never leaves the inscribed cells".to_owned())
    }

    /// What is wrong with the reason why there is no path. Notes in `other_side` that another departure leads there.
    pub fn refusal(&self, error: PlanError, other_side: &mut bool) -> Option<String> {
        let (goals, planner) = (self.goals(), &self.config.planner);
        let is_right = match error {
            PlanError::GoalOutsideMap(_) => goals.outside,
            PlanError::GoalOccupied { .. } => goals.occupied,
            PlanError::StartOutsideMap(_) => self.starts().iter().any(|(c, r)| self.map.index(*c, *r).is_none()),
            PlanError::StartOccupied { .. } => self.starts().into_iter().any(|start| self.may_be_stuck(start)),
            PlanError::NoValidPath => {
                if goals.cells.is_empty() {
                    return Some("no path, though the goal is refused".to_owned());
                }
                return self.wrongly_hopeless(&goals.cells, other_side);
            }
            PlanError::ModelOnly { .. } => !planner.allow_fallback,
            PlanError::TimedOut { .. } => self.is_tight,
            PlanError::Unverified
            | PlanError::TooLong { .. }
            | PlanError::SearchLimit { .. }
            | PlanError::Cancelled => false,
        };
        (!is_right).then(|| format!("wrong verdict: {error}"))
    }

    fn starts(&self) -> Vec<CellAt> {
        self.map.cells_at(self.start.x, self.start.y)
    }

    /// Whether the rules may refuse a start in this cell as occupied.
    fn may_be_stuck(&self, (col, row): CellAt) -> bool {
        let map = self.map;
        if map.index(col, row).is_none() || map.is_surely(col, row, |class| map.is_free(class)) {
            return false;
        }
        let is_inscribed = map.is_surely(col, row, |class| class == Class::Inscribed);
        !is_inscribed || departures(map, (col, row), self.radius() - TIE).is_empty()
    }

    /// The longest departure, in cells.
    fn radius(&self) -> f64 {
        self.config.planner.start_tolerance / self.map.resolution()
    }

    /// Whether there surely is a path, from every cell where the rules let it begin to every goal cell they allow.
    fn wrongly_hopeless(&self, goals: &[CellAt], other_side: &mut bool) -> Option<String> {
        let map = self.map;
        let is_free = |(col, row): CellAt| map.is_surely(col, row, |class| map.is_free(class));
        let mut begins = Vec::new();
        for start in self.starts() {
            if map.index(start.0, start.1).is_none() {
                continue;
            }
            if is_free(start) {
                begins.push(start);
            } else if map.has_ties {
                // The planner may see a shorter departure where a cell can be two things.
                return None;
            } else {
                let ends = [-TIE, TIE].map(|tie| departures(map, start, self.radius() + tie));
                // A cell may be exactly as far as a departure may be long, and a shorter way out.
                if ends[0] != ends[1] {
                    return None;
                }
                begins.extend(&ends[0]);
            }
        }
        let connects = |from: &CellAt| {
            let moves = reach(map, *from);
            let reached = |goal: &CellAt| map.index(goal.0, goal.1).is_some_and(|at| moves[at] >= 0);
            (goals.iter().all(|goal| is_free(*goal) && reached(goal)), goals.iter().any(reached))
        };
        let found: Vec<(bool, bool)> = begins.iter().map(connects).collect();
        *other_side |= found.iter().any(|(_, any)| *any);
        let all = !found.is_empty() && found.iter().all(|(all, _)| *all);
        all.then(|| "no path, though there is one".to_owned())
    }

    /// The cells that the rules may plan to: the goal's own, else the nearest free ones within the tolerance.
    fn goals(&self) -> Goals {
        let (map, tolerance) = (self.map, self.config.planner.tolerance);
        let mut goals = Goals { cells: Vec::new(), outside: false, occupied: false };
        for (col, row) in map.cells_at(self.goal.x, self.goal.y) {
            if map.index(col, row).is_none() {
                goals.outside = true;
                continue;
            }
            if map.is_perhaps(col, row, |class| map.is_free(class)) {
                goals.cells.push((col, row));
            }
            if map.is_surely(col, row, |class| map.is_free(class)) {
                continue;
            }
            let (nearest, surely) = self.nearest();
            goals.occupied |= surely > tolerance - 1e-9;
            goals.cells.extend(nearest);
        }
        goals
    }

    /// The free cells that may be the nearest to the goal within the tolerance, and the distance of the nearest one
    /// that is surely free, in metres.
    fn nearest(&self) -> (Vec<CellAt>, f64) {
        let map = self.map;
        let (u, v) = map.to_cells(self.goal.x, self.goal.y);
        let away = |(col, row): CellAt| (f64::from(col) - u).hypot(f64::from(row) - v) * map.resolution();
        let reach = (self.config.planner.tolerance / map.resolution()).ceil() + 1.0;
        let (width, height) = map.size();
        let range =
            |at: f64, most: i32| ((at - reach).floor() as i32).max(0)..=((at + reach).ceil() as i32).min(most - 1);
        let cells = || range(v, height).flat_map(|row| range(u, width).map(move |col| (col, row)));
        let free = |(col, row): &CellAt| map.is_surely(*col, *row, |class| map.is_free(class));
        let surely = cells().filter(free).map(away).fold(f64::INFINITY, f64::min);
        let most = surely.min(self.config.planner.tolerance) + 1e-9;
        let candidate = |(col, row): &CellAt| map.is_perhaps(*col, *row, |class| map.is_free(class));
        (cells().filter(|cell| candidate(cell) && away(*cell) <= most).collect(), surely)
    }
}
