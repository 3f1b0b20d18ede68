//! The whole flow: a request comes in, a checked path or the reason why there is none goes out, before the deadline.
//!
//! The model has the first word. Without a verified path from it in time, the previous path is kept if it still passes
//! the check from where the robot is, else the classical fallback searches in the time that is left.

mod best;
mod beyond;
mod former;
mod recurse;
pub mod report;
mod request;

use std::time::Duration;

pub use report::{GuidanceKind, Report, Source, StageTimes};
pub use request::{Outcome, Request};

use crate::config::Config;
use crate::error::{LoadError, PlanError};
use crate::grid::costmap::Costmap;
use crate::grid::guidance::Guidance;
use crate::grid::occupancy::Geometry;
use crate::grid::travel::Travel;
use crate::halt::deadline::{Clock, Deadline};
use crate::halt::policy::{Policy, StopReason};
use crate::halt::predictor::Predictor;
use crate::model::backend::Backend;
use crate::model::bundle::Bundle;
use crate::model::fused::fastest;
use crate::path::endpoints::{Departure, resolve_goal};
use crate::path::fallback::{Fallback, Found, MOST_CELLS};
use crate::path::routes::{Routes, Tail};
use crate::path::smooth::{Ends, divide, straighten, to_poses};
use crate::path::verify::{Draft, Rules, VerifiedPath, check, in_cells};
use crate::units::{Cell, Pose};
use best::Best;
use former::{SIDE, STRAY, parts, rest};
use recurse::{Job, Model, kept_for_fallback};

/// A path never has more cells.
const MAX_PATH_CELLS: usize = 1 << 16;
/// Paths of more cells leave what lies farther ahead than half of it to a route.
const LONG: usize = 256;
/// No line of a route is longer, in cells, where that can be had.
const LINE: f64 = 64.0;

/// Plans on one grid after the other. Everything that a plan needs is allocated by [`Planner::new`] and
/// [`Planner::prepare`].
pub struct Planner {
    config: Config,
    travel: Travel,
    /// `None` when the parameter `max_steps` is 0.
    model: Option<Model>,
    fallback: Fallback,
    /// Past times of the fallback with guidance and without.
    guided_time: Predictor,
    unguided_time: Predictor,
    departure: Departure,
    geometry: Option<Geometry>,
    best: Best,
    /// The path under way: cells from the robot's own, its corners, fewer of them, its poses.
    cells: Vec<Cell>,
    corners: Vec<Cell>,
    straight: Vec<Cell>,
    draft: Draft,
    /// What is left of the published path from where the robot is now.
    previous: Draft,
    published: VerifiedPath,
    /// Beyond the window.
    routes: Routes,
    published_for: Option<Pose>,
}

impl Planner {
    /// A planner with the bundle's model on the fastest backend, warmed up; `clock` tells it how long the model takes.
    ///
    /// # Errors
    /// [`LoadError`] when the bundle's graphs can't be run, or not on windows of the parameter `window_size`.
    pub fn new(config: &Config, bundle: &Bundle, clock: &dyn Clock) -> Result<Self, LoadError> {
        Self::with_backend(config, bundle, fastest(bundle, config.window_size as usize)?, clock)
    }

    /// The same with another backend, made for the bundle and a window size.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the backend fails.
    pub fn with_backend(
        config: &Config,
        bundle: &Bundle,
        backend: Box<dyn Backend>,
        clock: &dyn Clock,
    ) -> Result<Self, LoadError> {
        let mut model = (config.max_steps > 0).then(|| Model::new(config, bundle, backend));
        if let Some(model) = &mut model {
            model.warm_up(clock)?;
        }
        Ok(Self {
            model,
            fallback: Fallback::default(),
            guided_time: Predictor::new(config.time_quantile),
            unguided_time: Predictor::new(config.time_quantile),
            departure: Departure::new(config, 1.0),
            geometry: None,
            best: Best::default(),
            cells: Vec::new(),
            corners: Vec::new(),
            straight: Vec::new(),
            draft: Draft::default(),
            previous: Draft::default(),
            published: VerifiedPath::default(),
            routes: Routes::default(),
            published_for: None,
            travel: Travel::new(config),
            config: config.clone(),
        })
    }

