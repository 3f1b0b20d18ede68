//! Laws of a path's ends: a plan answers wherever an answer exists, it leads to the reachable cell nearest to the goal, and
//! it begins and ends exactly where it was asked for if a robot may be there. An exhaustive search of the test's own says
//! what exists.

mod common;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use common::{Ignorant, Simulated, bundle};
use proptest::prelude::*;
use trm_config::Config;
use trm_grid::cost::{INSCRIBED, LETHAL};
use trm_grid::costmap::Costmap;
use trm_grid::testing::costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Point, Pose};
use trm_net::bundle::Bundle;
use trm_planner::endpoints::GoalArea;
use trm_planner::target::guide;
use trm_planner::{PlanError, Planner, Request};

/// Side length of the maps, in cells of 1 m.
const SIDE: i32 = 14;
/// A robot may leave over inscribed cells for this far, in metres and cells.
const START_TOLERANCE: f64 = 3.0;

fn draw(cells: &[char]) -> Costmap {
    let rows: Vec<String> = cells.chunks(SIDE as usize).map(|row| row.iter().collect()).collect();
    costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn mirror(cells: &[char]) -> Vec<char> {
    cells.chunks(SIDE as usize).flat_map(|row| row.iter().rev().copied()).collect()
}

fn cells() -> impl Strategy<Value = Vec<char>> {
    let cell = prop_oneof![9 => Just('.'), 3 => Just('+'), 4 => Just('#'), 1 => Just('?'), 1 => Just('5')];
    proptest::collection::vec(cell, (SIDE * SIDE) as usize)
}

/// The cells that can be reached from `begins` over free cells; over inscribed ones within the start tolerance of the
/// first if `escaping`, and then no further than to the first free one.
fn flood(map: &Costmap, begins: &[Cell], escaping: bool) -> Vec<Cell> {
    let passable = |col, row| map.cost(Cell::new(col, row)).is_some_and(|c| c < INSCRIBED || (escaping && c < LETHAL));
    let mut seen = begins.to_vec();
    let mut at = 0;
    while at < seen.len() {
        let Cell { col, row } = seen[at];
        at += 1;
        if escaping && map.is_free(Cell::new(col, row), false) {
            continue;
        }
        for (dc, dr) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)] {
            let next = Cell::new(col + dc, row + dr);
            let near = !escaping || next.center().distance(begins[0].center()) <= START_TOLERANCE;
            let is_legal = passable(next.col, next.row) && passable(next.col, row) && passable(col, next.row);
            if near && is_legal && !seen.contains(&next) {
                seen.push(next);
            }
        }
    }
    seen
}

/// All free cells that a robot gets to.
fn reached(map: &Costmap, start: Point) -> Vec<Cell> {
    let begin = map.geometry().nearest_cell(start);
    let ends: Vec<Cell> = match map.cost(begin) {
        Some(INSCRIBED) => flood(map, &[begin], true).into_iter().filter(|cell| map.is_free(*cell, false)).collect(),
        _ => vec![begin],
    };
    let begins = ends.into_iter().filter(|cell| map.is_free(*cell, false)).collect::<Vec<_>>();
    if begins.is_empty() { begins } else { flood(map, &begins, false) }
}

/// How far the reached cell nearest to the goal is from it, in metres: 0 for the goal's own; `None` if there is none.
fn nearest(map: &Costmap, goal: Point, tolerance: f64, reached: &[Cell]) -> Option<f64> {
    let own = map.geometry().nearest_cell(goal);
    let away = |cell: &Cell| if *cell == own { 0.0 } else { map.geometry().center(*cell).distance(goal) };
    let near = reached.iter().filter(|cell| **cell == own || away(cell) <= tolerance);
    near.map(away).min_by(f64::total_cmp)
}

/// Whether a robot's centre may be at a point: every cell less than a cell away along both axes is free, or at least not
/// lethal for a robot that is `escaping`.
fn may_be_at(map: &Costmap, point: Point, escaping: bool) -> bool {
    let at = map.geometry().to_cells(point);
    let touched = |center: i32, at: f64| (f64::from(center) - at).abs() < 1.0 - 1e-6;
    let cells = (0..SIDE).flat_map(|row| (0..SIDE).map(move |col| Cell::new(col, row)));
    // What lies outside the map is occupied.
    let edge = |at: f64| at < -1e-6 || at > f64::from(SIDE - 1) + 1e-6;
    let fits = |cell: &Cell| map.is_free(*cell, false) || (escaping && map.cost(*cell) == Some(INSCRIBED));
    !edge(at.col)
        && !edge(at.row)
        && cells.filter(|cell| touched(cell.col, at.col) && touched(cell.row, at.row)).all(|cell| fits(&cell))
}

fn plan(planner: &mut Planner, map: &Costmap, guided: bool, ends: (Point, Point)) -> Result<Vec<Pose>, PlanError> {
    let area = GoalArea::new(map.geometry(), planner_config().planner.tolerance, ends.1)?;
    let guidance = guide(map, Travel::new(&planner_config().grid), &area, &|| false).filter(|_| guided);
    let [start, goal] = [ends.0, ends.1].map(|Point { x, y }| Pose::new(x, y, 0.5));
    let request = Request { start, goal, arrived: Duration::ZERO, deadline: Duration::from_secs(9), epoch: None };
    let outcome = planner.plan(map, &guidance.unwrap_or_default(), &request, &Simulated::default());
    let moved = outcome.report.moved_goal;
    let path = outcome.path?.poses().to_vec();
    let (from, to) = (ends.1, path[path.len() - 1].point());
    let is_moved = map.geometry().nearest_cell(from) != map.geometry().nearest_cell(to);
    assert_eq!(moved.map(|moved| (moved.from, moved.to)), is_moved.then_some((from, to)), "the report tells");
    Ok(path)
}

