//! The model's part of a plan: a base answer, then refinements. The caller decides whether there is another refinement.

mod ahead_times;
mod times;

use std::time::Duration;

use trm_config::PlannerConfig;
use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;
use trm_grid::window::Window;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::encode::{GoalCells, Scales, encode};
use trm_net::error::InferenceError;
use trm_net::graphs::Update;
use trm_net::recursion::{Reach, Recursion};
use trm_net::symmetry::Symmetry;
use trm_safety::check::check;
use trm_safety::routes::Routes;

use crate::decode::{Decoder, Field};
use crate::halt::deadline::{Clock, Deadline};
use crate::halt::policy::{Assessment, Progress, StopReason};
use crate::model::ahead_times::AheadTimes;
use crate::model::times::{Times, unskipped_time};
use crate::outside_window::OutsideWindow;
use crate::path_buffer::{Offered, PathBuffer};
use crate::problem::Problem;
use crate::report::{GuidanceKind, Report};

/// How long a device may take before the first plan.
const WARM_UP: Duration = Duration::from_mins(1);

/// What the model works on in one plan. A warm state belongs to a view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    window: Window,
    geometry: Geometry,
    goal: Cell,
}

/// The result of a refinement.
#[derive(Debug, Clone, Copy)]
pub enum Refined {
    /// The latent z was updated. There is nothing new to decode.
    Latent,
    /// The answer y was updated, decoded and assessed.
    Answer(Assessment),
}

/// The plan in progress: its problem, its best path and its report.
pub struct Plan<'a> {
    /// The problem to solve.
    pub problem: &'a Problem<'a>,
    /// Checked routes, which paths may join outside the window.
    pub routes: &'a Routes,
    /// The best path so far.
    pub path: &'a mut PathBuffer,
    /// The clock for all measurements.
    pub clock: &'a dyn Clock,
    /// The report in progress.
    pub report: &'a mut Report,
    /// The model must have ended by then.
    pub until: Deadline,
    /// Time before that which is reserved for the fallback while there is no verified path.
    pub fallback: Duration,
}

impl Plan<'_> {
    /// How long a device may be waited for.
    fn patience(&self) -> Duration {
        let kept = if self.path.is_found() { Duration::ZERO } else { self.fallback };
        self.until.left(self.clock).saturating_sub(kept)
    }
}

/// The model for windows of one size, with all the memory that it needs.
pub struct Model {
    recursion: Recursion,
    decoder: Decoder,
    scales: Scales,
    warm_start: bool,
    warm_change_limit: f64,
    /// The view that the recursion's state was computed for, if the next plan may start from it.
    warm: Option<View>,
    /// The number of supervision steps since the last verified path. A state that is carried over without leading to
    /// one is given up after `max_steps`.
    fruitless: usize,
    max_steps: usize,
    /// The blocked cells of the window, `[size, size]`.
    blocked: Vec<bool>,
    /// The blocked cells of the previous plan's window, `[size, size]`.
    blocked_before: Vec<bool>,
    /// The extra cost of each cell of the window, `[size, size]`: see [`Window::extra`].
    extra: Vec<f32>,
    goals: GoalCells,
    /// The network's input, `[channels, size, size]`.
    input: Vec<f32>,
    /// How the window is rotated or mirrored for the model.
    symmetry: Symmetry,
    /// The model's input if it is.
    turned_input: Vec<f32>,
    /// The decoded field of the current answer, `[9, size, size]`, turned back if it is.
    restored_logits: Vec<f32>,
    /// An answer without a verified path that changes by less than this is stuck.
    stuck: Option<f32>,
    /// The part of the current answer's path inside the window.
    inside: Vec<Cell>,
    /// The part outside the window.
    outside: OutsideWindow,
    times: Times,
    ahead_times: AheadTimes,
    /// Those of the backend that takes over when this one's device is lost.
    spare_times: Option<Times>,
}

