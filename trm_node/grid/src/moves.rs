//! Which of the eight moves are legal: the one rule for searches, guidance and goal cells.

use crate::cost::is_free;
use crate::costmap::Costmap;
use crate::units::{Cell, MOVES};

/// The straight moves among [`MOVES`].
const STRAIGHT: u8 = 0b0101_0101;

/// Legal moves from a cell, as a bit for each of the [`MOVES`]: they end in a free cell of the grid, and a diagonal has
/// both cells beside it free, as the check of paths demands.
#[must_use]
pub fn legal_moves(costmap: &Costmap, cell: Cell, allow_unknown: bool) -> u8 {
    if costmap.geometry().contains(cell) {
        return legal_among(&costmap.around(cell), allow_unknown);
    }
    with_corners(
        MOVES
            .iter()
            .enumerate()
            .fold(0, |free, (bit, step)| free | u8::from(costmap.is_free(cell.after(*step), allow_unknown)) << bit),
    )
}

/// The same, from the costs [`around`](Costmap::around) the cell.
#[must_use]
pub fn legal_among(around: &[u8; MOVES.len()], allow_unknown: bool) -> u8 {
    with_corners(
        around.iter().enumerate().fold(0, |free, (bit, cost)| free | u8::from(is_free(*cost, allow_unknown)) << bit),
    )
}

/// In MOVES each diagonal stands between the two straight moves beside it.
const fn with_corners(free: u8) -> u8 {
    free & (STRAIGHT | (free.rotate_left(1) & free.rotate_right(1)))
}

/// The places in [`MOVES`] of the moves in a set of [`legal_moves`].
pub fn each(moves: u8) -> impl Iterator<Item = usize> {
    (0..MOVES.len()).filter(move |bit| moves >> bit & 1 == 1)
}

/// Whether the move at a place in [`MOVES`] is legal from a cell.
#[cfg(any(test, feature = "testing"))]
pub fn is_legal(costmap: &Costmap, cell: Cell, step: usize, allow_unknown: bool) -> bool {
    legal_moves(costmap, cell, allow_unknown) >> step & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::costmap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_move_is_legal_when_nothing_it_touches_is_blocked(
            cells in proptest::collection::vec(prop_oneof![3 => Just('.'), 1 => Just('#'), 1 => Just('?')], 20),
            col in -1..6, row in -1..5, allow_unknown in any::<bool>(),
        ) {
            let rows: Vec<String> = cells.chunks(5).map(|row| row.iter().collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let cell = Cell::new(col, row);
            for (step, to) in MOVES.iter().map(|step| cell.after(*step)).enumerate() {
                let beside = [Cell::new(to.col, cell.row), Cell::new(cell.col, to.row)];
                // For a straight move both are one of its ends, and it is the other end that counts.
                let free = |cell: Cell| map.is_free(cell, allow_unknown);
                let expected = free(to) && beside.into_iter().filter(|other| *other != cell).all(free);
                prop_assert_eq!(is_legal(&map, cell, step, allow_unknown), expected);
                prop_assert_eq!(each(legal_moves(&map, cell, allow_unknown)).any(|bit| bit == step), expected);
            }
        }
    }
}
