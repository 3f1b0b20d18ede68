//! A* over the states of a whole map, led by a cost-to-go of positions, from an exact pose to an exact pose.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use trm_grid::travel::Travel as Ground;
use trm_grid::units::Cell;

use crate::clearance::{Clearance, Escape};
use crate::connect::{Around, Connector, capacity, pose};
use crate::curves::{Curve, cheapest};
use crate::lattice::{Lattice, State, Travel};
use crate::pose::CellPose;
use crate::roll_out::{Step, most_steps};
use crate::state_table::{NONE, StateTable};
use crate::tariff::curve_cost;
use draft::Draft;
use goal_field::GoalField;
pub use request::Request;
use window_size::WindowSize;
use windows::Windows;
pub use world::World;

mod closer;
mod draft;
mod goal_field;
mod guided;
mod request;
mod window_size;
mod windows;
mod world;
mod written;

/// Expansions, or connectors, between two questions whether to go on.
const STRIDE: u32 = 16;
/// Of the expansions at this cost-to-go, in cells, every other one tries a curve straight to the goal; of those at
/// half of it every one, at twice of it every fourth.
const SHOT: f32 = 16.0;
/// Marks the goal among the waiting states.
const GOAL: u32 = NONE;

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// There is a path, of this cost in cells: [`Search::path`].
    Found(f32),
    /// There is none: every state that can be reached was expanded.
    None,
    /// No state can be reached from the start, nor the goal straight from it.
    NoStart,
    /// The goal can be reached from no state, and no state is near enough to it.
    NoEnd,
    /// It was told to stop. The next call with the same request goes on.
    Interrupted,
    /// There are more states than fit.
    OutOfRoom,
}

/// A waiting state, the cheapest first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Waiting {
    estimate: f32,
    cost: f32,
    slot: u32,
}

impl Eq for Waiting {}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        // Of equals the one that is nearer to the goal.
        other.estimate.total_cmp(&self.estimate).then(self.cost.total_cmp(&other.cost)).then(self.slot.cmp(&other.slot))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a search does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It looks for ways to the states around the start, from a number on.
    Starts(usize),
    /// It looks for ways from the states around the goal, from a number on.
    Ends(usize),
    Expanding,
    /// It looks for a car's ways into a goal, from a number on.
    WaysIn(usize),
    /// It computes the field around the goal.
    GoalField,
    /// It looks closer at the surroundings of a cell; whether it has begun.
    Window(Cell, bool),
    Done,
}

/// How the goal was reached.
#[derive(Debug, Clone)]
struct Arrival {
    cost: f32,
    /// The slot of the last state; [`NONE`] if the last curve begins at the start.
    parent: u32,
    last: Last,
}

/// The way from the last state to the goal.
#[derive(Debug, Clone)]
enum Last {
    /// A curve; none if that state is near enough.
    Curve(Option<Curve>),
    /// What the field around the goal says.
    Field,
    /// The steps that the guidance has told, and a curve; none if the last state is near enough.
    Guidance(Option<Curve>),
}

/// A search. Its memory is taken once; it keeps its work between calls.
#[derive(Debug)]
pub struct Search {
    /// Edges by the heading where they begin.
    outgoing: Vec<Vec<u32>>,
    states: StateTable,
    waiting: BinaryHeap<Waiting>,
    starts: Vec<Connector>,
    /// In the order of their states.
    ends: Vec<Connector>,
    escape: Escape,
    arrival: Option<Arrival>,
    /// Whether the exact goal can be driven to from some state.
    is_exact: bool,
    /// The request that is worked on, and the version of the costs.
    work: Option<(Request, u64)>,
    stage: Stage,
    expansions: u32,
    until_shot: u32,
    goal_field: GoalField,
    windows: Windows,
    /// The least cost-to-go of a state that was expanded, and the expansions since.
    nearest: f32,
    since: u32,
    /// The slots of the path that is written.
    chain: Vec<u32>,
    /// The guidance over headings that was followed to no end.
    followed: Option<(u64, u16)>,
    /// States around the start by what they cost at least.
    drafts: BinaryHeap<Draft>,
    /// The way that the guidance tells.
    steps: Vec<Step>,
}

