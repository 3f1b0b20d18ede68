//! The best path of a plan so far.

use crate::grid::guidance::TIE;
use crate::path::routes::Tail;
use crate::units::Cell;

/// The best verified path so far: it only ever gets cheaper.
#[derive(Debug, Default)]
pub(super) struct Best {
    /// From the start to the goal; empty while there is none.
    pub cells: Vec<Cell>,
    /// Its travel cost, in cells.
    cost: f64,
    /// Whether guidance led it outside the window.
    pub guided: bool,
    /// The route that its last cell is a corner of, and that it goes over into.
    pub tail: Option<Tail>,
}

impl Best {
    /// Takes a path of `count` cells that is cheaper, or the first one. Says whether it did. One that is too long for the
    /// buffer is left.
    pub fn take<'a>(
        &mut self,
        cost: f64,
        count: usize,
        path: impl Iterator<Item = &'a Cell>,
        tail: Option<Tail>,
    ) -> bool {
        let better = self.cells.is_empty() || cost < self.cost - f64::from(TIE);
        if better && count <= self.cells.capacity() {
            self.cells.clear();
            self.cells.extend(path);
            self.cost = cost;
            self.tail = tail;
        }
        better
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::testing::{costmap, travel};
    use crate::grid::travel::Travel;

    #[test]
    fn the_cheapest_path_is_the_best_and_not_the_shortest() {
        let map = costmap(&["....", ".99.", "...."]);
        let straight = [(0, 1), (1, 1), (2, 1), (3, 1)].map(|(col, row)| Cell::new(col, row));
        let around = [(0, 1), (0, 0), (1, 0), (2, 0), (3, 0), (3, 1)].map(|(col, row)| Cell::new(col, row));
        let take = |best: &mut Best, path: &[Cell], travel: Travel| {
            best.take(travel.cells(&map, path.iter()), path.len(), path.iter(), None)
        };
        for (multiplier, least) in [(0.0, &straight[..]), (2.0, &around[..])] {
            let mut best = Best { cells: Vec::with_capacity(9), ..Best::default() };
            let first = take(&mut best, &straight, travel(multiplier));
            assert!(first, "the first one is the best so far");
            assert_eq!(take(&mut best, &around, travel(multiplier)), least == around);
            assert_eq!(best.cells, least);
            assert!(!take(&mut best, &around, travel(multiplier)), "as cheap is not cheaper");
        }
    }
}
