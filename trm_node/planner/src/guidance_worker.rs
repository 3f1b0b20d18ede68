//! Guidance, computed beside the planning loop: for each goal, and for each change of the grid while there is one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};

use crate::endpoints::resolve_goal;
use crate::epoch::Epochs;
use crate::halt::deadline::Clock;

/// What the worker is told.
pub enum Event {
    /// The grid has changed.
    Grid(GridChange),
    /// A goal, and the epoch that began with it.
    Goal(Pose, u64),
    /// Other parameters.
    Settings(Settings),
    /// To be freed here, where it costs no planning time.
    Discard(Box<Guided>),
    /// The worker ends. It does so as well when all senders are gone.
    Stop,
}

/// The parameters that guidance depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// What crossing a cell costs.
    pub travel: Travel,
    /// Metres that a goal may be moved to a free cell.
    pub tolerance: f64,
}

/// Guidance, when it was finished and how long it took.
#[derive(Debug)]
pub struct Guided {
    /// The cost-to-go.
    pub guidance: Guidance,
    /// How long it took to compute.
    pub took: Duration,
    /// When that was finished.
    pub done: Duration,
    /// The epoch of its goal.
    pub epoch: u64,
}

/// The worker's state. `deliver` is called with each guidance, on the worker's thread.
pub struct GuidanceWorker<C, D> {
    clock: C,
    settings: Settings,
    epochs: Arc<Epochs>,
    deliver: D,
    costmap: Option<Box<Costmap>>,
    goal: Option<(Pose, u64)>,
    /// The goal's cell, its epoch and the grid's version that the last guidance is for.
    done: Option<(Cell, u64, u64)>,
    /// Not before this time, so that a grid that changes all the time takes half a core at most.
    rest_until: Duration,
    /// Came in while guidance was computed.
    pending: VecDeque<Event>,
}

impl<C: Clock, D: FnMut(Box<Guided>)> GuidanceWorker<C, D> {
    /// A worker without a grid and a goal.
    pub const fn new(clock: C, settings: Settings, epochs: Arc<Epochs>, deliver: D) -> Self {
        Self {
            clock,
            settings,
            epochs,
            deliver,
            costmap: None,
            goal: None,
            done: None,
            rest_until: Duration::ZERO,
            pending: VecDeque::new(),
        }
    }

    /// Runs until [`Event::Stop`].
    pub fn run(mut self, inbox: &Receiver<Event>) {
        while self.take_all(inbox) {
            if self.goal_cell().is_some() && self.clock.now() >= self.rest_until {
                self.compute(inbox);
            }
        }
    }

