//! The whole flow: a request comes in, a checked path or the reason why there is none goes out, before the deadline.
//!
//! The model has the first word. Without a verified path from it in time, the previous path is kept if it still passes
//! the check from where the robot is, else the classical fallback searches in the time that is left.

mod best;
mod recurse;
pub mod report;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use report::{GuidanceKind, Report, Source, StageTimes};

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
use crate::path::fallback::{Fallback, Found};
use crate::path::smooth::{Ends, STRIDE, straighten, to_poses};
use crate::path::verify::{Rules, VerifiedPath, check, in_cells};
use crate::units::{Cell, Pose};
use best::Best;
use recurse::{Job, Model, kept_for_fallback};

/// A path never has more cells.
const MAX_PATH_CELLS: usize = 1 << 18;
/// A robot farther than this from the path before, in cells, doesn't keep it.
const STRAY: f64 = 32.0;
/// Two paths go the same way while they are this near to each other, in cells, or the robot's diameter.
const SIDE: f64 = 8.0;
/// How many poses ahead two paths are compared.
const COMPARED: usize = 64;

/// What is asked for. Times are readings of the planner's clock.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the robot is, in the map frame.
    pub start: Pose,
    /// Where it shall go, in the map frame.
    pub goal: Pose,
    /// When the request arrived.
    pub arrived: Duration,
    /// When the path must be published.
    pub deadline: Duration,
    /// Set by another thread to give the plan up.
    pub cancel: Option<&'a AtomicBool>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The checked path, or why there is none.
    pub path: Result<&'a VerifiedPath, PlanError>,
    /// How it went.
    pub report: Report,
}

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
    draft: Vec<Pose>,
    /// What is left of the published path from where the robot is now.
    previous: Vec<Pose>,
    published: VerifiedPath,
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
            draft: Vec::new(),
            previous: Vec::new(),
            published: VerifiedPath::default(),
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
        self.fallback.prepare(geometry.cells());
        let room = geometry.cells().min(MAX_PATH_CELLS) + 1;
        for cells in [&mut self.best.cells, &mut self.cells, &mut self.corners, &mut self.straight] {
            *cells = Vec::with_capacity(room);
        }
        // The way back to a path that the robot has strayed from comes on top.
        let poses = room + STRAY as usize;
        self.draft = Vec::with_capacity(poses);
        self.previous = Vec::with_capacity(poses);
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
        let job = Job { costmap, guidance, rules, travel, departed, from, goal, cancel: request.cancel };
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
        let deadline = Deadline::at(request.deadline).earlier(self.reserve(request));
        let Some(model) = &mut self.model else { return };
        let past = if job.guidance.is_some() { &self.guided_time } else { &self.unguided_time };
        let fallback =
            if self.config.allow_fallback { kept_for_fallback(past, deadline.left(clock)) } else { Duration::ZERO };
        let policy = Policy::new(&self.config, deadline, fallback);
        report.stop = model.run(job, &policy, clock, &mut self.best, report);
    }

    /// Keeps the path before when there is no new one, and it still leads to the same pose.
    fn keep_previous(&mut self, job: &Job, request: &Request, clock: &dyn Clock, report: &mut Report) -> bool {
        let began = clock.now();
        let kept = self.previous(job, request) && self.published.accept(&mut self.previous, job.costmap, job.rules);
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
                self.previous.clear();
                self.previous.extend(rest(&self.published, start, geometry.resolution()));
                check(job.costmap, job.rules, in_cells(job.costmap, &self.previous))
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
        let ends = Ends {
            start: Some(request.start.point()),
            goal: in_goal.then_some(request.goal.point()),
            yaw: request.goal.yaw,
        };
        for smooth in [true, false] {
            let began = clock.now();
            let may_go_on = || self.config.smooth && smooth && !deadline.left(clock).is_zero();
            straighten(job.costmap, job.travel, &self.cells, job.departed, may_go_on, &mut self.corners);
            straighten(job.costmap, job.travel, &self.corners, job.departed, may_go_on, &mut self.straight);
            to_poses(job.costmap, job.rules.allow_unknown, &self.straight, ends, &mut self.draft);
            let drafted = clock.now();
            // The fallback is asked only where the path before can't be kept.
            let passes = if report.source != Source::Fallback && self.prefers_previous(job, request) {
                report.source = Source::Previous;
                self.published.accept(&mut self.previous, job.costmap, job.rules)
            } else {
                self.published.accept(&mut self.draft, job.costmap, job.rules)
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
            && job.travel.path(job.costmap, &self.previous) <= job.travel.path(job.costmap, &self.draft) + 1.0
            && parts(&self.draft, &self.previous, side)
    }

    /// Whether the last published path may still be driven from where the robot is; true when there is none.
    #[must_use]
    pub fn still_valid(&self, costmap: &Costmap, start: Pose) -> bool {
        let resolution = costmap.geometry().resolution();
        let rules = Rules::new(&self.config, resolution);
        let points = rest(&self.published, start, resolution).map(|pose| costmap.geometry().to_cells(pose.point()));
        self.published.poses().is_empty() || check(costmap, rules, points)
    }

    fn reserve(&self, request: &Request) -> Duration {
        let whole = request.deadline.saturating_sub(request.arrived);
        Duration::from_secs_f64(self.config.reserve_ms / 1e3).min(whole / 4)
    }
}

/// Whether one path leaves the other's side within its first poses.
fn parts(path: &[Pose], other: &[Pose], side: f64) -> bool {
    // The other may be ahead by as much as its poses are farther apart.
    let other = &other[..other.len().min(2 * COMPARED)];
    let near = |pose: &Pose| other.iter().any(|o| o.point().distance(pose.point()) <= side);
    !path.iter().take(COMPARED).all(near)
}

/// What is left of a path for a robot at `start`: the way to what follows the pose nearest to it, and that. Nothing when
/// the robot has strayed too far from it.
fn rest(path: &VerifiedPath, start: Pose, resolution: f64) -> impl Iterator<Item = Pose> + '_ {
    let poses = path.poses();
    let distance = |pose: &Pose| pose.point().distance(start.point());
    let nearest = (0..poses.len())
        .min_by(|a, b| distance(&poses[*a]).total_cmp(&distance(&poses[*b])))
        .filter(|nearest| distance(&poses[*nearest]) <= STRAY * resolution);
    let ahead = nearest.map_or(&[][..], |nearest| &poses[(nearest + 1).min(poses.len() - 1)..]);
    let join = ahead.first().into_iter().flat_map(move |next| {
        let (dx, dy) = (next.x - start.x, next.y - start.y);
        let pieces = (dx.hypot(dy) / (STRIDE * resolution)).ceil();
        (0..pieces as usize).map(move |piece| {
            let share = piece as f64 / pieces;
            Pose::new(start.x + share * dx, start.y + share * dy, dy.atan2(dx))
        })
    });
    join.chain(ahead.iter().copied())
}
