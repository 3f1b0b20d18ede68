//! The scheduler. Each reading of the clock is a point where time may pass and other state machines run, so they
//! interleave in the middle of their steps too, one on top of the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use trm_config::Config;
use trm_flow::clock::NodeClock;
use trm_flow::lock::lock;
use trm_flow::messages::Record;
use trm_flow::plan_record::{Failure, Kind};
use trm_flow::ros_time::RosTime;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_net::error::{InferenceError, LoadError};
use trm_net::graph::Graph;
use trm_net::host::HostBackend;
use trm_net::registry::fastest;
use trm_planner::Planner;
use trm_planner::halt::deadline::Clock;

use crate::simulate::model::SimulatedModel;
use crate::simulate::mood::{Mood, Moods};
use crate::simulate::node::{Life, Make, Node, Parts, Records, is_so};
use crate::simulate::oracle::{Oldest, Oracle, Publication};
use crate::simulate::schedule::{Event, Part};
use crate::simulate::site::system_time;
use crate::simulate::state::State;
use crate::simulate::weather::MS;

/// Longer than this is a wait in which others run.
const LONG: u64 = MS / 50;

/// A simulation.
pub struct Simulation {
    time: AtomicU64,
    /// ROS time.
    pub ros_time: RosTime,
    state: Mutex<State>,
    /// The threads.
    pub parts: Parts,
    life: Mutex<Option<Arc<Life>>>,
    bundle: Arc<Bundle>,
}

impl Clock for Simulation {
    fn now(&self) -> Duration {
        let cost = {
            let State { random, weather, is_calm, .. } = &mut *self.state();
            let chance = random.number(0.0, 1.0);
            if !*is_calm && chance < weather.stall {
                random.whole(5..100) as u64 * MS
            } else if chance < weather.stall + weather.preempt {
                let most = if random.chance(0.2) { 3 * MS } else { MS / 10 };
                LONG + random.below(most as usize) as u64
            } else {
                random.below(2000) as u64
            }
        };
        self.pass(cost);
        Duration::from_nanos(self.time())
    }
}

impl Moods for Simulation {
    fn call(&self) -> Mood {
        let (cost, mood) = {
            let State { random, weather, is_calm, .. } = &mut *self.state();
            let stall = !*is_calm && random.chance(10.0 * weather.stall);
            let cost = if stall { random.whole(5..100) as u64 * MS } else { random.whole(10_000..300_000) as u64 };
            let [fails, garbage, knows] = weather.model;
            let chance = random.number(0.0, 1.0);
            let mood = if *is_calm || chance < knows {
                Mood::Knows
            } else if chance < knows + fails {
                Mood::Fails
            } else if chance < knows + fails + garbage {
                Mood::Garbage
            } else {
                Mood::Ignores
            };
            (cost, mood)
        };
        self.pass(cost);
        // Where there is no life yet, the planner is being made that it begins with.
        if self.life().is_none() && mood == Mood::Fails { Mood::Ignores } else { mood }
    }

    fn bits(&self) -> u64 {
        self.state().random.next()
    }
}

impl Simulation {
    /// A simulation that hasn't begun.
    pub fn new(state: State, bundle: Arc<Bundle>) -> Arc<Self> {
        let ros_time = RosTime::simulated();
        ros_time.set(system_time(0));
        Arc::new(Self {
            time: AtomicU64::new(0),
            ros_time,
            state: Mutex::new(state),
            parts: Parts::default(),
            life: Mutex::default(),
            bundle,
        })
    }

    /// Everything but the node. Held for a few assignments, never while the node's code runs.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The simulated time in nanoseconds.
    pub fn time(&self) -> u64 {
        self.time.load(Ordering::Relaxed)
    }

    fn set_time(&self, time: u64) {
        if time > self.time() {
            self.time.store(time, Ordering::Relaxed);
            self.ros_time.set(system_time(time));
        }
    }

    /// The node's surroundings, while it lives.
    pub fn life(&self) -> Option<Arc<Life>> {
        lock(&self.life).clone()
    }