    /// Waits until something is due, and takes what has come in. `false` when it is time to stop.
    fn take_all(&mut self, inbox: &Receiver<Event>) -> bool {
        if self.pending.is_empty() {
            let rest = self.rest_until.saturating_sub(self.clock.now());
            let first = if self.goal_cell().is_some() {
                inbox.recv_timeout(rest)
            } else {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(event) => self.pending.push_back(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        self.pending.extend(inbox.try_iter());
        while let Some(event) = self.pending.pop_front() {
            if !self.take(event) {
                return false;
            }
        }
        true
    }

    /// `false` when it is time to stop.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Grid(change) => drop(change.apply(&mut self.costmap)),
            Event::Goal(pose, epoch) => {
                self.goal = Some((pose, epoch));
                self.rest_until = Duration::ZERO;
            }
            Event::Settings(settings) => {
                self.settings = settings;
                self.done = None;
            }
            Event::Discard(old) => drop(old),
            Event::Stop => return false,
        }
        true
    }

    /// The goal's cell on the present grid, its epoch and the grid's version, when there is no guidance for them yet.
    fn goal_cell(&self) -> Option<(Cell, u64, u64)> {
        let ((pose, epoch), costmap) = (self.goal?, self.costmap.as_deref()?);
        let Settings { travel, tolerance } = self.settings;
        let cell = resolve_goal(costmap, travel.allow_unknown, tolerance, pose.point()).ok()?;
        let due = (cell, epoch, costmap.version());
        (!self.epochs.is_finished(epoch) && self.done != Some(due)).then_some(due)
    }

    fn compute(&mut self, inbox: &Receiver<Event>) {
        let (Some(due), Some(costmap)) = (self.goal_cell(), self.costmap.as_deref()) else { return };
        let (cell, epoch, _) = due;
        let began = self.clock.now();
        let pending = RefCell::new(std::mem::take(&mut self.pending));
        let cancelled = || {
            let mut pending = pending.borrow_mut();
            let seen = pending.len();
            pending.extend(inbox.try_iter());
            self.epochs.is_finished(epoch) || pending.range(seen..).any(|event| is_useless_after(event, costmap))
        };
        let guidance = Guidance::compute(costmap, cell, self.settings.travel, &cancelled);
        self.pending = pending.into_inner();
        if let Some(guidance) = guidance {
            self.done = Some(due);
            let done = self.clock.now();
            let took = done.saturating_sub(began);
            self.rest_until = done + took;
            (self.deliver)(Box::new(Guided { guidance, took, done, epoch }));
        }
    }
}

/// Whether guidance that is being computed is of no use after an event. What merely makes it older is taken later.
fn is_useless_after(event: &Event, costmap: &Costmap) -> bool {
    match event {
        Event::Grid(GridChange::Whole(whole)) => whole.geometry() != costmap.geometry(),
        Event::Goal(..) | Event::Settings(_) | Event::Stop => true,
        Event::Grid(GridChange::Patch(_)) | Event::Discard(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crossbeam_channel::unbounded;
    use trm_config::{GridConfig, GridKind};
    use trm_grid::costmap::CostmapBuilder;
    use trm_grid::geometry::{Geometry, Rect};
    use trm_grid::occupancy::OccupancyGrid;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(50);

    #[test]
    fn guidance_comes_for_each_goal_and_each_change_of_the_grid_while_there_is_a_goal() {
        let geometry = Geometry::new(20, 10, 0.1, Pose::default()).unwrap();
        let config = GridConfig::default();
        let mut builder = CostmapBuilder::new(&config, GridKind::Map);
        let costmap = builder.replace(OccupancyGrid::new(geometry, vec![0; 200]).unwrap()).clone();
        let (events, inbox) = unbounded();
        let (deliver, delivered) = unbounded();
        let epochs = Arc::<Epochs>::default();
        let settings = Settings { travel: Travel::new(&config), tolerance: 0.5 };
        let deliver = move |guided| deliver.send(guided).unwrap();
        let worker = GuidanceWorker::new(Instant::now(), settings, Arc::clone(&epochs), deliver);
        let handle = std::thread::spawn(move || worker.run(&inbox));
        let next = || delivered.recv_timeout(PATIENCE).expect("guidance comes");

        // The goal may come before the grid.
        let first = epochs.begin();
        events.send(Event::Goal(Pose::new(1.55, 0.55, 0.0), first)).unwrap();
        events.send(Event::Grid(GridChange::Whole(Box::new(costmap)))).unwrap();
        let guided = next();
        assert_eq!((guided.guidance.goal(), guided.epoch), (Cell::new(15, 5), first));
        assert!((guided.guidance.cost_to_go(Cell::new(5, 5)) - 10.0).abs() < 1e-3);

        let wall = builder.update(Rect { col: 10, row: 0, width: 1, height: 10 }, &[100; 10]).unwrap();
        events.send(Event::Grid(GridChange::Patch(Box::new(wall)))).unwrap();
        assert!(next().guidance.cost_to_go(Cell::new(5, 5)).is_infinite(), "behind the wall");

        epochs.finish(first);
        let gone = builder.update(Rect { col: 10, row: 0, width: 1, height: 10 }, &[0; 10]).unwrap();
        events.send(Event::Grid(GridChange::Patch(Box::new(gone)))).unwrap();
        let second = epochs.begin();
        events.send(Event::Goal(Pose::new(0.25, 0.25, 0.0), second)).unwrap();
        let guided = next();
        let expected = (Cell::new(2, 2), second);
        assert_eq!((guided.guidance.goal(), guided.epoch), expected, "none for the change without a goal");
        events.send(Event::Stop).unwrap();
        handle.join().unwrap();
    }
}
