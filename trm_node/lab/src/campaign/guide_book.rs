//! Guidance for a game, as the node's worker computes it: kept up while the costs change, near the robot first, and over
//! headings for robots with a footprint.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::Pose;
use trm_planner::ask::Settings;
use trm_planner::epoch::Epochs;
use trm_planner::guidance_worker::{Event, GuidanceWorker, Guided};
use trm_planner::halt::deadline::Clock;

type Deliver = Box<dyn FnMut(Box<Guided>)>;

/// The worker, on the game's thread, and the guidance that it has told of last.
pub struct GuideBook<C> {
    worker: GuidanceWorker<C, Deliver>,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    epochs: Arc<Epochs>,
    delivered: Receiver<Box<Guided>>,
    newest: Option<Box<Guided>>,
}

impl<C: Clock> GuideBook<C> {
    /// A worker without a grid.
    pub fn new(clock: C, settings: Settings) -> Self {
        let (events, inbox) = unbounded();
        let epochs = Arc::<Epochs>::default();
        let (outbox, delivered) = unbounded();
        let deliver: Deliver = Box::new(move |guided| drop(outbox.send(guided)));
        let worker = GuidanceWorker::new(clock, settings, Arc::clone(&epochs), deliver);
        Self { worker, events, inbox, epochs, delivered, newest: None }
    }

    /// Tells the worker of a change of the costs.
    pub fn change(&self, change: GridChange) {
        self.send(Event::Grid(change));
    }

    fn send(&self, event: Event) {
        // The other end is here, too.
        drop(self.events.send(event));
    }

    /// What there is.
    pub fn newest(&self) -> Option<&Guided> {
        self.newest.as_deref()
    }

    /// Has guidance computed. Takes all that is told of, or only what is told of first.
    pub fn guide(&mut self, costmap: &Costmap, start: Pose, goal: Pose, takes_all: bool) {
        let epoch = self.epochs.begin();
        let cell = costmap.geometry().cell_at(start.point());
        let known = self.newest.iter().flat_map(|guided| &guided.guidance).filter(|group| group.fits(costmap));
        if let Some(to_go) = cell.and_then(|cell| known.map(|group| group.cost_to_go(cell)).reduce(f32::min)) {
            self.epochs.note_to_go(to_go);
        }
        self.send(Event::Goal(goal, epoch, Some(start)));
        self.worker.step(&self.inbox);
        self.newest = None;
        for (number, guided) in self.delivered.try_iter().enumerate() {
            if takes_all || number == 0 {
                Guided::replace(&mut self.newest, &mut Some(guided));
            }
        }
    }
}