fn planner_config() -> Config {
    Config::with(|config| {
        config.planner.max_steps = 0;
        (config.planner.tolerance, config.planner.start_tolerance) = (2.5, START_TOLERANCE);
    })
}

fn planner() -> Planner {
    static BUNDLE: LazyLock<Bundle> = LazyLock::new(bundle);
    let (config, clock) = (planner_config(), Simulated::default());
    let backend = Ignorant { clock: clock.clone(), net_us: Arc::default(), stubborn: false, size: 24 };
    Planner::with_backend(&config.grid, &config.planner, &BUNDLE, common::backend(backend), &clock).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_answers_exactly_where_an_answer_exists_and_ends_nearest_to_the_goal(
        cells in cells(), start in (0.0..14.0_f64, 0.0..14.0_f64), goal in (0.0..14.0_f64, 0.0..14.0_f64),
        guided in any::<bool>(),
    ) {
        let (map, mut planner) = (draw(&cells), planner());
        let (start, goal) = (Point { x: start.0, y: start.1 }, Point { x: goal.0, y: goal.1 });
        let reached = reached(&map, start);
        let nearest = nearest(&map, goal, 2.5, &reached);
        // The second plan may keep the path of the first, or what its search found out.
        for _ in 0..2 {
            let path = plan(&mut planner, &map, guided, (start, goal));
            prop_assert_eq!(path.is_ok(), nearest.is_some(), "{:?}", path);
            let (Ok(path), Some(nearest)) = (path, nearest) else { continue };
            let (first, last) = (path[0].point(), path[path.len() - 1].point());
            let (own, end) = (map.geometry().nearest_cell(goal), map.geometry().nearest_cell(last));
            let away = if end == own { 0.0 } else { map.geometry().center(end).distance(goal) };
            prop_assert!(away <= nearest + 1e-9, "ends {away} m from the goal, and {nearest} m is possible");
            prop_assert!(reached.contains(&end));
            let may_end = end == own && may_be_at(&map, goal, false);
            prop_assert_eq!(last == goal, may_end, "ends at {:?} instead of {:?}", last, goal);
            prop_assert!(last.distance(goal) <= map.geometry().center(end).distance(goal) + 1e-9);
            let escaping = map.cost(map.geometry().nearest_cell(start)) == Some(INSCRIBED);
            prop_assert_eq!(first == start, may_be_at(&map, start, escaping), "begins at {:?} for {:?}", first, start);
        }
    }

    #[test]
    fn the_mirrored_world_has_the_mirrored_answer(
        cells in cells(), start in (0.0..14.0_f64, 0.0..14.0_f64), goal in (0.0..14.0_f64, 0.0..14.0_f64),
        guided in any::<bool>(),
    ) {
        let of = |cells: &[char], turn: &dyn Fn(f64) -> f64| {
            let [start, goal] = [start, goal].map(|(x, y)| Point { x: turn(x), y });
            plan(&mut planner(), &draw(cells), guided, (start, goal)).map(|path| {
                let last = path[path.len() - 1];
                (turn(last.x), last.y)
            })
        };
        let (plain, mirrored) = (of(&cells, &|x| x), of(&mirror(&cells), &|x| f64::from(SIDE) - x));
        match (plain, mirrored) {
            (Ok((x, y)), Ok(other)) => prop_assert!((x - other.0).hypot(y - other.1) < 1e-9),
            (plain, mirrored) => prop_assert_eq!(plain.is_ok(), mirrored.is_ok()),
        }
    }
}

#[test]
fn a_robot_between_a_pocket_and_the_way_out_leaves_on_the_side_of_the_goal() {
    // The robot stands in the middle; one free cell on each side is equally near, and only one of them leads on.
    let rows = |pocket_left: bool| {
        let row = if pocket_left { "#.+......" } else { "......+.#" };
        [if pocket_left { "###......" } else { "......###" }, row, if pocket_left { "###......" } else { "......###" }]
    };
    for (pocket_left, start, goal) in [(true, 2.5, 8.5), (false, 6.5, 0.5)] {
        let map = costmap(&rows(pocket_left));
        let ends = (Point { x: start, y: 1.5 }, Point { x: goal, y: 1.5 });
        for guided in [false, true] {
            let path = plan(&mut planner(), &map, guided, ends).unwrap();
            assert_eq!(path[path.len() - 1].point(), ends.1);
        }
    }
}

#[test]
fn a_goal_in_a_pocket_moves_to_the_nearest_cell_in_reach_and_back_when_the_pocket_opens() {
    let closed = costmap(&["......", "...###", "...#.#", "...###"]);
    let open = costmap(&["......", "...#.#", "...#.#", "...###"]);
    let ends = (Point { x: 0.5, y: 0.5 }, Point { x: 4.3, y: 2.5 });
    for guided in [false, true] {
        let mut planner = planner();
        let mut end = |map: &Costmap| plan(&mut planner, map, guided, ends).unwrap().last().unwrap().point();
        // (2, 2) is 1.8 m away, (4, 0) 2.0 m.
        assert_eq!(end(&closed), Point { x: 2.5, y: 2.5 });
        assert_eq!(end(&closed), Point { x: 2.5, y: 2.5 });
        assert_eq!(end(&open), Point { x: 4.5, y: 2.5 }, "the goal is off the centre, beside a wall");
        assert_eq!(end(&closed), Point { x: 2.5, y: 2.5 });
    }
}
