//! What happens around the node: publishers, people, the robot, and the machine.

use std::sync::Arc;
use std::time::Duration;

use trm_flow::lock::lock;
use trm_flow::map::intake::Origin;
use trm_flow::plan_record::Kind;
use trm_flow::request::{self, MAX_REQUESTS, PlanRequest};
use trm_flow::robot_pose::RobotPose;
use trm_flow::threads::guidance;
use trm_grid::units::Pose;

use crate::simulate::oracle::Told;
use crate::simulate::schedule::Event;
use crate::simulate::simulation::Simulation;
use crate::simulate::site::{Content, Packet, system_time};
use crate::simulate::state::State;
use crate::simulate::weather::{MS, S, Weather, calm, vary};

/// Updates of a flood.
const FLOOD: usize = 3000;
/// Room in the planner thread's ring that goals leave to the threads.
const ROOM: usize = 64;
/// The robot's pose is told this often.
const POSE_PERIOD: usize = 80 * MS as usize;

impl Simulation {
    /// Something happens around the node.
    pub fn surroundings(&self, event: Event) {
        let now = self.time();
        match event {
            Event::Deliver(packet) => deliver(&mut self.state(), *packet),
            Event::Sight(origin) => self.state().scouts.reader.push_back(origin),
            Event::Publish(by) => {
                let state = &mut *self.state();
                publish(state, by, now);
                let period = if state.is_calm { 1_000_000 * S } else { state.weather.publish_period };
                again(state, now, period, Event::Publish(by));
            }
            Event::Pose => self.tell_pose(now),
            Event::Goal => {
                let goal = self.draw_goal(now);
                self.set_goal(goal, now);
            }
            Event::Request => self.ask(now),
            Event::Parameters => self.change_parameters(now),
            Event::Pause => self.pause(now),
            Event::Freeze => {
                let state = &mut *self.state();
                state.frozen = now + random_time(state, 100 * MS, 5 * S);
                state.was_stopped = true;
                state.planned = state.frozen;
                let period = state.weather.freezes;
                let frozen = state.frozen;
                state.trace.note(now, "freeze", &[frozen]);
                again(state, frozen, period, Event::Freeze);
            }
            Event::Kill => self.state().must_kill = true,
            Event::Hang => {
                let state = &mut *self.state();
                state.hang = random_time(state, 20 * MS, 4 * S);
                let period = state.weather.hangs;
                again(state, now, period, Event::Hang);
            }
            Event::Calm(scene) => self.calm(scene, now),
            Event::Wake(_) => {}
        }
    }

    fn tell_pose(&self, now: u64) {
        let told = {
            let state = &mut *self.state();
            let period = state.random.whole(POSE_PERIOD / 2..POSE_PERIOD) as u64;
            state.schedule.at(now + period, Event::Pose);
            if state.random.chance(state.weather.pose_gap) && !state.is_calm {
                state.pose_gap = now + random_time(state, 100 * MS, 4 * S);
            }
            move_robot(state);
            if now < state.pose_gap {
                return;
            }
            let age = if state.is_calm || state.random.chance(0.95) { 5 * MS } else { random_time(state, MS, 2 * S) };
            let stamp = system_time(now).saturating_sub(Duration::from_nanos(age));
            Told { pose: state.robot, stamp }
        };
        if let Some(life) = self.life() {
            life.shared.latest_pose().set(Some(RobotPose { pose: told.pose, stamp: Some(told.stamp) }));
            self.state().oracle.poses.push(told);
        }
    }

    fn draw_goal(&self, now: u64) -> Pose {
        let state = &mut *self.state();
        // Sometimes many goals come at once.
        let period = if state.random.chance(0.1) { 2 * MS } else { state.weather.goals };
        if !state.is_calm {
            again(state, now, period, Event::Goal);
        }
        let State { site, random, .. } = state;
        if random.chance(0.8) { site.somewhere_free(random) } else { site.somewhere(random) }
    }

    fn set_goal(&self, goal: Pose, now: u64) {
        let Some(life) = self.life().filter(|life| life.commands.planner.room() > ROOM) else { return };
        let robot = life.shared.latest_pose().get().map(|latest| latest.pose);
        life.commands.goal(goal, Duration::from_nanos(now), robot);
        let state = &mut *self.state();
        state.oracle.goals.push(goal);
        state.trace.note(now, "goal", &[goal.x.to_bits(), goal.y.to_bits()]);
        state.trace.explain(|| format!("{goal:?}"));
    }

