//! How good the planner's paths on a large map are, compared with the optimum.

use std::time::Instant;

use indicatif::ProgressBar;
use trm_config::GridKind;
use trm_grid::costmap_builder::build;
use trm_grid::occupancy::OccupancyGrid;
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;

use crate::bench::planners;
use crate::bench::progress_bar::show_share;
use crate::bench::request::request_now;
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
        let costmap = &build(&setting.config.grid, GridKind::Map, map);
        let regions = Regions::of(costmap);
        let mut planner = planners::planner(setting, &setting.config, bundle, &clock)?;
        planner.prepare(costmap);
        let (mut plans, mut cost_ratios, mut guidance_ms) = (0, Vec::new(), Vec::new());
        bar.set_message("paths against the optimum");
        for number in 0..GOALS {
            show_share(bar, number as f64 / GOALS as f64);
            let Some((_, goal)) = regions.any_pair(costmap, random) else { break };
            let (guidance, took) = timed(|| field(costmap, goal, setting.travel()));
            let Some(guidance) = guidance else { break };
            guidance_ms.push(took.as_secs_f64() * 1e3);
            for _ in 0..PLANS {
                let Some((start, _)) = regions.any_pair(costmap, random) else { break };
                let optimum = f64::from(guidance.cost_to_go(start));
                if !optimum.is_finite() || optimum <= 0.0 {
                    continue;
                }
                planner.reset();
                let request = request_now(setting, costmap.geometry(), [start, goal], &clock);
                let outcome = planner.plan(costmap, std::slice::from_ref(&guidance), &request, &clock);
                plans += 1;
                if let (Ok(path), true) = (outcome.path, clock.now() <= request.deadline) {
                    cost_ratios.push(setting.travel().path(costmap, path.poses().iter().copied()) / optimum);
                }
            }
        }
        let guidance_ms = Sorted::new(guidance_ms.into_iter()).quantile(0.5).unwrap_or_default();
        let solved = cost_ratios.len() as u64;
        Ok(Self { plans, solved, cost_ratios: Sorted::new(cost_ratios.into_iter()), guidance_ms })
    }
}
