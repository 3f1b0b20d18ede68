//! The guidance thread: works out the cost-to-go of the whole map from the goal, beside the planning loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_planner::halt::deadline::Clock;
use trm_planner::endpoints::resolve_goal;
use trm_grid::units::{Cell, Pose};

use crate::clock::Monotonic;
use crate::record::GuidanceTimes;
use crate::world::{GridChange, apply};
use crate::{inbox, planner};

/// What comes in.
pub enum Event {
    Grid(GridChange),
    /// A goal and its number.
    Goal(Pose, u64),
    /// There is no goal any more.
    Idle,
    Config(Box<Config>),
    Stop,
}

/// Guidance, and when and how long it was worked out.
pub struct Guided {
    pub guidance: Guidance,
    pub took: Duration,
    pub done: Duration,
}

impl Guided {
    /// How long it took, and how old it is.
    pub const fn times(&self, now: Duration) -> GuidanceTimes {
        GuidanceTimes { took: self.took, age: now.saturating_sub(self.done) }
    }
}

/// The way to the guidance thread.
#[derive(Clone)]
pub struct GuidanceInbox {
    sender: Sender<Event>,
    /// Counts the reasons to give up the guidance that is being worked out.
    interrupts: Arc<AtomicU64>,
}

impl GuidanceInbox {
    pub fn new(sender: Sender<Event>) -> Self {
        Self { sender, interrupts: Arc::default() }
    }

    /// Hands over; what is being worked out is finished first, unless it becomes useless.
    pub fn send(&self, event: Event) {
        let is_urgent = matches!(event, Event::Goal(..) | Event::Idle | Event::Stop);
        // Fails only when the node is stopping.
        let _ = self.sender.send(event);
        if is_urgent {
            self.interrupt();
        }
    }

    /// Ends the work on the present guidance. After sending: the thread reads the count, then what was sent.
    pub fn interrupt(&self) {
        self.interrupts.fetch_add(1, Ordering::SeqCst);
    }
}

/// The guidance thread's state.
pub struct Thread {
    clock: Monotonic,
    config: Box<Config>,
    interrupts: Arc<AtomicU64>,
    planner: inbox::Sender<planner::Event>,
    costmap: Option<Box<Costmap>>,
    goal: Option<(Pose, u64)>,
    /// The goal's cell and the grid's version that the last guidance is for.
    done: Option<(Cell, u64)>,
    /// Not before this time, so that a grid that changes all the time takes half a core at most.
    rest_until: Duration,
}

impl Thread {
    pub fn new(
        clock: Monotonic,
        config: Config,
        inbox: &GuidanceInbox,
        planner: inbox::Sender<planner::Event>,
    ) -> Self {
        Self {
            clock,
            config: Box::new(config),
            interrupts: Arc::clone(&inbox.interrupts),
            planner,
            costmap: None,
            goal: None,
            done: None,
            rest_until: Duration::ZERO,
        }
    }

    /// Runs until [`Event::Stop`].
    pub fn run(mut self, inbox: &Receiver<Event>) {
        loop {
            let interrupts = self.interrupts.load(Ordering::SeqCst);
            let rest = self.rest_until.saturating_sub(self.clock.now());
            let first = if self.is_due() {
                inbox.recv_timeout(rest)
            } else {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(event) => {
                    for event in std::iter::once(event).chain(inbox.try_iter()) {
                        if !self.take(event) {
                            return;
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.is_due() && self.clock.now() >= self.rest_until {
                self.compute(interrupts);
            }
        }
    }

    /// `false` when it is time to stop.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Grid(change) => drop(apply(&mut self.costmap, change)),
            Event::Goal(pose, number) => {
                self.goal = Some((pose, number));
                self.done = None;
                self.rest_until = Duration::ZERO;
            }
            Event::Idle => self.goal = None,
            Event::Config(config) => {
                self.config = config;
                self.done = None;
            }
            Event::Stop => return false,
        }
        true
    }

    fn is_due(&self) -> bool {
        self.goal_cell().is_some_and(|(cell, version)| self.done != Some((cell, version)))
    }

    /// The goal's cell on the present grid, and the grid's version.
    fn goal_cell(&self) -> Option<(Cell, u64)> {
        let ((pose, _), costmap) = (self.goal?, self.costmap.as_deref()?);
        let cell = resolve_goal(costmap, self.config.grid.allow_unknown, self.config.planner.tolerance, pose.point()).ok()?;
        Some((cell, costmap.version()))
    }

    fn compute(&mut self, before: u64) {
        let Some((cell, version)) = self.goal_cell() else { return };
        let (Some((_, number)), Some(costmap)) = (self.goal, self.costmap.as_deref()) else { return };
        let began = self.clock.now();
        let cancelled = || self.interrupts.load(Ordering::SeqCst) != before;
        if let Some(guidance) = Guidance::compute(costmap, cell, Travel::new(&self.config.grid), &cancelled) {
            self.done = Some((cell, version));
            let done = self.clock.now();
            let took = done.saturating_sub(began);
            self.rest_until = done + took;
            let _ = self.planner.send(planner::Event::Guidance(Box::new(Guided { guidance, took, done }), number));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use trm_grid::costmap::CostmapBuilder;
    use trm_config::GridKind;
    use trm_grid::geometry::{Geometry, Rect};
    use trm_grid::occupancy::OccupancyGrid;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(50);

    #[test]
    fn guidance_comes_for_each_goal_and_each_change_of_the_grid_while_there_is_a_goal() {
        let geometry = Geometry::new(20, 10, 0.1, Pose::default()).unwrap();
        let config = Config::default();
        let mut builder = CostmapBuilder::new(&config.grid, GridKind::Map);
        let costmap = builder.replace(OccupancyGrid::new(geometry, vec![0; 200]).unwrap()).clone();
        let (sender, inbox) = channel();
        let (to_planner, mut from_guidance) = inbox::channel(8);
        let guide = GuidanceInbox::new(sender);
        let thread = Thread::new(Monotonic::start(), config, &guide, to_planner.shared());
        let handle = std::thread::spawn(move || thread.run(&inbox));
        let mut next = || match from_guidance.next_within(PATIENCE) {
            Some(planner::Event::Guidance(guided, number)) => (guided.guidance, number),
            Some(_) => panic!("something else than guidance"),
            None => panic!("no guidance came"),
        };

        // The goal may come before the grid.
        guide.send(Event::Goal(Pose::new(1.55, 0.55, 0.0), 1));
        guide.send(Event::Grid(GridChange::Whole(Box::new(costmap))));
        let (guidance, number) = next();
        assert_eq!((guidance.goal(), number), (Cell::new(15, 5), 1));
        assert!((guidance.cost_to_go(Cell::new(5, 5)) - 10.0).abs() < 1e-3);

        let wall = builder.update(Rect { col: 10, row: 0, width: 1, height: 10 }, &[100; 10]).unwrap();
        guide.send(Event::Grid(GridChange::Patch(Box::new(wall))));
        let (guidance, _) = next();
        assert!(guidance.cost_to_go(Cell::new(5, 5)).is_infinite(), "behind the wall");

        guide.send(Event::Idle);
        let gone = builder.update(Rect { col: 10, row: 0, width: 1, height: 10 }, &[0; 10]).unwrap();
        guide.send(Event::Grid(GridChange::Patch(Box::new(gone))));
        guide.send(Event::Goal(Pose::new(0.25, 0.25, 0.0), 2));
        let (guidance, number) = next();
        assert_eq!((guidance.goal(), number), (Cell::new(2, 2), 2), "none for the change without a goal");
        guide.send(Event::Stop);
        handle.join().unwrap();
    }
}
