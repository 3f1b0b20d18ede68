//! The whole flow from a request to a checked path, or to the reason why there is none, before the deadline.
//!
//! The model answers first. If it has no verified path in time, the previous path is kept as long as it still passes
//! the check from where the robot is. Otherwise the classical fallback searches in the time that is left.

use std::sync::Arc;
use std::time::Duration;

use trm_config::{BackendChoice, GridConfig, PlannerConfig};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Point, Pose};
use trm_grid::window::Window;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::bundle_id::BundleId;
use trm_net::error::{InferenceError, LoadError};
use trm_net::router::Router;
use trm_safety::VerifiedPath;
use trm_safety::check::{Rules, check, in_cells};
use trm_safety::routes::Routes;

use crate::ask::Settings;
use crate::backends::{Chosen, choose as choose_backend};
use crate::budget::{Budget, reserved_for_fallback};
use crate::endpoints::{Departures, GoalArea};
use crate::error::PlanError;
use crate::fallback::{Fallback, Found};
use crate::guides::Guides;
use crate::halt::deadline::Clock;
use crate::halt::policy::{Policy, StopReason};
use crate::halt::predictor::Predictor;
use crate::lattice_planner::LatticePlanner;
use crate::model::{Model, Plan, Refined, View};
use crate::path_buffer::PathBuffer;
use crate::previous_path::{MAX_STRAY, PreviousPath};
use crate::problem::Problem;
use crate::report::{GuidanceKind, MovedGoal, Report, Source};
use crate::request::{Outcome, Request};
use crate::robot::Robot;
use crate::search_map::MAX_CELLS;
use crate::specialists::Specialists;
use crate::target::{Target, choose};
use crate::unchanged::{self, Unchanged};
use crate::watch::{Answer, Watch};

/// The maximum number of cells of a path.
const MAX_PATH_CELLS: usize = 1 << 16;

/// The cell nearest to a goal that can be reached, on one version of the costmap.
#[derive(Debug, Clone, Copy)]
struct Resolved {
    goal: Point,
    version: u64,
    cell: Cell,
}

/// The planner. [`Planner::new`] and [`Planner::prepare`] allocate everything that a plan needs.
///
/// ```
/// use std::time::{Duration, Instant};
/// use trm_config::{Config, GridKind};
/// use trm_grid::costmap_builder::build;
/// use trm_grid::geometry::Geometry;
/// use trm_grid::occupancy::OccupancyGrid;
/// use trm_grid::units::Pose;
/// use trm_net::bundle::Bundle;
/// use trm_planner::halt::deadline::Clock;
/// use trm_planner::{Planner, Request};
///
/// // A room of 3 m x 3 m, empty except for a wall.
/// let config = Config::default();
/// let mut cells = vec![0; 60 * 60];
/// cells[30 * 60..30 * 60 + 40].fill(100);
/// let grid = OccupancyGrid::new(Geometry::new(60, 60, 0.05, Pose::default())?, cells)?;
/// let costmap = build(&config.grid, GridKind::Map, grid);
///
/// // The released model, on the fastest backend of this machine.
/// let bundle = Bundle::load(&trm_net::released::find(None, std::iter::empty())?)?;
/// let clock = Instant::now();
/// let mut planner = Planner::new(&config.grid, &config.planner, &bundle, &clock)?;
///
/// let arrived = clock.now();
/// let request = Request {
///     start: Pose::new(0.5, 0.5, 0.0),
///     goal: Pose::new(0.5, 2.5, 1.57),
///     arrived,
///     deadline: arrived + Duration::from_secs(10),
///     epoch: None,
/// };
/// let outcome = planner.plan(&costmap, &[], &request, &clock);
/// let path = outcome.path?;
/// assert_eq!(path.poses().first().map(|pose| pose.point()), Some(request.start.point()));
/// assert_eq!(path.poses().last(), Some(&request.goal));
/// assert!(path.length() > 4.0, "around the wall");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Planner {
    config: PlannerConfig,
    travel: Travel,
    /// The robot's radius in metres.
    robot_radius: f64,
    /// The geometry that everything is allocated for.
    geometry: Option<Geometry>,
    departures: Departures,
    /// What the last search that saw every cell in reach has found out.
    resolved: Option<Resolved>,
    /// `None` if the parameter `max_steps` is 0.
    models: Option<Specialists>,
    fallback: Fallback,
    /// Past times of the fallback with guidance.
    guided_time: Predictor,
    /// Past times of the fallback without guidance.
    unguided_time: Predictor,
    /// The path of the current plan.
    path: PathBuffer,
    /// The path that was published last.
    previous: PreviousPath,
    /// Whether there is anything to think about.
    unchanged: Unchanged,
    /// The far parts of both paths.
    routes: Routes,
    /// Plans instead of all that, for a robot with a footprint.
    lattice: Option<LatticePlanner>,
    fit: Fit,
    /// What the model runs on, and why, for people to read.
    backend: String,
    /// By which a record of plans knows it; 0 without one.
    number: u64,
    bundles: Vec<BundleId>,
}

