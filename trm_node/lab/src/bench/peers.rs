//! The model beside classical searches: every query by all of them in turn, on the same costmap and core, with the same robot
//! and deadline. Each path is straightened and checked, whoever found it.

use std::time::{Duration, Instant};

use anyhow::bail;
use serde::{Deserialize, Serialize};
use trm_config::GridKind;
use trm_grid::costmap::{Costmap, CostmapBuilder};
use trm_grid::guidance::Guidance;
use trm_grid::units::{Cell, Pose};
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::smooth::{Ends, straighten, to_poses};
use trm_planner::{Planner, Request};
use trm_safety::check::{Rules, check, in_cells};

use super::args::Setting;
use super::backend;
use super::control::{Map, timed};
use super::progress::Progress;
use super::sample::Sample;
use crate::statistics::Sorted;
use crate::worlds::along_path::ahead;
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;
use crate::worlds::weighted_a_star::WeightedAStar;

/// How long all maps take usually, in seconds.
const SECONDS: f64 = 2.5;
/// Queries on each map at least.
const LEAST: usize = 4;
/// Pairs are drawn so often for one query.
const TRIES: usize = 100;
/// How far the robot has driven when the model answers warm, in cells.
const AHEAD: f64 = 2.0;
/// Weights of the heuristic.
const WEIGHTS: [f32; 2] = [1.0, 1.5];
/// Who takes part. The first two are the model without any other's help, given the cost-to-go.
pub const NAMES: [&str; 6] = ["model cold", "model warm", "A*", "weighted A* 1.5", "Dijkstra", "A* led by cost-to-go"];
const COLD: usize = 0;
const WARM: usize = 1;
const ASTAR: usize = 2;
const DIJKSTRA: usize = 4;
const GUIDED: usize = 5;

/// One of them on one map.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peer {
    pub map: String,
    pub name: String,
    #[serde(flatten)]
    pub times_us: Sample,
    /// Queries with a path, and with one within the deadline.
    pub solved: u64,
    pub in_time: u64,
    /// Cost of the paths over that of the best one over the cells.
    pub cost_ratio: Option<f64>,
    pub cost_ratio_p99: Option<f64>,
    /// Its median time over that of A*.
    pub vs_astar: Option<f64>,
}

#[derive(Default)]
struct Tally {
    times: Vec<Duration>,
    ratios: Vec<f64>,
    in_time: u64,
}

/// Runs all of them on all maps.
///
/// # Errors
/// When the bundle doesn't work on the window, or a map has no way to drive.
pub fn measure(setting: &Setting, bundle: &Bundle, maps: &[Map], progress: &mut Progress) -> anyhow::Result<Vec<Peer>> {
    let each = setting.part(SECONDS) / maps.len().max(1) as u32;
    let mut peers = Vec::new();
    for (number, map) in maps.iter().enumerate() {
        let mut builder = CostmapBuilder::new(&setting.config.grid, GridKind::Map);
        let costmap = builder.replace(map.grid.clone());
        let mut race = Race::new(setting, bundle, costmap)?;
        let regions = Regions::of(costmap);
        let mut random = Random::new(setting.seed);
        let began = Instant::now();
        while race.queries < LEAST || began.elapsed() < each {
            let query = (0..TRIES).find_map(|_| race.query(&regions, &mut random));
            let Some((start, guidance, took)) = query else {
                bail!("map {}: too few free cells can reach each other", map.name);
            };
            race.run(start, &guidance, took);
            let done = (number as f64 + began.elapsed().as_secs_f64() / each.as_secs_f64()) / maps.len() as f64;
            progress.show("peers", done, &map.name);
        }
        peers.extend(race.peers(&map.name));
    }
    progress.end();
    Ok(peers)
}

struct Race<'a> {
    setting: &'a Setting,
    costmap: &'a Costmap,
    clock: Instant,
    model: Planner,
    /// The planner's own A*, without a model.
    classical: Planner,
    search: WeightedAStar,
    cells: Vec<Cell>,
    tallies: [Tally; NAMES.len()],
    queries: usize,
}

