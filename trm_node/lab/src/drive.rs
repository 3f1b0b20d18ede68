//! `trm drive`: a simulated robot among people with the planner in the loop, on real maps, judged by the raw world.
//!
//! Time is simulated, and an errand is a pure function of seed and number, so all policies do the same ones and the same
//! seed gives the same drive. `trm bench` drives, too, but measures: there the threads are real, and so is the time.

mod args;
mod body;
mod book;
mod clock;
mod closing;
mod costmap;
mod figures;
mod jerk;
mod judge;
mod node;
mod people;
mod policy;
mod polyline;
mod pursuit;
mod raster;
mod run;
mod sides;
mod site;
mod table;
#[cfg(test)]
mod tests;
mod world;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use rayon::prelude::*;
use serde::Serialize;
use trm_net::bundle::Bundle;
use trm_net::registry::fastest;

use crate::args::bundle;
use crate::lent::Lent;
use crate::machine::describe;
use crate::worlds::map_set::named_files;
use crate::worlds::random::Random;
pub use args::DriveArgs;
use closing::ClosingFigures;
use figures::{Comparison, PolicyFigures, compare};
use people::Ground;
use policy::Policy;
use run::{Kit, Outcome, Run};
use site::Site;

/// One errand in so many can't be done.
const OUT_OF_REACH_EVERY: usize = 8;

/// All that was found.
#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    seed: u64,
    people: u16,
    errands: usize,
    maps: Vec<String>,
    policies: Vec<PolicyFigures>,
    comparisons: Vec<Comparison>,
    closing: Option<ClosingFigures>,
}

/// Maps, people's ground on them, and the model.
struct Course {
    sites: Vec<(Site, Ground)>,
    bundle: Bundle,
    seed: u64,
    people: usize,
}

/// Runs `trm drive` and returns its table.
///
/// # Errors
/// On bad input; the message names file or flag. When the node as shipped misses a goal, or touches something because of a
/// plan.
pub fn run(args: &DriveArgs) -> anyhow::Result<String> {
    let course = Course::load(args)?;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(args.jobs.into()).build()?;
    let report = |policies, comparisons, closing| Report {
        machine: describe().summary(),
        seed: args.seed,
        people: args.people,
        errands: args.closing.unwrap_or(args.goals) as usize,
        maps: course.sites.iter().map(|(site, _)| site.name.clone()).collect(),
        policies,
        comparisons,
        closing,
    };
    if let Some(trials) = args.closing {
        let figures = threads.install(|| closing::play(&course, trials as usize))?;
        let (text, is_fault) = (figures.text(), figures.has_fault());
        save(args, &report(Vec::new(), Vec::new(), Some(figures)))?;
        return if is_fault { bail!("a fault:\n{text}") } else { Ok(text) };
    }
    let numbers: Vec<usize> = args.errand.map_or_else(|| (0..args.goals as usize).collect(), |at| vec![at as usize]);
    let outcomes = threads.install(|| course.outcomes(&numbers))?;
    let policies: Vec<PolicyFigures> =
        Policy::ALL.iter().zip(&outcomes).map(|(policy, outcomes)| PolicyFigures::of(*policy, outcomes)).collect();
    let others = Policy::ALL.iter().zip(&outcomes).skip(1);
    let comparisons: Vec<Comparison> =
        others.flat_map(|(policy, other)| compare(*policy, &outcomes[0], other, args.seed)).collect();
    let mut text = table::text(&policies, &comparisons);
    if args.moments || args.errand.is_some() {
        text += &table::moments(&numbers, &outcomes[0], &course.sites);
    }
    let is_fault = policies.first().is_some_and(|node| node.goals.missed + node.contacts.by_plan > 0);
    save(args, &report(policies, comparisons, None))?;
    if is_fault {
        bail!("a fault:\n{text}");
    }
    Ok(text)
}

fn save(args: &DriveArgs, report: &Report) -> anyhow::Result<()> {
    let Some(file) = &args.json else { return Ok(()) };
    let text = serde_json::to_string_pretty(report)? + "\n";
    std::fs::write(file, text).with_context(|| format!("--json {}", file.display()))
}

impl Course {
    fn load(args: &DriveArgs) -> anyhow::Result<Self> {
        let config = Policy::Node.config();
        let maps = named_files(&args.maps)?;
        let site = |(name, file): &(String, PathBuf)| -> anyhow::Result<(Site, Ground)> {
            let site = Site::load(name, file, &config)?;
            let ground = Ground::of(&site);
            Ok((site, ground))
        };
        let sites = maps.iter().map(site).collect::<anyhow::Result<_>>()?;
        Ok(Self { sites, bundle: bundle(args.bundle.as_deref())?, seed: args.seed, people: args.people.into() })
    }

    /// A model of a thread's own.
    fn graphs(&self) -> anyhow::Result<Lent> {
        Ok(Lent::new(fastest(&self.bundle, Policy::Node.config().planner.window_size as usize)?))
    }

    /// What comes of these errands, for each policy.
    fn outcomes(&self, numbers: &[usize]) -> anyhow::Result<Vec<Vec<Outcome>>> {
        let play = |policy: Policy| {
            let drive = |graphs: &mut anyhow::Result<Lent>, number: &usize| -> anyhow::Result<Outcome> {
                let graphs = graphs.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
                Ok(self.begin(*number, policy, graphs, !number.is_multiple_of(OUT_OF_REACH_EVERY))?.0.finish())
            };
            numbers.par_iter().map_init(|| self.graphs(), drive).collect::<anyhow::Result<Vec<_>>>()
        };
        Policy::ALL.into_iter().map(play).collect()
    }

    /// The robot at the beginning of an errand, and the random numbers of what else happens on it.
    fn begin(
        &self,
        number: usize,
        policy: Policy,
        graphs: &Lent,
        can_be_reached: bool,
    ) -> anyhow::Result<(Run<'_>, Random)> {
        let mut random = Random::of_query(self.seed, number);
        let (site, ground) = &self.sites[number % self.sites.len()];
        let errand = site.errand(can_be_reached, &mut random);
        let kit = Kit { bundle: &self.bundle, graphs, people: self.people };
        Ok((Run::new((site, ground), errand, policy, &kit, &mut random)?, random))
    }
}
