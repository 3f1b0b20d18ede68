//! Which poses a robot gets to, by breadth-first search over cells and 16 headings with motions of the judge's own.
//!
//! The motions are the plainest that a planner on such a lattice must have: straight on to the next cell that lies exactly
//! ahead, and back; a turn to the next heading where the robot may turn in place, sideways where it may slide; for a car the
//! shortest curve to the next heading. Each must keep [`MARGIN`] away from everything blocked. So where this search finds a
//! way, there is one; where it finds none, there may still be one.

use std::collections::VecDeque;

use trm_config::MotionModel;

use crate::judge::polygon::Polygon;
use crate::judge::raw_map::{Class, RawMap};
use crate::judge::stand::{CellAt, Stand};
use crate::judge::swept::{met, turn};

/// The least gap between the outline and what is blocked, in cells. Planners may reckon with a little more than is swept.
const MARGIN: f64 = 0.1;
/// Directions in a quarter of the whole circle; the others are these, turned.
const QUARTER: [CellAt; 4] = [(1, 0), (2, 1), (1, 1), (1, 2)];
/// Number of headings.
const HEADINGS: usize = 16;
/// A curve leads over no more columns or rows.
const FARTHEST: i32 = 32;
/// The greatest turn between two poses of a curve, in radians.
const FINE: f64 = 0.1;
/// A pose this near to one of the lattice is that one, in cells and radians.
const SAME: f64 = 1e-7;

/// A cell and the number of a heading.
pub type State = (CellAt, usize);

/// A motion from a heading.
#[derive(Debug, Clone)]
struct Move {
    to: usize,
    step: CellAt,
    /// What it comes near to, from the cell where it begins.
    cells: Vec<CellAt>,
}

/// The motions of a robot, by the heading where they begin.
pub struct Motions(Vec<Vec<Move>>);

impl Motions {
    /// The motions of an outline. `radius` is the least one of a car's curves, in cells.
    pub fn new(polygon: &Polygon, model: MotionModel, radius: f64, allow_reverse: bool) -> Self {
        let mut all: Vec<Vec<Move>> = vec![Vec::new(); HEADINGS];
        for from in 0..QUARTER.len() {
            for (to, poses) in ways(from, model, radius) {
                let forward = motion(polygon, to, &poses);
                let Move { step, cells, .. } = &forward;
                if allow_reverse || *step == (0, 0) || model == MotionModel::Omni {
                    let cells = cells.iter().map(|cell| (cell.0 - step.0, cell.1 - step.1)).collect();
                    add(&mut all, to, &Move { to: from, step: (-step.0, -step.1), cells });
                }
                add(&mut all, from, &forward);
            }
        }
        Self(all)
    }

    /// The state of the lattice at a pose; `None` if it is none.
    pub fn state_at(stand: Stand) -> Option<State> {
        let cell = (stand.col.round(), stand.row.round());
        let is_middle = (stand.col - cell.0).abs().max((stand.row - cell.1).abs()) < SAME;
        let heading = (0..HEADINGS).find(|heading| turn(yaw(*heading), stand.yaw).abs() < SAME)?;
        is_middle.then_some(((cell.0 as i32, cell.1 as i32), heading))
    }

    /// Whether motions lead from a state to another. The robot must be clear at the start.
    pub fn lead(&self, map: &RawMap, start: State, goal: State) -> bool {
        let number = |((col, row), heading): State| Some(map.index(col, row)? * HEADINGS + heading);
        let (Some(first), Some(_)) = (number(start), number(goal)) else { return false };
        let mut seen = vec![false; map.values().len() * HEADINGS];
        seen[first] = true;
        let mut front = VecDeque::from([start]);
        while let Some(state) = front.pop_front() {
            if state == goal {
                return true;
            }
            let ((col, row), heading) = state;
            for Move { to, step, cells } in &self.0[heading] {
                let next = ((col + step.0, row + step.1), *to);
                let Some(at) = number(next).filter(|at| !seen[*at]) else { continue };
                // The costs keep the base out of inscribed cells.
                let is_inscribed = map.is_perhaps(next.0.0, next.0.1, |class| class == Class::Inscribed);
                if !is_inscribed && cells.iter().all(|(cols, rows)| !map.blocks((col + cols, row + rows))) {
                    seen[at] = true;
                    front.push_back(next);
                }
            }
        }
        false
    }
}