    /// Somebody asks for a path once, and sometimes gives it up at once.
    fn ask(&self, now: u64) {
        let (start, goals, is_given_up) = {
            let state = &mut *self.state();
            // Sometimes many come at once.
            let period = if state.random.chance(0.2) { 2 * MS } else { state.weather.requests };
            again(state, now, period, Event::Request);
            let State { site, random, .. } = state;
            let mut place = || if random.chance(0.9) { site.somewhere_free(random) } else { site.somewhere(random) };
            let (start, mut goals) = (place(), vec![place()]);
            while random.chance(0.3) {
                goals.push(site.somewhere_free(random));
            }
            (random.chance(0.5).then_some(start), goals, random.chance(0.05))
        };
        let Some(life) = self.life().filter(|life| life.commands.planner.room() > ROOM) else { return };
        let robot = life.shared.latest_pose().get().map(|latest| latest.pose);
        let (config, number, answers) = {
            let state = &mut *self.state();
            // As the actions' servers have it.
            if state.oracle.requests.len() >= MAX_REQUESTS {
                return;
            }
            state.asked += 1;
            let Some(config) = state.oracle.configs.last().cloned() else { return };
            state.trace.note(now, "request", &[state.asked]);
            state.trace.explain(|| format!("{start:?} {goals:?}"));
            (config, state.asked, Arc::clone(&state.answers))
        };
        let budget = Duration::from_secs_f64(config.node.deadline_ms / 1e3);
        let epochs = request::epochs();
        let request = PlanRequest {
            kind: if goals.len() == 1 { Kind::ToPose } else { Kind::ThroughPoses },
            planner: 0,
            start,
            goals: goals.clone(),
            arrived: Duration::from_nanos(now),
            budget,
            epochs: Arc::clone(&epochs),
            path: Vec::new(),
            reply: Box::new(move |_, _| lock(&answers).push(number)),
        };
        self.state().oracle.ask(number, start, goals, now + budget.as_nanos() as u64);
        let _ = life.commands.request(Box::new(request), &guidance::settings(&config), robot);
        if is_given_up {
            life.commands.cancel(&epochs);
        }
    }

    fn change_parameters(&self, now: u64) {
        let config = {
            let state = &mut *self.state();
            if state.parameter_flood == 0 && state.random.chance(0.1) {
                state.parameter_flood = state.random.below(1000);
            }
            let is_flood = state.parameter_flood > 0 || state.random.chance(0.2);
            state.parameter_flood = state.parameter_flood.saturating_sub(1);
            let period = if is_flood { 3 * MS } else { state.weather.parameters };
            if !state.is_calm {
                again(state, now, period, Event::Parameters);
            }
            let State { oracle, random, is_calm, .. } = state;
            let Some(mut config) = oracle.configs.last().cloned() else { return };
            if *is_calm {
                calm(&mut config, random);
            } else if random.chance(0.5) {
                config.node.planner_frequency = random.number(1.0, 30.0);
            } else {
                vary(&mut config, random);
            }
            // A number by which it is known again. The parameter is read only at the start.
            config.node.bundle = oracle.configs.len().to_string();
            config
        };
        if let Some(life) = self.life() {
            self.state().oracle.configs.push(config.clone());
            life.inbox.put_config(Box::new(config));
        }
    }

    fn pause(&self, now: u64) {
        let is_active = {
            let state = &mut *self.state();
            let period = if state.oracle.is_active { 3 * S } else { state.weather.pauses };
            if !state.is_calm {
                again(state, now, period, Event::Pause);
            }
            state.is_calm || !state.oracle.is_active
        };
        let Some(life) = self.life().filter(|life| life.commands.planner.room() > ROOM) else { return };
        if is_active {
            self.note_active(true, now);
        }
        // What comes after it is during the pause; before it, nothing need be known of its end.
        let _ = life.commands.set_active(is_active);
        self.note_active(is_active, now);
    }

    fn note_active(&self, is_active: bool, now: u64) {
        let state = &mut *self.state();
        state.oracle.activations += u64::from(is_active);
        state.oracle.is_active = is_active;
        state.trace.note(now, "active", &[u64::from(is_active)]);
    }

