//! Which cells a robot gets to, by breadth-first search on the raw map.

use std::collections::VecDeque;

use crate::judge::raw_map::{Class, RawMap};

/// The eight moves as columns and rows.
const MOVES: [(i32, i32); 8] = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];

/// The number of moves to each cell, row-major, and -1 where none leads: over cells that `may_enter`, cutting only
/// corners that are `passable`.
fn flood(
    map: &RawMap,
    from: (i32, i32),
    may_enter: impl Fn(i32, i32) -> bool,
    passable: impl Fn(Class) -> bool + Copy,
) -> Vec<i32> {
    let mut moves = vec![-1; map.values().len()];
    let mut front = VecDeque::from([(from, 0)]);
    if let Some(at) = map.index(from.0, from.1) {
        moves[at] = 0;
    }
    while let Some(((col, row), number)) = front.pop_front() {
        for (cols, rows) in MOVES {
            let (c, r) = (col + cols, row + rows);
            let Some(at) = map.index(c, r) else { continue };
            let surely = |c, r| map.is_surely(c, r, passable);
            if moves[at] < 0 && may_enter(c, r) && surely(c, r) && surely(c, row) && surely(col, r) {
                moves[at] = number + 1;
                front.push_back(((c, r), number + 1));
            }
        }
    }
    moves
}

/// The cells that can surely be reached over free cells: the number of moves to each, and -1 for the others.
pub fn reach(map: &RawMap, from: (i32, i32)) -> Vec<i32> {
    flood(map, from, |_, _| true, |class| map.is_free(class))
}

/// The free cells that are the fewest moves over inscribed cells away, within `radius` cells.
pub fn departures(map: &RawMap, from: (i32, i32), radius: f64) -> Vec<(i32, i32)> {
    let away = |col: i32, row: i32| f64::from(col - from.0).hypot(f64::from(row - from.1));
    let passable = |class| map.is_free(class) || class == Class::Inscribed;
    let moves = flood(map, from, |col, row| away(col, row) <= radius, passable);
    let is_end = |at: &usize| {
        let (col, row) = map.cell(*at);
        moves[*at] >= 0 && map.is_surely(col, row, |class| map.is_free(class))
    };
    let ends: Vec<usize> = (0..moves.len()).filter(is_end).collect();
    let least = ends.iter().map(|at| moves[*at]).min();
    ends.into_iter().filter(|at| Some(moves[*at]) == least).map(|at| map.cell(at)).collect()
}
