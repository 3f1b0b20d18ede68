//! The net takes ten times longer from the middle of a plan on, by working: how far beyond its deadline does the plan go?

use std::time::{Duration, Instant};

use anyhow::bail;
use serde::{Deserialize, Serialize};
use trm_config::GridKind;
use trm_grid::costmap::CostmapBuilder;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::{Planner, Request};

use super::args::Setting;
use super::backend::{Slowed, by_name};
use super::control::Map;
use super::progress::Progress;
use super::tick::us;
use crate::args::with_flag;
use crate::statistics::Sorted;
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

const FACTOR: u32 = 10;
/// How long it takes usually, in seconds.
const SECONDS: f64 = 1.0;
/// How many plans at least, and how many queries are tried for them at most.
const LEAST: usize = 5;
const TRIES: usize = 1000;
/// Plans at full speed before each slow one: the planner shall expect nothing.
const CALM: usize = 3;
/// A plan of fewer applications has no middle.
const FEWEST: u16 = 2;

/// Plans that were slowed down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Slowdown {
    /// How much longer one application took.
    pub factor: f64,
    pub plans: u64,
    /// The greatest time beyond the deadline, in applications as slow as those were; 0 when none was late.
    pub overshoot_quanta: f64,
    /// The same in microseconds.
    pub overshoot_us: f64,
    /// Plans that ended after their deadline.
    pub late: u64,
    /// Median time of a slow application.
    pub quantum_us: f64,
    /// Plans that gave a path all the same.
    pub solved: u64,
}

/// Slows plans down on the first map.
///
/// # Errors
/// When the bundle doesn't work on the window, or the map has no way to drive.
pub fn measure(setting: &Setting, bundle: &Bundle, map: &Map, progress: &mut Progress) -> anyhow::Result<Slowdown> {
    let clock = Instant::now();
    // Only the model's stops are looked at: a plan goes on until the deadline, so that the slow ones meet it.
    let config = {
        let mut new = setting.config.clone();
        new.planner.stop_verified = false;
        new.planner.stop_settled = false;
        new.planner.max_steps = 1000;
        new
    };
    let (slowed, switch) = Slowed::new(by_name(&setting.backend, bundle, config.planner.window_size as usize)?);
    switch.set(u32::MAX, FACTOR);
    let mut planner =
        Planner::with_backend(&config.grid, &config.planner, bundle, Box::new(slowed), &clock).map_err(with_flag)?;
    let mut builder = CostmapBuilder::new(&config.grid, GridKind::Map);
    let costmap = builder.replace(map.grid.clone());
    planner.prepare(costmap);
    let regions = Regions::of(costmap);
    let mut random = Random::new(setting.seed);
    let (began, long) = (Instant::now(), setting.part(SECONDS));
    let (mut overshoots, mut quanta, mut solved) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TRIES {
        if overshoots.len() >= LEAST && began.elapsed() >= long {
            break;
        }
        let Some((start, goal)) = regions.any_pair(costmap, &mut random) else {
            bail!("map {}: too few free cells can reach each other", map.name);
        };
        let guidance = field(costmap, goal, setting.travel());
        let pose = |cell| {
            let center = costmap.geometry().center(cell);
            Pose::new(center.x, center.y, 0.0)
        };
        let mut plan = |from: u32| {
            switch.set(from, FACTOR);
            planner.reset();
            let arrived = clock.now();
            let deadline = arrived + setting.deadline();
            let request = Request { start: pose(start), goal: pose(goal), arrived, deadline, epoch: None };
            let outcome = planner.plan(costmap, guidance.as_ref(), &request, &clock);
            (outcome.report, outcome.path.is_ok(), clock.now().saturating_sub(deadline))
        };
        let mut usual = 0;
        for _ in 0..CALM {
            usual = plan(u32::MAX).0.applications;
        }
        if usual < FEWEST {
            continue; // The model had nothing to do: the window has no way to the goal.
        }
        let from = u32::from(usual / 2);
        let (report, found, overshoot) = plan(from);
        let slow = u32::from(report.applications).saturating_sub(from);
        if slow > 0 {
            // The fast ones before it are small beside it.
            let fast = f64::from(from) / (f64::from(from) + f64::from(slow * FACTOR));
            quanta.push(us(report.stages.recurse) * (1.0 - fast) / f64::from(slow));
        }
        overshoots.push(overshoot);
        solved += u64::from(found);
        progress.show("slowdown", began.elapsed().as_secs_f64() / long.as_secs_f64(), "");
    }
    progress.end();
    let quantum_us = Sorted::new(quanta.into_iter()).quantile(0.5).unwrap_or_default();
    let worst = us(overshoots.iter().copied().max().unwrap_or_default());
    Ok(Slowdown {
        factor: f64::from(FACTOR),
        plans: overshoots.len() as u64,
        overshoot_quanta: if quantum_us > 0.0 { worst / quantum_us } else { 0.0 },
        overshoot_us: worst,
        late: overshoots.iter().filter(|time| **time > Duration::ZERO).count() as u64,
        quantum_us,
        solved,
    })
}
