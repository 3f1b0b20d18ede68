//! `trm eval --batch N`: the model alone on N queries at a time. A query that is solved, or has had all its steps, makes room
//! for the next one while the others go on.

use std::time::{Duration, Instant};

use serde::Serialize;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_grid::window::Window;
use trm_net::batch::Batch;
use trm_net::bundle::Bundle;
use trm_net::encode::{GoalCells, encode};
use trm_net::graphs::Update;
use trm_net::registry::batch;
use trm_planner::decode::{Decoder, Field};
use trm_safety::check::{Rules, check};

use super::args::{EvalArgs, EvalSetting, PlanBudget};
use super::query::Query;
use super::source::QuerySource;
use crate::args::with_flag;
use crate::statistics::{QuantilesToMax, Sorted, UpperQuantiles, share, wilson};

/// The processor isn't waited for, and a GPU is no robot's.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came of the queries. All but the last three fields is the same whatever the batch and the threads are.
#[derive(Debug, Serialize)]
pub struct BatchFigures {
    pub queries: usize,
    pub seed: u64,
    pub bundle: String,
    pub window: usize,
    /// The greatest number of supervision steps of a query.
    pub steps_limit: u32,
    /// Share of queries with a path that passes the check.
    pub success: Option<f64>,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// Supervision steps to that path, over the queries that were solved.
    pub steps: QuantilesToMax,
    /// Cost of the paths of cells over the optimum's.
    pub cost_ratio: UpperQuantiles,
    /// Windows in one call.
    pub batch: usize,
    pub threads: usize,
    /// Queries per second of encoding, applications, decoding and checking; drawing them doesn't count.
    pub queries_per_second: f64,
}

/// What came of one query.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Solved {
    steps: u32,
    ratio: f64,
}

/// A query on its way.
struct Flight {
    number: usize,
    query: Query,
    window: Window,
    /// `[size, size]`.
    blocked: Vec<bool>,
    goals: GoalCells,
    applications: usize,
}

/// What works on the queries.
struct Crew<'a> {
    setting: &'a EvalSetting,
    bundle: &'a Bundle,
    batch: Box<dyn Batch>,
    /// By the window of the batch.
    flights: Vec<Option<Flight>>,
    decoder: Decoder,
    cells: Vec<Cell>,
    steps_limit: u32,
    time: Duration,
}

/// Puts all queries, and counts.
///
/// # Errors
/// On bad input, which is named, and when the inference library fails.
pub fn run(args: &EvalArgs, setting: &EvalSetting, bundle: &Bundle, size: usize) -> anyhow::Result<BatchFigures> {
    let (source, threads) = (QuerySource::new(args, setting)?, usize::from(args.jobs));
    let batch = batch(bundle, setting.window, "cpu", size, threads).map_err(with_flag)?;
    let PlanBudget::Steps(steps_limit) = setting.budget else {
        anyhow::bail!("--batch: it has --steps, and no --deadline-ms");
    };
    let cells = setting.window * setting.window;
    let mut crew = Crew {
        setting,
        bundle,
        batch,
        flights: (0..size).map(|_| None).collect(),
        decoder: Decoder::new(cells, setting.config.planner.max_expansions as usize),
        cells: Vec::with_capacity(cells),
        steps_limit: steps_limit as u32,
        time: Duration::ZERO,
    };
    let mut solved = vec![None; args.queries as usize];
    let mut next = 0;
    loop {
        for window in 0..size {
            if crew.flights[window].is_none() && next < solved.len() {
                crew.begin(window, next, source.query(args.seed, next, setting)?)?;
                next += 1;
            }
        }
        if crew.flights.iter().all(Option::is_none) {
            break;
        }
        crew.advance(&mut solved)?;
    }
    let (n, hits) = (solved.len(), solved.iter().flatten().count());
    Ok(BatchFigures {
        queries: n,
        seed: args.seed,
        bundle: bundle.manifest.name.clone(),
        window: setting.window,
        steps_limit: crew.steps_limit,
        success: share(hits, n),
        ci95: wilson(hits, n),
        steps: Sorted::new(solved.iter().flatten().map(|solved| f64::from(solved.steps))).to_max(),
        cost_ratio: Sorted::new(solved.iter().flatten().map(|solved| solved.ratio)).upper(),
        batch: size,
        threads,
        queries_per_second: n as f64 / crew.time.as_secs_f64(),
    })
}

