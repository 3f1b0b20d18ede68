//! Where a search looks closer: it computes fields, and estimates anew what is waiting.

use trm_config::MotionModel;
use trm_grid::units::Cell;

use super::windows::Windows;
use super::{Arrival, GOAL, Last, Outcome, Request, STRIDE, Search, Stage, Waiting, World};
use crate::clearance::Clearance;
use crate::connect::{Around, WAYS_IN_COUNT};
use crate::lattice::State;

impl Search {
    /// What to look closer at before a state is expanded.
    pub(super) fn look_closer(
        &mut self,
        cell: Cell,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
    ) -> Option<Stage> {
        // Costs of fields are rounded, and windows know of no way that leaves them and comes back.
        if request.greed <= 1.0 {
            return None;
        }
        if self.goal_field.is_unknown() && self.goal_field.covers(cell) {
            let has_ways_in = self.is_exact && world.lattice.motion().model == MotionModel::Car;
            return Some(if has_ways_in { Stage::WaysIn(0) } else { Stage::GoalField });
        }
        let to_go = world.to_go(cell);
        self.since += 1;
        if to_go < self.nearest - self.windows.size().progress() {
            (self.nearest, self.since) = (to_go, 0);
        }
        if self.since <= self.windows.size().patience(self.expansions) {
            return None;
        }
        (self.nearest, self.since) = (self.nearest.min(to_go), 0);
        Some(Stage::Window(cell, false))
    }

    /// Looks for some of a car's ways into the goal.
    pub(super) fn find_ways_in(
        &mut self,
        next: usize,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        clearance: &Clearance,
    ) -> Option<Outcome> {
        let Some(around) = Around::new(request.goal, world.lattice) else { return Some(Outcome::NoEnd) };
        let last = WAYS_IN_COUNT.min(next + STRIDE as usize);
        for state in (next..last).map(|number| around.on_way_in(number, world.lattice)) {
            let is_inside = world.to_go(state.cell).is_finite() && self.ends.len() < self.ends.capacity();
            let end = if is_inside { around.in_from(state, world.lattice, clearance, &world.weight) } else { None };
            self.ends.extend(end);
        }
        if last < WAYS_IN_COUNT {
            self.stage = Stage::WaysIn(last);
            return None;
        }
        self.ends.sort_unstable_by(|one, other| one.state.cmp(&other.state).then(one.cost.total_cmp(&other.cost)));
        self.ends.dedup_by_key(|end| end.state);
        self.stage = Stage::GoalField;
        None
    }

    pub(super) fn work_on_goal_field(
        &mut self,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Outcome> {
        self.goal_field.work(&self.ends, (world.blocked, &world.weight), &mut gets_on(may_go_on));
        if !self.goal_field.is_ready() {
            return None;
        }
        self.goal_field.compare(|cell| request.greed.max(1.0) * world.to_go(cell));
        let surplus = self.goal_field.surplus();
        self.windows.raise(surplus);
        self.stage = Stage::Expanding;
        let mut all = std::mem::take(&mut self.waiting).into_vec();
        all.retain_mut(|waiting| {
            if waiting.slot == GOAL {
                return true;
            }
            let slot = self.states.get(waiting.slot);
            if slot.is_closed || slot.cost < waiting.cost {
                return false;
            }
            let Some(rest) = self.goal_field.cost(self.states.state(waiting.slot)) else {
                waiting.estimate += surplus;
                return true;
            };
            let cost = waiting.cost + rest;
            if self.arrival.as_ref().is_none_or(|best| cost < best.cost) {
                self.arrival = Some(Arrival { cost, parent: waiting.slot, last: Last::Field });
            }
            false
        });
        self.waiting = all.into();
        if let Some(cost) = self.arrival.as_ref().map(|arrival| arrival.cost) {
            self.wait(Waiting { estimate: cost, cost, slot: GOAL });
        }
        None
    }

    pub(super) fn work_on_window(
        &mut self,
        (cell, is_begun): (Cell, bool),
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Outcome> {
        let may_go_on = &mut gets_on(may_go_on);
        let surplus = self.goal_field.surplus();
        let outside = |state: State| world.estimate(state, request, surplus);
        let is_whole = if is_begun {
            self.windows.go_on(may_go_on)
        } else {
            let goal_field = &self.goal_field;
            let estimate = |windows: &Windows, state: State| {
                let outside = outside(state);
                if !outside.is_finite() {
                    return outside;
                }
                goal_field.cost(state).or_else(|| windows.estimate(state, outside)).unwrap_or(outside)
            };
            self.windows.begin(cell, &self.ends, estimate, (world.blocked, &world.weight), may_go_on)
        };
        self.stage = if is_whole { Stage::Expanding } else { Stage::Window(cell, true) };
        if !is_whole {
            return None;
        }
        let mut all = std::mem::take(&mut self.waiting).into_vec();
        for waiting in all.iter_mut().filter(|waiting| waiting.slot != GOAL) {
            let state = self.states.state(waiting.slot);
            if !self.windows.newest_covers(state.cell) {
                continue;
            }
            if let Some(rest) = self.windows.estimate(state, outside(state)) {
                waiting.estimate = waiting.cost + rest;
            }
        }
        self.waiting = all.into();
        None
    }
}

/// A question whether to go on that is answered with yes at first: however little time there is, something gets done.
fn gets_on(may_go_on: &mut dyn FnMut() -> bool) -> impl FnMut() -> bool {
    let mut asked = 0;
    move || {
        asked += 1;
        asked <= 2 || may_go_on()
    }
}
