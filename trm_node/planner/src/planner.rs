//! The planner: the whole way from a request to a checked path, or to the reason why there is none, before the deadline.
//!
//! Which of its two kinds plans depends on the robot: [for a disc](crate::disc_planner) the model does, for a robot with a
//! footprint [a search over positions and headings](crate::lattice_planner).

use std::time::Duration;

use trm_config::{BackendChoice, GridConfig, PlannerConfig};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::bundle_id::BundleId;
use trm_net::error::LoadError;
use trm_net::router::Router;
use trm_safety::VerifiedPath;

use crate::ask::Settings;
use crate::backends::{Chosen, choose as choose_backend};
use crate::budget::Budget;
use crate::disc_planner::DiscPlanner;
use crate::error::PlanError;
use crate::guides::Guides;
use crate::halt::deadline::Clock;
use crate::lattice_planner::LatticePlanner;
use crate::report::{MovedGoal, Report, Source};
use crate::request::{Outcome, Request};
use crate::robot::Robot;
use crate::specialists::Specialists;
use crate::watch::Watch;

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
    kind: Kind,
    fit: Fit,
    /// What is left of the deadline when a plan must be done, in milliseconds.
    reserve_ms: f64,
    /// What the model runs on, and why, for people to read.
    backend: String,
    /// By which a record of plans knows it; 0 without one.
    number: u64,
    bundles: Vec<BundleId>,
}

/// Who plans.
enum Kind {
    /// For a disc.
    Disc(Box<DiscPlanner>),
    /// For a robot with a footprint.
    Lattice(Box<LatticePlanner>),
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
        if let Some(models) = &mut models {
            models.warm_up(clock)?;
        }
        let kind = match Robot::of(grid, config) {
            Some(robot) => Kind::Lattice(Box::new(LatticePlanner::new(robot, Travel::new(grid), config))),
            None => Kind::Disc(Box::new(DiscPlanner::new(grid, config, models))),
        };
        let reserve_ms = config.reserve_ms;
        Ok(Self { kind, fit: Fit::Exact, reserve_ms, backend: String::new(), number: 0, bundles: Vec::new() })
    }

    /// Allocates everything for a grid. Call it outside the planning loop when the geometry of the grid has changed;
    /// [`Self::plan`] calls it too. The previous path stays where the cells are like those before.
    pub fn prepare(&mut self, costmap: &Costmap) {
        match &mut self.kind {
            Kind::Disc(disc) => disc.prepare(costmap),
            Kind::Lattice(lattice) => lattice.prepare(costmap),
        }
    }

    /// Forgets the model's state and the previous path, so that the next plan starts cold.
    pub fn reset(&mut self) {
        match &mut self.kind {
            Kind::Disc(disc) => disc.reset(),
            Kind::Lattice(lattice) => lattice.reset(),
        }
    }

    /// Tells of the robot's size, for when it changes together with the costs. A planner that was made for another
    /// footprint checks its paths with the new one.
    pub fn set_robot(&mut self, grid: &GridConfig) {
        self.fit = match (&mut self.kind, grid.outline()) {
            (Kind::Disc(disc), None) => {
                disc.set_radius(grid.robot_radius);
                Fit::Exact
            }
            (Kind::Lattice(lattice), Some(outline)) => {
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
        if let (Kind::Lattice(lattice), Kind::Lattice(other)) = (&mut self.kind, &mut other.kind) {
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
        let has_model = matches!(&self.kind, Kind::Disc(disc) if disc.has_model());
        has_model.then_some(self.backend.as_str()).filter(|about| !about.is_empty())
    }

    /// The bundles that it has, the first of which plans in doubt.
    #[must_use]
    pub fn bundles(&self) -> &[BundleId] {
        &self.bundles
    }

    /// The parameters that guidance for this planner depends on.
    #[must_use]
    pub fn settings(&self) -> Settings {
        match &self.kind {
            Kind::Disc(disc) => disc.settings(),
            Kind::Lattice(lattice) => lattice.settings(),
        }
    }

    /// The window that the model sees when planning from a cell; `None` without a model.
    #[must_use]
    pub fn window(&self, from: Cell, geometry: &Geometry) -> Option<Window> {
        match &self.kind {
            Kind::Disc(disc) => disc.window(from, geometry),
            Kind::Lattice(_) => None,
        }
    }

    /// Whether guidance over headings leads it.
    #[must_use]
    pub const fn is_led_over_headings(&self) -> bool {
        matches!(self.kind, Kind::Lattice(_))
    }

    /// Whether the last published path is still safe to drive from where the robot is. True if there is none.
    #[must_use]
    pub fn still_valid(&self, costmap: &Costmap, start: Pose) -> bool {
        match &self.kind {
            Kind::Disc(disc) => disc.still_valid(costmap, start),
            Kind::Lattice(lattice) => lattice.still_valid(costmap, start),
        }
    }

    /// Whether a path that is made of several is safe to drive on these costs.
    #[must_use]
    pub fn accepts(&self, costmap: &Costmap, poses: &[Pose]) -> bool {
        match &self.kind {
            Kind::Disc(disc) => disc.accepts(costmap, poses),
            Kind::Lattice(lattice) => lattice.accepts(costmap, poses),
        }
    }

    /// Thinks about requests that are planned next, in the order in which they are, each with its guidance. Where the model runs on
    /// a device, and where that is expected to save time, it takes two calls for all of them, and each plan finds its first answers
    /// done. It is given up after `patience`.
    pub fn think_ahead<'a>(
        &mut self,
        costmap: &Costmap,
        requests: impl Iterator<Item = (Request<'a>, &'a [Guidance])> + Clone,
        within: (Duration, &dyn Clock),
    ) {
        if let Kind::Disc(disc) = &mut self.kind {
            disc.think_ahead(costmap, requests, within);
        }
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
        let mut report = Report::default();
        let budget = Budget::new(request, self.reserve_ms);
        let within = (&budget, clock);
        let result = match &mut self.kind {
            _ if self.fit == Fit::None => Err(PlanError::NotReady),
            Kind::Disc(disc) => disc.plan(costmap, guides.cells, request, within, &mut report, watch),
            // What keeps another robot from its goal says nothing of this one.
            Kind::Lattice(lattice) => lattice
                .plan(costmap, guides, request, within, &mut report)
                .map_err(|error| if self.fit == Fit::Exact { error } else { PlanError::NotReady }),
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
        match &self.kind {
            Kind::Disc(disc) => disc.path(),
            Kind::Lattice(lattice) => lattice.path(),
        }
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
