//! On which side a path passes obstacles. Two paths that pass one on different sides enclose it between them. The rule is that
//! of `tests/closed_loop/sides.py`.

use std::collections::HashSet;

use trm_grid::units::Point;

use crate::drive::book::Book;
use crate::drive::raster::Raster;

/// How far around the paths an obstacle is followed that one of them runs into, in cells.
const MARGIN: i32 = 40;
/// All eight neighbours.
const AROUND: [(i32, i32); 8] = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];

/// A cell of an obstacle that two paths pass on different sides, if there is one. They begin and end at the same places. An
/// obstacle that one of them runs into isn't passed by it at all, so it doesn't count.
pub fn enclosed(old: &[Point], new: &[Point], book: &Book) -> Option<usize> {
    let outline: Vec<(f64, f64)> =
        old.iter().chain(new.iter().rev()).map(|point| in_cells(book.raster, *point)).collect();
    let inside: Vec<usize> =
        cells_within(&outline, book.raster).into_iter().filter(|at| book.is_occupied(*at)).collect();
    if inside.is_empty() {
        return None;
    }
    let bounds = Bounds::of(&outline);
    let seeds = [old, new].into_iter().flat_map(|path| book.in_the_way_of(path));
    let hit = connected(seeds.collect(), book, &bounds);
    inside.into_iter().find(|at| !hit.contains(at))
}

fn in_cells(raster: Raster, point: Point) -> (f64, f64) {
    (point.x / raster.resolution, point.y / raster.resolution)
}

/// The cells whose centre is within an outline, by the even-odd rule.
fn cells_within(outline: &[(f64, f64)], raster: Raster) -> Vec<usize> {
    let low = outline.iter().map(|(_, row)| *row).fold(f64::INFINITY, f64::min).floor() as i32;
    let high = outline.iter().map(|(_, row)| *row).fold(f64::NEG_INFINITY, f64::max).ceil() as i32;
    let mut cells = Vec::new();
    let mut crossings: Vec<f64> = Vec::new();
    for row in low.max(0)..high.min(raster.height) {
        let level = f64::from(row) + 0.5;
        crossings.clear();
        for (at, a) in outline.iter().enumerate() {
            let b = outline[(at + 1) % outline.len()];
            if (a.1 <= level) != (b.1 <= level) {
                crossings.push(a.0 + (level - a.1) / (b.1 - a.1) * (b.0 - a.0));
            }
        }
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let (first, end) = ((pair[0] - 0.5).ceil() as i32, (pair[1] - 0.5).ceil() as i32);
            cells.extend((first..end).filter_map(|col| raster.index(col, row)));
        }
    }
    cells
}

/// Columns and rows around an outline.
struct Bounds {
    low: (i32, i32),
    high: (i32, i32),
}

impl Bounds {
    fn of(outline: &[(f64, f64)]) -> Self {
        let mut bounds = Self { low: (i32::MAX, i32::MAX), high: (i32::MIN, i32::MIN) };
        for (col, row) in outline {
            let (col, row) = (col.floor() as i32, row.floor() as i32);
            bounds.low = (bounds.low.0.min(col - MARGIN), bounds.low.1.min(row - MARGIN));
            bounds.high = (bounds.high.0.max(col + MARGIN), bounds.high.1.max(row + MARGIN));
        }
        bounds
    }

    fn hold(&self, (col, row): (i32, i32)) -> bool {
        col >= self.low.0 && row >= self.low.1 && col <= self.high.0 && row <= self.high.1
    }
}

/// The occupied cells that are connected to these, diagonals included.
fn connected(mut open: Vec<usize>, book: &Book, bounds: &Bounds) -> HashSet<usize> {
    let mut seen: HashSet<usize> = open.iter().copied().collect();
    while let Some(at) = open.pop() {
        for next in book.raster.around(at, &AROUND) {
            if book.is_occupied(next) && bounds.hold(book.raster.cell(next)) && seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use trm_config::Config;

    use super::*;
    use crate::drive::polyline::length;
    use crate::drive::raster::State;

    const RASTER: Raster = Raster { width: 60, height: 40, resolution: 0.1 };

    /// A room with an obstacle of 0.4 m in its middle, and a book of it.
    fn book() -> Book {
        let is_obstacle = |at: usize| {
            let (col, row) = RASTER.cell(at);
            (28..32).contains(&col) && (18..22).contains(&row)
        };
        let map: Vec<State> =
            (0..RASTER.cells()).map(|at| if is_obstacle(at) { State::Occupied } else { State::Free }).collect();
        Book::new(RASTER, &map, &Config::default())
    }

    fn by_way_of(y: f64) -> [Point; 3] {
        [Point { x: 1.0, y: 2.0 }, Point { x: 3.0, y }, Point { x: 5.0, y: 2.0 }]
    }

    #[test]
    fn paths_on_both_sides_enclose_the_obstacle_and_paths_on_one_side_dont() {
        let book = book();
        assert!(enclosed(&by_way_of(0.8), &by_way_of(3.2), &book).is_some());
        assert!(enclosed(&by_way_of(0.8), &by_way_of(0.4), &book).is_none());
        assert!(enclosed(&by_way_of(2.0), &by_way_of(3.2), &book).is_none(), "one of them runs into it");
        assert!(!book.blocks(&by_way_of(0.8)) && book.blocks(&by_way_of(2.0)) && book.blocks(&by_way_of(1.8)));
    }

    #[test]
    fn what_a_path_costs_grows_near_obstacles_and_a_way_around_is_found() {
        let book = book();
        let weight = |y| book.travel_cost(&by_way_of(y)) / length(&by_way_of(y));
        assert!((weight(3.6) - 1.0).abs() < 1e-9 && weight(2.6) > 1.05, "{} {}", weight(3.6), weight(2.6));
        let [start, _, goal] = by_way_of(2.0);
        assert!(book.leads(start, goal) && !book.leads(start, Point { x: 9.0, y: 2.0 }));
    }
}
