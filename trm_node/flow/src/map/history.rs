//! The grid's updates of the last while. A whole grid is large and takes its time: an update that was published after it
//! may arrive before it, and must hold when the grid has come.

use std::collections::VecDeque;

use crate::map::message::{GridUpdate, Message, Published, is_before};

/// So many updates are remembered at most.
const UPDATES: usize = 4096;
/// At least so many cells are remembered, and at most as many as the grid has.
const CELLS: usize = 1 << 16;
/// So many whole grids are known again.
const GRIDS: usize = 64;

/// The newest whole grid's time, and the updates since.
#[derive(Default)]
pub struct History {
    base: Option<Published>,
    updates: VecDeque<Message<GridUpdate>>,
    cells: usize,
    /// The newest of the updates that were forgotten for want of room.
    forgotten: Option<Published>,
    /// The last whole grids that lacked nothing.
    grids: VecDeque<Published>,
}

impl History {
    /// Whether a message was published before the whole grid that is the base, which holds what it says.
    #[must_use]
    pub fn is_superseded(&self, published: Option<Published>) -> bool {
        is_before(published, self.base).unwrap_or(false)
    }

    /// Whether a whole grid was the base, and lacked nothing.
    #[must_use]
    pub fn holds(&self, published: Option<Published>) -> bool {
        published.is_some_and(|published| self.grids.contains(&published))
    }

    /// A whole grid is the new base. Returns the updates that were published after it, which it doesn't hold; and if
    /// others are missing that were forgotten, when the last of them was published.
    pub fn rebase(&mut self, base: Option<Published>) -> (Vec<Message<GridUpdate>>, Option<Published>) {
        self.base = base;
        let is_newer = |published| is_before(base, published).unwrap_or(false);
        self.forgotten = self.forgotten.filter(|forgotten| is_newer(Some(*forgotten)));
        let newer: Vec<_> = self.updates.drain(..).filter(|update| is_newer(update.published)).collect();
        self.cells = 0;
        if let Some(base) = base.filter(|_| self.forgotten.is_none()) {
            self.grids.truncate(GRIDS - 1);
            self.grids.push_front(base);
        }
        (newer, self.forgotten)
    }

    /// Remembers an update of a grid with so many cells.
    pub fn remember(&mut self, update: Message<GridUpdate>, grid_cells: usize) {
        self.cells += update.content.data.len();
        self.updates.push_back(update);
        while self.updates.len() > UPDATES || self.cells > grid_cells.max(CELLS) {
            let Some(oldest) = self.updates.pop_front() else { break };
            self.cells -= oldest.content.data.len();
            if is_before(oldest.published, self.forgotten) != Some(true) {
                self.forgotten = oldest.published.or(self.forgotten);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trm_grid::geometry::Rect;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
    fn at(ms: u64) -> Option<Published> {
        Some(Published { host: 1, era: 0, at: Duration::from_millis(ms) })
    }

    fn update(ms: u64) -> Message<GridUpdate> {
        let rect = Rect { col: 0, row: 0, width: 1, height: 1 };
        let content = GridUpdate { rect, data: vec![100] };
        Message { content, number: 0, arrived: Duration::ZERO, published: at(ms), stamp: Duration::ZERO }
    }

    #[test]
    fn a_grid_that_comes_late_gets_the_updates_that_were_published_after_it() {
        let mut history = History::default();
        history.rebase(at(10));
        for ms in [20, 40, 30] {
            history.remember(update(ms), 100);
        }
        assert!(history.is_superseded(at(5)) && !history.is_superseded(at(15)) && !history.is_superseded(None));
        let (newer, lacked) = history.rebase(at(25));
        assert_eq!(newer.iter().map(|update| update.published).collect::<Vec<_>>(), [at(40), at(30)]);
        assert!(lacked.is_none() && history.is_superseded(at(24)));
    }

    #[test]
    fn what_is_forgotten_for_want_of_room_is_missed_only_by_a_grid_of_before() {
        let mut history = History::default();
        for ms in 0..2 * UPDATES as u64 {
            history.remember(update(ms), 1 << 20);
        }
        let (newer, lacked) = history.rebase(at(UPDATES as u64 - 10));
        assert_eq!((lacked, newer.len()), (at(UPDATES as u64 - 1), UPDATES));
        let (newer, lacked) = history.rebase(at(3 * UPDATES as u64));
        assert!(lacked.is_none() && newer.is_empty());
    }
}