impl Model {
    /// The bundle's model, run by a backend that was made for it.
    #[must_use]
    pub fn new(config: &PlannerConfig, bundle: &Bundle, mut backend: Box<dyn Backend>) -> Self {
        backend.set_skip_threshold(Some(config.skip_threshold as f32));
        let shape = backend.shape();
        let cells = shape.size * shape.size;
        Self {
            recursion: Recursion::new(bundle, backend),
            decoder: Decoder::new(cells, config.max_expansions as usize),
            scales: bundle.manifest.encoding.scales,
            // Tokens of a sequence are bound to their places, and the robot's cell is one of them.
            warm_start: config.warm_start && shape.prefix == 0,
            warm_change_limit: config.warm_change_limit,
            warm: None,
            fruitless: 0,
            max_steps: config.max_steps as usize,
            blocked: vec![false; cells],
            blocked_before: vec![false; cells],
            extra: vec![0.0; cells],
            goals: GoalCells::new(shape.size),
            input: vec![0.0; shape.input_len()],
            symmetry: Symmetry::IDENTITY,
            turned_input: vec![0.0; shape.input_len()],
            restored_logits: vec![0.0; shape.logits_len()],
            stuck: config.turn_when_stuck.then_some(config.settled_threshold as f32),
            inside: Vec::with_capacity(cells),
            outside: OutsideWindow::default(),
            times: Times::new(config.time_quantile),
            ahead_times: AheadTimes::new(config.time_quantile),
            spare_times: None,
        }
    }

    /// Runs every graph a few times, so that the first plan already finds all memory allocated and all times measured;
    /// also those of the backend that would take over.
    ///
    /// # Errors
    /// [`InferenceError`] if a graph can't be run.
    pub fn warm_up(&mut self, clock: &dyn Clock) -> Result<(), InferenceError> {
        for _ in 0..3 {
            self.recursion.begin_cold();
            self.recursion.embed(&self.input)?;
            // A step, and one call more: where the first goes to the end of the step, the other one goes to an answer.
            let mut is_past_step = false;
            while !is_past_step {
                is_past_step = self.recursion.is_at_step_end() && self.recursion.applications() > 0;
                let reach = self.recursion.reach().unwrap_or(Reach::Answer);
                let began = clock.now();
                self.recursion.advance(reach, WARM_UP)?;
                self.times.of(reach).record(clock.now().saturating_sub(began));
            }
            let began = clock.now();
            self.recursion.decode(WARM_UP)?;
            self.times.decode.record(clock.now().saturating_sub(began));
        }
        if let Some(ahead) = self.recursion.ahead() {
            ahead.add(&self.input);
            let began = clock.now();
            ahead.think(WARM_UP)?;
            self.ahead_times.record(1, clock.now().saturating_sub(began), false);
            ahead.forget();
        }
        if let Some(spare) = self.recursion.backend().spare() {
            let mut times = Times::new(self.times.net.quantile());
            for _ in 0..3 {
                spare.reset();
                spare.embed(&self.input)?;
                let began = clock.now();
                spare.advance(&[Update::Latent], WARM_UP)?;
                times.net.record(clock.now().saturating_sub(began));
                let began = clock.now();
                spare.decode(WARM_UP)?;
                times.decode.record(clock.now().saturating_sub(began));
            }
            self.spare_times = Some(times);
        }
        Ok(())
    }

    /// Allocates memory for paths of `cells` cells.
    pub fn reserve(&mut self, cells: usize) {
        self.outside.reserve(cells);
    }

    /// Makes the next plan start cold.
    pub fn reset(&mut self) {
        self.warm = None;
        self.fruitless = 0;
    }

    /// The window that the model sees when planning from a cell.
    #[must_use]
    pub fn window(&self, from: Cell, geometry: &Geometry) -> Window {
        Window::around(from, geometry, self.recursion.shape().size, self.recursion.window_stride())
    }

