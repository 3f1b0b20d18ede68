//! The world thread: owns the grid as it came in, computes the costs, and sends whole grids and changed rectangles to
//! the threads that plan on copies of their own. What the planner thread has replaced is freed here.
//!
//! Its work is bounded: whatever has come since it last looked is one computation of costs, which a newer grid
//! interrupts, though never twice in a row, and the end at any time. Costs with other parameters are made in the
//! [workshop](crate::threads::workshop) while these are kept up to date.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Sender;
use trm_config::{Config, Needs};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::error::GridError;
use trm_grid::occupancy::OccupancyGrid;
use trm_planner::halt::deadline::Clock;
use trm_rt::ring;

use crate::heartbeats::Part;
use crate::log::Level;
use crate::map::held::{Held, HeldWriter};
use crate::map::history::History;
use crate::map::inbox::{Batch, Inbox, Look};
use crate::map::message::{GridUpdate, Message, Published};
use crate::map::suspicion::Suspect;
use crate::messages::{GuidanceEvent, PlannerEvent};
use crate::plan_log::Content;
use crate::shared::{GRID, Shared};
use crate::threads::garbage::GarbageReceiver;
use crate::threads::guidance::settings;
use crate::threads::workshop::Orders;

/// How often the planner thread's garbage is freed while no event comes.
const FREE_PERIOD: Duration = Duration::from_millis(250);
/// How often a full ring to the planner thread is tried again.
const RETRY_PERIOD: Duration = Duration::from_millis(1);

/// Where the world thread's results go.
pub struct Outlets {
    /// Changed costs and parameters, to the planner thread.
    pub planner: ring::Sender<PlannerEvent>,
    /// Changed costs and settings, to the guidance thread.
    pub guidance: Sender<GuidanceEvent>,
    /// What the costs hold, to the planner thread.
    pub held: HeldWriter,
    /// Planners with other parameters are made there.
    pub workshop: Arc<Orders>,
}

/// The world thread's state.
pub struct WorldThread {
    shared: Arc<Shared>,
    config: Box<Config>,
    inbox: Arc<Inbox>,
    builder: CostmapBuilder,
    history: History,
    outlets: Outlets,
    garbage: GarbageReceiver,
    /// What the costs hold once they are computed.
    held: Held,
    /// When the message arrived that the costs to be computed are due to.
    arrived: Option<Duration>,
    /// The number of the whole grid that the costs hold once they are computed and didn't before, and when it was
    /// published.
    whole: Option<(u64, Option<Published>)>,
    /// When the whole grid was published that has come once more, and is or was in the costs.
    again: Option<Published>,
    /// The last computation was interrupted. This one is finished.
    was_interrupted: bool,
    /// The workshop makes costs with other parameters.
    is_rebuilding: bool,
    /// Who waits to look at the costs.
    looks: Vec<Look>,
}

impl WorldThread {
    /// The thread before any grid has come.
    #[must_use]
    pub fn new(
        shared: Arc<Shared>,
        config: Config,
        inbox: Arc<Inbox>,
        outlets: Outlets,
        garbage: GarbageReceiver,
    ) -> Self {
        let builder = CostmapBuilder::new(&config.grid, config.node.grid_source);
        Self {
            shared,
            config: Box::new(config),
            inbox,
            builder,
            history: History::default(),
            outlets,
            garbage,
            held: Held::default(),
            arrived: None,
            whole: None,
            again: None,
            was_interrupted: false,
            is_rebuilding: false,
            looks: Vec::new(),
        }
    }

    /// Runs until the [inbox](Inbox::stop) says stop.
    pub fn run(mut self) {
        let inbox = Arc::clone(&self.inbox);
        while self.step(inbox.take(FREE_PERIOD)) {}
    }

    /// Works off what has come. `false` when it is time to stop.
    pub fn step(&mut self, mut batch: Batch) -> bool {
        self.shared.beat(Part::World);
        self.garbage.free_all();
        if batch.stop {
            return false;
        }
        if batch.superseded > 0 {
            self.shared.health().grid.lose(batch.superseded);
        }
        if let Some(config) = batch.config.take() {
            self.configure(config);
        }
        if self.shared.planners_wanted.swap(false, Ordering::Relaxed) {
            self.outlets.workshop.planners(self.config.clone());
        }
        if self.history.holds(batch.again) {
            self.again = batch.again;
        }
        for update in batch.take_before_grid() {
            self.remember(update);
        }
        if let Some(grid) = batch.grid {
            self.take_grid(grid);
        }
        for update in batch.updates {
            self.take_update(update);
        }
        if let Some(rebuilt) = batch.rebuilt {
            self.is_rebuilding = false;
            self.builder.adopt(*rebuilt);
        }
        self.held = batch.held;
        self.looks.extend(batch.looks);
        self.refresh();
        self.rebuild();
        self.show();
        true
    }

