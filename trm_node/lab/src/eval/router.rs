//! `trm eval --router`: what a router gains over each of its bundles alone, on the same queries with the same limit. Times
//! and deadlines are those of the thread's CPU.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use trm_grid::window::Window;
use trm_net::router::{FEATURES, Router};
use trm_planner::Planner;
use trm_planner::features::features;
use trm_planner::problem::Problem;
use trm_safety::check::Rules;

use super::args::{EvalArgs, EvalSetting, PlanBudget};
use super::jobs;
use super::path_checker;
use super::query::Query;
use super::source::QuerySource;
use super::timed_planner::TimedPlanner;
use crate::statistics::{Sorted, UpperQuantiles, mean_interval, share, wilson};

/// What the router is called among the bundles.
const ROUTED: &str = "routed";

/// All figures.
#[derive(Debug, Serialize)]
pub struct RouterFigures {
    queries: usize,
    seed: u64,
    window: usize,
    budget: PlanBudget,
    /// Each bundle alone, in the router's order, and the router last.
    contestants: Vec<Contestant>,
    /// The bundle with the highest success, of those the one with the least mean cost.
    best_single: String,
    /// Success of the router less that of the best bundle: mean over the queries, and its 95 % interval.
    success_gain: [f64; 3],
    /// Cost of the router's path over that of the best bundle's, less 1, where both have one: the same.
    cost_gain: [f64; 3],
    /// Milliseconds of the router's plan less those of the best bundle's: the same.
    time_gain_ms: [f64; 3],
    /// Share of the queries that any of the bundles solves: no router can solve more.
    any_bundle: Option<f64>,
    /// How often the router chose each bundle.
    choices: BTreeMap<String, usize>,
    /// What `models/trm_train/router.py` fits a classifier to.
    samples: Vec<Sample>,
}

/// One way to plan.
#[derive(Debug, Serialize)]
struct Contestant {
    name: String,
    success: Option<f64>,
    ci95: [f64; 2],
    cost_ratio: UpperQuantiles,
    ms: UpperQuantiles,
    colliding: usize,
}

/// What is known of one query.
#[derive(Debug, Clone, Serialize)]
struct Sample {
    /// In the order of `features`.
    features: [f32; FEATURES.len()],
    /// Of each bundle, and of the router last.
    answers: Vec<Answer>,
    /// What the router chose.
    choice: String,
}

/// What came of one plan.
#[derive(Debug, Clone, Copy, Serialize)]
struct Answer {
    /// Cost of the path over the optimum's; `None` without a path.
    ratio: Option<f64>,
    ms: f64,
    passes: bool,
}

/// Measures.
///
/// # Errors
/// On bad input, which is named.
pub fn run(args: &EvalArgs, file: &Path) -> anyhow::Result<RouterFigures> {
    let router = Router::load(file)?;
    let setting = args.setting(&router.bundles[0])?;
    let source = QuerySource::new(args, &setting)?;
    let tools = || {
        let (grid, planner) = (&setting.config.grid, &setting.config.planner);
        let alone = router
            .bundles
            .iter()
            .map(|bundle| TimedPlanner::on_cpu_time(&setting, |clock| Planner::new(grid, planner, bundle, clock)));
        let routed = TimedPlanner::on_cpu_time(&setting, |clock| Planner::routed(grid, planner, &router, clock));
        alone.chain(std::iter::once(routed)).collect::<anyhow::Result<Vec<_>>>()
    };
    let work = |planners: &mut Vec<TimedPlanner>, number| {
        Ok(sample(planners, number, &source.query(args.seed, number, &setting)?, &setting))
    };
    let samples = jobs::run("queries", args.queries as usize, args.jobs.into(), tools, work)?;
    Ok(RouterFigures::of(args, &setting, &router, samples))
}

/// Puts one query to all planners. Another one comes first each time, so that none always finds the caches warm.
fn sample(planners: &mut [TimedPlanner], number: usize, query: &Query, setting: &EvalSetting) -> Sample {
    let none = Answer { ratio: None, ms: 0.0, passes: true };
    let (count, mut answers, mut choice) = (planners.len(), vec![none; planners.len()], String::new());
    for turn in 0..count {
        let at = (turn + number) % count;
        let travel = planners[at].travel();
        let outcome = planners[at].plan_cold(&query.costmap, query.start, query.goal);
        if let Some(route) = outcome.report.route {
            route.bundle.as_str().clone_into(&mut choice);
        }
        let ms = outcome.report.stages.total.as_secs_f64() * 1e3;
        answers[at] = match outcome.path {
            Err(_) => Answer { ms, ..none },
            Ok(path) => Answer {
                ratio: Some(travel.path(&query.costmap, path.poses().iter().copied()) / query.optimum.cost),
                ms,
                passes: path_checker::passes(&query.costmap, path.poses(), query.start, query.goal),
            },
        };
    }
    Sample { features: features_of(query, setting), answers, choice }
}

