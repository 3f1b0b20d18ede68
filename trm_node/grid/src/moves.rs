//! Which of the eight moves are legal. Searches, guidance and goal cells all use this rule.

use crate::cost::is_free;
use crate::costmap::Costmap;
use crate::units::{Cell, MOVES};

/// The straight moves, as a bit for each of the [`MOVES`].
const STRAIGHT: u8 = 0b0101_0101;

/// The legal moves from a cell, as a bit for each of the [`MOVES`]. A move is legal if it ends in a free cell of the
/// grid; a diagonal also needs both cells beside it free, because the safety check demands that.
#[must_use]
pub fn legal_moves(costmap: &Costmap, cell: Cell, allow_unknown: bool) -> u8 {
    if costmap.geometry().contains(cell) {
        return legal_moves_given(&costmap.neighbour_costs(cell), allow_unknown);
    }
    without_cut_corners(
        MOVES
            .iter()
            .enumerate()
            .fold(0, |free, (bit, step)| free | u8::from(costmap.is_free(cell.after(*step), allow_unknown)) << bit),
    )
}

/// Like [`legal_moves`], given the [`neighbour_costs`](Costmap::neighbour_costs) of the cell.
#[must_use]
pub fn legal_moves_given(neighbours: &[u8; MOVES.len()], allow_unknown: bool) -> u8 {
    without_cut_corners(
        neighbours
            .iter()
            .enumerate()
            .fold(0, |free, (bit, cost)| free | u8::from(is_free(*cost, allow_unknown)) << bit),
    )
}

/// Removes the diagonals that have a blocked cell beside them. In [`MOVES`] each diagonal stands between the two
/// straight moves beside it.
const fn without_cut_corners(free: u8) -> u8 {
    free & (STRAIGHT | (free.rotate_left(1) & free.rotate_right(1)))
}

/// Iterates over a set of [`legal_moves`], as indices into [`MOVES`].
pub fn iter_moves(moves: u8) -> impl Iterator<Item = usize> {
    (0..MOVES.len()).filter(move |bit| moves >> bit & 1 == 1)
}

/// Whether the move with an index in [`MOVES`] is legal from a cell.
#[cfg(any(test, feature = "testing"))]
#[must_use]
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
        fn a_move_is_legal_if_no_cell_it_touches_is_blocked(
            cells in proptest::collection::vec(prop_oneof![3 => Just('.'), 1 => Just('#'), 1 => Just('?')], 20),
            col in -1..6, row in -1..5, allow_unknown in any::<bool>(),
        ) {
            let rows: Vec<String> = cells.chunks(5).map(|row| row.iter().collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let map = costmap(&rows);
            let cell = Cell::new(col, row);
            for (step, to) in MOVES.iter().map(|step| cell.after(*step)).enumerate() {
                let beside = [Cell::new(to.col, cell.row), Cell::new(cell.col, to.row)];
                // For a straight move, each of these is one of its two ends; the first end does not count.
                let free = |cell: Cell| map.is_free(cell, allow_unknown);
                let expected = free(to) && beside.into_iter().filter(|other| *other != cell).all(free);
                prop_assert_eq!(is_legal(&map, cell, step, allow_unknown), expected);
                prop_assert_eq!(iter_moves(legal_moves(&map, cell, allow_unknown)).any(|bit| bit == step), expected);
            }
        }
    }
}
