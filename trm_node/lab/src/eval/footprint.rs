//! `trm eval --footprint`: plans of a robot that isn't a disc, on whole maps with table legs, with the deadline, without one, and
//! beside the same search over twice as many headings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use trm_config::{Config, GridKind, Value};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::map_file;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Pose;
use trm_lattice::pose_guidance::PoseGuidance;
use trm_net::bundle::Bundle;
use trm_planner::guides::Guides;
use trm_planner::halt::deadline::Clock;
use trm_planner::{Planner, Request};

use super::args::EvalArgs;
use super::fine_search::FineSearch;
use super::pair::Pair;
use super::pose_guidance::{PoseGuidanceTimes, PoseGuidanceWorker};
use crate::args::with_flag;
use crate::cpu_clock::CpuClock;
use crate::judge::driven::Driven;
use crate::judge::polygon::Polygon;
use crate::judge::raw_map::RawMap;
use crate::worlds::map_set::{files, pool};
use crate::worlds::random::Random;

/// Time of each plan in milliseconds, unless told otherwise.
const DEADLINE_MS: f64 = 30.0;
/// A deadline that is never reached.
const NEVER: Duration = Duration::from_hours(24);
/// Seeds of legs are those of queries with these bits flipped.
const LEGS: u64 = 0x1e65_1e65_1e65_1e65;

/// A map with legs.
pub struct Site {
    /// A short name.
    pub name: String,
    map: RawMap,
    pub costmap: Costmap,
}

/// What the queries are planned with.
pub struct Course {
    pub config: Config,
    pub deadline_ms: f64,
    pub sites: Vec<Site>,
}

/// What came of a plan: metres and milliseconds of CPU, or the reason why there is no path.
pub type Planned = Result<(f64, f64), &'static str>;

/// A plan: what came of it, and the milliseconds of CPU that it took, with or without a path.
#[derive(Clone, Copy)]
pub struct Plan {
    pub source: &'static str,
    pub planned: Planned,
    pub ms: f64,
}

/// What came of a query.
pub struct Record {
    /// The map's number.
    pub site: usize,
    /// With guidance over headings, as it is soon after a goal has come.
    pub ready: Plan,
    /// With it once it is there, in what is then left of the time.
    pub later: Option<Plan>,
    /// Without it, as when a goal has just come.
    pub fresh: Plan,
    /// Without it and without a deadline.
    pub unlimited: Plan,
    /// What guidance over headings took; `None` where the robot can't stand at the goal.
    pub guidance: Option<PoseGuidanceTimes>,
    /// Metres that the search over more headings needs.
    pub fine: Option<f64>,
    /// What the judge found wrong with the paths.
    pub faults: Vec<String>,
}

impl Record {
    /// Whether there is a way as far as either of the two found out that have all the time that they need.
    pub const fn is_reachable(&self) -> bool {
        self.unlimited.planned.is_ok() || self.ready.planned.is_ok()
    }
}

impl Course {
    /// Reads the maps and adds the legs.
    ///
    /// # Errors
    /// When a flag's value is out of range, or a map can't be used; names the flag or the file.
    pub fn new(args: &EvalArgs) -> anyhow::Result<Self> {
        let mut config = Config::default();
        args.planning.apply(&mut config)?;
        args.robot.apply(&mut config)?;
        let deadline_ms = args.deadline_ms.unwrap_or(DEADLINE_MS);
        config.set("deadline_ms", &Value::Double(deadline_ms)).map_err(with_flag)?;
        // A footprint takes the radius's place.
        config.grid.robot_radius = 0.0;
        let folder = args.maps.as_deref().context("--footprint needs --maps")?;
        let files = files(folder).with_context(|| format!("--maps {}", folder.display()))?;
        if files.is_empty() {
            bail!("--maps {}: no map in this folder or below it", folder.display());
        }
        let site = |(number, file): (usize, &PathBuf)| {
            let mut random = Random::of_query(args.seed ^ LEGS, number);
            Site::new(name(folder, file), file, &config, (args.resolution, args.legs), &mut random)
        };
        let sites = files.iter().enumerate().map(site).collect::<anyhow::Result<_>>()?;
        Ok(Self { config, deadline_ms, sites })
    }

    /// What a thread plans with.
    ///
    /// # Errors
    /// When the bundle can't be run.
    pub fn tools(&self, bundle: &Bundle) -> anyhow::Result<Tools<'_>> {
        let Config { grid, planner, .. } = &self.config;
        Ok(Tools {
            course: self,
            planner: Planner::new(grid, planner, bundle, &CpuClock).map_err(with_flag)?,
            made: None,
        })
    }
}

