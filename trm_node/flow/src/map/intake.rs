//! Takes messages about the grid in, and knows by the publishers' numbers what is lost of them.

use std::sync::Arc;
use std::time::Duration;

use trm_grid::occupancy::OccupancyGrid;
use trm_planner::halt::deadline::Clock;

use crate::log::Level;
use crate::map::clocks::Clocks;
use crate::map::crowd::Crowd;
use crate::map::inbox::Inbox;
use crate::map::message::{GridUpdate, Message, Published, WholeGrid};
use crate::map::sequence::{Sequence, Sequences};
use crate::map::sightings::{HELD_BACK, Overdue, Sightings};
use crate::map::suspicion::Suspect;
use crate::shared::{GRID, Shared};

/// What the middleware knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Identifies the publisher.
    pub publisher: [u8; 16],
    /// Counts the publisher's messages from 1; `None` when the middleware doesn't.
    pub number: Option<u64>,
    /// When it was published; `None` when the middleware doesn't tell.
    pub published: Option<Published>,
    /// The system's time at which the middleware had it; `None` when that doesn't tell.
    pub received: Option<Duration>,
    /// The system's time as the message is handed over.
    pub taken: Duration,
}

/// The intake of one topic of grids and that of their updates.
pub struct Intake {
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    /// The numbers of whole grids, and those of updates.
    grids: Sequences,
    sequences: Sequences,
    /// What a scout has seen of the updates.
    sightings: Sightings,
    crowd: Crowd,
    clocks: Clocks,
    /// When the newest message was published.
    newest: Option<Published>,
}

impl Intake {
    /// The intake before anything has come.
    #[must_use]
    pub fn new(shared: Arc<Shared>, inbox: Arc<Inbox>) -> Self {
        Self {
            shared,
            inbox,
            grids: Sequences::default(),
            sequences: Sequences::default(),
            sightings: Sightings::default(),
            crowd: Crowd::default(),
            clocks: Clocks::default(),
            newest: None,
        }
    }

    /// A whole grid has come. A gap in the numbers doesn't matter: a grid that was lost is replaced by the next one.
    /// But one that comes again, because it was asked for, is older than what has come since.
    pub fn whole(&mut self, content: WholeGrid, stamp: Duration, origin: Origin) {
        let origin = self.dated(origin);
        let number = origin.number.map(|number| self.grids.take(origin.publisher, number));
        if number == Some(Sequence::Again) {
            return self.inbox.put_again(origin.published);
        }
        self.newest = origin.published;
        // Checked before anything that waits gives way to it.
        match OccupancyGrid::new(content.geometry, content.data) {
            Ok(grid) => {
                self.sightings.forget_before(origin.published);
                self.inbox.put_grid(self.arrived(grid, stamp, origin));
            }
            Err(error) => self.shared.refuse(GRID, &error.to_string()),
        }
    }

    /// An update has come. `None` for one that can't be used, whose number counts all the same.
    pub fn update(&mut self, content: Option<GridUpdate>, stamp: Duration, origin: Origin) {
        let is_crowd = self.is_crowd(&origin);
        let origin = self.dated(origin);
        let number = origin.number.map(|number| self.sequences.take(origin.publisher, number));
        match number {
            Some(Sequence::Gap(count)) => self.lose(count, origin.published),
            // The middleware gives each message once. One that comes again isn't newer.
            Some(Sequence::Again) => return,
            Some(Sequence::Next | Sequence::First(_)) | None => {}
        }
        if is_crowd {
            self.doubt(Suspect::Flooded, origin.taken);
        }
        if let Some(content) = content {
            self.inbox.put_update(self.arrived(content, stamp, origin));
        }
        if number == Some(Sequence::Next) && self.sequences.publishers() == 1 {
            self.shared.ledger.suspicion.update(origin.published, self.shared.ledger.arrived());
        }
        self.newest = origin.published;
    }

    fn is_crowd(&mut self, origin: &Origin) -> bool {
        let times = origin.published.zip(origin.received);
        times.is_some_and(|(published, received)| self.crowd.arrive(origin.publisher, published.at, received))
    }

