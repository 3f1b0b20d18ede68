//! From the middle of a plan on, each application of the net takes ten times as long. How far beyond its deadline does
//! the plan go?

use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use trm_config::GridKind;
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::units::Cell;
use trm_net::bundle::Bundle;
use trm_net::host::HostBackend;
use trm_net::registry;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::{Planner, Report};

use crate::args::with_flag;
use crate::bench::bench_map::BenchMap;
use crate::bench::microseconds::to_us;
use crate::bench::progress_bar::show_share;
use crate::bench::request::request_now;
use crate::bench::setting::BenchSetting;
use crate::bench::slowed_graphs::{SlowdownSwitch, SlowedGraphs};
use crate::statistics::Sorted;
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// How many times as long a slow application takes.
const FACTOR: u32 = 10;
/// Usual duration of this part, in seconds.
const SECONDS: f64 = 1.0;
/// Slow plans at least.
const LEAST: usize = 5;
/// Queries that are tried at most.
const TRIES: usize = 1000;
/// Plans at full speed before each slow one, so that the planner doesn't expect it.
const CALM: usize = 3;
/// A plan with fewer applications has no middle.
const FEWEST: u16 = 2;

/// Plans that were slowed down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Slowdown {
    /// How many times as long an application took.
    pub factor: f64,
    /// Number of plans.
    pub plans: u64,
    /// The longest time beyond the deadline, in slow applications; 0 if no plan was late.
    pub overshoot_quanta: f64,
    /// The same in microseconds.
    pub overshoot_us: f64,
    /// Plans that ended after their deadline.
    pub late: u64,
    /// Median time of a slow application.
    pub quantum_us: f64,
    /// Plans that gave a path nevertheless.
    pub solved: u64,
}

/// Slows down plans on a map.
///
/// # Errors
/// If the bundle can't be run on the window, or the map has no way to drive.
pub fn measure(setting: &BenchSetting, bundle: &Bundle, map: &BenchMap, bar: &ProgressBar) -> anyhow::Result<Slowdown> {
    let (mut planner, switch, clock) = slowed_planner(setting, bundle)?;
    let costmap = &build(&setting.config.grid, GridKind::Map, map.grid.clone());
    planner.prepare(costmap);
    let regions = Regions::of(costmap);
    let mut random = Random::new(setting.seed);
    let (began, duration) = (Instant::now(), setting.part_duration(SECONDS));
    let mut plans = Vec::new();
    for _ in 0..TRIES {
        if plans.len() >= LEAST && began.elapsed() >= duration {
            break;
        }
        let Some(ends) = regions.any_pair(costmap, &mut random) else {
            bail!("map {}: too few free cells can reach each other", map.name);
        };
        plans.extend(slow_plan(setting, &mut planner, &switch, costmap, ends, &clock));
        show_share(bar, began.elapsed().as_secs_f64() / duration.as_secs_f64());
    }
    let quanta = plans.iter().filter_map(|plan| plan.quantum_us);
    let quantum_us = Sorted::new(quanta).quantile(0.5).unwrap_or_default();
    let overshoot_us = to_us(plans.iter().map(|plan| plan.overshoot).max().unwrap_or_default());
    Ok(Slowdown {
        factor: f64::from(FACTOR),
        plans: plans.len() as u64,
        overshoot_quanta: if quantum_us > 0.0 { overshoot_us / quantum_us } else { 0.0 },
        overshoot_us,
        late: plans.iter().filter(|plan| plan.overshoot > Duration::ZERO).count() as u64,
        quantum_us,
        solved: plans.iter().filter(|plan| plan.is_solved).count() as u64,
    })
}

/// A planner that goes on until its deadline, so that slow applications meet it, and the switch that slows it down.
fn slowed_planner(
    setting: &BenchSetting,
    bundle: &Bundle,
) -> anyhow::Result<(Planner, std::sync::Arc<SlowdownSwitch>, Instant)> {
    let clock = Instant::now();
    let mut config = setting.config.planner.clone();
    config.stop_verified = false;
    config.stop_settled = false;
    config.max_steps = 1000;
    let graphs = registry::graphs(bundle, config.window_size as usize, &setting.backend).map_err(with_flag)?;
    let (slowed, switch) = SlowedGraphs::new(graphs);
    let slowed = HostBackend::new(bundle, Box::new(slowed));
    switch.set(u32::MAX, FACTOR);
    let planner = Planner::with_backend(&setting.config.grid, &config, bundle, Box::new(slowed), &clock);
    Ok((planner.map_err(with_flag)?, switch, clock))
}

struct SlowPlan {
    /// Time beyond the deadline.
    overshoot: Duration,
    /// Time of a slow application; `None` if there was none.
    quantum_us: Option<f64>,
    is_solved: bool,
}

/// Plans a few times at full speed, and then slowly from the middle on. `None` if the model has nothing to do because
/// the window has no way to the goal.
fn slow_plan(
    setting: &BenchSetting,
    planner: &mut Planner,
    switch: &SlowdownSwitch,
    costmap: &Costmap,
    (start, goal): (Cell, Cell),
    clock: &Instant,
) -> Option<SlowPlan> {
    let guidance = field(costmap, goal, setting.travel());
    let mut plan = |first_slow: u32| {
        switch.set(first_slow, FACTOR);
        planner.reset();
        let request = request_now(setting, costmap.geometry(), [start, goal], clock);
        let outcome = planner.plan(costmap, guidance.as_slice(), &request, clock);
        (outcome.report, outcome.path.is_ok(), clock.now().saturating_sub(request.deadline))
    };
    let mut usual = 0;
    for _ in 0..CALM {
        usual = plan(u32::MAX).0.applications;
    }
    if usual < FEWEST {
        return None;
    }
    let first_slow = u32::from(usual / 2);
    let (report, is_solved, overshoot) = plan(first_slow);
    Some(SlowPlan { overshoot, quantum_us: slow_application_us(&report, first_slow), is_solved })
}

fn slow_application_us(report: &Report, first_slow: u32) -> Option<f64> {
    let slow = u32::from(report.applications).saturating_sub(first_slow);
    // The share of the time that the fast applications before it took.
    let fast_share = f64::from(first_slow) / (f64::from(first_slow) + f64::from(slow * FACTOR));
    (slow > 0).then(|| to_us(report.stages.recurse) * (1.0 - fast_share) / f64::from(slow))
}
