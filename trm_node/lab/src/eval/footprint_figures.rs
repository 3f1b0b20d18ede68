//! The figures of an evaluation with a robot that isn't a disc.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use trm_net::bundle::Bundle;

use super::args::EvalArgs;
use super::footprint::{Course, Plan, Record};
use super::jobs;
use super::pose_guidance::PoseGuidanceTimes;
use crate::statistics::{QuantilesToMax, Sorted, UpperQuantiles, share, wilson};
use crate::worlds::random::Random;

/// Nav2's name for a lack of time.
const TIMEOUT: &str = "TIMEOUT";

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
    /// Queries that the search without guidance over headings solves with all the time that it needs, or that with it in time.
    pub reachable: usize,
    /// Share of these that have a path in time when guidance over headings is there.
    pub in_time: Option<f64>,
    /// Its 95 % interval.
    pub in_time_ci95: [f64; 2],
    /// The same as soon as there is guidance over cells alone, which is what a plan has that begins with a new goal.
    pub in_time_fresh: Option<f64>,
    /// Its 95 % interval.
    pub in_time_fresh_ci95: [f64; 2],
    /// The same while guidance over headings is computed on another core from then on: a plan of what is left of the time once it is
    /// there, or one without it, has a path.
    pub in_time_beside: Option<f64>,
    /// Its 95 % interval.
    pub in_time_beside_ci95: [f64; 2],
    /// Queries that only the search without a deadline solved, although guidance over headings was there.
    pub missed: usize,
    /// Queries that only the plan with guidance over headings solved.
    pub gained: usize,
    /// Why there was no path without a deadline, by Nav2's names.
    pub not_reachable: BTreeMap<&'static str, usize>,
    /// Where the answers in time came from when guidance over headings was there.
    pub sources: BTreeMap<&'static str, usize>,
    /// The same without it.
    pub sources_fresh: BTreeMap<&'static str, usize>,
    /// Milliseconds of CPU to a path when guidance over headings is there.
    pub ready_path_ms: UpperQuantiles,
    /// Milliseconds of CPU until it is said that there is no path, when guidance over headings is there.
    pub ready_no_path_ms: UpperQuantiles,
    /// Milliseconds of CPU to the first path without it and without a deadline.
    pub first_path_ms: UpperQuantiles,
    /// Milliseconds of CPU until it is proven without it that there is no path.
    pub no_path_ms: UpperQuantiles,
    /// Milliseconds of the guidance thread's CPU, after guidance over cells, until the states around the robot are known.
    pub pose_guidance_first_ms: UpperQuantiles,
    /// The same until all are.
    pub pose_guidance_whole_ms: UpperQuantiles,
    /// Megabytes of guidance over headings.
    pub pose_guidance_mb: QuantilesToMax,
    /// Length in time, with guidance over headings, over that of the search over 32 headings without a deadline.
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
    pub in_time_fresh: Option<f64>,
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

fn reachable<'a>(records: &[&'a Record]) -> Vec<&'a Record> {
    records.iter().copied().filter(|record| record.is_reachable()).collect()
}

/// Milliseconds of the plans that have a path, or of those that have none and don't lack time.
fn times(records: &[&Record], of: impl Fn(&Record) -> Plan, with_path: bool) -> UpperQuantiles {
    let plans = records.iter().map(|record| of(record));
    let counts = |plan: &Plan| plan.planned.is_ok() == with_path && plan.planned != Err(TIMEOUT);
    Sorted::new(plans.filter(counts).map(|plan| plan.ms)).upper()
}

/// Answers by their source, or by the name of the reason why there is none.
fn counts(records: &[Record], of: impl Fn(&Record) -> Plan) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for plan in records.iter().map(of) {
        *counts.entry(plan.planned.err().unwrap_or(plan.source)).or_default() += 1;
    }
    counts
}

impl MapFigures {
    fn of(records: &[&Record]) -> Self {
        let reachable = reachable(records);
        let in_time = |of: fn(&Record) -> Plan| reachable.iter().filter(|record| of(record).planned.is_ok()).count();
        Self {
            queries: records.len(),
            reachable: reachable.len(),
            in_time: share(in_time(|record| record.ready), reachable.len()),
            in_time_fresh: share(in_time(|record| record.fresh), reachable.len()),
            first_path_ms: times(records, |record| record.unlimited, true),
        }
    }
}

