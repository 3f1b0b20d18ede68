//! What the judge must catch, and what it must pass.

use trm_config::{Config, GridKind};
use trm_grid::units::Pose;
use trm_planner::PlanError;

use crate::judge::asked::Asked;
use crate::judge::raw_map::{Class, RawMap};

/// A map of cells of 1 m, its first row at the origin: `#` is occupied, `?` unknown.
pub(super) fn map(rows: &[&str], config: &Config) -> RawMap {
    let value = |c| match c {
        '#' => 100,
        '?' => -1,
        _ => 0,
    };
    let values = rows.iter().flat_map(|row| row.chars().map(value)).collect();
    let size = (rows[0].len() as u32, rows.len() as u32);
    RawMap::new(size, 1.0, Pose::default(), values, (&config.grid, GridKind::Map))
}

fn config(radius: f64) -> Config {
    Config::with(|config| {
        config.grid.robot_radius = radius;
        (config.planner.tolerance, config.planner.start_tolerance) = (0.0, 2.0);
    })
}

fn asked<'a>(map: &'a RawMap, config: &'a Config, start: (f64, f64), goal: (f64, f64)) -> Asked<'a> {
    let [start, goal] = [start, goal].map(|(x, y)| Pose::new(x, y, 0.0));
    Asked { map, config, start, goal, is_tight: false, may_lag: false }
}

fn poses(points: &[(f64, f64)]) -> Vec<Pose> {
    points.iter().map(|(x, y)| Pose::new(*x, *y, 0.0)).collect()
}

#[test]
fn the_judge_passes_a_good_path_and_catches_each_bad_one() {
    let config = config(0.0);
    let map = map(&[".....", "..#..", "..#..", "....."], &config);
    let good = [(1.5, 1.5), (1.5, 0.5), (2.5, 0.5), (3.5, 0.5), (3.5, 1.5)];
    let fault = |points: &[(f64, f64)]| asked(&map, &config, (1.5, 1.5), (3.5, 1.5)).path(&poses(points));
    assert_eq!(fault(&good), None);
    let of = |points: &[(f64, f64)], word: &str| {
        let fault = fault(points).unwrap_or_default();
        assert!(fault.contains(word), "{fault}");
    };
    of(&[good[0], (2.5, 1.5), good[4]], "collides");
    of(&[good[0], good[2], good[3], good[4]], "collides");
    of(&[good[0], (1.5, 0.5), (2.5, 0.55), (3.5, 0.5), good[4]], "collides");
    of(&good[1..], "begins");
    of(&good[..4], "ends");
    of(&[(1.5, 1.5), (1.5, 0.5), (3.5, 0.5), (3.5, 1.5)], "apart");
    of(&[(1.5, f64::NAN)], "finite");
    of(&[], "no pose");
    of(&[(1.5, 1.5), (1.5, 0.5), (1.5, -0.4), (2.5, -0.4), (3.5, 0.5), (3.5, 1.5)], "collides");
}

#[test]
fn poses_may_be_four_cells_apart_from_the_512th_on() {
    let config = config(0.0);
    let map = map(&[&".".repeat(700)], &config);
    let fault = |dense: usize| {
        let near = (0..dense).map(|at| (at as f64 + 0.5, 0.5));
        let points: Vec<_> = near.chain([(dense as f64 + 3.5, 0.5)]).collect();
        asked(&map, &config, points[0], points[dense]).path(&poses(&points))
    };
    assert_eq!(fault(512), None);
    assert!(fault(511).is_some_and(|fault| fault.contains("apart")));
}

#[test]
fn a_robot_on_the_border_of_a_taken_cell_may_be_in_it() {
    let config = config(1.2);
    let map = map(&["#......"], &config);
    // The border of the inscribed cell and the free one, a rounding to the free side.
    let points = [(2.0 + 1e-12, 0.5), (2.5, 0.5), (3.5, 0.5), (4.5, 0.5)];
    assert_eq!(asked(&map, &config, points[0], points[3]).path(&poses(&points)), None);
}

#[test]
fn only_the_beginning_of_a_path_may_cross_inscribed_cells() {
    let config = config(1.2);
    let map = map(&["#......"], &config);
    assert!(
        map.is_surely(1, 0, |class| class == Class::Inscribed) && map.is_surely(2, 0, |class| class == Class::Free)
    );
    let fault = |from: f64, points: &[(f64, f64)]| asked(&map, &config, (from, 0.5), (4.5, 0.5)).path(&poses(points));
    let rest = [(2.5, 0.5), (3.5, 0.5), (4.5, 0.5)];
    assert_eq!(fault(1.5, &[&[(1.5, 0.5)], &rest[..]].concat()), None);
    assert!(fault(2.5, &[&rest[..1], &[(1.5, 0.5)], &rest[..]].concat()).is_some());
    assert!(fault(0.5, &[&[(0.5, 0.5), (1.5, 0.5)], &rest[..]].concat()).is_some());
}

#[test]
fn wrong_verdicts_are_caught_and_right_ones_are_not() {
    let config = config(0.0);
    let map = map(&["..#..#", "..#..?"], &config);
    let fault = |start, goal, error| asked(&map, &config, start, goal).refusal(error).is_some();
    let (left, right, wall, outside) = ((0.5, 0.5), (4.5, 0.5), (2.5, 0.5), (7.0, 0.5));
    let cell = trm_grid::units::Cell::new(0, 0);
    assert!(!fault(left, right, PlanError::NoValidPath));
    assert!(fault(left, (1.5, 1.5), PlanError::NoValidPath));
    let occupied = PlanError::GoalOccupied { cell, cost: 100 };
    assert!(!fault(left, wall, occupied) && !fault(left, (5.5, 1.5), occupied) && fault(left, right, occupied));
    let stands = PlanError::StartOccupied { cell, cost: 100 };
    assert!(!fault(wall, right, stands) && fault(left, right, stands));
    assert!(
        !fault(left, outside, PlanError::GoalOutsideMap(cell)) && fault(left, right, PlanError::GoalOutsideMap(cell))
    );
    assert!(
        !fault(outside, left, PlanError::StartOutsideMap(cell)) && fault(left, left, PlanError::StartOutsideMap(cell))
    );
    assert!(fault(left, right, PlanError::Unverified) && fault(left, right, PlanError::TimedOut { applications: 1 }));
}
