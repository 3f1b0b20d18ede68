//! Best-first search: the one loop behind decoding, the classical fallback, and the way out of an obstacle.

use std::collections::BinaryHeap;

use trm_grid::units::{Cell, MOVES};

/// What a search runs over. Each search is compiled for its own space.
pub trait Space {
    /// A node that waits to be expanded. The greatest one comes first.
    type Entry: Copy + Ord;

    /// Notes that a node comes up. `false` when it need not be looked at: it was expanded already, or a better way to it
    /// was found since.
    fn settle(&mut self, entry: &Self::Entry) -> bool;

    /// Whether the search ends here.
    fn is_end(&self, entry: &Self::Entry) -> bool;

    /// Whether the node may be expanded, as number `expansions` of this search, counted from 1. `false` stops the search.
    fn may_expand(&mut self, entry: &Self::Entry, expansions: u32) -> bool;

    /// Pushes the nodes that a node leads to. `false` stops the search.
    fn expand(&mut self, entry: &Self::Entry, frontier: &mut Frontier<Self::Entry>) -> bool;
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended<E> {
    /// At this node.
    Found(E),
    /// Every node that can be reached was expanded.
    Exhausted,
    /// The space stopped it.
    Stopped,
}

/// The nodes that wait, in room that never grows.
#[derive(Debug)]
pub struct Frontier<E> {
    waiting: BinaryHeap<E>,
    expansions: u32,
}

impl<E: Copy + Ord> Default for Frontier<E> {
    fn default() -> Self {
        Self { waiting: BinaryHeap::new(), expansions: 0 }
    }
}

impl<E: Copy + Ord> Frontier<E> {
    /// Room for so many nodes.
    #[must_use]
    pub fn with_capacity(nodes: usize) -> Self {
        Self { waiting: BinaryHeap::with_capacity(nodes), ..Self::default() }
    }

    /// How many nodes there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.waiting.capacity()
    }

    /// Nodes that the last search expanded, the one at which it was stopped included.
    #[must_use]
    pub const fn expansions(&self) -> u32 {
        self.expansions
    }

    /// Adds a node. When there is no room, nodes go first that are no longer `wanted`.
    pub fn push(&mut self, entry: E, wanted: impl FnMut(&E) -> bool) {
        if self.waiting.len() == self.waiting.capacity() {
            self.waiting.retain(wanted);
        }
        self.waiting.push(entry);
    }

    /// Searches a space from its first node.
    pub fn search<S: Space<Entry = E>>(&mut self, space: &mut S, first: E) -> Ended<E> {
        self.waiting.clear();
        self.expansions = 0;
        self.waiting.push(first);
        while let Some(entry) = self.waiting.pop() {
            if !space.settle(&entry) {
                continue;
            }
            if space.is_end(&entry) {
                return Ended::Found(entry);
            }
            self.expansions += 1;
            if !space.may_expand(&entry, self.expansions) {
                return Ended::Stopped;
            }
            if !space.expand(&entry, self) {
                return Ended::Stopped;
            }
        }
        Ended::Exhausted
    }
}

/// Appends the cells of the way from `start` (left out) to `end`. `came` is the move that led to a cell, as an index into
/// [`MOVES`]. Nothing is appended beyond the room that `path` has; `false` when that wasn't enough.
pub fn trace(start: Cell, end: Cell, mut came: impl FnMut(Cell) -> usize, path: &mut Vec<Cell>) -> bool {
    let begin = path.len();
    let mut cell = end;
    while cell != start {
        if path.len() == path.capacity() {
            return false;
        }
        path.push(cell);
        let step = MOVES[came(cell)];
        cell = Cell::new(cell.col - step.cols, cell.row - step.rows);
    }
    path[begin..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;

    /// The numbers below 100; each leads to its double and to itself plus 3, at the cost of 1 each.
    struct Numbers {
        end: u32,
        most: u32,
        done: [bool; 100],
    }

    impl Space for Numbers {
        type Entry = (Reverse<u32>, u32);

        fn settle(&mut self, (_, number): &Self::Entry) -> bool {
            !std::mem::replace(&mut self.done[*number as usize], true)
        }
        fn is_end(&self, (_, number): &Self::Entry) -> bool {
            *number == self.end
        }
        fn may_expand(&mut self, _: &Self::Entry, expansions: u32) -> bool {
            expansions <= self.most
        }
        fn expand(&mut self, (cost, number): &Self::Entry, frontier: &mut Frontier<Self::Entry>) -> bool {
            for next in [2 * number, number + 3].into_iter().filter(|next| *next < 100) {
                frontier.push((Reverse(cost.0 + 1), next), |(_, number)| !self.done[*number as usize]);
            }
            true
        }
    }

    #[test]
    fn the_cheapest_way_is_found_in_room_that_does_not_grow() {
        let mut frontier = Frontier::with_capacity(16);
        let search = |frontier: &mut Frontier<_>, end, most| {
            frontier.search(&mut Numbers { end, most, done: [false; 100] }, (Reverse(0), 1))
        };
        assert_eq!(search(&mut frontier, 14, 100), Ended::Found((Reverse(3), 14)), "1 4 7 14");
        assert_eq!(search(&mut frontier, 99, 2), Ended::Stopped);
        assert_eq!(frontier.expansions(), 3, "the one that stopped it included");
        assert_eq!(search(&mut frontier, 6, 100), Ended::Exhausted);
    }

    #[test]
    fn a_trace_leads_back_over_the_moves_and_stops_where_there_is_no_room() {
        // MOVES[2] leads to the next column.
        let mut path = Vec::with_capacity(4);
        path.push(Cell::new(0, 0));
        assert!(trace(Cell::new(0, 0), Cell::new(3, 0), |_| 2, &mut path));
        assert_eq!(path, [0, 1, 2, 3].map(|col| Cell::new(col, 0)));
        assert!(!trace(Cell::new(3, 0), Cell::new(9, 0), |_| 2, &mut path));
    }
}
