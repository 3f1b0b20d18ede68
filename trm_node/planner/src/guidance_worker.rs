//! Computes guidance on a thread of its own: for each new goal, and for each change of the grid while there is a goal; and
//! once for each goal that is asked about beside.

use std::cell::{Cell as Counter, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_lattice::pose_guidance::PoseGuidance;

use crate::ask::{Ask, Asked, Asks, Settings};
use crate::endpoints::GoalArea;
use crate::epoch::{Epochs, ToGo};
use crate::guides::Guides;
use crate::halt::deadline::Clock;
use crate::kept_guidance::{KeptGuidance, Near};
use crate::pose_guide::{Aim, Aimed, PoseGuide};

/// On a grid of more cells than this, a goal first gets guidance along one way.
const CORRIDOR_CELLS: usize = 1 << 20;
/// If the robot's cell isn't free, a way begins in the nearest free one within this distance in metres.
const DEPARTURE: f64 = 1.0;

/// What is so much farther from the goal than the robot, in cells, is computed after what is nearer.
const AROUND: f32 = 128.0;
/// So long guidance near the robot waits for the rest.
const PROMPT: Duration = Duration::from_millis(2);
/// While the costs change all the time, what is farther from the goal than the robot is computed so rarely. A way to the goal
/// doesn't come by there.
const FAR: Duration = Duration::from_millis(500);

/// The worker shows at least this often that it is alive.
pub const HEARTBEAT: Duration = Duration::from_millis(500);

/// A message to the worker.
pub enum Event {
    /// The grid has changed.
    Grid(GridChange),
    /// There is a new goal, which began this epoch, and the robot is here as far as that is known.
    Goal(Pose, u64, Option<Pose>),
    /// Guidance is wanted once, beside that for the goal.
    Ask(Asked),
    /// The parameters have changed.
    Settings(Settings),
    /// Old guidance to be freed by the worker, where that costs no planning time.
    Discard(Box<Guided>),
    /// The worker must end. It also ends when all senders are gone.
    Stop,
}

/// What the goal's guidance is due for: the goal's nearest free cell, its epoch and the version of the costmap.
type Due = (Cell, u64, u64);

/// What guidance was computed for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// The goal that began this epoch.
    Goal(u64),
    /// Whoever has asked this.
    Ask(Ask),
}

/// Guidance, with the time it took and what it is for.
#[derive(Debug)]
pub struct Guided {
    /// The cost-to-go to the goal: see [`guide`](crate::target::guide). Empty where it tells of positions and headings alone.
    pub guidance: Vec<Guidance>,
    /// The cost-to-go over positions and headings, for a robot with a footprint. It comes after that over cells.
    pub poses: Option<Box<PoseGuidance>>,
    /// How long it took to compute.
    pub took: Duration,
    /// When the computation ended, as a reading of the worker's clock.
    pub done: Duration,
    /// What it was computed for.
    pub purpose: Purpose,
    /// The version of the costs that all of it was computed on; `None` along one way, and where it is right near the robot
    /// alone.
    pub version: Option<u64>,
    /// Counts what a worker delivers, from 1.
    pub number: u64,
}

impl Guided {
    /// What the way from a pose costs by the guidance over cells, if that knows one.
    #[must_use]
    pub fn to_go(&self, costmap: &Costmap, from: Pose) -> Option<ToGo> {
        let from = costmap.geometry().cell_at(from.point())?;
        let costs = self.guidance.iter().filter(|group| group.fits(costmap)).map(|group| group.cost_to_go(from));
        costs.filter(|cost| cost.is_finite()).reduce(f32::min).map(|cost| ToGo { from, cost })
    }

    /// Puts newer guidance in the place of older one for the same purpose, of which that part stays which is only in the older
    /// one. What is replaced is in `newer` afterwards.
    pub fn replace(older: &mut Option<Box<Self>>, newer: &mut Option<Box<Self>>) {
        match (older.as_deref_mut(), newer.as_deref_mut()) {
            (Some(older), Some(newer)) if newer.guidance.is_empty() && newer.poses.is_some() => {
                return std::mem::swap(&mut older.poses, &mut newer.poses);
            }
            (Some(older), Some(newer)) if newer.poses.is_none() => newer.poses = older.poses.take(),
            _ => {}
        }
        std::mem::swap(older, newer);
    }
}

impl<'a> From<Option<&'a Guided>> for Guides<'a> {
    fn from(guided: Option<&'a Guided>) -> Self {
        guided.map_or_else(Self::default, |guided| Self { cells: &guided.guidance, poses: guided.poses.as_deref() })
    }
}

