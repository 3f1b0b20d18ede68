//! Searches for counterexamples to the theorem about robots with an outline, both ways: paths that are accepted but hit
//! something, and paths that are refused but don't. The checker here shares no code with the crate: it looks at the robot
//! at many moments, and cuts its polygon with the squares of blocked cells.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use proptest::prelude::*;
use trm_config::footprint::Footprint;
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{CellPoint, Pose};
use trm_safety::check::Rules;
use trm_safety::outline::Outline;
use trm_safety::swept::{check, invalid_poses};
use trm_safety::{Draft, VerifiedPath};

const SIDE: usize = 20;
const RESOLUTION: f64 = 0.1;
/// How far any point moves between two moments, in cells.
const STEP: f64 = 0.04;
/// The same where a path is said to be safe: what cuts a corner between two moments is less deep than the margin then.
const FINE_STEP: f64 = 0.002;

#[derive(Debug, Clone)]
struct Case {
    /// Values of an occupancy grid.
    values: Vec<i8>,
    allow_unknown: bool,
    escape: f64,
    /// The yaw of the grid.
    yaw: f64,
    /// The corners of the footprint, in cells.
    corners: Vec<[f64; 2]>,
    /// Column, row and heading relative to the grid.
    poses: Vec<[f64; 3]>,
}

impl Case {
    /// The value of a cell; lethal outside the grid.
    fn value(&self, col: i32, row: i32) -> i8 {
        let side = SIDE as i32;
        let is_inside = (0..side).contains(&col) && (0..side).contains(&row);
        if is_inside { self.values[(row * side + col) as usize] } else { 100 }
    }

    /// Whether a cell may not be touched.
    fn blocks(&self, col: i32, row: i32) -> bool {
        let value = self.value(col, row);
        value == 100 || (value == -1 && !self.allow_unknown)
    }

    fn polygon(&self, [col, row, yaw]: [f64; 3]) -> Vec<[f64; 2]> {
        let (sin, cos) = yaw.sin_cos();
        self.corners.iter().map(|[x, y]| [col + cos * x - sin * y, row + sin * x + cos * y]).collect()
    }

    /// The blocked cells whose square, this much larger on each side, the robot overlaps at a pose.
    fn touched(&self, pose: [f64; 3], larger: f64) -> Vec<(i32, i32)> {
        let polygon = self.polygon(pose);
        let range = |axis: usize| {
            let values = polygon.iter().map(|corner| corner[axis]);
            let low = values.clone().fold(f64::INFINITY, f64::min);
            (low.floor() as i32 - 1)..=(values.fold(f64::NEG_INFINITY, f64::max).ceil() as i32 + 1)
        };
        let cells = range(1).flat_map(|row| range(0).map(move |col| (col, row)));
        cells
            .filter(|(col, row)| self.blocks(*col, *row) && overlap(&polygon, (*col, *row), 0.5 + larger) > 1e-11)
            .collect()
    }

    /// The poses between two, the second included, for each way round.
    fn between(from: [f64; 3], to: [f64; 3], reach: f64, step: f64) -> Vec<Vec<[f64; 3]>> {
        let turn = (to[2] - from[2] + PI).rem_euclid(TAU) - PI;
        let turns = if turn.abs() > PI - 1e-6 { vec![turn, turn - TAU.copysign(turn)] } else { vec![turn] };
        let far = (to[0] - from[0]).hypot(to[1] - from[1]);
        let way = |turn: f64| {
            let count = ((far + reach * turn.abs()) / step).ceil().max(1.0);
            let at = |share: f64| {
                [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1]), from[2] + share * turn]
            };
            (1..=count as u32).map(|moment| at(f64::from(moment) / count)).collect()
        };
        turns.into_iter().map(way).collect()
    }

    fn reach(&self) -> f64 {
        self.corners.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max)
    }

    /// The first violation of the theorem.
    fn fault(&self) -> Option<String> {
        let first = self.poses[0];
        let (known, mut has_left) = (self.touched(first, 1e-5), self.touched(first, -1e-5).is_empty());
        for pair in self.poses.windows(2) {
            for at in Self::between(pair[0], pair[1], self.reach(), STEP).concat() {
                let touched = self.touched(at, -1e-5);
                let may_touch = |cell: &(i32, i32)| !has_left && known.contains(cell);
                if let Some(cell) = touched.iter().find(|cell| !may_touch(cell)) {
                    return Some(format!("{cell:?} is touched at {at:?}, has left: {has_left}"));
                }
                let far = (at[0] - first[0]).hypot(at[1] - first[1]);
                if !has_left && far > self.escape + 1e-6 {
                    return Some(format!("{at:?} is {far} cells away"));
                }
                let under = (at[0].round() as i32, at[1].round() as i32);
                let is_off_border = at[..2].iter().all(|v| (v - v.round()).abs() < 0.4999);
                if !has_left && is_off_border && self.value(under.0, under.1) == 100 {
                    return Some(format!("the base is on {under:?}"));
                }
            }
            has_left |= self.touched(pair[1], -1e-5).is_empty();
        }
        (!has_left).then(|| "never left".to_owned())
    }

    /// Whether the robot surely stands free at first, and comes near nothing blocked.
    fn is_surely_safe(&self) -> bool {
        let side = SIDE as f64;
        let in_grid = |[col, row, _]: &[f64; 3]| [col, row].iter().all(|v| (-0.49..side - 0.51).contains(*v));
        let is_off = |at: [f64; 3]| self.touched(at, 2e-3).is_empty();
        // The coarse steps find most of what is touched, in less time.
        let stays_off = |step: f64| {
            let pairs = self.poses.windows(2);
            pairs.flat_map(|pair| Self::between(pair[0], pair[1], self.reach(), step).concat()).all(is_off)
        };
        self.poses.iter().all(in_grid) && is_off(self.poses[0]) && stays_off(STEP) && stays_off(FINE_STEP)
    }
}