/// Adds a motion and the same turned by a quarter, by half, and by three quarters of the circle.
fn add(all: &mut [Vec<Move>], from: usize, motion: &Move) {
    let (mut from, mut motion) = (from, motion.clone());
    for _ in 0..4 {
        all[from].push(motion.clone());
        let turned = |(col, row): CellAt| (-row, col);
        let quarter = |heading: usize| (heading + QUARTER.len()) % HEADINGS;
        let cells = motion.cells.iter().map(|cell| turned(*cell)).collect();
        motion = Move { to: quarter(motion.to), step: turned(motion.step), cells };
        from = quarter(from);
    }
}

/// The direction of a heading, as columns and rows to the next cell exactly ahead.
const fn direction(heading: usize) -> CellAt {
    let (col, row) = QUARTER[heading % QUARTER.len()];
    match heading / QUARTER.len() % 4 {
        0 => (col, row),
        1 => (-row, col),
        2 => (-col, -row),
        _ => (row, -col),
    }
}

fn yaw(heading: usize) -> f64 {
    let (col, row) = direction(heading);
    f64::from(row).atan2(f64::from(col))
}

/// The heading where each motion from one ends, and poses on the way from cell (0, 0).
fn ways(from: usize, model: MotionModel, radius: f64) -> Vec<(usize, Vec<Stand>)> {
    let at = |cell: CellAt, yaw: f64| Stand { col: f64::from(cell.0), row: f64::from(cell.1), yaw };
    let start = at((0, 0), yaw(from));
    let straight = |cell: CellAt| (from, vec![start, at(cell, start.yaw)]);
    let turned = || ((from + 1) % HEADINGS, vec![start, at((0, 0), yaw(from + 1))]);
    match model {
        MotionModel::Omni => (0..HEADINGS / 2).map(|to| straight(direction(to))).chain([turned()]).collect(),
        MotionModel::Diff => vec![straight(direction(from)), turned()],
        MotionModel::Car => {
            let sides = [from + 1, from + HEADINGS - 1].map(|to| to % HEADINGS);
            let curves = sides.into_iter().filter_map(|to| Some((to, curve(from, to, radius)?)));
            std::iter::once(straight(direction(from))).chain(curves).collect()
        }
    }
}

/// Poses on the shortest way between two headings that is made of an arc of at least this radius and a straight line before or
/// after it, and ends in the middle of a cell.
///
/// Such a way touches the lines along both headings, which meet `a` ahead of its start and `b` before its end. Its arc takes
/// the shorter of both: its radius is min(a, b) / tan(φ / 2) for the turn φ.
fn curve(from: usize, to: usize, radius: f64) -> Option<Vec<Stand>> {
    let (first, last) = (yaw(from), yaw(to));
    let angle = turn(first, last);
    let mut best: Option<(f64, f64, f64)> = None;
    for (row, col) in (-FARTHEST..=FARTHEST).flat_map(|row| (-FARTHEST..=FARTHEST).map(move |col| (row, col))) {
        let (x, y) = (f64::from(col), f64::from(row));
        let (a, b) =
            ((x * last.sin() - y * last.cos()) / angle.sin(), (y * first.cos() - x * first.sin()) / angle.sin());
        let r = a.min(b) / (angle.abs() / 2.0).tan();
        let length = (a - b).abs() + r * angle.abs();
        if r >= radius && best.is_none_or(|(_, _, least)| length < least - SAME) {
            best = Some((a, b, length));
        }
    }
    let (a, b, _) = best?;
    let r = a.min(b) / (angle.abs() / 2.0).tan();
    let (before, after) = ((a - b).max(0.0), (b - a).max(0.0));
    let start = Stand { col: 0.0, row: 0.0, yaw: first };
    let ahead =
        |at: Stand, way: f64| Stand { col: at.col + way * at.yaw.cos(), row: at.row + way * at.yaw.sin(), ..at };
    let begin = ahead(start, before);
    let steps = (angle.abs() / FINE).ceil().max(r * angle.abs()).ceil() as usize;
    let along = (0..=steps).map(|step| {
        let yaw = first + angle * step as f64 / steps as f64;
        let side = r.copysign(angle);
        let (col, row) = (yaw.sin() - first.sin(), first.cos() - yaw.cos());
        Stand { col: begin.col + side * col, row: begin.row + side * row, yaw }
    });
    let mut poses = vec![start];
    poses.extend(along);
    let end = ahead(*poses.last()?, after);
    // It ends exactly in the middle of its cell.
    poses.push(Stand { col: end.col.round(), row: end.row.round(), yaw: last });
    Some(poses)
}

