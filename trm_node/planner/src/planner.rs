//! The whole flow: a request comes in, a checked path or the reason why there is none goes out, before the deadline.
//!
//! The model answers first. Without a verified path from it in time, the previous path is kept if it still passes the check
//! from where the robot is, else the classical fallback searches in the time that is left.

use std::time::Duration;

use trm_config::{GridConfig, PlannerConfig};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::error::{InferenceError, LoadError};
use trm_net::registry::fastest;
use trm_safety::check::Rules;
use trm_safety::routes::Routes;

use crate::budget::{Budget, kept_for_fallback};
use crate::endpoints::{Departure, resolve_goal};
use crate::error::PlanError;
use crate::fallback::{Fallback, Found};
use crate::halt::deadline::Clock;
use crate::halt::policy::{Policy, StopReason};
use crate::halt::predictor::Predictor;
use crate::model::{Model, Plan, Refined, View};
use crate::path_buffer::PathBuffer;
use crate::previous_path::{PreviousPath, STRAY};
use crate::problem::Problem;
use crate::report::{GuidanceKind, Report, Source};
use crate::request::{Outcome, Request};
use crate::search_map::MOST_CELLS;

/// A path never has more cells.
const MAX_PATH_CELLS: usize = 1 << 16;

/// Plans on one grid after the other. Everything that a plan needs is allocated by [`Planner::new`] and
/// [`Planner::prepare`].
pub struct Planner {
    config: PlannerConfig,
    travel: Travel,
    /// In metres.
    robot_radius: f64,
    geometry: Option<Geometry>,
    departure: Departure,
    /// `None` when the parameter `max_steps` is 0.
    model: Option<Model>,
    fallback: Fallback,
    /// Past times of the fallback with guidance and without.
    guided_time: Predictor,
    unguided_time: Predictor,
    /// The path under way.
    path: PathBuffer,
    /// The path that was published last.
    previous: PreviousPath,
    /// What both go over into, far from the robot.
    routes: Routes,
}

impl Planner {
    /// A planner with the bundle's model on the fastest backend, warmed up; `clock` tells it how long the model takes.
    ///
    /// # Errors
    /// [`LoadError`] when the bundle's graphs can't be run, or not on windows of the parameter `window_size`.
    pub fn new(
        grid: &GridConfig,
        config: &PlannerConfig,
        bundle: &Bundle,
        clock: &dyn Clock,
    ) -> Result<Self, LoadError> {
        Self::with_backend(grid, config, bundle, fastest(bundle, config.window_size as usize)?, clock)
    }

    /// The same with another backend, made for the bundle and a window size.
    ///
    /// # Errors
    /// [`LoadError::Inference`] when the backend fails.
    pub fn with_backend(
        grid: &GridConfig,
        config: &PlannerConfig,
        bundle: &Bundle,
        backend: Box<dyn Backend>,
        clock: &dyn Clock,
    ) -> Result<Self, LoadError> {
        let mut model = (config.max_steps > 0).then(|| Model::new(config, bundle, backend));
        if let Some(model) = &mut model {
            model.warm_up(clock)?;
        }
        Ok(Self {
            travel: Travel::new(grid),
            robot_radius: grid.robot_radius,
            geometry: None,
            departure: Departure::new(grid.allow_unknown, config.start_tolerance, 1.0),
            model,
            fallback: Fallback::default(),
            guided_time: Predictor::new(config.time_quantile),
            unguided_time: Predictor::new(config.time_quantile),
            path: PathBuffer::default(),
            previous: PreviousPath::default(),
            routes: Routes::default(),
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
        self.departure = Departure::new(self.travel.allow_unknown, self.config.start_tolerance, geometry.resolution());
        self.fallback.prepare(&geometry);
        let cells = geometry.cells().min(MAX_PATH_CELLS) + 1;
        // The way back to a path that the robot has strayed from comes on top.
        let poses = cells + STRAY as usize;
        self.path.reserve(cells, poses);
        self.routes.reserve(cells);
        self.reset();
        self.previous.reserve(poses);
        if let Some(model) = &mut self.model {
            model.reserve(cells);
        }
    }

    /// Forgets the state that the next plan would start from, and the previous path.
    pub fn reset(&mut self) {
        self.previous.clear();
        self.routes.clear();
        if let Some(model) = &mut self.model {
            model.reset();
        }
    }

    /// Takes the robot's radius in metres, which has changed together with the costs.
    pub const fn set_robot_radius(&mut self, robot_radius: f64) {
        self.robot_radius = robot_radius;
    }

    /// The window that the model sees in a plan from a cell; `None` without a model.
    #[must_use]
    pub fn window(&self, from: Cell, geometry: &Geometry) -> Option<Window> {
        self.model.as_ref().map(|model| model.window(from, geometry))
    }

    /// Whether the last published path may still be driven from where the robot is; true when there is none.
    #[must_use]
    pub fn still_valid(&self, costmap: &Costmap, start: Pose) -> bool {
        self.previous.still_holds(&self.routes, start, costmap, self.rules(costmap))
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
        let budget = Budget::new(request, self.config.reserve_ms);
        let result =
            self.pose(costmap, guidance, request).and_then(|problem| self.solve(&problem, &budget, clock, &mut report));
        if result.is_err() {
            report.source = Source::None;
        }
        report.stages.total = clock.now().saturating_sub(request.arrived);
        report.margin = budget.publish.margin_ns(clock);
        Outcome { path: result.map(|()| self.previous.path()), report }
    }

    /// Turns a request into a problem in cells, and begins its path.
    fn pose<'a>(
        &mut self,
        costmap: &'a Costmap,
        guidance: Option<&'a Guidance>,
        request: &Request<'a>,
    ) -> Result<Problem<'a>, PlanError> {
        let travel = self.travel;
        let goal = resolve_goal(costmap, travel.allow_unknown, self.config.tolerance, request.goal.point())?;
        let rules = self.rules(costmap);
        let departure = self.departure.find(costmap, request.start.point())?;
        self.path.begin(departure);
        Ok(Problem {
            costmap,
            guidance: guidance.filter(|g| g.fits(costmap) && g.goal() == goal && g.travel() == travel),
            rules,
            travel,
            from: departure[departure.len() - 1],
            goal,
            start_pose: request.start,
            goal_pose: request.goal,
            epoch: request.epoch,
        })
    }