impl<'a> Race<'a> {
    fn new(setting: &'a Setting, bundle: &Bundle, costmap: &'a Costmap) -> anyhow::Result<Self> {
        let clock = Instant::now();
        let alone = {
            let mut new = setting.config.clone();
            new.planner.allow_fallback = false;
            new
        };
        let classical = {
            let mut new = setting.config.clone();
            new.planner.max_steps = 0;
            new.planner.allow_fallback = true;
            new
        };
        let mut model = backend::planner(setting, &alone, bundle, &clock)?;
        let mut classical = backend::planner(setting, &classical, bundle, &clock)?;
        model.prepare(costmap);
        classical.prepare(costmap);
        let cells = costmap.geometry().cells();
        Ok(Self {
            setting,
            costmap,
            clock,
            model,
            classical,
            search: WeightedAStar::new(cells),
            cells: Vec::with_capacity(cells),
            tallies: Default::default(),
            queries: 0,
        })
    }

    /// A start, and the cost-to-go to a goal with the time that it took; `None` where one can't be reached.
    fn query(&self, regions: &Regions, random: &mut Random) -> Option<(Cell, Guidance, Duration)> {
        let (start, goal) = regions.any_pair(self.costmap, random)?;
        let (guidance, took) = timed(|| Guidance::compute(self.costmap, goal, self.setting.travel(), &|| false));
        Some((start, guidance.filter(|g| g.cost_to_go(start).is_finite() && g.cost_to_go(start) > 0.0)?, took))
    }

    fn run(&mut self, start: Cell, guidance: &Guidance, took: Duration) {
        let mut warm_from = None;
        // Who comes first changes, so that none always finds the caches warm.
        for turn in 0..NAMES.len() {
            match (turn + self.queries) % NAMES.len() {
                COLD => warm_from = self.model_answers(COLD, start, guidance),
                // Only after the cold answer, which it goes on from.
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
                    // The search itself is the one that the query was drawn with.
                    self.count(DIJKSTRA, took + began.elapsed(), path.as_deref(), start, guidance);
                }
                who => {
                    let (weight, goal) = (WEIGHTS[who - ASTAR], guidance.goal());
                    let began = Instant::now();
                    let travel = self.setting.travel();
                    let found = self.search.find(self.costmap, travel, weight, (start, goal), &mut self.cells);
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

    /// Gives the cell where the robot is a little later.
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
        // Who gives up at once is no faster for it: without a path the whole deadline has passed for nothing.
        tally.times.push(if path.is_some() { time } else { time.max(self.setting.deadline()) });
        if let Some(path) = path {
            let best = f64::from(guidance.cost_to_go(start));
            tally.ratios.push(self.setting.travel().path(self.costmap, path.iter().copied()) / best);
            tally.in_time += u64::from(time <= self.setting.deadline());
        }
    }

    fn peers(self, map: &str) -> impl Iterator<Item = Peer> {
        let astar = Sample::of(&self.tallies[ASTAR].times).p50;
        NAMES.into_iter().zip(self.tallies).map(move |(name, tally)| {
            let times_us = Sample::of(&tally.times);
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

fn plan(
    planner: &mut Planner,
    setting: &Setting,
    costmap: &Costmap,
    guidance: &Guidance,
    start: Cell,
    clock: &Instant,
) -> (Duration, Option<Vec<Pose>>) {
    let [start, goal] = [start, guidance.goal()].map(|cell| {
        let center = costmap.geometry().center(cell);
        Pose::new(center.x, center.y, 0.0)
    });
    let arrived = clock.now();
    let request = Request { start, goal, arrived, deadline: arrived + setting.deadline(), epoch: None };
    let outcome = planner.plan(costmap, Some(guidance), &request, clock);
    let time = clock.now().saturating_sub(arrived);
    (time, outcome.path.ok().map(|path| path.poses().to_vec()))
}
