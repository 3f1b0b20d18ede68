//! The way to the world thread. Never full: what a newer message replaces is dropped, and what can't be kept makes the
//! grid suspect. So the memory that waits here is bounded by the size of a whole grid and that of the updates after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::occupancy::OccupancyGrid;

use crate::lock::lock;
use crate::map::held::Held;
use crate::map::ledger::Ledger;
use crate::map::message::{GridUpdate, Message, Published, is_before};
use crate::map::newest::Newest;
use crate::map::suspicion::Suspect;

/// Updates of so many cells may wait, whatever the size of the grid.
const CELLS_WAITING: usize = 1 << 24;
/// So many updates may wait.
const UPDATES_WAITING: usize = 1 << 17;

/// Looks at the costs, in the world thread; at `None` before the first grid.
pub type Look = Box<dyn FnOnce(Option<&Costmap>) + Send>;
/// So many may wait to look.
const LOOKS_WAITING: usize = 256;

/// Everything that has come since the world thread looked last.
#[derive(Default)]
pub struct Batch {
    /// The last whole grid.
    pub grid: Option<Message<OccupancyGrid>>,
    /// The updates that no whole grid of their host is known to hold, in the order of their arrival.
    pub updates: Vec<Message<GridUpdate>>,
    /// When a whole grid was published that has come once more.
    pub again: Option<Published>,
    /// The newest parameters.
    pub config: Option<Box<Config>>,
    /// Costs with other parameters, which were ordered.
    pub rebuilt: Option<Box<CostmapBuilder>>,
    /// Who wants to look at the costs once they hold all of this.
    pub looks: Vec<Look>,
    /// What costs hold with all of this.
    pub held: Held,
    /// How many messages newer ones replaced.
    pub superseded: u64,
    /// The world thread must end.
    pub stop: bool,
}

impl Batch {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let is_told = self.grid.is_some() || !self.updates.is_empty() || self.again.is_some();
        let is_asked = self.config.is_some() || self.rebuilt.is_some() || !self.looks.is_empty() || self.stop;
        !is_told && !is_asked && self.superseded == 0
    }

    /// Takes the updates that came before the whole grid. They only hold on it if they were published after it.
    #[must_use]
    pub fn take_before_grid(&mut self) -> Vec<Message<GridUpdate>> {
        let number = self.grid.as_ref().map_or(0, |grid| grid.number);
        let before = self.updates.partition_point(|update| update.number < number);
        self.updates.drain(..before).collect()
    }
}

/// The inbox. The spinning thread and the tasks put in, the world thread takes.
pub struct Inbox {
    /// What has arrived.
    pub ledger: Arc<Ledger>,
    waiting: Mutex<Waiting>,
    wake_up: Condvar,
    /// Something waits that makes the costs useless that are being computed.
    is_newer: AtomicBool,
    must_stop: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    batch: Batch,
    cells: usize,
    /// When the newest whole grid was published. What was published before it on its host says nothing new.
    grids: Newest,
}

