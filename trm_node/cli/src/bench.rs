//! `trm bench`: the model beside classical search on one map, every query by all of them in turn, on one core.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use trm_core::config::{Config, Value};
use trm_core::grid::costmap::{Costmap, CostmapBuilder, GridKind};
use trm_core::grid::guidance::Guidance;
use trm_core::grid::travel::Travel;
use trm_core::halt::deadline::Clock as _;
use trm_core::planner::{Planner, Request};
use trm_core::units::{Cell, Pose};

use crate::args::{bundle, with_flag};
use crate::clock::Stopwatch;
use crate::map_file;
use crate::random::Random;

/// Time the model against A* and Dijkstra on one map, side by side.
///
/// Random reachable pairs. Printed for each: share that found a path, quantiles of the time, the median time as a
/// multiple of A*'s, and the median travel cost over that of the best path over the cells.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct BenchArgs {
    /// The map's YAML file.
    #[arg(value_name = "MAP.yaml")]
    map: PathBuf,

    /// Number of pairs.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    queries: u32,

    /// Seed of the pairs.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Time for each plan, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = Config::default().deadline_ms)]
    deadline_ms: f64,

    /// How much paths keep away from obstacles; 0 asks for the shortest.
    #[arg(long, value_name = "FACTOR", default_value_t = Config::default().cost_travel_multiplier)]
    cost_travel_multiplier: f64,

    /// Cells a side of the window that the model sees.
    #[arg(long, value_name = "N", default_value_t = Config::default().window_size)]
    window: i64,

    /// The model bundle's folder.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

/// One way to plan, and what came of it.
struct Contender {
    name: &'static str,
    times: Vec<Duration>,
    /// Travel cost of each path over that of the best one.
    ratios: Vec<f64>,
}

impl Contender {
    const fn new(name: &'static str) -> Self {
        Self { name, times: Vec::new(), ratios: Vec::new() }
    }

