//! The figures of an evaluation, as written to its JSON file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::anytime::Anytime;
use super::args::PlanBudget;
use super::judge::{PublishedPath, QueryRecord};
use crate::statistics::{QuantilesToMax, Sorted, UpperQuantiles, share, wilson};

/// The bound on steps is 1, plus 1 for each so many cells of the best path.
const CELLS_A_STEP: f64 = 24.0;
/// A path counts as optimal when it costs at most this share more than the best one.
const EXACT: f64 = 1e-6;

/// All figures of an evaluation.
#[derive(Debug, Serialize)]
pub struct EvalFigures {
    /// Number of queries.
    pub queries: usize,
    /// Their seed.
    pub seed: u64,
    /// The bundle's name.
    pub bundle: String,
    /// Cells per side of the window.
    pub window: usize,
    /// The limit of each plan.
    pub budget: PlanBudget,
    /// The model alone.
    pub model_only: Outcomes,
    /// The whole planner.
    pub with_fallback: Outcomes,
    /// Steps to the first verified path, over the queries that the model solved.
    pub steps: QuantilesToMax,
    /// These steps over their bound.
    pub steps_over_bound: OverBound,
    /// These steps by the cost of the best path.
    pub steps_by_difficulty: ByDifficulty,
    /// Cells expanded by the search along the field, over all answers of a plan that succeeded.
    pub expansions: QuantilesToMax,
    /// Queries without a path.
    pub failures: Failures,
    /// The model alone on each map or kind of world.
    pub per_map: BTreeMap<String, GroupFigures>,
    /// The figures of `--anytime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anytime: Option<Anytime>,
}

/// How one way of planning fared.
#[derive(Debug, Serialize)]
pub struct Outcomes {
    /// Share of queries with a path.
    pub success: Option<f64>,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// Cost of the paths over the optimum's.
    pub cost_ratio: UpperQuantiles,
    /// Share of all queries that were answered with a path of least cost.
    pub optimal: Option<f64>,
    /// Number of published paths that the evaluation's own check refused.
    pub colliding: usize,
    /// Steps to the first verified path, over the queries that the model solved.
    pub steps: QuantilesToMax,
}

/// Steps compared with their bound, 1 + length of the best path in cells / 24.
#[derive(Debug, Serialize)]
pub struct OverBound {
    /// Share of the solved queries with more steps than that.
    pub share: Option<f64>,
    /// The same over all queries: those that weren't solved count as over the bound.
    pub share_with_failures: Option<f64>,
    /// 95 % quantile of steps divided by the bound, over the solved queries. The goal is at most 1.
    pub p95: Option<f64>,
}

/// Mean steps of the solved queries by the cost of the best path.
#[derive(Debug, Serialize)]
pub struct ByDifficulty {
    /// Of the third with the cheapest paths.
    pub easiest: Option<f64>,
    /// Of the third with the most expensive ones.
    pub hardest: Option<f64>,
    /// `hardest` over `easiest`.
    pub ratio: Option<f64>,
}

/// Numbers of queries without a path, by reason.
#[derive(Debug, Serialize)]
pub struct Failures {
    /// Of the model alone.
    pub model_only: BTreeMap<&'static str, usize>,
    /// Of the whole planner.
    pub with_fallback: BTreeMap<&'static str, usize>,
}

/// The model alone on one map or kind of world.
#[derive(Debug, Serialize)]
pub struct GroupFigures {
    /// Number of queries.
    pub n: usize,
    /// Share of queries with a path.
    pub success: Option<f64>,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// Cost of the paths over the optimum's.
    pub cost_ratio: UpperQuantiles,
    /// Steps to the first verified path.
    pub steps: QuantilesToMax,
}