    /// Takes a whole grid over, and the updates that were published after it.
    fn take_grid(&mut self, grid: Message<OccupancyGrid>) {
        let geometry = *grid.content.geometry();
        self.good();
        if self.builder.costmap().is_none_or(|old| *old.geometry() != geometry) {
            let (width, height) = (geometry.width(), geometry.height());
            let text = format!("grid of {width} x {height} cells of {} m", geometry.resolution());
            self.shared.log.limited("size of the grid", Level::Info, &text, self.shared.clock.now());
            // All of its costs are due anyway.
            self.builder.configure(&self.config.grid);
        }
        *self.shared.grid() = Some(geometry);
        self.builder.take_grid(grid.content);
        self.arrived.get_or_insert(grid.arrived);
        let lost = self.shared.ledger.suspicion.lost_after(grid.published);
        let (newer, lacked) = self.history.rebase(grid.published, lost);
        for update in newer {
            self.take_update(update);
        }
        if lacked.is_some() {
            self.suspect(Suspect::Late, lacked, grid.number);
        } else {
            self.whole = Some((grid.number, grid.published));
        }
    }

    fn take_update(&mut self, update: Message<GridUpdate>) {
        match self.builder.take_update(update.content.rect, &update.content.data) {
            Ok(()) => {
                self.good();
                self.arrived.get_or_insert(update.arrived);
            }
            Err(error) => self.refuse(&error),
        }
        // Also one that doesn't fit: it may be of a whole grid that is under way.
        self.remember(update);
    }

    fn remember(&mut self, update: Message<GridUpdate>) {
        let cells = self.builder.costmap().map_or(0, |costmap| costmap.geometry().cells());
        self.history.remember(update, cells);
    }

    fn good(&self) {
        let now = self.shared.clock.now();
        self.shared.health().grid.good(now);
    }

    fn suspect(&self, why: Suspect, published: Option<Published>, number: u64) {
        if self.shared.ledger.suspicion.raise(why, published, number) {
            self.shared.log.warn(why.text());
        }
    }

    fn refuse(&self, error: &GridError) {
        self.shared.refuse(GRID, &error.to_string());
    }

    /// Computes the costs that are due, sends what has changed, and tells what they hold.
    fn refresh(&mut self) {
        let (shared, inbox, may_stop) = (&self.shared, &self.inbox, !self.was_interrupted);
        let mut go_on = || {
            shared.beat(Part::World);
            !(inbox.must_stop() || may_stop && inbox.is_newer())
        };
        let Ok(change) = self.builder.refresh(&mut go_on) else {
            self.was_interrupted = true;
            return;
        };
        self.was_interrupted = false;
        let arrived = self.arrived.take().unwrap_or_else(|| self.shared.clock.now());
        if let Some(change) = change {
            self.shared.plan_log.put(|| Content::Costs(change.clone()));
            self.send_to_guidance(GuidanceEvent::Grid(change.clone()));
            self.send_to_planner(PlannerEvent::Grid { change, arrived });
        }
        // After the change: whoever reads it and then takes all events has the costs.
        self.outlets.held.write(self.held);
        let suspicion = &self.shared.ledger.suspicion;
        let is_whole = self.whole.take().is_some_and(|(number, published)| suspicion.whole_grid(number, published));
        let is_same = suspicion.same_grid(self.again.take());
        if is_whole || is_same || suspicion.held(self.held.messages) {
            self.shared.log.info("the costs hold all that was published of the grid");
        }
    }

    fn send_to_guidance(&self, event: GuidanceEvent) {
        // Fails only while the node is stopping.
        let _ = self.outlets.guidance.send(event);
    }

