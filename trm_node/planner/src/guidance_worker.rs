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
use crate::guided::{Guided, Purpose};
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
        let work = Work { clock: &self.clock, began, task, delivered: &self.delivered };
        if let Some(from) = robot.and_then(|robot| first_way(costmap, travel, robot)) {
            let ends = area.sorted(|cell| costmap.is_free(cell, travel.allow_unknown));
            if let Some(corridor) = Guidance::corridor(costmap, from, &ends, travel, &cancelled) {
                (self.deliver)(work.guided(vec![corridor], None, None));
            }
        }
        let mut once = KeptGuidance::new();
        let is_for_goal = matches!(task.purpose, Purpose::Goal(_));
        let kept = if is_for_goal { &mut self.kept } else { &mut once };
        let deliver = &mut self.deliver;
        let is_late = || work.took() > PROMPT;
        // Guidance over headings needs all of it.
        let far_can_wait = began < self.far_at && outline.is_none();
        let mut deliver_near = |guidance| deliver(work.guided(guidance, None, None));
        // Nobody notes how far it is to what is asked for once.
        let near = task.epochs.to_go().map(|ToGo { from, cost }| Near {
            robot: from,
            bound: cost + AROUND,
            far_can_wait,
            is_late: &is_late,
            deliver: &mut deliver_near,
        });
        let is_near_enough = near.map_or(Some(false), |near| kept.mend_near((costmap, travel), area, near, &cancelled));
        let version = Some(costmap.version());
        let made = is_near_enough.and_then(|is_enough| {
            if is_enough {
                return Some(work.done(false));
            }
            let guidance = kept.update((costmap, travel), area, &cancelled)?;
            let aimed = task.aimed(costmap, &guidance, &mut self.poses);
            (self.deliver)(work.guided(guidance, None, version));
            let Some(aimed) = aimed else { return Some(work.done(true)) };
            let mut tell = |poses| {
                let guided = work.guided(Vec::new(), Some(Box::new(poses)), version);
                let number = guided.number;
                (self.deliver)(guided);
                task.epochs.tell(number);
            };
            self.poses.compute(costmap, &aimed, &cancelled, &mut tell).then(|| work.done(true))
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

/// A computation under way.
struct Work<'a, C> {
    clock: &'a C,
    began: Duration,
    task: &'a Task,
    delivered: &'a Counter<u64>,
}

impl<C: Clock> Work<'_, C> {
    fn took(&self) -> Duration {
        self.clock.now().saturating_sub(self.began)
    }

    /// What is delivered now.
    fn guided(&self, guidance: Vec<Guidance>, poses: Option<Box<PoseGuidance>>, version: Option<u64>) -> Box<Guided> {
        let done = self.clock.now();
        let (took, purpose) = (done.saturating_sub(self.began), self.task.purpose.clone());
        self.delivered.set(self.delivered.get() + 1);
        Box::new(Guided { guidance, poses, took, done, purpose, version, number: self.delivered.get() })
    }

    fn done(&self, is_whole: bool) -> Done {
        let at = self.clock.now();
        Done { at, took: at.saturating_sub(self.began), is_whole }
    }
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
mod tests;