impl EvalFigures {
    /// Counts what came of the queries.
    pub fn of(
        records: &[QueryRecord],
        groups: &[String],
        bundle: String,
        seed: u64,
        window: usize,
        budget: PlanBudget,
    ) -> Self {
        let of_group = |(at, name): (usize, &String)| {
            let members: Vec<&QueryRecord> = records.iter().filter(|record| record.group == at).collect();
            let Outcomes { success, ci95, cost_ratio, steps, .. } = Outcomes::of(&members, |record| record.model_only);
            (name.clone(), GroupFigures { n: members.len(), success, ci95, cost_ratio, steps })
        };
        let all: Vec<&QueryRecord> = records.iter().collect();
        let solved = all.iter().filter(|record| record.model_only.is_ok());
        Self {
            queries: records.len(),
            seed,
            bundle,
            window,
            budget,
            model_only: Outcomes::of(&all, |record| record.model_only),
            with_fallback: Outcomes::of(&all, |record| record.with_fallback),
            steps: steps(&all).to_max(),
            steps_over_bound: OverBound::of(&all),
            steps_by_difficulty: ByDifficulty::of(&all),
            expansions: Sorted::new(solved.map(|record| f64::from(record.expansions))).to_max(),
            failures: Failures {
                model_only: reasons(&all, |record| record.model_only),
                with_fallback: reasons(&all, |record| record.with_fallback),
            },
            per_map: groups.iter().enumerate().map(of_group).collect(),
            anytime: None,
        }
    }
}

impl Outcomes {
    fn of(records: &[&QueryRecord], which: impl Fn(&QueryRecord) -> Result<PublishedPath, &'static str>) -> Self {
        let n = records.len();
        let paths: Vec<PublishedPath> = records.iter().filter_map(|record| which(record).ok()).collect();
        Self {
            success: share(paths.len(), n),
            ci95: wilson(paths.len(), n),
            cost_ratio: Sorted::new(paths.iter().map(|path| path.ratio)).upper(),
            optimal: share(paths.iter().filter(|path| path.ratio <= 1.0 + EXACT).count(), n),
            colliding: paths.iter().filter(|path| !path.passes).count(),
            steps: steps(records).to_max(),
        }
    }
}

impl OverBound {
    fn of(records: &[&QueryRecord]) -> Self {
        let of_bound =
            |record: &&QueryRecord| Some(f64::from(record.steps?) / (1.0 + record.optimum.cells / CELLS_A_STEP));
        let parts = Sorted::new(records.iter().filter_map(of_bound));
        let solved = records.iter().filter_map(of_bound).count();
        let over = records.iter().filter_map(of_bound).filter(|part| *part > 1.0).count();
        Self {
            share: share(over, solved),
            share_with_failures: share(over + records.len() - solved, records.len()),
            p95: parts.quantile(0.95),
        }
    }
}

impl ByDifficulty {
    fn of(records: &[&QueryRecord]) -> Self {
        let mut solved: Vec<(f64, f64)> =
            records.iter().filter_map(|record| Some((record.optimum.cost, f64::from(record.steps?)))).collect();
        solved.sort_by(|a, b| a.0.total_cmp(&b.0));
        let third = solved.len() / 3;
        let mean = |part: &[(f64, f64)]| Sorted::new(part.iter().map(|(_, steps)| *steps)).mean();
        let (easiest, hardest) = (mean(&solved[..third]), mean(&solved[solved.len() - third..]));
        Self { easiest, hardest, ratio: easiest.zip(hardest).map(|(easiest, hardest)| hardest / easiest) }
    }
}

/// Steps to the first verified path of the queries that the model solved.
fn steps(records: &[&QueryRecord]) -> Sorted {
    let solved = records.iter().filter(|record| record.model_only.is_ok());
    Sorted::new(solved.filter_map(|record| record.steps).map(f64::from))
}

/// Counts the reasons why there is no path.
fn reasons(
    records: &[&QueryRecord],
    which: impl Fn(&QueryRecord) -> Result<PublishedPath, &'static str>,
) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for reason in records.iter().filter_map(|record| which(record).err()) {
        *counts.entry(reason).or_insert(0) += 1;
    }
    counts
}
