//! Best-first search: one loop for decoding, the classical fallback and the departure from an obstacle.

use std::collections::BinaryHeap;

use trm_grid::units::{Cell, MOVES};

/// The space that a search explores. The search is compiled separately for each space.
///
/// ```
/// use std::cmp::Reverse;
/// use std::collections::BinaryHeap;
/// use trm_planner::search::{Ended, Frontier, Space};
///
/// /// The numbers from 1 up. Each leads to its double and to its successor, at a cost of 1.
/// struct Numbers {
///     goal: u32,
///     expanded: Vec<u32>,
/// }
///
/// impl Space for Numbers {
///     type Entry = (Reverse<u32>, u32); // the cost so far, least first, and the number
///     type Waiting = BinaryHeap<Self::Entry>;
///
///     fn settle(&mut self, (_, number): &Self::Entry) -> bool {
///         !self.expanded.contains(number)
///     }
///     fn is_end(&self, (_, number): &Self::Entry) -> bool {
///         *number == self.goal
///     }
///     fn may_expand(&mut self, _: &Self::Entry, expansions: u32) -> bool {
///         expansions <= 100
///     }
///     fn expand(&mut self, (cost, number): &Self::Entry, frontier: &mut Frontier<Self::Waiting>) -> bool {
///         self.expanded.push(*number);
///         for next in [2 * number, number + 1] {
///             frontier.push((Reverse(cost.0 + 1), next), |_| true);
///         }
///         true
///     }
/// }
///
/// let mut frontier = Frontier::with_capacity(64);
/// let found = frontier.search(&mut Numbers { goal: 10, expanded: Vec::new() }, (Reverse(0), 1));
/// assert_eq!(found, Ended::Found((Reverse(4), 10)), "1, 2, 4, 5, 10");
/// ```
pub trait Space {
    /// A waiting node.
    type Entry: Copy;

    /// What the waiting nodes are kept in. It says which of them is expanded first.
    type Waiting: Waiting<Entry = Self::Entry>;

    /// Called when a node comes up. Returns false if it can be skipped because it is already expanded, or because a
    /// better path to it has been found since.
    fn settle(&mut self, entry: &Self::Entry) -> bool;

    /// Whether the search ends at this node.
    fn is_end(&self, entry: &Self::Entry) -> bool;

    /// Whether the node may be expanded. It is number `expansions` of this search, counted from 1. `false` stops the
    /// search.
    fn may_expand(&mut self, entry: &Self::Entry, expansions: u32) -> bool;

    /// Pushes the successors of a node. `false` stops the search.
    fn expand(&mut self, entry: &Self::Entry, frontier: &mut Frontier<Self::Waiting>) -> bool;
}

/// A queue of waiting nodes, which never allocates after it was made. In a [`BinaryHeap`] the greatest comes first.
pub trait Waiting {
    /// A waiting node.
    type Entry: Copy;

    /// An empty queue for so many nodes.
    fn with_capacity(nodes: usize) -> Self;

    /// The number of nodes that fit.
    fn capacity(&self) -> usize;

    /// Whether it holds as many nodes as fit.
    fn is_full(&self) -> bool;

    /// Removes all nodes.
    fn clear(&mut self);

    /// Removes all nodes for which `wanted` returns false.
    fn retain(&mut self, wanted: impl FnMut(&Self::Entry) -> bool);

    /// Adds a node. One that is full may allocate.
    fn push(&mut self, entry: Self::Entry);

    /// Takes the first node.
    fn pop(&mut self) -> Option<Self::Entry>;
}

impl<E: Copy + Ord> Waiting for BinaryHeap<E> {
    type Entry = E;

    fn with_capacity(nodes: usize) -> Self {
        Self::with_capacity(nodes)
    }

    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn retain(&mut self, wanted: impl FnMut(&E) -> bool) {
        self.retain(wanted);
    }

    fn push(&mut self, entry: E) {
        self.push(entry);
    }

    fn pop(&mut self) -> Option<E> {
        self.pop()
    }
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended<E> {
    /// It reached an end: this node.
    Found(E),
    /// Every reachable node was expanded.
    Exhausted,
    /// The space stopped it.
    Stopped,
}

/// The waiting nodes. It never allocates as long as the wanted nodes fit its capacity.
#[derive(Debug)]
pub struct Frontier<W> {
    waiting: W,
    expansions: u32,
}

impl<W: Waiting> Frontier<W> {
    /// A frontier with this capacity.
    #[must_use]
    pub fn with_capacity(nodes: usize) -> Self {
        Self { waiting: W::with_capacity(nodes), expansions: 0 }
    }

