//! Does the time of the loop depend on the size of the map? A robot drives on a map of 4000 × 4000 cells and another on
//! one of 200 × 200; their ticks take turns.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use trm_grid::occupancy::OccupancyGrid;
use trm_net::bundle::Bundle;
use trm_planner::Source;
use trm_planner::halt::deadline::Clock as _;

use crate::bench::bench_map::BenchMap;
use crate::bench::drive::Drive;
use crate::bench::memory;
use crate::bench::microseconds::from_us;
use crate::bench::miss::miss;
use crate::bench::path_quality::PathQuality;
use crate::bench::progress_bar::show_share;
use crate::bench::sample_times::{SampleTimes, ranks};
use crate::bench::setting::BenchSetting;
use crate::bench::tick::Tick;
use crate::bench::timing::sleep_until;
use crate::statistics::Sorted;
use crate::worlds::random::Random;
use crate::worlds::tiled::{middle, tiled};

/// Cells per side of the small map.
const SMALL: u32 = 200;
/// Cells per side of the large map.
const LARGE: usize = 4000;
/// Cells per side of the large map with `--quick`.
const LARGE_QUICK: usize = 1000;
/// Usual duration of the ticks, in seconds.
const SECONDS: f64 = 3.2;
/// Ticks before the first one that counts.
const WARM_UP: u32 = 10;
/// Ticks that count, at least.
const LEAST: u32 = 20;
/// How long the first guidance may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The ticks on one map.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MapTicks {
    /// Cells along x.
    pub width: u32,
    /// Cells along y.
    pub height: u32,
    /// Times from request to path.
    pub latency_us: SampleTimes,
    /// Ticks that missed their deadline.
    pub missed: u64,
    /// Share of ticks with a path.
    pub success: f64,
    /// Share of the paths that came from the model.
    pub model: f64,
}

/// Both maps, and how good paths on the large one are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MapSize {
    /// p99 on the large map, divided by that on the small one.
    pub p99_ratio: f64,
    /// Its confidence interval of about 95 %; `None` on a side without a bound.
    pub p99_ratio_interval: [Option<f64>; 2],
    /// The small map.
    pub small: MapTicks,
    /// The large map.
    pub large: MapTicks,
    /// Median cost of paths on the large map, divided by the optimum's.
    pub path_cost_ratio: Option<f64>,
    /// The greatest of these ratios.
    pub path_cost_ratio_max: Option<f64>,
    /// Share of pairs that had a path in time, among those that can reach each other.
    pub success: f64,
    /// Number of such pairs.
    pub plans: u64,
    /// Median time to compute guidance over the large map, in milliseconds.
    pub guidance_ms: f64,
    /// What there is until guidance over the whole map is computed; `None` in reports from before it was measured.
    pub until_guidance: Option<UntilGuidance>,
    /// Resident memory while both robots drove, in units of 10^6 bytes.
    pub rss_mb: Option<f64>,
}

/// What there is on a large map until guidance over all of it is computed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UntilGuidance {
    /// Median time to compute guidance along one way, in milliseconds.
    pub corridor_ms: f64,
    /// The longest such time, in milliseconds.
    pub corridor_ms_max: f64,
    /// Median cost of the paths that this led to, divided by the optimum's.
    pub corridor_cost_ratio: Option<f64>,
    /// The greatest of these ratios.
    pub corridor_cost_ratio_max: Option<f64>,
    /// Share of pairs that had a path in time on the map after it had grown, with the guidance of before.
    pub success_grown: f64,
}