/// Whether a planner was made for the robot as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Exact,
    /// For one with another footprint. Its paths are checked with the present one.
    Checked,
    /// For a disc and not one with a footprint, or the other way round.
    None,
}

impl Planner {
    /// A planner with the bundle's model on the backend that the parameter `backend` asks for. It warms up the model, and
    /// measures its time with `clock`.
    ///
    /// # Errors
    /// [`LoadError`] if the bundle's graphs can't be run, don't support the parameter `window_size`, or if the machine
    /// doesn't have the backend.
    pub fn new(
        grid: &GridConfig,
        config: &PlannerConfig,
        bundle: &Bundle,
        clock: &dyn Clock,
    ) -> Result<Self, LoadError> {
        let Chosen { backend, about } = choose_backend(&backend_config(grid, config), bundle, clock)?;
        let planner = Self::with_backend(grid, config, bundle, backend, clock)?;
        Ok(Self { backend: about, ..planner })
    }

    /// A planner with all the bundles of a router, each on the backend that the parameter `backend` asks for.
    ///
    /// # Errors
    /// As [`Self::new`]; names the bundle.
    pub fn routed(
        grid: &GridConfig,
        config: &PlannerConfig,
        router: &Router,
        clock: &dyn Clock,
    ) -> Result<Self, LoadError> {
        let backend_config = backend_config(grid, config);
        let chosen = router.bundles.iter().map(|bundle| choose_backend(&backend_config, bundle, clock));
        let chosen: Vec<Chosen> = chosen.collect::<Result<_, _>>()?;
        let about = chosen.first().map(|first| first.about.clone()).unwrap_or_default();
        let backends = chosen.into_iter().map(|chosen| chosen.backend).collect();
        let models = has_model(grid, config).then(|| Specialists::routed(config, router, backends));
        let ids = router.bundles.iter().map(BundleId::of).collect();
        Ok(Self { backend: about, bundles: ids, ..Self::with_models(grid, config, models, clock)? })
    }

    /// Like [`Self::new`], with a given backend, which must have been made for the bundle.
    ///
    /// # Errors
    /// [`LoadError::Inference`] if the backend fails.
    pub fn with_backend(
        grid: &GridConfig,
        config: &PlannerConfig,
        bundle: &Bundle,
        backend: Box<dyn Backend>,
        clock: &dyn Clock,
    ) -> Result<Self, LoadError> {
        let models = has_model(grid, config).then(|| Specialists::single(config, bundle, backend));
        Ok(Self { bundles: vec![BundleId::of(bundle)], ..Self::with_models(grid, config, models, clock)? })
    }

    fn with_models(
        grid: &GridConfig,
        config: &PlannerConfig,
        mut models: Option<Specialists>,
        clock: &dyn Clock,
    ) -> Result<Self, LoadError> {
        let travel = Travel::new(grid);
        let robot = Robot::of(grid, config);
        if let Some(models) = &mut models {
            models.warm_up(clock)?;
        }
        Ok(Self {
            travel,
            robot_radius: grid.robot_radius,
            geometry: None,
            departures: Departures::new(travel, config.start_tolerance, 1.0),
            resolved: None,
            models,
            fallback: Fallback::default(),
            guided_time: Predictor::new(config.time_quantile),
            unguided_time: Predictor::new(config.time_quantile),
            path: PathBuffer::default(),
            previous: PreviousPath::default(),
            unchanged: Unchanged::default(),
            routes: Routes::default(),
            fit: Fit::Exact,
            backend: String::new(),
            number: 0,
            bundles: Vec::new(),
            lattice: robot.map(|robot| LatticePlanner::new(robot, travel, config)),
            config: config.clone(),
        })
    }