impl FootprintFigures {
    fn of(args: &EvalArgs, course: &Course, records: &[Record]) -> Self {
        let all: Vec<&Record> = records.iter().collect();
        let reachable = reachable(&all);
        let count = |is_so: &dyn Fn(&Record) -> bool| reachable.iter().filter(|record| is_so(record)).count();
        let ready = count(&|record| record.ready.planned.is_ok());
        let fresh = count(&|record| record.fresh.planned.is_ok());
        let beside =
            count(&|record| record.fresh.planned.is_ok() || record.later.is_some_and(|later| later.planned.is_ok()));
        let mut not_reachable = BTreeMap::new();
        for reason in records.iter().filter_map(|record| record.unlimited.planned.err()) {
            *not_reachable.entry(reason).or_default() += 1;
        }
        let ratio = |record: &&Record| Some(record.ready.planned.ok()?.0 / record.fine.filter(|fine| *fine > 0.0)?);
        let ratios = Sorted::new(reachable.iter().filter_map(ratio));
        let (p50, p95) = (ratios.quantile(0.5), ratios.quantile(0.95));
        let guidance =
            |of: fn(PoseGuidanceTimes) -> f64| Sorted::new(records.iter().filter_map(|record| record.guidance.map(of)));
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
            in_time: share(ready, reachable.len()),
            in_time_ci95: wilson(ready, reachable.len()),
            in_time_fresh: share(fresh, reachable.len()),
            in_time_fresh_ci95: wilson(fresh, reachable.len()),
            in_time_beside: share(beside, reachable.len()),
            in_time_beside_ci95: wilson(beside, reachable.len()),
            missed: count(&|record| record.ready.planned.is_err()),
            gained: count(&|record| record.unlimited.planned.is_err()),
            not_reachable,
            sources: counts(records, |record| record.ready),
            sources_fresh: counts(records, |record| record.fresh),
            ready_path_ms: times(&all, |record| record.ready, true),
            ready_no_path_ms: times(&all, |record| record.ready, false),
            first_path_ms: times(&all, |record| record.unlimited, true),
            no_path_ms: times(&all, |record| record.unlimited, false),
            pose_guidance_first_ms: guidance(|times| times.first).upper(),
            pose_guidance_whole_ms: guidance(|times| times.whole).upper(),
            pose_guidance_mb: guidance(|times| times.megabytes).to_max(),
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
        let interval = |share: Option<f64>, [low, high]: [f64; 2]| format!("{} ({low:.4}-{high:.4})", number(share, 4));
        let RobotFigures { footprint, motion_model, minimum_turning_radius, .. } = &self.robot;
        let mut text = format!(
            "{motion_model} {footprint}, radius {minimum_turning_radius} m; {} queries of seed {} ({} without room), {} legs a map\n\
             {} can be reached (others: {}); with {} ms have a path: guidance over headings there {}, computed meanwhile {}, none {}\n\
             only the search without a deadline: {}, only guidance over headings: {}\n\
             ms of CPU, p50 / p95 / p99, with guidance over headings: to a path {}, to none {}\n\
             without, and without a deadline: to the first path {}, until there is proven to be none {}\n\
             guidance over headings: to the robot {}, whole {}, MB p50 {}, max {}\n\
             length over that of 32 headings without a deadline: p50 {}, p95 {} (n {})\n\
             answers in time: {}; without guidance over headings: {}; faults {}\n",
            self.queries,
            self.seed,
            self.without_room,
            self.legs,
            self.reachable,
            counts(&self.not_reachable),
            self.deadline_ms,
            interval(self.in_time, self.in_time_ci95),
            interval(self.in_time_beside, self.in_time_beside_ci95),
            interval(self.in_time_fresh, self.in_time_fresh_ci95),
            self.missed,
            self.gained,
            times(self.ready_path_ms),
            times(self.ready_no_path_ms),
            times(self.first_path_ms),
            times(self.no_path_ms),
            times(self.pose_guidance_first_ms),
            times(self.pose_guidance_whole_ms),
            number(self.pose_guidance_mb.p50, 1),
            number(self.pose_guidance_mb.max, 1),
            number(self.length_ratio.p50, 3),
            number(self.length_ratio.p95, 3),
            self.length_ratio.n,
            counts(&self.sources),
            counts(&self.sources_fresh),
            self.faults,
        );
        for (name, map) in &self.per_map {
            let _ = writeln!(
                text,
                "  {name}: {} of {} reachable, {} in time, {} without guidance over headings, ms {}",
                map.reachable,
                map.queries,
                number(map.in_time, 3),
                number(map.in_time_fresh, 3),
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
