//! Plans for a disc.
//!
//! The model answers first. If it has no verified path in time, the previous path is kept as long as it still passes
//! the check from where the robot is. Otherwise the classical fallback searches in the time that is left.

use std::time::Duration;

use trm_config::{GridConfig, PlannerConfig};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Point, Pose};
use trm_grid::window::Window;
use trm_net::error::InferenceError;
use trm_safety::VerifiedPath;
use trm_safety::check::{Rules, check, in_cells};
use trm_safety::routes::Routes;

use crate::ask::Settings;
use crate::budget::{Budget, reserved_for_fallback};
use crate::endpoints::{Departures, GoalArea};
use crate::error::PlanError;
use crate::fallback::{Fallback, Found};
use crate::halt::deadline::Clock;
use crate::halt::policy::{Policy, StopReason};
use crate::halt::predictor::Predictor;
use crate::model::{Model, Plan, Refined, View};
use crate::path_buffer::PathBuffer;
use crate::previous_path::{MAX_STRAY, PreviousPath};
use crate::problem::Problem;
use crate::report::{GuidanceKind, Report, Source};
use crate::request::Request;
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

/// The planner for a disc. Everything is allocated in [`Self::prepare`].
pub struct DiscPlanner {
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
}

impl DiscPlanner {
    /// A planner with these models, which are warm.
    #[must_use]
    pub fn new(grid: &GridConfig, config: &PlannerConfig, models: Option<Specialists>) -> Self {
        let travel = Travel::new(grid);
        Self {
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
            config: config.clone(),
        }
    }

    /// Allocates everything for a grid. The previous path stays where the cells are like those before.
    pub fn prepare(&mut self, costmap: &Costmap) {
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

    /// Forgets the models' states and the previous path.
    pub fn reset(&mut self) {
        self.previous.clear();
        self.unchanged.forget();
        self.routes.clear();
        if let Some(models) = &mut self.models {
            models.reset();
        }
    }

    /// Tells of the robot's radius in metres, for when it changes together with the costs.
    pub fn set_radius(&mut self, radius: f64) {
        self.robot_radius = radius;
        self.unchanged.forget();
    }

    /// The parameters that guidance for it depends on.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        Settings { travel: self.travel, tolerance: self.config.tolerance, robot: None }
    }

    /// The window that the model sees when planning from a cell; `None` without a model.
    #[must_use]
    pub fn window(&self, from: Cell, geometry: &Geometry) -> Option<Window> {
        self.models.as_ref().map(|models| models.window(from, geometry))
    }

    /// Whether there is a model.
    #[must_use]
    pub const fn has_model(&self) -> bool {
        self.models.is_some()
    }

    /// The path that was published last.
    #[must_use]
    pub const fn path(&self) -> &VerifiedPath {
        self.previous.path()
    }

    /// Whether the last published path is still safe to drive from where the robot is. True if there is none.
    #[must_use]
    pub fn still_valid(&self, costmap: &Costmap, start: Pose) -> bool {
        self.previous.still_holds(&self.routes, start, costmap, self.rules(costmap))
    }

    /// Whether a path is safe to drive on these costs.
    #[must_use]
    pub fn accepts(&self, costmap: &Costmap, poses: &[Pose]) -> bool {
        check(costmap, self.rules(costmap), in_cells(costmap, poses))
    }

    /// Plans a path. The result is [`Self::path`] afterwards.
    ///
    /// # Errors
    /// Why there is none.
    pub fn plan(
        &mut self,
        costmap: &Costmap,
        guidance: &[Guidance],
        request: &Request,
        (budget, clock): (&Budget, &dyn Clock),
        report: &mut Report,
        watch: &mut Watch,
    ) -> Result<(), PlanError> {
        self.prepare(costmap);
        let problem = self.pose_problem(costmap, guidance, request)?;
        self.solve(problem, (budget, clock), report, watch)
    }

    /// Thinks about requests, each with its guidance, before they are planned: all together, where the model runs on a device, and
    /// where that is expected to save time. It is given up after `patience`.
    pub fn think_ahead<'a>(
        &mut self,
        costmap: &Costmap,
        requests: impl Iterator<Item = (Request<'a>, &'a [Guidance])> + Clone,
        (patience, clock): (Duration, &dyn Clock),
    ) {
        let Some(model) = self.models.as_mut().and_then(Specialists::only) else { return };
        let count = requests.clone().take(model.capacity_ahead()).count();
        if count == 0 || !model.begin_ahead(count, patience) {
            return;
        }
        self.prepare(costmap);
        for (request, guidance) in requests.take(count) {
            // What fails here fails when it is planned.
            let Ok(problem) = self.pose_problem(costmap, guidance, &request) else { continue };
            if let Some(model) = self.models.as_mut().and_then(Specialists::only) {
                model.look_ahead(&problem, clock);
            }
        }
        if let Some(model) = self.models.as_mut().and_then(Specialists::only) {
            model.think_ahead(count, patience, clock);
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
