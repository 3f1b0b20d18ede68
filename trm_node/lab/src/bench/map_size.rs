//! Does the loop's time depend on the map's size? A map of 4000 × 4000 cells and one of 200 × 200, a tick on each in turn.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use trm_config::GridKind;
use trm_grid::costmap::CostmapBuilder;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::{Request, Source};

use super::args::Setting;
use super::backend;
use super::control::{Map, sleep_until};
use super::drive::Drive;
use super::memory;
use super::progress::Progress;
use super::sample::{Sample, ranks};
use super::tick::{Tick, miss, time};
use crate::statistics::Sorted;
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;
use crate::worlds::tiled::{middle, tiled};

/// Sides of the two maps, in cells.
const SMALL: u32 = 200;
const LARGE: usize = 4000;
/// With --quick.
const QUICK: usize = 1000;
/// How long ticks are taken usually, in seconds.
const SECONDS: f64 = 3.2;
/// Ticks before those that are counted.
const WARM_UP: u32 = 10;
/// Goals on the large map whose optimum is known, and plans to each.
const GOALS: usize = 2;
const PLANS: usize = 15;
/// How long the first guidance may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The ticks on one map.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OnMap {
    pub width: u32,
    pub height: u32,
    pub latency_us: Sample,
    pub missed: u64,
    /// Share of ticks with a path, and of paths that were the model's.
    pub success: f64,
    pub model: f64,
}

/// Both, and how good paths on the large one are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MapSize {
    /// The p99 of the large one over that of the small one, and between what it lies with about 95 % confidence.
    pub p99_ratio: f64,
    pub p99_ratio_interval: [Option<f64>; 2],
    pub small: OnMap,
    pub large: OnMap,
    /// Median and worst cost of paths on the large map over the optimum's.
    pub path_cost_ratio: Option<f64>,
    pub path_cost_ratio_max: Option<f64>,
    /// Share of reachable pairs with a path in time.
    pub success: f64,
    pub plans: u64,
    /// How long guidance over the large map took, in milliseconds.
    pub guidance_ms: f64,
    pub rss_mb: Option<f64>,
}

/// Measures both maps, made of the first map.
///
/// # Errors
/// When the bundle doesn't work on the window, or the maps have no way to drive.
pub fn measure(
    setting: &Setting,
    bundle: &Bundle,
    map: &Map,
    quick: bool,
    progress: &mut Progress,
) -> anyhow::Result<MapSize> {
    let side = if quick { QUICK } else { LARGE };
    let mut random = Random::new(setting.seed);
    progress.show("map size", 0.0, "making the maps");
    let named = || format!("map {}", map.name);
    let large = tiled(&setting.config, &map.grid, side, &mut random).with_context(named)?;
    let small = middle(&large_enough(&large, &map.grid), SMALL).with_context(named)?;
    let clock = Instant::now();
    let mut on_small = Drive::new(setting, bundle, &clock, small, setting.seed).with_context(named)?;
    let mut on_large = Drive::new(setting, bundle, &clock, large.clone(), setting.seed).with_context(named)?;
    for drive in [&mut on_small, &mut on_large] {
        drive.wait_for_guidance(PATIENCE);
    }
    let (mut small_ticks, mut large_ticks) = (Vec::new(), Vec::new());
    // Both robots drive at twice the rate: few ticks say little of the p99.
    let half = setting.period() / 4;
    let first = clock.now() + half;
    let began = Instant::now();
    let long = setting.part(SECONDS);
    let mut number = 0_u32;
    while number < WARM_UP + 20 || began.elapsed() < long {
        // A tick on one, then on the other.
        let (drive, ticks) = if number.is_multiple_of(2) {
            (&mut on_small, &mut small_ticks)
        } else {
            (&mut on_large, &mut large_ticks)
        };
        let due = (first + half * number).max(clock.now());
        sleep_until(&clock, due);
        let tick = drive.plan(due, &clock);
        if number >= WARM_UP {
            ticks.push(tick);
        }
        drive.go_on(2 * half)?;
        number += 1;
        progress.show("map size", began.elapsed().as_secs_f64() / long.as_secs_f64(), "");
    }
    let (rss_mb, _) = memory::resident_mb();
    let size = (on_large.size(), on_small.size());
    drop((on_small, on_large));
    let of = |ticks: &[Tick], (width, height, _): (u32, u32, f64)| {
        let paths = ticks.iter().filter(|tick| tick.source != Source::None.name()).count();
        let model = ticks.iter().filter(|tick| tick.source == Source::Model.name()).count();
        let times: Vec<Duration> = ticks.iter().map(|tick| time(tick.total_us)).collect();
        let missed = |tick: &&Tick| miss(tick.total_us, setting.config.node.deadline_ms, setting.rate_hz).is_some();
        OnMap {
            width,
            height,
            latency_us: Sample::of(&times),
            missed: ticks.iter().filter(missed).count() as u64,
            success: paths as f64 / ticks.len().max(1) as f64,
            model: model as f64 / paths.max(1) as f64,
        }
    };
    let (large_map, small_map) = (of(&large_ticks, size.0), of(&small_ticks, size.1));
    let quality = Quality::measure(setting, bundle, large, &mut random, progress)?;
    progress.end();
    let ([low, high], [base_low, base_high]) = (p99_interval(&large_ticks), p99_interval(&small_ticks));
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?).filter(|ratio| ratio.is_finite());
    Ok(MapSize {
        p99_ratio: large_map.latency_us.p99 / small_map.latency_us.p99,
        p99_ratio_interval: [ratio(low, base_high), ratio(high, base_low)],
        small: small_map,
        large: large_map,
        path_cost_ratio: quality.ratios.quantile(0.5),
        path_cost_ratio_max: quality.ratios.quantile(1.0),
        success: quality.solved as f64 / quality.plans.max(1) as f64,
        plans: quality.plans,
        guidance_ms: quality.guidance_ms,
        rss_mb,
    })
}

