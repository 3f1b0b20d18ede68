//! The whole node in simulated time: old failures, and a few new seeds each time.

use std::time::{Duration, Instant, SystemTime};

use trm_lab::simulate::Simulator;

/// Failures of the past: seed, simulated seconds.
const SEEDS: &str = include_str!("../../../tests/simulation_seeds.txt");
/// How long new seeds are tried.
const SAMPLE: Duration = Duration::from_secs(4);
/// Simulated seconds of each new seed.
const SECONDS: u64 = 60;

fn simulator() -> Simulator {
    Simulator::new().expect("the released bundle")
}

fn assert_holds(simulator: &Simulator, seed: u64, seconds: u64) {
    if let Some(what) = simulator.run(seed, seconds).violation {
        panic!("seed {seed}: {what}\n  trm simulate --seconds {seconds} --replay {seed}");
    }
}

#[test]
fn a_seed_has_one_trace_and_others_have_others() {
    let simulator = simulator();
    let hashes: Vec<_> = (1..=6).map(|seed| simulator.run(seed, 20).hash).collect();
    for (seed, hash) in (1..=6).zip(&hashes) {
        assert_eq!(simulator.run(seed, 20).hash, *hash, "seed {seed}");
    }
    assert!((1..6).all(|at| hashes[at] != hashes[0]));
}

#[test]
fn what_once_failed_holds_now() {
    let simulator = simulator();
    for line in SEEDS.lines().filter(|line| !line.starts_with('#')) {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(seed)), Some(Ok(seconds))) = (numbers.next(), numbers.next()) else { panic!("{line}") };
        assert_holds(&simulator, seed, seconds);
    }
}

#[test]
fn what_must_hold_of_every_plan_holds_with_seeds_that_nobody_has_tried() {
    let simulator = simulator();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let first = now.as_secs() << 20;
    println!("seeds from {first} on");
    let began = Instant::now();
    let seeds = (first..).take_while(|_| began.elapsed() < SAMPLE);
    seeds.for_each(|seed| assert_holds(&simulator, seed, SECONDS));
}