    fn line(&mut self, astar: Duration) -> String {
        let n = self.times.len();
        self.times.sort_unstable();
        self.ratios.sort_by(f64::total_cmp);
        let at = |quantile: f64| ((n as f64 * quantile) as usize).min(n.saturating_sub(1));
        let ms = |quantile: f64| self.times.get(at(quantile)).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
        let ratio =
            self.ratios.get(self.ratios.len() / 2).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
        format!(
            "{:<34} {:>5}/{:<5} {:>8.3} {:>8.3} {:>8.3} {:>8.3} {:>9.2} {:>8}",
            self.name,
            self.ratios.len(),
            n,
            ms(0.5),
            ms(0.95),
            ms(0.99),
            ms(1.0),
            ms(0.5) / (astar.as_secs_f64() * 1e3),
            ratio
        )
    }

    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

/// Runs `trm bench` and gives its table.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &BenchArgs) -> anyhow::Result<String> {
    let mut config = Config { allow_fallback: false, ..Config::default() };
    for (name, value) in [
        ("deadline_ms", Value::Double(args.deadline_ms)),
        ("window_size", Value::Integer(args.window)),
        ("cost_travel_multiplier", Value::Double(args.cost_travel_multiplier)),
    ] {
        config.set(name, &value).map_err(with_flag)?;
    }
    let travel = Travel::new(&config);
    let grid = map_file::load(&args.map)?;
    let bundle = bundle(args.bundle.as_deref())?;
    let costmap = CostmapBuilder::new(&config, GridKind::Map).replace(grid).clone();
    let clock = Stopwatch::start();
    let mut model = Planner::new(&config, &bundle, &clock).map_err(with_flag)?;
    let classical = Config { max_steps: 0, allow_fallback: true, ..config.clone() };
    let mut astar = Planner::new(&classical, &bundle, &clock).map_err(with_flag)?;
    let free: Vec<usize> =
        (0..costmap.costs().len()).filter(|at| costmap.is_free(costmap.geometry().cell(*at), false)).collect();
    let mut table = [
        Contender::new("model, cold"),
        Contender::new("model, warm, robot 2 cells on"),
        Contender::new("A* with the guidance's cost-to-go"),
        Contender::new("A* alone"),
        Contender::new("Dijkstra: the guidance itself"),
    ];
    let mut random = Random::new(args.seed);
    let mut tries = 0;
    while table[0].times.len() < args.queries as usize {
        tries += 1;
        if free.len() < 2 || tries > 100 * args.queries {
            bail!("map file {}: too few free cells can reach each other", args.map.display());
        }
        let [start, goal] = [(); 2].map(|()| costmap.geometry().cell(free[random.below(free.len())]));
        let began = Instant::now();
        let guidance = Guidance::compute(&costmap, goal, travel, &|| false);
        let guided = began.elapsed();
        let Some(guidance) = guidance.filter(|g| start != goal && g.cost_to_go(start).is_finite()) else { continue };
        let mut query = Query { costmap: &costmap, travel, start, goal, clock: &clock, budget: config.deadline_ms };
        table[4].times.push(guided);
        table[4].ratios.push(1.0);
        let best = |from: Cell| f64::from(guidance.cost_to_go(from));
        // Who comes first changes, so that none always finds the caches warm.
        let cold = |query: &Query, table: &mut [Contender; 5], model: &mut Planner| {
            model.reset();
            query.plan(model, Some(&guidance), &mut table[0], best(query.start))
        };
        let mut next = None;
        if tries % 2 == 0 {
            next = cold(&query, &mut table, &mut model);
        }
        astar.reset();
        query.plan(&mut astar, Some(&guidance), &mut table[2], best(start));
        astar.reset();
        query.plan(&mut astar, None, &mut table[3], best(start));
        if tries % 2 != 0 {
            next = cold(&query, &mut table, &mut model);
        }
        if let Some(next) = next.filter(|next| best(*next) > 0.0) {
            query.start = next;
            query.plan(&mut model, Some(&guidance), &mut table[1], best(next));
        }
    }
    let astar = table[3].median();
    let geometry = costmap.geometry();
    let mut text = format!(
        "{}: {} x {} cells, window {}, deadline {} ms, cost_travel_multiplier {}, seed {}\n{:<34} {:>11} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8}\n",
        args.map.display(),
        geometry.width(),
        geometry.height(),
        args.window,
        args.deadline_ms,
        args.cost_travel_multiplier,
        args.seed,
        "",
        "paths",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "x A* p50",
        "cost"
    );
    for contender in &mut table {
        let _ = writeln!(text, "{}", contender.line(astar));
    }
    Ok(text)
}

struct Query<'a> {
    costmap: &'a Costmap,
    travel: Travel,
    start: Cell,
    goal: Cell,
    clock: &'a Stopwatch,
    /// In milliseconds.
    budget: f64,
}

impl Query<'_> {
    /// Plans and notes the outcome. Gives the cell where the robot is two cells later.
    fn plan(
        &self,
        planner: &mut Planner,
        guidance: Option<&Guidance>,
        contender: &mut Contender,
        best: f64,
    ) -> Option<Cell> {
        let geometry = self.costmap.geometry();
        let [start, goal] = [self.start, self.goal].map(|cell| {
            let point = geometry.center(cell);
            Pose::new(point.x, point.y, 0.0)
        });
        let arrived = self.clock.now();
        let deadline = arrived + Duration::from_secs_f64(self.budget / 1e3);
        let request = Request { start, goal, arrived, deadline, cancel: None };
        let outcome = planner.plan(self.costmap, guidance, &request, self.clock);
        contender.times.push(outcome.report.stages.total);
        let path = outcome.path.ok()?;
        contender.ratios.push(self.travel.path(self.costmap, path.poses()) / best);
        let after = path.poses().iter().find(|p| p.point().distance(start.point()) >= 2.0 * geometry.resolution())?;
        geometry.cell_at(after.point())
    }
}