    /// What was published before this system time may still be under way.
    fn doubt(&self, why: Suspect, system_time: Duration) {
        let now = self.shared.clock.now();
        if self.shared.ledger.suspicion.doubt(why, now, self.by_publisher(system_time), self.shared.ledger.arrived()) {
            self.warn_of(why, now);
        }
    }

    fn warn_of(&self, why: Suspect, now: Duration) {
        self.shared.log.limited(why.text(), Level::Warn, why.text(), now);
    }

    /// A scout has seen an update, which may not have come yet.
    pub fn sight(&mut self, origin: Origin) {
        let Some(number) = origin.number else { return };
        let era = |host| self.newest.filter(|newest| newest.host == host).map_or(0, |newest| newest.era);
        let published = origin.published.map(|published| Published { era: era(published.host), ..published });
        self.sightings.see(origin.publisher, number, published, self.shared.clock.now());
    }

    /// How long it may take until it must be [looked](Self::settle) for what was sighted.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        (!self.sightings.is_empty()).then_some(HELD_BACK)
    }

    /// Makes the grid suspect while something that was sighted hasn't come.
    fn look_for_sighted(&mut self, now: Duration) {
        for Overdue { published, lost } in self.sightings.settle(&self.sequences, now) {
            if self.shared.ledger.suspicion.hold_back(published, self.shared.ledger.arrived()) {
                self.warn_of(Suspect::HeldBack, now);
            }
            if lost > 0 {
                self.lose(lost, published);
            }
        }
        if self.sightings.is_empty() {
            self.shared.ledger.suspicion.complete(self.shared.ledger.arrived());
        }
    }

    fn dated(&mut self, origin: Origin) -> Origin {
        self.clocks.read(origin.taken);
        let date = |published| self.clocks.date(origin.publisher, origin.number, published);
        Origin { published: origin.published.map(date), ..origin }
    }

    fn arrived<T>(&self, content: T, stamp: Duration, origin: Origin) -> Message<T> {
        Message { content, number: 0, arrived: self.shared.clock.now(), published: origin.published, stamp }
    }

    /// Messages were lost that had been published before this.
    fn lose(&self, count: u64, before: Option<Published>) {
        self.shared.health().grid.lose(count);
        let ledger = &self.shared.ledger;
        if ledger.suspicion.raise(Suspect::Lost, before, ledger.arrived()) {
            self.shared.log.warn(&format!("{} ({count})", Suspect::Lost.text()));
        }
    }

    /// The middleware says at this system time that it lost so many updates.
    pub fn lost(&self, count: u64, system_time: Duration) {
        self.lose(count, self.by_publisher(system_time));
    }

    /// A message came that the middleware can't hand over.
    pub fn failed(&self, why: &str, system_time: Duration) {
        self.shared.refuse(GRID, &format!("grid refused: the middleware can't hand it over: {why}"));
        self.lose(1, self.by_publisher(system_time));
    }

    /// Looks after a suspect grid, often. The process stood still before this system time if `stopped`. Returns whether
    /// the grid should be asked for again.
    #[must_use]
    pub fn settle(&mut self, stopped: bool, system_time: Duration) -> bool {
        let now = self.shared.clock.now();
        self.look_for_sighted(now);
        self.clocks.read(system_time);
        let suspicion = &self.shared.ledger.suspicion;
        if stopped && self.shared.ledger.arrived() > 0 {
            self.doubt(Suspect::Stopped, system_time);
        }
        if suspicion.settle(now) {
            self.shared.log.info("nothing was lost of the grid");
        }
        suspicion.get().is_some_and(|why| matches!(why, Suspect::Lost | Suspect::Crowded | Suspect::Late))
    }

    /// This system time as a publisher would tell it, which is taken to run on this host.
    fn by_publisher(&self, system_time: Duration) -> Option<Published> {
        self.newest.map(|newest| Published { at: system_time, ..newest })
    }
}

#[cfg(test)]
mod tests {
    use trm_config::NodeConfig;
    use trm_grid::geometry::{Geometry, Rect};
    use trm_grid::units::Pose;