impl Crew<'_> {
    /// Begins a query in a window of the batch.
    fn begin(&mut self, at: usize, number: usize, query: Query) -> anyhow::Result<()> {
        let began = Instant::now();
        let (costmap, travel) = (&query.costmap, Travel::new(&self.setting.config.grid));
        let shape = self.batch.shape();
        let cells = shape.size * shape.size;
        let window = Window::around(query.start, costmap.geometry(), shape.size, shape.patch);
        let (mut blocked, mut extra) = (vec![false; cells], vec![0.0; cells]);
        window.blocked(costmap, travel.allow_unknown, &mut blocked);
        window.extra(costmap, travel, &mut extra);
        let mut goals = GoalCells::new(shape.size);
        goals.find(&window, costmap, None, query.goal);
        let start = window.local(query.start).and_then(|local| window.index(local));
        let mut input = vec![0.0; shape.input_len()];
        encode(&blocked, &extra, &goals, start, self.bundle.manifest.encoding.scales, &mut input);
        self.batch.begin(at, &input)?;
        self.time += began.elapsed();
        self.flights[at] = Some(Flight { number, query, window, blocked, goals, applications: 0 });
        Ok(())
    }

    /// The next answer of every query on its way. Those that are done make room.
    fn advance(&mut self, solved: &mut [Option<Solved>]) -> anyhow::Result<()> {
        let began = Instant::now();
        let architecture = self.bundle.manifest.architecture;
        let mut cycle = vec![Update::Latent; architecture.latent_updates];
        cycle.push(Update::Answer);
        self.batch.advance(&cycle, PATIENCE)?;
        self.batch.decode(PATIENCE)?;
        for at in 0..self.flights.len() {
            let Some(mut flight) = self.flights[at].take() else { continue };
            flight.applications += cycle.len();
            let steps = flight.applications.div_ceil(architecture.applications_per_step()) as u32;
            let ratio = self.assess(at, &flight)?;
            let is_over = flight.applications >= self.steps_limit as usize * architecture.applications_per_step();
            if ratio.is_some() || is_over {
                solved[flight.number] = ratio.map(|ratio| Solved { steps, ratio });
                self.batch.end(at)?;
            } else {
                self.flights[at] = Some(flight);
            }
        }
        self.time += began.elapsed();
        Ok(())
    }

    /// The cost of the present answer's path over the optimum's; `None` when there is no path that passes the check.
    fn assess(&mut self, at: usize, flight: &Flight) -> anyhow::Result<Option<f64>> {
        let Flight { query, window, blocked, goals, .. } = flight;
        let field = Field { window: *window, blocked, goals, logits: self.batch.answer(at)?.logits };
        let config = &self.setting.config;
        let resolution = query.costmap.geometry().resolution();
        let rules = Rules::new(config.grid.allow_unknown, config.planner.start_tolerance, resolution);
        let passes = self.decoder.find(&field, query.start, &mut self.cells)
            && self.cells.last() == Some(&query.goal)
            && check(&query.costmap, rules, self.cells.iter().map(|cell| cell.center()));
        let cost = || self.setting.travel().cells(&query.costmap, self.cells.iter());
        Ok(passes.then(|| cost() / query.optimum.cost))
    }
}

impl BatchFigures {
    /// One screen.
    pub fn text(&self) -> String {
        let number = |value: Option<f64>, digits| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
        format!(
            "bundle {}, window {}, seed {}, at most {} steps, {} queries at a time on {} threads\n\
             the model alone: {} of {} queries, 95 % interval {:.4}–{:.4}\n\
             steps p50 / p95 / max {} / {} / {}, cost p50 / p95 / p99 {} / {} / {}\n\
             {:.1} queries per second",
            self.bundle,
            self.window,
            self.seed,
            self.steps_limit,
            self.batch,
            self.threads,
            number(self.success, 4),
            self.queries,
            self.ci95[0],
            self.ci95[1],
            number(self.steps.p50, 0),
            number(self.steps.p95, 0),
            number(self.steps.max, 0),
            number(self.cost_ratio.p50, 3),
            number(self.cost_ratio.p95, 3),
            number(self.cost_ratio.p99, 3),
            self.queries_per_second,
        )
    }
}