    /// Prepares the base answer: encodes the window, and starts from the state of the previous plan if that fits, whose
    /// answer may already give a path. `None` if the window has no goal cell, so that there is nothing to refine.
    ///
    /// # Errors
    /// [`InferenceError`] if a graph can't be run. [`Self::finish`] must be called nevertheless.
    pub fn base(&mut self, plan: &mut Plan) -> Result<Option<View>, InferenceError> {
        let began = plan.clock.now();
        let Problem { costmap, from, goal, .. } = *plan.problem;
        let window = self.window(from, costmap.geometry());
        std::mem::swap(&mut self.blocked, &mut self.blocked_before);
        self.look(plan.problem, &window);
        let view = View { window, geometry: *costmap.geometry(), goal };
        plan.report.window = Some(window);
        plan.report.warm = self.start_warm(&view);
        if self.goals.count == 0 {
            return Ok(None);
        }
        self.encode(from, &window);
        self.outside.clear();
        self.symmetry = Symmetry::IDENTITY;
        let embedded = self.recursion.embed(&self.input);
        plan.report.stages.encode = plan.clock.now().saturating_sub(began);
        embedded?;
        if plan.report.warm {
            // The refinements will confirm or improve this answer.
            self.assess(&view, plan)?;
        }
        Ok(Some(view))
    }

    /// Looks at a window.
    fn look(&mut self, problem: &Problem, window: &Window) {
        let Problem { costmap, travel, goal, .. } = *problem;
        window.blocked(costmap, travel.allow_unknown, &mut self.blocked);
        window.extra(costmap, travel, &mut self.extra);
        self.goals.find(window, costmap, problem.guidance, goal);
    }

    /// Encodes what was looked at.
    fn encode(&mut self, from: Cell, window: &Window) {
        let start = window.local(from).and_then(|local| window.index(local));
        encode(&self.blocked, &self.extra, &self.goals, start, self.scales, &mut self.input);
    }

    /// How many problems it can think about ahead of their plans.
    pub fn capacity_ahead(&mut self) -> usize {
        self.recursion.ahead().map_or(0, |ahead| ahead.capacity())
    }

    /// Forgets what it has thought about ahead, to think about so many problems. Returns whether that is predicted to be worth it;
    /// else nothing changes.
    pub fn begin_ahead(&mut self, count: usize, patience: Duration) -> bool {
        let Some(ahead) = self.recursion.ahead() else { return false };
        let is_worth = self.ahead_times.is_worth(count, patience, self.times.alone(count));
        if is_worth {
            ahead.forget();
        }
        is_worth
    }

    /// Looks at one more problem, to think about it before it is planned. The next plan starts cold.
    pub fn look_ahead(&mut self, problem: &Problem, clock: &dyn Clock) {
        let began = clock.now();
        self.reset();
        let window = self.window(problem.from, problem.costmap.geometry());
        self.look(problem, &window);
        if self.goals.count > 0 {
            self.encode(problem.from, &window);
            if let Some(ahead) = self.recursion.ahead() {
                ahead.add(&self.input);
            }
        }
        self.ahead_times.look.record(clock.now().saturating_sub(began));
    }

    /// Thinks about all problems that it has looked at.
    pub fn think_ahead(&mut self, count: usize, patience: Duration, clock: &dyn Clock) {
        let Some(ahead) = self.recursion.ahead() else { return };
        let began = clock.now();
        let failed = ahead.think(patience).is_err();
        self.ahead_times.record(count, clock.now().saturating_sub(began), failed);
    }