    /// Time passes, and what is due meanwhile happens.
    pub fn pass(&self, time: u64) {
        let mut until = self.time() + time;
        if time >= LONG {
            self.notice();
        }
        loop {
            let next = {
                let state = &mut *self.state();
                until = until.max(state.frozen);
                if state.violation.is_some() { None } else { state.schedule.next(until) }
            };
            let Some((at, event)) = next else { break };
            self.set_time(at);
            self.happen(event);
        }
        self.set_time(until);
    }

    /// The next event happens, at its time, unless that is after `until`. `false` when there is none.
    pub fn proceed(&self, until: u64) -> bool {
        let next = self.state().schedule.next(until);
        let Some((at, event)) = next else { return false };
        self.set_time(at);
        self.happen(event);
        true
    }

    fn happen(&self, event: Event) {
        match event {
            Event::Wake(part) => {
                let frozen = self.state().frozen;
                if self.time() < frozen {
                    let delay = self.state().random.below(MS as usize / 10) as u64;
                    self.state().schedule.wake(part, frozen + delay);
                } else {
                    self.step(part);
                }
            }
            event => self.surroundings(event),
        }
        self.notice();
    }

    /// Wakes all who have something to do and aren't at work.
    fn notice(&self) {
        if self.time() < self.state().frozen {
            return;
        }
        let Some(life) = self.life() else { return };
        let parts = &self.parts;
        let soon = self.time() + MS;
        let has_work = |part| match part {
            Part::Spin => is_so(&parts.spin, |_| {
                let state = self.state();
                !(state.site.reader.is_empty() && state.scouts.reader.is_empty())
            }),
            Part::World => is_so(&parts.world, |_| life.inbox.has_news()),
            Part::Guidance => is_so(&parts.guidance, |guidance| !guidance.inbox.is_empty()),
            Part::Planner => is_so(&parts.planner, |planner| !planner.inbox.is_empty()),
            Part::Publisher => is_so(&parts.publisher, |publisher| !publisher.plans.events.is_empty()),
            Part::Workshop => is_so(&parts.workshop, |_| life.orders.is_waiting()),
        };
        for part in Part::ALL {
            let is_awake = self.state().schedule.wakes_by(part, soon);
            if !is_awake && has_work(part) {
                let state = &mut *self.state();
                let at = self.time() + state.latency();
                state.schedule.wake(part, at);
            }
        }
    }

    /// A new life of the node.
    pub fn start(self: &Arc<Self>) {
        let config = self.state().weather.config.clone();
        let (maker, judge) = (Arc::clone(self), Arc::clone(self));
        let make: Make = Box::new(move |config| maker.make_planner(config));
        let records: Records = Box::new(move |record| judge.record(&record));
        let clock = NodeClock::simulated(Arc::<Self>::clone(self));
        let Ok(node) = Node::start(clock, self.ros_time.clone(), &config, make, records) else {
            self.violate("the node doesn't start");
            return;
        };
        *lock(&self.life) = Some(self.parts.fill(node));
        let now = self.time();
        let state = &mut *self.state();
        state.oracle = Oracle::new(&config);
        lock(&state.answers).clear();
        (state.taken, state.made, state.planned) = (Oldest::default(), 0, now);
        state.is_half_made = false;
        state.site.reader.clear();
        state.scouts.begin();
        (state.was_stopped, state.must_kill) = (false, false);
        state.trace.note(now, "start", &[]);
        for part in Part::ALL {
            state.schedule.wake(part, now + MS);
        }
    }

    /// The node ends at once.
    pub fn kill(&self) {
        let life = lock(&self.life).take();
        self.parts.clear();
        drop(life);
    }

    /// Something doesn't hold: the simulation ends.
    pub fn violate(&self, what: &str) {
        let now = self.time();
        let state = &mut *self.state();
        state.trace.note(now, "violation", &[]);
        state.violation.get_or_insert_with(|| format!("{:.6} s: {what}", now as f64 / 1e9));
    }