fn motion(polygon: &Polygon, to: usize, poses: &[Stand]) -> Move {
    let end = poses[poses.len() - 1];
    let mut cells: Vec<CellAt> = poses
        .windows(2)
        .flat_map(|pair| met(polygon, (pair[0], pair[1]), MARGIN, |_| true))
        .map(|(cell, _)| cell)
        .collect();
    cells.sort_unstable();
    cells.dedup();
    Move { to, step: (end.col as i32, end.row as i32), cells }
}

#[cfg(test)]
mod tests {
    use trm_config::Config;

    use super::*;

    fn map(rows: &[&str]) -> RawMap {
        crate::judge::tests::map(rows, &Config::with(|config| config.grid.robot_radius = 0.0))
    }

    fn bar() -> Polygon {
        Polygon::new(&"[[1.4, 0.45], [-1.4, 0.45], [-1.4, -0.45], [1.4, -0.45]]".parse().unwrap(), 1.0)
    }

    /// Whether a robot that comes up the aisle on the left gets to the right end of one of the rows above, heading right.
    fn gets_round(model: MotionModel, radius: f64, wall: &str) -> bool {
        let (open, aisle) = ([".................."; 7], [".....#############"; 6]);
        let rows: Vec<&str> = open[..5].iter().chain([&wall]).chain(&open[6..]).chain(&aisle).copied().collect();
        let (map, motions) = (map(&rows), Motions::new(&bar(), model, radius, false));
        (0..7).any(|row| (13..16).any(|col| motions.lead(&map, ((2, 10), 12), ((col, row), 0))))
    }

    #[test]
    fn a_wide_curve_needs_more_room_than_a_narrow_one_and_a_wall_stops_both() {
        let (free, half, whole) = ("..................", "######............", "##################");
        for (model, radius, expected) in [
            (MotionModel::Diff, 0.0, [true, false, false]),
            (MotionModel::Car, 2.0, [true, false, false]),
            (MotionModel::Car, 9.0, [false, false, false]),
        ] {
            assert_eq!([free, half, whole].map(|wall| gets_round(model, radius, wall)), expected, "{model:?} {radius}");
        }
    }

    #[test]
    fn what_a_car_drives_ends_on_the_lattice_and_keeps_the_radius() {
        for (from, radius) in (0..HEADINGS).flat_map(|from| [0.5, 3.0, 8.0].map(|radius| (from, radius))) {
            let poses = curve(from, (from + 1) % HEADINGS, radius).unwrap();
            for pair in poses.windows(2) {
                let turned = turn(pair[0].yaw, pair[1].yaw).abs();
                assert!(pair[0].distance(pair[1]) >= 2.0 * radius * (turned / 2.0).sin() - 1e-9);
            }
            let [.., before, end] = poses[..] else { panic!("a way") };
            let heading = (end.row - before.row).atan2(end.col - before.col);
            assert!(before.distance(end) < 1e-9 || turn(heading, end.yaw).abs() < 1e-6, "it ends where it says");
            assert_eq!(Motions::state_at(end).map(|state| state.1), Some((from + 1) % HEADINGS));
        }
    }
}
