//! The figures of an evaluation with a robot that isn't a disc.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use trm_net::bundle::Bundle;

use super::args::EvalArgs;
use super::footprint::{Course, Planned, Record};
use super::jobs;
use crate::statistics::{Sorted, UpperQuantiles, share, wilson};
use crate::worlds::random::Random;

/// What was planned for.
#[derive(Debug, Serialize)]
pub struct RobotFigures {
    /// Corners in metres of the base frame, without the padding.
    pub footprint: String,
    pub footprint_padding: f64,
    pub motion_model: String,
    /// Metres; only a car has one.
    pub minimum_turning_radius: f64,
    pub allow_reverse: bool,
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct FootprintFigures {
    pub robot: RobotFigures,
    pub seed: u64,
    pub queries: usize,
    /// Queries beside these for which no two places were found that the robot can stand at.
    pub without_room: usize,
    /// Legs of one cell on each map.
    pub legs: usize,
    /// Milliseconds of CPU that a plan has.
    pub deadline_ms: f64,
    /// Queries that the search solves with all the time that it needs.
    pub reachable: usize,
    /// Share of these that have a path in time.
    pub in_time: Option<f64>,
    /// Its 95 % interval.
    pub in_time_ci95: [f64; 2],
    /// Why there was no path without a deadline, by Nav2's names.
    pub not_reachable: BTreeMap<&'static str, usize>,
    /// Where the answers in time came from.
    pub sources: BTreeMap<&'static str, usize>,
    /// Milliseconds of CPU to the first path, without a deadline, of the reachable queries.
    pub first_path_ms: UpperQuantiles,
    /// Milliseconds of CPU until it is proven that there is no path.
    pub no_path_ms: UpperQuantiles,
    /// Length in time over that of the same search over 32 headings without a deadline.
    pub length_ratio: LengthRatio,
    /// Paths that the judge found something wrong with.
    pub faults: usize,
    /// What.
    pub fault_texts: Vec<String>,
    /// By map.
    pub per_map: BTreeMap<String, MapFigures>,
}

/// Lengths beside others.
#[derive(Debug, Serialize)]
pub struct LengthRatio {
    /// Queries that both have a path for.
    pub n: usize,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
}

/// One map.
#[derive(Debug, Serialize)]
pub struct MapFigures {
    pub queries: usize,
    pub reachable: usize,
    pub in_time: Option<f64>,
    pub first_path_ms: UpperQuantiles,
}

/// Plans all queries. Those of a map follow each other.
///
/// # Errors
/// On bad input; the message names the flag or the file.
pub fn run(args: &EvalArgs, bundle: &Bundle) -> anyhow::Result<FootprintFigures> {
    let course = Course::new(args)?;
    let (queries, maps) = (args.queries as usize, course.sites.len());
    let records = jobs::run(
        "queries",
        queries,
        args.jobs.into(),
        || course.tools(bundle),
        |tools, number| tools.record(number * maps / queries, Random::of_query(args.seed, number)),
    )?;
    let records: Vec<Record> = records.into_iter().flatten().collect();
    Ok(FootprintFigures::of(args, &course, &records))
}

/// The metres and milliseconds of those that have a path.
fn paths<'a>(records: &'a [&Record], of: impl Fn(&Record) -> Planned + 'a) -> impl Iterator<Item = (f64, f64)> + 'a {
    records.iter().filter_map(move |record| of(record).ok())
}

fn reachable<'a>(records: &[&'a Record]) -> Vec<&'a Record> {
    records.iter().copied().filter(|record| record.unlimited.is_ok()).collect()
}

fn times(records: &[&Record]) -> UpperQuantiles {
    Sorted::new(paths(records, |record| record.unlimited).map(|(_, ms)| ms)).upper()
}

impl MapFigures {
    fn of(records: &[&Record]) -> Self {
        let reachable = reachable(records);
        let in_time = reachable.iter().filter(|record| record.in_time.is_ok()).count();
        Self {
            queries: records.len(),
            reachable: reachable.len(),
            in_time: share(in_time, reachable.len()),
            first_path_ms: times(records),
        }
    }
}