    /// Makes a planner, which takes its time.
    ///
    /// # Errors
    /// When the model fails as it is tried.
    pub fn make_planner(self: &Arc<Self>, config: &Config) -> Result<Planner, LoadError> {
        let made = self.try_to_make(config);
        let state = &mut *self.state();
        state.is_half_made = made.is_ok() && !state.is_half_made;
        if made.is_ok() && !state.is_half_made {
            state.made = config.node.bundle.parse().unwrap_or_default();
        }
        made
    }

    fn try_to_make(self: &Arc<Self>, config: &Config) -> Result<Planner, LoadError> {
        let (cost, fails, is_real) = {
            let State { random, weather, is_calm, .. } = &mut *self.state();
            (random.below(200 * MS as usize) as u64, !*is_calm && random.chance(0.05), weather.is_real)
        };
        if self.life().is_some() {
            self.pass(cost);
            if fails {
                return Err(InferenceError::new(Graph::Net, "simulated").into());
            }
        }
        let size = config.planner.window_size as usize;
        let real = if is_real { Some(fastest(&self.bundle, size)?) } else { None };
        let moods = Arc::<Self>::clone(self);
        let graphs = Box::new(SimulatedModel::new(moods, real, size));
        let backend = Box::new(HostBackend::new(&self.bundle, graphs));
        Planner::with_backend(&config.grid, &config.planner, &self.bundle, backend, &**self)
    }

    /// ROS publishes a path, which takes its time.
    ///
    /// # Errors
    /// When ROS refuses it.
    pub fn publish(&self, poses: &[Pose], stamp: Duration) -> Result<(), Failure> {
        let (cost, is_taken) = {
            let State { random, is_calm, hang, .. } = &mut *self.state();
            (random.below(MS as usize / 3) as u64 + std::mem::take(hang), *is_calm || random.chance(0.995))
        };
        self.pass(cost);
        let state = &mut *self.state();
        state.oracle.publication = Some(Publication { poses: poses.to_vec(), stamp, is_taken });
        if is_taken { Ok(()) } else { Err(Failure::Publish) }
    }

    /// A record has come.
    pub fn record(&self, record: &Record) {
        let now = self.time();
        let verdict = {
            let state = &mut *self.state();
            let Record::Plan(record) = record else {
                state.trace.note(now, "goal reached", &[]);
                state.oracle.result = Some((Ok(()), now));
                return;
            };
            let path = state.oracle.publication.as_ref().filter(|path| path.is_taken).map(|path| path.poses.clone());
            let numbers =
                [record.number, record.total.as_nanos() as u64, record.map.held.messages, record.length.to_bits()];
            state.trace.note(now, if path.is_some() { "path" } else { "no path" }, &numbers);
            state.trace.explain(|| {
                format!(
                    "{:?} {:?} lag {:?} {:?}",
                    record.result,
                    record.report.map(|r| r.source),
                    record.map.lag,
                    record.map.suspect
                )
            });
            if let Some(path) = &path {
                state.trace.explain(|| {
                    path.iter().map(|pose| format!("({:.3}, {:.3})", pose.x, pose.y)).collect::<Vec<_>>().join(" ")
                });
            }
            state.plans[0] += 1;
            let answered = (record.kind != Kind::Tick).then(|| lock(&state.answers).pop());
            if let Some(path) = path {
                state.plans[1] += 1;
                if answered.is_none() {
                    state.route = (path, 0);
                }
            }
            match answered {
                None => state.oracle.judge(record, None, now),
                Some(None) => Err("a request has a record, and no answer".to_owned()),
                Some(Some(number)) => match state.oracle.requests.remove(&number) {
                    Some(request) => state.oracle.judge(record, Some(&request), now),
                    None => Err(format!("request {number} is answered twice")),
                },
            }
        };
        if let Err(what) = verdict {
            self.violate(&format!(
                "plan {}: {what}",
                match record {
                    Record::Plan(record) => record.number,
                    _ => 0,
                }
            ));
        }
    }
}