    /// Sends an event, once there is room for it. The planner thread takes events while there is room for its garbage,
    /// which is freed here meanwhile.
    fn send_to_planner(&mut self, event: PlannerEvent) {
        let mut event = Some(event);
        while let Some(unsent) = event.take() {
            self.garbage.free_all();
            self.shared.beat(Part::World);
            event = self.outlets.planner.try_send(unsent).err();
            if event.is_some() {
                if self.inbox.must_stop() || self.outlets.planner.is_closed() {
                    return;
                }
                std::thread::sleep(RETRY_PERIOD);
            }
        }
    }

    fn configure(&mut self, config: Box<Config>) {
        let old = std::mem::replace(&mut self.config, config);
        if old.differs(&self.config, Needs::Planner) {
            self.outlets.workshop.planners(self.config.clone());
        }
        self.send_to_planner(PlannerEvent::Config(Box::new(self.config.of_planner(0))));
        let settings = (settings(&old.of_planner(0)), settings(&self.config.of_planner(0)));
        if settings.0 != settings.1 {
            self.send_to_guidance(GuidanceEvent::Settings(settings.1));
        }
        if self.builder.costmap().is_none() {
            self.builder.configure(&self.config.grid);
        }
    }

    /// Shows the costs to who waits for that, once they hold all that has come.
    fn show(&mut self) {
        if !self.was_interrupted {
            self.looks.drain(..).for_each(|look| look(self.builder.costmap()));
        }
    }

    /// Has costs made with the present parameters, if they are other ones than those of the costs. Meanwhile these are
    /// kept up to date: a message is in the costs at once, however long it takes to compute all of them.
    fn rebuild(&mut self) {
        if !self.is_rebuilding && self.builder.costmap().is_some() && *self.builder.config() != self.config.grid {
            let rebuilder = self.builder.rebuilder(&self.config.grid);
            self.outlets.workshop.costs(Box::new(rebuilder));
            self.is_rebuilding = true;
        }
    }

