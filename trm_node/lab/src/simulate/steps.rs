//! The steps of the node's state machines.

use std::sync::Arc;
use std::time::Duration;

use trm_flow::heartbeats::HEARTBEAT;
use trm_flow::map::inbox::Batch;
use trm_flow::map::intake::Origin;
use trm_flow::map::message::GridUpdate;
use trm_grid::costmap::Costmap;

use crate::judge::raw_map::Class;
use crate::simulate::node::{PlannerPart, SpinPart};
use crate::simulate::schedule::Part;
use crate::simulate::simulation::Simulation;
use crate::simulate::site::{Content, system_time};
use crate::simulate::state::State;
use crate::simulate::weather::{MS, S};

/// Room that a step may need in the planner thread's ring; a thread without it would wait.
const ROOM: usize = 16;
/// Messages that the main thread takes at once.
const AT_ONCE: usize = 64;
/// The main thread comes round this often.
const SPIN: u64 = 50 * MS;
/// A suspect grid is asked for again at most this often.
const ASK_AGAIN: u64 = 5 * S;

impl Simulation {
    /// A state machine looks what there is to do.
    pub fn step(&self, part: Part) {
        let Some(life) = self.life() else { return };
        if part != Part::Planner && part != Part::Publisher && life.commands.planner.room() < ROOM {
            let at = self.time() + MS;
            return self.state().schedule.wake(part, at);
        }
        match part {
            Part::Spin => self.spin(),
            Part::World => self.world(),
            Part::Guidance => {
                let Ok(mut guidance) = self.parts.guidance.try_lock() else { return };
                if let Some(guidance) = guidance.as_mut() {
                    guidance.worker.step(&guidance.inbox);
                }
            }
            Part::Planner => self.plan(),
            Part::Publisher => {
                let Ok(mut publisher) = self.parts.publisher.try_lock() else { return };
                if let Some(publisher) = publisher.as_mut() {
                    publisher.step(&mut |poses, stamp| self.publish(poses, stamp));
                }
            }
            Part::Workshop => self.make(),
        }
        let again = match part {
            Part::Spin => SPIN,
            Part::World => 100 * MS,
            Part::Guidance => 20 * MS,
            Part::Planner => return,
            Part::Publisher | Part::Workshop => 500 * MS,
        };
        let at = self.time() + again;
        self.state().schedule.wake(part, at);
    }

    /// The main thread takes messages in.
    fn spin(&self) {
        let Ok(mut spin) = self.parts.spin.try_lock() else { return };
        let Some(spin) = spin.as_mut() else { return };
        self.sight(spin);
        for _ in 0..AT_ONCE {
            let Some(packet) = self.state().site.reader.pop_front() else { break };
            let origin = Origin { taken: system_time(self.time()), ..packet.origin };
            let stamp = origin.published.map_or(Duration::ZERO, |published| published.at);
            match packet.content.clone() {
                Content::Whole(grid) => spin.intake.whole(grid, stamp, origin),
                Content::Update(update) => spin.intake.update(update, stamp, origin),
            }
            let now = self.time();
            let state = &mut *self.state();
            match &packet.content {
                Content::Whole(grid) => state.oracle.arrivals.whole(grid, origin, now),
                Content::Update(update) => state.oracle.arrivals.update(update.as_ref(), origin, now),
            }
            let kind = if let Content::Whole(_) = packet.content { "whole" } else { "update" };
            let at = origin.published.map_or(0, |published| published.at.as_nanos() as u64);
            state.trace.note(now, kind, &[state.oracle.arrivals.count, at]);
            state.trace.explain(|| match &packet.content {
                Content::Update(Some(GridUpdate { rect, .. })) => format!("{origin:?} {rect:?}"),
                _ => format!("{origin:?}"),
            });
        }
        let (stopped, began) = (std::mem::take(&mut self.state().was_stopped), self.time());
        let should_ask = spin.intake.settle(stopped, system_time(began));
        self.look_for_sighted(spin, began);
        if !should_ask {
            spin.asked = None;
        } else if spin.asked.is_none_or(|asked| self.time() >= asked + ASK_AGAIN) {
            spin.asked = Some(self.time());
            let now = self.time();
            let state = &mut *self.state();
            state.trace.note(now, "ask for the grid", &[]);
            for packet in state.site.latched(now, &mut state.random) {
                state.schedule.deliver(packet);
            }
        }
    }