    /// Allocates everything for a grid. Call it outside the planning loop when the geometry of the grid has changed;
    /// [`Self::plan`] calls it too. The previous path stays where the cells are like those before.
    pub fn prepare(&mut self, costmap: &Costmap) {
        if let Some(lattice) = &mut self.lattice {
            return lattice.prepare(costmap);
        }
        let geometry = *costmap.geometry();
        if self.geometry == Some(geometry) {
            return;
        }
        self.unchanged.forget();
        let stays = self.geometry.replace(geometry).is_some_and(|before| before.is_like(&geometry));
        self.departures = Departures::new(self.travel, self.config.start_tolerance, geometry.resolution());
        self.fallback.prepare(&geometry);
        let cells = geometry.cells().min(MAX_PATH_CELLS) + 1;
        // The line back to a previous path that the robot has strayed from needs additional poses.
        let poses = cells + MAX_STRAY as usize;
        self.path.reserve(cells, poses);
        if stays {
            self.previous.leave_route();
        } else {
            self.previous.clear();
        }
        self.previous.reserve(poses);
        self.routes.clear();
        self.routes.reserve(cells);
        if let Some(model) = &mut self.models {
            model.reset();
            model.reserve(cells);
        }
    }

    /// Forgets the model's state and the previous path, so that the next plan starts cold.
    pub fn reset(&mut self) {
        if let Some(lattice) = &mut self.lattice {
            lattice.reset();
        }
        self.previous.clear();
        self.unchanged.forget();
        self.routes.clear();
        if let Some(model) = &mut self.models {
            model.reset();
        }
    }

    /// Tells of the robot's size, for when it changes together with the costs. A planner that was made for another
    /// footprint checks its paths with the new one.
    pub fn set_robot(&mut self, grid: &GridConfig) {
        self.robot_radius = grid.robot_radius;
        self.unchanged.forget();
        self.fit = match (&mut self.lattice, grid.outline()) {
            (None, None) => Fit::Exact,
            (Some(lattice), Some(outline)) => {
                if lattice.check_with(&outline) {
                    Fit::Exact
                } else {
                    Fit::Checked
                }
            }
            _ => Fit::None,
        };
    }

    /// Goes on with the path of a planner with other parameters, if both plan for a robot with a footprint.
    pub fn take_over(&mut self, other: &mut Self) {
        if let (Some(lattice), Some(other)) = (&mut self.lattice, &mut other.lattice) {
            lattice.take_over(other);
        }
    }

    /// The same planner under a number, by which a [record](crate::record) of plans knows it.
    #[must_use]
    pub fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// The number by which a record of plans knows it; 0 without one.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// What the model runs on, and why, in one line; `None` without a model, or when the backend was given.
    #[must_use]
    pub fn backend(&self) -> Option<&str> {
        self.models.is_some().then_some(self.backend.as_str()).filter(|about| !about.is_empty())
    }

    /// The bundles that it has, the first of which plans in doubt.
    #[must_use]
    pub fn bundles(&self) -> &[BundleId] {
        &self.bundles
    }