impl Inbox {
    /// An empty inbox, which writes arrivals into this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Self {
            ledger,
            waiting: Mutex::default(),
            wake_up: Condvar::new(),
            is_newer: AtomicBool::new(false),
            must_stop: AtomicBool::new(false),
        }
    }

    /// Puts a whole grid in.
    pub fn put_grid(&self, mut grid: Message<OccupancyGrid>) {
        self.put(|waiting, ledger| {
            waiting.arrive(&mut grid, ledger);
            waiting.batch.superseded += 1;
            if waiting.grids.after(grid.published).is_some() {
                return;
            }
            waiting.grids.tell(grid.published);
            let before = waiting.batch.updates.len();
            // Those of other hosts may hold on a grid of theirs that is under way.
            let is_news = |update: &Message<GridUpdate>| {
                update.published.is_some() && is_before(grid.published, update.published).unwrap_or(true)
            };
            waiting.batch.updates.retain(is_news);
            waiting.cells = waiting.batch.updates.iter().map(|update| update.content.data.len()).sum();
            waiting.batch.superseded += (before - waiting.batch.updates.len()) as u64;
            if waiting.batch.grid.replace(grid).is_none() {
                waiting.batch.superseded -= 1;
            }
            self.is_newer.store(true, Ordering::Release);
        });
    }

    /// A whole grid has come once more. It says nothing new, but that it isn't lost.
    pub fn put_again(&self, published: Option<Published>) {
        self.put(|waiting, _| waiting.batch.again = published);
    }

    /// Puts an update in.
    pub fn put_update(&self, mut update: Message<GridUpdate>) {
        self.put(|waiting, ledger| {
            waiting.arrive(&mut update, ledger);
            if waiting.grids.after(update.published).is_some() {
                waiting.batch.superseded += 1;
                return;
            }
            waiting.cells += update.content.data.len();
            waiting.batch.updates.push(update);
            if waiting.cells > CELLS_WAITING || waiting.batch.updates.len() > UPDATES_WAITING {
                waiting.lose_updates(ledger);
            }
        });
    }

    /// Puts parameters in, in place of those that wait.
    pub fn put_config(&self, config: Box<Config>) {
        self.put(|waiting, _| waiting.batch.config = Some(config));
    }

    /// Puts costs in that were ordered with other parameters.
    pub fn put_rebuilt(&self, rebuilt: Box<CostmapBuilder>) {
        self.put(|waiting, _| waiting.batch.rebuilt = Some(rebuilt));
    }

    /// Has the world thread show the costs, once they hold what has come before. One that is too many is shown none.
    pub fn put_look(&self, look: Look) {
        let mut unseen = Some(look);
        self.put(|waiting, _| {
            if waiting.batch.looks.len() < LOOKS_WAITING {
                waiting.batch.looks.extend(unseen.take());
            }
        });
        if let Some(look) = unseen {
            look(None);
        }
    }

    /// Tells the world thread to end.
    pub fn stop(&self) {
        self.must_stop.store(true, Ordering::Release);
        self.put(|waiting, _| waiting.batch.stop = true);
    }

    fn put(&self, put: impl FnOnce(&mut Waiting, &Ledger)) {
        let mut waiting = lock(&self.waiting);
        put(&mut waiting, &self.ledger);
        drop(waiting);
        self.wake_up.notify_one();
    }

    /// Takes all that has come, once something has, and at the latest after `patience`.
    #[must_use]
    pub fn take(&self, patience: Duration) -> Batch {
        let waiting = lock(&self.waiting);
        let is_empty = |waiting: &mut Waiting| waiting.batch.is_empty();
        let waited = self.wake_up.wait_timeout_while(waiting, patience, is_empty);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        self.is_newer.store(false, Ordering::Release);
        waiting.cells = 0;
        let held = waiting.batch.held;
        std::mem::replace(&mut waiting.batch, Batch { held, ..Batch::default() })
    }

    /// Whether the world thread must end.
    #[must_use]
    pub fn must_stop(&self) -> bool {
        self.must_stop.load(Ordering::Acquire)
    }

    /// Whether a whole grid waits.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.is_newer.load(Ordering::Acquire)
    }

    /// Whether anything waits.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !lock(&self.waiting).batch.is_empty()
    }

    /// How many updates wait.
    #[must_use]
    pub fn backlog(&self) -> usize {
        let waiting = lock(&self.waiting);
        waiting.batch.updates.len() + usize::from(waiting.batch.grid.is_some())
    }
}

impl Waiting {
    fn arrive<T>(&mut self, message: &mut Message<T>, ledger: &Ledger) {
        message.number = ledger.arrive(message.arrived);
        self.batch.held = Held { messages: message.number, stamp: message.stamp };
    }

