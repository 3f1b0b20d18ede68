//! The node's guidance worker on a thread of its own, beside the plans that its guidance over headings may end and lead.

use std::sync::Arc;
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

/// A worker for one map, and what crosses to it and back. It ends when this is dropped.
pub struct GuidanceBeside {
    events: Sender<Event>,
    epochs: Arc<Epochs>,
    delivered: Receiver<Box<Guided>>,
}

/// Guidance to a goal: what there is so far.
pub struct Aim {
    guided: Option<Box<Guided>>,
    /// The goal's epoch.
    epoch: u64,
}

impl Aim {
    /// What there is so far.
    #[must_use]
    pub fn guided(&self) -> Option<&Guided> {
        self.guided.as_deref()
    }
}

impl GuidanceBeside {
    /// A worker for a map.
    #[must_use]
    pub fn new(costmap: &Costmap, settings: Settings) -> Self {
        let (events, inbox) = unbounded();
        let (outbox, delivered) = unbounded();
        let epochs = Arc::<Epochs>::default();
        let worker = GuidanceWorker::new(Instant::now(), settings, Arc::clone(&epochs), move |guided| {
            drop(outbox.send(guided));
        });
        std::thread::spawn(move || worker.run(&inbox, &|| {}));
        let beside = Self { events, epochs, delivered };
        beside.send(Event::Grid(GridChange::Whole(Box::new(costmap.clone()))));
        beside
    }

    fn send(&self, event: Event) {
        // The worker ends after this does.
        drop(self.events.send(event));
    }

    /// Guidance over cells to a goal where a robot can be; that over headings is computed from now on.
    pub fn to(&self, start: Pose, goal: Pose) -> Aim {
        let epoch = self.epochs.begin();
        // What is still under way is for another goal.
        self.delivered.try_iter().for_each(drop);
        self.send(Event::Goal(goal, epoch, Some(start)));
        let is_for_it = |guided: &Guided| guided.purpose == Purpose::Goal(epoch);
        let guided = self.delivered.iter().find(|guided| is_for_it(guided) && guided.version.is_some());
        Aim { guided, epoch }
    }

    /// Plans as the node does: a search that newer guidance ends goes on with that, before the same deadline.
    ///
    /// # Errors
    /// Why there is no path.
    pub fn plan(
        &self,
        planner: &mut Planner,
        (costmap, aim): (&Costmap, &mut Aim),
        request: &Request,
        clock: &dyn Clock,
        watch: &mut Watch,
    ) -> (Result<(Vec<Pose>, f64), PlanError>, Report) {
        loop {
            let known = self.take(aim);
            let epoch = Epoch::new(&self.epochs, aim.epoch).until_newer(known);
            let request = Request { epoch: Some(epoch), ..*request };
            let outcome = planner.plan_watched(costmap, aim.guided(), &request, clock, watch);
            if outcome.path.err() != Some(PlanError::Cancelled) {
                return (outcome.path.map(|path| (path.poses().to_vec(), path.length())), outcome.report);
            }
        }
    }

    /// Takes the guidance that has been delivered; the number of the newest over headings.
    fn take(&self, aim: &mut Aim) -> u64 {
        let known = self.epochs.told();
        for newer in self.delivered.try_iter() {
            Guided::replace(&mut aim.guided, &mut Some(newer));
        }
        known
    }
}
