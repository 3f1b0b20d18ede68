//! How good the planner's paths on a large map are, compared with the optimum.

use std::time::Instant;

use indicatif::ProgressBar;
use trm_config::GridKind;
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{Cell, CellPoint, Pose};
use trm_net::bundle::Bundle;
use trm_planner::Planner;
use trm_planner::halt::deadline::Clock as _;

use crate::bench::planners;
use crate::bench::progress_bar::show_share;
use crate::bench::request::{pose_in, request_between};
use crate::bench::setting::BenchSetting;
use crate::bench::timing::timed;
use crate::statistics::Sorted;
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// Number of goals.
const GOALS: usize = 2;
/// Plans to each goal.
const PLANS: usize = 15;
/// By so many cells the map grows on each side, and a fraction of one.
const GROWN: u32 = 100;
const FRACTION: f64 = 0.4;
/// What is there.
const UNKNOWN: i8 = -1;

/// Plans from random cells to a few goals.
pub struct PathQuality {
    /// Plans from cells that can reach their goal.
    pub plans: u64,
    /// Plans with a path in time.
    pub solved: u64,
    /// Costs of these paths, divided by the optimum's.
    pub cost_ratios: Sorted,
    /// Median time to compute the guidance to a goal, in milliseconds.
    pub guidance_ms: f64,
    /// Times to compute guidance along one way, in milliseconds.
    pub corridor_ms: Sorted,
    /// Costs of the paths that it led to, divided by the optimum's.
    pub corridor_cost_ratios: Sorted,
    /// Plans with a path in time on the map after it has grown, with the guidance of before.
    pub solved_grown: u64,
}

impl PathQuality {
    /// Measures it on a map.
    ///
    /// # Errors
    /// If the bundle can't be run on the window.
    pub fn measure(
        setting: &BenchSetting,
        bundle: &Bundle,
        map: OccupancyGrid,
        random: &mut Random,
        bar: &ProgressBar,
    ) -> anyhow::Result<Self> {
        let clock = Instant::now();
        let grown = build(&setting.config.grid, GridKind::Map, grown(&map)?);
        let costmap = &build(&setting.config.grid, GridKind::Map, map);
        let regions = Regions::of(costmap);
        // One for each map, so that none has to prepare anew in between.
        let planner_of = || planners::planner(setting, &setting.config, bundle, &clock);
        let (mut planner, mut planner_grown) = (planner_of()?, planner_of()?);
        let (mut plans, mut solved_grown, mut guidance_ms) = (0, 0, Vec::new());
        let (mut cost_ratios, mut corridor_ms, mut corridor_cost_ratios) = (Vec::new(), Vec::new(), Vec::new());
        // The cost of the path, if there is one in time, divided by the optimum's.
        let plan = |planner: &mut Planner, costmap: &Costmap, guidance: &Guidance, ends: [Pose; 2], optimum: f64| {
            planner.prepare(costmap);
            planner.reset();
            let request = request_between(setting, ends, &clock);
            let path = planner.plan(costmap, std::slice::from_ref(guidance), &request, &clock).path.ok()?;
            let cost = setting.travel().path(costmap, path.poses().iter().copied());
            (clock.now() <= request.deadline).then_some(cost / optimum)
        };
        bar.set_message("paths against the optimum");
        for number in 0..GOALS {
            show_share(bar, number as f64 / GOALS as f64);
            let Some((_, goal)) = regions.any_pair(costmap, random) else { break };
            let (guidance, took) = timed(|| field(costmap, goal, setting.travel()));
            let Some(guidance) = guidance else { break };
            guidance_ms.push(took.as_secs_f64() * 1e3);
            let mut laid_over = guidance.clone();
            laid_over.lay_over(grown.geometry(), costmap.geometry().center(goal));
            for _ in 0..PLANS {
                let Some((start, _)) = regions.any_pair(costmap, random) else { break };
                let optimum = f64::from(guidance.cost_to_go(start));
                if !optimum.is_finite() || optimum <= 0.0 {
                    continue;
                }
                plans += 1;
                let ends = [start, goal].map(|cell| pose_in(cell, costmap.geometry()));
                cost_ratios.extend(plan(&mut planner, costmap, &guidance, ends, optimum));
                let (corridor, took) =
                    timed(|| Guidance::corridor(costmap, start, &[goal], setting.travel(), &|| false));
                corridor_ms.push(took.as_secs_f64() * 1e3);
                corridor_cost_ratios
                    .extend(corridor.and_then(|corridor| plan(&mut planner, costmap, &corridor, ends, optimum)));
                solved_grown += u64::from(plan(&mut planner_grown, &grown, &laid_over, ends, optimum).is_some());
            }
        }
        Ok(Self {
            plans,
            solved: cost_ratios.len() as u64,
            cost_ratios: Sorted::new(cost_ratios.into_iter()),
            guidance_ms: Sorted::new(guidance_ms.into_iter()).quantile(0.5).unwrap_or_default(),
            corridor_ms: Sorted::new(corridor_ms.into_iter()),
            corridor_cost_ratios: Sorted::new(corridor_cost_ratios.into_iter()),
            solved_grown,
        })
    }
}

/// The map after it has grown on all sides, with cells at fractions of those before, as SLAM may do it.
fn grown(map: &OccupancyGrid) -> anyhow::Result<OccupancyGrid> {
    let before = map.geometry();
    let corner = before.to_point(CellPoint::new(FRACTION - f64::from(GROWN) - 0.5, FRACTION - f64::from(GROWN) - 0.5));
    let origin = Pose::new(corner.x, corner.y, before.origin().yaw);
    let [width, height] = [before.width(), before.height()].map(|side| side + 2 * GROWN);
    let geometry = Geometry::new(width, height, before.resolution(), origin)?;
    let value = |at| {
        let cell = geometry.cell(at);
        let before = before.index(Cell::new(cell.col - GROWN as i32, cell.row - GROWN as i32));
        before.map_or(UNKNOWN, |at| map.data()[at])
    };
    Ok(OccupancyGrid::new(geometry, (0..geometry.cells()).map(value).collect())?)
}