    use super::*;
    use crate::map::message::is_before;
    use crate::shared;

    fn origin(number: u64, ms: u64) -> Origin {
        let published = Some(Published { host: 1, era: 0, at: Duration::from_millis(ms) });
        Origin { publisher: [1; 16], number: Some(number), published, received: None, taken: Duration::from_millis(ms) }
    }

    #[test]
    fn a_grid_that_comes_again_or_cannot_be_used_takes_no_update_back() {
        let (shared, _) = shared::for_tests(&NodeConfig::default());
        let shared = Arc::new(shared);
        let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
        let mut intake = Intake::new(shared, Arc::clone(&inbox));
        let geometry = Geometry::new(1, 1, 1.0, Pose::default()).unwrap();
        let rect = Rect { col: 0, row: 0, width: 1, height: 1 };
        let hour = 3_600_000;
        intake.whole(WholeGrid { geometry, data: vec![0] }, Duration::ZERO, origin(1, 10));
        let update = Origin { publisher: [2; 16], ..origin(1, hour) };
        intake.update(Some(GridUpdate { rect, data: vec![100] }), Duration::ZERO, update);
        intake.whole(WholeGrid { geometry, data: vec![101] }, Duration::ZERO, origin(2, 2 * hour));
        let again = Origin { taken: Duration::from_millis(2 * hour), ..origin(1, 10) };
        intake.whole(WholeGrid { geometry, data: vec![0] }, Duration::ZERO, again);
        let batch = inbox.take(Duration::ZERO);
        assert_eq!((batch.updates.len(), batch.held.messages, batch.again), (1, 2, origin(1, 10).published));
    }

    #[test]
    fn after_this_hosts_clock_was_set_back_a_new_publishers_grid_and_updates_count() {
        let (shared, _) = shared::for_tests(&NodeConfig::default());
        let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
        let mut intake = Intake::new(Arc::new(shared), Arc::clone(&inbox));
        let geometry = Geometry::new(1, 1, 1.0, Pose::default()).unwrap();
        let hour = 3_600_000;
        let mut published = |publisher: u8, ms: u64| {
            let origin = Origin { publisher: [publisher; 16], ..origin(1, ms) };
            intake.whole(WholeGrid { geometry, data: vec![0] }, Duration::ZERO, origin);
            inbox.take(Duration::ZERO).grid.unwrap().published
        };
        let (before, after) = (published(1, 2 * hour), published(2, hour));
        assert_eq!(is_before(after, before), None, "what came later counts");
        assert_eq!(is_before(after, published(3, hour + 10)), Some(true));
    }

    /// An intake that has taken the first update of one publisher, and what takes an update of this number, which was published
    /// and received at these milliseconds.
    fn updates() -> (Arc<Shared>, impl FnMut(&mut Intake, u64, f64, f64), Intake) {
        let (shared, _) = shared::for_tests(&NodeConfig::default());
        let shared = Arc::new(shared);
        let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
        let mut intake = Intake::new(Arc::clone(&shared), inbox);
        let rect = Rect { col: 0, row: 0, width: 1, height: 1 };
        let update = move |intake: &mut Intake, number, published: f64, received: f64| {
            let [at, received] = [published, received].map(|ms| Duration::from_secs_f64(ms / 1e3));
            let published = Some(Published { host: 1, era: 0, at });
            let origin = Origin { published, received: Some(received), taken: received, ..origin(number, 0) };
            intake.update(Some(GridUpdate { rect, data: vec![0] }), Duration::ZERO, origin);
        };
        update(&mut intake, 1, 1.0, 1.0);
        (shared, update, intake)
    }

