//! The node's guidance worker on the thread that asks it.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use trm_grid::costmap::GridChange;
use trm_grid::units::Pose;
use trm_planner::ask::Settings;
use trm_planner::epoch::{Epochs, ToGo};
use trm_planner::guidance_worker::{Event, GuidanceWorker};
use trm_planner::guided::Guided;
use trm_planner::halt::deadline::Clock;

type Deliver = Box<dyn FnMut(Box<Guided>) + Send>;

/// A worker, and what crosses to it and back.
pub struct GuidanceHere<C> {
    worker: GuidanceWorker<C, Deliver>,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    epochs: Arc<Epochs>,
    delivered: Receiver<Box<Guided>>,
}

impl<C: Clock> GuidanceHere<C> {
    /// A worker without a grid.
    pub fn new(clock: C, settings: Settings) -> Self {
        let (events, inbox) = unbounded();
        let epochs = Arc::<Epochs>::default();
        let (outbox, delivered) = unbounded();
        let deliver: Deliver = Box::new(move |guided| drop(outbox.send(guided)));
        let worker = GuidanceWorker::new(clock, settings, Arc::clone(&epochs), deliver);
        Self { worker, events, inbox, epochs, delivered }
    }

    /// Tells the worker of a change of the costs.
    pub fn change(&self, change: GridChange) {
        self.send(Event::Grid(change));
    }

    fn send(&self, event: Event) {
        // The other end is here, too.
        drop(self.events.send(event));
    }

    /// All that the worker tells of for a new goal, in its order. `to_go` is what the way from the robot to it costs, if that
    /// is known.
    pub fn guide(&mut self, start: Pose, goal: Pose, to_go: Option<ToGo>) -> impl Iterator<Item = Box<Guided>> + '_ {
        let epoch = self.epochs.begin();
        if let Some(to_go) = to_go {
            self.epochs.note_to_go(to_go);
        }
        self.send(Event::Goal(goal, epoch, Some(start)));
        self.worker.step(&self.inbox);
        self.delivered.try_iter()
    }
}
