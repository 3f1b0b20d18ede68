//! The model against classical searches: on the same queries and costmaps, in the same language, on the same core.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use trm_grid::travel::Travel;
use trm_planner::endpoints::{GoalArea, Start};
use trm_planner::fallback::{Fallback, Found};

use super::query::Query;
use super::trace::Trace;
use crate::statistics::{Sorted, UpperQuantiles, share};
use crate::worlds::optimum::field;

/// Times within which solved queries are counted, in milliseconds.
pub const WITHIN: [f64; 10] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// The contenders. The model counts with its first verified path, the others with their only one; none is straightened.
pub const CONTENDERS: [&str; 5] = ["model", "astar", "astar_1.5", "astar_2", "dijkstra"];

/// Weights of the heuristic of the A* among the [`CONTENDERS`], from the second one on. A weight of 1 is the fallback.
const WEIGHTS: [f64; 3] = [1.0, 1.5, 2.0];

/// How long one contender took for one query, and the cost of its path over the optimum's; `None` without a path.
#[derive(Debug, Clone, Copy)]
pub struct TimedRun {
    time: Duration,
    ratio: Option<f64>,
}

/// Times queries with all contenders.
pub struct QueryRace {
    travel: Travel,
    searches: [Fallback; WEIGHTS.len()],
    /// Number of queries so far.
    queries: usize,
}

impl QueryRace {
    /// A race with these travel costs.
    pub fn new(travel: Travel) -> Self {
        Self { travel, searches: WEIGHTS.map(Fallback::weighted), queries: 0 }
    }

    /// Times one query with each of the [`CONTENDERS`]. The model's time comes from the trace.
    pub fn run(&mut self, query: &Query, trace: &Trace) -> [TimedRun; CONTENDERS.len()] {
        let model = trace.first_verified().map(|at| trace.answers[at]);
        let model = TimedRun {
            time: model.map_or(Duration::MAX, |answer| answer.elapsed),
            ratio: model.and_then(|answer| answer.cost).map(|cost| cost / query.optimum.cost),
        };
        let mut runs = [model; CONTENDERS.len()];
        self.searches.iter_mut().for_each(|search| search.prepare(query.costmap.geometry()));
        self.queries += 1;
        // The order rotates, so that no contender always finds the caches warm.
        for turn in 0..CONTENDERS.len() - 1 {
            let who = 1 + (turn + self.queries) % (CONTENDERS.len() - 1);
            runs[who] = self.time(who, query);
        }
        runs
    }

    /// Times one query with one classical contender.
    fn time(&mut self, who: usize, query: &Query) -> TimedRun {
        let mut path = Vec::with_capacity(query.costmap.geometry().cells());
        let began = Instant::now();
        path.push(query.start);
        let found = if CONTENDERS[who] == "dijkstra" {
            let field = field(&query.costmap, query.goal, self.travel);
            let next = |cell| field.as_ref().and_then(|field| field.next(&query.costmap, cell));
            while let Some(next) = path.last().copied().and_then(next) {
                path.push(next);
            }
            path.last() == Some(&query.goal)
        } else {
            let search = &mut self.searches[who - 1];
            let (from, goal) = (Start { cell: query.start, cost: 0.0 }, query.goal);
            let area = GoalArea::only(goal);
            let found = search.find((&query.costmap, self.travel), None, &[from], (goal, &area), || true);
            found == Found::Path(goal) && search.append((query.start, goal), &mut path)
        };
        let time = began.elapsed();
        let cost = found.then(|| self.travel.cells(&query.costmap, path.iter()));
        TimedRun { time, ratio: cost.map(|cost| cost / query.optimum.cost) }
    }
}

/// The figures of one contender.
#[derive(Debug, Serialize)]
pub struct ContenderTimes {
    /// Share of queries with a path.
    pub solved: Option<f64>,
    /// Median time to the path over the solved queries, in milliseconds.
    pub p50: Option<f64>,
    /// 95 % quantile of these times.
    pub p95: Option<f64>,
    /// 99 % quantile.
    pub p99: Option<f64>,
    /// Maximum.
    pub max: Option<f64>,
    /// Shares of all queries that are solved within so many milliseconds.
    pub within_ms: Vec<(f64, Option<f64>)>,
    /// Cost of the paths over the optimum's.
    pub cost_ratio: UpperQuantiles,
    /// The times from the shortest, in milliseconds.
    #[serde(skip)]
    pub sorted: Vec<f64>,
}

/// The figures of each contender by name.
pub fn times(runs: &[[TimedRun; CONTENDERS.len()]]) -> BTreeMap<&'static str, ContenderTimes> {
    let of = |who: usize| {
        let ms = |run: &[TimedRun; CONTENDERS.len()]| run[who].ratio.map(|_| run[who].time.as_secs_f64() * 1e3);
        let sorted = Sorted::new(runs.iter().filter_map(ms));
        let within = |limit: f64| share(runs.iter().filter_map(ms).filter(|time| *time <= limit).count(), runs.len());
        let UpperQuantiles { p50, p95, p99 } = sorted.upper();
        ContenderTimes {
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