/// The guidance worker. It calls `deliver` with each new guidance, on the thread that runs it.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Instant;
/// use trm_grid::costmap::GridChange;
/// use trm_grid::testing::{costmap, travel};
/// use trm_grid::units::{Cell, Pose};
/// use trm_planner::ask::Settings;
/// use trm_planner::epoch::Epochs;
/// use trm_planner::guidance_worker::{Event, GuidanceWorker};
///
/// let (events, inbox) = crossbeam_channel::unbounded();
/// let (delivered, results) = crossbeam_channel::unbounded();
/// let epochs = Arc::new(Epochs::default());
/// let settings = Settings { travel: travel(2.0), tolerance: 0.5, robot: None };
/// let deliver = move |guided| delivered.send(guided).expect("somebody receives");
/// let worker = GuidanceWorker::new(Instant::now(), settings, Arc::clone(&epochs), deliver);
/// let thread = std::thread::spawn(move || worker.run(&inbox, &|| {}));
///
/// let map = costmap(&["....", "...."]);
/// events.send(Event::Grid(GridChange::Whole(Box::new(map))))?;
/// events.send(Event::Goal(Pose::new(3.5, 0.5, 0.0), epochs.begin(), None))?;
/// let guided = results.recv()?;
/// assert_eq!(guided.guidance[0].goal(), Cell::new(3, 0));
/// assert_eq!(guided.guidance[0].cost_to_go(Cell::new(0, 0)), 3.0);
/// events.send(Event::Stop)?;
/// thread.join().expect("the worker ends");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GuidanceWorker<C, D> {
    clock: C,
    settings: Settings,
    epochs: Arc<Epochs>,
    deliver: D,
    costmap: Option<Box<Costmap>>,
    /// What is kept of the goal's guidance.
    kept: KeptGuidance,
    /// The goal and its epoch.
    goal: Option<(Pose, u64)>,
    /// Where the robot was when it got its goal, until there is guidance from there.
    robot: Option<Pose>,
    /// What the last guidance was computed for: the goal's cell, its epoch and the version of the costmap.
    done: Option<Due>,
    /// The same of the last one that is right near the robot, and when the rest of it is due.
    near: Option<Due>,
    far_at: Duration,
    /// No computation begins before this time, so that a grid that changes constantly takes at most half a core.
    rest_until: Duration,
    /// Events that arrived during a computation.
    pending: VecDeque<Event>,
    asks: Asks,
    /// For robots with a footprint.
    poses: PoseGuide,
    /// The last computation was for the goal. When something is asked, that comes next.
    was_for_goal: bool,
    /// How often it has delivered something.
    delivered: Counter<u64>,
}

impl<C: Clock, D: FnMut(Box<Guided>)> GuidanceWorker<C, D> {
    /// A worker without a grid and without a goal.
    pub fn new(clock: C, settings: Settings, epochs: Arc<Epochs>, deliver: D) -> Self {
        Self {
            clock,
            settings,
            epochs,
            deliver,
            costmap: None,
            kept: KeptGuidance::new(),
            goal: None,
            robot: None,
            done: None,
            near: None,
            far_at: Duration::ZERO,
            rest_until: Duration::ZERO,
            pending: VecDeque::new(),
            asks: Asks::new(),
            poses: PoseGuide::default(),
            was_for_goal: false,
            delivered: Counter::new(0),
        }
    }

    /// Runs until [`Event::Stop`] arrives or all senders are gone. Calls `alive` at least every [`HEARTBEAT`], also
    /// while it computes.
    pub fn run(mut self, inbox: &Receiver<Event>, alive: &dyn Fn()) {
        while self.handle_events(inbox, HEARTBEAT) {
            alive();
            self.compute_if_due(inbox, alive);
        }
    }

    /// Handles the events that have come, and computes guidance if it is due. `false` if the worker must end.
    pub fn step(&mut self, inbox: &Receiver<Event>) -> bool {
        let goes_on = self.handle_events(inbox, Duration::ZERO);
        if goes_on {
            self.compute_if_due(inbox, &|| {});
        }
        goes_on
    }

