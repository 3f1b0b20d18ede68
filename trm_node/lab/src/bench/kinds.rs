//! Times of plans by what has changed since the previous one: nothing carried over, the robot one or two cells further,
//! an obstacle on its path, or nothing. On maps and on generated worlds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, Pose};
use trm_net::bundle::Bundle;
use trm_planner::Planner;
use trm_planner::halt::deadline::Clock as _;
use trm_rt::usage::Usage;

use crate::bench::bench_map::BenchMap;
use crate::bench::kind_figures::{KindFigures, by_kind};
use crate::bench::planners;
use crate::bench::progress_bar::show_share;
use crate::bench::request::request_now;
use crate::bench::setting::BenchSetting;
use crate::bench::tick::{Tick, TickContext};
use crate::bench::tick_kind::TickKind;
use crate::worlds::along_path::ahead;
use crate::worlds::generators::WorldKind;
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// Usual duration on maps, and on generated worlds, in seconds.
const SECONDS: f64 = 1.2;
/// Scenes at least.
const LEAST: usize = 6;
/// Cells that the robot drives between two plans, in turn.
const STEPS: [f64; 4] = [1.0, 2.0, 1.0, 2.0];
/// Sides of an obstacle, in cells.
const OBSTACLE: std::ops::Range<usize> = 3..7;
/// Cells that stay free between the robot's radius and an obstacle.
const ROOM: f64 = 3.0;
/// Sides of a generated world, in windows.
const WINDOWS: usize = 2;
/// Metres per cell of generated worlds.
const RESOLUTION: f64 = 0.05;
/// The occupancy value of an obstacle.
const OCCUPIED: i8 = 100;

/// Figures by kind of tick.
#[derive(Debug, Clone)]
pub struct KindsFigures {
    /// On maps.
    pub maps: BTreeMap<String, KindFigures>,
    /// On generated worlds.
    pub generated: BTreeMap<String, KindFigures>,
}

/// Measures all kinds of ticks.
///
/// # Errors
/// If the bundle can't be run on the window.
pub fn measure(
    setting: &BenchSetting,
    bundle: &Bundle,
    maps: &[BenchMap],
    bar: &ProgressBar,
) -> anyhow::Result<KindsFigures> {
    let mut runner = SceneRunner {
        clock: Instant::now(),
        setting,
        planner: None,
        random: Random::new(setting.seed),
        ticks: Vec::new(),
    };
    bar.set_message("maps");
    let maps = runner.run(bar, &mut |runner, number| {
        let map = &maps[number % maps.len()];
        let builder = CostmapBuilder::new(&setting.config.grid, GridKind::Map);
        runner.scene(bundle, builder, &map.grid)
    })?;
    bar.set_message("generated worlds");
    let generated = runner.run(bar, &mut |runner, number| {
        let side = WINDOWS * setting.config.planner.window_size as usize;
        let kind = WorldKind::EVALUATED[number % WorldKind::EVALUATED.len()];
        let world = kind.generate(side, &mut runner.random);
        let data = world.blocked.iter().map(|blocked| if *blocked { OCCUPIED } else { 0 }).collect();
        let geometry = Geometry::new(side as u32, side as u32, RESOLUTION, Pose::default())?;
        let builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
        runner.scene(bundle, builder, &OccupancyGrid::new(geometry, data)?)
    })?;
    Ok(KindsFigures { maps, generated })
}

/// Plays scenes and records their plans.
struct SceneRunner<'a> {
    clock: Instant,
    setting: &'a BenchSetting,
    /// Kept from scene to scene, as it learns how long its stages take.
    planner: Option<Planner>,
    random: Random,
    ticks: Vec<Tick>,
}

/// A query on a grid.
struct SceneQuery<'a> {
    costmap: &'a Costmap,
    guidance: &'a Guidance,
    start: Cell,
    goal: Cell,
}