/// A map's name: its folder's, or its own where it lies in the root.
fn name(root: &Path, file: &Path) -> String {
    let own = file.parent().filter(|folder| *folder != root).and_then(Path::file_name).or(file.file_stem());
    own.unwrap_or_default().to_string_lossy().into_owned()
}

impl Site {
    fn new(
        name: String,
        file: &Path,
        config: &Config,
        (resolution, legs): (Option<f64>, usize),
        random: &mut Random,
    ) -> anyhow::Result<Self> {
        let grid = map_file::load(file)?;
        let own = grid.geometry().resolution();
        let resolution = resolution.unwrap_or(own);
        if resolution < own - 1e-9 {
            bail!("--resolution: {resolution} is finer than the {own} m of map file {}", file.display());
        }
        let grid = pool(&grid, resolution)?;
        let (geometry, mut values) = (*grid.geometry(), grid.data().to_vec());
        for _ in 0..legs {
            let at = random.below(values.len());
            values[at] = if values[at] == 0 { 100 } else { values[at] };
        }
        let size = (geometry.width(), geometry.height());
        let origin = geometry.origin();
        let map = RawMap::new(size, geometry.resolution(), origin, values.clone(), (&config.grid, GridKind::Map));
        let costmap = build(&config.grid, GridKind::Map, OccupancyGrid::new(geometry, values)?);
        Ok(Self { name, map, costmap })
    }
}

/// The planner of a thread, and what else is needed.
pub struct Tools<'a> {
    course: &'a Course,
    planner: Planner,
    made: Option<Made>,
}

/// What is made for one map.
struct Made {
    site: usize,
    worker: PoseGuidanceWorker,
    /// What paths are compared with.
    fine: FineSearch,
}

impl Tools<'_> {
    /// Plans a query of a map; `None` where no two places are found that the robot can stand at.
    ///
    /// # Errors
    /// When the robot's motions can't be laid on the map's cells.
    pub fn record(&mut self, site: usize, mut random: Random) -> anyhow::Result<Option<Record>> {
        let Course { config, deadline_ms, sites } = self.course;
        let Site { map, costmap, .. } = &sites[site];
        let resolution = costmap.geometry().resolution();
        let Some(outline) = config.grid.outline() else { bail!("--footprint: none") };
        let polygon = Polygon::new(&outline, resolution);
        let mut driven =
            Driven { map, config, polygon: &polygon, start: Pose::default(), goal: Pose::default(), is_tight: true };
        let Some(pair) = Pair::draw(costmap, config, &driven, &mut random) else { return Ok(None) };
        (driven.start, driven.goal) = (pair.start, pair.goal);
        let made = match &mut self.made {
            Some(made) if made.site == site => made,
            made => made.insert(Made {
                site,
                worker: PoseGuidanceWorker::new(costmap, self.planner.settings()),
                fine: FineSearch::new(config, costmap)?,
            }),
        };
        let guided = made.worker.guide(pair.start, pair.goal);
        let poses = guided.as_ref().and_then(|(guided, _)| guided.poses.as_deref());
        let mut faults = Vec::new();
        let mut plan = |deadline: Duration, poses: Option<&PoseGuidance>| {
            self.planner.prepare(costmap);
            self.planner.reset();
            let arrived = CpuClock.now();
            let request =
                Request { start: pair.start, goal: pair.goal, arrived, deadline: arrived + deadline, epoch: None };
            let outcome = self.planner.plan(costmap, Guides { cells: &pair.guidance, poses }, &request, &CpuClock);
            let ms = outcome.report.stages.total.as_secs_f64() * 1e3;
            if let Ok(path) = outcome.path {
                faults.extend(driven.path(path.poses(), false));
            }
            let planned = outcome.path.map(|path| (path.length(), ms)).map_err(trm_planner::PlanError::nav2_name);
            Plan { source: outcome.report.source.name(), planned, ms }
        };
        let deadline = Duration::from_secs_f64(deadline_ms / 1e3);
        let (ready, fresh, unlimited) = (plan(deadline, poses), plan(deadline, None), plan(NEVER, None));
        let guidance = guided.as_ref().map(|(_, times)| *times);
        let left = guidance.map_or(0.0, |guidance| deadline_ms - guidance.first);
        let later = (left > 0.0).then(|| plan(Duration::from_secs_f64(left / 1e3), poses));
        let fine = ready.planned.or(unlimited.planned).ok();
        let fine = fine.and_then(|_| made.fine.length(config, costmap, &pair));
        Ok(Some(Record { site, ready, later, fresh, unlimited, guidance, fine, faults }))
    }
}