    /// The last act: everything is well, and a path must come.
    fn calm(&self, scene: u8, now: u64) {
        match scene {
            0 => {
                let state = &mut *self.state();
                state.is_calm = true;
                let is_fault = |event: &Event| {
                    matches!(event, Event::Publish(_) | Event::Goal | Event::Request | Event::Parameters | Event::Pause)
                        || matches!(event, Event::Freeze | Event::Kill | Event::Hang)
                };
                state.schedule.forget(is_fault);
                (state.hang, state.pose_gap) = (0, 0);
                state.schedule.at(now + 5 * S, Event::Calm(1));
            }
            1 => {
                self.change_parameters(now);
                self.pause(now);
                if let Some(what) = self.untold() {
                    return self.violate(&what);
                }
                let state = &mut *self.state();
                // What was lost of one host is made up for by a grid of that host.
                for by in 0..state.weather.publishers {
                    let packet = state.site.publish_whole(by, false, now, 5 * MS);
                    state.schedule.deliver(packet);
                }
                state.schedule.at(now + S, Event::Calm(2));
            }
            _ => {
                let goal = self.draw_goal(now);
                self.set_goal(goal, now);
            }
        }
    }

    /// When everything has arrived in one life, then what is planned on is the truth.
    fn untold(&self) -> Option<String> {
        let state = self.state();
        // Of two publishers' updates of one cell, the later arrival counts.
        let is_told = !state.is_incomplete && state.weather.publishers == 1;
        let newest = state.oracle.arrivals.newest()?;
        (is_told && **newest != state.site.truth).then(|| "all has arrived, and it isn't the truth".to_owned())
    }
}

/// The same event once more, after about this time.
fn again(state: &mut State, now: u64, period: u64, event: Event) {
    let wait = Weather::around(&mut state.random, period);
    state.schedule.at(now + wait, event);
}

fn random_time(state: &mut State, least: u64, most: u64) -> u64 {
    state.random.number(least as f64, most as f64) as u64
}

/// The middleware keeps a message for the node. It has room for some.
fn deliver(state: &mut State, packet: Packet) {
    let is_whole = |packet: &Packet| matches!(packet.content, Content::Whole(_));
    if is_whole(&packet) {
        // Of each publisher, the last whole grid is kept: what a new subscription gets again comes before what was published
        // since.
        let Origin { publisher, number, .. } = packet.origin;
        let of_publisher = |other: &Packet| is_whole(other) && other.origin.publisher == publisher;
        if state.site.reader.iter().any(|other| of_publisher(other) && other.origin.number > number) {
            return;
        }
        state.site.reader.retain(|other| !of_publisher(other));
    } else if state.site.reader.len() >= state.weather.buffer {
        state.is_incomplete = true;
        return;
    }
    state.site.reader.push_back(packet);
}

fn publish(state: &mut State, by: usize, now: u64) {
    let State { random, weather, .. } = state;
    if random.chance(0.003) {
        state.site.resize(random);
        if random.chance(0.8) {
            state.robot = state.site.somewhere_free(random);
            state.route.0.clear();
        }
        return send(state, by, true, now);
    }
    // Whoever publishes begins with a whole grid.
    let is_whole = state.site.is_new(by) || random.chance(weather.whole);
    let count = if random.chance(weather.flood) { random.whole(FLOOD / 10..2 * FLOOD) } else { 1 };
    for _ in 0..if is_whole { 1 } else { count } {
        send(state, by, is_whole, now);
    }
}

/// A message is published, and gets lost or comes, once or twice, sooner or later.
fn send(state: &mut State, by: usize, is_whole: bool, now: u64) {
    let State { random, weather, site, schedule, scouts, .. } = state;
    let delay = if random.chance(weather.late) {
        random.below(weather.latest as usize) as u64
    } else {
        random.whole(MS as usize / 5..10 * MS as usize) as u64
    };
    let is_broken = random.chance(weather.broken);
    state.is_incomplete |= is_whole && is_broken;
    let mut packet = if is_whole {
        site.publish_whole(by, is_broken, now, delay)
    } else {
        site.publish_update(by, is_broken, now, delay, random)
    };
    if let Some(at) = scouts.hear(&mut packet, now).filter(|_| !is_whole) {
        schedule.at(at, Event::Sight(packet.origin));
    }
    // Where hosts' clocks differ, whole grids come, and in their order.
    if random.chance(weather.drop) && !(is_whole && weather.many_hosts) {
        state.is_incomplete = true;
        return;
    }
    if random.chance(weather.twice) {
        let due = packet.due + random.below(20 * MS as usize) as u64;
        schedule.deliver(Packet { due, ..packet.clone() });
    }
    schedule.deliver(packet);
}

/// The robot follows its path; sometimes somebody carries it elsewhere.
fn move_robot(state: &mut State) {
    let State { route: (path, at), random, robot, site, .. } = state;
    if random.chance(0.002) {
        *robot = site.somewhere_free(random);
        return;
    }
    *at += random.below(3);
    if let Some(pose) = path.get((*at).min(path.len().saturating_sub(1))) {
        *robot = *pose;
    }
}
