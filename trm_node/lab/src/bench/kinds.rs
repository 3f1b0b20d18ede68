//! Ticks by what has changed since the one before: nothing carried over, the robot one or two cells on, an obstacle on its
//! path, nothing at all. On maps and on generated worlds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::{Costmap, CostmapBuilder};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::{Planner, Request};
use trm_rt::usage::Usage;

use super::args::Setting;
use super::backend;
use super::control::Map;
use super::progress::Progress;
use super::run::{OfKind, kinds};
use super::tick::{Around, Kind, Tick};
use crate::worlds::along_path::ahead;
use crate::worlds::generators::WorldKind as World;
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// How long each of the two takes usually, in seconds.
const SECONDS: f64 = 1.2;
/// Scenes at least.
const LEAST: usize = 6;
/// How far the robot drives between two plans, in cells, in turn.
const STEPS: [f64; 4] = [1.0, 2.0, 1.0, 2.0];
/// Sides of an obstacle, in cells.
const OBSTACLE: std::ops::Range<usize> = 3..7;
/// Free cells between the robot's and an obstacle's reach.
const ROOM: f64 = 3.0;
/// Generated worlds have so many windows a side.
const WINDOWS: usize = 2;
/// Metres a cell of generated worlds.
const RESOLUTION: f64 = 0.05;
/// Occupied.
const FULL: i8 = 100;

/// Figures by kind of tick, on maps and on generated worlds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kinds {
    pub maps: BTreeMap<String, OfKind>,
    pub generated: BTreeMap<String, OfKind>,
}

/// Measures all kinds.
///
/// # Errors
/// When the bundle doesn't work on the window.
pub fn measure(setting: &Setting, bundle: &Bundle, maps: &[Map], progress: &mut Progress) -> anyhow::Result<Kinds> {
    let mut bench =
        Bench { clock: Instant::now(), setting, planner: None, random: Random::new(setting.seed), ticks: Vec::new() };
    let mut of_maps = |bench: &mut Bench, number: usize| -> anyhow::Result<()> {
        let map = &maps[number % maps.len()];
        let builder = CostmapBuilder::new(&setting.config.grid, GridKind::Map);
        bench.scene(bundle, builder, &map.grid)
    };
    let found = bench.scenes(progress, "kinds", &mut of_maps)?;
    let mut of_worlds = |bench: &mut Bench, number: usize| -> anyhow::Result<()> {
        let side = WINDOWS * setting.config.planner.window_size as usize;
        let world = World::EVALUATED[number % World::EVALUATED.len()].generate(side, &mut bench.random);
        let data = world.blocked.iter().map(|blocked| if *blocked { FULL } else { 0 }).collect();
        let geometry = Geometry::new(side as u32, side as u32, RESOLUTION, Pose::default())?;
        let builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
        bench.scene(bundle, builder, &OccupancyGrid::new(geometry, data)?)
    };
    Ok(Kinds { maps: found, generated: bench.scenes(progress, "worlds", &mut of_worlds)? })
}

struct Bench<'a> {
    clock: Instant,
    setting: &'a Setting,
    /// Kept from scene to scene, so that it knows how long things take.
    planner: Option<Planner>,
    random: Random,
    ticks: Vec<Tick>,
}

/// Where a plan is asked for.
struct Place<'a> {
    costmap: &'a Costmap,
    guidance: &'a Guidance,
    start: Cell,
    goal: Cell,
}