    /// Applies the network once, or as often as is done in one call, which is the unit of work between two checks of the deadline.
    /// A new answer is decoded, and its path offered. If an answer has settled without a verified path, the recursion starts over with the
    /// window turned.
    ///
    /// # Errors
    /// [`InferenceError`] if a graph can't be run. [`Self::finish`] must be called nevertheless.
    pub fn refine(&mut self, view: &View, plan: &mut Plan) -> Result<Refined, InferenceError> {
        let began = plan.clock.now();
        let reach = self.choose_reach(plan.patience());
        let update = self.recursion.advance(reach, plan.patience())?;
        let time = plan.clock.now().saturating_sub(began);
        self.times.of(reach).record(unskipped_time(time, self.recursion.last_share()));
        plan.report.stages.recurse += time;
        if update == Update::Latent {
            return Ok(Refined::Latent);
        }
        let answer = self.assess(view, plan)?;
        let is_stuck = self.stuck.is_some_and(|stuck| answer.change < stuck);
        if !answer.verified && self.recursion.is_at_step_end() && is_stuck {
            self.turn()?;
        }
        Ok(Refined::Answer(answer))
    }

    /// How far the next call goes: to the end of a step if that is preferred and there is time, else to the next answer.
    fn choose_reach(&mut self, left: Duration) -> Reach {
        if self.recursion.reach() != Some(Reach::Step) {
            return Reach::Answer;
        }
        let fits = self.times.step.predicted().saturating_add(self.times.decode.predicted()) < left;
        if !fits {
            // A single slow step must not prevent all that follow.
            self.times.step.decay();
        }
        if fits { Reach::Step } else { Reach::Answer }
    }

    /// How far the recursion is.
    #[must_use]
    pub const fn progress(&self, verified: bool) -> Progress {
        Progress { steps: self.recursion.steps(), step_is_whole: self.recursion.is_at_step_end(), verified }
    }

    /// The predicted time of the shortest next refinement, including decoding.
    #[must_use]
    pub fn expected(&self) -> Duration {
        self.times.net.predicted().saturating_add(self.times.decode.predicted())
    }

    /// Ends a plan: completes the report, and keeps the state for the next plan if it is usable.
    pub fn finish(&mut self, stop: Result<(StopReason, View), InferenceError>, plan: &mut Plan) {
        let report = &mut *plan.report;
        report.applications = self.recursion.applications() as u16;
        report.steps = self.recursion.steps() as u16;
        report.share = self.recursion.work() / self.recursion.applications().max(1) as f32;
        report.stop = stop.ok().map(|(stop, _)| stop);
        report.inference_error = stop.err();
        if report.stop == Some(StopReason::Deadline) && report.applications == 0 {
            self.times.decay();
        }
        if report.inference_error.as_ref().is_some_and(InferenceError::is_lost)
            && let Some(times) = self.spare_times.take()
        {
            self.times = times;
        }
        let found = plan.path.is_found();
        self.fruitless = if found { 0 } else { self.fruitless + self.recursion.steps() };
        if self.fruitless >= self.max_steps {
            self.fruitless = 0;
        } else if let Ok((_, view)) = stop
            && self.symmetry == Symmetry::IDENTITY
            && self.recursion.is_usable()
        {
            self.warm = Some(view);
        }
        if found && plan.path.is_guided() {
            report.guidance = GuidanceKind::of(plan.problem.guidance);
        }
    }