    /// Whether the costs hold all that was taken, parameters too: nothing was interrupted, or is being made.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        !self.was_interrupted && !self.is_rebuilding && *self.builder.config() == self.config.grid
    }

    /// The present costs; `None` before the first grid.
    #[must_use]
    pub fn costmap(&self) -> Option<&Costmap> {
        self.builder.costmap()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;

    use crossbeam_channel::{Receiver, unbounded};
    use trm_grid::geometry::{Geometry, Rect};
    use trm_grid::units::{Cell, Pose};
    use trm_net::bundle::Bundle;
    use trm_net::error::LoadError;
    use trm_planner::Planner;

    use super::*;
    use crate::map::held::{self, HeldReader};
    use crate::shared;
    use crate::threads::garbage;
    use crate::threads::workshop::Workshop;

    const PATIENCE: Duration = Duration::from_secs(50);

    type Maker = Box<dyn FnMut(&Config) -> Result<Planner, LoadError>>;

    /// A world thread, what is around it, and a copy of the costs.
    struct Bench {
        thread: WorldThread,
        inbox: Arc<Inbox>,
        planner: ring::Receiver<PlannerEvent>,
        guidance: Receiver<GuidanceEvent>,
        garbage: garbage::GarbageSender,
        held: HeldReader,
        workshop: Workshop<Maker>,
        copy: Option<Box<Costmap>>,
    }

    fn bench() -> Bench {
        let config = Config::with(|config| (config.grid.robot_radius, config.grid.inflation_radius) = (0.0, 0.0));
        let (shared, _) = shared::for_tests(&config.node);
        let inbox = Arc::new(Inbox::new(Arc::clone(&shared.ledger)));
        let (to_planner, planner) = ring::channel(8);
        let (to_guidance, guidance) = unbounded();
        let (garbage, garbage_inbox) = garbage::channel(8);
        let (writer, held) = held::channel();
        let (shared, to_planner, orders) = (Arc::new(shared), to_planner.shared(), Arc::<Orders>::default());
        let bundle = Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32")).unwrap();
        let workshop = Workshop {
            orders: Arc::clone(&orders),
            shared: Arc::clone(&shared),
            make: Box::new(move |config: &Config| {
                Planner::new(&config.grid, &config.planner, &bundle, &std::time::Instant::now())
            }) as Maker,
            planner: to_planner.clone(),
            inbox: Arc::clone(&inbox),
        };
        let outlets = Outlets { planner: to_planner, guidance: to_guidance, held: writer, workshop: orders };
        let thread = WorldThread::new(shared, config, Arc::clone(&inbox), outlets, garbage_inbox);
        Bench { thread, inbox, planner, guidance, garbage, held, workshop, copy: None }
    }

    fn message<T>(content: T, ms: u64) -> Message<T> {
        let at = Duration::from_millis(ms);
        Message { content, number: 0, arrived: at, published: Some(Published { host: 1, era: 0, at }), stamp: at }
    }

    impl Bench {
        fn grid(&self, ms: u64, side: u32) {
            let geometry = Geometry::new(side, side, 0.1, Pose::default()).unwrap();
            let grid = OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap();
            self.inbox.put_grid(message(grid, ms));
        }

        /// One cell of row 0.
        fn update(&self, ms: u64, col: i32, value: i8) {
            let rect = Rect { col, row: 0, width: 1, height: 1 };
            self.inbox.put_update(message(GridUpdate { rect, data: vec![value] }, ms));
        }

        fn configure(&self, change: impl FnOnce(&mut Config)) {
            self.inbox.put_config(Box::new(Config::with(change)));
        }

        /// Works off what has come, and applies it to the copy. How many events there were for planner and guidance.
        fn work(&mut self) -> (usize, usize) {
            assert!(self.thread.step(self.inbox.take(Duration::ZERO)));
            let mut events = 0;
            while let Some(event) = self.planner.take() {
                events += 1;
                if let PlannerEvent::Grid { change, .. } = event {
                    drop(change.apply(&mut self.copy));
                }
            }
            if let (Some(copy), Some(costmap)) = (&self.copy, self.thread.costmap()) {
                assert!(**copy == *costmap, "planned on are the costs that were computed");
            }
            (events, self.guidance.try_iter().count())
        }

        fn cost(&self, col: i32) -> Option<u8> {
            self.copy.as_ref()?.cost(Cell::new(col, 0))
        }
    }

    #[test]
    fn planners_that_are_wanted_are_made_anew_and_what_they_run_on_is_told() {
        let mut bench = bench();
        bench.thread.shared.backend_lost.store(true, Ordering::Relaxed);
        assert_eq!(bench.work(), (0, 0));
        assert!(bench.thread.shared.backend().is_empty());
        bench.thread.shared.planners_wanted.store(true, Ordering::Relaxed);
        assert_eq!(bench.work(), (0, 0));
        bench.workshop.step(Duration::ZERO);
        assert!(matches!(bench.planner.take(), Some(PlannerEvent::Planners(_))));
        assert!(!bench.thread.shared.backend_lost.load(Ordering::Relaxed));
        assert!(bench.thread.shared.backend().starts_with("cpu ("), "{}", bench.thread.shared.backend());
        bench.workshop.step(Duration::ZERO);
        assert!(bench.planner.take().is_none(), "once");
    }

    #[test]
    fn a_grid_and_what_parameters_change_in_it_goes_to_planner_and_guidance() {
        let mut bench = bench();
        bench.grid(3, 8);
        assert_eq!(bench.work(), (1, 1));
        assert_eq!(*bench.held.read(), Held { messages: 1, stamp: Duration::from_millis(3) });
        bench.update(4, 3, 100);
        assert_eq!(bench.work(), (1, 1));
        bench.configure(|config| config.grid.robot_radius = 0.3);
        assert_eq!(bench.work(), (1, 0), "parameters; costs are being made");
        bench.update(5, 1, 100);
        assert_eq!(bench.work(), (1, 1), "in the present costs at once");
        assert_eq!((bench.cost(1), bench.cost(6)), (Some(100), Some(0)));
        bench.workshop.step(Duration::ZERO);
        assert_eq!(bench.work(), (1, 1), "all costs");
        assert!([0, 4, 6].into_iter().all(|col| bench.cost(col).is_some_and(|cost| cost >= 99)));
        bench.configure(|config| (config.grid.robot_radius, config.planner.tolerance) = (0.3, 0.1));
        assert_eq!(bench.work(), (1, 1), "settings for guidance");
        bench.workshop.step(Duration::ZERO);
        assert!(matches!(bench.planner.take(), Some(PlannerEvent::Planners(_))));
        bench.configure(|config| {
            (config.grid.robot_radius, config.planner.tolerance) = (0.3, 0.1);
            config.node.planner_frequency = 5.0;
        });
        assert_eq!(bench.work(), (1, 0), "a new frequency doesn't concern guidance");
        bench.grid(6, 8);
        bench.update(7, 3, 100);
        bench.update(8, 1, 100);
        assert_eq!(bench.work(), (0, 0), "nothing has changed");
        assert_eq!(bench.held.read().messages, 6);
    }

    #[test]
    fn a_burst_is_one_change_and_its_last_word_holds() {
        let mut bench = bench();
        bench.grid(1, 8);
        bench.work();
        for i in 0..1000 {
            bench.update(2 + i, (i % 8) as i32, if i % 3 == 0 { 100 } else { 0 });
            bench.configure(|config| (config.grid.robot_radius, config.grid.inflation_radius) = (0.0, 0.0));
        }
        assert_eq!(bench.work(), (2, 1));
        let last = |col: u64| (0..1000).filter(|i| i % 8 == col).max().unwrap();
        for col in 0..8 {
            assert_eq!(bench.cost(col as i32), Some(if last(col) % 3 == 0 { 100 } else { 0 }));
        }
    }

    #[test]
    fn an_update_that_overtakes_its_grid_holds_and_one_that_comes_after_a_newer_grid_is_dropped() {
        let mut bench = bench();
        bench.update(20, 2, 100);
        assert_eq!(bench.work(), (0, 0), "there is no grid yet");
        bench.grid(10, 8);
        bench.work();
        assert_eq!(bench.cost(2), Some(100), "the first grid was under way");
        bench.update(40, 3, 100);
        bench.work();
        bench.grid(30, 8);
        bench.work();
        assert_eq!((bench.cost(2), bench.cost(3)), (Some(0), Some(100)));
        bench.update(25, 4, 100);
        bench.work();
        assert_eq!(bench.cost(4), Some(0), "the grid of 30 ms knew better");
        assert_eq!(bench.held.read().messages, 5);
    }

    #[test]
    fn only_a_whole_grid_of_after_the_loss_ends_the_suspicion() {
        let mut bench = bench();
        bench.grid(10, 8);
        bench.work();
        let after = Some(Published { host: 1, era: 0, at: Duration::from_millis(20) });
        bench.inbox.ledger.suspicion.raise(Suspect::Lost, after, 1);
        bench.update(30, 1, 100);
        bench.grid(15, 8);
        bench.work();
        assert_eq!(bench.inbox.ledger.suspicion.get(), Some(Suspect::Lost));
        bench.grid(40, 8);
        bench.work();
        assert_eq!(bench.inbox.ledger.suspicion.get(), None);
    }

    #[test]
    fn a_newer_grid_interrupts_once_and_the_end_always() {
        let mut bench = bench();
        bench.grid(1, 400);
        let batch = bench.inbox.take(Duration::ZERO);
        bench.grid(2, 400);
        assert!(bench.thread.step(batch));
        assert_eq!(bench.held.read().messages, 0, "interrupted");
        let batch = bench.inbox.take(Duration::ZERO);
        bench.grid(3, 400);
        assert!(bench.thread.step(batch));
        assert_eq!(bench.held.read().messages, 2, "finished");
        bench.inbox.stop();
        let batch = bench.inbox.take(Duration::ZERO);
        assert!(!bench.thread.step(batch));
    }

    #[test]
    fn costs_that_were_made_for_a_grid_of_another_size_are_made_anew() {
        let mut bench = bench();
        bench.grid(1, 8);
        bench.work();
        bench.configure(|config| config.grid.robot_radius = 0.3);
        bench.work();
        bench.grid(2, 9);
        bench.update(3, 3, 100);
        bench.work();
        assert!(bench.cost(5).is_some_and(|cost| cost >= 99), "a new grid has the new parameters");
        bench.configure(|config| (config.grid.robot_radius, config.grid.inflation_radius) = (0.0, 0.0));
        bench.workshop.step(Duration::ZERO);
        bench.work();
        bench.workshop.step(Duration::ZERO);
        bench.work();
        assert_eq!((bench.cost(3), bench.cost(5)), (Some(100), Some(0)));
    }

    #[test]
    fn garbage_is_freed_while_nothing_else_happens() {
        let Bench { thread, inbox, mut garbage, .. } = bench();
        let running = thread::spawn(move || thread.run());
        for _ in 0..3 {
            assert!(garbage::tests::fill(&mut garbage) > 0);
            let end = std::time::Instant::now() + PATIENCE;
            while !garbage.has_room() && std::time::Instant::now() < end {
                thread::yield_now();
            }
            assert!(garbage.has_room());
        }
        inbox.stop();
        running.join().unwrap();
    }
}
