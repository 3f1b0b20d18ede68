//! The grid's updates of the last while. A whole grid is large and takes its time: an update that was published after it
//! may arrive before it, and must hold when the grid has come.

use std::collections::VecDeque;

use crate::map::message::{GridUpdate, Message, Published, is_before};
use crate::map::newest::Newest;

/// So many updates are remembered at most.
const UPDATES: usize = 4096;
/// At least so many cells are remembered, and at most as many as the grid has.
const CELLS: usize = 1 << 16;
/// So many whole grids are known again.
const GRIDS: usize = 64;

/// The updates since the newest whole grid of each host.
#[derive(Default)]
pub struct History {
    updates: VecDeque<Message<GridUpdate>>,
    cells: usize,
    /// The updates that were forgotten for want of room.
    forgotten: Newest,
    /// The last whole grids.
    grids: VecDeque<Published>,
}

impl History {
    /// Whether a whole grid was taken, and lacked nothing.
    #[must_use]
    pub fn holds(&self, published: Option<Published>) -> bool {
        published.is_some_and(|published| self.grids.contains(&published))
    }

    /// A whole grid is taken, which doesn't hold what was published before `lost` and is lost. Returns the updates that
    /// were published after it, which it doesn't hold; and if others are missing that were forgotten or lost, when the
    /// last of them was published. Updates of other hosts stay: a grid of theirs may be under way.
    pub fn rebase(
        &mut self,
        grid: Option<Published>,
        lost: Option<Published>,
    ) -> (Vec<Message<GridUpdate>>, Option<Published>) {
        let is_of_host = |update: &Message<GridUpdate>| is_before(grid, update.published).is_some();
        let (mut newer, others): (Vec<_>, Vec<_>) = self.updates.drain(..).partition(is_of_host);
        newer.retain(|update| is_before(grid, update.published) == Some(true));
        self.updates = others.into();
        self.cells = self.updates.iter().map(|update| update.content.data.len()).sum();
        let lacked = self.forgotten.after(grid).or(lost);
        if let Some(grid) = grid.filter(|_| lacked.is_none()) {
            self.grids.truncate(GRIDS - 1);
            self.grids.push_front(grid);
        }
        (newer, lacked)
    }

    /// Remembers an update of a grid with so many cells.
    pub fn remember(&mut self, update: Message<GridUpdate>, grid_cells: usize) {
        if update.published.is_none() {
            return;
        }
        self.cells += update.content.data.len();
        self.updates.push_back(update);
        while self.updates.len() > UPDATES || self.cells > grid_cells.max(CELLS) {
            let Some(oldest) = self.updates.pop_front() else { break };
            self.cells -= oldest.content.data.len();
            self.forgotten.tell(oldest.published);
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

    fn update(published: Option<Published>) -> Message<GridUpdate> {
        let rect = Rect { col: 0, row: 0, width: 1, height: 1 };
        let content = GridUpdate { rect, data: vec![100] };
        Message { content, number: 0, arrived: Duration::ZERO, published, stamp: Duration::ZERO }
    }

    #[test]
    fn a_grid_that_comes_late_gets_the_updates_that_were_published_after_it() {
        let mut history = History::default();
        history.rebase(at(10), None);
        for ms in [20, 40, 30] {
            history.remember(update(at(ms)), 100);
        }
        let (newer, lacked) = history.rebase(at(25), None);
        assert_eq!(newer.iter().map(|update| update.published).collect::<Vec<_>>(), [at(40), at(30)]);
        assert!(lacked.is_none() && history.holds(at(25)) && !history.holds(at(24)));
    }

    #[test]
    fn a_late_grid_gets_its_hosts_updates_though_another_hosts_grid_came_between() {
        let mut history = History::default();
        let other = |ms| Some(Published { host: 2, era: 0, at: Duration::from_millis(ms) });
        for published in [other(20), at(5), None] {
            history.remember(update(published), 100);
        }
        assert!(history.rebase(at(10), None).0.is_empty());
        let newer = history.rebase(other(15), None).0;
        assert_eq!(newer.iter().map(|update| update.published).collect::<Vec<_>>(), [other(20)]);
    }

    #[test]
    fn what_is_forgotten_for_want_of_room_is_missed_only_by_a_grid_of_before() {
        let mut history = History::default();
        for ms in 0..2 * UPDATES as u64 {
            history.remember(update(at(ms)), 1 << 20);
        }
        let (newer, lacked) = history.rebase(at(UPDATES as u64 - 10), None);
        assert_eq!((lacked, newer.len()), (at(UPDATES as u64 - 1), UPDATES));
        let (newer, lacked) = history.rebase(at(3 * UPDATES as u64), None);
        assert!(lacked.is_none() && newer.is_empty());
        assert_eq!(history.rebase(at(4 * UPDATES as u64), at(1 << 40)).1, at(1 << 40), "what was lost on the way");
    }
}
