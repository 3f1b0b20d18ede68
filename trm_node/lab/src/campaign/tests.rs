//! A sample of the campaign.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::args::bundle;
use crate::campaign::play::Player;
use crate::campaign::robots::Robots;
use crate::campaign::tally::Tally;

/// Worlds of the sample.
const SAMPLE: u64 = 2000;

#[test]
fn a_sample_of_worlds_that_nobody_has_seen_breaks_no_law() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut player = Player::new(&bundle(None).unwrap(), Robots::Discs).unwrap();
    let tally: Tally = (0..SAMPLE).map(|index| player.play(seed, index, false)).sum();
    assert!(tally.violations.is_empty(), "{}", tally.faults(&format!("--seed {seed}")));
    // The sample is worth something: every kind of outcome is in it but TIMEOUT, which is rare.
    assert!(tally.outcomes.len() >= 8, "{}", tally.table());
}

#[test]
fn a_world_that_once_broke_a_law_breaks_none() {
    let mut player = Player::new(&bundle(None).unwrap(), Robots::Discs).unwrap();
    // Kept paths to a cell that the goal was resolved to before it changed; distances that are the robot's radius, or the
    // longest departure.
    for index in [1754, 4561, 7775, 9902, 13877, 16598, 2119, 2411, 13166, 466_702] {
        let tally = player.play(1, index, false);
        assert!(tally.violations.is_empty(), "{}", tally.faults("--seed 1"));
    }
}

#[test]
fn a_world_is_the_same_whenever_it_is_played() {
    let mut player = Player::new(&bundle(None).unwrap(), Robots::Discs).unwrap();
    let first: Vec<Tally> = (0..60).map(|index| player.play(3, index, false)).collect();
    let again: Vec<Tally> = (0..60).rev().map(|index| player.play(3, index, false)).collect();
    assert!(first.iter().eq(again.iter().rev()));
}

/// Worlds of the sample of robots with a footprint.
const FOOTPRINTS: u64 = 400;

#[test]
fn a_sample_of_worlds_for_robots_with_a_footprint_breaks_no_law() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut player = Player::new(&bundle(None).unwrap(), Robots::Footprints).unwrap();
    let tally: Tally = (0..FOOTPRINTS).map(|index| player.play(seed, index, false)).sum();
    assert!(tally.violations.is_empty(), "{}", tally.faults(&format!("--seed {seed} --footprints")));
    for outcome in ["path: lattice", "path: previous", "NO_VALID_PATH", "START_OCCUPIED", "GOAL_OCCUPIED"] {
        assert!(tally.outcomes.contains_key(outcome), "{outcome}: {}", tally.table());
    }
}

#[test]
fn a_world_for_a_robot_with_a_footprint_that_once_broke_a_law_breaks_none() {
    let mut player = Player::new(&bundle(None).unwrap(), Robots::Footprints).unwrap();
    // Unknown cells near occupied ones, which the costs hid from outlines; a base that cut the corner of a lethal cell on its
    // way off the cells under the robot; a base outside of its outline, which may be over blocked cells; a path that was kept
    // when the robot could come nearer to the goal than where it ends.
    for index in [16, 17, 18, 510, 2986, 7515] {
        let tally = player.play(1, index, false);
        assert!(tally.violations.is_empty(), "{}", tally.faults("--seed 1 --footprints"));
    }
}