/// The area that a polygon has in common with a cell's square of this half a side, by cutting it along each of its four
/// sides (Sutherland and Hodgman). What is cut off a polygon that isn't convex may leave lines there and back, without
/// area.
fn overlap(polygon: &[[f64; 2]], (col, row): (i32, i32), half: f64) -> f64 {
    let mut rest = polygon.to_vec();
    let center = [f64::from(col), f64::from(row)];
    for (axis, sign) in [(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)] {
        let inside = |p: [f64; 2]| half - sign * (p[axis] - center[axis]);
        let mut cut = Vec::with_capacity(rest.len() + 4);
        for (at, to) in rest.iter().enumerate() {
            let from = rest[(at + rest.len() - 1) % rest.len()];
            let (a, b) = (inside(from), inside(*to));
            if (a < 0.0) != (b < 0.0) {
                let share = a / (a - b);
                cut.push([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]);
            }
            if b >= 0.0 {
                cut.push(*to);
            }
        }
        rest = cut;
    }
    let next = rest.iter().cycle().skip(1);
    // Around the centre, where numbers are small.
    let cross = |(a, b): (&[f64; 2], &[f64; 2])| {
        (a[0] - center[0]) * (b[1] - center[1]) - (b[0] - center[0]) * (a[1] - center[1])
    };
    (rest.iter().zip(next).map(cross).sum::<f64>() / 2.0).abs()
}

/// Stars around a point near the base, and boxes whose sides may lie on borders of cells.
fn corners() -> impl Strategy<Value = Vec<[f64; 2]>> {
    let star =
        (proptest::collection::vec(0.4..3.5_f64, 3..9), -1.5..1.5_f64, -1.0..1.0_f64).prop_map(|(radii, x, y)| {
            let turn = TAU / radii.len() as f64;
            let corner = |(at, radius): (usize, &f64)| {
                [x + radius * (turn * at as f64).cos(), y + radius * (turn * at as f64).sin()]
            };
            radii.iter().enumerate().map(corner).collect()
        });
    let oblong = (1..5_i32, 1..8_i32, 1..4_i32).prop_map(|(back, front, half)| {
        let [back, front, half] = [-back, front, half].map(|halves| f64::from(halves) / 2.0);
        vec![[front, half], [back, half], [back, -half], [front, -half]]
    });
    prop_oneof![2 => star, 1 => oblong]
}