impl Search {
    /// A search for a lattice, with room for this many states.
    #[must_use]
    pub fn with_room(lattice: &Arc<Lattice>, travel: Ground, states: usize) -> Self {
        let mut outgoing = vec![Vec::new(); lattice.headings().len()];
        for (at, edge) in lattice.edges().iter().enumerate() {
            outgoing[edge.from as usize].push(at as u32);
        }
        let connectors = capacity(lattice);
        let size = WindowSize::of(lattice);
        Self {
            outgoing,
            states: StateTable::with_room(states),
            waiting: BinaryHeap::with_capacity(2 * states.max(connectors)),
            starts: Vec::with_capacity(connectors),
            ends: Vec::with_capacity(connectors),
            escape: Escape::with_reach(lattice.outline().reach()),
            arrival: None,
            is_exact: false,
            work: None,
            stage: Stage::Done,
            expansions: 0,
            until_shot: 0,
            goal_field: GoalField::new(lattice, size, travel, connectors),
            windows: Windows::new(lattice, size, travel, connectors),
            nearest: f32::INFINITY,
            since: 0,
            chain: Vec::with_capacity(states.min(1 << 16)),
            followed: None,
            drafts: BinaryHeap::with_capacity(connectors),
            steps: Vec::with_capacity(most_steps(lattice)),
        }
    }

    /// How many states the present search has expanded.
    #[must_use]
    pub const fn expansions(&self) -> u32 {
        self.expansions
    }