    /// The parameters that guidance for this planner depends on.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let robot = self.lattice.as_ref().map(|lattice| Arc::clone(lattice.robot()));
        Settings { travel: self.travel, tolerance: self.config.tolerance, robot }
    }

    /// The window that the model sees when planning from a cell; `None` without a model.
    #[must_use]
    pub fn window(&self, from: Cell, geometry: &Geometry) -> Option<Window> {
        self.models.as_ref().map(|models| models.window(from, geometry))
    }

    /// Whether guidance over headings leads it.
    #[must_use]
    pub const fn is_led_over_headings(&self) -> bool {
        self.lattice.is_some()
    }

    /// Whether the last published path is still safe to drive from where the robot is. True if there is none.
    #[must_use]
    pub fn still_valid(&self, costmap: &Costmap, start: Pose) -> bool {
        if let Some(lattice) = &self.lattice {
            return lattice.still_valid(costmap, start);
        }
        self.previous.still_holds(&self.routes, start, costmap, self.rules(costmap))
    }

    /// Whether a path that is made of several is safe to drive on these costs.
    #[must_use]
    pub fn accepts(&self, costmap: &Costmap, poses: &[Pose]) -> bool {
        if let Some(lattice) = &self.lattice {
            return lattice.accepts(costmap, poses);
        }
        check(costmap, self.rules(costmap), in_cells(costmap, poses))
    }

    /// Plans a path within the deadline. A successful plan becomes the previous path of the next one. `guides` is what guidance
    /// there is to the goal, perhaps on older costs; there may be none.
    pub fn plan<'g>(
        &mut self,
        costmap: &Costmap,
        guides: impl Into<Guides<'g>>,
        request: &Request,
        clock: &dyn Clock,
    ) -> Outcome<'_> {
        self.plan_watched(costmap, guides, request, clock, &mut |_| {})
    }

    /// As [`Self::plan`], and shows each answer of the model. What `watch` takes of the time is the plan's.
    pub fn plan_watched<'g>(
        &mut self,
        costmap: &Costmap,
        guides: impl Into<Guides<'g>>,
        request: &Request,
        clock: &dyn Clock,
        watch: &mut Watch,
    ) -> Outcome<'_> {
        let guides = guides.into();
        self.prepare(costmap);
        let mut report = Report::default();
        let budget = Budget::new(request, self.config.reserve_ms);
        let result = match &mut self.lattice {
            _ if self.fit == Fit::None => Err(PlanError::NotReady),
            Some(lattice) => {
                let result = lattice.plan(costmap, guides, request, (&budget, clock), &mut report);
                // What keeps another robot from its goal says nothing of this one.
                result.map_err(|error| if self.fit == Fit::Exact { error } else { PlanError::NotReady })
            }
            None => self
                .pose_problem(costmap, guides.cells, request)
                .and_then(|problem| self.solve(problem, (&budget, clock), &mut report, watch)),
        };
        match &result {
            Ok(()) => report.moved_goal = MovedGoal::of(request.goal, self.published(), costmap.geometry()),
            Err(_) => report.source = Source::None,
        }
        report.stages.total = clock.now().saturating_sub(request.arrived);
        report.margin = budget.publish.margin_ns(clock);
        Outcome { path: result.map(|()| self.published()), report }
    }

    /// The path that was published last.
    const fn published(&self) -> &VerifiedPath {
        match &self.lattice {
            Some(lattice) => lattice.path(),
            None => self.previous.path(),
        }
    }

    /// Converts a request to a problem in cells, and starts its path with the departure.
    fn pose_problem<'a>(
        &mut self,
        costmap: &'a Costmap,
        guidance: &'a [Guidance],
        request: &Request<'a>,
    ) -> Result<Problem<'a>, PlanError> {
        let (travel, goal_pose) = (self.travel, request.goal);
        let area = GoalArea::new(costmap.geometry(), self.config.tolerance, goal_pose.point())?;
        let starts = self.departures.find(costmap, request.start.point())?;
        // Another start might lead to a nearer cell.
        let is_known = |known: &Resolved| {
            known.goal == goal_pose.point() && known.version == costmap.version() && starts.len() == 1
        };
        let known = self.resolved.filter(is_known).map(|known| known.cell);
        let Target { from, goal, guidance } = choose((costmap, travel), &area, starts, guidance, known)?;
        self.path.begin(self.departures.way_to(from));
        let (rules, start_pose, epoch) = (self.rules(costmap), request.start, request.epoch);
        Ok(Problem { costmap, guidance, rules, travel, from, area, goal, start_pose, goal_pose, epoch })
    }

    /// Solves a problem. The result is the previous path afterwards.
    fn solve(
        &mut self,
        mut problem: Problem,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
        watch: &mut Watch,
    ) -> Result<(), PlanError> {
        self.routes.recheck(problem.costmap, problem.travel);
        if self.keep_unchanged(&problem, clock, report) {
            return Ok(());
        }
        self.unchanged.forget();
        self.ask_model(&problem, (budget, clock), report, watch);
        if problem.is_cancelled() {
            return Err(PlanError::Cancelled);
        }
        if self.path.is_found() {
            report.source = Source::Model;
        } else {
            if self.keep_previous(&problem, clock, report) {
                return Ok(());
            }
            self.search(&mut problem, budget, clock, report)?;
        }
        self.finish(&problem, budget, clock, report)?;
        if !self.previous.is_in_doubt() {
            self.unchanged.remember(&problem, report, clock.now());
        }
        Ok(())
    }

    /// Keeps the rest of the previous path without a thought, if nothing has changed since the recursion ended.
    fn keep_unchanged(&mut self, problem: &Problem, clock: &dyn Clock, report: &mut Report) -> bool {
        let Some(models) = &self.models else { return false };
        let limit = Duration::from_secs_f64(self.config.unchanged_limit);
        let window = models.window(problem.from, problem.costmap.geometry());
        let is_near = || {
            let most = unchanged::MAX_STRAY * problem.costmap.geometry().resolution();
            self.previous.distance(problem.start_pose.point(), problem.costmap.geometry()) <= most
        };
        if !self.unchanged.holds(problem, window, clock.now(), limit) || !is_near() {
            return false;
        }
        let is_kept = self.keep_previous(problem, clock, report);
        if is_kept {
            (report.stop, report.window) = (Some(StopReason::Unchanged), Some(window));
        }
        is_kept
    }

    /// Runs the model. Its best verified path, if any, is in `self.path` afterwards.
    fn ask_model(
        &mut self,
        problem: &Problem,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
        watch: &mut Watch,
    ) {
        let Some(models) = &mut self.models else { return };
        let (model, route) = models.pick(problem, clock);
        report.route = route;
        let past = if problem.guidance.is_some() { &self.guided_time } else { &self.unguided_time };
        let fallback = if self.config.allow_fallback {
            reserved_for_fallback(past, budget.plan.left(clock))
        } else {
            Duration::ZERO
        };
        let policy = Policy::new(&self.config, budget.plan, fallback);
        let (routes, path, until) = (&self.routes, &mut self.path, budget.plan);
        let mut plan = Plan { problem, routes, path, clock, report, until, fallback };
        let stop = match model.base(&mut plan) {
            Ok(None) => return,
            Ok(Some(view)) => refine(model, &view, &policy, &mut plan, watch).map(|stop| (stop, view)),
            Err(error) => Err(error),
        };
        model.finish(stop, &mut plan);
    }

    /// Keeps the rest of the previous path, if it leads to the same goal and passes the check.
    fn keep_previous(&mut self, problem: &Problem, clock: &dyn Clock, report: &mut Report) -> bool {
        let began = clock.now();
        let kept = self.previous.keep(&self.routes, problem);
        report.stages.fallback += clock.now().saturating_sub(began);
        if kept {
            report.source = Source::Previous;
        }
        kept
    }

    /// Runs the classical search in the time that is left. The problem becomes that of the ends that it has found.
    fn search(
        &mut self,
        problem: &mut Problem,
        budget: &Budget,
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
        let may_go_on = || !budget.plan.left(clock).is_zero() && !problem.is_cancelled();
        let (costs, goal) = ((problem.costmap, problem.travel), (problem.goal, &problem.area));
        let found = self.fallback.find(costs, problem.guidance, self.departures.starts(), goal, may_go_on);
        let time = clock.now().saturating_sub(began);
        let past = if problem.guidance.is_some() { &mut self.guided_time } else { &mut self.unguided_time };
        past.record(time);
        report.stages.fallback += time;
        report.expansions += self.fallback.expansions();
        let end = match found {
            Found::Path(end) => end,
            Found::None => return Err(PlanError::NoValidPath),
            Found::TimedOut if problem.is_cancelled() => return Err(PlanError::Cancelled),
            Found::TimedOut => return Err(PlanError::TimedOut { applications: report.applications }),
            Found::OutOfRoom => return Err(PlanError::SearchLimit { cells: MAX_CELLS as u32 }),
        };
        self.take_found(problem, end)?;
        report.source = Source::Fallback;
        report.guidance = GuidanceKind::of(problem.guidance);
        Ok(())
    }

    /// Takes the path that the search has found to `end`.
    fn take_found(&mut self, problem: &mut Problem, end: Cell) -> Result<(), PlanError> {
        if end != problem.goal {
            // The search has seen all cells in reach, so it knows which of them is the nearest to the goal.
            let (goal, version) = (problem.goal_pose.point(), problem.costmap.version());
            self.resolved = Some(Resolved { goal, version, cell: end });
            (problem.goal, problem.guidance) = (end, None);
        }
        problem.from = self.fallback.start_of(end);
        self.path.begin(self.departures.way_to(problem.from));
        let (fallback, ends) = (&mut self.fallback, (problem.from, end));
        let fits = self.path.append(|cells| fallback.append(ends, cells));
        if fits { Ok(()) } else { Err(PlanError::TooLong { cells: MAX_PATH_CELLS as u32 }) }
    }

    /// Straightens the path of cells, converts it to poses and has them checked. Without straightening it tries again
    /// if they fail. Nothing else is ever published.
    fn finish(
        &mut self,
        problem: &Problem,
        budget: &Budget,
        clock: &dyn Clock,
        report: &mut Report,
    ) -> Result<(), PlanError> {
        for smooth in [true, false] {
            let began = clock.now();
            let may_go_on = || self.config.smooth && smooth && !budget.smooth.left(clock).is_zero();
            self.path.straighten(problem.costmap, problem.travel, may_go_on);
            self.path.to_draft(problem, &mut self.routes, self.previous.path().junction());
            let drafted = clock.now();
            let draft = &mut self.path.draft;
            // The fallback only runs if the previous path can't be kept.
            let is_kept = report.source != Source::Fallback
                && self.previous.is_preferred_to(draft, &self.routes, problem, (self.robot_radius, drafted));
            let passes = if is_kept {
                report.source = Source::Previous;
                self.previous.keep(&self.routes, problem)
            } else {
                self.previous.replace(draft, &self.routes, problem)
            };
            report.stages.smooth += drafted.saturating_sub(began);
            report.stages.verify += clock.now().saturating_sub(drafted);
            if passes {
                return Ok(());
            }
        }
        Err(PlanError::Unverified)
    }

    fn rules(&self, costmap: &Costmap) -> Rules {
        Rules::new(self.travel.allow_unknown, self.config.start_tolerance, costmap.geometry().resolution())
    }
}