fn cases() -> impl Strategy<Value = Case> {
    let value = prop_oneof![70 => Just(0_i8), 8 => 1..=99_i8, 2 => Just(100), 1 => Just(-1)];
    let middle = 2.0..SIDE as f64 - 3.0;
    let step = (-2.5..2.5_f64, -2.5..2.5_f64, prop_oneof![3 => -1.2..1.2_f64, 1 => Just(0.0), 1 => Just(PI)]);
    (
        proptest::collection::vec(value, SIDE * SIDE),
        (any::<bool>(), prop_oneof![Just(0.0), 0.0..4.0_f64], -3.0..3.0_f64),
        corners(),
        (middle.clone(), middle, -4.0..4.0_f64),
        proptest::collection::vec((step, any::<bool>()), 0..4),
    )
        .prop_map(|(values, (allow_unknown, escape, yaw), corners, (col, row, heading), steps)| {
            let mut poses = vec![[col, row, heading]];
            for ((cols, rows, turn), on_lattice) in steps {
                let [col, row, heading] = poses[poses.len() - 1];
                let next = [col + cols, row + rows, heading + turn];
                let quarter = |yaw: f64| (yaw / FRAC_PI_2).round() * FRAC_PI_2;
                poses.push(if on_lattice { [next[0].round(), next[1].round(), quarter(next[2])] } else { next });
            }
            Case { values, allow_unknown, escape, yaw, corners, poses }
        })
}

/// What the crate says of a case: accepted, and whether the robot stood on blocked cells at first.
fn run(case: &Case) -> Result<(bool, bool), TestCaseError> {
    let geometry = Geometry::new(SIDE as u32, SIDE as u32, RESOLUTION, Pose::new(3.0, -2.0, case.yaw)).unwrap();
    let grid = OccupancyGrid::new(geometry, case.values.clone()).unwrap();
    let map = build(&GridConfig::default(), GridKind::Costmap, grid);
    let footprint =
        Footprint::new(&case.corners.iter().map(|[x, y]| [x * RESOLUTION, y * RESOLUTION]).collect::<Vec<_>>());
    // A star around a far point may cross itself by rounding; nothing is lost without it.
    let Ok(footprint) = footprint else { return Err(TestCaseError::reject("no polygon")) };
    let outline = Outline::new(&footprint, RESOLUTION);
    let rules = Rules { allow_unknown: case.allow_unknown, escape: case.escape };
    let pose = |[col, row, heading]: &[f64; 3]| {
        let point = geometry.to_point(CellPoint::new(*col, *row));
        Pose::new(point.x, point.y, heading + case.yaw)
    };
    let poses: Vec<Pose> = case.poses.iter().map(pose).collect();
    let (mut path, mut draft) = (VerifiedPath::default(), Draft { poses: poses.clone(), junction: None });
    let accepted = path.accept_swept(&mut draft, &outline, &map, rules);
    prop_assert_eq!(accepted, check(&map, rules, &outline, poses.iter().copied()));
    prop_assert_eq!(accepted, invalid_poses(&map, rules, &outline, poses.iter().copied()).is_empty());
    prop_assert_eq!(path.poses(), if accepted { &poses[..] } else { &[] });
    if accepted {
        prop_assert_eq!(case.fault(), None);
    } else {
        prop_assert!(!case.is_surely_safe(), "refused without a reason");
    }
    Ok((accepted, !case.touched(case.poses[0], -1e-5).is_empty()))
}

#[test]
fn a_side_that_turns_on_itself_sweeps_no_more_than_it_does() {
    // Found by the search below: the hull of both places of a side reached 0.01 cells too far.
    let mut values = vec![0; SIDE * SIDE];
    values[8 * SIDE + 10] = 100;
    let corners = vec![[1.5187, -0.6925], [1.1187, -0.2278], [0.2094, -0.6925], [1.1187, -1.0925]];
    let poses = vec![[9.9228, 7.9746, -3.8677], [11.0637, 7.5253, -4.0895]];
    let case = Case { values, allow_unknown: false, escape: 0.0, yaw: 0.0, corners, poses };
    assert_eq!(run(&case).unwrap(), (true, false));
}

#[test]
fn what_is_accepted_hits_nothing_and_what_is_refused_does() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let [accepted, escaped, refused] = [const { std::cell::Cell::new(0_u32) }; 3];
    runner
        .run(&cases(), |case| {
            let (is_accepted, stood_on_blocked) = run(&case)?;
            let moves = case.poses.len() > 1;
            accepted.set(accepted.get() + u32::from(is_accepted && moves));
            escaped.set(escaped.get() + u32::from(is_accepted && stood_on_blocked));
            refused.set(refused.get() + u32::from(!is_accepted && !stood_on_blocked));
            Ok(())
        })
        .unwrap();
    // Otherwise the test would prove nothing.
    let counts = [accepted.get(), escaped.get(), refused.get()];
    assert!(counts[0] > 500 && counts[1] > 30 && counts[2] > 500, "{counts:?} accepted, escaped, refused");
}