    #[test]
    fn a_grid_that_is_refused_makes_up_for_nothing_that_is_held_back() {
        let (shared, _, mut intake) = updates();
        intake.sight(origin(3, 3));
        assert!(!intake.settle(false, Duration::from_millis(4)));
        let geometry = Geometry::new(2, 2, 1.0, Pose::default()).unwrap();
        let at = |number| Duration::from_millis(20 * number);
        let from_grids = |number| Origin { publisher: [9; 16], taken: at(number), ..origin(number, 10 + number) };
        intake.whole(WholeGrid { geometry, data: vec![101; 4] }, Duration::ZERO, from_grids(1));
        assert_eq!(intake.patience(), Some(HELD_BACK));
        std::thread::sleep(HELD_BACK);
        assert!(!intake.settle(false, Duration::from_millis(30)));
        assert_eq!(shared.ledger.suspicion.get(), Some(Suspect::HeldBack));
        intake.whole(WholeGrid { geometry, data: vec![0; 4] }, Duration::ZERO, from_grids(2));
        assert_eq!(intake.patience(), None);
    }

    #[test]
    fn what_is_held_back_makes_the_grid_suspect_until_the_costs_hold_it() {
        let (shared, mut update, mut intake) = updates();
        let suspicion = &shared.ledger.suspicion;
        intake.sight(origin(3, 3));
        assert!(!intake.settle(false, Duration::from_millis(4)) && intake.patience() == Some(HELD_BACK));
        assert_eq!(suspicion.get(), None, "it may come yet");
        std::thread::sleep(HELD_BACK);
        assert!(!intake.settle(false, Duration::from_millis(30)), "a whole grid isn't needed");
        assert_eq!(suspicion.get(), Some(Suspect::HeldBack));
        (2..=3).for_each(|number| update(&mut intake, number, 3.0, 40.0));
        assert!(!intake.settle(false, Duration::from_millis(41)) && intake.patience().is_none());
        assert_eq!(suspicion.get(), Some(Suspect::HeldBack), "it isn't in the costs yet");
        assert!(!suspicion.held(2) && suspicion.held(3));
    }

    #[test]
    fn after_a_crowd_the_grid_is_suspect_until_an_update_follows() {
        let (shared, mut update, mut intake) = updates();
        let suspicion = &shared.ledger.suspicion;
        for number in 2..=900 {
            update(&mut intake, number, 10.0 + number as f64 * 0.02, 10.0 + number as f64 * 0.05);
        }
        assert_eq!(suspicion.get(), Some(Suspect::Flooded));
        assert!(!suspicion.held(900), "the last of it may have been dropped");
        update(&mut intake, 901, 60.0, 60.1);
        assert!(suspicion.held(901), "nothing is missing before it");
    }

    #[test]
    fn a_gap_in_the_numbers_makes_the_grid_suspect_and_what_comes_twice_counts_once() {
        let (shared, _) = shared::for_tests(&NodeConfig::default());
        let shared = Arc::new(shared);
        let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
        let mut intake = Intake::new(Arc::clone(&shared), Arc::clone(&inbox));
        let rect = Rect { col: 0, row: 0, width: 1, height: 1 };
        let mut update = |number, ms| {
            intake.update(Some(GridUpdate { rect, data: vec![0] }), Duration::ZERO, origin(number, ms));
        };
        for number in [7, 8, 8, 9] {
            update(number, number);
        }
        assert_eq!((inbox.backlog(), shared.ledger.suspicion.get()), (3, None));
        update(12, 12);
        assert_eq!(shared.ledger.suspicion.get(), Some(Suspect::Lost));
        assert!(intake.settle(false, Duration::from_millis(13)), "it should be asked for");
        assert!(shared.ledger.suspicion.whole_grid(4, origin(1, 12).published));
        // A message that can't be used has its number, too.
        intake.update(None, Duration::ZERO, origin(13, 13));
        intake.update(None, Duration::ZERO, origin(14, 14));
        assert_eq!(shared.ledger.suspicion.get(), None);
        assert!(!intake.settle(true, Duration::from_millis(20)));
        assert_eq!(shared.ledger.suspicion.get(), Some(Suspect::Stopped));
        intake.update(None, Duration::ZERO, origin(15, 21));
        assert_eq!(shared.ledger.suspicion.get(), Some(Suspect::Stopped), "what came before it isn't in the costs yet");
        assert!(shared.ledger.suspicion.held(4));
        assert_eq!(shared.ledger.suspicion.get(), None);
    }
}
