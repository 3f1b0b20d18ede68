//! Says what is wrong with a result, looking at the raw map only.
//!
//! A path ends in the cell nearest to the goal of those that can be reached: the goal's own, or one within the tolerance.
//! It begins in the robot's cell, and from an inscribed one leads to any free cell within the start tolerance. So there is
//! no path only if no such cell leads to any of the former.

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
/// An end may be off by this much, in cells: a goal so near to the line between two cell centres touches the cells beside
/// it or doesn't, by who looks (the map's `TOUCH` is less than what the planner's check takes for a touch).
const NEAR_LINE: f64 = 2e-5;

type CellAt = (i32, i32);

/// What a plan was asked for.
pub struct Asked<'a> {
    pub map: &'a RawMap,
    pub config: &'a Config,
    pub start: Pose,
    pub goal: Pose,
    /// Whether the deadline may pass.
    pub is_tight: bool,
    /// Whether the plan may believe older guidance about which cells near the goal can be reached.
    pub may_lag: bool,
}

/// A free cell near the goal, and how far it is from the goal in metres. The goal's own cell is the nearest.
type Candidate = (CellAt, f64);

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
        let (map, slack) = (self.map, NEAR_LINE * self.map.resolution());
        let away = (last.x - self.goal.x).hypot(last.y - self.goal.y);
        let own = map.cells_at(self.goal.x, self.goal.y);
        let cells = map.cells_at(last.x, last.y);
        let near = self.candidates(&own, |(col, row)| map.is_perhaps(col, row, |class| map.is_free(class)), slack);
        // The end is no farther from the goal than the centre of its cell is.
        let is_end = |(cell, _): &&Candidate| cells.contains(cell) && away <= self.away(*cell) + slack;
        let Some((_, farthest)) = near.iter().filter(is_end).max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return Some(format!("ends in {cells:?}, which isn't near the goal in {own:?}"));
        };
        let at = map.to_cells(self.goal.x, self.goal.y);
        let is_own = cells.iter().any(|cell| own.contains(cell));
        if is_own && away > slack && map.line_is_surely(at, at, |class| map.is_free(class)) {
            return Some(format!("ends {away} m from a goal that the robot can stand on"));
        }
        if !self.may_lag
            && let Some(nearer) = self.surely_reached().filter(|nearer| *nearer < farthest - slack)
        {
            return Some(format!(
                "ends in a cell {farthest} m from the goal, and one {nearer} m from it can be reached"
            ));
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

    /// What is wrong with the reason why there is no path.
    pub fn refusal(&self, error: PlanError) -> Option<String> {
        let planner = &self.config.planner;
        let is_right = match error {
            PlanError::GoalOutsideMap(_) => self.goals().iter().any(|(c, r)| self.map.index(*c, *r).is_none()),
            PlanError::GoalOccupied { .. } => self.goals().into_iter().any(|goal| self.may_be_refused(goal)),
            PlanError::StartOutsideMap(_) => self.starts().iter().any(|(c, r)| self.map.index(*c, *r).is_none()),
            PlanError::StartOccupied { .. } => self.starts().into_iter().any(|start| self.may_be_stuck(start)),
            PlanError::NoValidPath => self.surely_reached().is_none(),
            PlanError::ModelOnly { .. } => !planner.allow_fallback,
            PlanError::TimedOut { .. } => self.is_tight,
            // Its robots are discs.
            PlanError::StartBlocked(_)
            | PlanError::GoalBlocked(_)
            | PlanError::NoLattice(_)
            | PlanError::NotReady
            | PlanError::Unverified
            | PlanError::TooLong { .. }
            | PlanError::SearchLimit { .. }
            | PlanError::Cancelled => false,
        };
        (!is_right).then(|| format!("wrong verdict: {error}"))
    }

    /// The cells that the goal may be in.
    fn goals(&self) -> Vec<CellAt> {
        self.map.cells_at(self.goal.x, self.goal.y)
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

    /// Whether the rules may refuse a goal in this cell as occupied.
    fn may_be_refused(&self, goal: CellAt) -> bool {
        let map = self.map;
        let is_free = |(col, row): CellAt| map.is_surely(col, row, |class| map.is_free(class));
        map.index(goal.0, goal.1).is_some() && self.candidates(&[goal], is_free, -1e-9).is_empty()
    }

    /// The distance from the goal, in metres, of the nearest cell that surely can be reached, wherever the rules may see
    /// the robot and the goal; `None` if there may be none.
    fn surely_reached(&self) -> Option<f64> {
        let map = self.map;
        let is_free = |(col, row): CellAt| map.is_surely(col, row, |class| map.is_free(class));
        let mut farthest: Option<f64> = None;
        for start in self.starts() {
            let begins = if is_free(start) {
                vec![start]
            } else if map.is_surely(start.0, start.1, |class| class == Class::Inscribed) {
                departures(map, start, self.radius() - TIE)
            } else {
                return None;
            };
            let reached = reach(map, &begins);
            let is_reached = |cell: CellAt| map.index(cell.0, cell.1).is_some_and(|at| reached[at]) && is_free(cell);
            for goal in self.goals() {
                let distances = self.candidates(&[goal], is_reached, -1e-9).into_iter().map(|(_, distance)| distance);
                let nearest = distances.min_by(f64::total_cmp)?;
                farthest = Some(farthest.map_or(nearest, |farthest| farthest.max(nearest)));
            }
        }
        farthest
    }

    /// How far the centre of a cell is from the goal, in metres.
    fn away(&self, (col, row): CellAt) -> f64 {
        let (u, v) = self.map.to_cells(self.goal.x, self.goal.y);
        (f64::from(col) - u).hypot(f64::from(row) - v) * self.map.resolution()
    }

    /// The cells that the rules may plan to, of those that are `fit`: the goal's own, and those within the tolerance and
    /// `slack` metres.
    fn candidates(&self, own: &[CellAt], fit: impl Fn(CellAt) -> bool, slack: f64) -> Vec<Candidate> {
        let (map, tolerance) = (self.map, self.config.planner.tolerance);
        let (u, v) = map.to_cells(self.goal.x, self.goal.y);
        let reach = (tolerance / map.resolution()).ceil() + 1.0;
        let (width, height) = map.size();
        let range =
            |at: f64, most: i32| ((at - reach).floor() as i32).max(0)..=((at + reach).ceil() as i32).min(most - 1);
        let cells = range(v, height).flat_map(|row| range(u, width).map(move |col| (col, row)));
        let distance = |cell: &CellAt| if own.contains(cell) { 0.0 } else { self.away(*cell) };
        let near = cells.filter(|cell| fit(*cell)).map(|cell| (cell, distance(&cell)));
        near.filter(|(cell, distance)| own.contains(cell) || *distance <= tolerance + slack).collect()
    }
}
