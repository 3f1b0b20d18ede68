//! What the node's guidance worker computes for a goal, and what that takes.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::units::Pose;
use trm_planner::ask::Settings;
use trm_planner::epoch::Epochs;
use trm_planner::guidance_worker::{Event, GuidanceWorker, Guided};

use crate::cpu_clock::CpuClock;

type Deliver = Box<dyn FnMut(Box<Guided>) + Send>;

/// The worker, on this thread, for one map.
pub struct PoseGuidanceWorker {
    worker: GuidanceWorker<CpuClock, Deliver>,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    epochs: Arc<Epochs>,
    delivered: Receiver<Box<Guided>>,
}

/// Milliseconds of CPU since the goal came, that for guidance over cells not counted.
#[derive(Debug, Clone, Copy)]
pub struct PoseGuidanceTimes {
    /// Until the states around the robot are known, or all if there is no way from it.
    pub first: f64,
    /// Until all are.
    pub whole: f64,
    /// Megabytes of all.
    pub megabytes: f64,
}

impl PoseGuidanceWorker {
    /// A worker for a map.
    pub fn new(costmap: &Costmap, settings: Settings) -> Self {
        let (events, inbox) = unbounded();
        let epochs = Arc::<Epochs>::default();
        let (outbox, delivered) = unbounded();
        let deliver: Deliver = Box::new(move |guided| drop(outbox.send(guided)));
        let worker = GuidanceWorker::new(CpuClock, settings, Arc::clone(&epochs), deliver);
        let worker = Self { worker, events, inbox, epochs, delivered };
        worker.send(Event::Grid(GridChange::Whole(Box::new(costmap.clone()))));
        worker
    }

    fn send(&self, event: Event) {
        // The other end is here, too.
        drop(self.events.send(event));
    }

    /// All guidance to a goal for a robot at a pose; none where the robot can't stand at the goal.
    pub fn guide(&mut self, start: Pose, goal: Pose) -> Option<(Box<Guided>, PoseGuidanceTimes)> {
        self.send(Event::Goal(goal, self.epochs.begin(), Some(start)));
        self.worker.step(&self.inbox);
        let all: Vec<_> = self.delivered.try_iter().collect();
        let ms = |guided: &Guided| guided.took.as_secs_f64() * 1e3;
        let cells = all.iter().rev().find(|guided| guided.poses.is_none()).map(|guided| ms(guided))?;
        let took = |guided: &Guided| ms(guided) - cells;
        let first = all.iter().find(|guided| guided.poses.is_some()).map(|guided| took(guided))?;
        let last = all.last()?;
        let bytes = last.poses.as_ref().map_or(0, |poses| poses.bytes());
        let times = PoseGuidanceTimes { first, whole: took(last), megabytes: bytes as f64 / 1e6 };
        let mut newest = None;
        for guided in all {
            Guided::replace(&mut newest, &mut Some(guided));
        }
        newest.map(|newest| (newest, times))
    }
}
