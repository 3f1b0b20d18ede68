//! Trips with several weights of unknown cells, each from the same starts to the same goals.

use anyhow::{Context as _, bail};
use serde::Serialize;
use trm_config::{Config, GridKind};
use trm_grid::costmap_builder::build;
use trm_grid::map_file;
use trm_net::bundle::Bundle;

use super::args::EvalArgs;
use super::jobs;
use super::unseen::{Driven, Trip, drive, planner, shortest, truth};
use crate::statistics::mean_interval;
use crate::worlds::map_set::{files, pool};
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// The weights that are compared. The first is what the others are compared with.
const WEIGHTS: [f64; 5] = [1.0, 1.5, 2.0, 3.0, 5.0];
/// Metres per cell, unless told otherwise.
const RESOLUTION: f64 = 0.2;
/// Trips are at least so long, in cells as the crow flies.
const LEAST: f64 = 40.0;
/// So many pairs are drawn until one is far enough apart.
const TRIES: usize = 200;

/// The trips with one weight.
#[derive(Debug, Serialize)]
pub struct OfWeight {
    pub weight: f64,
    /// Mean of driven length over the shortest, and its 95 % interval, over the trips that reached their goal with every
    /// weight.
    pub ratio: [f64; 3],
    /// Mean difference of that to the first weight's, and its 95 % interval.
    pub difference: [f64; 3],
    /// How often the robot turned round in a trip, on average.
    pub turns: f64,
    /// Trips that didn't reach their goal.
    pub failed: usize,
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct UnseenFigures {
    pub seed: u64,
    /// Trips that reached their goal with every weight.
    pub trips: usize,
    pub weights: Vec<OfWeight>,
    /// The mean ratio of who knows the best weight of each trip.
    pub oracle: f64,
}

/// One trip: driven over shortest with each weight, and the turns.
struct Record {
    shortest: f64,
    driven: Vec<Driven>,
}

fn config(args: &EvalArgs, weight: f64) -> anyhow::Result<Config> {
    let mut config = Config::default();
    args.planning.apply(&mut config)?;
    config.grid.allow_unknown = true;
    config.grid.unknown_weight = weight;
    Ok(config)
}

/// Drives all trips.
///
/// # Errors
/// When a map can't be used, or none has room for a trip.
pub fn run(args: &EvalArgs, bundle: &Bundle) -> anyhow::Result<UnseenFigures> {
    let folder = args.maps.as_deref().context("--unknown needs --maps")?;
    let configs = WEIGHTS.iter().map(|weight| config(args, *weight)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut worlds = Vec::new();
    for file in files(folder).with_context(|| format!("--maps {}", folder.display()))? {
        let grid = map_file::load(&file)?;
        let resolution = args.resolution.unwrap_or(RESOLUTION).max(grid.geometry().resolution());
        worlds.push(truth(&pool(&grid, resolution)?, &configs[0])?);
    }
    if worlds.is_empty() {
        bail!("--maps {}: no map in this folder or below it", folder.display());
    }
    let records = jobs::run(
        "trips",
        args.queries as usize,
        args.jobs.into(),
        || configs.iter().map(|config| planner(config, bundle)).collect::<anyhow::Result<Vec<_>>>(),
        |planners, number| {
            let truth = &worlds[number % worlds.len()];
            let costmap = build(&configs[0].grid, GridKind::Map, truth.clone());
            let regions = Regions::of(&costmap);
            let mut random = Random::of_query(args.seed, number);
            let is_far = |(start, goal): &(_, _)| {
                costmap.geometry().center(*start).distance(costmap.geometry().center(*goal))
                    >= LEAST * costmap.geometry().resolution()
            };
            let pair = (0..TRIES).find_map(|_| regions.any_pair(&costmap, &mut random).filter(is_far));
            let Some((start, goal)) = pair else { return Ok(None) };
            let trip = Trip { truth, start, goal };
            let Some(shortest) = shortest(&trip, &configs[0], &mut planners[0]) else { return Ok(None) };
            let driven = configs.iter().zip(planners).map(|(config, planner)| drive(&trip, config, planner));
            Ok(Some(Record { shortest, driven: driven.collect::<anyhow::Result<_>>()? }))
        },
    )?;
    Ok(UnseenFigures::of(args.seed, &records.into_iter().flatten().collect::<Vec<_>>()))
}

impl UnseenFigures {
    fn of(seed: u64, records: &[Record]) -> Self {
        let ratios: Vec<Vec<f64>> = records
            .iter()
            .filter_map(|record| {
                record.driven.iter().map(|driven| Some(driven.metres? / record.shortest)).collect::<Option<Vec<f64>>>()
            })
            .collect();
        let of = |number: usize| {
            let turns: usize = records.iter().map(|record| record.driven[number].turns).sum();
            OfWeight {
                weight: WEIGHTS[number],
                ratio: mean_interval(ratios.iter().map(|trip| trip[number])),
                difference: mean_interval(ratios.iter().map(|trip| trip[number] - trip[0])),
                turns: turns as f64 / records.len().max(1) as f64,
                failed: records.iter().filter(|record| record.driven[number].metres.is_none()).count(),
            }
        };
        let best = |trip: &Vec<f64>| trip.iter().copied().fold(f64::INFINITY, f64::min);
        Self {
            seed,
            trips: ratios.len(),
            weights: (0..WEIGHTS.len()).map(of).collect(),
            oracle: mean_interval(ratios.iter().map(best))[0],
        }
    }

    /// As a table.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} trips through unseen buildings: driven over shortest, mean and 95 % interval\n\
             weight of unknown cells   driven / shortest        against weight {}       turns  failed\n",
            self.trips, WEIGHTS[0]
        );
        for of in &self.weights {
            let [mean, low, high] = of.ratio;
            let [by, least, most] = of.difference;
            text += &[
                format!("{:>23}   {mean:.3} ({low:.3}-{high:.3})   ", of.weight),
                format!("{by:+.3} ({least:+.3} to {most:+.3})   {:5.2}  {}\n", of.turns, of.failed),
            ]
            .concat();
        }
        text + &format!("best weight of each trip  {:.3}", self.oracle)
    }
}