    /// The number of nodes that fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.waiting.capacity()
    }

    /// The number of nodes that the last search expanded, including the one at which it was stopped.
    #[must_use]
    pub const fn expansions(&self) -> u32 {
        self.expansions
    }

    /// Adds a node. If the frontier is full, nodes for which `wanted` returns false are removed first.
    pub fn push(&mut self, entry: W::Entry, wanted: impl FnMut(&W::Entry) -> bool) {
        if self.waiting.is_full() {
            self.waiting.retain(wanted);
        }
        self.waiting.push(entry);
    }

    /// Removes all nodes, for a new search.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.expansions = 0;
    }

    /// Searches a space from a first node.
    pub fn search<S: Space<Entry = W::Entry, Waiting = W>>(
        &mut self,
        space: &mut S,
        first: W::Entry,
    ) -> Ended<W::Entry> {
        self.clear();
        self.waiting.push(first);
        self.go_on(space)
    }

    /// Searches a space from the nodes that are waiting.
    pub fn go_on<S: Space<Entry = W::Entry, Waiting = W>>(&mut self, space: &mut S) -> Ended<W::Entry> {
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

/// Appends the cells of the path from `start` (excluded) to `end` (included). `came_by` returns the move that led to a
/// cell, as an index into [`MOVES`]. Never allocates; returns false if the capacity of `path` is too small.
pub fn trace(start: Cell, end: Cell, mut came_by: impl FnMut(Cell) -> usize, path: &mut Vec<Cell>) -> bool {
    let begin = path.len();
    let mut cell = end;
    while cell != start {
        if path.len() == path.capacity() {
            return false;
        }
        path.push(cell);
        let step = MOVES[came_by(cell)];
        cell = Cell::new(cell.col - step.cols, cell.row - step.rows);
    }
    path[begin..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;

    /// The numbers below 100. Each leads to its double and to itself plus 3, at a cost of 1.
    struct Numbers {
        end: u32,
        most: u32,
        done: [bool; 100],
    }

    impl Space for Numbers {
        type Entry = (Reverse<u32>, u32);
        type Waiting = BinaryHeap<Self::Entry>;

        fn settle(&mut self, (_, number): &Self::Entry) -> bool {
            !std::mem::replace(&mut self.done[*number as usize], true)
        }
        fn is_end(&self, (_, number): &Self::Entry) -> bool {
            *number == self.end
        }
        fn may_expand(&mut self, _: &Self::Entry, expansions: u32) -> bool {
            expansions <= self.most
        }
        fn expand(&mut self, (cost, number): &Self::Entry, frontier: &mut Frontier<Self::Waiting>) -> bool {
            for next in [2 * number, number + 3].into_iter().filter(|next| *next < 100) {
                frontier.push((Reverse(cost.0 + 1), next), |(_, number)| !self.done[*number as usize]);
            }
            true
        }
    }

    #[test]
    fn the_cheapest_path_is_found_within_the_capacity() {
        let mut frontier = Frontier::with_capacity(16);
        let search = |frontier: &mut Frontier<BinaryHeap<_>>, end, most| {
            frontier.search(&mut Numbers { end, most, done: [false; 100] }, (Reverse(0), 1))
        };
        assert_eq!(search(&mut frontier, 14, 100), Ended::Found((Reverse(3), 14)), "1 4 7 14");
        assert_eq!(search(&mut frontier, 99, 2), Ended::Stopped);
        assert_eq!(frontier.expansions(), 3, "including the one at which it stopped");
        assert_eq!(search(&mut frontier, 6, 100), Ended::Exhausted);
    }

    #[test]
    fn a_trace_follows_the_moves_back_and_stops_at_the_capacity() {
        // MOVES[2] increases the column.
        let mut path = Vec::with_capacity(4);
        path.push(Cell::new(0, 0));
        assert!(trace(Cell::new(0, 0), Cell::new(3, 0), |_| 2, &mut path));
        assert_eq!(path, [0, 1, 2, 3].map(|col| Cell::new(col, 0)));
        assert!(!trace(Cell::new(3, 0), Cell::new(9, 0), |_| 2, &mut path));
    }
}