impl SceneRunner<'_> {
    /// Plays one scene after the other, and sums up their plans.
    fn run(
        &mut self,
        bar: &ProgressBar,
        scene: &mut dyn FnMut(&mut Self, usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<BTreeMap<String, KindFigures>> {
        self.ticks.clear();
        let (began, duration) = (Instant::now(), self.setting.part_duration(SECONDS));
        let mut number = 0;
        while number < LEAST || began.elapsed() < duration {
            scene(self, number)?;
            number += 1;
            show_share(bar, began.elapsed().as_secs_f64() / duration.as_secs_f64());
        }
        Ok(by_kind(&self.ticks))
    }

    /// One goal on one grid: plans cold, still, moved, and with an obstacle on the path. A grid in which no two cells
    /// can reach each other is skipped.
    fn scene(&mut self, bundle: &Bundle, mut builder: CostmapBuilder, grid: &OccupancyGrid) -> anyhow::Result<()> {
        builder.take_grid(grid.clone());
        builder.refresh_to_end();
        let Some(costmap) = builder.costmap().cloned() else { return Ok(()) };
        let Some((mut start, goal)) = Regions::of(&costmap).any_pair(&costmap, &mut self.random) else { return Ok(()) };
        let Some(guidance) = field(&costmap, goal, self.setting.travel()) else { return Ok(()) };
        let mut planner = match self.planner.take() {
            Some(planner) => planner,
            None => planners::planner(self.setting, &self.setting.config, bundle, &self.clock)?,
        };
        planner.prepare(&costmap);
        planner.reset();
        let query = |costmap, start| SceneQuery { costmap, guidance: &guidance, start, goal };
        let mut path = self.plan(&mut planner, &query(&costmap, start), TickKind::Cold);
        for (number, cells) in STEPS.into_iter().enumerate() {
            let Some(next) = ahead(&costmap, &path, start, cells).filter(|next| *next != goal) else { break };
            start = next;
            path = self.plan(&mut planner, &query(&costmap, start), TickKind::Moved);
            if number == 0 {
                path = self.plan(&mut planner, &query(&costmap, start), TickKind::Still);
            }
        }
        if let Some((rect, values)) = self.obstacle(grid, &path, start, goal) {
            let mut changed = costmap.clone();
            builder.take_update(rect, &values)?;
            if let Some(change) = builder.refresh_to_end() {
                changed.apply(&change);
            }
            // The guidance is that of the unchanged grid, as in the node at the first tick after a change.
            self.plan(&mut planner, &query(&changed, start), TickKind::Obstacle);
        }
        self.planner = Some(planner);
        Ok(())
    }

    /// A square on the path, away from the robot and the goal.
    fn obstacle(&mut self, grid: &OccupancyGrid, path: &[Pose], start: Cell, goal: Cell) -> Option<(Rect, Vec<i8>)> {
        let geometry = grid.geometry();
        let side = self.random.whole(OBSTACLE) as i32;
        let margin = self.setting.config.grid.robot_radius / geometry.resolution() + f64::from(side) + ROOM;
        let distance = |a: Cell, b: Cell| f64::from(a.col - b.col).hypot(f64::from(a.row - b.row));
        let mut cells = path.iter().filter_map(|pose| geometry.cell_at(pose.point()));
        let center =
            cells.find(|cell| distance(*cell, start) > margin).filter(|cell| distance(*cell, goal) > margin)?;
        let (col, row) = (center.col - side / 2, center.row - side / 2);
        let rect = Rect { col, row, width: side as u32, height: side as u32 };
        let is_inside = rect.cells().all(|cell| geometry.contains(cell));
        is_inside.then(|| (rect, vec![OCCUPIED; rect.area()]))
    }

    /// Plans and records the plan. Gives the path, which is empty if there is none.
    fn plan(&mut self, planner: &mut Planner, query: &SceneQuery, kind: TickKind) -> Vec<Pose> {
        let ends = [query.start, query.goal];
        let before = Usage::of_this_thread();
        let request = request_now(self.setting, query.costmap.geometry(), ends, &self.clock);
        let outcome = planner.plan(query.costmap, std::slice::from_ref(query.guidance), &request, &self.clock);
        let total = self.clock.now().saturating_sub(request.arrived);
        let context = TickContext {
            wake: Duration::ZERO,
            publish: Duration::ZERO,
            total,
            deadline: self.setting.deadline(),
            usage: Usage::of_this_thread().since(before),
        };
        let (result, length) =
            outcome.path.map_or_else(|error| (error.nav2_name(), 0.0), |path| ("SUCCEEDED", path.length()));
        let path = outcome.path.map(|path| path.poses().to_vec()).unwrap_or_default();
        self.ticks.push(Tick::new(self.ticks.len() as u64, result.into(), &outcome.report, kind, context, length));
        path
    }
}