    fn compute_if_due(&mut self, inbox: &Receiver<Event>, alive: &dyn Fn()) {
        if self.goal.is_none_or(|(_, epoch)| self.epochs.is_finished(epoch)) {
            self.kept.clear();
        }
        let is_due = self.due().is_some_and(|(_, due)| self.clock.now() >= self.ready_at(due));
        if is_due && (self.asks.is_empty() || !self.was_for_goal) {
            self.was_for_goal = true;
            self.compute(inbox, alive);
        } else if let Some(asked) = self.asks.take() {
            self.was_for_goal = false;
            self.answer(asked, inbox, alive);
        }
    }

    /// Waits for an event or until guidance is due, at most for `patience`, and handles all events. `false` if the
    /// worker must end.
    fn handle_events(&mut self, inbox: &Receiver<Event>, patience: Duration) -> bool {
        if self.pending.is_empty() {
            let now = self.clock.now();
            let wait = match self.due() {
                _ if !self.asks.is_empty() => Duration::ZERO,
                Some((_, due)) => self.ready_at(due).saturating_sub(now).min(patience),
                None => patience,
            };
            match receive(inbox, wait) {
                Ok(event) => self.pending.push_back(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        self.pending.extend(inbox.try_iter());
        while let Some(event) = self.pending.pop_front() {
            if !self.handle(event) {
                return false;
            }
        }
        true
    }

    /// Handles an event. `false` if the worker must end.
    fn handle(&mut self, event: Event) -> bool {
        match event {
            Event::Grid(change) => drop(change.apply(&mut self.costmap)),
            Event::Goal(pose, epoch, robot) => {
                self.goal = Some((pose, epoch));
                self.robot = robot;
                self.rest_until = Duration::ZERO;
            }
            Event::Ask(asked) => self.asks.put(asked),
            Event::Settings(settings) => {
                self.settings = settings;
                self.done = None;
            }
            Event::Discard(old) => drop(old),
            Event::Stop => return false,
        }
        true
    }

    /// What guidance is to be computed for: the goal, and with it its nearest free cell, its epoch and the version of
    /// the costmap. `None` if there is guidance for that already, if the goal is reached or can't be entered, or if
    /// there is no goal or no grid.
    fn due(&self) -> Option<(GoalArea, Due)> {
        let ((pose, epoch), costmap) = (self.goal?, self.costmap.as_deref()?);
        let Settings { travel, tolerance, .. } = self.settings;
        let area = GoalArea::new(costmap.geometry(), tolerance, pose.point()).ok()?;
        let cell = area.nearest_free(costmap, travel.allow_unknown).ok()?;
        let due = (cell, epoch, costmap.version());
        (!self.epochs.is_finished(epoch) && self.done != Some(due)).then_some((area, due))
    }

    /// When what is due may begin.
    fn ready_at(&self, due: Due) -> Duration {
        if self.near == Some(due) { self.rest_until.max(self.far_at) } else { self.rest_until }
    }

    /// Computes guidance for the goal and delivers it, unless an event makes it useless in the meantime.
    fn compute(&mut self, inbox: &Receiver<Event>, alive: &dyn Fn()) {
        let Some((area, due)) = self.due() else { return };
        let (_, epoch, _) = due;
        let Some((goal, _)) = self.goal else { return };
        let robot = self.robot.take();
        let epochs = Arc::clone(&self.epochs);
        let is_over = || epochs.is_finished(epoch);
        let settings = self.settings.clone();
        let task = Task { area, goal, settings, robot, purpose: Purpose::Goal(epoch), epochs: Arc::clone(&epochs) };
        if let Some(made) = self.make(&task, (inbox, alive), &is_over) {
            self.rest_until = made.at + made.took;
            if made.is_whole {
                (self.done, self.far_at) = (Some(due), made.at + FAR);
            } else {
                self.near = Some(due);
            }
        }
    }

    /// Computes what was asked and delivers it. A new goal comes first; what was asked is computed after it.
    fn answer(&mut self, asked: Asked, inbox: &Receiver<Event>, alive: &dyn Fn()) {
        let Some(costmap) = self.costmap.as_deref() else { return };
        let Ask { goal, settings } = asked.ask.clone();
        let Ok(area) = GoalArea::new(costmap.geometry(), settings.tolerance, goal.point()) else { return };
        let is_over = || asked.is_over();
        let (purpose, epochs) = (Purpose::Ask(asked.ask.clone()), Arc::clone(&asked.epochs));
        let task = Task { area, goal, settings, robot: asked.robot, purpose, epochs };
        let made = self.make(&task, (inbox, alive), &is_over);
        if made.is_none() && !asked.is_over() {
            self.asks.put_back(asked);
        }
    }

    /// Computes guidance and delivers it: on a large map first that along one way from the robot, last that over headings.
    /// What is far from the goal can be left for later. `None` if an event has made it useless in the meantime, or it `is_over`.
    fn make(
        &mut self,
        task: &Task,
        (inbox, alive): (&Receiver<Event>, &dyn Fn()),
        is_over: &dyn Fn() -> bool,
    ) -> Option<Done> {
        let costmap = self.costmap.as_deref()?;
        let Task { area, settings: Settings { travel, robot: outline, .. }, robot, .. } = task;
        let travel = *travel;
        let began = self.clock.now();
        let pending = RefCell::new(std::mem::take(&mut self.pending));
        let cancelled = || {
            alive();
            let mut pending = pending.borrow_mut();
            let seen = pending.len();
            pending.extend(inbox.try_iter());
            is_over() || pending.range(seen..).any(|event| is_useless_after(event, costmap))
        };
        let (clock, delivered) = (&self.clock, &self.delivered);
        let guided = |guidance, poses, version| {
            let done = clock.now();
            let (took, purpose) = (done.saturating_sub(began), task.purpose.clone());
            delivered.set(delivered.get() + 1);
            Box::new(Guided { guidance, poses, took, done, purpose, version, number: delivered.get() })
        };
        if let Some(from) = robot.and_then(|robot| first_way(costmap, travel, robot)) {
            let ends = area.sorted(|cell| costmap.is_free(cell, travel.allow_unknown));
            if let Some(corridor) = Guidance::corridor(costmap, from, &ends, travel, &cancelled) {
                (self.deliver)(guided(vec![corridor], None, None));
            }
        }
        let mut once = KeptGuidance::new();
        let is_for_goal = matches!(task.purpose, Purpose::Goal(_));
        let kept = if is_for_goal { &mut self.kept } else { &mut once };
        let deliver = &mut self.deliver;
        let is_late = || clock.now().saturating_sub(began) > PROMPT;
        // Guidance over headings needs all of it.
        let far_can_wait = began < self.far_at && outline.is_none();
        let mut deliver_near = |guidance| deliver(guided(guidance, None, None));
        let to_go = self.epochs.to_go().filter(|_| is_for_goal);
        let near = to_go.map(|ToGo { from, cost }| Near {
            robot: from,
            bound: cost + AROUND,
            far_can_wait,
            is_late: &is_late,
            deliver: &mut deliver_near,
        });
        let done = |is_whole| {
            let at = clock.now();
            Some(Done { at, took: at.saturating_sub(began), is_whole })
        };
        let is_near_enough = near.map_or(Some(false), |near| kept.mend_near((costmap, travel), area, near, &cancelled));
        let version = Some(costmap.version());
        let made = is_near_enough.and_then(|is_enough| {
            if is_enough {
                return done(false);
            }
            let guidance = kept.update((costmap, travel), area, &cancelled)?;
            let aimed = task.aimed(costmap, &guidance, &mut self.poses);
            (self.deliver)(guided(guidance, None, version));
            let Some(aimed) = aimed else { return done(true) };
            let mut tell = |poses| {
                let guided = guided(Vec::new(), Some(Box::new(poses)), version);
                let number = guided.number;
                (self.deliver)(guided);
                task.epochs.tell(number);
            };
            self.poses.compute(costmap, &aimed, &cancelled, &mut tell).then(|| done(true))?
        });
        self.pending = pending.into_inner();
        made
    }
}

/// Guidance that has been delivered.
struct Done {
    at: Duration,
    took: Duration,
    /// Nothing of it is left for later.
    is_whole: bool,
}

/// What guidance is computed for.
struct Task {
    area: GoalArea,
    goal: Pose,
    settings: Settings,
    /// The robot is here, if that is known.
    robot: Option<Pose>,
    purpose: Purpose,
    /// Those of whom it is for. They are told of guidance over headings once it is delivered.
    epochs: Arc<Epochs>,
}

impl Task {
    /// What guidance over headings is to lead to; `None` for a disc, or where the robot can't stand.
    fn aimed(&self, costmap: &Costmap, guidance: &[Guidance], poses: &mut PoseGuide) -> Option<Aimed> {
        let robot = self.settings.robot.as_ref()?;
        let aim = Aim { goal: self.goal, area: &self.area, robot: self.robot, guidance };
        poses.aim(costmap, (robot, self.settings.travel), &aim)
    }
}

/// Where guidance along one way begins; `None` on a grid where all of it takes hardly longer.
fn first_way(costmap: &Costmap, travel: Travel, robot: Pose) -> Option<Cell> {
    let is_large = costmap.geometry().cells() > CORRIDOR_CELLS;
    let area = GoalArea::new(costmap.geometry(), DEPARTURE, robot.point()).ok().filter(|_| is_large)?;
    area.nearest_free(costmap, travel.allow_unknown).ok()
}

/// The next event, within `patience`. Without patience it doesn't wait at all.
fn receive(inbox: &Receiver<Event>, patience: Duration) -> Result<Event, RecvTimeoutError> {
    match inbox.try_recv() {
        Ok(event) => Ok(event),
        Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
        Err(TryRecvError::Empty) if patience.is_zero() => Err(RecvTimeoutError::Timeout),
        Err(TryRecvError::Empty) => inbox.recv_timeout(patience),
    }
}

/// Whether an event makes the guidance that is being computed useless. Changes of the grid and its growth don't: they are
/// handled afterwards, and until then it can be [laid over](Guidance::lay_over) the grown grid.
fn is_useless_after(event: &Event, costmap: &Costmap) -> bool {
    match event {
        Event::Grid(GridChange::Whole(whole)) => !whole.geometry().is_like(costmap.geometry()),
        Event::Goal(..) | Event::Settings(_) | Event::Stop => true,
        Event::Grid(GridChange::Patch(_)) | Event::Ask(_) | Event::Discard(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crossbeam_channel::{Sender, unbounded};
    use trm_config::{GridConfig, GridKind};
    use trm_grid::costmap_builder::{CostmapBuilder, build};
    use trm_grid::geometry::{Geometry, Rect};
    use trm_grid::occupancy::OccupancyGrid;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(50);

    /// A clock that runs the next step of a script at each reading while the inbox is empty. The worker reads its clock
    /// before it waits, before and after it decides to compute, and after computing.
    struct Scripted<'a> {
        inbox: &'a Receiver<Event>,
        steps: RefCell<VecDeque<Step<'a>>>,
        began: Instant,
    }

    /// A clock that is set.
    struct At<'a>(&'a std::cell::Cell<Duration>);

    impl Clock for At<'_> {
        fn now(&self) -> Duration {
            self.0.get()
        }
    }

    type Step<'a> = Box<dyn FnOnce() + 'a>;

    impl Clock for Scripted<'_> {
        fn now(&self) -> Duration {
            let step = if self.inbox.is_empty() { self.steps.borrow_mut().pop_front() } else { None };
            if let Some(step) = step {
                step();
            }
            self.began.elapsed()
        }
    }

    /// A worker with a grid that is large enough to check for cancellation while it computes, and with a first goal.
    struct Setup {
        builder: CostmapBuilder,
        costmap: Costmap,
        epochs: Arc<Epochs>,
        first: u64,
        settings: Settings,
    }

    const SIDE: u32 = 200;

    fn empty(side: u32) -> OccupancyGrid {
        let geometry = Geometry::new(side, side, 1.0, Pose::default()).unwrap();
        OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap()
    }

    fn goal(cell: i32, epoch: u64) -> Event {
        Event::Goal(Pose::new(f64::from(cell) + 0.5, 0.5, 0.0), epoch, None)
    }

    impl Setup {
        fn new() -> Self {
            Self::of(SIDE)
        }

        fn of(side: u32) -> Self {
            let config = GridConfig::default();
            let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
            builder.take_grid(empty(side));
            builder.refresh_to_end();
            let costmap = builder.costmap().unwrap().clone();
            let epochs = Arc::<Epochs>::default();
            let first = epochs.begin();
            let settings = Settings { travel: Travel::new(&config), tolerance: 0.5, robot: None };
            Self { builder, costmap, epochs, first, settings }
        }

        /// What the worker delivers if `meanwhile` happens while it computes guidance to the goal in cell (7, 0), and
        /// each of `after` is sent upon one of its deliveries. It must be stopped by one of these.
        fn delivered(
            &self,
            meanwhile: impl FnOnce(&Sender<Event>),
            at_last: Option<Event>,
            after: impl IntoIterator<Item = Option<Event>>,
        ) -> Vec<Guided> {
            let (events, inbox) = unbounded();
            for event in [Event::Grid(GridChange::Whole(Box::new(self.costmap.clone()))), goal(7, self.first)] {
                events.send(event).unwrap();
            }
            // One reading when it decides to compute, one when it begins, and one when it waits again.
            let last = || at_last.into_iter().for_each(|event| events.send(event).unwrap());
            let steps: [Step; 3] = [Box::new(|| ()), Box::new(|| meanwhile(&events)), Box::new(last)];
            let clock = Scripted { inbox: &inbox, steps: RefCell::new(steps.into()), began: Instant::now() };
            let (mut delivered, mut after) = (Vec::new(), after.into_iter());
            let deliver = |guided: Box<Guided>| {
                delivered.push(*guided);
                after.next().flatten().into_iter().for_each(|event| events.send(event).unwrap());
            };
            GuidanceWorker::new(clock, self.settings.clone(), Arc::clone(&self.epochs), deliver).run(&inbox, &|| {});
            delivered
        }
    }

    #[test]
    fn a_new_goal_cancels_the_guidance_for_the_one_before() {
        let setup = Setup::new();
        let second = setup.epochs.begin();
        let send = |events: &Sender<Event>| events.send(goal(9, second)).unwrap();
        let delivered = setup.delivered(send, None, [Some(Event::Stop)]);
        let goals: Vec<_> =
            delivered.iter().map(|guided| (guided.guidance[0].goal(), guided.purpose.clone())).collect();
        assert_eq!(goals, [(Cell::new(9, 0), Purpose::Goal(second))]);
    }

    #[test]
    fn on_a_large_grid_there_is_first_guidance_along_one_way_from_the_robot() {
        let setup = Setup::of(1100);
        let robot = |at: f64| Some(Pose::new(at, at, 0.0));
        let delivered = |robot| {
            let (events, inbox) = unbounded();
            events.send(Event::Grid(GridChange::Whole(Box::new(setup.costmap.clone())))).unwrap();
            events.send(Event::Goal(Pose::new(9.5, 0.5, 0.0), setup.first, robot)).unwrap();
            let mut delivered = Vec::new();
            let deliver = |guided: Box<Guided>| {
                let known = [5, 1000].map(|at| guided.guidance[0].cost_to_go(Cell::new(at, 5)).is_finite());
                if guided.guidance[0].version().is_some() {
                    events.send(Event::Stop).unwrap();
                }
                delivered.push(known);
            };
            let worker =
                GuidanceWorker::new(Instant::now(), setup.settings.clone(), Arc::clone(&setup.epochs), deliver);
            worker.run(&inbox, &|| {});
            delivered
        };
        assert_eq!(delivered(robot(300.0)), [[true, false], [true, true]]);
        assert_eq!(delivered(None), [[true, true]], "nobody knows where the robot is");
        assert_eq!(delivered(robot(-5.0)), [[true, true]], "it is outside the map");
    }

    #[test]
    fn guidance_over_headings_follows_for_a_robot_with_a_footprint_and_stays_until_there_is_newer_one() {
        let setup = Setup::new();
        let config = trm_config::Config::with(|config| {
            config.grid.footprint = "[[1.5, 0.8], [-1.5, 0.8], [-1.5, -0.8], [1.5, -0.8]]".parse().ok();
        });
        let (events, inbox) = unbounded();
        let send = |event| events.send(event).unwrap();
        send(Event::Grid(GridChange::Whole(Box::new(setup.costmap.clone()))));
        let robot = Some(Pose::new(40.5, 40.5, 0.0));
        send(Event::Goal(Pose::new(20.5, 20.5, 1.0), setup.first, robot));
        let mut all = Vec::new();
        let deliver = |guided: Box<Guided>| all.push(guided);
        let settings = Settings::new(&config.grid, &config.planner);
        let mut worker = GuidanceWorker::new(Instant::now(), settings, Arc::clone(&setup.epochs), deliver);
        assert!(worker.step(&inbox));
        drop(worker);
        let kinds: Vec<_> = all.iter().map(|guided| (guided.guidance.len(), guided.poses.is_some())).collect();
        assert_eq!(kinds, [(1, false), (0, true), (0, true)], "over cells, to the robot, and all");
        let is_whole = |guided: &Option<Box<Guided>>| Some(guided.as_ref()?.poses.as_ref()?.is_whole());
        let mut kept = None;
        for (guided, wanted) in all.into_iter().zip([None, Some(false), Some(true)]) {
            Guided::replace(&mut kept, &mut Some(guided));
            assert_eq!(is_whole(&kept), wanted);
            assert_eq!(kept.as_ref().map(|kept| kept.guidance.len()), Some(1));
        }
        // Newer guidance over cells comes first.
        let old = kept.as_ref().unwrap();
        let newer = Guided {
            guidance: old.guidance.clone(),
            poses: None,
            version: Some(7),
            purpose: old.purpose.clone(),
            ..**old
        };
        Guided::replace(&mut kept, &mut Some(Box::new(newer)));
        assert_eq!((is_whole(&kept), kept.unwrap().version), (Some(true), Some(7)));
    }

    #[test]
    fn a_grid_that_grows_does_not_keep_guidance_from_being_delivered_and_another_resolution_does() {
        let setup = Setup::new();
        let grown = build(&GridConfig::default(), GridKind::Costmap, empty(SIDE + 50));
        let send = |events: &Sender<Event>| {
            events.send(Event::Grid(GridChange::Whole(Box::new(grown.clone())))).unwrap();
        };
        let delivered = setup.delivered(send, None, [None, Some(Event::Stop)]);
        let versions: Vec<_> = delivered.iter().filter_map(|guided| guided.guidance[0].version()).collect();
        assert_eq!(versions, [setup.costmap.version(), grown.version()]);

        let geometry = Geometry::new(50, 50, 0.5, Pose::default()).unwrap();
        let grid = OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap();
        let setup = Setup::new();
        let resized = build(&GridConfig::default(), GridKind::Costmap, grid);
        let send = |events: &Sender<Event>| {
            events.send(Event::Grid(GridChange::Whole(Box::new(resized.clone())))).unwrap();
        };
        let delivered = setup.delivered(send, None, [Some(Event::Stop)]);
        let versions: Vec<_> = delivered.iter().filter_map(|guided| guided.guidance[0].version()).collect();
        assert_eq!(versions, [resized.version()]);
        assert!(delivered[0].guidance[0].fits(&resized));
    }

    #[test]
    fn a_patch_of_the_grid_cancels_nothing_and_is_followed_by_new_guidance() {
        let mut setup = Setup::new();
        setup.builder.take_update(Rect { col: 3, row: 0, width: 1, height: 1 }, &[100]).unwrap();
        let patch = setup.builder.refresh_to_end().unwrap();
        assert!(matches!(patch, GridChange::Patch(_)));
        let after = setup.builder.costmap().unwrap().version();
        let send = |events: &Sender<Event>| events.send(Event::Grid(patch)).unwrap();
        let delivered = setup.delivered(send, None, [None, Some(Event::Stop)]);
        let versions: Vec<_> = delivered.iter().filter_map(|guided| guided.guidance[0].version()).collect();
        assert_eq!(versions, [setup.costmap.version(), after]);
    }

    #[test]
    fn what_is_far_from_the_goal_is_computed_now_and_then_while_the_grid_changes_all_the_time() {
        let mut setup = Setup::new();
        let now = std::cell::Cell::new(Duration::ZERO);
        let (events, inbox) = unbounded();
        let delivered = RefCell::new(Vec::new());
        let far = Cell::new(190, 190);
        let deliver = |guided: Box<Guided>| {
            delivered.borrow_mut().push((guided.version.is_some(), guided.guidance[0].cost_to_go(far).is_finite()));
        };
        let mut worker = GuidanceWorker::new(At(&now), setup.settings.clone(), Arc::clone(&setup.epochs), deliver);
        events.send(Event::Grid(GridChange::Whole(Box::new(setup.costmap.clone())))).unwrap();
        events.send(goal(7, setup.first)).unwrap();
        assert!(worker.step(&inbox));
        // The robot stands near the goal; a box is put around a cell far behind it and taken away in turns.
        let ring = Rect { col: 188, row: 188, width: 5, height: 5 };
        let mut change = |closed: bool| {
            let is_inside = |cell: Cell| (189..192).contains(&cell.col) && (189..192).contains(&cell.row);
            let value = |cell| if closed && !is_inside(cell) { 100 } else { 0 };
            let values: Vec<i8> = ring.cells().map(value).collect();
            setup.builder.take_update(ring, &values).unwrap();
            events.send(Event::Grid(setup.builder.refresh_to_end().unwrap())).unwrap();
        };
        setup.epochs.note_to_go(ToGo { from: Cell::new(20, 0), cost: 13.0 });
        let mut step = |ms: u64| {
            now.set(Duration::from_millis(ms));
            delivered.borrow_mut().clear();
            worker.step(&inbox);
            delivered.borrow().clone()
        };
        for ms in [50, 100, 450] {
            change(true);
            assert_eq!(step(ms), [(false, true)], "the far cell is as it was");
            change(false);
            assert_eq!(step(ms + 10), [(false, true)]);
        }
        change(true);
        assert_eq!(step(470), [(false, true)]);
        assert_eq!(step(499), []);
        assert_eq!(step(500), [(true, false)], "all of it, though nothing has changed since");
        assert_eq!(step(1500), []);
        // Where no way from the robot is known near by, all of it is computed at once.
        setup.epochs.note_to_go(ToGo { from: far, cost: 13.0 });
        change(false);
        assert_eq!(step(1510), [(true, true)]);
        change(true);
        assert_eq!(step(1520), [(true, false)]);
    }

    #[test]
    fn new_settings_cancel_the_guidance_and_it_is_computed_again() {
        let setup = Setup::new();
        let travel = Travel::new(&GridConfig { cost_travel_multiplier: 0.5, ..GridConfig::default() });
        let new = || Event::Settings(Settings { travel, ..setup.settings.clone() });
        let delivered = setup.delivered(|events| events.send(new()).unwrap(), None, [Some(Event::Stop)]);
        assert_eq!(delivered.iter().map(|guided| guided.guidance[0].travel()).collect::<Vec<_>>(), [travel]);
        // Also when the guidance is already there.
        let delivered = setup.delivered(|_| (), None, [Some(new()), Some(Event::Stop)]);
        let travels: Vec<_> = delivered.iter().map(|guided| guided.guidance[0].travel()).collect();
        assert_eq!(travels, [setup.settings.travel, travel]);
    }

    #[test]
    fn stop_ends_the_worker_while_it_computes() {
        let setup = Setup::new();
        assert!(setup.delivered(|events| events.send(Event::Stop).unwrap(), None, []).is_empty());
    }

    #[test]
    fn a_finished_epoch_ends_the_computation() {
        let setup = Setup::new();
        let finish = |_: &Sender<Event>| setup.epochs.finish(setup.first);
        assert!(setup.delivered(finish, Some(Event::Stop), []).is_empty());
    }

    #[test]
    fn guidance_is_computed_for_each_goal_and_for_each_change_of_the_grid_while_there_is_a_goal() {
        let geometry = Geometry::new(20, 10, 0.1, Pose::default()).unwrap();
        let config = GridConfig::default();
        let mut builder = CostmapBuilder::new(&config, GridKind::Map);
        builder.take_grid(OccupancyGrid::new(geometry, vec![0; 200]).unwrap());
        let whole = builder.refresh_to_end().unwrap();
        let (events, inbox) = unbounded();
        let (deliver, delivered) = unbounded();
        let epochs = Arc::<Epochs>::default();
        let settings = Settings { travel: Travel::new(&config), tolerance: 0.5, robot: None };
        let deliver = move |guided| deliver.send(guided).unwrap();
        let worker = GuidanceWorker::new(Instant::now(), settings, Arc::clone(&epochs), deliver);
        let handle = std::thread::spawn(move || worker.run(&inbox, &|| {}));
        let next = || delivered.recv_timeout(PATIENCE).expect("guidance is delivered");

        // The goal may come before the grid.
        let first = epochs.begin();
        events.send(Event::Goal(Pose::new(1.55, 0.55, 0.0), first, None)).unwrap();
        events.send(Event::Grid(whole)).unwrap();
        let guided = next();
        assert_eq!((guided.guidance[0].goal(), guided.purpose), (Cell::new(15, 5), Purpose::Goal(first)));
        assert!((guided.guidance[0].cost_to_go(Cell::new(5, 5)) - 10.0).abs() < 1e-3);

        let wall = Rect { col: 10, row: 0, width: 1, height: 10 };
        builder.take_update(wall, &[100; 10]).unwrap();
        events.send(Event::Grid(builder.refresh_to_end().unwrap())).unwrap();
        assert!(next().guidance[0].cost_to_go(Cell::new(5, 5)).is_infinite(), "behind the wall");

        epochs.finish(first);
        builder.take_update(wall, &[0; 10]).unwrap();
        events.send(Event::Grid(builder.refresh_to_end().unwrap())).unwrap();
        let second = epochs.begin();
        events.send(Event::Goal(Pose::new(0.25, 0.25, 0.0), second, None)).unwrap();
        let guided = next();
        let expected = (Cell::new(2, 2), Purpose::Goal(second));
        assert_eq!(
            (guided.guidance[0].goal(), guided.purpose),
            expected,
            "none for the change after the goal was reached"
        );
        events.send(Event::Stop).unwrap();
        handle.join().unwrap();
    }
}