impl Bench<'_> {
    fn scenes(
        &mut self,
        progress: &mut Progress,
        name: &str,
        scene: &mut dyn FnMut(&mut Self, usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<BTreeMap<String, OfKind>> {
        self.ticks.clear();
        let (began, long) = (Instant::now(), self.setting.part(SECONDS));
        let mut number = 0;
        while number < LEAST || began.elapsed() < long {
            scene(self, number)?;
            number += 1;
            progress.show(name, began.elapsed().as_secs_f64() / long.as_secs_f64(), "");
        }
        progress.end();
        Ok(kinds(&self.ticks))
    }

    /// One goal on one grid: cold, still, moved, and with an obstacle on the path. A grid without a way is passed over.
    fn scene(&mut self, bundle: &Bundle, mut builder: CostmapBuilder, grid: &OccupancyGrid) -> anyhow::Result<()> {
        let costmap = builder.replace(grid.clone()).clone();
        let Some((mut start, goal)) = Regions::of(&costmap).any_pair(&costmap, &mut self.random) else { return Ok(()) };
        let Some(guidance) = field(&costmap, goal, self.setting.travel()) else { return Ok(()) };
        let mut planner = match self.planner.take() {
            Some(planner) => planner,
            None => backend::planner(self.setting, &self.setting.config, bundle, &self.clock)?,
        };
        planner.prepare(&costmap);
        planner.reset();
        let mut path =
            self.plan(&mut planner, &Place { costmap: &costmap, guidance: &guidance, start, goal }, Kind::Cold);
        for (number, cells) in STEPS.into_iter().enumerate() {
            let Some(next) = ahead(&costmap, &path, start, cells).filter(|next| *next != goal) else { break };
            start = next;
            let place = Place { costmap: &costmap, guidance: &guidance, start, goal };
            path = self.plan(&mut planner, &place, Kind::Moved);
            if number == 0 {
                path = self.plan(&mut planner, &place, Kind::Still);
            }
        }
        if let Some((rect, values)) = self.obstacle(grid, &path, start, goal) {
            let mut changed = costmap;
            changed.apply(&builder.update(rect, &values)?);
            // The guidance is still the one before, as at the first tick after a change in the node.
            self.plan(&mut planner, &Place { costmap: &changed, guidance: &guidance, start, goal }, Kind::Obstacle);
        }
        self.planner = Some(planner);
        Ok(())
    }

    /// A square on the path ahead, as far from the robot as it must be.
    fn obstacle(&mut self, grid: &OccupancyGrid, path: &[Pose], start: Cell, goal: Cell) -> Option<(Rect, Vec<i8>)> {
        let geometry = grid.geometry();
        let side = self.random.whole(OBSTACLE) as i32;
        let reach = self.setting.config.grid.robot_radius / geometry.resolution() + f64::from(side) + ROOM;
        let distance = |a: Cell, b: Cell| f64::from(a.col - b.col).hypot(f64::from(a.row - b.row));
        let cells = path.iter().filter_map(|pose| geometry.cell_at(pose.point()));
        let at = cells
            .into_iter()
            .find(|cell| distance(*cell, start) > reach)
            .filter(|cell| distance(*cell, goal) > reach)?;
        let rect = Rect { col: at.col - side / 2, row: at.row - side / 2, width: side as u32, height: side as u32 };
        let inside = rect.cells().all(|cell| geometry.contains(cell));
        inside.then(|| (rect, vec![FULL; rect.area()]))
    }

    /// Plans and keeps the tick. Gives the path, empty without one.
    fn plan(&mut self, planner: &mut Planner, place: &Place, kind: Kind) -> Vec<Pose> {
        let pose = |cell| {
            let center = place.costmap.geometry().center(cell);
            Pose::new(center.x, center.y, 0.0)
        };
        let before = Usage::of_this_thread();
        let arrived = self.clock.now();
        let deadline = arrived + self.setting.deadline();
        let request = Request { start: pose(place.start), goal: pose(place.goal), arrived, deadline, epoch: None };
        let outcome = planner.plan(place.costmap, Some(place.guidance), &request, &self.clock);
        let total = self.clock.now().saturating_sub(arrived);
        let usage = Usage::of_this_thread().since(before);
        let around =
            Around { wake: Duration::ZERO, publish: Duration::ZERO, total, deadline: self.setting.deadline(), usage };
        let (result, length) =
            outcome.path.map_or_else(|error| (error.nav2_name(), 0.0), |path| ("SUCCEEDED", path.length()));
        let path = outcome.path.map(|path| path.poses().to_vec()).unwrap_or_default();
        self.ticks.push(Tick::new(self.ticks.len() as u64, result.into(), &outcome.report, kind, around, length));
        path
    }
}
