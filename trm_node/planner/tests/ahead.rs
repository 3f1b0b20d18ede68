//! Requests that a model on a GPU thinks about before they are planned: the plans are those that it makes without.

mod common;

use std::time::Duration;

use common::{Simulated, bundle, costmap, pose};
use trm_config::Config;
use trm_grid::units::Pose;
use trm_net::registry::by_name;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::{Planner, Report, Request};

const SIZE: usize = 32;
const LONG: Duration = Duration::from_mins(5);

struct Bench {
    planner: Planner,
    map: trm_grid::costmap::Costmap,
    clock: Simulated,
}

/// A room with two walls, and a model on whatever GPU there is.
fn bench() -> Option<Bench> {
    let config = Config::with(|config| {
        (config.planner.window_size, config.planner.unchanged_limit) = (SIZE as i64, 0.0);
        config.planner.allow_fallback = false;
    });
    let mut rows = vec![".".repeat(30); 30];
    rows[4..16].iter_mut().for_each(|row| row.replace_range(14..16, "##"));
    rows[20..22].iter_mut().for_each(|row| row.replace_range(6..24, "##################"));
    let map = costmap(&config, 0.1, &rows);
    let bundle = bundle();
    let backend = match by_name(&bundle, SIZE, "gpu") {
        Ok(backend) => backend,
        Err(error) => {
            assert!(std::env::var_os("TRM_NEEDS_GPU").is_none(), "TRM_NEEDS_GPU is set, and there is none: {error}");
            eprintln!("skipped: {error}");
            return None;
        }
    };
    let clock = Simulated::default();
    let planner = Planner::with_backend(&config.grid, &config.planner, &bundle, backend, &clock).unwrap();
    Some(Bench { planner, map, clock })
}

impl Bench {
    fn request<'a>(&self, start: Pose, goal: Pose) -> Request<'a> {
        let arrived = self.clock.now();
        Request { start, goal, arrived, deadline: arrived + LONG, epoch: None }
    }

    fn plan(&mut self, (start, goal): (Pose, Pose)) -> (Report, Vec<Pose>) {
        let request = self.request(start, goal);
        let outcome = self.planner.plan(&self.map, &[], &request, &self.clock);
        let poses = outcome.path.map(|path| path.poses().to_vec());
        (outcome.report, poses.unwrap_or_default())
    }

    fn think_ahead(&mut self, legs: &[(Pose, Pose)]) {
        let requests: Vec<_> = legs.iter().map(|(start, goal)| (self.request(*start, *goal), &[][..])).collect();
        self.planner.think_ahead(&self.map, requests.into_iter(), (LONG, &self.clock));
    }
}

fn legs(bench: &Bench) -> Vec<(Pose, Pose)> {
    let stops = [(3.5, 3.5), (26.5, 4.5), (26.5, 26.5), (3.5, 26.5), (9.5, 12.5)];
    let stops = stops.map(|(col, row)| pose(&bench.map, col, row, 0.0));
    stops.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

#[test]
fn plans_are_the_same_whether_they_were_thought_about_ahead_or_not() {
    let Some(mut bench) = bench() else { return };
    let legs = legs(&bench);
    let expected: Vec<_> = legs.iter().map(|leg| bench.plan(*leg)).collect();
    assert!(expected.iter().any(|(_, poses)| poses.len() > 10));
    bench.think_ahead(&legs);
    for (leg, (before, poses)) in legs.iter().zip(&expected) {
        let (report, found) = bench.plan(*leg);
        assert_eq!((&found, made_of(&report)), (poses, made_of(before)));
        assert!(!report.warm);
    }
    assert!(bench.plan(legs[legs.len() - 1]).0.warm, "the next plan goes on from the states of the last leg");
}

#[test]
fn what_was_thought_about_for_another_start_or_other_costs_is_not_taken() {
    let Some(mut bench) = bench() else { return };
    let legs = legs(&bench);
    let moved = (pose(&bench.map, 5.5, 8.5, 0.0), legs[0].1);
    let expected = bench.plan(moved);
    bench.think_ahead(&legs);
    let found = bench.plan(moved);
    assert_eq!((&found.1, made_of(&found.0)), (&expected.1, made_of(&expected.0)));
    assert!(bench.plan(moved).0.warm, "the device has the states of a plan that it made itself");
}

/// What a plan is made of.
fn made_of(report: &Report) -> (String, u16, u32, Option<u16>) {
    let stop = format!("{:?} {:?}", report.source, report.stop);
    (stop, report.applications, report.expansions, report.first_verified)
}

#[test]
fn plans_on_a_device_and_thinking_ahead_allocate_nothing() {
    let Some(mut bench) = bench() else { return };
    let legs = legs(&bench);
    let requests: Vec<_> = legs.iter().map(|(start, goal)| (bench.request(*start, *goal), &[][..])).collect();
    bench.planner.prepare(&bench.map);
    let Bench { planner, map, clock } = &mut bench;
    let mut steps = 0;
    let counted = allocation_counter::measure(|| {
        for _ in 0..3 {
            planner.think_ahead(map, requests.iter().copied(), (LONG, clock));
            for (request, _) in &requests {
                steps += planner.plan(map, &[], request, clock).report.steps;
            }
        }
    });
    assert!(steps >= 12, "{steps}");
    assert_eq!(counted.count_total, 0);
}
