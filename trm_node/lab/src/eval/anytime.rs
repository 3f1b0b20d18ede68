//! What recursion buys: the figures of `--anytime`.

use std::collections::BTreeMap;

use serde::Serialize;
use trm_net::bundle::Bundle;

use super::args::{EvalArgs, Setting};
use super::attempt::Driver;
use super::calibration::Calibration;
use super::jobs;
use super::path_change::{self, Change, PathChange};
use super::policies::{Regret, regrets};
use super::race::{CONTENDERS, Race, Run, Times, times};
use super::sight::Sight;
use super::source::Source;
use super::trace::{AfterStep, Trace, WithoutTheModel, beside, by_step, cells_ratio};
use super::warm::{self, Pair, Warm};
use crate::statistics::{Most, Upper};
use crate::worlds::random::Random;

/// Steps that are looked at, unless the budget has fewer; larger windows need more.
const STEPS: usize = 32;
/// Seeds of obstacles are those of the queries with these bits turned.
const OBSTACLES: u64 = 0x0b57_ac1e_0b57_ac1e;

/// Everything that is known of recursion step by step.
#[derive(Debug, Serialize)]
pub struct Anytime {
    pub queries: usize,
    /// Supervision steps that each query was given.
    pub steps: usize,
    pub by_step: Vec<AfterStep>,
    pub cells_ratio: Upper,
    pub without_the_model: WithoutTheModel,
    pub expansions_beside: Most,
    pub calibration: Calibration,
    pub stop_policies: BTreeMap<String, Regret>,
    /// `None` with more than one thread.
    pub times_ms: Option<BTreeMap<&'static str, Times>>,
    pub warm: BTreeMap<&'static str, Warm>,
    pub path_change: PathChange,
}

/// What one query gives.
struct Seen {
    trace: Trace,
    runs: [Run; CONTENDERS.len()],
    moved_1: Option<Pair>,
    moved_2: Option<Pair>,
    obstacle: Option<Pair>,
    changes: Vec<Change>,
}

struct Tools {
    sight: Sight,
    race: Race,
    driver: Driver,
}

impl Anytime {
    /// Looks at the queries of `source` step by step.
    ///
    /// # Errors
    /// When the bundle doesn't work on the windows, or worlds can't be drawn.
    pub fn measure(args: &EvalArgs, setting: &Setting, bundle: &Bundle, source: &Source) -> anyhow::Result<Self> {
        let steps = STEPS.max(setting.window / 4).min(setting.config.planner.max_steps as usize);
        let tools = || {
            Ok(Tools {
                sight: Sight::new(setting, bundle)?,
                race: Race::new(setting.travel(), setting.side * setting.side),
                driver: Driver::new(setting, bundle)?,
            })
        };
        let look = |tools: &mut Tools, number: usize| {
            let query = source.query(args.seed, number, setting)?;
            let scene = source.scene(args.seed, number, setting)?;
            let trace = Trace::record(&mut tools.sight, &query, steps)?;
            let random = &mut Random::of_query(args.seed ^ OBSTACLES, number);
            Ok(Seen {
                runs: tools.race.run(&query, &trace),
                trace,
                moved_1: warm::moved(&mut tools.driver, setting, &scene, 1.0)?,
                moved_2: warm::moved(&mut tools.driver, setting, &scene, 2.0)?,
                obstacle: warm::blocked(&mut tools.driver, &query, random)?,
                changes: path_change::drive(&mut tools.driver, setting, &scene)?,
            })
        };
        let count = args.queries as usize;
        let seen = jobs::run("anytime", count, args.jobs.into(), tools, look)?;
        let step = bundle.manifest.architecture.applications_a_step() as u32;
        let warm =
            |which: fn(&Seen) -> Option<Pair>| Warm::of(&seen.iter().filter_map(which).collect::<Vec<_>>(), step);
        let warm = BTreeMap::from([
            ("moved_1", warm(|s| s.moved_1)),
            ("moved_2", warm(|s| s.moved_2)),
            ("obstacle", warm(|s| s.obstacle)),
        ]);
        let changes: Vec<Change> = seen.iter().flat_map(|s| s.changes.iter().copied()).collect();
        let runs: Vec<_> = seen.iter().map(|s| s.runs).collect();
        let traces: Vec<Trace> = seen.into_iter().map(|s| s.trace).collect();
        Ok(Self {
            queries: count,
            steps,
            by_step: by_step(&traces),
            cells_ratio: cells_ratio(&traces),
            without_the_model: WithoutTheModel::of(&traces),
            expansions_beside: beside(&traces),
            calibration: Calibration::of(&traces),
            stop_policies: regrets(&traces, &setting.config),
            times_ms: (args.jobs == 1).then(|| times(&runs)),
            warm,
            path_change: PathChange::of(&changes),
        })
    }
}