    /// Sizes everything for a grid. Call it off the control loop when a grid of another size has come; `plan` calls it
    /// too.
    pub fn prepare(&mut self, costmap: &Costmap) {
        let geometry = *costmap.geometry();
        if self.geometry == Some(geometry) {
            return;
        }
        self.geometry = Some(geometry);
        self.departure = Departure::new(&self.config, geometry.resolution());
        self.fallback.prepare(&geometry);
        let room = geometry.cells().min(MAX_PATH_CELLS) + 1;
        for cells in [&mut self.best.cells, &mut self.cells, &mut self.corners, &mut self.straight] {
            *cells = Vec::with_capacity(room);
        }
        // The way back to a path that the robot has strayed from comes on top.
        let poses = room + STRAY as usize;
        self.draft.poses = Vec::with_capacity(poses);
        self.previous.poses = Vec::with_capacity(poses);
        self.routes.reserve(room);
        self.reset();
        self.published.reserve(poses);
        if let Some(model) = &mut self.model {
            model.reserve(room);
        }
    }

    /// Forgets the state that the next plan would start from, and the previous path.
    pub fn reset(&mut self) {
        self.published.clear();
        self.published_for = None;
        self.routes.clear();
        if let Some(model) = &mut self.model {
            model.reset();
        }
    }

