//! `trm drive`: a simulated robot among people with the planner in the loop, on real maps, judged by the raw world.
//!
//! Time is simulated, and an errand is a pure function of seed and number, so all policies do the same ones and the same
//! seed gives the same drive. `trm bench` drives, too, but measures: there the threads are real, and so is the time.

mod args;
mod body;
mod book;
mod cause;
mod clock;
mod closing;
mod costmap;
mod course;
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

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::machine::describe;
pub use args::DriveArgs;
use closing::ClosingFigures;
use course::Course;
use figures::{Comparison, PolicyFigures, compare};
use policy::Policy;

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

/// Runs `trm drive` and returns its table.
///
/// # Errors
/// On bad input; the message names file or flag. When the node as shipped misses a goal, or touches something because of a
/// plan.
pub fn run(args: &DriveArgs) -> anyhow::Result<String> {
    let course = Course::load(&args.maps, args.bundle.as_deref(), (args.seed, args.people.into()))?;
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
