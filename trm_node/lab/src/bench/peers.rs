//! The model beside classical searches. All of them answer each query in turn, on the same costmap and core, with the
//! same robot and deadline. Every path is straightened and checked, whoever found it.

use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use trm_config::GridKind;
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::guidance::Guidance;
use trm_grid::units::{Cell, Pose};
use trm_net::bundle::Bundle;
use trm_planner::endpoints::{GoalArea, Start};
use trm_planner::fallback::{Fallback, Found};
use trm_planner::halt::deadline::Clock as _;
use trm_planner::smooth::{Ends, straighten, to_poses};
use trm_planner::{Planner, Source};
use trm_safety::check::{Rules, check, in_cells};

use crate::bench::bench_map::BenchMap;
use crate::bench::planners;
use crate::bench::progress_bar::show_share;
use crate::bench::request::request_now;
use crate::bench::sample_times::SampleTimes;
use crate::bench::setting::BenchSetting;
use crate::bench::timing::timed;
use crate::statistics::Sorted;
use crate::worlds::along_path::ahead;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;

/// Usual duration of all maps together, in seconds.
const SECONDS: f64 = 2.5;
/// Queries on each map at least.
const LEAST: usize = 4;
/// Pairs that are drawn for one query at most.
const TRIES: usize = 100;
/// How far the robot has driven when the model answers with a warm start, in cells.
const AHEAD: f64 = 2.0;
/// Weights of the heuristic of A* and of weighted A*.
const WEIGHTS: [f64; 2] = [1.0, 1.5];
/// The names of those that take part. The first two are the model alone, given the cost-to-go: from nothing, and from its
/// answer of before the robot moved. It thinks each time: a path that is merely kept is no plan of the model.
pub const NAMES: [&str; 6] = ["model cold", "model warm", "A*", "weighted A* 1.5", "Dijkstra", "A* led by cost-to-go"];
const COLD: usize = 0;
const WARM: usize = 1;
const ASTAR: usize = 2;
const DIJKSTRA: usize = 4;
const GUIDED: usize = 5;

/// One of them, on one map.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peer {
    /// The map's name.
    pub map: String,
    /// One of [`NAMES`].
    pub name: String,
    /// Times of the queries. Without a path a query takes at least the whole deadline.
    #[serde(flatten)]
    pub times_us: SampleTimes,
    /// Queries with a path.
    pub solved: u64,
    /// Queries with a path within the deadline.
    pub in_time: u64,
    /// Median cost of the paths, divided by that of the best path over the cells.
    pub cost_ratio: Option<f64>,
    /// The 99th percentile of the same ratio.
    pub cost_ratio_p99: Option<f64>,
    /// Median time, divided by that of A*.
    pub vs_astar: Option<f64>,
}

/// What is counted of one of them on one map.
#[derive(Default)]
struct Tally {
    times: Vec<Duration>,
    ratios: Vec<f64>,
    in_time: u64,
}

/// Lets all of them answer queries on all maps.
///
/// # Errors
/// If the bundle can't be run on the window, or a map has no way to drive.
pub fn measure(
    setting: &BenchSetting,
    bundle: &Bundle,
    maps: &[BenchMap],
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Peer>> {
    let each = setting.part_duration(SECONDS) / maps.len().max(1) as u32;
    let mut peers = Vec::new();
    for (number, map) in maps.iter().enumerate() {
        let costmap = &build(&setting.config.grid, GridKind::Map, map.grid.clone());
        let mut race = PeerRace::new(setting, bundle, costmap)?;
        let regions = Regions::of(costmap);
        let mut random = Random::new(setting.seed);
        bar.set_message(map.name.clone());
        let began = Instant::now();
        while race.queries < LEAST || began.elapsed() < each {
            let query = (0..TRIES).find_map(|_| race.query(&regions, &mut random));
            let Some((start, guidance, took)) = query else {
                bail!("map {}: too few free cells can reach each other", map.name);
            };
            race.run(start, &guidance, took);
            let done = (number as f64 + began.elapsed().as_secs_f64() / each.as_secs_f64()) / maps.len() as f64;
            show_share(bar, done);
        }
        peers.extend(race.peers(&map.name));
    }
    Ok(peers)
}

/// All of them on one map.
struct PeerRace<'a> {
    setting: &'a BenchSetting,
    costmap: &'a Costmap,
    clock: Instant,
    model: Planner,
    /// The planner's own A*, without a model.
    classical: Planner,
    /// With each of the [`WEIGHTS`].
    searches: [Fallback; WEIGHTS.len()],
    cells: Vec<Cell>,
    tallies: [Tally; NAMES.len()],
    queries: usize,
}

