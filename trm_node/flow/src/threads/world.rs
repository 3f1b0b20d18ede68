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
mod tests;
