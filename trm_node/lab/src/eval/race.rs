//! The model beside classical searches: the same queries, costmaps, language and core.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use trm_grid::travel::Travel;
use trm_planner::fallback::{Fallback, Found};

use super::search::Search;
use super::source::Query;
use super::trace::Trace;
use crate::statistics::{Sorted, Upper, share};
use crate::worlds::optimum::field;

/// Times, in milliseconds, within which the solved queries are counted.
pub const WITHIN: [f64; 10] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// Who is raced. The model is at its first verified path, all others at their only one, none of them straightened.
pub const CONTENDERS: [&str; 6] = ["model", "fallback", "astar", "astar_1.5", "astar_2", "dijkstra"];

/// One run: how long, and the cost over the optimum's; `None` without a path.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    time: Duration,
    ratio: Option<f64>,
}

/// Times one query on all contenders but the model, which the trace has.
pub struct Race {
    travel: Travel,
    search: Search,
    fallback: Fallback,
    turns: usize,
}

impl Race {
    /// For worlds of `cells` cells.
    pub fn new(travel: Travel, cells: usize) -> Self {
        Self { travel, search: Search::new(cells), fallback: Fallback::default(), turns: 0 }
    }

    /// Runs all on a query, in the order of [`CONTENDERS`].
    pub fn run(&mut self, query: &Query, trace: &Trace) -> [Run; CONTENDERS.len()] {
        let model = trace.first_verified().map(|at| trace.answers[at]);
        let model = Run {
            time: model.map_or(Duration::MAX, |answer| answer.elapsed),
            ratio: model.and_then(|answer| answer.cost).map(|cost| cost / query.optimum.cost),
        };
        let mut runs = [model; CONTENDERS.len()];
        self.fallback.prepare(query.costmap.geometry());
        self.turns += 1;
        // Who comes first changes, so that none always finds the caches warm.
        for turn in 0..CONTENDERS.len() - 1 {
            let who = 1 + (turn + self.turns) % (CONTENDERS.len() - 1);
            runs[who] = self.one(who, query);
        }
        runs
    }

    fn one(&mut self, who: usize, query: &Query) -> Run {
        let mut path = Vec::with_capacity(query.costmap.geometry().cells());
        let ends = (query.start, query.goal);
        let began = Instant::now();
        let found = match CONTENDERS[who] {
            "fallback" => {
                path.push(query.start);
                self.fallback.find(&query.costmap, self.travel, None, ends, || true, &mut path) == Found::Path
            }
            "dijkstra" => {
                let field = field(&query.costmap, query.goal, self.travel);
                path.push(query.start);
                while let Some(next) =
                    path.last().and_then(|cell| field.as_ref().and_then(|field| field.next(&query.costmap, *cell)))
                {
                    path.push(next);
                }
                path.last() == Some(&query.goal)
            }
            name => {
                let weight = name.strip_prefix("astar_").and_then(|weight| weight.parse().ok()).unwrap_or(1.0);
                self.search.find(&query.costmap, self.travel, weight, ends, &mut path)
            }
        };
        let time = began.elapsed();
        let cost = found.then(|| self.travel.cells(&query.costmap, path.iter()));
        Run { time, ratio: cost.map(|cost| cost / query.optimum.cost) }
    }
}

/// The times of one contender.
#[derive(Debug, Serialize)]
pub struct Times {
    pub solved: Option<f64>,
    /// Milliseconds to the path, over the solved queries.
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
    /// Share of all queries solved within so many milliseconds.
    pub within_ms: Vec<(f64, Option<f64>)>,
    pub cost_ratio: Upper,
    /// The times, from the shortest.
    #[serde(skip)]
    pub sorted: Vec<f64>,
}

/// Each contender by name.
pub fn times(runs: &[[Run; CONTENDERS.len()]]) -> BTreeMap<&'static str, Times> {
    let of = |who: usize| {
        let ms = |run: &[Run; CONTENDERS.len()]| run[who].ratio.map(|_| run[who].time.as_secs_f64() * 1e3);
        let sorted = Sorted::new(runs.iter().filter_map(ms));
        let within = |limit: f64| share(runs.iter().filter_map(ms).filter(|time| *time <= limit).count(), runs.len());
        let Upper { p50, p95, p99 } = sorted.upper();
        Times {
            solved: share(runs.iter().filter_map(ms).count(), runs.len()),
            p50,
            p95,
            p99,
            max: sorted.quantile(1.0),
            within_ms: WITHIN.into_iter().map(|limit| (limit, within(limit))).collect(),
            cost_ratio: Sorted::new(runs.iter().filter_map(|run| run[who].ratio)).upper(),
            sorted: sorted.into_numbers(),
        }
    };
    CONTENDERS.into_iter().enumerate().map(|(who, name)| (name, of(who))).collect()
}