impl<'a> PeerRace<'a> {
    fn new(setting: &'a BenchSetting, bundle: &Bundle, costmap: &'a Costmap) -> anyhow::Result<Self> {
        let clock = Instant::now();
        let mut model_config = setting.config.clone();
        model_config.planner.allow_fallback = false;
        model_config.planner.unchanged_limit = 0.0;
        let mut classical_config = setting.config.clone();
        classical_config.planner.max_steps = 0;
        classical_config.planner.allow_fallback = true;
        let mut model = planners::planner(setting, &model_config, bundle, &clock)?;
        let mut classical = planners::planner(setting, &classical_config, bundle, &clock)?;
        model.prepare(costmap);
        classical.prepare(costmap);
        let mut searches = WEIGHTS.map(Fallback::weighted);
        for search in &mut searches {
            search.prepare(costmap.geometry());
        }
        let cells = costmap.geometry().cells();
        Ok(Self {
            setting,
            costmap,
            clock,
            model,
            classical,
            searches,
            cells: Vec::with_capacity(cells),
            tallies: Default::default(),
            queries: 0,
        })
    }

    /// Draws a start and a goal. Gives the start, the cost-to-go to the goal, and the time that this took to compute;
    /// `None` if there is no way.
    fn query(&self, regions: &Regions, random: &mut Random) -> Option<(Cell, Guidance, Duration)> {
        let (start, goal) = regions.any_pair(self.costmap, random)?;
        let (guidance, took) = timed(|| Guidance::compute(self.costmap, goal, self.setting.travel(), &|| false));
        Some((start, guidance.filter(|g| g.cost_to_go(start).is_finite() && g.cost_to_go(start) > 0.0)?, took))
    }

    fn run(&mut self, start: Cell, guidance: &Guidance, took: Duration) {
        let mut warm_from = None;
        // Another one comes first in each query, so that none always finds the caches warm.
        for turn in 0..NAMES.len() {
            match (turn + self.queries) % NAMES.len() {
                COLD => warm_from = self.model_answers(COLD, start, guidance),
                // It starts from the cold answer, so its turn comes last.
                WARM => {}
                GUIDED => {
                    self.classical.reset();
                    let path = plan(&mut self.classical, self.setting, self.costmap, guidance, start, &self.clock);
                    self.count(GUIDED, path.0, path.1.as_deref(), start, guidance);
                }
                DIJKSTRA => {
                    let began = Instant::now();
                    self.cells.clear();
                    self.cells.push(start);
                    while let Some(next) = self.cells.last().and_then(|cell| guidance.next(self.costmap, *cell)) {
                        self.cells.push(next);
                    }
                    let path = self.finish();
                    // The search itself was made when the query was drawn.
                    self.count(DIJKSTRA, took + began.elapsed(), path.as_deref(), start, guidance);
                }
                who => {
                    let began = Instant::now();
                    let found = self.search(who - ASTAR, (start, guidance.goal()));
                    let path = if found { self.finish() } else { None };
                    self.count(who, began.elapsed(), path.as_deref(), start, guidance);
                }
            }
        }
        if let Some(next) = warm_from.filter(|next| *next != guidance.goal()) {
            self.model_answers(WARM, next, guidance);
        }
        self.queries += 1;
    }

