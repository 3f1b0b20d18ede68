//! Paths through several poses on a GPU: each leg alone, and all of them thought about ahead in one call. Both plan the same legs
//! in turns, in a hall of 400 × 400 cells with pillars and walls, with guidance to every goal.
//!
//! ```sh
//! cargo run --release -p trm_planner --features gpu --example legs_times [ROUNDS [DEADLINE_MS [BACKEND [WINDOW]]]]
//! ```

use std::time::{Duration, Instant};

use trm_config::{Config, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_net::registry::by_name;
use trm_net::released;
use trm_planner::endpoints::GoalArea;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::target::guide;
use trm_planner::{Planner, Request, Source};

const SIDE: usize = 400;
const CELL: f64 = 0.05;
/// The number of goals that there is guidance to.
const GOALS: usize = 48;

/// A way through poses, each with guidance to it.
type Way<'a> = Vec<(Pose, &'a [Guidance])>;

/// What came of the ways of one kind.
#[derive(Default)]
struct Seen {
    ms: Vec<f64>,
    legs: usize,
    by_model: usize,
    applications: usize,
}

fn argument(at: usize, otherwise: &str) -> String {
    std::env::args().nth(at).unwrap_or_else(|| otherwise.to_owned())
}

fn main() {
    let rounds: usize = argument(1, "100").parse().expect("a number of rounds");
    let deadline = Duration::from_millis(argument(2, "1000").parse().expect("milliseconds"));
    let (backend, window) = (argument(3, "gpu"), argument(4, "64"));
    let config = Config::with(|config| {
        config.planner.window_size = window.parse().expect("cells");
        config.planner.max_steps = 16;
    });
    let bundle = Bundle::load(&released::find(None, std::iter::empty()).expect("the bundle")).expect("a bundle");
    let clock = Instant::now();
    let size = config.planner.window_size as usize;
    let backend = by_name(&bundle, size, &backend).expect("a backend");
    let mut planner =
        Planner::with_backend(&config.grid, &config.planner, &bundle, backend, &clock).expect("a planner");
    let map = hall(&config);
    let goals: Vec<_> = (0..GOALS).filter_map(|at| goal(&map, &planner, at)).collect();
    println!("{:>5} {:>16} {:>8} {:>8} {:>8} {:>6} {:>7}", "legs", "way", "p50 ms", "p99", "max", "legs n", "model %");
    for legs in [1, 2, 4, 8] {
        let mut seen = [const { Vec::new() }; 2].map(|ms| Seen { ms, ..Seen::default() });
        for round in 0..rounds {
            let place = |leg: usize| &goals[(round * 31 + leg * 7) % goals.len()];
            let way: Way = (0..=legs).map(|leg| (place(leg).0, &place(leg).1[..])).collect();
            for turn in [round % 2, 1 - round % 2] {
                drive(&mut planner, (&map, &way), deadline, (turn == 1, &clock), &mut seen[turn]);
            }
        }
        for (name, seen) in ["each alone", "thought of ahead"].into_iter().zip(&mut seen) {
            seen.ms.sort_by(f64::total_cmp);
            let rank = |share: f64| seen.ms[((seen.ms.len() - 1) as f64 * share).round() as usize];
            let [p50, p99, max] = [rank(0.5), rank(0.99), rank(1.0)];
            let share = 100.0 * seen.by_model as f64 / seen.legs as f64;
            let applications = seen.applications as f64 / seen.legs as f64;
            println!(
                "{legs:>5} {name:>16} {p50:>8.3} {p99:>8.3} {max:>8.3} {:>6} {share:>7.1} {applications:>12.1}",
                seen.legs
            );
        }
    }
}

/// Plans all legs of a way within the deadline, as the node does: each has its part of what is left.
fn drive(
    planner: &mut Planner,
    (map, way): (&Costmap, &Way),
    deadline: Duration,
    (is_ahead, clock): (bool, &Instant),
    seen: &mut Seen,
) {
    // The way before may have been the same.
    planner.reset();
    let began = clock.now();
    let request = |start: Pose, goal: Pose, left: u32| {
        let arrived = clock.now();
        let time = (began + deadline).saturating_sub(arrived) / left.max(1);
        Request { start, goal, arrived, deadline: arrived + time, epoch: None }
    };
    let legs = way.len() - 1;
    if is_ahead {
        let requests = way.windows(2).map(|pair| (request(pair[0].0, pair[1].0, 1), pair[1].1));
        planner.think_ahead(map, requests, (deadline / 4, clock));
    }
    for (at, pair) in way.windows(2).enumerate() {
        let request = request(pair[0].0, pair[1].0, (legs - at) as u32);
        let outcome = planner.plan(map, pair[1].1, &request, clock);
        seen.legs += 1;
        seen.applications += usize::from(outcome.report.applications);
        seen.by_model += usize::from(outcome.report.source == Source::Model);
    }
    seen.ms.push(clock.now().saturating_sub(began).as_secs_f64() * 1e3);
}

fn hall(config: &Config) -> Costmap {
    let mut data = vec![0; SIDE * SIDE];
    for at in 0..90 {
        let draw = |by: usize, most: usize| (at * 7919 + by * 104_729 + at * at * 31) % most;
        let (col, row) = (draw(1, SIDE - 40), draw(3, SIDE - 40));
        let (cols, rows) = (2 + draw(5, 36), 2 + draw(7, 12));
        (row..row + rows).for_each(|row| data[row * SIDE + col..row * SIDE + col + cols].fill(100));
    }
    let geometry = Geometry::new(SIDE as u32, SIDE as u32, CELL, Pose::default()).expect("a geometry");
    build(&config.grid, GridKind::Map, OccupancyGrid::new(geometry, data).expect("legal values"))
}

/// A goal in free space, and guidance to it.
fn goal(map: &Costmap, planner: &Planner, at: usize) -> Option<(Pose, Vec<Guidance>)> {
    let settings = planner.settings();
    let draw = |by: usize| ((at * 6151 + by * 3571) % (SIDE - 20) + 10) as f64 * CELL;
    let goal = Pose::new(draw(1) + CELL / 2.0, draw(4) + CELL / 2.0, 0.0);
    let area = GoalArea::new(map.geometry(), 0.0, goal.point()).ok()?;
    let guidance = guide(map, settings.travel, &area, &|| false)?;
    let start = map.geometry().cell_at(Pose::new(1.0, 1.0, 0.0).point())?;
    let is_reached = guidance.first().is_some_and(|first| first.cost_to_go(start).is_finite());
    is_reached.then_some((goal, guidance))
}
