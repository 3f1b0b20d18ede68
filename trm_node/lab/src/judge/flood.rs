//! Which cells a robot gets to, by breadth-first search on the raw map.

use std::collections::VecDeque;

use crate::judge::raw_map::{Class, RawMap};

/// The eight moves as columns and rows.
const MOVES: [(i32, i32); 8] = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];

/// Whether a search gets to each cell, row-major: from `begins` over cells that `lead_on`, into cells that surely are
/// `passable`, as are the corners that it cuts.
fn flood(
    map: &RawMap,
    begins: &[(i32, i32)],
    lead_on: impl Fn(i32, i32) -> bool,
    passable: impl Fn(Class) -> bool + Copy,
) -> Vec<bool> {
    let mut seen = vec![false; map.values().len()];
    let mut front: VecDeque<(i32, i32)> = begins.iter().copied().collect();
    for at in begins.iter().filter_map(|(col, row)| map.index(*col, *row)) {
        seen[at] = true;
    }
    while let Some((col, row)) = front.pop_front() {
        if !lead_on(col, row) {
            continue;
        }
        for (cols, rows) in MOVES {
            let (c, r) = (col + cols, row + rows);
            let Some(at) = map.index(c, r) else { continue };
            let surely = |c, r| map.is_surely(c, r, passable);
            if !seen[at] && surely(c, r) && surely(c, row) && surely(col, r) {
                seen[at] = true;
                front.push_back((c, r));
            }
        }
    }
    seen
}

/// Whether each cell, row-major, can surely be reached from one of these over free cells.
pub fn reach(map: &RawMap, begins: &[(i32, i32)]) -> Vec<bool> {
    flood(map, begins, |_, _| true, |class| map.is_free(class))
}

/// The free cells that a robot in an inscribed cell surely gets to over inscribed cells, within `radius` cells.
pub fn departures(map: &RawMap, from: (i32, i32), radius: f64) -> Vec<(i32, i32)> {
    let is_near = |col: i32, row: i32| f64::from(col - from.0).hypot(f64::from(row - from.1)) <= radius;
    let is_inscribed = |class| class == Class::Inscribed;
    let lead_on = |col, row| is_near(col, row) && map.is_surely(col, row, is_inscribed);
    let seen = flood(map, &[from], lead_on, |class| map.is_free(class) || is_inscribed(class));
    let cells = (0..seen.len()).filter(|at| seen[*at]).map(|at| map.cell(at));
    cells.filter(|(col, row)| is_near(*col, *row) && map.is_surely(*col, *row, |class| map.is_free(class))).collect()
}