/// The map itself where the small square fits in, else the large one, whose middle has streets and rooms.
fn large_enough(large: &OccupancyGrid, map: &OccupancyGrid) -> OccupancyGrid {
    let fits = map.geometry().width().min(map.geometry().height()) >= SMALL;
    if fits { map.clone() } else { large.clone() }
}

/// Between what the p99 lies; nothing where no tick bounds it.
fn p99_interval(ticks: &[Tick]) -> [Option<f64>; 2] {
    let sorted = Sorted::new(ticks.iter().map(|tick| tick.total_us)).into_numbers();
    let (low, high) = ranks(sorted.len() as u64, 0.99);
    let at = |rank: u64| sorted.get((rank as usize).checked_sub(1)?).copied();
    [at(low), at(high)]
}

/// Paths on the large map against the optimum.
struct Quality {
    plans: u64,
    solved: u64,
    ratios: Sorted,
    guidance_ms: f64,
}

impl Quality {
    fn measure(
        setting: &Setting,
        bundle: &Bundle,
        grid: OccupancyGrid,
        random: &mut Random,
        progress: &mut Progress,
    ) -> anyhow::Result<Self> {
        let clock = Instant::now();
        let mut builder = CostmapBuilder::new(&setting.config.grid, GridKind::Map);
        let costmap = builder.replace(grid);
        let regions = Regions::of(costmap);
        let mut planner = backend::planner(setting, &setting.config, bundle, &clock)?;
        planner.prepare(costmap);
        let pose = |cell| {
            let center = costmap.geometry().center(cell);
            Pose::new(center.x, center.y, 0.0)
        };
        let (mut plans, mut ratios, mut guidance_ms) = (0, Vec::new(), Vec::new());
        for number in 0..GOALS {
            progress.show("map size", number as f64 / GOALS as f64, "paths against the optimum");
            let Some((_, goal)) = regions.any_pair(costmap, random) else { break };
            let began = Instant::now();
            let Some(guidance) = field(costmap, goal, setting.travel()) else { break };
            guidance_ms.push(began.elapsed().as_secs_f64() * 1e3);
            for _ in 0..PLANS {
                let Some((start, _)) = regions.any_pair(costmap, random) else { break };
                let best = f64::from(guidance.cost_to_go(start));
                if !best.is_finite() || best <= 0.0 {
                    continue;
                }
                planner.reset();
                let arrived = clock.now();
                let deadline = arrived + setting.deadline();
                let request = Request { start: pose(start), goal: pose(goal), arrived, deadline, epoch: None };
                let outcome = planner.plan(costmap, Some(&guidance), &request, &clock);
                plans += 1;
                if let (Ok(path), true) = (outcome.path, clock.now() <= deadline) {
                    ratios.push(setting.travel().path(costmap, path.poses().iter().copied()) / best);
                }
            }
        }
        let guidance_ms = Sorted::new(guidance_ms.into_iter()).quantile(0.5).unwrap_or_default();
        Ok(Self { plans, solved: ratios.len() as u64, ratios: Sorted::new(ratios.into_iter()), guidance_ms })
    }
}