/// What the router sees of a query.
fn features_of(query: &Query, setting: &EvalSetting) -> [f32; FEATURES.len()] {
    let geometry = query.costmap.geometry();
    let config = &setting.config;
    let rules = Rules::new(config.grid.allow_unknown, config.planner.start_tolerance, geometry.resolution());
    let problem = Problem::between(&query.costmap, rules, setting.travel(), [query.start, query.goal]);
    features(&problem, &Window::around(query.start, geometry, setting.window, 1))
}

impl RouterFigures {
    fn of(args: &EvalArgs, setting: &EvalSetting, router: &Router, samples: Vec<Sample>) -> Self {
        let names = router.bundles.iter().map(|bundle| bundle.manifest.name.clone());
        let names: Vec<String> = names.chain(std::iter::once(ROUTED.to_owned())).collect();
        let routed = names.len() - 1;
        let of = |at: usize| samples.iter().map(move |sample| sample.answers[at]);
        let contestants: Vec<Contestant> =
            names.iter().enumerate().map(|(at, name)| Contestant::of(name, of(at))).collect();
        let best = (0..routed).fold(0, |best, at| if is_better(of(at), of(best)) { at } else { best });
        let solved = |answer: Answer| f64::from(u8::from(answer.ratio.is_some()));
        let pairs = || of(routed).zip(of(best));
        let any = samples.iter().filter(|sample| sample.answers[..routed].iter().any(|one| one.ratio.is_some()));
        let mut choices = BTreeMap::new();
        for sample in &samples {
            *choices.entry(sample.choice.clone()).or_insert(0) += 1;
        }
        Self {
            queries: samples.len(),
            seed: args.seed,
            window: setting.window,
            budget: setting.budget,
            best_single: names[best].clone(),
            success_gain: mean_interval(pairs().map(|(routed, best)| solved(routed) - solved(best))),
            cost_gain: mean_interval(pairs().filter_map(|(routed, best)| Some(routed.ratio? / best.ratio? - 1.0))),
            time_gain_ms: mean_interval(pairs().map(|(routed, best)| routed.ms - best.ms)),
            any_bundle: share(any.count(), samples.len()),
            contestants,
            choices,
            samples,
        }
    }

    /// One screen.
    pub fn text(&self) -> String {
        let Self { queries, seed, window, budget, .. } = self;
        let mut text = format!("{queries} queries, window {window}, seed {seed}, at most {budget} a plan\n");
        let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
        for Contestant { name, success, ci95, cost_ratio, ms, colliding } in &self.contestants {
            let _ = writeln!(
                text,
                "{name}: success {} ({:.4}–{:.4}), cost p50 / p95 {} / {}, ms p50 / p95 / p99 {} / {} / {}, {colliding} \
                 colliding",
                success.map_or("–".to_owned(), |value| format!("{value:.4}")),
                ci95[0],
                ci95[1],
                number(cost_ratio.p50),
                number(cost_ratio.p95),
                number(ms.p50),
                number(ms.p95),
                number(ms.p99),
            );
        }
        let gain = |[mean, low, high]: [f64; 3]| format!("{mean:+.4} ({low:+.4} to {high:+.4})");
        let _ = write!(
            text,
            "routed less {}: success {}, cost {}, ms {}; any bundle solves {}; choices {:?}",
            self.best_single,
            gain(self.success_gain),
            gain(self.cost_gain),
            gain(self.time_gain_ms),
            number(self.any_bundle),
            self.choices,
        );
        text
    }
}

/// Whether answers are better than others: more of them, or as many and cheaper ones.
fn is_better(one: impl Iterator<Item = Answer>, other: impl Iterator<Item = Answer>) -> bool {
    let sums = |answers: &mut dyn Iterator<Item = Answer>| {
        answers.filter_map(|answer| answer.ratio).fold((0_usize, 0.0), |(n, sum), ratio| (n + 1, sum + ratio))
    };
    let (one, other) = (sums(&mut { one }), sums(&mut { other }));
    one.0 > other.0 || (one.0 == other.0 && one.1 < other.1)
}

impl Contestant {
    fn of(name: &str, answers: impl Iterator<Item = Answer>) -> Self {
        let answers: Vec<Answer> = answers.collect();
        let hits = answers.iter().filter(|answer| answer.ratio.is_some()).count();
        Self {
            name: name.to_owned(),
            success: share(hits, answers.len()),
            ci95: wilson(hits, answers.len()),
            cost_ratio: Sorted::new(answers.iter().filter_map(|answer| answer.ratio)).upper(),
            ms: Sorted::new(answers.iter().map(|answer| answer.ms)).upper(),
            colliding: answers.iter().filter(|answer| !answer.passes).count(),
        }
    }
}