    /// The current answer's field, as it was decoded last.
    #[must_use]
    pub fn field(&self, view: &View) -> Field<'_> {
        Field { window: view.window, blocked: &self.blocked, goals: &self.goals, logits: self.logits() }
    }

    /// The current answer's path inside the window, as far as it was followed.
    #[must_use]
    pub fn inside(&self) -> &[Cell] {
        &self.inside
    }

    /// The number of times that the network was applied in this plan.
    #[must_use]
    pub const fn applications(&self) -> usize {
        self.recursion.applications()
    }

    /// The current answer's logits, for the window as it lies.
    fn logits(&self) -> &[f32] {
        if self.symmetry == Symmetry::IDENTITY { self.recursion.logits() } else { &self.restored_logits }
    }

    /// Starts over with the window rotated or mirrored in the next way.
    fn turn(&mut self) -> Result<(), InferenceError> {
        self.symmetry = self.symmetry.next();
        self.symmetry.transform_input(self.recursion.shape().size, &self.input, &mut self.turned_input);
        self.recursion.reset_state();
        self.recursion.embed(&self.turned_input)
    }

    /// Decodes the current answer into [`Self::logits`]. Returns the logit of the q head.
    fn decode(&mut self, patience: Duration) -> Result<f32, InferenceError> {
        let q = self.recursion.decode(patience)?;
        if self.symmetry != Symmetry::IDENTITY {
            let size = self.recursion.shape().size;
            self.symmetry.restore_logits(size, self.recursion.logits(), &mut self.restored_logits);
        }
        Ok(q)
    }

    /// Decodes the current answer, and offers its path if that passes the check.
    fn assess(&mut self, view: &View, plan: &mut Plan) -> Result<Assessment, InferenceError> {
        let (began, problem) = (plan.clock.now(), plan.problem);
        let q = self.decode(plan.patience())?;
        let logits = if self.symmetry == Symmetry::IDENTITY { self.recursion.logits() } else { &self.restored_logits };
        let field = Field { window: view.window, blocked: &self.blocked, goals: &self.goals, logits };
        let found = self.decoder.find(&field, problem.from, &mut self.inside)
            && self.inside.last().is_some_and(|exit| self.outside.continue_from(problem, plan.routes, *exit));
        plan.report.expansions += self.decoder.expansions();
        let decoded = plan.clock.now();
        let cells = self.inside.iter().chain(self.outside.cells());
        let passes = found && check(problem.costmap, problem.rules, cells.map(|cell| cell.center()));
        let cost = passes.then(|| self.outside.cost(problem, plan.routes, &self.inside));
        let offered =
            cost.map(|cost| plan.path.offer(cost, &self.inside, self.outside.cells(), self.outside.junction()));
        if offered == Some(Offered::First) {
            plan.report.first_verified = Some(self.recursion.applications() as u16);
        }
        let ended = plan.clock.now();
        self.times.decode.record(ended.saturating_sub(began));
        plan.report.stages.decode += decoded.saturating_sub(began);
        plan.report.stages.verify += ended.saturating_sub(decoded);
        let known = found && self.decoder.is_known();
        Ok(Assessment {
            cost,
            known,
            beside: (self.decoder.expansions() + 1).saturating_sub(self.inside.len() as u32),
            verified: plan.path.is_found(),
            confirmed: offered == Some(Offered::NoBetter) && known,
            change: self.recursion.answer_change(),
            q,
        })
    }

    /// Starts from the state of the previous plan, shifted with the window, or cold. Returns whether the start is warm.
    fn start_warm(&mut self, now: &View) -> bool {
        let before = self.warm.take().filter(|before| {
            self.warm_start
                && before.geometry == now.geometry
                && before.goal == now.goal
                && self.is_similar(before, now)
        });
        let Some(before) = before else {
            self.recursion.begin_cold();
            return false;
        };
        let (patch, from, to) = (self.recursion.shape().patch as i32, before.window.corner(), now.window.corner());
        if from != to {
            self.recursion.shift_state((to.col - from.col) / patch, (to.row - from.row) / patch);
        }
        self.recursion.begin_warm();
        true
    }

    /// Whether few enough cells of the window are new or have changed.
    fn is_similar(&self, before: &View, now: &View) -> bool {
        let size = now.window.size() as i32;
        let mut changed = 0_usize;
        for row in 0..size {
            for col in 0..size {
                let local = Cell::new(col, row);
                let old = before.window.local(now.window.global(local)).and_then(|old| now.window.index(old));
                let new = now.window.index(local);
                let same = old.zip(new).is_some_and(|(old, new)| self.blocked_before[old] == self.blocked[new]);
                changed += usize::from(!same);
            }
        }
        changed as f64 <= self.warm_change_limit * self.blocked.len() as f64
    }
}
