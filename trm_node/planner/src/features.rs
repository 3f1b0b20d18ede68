//! What a router looks at before it picks a bundle: a few numbers about the window. At most 32 × 32 cells are looked at,
//! whatever the window's size, so it takes some ten microseconds.

use trm_grid::cost::UNKNOWN;
use trm_grid::units::Cell;
use trm_grid::window::Window;
use trm_net::router::FEATURES;

use crate::problem::Problem;

/// Cells that are looked at along each side; as many as a row has bits.
const SIDE: usize = 32;
/// Distances and detours count up to this.
const MOST: f32 = 4.0;

/// The features, in the order of [`FEATURES`]; all of them are finite.
///
/// - `unknown`: share of the cells that are unknown.
/// - `free`: share that the robot's centre may be in.
/// - `narrow`: share of the free ones with something blocked on two opposite sides, at most two looks away.
/// - `branching`: share of the free ones where three or four ways meet between at least two blocked corners.
/// - `distance`: from the robot straight to the goal, in sides of the window, at most 4.
/// - `detour`: what the guidance tells of the way over its straight length, at most 4; 1 without guidance.
#[must_use]
pub fn features(problem: &Problem, window: &Window) -> [f32; FEATURES.len()] {
    let (free, unknown) = look(problem, window);
    let looks = looks(window) as f32;
    let count = |rows: &[u32; SIDE]| rows.iter().map(|row| row.count_ones()).sum::<u32>() as f32;
    let share = |part: f32, whole: f32| if whole > 0.0 { part / whole } else { 0.0 };
    let (from, goal) = (problem.from, problem.goal);
    let straight = ((goal.col - from.col) as f32).hypot((goal.row - from.row) as f32);
    let to_go = problem.guidance.map(|guidance| guidance.cost_to_go(from)).filter(|cost| cost.is_finite());
    [
        share(count(&unknown), looks * looks),
        share(count(&free), looks * looks),
        share(count(&narrow(&free, window)), count(&free)),
        share(count(&branching(&free, window)), count(&free)),
        (straight / window.size() as f32).min(MOST),
        to_go.map_or(1.0, |cost| (cost / straight.max(1.0)).min(MOST)),
    ]
}

/// Looks along each side of a window.
fn looks(window: &Window) -> usize {
    window.size().min(SIDE)
}

/// Which of the cells that are looked at are free, and which unknown. A bit for each, a number for each row.
fn look(problem: &Problem, window: &Window) -> ([u32; SIDE], [u32; SIDE]) {
    let (mut free, mut unknown) = ([0; SIDE], [0; SIDE]);
    let (looks, size) = (looks(window), window.size());
    let place = |look: usize| ((2 * look + 1) * size / (2 * looks)) as i32;
    for row in 0..looks {
        for col in 0..looks {
            let cell = window.global(Cell::new(place(col), place(row)));
            let is_free = problem.costmap.is_free(cell, problem.travel.allow_unknown);
            free[row] |= u32::from(is_free) << col;
            unknown[row] |= u32::from(problem.costmap.cost(cell) == Some(UNKNOWN)) << col;
        }
    }
    (free, unknown)
}

/// The free cells between two blocked ones. Beyond the window nothing is known to be blocked.
fn narrow(free: &[u32; SIDE], window: &Window) -> [u32; SIDE] {
    let looks = looks(window);
    let inside = u32::MAX >> (SIDE - looks);
    let blocked = |row: Option<usize>| row.filter(|row| *row < looks).map_or(0, |row| !free[row] & inside);
    std::array::from_fn(|row| {
        let (here, row) = (blocked(Some(row)), Some(row));
        let above = blocked(row.and_then(|row| row.checked_sub(1))) | blocked(row.and_then(|row| row.checked_sub(2)));
        let below = blocked(row.map(|row| row + 1)) | blocked(row.map(|row| row + 2));
        let (left, right) = ((here << 1) | (here << 2), (here >> 1) | (here >> 2));
        row.map_or(0, |row| free[row]) & ((above & below) | (left & right))
    })
}

/// The free cells where at least three of the four ways lead on, and at least two of the four corners are blocked. None at the
/// edges, beyond which nothing is known.
fn branching(free: &[u32; SIDE], window: &Window) -> [u32; SIDE] {
    let last = looks(window) - 1;
    let edges = 1 | 1 << last;
    std::array::from_fn(|at| {
        if at == 0 || at >= last {
            return 0;
        }
        let (above, here, below) = (free[at - 1], free[at], free[at + 1]);
        let ways = [above, below, here << 1, here >> 1];
        let corners = [above << 1, above >> 1, below << 1, below >> 1].map(|corner| !corner);
        here & at_least_three(ways) & at_least_two(corners) & !edges
    })
}

fn at_least_three([a, b, c, d]: [u32; 4]) -> u32 {
    (a & b & (c | d)) | (c & d & (a | b))
}

fn at_least_two([a, b, c, d]: [u32; 4]) -> u32 {
    (a & b) | (c & d) | ((a | b) & (c | d))
}

#[cfg(test)]
mod tests {
    use trm_grid::costmap::Costmap;
    use trm_grid::testing::{costmap, travel};
    use trm_safety::check::Rules;

    use super::*;

    fn of(map: &Costmap, from: Cell, goal: Cell) -> [f32; FEATURES.len()] {
        let rules = Rules { allow_unknown: false, escape: 0.0 };
        let problem = Problem::between(map, rules, travel(0.0), [from, goal]);
        features(&problem, &Window::around(from, map.geometry(), map.geometry().width() as usize, 1))
    }

    fn square(cell: impl Fn(usize, usize) -> char) -> Costmap {
        let rows: Vec<String> = (0..16).map(|row| (0..16).map(|col| cell(col, row)).collect()).collect();
        costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn an_open_room_a_corridor_and_a_crossing_look_different() {
        let (from, goal) = (Cell::new(8, 8), Cell::new(8, 12));
        let open = of(&square(|_, _| '.'), from, goal);
        let near = |found: &[f32], expected: &[f32]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(&open, &[0.0, 1.0, 0.0, 0.0, 0.25, 1.0]), "{open:?}");
        let half = of(&square(|col, _| if col < 8 { '?' } else { '.' }), from, goal);
        assert!(near(&half[..2], &[0.5, 0.5]), "{half:?}");
        let corridor = of(&square(|col, _| if col == 8 { '.' } else { '#' }), from, goal);
        assert!(near(&corridor[1..4], &[1.0 / 16.0, 1.0, 0.0]), "{corridor:?}");
        let crossing = of(&square(|col, row| if col == 8 || row == 8 { '.' } else { '#' }), from, goal);
        assert!(near(&crossing[3..4], &[1.0 / 31.0]), "{crossing:?}");
        assert!(crossing[2] > 0.8, "{}", crossing[2]);
        let blocked = of(&square(|_, _| '#'), from, goal);
        assert!(near(&blocked[..4], &[0.0; 4]), "{blocked:?}");
    }
}