    /// Plans, within the deadline.
    pub fn plan(
        &mut self,
        costmap: &Costmap,
        guidance: Option<&Guidance>,
        request: &Request,
        clock: &dyn Clock,
    ) -> Outcome<'_> {
        self.prepare(costmap);
        let mut report = Report::default();
        let result = self.answer(costmap, guidance, request, clock, &mut report);
        if result.is_err() {
            report.source = Source::None;
        }
        report.stages.total = clock.now().saturating_sub(request.arrived);
        report.margin = Deadline::at(request.deadline).margin_ns(clock);
        Outcome { path: result.map(|()| &self.published), report }
    }

    fn answer(
        &mut self,
        costmap: &Costmap,
        guidance: Option<&Guidance>,
        request: &Request,
        clock: &dyn Clock,
        report: &mut Report,
    ) -> Result<(), PlanError> {
        let goal = resolve_goal(costmap, &self.config, request.goal.point())?;
        let departure = self.departure.find(costmap, &self.config, request.start.point())?;
        self.cells.clear();
        self.cells.extend_from_slice(departure);
        let (departed, from) = (departure.len(), departure[departure.len() - 1]);
        let guidance = guidance.filter(|g| g.fits(costmap) && g.goal() == goal && g.travel() == self.travel);
        if guidance.is_some_and(|g| g.version() == costmap.version() && g.cost_to_go(from).is_infinite()) {
            return Err(PlanError::NoValidPath);
        }
        let rules = Rules::new(&self.config, costmap.geometry().resolution());
        let travel = self.travel;
        let (goal_pose, cancel) = (request.goal, request.cancel);
        let job = Job { costmap, guidance, rules, travel, departed, from, goal, goal_pose, cancel, routes: None };
        self.routes.renew(costmap, travel);
        self.think(&job, request, clock, report);
        if job.is_cancelled() {
            return Err(PlanError::Cancelled);
        }
        if self.best.cells.is_empty() {
            if self.keep_previous(&job, request, clock, report) {
                return Ok(());
            }
            self.search(&job, request, clock, report)?;
        } else {
            report.source = Source::Model;
            if self.cells.len() + self.best.cells.len() > self.cells.capacity() {
                return Err(PlanError::TooLong { cells: MAX_PATH_CELLS as u32 });
            }
            self.cells.extend_from_slice(&self.best.cells[1..]);
        }
        self.finish(&job, request, clock, report)
    }

    /// Asks the model; its best verified path is in `best` afterwards.
    fn think(&mut self, job: &Job, request: &Request, clock: &dyn Clock, report: &mut Report) {
        self.best.cells.clear();
        self.best.tail = None;
        let deadline = Deadline::at(request.deadline).earlier(self.reserve(request));
        let Some(model) = &mut self.model else { return };
        let past = if job.guidance.is_some() { &self.guided_time } else { &self.unguided_time };
        let fallback =
            if self.config.allow_fallback { kept_for_fallback(past, deadline.left(clock)) } else { Duration::ZERO };
        let policy = Policy::new(&self.config, deadline, fallback);
        let job = Job { routes: Some(&self.routes), ..*job };
        report.stop = model.run(&job, &policy, clock, &mut self.best, report);
    }

    /// Keeps the path before when there is no new one, and it still leads to the same pose.
    fn keep_previous(&mut self, job: &Job, request: &Request, clock: &dyn Clock, report: &mut Report) -> bool {
        let began = clock.now();
        let kept = self.previous(job, request)
            && self.published.accept(&mut self.previous, &self.routes, job.costmap, job.rules);
        report.stages.fallback += clock.now().saturating_sub(began);
        if kept {
            report.source = Source::Previous;
        }
        kept
    }

    /// Writes what is left of the path before, from where the robot is now, into `previous`. `false` when there is none to
    /// the same pose that passes the check.
    fn previous(&mut self, job: &Job, request: &Request) -> bool {
        let geometry = job.costmap.geometry();
        let center = geometry.center(geometry.nearest_cell(request.start.point()));
        let starts = [request.start, Pose { x: center.x, y: center.y, ..request.start }];
        self.published_for == Some(request.goal)
            && starts.into_iter().any(|start| {
                rest(&self.published, &self.routes, start, geometry, &mut self.previous);
                self.previous.tail.is_none_or(|tail| self.routes.of(tail).is_checked(job.costmap, tail.from))
                    && check(job.costmap, job.rules, in_cells(job.costmap, &self.previous.poses))
            })
    }

    /// The classical search, in the time that is left.
    fn search(
        &mut self,
        job: &Job,
        request: &Request,
        clock: &dyn Clock,
        report: &mut Report,
    ) -> Result<(), PlanError> {
        if !self.config.allow_fallback {
            return Err(match report.stop {
                Some(StopReason::Deadline) => PlanError::TimedOut { applications: report.applications },
                _ => PlanError::ModelOnly { steps: report.steps },
            });
        }
        let began = clock.now();
        let deadline = Deadline::at(request.deadline).earlier(self.reserve(request));
        let may_go_on = || !deadline.left(clock).is_zero() && !job.is_cancelled();
        let ends = (job.from, job.goal);
        let found = self.fallback.find(job.costmap, job.travel, job.guidance, ends, may_go_on, &mut self.cells);
        let time = clock.now().saturating_sub(began);
        let past = if job.guidance.is_some() { &mut self.guided_time } else { &mut self.unguided_time };
        past.record(time);
        report.stages.fallback += time;
        report.expansions += self.fallback.expansions();
        match found {
            Found::Path => {}
            Found::None => return Err(PlanError::NoValidPath),
            Found::TimedOut if job.is_cancelled() => return Err(PlanError::Cancelled),
            Found::TimedOut => return Err(PlanError::TimedOut { applications: report.applications }),
            Found::TooFar => return Err(PlanError::SearchLimit { cells: MOST_CELLS as u32 }),
        }
        if self.cells.len() == self.cells.capacity() {
            return Err(PlanError::TooLong { cells: MAX_PATH_CELLS as u32 });
        }
        report.source = Source::Fallback;
        if job.guidance.is_some() {
            report.guidance = GuidanceKind::Classical;
        }
        Ok(())
    }

    /// Straightens the path of cells, makes poses of it, and checks them. Nothing else is ever published.
    fn finish(
        &mut self,
        job: &Job,
        request: &Request,
        clock: &dyn Clock,
        report: &mut Report,
    ) -> Result<(), PlanError> {
        let geometry = job.costmap.geometry();
        // Half of the reserve is for the check and for publishing.
        let deadline = Deadline::at(request.deadline).earlier(self.reserve(request) / 2);
        let in_goal = geometry.cell_at(request.goal.point()) == Some(job.goal);
        let goal = in_goal.then_some(request.goal.point());
        for smooth in [true, false] {
            let began = clock.now();
            let may_go_on = || self.config.smooth && smooth && !deadline.left(clock).is_zero();
            straighten(job.costmap, job.travel, &self.cells, job.departed, may_go_on, &mut self.corners);
            straighten(job.costmap, job.travel, &self.corners, job.departed, may_go_on, &mut self.straight);
            self.draft.tail = self.tail(job);
            // A route leads on from the centre of a cell.
            let goal = goal.filter(|_| self.draft.tail.is_none());
            let ends = Ends { start: Some(request.start.point()), goal, yaw: request.goal.yaw };
            to_poses(job.costmap, job.rules.allow_unknown, &self.straight, ends, &mut self.draft.poses);
            let drafted = clock.now();
            // The fallback is asked only where the path before can't be kept.
            let passes = if report.source != Source::Fallback && self.prefers_previous(job, request) {
                report.source = Source::Previous;
                self.published.accept(&mut self.previous, &self.routes, job.costmap, job.rules)
            } else {
                self.published.accept(&mut self.draft, &self.routes, job.costmap, job.rules)
            };
            report.stages.smooth += drafted.saturating_sub(began);
            report.stages.verify += clock.now().saturating_sub(drafted);
            if passes {
                self.published_for = Some(request.goal);
                return Ok(());
            }
        }
        Err(PlanError::Unverified)
    }

    /// Whether the path before is to be kept beside the draft: it leads another way and costs as little, up to a cell. So
    /// the robot doesn't turn to and fro between two ways of the same cost.
    fn prefers_previous(&mut self, job: &Job, request: &Request) -> bool {
        let resolution = job.costmap.geometry().resolution();
        let side = (2.0 * self.config.robot_radius).max(SIDE * resolution);
        self.previous(job, request)
            && self.cost(job, &self.previous) <= self.cost(job, &self.draft) + 1.0
            && parts(&mut self.draft, &mut self.previous, &self.routes, side)
    }

    /// The travel cost of a draft to the goal, in cells.
    fn cost(&self, job: &Job, draft: &Draft) -> f64 {
        let beyond = draft.tail.map_or(0.0, |tail| self.routes.of(tail).cost_to_go(tail.from));
        job.travel.path(job.costmap, &draft.poses) + beyond
    }

    /// Where the path under way goes over into a route. What is far ahead on a long one becomes a route, which later plans can
    /// join, and only what comes before it stays in `straight`.
    fn tail(&mut self, job: &Job) -> Option<Tail> {
        let joined = self.best.tail;
        if self.cells.len() < LONG {
            return joined;
        }
        divide(job.costmap, job.travel.allow_unknown, &self.straight, LINE, &mut self.corners);
        let mut ahead = 0.0;
        let is_far = |pair: &[Cell]| {
            ahead += f64::from(pair[0].octile(pair[1]));
            ahead >= LONG as f64 / 2.0
        };
        let departed = job.departed - 1;
        let Some(at) = self.corners[departed..].windows(2).position(is_far).map(|at| departed + at + 1) else {
            return joined;
        };
        let Some((route, tail, kept)) = self.routes.spare([joined, self.published.tail()]) else { return joined };
        let guidance = job.guidance.map(Guidance::version);
        let drawn = match joined {
            Some(joined) => route.draw_to(job.costmap, job.travel, &self.corners[at..], (kept, joined.from), guidance),
            None => route.draw(job.costmap, job.travel, &self.corners[at..], job.goal_pose, guidance),
        };
        if !drawn {
            return joined;
        }
        std::mem::swap(&mut self.straight, &mut self.corners);
        self.straight.truncate(at + 1);
        Some(tail)
    }

    /// Whether the last published path may still be driven from where the robot is; true when there is none.
    #[must_use]
    pub fn still_valid(&mut self, costmap: &Costmap, start: Pose) -> bool {
        let rules = Rules::new(&self.config, costmap.geometry().resolution());
        rest(&self.published, &self.routes, start, costmap.geometry(), &mut self.previous);
        let holds = |tail: Tail| self.routes.of(tail).holds(costmap, rules.allow_unknown, tail.from);
        self.published.poses().is_empty()
            || (self.previous.tail.is_none_or(holds) && check(costmap, rules, in_cells(costmap, &self.previous.poses)))
    }

    fn reserve(&self, request: &Request) -> Duration {
        let whole = request.deadline.saturating_sub(request.arrived);
        Duration::from_secs_f64(self.config.reserve_ms / 1e3).min(whole / 4)
    }
}