    /// How many states the present search has seen.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.states.len()
    }

    /// Whether there is a path already, though perhaps not one as cheap as asked for.
    #[must_use]
    pub const fn has_path(&self) -> bool {
        self.arrival.is_some()
    }

    /// Forgets what it was interrupted in: the next search begins from nothing.
    pub const fn forget(&mut self) {
        self.stage = Stage::Done;
    }

    /// Searches, or goes on if the request and the version of the costs are those of the last call, which was interrupted.
    /// The lattice must be the one that the search was made for. `may_go_on` is asked every few expansions. Never
    /// allocates.
    pub fn run(
        &mut self,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Outcome {
        let clearance = Clearance::new(world.lattice.outline(), world.blocked);
        let work = (*request, world.blocked.version());
        if self.stage == Stage::Done || self.work != Some(work) {
            self.work = Some(work);
            self.begin(request, &clearance);
        }
        if let Some(outcome) = self.follow(world, request, &clearance, may_go_on) {
            if outcome != Outcome::Interrupted {
                self.stage = Stage::Done;
            }
            return outcome;
        }
        let outcome = loop {
            let ended = match self.stage {
                Stage::Starts(next) => self.find_starts(next, world, request, &clearance),
                Stage::Ends(next) => self.find_ends(next, world, request, &clearance),
                Stage::Expanding => self.expand_some(world, request, &clearance),
                Stage::WaysIn(next) => self.find_ways_in(next, world, request, &clearance),
                Stage::GoalField => self.work_on_goal_field(world, request, may_go_on),
                Stage::Window(cell, is_begun) => self.work_on_window((cell, is_begun), world, request, may_go_on),
                Stage::Done => Some(Outcome::None),
            };
            if let Some(outcome) = ended {
                break outcome;
            }
            if !may_go_on() {
                return Outcome::Interrupted;
            }
        };
        self.stage = Stage::Done;
        match (outcome, &self.arrival) {
            (Outcome::OutOfRoom | Outcome::None, Some(arrival)) => Outcome::Found(arrival.cost),
            (outcome, _) => outcome,
        }
    }

    fn begin(&mut self, request: &Request, clearance: &Clearance) {
        self.states.clear();
        self.waiting.clear();
        self.starts.clear();
        self.ends.clear();
        self.arrival = None;
        self.is_exact = false;
        self.expansions = 0;
        self.until_shot = 0;
        self.windows.clear();
        self.followed = None;
        (self.nearest, self.since) = (f32::INFINITY, 0);
        self.stage = Stage::Starts(0);
        if Around::is_near(request.goal) {
            self.goal_field.begin(request.goal.at().cell());
        }
        if Around::is_near(request.start) {
            self.escape.begin(request.start, request.start_tolerance, clearance);
        }
    }

    /// Looks for ways to some of the states around the start.
    fn find_starts(
        &mut self,
        next: usize,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        clearance: &Clearance,
    ) -> Option<Outcome> {
        let Some(around) = Around::new(request.start, world.lattice) else { return Some(Outcome::NoStart) };
        let last = around.count().min(next + STRIDE as usize);
        for number in next..last {
            let state = around.state(number);
            let to_go = world.to_go(state.cell);
            if !to_go.is_finite() {
                continue;
            }
            let Some(start) = around.to(state, world.lattice, clearance, &self.escape, &world.weight) else { continue };
            let estimate = start.cost + world.estimate(state, request, 0.0);
            let slot = self.states.find(state);
            self.states.set(slot, state, (start.cost, NONE, self.starts.len() as u32));
            self.waiting.push(Waiting { estimate, cost: start.cost, slot });
            self.starts.push(start);
        }
        self.stage = if last < around.count() { Stage::Starts(last) } else { Stage::Ends(0) };
        None
    }

    /// Looks for ways from some of the states around the goal; in the end, if there are none, for states that will do.
    fn find_ends(
        &mut self,
        next: usize,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        clearance: &Clearance,
    ) -> Option<Outcome> {
        let Some(around) = Around::new(request.goal, world.lattice) else { return Some(Outcome::NoEnd) };
        let last = around.count().min(next + STRIDE as usize);
        for state in (next..last).map(|number| around.state(number)) {
            self.ends.extend(around.from(state, world.lattice, clearance, &world.weight));
        }
        if last < around.count() {
            self.stage = Stage::Ends(last);
            return None;
        }
        self.is_exact = clearance.is_clear_at(request.goal);
        if !self.is_exact || self.ends.is_empty() {
            self.ends.clear();
            let states = (0..around.count()).map(|number| around.state(number));
            let tolerance = request.goal_tolerance;
            let instead = states.filter_map(|state| around.instead(state, world.lattice, clearance, tolerance));
            self.ends.extend(instead);
        }
        self.ends.sort_unstable_by_key(|end| end.state);
        self.stage = Stage::Expanding;
        if self.is_exact {
            self.shoot(NONE, request.start, world, request, clearance);
        }
        if self.waiting.is_empty() {
            return Some(Outcome::NoStart);
        }
        (self.ends.is_empty() && !self.is_exact).then_some(Outcome::NoEnd)
    }

    /// Expands some states.
    fn expand_some(
        &mut self,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        clearance: &Clearance,
    ) -> Option<Outcome> {
        for _ in 0..STRIDE {
            let Some(next) = self.waiting.pop() else { return Some(Outcome::None) };
            if next.slot == GOAL {
                return Some(Outcome::Found(next.cost));
            }
            let slot = self.states.get(next.slot);
            if slot.is_closed || slot.cost < next.cost {
                continue;
            }
            let state = self.states.state(next.slot);
            if let Some(stage) = self.look_closer(state.cell, world, request) {
                self.stage = stage;
                self.waiting.push(next);
                return None;
            }
            self.states.close(next.slot);
            self.expansions += 1;
            if let Ok(at) = self.ends.binary_search_by_key(&state, |end| end.state) {
                let end = &self.ends[at];
                let arrival =
                    Arrival { cost: next.cost + end.cost, parent: next.slot, last: Last::Curve(end.curve.clone()) };
                self.arrive(arrival);
            }
            if self.is_exact && self.until_shot == 0 && (self.arrival.is_none() || !self.goal_field.is_ready()) {
                self.shoot(next.slot, pose(state, world.lattice), world, request, clearance);
                self.until_shot = (world.to_go(state.cell) / SHOT) as u32;
            } else {
                self.until_shot = self.until_shot.saturating_sub(1);
            }
            if !self.expand(next.slot, state, world, request) {
                return Some(Outcome::OutOfRoom);
            }
        }
        None
    }

    /// Tries the cheapest curve from a pose to the goal, of which the robot knows that it is clear.
    fn shoot(
        &mut self,
        parent: u32,
        from: CellPose,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        clearance: &Clearance,
    ) {
        let motion = world.lattice.motion();
        let Some(curve) = cheapest(from, request.goal, motion) else { return };
        let before = if parent == NONE { 0.0 } else { self.states.get(parent).cost };
        let bound = self.arrival.as_ref().map_or(f32::INFINITY, |arrival| arrival.cost);
        if before + curve.cost(motion) as f32 >= bound {
            return;
        }
        // Most curves meet something soon: that is known before what the whole of it costs.
        let is_clear =
            if parent == NONE { self.escape.allows(&curve, clearance) } else { clearance.is_clear_along(&curve) };
        if is_clear {
            let cost = before + curve_cost(&curve, motion, &world.weight) as f32;
            self.arrive(Arrival { cost, parent, last: Last::Curve(Some(curve)) });
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        if self.arrival.as_ref().is_some_and(|best| best.cost <= arrival.cost) {
            return;
        }
        let cost = arrival.cost;
        self.arrival = Some(arrival);
        // If there is no room for it, the search ends without room and with a path.
        self.wait(Waiting { estimate: cost, cost, slot: GOAL });
    }

    /// Adds a waiting state. Where there is no room, those go that a cheaper way has been found to. Returns whether it fits.
    fn wait(&mut self, waiting: Waiting) -> bool {
        if self.waiting.len() == self.waiting.capacity() {
            let states = &self.states;
            let is_current = |entry: &Waiting| {
                entry.slot == GOAL || !states.get(entry.slot).is_closed && states.get(entry.slot).cost >= entry.cost
            };
            self.waiting.retain(is_current);
        }
        let fits = self.waiting.len() < self.waiting.capacity();
        if fits {
            self.waiting.push(waiting);
        }
        fits
    }

    /// Adds what a state leads to. Returns false if there is no room for it.
    fn expand(
        &mut self,
        from: u32,
        state: State,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
    ) -> bool {
        let before = self.states.get(from).cost;
        let travel = self.travel_to(from, world.lattice);
        for at in 0..self.outgoing[state.heading as usize].len() {
            let number = self.outgoing[state.heading as usize][at];
            let edge = &world.lattice.edges()[number as usize];
            let cell = Cell::new(state.cell.col + edge.step.col, state.cell.row + edge.step.row);
            let to_go = world.to_go(cell);
            if !to_go.is_finite() {
                continue;
            }
            let next = State { cell, heading: edge.to };
            let changes = [Some(Travel::Forward), Some(Travel::Backward)].contains(&travel)
                && edge.travel != Travel::Turn
                && travel != Some(edge.travel);
            let change = if changes { world.lattice.motion().change_penalty as f32 } else { 0.0 };
            let cost = before + world.edge_cost(edge, state.cell) + change;
            let slot = self.states.find(next);
            let is_known = self.states.is_used(slot);
            if is_known && (self.states.get(slot).is_closed || self.states.get(slot).cost <= cost) {
                continue;
            }
            if !world.is_clear(edge, state.cell) {
                continue;
            }
            if !is_known && !self.states.has_room() {
                return false;
            }
            self.states.set(slot, next, (cost, from, number));
            if let Some(rest) = self.goal_field.cost(next) {
                self.arrive(Arrival { cost: cost + rest, parent: slot, last: Last::Field });
                continue;
            }
            let outside = world.estimate(next, request, self.goal_field.surplus());
            let rest = self.windows.estimate(next, outside).unwrap_or(outside);
            if !self.wait(Waiting { estimate: cost + rest, cost, slot }) {
                return false;
            }
        }
        true
    }

    /// How the robot came to a state; `None` where a connector leads there.
    fn travel_to(&self, slot: u32, lattice: &Lattice) -> Option<Travel> {
        let slot = self.states.get(slot);
        (slot.parent != NONE).then(|| lattice.edges()[slot.by as usize].travel)
    }
}

#[cfg(test)]
mod tests;