/// Measures two maps that are made of the given one.
///
/// # Errors
/// If the bundle can't be run on the window, or the maps have no way to drive.
pub fn measure(
    setting: &BenchSetting,
    bundle: &Bundle,
    map: &BenchMap,
    is_quick: bool,
    bar: &ProgressBar,
) -> anyhow::Result<MapSize> {
    let side = if is_quick { LARGE_QUICK } else { LARGE };
    let mut random = Random::new(setting.seed);
    bar.set_message("making the maps");
    let named = || format!("map {}", map.name);
    let large = tiled(&setting.config, &map.grid, side, &mut random).with_context(named)?;
    let small = middle(at_least_small(&map.grid, &large), SMALL).with_context(named)?;
    let clock = Instant::now();
    let on_small = Drive::new(setting, bundle, &clock, small, setting.seed).with_context(named)?;
    let on_large = Drive::new(setting, bundle, &clock, large.clone(), setting.seed).with_context(named)?;
    let mut drives = [Box::new(on_small), Box::new(on_large)];
    for drive in &mut drives {
        drive.wait_for_guidance(PATIENCE);
    }
    bar.set_message("");
    let ticks = take_turns(setting, &mut drives, &clock, bar)?;
    let (rss_mb, _) = memory::resident_mb();
    let [small, large_ticks] = [0, 1].map(|at| MapTicks::of(setting, &ticks[at], drives[at].size()));
    drop(drives);
    let quality = PathQuality::measure(setting, bundle, large, &mut random, bar)?;
    let [[base_low, base_high], [low, high]] = [0, 1].map(|at| p99_interval(&ticks[at]));
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?).filter(|ratio| ratio.is_finite());
    Ok(MapSize {
        p99_ratio: large_ticks.latency_us.p99 / small.latency_us.p99,
        p99_ratio_interval: [ratio(low, base_high), ratio(high, base_low)],
        small,
        large: large_ticks,
        path_cost_ratio: quality.cost_ratios.quantile(0.5),
        path_cost_ratio_max: quality.cost_ratios.quantile(1.0),
        success: quality.solved as f64 / quality.plans.max(1) as f64,
        plans: quality.plans,
        guidance_ms: quality.guidance_ms,
        until_guidance: Some(UntilGuidance {
            corridor_ms: quality.corridor_ms.quantile(0.5).unwrap_or_default(),
            corridor_ms_max: quality.corridor_ms.quantile(1.0).unwrap_or_default(),
            corridor_cost_ratio: quality.corridor_cost_ratios.quantile(0.5),
            corridor_cost_ratio_max: quality.corridor_cost_ratios.quantile(1.0),
            success_grown: quality.solved_grown as f64 / quality.plans.max(1) as f64,
        }),
        rss_mb,
    })
}

/// The map itself if the small square fits into it, else the large one, whose middle has streets and rooms.
fn at_least_small<'a>(map: &'a OccupancyGrid, large: &'a OccupancyGrid) -> &'a OccupancyGrid {
    if map.geometry().width().min(map.geometry().height()) >= SMALL { map } else { large }
}

/// Lets two robots plan in turns and gives the ticks of each.
fn take_turns(
    setting: &BenchSetting,
    drives: &mut [Box<Drive>; 2],
    clock: &Instant,
    bar: &ProgressBar,
) -> anyhow::Result<[Vec<Tick>; 2]> {
    let mut ticks = [Vec::new(), Vec::new()];
    // Each robot plans at twice the setting's rate, as few ticks say little about the p99.
    let interval = setting.period() / 4;
    let first = clock.now() + interval;
    let (began, duration) = (Instant::now(), setting.part_duration(SECONDS));
    let mut number = 0_u32;
    while number < WARM_UP + LEAST || began.elapsed() < duration {
        let turn = usize::from(!number.is_multiple_of(2));
        let due = (first + interval * number).max(clock.now());
        sleep_until(clock, due);
        let tick = drives[turn].plan(due, clock);
        if number >= WARM_UP {
            ticks[turn].push(tick);
        }
        drives[turn].advance(2 * interval)?;
        number += 1;
        show_share(bar, began.elapsed().as_secs_f64() / duration.as_secs_f64());
    }
    Ok(ticks)
}

impl MapTicks {
    fn of(setting: &BenchSetting, ticks: &[Tick], (width, height, _): (u32, u32, f64)) -> Self {
        let paths = ticks.iter().filter(|tick| tick.source != Source::None.name()).count();
        let model = ticks.iter().filter(|tick| tick.is_of_model()).count();
        let times: Vec<Duration> = ticks.iter().map(|tick| from_us(tick.total_us)).collect();
        let missed = |tick: &&Tick| miss(tick.total_us, setting.config.node.deadline_ms, setting.rate_hz).is_some();
        Self {
            width,
            height,
            latency_us: SampleTimes::of(&times),
            missed: ticks.iter().filter(missed).count() as u64,
            success: paths as f64 / ticks.len().max(1) as f64,
            model: model as f64 / paths.max(1) as f64,
        }
    }
}

/// The p99's 95 % confidence interval, in microseconds; `None` on a side without a bound.
fn p99_interval(ticks: &[Tick]) -> [Option<f64>; 2] {
    let sorted = Sorted::new(ticks.iter().map(|tick| tick.total_us)).into_numbers();
    let (low, high) = ranks(sorted.len() as u64, 0.99);
    let at = |rank: u64| sorted.get((rank as usize).checked_sub(1)?).copied();
    [at(low), at(high)]
}