    /// Searches from nothing, which leaves the path in `self.cells`.
    fn search(&mut self, who: usize, (start, goal): (Cell, Cell)) -> bool {
        let (costs, area) = ((self.costmap, self.setting.travel()), GoalArea::only(goal));
        let search = &mut self.searches[who];
        let found = search.find(costs, None, &[Start { cell: start, cost: 0.0 }], (goal, &area), || true);
        self.cells.clear();
        self.cells.push(start);
        found == Found::Path(goal) && search.append((start, goal), &mut self.cells)
    }

    /// Gives the cell where the robot is a little later, if there is a path.
    fn model_answers(&mut self, who: usize, start: Cell, guidance: &Guidance) -> Option<Cell> {
        if who == COLD {
            self.model.reset();
        }
        let (time, path) = plan(&mut self.model, self.setting, self.costmap, guidance, start, &self.clock);
        self.count(who, time, path.as_deref(), start, guidance);
        ahead(self.costmap, &path?, start, AHEAD)
    }

    /// Straightens and checks a path of cells, as the planner does.
    fn finish(&self) -> Option<Vec<Pose>> {
        let (costmap, travel) = (self.costmap, self.setting.travel());
        let (mut corners, mut straight, mut poses) = (Vec::new(), Vec::new(), Vec::new());
        straighten(costmap, travel, &self.cells, 1, || true, &mut corners);
        straighten(costmap, travel, &corners, 1, || true, &mut straight);
        to_poses(costmap, travel.allow_unknown, &straight, Ends { start: None, goal: None, yaw: 0.0 }, &mut poses);
        let rules = Rules::new(
            self.setting.config.grid.allow_unknown,
            self.setting.config.planner.start_tolerance,
            costmap.geometry().resolution(),
        );
        check(costmap, rules, in_cells(costmap, &poses)).then_some(poses)
    }

    fn count(&mut self, who: usize, time: Duration, path: Option<&[Pose]>, start: Cell, guidance: &Guidance) {
        let tally = &mut self.tallies[who];
        // Giving up early doesn't count as fast: without a path the whole deadline is lost.
        tally.times.push(if path.is_some() { time } else { time.max(self.setting.deadline()) });
        if let Some(path) = path {
            let best = f64::from(guidance.cost_to_go(start));
            tally.ratios.push(self.setting.travel().path(self.costmap, path.iter().copied()) / best);
            tally.in_time += u64::from(time <= self.setting.deadline());
        }
    }

    fn peers(self, map: &str) -> impl Iterator<Item = Peer> {
        let astar = SampleTimes::of(&self.tallies[ASTAR].times).p50;
        NAMES.into_iter().zip(self.tallies).map(move |(name, tally)| {
            let times_us = SampleTimes::of(&tally.times);
            let solved = tally.ratios.len() as u64;
            let ratios = Sorted::new(tally.ratios.into_iter());
            Peer {
                map: map.to_owned(),
                name: name.to_owned(),
                times_us,
                solved,
                in_time: tally.in_time,
                cost_ratio: ratios.quantile(0.5),
                cost_ratio_p99: ratios.quantile(0.99),
                vs_astar: Some(times_us.p50 / astar).filter(|ratio| ratio.is_finite()),
            }
        })
    }
}

/// Plans, and gives the time and the path, unless that is what is left of the one before.
fn plan(
    planner: &mut Planner,
    setting: &BenchSetting,
    costmap: &Costmap,
    guidance: &Guidance,
    start: Cell,
    clock: &Instant,
) -> (Duration, Option<Vec<Pose>>) {
    let request = request_now(setting, costmap.geometry(), [start, guidance.goal()], clock);
    let outcome = planner.plan(costmap, std::slice::from_ref(guidance), &request, clock);
    let time = clock.now().saturating_sub(request.arrived);
    let is_own = outcome.report.source == Source::Fallback || outcome.report.first_verified.is_some();
    (time, outcome.path.ok().filter(|_| is_own).map(|path| path.poses().to_vec()))
}