    /// There is no room for the updates that wait.
    fn lose_updates(&mut self, ledger: &Ledger) {
        let updates = std::mem::take(&mut self.batch.updates);
        self.batch.superseded += updates.len() as u64;
        self.cells = 0;
        let mut newest = Newest::default();
        for update in &updates {
            newest.tell(update.published);
        }
        let unknown = updates.iter().any(|update| update.published.is_none()).then_some(None);
        for after in newest.iter().map(Some).chain(unknown) {
            ledger.suspicion.raise(Suspect::Crowded, after, ledger.arrived());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trm_grid::geometry::{Geometry, Rect};
    use trm_grid::units::Pose;

    use super::*;
    use crate::map::history::History;

    fn message<T>(content: T, ms: u64) -> Message<T> {
        let at = Duration::from_millis(ms);
        Message { content, number: 0, arrived: at, published: Some(Published { host: 1, era: 0, at }), stamp: at }
    }

    fn grid(ms: u64) -> Message<OccupancyGrid> {
        let geometry = Geometry::new(1, 1, 1.0, Pose::default()).unwrap();
        message(OccupancyGrid::new(geometry, vec![(ms % 100) as i8]).unwrap(), ms)
    }

    fn update(ms: u64) -> Message<GridUpdate> {
        let rect = Rect { col: 0, row: 0, width: 1, height: 1 };
        message(GridUpdate { rect, data: vec![(ms % 100) as i8] }, ms)
    }

    #[test]
    fn a_newer_grid_replaces_what_waits_and_everything_is_counted() {
        let inbox = Inbox::new(Arc::default());
        inbox.put_update(update(1));
        inbox.put_grid(grid(2));
        inbox.put_update(update(4));
        inbox.put_grid(grid(3));
        inbox.put_config(Box::default());
        assert!(inbox.is_newer() && inbox.backlog() == 2, "a grid and an update");
        let batch = inbox.take(Duration::ZERO);
        assert_eq!(batch.grid.map(|grid| grid.stamp), Some(Duration::from_millis(3)));
        assert_eq!(batch.updates.iter().map(|update| update.number).collect::<Vec<_>>(), [3]);
        assert!(batch.config.is_some() && !inbox.is_newer());
        assert_eq!((batch.held.messages, batch.superseded, inbox.ledger.arrived()), (4, 2, 4));
        let empty = inbox.take(Duration::ZERO);
        assert!(empty.is_empty() && empty.held.messages == 4);
        inbox.stop();
        assert!(inbox.take(Duration::MAX).stop && inbox.must_stop());
    }

    #[test]
    fn a_flood_is_dropped_and_makes_the_grid_suspect() {
        let inbox = Inbox::new(Arc::default());
        for ms in 0..=UPDATES_WAITING as u64 {
            inbox.put_update(update(ms));
        }
        assert_eq!(inbox.backlog(), 0);
        assert_eq!(inbox.ledger.suspicion.get(), Some(Suspect::Crowded));
        assert_eq!(inbox.take(Duration::ZERO).superseded, UPDATES_WAITING as u64 + 1);
    }

    /// A message of a test, from one of two hosts.
    #[derive(Debug, Clone, Copy)]
    struct Told {
        host: u32,
        ms: u64,
        is_grid: bool,
    }

    impl Told {
        fn message<T>(self, content: T) -> Message<T> {
            let published = Some(Published { host: self.host, era: 0, at: Duration::from_millis(self.ms) });
            Message { published, ..message(content, self.ms) }
        }

        fn put_into(self, inbox: &Inbox) {
            if self.is_grid {
                inbox.put_grid(self.message(grid(self.ms).content));
            } else {
                inbox.put_update(self.message(update(self.ms).content));
            }
        }
    }

    /// What the world thread makes of batches, for a grid of one cell.
    #[derive(Default)]
    struct World {
        history: History,
        cell: Option<i8>,
    }

    impl World {
        fn step(&mut self, mut batch: Batch) {
            for update in batch.take_before_grid() {
                self.history.remember(update, 1);
            }
            if let Some(grid) = batch.grid {
                self.cell = Some(grid.content.data()[0]);
                for update in self.history.rebase(grid.published, None).0 {
                    self.update(update);
                }
            }
            for update in batch.updates {
                self.update(update);
            }
        }

        fn update(&mut self, update: Message<GridUpdate>) {
            self.cell = self.cell.map(|_| update.content.data[0]);
            self.history.remember(update, 1);
        }
    }

    /// What the cell is when the world thread takes each message alone, and when it does where `takes` says so.
    fn cells(told: &[Told], takes: &[bool]) -> [Option<i8>; 2] {
        [true, false].map(|always| {
            let (inbox, mut world) = (Inbox::new(Arc::default()), World::default());
            for (told, takes) in told.iter().zip(takes) {
                told.put_into(&inbox);
                if always || *takes {
                    world.step(inbox.take(Duration::ZERO));
                }
            }
            world.step(inbox.take(Duration::ZERO));
            world.cell
        })
    }

    proptest! {
        /// Grids and updates of one cell, published one after the other, arrive in any order: those of each topic keep
        /// their order among themselves. In the end the cell has the value that was published last.
        #[test]
        fn the_last_value_that_was_published_holds_in_whatever_order_the_topics_arrive(
            is_grid in prop::collection::vec(any::<bool>(), 1..30),
            picks in prop::collection::vec(any::<bool>(), 30),
            takes in prop::collection::vec(any::<bool>(), 30),
        ) {
            prop_assume!(is_grid.contains(&true));
            let all = is_grid.iter().enumerate().map(|(at, is_grid)| Told { host: 1, ms: at as u64 + 1, is_grid: *is_grid });
            let (grids, updates): (Vec<_>, Vec<_>) = all.partition(|told| told.is_grid);
            let (mut grids, mut updates) = (grids.into_iter().peekable(), updates.into_iter().peekable());
            let mut told = Vec::new();
            for takes_grid in picks.into_iter().take(is_grid.len()) {
                let first = if takes_grid { grids.next() } else { None };
                told.extend(first.or_else(|| updates.next()).or_else(|| grids.next()));
            }
            for cell in cells(&told, &takes) {
                prop_assert_eq!(cell, Some(is_grid.len() as i8));
            }
        }

        /// Whatever comes from several hosts: how much of it the world thread takes at once makes no difference.
        #[test]
        fn it_makes_no_difference_how_much_is_taken_at_once(
            told in prop::collection::vec((1..4u32, 1..100u64, any::<bool>()), 1..60),
            takes in prop::collection::vec(any::<bool>(), 60),
        ) {
            let told: Vec<_> = told.into_iter().map(|(host, ms, is_grid)| Told { host, ms, is_grid }).collect();
            let [alone, together] = cells(&told, &takes);
            prop_assert_eq!(alone, together);
        }
    }
}
