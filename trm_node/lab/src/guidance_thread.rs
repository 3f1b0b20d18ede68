//! The planner's guidance worker on a thread, as in the node.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::Pose;
use trm_planner::ask::Settings;
use trm_planner::epoch::{Epoch, Epochs};
use trm_planner::guidance_worker::{Event, GuidanceWorker};
use trm_planner::guided::{Guided, Purpose};
use trm_planner::halt::deadline::Clock;
use trm_planner::watch::Watch;
use trm_planner::{PlanError, Planner, Report, Request};

/// A running guidance worker. The thread ends when this is dropped.
pub struct GuidanceThread {
    events: Sender<Event>,
    delivered: Receiver<Box<Guided>>,
    epochs: Arc<Epochs>,
    /// The epoch of the present goal.
    epoch: u64,
    thread: Option<JoinHandle<()>>,
}

impl GuidanceThread {
    /// Starts a worker with its own copy of the costs.
    #[must_use]
    pub fn start(costmap: Costmap, settings: Settings, clock: Instant) -> Self {
        let (events, inbox) = unbounded();
        let (outbox, delivered) = unbounded();
        let epochs = Arc::<Epochs>::default();
        // The receiver is gone only when nobody needs guidance any more.
        let deliver = move |guided| drop(outbox.send(guided));
        let worker = GuidanceWorker::new(clock, settings, Arc::clone(&epochs), deliver);
        let thread = std::thread::spawn(move || worker.run(&inbox, &|| {}));
        let started = Self { events, delivered, epochs, epoch: 0, thread: Some(thread) };
        started.send(Event::Grid(GridChange::Whole(Box::new(costmap))));
        started
    }

    fn send(&self, event: Event) {
        // Fails only after a panic of the thread, when there is no guidance any more and the figures show it.
        drop(self.events.send(event));
    }

    /// Asks for guidance to another goal, for a robot that is here.
    pub fn set_goal(&mut self, goal: Pose, robot: Pose) {
        self.epoch = self.epochs.begin();
        self.send(Event::Goal(goal, self.epoch, Some(robot)));
    }

    /// Passes on a change of the costs.
    pub fn change(&self, change: GridChange) {
        self.send(Event::Grid(change));
    }

    /// Has old guidance freed on the worker's thread.
    pub fn discard(&self, old: Box<Guided>) {
        self.send(Event::Discard(old));
    }

    /// Waits for guidance over all cells to the present goal, at which a robot can be. That over headings is computed from then on.
    #[must_use]
    pub fn over_cells(&self) -> Option<Box<Guided>> {
        let is_it = |guided: &Guided| guided.purpose == Purpose::Goal(self.epoch) && guided.version.is_some();
        self.delivered.iter().find(|guided| is_it(guided))
    }

    /// Plans to the present goal as the node does: a search that newer guidance ends goes on with that, before the same deadline.
    ///
    /// # Errors
    /// Why there is no path.
    pub fn plan(
        &self,
        planner: &mut Planner,
        (costmap, guided): (&Costmap, &mut Option<Box<Guided>>),
        request: &Request,
        clock: &dyn Clock,
        watch: &mut Watch,
    ) -> (Result<(Vec<Pose>, f64), PlanError>, Report) {
        loop {
            let known = self.epochs.told();
            self.refresh(guided);
            let epoch = Epoch::new(&self.epochs, self.epoch).until_newer(known);
            let request = Request { epoch: Some(epoch), ..*request };
            let outcome = planner.plan_watched(costmap, guided.as_deref(), &request, clock, watch);
            if outcome.path.err() != Some(PlanError::Cancelled) {
                return (outcome.path.map(|path| (path.poses().to_vec(), path.length())), outcome.report);
            }
        }
    }

    /// Puts the guidance to the present goal that has come since the last call in the place of older one.
    pub fn refresh(&self, guided: &mut Option<Box<Guided>>) {
        for newer in self.delivered.try_iter() {
            let is_for_goal = newer.purpose == Purpose::Goal(self.epoch);
            let mut outdated = Some(newer);
            if is_for_goal {
                Guided::replace(guided, &mut outdated);
            }
            if let Some(outdated) = outdated {
                self.discard(outdated);
            }
        }
    }
}

impl Drop for GuidanceThread {
    fn drop(&mut self) {
        self.send(Event::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed when it happened.
            drop(thread.join());
        }
    }
}
