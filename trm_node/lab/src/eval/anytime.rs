//! What recursion gains, step by step: the figures of `--anytime`.

use std::collections::BTreeMap;

use serde::Serialize;
use trm_net::bundle::Bundle;

use super::args::{EvalArgs, EvalSetting};
use super::calibration::Calibration;
use super::jobs;
use super::model_probe::ModelProbe;
use super::path_change::{self, PathChange, PlanChange};
use super::policies::{Regret, regrets};
use super::race::{CONTENDERS, ContenderTimes, QueryRace, TimedRun, times};
use super::source::QuerySource;
use super::timed_planner::TimedPlanner;
use super::trace::{AfterStep, Trace, WithoutTheModel, beside, by_step, cells_ratio};
use super::warm_start::{self, WarmColdPair, WarmFigures};
use crate::statistics::{QuantilesToMax, UpperQuantiles};
use crate::worlds::random::Random;

/// Steps that each query is given at least, unless the budget has fewer. Larger windows need more.
const STEPS: usize = 32;
/// Seeds of obstacles are those of queries with these bits flipped.
const OBSTACLES: u64 = 0x0b57_ac1e_0b57_ac1e;

/// All figures of the recursion.
#[derive(Debug, Serialize)]
pub struct Anytime {
    /// Number of queries.
    pub queries: usize,
    /// Supervision steps that each query was given.
    pub steps: usize,
    /// The field and the paths after each step.
    pub by_step: Vec<AfterStep>,
    /// Cost of the model's best path of cells over the optimum.
    pub cells_ratio: UpperQuantiles,
    /// What the search finds by itself.
    pub without_the_model: WithoutTheModel,
    /// Cells that the decoder expanded beside the first verified path.
    pub expansions_beside: QuantilesToMax,
    /// The q head's calibration.
    pub calibration: Calibration,
    /// Stop policies by name.
    pub stop_policies: BTreeMap<String, Regret>,
    /// Contenders by name; `None` with more than one thread.
    pub times_ms: Option<BTreeMap<&'static str, ContenderTimes>>,
    /// Warm starts by what has changed.
    pub warm: BTreeMap<&'static str, WarmFigures>,
    /// How much paths change from plan to plan.
    pub path_change: PathChange,
}

/// The results of one query.
struct QueryResults {
    trace: Trace,
    runs: [TimedRun; CONTENDERS.len()],
    moved_1: Option<WarmColdPair>,
    moved_2: Option<WarmColdPair>,
    obstacle: Option<WarmColdPair>,
    changes: Vec<PlanChange>,
}

/// What one thread needs.
struct Instruments {
    probe: ModelProbe,
    race: QueryRace,
    planner: TimedPlanner,
}

impl Instruments {
    fn new(setting: &EvalSetting, bundle: &Bundle) -> anyhow::Result<Self> {
        Ok(Self {
            probe: ModelProbe::new(setting, bundle)?,
            race: QueryRace::new(setting.travel()),
            planner: TimedPlanner::new(setting, &setting.config, bundle)?,
        })
    }
}

impl Anytime {
    /// Measures the queries of `source` step by step.
    ///
    /// # Errors
    /// When the bundle doesn't work on the windows, or worlds can't be drawn.
    pub fn measure(
        args: &EvalArgs,
        setting: &EvalSetting,
        bundle: &Bundle,
        source: &QuerySource,
    ) -> anyhow::Result<Self> {
        let steps = STEPS.max(setting.window / 4).min(setting.config.planner.max_steps as usize);
        let examine = |with: &mut Instruments, number: usize| {
            let query = source.query(args.seed, number, setting)?;
            let scene = source.scene(args.seed, number, setting, &with.planner)?;
            let trace = Trace::record(&mut with.probe, &query, steps)?;
            let random = &mut Random::of_query(args.seed ^ OBSTACLES, number);
            Ok(QueryResults {
                runs: with.race.run(&query, &trace),
                trace,
                moved_1: warm_start::moved(&mut with.planner, &scene, 1.0)?,
                moved_2: warm_start::moved(&mut with.planner, &scene, 2.0)?,
                obstacle: warm_start::blocked(&mut with.planner, &query, random)?,
                changes: path_change::drive(&mut with.planner, &scene)?,
            })
        };
        let count = args.queries as usize;
        let results = jobs::run("anytime", count, args.jobs.into(), || Instruments::new(setting, bundle), examine)?;
        let step = bundle.manifest.architecture.applications_per_step() as u32;
        let mut figures = Self::of(results, steps, step, setting);
        if args.jobs > 1 {
            // Threads slow each other down.
            figures.times_ms = None;
        }
        Ok(figures)
    }

    /// Counts the results of `steps` supervision steps with `step` applications each.
    fn of(results: Vec<QueryResults>, steps: usize, step: u32, setting: &EvalSetting) -> Self {
        let warm = |which: fn(&QueryResults) -> Option<WarmColdPair>| {
            WarmFigures::of(&results.iter().filter_map(which).collect::<Vec<_>>(), step)
        };
        let warm = BTreeMap::from([
            ("moved_1", warm(|of| of.moved_1)),
            ("moved_2", warm(|of| of.moved_2)),
            ("obstacle", warm(|of| of.obstacle)),
        ]);
        let changes: Vec<PlanChange> = results.iter().flat_map(|of| of.changes.iter().copied()).collect();
        let runs: Vec<_> = results.iter().map(|of| of.runs).collect();
        let traces: Vec<Trace> = results.into_iter().map(|of| of.trace).collect();
        Self {
            queries: traces.len(),
            steps,
            by_step: by_step(&traces),
            cells_ratio: cells_ratio(&traces),
            without_the_model: WithoutTheModel::of(&traces),
            expansions_beside: beside(&traces),
            calibration: Calibration::of(&traces),
            stop_policies: regrets(&traces, &setting.config),
            times_ms: Some(times(&runs)),
            warm,
            path_change: PathChange::of(&changes),
        }
    }
}