impl FootprintFigures {
    fn of(args: &EvalArgs, course: &Course, records: &[Record]) -> Self {
        let all: Vec<&Record> = records.iter().collect();
        let reachable = reachable(&all);
        let in_time = reachable.iter().filter(|record| record.in_time.is_ok()).count();
        let (mut not_reachable, mut sources) = (BTreeMap::new(), BTreeMap::new());
        for record in records {
            *sources.entry(record.in_time.err().unwrap_or(record.source)).or_default() += 1;
            if let Err(reason) = record.unlimited {
                *not_reachable.entry(reason).or_default() += 1;
            }
        }
        let ratio = |record: &&Record| Some(record.in_time.ok()?.0 / record.fine.filter(|fine| *fine > 0.0)?);
        let ratios = Sorted::new(reachable.iter().filter_map(ratio));
        let (p50, p95) = (ratios.quantile(0.5), ratios.quantile(0.95));
        let fault_texts: Vec<String> = records.iter().flat_map(|record| record.faults.clone()).collect();
        let of_map = |(number, name): (usize, String)| {
            let of_map: Vec<&Record> = records.iter().filter(|record| record.site == number).collect();
            (name, MapFigures::of(&of_map))
        };
        let names = course.sites.iter().map(|site| site.name.clone());
        Self {
            robot: RobotFigures::of(course),
            seed: args.seed,
            queries: records.len(),
            without_room: args.queries as usize - records.len(),
            legs: args.legs,
            deadline_ms: course.deadline_ms,
            reachable: reachable.len(),
            in_time: share(in_time, reachable.len()),
            in_time_ci95: wilson(in_time, reachable.len()),
            not_reachable,
            sources,
            first_path_ms: times(&all),
            no_path_ms: Sorted::new(records.iter().filter_map(|record| record.no_path_ms)).upper(),
            length_ratio: LengthRatio { n: ratios.into_numbers().len(), p50, p95 },
            faults: fault_texts.len(),
            fault_texts,
            per_map: names.enumerate().map(of_map).collect(),
        }
    }

    /// The figures as a text.
    pub fn text(&self) -> String {
        let number = |number: Option<f64>, digits: usize| number.map_or("-".to_owned(), |n| format!("{n:.digits$}"));
        let times = |of: UpperQuantiles| [of.p50, of.p95, of.p99].map(|ms| number(ms, 1)).join(" / ");
        let counts = |of: &BTreeMap<&str, usize>| {
            of.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let RobotFigures { footprint, motion_model, minimum_turning_radius, .. } = &self.robot;
        let mut text = format!(
            "{motion_model} {footprint}, radius {minimum_turning_radius} m; {} queries of seed {} ({} without room), {} legs a map\n\
             {} can be reached (others: {}); with {} ms {} have a path ({:.4}-{:.4})\n\
             ms of CPU to the first path, p50 / p95 / p99: {}; until there is proven to be none: {}\n\
             length over that of 32 headings without a deadline: p50 {}, p95 {} (n {})\n\
             answers in time: {}; faults {}\n",
            self.queries,
            self.seed,
            self.without_room,
            self.legs,
            self.reachable,
            counts(&self.not_reachable),
            self.deadline_ms,
            number(self.in_time, 4),
            self.in_time_ci95[0],
            self.in_time_ci95[1],
            times(self.first_path_ms),
            times(self.no_path_ms),
            number(self.length_ratio.p50, 3),
            number(self.length_ratio.p95, 3),
            self.length_ratio.n,
            counts(&self.sources),
            self.faults,
        );
        for (name, map) in &self.per_map {
            let _ = writeln!(
                text,
                "  {name}: {} of {} reachable, {} in time, ms {}",
                map.reachable,
                map.queries,
                number(map.in_time, 3),
                times(map.first_path_ms)
            );
        }
        text
    }
}

impl RobotFigures {
    fn of(course: &Course) -> Self {
        let (grid, planner) = (&course.config.grid, &course.config.planner);
        Self {
            footprint: grid.footprint.as_ref().map(ToString::to_string).unwrap_or_default(),
            footprint_padding: grid.footprint_padding,
            motion_model: planner.motion_model.name().to_owned(),
            minimum_turning_radius: planner.minimum_turning_radius,
            allow_reverse: planner.allow_reverse,
        }
    }
}
