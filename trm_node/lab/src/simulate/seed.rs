//! One seed, from its beginning to the verdict.

use std::sync::Arc;

use trm_flow::plan_record::Failure;
use trm_net::bundle::Bundle;

use crate::judge::asked::Asked;
use crate::simulate::oracle::{Oldest, Oracle};
use crate::simulate::schedule::{Event, Schedule};
use crate::simulate::scouts::Scouts;
use crate::simulate::simulation::Simulation;
use crate::simulate::site::Site;
use crate::simulate::state::State;
use crate::simulate::trace::Trace;
use crate::simulate::weather::{S, Weather};
use crate::worlds::random::Random;

/// How long the last act takes.
const CALM: u64 = 10 * S;
/// The last plan of the last act is at most this old.
const RECENT: u64 = S;

/// What a seed came to.
#[derive(Debug)]
pub struct Verdict {
    /// The same for the same seed.
    pub hash: u64,
    /// What doesn't hold, and when.
    pub violation: Option<String>,
    /// Simulated time in nanoseconds.
    pub time: u64,
    /// How many plans there were, and how many of them with a path.
    pub plans: [u64; 2],
}

/// Simulates a seed for so many seconds, and the last act after them.
#[must_use]
pub fn run(bundle: &Arc<Bundle>, seed: u64, seconds: u64, is_printed: bool) -> Verdict {
    let mut random = Random::new(seed ^ 0x7472_6d5f_7369_6d75);
    let weather = Weather::draw(&mut random);
    if is_printed {
        println!("{weather:#?}");
    }
    let end = seconds * S;
    let scouts = Scouts::new(Random::of_query(seed, 1), &weather);
    let simulation = Simulation::new(begin(weather, (random, scouts), is_printed, end), Arc::clone(bundle));
    simulation.start();
    loop {
        let is_over = simulation.state().violation.is_some();
        if is_over || !simulation.proceed(end + CALM) {
            break;
        }
        let must_kill = simulation.state().must_kill;
        if must_kill {
            restart(&simulation);
        }
    }
    if let Some(what) = unsettled(&simulation) {
        simulation.violate(&what);
    }
    simulation.kill();
    let state = &mut *simulation.state();
    let (hash, time) = (state.trace.hash(), simulation.time());
    Verdict { hash, violation: state.violation.take(), time, plans: state.plans }
}

fn begin(weather: Weather, (mut random, scouts): (Random, Scouts), is_printed: bool, end: u64) -> State {
    let site = Site::new(&weather, &mut random);
    let robot = site.somewhere_free(&mut random);
    let mut schedule = Schedule::default();
    for by in 0..weather.publishers {
        schedule.at(S / 10 + random.below(S as usize) as u64, Event::Publish(by));
    }
    let Weather { goals, parameters, pauses, freezes, kills, hangs, requests, .. } = weather;
    let events = [
        (goals, Event::Goal),
        (parameters, Event::Parameters),
        (pauses, Event::Pause),
        (freezes, Event::Freeze),
        (kills, Event::Kill),
        (hangs, Event::Hang),
        (requests, Event::Request),
    ];
    for (period, event) in events {
        let wait = Weather::around(&mut random, period);
        schedule.at(S + wait, event);
    }
    schedule.at(S / 10, Event::Pose);
    schedule.at(end, Event::Calm(0));
    State {
        oracle: Oracle::new(&weather.config),
        random,
        weather,
        schedule,
        trace: Trace::new(is_printed),
        site,
        scouts,
        frozen: 0,
        was_stopped: false,
        hang: 0,
        is_calm: false,
        must_kill: false,
        route: (Vec::new(), 0),
        robot,
        pose_gap: 0,
        violation: None,
        plans: [0; 2],
        is_incomplete: false,
        planned: 0,
        parameter_flood: 0,
        taken: Oldest::default(),
        made: 0,
        is_half_made: false,
        answers: Arc::default(),
        asked: 0,
    }
}

/// Kills the node and starts it anew. Publishers that keep their last whole grid send it again.
fn restart(simulation: &Arc<Simulation>) {
    simulation.kill();
    let dead = simulation.state().random.below(S as usize) as u64;
    simulation.pass(dead);
    simulation.start();
    let now = simulation.time();
    let state = &mut *simulation.state();
    state.is_incomplete = true;
    if state.weather.many_hosts {
        state.schedule.forget(|event| matches!(event, Event::Deliver(_)));
    }
    for packet in state.site.latched(now, &mut state.random) {
        state.schedule.deliver(packet);
    }
    // In the last act nobody kills it.
    if !state.is_calm {
        let wait = Weather::around(&mut state.random, state.weather.kills);
        state.schedule.at(now + wait, Event::Kill);
    }
}

/// Why the last act didn't end well: with a path, or with a good reason.
fn unsettled(simulation: &Simulation) -> Option<String> {
    let life = simulation.life();
    let now = simulation.time();
    let state = &mut *simulation.state();
    if state.violation.is_some() {
        return None;
    }
    let lost = life.map_or(0, |life| life.shared.plans_lost.load(std::sync::atomic::Ordering::Relaxed));
    if state.oracle.missing > lost {
        return Some(format!("{} plans have no record, {lost} are said to be lost", state.oracle.missing));
    }
    if let Some(what) = state.oracle.unanswered(now) {
        return Some(what);
    }
    let Some((result, at)) = state.oracle.result else { return Some("there was never a plan".to_owned()) };
    if result.is_ok() {
        // The robot may have reached its goal some time ago.
        return None;
    }
    if at + RECENT < now {
        return Some(format!("the last plan is {:.3} s old", (now - at) as f64 / 1e9));
    }
    let (Some(goal), Some(config)) = (state.oracle.goals.last().copied(), state.oracle.configs.last().cloned()) else {
        return Some("no goal".to_owned());
    };
    // Where it was in the last second.
    let robots: Vec<_> = state.oracle.poses.iter().rev().take(20).map(|told| told.pose).collect();
    let Some(raw) = state.oracle.arrivals.newest().cloned() else { return Some("no grid".to_owned()) };
    let map = state.oracle.arrivals.map(&raw, &config.grid);
    let is_right = |error| {
        let asked = |start| Asked { map: &map, config: &config, start, goal, is_tight: false, may_lag: true };
        robots.iter().any(|robot| asked(*robot).refusal(error).is_none())
    };
    let reason = if let Err(Failure::Plan(error)) = result { is_right(error) } else { false };
    (!reason).then(|| format!("all is well, and the last plan is {result:?}"))
}