    fn solve(
        &mut self,
        problem: &Problem,
        budget: &Budget,
        clock: &dyn Clock,
        report: &mut Report,
    ) -> Result<(), PlanError> {
        if problem.is_hopeless() {
            return Err(PlanError::NoValidPath);
        }
        self.routes.recheck(problem.costmap, problem.travel);
        self.think(problem, budget, clock, report);
        if problem.is_cancelled() {
            return Err(PlanError::Cancelled);
        }
        if self.path.is_found() {
            report.source = Source::Model;
        } else {
            if self.keep_previous(problem, clock, report) {
                return Ok(());
            }
            self.search(problem, budget, clock, report)?;
        }
        self.finish(problem, budget, clock, report)
    }

    /// Asks the model: its best verified path is in the buffer afterwards.
    fn think(&mut self, problem: &Problem, budget: &Budget, clock: &dyn Clock, report: &mut Report) {
        let Some(model) = &mut self.model else { return };
        let past = if problem.guidance.is_some() { &self.guided_time } else { &self.unguided_time };
        let fallback =
            if self.config.allow_fallback { kept_for_fallback(past, budget.plan.left(clock)) } else { Duration::ZERO };
        let policy = Policy::new(&self.config, budget.plan, fallback);
        let mut plan = Plan { problem, routes: &self.routes, path: &mut self.path, clock, report };
        let stop = match model.base(&mut plan) {
            Ok(None) => return,
            Ok(Some(view)) => refine(model, &view, &policy, &mut plan).map(|stop| (stop, view)),
            Err(error) => Err(error),
        };
        model.finish(stop, &mut plan);
    }

    /// Keeps the path before, if it still leads to the same pose.
    fn keep_previous(&mut self, problem: &Problem, clock: &dyn Clock, report: &mut Report) -> bool {
        let began = clock.now();
        let kept = self.previous.keep(&self.routes, problem);
        report.stages.fallback += clock.now().saturating_sub(began);
        if kept {
            report.source = Source::Previous;
        }
        kept
    }

    /// The classical search, in the time that is left.
    fn search(
        &mut self,
        problem: &Problem,
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
        let Problem { costmap, travel, guidance, from, goal, .. } = *problem;
        let fallback = &mut self.fallback;
        let found = self.path.append(|cells| fallback.find(costmap, travel, guidance, (from, goal), may_go_on, cells));
        let time = clock.now().saturating_sub(began);
        let past = if guidance.is_some() { &mut self.guided_time } else { &mut self.unguided_time };
        past.record(time);
        report.stages.fallback += time;
        report.expansions += self.fallback.expansions();
        match found {
            Found::Path => {}
            Found::None => return Err(PlanError::NoValidPath),
            Found::TimedOut if problem.is_cancelled() => return Err(PlanError::Cancelled),
            Found::TimedOut => return Err(PlanError::TimedOut { applications: report.applications }),
            Found::TooFar => return Err(PlanError::SearchLimit { cells: MOST_CELLS as u32 }),
            Found::TooLong => return Err(PlanError::TooLong { cells: MAX_PATH_CELLS as u32 }),
        }
        report.source = Source::Fallback;
        if guidance.is_some() {
            report.guidance = GuidanceKind::Classical;
        }
        Ok(())
    }

    /// Straightens the path of cells, makes poses of it, and has them checked. Nothing else is ever published.
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
            // The fallback is asked only where the path before can't be kept.
            let is_kept = report.source != Source::Fallback
                && self.previous.is_preferred_to(draft, &self.routes, problem, self.robot_radius);
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

/// Refines the model's answer until the policy stops it.
fn refine(model: &mut Model, view: &View, policy: &Policy, plan: &mut Plan) -> Result<StopReason, InferenceError> {
    loop {
        if plan.problem.is_cancelled() {
            return Ok(StopReason::Cancelled);
        }
        if let Some(stop) = policy.before(model.progress(plan.path.is_found()), model.expected(), plan.clock) {
            return Ok(stop);
        }
        if let Refined::Answer(answer) = model.refine(view, plan)?
            && let Some(stop) = policy.after(answer)
        {
            return Ok(stop);
        }
    }
}