    /// The scout tells what it has heard.
    fn sight(&self, spin: &mut SpinPart) {
        for _ in 0..AT_ONCE {
            let Some(origin) = self.state().scouts.reader.pop_front() else { break };
            let origin = Origin { taken: system_time(self.time()), ..origin };
            spin.intake.sight(origin);
            let state = &mut *self.state();
            state.scouts.tell(origin);
            state.trace.explain(|| format!("heard of {origin:?}"));
        }
    }

    /// The intake has looked for what the scout has told, from this time on. It looks again while something is missing.
    fn look_for_sighted(&self, spin: &SpinPart, began: u64) {
        let ended = self.time();
        let State { scouts, oracle, schedule, .. } = &mut *self.state();
        scouts.look(&mut oracle.arrivals, (began, ended));
        if let Some(patience) = spin.intake.patience() {
            schedule.wake(Part::Spin, ended + patience.as_nanos() as u64);
        }
    }

    fn world(&self) {
        let Ok(mut world) = self.parts.world.try_lock() else { return };
        let (Some(world), Some(life)) = (world.as_mut(), self.life()) else { return };
        let batch: Batch = life.inbox.take(Duration::ZERO);
        let config = batch.config.as_ref().and_then(|config| config.node.bundle.parse().ok());
        let now = self.time();
        self.state().trace.note(
            now,
            "world",
            &[batch.held.messages, batch.updates.len() as u64, u64::from(batch.grid.is_some())],
        );
        world.step(batch);
        let state = &mut *self.state();
        if let Some(config) = config {
            state.taken.thread = config;
        }
        if world.is_up_to_date() {
            state.taken.costs = state.taken.thread;
        }
    }

    fn make(&self) {
        let Ok(mut workshop) = self.parts.workshop.try_lock() else { return };
        if let Some(workshop) = workshop.as_mut() {
            workshop.step(Duration::ZERO);
            let state = &mut *self.state();
            state.taken.planner = state.made;
        }
    }

    /// The planner thread takes its events, and plans if that is due.
    fn plan(&self) {
        let Ok(mut planner) = self.parts.planner.try_lock() else { return };
        let Some(PlannerPart { thread, inbox, costs }) = planner.as_mut() else { return };
        let began = self.time();
        let taken = {
            let state = &mut *self.state();
            state.oracle.begin_step(began);
            state.taken
        };
        let before = thread.plans();
        thread.step(inbox);
        let next = thread.next(Duration::from_nanos(self.time()));
        let version = thread.costmap().map(Costmap::version);
        if costs.as_ref().map(|(version, _)| *version) != version {
            *costs = thread.costmap().map(|costmap| {
                let classes = costmap.costs().into_iter().map(Class::of_cost).collect();
                (costmap.version(), (*costmap.geometry(), Arc::new(classes)))
            });
        }
        let costs = costs.as_ref().map(|(_, costs)| costs.clone());
        let state = &mut *self.state();
        let plan = (thread.plans() > before).then(|| thread.plans());
        state.oracle.end_step(before + 1..=thread.plans(), costs.as_ref());
        if inbox.is_empty() {
            state.oracle.oldest = taken;
        }
        let (now, has_plan) = (self.time(), plan.is_some());
        let periods = state.oracle.configs[taken.thread..].iter().map(|config| 1.0 / config.node.planner_frequency);
        let patience = 3 * S / 2 + (2.0 * periods.fold(0.0, f64::max) * S as f64) as u64;
        // Without ticks it only shows that it is alive.
        let has_ticks = next < Duration::from_nanos(now) + HEARTBEAT;
        let is_silent = began.saturating_sub(state.planned) > patience;
        if has_plan || !has_ticks {
            state.planned = now;
        } else if !is_silent {
            // While others kept it from going on, it couldn't plan.
            state.planned += now - began;
        } else {
            state.violation.get_or_insert_with(|| format!("{:.6} s: no plan for {patience} ns", now as f64 / 1e9));
        }
        let at = next.as_nanos() as u64 + state.latency();
        state.schedule.wake(Part::Planner, at);
    }
}