/// A robot for which there is no model needs no device for it.
fn backend_config(grid: &GridConfig, config: &PlannerConfig) -> PlannerConfig {
    let backend = if has_model(grid, config) { config.backend } else { BackendChoice::Cpu };
    PlannerConfig { backend, ..config.clone() }
}

/// Whether the model plans: it does so for discs.
fn has_model(grid: &GridConfig, config: &PlannerConfig) -> bool {
    config.max_steps > 0 && Robot::of(grid, config).is_none()
}

/// Refines the model's answer until the policy stops it. Returns the reason.
fn refine(
    model: &mut Model,
    view: &View,
    policy: &Policy,
    plan: &mut Plan,
    watch: &mut Watch,
) -> Result<StopReason, InferenceError> {
    loop {
        if plan.problem.is_cancelled() {
            return Ok(StopReason::Cancelled);
        }
        if let Some(stop) = policy.before(model.progress(plan.path.is_found()), model.expected(), plan.clock) {
            return Ok(stop);
        }
        let Refined::Answer(assessment) = model.refine(view, plan)? else { continue };
        let (field, path) = (model.field(view), model.inside());
        watch(&Answer { applications: model.applications(), assessment, field, path });
        if let Some(stop) = policy.after(assessment) {
            return Ok(stop);
        }
    }
}
