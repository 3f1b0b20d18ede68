//! The figures of an evaluation, as they stand in its JSON file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::anytime::Anytime;
use super::args::Budget;
use super::attempt::{Published, Record};
use crate::statistics::{Most, Sorted, Upper, share, wilson};

/// The goal's bound on steps: one, and one more for each so many cells of the best path.
const CELLS_A_STEP: f64 = 24.0;
/// A path counts as shortest when it costs at most this much more, in proportion.
const EXACT: f64 = 1e-6;

/// All of them.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub queries: usize,
    pub seed: u64,
    pub bundle: String,
    pub window: usize,
    pub budget: Budget,
    pub model_only: Outcomes,
    pub with_fallback: Outcomes,
    /// To the first verified path, over the queries that the model solved.
    pub steps: Most,
    pub steps_over_bound: OverBound,
    pub steps_by_difficulty: ByDifficulty,
    /// Cells expanded by the search along the field, over all answers of a plan that succeeded.
    pub expansions: Most,
    pub failures: Failures,
    pub per_map: BTreeMap<String, Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anytime: Option<Anytime>,
}

/// How one way of planning fared.
#[derive(Debug, Serialize)]
pub struct Outcomes {
    pub success: Option<f64>,
    pub ci95: [f64; 2],
    pub cost_ratio: Upper,
    /// Share of all queries that were answered with a path of least cost.
    pub optimal: Option<f64>,
    /// Published paths that the evaluation's own check refused.
    pub colliding: usize,
    pub steps: Most,
}

/// Steps against 1 + length of the best path in cells / 24.
#[derive(Debug, Serialize)]
pub struct OverBound {
    /// Share of solved queries with more steps.
    pub share: Option<f64>,
    /// The same with the queries that weren't solved among them.
    pub share_with_failures: Option<f64>,
    /// Steps over the bound, at the 95 % quantile of the solved queries: the goal is at most 1.
    pub p95: Option<f64>,
}

/// Mean steps of the third of the solved queries with the cheapest best paths, and of that with the dearest.
#[derive(Debug, Serialize)]
pub struct ByDifficulty {
    pub easiest: Option<f64>,
    pub hardest: Option<f64>,
    pub ratio: Option<f64>,
}

/// Queries without a path, by reason.
#[derive(Debug, Serialize)]
pub struct Failures {
    pub model_only: BTreeMap<&'static str, usize>,
    pub with_fallback: BTreeMap<&'static str, usize>,
}

/// The model alone on one map or kind of world.
#[derive(Debug, Serialize)]
pub struct Group {
    pub n: usize,
    pub success: Option<f64>,
    pub ci95: [f64; 2],
    pub cost_ratio: Upper,
    pub steps: Most,
}

impl Figures {
    /// Counts what came of the queries.
    pub fn of(records: &[Record], groups: &[String], bundle: String, seed: u64, window: usize, budget: Budget) -> Self {
        let of_group = |(at, name): (usize, &String)| {
            let members: Vec<&Record> = records.iter().filter(|record| record.group == at).collect();
            let Outcomes { success, ci95, cost_ratio, steps, .. } = Outcomes::of(&members, |record| record.model_only);
            (name.clone(), Group { n: members.len(), success, ci95, cost_ratio, steps })
        };
        let all: Vec<&Record> = records.iter().collect();
        let solved = all.iter().filter(|record| record.model_only.is_ok());
        Self {
            queries: records.len(),
            seed,
            bundle,
            window,
            budget,
            model_only: Outcomes::of(&all, |record| record.model_only),
            with_fallback: Outcomes::of(&all, |record| record.with_fallback),
            steps: steps(&all).most(),
            steps_over_bound: OverBound::of(&all),
            steps_by_difficulty: ByDifficulty::of(&all),
            expansions: Sorted::new(solved.map(|record| f64::from(record.expansions))).most(),
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
    fn of(records: &[&Record], which: impl Fn(&Record) -> Result<Published, &'static str>) -> Self {
        let n = records.len();
        let paths: Vec<Published> = records.iter().filter_map(|record| which(record).ok()).collect();
        Self {
            success: share(paths.len(), n),
            ci95: wilson(paths.len(), n),
            cost_ratio: Sorted::new(paths.iter().map(|path| path.ratio)).upper(),
            optimal: share(paths.iter().filter(|path| path.ratio <= 1.0 + EXACT).count(), n),
            colliding: paths.iter().filter(|path| !path.passes).count(),
            steps: steps(records).most(),
        }
    }
}

impl OverBound {
    fn of(records: &[&Record]) -> Self {
        let of_bound = |record: &&Record| Some(f64::from(record.steps?) / (1.0 + record.optimum.cells / CELLS_A_STEP));
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
    fn of(records: &[&Record]) -> Self {
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
fn steps(records: &[&Record]) -> Sorted {
    let solved = records.iter().filter(|record| record.model_only.is_ok());
    Sorted::new(solved.filter_map(|record| record.steps).map(f64::from))
}

fn reasons(
    records: &[&Record],
    which: impl Fn(&Record) -> Result<Published, &'static str>,
) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for reason in records.iter().filter_map(|record| which(record).err()) {
        *counts.entry(reason).or_insert(0) += 1;
    }
    counts
}
